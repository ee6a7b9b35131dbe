"""BG/NBD and Pareto/NBD: the published estimates, hand-derived values, slow integrals, simulated truth, refusals."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betaln, gammainc, gammaln, hyp2f1

from regulars.errors import ConfigError, DataError, NotEnoughData
from regulars.models import bg_nbd, pareto_nbd
from regulars.models.bg_nbd import BgNbd
from regulars.models.pareto_nbd import ParetoNbd
from regulars.models.summary import Summary

MODELS = (BgNbd, ParetoNbd)
Four = tuple[float, float, float, float]
BG = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
PARETO = ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669)


def timing(x: Any, t_x: Any, T: Any) -> Summary:
    """A summary without values."""
    x = np.atleast_1d(np.asarray(x))
    return Summary(x, np.atleast_1d(t_x), np.atleast_1d(T), np.full(len(x), np.nan), np.zeros(len(x)))


def taken(s: Summary, rows: Any) -> Summary:
    return Summary(s.frequency[rows], s.recency[rows], s.T[rows], s.value[rows], s.n_valued[rows])


def cdnow_summary(purchases: pd.DataFrame, cutoff: str, unit_days: float) -> Summary:
    """Purchases before the cutoff collapsed to days; T to the day before the cutoff."""
    day = (purchases["date"] - pd.Timestamp(cutoff)).dt.days
    days = purchases.assign(day=day)[day < 0].groupby(["customer_id", "day"], as_index=False)["amount"].sum()
    by = days.groupby("customer_id")["day"]
    first, last, x = by.min(), by.max(), by.count() - 1
    repeat = days[(days["day"] > days["customer_id"].map(first)) & (days["amount"] > 0)]
    value = repeat.groupby("customer_id")["amount"].agg(["mean", "count"]).reindex(first.index)
    times = ((last - first) / unit_days, (-1 - first) / unit_days)
    return Summary(x.to_numpy(), times[0].to_numpy(), times[1].to_numpy(), value["mean"].to_numpy(),
                   value["count"].fillna(0).to_numpy())  # fmt: skip


def simulated(model: BgNbd | ParetoNbd, n: int, h: float, seed: int) -> tuple[Summary, np.ndarray]:
    """Customers who follow the model's own story, seen over (0, T], and their purchases in (T, T + h]."""
    rng = np.random.default_rng(seed)
    T = rng.uniform(60, 300, n)
    rate = rng.gamma(model.r, 1 / model.alpha, n)
    if isinstance(model, BgNbd):
        last_order, death = rng.geometric(np.maximum(rng.beta(model.a, model.b, n), 1e-12)), np.full(n, np.inf)
    else:
        last_order, death = np.full(n, 10**9), rng.exponential(1 / rng.gamma(model.s, 1 / model.beta, n))
    x, t_x, future, now = np.zeros(n, int), np.zeros(n), np.zeros(n, int), np.zeros(n)
    for order in range(1, 100_000):
        now = now + rng.exponential(1 / rate)
        buys = (order <= last_order) & (now <= death)
        seen, later = buys & (now <= T), buys & (now > T) & (now <= T + h)
        x, t_x, future = x + seen, np.where(seen, now, t_x), future + later
        if not (seen | later).any():
            break
    return timing(x, t_x, T), future


# --- the literature -------------------------------------------------------------------------------------------------


def test_bg_nbd_gives_the_published_estimates_of_cdnow(cdnow_sample: pd.DataFrame) -> None:
    # Fader, Hardie, Lee (2005), table 2: r .243, alpha 4.414, a .793, b 2.426, LL -9582.4; 2,357 customers.
    model = BgNbd.fit(cdnow_summary(cdnow_sample, "1997-10-01", 7))
    assert [round(v, 3) for v in (model.r, model.alpha, model.a, model.b)] == [0.243, 4.414, 0.793, 2.426]
    assert round(model.log_likelihood, 1) == -9582.4
    assert (model.n_customers, model.weak_prior, model.message) == (2357, False, "converged")


def test_pareto_nbd_gives_the_published_estimates_of_cdnow(cdnow_sample: pd.DataFrame) -> None:
    # The same table: r .553, alpha 10.578, s .606, beta 11.669, LL -9595.0.
    model = ParetoNbd.fit(cdnow_summary(cdnow_sample, "1997-10-01", 7))
    assert [round(v, 3) for v in (model.r, model.alpha, model.s, model.beta)] == [0.553, 10.578, 0.606, 11.669]
    assert round(model.log_likelihood, 1) == -9595.0
    assert (model.n_customers, model.weak_prior, model.message) == (2357, False, "converged")


