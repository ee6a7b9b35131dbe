"""The level of money and orders: the twin, the anchor, the season's part, one giant customer, carried horizons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars.clock import Cutoff
from regulars.features.history import Future
from regulars.features.panel import Label, Panel, Rhythm, Totals
from regulars.models.level import Level, Residuals
from regulars.models.market import swallowed
from regulars.models.prior import PriorColumns
from regulars.models.sample import Sample
from regulars.models.scales import MONEY, ORDERS

START = Cutoff.parse("2021-01-01")
PEOPLE, H = 400, 30
DAYS = list(range(60, 960, 28))


def shop(
    days: list[int],
    factors: list[float],
    h: int = H,
    orders: float = 2.0,
    frequency: float = 1.0,
    index: list[float] | None = None,
) -> Sample:
    """PEOPLE customers a day; of each 10 is expected, in so many orders; half of them bring 20 x a factor, in two."""
    n, day = PEOPLE * len(days), np.repeat([START.day + d for d in days], PEOPLE)
    buys = np.arange(n) % 2 == 0
    spend = np.where(buys, 20.0 * np.repeat(factors, PEOPLE), 0.0)
    ones, label = np.ones(n), Label(h)
    says = PriorColumns(0.5 * ones, 0.5 * ones, orders * ones, orders * ones, 10.0 / orders * ones)
    panel = Panel(
        ("index",),
        np.array([f"c{i:04d}" for i in range(PEOPLE)] * len(days), object),
        day,
        np.repeat(np.array(days if index is None else index, np.float32), PEOPLE)[None],
        Rhythm(frequency * ones, ones, 99 * ones, 7.0 * ones, frequency * ones),
        Totals((frequency + 1) * ones, ones, {h: ones}),
        {label: Future(np.where(buys, 2, 0).astype(np.int32), spend, np.where(buys, 0, -1).astype(np.int32))},
    )
    return Sample(panel, {h: says}, label, START)


def season(days: list[int]) -> list[float]:
    """Between a half and twice as much, with the year."""
    return [float(2 ** np.sin(2 * np.pi * d / 364)) for d in days]


def with_giant(rows: Sample, since: int, until: int, spend: float) -> Sample:
    """The first customer's spend at the cutoffs of some days."""
    day, who = rows.panel.cutoff_day - START.day, rows.panel.customer_id == "c0000"
    future = rows.panel.targets[rows.label]
    giant = replace(future, spend=np.where(who & (day >= since) & (day <= until), spend, future.spend))
    return replace(rows, panel=replace(rows.panel, targets={rows.label: giant}))


def total(z: NDArray[np.float64], level: Level) -> float:
    return float(np.exp(z + level.shift).sum())


Z = np.log(np.full(PEOPLE, 8.0))
"""A blend that says 8 of everybody, where the prior says 10."""


def test_residuals_of_money_are_logs_of_totals() -> None:
    # A half and twice of what was expected; each of 400 customers is off by its factor x 10, of totals of it x 4,000.
    found = Residuals.of(shop([60, 90, 120], [0.5, 0.0, 2.0]), MONEY)
    assert found.day.tolist() == [START.day + 60, START.day + 120]  # nobody spent anything at 90: no log
    assert found.missed.tolist() == pytest.approx([-np.log(2), np.log(2)])
    assert found.variance.tolist() == pytest.approx([1 / 400, 1 / 400])


def test_a_season_that_repeats_brings_the_total_to_its_twins() -> None:
    train, now = shop(DAYS, season(DAYS)), shop([993], [1.0])
    level = Level.fit(train, now, Z, scale=MONEY)
    truth = 4000 * season([993])[0]
    assert level.twin == str(START.plus(993 - 364))
    assert level.weight > 0.9
    assert total(Z, level) == pytest.approx(truth, rel=0.06)
    # In the low season only half of what the prior expects comes.
    assert truth < 0.55 * 4000


