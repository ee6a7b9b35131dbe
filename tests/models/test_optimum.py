"""The optimiser, and the weak prior where the data leave something open: on functions whose optimum is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars.errors import NotEnoughData
from regulars.models.optimum import SD, Objective, WeakPrior, least_loss, settled

Float = NDArray[np.float64]
ONE = WeakPrior((((1.0,), 1.0, "the first"),))
TWO = WeakPrior((((1.0, 0.0), 1.0, "the first"), ((1.0, -1.0), 3.0, "their ratio")))
WIDE = ((1e-9, 1e9),)


def bowl_at(centre: float, curvature: float = 1.0) -> Objective:
    def bowl(theta: Float) -> tuple[float, Float]:
        return float(0.5 * curvature * ((theta - centre) ** 2).sum()), curvature * (theta - centre)

    return bowl


def test_optimiser_tries_every_start_and_says_when_none_converged() -> None:
    tried = []

    def kink(theta: Float) -> tuple[float, Float]:  # |log p|: its slope never vanishes
        tried.append(float(theta[0]))
        return float(np.abs(theta).sum()), np.where(theta >= 0, 1.0, -1.0)

    found = least_loss(kink, ((2.0,), (3.0,)), ((0.1, 10.0),))
    assert {np.log(2.0), np.log(3.0)} <= set(tried)
    assert not found.converged
    assert "did not converge" in found.message


def test_optimiser_stops_at_the_first_start_that_converged() -> None:
    tried = []

    def bowl(theta: Float) -> tuple[float, Float]:
        tried.append(float(theta[0]))
        return float((theta**2).sum()), 2 * theta

    assert least_loss(bowl, ((2.0,), (3.0,)), ((0.1, 10.0),)).converged
    assert np.log(3.0) not in tried


def test_penalty_is_half_a_squared_deviation_for_each_product() -> None:
    # The first is one deviation above its median 1; their ratio 3 is at its median: 1/2 in all.
    value, _ = TWO.penalty(np.array([SD, SD - np.log(3.0)]))
    assert value == pytest.approx(0.5)


def test_slope_of_the_penalty_agrees_with_finite_differences() -> None:
    theta = np.array([0.7, -2.0])
    numeric = [(TWO.penalty(theta + e)[0] - TWO.penalty(theta - e)[0]) / 2e-6 for e in 1e-6 * np.eye(2)]
    np.testing.assert_allclose(TWO.penalty(theta)[1], numeric, rtol=1e-7)


def test_what_the_data_tell_is_left_as_the_data_have_it() -> None:
    # Ten losses of curvature 1 are a curvature of 10; the weak prior's is 1/4.
    found = settled(bowl_at(2.0), ((1.0,),), WIDE, ONE, n=10)
    assert found.theta[0] == pytest.approx(2.0, abs=1e-6)
    assert (found.weak_prior, found.message) == (False, "converged")


def test_what_the_data_hardly_tell_is_drawn_to_the_median() -> None:
    # A curvature of 1/8 at 3 against 1/4 at 0: the optimum is at 3 (1/8) / (1/8 + 1/4) = 1; its own loss (1/8) 2^2 / 2.
    found = settled(bowl_at(3.0, 0.125), ((1.0,),), WIDE, ONE, n=1)
    assert found.weak_prior
    assert found.theta[0] == pytest.approx(1.0, abs=1e-4)
    assert found.loss == pytest.approx(0.25, abs=1e-4)
    assert found.message == "the plain fit did not settle: the data leave open the first; fitted with a weak prior"


def test_parameter_at_the_edge_of_its_box_is_brought_back() -> None:
    # A loss that falls for ever, 1/2 in the log: 1/2 = theta / SD^2 at theta = 2.
    def slide(theta: Float) -> tuple[float, Float]:
        return float(-0.5 * theta[0]), np.array([-0.5])

    assert least_loss(slide, ((1.0,),), WIDE).theta[0] == pytest.approx(np.log(1e9))
    found = settled(slide, ((1.0,),), WIDE, ONE, n=1)
    assert found.weak_prior
    assert found.theta[0] == pytest.approx(2.0, abs=1e-4)


def test_only_the_open_direction_is_named_and_moves_far() -> None:
    # The first is at e^1.5 with curvature 100; of the second nothing is known, so the ratio goes to its median 3.
    def valley(theta: Float) -> tuple[float, Float]:
        return float(50 * (theta[0] - 1.5) ** 2), np.array([100 * (theta[0] - 1.5), 0.0])

    found = settled(valley, ((1.0, 1.0),), WIDE * 2, TWO, n=1)
    assert "leave open their ratio" in found.message
    assert found.theta[0] == pytest.approx(1.5, abs=0.01)
    assert found.theta[0] - found.theta[1] == pytest.approx(np.log(3.0), abs=1e-3)


def test_slope_that_does_not_vanish_is_settled_by_the_weak_prior() -> None:
    # Half of |theta + 3| has a kink where it is least. With theta^2 / 8 the least is at 1/2 + theta / 4 = 0: -2.
    def kink(theta: Float) -> tuple[float, Float]:
        return float(0.5 * np.abs(theta[0] + 3)), np.array([0.5 if theta[0] >= -3 else -0.5])

    found = settled(kink, ((1.0,),), WIDE, ONE, n=1)
    assert found.weak_prior
    assert found.theta[0] == pytest.approx(-2.0, abs=1e-4)
    assert "did not converge" in found.message


def test_a_fit_that_settles_in_no_way_is_refused() -> None:
    def kink(theta: Float) -> tuple[float, Float]:  # least, with and without the prior, at its kink
        return float(np.abs(theta[0])), np.array([1.0 if theta[0] >= 0 else -1.0])

    with pytest.raises(NotEnoughData, match="even with a weak prior") as caught:
        settled(kink, ((2.0,),), WIDE, ONE, n=1)
    assert caught.value.code == "RG153"
