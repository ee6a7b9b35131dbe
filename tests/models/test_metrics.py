"""Figures of merit against scikit-learn and SciPy, by hand where they have none, and intervals against brute force."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, mean_tweedie_deviance, roc_auc_score

from regulars.models import metrics
from regulars.models.metrics import Resampling

Float64 = NDArray[np.float64]


def outcomes(n: int = 400, seed: int = 0, digits: int = 9) -> tuple[Float64, Float64]:
    """Outcomes and probabilities; with few digits there are many ties."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.06, 0.94, n).round(digits)
    return (rng.random(n) < p).astype(np.float64), p


def money(n: int = 400, seed: int = 0) -> tuple[Float64, Float64]:
    """Spend, two in five of it nothing and some of it negative, and predictions with ties."""
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(n) < 0.4, 0.0, rng.gamma(1.5, 40, n)) - np.where(rng.random(n) < 0.05, 30.0, 0.0)
    return y.round(2), (np.abs(y) * rng.gamma(2, 0.5, n) + rng.gamma(1, 9, n)).round(0) + 1


def ids(n: int) -> NDArray[np.object_]:
    return np.array([f"c{i:04d}" for i in range(n)], object)


@pytest.mark.parametrize("digits", [9, 1])
def test_churn_figures_are_those_of_scikit_learn(digits: int) -> None:
    y, p = outcomes(digits=digits)
    found = metrics.churn_figures(y, p)
    meant = {
        "log_loss": log_loss(y, p),
        "auc": roc_auc_score(y, p),
        "pr_auc": average_precision_score(y, p),
        "brier": brier_score_loss(y, p),
    }
    assert {k: found[k] for k in meant} == pytest.approx(meant, rel=1e-12)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=30))
def test_auc_and_average_precision_agree_with_scikit_learn_however_many_ties(rows: list[tuple[bool, int]]) -> None:
    y, p = np.array([float(a) for a, _ in rows]), np.array([0.1 + 0.2 * b for _, b in rows])
    if y.min() == y.max():
        assert metrics.auc(y, p) is None
        assert metrics.pr_auc(y, p) is None
    else:
        assert metrics.auc(y, p) == pytest.approx(roc_auc_score(y, p), abs=1e-12)
        assert metrics.pr_auc(y, p) == pytest.approx(average_precision_score(y, p), abs=1e-12)


def test_a_probability_of_nothing_or_of_certainty_costs_much_but_not_infinitely_much() -> None:
    # Cut at 1e-6: being sure and wrong costs -log(1e-6) = 13.8155.
    assert metrics.log_losses(np.array([1.0, 0.0]), np.array([0.0, 1.0])).tolist() == pytest.approx([13.815511] * 2)


def test_logit_and_sigmoid_undo_each_other() -> None:
    p = np.array([1e-5, 0.2, 0.5, 0.999])
    assert metrics.sigmoid(metrics.logit(p)) == pytest.approx(p, rel=1e-9)


def test_calibration_error_of_equal_counts_by_slices() -> None:
    # Without ties, ten bins of 200 rows are the sorted rows cut into tens of twenty.
    y, p = outcomes(200)
    order = np.argsort(p)
    slices = [order[k : k + 20] for k in range(0, 200, 20)]
    meant = sum(abs(y[s].mean() - p[s].mean()) * 20 / 200 for s in slices)
    assert metrics.ece(y, p) == pytest.approx(meant, rel=1e-12)


def test_calibration_error_keeps_equal_predictions_together() -> None:
    # Three rows of .5 and one of .9 in two bins of two: the .5s end at rank 3, so all four share the upper bin:
    # |(0 + 1 + 1 + 0) - (.5 + .5 + .5 + .9)| / 4 = .4 / 4. Split by row order it would be 0 to .35.
    y, p = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.5, 0.5, 0.5, 0.9])
    for order in itertools.permutations(range(4)):
        rows = list(order)
        assert metrics.ece(y[rows], p[rows], bins=2) == pytest.approx(0.1)


