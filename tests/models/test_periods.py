"""What cutoffs lacked as a whole: by hand, beyond luck, beyond what lasts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars.models.periods import UNSEEN_LOG, UNSEEN_LOGIT, USUAL_LOG, Periods, lasting

Float64 = NDArray[np.float64]


def rows(
    shares: list[float], amounts: list[float], n: int = 4000
) -> tuple[Float64, Float64, Float64, NDArray[np.int64]]:
    """A cutoff for each share of customers who spend nothing, the others spend one amount; half and 1 were expected."""
    came = [np.where(np.arange(n) < share * n, 0.0, amount) for share, amount in zip(shares, amounts, strict=True)]
    total = n * len(shares)
    return np.full(total, 0.5), np.ones(total), np.concatenate(came), np.repeat(np.arange(len(shares)), n)


def test_a_cutoff_that_went_otherwise_is_brought_to_its_own_level() -> None:
    # At the second, .75 spent nothing: logit(.75) - logit(.5) = log 3; the variance of luck is 1 / (4000 x .25) = .001.
    # Those who spent brought twice as much, all of them the same: log 2, without any luck. One of two is not lasting.
    found = Periods.of(*rows([0.5, 0.75], [1.0, 2.0]))
    assert found.logit[0] == pytest.approx(0.0, abs=1e-9)
    assert found.logit[-1] == pytest.approx(np.log(3) * (1 - 0.001 / np.log(3) ** 2), rel=1e-6)
    assert found.log[0] == pytest.approx(0.0, abs=1e-9)
    assert found.log[-1] == pytest.approx(np.log(2))
    # sqrt((usual^2 + 0 + (log 2)^2) / (1 + 2))
    assert found.log_spread == pytest.approx(np.sqrt((USUAL_LOG**2 + np.log(2) ** 2) / 3))


def test_luck_of_the_draw_is_no_shift() -> None:
    # 22 of 40 instead of 20: .2 logits, the variance of luck is 1 / 10, which is more than .2 ^ 2.
    found = Periods.of(*rows([0.55], [1.0], n=40))
    assert found.logit.tolist() == [0.0] * 40


def test_one_giant_order_is_luck() -> None:
    # One of 20 spends a million times what was meant. He counts for the luck of the 19 others, sqrt(19) = 4.36: the
    # ratio is 23.36 / 20, its log .155; luck has the variance (19 x .168^2 + 3.19^2) / 23.36^2 = .0197, beyond .155^2 =
    # .0241 by .0044, so .0044 / .155 = .028 remains.
    spend = np.ones(20)
    spend[7] = 1e6
    found = Periods.of(np.full(20, 1e-3), np.ones(20), spend, np.zeros(20, np.int64))
    assert found.log[0] == pytest.approx(0.028, abs=0.002)


def test_what_three_cutoffs_lack_alike_lasts_and_is_not_taken_out() -> None:
    found = Periods.of(*rows([0.5, 0.5, 0.5], [2.0, 2.0, 2.0]))
    # log 2 = .6931, error^2 = .05^2 / 3, so all but .6931 (4 x .05^2 / 3) / .6931^2 = .0048 is kept.
    assert found.log == pytest.approx(np.full(12_000, 4 * 0.05**2 / 3 / np.log(2)))
    assert lasting(np.array([1.0, 1.0]), 0.0) == 1.0


def test_nobody_who_spends_and_nobody_who_does_not_are_finite() -> None:
    for share in (0.0, 1.0):
        found = Periods.of(*rows([share], [1.0]))
        assert np.isfinite([found.logit[0], found.log[0], found.logit_spread, found.log_spread]).all()


def test_rows_that_know_their_period_say_nothing_of_the_next() -> None:
    found, told = Periods.unseen(*rows([0.5, 0.75], [1.0, 2.0])), Periods.of(*rows([0.5, 0.75], [1.0, 2.0]))
    assert (found.logit_spread, found.log_spread) == (UNSEEN_LOGIT, UNSEEN_LOG)
    assert np.array_equal(found.log, told.log)
