"""The least of a smooth loss in log parameters, and what is done where the data leave some of them open.

In: a mean loss with its slope, starts, a box, and a `WeakPrior`. Out: where the loss is least, and in words how that
was found. Where the plain fit does not settle, that is where its slope does not vanish or the data say less about some
direction than the weak prior does, it is fitted again with that prior (maximum a posteriori).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from ..errors import NotEnoughData

Float = NDArray[np.float64]
Objective = Callable[[Float], tuple[float, Float]]

SD = 2.0
"""One standard deviation of the weak prior on the log scale: a factor of 7 either way, 95 % within a factor of 55."""

STEEPEST = 1e-5
"""The slope of the mean loss below which it counts as vanished."""

STEP = 1e-3
"""The step of the differences that give the curvature."""


class Optimum(NamedTuple):
    """Log parameters, the loss there, whether the slope vanished, and that in words."""

    theta: Float
    loss: float
    converged: bool
    message: str


def least_loss(
    objective: Objective, starts: Sequence[Sequence[float]], bounds: Sequence[tuple[float, float]]
) -> Optimum:
    """The least of a smooth function of log parameters; a later start is tried only when the earlier failed."""
    box = np.log(np.asarray(bounds))
    best: Optimum | None = None
    for start in starts:
        options = {"ftol": 1e-15, "gtol": 1e-7, "maxiter": 500, "maxcor": 12}
        # It calls LAPACK on matrices of a dozen rows, where several threads only wait for each other.
        with threadpool_limits(1, user_api="blas"):
            found = minimize(objective, np.log(start), jac=True, method="L-BFGS-B", bounds=box, options=options)
        theta = np.clip(found.x, box[:, 0], box[:, 1])
        loss, gradient = objective(theta)
        # A line search that ends in rounding noise at the optimum reports failure, so the slope decides, not the flag.
        slope = float(np.abs(np.clip(theta - gradient, box[:, 0], box[:, 1]) - theta).max())
        vanished = slope < STEEPEST
        words = "converged" if vanished else f"did not converge: slope {slope:.1e} after {found.nit} iterations"
        if best is None or loss < best.loss or (vanished and not best.converged):
            best = Optimum(theta, float(loss), vanished, words)
        if best.converged:
            break
    if best is None:
        raise AssertionError("at least one start is given")
    return best


@dataclass(frozen=True)
class WeakPrior:
    """Independent log-normal priors, each on a product of powers of the parameters, all with the deviation `SD`.

    Parameters
    ----------
    powers : tuple of (tuple of float, float, str)
        For each: the powers of the parameters, the median of their product, and in words what it is about.

    Examples
    --------
    >>> weak = WeakPrior((((1.0, 0.0), 1.0, "how much they differ"), ((1.0, -1.0), 3.0, "how often they buy")))
    >>> weak.penalty(np.log([1.0, 1 / 3]))[0]  # both at their medians
    0.0
    """

    powers: tuple[tuple[tuple[float, ...], float, str], ...]

    @property
    def _directions(self) -> Float:
        return np.array([p for p, _, _ in self.powers])

    def penalty(self, theta: Float) -> tuple[float, Float]:
        """Minus the log density (less a constant) and its slope in the log parameters."""
        z = (self._directions @ theta - np.log([median for _, median, _ in self.powers])) / SD
        return float(0.5 * (z**2).sum()), np.asarray(self._directions.T @ z / SD)

    def left_open(self, objective: Objective, theta: Float, n: float) -> str | None:
        """What the data say less about than the prior does, in words; None if they outweigh it in every direction.

        `n` mean losses are the log-likelihood; its curvature is compared with that of the prior, 1 / SD^2.
        """
        _, here = objective(theta)
        curvature = np.array([(objective(theta + step)[1] - here) / STEP for step in STEP * np.eye(len(theta))])
        back = np.linalg.inv(self._directions)
        told, axes = np.linalg.eigh(0.5 * n * back.T @ (curvature + curvature.T) @ back)
        return None if told[0] >= SD**-2 else self.powers[int(np.abs(axes[:, 0]).argmax())][2]


class Settled(NamedTuple):
    """Log parameters, the mean loss of the data there, whether the weak prior had a say, and what happened."""

    theta: Float
    loss: float
    weak_prior: bool
    message: str


def settled(
    objective: Objective,
    starts: Sequence[Sequence[float]],
    bounds: Sequence[tuple[float, float]],
    weak: WeakPrior,
    n: float,
) -> Settled:
    """The plain optimum, or where that did not settle, the one with the weak prior.

    Parameters
    ----------
    n : float
        By how much the mean loss is to be multiplied to give the log-likelihood.

    Raises
    ------
    NotEnoughData
        ``RG153`` when the slope did not vanish even with the weak prior.
    """
    plain = least_loss(objective, starts, bounds)
    open_ = weak.left_open(objective, plain.theta, n) if plain.converged else None
    if plain.converged and open_ is None:
        return Settled(plain.theta, plain.loss, False, "converged")
    why = plain.message if open_ is None else f"the data leave open {open_}"

    def penalised(theta: Float) -> tuple[float, Float]:
        (loss, slope), (more, steeper) = objective(theta), weak.penalty(theta)
        return loss + more / n, slope + steeper / n

    found = least_loss(penalised, starts, bounds)
    if not found.converged:
        raise NotEnoughData(
            f"the fit did not settle, even with a weak prior: {found.message}",
            needed="purchases from which rates can be told",
            do="look at the data for customers who are no customers, or take a later cutoff",
            code="RG153",
        )
    loss, _ = objective(found.theta)
    return Settled(found.theta, float(loss), True, f"the plain fit did not settle: {why}; fitted with a weak prior")