def test_calibration_error_of_one_prediction_for_all_is_its_distance_from_the_base_rate() -> None:
    y, _ = outcomes(300)
    assert metrics.ece(y, np.full(300, 0.3)) == pytest.approx(abs(y.mean() - 0.3))


def test_deviance_is_that_of_scikit_learn_with_returns_as_nothing_spent() -> None:
    y, mu = money()
    assert metrics.deviance(y, mu).mean() == pytest.approx(mean_tweedie_deviance(np.maximum(y, 0), mu, power=1.5))
    # y = 0: 2 mu^.5 / .5 = 4 sqrt(9) = 12; y = mu: 0.
    assert metrics.deviance(np.array([0.0, 9.0, -5.0]), np.array([9.0, 9.0, 9.0])).tolist() == pytest.approx(
        [12, 0, 12]
    )


def share_area(y: Any, order: Any) -> float:
    """Area between the cumulative share of money and the diagonal when customers are taken in an order."""
    share = np.array([y[i] for i in order]) / sum(y)
    return float(((np.cumsum(share) - share / 2) / len(y)).sum() - 0.5)


def test_gini_with_ties_is_the_mean_over_all_orders_of_the_ties() -> None:
    y, mu = [5.0, 0.0, 1.0, 3.0, 0.0, 2.0], [2, 2, 2, 1, 3, 1]
    orders = [(4, *high, *low) for high in itertools.permutations([0, 1, 2]) for low in itertools.permutations([3, 5])]
    best = share_area(y, sorted(range(6), key=lambda i: -y[i]))
    meant = np.mean([share_area(y, order) for order in orders]) / best
    assert metrics.gini(np.array(y), np.array(mu, float)) == pytest.approx(meant, rel=1e-12)


def test_gini_is_one_for_the_true_order_minus_one_for_its_reverse_and_nothing_for_one_prediction() -> None:
    y = np.array([0.0, 1.0, 3.0, -4.0])
    # The return counts as nothing spent, so the reverse order is [nothing, nothing, 1, 3].
    assert metrics.gini(y, y) == pytest.approx(1.0)
    assert metrics.gini(y, -np.maximum(y, 0)) == pytest.approx(-1.0)
    assert metrics.gini(y, np.full(4, 7.0)) == pytest.approx(0.0, abs=1e-15)


def test_top_decile_is_rounded_up_and_ties_go_by_customer_id() -> None:
    # ceil(11 / 10) = 2 of 11; c, b and a are predicted alike, so a and b are taken: (3 + 2) / 20.
    y = np.array([1.0, 2.0, 3.0, -9.0, 14.0] + [0.0] * 6)
    mu = np.array([9.0, 9.0, 9.0, 8.0, 7.0] + [1.0] * 6)
    customer = np.array(["c", "b", "a", "d", "e", *"fghijk"], object)
    assert metrics.top_decile_capture(y, mu, customer) == pytest.approx(5 / 20)
    back = np.arange(11)[::-1]
    assert metrics.top_decile_capture(y[back], mu[back], customer[back]) == pytest.approx(5 / 20)


def test_value_figures_by_hand() -> None:
    # Signed spend 10, -5, 0, 15 (sum 20, absolute 30); predicted 8, 0, 1, 16 (sum 25); errors 2, 5, 1, 1.
    found = metrics.value_figures(np.array([10.0, -5, 0, 15]), np.array([8.0, 0, 1, 16]), 0.25, ids(4))
    assert found["bias"] == pytest.approx(25 / 20)
    assert found["mae"] == pytest.approx(9 / 4)
    assert found["wape"] == pytest.approx(9 / 30)
    # The 0 is lifted to the floor of .25: 2 sqrt(.25) / .5 = 2; the 1 costs 4.
    others = mean_tweedie_deviance([10.0, 15], [8.0, 16], power=1.5) * 2
    assert found["tweedie_deviance"] == pytest.approx((others + 2 + 4) / 4)
    # Ranks of truth 3, 1, 2, 4 and of predictions 3, 1, 2, 4.
    assert found["spearman"] == pytest.approx(1.0)
    assert found["gini"] == pytest.approx(1.0)
    assert found["top_decile_capture"] == pytest.approx(15 / 25)