def test_expected_purchases_match_the_worked_example_of_the_paper() -> None:
    # Fader, Hardie, Lee (2005), "Implementing the BG/NBD model in Excel": x = 2, t_x = 30.43, T = 38.86; 39 weeks.
    assert BG.expected_purchases(timing(2, 30.43, 38.86), 39)[0] == pytest.approx(1.226, abs=5e-4)


# --- hand-derived ---------------------------------------------------------------------------------------------------


def test_bg_nbd_likelihood_of_one_repeat_purchase_by_hand() -> None:
    # r = alpha = a = b = 1, x = 1, t_x = 1, T = 3: alive B(1,2)/B(1,1) / (1+3)^2 = 1/2 x 1/16;
    # dropped out at the purchase B(2,1)/B(1,1) / (1+1)^2 = 1/2 x 1/4; together 5/32; alive 1/32 of it, a fifth.
    model, s = BgNbd(1, 1, 1, 1), timing(1, 1, 3)
    assert np.exp(model.row_log_likelihood(s))[0] == pytest.approx(5 / 32, rel=1e-14)
    assert model.p_alive(s)[0] == pytest.approx(1 / 5, rel=1e-14)


def test_bg_nbd_customer_without_repeat_purchase_is_alive() -> None:
    # L = (alpha / (alpha + T))^r; for r = 1 silence of 10 more after 10: (10 / 30) / (10 / 20) = 2/3.
    model, s = BgNbd(1, 10, 0.8, 2.4), timing(0, 0, 10)
    assert np.exp(model.row_log_likelihood(s))[0] == pytest.approx(1 / 2, rel=1e-14)
    assert model.p_alive(s)[0] == 1.0
    assert model.p_no_purchase(s, 10)[0] == pytest.approx(2 / 3, rel=1e-14)


def test_pareto_nbd_without_repeat_purchase_by_hand() -> None:
    # r = alpha = s = beta = 1, T = 1: 1/(2 x 2) + integral over (0, 1) of (1+t)^-3 = 1/4 + 3/8 = 5/8; alive 2/5.
    # T = 3: 1/16 + (1 - 1/16)/2 = 17/32, so silence of 2 more has (17/32) / (5/8) = .85.
    model, s = ParetoNbd(1, 1, 1, 1), timing(0, 0, 1)
    assert np.exp(model.row_log_likelihood(s))[0] == pytest.approx(5 / 8, rel=1e-12)
    assert model.p_alive(s)[0] == pytest.approx(2 / 5, rel=1e-12)
    assert model.p_no_purchase(s, 2)[0] == pytest.approx(0.85, rel=1e-12)


def test_pareto_nbd_expected_purchases_by_hand_where_s_is_one() -> None:
    # As above: alive 2/5, rate (1+0)/(1+1) = 1/2, time lived in (1, 1+h] = (1+1) log((2+h)/2); h = 2: 2 log 2.
    expected = ParetoNbd(1, 1, 1, 1).expected_purchases(timing(0, 0, 1), 2)[0]
    assert expected == pytest.approx(2 / 5 * 1 / 2 * 2 * np.log(2), rel=1e-12)


def test_pareto_nbd_customer_who_bought_on_the_last_day_is_alive() -> None:
    assert PARETO.p_alive(timing(3, 20, 20))[0] == 1.0


# --- against slow and independent forms -----------------------------------------------------------------------------


def log_f21(j: float, k: float, z: float) -> float:
    """log 2F1(k, j; k+1; z) for 0 <= z < 1 as (1-z)^(1-j) 2F1(1, k+1-j; k+1; z) (Euler), a series of terms above 0.

    SciPy's hyp2f1 gives nan or infinity for some k and j in the hundreds.
    """
    n = np.arange(4000)
    terms = np.cumprod(np.r_[1.0, (k + 1 - j + n) / (k + 1 + n) * z])
    return float((1 - j) * np.log1p(-z) + np.log(terms.sum()))


def test_series_is_the_hypergeometric_function() -> None:
    for j, k, z in ((1.6, 3.2, 0.9), (5.5, 6.2, 0.5), (1.02, 53.0, 0.98), (8.0, 9.0, 0.0)):
        assert log_f21(j, k, z) == pytest.approx(np.log(hyp2f1(k, j, k + 1, z)), rel=1e-10, abs=1e-14)