def test_without_a_twin_totals_are_drawn_halfway_to_the_priors() -> None:
    level = Level.fit(shop([60, 424], [1.0, 1.0]), shop([454], [1.0]), Z, "off", scale=MONEY)
    assert total(Z, level) == pytest.approx((3200 * 4000) ** 0.5)
    assert (level.twin, level.season, level.words) == (None, 0.0, "off")


def test_what_the_twin_brought_is_the_season_and_the_rest_of_the_shift_lasts() -> None:
    train, now = shop(DAYS, season(DAYS)), shop([993], [1.0])
    on, off = Level.fit(train, now, Z, scale=MONEY), Level.fit(train, now, Z, "off", scale=MONEY)
    assert on.season == pytest.approx(on.shift - off.shift)
    assert on.season < -0.3
    assert off.season == 0.0


def test_orders_are_levelled_as_money_and_the_classics_count_days() -> None:
    # Each customer made two purchases on a day with one, so the two expected days are four purchases; two came of half.
    train, now = shop(DAYS, [1.0] * len(DAYS), frequency=0.0), shop([993], [1.0], frequency=0.0)
    twice = replace(
        train, panel=replace(train.panel, totals=replace(train.panel.totals, orders=np.full(train.n_rows, 2)))
    )
    assert np.exp(ORDERS.prior(train)[0]) == pytest.approx(2.0)
    assert np.exp(ORDERS.prior(twice)[0]) == pytest.approx(4.0)
    level = Level.fit(train, now, np.log(np.full(PEOPLE, 2.0)), scale=ORDERS)
    # One purchase a customer came where two were expected: log(1/2) at every cutoff.
    assert level.residual == pytest.approx(-np.log(2))
    assert total(np.log(np.full(PEOPLE, 2.0)), level) == pytest.approx(PEOPLE, rel=0.02)


def test_the_level_knows_no_currency() -> None:
    train, now = shop(DAYS, season(DAYS)), shop([993], [1.0])

    def times(rows: Sample) -> Sample:
        future, prior = rows.panel.targets[rows.label], rows.prior
        panel = replace(rows.panel, targets={rows.label: replace(future, spend=100 * future.spend)})
        return replace(rows, panel=panel, priors={H: replace(prior, value=100 * prior.value)})

    plain = Level.fit(train, now, Z, scale=MONEY)
    other = Level.fit(times(train), times(now), Z + np.log(100), scale=MONEY)
    assert other.shift == pytest.approx(plain.shift, abs=1e-12)
    assert other.weight == pytest.approx(plain.weight, abs=1e-12)


@pytest.mark.parametrize("spend", [4_000.0, 400_000.0])
def test_one_giant_customer_moves_nobodys_level(spend: float) -> None:
    train, now = shop(DAYS, season(DAYS)), shop([993], [1.0])
    plain = Level.fit(train, now, Z, scale=MONEY)
    # An order as large as all others together, or a hundred times that, in the twin's window (629), or in the last one.
    for since, until in ((600, 629), (930, 960)):
        giant = Level.fit(with_giant(train, since, until, spend), now, Z, scale=MONEY)
        # The luck of a total of 200 who spend the same is 1 / root 200 of it.
        assert abs(giant.shift - plain.shift) < 200**-0.5
    # Nor do what is said of him by the prior, and by the blend.
    who = np.arange(PEOPLE) == 0
    value = replace(now.prior, value=np.where(who, spend, now.prior.value))
    louder = Level.fit(train, replace(now, priors={H: value}), np.where(who, np.log(spend), Z), scale=MONEY)
    assert abs(louder.shift - plain.shift) < 400**-0.5


def test_a_carried_level_is_the_priors_where_no_season_is_seen() -> None:
    # One purchase of each came where one was expected, worth 10.
    train = shop([60, 90, 120], [1.0] * 3, orders=1.0)
    level = Level.carried(train, shop([150], [1.0], h=90, orders=1.0), Z, MONEY)
    assert total(Z, level) == pytest.approx(4000)
    assert (level.anchor, level.bias, level.twin) == (1.0, pytest.approx(0.0, abs=1e-9), None)
    assert level.words.startswith("no twin: ")


