"""Scales by hand: what the prior missed of money and orders, how links are drawn, what one giant customer may do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.models.scales import LOGIT, MONEY, ORDERS, Scale, tempered

AMOUNTS = st.lists(st.just(0.0) | st.floats(0.01, 1e6), min_size=1, max_size=12).map(np.array)


def test_what_the_prior_missed_in_money_and_its_luck_by_hand() -> None:
    # Expected 1, 1, 2 and came 2, 0, 4: r = 6/4; errors 2 - 1.5, 0 - 1.5, 4 - 3; (.25 + 2.25 + 1) / 36. Of 2 and 4 the
    # larger is cut to 2 (one amount below it), and of 1, 1, 2 to root 2: so four of each keep everybody's own.
    said, came = np.repeat([1.0, 1.0, 2.0], 8), np.repeat([2.0, 0.0, 4.0], 8)
    found = MONEY.residual(np.log(said), came)
    assert found is not None
    assert found[0] == pytest.approx(np.log(1.5))
    assert found[1] == pytest.approx(8 * 3.5 / 48**2)
    assert ORDERS.residual(np.log(said), came) == found


@pytest.mark.parametrize("scale", [MONEY, ORDERS])
def test_where_nothing_came_nothing_was_missed_that_a_log_could_tell(scale: Scale) -> None:
    assert scale.residual(np.zeros(3), np.zeros(3)) is None
    assert scale.residual(np.zeros(0), np.zeros(0)) is None


def test_of_silence_both_outcomes_are_needed() -> None:
    assert LOGIT.residual(np.zeros(2), np.ones(2)) is None
    assert LOGIT.residual(np.zeros(0), np.zeros(0)) is None
    # The prior says 1/2, a quarter is silent: -log 3, and 1 / (4 x 3/16).
    assert LOGIT.residual(np.zeros(4), np.array([1.0, 0, 0, 0])) == (pytest.approx(-np.log(3)), pytest.approx(4 / 3))


def test_links_are_drawn_by_total_not_by_their_mean() -> None:
    # Totals of 16 x (1 + 3) and 32 x 4: all of the way is a factor of 2, half of it root 2.
    z, to = np.log(np.repeat([1.0, 3.0], 16)), np.log(np.full(32, 4.0))
    assert MONEY.drawn(z, to) == pytest.approx(np.log(2))
    assert MONEY.drawn(z, to, 0.5) == pytest.approx(np.log(2) / 2)
    assert MONEY.drawn(z, to, 0.0) == pytest.approx(0.0)


def test_the_deviances_are_those_of_the_literature() -> None:
    # Poisson of 0 at 1: 2 (0 - 0 + 1); of 3 at 1: 2 (3 log 3 - 2).
    assert ORDERS.loss(np.array([0.0, 3.0]), np.zeros(2)) == pytest.approx((2 + 2 * (3 * np.log(3) - 2)) / 2)
    # Tweedie of power 1.5, 4 at 1: 2 (4^.5 / -.25 + 4 / .5 + 1 / .5) = 4.
    assert MONEY.loss(np.array([4.0]), np.zeros(1)) == pytest.approx(4.0)


@given(AMOUNTS)
def test_no_tempered_amount_exceeds_the_root_of_the_squares_below_it(amounts: np.ndarray) -> None:
    found = tempered(amounts)
    assert (found <= amounts).all()
    ranked = np.sort(found)
    positive = ranked[ranked > 0]
    below = np.cumsum(np.square(positive)) - np.square(positive)
    upper = max(1, len(positive) // 2)
    assert (np.square(positive[upper:]) <= below[upper:] * (1 + 1e-6)).all()
    # The smaller half, which sets the limit, is as it was.
    assert (
        np.sort(amounts)[: len(amounts) - len(positive) + upper] == ranked[: len(ranked) - len(positive) + upper]
    ).all()


@given(AMOUNTS, st.integers(0, 1000))
def test_tempering_knows_no_order_and_no_currency(amounts: np.ndarray, seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(len(amounts))
    assert tempered(amounts[shuffled]).sum() == pytest.approx(tempered(amounts).sum(), rel=1e-9)
    assert tempered(100 * amounts).sum() == pytest.approx(100 * tempered(amounts).sum(), rel=1e-9)


def test_where_nobody_stands_out_nothing_is_tempered() -> None:
    amounts = np.random.default_rng(0).lognormal(3, 1.0, 2000)
    assert (tempered(amounts) == amounts).all()


@pytest.mark.parametrize("times", [1.0, 10.0, 1e6])
def test_one_giant_moves_a_total_by_no_more_than_the_luck_of_all_others(times: float) -> None:
    amounts = np.random.default_rng(1).lognormal(3, 1.0, 1000)
    giant = np.append(amounts, times * amounts.sum())
    assert 0 < tempered(giant).sum() - amounts.sum() <= np.sqrt(np.square(amounts).sum()) * (1 + 1e-9)
    # Three of them, each with the one before: 1, then root 2, then 2 of that luck.
    three = np.append(giant, [2 * giant[-1], 3 * giant[-1]])
    assert tempered(three).sum() - amounts.sum() <= (1 + 2**0.5 + 2) * np.sqrt(np.square(amounts).sum()) * (1 + 1e-9)