def pareto_by_hyp2f1(r: float, alpha: float, s: float, beta: float, x: int, t_x: float, T: float) -> float:
    """log L with 2F1 as in Fader and Hardie (2005), "A note on deriving the Pareto/NBD model", in log space."""
    k = r + s + x
    top, j = (alpha, s + 1) if alpha >= beta else (beta, r + x)

    def log_term(t: float) -> float:
        return log_f21(j, k, abs(alpha - beta) / (top + t)) - k * float(np.log(top + t))

    first, second = log_term(t_x), log_term(T)
    log_a0 = first + np.log(-np.expm1(second - first)) if second < first else -np.inf
    alive = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
    constant = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return float(constant + np.logaddexp(alive, np.log(s / k) + log_a0))


PARETO_SHAPES: list[Four] = [(0.55, 10.6, 0.61, 11.7), (0.05, 200.0, 0.3, 3.0), (2.0, 5.0, 0.02, 90.0),
                             (1.4, 9.6, 3.0, 400.0), (8.0, 60.0, 1.0, 60.0), (0.6, 90.0, 0.3, 34.0)]  # fmt: skip


@pytest.mark.parametrize("parameters", PARETO_SHAPES)
def test_pareto_nbd_likelihood_agrees_with_the_hypergeometric_form(parameters: Four) -> None:
    model = ParetoNbd(*parameters)
    for T in (1.0, 30.0, 300.0, 3000.0):
        for share in (0.02, 0.5, 0.97, 1.0):
            for x in (0, 1, 5, 50, 300, 600):
                t_x = share * T if x else 0.0
                ours = model.row_log_likelihood(timing(x, t_x, T))[0]
                assert abs(np.expm1(ours - pareto_by_hyp2f1(*parameters, x, t_x, T))) < 1e-8, (x, t_x, T)


def test_decay_integral_agrees_with_a_fine_composite_rule() -> None:
    node, weight = np.polynomial.legendre.leggauss(40)
    for m in (0.01, 1.0, 30.0, 600.5):
        for at in (0.01, 30.0, 3e4):
            for k in (1.0001, 2.0, 300.0):
                for bt in (0.01, 30.0, 3e4):
                    for length in (1e-3, 1.0, 300.0, 3000.0):
                        # 1,600 nodes in log(1 + d / scale), which no feature of either factor escapes
                        edges = np.linspace(0, np.log1p(length * (m / at + k / bt + 1 / at)), 41)
                        u = (edges[:-1, None] + np.diff(edges)[:, None] * 0.5 * (1 + node)).ravel()
                        d = np.expm1(u) / (m / at + k / bt + 1 / at)
                        f = np.exp(u - m * np.log1p(d / at) - k * np.log1p(d / bt)) / (m / at + k / bt + 1 / at)
                        slow = (f * np.tile(weight, 40)).sum() * 0.5 * (edges[1] - edges[0])
                        log_k, _ = pareto_nbd._decay_integral(
                            np.array([m]), np.array([at]), k, np.array([bt]), np.array([length])
                        )
                        assert abs(np.exp(log_k[0]) / slow - 1) < 1e-10, (m, at, k, bt, length)


def bg_expected_by_quad(a: float, b: float, m: float, eta: float) -> float:
    """Mean over p of (1 - (1 + p eta)^-m) / p under beta(a, b), by adaptive quadrature in the logit of p."""

    def integrand(y: float) -> float:
        p, log_p, log_q = 1 / (1 + np.exp(-y)), -np.logaddexp(0, -y), -np.logaddexp(0, y)
        return float(np.exp(a * log_p + b * log_q - betaln(a, b)) * -np.expm1(-m * np.log1p(p * eta)) / p)

    edges = np.linspace(-60, 60, 25) + np.log(a / b)
    return sum(quad(integrand, low, high, epsabs=0, epsrel=1e-11)[0] for low, high in itertools.pairwise(edges))


