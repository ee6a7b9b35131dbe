"""The level: drawn to the prior, moved by the twin a year earlier, shrunk by how well seasons repeat; off, and why."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regulars.clock import Cutoff
from regulars.features.history import Future
from regulars.features.panel import Label, Panel, Rhythm, Totals
from regulars.models.boosted import Setting
from regulars.models.churn import Churn
from regulars.models.ensemble import CHURN, as_members
from regulars.models.level import Level, Residuals, gate_days
from regulars.models.market import market_wide
from regulars.models.metrics import logit, shift_to, sigmoid
from regulars.models.prior import PriorColumns
from regulars.models.sample import Sample

START = Cutoff.parse("2021-01-01")
LOGITS = st.lists(st.floats(-6, 6), min_size=1, max_size=20)
PEOPLE = 400


def sample(
    days: list[int], shares: list[float], h: int = 30, p: float = 0.5, extra: NDArray[np.float32] | None = None
) -> Sample:
    """PEOPLE customers a day, a prior that says p of everybody, and outcomes of exactly these shares."""
    n, day = PEOPLE * len(days), np.repeat([START.day + d for d in days], PEOPLE)
    gone = np.concatenate([np.arange(PEOPLE) < round(share * PEOPLE) for share in shares])
    zeros, says = np.zeros(n), np.full(n, p)
    values = np.zeros((1, n), np.float32) if extra is None else extra
    label = Label(h)
    panel = Panel(
        tuple(f"f{i}" for i in range(len(values))),
        np.array([f"c{i:04d}" for i in range(PEOPLE)] * len(days), object),
        day,
        values,
        Rhythm(*[zeros] * 5),
        Totals(zeros, zeros, {h: zeros}),
        {label: Future(np.where(gone, 0, 1).astype(np.int32), zeros, np.where(gone, -1, 0).astype(np.int32))},
    )
    return Sample(panel, {h: PriorColumns(says, says, zeros, zeros, zeros)}, label, START)


def season(days: list[int], size: float = 1.0) -> list[float]:
    """A share per day whose logit swings with the year around one half."""
    return [float(sigmoid(np.array(size * np.sin(2 * np.pi * d / 364)))) for d in days]


@given(LOGITS, st.floats(0.02, 0.98))
def test_the_shift_brings_the_mean_to_the_share(logits: list[float], share: float) -> None:
    z = np.array(logits)
    assert sigmoid(z + shift_to(z, share)).mean() == pytest.approx(share, abs=1e-9)


def test_without_a_prior_the_boosters_keep_their_level() -> None:
    train, now = sample([60, 90], [0.5, 0.5], p=np.nan), sample([150], [0.5], p=np.nan)
    assert Level.fit(train, now, np.full(PEOPLE, 0.3)) == Level(0.0)


@pytest.mark.parametrize(
    ("last", "anchor"), [(60, 1.0), (60 + 182, 1.0), (60 + 273, 0.75), (60 + 364, 0.5), (60 + 728, 0.5)]
)
def test_the_anchor_falls_from_one_to_a_half_over_the_second_half_year_of_training(last: int, anchor: float) -> None:
    days = [60, last] if last > 60 else [60]
    level = Level.fit(sample(days, [0.5] * len(days)), sample([last + 30], [0.5]), np.full(PEOPLE, 1.0), "off")
    assert level.anchor == pytest.approx(anchor)
    # The prior's mean is 1/2, the blend's sigmoid(1): the mean moves by the anchor's share of the way.
    moved = sigmoid(np.array(1.0 + level.shift))
    assert moved == pytest.approx((1 - anchor) * sigmoid(np.array(1.0)) + anchor * 0.5, abs=1e-9)


def test_what_the_prior_misses_every_time_is_its_bias_and_what_swings_is_not() -> None:
    # Residuals of -log 3 at every one of three windows that do not overlap: only the doubt of .1, over three, is left.
    m = float(np.log(3))
    always = Residuals.of(sample([60, 90, 120], [0.25] * 3))
    assert always.bias(30) == pytest.approx(-(m**3) / (m**2 + 0.01 / 3), rel=1e-9)
    # Of windows of 90 days a month apart three are one.
    assert always.bias(90) == pytest.approx(-(m**3) / (m**2 + 0.01), rel=1e-9)
    # -log 3, log 3, -log 3: mean -log 3 / 3, variance 8/9 log 3 squared, so next to nothing of it is left.
    swings = Residuals.of(sample([60, 90, 120], [0.25, 0.75, 0.25]))
    assert swings.bias(30) == pytest.approx(-((m / 3) ** 3) / ((m / 3) ** 2 + 4 * 8 / 9 * m**2 + 0.01 / 3), rel=1e-9)
    assert abs(swings.bias(30)) < 0.02
    assert Residuals.of(sample([60], [0.0])).bias(30) == 0.0


def test_the_anchor_is_the_prior_less_its_bias() -> None:
    # Within half a year the mean is the prior's alone: its 1/2, moved by the -log 3 that it missed each time.
    train = sample([60, 90, 120], [0.25] * 3)
    level = Level.fit(train, sample([150], [0.5]), np.full(PEOPLE, 2.0), "off")
    assert level.anchor == 1.0
    assert level.bias == pytest.approx(-np.log(3), abs=0.01)
    assert sigmoid(np.array(2.0 + level.shift)) == pytest.approx(0.25, abs=0.002)


def test_rows_without_a_prior_have_no_say() -> None:
    now, train = sample([200], [0.5]), sample([60, 90], [0.5, 0.5])
    z = np.zeros(PEOPLE)
    some = np.where(np.arange(PEOPLE) < 10, np.nan, 0.75)

    def of(p: NDArray[np.float64]) -> Sample:
        return Sample(now.panel, {30: PriorColumns(p, p, z, z, z)}, now.label, now.starts)

    wild = np.where(np.isnan(some), 5.0, 0.0)
    assert Level.fit(train, of(some), wild).shift == pytest.approx(
        Level.fit(train, of(np.full(PEOPLE, 0.75)), z).shift, abs=1e-12
    )


def test_what_the_prior_missed_is_the_shift_that_brings_it_to_the_truth() -> None:
    # The prior says 1/2, a quarter was silent: logit(1/4) = -log 3; its variance 1 / (400 x 3/16) = 1/75.
    found = Residuals.of(sample([60, 90, 120], [0.25, 0.0, 0.75]))
    assert found.day.tolist() == [START.day + 60, START.day + 120]  # nobody was silent at 90: no logit
    assert found.missed.tolist() == pytest.approx([-np.log(3), np.log(3)])
    assert found.variance.tolist() == pytest.approx([1 / 75, 1 / 75])
    # Halfway between the two they cancel; outside of them nothing is known.
    middle = found.at(START.day + 90)
    assert middle is not None
    assert middle[0] == pytest.approx(0.0, abs=1e-9)
    assert found.at(START.day + 59) is None
    assert found.at(START.day + 121) is None


def test_the_twin_needs_twice_the_horizon_or_half_a_year_behind_it() -> None:
    assert (gate_days(30), gate_days(90), gate_days(91)) == (180, 180, 182)
    days = list(range(60, 600, 30))
    train, z = sample(days, season(days)), np.zeros(PEOPLE)
    # 543 - 364 = 179 days of history behind the twin; a day later 180.
    early, late = (Level.fit(train, sample([d], [0.5]), z) for d in (543, 544))
    assert early.twin is None
    assert "less than 180 days" in early.words
    assert late.twin == str(START.plus(180))


def test_a_season_that_repeats_brings_the_level_to_its_twins() -> None:
    days = list(range(60, 960, 28))
    train, z = sample(days, season(days)), np.zeros(PEOPLE)
    level = Level.fit(train, sample([993], [0.5]), z)
    truth = season([993])[0]
    # Every pair a year apart agrees but for rounding to whole customers, and 15 pairs are there.
    assert level.weight > 0.9
    assert sigmoid(np.array(level.shift)) == pytest.approx(truth, abs=0.03)
    assert abs(truth - 0.5) > 0.2


def test_a_season_that_flips_is_shrunk() -> None:
    days = list(range(60, 760, 28))
    flipped = [share if d < 424 else 1 - share for d, share in zip(days, season(days), strict=True)]
    same, other = (
        Level.fit(sample(days, shares), sample([790], [0.5]), np.zeros(PEOPLE)) for shares in (season(days), flipped)
    )
    # Pairs differ by twice the level, which is a correlation of -1.
    assert same.weight > 0.9
    assert other.weight == 0.0


def test_a_level_within_the_luck_of_the_draw_weighs_nothing() -> None:
    days = list(range(60, 900, 28))
    rng = np.random.default_rng(3)
    shares = (rng.binomial(PEOPLE, 0.5, len(days)) / PEOPLE).tolist()
    assert Level.fit(sample(days, shares), sample([930], [0.5]), np.zeros(PEOPLE)).weight < 0.3


def test_before_any_pair_of_years_two_thirds_of_the_season_are_believed() -> None:
    # At 545 a pair would need a cutoff from 544 on. The luck of 400 draws is small against a season of size 2.
    days = list(range(60, 516, 28))
    level = Level.fit(sample(days, season(days, 2.0)), sample([545], [0.5]), np.zeros(PEOPLE))
    assert level.twin == str(START.plus(545 - 364))
    assert level.weight == pytest.approx(2 / 3, abs=0.01)


def test_the_weight_of_one_pair_by_hand() -> None:
    # Residuals -log 3, log 3 and, a year after the first, -log 3 again: v = (log 3)^2 less 1/75; the pair differs by
    # nothing, so its share is 0 of 2 v, and with one pair that differs by 2 v / 3 the correlation is 5/6.
    found = Residuals.of(sample([200, 230, 564], [0.25, 0.75, 0.25]))
    v = np.log(3) ** 2 - 1 / 75
    assert found.weight(START.day + 180, 0.0) == pytest.approx(5 / 6)
    assert found.weight(START.day + 180, v) == pytest.approx(5 / 12)
    # Seen from day 201 on the first is not there, and there is no pair.
    assert found.weight(START.day + 201, 0.0) == pytest.approx(2 / 3)
    assert found.weight(START.day + 565, 0.0) == 0.0


def test_a_level_is_the_same_after_json() -> None:
    days = list(range(60, 900, 28))
    level = Level.fit(sample(days, season(days)), sample([930], [0.5]), np.zeros(PEOPLE))
    assert Level(**level.figures()) == level


def test_features_that_say_the_same_of_everybody_are_named() -> None:
    days = [60, 90, 120]
    date = np.repeat(np.array([1.0, 2.0, 3.0], np.float32), PEOPLE)
    own = np.tile(np.arange(PEOPLE, dtype=np.float32), 3)
    late = np.where(date > 1, date, np.nan).astype(np.float32)
    blank, constant = np.full_like(date, np.nan), np.ones_like(date)
    # Missing at first and the same ever after: a window that the history did not cover yet.
    covered = np.where(date > 1, 0, np.nan).astype(np.float32)
    values = np.stack([own, date, own + date, late, blank, constant, covered])
    assert market_wide(sample(days, [0.5] * 3, extra=values)) == ["f1", "f3"]
    one = sample([60], [0.5], extra=values[:, :PEOPLE])
    assert market_wide(one) == []


def test_the_logit_of_the_means_is_what_a_reader_would_compute() -> None:
    z = np.zeros(PEOPLE)
    level = Level.fit(sample([60, 424], [0.5, 0.5]), sample([454], [0.5], p=0.8), z, "off")
    # Halfway from 1/2 to 4/5 is 13/20.
    assert level.shift == pytest.approx(float(logit(np.array(0.65))), abs=1e-9)
    assert (level.twin, level.weight, level.words) == (None, 0.0, "off")


def world(shares: list[float], days: list[int], index: list[float]) -> tuple[Sample, Sample]:
    """Training rows of all days but the last and the rows of the last, with an index that all customers share."""
    rng = np.random.default_rng(11)
    own = rng.normal(size=PEOPLE * len(days)).astype(np.float32)
    everybody = np.repeat(np.array(index, np.float32), PEOPLE)
    rows = sample(days, shares, extra=np.stack([own, everybody]))
    last = rows.panel.cutoff_day == rows.panel.cutoff_day.max()
    return rows.take(~last), rows.take(last)


def fitted(train: Sample, now: Sample) -> Churn:
    return Churn.fit(train, now, as_members(CHURN, Setting(rounds=60)))


DAYS = [*range(68, 545, 28), 574]
"""The last training cutoff, 544, is the first that has a twin with half a year behind it, at 180."""


def test_the_twin_is_off_where_a_feature_that_all_share_has_swallowed_the_level_and_the_past_shows_it() -> None:
    # The season turns round in the second year, and an index that names the level of each day knows it.
    size = [1.5 * np.cos(2 * np.pi * d / 364) * (1 if d < 420 else -1) for d in DAYS]
    shares = sigmoid(np.array(size)).tolist()
    named, blind = fitted(*world(shares, DAYS, size)), fitted(*world(shares, DAYS, [0.0] * len(DAYS)))
    assert blind.level.twin == str(START.plus(210))
    assert named.level.twin is None
    assert named.level.weight == 0.0
    assert (
        f"off: f1 say the same of everybody on a day; at {START.plus(544)} the twin made log loss" in named.level.words
    )


def test_the_twin_stays_where_a_feature_that_all_share_does_not_know_the_season() -> None:
    # The date has named each cutoff, and cannot say what comes after the last one.
    shares = sigmoid(np.array([1.5 * np.cos(2 * np.pi * d / 364) for d in DAYS])).tolist()
    found = fitted(*world(shares, DAYS, [float(d) for d in DAYS]))
    assert found.level.twin == str(START.plus(210))
    # One pair, 544 and 180, agrees: 5/6, less the luck of the draw.
    assert found.level.weight == pytest.approx(5 / 6, abs=0.02)


def test_the_twin_is_off_where_all_share_a_feature_and_it_cannot_be_tried() -> None:
    # Before 544 no training cutoff has a twin of its own, so that at 545 nothing shows whether it helps.
    days = [*range(69, 518, 28), 545]
    shares = sigmoid(np.array([1.5 * np.cos(2 * np.pi * d / 364) for d in days])).tolist()
    found = fitted(*world(shares, days, [float(d) for d in days]))
    assert found.level.twin is None
    assert "and the twin could not be tried" in found.level.words
