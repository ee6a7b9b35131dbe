"""When the next order comes: quartiles by hand, dates, and what holds for whatever is predicted."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regulars.clock import Cutoff
from regulars.models.coherent import coherent_silence
from regulars.models.next_order import TAIL, YEAR, NextOrder
from regulars.models.prior import PriorColumns
from regulars.models.sample import Sample

from ..simulated import rows_now, trained

Float64 = NDArray[np.float64]
HORIZONS = (7, 14, 30, 60, 90)


@cache
def rows(n: int) -> Sample:
    """So many rows of the shop, whose prior speaks of every horizon wanted here."""
    now = rows_now(trained()).take(np.arange(n))
    prior = trained().model.prior
    return replace(now, priors={h: prior.columns(now.panel.rhythm, h) for h in (*HORIZONS, *TAIL)})


def mute(sample: Sample) -> Sample:
    """The same without a prior."""
    nothing = np.full(sample.n_rows, np.nan)
    return replace(sample, priors={h: PriorColumns(*[nothing] * 5) for h in sample.priors})


def test_quartiles_are_of_the_days_on_which_an_order_comes_if_one_comes_within_a_year() -> None:
    # Half buys by day 100 and half not within a year: of those who do, evenly on the log, a quarter is reached where
    # S = 1 - .5 / 4 = .875, at 100 ln(.875) / ln(.5) = 19.26 days, in the course of day 19; S = .75 at 41.5 days, and
    # S = .625 at 67.8.
    half = np.array([0.5])
    found = NextOrder.of({100: half, 180: half, YEAR: half}, rows(1))
    assert found.p_year.tolist() == pytest.approx([0.5])
    assert found.days[:, 0].tolist() == [19, 41, 67]


def test_an_order_on_the_very_day_is_no_days_away() -> None:
    # 99 % within a week: an even fall puts the median at 7 ln(.505) / ln(.01) = 1.04 days, in the course of day 1.
    found = NextOrder.of({7: np.array([0.01]), YEAR: np.array([0.01])}, rows(1))
    assert found.days[:, 0].tolist() == [0, 1, 2]
    assert found.dates(np.array([Cutoff.parse("2024-02-28").day])) == (["2024-02-28"], ["2024-02-29"], ["2024-03-01"])


def test_no_date_is_named_for_an_order_less_likely_than_not() -> None:
    found = NextOrder.of({YEAR: np.array([0.51, 0.49])}, rows(2))
    day = Cutoff.parse("2024-01-01").day
    assert [dates[0] for dates in found.dates(np.array([day, day]))] == ["", "", ""]
    assert all(dates[1] >= "2024-01-01" for dates in found.dates(np.array([day, day])))
    assert found.days[:, 0].tolist() == [-1, -1, -1]
    assert [d.tolist() for d in NextOrder.of({YEAR: np.zeros(0)}, rows(0)).dates(np.zeros(0, np.int64))] == [[], [], []]


def test_beyond_the_known_horizons_the_prior_leads_on() -> None:
    sample, silent = rows(50), np.full(50, 0.6)
    found = NextOrder.of({90: silent}, sample)
    # On the logit: log(.6 / .4) and what the prior adds from 90 days to a year.
    z = np.log(1.5) + sample.over(YEAR).silent - sample.over(90).silent
    assert found.p_year == pytest.approx(1 / (1 + np.exp(z)), rel=1e-9)
    assert (found.p_year > 0.4).all()


def test_without_a_prior_the_last_pace_goes_on() -> None:
    # .6 a quarter: .6^(365 / 90) = .126 is left after a year.
    found = NextOrder.of({90: np.full(5, 0.6)}, mute(rows(5)))
    assert found.p_year == pytest.approx(np.full(5, 1 - 0.6 ** (365 / 90)))


def test_of_whom_nothing_is_known_no_date_is_named() -> None:
    unknown = np.array([np.nan, 0.1])
    found = NextOrder.of({30: unknown, 90: unknown}, mute(rows(2)))
    assert found.p_year.tolist() == pytest.approx([0.0, 1 - 0.1 ** (365 / 90)])
    assert (found.days[:, 0] == -1).all()
    assert (found.days[:, 1] >= 0).all()


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=5, max_size=5), st.booleans())
def test_windows_are_ordered_within_the_year_and_never_before_today(p: list[list[float]], known: bool) -> None:
    silent = coherent_silence(dict(zip(HORIZONS, map(np.array, p), strict=True)), 90)
    found = NextOrder.of(silent, rows(3) if known else mute(rows(3)))
    assert ((found.p_year >= 0) & (found.p_year <= 1)).all()
    named = found.p_year >= 0.5
    assert (found.days[:, ~named] == -1).all()
    days = found.days[:, named]
    assert ((days >= 0) & (days < YEAR)).all()
    assert (np.diff(days, axis=0) >= 0).all()


def test_who_is_likelier_to_buy_soon_is_expected_no_later() -> None:
    sample = rows(2).take(np.array([0, 0]))
    p = {d: np.array([s, s**2]) for d, s in zip(HORIZONS, (0.9, 0.8, 0.6, 0.4, 0.3), strict=True)}
    found = NextOrder.of(p, sample)
    assert (found.days[:, 1] <= found.days[:, 0]).all()
    assert (found.days[:, 1] < found.days[:, 0]).any()


def test_the_window_given_the_truth_holds_half_of_the_orders() -> None:
    # Customers of one pace, an order every 40 days on average: S(d) = exp(-d / 40), almost all within a year. Whole
    # days hide a little of either end; 4,000 draws have a standard error of .008.
    rng, n = np.random.default_rng(0), 4000
    silent = {d: np.full(1, np.exp(-d / 40)) for d in (*HORIZONS, 180, YEAR)}
    low, middle, high = NextOrder.of(silent, rows(1)).days[:, 0]
    drawn = np.floor(rng.exponential(40, n))
    assert np.mean((drawn >= low) & (drawn <= high)) == pytest.approx(0.5, abs=0.03)
    assert np.mean(drawn <= middle) == pytest.approx(0.5, abs=0.03)