@pytest.mark.parametrize("x", [0, 1, 5, 50, 300])
@pytest.mark.parametrize(("a", "b"), [(0.793, 2.426), (1.0, 1.0), (3.0, 40.0), (60.0, 900.0)])
def test_bg_nbd_expected_purchases_agree_with_quadrature(x: int, a: float, b: float) -> None:
    model, s = BgNbd(0.6, 20.0, a, b), timing(x, 190 if x else 0, 200)
    for h in (7.0, 90.0, 2000.0):
        slow = bg_expected_by_quad(a, b + x, 0.6 + x, h / 220.0)
        assert model.expected_purchases(s, h)[0] == pytest.approx(model.p_alive(s)[0] * slow, rel=1e-8)


@pytest.mark.parametrize("x", [0, 1, 5, 50, 300])
def test_bg_nbd_without_dropping_out_expects_rate_times_horizon(x: int) -> None:
    # a -> 0: nobody is lost, so (r + x) / (alpha + T) x h, less a share of the order of a.
    model, s = BgNbd(0.6, 20.0, 1e-6, 1e5), timing(x, 200 if x else 0, 200)
    assert model.expected_purchases(s, 90)[0] == pytest.approx((0.6 + x) / 220 * 90, rel=1e-6)


def test_bg_nbd_expected_purchases_agree_with_the_published_closed_form_where_that_is_safe() -> None:
    # Fader, Hardie, Lee (2005), equation 10.
    r, alpha, a, b = BG.r, BG.alpha, BG.a, BG.b
    for x, t_x, T, h in ((0, 0, 30, 10), (1, 5, 30, 39), (4, 25, 30, 39), (9, 38, 39, 5)):
        f = hyp2f1(r + x, b + x, a + b + x - 1, h / (alpha + T + h))
        top = (a + b + x - 1) / (a - 1) * (1 - ((alpha + T) / (alpha + T + h)) ** (r + x) * f)
        bottom = 1 + (x > 0) * a / (b + x - 1) * ((alpha + T) / (alpha + t_x)) ** (r + x)
        assert BG.expected_purchases(timing(x, t_x, T), h)[0] == pytest.approx(top / bottom, rel=1e-9)


@pytest.mark.parametrize("s", [0.02, 0.606, 1.0, 4.0])
def test_pareto_nbd_expected_purchases_agree_with_quadrature(s: float) -> None:
    model, row = ParetoNbd(0.553, 10.578, s, 11.669), timing(4, 20, 30)

    B = 11.669 + 30

    def integrand(y: float) -> float:  # time lived in the window given the death rate e^y, under its gamma(s, B)
        density = np.exp(s * (y + np.log(B)) - B * np.exp(y) - gammaln(s))
        return float(density * -np.expm1(-np.exp(y) * 39) / np.exp(y))

    edges = np.linspace(-40, 4, 23)
    lived = sum(quad(integrand, lo, hi, epsabs=0, epsrel=1e-11)[0] for lo, hi in itertools.pairwise(edges))
    lived += 39 * gammainc(s, B * np.exp(-40))  # those who practically never die live through all of it
    slow = model.p_alive(row)[0] * (0.553 + 4) / (10.578 + 30) * lived
    assert model.expected_purchases(row, 39)[0] == pytest.approx(slow, rel=1e-9)


@pytest.mark.parametrize("model", [BG, PARETO])
def test_p_no_purchase_is_the_ratio_of_two_likelihoods(model: BgNbd | ParetoNbd) -> None:
    x, t_x, T = np.array([0, 1, 3, 40]), np.array([0.0, 2.0, 30.0, 38.0]), np.array([20.0, 39.0, 31.0, 38.0])
    for h in (1.0, 39.0, 400.0):
        ratio = np.exp(model.row_log_likelihood(timing(x, t_x, T + h)) - model.row_log_likelihood(timing(x, t_x, T)))
        np.testing.assert_allclose(model.p_no_purchase(timing(x, t_x, T), h), ratio, rtol=1e-9)


@pytest.mark.parametrize("name", ["_bg_log_l", "_pareto_log_l"])
def test_slopes_agree_with_finite_differences(name: str) -> None:
    function = getattr(bg_nbd if name == "_bg_log_l" else pareto_nbd, name)
    x, t_x, T = np.array([0, 1, 5, 80, 3]), np.array([0.0, 0.5, 2.0, 1.9, 2.5]), np.array([1.0, 2.0, 2.5, 2.0, 2.5])
    for parameters in ((0.5, 0.7, 0.6, 2.0), (3.0, 0.05, 0.02, 30.0), (0.1, 4.0, 5.0, 0.3)):
        _, slopes = function(*parameters, x, t_x, T)
        for i, p in enumerate(parameters):
            up, down = list(parameters), list(parameters)
            up[i], down[i] = p * (1 + 1e-5), p * (1 - 1e-5)
            numeric = (function(*up, x, t_x, T)[0] - function(*down, x, t_x, T)[0]) / (2e-5 * p)
            np.testing.assert_allclose(slopes[i], numeric, rtol=2e-6, atol=1e-7)


