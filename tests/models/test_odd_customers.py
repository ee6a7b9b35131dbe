"""BG/NBD and Pareto/NBD on data that no model was made for: always finite, never certain, and said in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from regulars.errors import NotEnoughData
from regulars.models import btyd, summary
from regulars.models.bg_nbd import BgNbd
from regulars.models.gamma_gamma import GammaGamma
from regulars.models.pareto_nbd import ParetoNbd
from regulars.models.summary import Summary

from .test_btyd import TRUTHS, simulated, taken

MODELS = (BgNbd, ParetoNbd)
HORIZONS = (1.0, 7.0, 90.0, 365.0, 3650.0)
DAYS = np.arange(1.0, 101)


def of(x: Any, t_x: Any, T: Any) -> Summary:
    return Summary(np.asarray(x), np.broadcast_to(t_x, len(x)), np.broadcast_to(T, len(x)))


OPEN = {
    "one customer": of([3], 20, 30),
    "three customers": of([1, 0, 0], [5, 0, 0], [9, 30, 20]),
    "three who bought twice": of([1, 1, 1], [5, 6, 7], [9, 30, 20]),
    "one repeat buyer of a hundred": of([1] + [0] * 99, [20] + [0] * 99, 30),
    "one repeat buyer of ten thousand": of([1] + [0] * 9999, [30] + [0] * 9999, 30),
    "all the same row": of([2] * 1000, 20, 30),
    "all the same row, just bought": of([2] * 1000, 30, 30),
    "everybody buys every day": of([99] * 50, 99, 99),
    "everybody buys every day since joining": of(DAYS, DAYS, DAYS),
    "all bought on the last day": of([1] * 30, DAYS[:30], DAYS[:30]),
    "all long silent": of([5] * 50, 1, 3000),
    "half buy every day, half once": of([99] * 50 + [0] * 50, [99] * 50 + [0] * 50, 99),
    "ten thousand purchases of one": of([10_000] + [0] * 99, [2999] + [0] * 99, 3000),
    "ten thousand purchases of one, long ago": of([10_000] + [0] * 99, [100] + [0] * 99, 3000),
    "all joined on the last day but one": of([1] + [0] * 30, [1] + [0] * 30, [1] + [0] * 30),
    "moments": of([1, 0, 2], [1e-9, 0, 1e-9], 2e-9),
    "ages of the world": of([1, 0, 2], [1e9, 0, 1e9], 2e9),
}
"""Data that leave some parameter open."""

TOLD = {
    "a hundred thousand purchases of one of three": of([100_000, 3, 0], [2999, 5, 0], 3000),
    "a million purchases of one of three": of([10**6, 0, 3], [50, 0, 3], 100),
    "ten thousand purchases of one among many": of([10_000] + [1] * 50 + [0] * 99, [2999, *DAYS[:50], *[0] * 99], 3000),
}
"""Data that are odd, whatever they leave open."""


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", [*OPEN, *TOLD])
def test_odd_data_give_finite_predictions_for_them_and_for_newcomers(
    kind: type[BgNbd] | type[ParetoNbd], name: str
) -> None:
    s = {**OPEN, **TOLD}[name]
    model = kind.fit(s)
    assert np.isfinite(model.log_likelihood)
    for rows in (s, Summary.newcomers()):
        p = np.array([model.p_no_purchase(rows, h) for h in HORIZONS])
        e = np.array([model.expected_purchases(rows, h) for h in HORIZONS])
        assert ((p > 0) & (p < 1)).all()
        assert (np.isfinite(e) & (e >= 0)).all()
        assert (np.diff(p, axis=0) <= 1e-11).all()
        assert (np.diff(e, axis=0) >= -1e-11 * e[1:]).all()


def drawn(seed: int) -> Summary:
    """A few customers of any age, in any unit, some with very many purchases and some with a single moment of them."""
    rng = np.random.default_rng(seed)
    n, unit = int(rng.integers(1, 30)), 10.0 ** rng.integers(-6, 7)
    T = np.where(rng.random(n) < 0.2, 0, rng.integers(0, 10 ** rng.integers(1, 5), n)) * unit
    x = np.where(rng.random(n) < rng.random(), 0, np.floor(10 ** rng.uniform(0, rng.choice([0.5, 1, 3, 6]), n)))
    x = np.where(T > 0, x, 0)
    value = 10.0 ** rng.uniform(-8, 8, n) if rng.random() < 0.5 else np.full(n, 5.0)
    return Summary(x, np.where(x > 0, T * rng.choice([1e-6, 0.01, 0.5, 1], n), 0), T, np.where(x > 0, value, np.nan))


@pytest.mark.parametrize("kind", [*MODELS, GammaGamma])
@pytest.mark.parametrize("seeds", [range(15), pytest.param(range(15, 300), marks=pytest.mark.soak)])
def test_any_few_customers_give_finite_predictions_or_are_not_enough(
    kind: type[BgNbd] | type[ParetoNbd] | type[GammaGamma], seeds: range
) -> None:
    fitted = 0
    for seed in seeds:
        s = drawn(seed)
        try:
            model = kind.fit(s)
        except NotEnoughData:
            continue
        fitted += 1
        for rows in (s, Summary.newcomers()):
            if isinstance(model, GammaGamma):
                assert (np.isfinite(model.expected_value(rows)) & (model.expected_value(rows) > 0)).all()
                continue
            for h in HORIZONS:
                p, e = model.p_no_purchase(rows, h), model.expected_purchases(rows, h)
                assert ((p > 0) & (p < 1) & np.isfinite(e) & (e >= 0)).all()
    assert fitted >= len(seeds) // 12


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", OPEN)
def test_what_the_data_leave_open_is_settled_by_a_weak_prior_and_said(
    kind: type[BgNbd] | type[ParetoNbd], name: str
) -> None:
    model = kind.fit(OPEN[name])
    assert model.weak_prior
    assert model.message.startswith("the plain fit did not settle: the data leave open how ")
    assert "; fitted with a weak prior" in model.message


@pytest.mark.parametrize("kind", MODELS)
def test_three_customers_do_not_make_anybody_certain(kind: type[BgNbd] | type[ParetoNbd]) -> None:
    # Plain maximum likelihood takes the one repeat buyer, silent for 4 days after a gap of 5, for lost with certainty.
    s = OPEN["three customers"]
    p = kind.fit(s).p_no_purchase(s, 30)
    assert ((p > 0.2) & (p < 0.98)).all()


@pytest.mark.parametrize("kind", MODELS)
def test_daily_buyers_may_stop_though_none_has_yet(kind: type[BgNbd] | type[ParetoNbd]) -> None:
    # 50 customers x 100 days without a loss: the chance of one in the next day is about one in 5,000, not nought.
    s = OPEN["everybody buys every day"]
    assert 1 / 50_000 < kind.fit(s).p_no_purchase(s, 90)[0] < 1 / 500


@pytest.mark.parametrize("kind", MODELS)
def test_small_samples_predict_better_with_the_fallback_than_without(
    kind: type[BgNbd] | type[ParetoNbd], monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = TRUTHS[MODELS.index(kind)]
    test, future = simulated(truth, 2000, 90.0, seed=50)
    silent = future == 0

    def losses() -> list[float]:
        found = []
        for seed in range(12):
            s, _ = simulated(truth, 12, 90.0, seed)
            p = np.clip(kind.fit(s).p_no_purchase(test, 90), 1e-6, 1 - 1e-6)
            found.append(float(-np.where(silent, np.log(p), np.log1p(-p)).mean()))
        return found

    ours = losses()
    monkeypatch.setattr("regulars.models.optimum.WeakPrior.left_open", lambda *_: None)
    plain = losses()
    assert np.mean(ours) < np.mean(plain) - 0.01
    assert max(ours) < max(plain)


@pytest.mark.parametrize("kind", MODELS)
def test_large_samples_know_better_than_the_weak_prior(kind: type[BgNbd] | type[ParetoNbd]) -> None:
    s, _ = simulated(TRUTHS[MODELS.index(kind)], 3000, 90.0, seed=51)
    assert not kind.fit(s).weak_prior


@pytest.mark.parametrize("kind", MODELS)
def test_nobody_aged_a_day_is_not_enough_data(kind: type[BgNbd] | type[ParetoNbd]) -> None:
    with pytest.raises(NotEnoughData) as caught:
        kind.fit(Summary.newcomers(40))
    assert caught.value.code == "RG052"


@pytest.mark.parametrize("kind", MODELS)
def test_likelihood_of_very_many_purchases_continues_that_of_many(
    kind: type[BgNbd] | type[ParetoNbd], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Beyond the table sums give way to gamma functions; with a short table that happens early, and nothing may change.
    s = of([40, 300, 2000, 0], [90, 99, 99, 0], 100)
    model = TRUTHS[MODELS.index(kind)]
    by_sums = model.row_log_likelihood(s)
    monkeypatch.setattr(btyd, "TABLE", 50)
    monkeypatch.setattr("regulars.models.bg_nbd.TABLE", 50)
    np.testing.assert_allclose(model.row_log_likelihood(s), by_sums, rtol=1e-12)


@pytest.mark.parametrize("kind", MODELS)
def test_of_very_many_customers_a_fit_looks_at_some_and_says_nearly_the_same(
    kind: type[BgNbd] | type[ParetoNbd], monkeypatch: pytest.MonkeyPatch
) -> None:
    s, _ = simulated(TRUTHS[MODELS.index(kind)], 6000, 90.0, seed=52)
    whole = kind.fit(s)
    monkeypatch.setattr(summary, "MOST_ROWS", 2000)
    some = kind.fit(s)
    assert some != whole
    assert some.n_customers == 6000
    assert some.log_likelihood == pytest.approx(whole.log_likelihood, rel=0.01)
    # Four parameters from 2,000 customers: a mean squared error in the logit of the order of 4 / 2,000.
    apart = np.diff([np.log(m.p_no_purchase(s, 90)) - np.log1p(-m.p_no_purchase(s, 90)) for m in (whole, some)], axis=0)
    assert np.sqrt((apart**2).mean()) < 0.1
    assert kind.fit(taken(s, np.random.default_rng(0).permutation(6000))) == some