def test_rank_correlation_is_that_of_scipy() -> None:
    y, mu = money()
    assert metrics.spearman(y, mu) == pytest.approx(spearmanr(y, mu).statistic, rel=1e-12)


def test_what_is_not_defined_is_none_and_never_a_number() -> None:
    one_class = metrics.churn_figures(np.ones(5), np.full(5, 0.7))
    assert one_class["auc"] is None
    assert one_class["pr_auc"] is None
    assert one_class["level_loss"] is None
    assert one_class["log_loss"] == pytest.approx(-np.log(0.7))
    nothing = metrics.value_figures(np.zeros(5), np.zeros(5), 0.0, ids(5))
    assert nothing["mae"] == 0.0
    assert {k for k, v in nothing.items() if v is None} == set(nothing) - {"mae"}
    returns_only = metrics.value_figures(np.array([-3.0, 0.0]), np.array([1.0, 2.0]), 1.0, ids(2))
    undefined = {"gini", "top_decile_capture", "bias", "level_deviance"}
    assert {k for k, v in returns_only.items() if v is None} == undefined


def test_the_level_is_refitted_by_one_shift_of_all_logits() -> None:
    # Logits of -2 and 2 have a mean probability of 1/2, as the outcomes have; both were told 1 lower.
    y, told = np.array([0.0, 1.0]), metrics.sigmoid(np.array([-3.0, 1.0]))
    assert metrics.level_shift(y, told) == pytest.approx(1.0, abs=1e-12)
    # Before: log(1 + e^-3) and log(1 + e^-1); after: twice log(1 + e^-2).
    before, after = (np.log1p(np.exp(-3)) + np.log1p(np.exp(-1))) / 2, np.log1p(np.exp(-2))
    assert metrics.level_loss(y, told) == pytest.approx(before - after, abs=1e-12)


def test_one_probability_for_all_has_no_error_but_that_of_level() -> None:
    # .9 for two of which one churned: log loss -(log .1 + log .9) / 2, and log 2 with .5.
    y, p = np.array([0.0, 1.0]), np.array([0.9, 0.9])
    assert metrics.level_loss(y, p) == pytest.approx(-np.log(0.09) / 2 - np.log(2))
    assert metrics.level_loss(y, np.array([0.5, 0.5])) == pytest.approx(0.0, abs=1e-15)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=40))
def test_no_shift_saves_more_than_the_level_and_the_level_never_less_than_nothing(
    rows: list[tuple[bool, float]],
) -> None:
    y, p = np.array([float(a) for a, _ in rows]), np.array([b for _, b in rows])
    saved, shift = metrics.level_loss(y, p), metrics.level_shift(y, p)
    if saved is None or shift is None:
        assert y.min() == y.max()
        return
    z = metrics.logit(p)

    def loss(by: float) -> float:
        return float((np.logaddexp(0, z + by) - y * (z + by)).mean())

    assert y.min() < y.max()
    assert saved >= 0
    assert saved == pytest.approx(loss(0) - minimize_scalar(loss, bounds=(-40, 40), method="bounded").fun, abs=1e-6)
    refitted = metrics.sigmoid(z + shift)
    assert refitted.mean() == pytest.approx(y.mean(), abs=1e-9)
    # Nothing is left, and rounding does not make it less than nothing.
    assert 0 <= (metrics.level_loss(y, refitted) or 0.0) < 1e-4


def test_the_level_of_a_deviance_is_one_factor_on_all_predictions() -> None:
    # Predictions that are a third of what was spent: three times as much leaves no deviance at all.
    y = np.array([3.0, 6.0, 30.0])
    assert metrics.level_deviance(y, y / 3) == pytest.approx(metrics.deviance(y, y / 3).mean())
    assert metrics.level_deviance(y, y) == pytest.approx(0.0, abs=1e-12)