# --- simulated truth ------------------------------------------------------------------------------------------------

TRUTHS = [BgNbd(0.8, 30.0, 0.6, 3.0), ParetoNbd(0.8, 30.0, 0.6, 60.0)]


@pytest.mark.parametrize("truth", TRUTHS)
def test_fit_on_simulated_customers_is_calibrated_in_the_next_ninety_days(truth: BgNbd | ParetoNbd) -> None:
    s, future = simulated(truth, 4000, 90.0, seed=3)
    model = type(truth).fit(s)
    p, silent = model.p_no_purchase(s, 90), future == 0
    assert not model.weak_prior
    # Bands of four standard errors, over all and in each fifth of the prediction.
    for rows in (np.arange(4000), *np.array_split(np.argsort(p, kind="stable"), 5)):
        noise = np.sqrt((p[rows] * (1 - p[rows])).sum()) / len(rows)
        assert abs(p[rows].mean() - silent[rows].mean()) < 4 * noise
    expected = model.expected_purchases(s, 90)
    assert abs(expected.mean() - future.mean()) < 4 * (future - expected).std() / np.sqrt(4000)


@pytest.mark.parametrize("truth", TRUTHS)
def test_fit_is_at_least_as_likely_as_the_truth(truth: BgNbd | ParetoNbd) -> None:
    # Twice the gain over the truth is chi-squared with 4 degrees of freedom: above 25 once in 20,000 draws.
    s, _ = simulated(truth, 4000, 90.0, seed=4)
    model = type(truth).fit(s)
    gain = model.log_likelihood - truth.row_log_likelihood(s).sum()
    assert 0 <= gain < 12.5
    assert model.log_likelihood == pytest.approx(model.row_log_likelihood(s).sum(), rel=1e-10)


# --- properties -----------------------------------------------------------------------------------------------------


@st.composite
def models_and_rows(draw: st.DrawFn) -> tuple[BgNbd | ParetoNbd, Summary]:
    kind = draw(st.sampled_from(MODELS))
    shape, scale = st.floats(0.01, 50), st.floats(0.1, 5000)
    second = shape if kind is BgNbd else scale
    model = kind(draw(shape), draw(scale), draw(shape), draw(second))
    x, T = draw(st.integers(0, 600)), draw(st.floats(1, 3000))
    t_x = draw(st.floats(0.01, 1)) * T if x else 0.0
    return model, timing(x, t_x, T)


@given(models_and_rows())
def test_silence_falls_and_purchases_rise_with_the_horizon(drawn: tuple[BgNbd | ParetoNbd, Summary]) -> None:
    model, s = drawn
    horizons = (0.01, 1.0, 7.0, 30.0, 31.0, 365.0, 3650.0)
    p = np.array([model.p_no_purchase(s, h)[0] for h in horizons])
    e = np.array([model.expected_purchases(s, h)[0] for h in horizons])
    assert ((p > 0) & (p < 1)).all()
    assert np.isfinite(e).all()
    assert (e >= 0).all()
    assert (np.diff(p) <= 1e-11).all()
    assert (np.diff(e) >= -1e-11 * e[1:]).all()
    # Markov: at least as many purchases are expected as it is likely that there is one.
    assert (e >= (1 - p) * (1 - 1e-9) - 1e-11).all()


@given(models_and_rows())
def test_p_alive_is_a_probability(drawn: tuple[BgNbd | ParetoNbd, Summary]) -> None:
    model, s = drawn
    assert 0 <= model.p_alive(s)[0] <= 1
    assert np.isfinite(model.row_log_likelihood(s)).all()


@pytest.mark.parametrize("kind", MODELS)
def test_row_order_does_not_matter(kind: type[BgNbd] | type[ParetoNbd]) -> None:
    s, _ = simulated(TRUTHS[MODELS.index(kind)], 500, 90.0, seed=5)
    assert kind.fit(s) == kind.fit(taken(s, np.random.default_rng(0).permutation(500)))


