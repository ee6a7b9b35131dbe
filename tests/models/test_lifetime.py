"""Lifetime value: by hand, coherent in every row, its interval on simulated truth, and where it cannot be told."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars import simulate
from regulars.clock import Cutoff
from regulars.config import Config
from regulars.features.panel import Label, Panel, Rhythm, Totals
from regulars.models.cohorts import FEWEST
from regulars.models.discount import force_of
from regulars.models.gamma_gamma import GammaGamma
from regulars.models.lifetime import Lifetime
from regulars.models.pareto_nbd import ParetoNbd
from regulars.models.persistence import USUAL, Evidence, persistence_of
from regulars.models.prior import Prior, summary_of
from regulars.models.sample import Sample
from regulars.models.terms import Terms
from regulars.simulation.world import Simulated

Float64 = NDArray[np.float64]
PRIOR = Prior(None, ParetoNbd(0.9, 40.0, 0.9, 200.0), GammaGamma(6.25, 3.74, 15.44), 35.0)
HORIZONS = (30, 90)


def rows(rhythm: Rhythm, prior: Prior, history_days: int = 800, trailing: dict[int, Float64] | None = None) -> Sample:
    """Rows of one day that lie so many days after the first, without features or labels."""
    n, day = len(rhythm.T), 20_000
    ids, totals = (
        np.array([f"c{i:05d}" for i in range(n)], object),
        Totals(rhythm.frequency + 1, np.zeros(n), trailing or {}),
    )
    panel = Panel((), ids, np.full(n, day), np.empty((0, n), np.float32), rhythm, totals, {})
    return Sample(panel, {h: prior.columns(rhythm, h) for h in HORIZONS}, Label(90), Cutoff(day - history_days))


def made_up(n: int = 300, seed: int = 0) -> Rhythm:
    """Customers of all kinds, some of them new."""
    rng = np.random.default_rng(seed)
    T = rng.integers(0, 700, n).astype(np.float64)
    x = np.where(T > 2, rng.poisson(T / 60.0), 0).astype(np.float64)
    last = np.where(x > 0, np.ceil(rng.random(n) * T), 0.0)
    x = np.where(last > 0, x, 0.0)
    return Rhythm(x, last, T, np.where(x > 0, rng.gamma(3.0, 12.0, n), np.nan), x)


@cache
def usual(seed: int = 0) -> tuple[Sample, dict[int, Float64]]:
    """Rows, and heads that differ from the prior by a factor per customer."""
    now = rows(made_up(seed=seed), PRIOR)
    factor = np.random.default_rng(seed + 1).gamma(4.0, 0.25, now.n_rows)
    return now, {h: factor * now.over(h).prior.pareto_orders * now.over(h).prior.value for h in HORIZONS}


def fitted(days: int = 1095, margin: float = 1.0, rate: float = 0.0, net: float = 1.0, seed: int = 0) -> Lifetime:
    now, heads = usual(seed)
    return Lifetime.fit(now, heads, PRIOR, net, Terms(days, margin, rate))


def test_the_head_is_discounted_in_the_middle_of_its_parts_by_hand() -> None:
    # 10 within 30 days, 4 more until 90, margin one half, 10 % a year: .5 (10 x 1.1^(-15/365) + 4 x 1.1^(-60/365)).
    life = replace(fitted(), terms=Terms(1095, 0.5, 0.1), heads=(30, 90))
    expected = 0.5 * (10 * 1.1 ** (-15 / 365) + 4 * 1.1 ** (-60 / 365))
    assert life.head({30: np.array([10.0]), 90: np.array([14.0])}) == pytest.approx([expected], rel=1e-14)


def test_where_the_model_agrees_with_the_prior_the_value_is_the_priors() -> None:
    # Ratios of 1 leave the tail alone, so undiscounted value is expected purchases x value of a purchase.
    now, _ = usual()
    heads = {h: now.over(h).prior.pareto_orders * now.over(h).prior.value for h in HORIZONS}
    life = Lifetime.fit(now, heads, PRIOR, 1.0, Terms(1095, 1.0, 0.0))
    assert PRIOR.pareto is not None
    expected = PRIOR.pareto.expected_purchases(summary_of(now.panel.rhythm), 1095) * now.prior.value
    found, old = life.values(now, heads, PRIOR), now.panel.rhythm.T >= 28
    assert found.value[old] == pytest.approx(expected[old], rel=1e-9)
    assert found.value.sum() == pytest.approx(expected.sum(), rel=1e-6)


def test_the_total_of_the_tail_is_the_priors_whatever_the_model_says() -> None:
    now, heads = usual()
    found = fitted(days=2000).values(now, heads, PRIOR)
    assert PRIOR.pareto is not None
    tail = PRIOR.pareto.residual_purchases(summary_of(now.panel.rhythm), (90.0, 2000.0))[:, 0] * now.prior.value
    assert (found.value - found.head).sum() == pytest.approx(tail.sum(), rel=0.01)
    # A season that doubles every head doubles nothing after it.
    doubled = {h: 2 * spend for h, spend in heads.items()}
    twice = Lifetime.fit(now, doubled, PRIOR, 1.0, Terms(2000, 1.0, 0.0)).values(now, doubled, PRIOR)
    assert (twice.value - twice.head).sum() == pytest.approx((found.value - found.head).sum(), rel=0.02)


@pytest.mark.parametrize("seed", [1])
def test_value_rises_with_the_horizon_and_is_never_below_its_head_in_any_row(seed: int) -> None:
    now, heads = usual(seed)
    before = np.zeros(now.n_rows)
    for days in (20, 60, 91, 117, 118, 1095, 1096, 4000):
        life = fitted(days, margin=0.4, rate=0.1, net=0.9, seed=seed)
        found = life.values(now, heads, PRIOR)
        assert (found.value >= before - 1e-9).all(), days
        assert (found.value >= found.head - 1e-12).all()
        assert (found.ever >= found.value - 1e-9).all()
        before = found.value


def test_a_higher_discount_or_a_lower_margin_makes_every_value_smaller() -> None:
    now, heads = usual()
    whole, half = (fitted(margin=m, rate=0.1).values(now, heads, PRIOR).value for m in (1.0, 0.5))
    assert half == pytest.approx(0.5 * whole, rel=1e-12)
    assert (fitted(rate=0.3).values(now, heads, PRIOR).value < whole).all()


def test_one_customer_alone_gets_the_same_numbers() -> None:
    now, heads = usual()
    life = fitted(rate=0.1)
    every, alone = life.values(now, heads, PRIOR), np.arange(7, 8)
    one = life.values(now.take(alone), {h: spend[alone] for h, spend in heads.items()}, PRIOR)
    for name in ("value", "low", "high", "ever"):
        assert getattr(one, name)[0] == pytest.approx(getattr(every, name)[7], rel=1e-12), name


def test_a_currency_a_hundred_times_smaller_makes_values_a_hundred_times_larger() -> None:
    now, heads = usual()
    rhythm = replace(now.panel.rhythm, value=100 * now.panel.rhythm.value)
    prior = replace(PRIOR, gamma=GammaGamma(6.25, 3.74, 1544.0), mean_value=3500.0)
    large = rows(rhythm, prior)
    scaled = {h: 100 * spend for h, spend in heads.items()}
    life = Lifetime.fit(large, scaled, prior, 1.0, Terms(1095, 1.0, 0.1))
    found, plain = life.values(large, scaled, prior), fitted(rate=0.1).values(now, heads, PRIOR)
    assert found.value == pytest.approx(100 * plain.value, rel=1e-9)
    assert found.high == pytest.approx(100 * plain.high, rel=1e-6)


def test_without_a_horizon_nothing_discounted_and_slow_leaving_there_is_no_value_for_ever_and_it_is_said() -> None:
    now, heads = usual()
    life = fitted(rate=0.0)  # s = .9
    assert np.isnan(life.values(now, heads, PRIOR).ever).all()
    assert any("no value for ever" in note for note in life.notes)
    assert np.isfinite(fitted(rate=0.1).values(now, heads, PRIOR).ever).all()


def test_newcomers_share_their_cohorts_value_and_are_marked() -> None:
    now, heads = usual()
    rhythm = now.panel.rhythm
    new_ones = {"frequency": 0.0, "recency": 0.0, "T": 5.0, "value": np.nan, "n_valued": 0.0}
    fresh = Rhythm(**{name: np.concatenate([getattr(rhythm, name), np.tile(v, 40)]) for name, v in new_ones.items()})
    more = rows(fresh, PRIOR)
    spread = np.random.default_rng(1).gamma(4.0, 0.25, more.n_rows)
    ahead = {h: spread * more.over(h).prior.pareto_orders * more.over(h).prior.value for h in HORIZONS}
    life = Lifetime.fit(more, ahead, PRIOR, 1.0, Terms(1095, 1.0, 0.1))
    found = life.values(more, ahead, PRIOR)
    new = (fresh.frequency == 0) & (fresh.T < 28)
    assert set(found.basis[new]) == {"newcomer"}
    assert set(found.basis[~new]) == {"purchases"}
    assert life.newcomer is not None
    assert np.unique(found.value[new]).tolist() == [life.newcomer.value]
    # Too few to be a cohort: everyone keeps a value of his own.
    few = Lifetime.fit(now, heads, PRIOR, 1.0, Terms(1095, 1.0, 0.1))
    assert int(((rhythm.frequency == 0) & (rhythm.T < 28)).sum()) < FEWEST
    assert few.newcomer is None


def test_what_is_known_persists_as_learnt_from_windows_that_closed() -> None:
    rng = np.random.default_rng(2)
    n = 4000
    ratio, expected = rng.gamma(4.0, 0.25, n) + 0.05, rng.gamma(1.0, 50.0, n)
    stand = np.repeat([1, 2], n // 2)
    season = np.where(stand == 1, 3.0, 0.5)  # is not taken for knowledge of customers
    noise = rng.gamma(2.0, 0.5, n)
    lasting = persistence_of(Evidence(ratio, expected, season * expected * ratio * noise, stand))
    fading = persistence_of(Evidence(ratio, expected, season * expected * noise, stand))
    assert lasting[1]
    assert fading[1]
    assert lasting[0] > 0.9
    assert fading[0] < 0.1
    assert persistence_of(Evidence.none()) == (USUAL, False)


def test_the_past_year_is_heard_only_where_there_are_less_than_two_and_it_says_less() -> None:
    now, heads = usual()
    quiet = {365: np.full(now.n_rows, 1.0)}
    rhythm = replace(now.panel.rhythm, value=np.where(np.isfinite(now.panel.rhythm.value), 1.0, np.nan))
    kept = [
        Lifetime.fit(rows(rhythm, PRIOR, history, quiet), heads, PRIOR, 1.0, Terms()).kept
        for history in (400, 730, 300)
    ]
    assert kept[0] < 1
    assert kept[1:] == [1.0, 1.0]
    loud = {365: np.full(now.n_rows, 1e6)}
    assert Lifetime.fit(rows(now.panel.rhythm, PRIOR, 400, loud), heads, PRIOR, 1.0, Terms()).kept == 1.0


def test_five_years_ahead_on_one_of_history_is_said() -> None:
    now, heads = usual()
    short = rows(now.panel.rhythm, PRIOR, 365)
    notes = Lifetime.fit(short, heads, PRIOR, 1.0, Terms(1825)).notes
    assert any("less than two years" in note for note in notes)
    assert any("1825 days, is longer than the history of 365 days" in note for note in notes)


def test_without_any_classical_model_the_value_ends_with_the_head_and_it_is_said() -> None:
    now, heads = usual()
    none = Prior(None, None, None, 0.0)
    life = Lifetime.fit(now, heads, none, 1.0, Terms(1095, 0.5, 0.1))
    found = life.values(now, heads, none)
    assert found.value == pytest.approx(life.head(heads))
    assert np.isnan(found.ever).all()
    assert np.isnan(found.high).all()
    assert any("ends there" in note for note in life.notes)
    assert np.isnan(life.total(found).low)


def test_nobody_spends_anything_and_every_value_is_nothing() -> None:
    rhythm = replace(made_up(), value=np.full(300, np.nan), n_valued=np.zeros(300))
    prior = replace(PRIOR, gamma=None, mean_value=0.0)
    now, heads = rows(rhythm, prior), {h: np.zeros(300) for h in HORIZONS}
    life = Lifetime.fit(now, heads, prior, 1.0, Terms(1095, 1.0, 0.1))
    found = life.values(now, heads, prior)
    assert not found.value.any()
    assert not found.high.any()
    assert not found.ever.any()


def test_it_is_the_same_after_json() -> None:
    life = fitted(rate=0.1)
    assert Lifetime.from_dict(json.loads(json.dumps(life.to_dict(), allow_nan=False))) == life


def test_terms_are_the_configurations_and_a_measured_margin_counts_only_where_none_is_stated() -> None:
    plain, stated = (
        Config.of(),
        Config.of(economics={"margin": 0.4, "discount_rate": 0.2}, lifetime={"horizon_days": 730}),
    )
    assert Terms.of(plain) == Terms(1095, 1.0, 0.1)
    assert Terms.of(plain, 0.3).margin == 0.3
    assert Terms.of(stated, 0.3) == Terms(730, 0.4, 0.2)
    assert Terms(discount_rate=0.1).force == force_of(0.1)


# --- simulated truth ------------------------------------------------------------------------------------------------


def _rhythm(world: Simulated) -> Rhythm:
    told = world.truth(world.ends, 30)
    x, last, age = (told[name].to_numpy(np.float64) for name in ("frequency", "recency", "T"))
    return Rhythm(x, last, age, told["value"].to_numpy(np.float64), x)


def _judged(seed: int, n: int, days: int) -> tuple[bool, float]:
    """Whether the true total lies in its interval, and the share of the customers who lie in theirs."""
    world = simulate(n, days=730, future_days=days, return_rate=0.1, seed=seed)
    rhythm = _rhythm(world)
    prior = Prior.fit(rhythm)
    now, net = rows(rhythm, prior, 730), 1 - 0.1 * 0.75
    heads = {h: net * now.over(h).prior.pareto_orders * now.over(h).prior.value for h in HORIZONS}
    life = Lifetime.fit(now, heads, prior, net, Terms(days, 0.35, 0.1))
    found = life.values(now, heads, prior)
    total = life.total(found)
    true = world.value_truth(world.ends, days, 0.35, 0.1)["realised"].to_numpy()
    inside = (found.low - 1e-9 <= true) & (true <= found.high + 1e-9)
    return total.low <= true.sum() <= total.high, float(inside.mean())


def test_true_totals_and_customers_lie_within_their_intervals() -> None:
    judged = [_judged(seed, 500, 365) for seed in range(4)]
    assert sum(hit for hit, _ in judged) >= 3
    assert np.mean([share for _, share in judged]) >= 0.77


@pytest.mark.soak
def test_true_totals_lie_within_their_intervals_in_nine_of_ten_worlds() -> None:
    judged = [_judged(seed, 1500, 1095) for seed in range(100, 220)]
    assert np.mean([hit for hit, _ in judged]) >= 0.9
    assert np.mean([share for _, share in judged]) >= 0.77
