"""How sure the parameters of the classical models are: their covariance, and models as likely as the one fitted.

In: a fitted model and the customers it was fitted on. Out: a few models drawn from the normal distribution that the
log parameters have by the sandwich, which holds even where the model is not quite true. Nothing is missing; what the
data leave open is bounded as the weak prior of the fits bounds it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self, TypeVar

import numpy as np

from .bg_nbd import BgNbd
from .gamma_gamma import GammaGamma
from .optimum import SD, STEP
from .pareto_nbd import ParetoNbd
from .summary import Float, Rows, Summary

FURTHEST = 3.0
"""Draws go no further than so many deviations of the weak prior; beyond, a parameter means nothing."""


class Fitted(Protocol):
    """A model with log parameters."""

    @property
    def theta(self) -> Float:
        """The log parameters."""
        ...

    def at(self, theta: Float) -> Self:
        """The same model with other log parameters."""
        ...


M = TypeVar("M", bound=Fitted)


def sandwich(slopes: Callable[[Float], Float], theta: Float, count: Float) -> Float:
    """Covariance of log parameters, (H + R)^-1 (J + R) (H + R)^-1 (White 1982, doi:10.2307/1912526).

    Parameters
    ----------
    slopes : callable
        From log parameters to the slopes of each row's log-likelihood, shape (n_parameters, n_rows).
    count : ndarray of shape (n_rows,)
        How many customers each row stands for. H is the curvature of their log-likelihood, J the sum of the outer
        products of their slopes, R the precision of the weak prior, 1 / `SD`^2.
    """
    here, n = slopes(theta), len(theta)
    ridge = np.eye(n) / SD**2
    rise = [(slopes(theta + step) - slopes(theta - step)) @ count / (2 * STEP) for step in STEP * np.eye(n)]
    curvature = -0.5 * (np.array(rise) + np.array(rise).T)
    values, axes = np.linalg.eigh(curvature)
    inverse = np.linalg.inv((axes * np.maximum(values, 0.0)) @ axes.T + ridge)
    return np.asarray(inverse @ ((here * count) @ here.T + ridge) @ inverse)


def covariance(model: BgNbd | ParetoNbd | GammaGamma, summary: Summary) -> Float:
    """Of the log parameters of a model fitted on these customers."""
    if isinstance(model, GammaGamma):
        gamma = model
        ones = np.ones(int((summary.n_valued > 0).sum()))
        return sandwich(lambda theta: gamma.at(theta).slopes(summary), gamma.theta, ones)
    timing, rows = model, Rows.of(summary)
    return sandwich(lambda theta: timing.at(theta).slopes(rows), timing.theta, rows.n)


def alike(model: M, covariance: Float, n: int) -> list[M]:
    """So many models as likely as a fitted one; always the same ones, in pairs that lie opposite each other.

    Examples
    --------
    >>> first, second = alike(ParetoNbd(r=1.0, alpha=20.0, s=1.0, beta=60.0), 0.01 * np.eye(4), 2)
    >>> round(first.alpha * second.alpha, 6)
    400.0
    """
    values, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(np.maximum(values, 0.0))
    drawn = np.random.default_rng(0).standard_normal((n // 2, len(values)))
    steps = np.clip(np.concatenate([drawn, -drawn]) @ root.T, -FURTHEST * SD, FURTHEST * SD)
    return [model.at(model.theta + step) for step in steps]