@given(st.integers(0, 999))
def test_no_factor_saves_more_than_the_level_of_the_deviance(seed: int) -> None:
    y, mu = money(20, seed)

    def cost(log_factor: float) -> float:
        return float(metrics.deviance(y, mu * np.exp(log_factor)).mean())

    best = minimize_scalar(cost, bounds=(-9, 9), method="bounded").fun
    assert metrics.level_deviance(y, mu) == pytest.approx(cost(0.0) - best, abs=1e-4 * cost(0.0))


@given(st.lists(st.integers(0, 3), min_size=12, max_size=12), st.integers(0, 99))
def test_a_row_of_weight_two_is_two_rows(weights: list[int], seed: int) -> None:
    y, p = outcomes(12, seed, digits=1)
    spend, mu = money(12, seed)
    weight, again = np.array(weights, np.float64), np.repeat(np.arange(12), weights)
    for figure in (metrics.auc_of(y, p)(weight), metrics.gini_of(spend, mu)(weight)):
        assert figure is None or np.isfinite(figure)
    if 0 < y[again].sum() < len(again):
        assert metrics.auc_of(y, p)(weight) == pytest.approx(metrics.auc(y[again], p[again]), abs=1e-12)
    if np.unique(np.maximum(spend[again], 0)).size > 1:
        assert metrics.gini_of(spend, mu)(weight) == pytest.approx(metrics.gini(spend[again], mu[again]), abs=1e-9)


def test_the_same_seed_draws_the_same_intervals_and_another_seed_others() -> None:
    y, p = outcomes()
    auc = metrics.auc_of(y, p)
    assert Resampling(ids(400), 5).interval(auc) == Resampling(ids(400), 5).interval(auc)
    assert Resampling(ids(400), 5).interval(auc) != Resampling(ids(400), 6).interval(auc)


def test_every_model_is_judged_on_the_same_draws() -> None:
    # A monotone change of the predictions leaves every AUC as it is, so paired draws leave the interval as it is.
    y, p = outcomes()
    drawn = Resampling(ids(400), 0)
    first = drawn.interval(metrics.auc_of(y, p))
    drawn.interval(metrics.gini_of(y, p))
    assert drawn.interval(metrics.auc_of(y, p**3)) == first


def test_all_rows_of_a_customer_are_drawn_together() -> None:
    customer = np.array(["b", "a", "c", "a", "b", "a"], object)
    seen: list[Float64] = []

    def remembered(weight: Float64) -> float:
        seen.append(weight.copy())
        return 0.0

    Resampling(customer, 0, draws=30).interval(remembered)
    drawn = np.array(seen)
    assert (drawn[:, 1] == drawn[:, 3]).all()
    assert (drawn[:, 1] == drawn[:, 5]).all()
    assert (drawn[:, 0] == drawn[:, 4]).all()
    # Three customers are drawn each time, so one row of each adds up to three; and not always once each.
    assert (drawn[:, [0, 1, 2]].sum(1) == 3).all()
    assert (drawn != 1).any()


def test_the_order_of_rows_does_not_matter_to_intervals() -> None:
    y, p = outcomes()
    rows = np.random.default_rng(1).permutation(400)
    found = Resampling(ids(400)[rows], 0).interval(metrics.auc_of(y[rows], p[rows]))
    assert found == pytest.approx(Resampling(ids(400), 0).interval(metrics.auc_of(y, p)), abs=1e-12)


def test_a_figure_that_is_undefined_in_a_draw_has_no_interval() -> None:
    # Of two customers, one draw in two holds the same one twice: one class only.
    y, p = np.array([0.0, 1.0]), np.array([0.3, 0.6])
    assert Resampling(ids(2), 0).interval(metrics.auc_of(y, p)) is None
    assert Resampling(ids(1), 0).mean_interval(np.ones(1)) is None
    assert Resampling(ids(2), 0).mean_interval(np.ones(2), np.zeros(2)) is None