@pytest.mark.parametrize("kind", MODELS)
def test_days_and_weeks_give_the_same_probabilities(kind: type[BgNbd] | type[ParetoNbd]) -> None:
    days, _ = simulated(TRUTHS[MODELS.index(kind)], 500, 90.0, seed=6)
    weeks = timing(days.frequency, days.recency / 7, days.T / 7)
    in_days, in_weeks = kind.fit(days), kind.fit(weeks)
    assert in_weeks.alpha * 7 == pytest.approx(in_days.alpha, rel=1e-5)
    # A density per day is 1/7 of one per week, once for each repeat purchase.
    assert in_weeks.log_likelihood - in_days.log_likelihood == pytest.approx(days.frequency.sum() * np.log(7), rel=1e-9)
    np.testing.assert_allclose(in_days.p_no_purchase(days, 90), in_weeks.p_no_purchase(weeks, 90 / 7), atol=1e-6)
    np.testing.assert_allclose(
        in_days.expected_purchases(days, 90), in_weeks.expected_purchases(weeks, 90 / 7), rtol=1e-5
    )


@pytest.mark.parametrize("kind", MODELS)
def test_every_customer_twice_gives_the_same_model(kind: type[BgNbd] | type[ParetoNbd]) -> None:
    s, _ = simulated(TRUTHS[MODELS.index(kind)], 300, 90.0, seed=7)
    once, twice = kind.fit(s), kind.fit(taken(s, np.repeat(np.arange(300), 2)))
    assert twice.log_likelihood == pytest.approx(2 * once.log_likelihood, rel=1e-10)
    assert twice.r == pytest.approx(once.r, rel=1e-4)


@pytest.mark.parametrize("model", [BG, PARETO])
def test_one_customer_alone_gets_bit_for_bit_what_the_batch_gets(model: BgNbd | ParetoNbd) -> None:
    s, _ = simulated(TRUTHS[0], 3000, 90.0, seed=8)  # more than one block
    batch = (model.p_alive(s), model.p_no_purchase(s, 30), model.expected_purchases(s, 30))
    for row in (0, 1, 17, 2047, 2048, 2999):
        alone = taken(s, [row])
        one = (model.p_alive(alone), model.p_no_purchase(alone, 30), model.expected_purchases(alone, 30))
        assert [float(v[0]) for v in one] == [float(v[row]) for v in batch]


@pytest.mark.parametrize("model", [BG, PARETO])
def test_no_customers_get_empty_predictions(model: BgNbd | ParetoNbd) -> None:
    none = timing([], [], [])
    assert (
        model.p_alive(none).shape
        == model.p_no_purchase(none, 9).shape
        == model.expected_purchases(none, 9).shape
        == (0,)
    )


# --- data at the edge -----------------------------------------------------------------------------------------------


def grocery(rate: np.ndarray, seed: int) -> Summary:
    """Poisson buyers who never leave, seen for 200 to 300 days."""
    rng = np.random.default_rng(seed)
    T = rng.integers(200, 300, len(rate)).astype(float)
    x = rng.poisson(rate * T)
    return timing(x, np.where(x > 0, T * rng.beta(np.maximum(x, 1), 1), 0.0), T)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("even", [False, True])
def test_frequent_shoppers_who_never_leave_give_a_usable_model_that_says_so(
    kind: type[BgNbd] | type[ParetoNbd], even: bool
) -> None:
    # About 200 purchase days each; without churn the silence of 7 days is about E exp(-7 rate) given the rate seen.
    rate = np.full(500, 0.8) if even else np.random.default_rng(1).gamma(8, 0.1, 500)
    s = grocery(rate, seed=2)
    model = kind.fit(s)
    assert all(np.isfinite(v) and v > 0 for v in list(model.to_dict().values())[:4])
    assert "hardly any" in model.message
    assert ("nearly the same rate" in model.message) == even
    assert model.expected_purchases(s, 90).mean() == pytest.approx(90 * rate.mean(), rel=0.02)
    assert np.isfinite(model.p_no_purchase(s, 90)).all()


# --- refusals and storage -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(
    ("s", "words"), [(timing([], [], []), "0 customers"), (timing([0] * 7, [0] * 7, range(7)), "7 cust")]
)
def test_no_repeat_purchase_is_not_enough_data(kind: type[BgNbd] | type[ParetoNbd], s: Summary, words: str) -> None:
    with pytest.raises(NotEnoughData, match=words) as caught:
        kind.fit(s)
    assert caught.value.code == "RG052"


