"""Those who bought once, or for the first time yesterday, at any horizon: closed forms, limits, simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import hyp2f1

from regulars.errors import DataError
from regulars.models.bg_nbd import BgNbd
from regulars.models.pareto_nbd import ParetoNbd
from regulars.models.summary import Summary

from .test_btyd import BG, PARETO, TRUTHS, simulated, taken

NEW = Summary.newcomers()
HORIZONS = (1.0, 7.0, 90.0, 365.0, 3650.0)


def test_newcomers_have_no_repeat_purchase_and_no_age() -> None:
    s = Summary.newcomers(2)
    assert [s.frequency.tolist(), s.recency.tolist(), s.T.tolist(), s.n_valued.tolist()] == [[0, 0]] * 4
    assert np.isnan(s.value).all()


def test_bg_nbd_newcomers_stay_silent_as_a_gamma_mixture_of_exponentials_says() -> None:
    # They are alive, and buy at a rate of their own: E exp(-rate h) = (alpha / (alpha + h))^r.
    for h in HORIZONS:
        assert BG.p_no_purchase(NEW, h)[0] == pytest.approx((BG.alpha / (BG.alpha + h)) ** BG.r, rel=1e-12)


def test_bg_nbd_newcomers_buy_as_often_as_the_paper_says() -> None:
    # Fader, Hardie, Lee (2005), equation 9.
    r, alpha, a, b = BG.r, BG.alpha, BG.a, BG.b
    for h in HORIZONS:
        f = hyp2f1(r, b, a + b - 1, h / (alpha + h))
        meant = (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + h)) ** r * f)
        assert BG.expected_purchases(NEW, h)[0] == pytest.approx(meant, rel=1e-8)


def test_pareto_nbd_newcomers_buy_as_often_as_the_paper_says() -> None:
    # Schmittlein, Morrison, Colombo (1987), equation 17: r beta / (alpha (s - 1)) (1 - (beta / (beta + h))^(s - 1)).
    r, alpha, s, beta = PARETO.r, PARETO.alpha, PARETO.s, PARETO.beta
    for h in HORIZONS:
        meant = r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + h)) ** (s - 1))
        assert PARETO.expected_purchases(NEW, h)[0] == pytest.approx(meant, rel=1e-10)


def test_pareto_nbd_newcomers_who_never_buy_again_are_those_who_die_first() -> None:
    # With rates of death and purchase alike in distribution, death comes first in half of all cases.
    assert ParetoNbd(1, 10, 1, 10).p_no_purchase(NEW, 1e9)[0] == pytest.approx(0.5, abs=1e-6)


def test_pareto_nbd_newcomers_agree_with_a_simulated_first_purchase() -> None:
    rng, n = np.random.default_rng(0), 200_000
    first = rng.exponential(1 / rng.gamma(PARETO.r, 1 / PARETO.alpha, n))
    death = rng.exponential(1 / rng.gamma(PARETO.s, 1 / PARETO.beta, n))
    for h in HORIZONS:
        silent = (first > np.minimum(death, h)).mean()
        assert PARETO.p_no_purchase(NEW, h)[0] == pytest.approx(silent, abs=4 * 0.5 / np.sqrt(n))


@pytest.mark.parametrize("model", [BG, PARETO])
@pytest.mark.parametrize("rows", [NEW, Summary([0, 0, 4], [0, 0, 25], [10, 3000, 30])], ids=["new", "seen before"])
def test_a_horizon_of_no_length_is_silent_and_one_without_end_leaves_the_dead(
    model: BgNbd | ParetoNbd, rows: Summary
) -> None:
    soon, expected = model.p_no_purchase(rows, 1e-9), model.expected_purchases(rows, 1e-9)
    assert soon == pytest.approx(np.ones(len(rows)), abs=1e-8)
    assert expected == pytest.approx(np.zeros(len(rows)), abs=1e-8)
    # At first P(a purchase) and the expected number of them are one and the same.
    h = 1e-4
    assert 1 - model.p_no_purchase(rows, h) == pytest.approx(model.expected_purchases(rows, h), rel=1e-3)
    if isinstance(model, BgNbd):  # the living buy once more before they drop out
        assert model.p_no_purchase(rows, 1e300) == pytest.approx(1 - model.p_alive(rows), abs=1e-6)
    else:
        assert (model.p_no_purchase(rows, 1e300) > 1 - model.p_alive(rows)).all()


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("h", [1.0, 90.0, 730.0])
def test_one_time_customers_return_as_often_as_simulated(truth: BgNbd | ParetoNbd, h: float) -> None:
    everyone, future = simulated(truth, 6000, h, seed=21)
    once = np.flatnonzero(everyone.frequency == 0)
    s, later = taken(everyone, once), future[once]
    p, expected = truth.p_no_purchase(s, h), truth.expected_purchases(s, h)
    noise = np.sqrt((p * (1 - p)).sum()) / len(p)
    assert abs(p.mean() - (later == 0).mean()) < 4 * noise
    assert abs(expected.mean() - later.mean()) < 4 * later.std() / np.sqrt(len(p))


def test_value_alone_says_how_many_purchases_it_is_the_mean_of() -> None:
    s = Summary([2, 0], [30, 0], [40, 10], value=[9.5, np.nan])
    assert s.n_valued.tolist() == [2, 0]
    assert np.isnan(Summary([2], [30], [40]).value).all()


def test_value_of_another_length_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        Summary([2, 0], [30, 0], [40, 10], value=[9.5])
    assert caught.value.code == "RG050"


def test_distinct_rows_and_where_each_customer_finds_its_own() -> None:
    # Sorted by x, then t_x, then T; the second and fourth customers are alike but for what they spend.
    s = Summary([2, 1, 0, 1, 1], [30, 5, 0, 5, 5], [40, 20, 10, 20, 21], value=[1, 2, np.nan, 3, 4])
    rows, at = s.distinct()
    assert [rows.frequency.tolist(), rows.T.tolist()] == [[0, 1, 1, 2], [10, 20, 21, 40]]
    assert at.tolist() == [3, 1, 0, 1, 2]
    assert len(Summary.newcomers(0).distinct()[0]) == 0


def test_summary_and_models_show_themselves() -> None:
    shown = "Summary(2 customers, of whom 1 bought again: 2 repeat purchases in a mean age of 25)"
    assert repr(Summary([2, 0], [30, 0], [40, 10])) == shown
    assert repr(Summary.newcomers(0)).startswith("Summary(0 customers")
    html = BgNbd.fit(Summary([2, 1, 0], [30, 5, 0], [40, 20, 10]))._repr_html_()
    assert "<caption>BG/NBD</caption>" in html
    assert "3 customers" in html
    assert "fitted with a weak prior" in html