def test_a_carried_level_keeps_what_the_worth_of_a_purchase_always_lacks() -> None:
    # Two purchases of 5 expected each; one came, worth 5 or, after returns, 2.5: half of it all three times.
    m = -np.log(2)
    now = shop([150], [1.0], h=90, frequency=0.0)
    whole, half = shop([60, 90, 120], [0.5] * 3), shop([60, 90, 120], [0.25] * 3)
    assert Level.carried(whole, now, Z, MONEY).bias == pytest.approx(0.0, abs=1e-9)
    assert Level.carried(half, now, Z, MONEY).bias == pytest.approx(m**3 / (m**2 + 0.01 / 3))
    # How many are bought may be the season, and is not kept.
    assert Level.carried(half, now, Z, ORDERS).bias == pytest.approx(0.0, abs=1e-9)


def test_a_carried_level_hears_what_was_repeated_before_where_the_prior_saw_a_season() -> None:
    # Orders miss -log 2 each time: swing 4 (log 2)^2 less its luck 1/400, share half of s / (s + .01). Repeats: 7 a
    # customer, of whose 100 days 90 count: 6.3 where the prior says 10.
    train = shop([60, 90, 120], [0.5] * 3)
    level = Level.carried(train, shop([150], [1.0], h=90), Z, MONEY)
    swing = 4 * (np.log(2) ** 2 - 1 / 400)
    bias = 0.5 * swing / (swing + 0.01) * np.log(0.63)
    assert level.bias == pytest.approx(bias)
    assert total(Z, level) == pytest.approx(4000 * np.exp(bias))
    # Where the history does not cover as many days before, or nobody repeated anything, the prior is alone.
    for now in (shop([150], [1.0], h=151), shop([150], [1.0], h=90, frequency=0.0)):
        assert total(Z, Level.carried(train, now, Z, MONEY)) == pytest.approx(4000)


def test_without_a_prior_a_carried_level_is_none() -> None:
    now = shop([150], [1.0], h=90)
    none = replace(now, priors={90: replace(now.prior, value=np.full(PEOPLE, np.nan))})
    assert Level.carried(shop([60], [1.0]), none, Z, MONEY) == Level(0.0)


def test_money_too_is_left_alone_where_features_that_all_share_have_swallowed_its_level() -> None:
    # The season turns round in the second year; a blend that reads the index knows it, and the twin spoils it.
    days = [*range(68, 545, 28), 574]
    factors = [float(2 ** (np.cos(2 * np.pi * d / 364) * (1 if d < 420 else -1))) for d in days]
    rows = shop(days, factors, index=factors)
    last = rows.panel.cutoff_day == rows.panel.cutoff_day.max()
    train, now = rows.take(~last), rows.take(last)

    def knowing(past: Sample, judge: Sample) -> NDArray[np.float64]:
        return np.log(10.0 * judge.panel.values[0].astype(np.float64))

    z = knowing(train, now)
    assert Level.fit(train, now, z, scale=MONEY).twin == str(START.plus(210))
    said = swallowed(train, now, z, MONEY, 0, knowing)
    assert said.startswith(
        f"off: index say the same of everybody on a day; at {START.plus(544)} the twin made deviance"
    )

    def blind(past: Sample, judge: Sample) -> NDArray[np.float64]:
        return np.log(np.full(judge.n_rows, 10.0))

    # Where the season repeats and the blend does not know it, the twin stays.
    factors = [float(2 ** np.cos(2 * np.pi * d / 364)) for d in days]
    rows = shop(days, factors)
    train, now = rows.take(~last), rows.take(last)
    assert swallowed(train, now, blind(train, now), MONEY, 0, blind) == ""