BAD_ROWS = [
    ((-1, 0, 9, np.nan, 0), "not whole"),
    ((1.5, 2, 9, np.nan, 0), "not whole"),
    ((np.nan, 2, 9, np.nan, 0), "not whole"),
    ((1, 2, 9, 5, -1), "not whole"),
    ((1, -2, 9, np.nan, 0), "negative or not finite"),
    ((0, 0, -1, np.nan, 0), "negative or not finite"),
    ((1, 2, np.nan, np.nan, 0), "negative or not finite"),
    ((1, 2, np.inf, np.nan, 0), "negative or not finite"),
    ((1, 10, 9, np.nan, 0), "later than T"),
    ((2, 0, 9, np.nan, 0), "recency 0"),
    ((0, 3, 9, np.nan, 0), "without a repeat purchase"),
    ((1, 3, 9, 5, 2), "more valued"),
    ((1, 3, 9, np.nan, 1), "no mean value"),
    ((1, 3, 9, -4, 1), "no mean value"),
]


@pytest.mark.parametrize(("row", "words"), BAD_ROWS)
def test_rows_that_cannot_be_are_named(row: tuple[float, ...], words: str) -> None:
    good = (1, 3, 9, 5, 1)
    with pytest.raises(DataError, match=words) as caught:
        Summary(*np.array([good, row, good], float).T)
    assert caught.value.code == "RG051"
    assert len(caught.value.offending) == 1
    assert str(caught.value.offending[0]).startswith("row 1: ")


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        Summary(np.zeros(2), np.zeros(3), np.zeros(2), np.zeros(2), np.zeros(2))
    assert caught.value.code == "RG050"


@pytest.mark.parametrize("model", [BG, PARETO])
@pytest.mark.parametrize("h", [0, -1, float("nan"), float("inf")])
def test_horizon_that_is_no_time_is_refused(model: BgNbd | ParetoNbd, h: float) -> None:
    for method in (model.p_no_purchase, model.expected_purchases):
        with pytest.raises(ConfigError) as caught:
            method(timing(1, 3, 9), h)
        assert caught.value.code == "RG053"


@pytest.mark.parametrize("model", [BG, PARETO, BgNbd.fit(timing([2, 0], [3, 0], [9, 9]))])
def test_model_survives_json(model: BgNbd | ParetoNbd) -> None:
    assert type(model).from_dict(json.loads(json.dumps(model.to_dict(), allow_nan=False))) == model


@pytest.mark.parametrize("content", [{}, {"r": 1, "alpha": 1, "a": 1, "b": 0}, {"r": 1, "alpha": 1, "a": 1, "b": "2"},
                                     {"r": 1, "alpha": 1, "a": 1, "b": 1, "c": 1}])  # fmt: skip
def test_parameters_that_cannot_be_are_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        BgNbd.from_dict(content)
    assert caught.value.code == "RG054"


def test_nodes_that_were_kept_are_those_found_anew_however_many_customers_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    model = BgNbd(r=0.5, alpha=20.0, a=0.8, b=2.4)
    kinds = np.array([0, 3, 17, 400])

    def frozen(x: np.ndarray[Any, Any]) -> list[bytes]:
        return [part.tobytes() for part in model._nodes(x)]

    anew = [part.tobytes() for part in bg_nbd._beta_nodes(model.a, model.b + kinds)]
    alone = [bg_nbd._beta_nodes(model.a, model.b + kinds[i : i + 1]) for i in range(len(kinds))]
    assert [b"".join(part.tobytes() for part in column) for column in zip(*alone, strict=True)] == anew
    assert frozen(kinds[1:3]) == [part.tobytes() for part in bg_nbd._beta_nodes(model.a, model.b + kinds[1:3])]
    assert sorted(model._kept) == [3, 17]
    # Two were kept, two are new; then all were kept.
    assert frozen(kinds) == anew
    assert frozen(kinds) == anew
    monkeypatch.setattr(bg_nbd, "MOST_KEPT", 4)
    assert frozen(kinds + 1) == [part.tobytes() for part in bg_nbd._beta_nodes(model.a, model.b + kinds + 1)]
    assert sorted(model._kept) == kinds.tolist()
    monkeypatch.setattr(bg_nbd, "FEW_KINDS", 3)
    assert frozen(kinds) == anew
    assert frozen(kinds[:0]) == [b"", b"", b"", b""]