@pytest.mark.parametrize("as_ratio", [False, True])
def test_the_interval_of_a_mean_is_that_of_a_brute_force_bootstrap_over_customers(as_ratio: bool) -> None:
    rng = np.random.default_rng(4)
    customer = ids(300)[rng.integers(0, 300, 900)]
    # Rows of a customer are alike, so that drawing rows instead would give a far narrower interval.
    of_customer = dict(zip(ids(300), rng.gamma(2, 1, 300), strict=True))
    values = np.array([of_customer[c] for c in customer]) + rng.normal(0, 0.1, 900)
    over = rng.gamma(3, 1, 900) if as_ratio else np.ones(900)
    low, high = Resampling(customer, 0).mean_interval(values, over if as_ratio else None) or (0.0, 0.0)
    names, index = np.unique(customer.astype(str), return_inverse=True)
    top, below = np.bincount(index, values), np.bincount(index, over)
    draws = rng.integers(0, len(names), (6000, len(names)))
    brute = np.quantile(top[draws].sum(1) / below[draws].sum(1), [0.05, 0.95])
    # 6,000 draws know an end to about 2 % of the width; the normal approximation is as good here.
    assert [low, high] == pytest.approx(brute, abs=0.08 * (brute[1] - brute[0]))
    by_row = np.quantile(values[rng.integers(0, 900, (500, 900))].mean(1), [0.05, 0.95])
    if not as_ratio:
        assert high - low > 1.3 * (by_row[1] - by_row[0])


def two_models(rng: np.random.Generator, n: int) -> tuple[NDArray[np.object_], Float64, Float64, Float64]:
    """Whose row, outcomes and two models' probabilities: three rows of each customer, who are alike."""
    who = np.repeat(np.arange(n), 3)
    z = rng.normal(0, 1.5, n)[who] + rng.normal(0, 0.5, 3 * n)
    y = (rng.random(3 * n) < metrics.sigmoid(z)).astype(np.float64)
    ours, theirs = z + rng.normal(0, 0.3, n)[who], 0.8 * z + rng.normal(0, 0.8, n)[who]
    return ids(n)[who], y, metrics.sigmoid(ours), metrics.sigmoid(theirs)


@pytest.mark.parametrize("n", [100, pytest.param(1000, marks=pytest.mark.soak)])
def test_nine_in_ten_paired_intervals_of_a_gain_hold_the_truth(n: int) -> None:
    rng, hits, times = np.random.default_rng(1), 0, 300
    _, *truth = two_models(rng, 100_000)
    true = gain_of(*truth)
    for _ in range(times):
        customer, *rows = two_models(rng, n)
        a, b = (metrics.log_losses(rows[0], p) for p in rows[1:])
        low, high = Resampling(customer, 0).mean_interval(b - a, b) or (1.0, 0.0)
        assert low <= gain_of(*rows) <= high
        hits += low <= true <= high
    # 300 trials know a rate of .9 to +- .035 (two standard errors), and few customers cost an interval a little more.
    assert 0.85 < hits / times < 0.95


def gain_of(y: Float64, ours: Float64, theirs: Float64) -> float:
    a, b = metrics.log_losses(y, ours).sum(), metrics.log_losses(y, theirs).sum()
    return float((b - a) / b)


@pytest.mark.soak
@pytest.mark.parametrize("n", [100, 1000])
def test_nine_in_ten_resampled_intervals_of_an_auc_hold_the_truth(n: int) -> None:
    rng, hits, times = np.random.default_rng(2), 0, 300
    _, y, ours, _ = two_models(rng, 100_000)
    true = metrics.auc(y, ours) or 0.0
    for _ in range(times):
        customer, y, ours, _ = two_models(rng, n)
        low, high = Resampling(customer, 0).interval(metrics.auc_of(y, ours)) or (1.0, 0.0)
        hits += low <= true <= high
    assert 0.85 < hits / times < 0.95
