"""What it brings that a customer buys within a window instead of staying silent, as a classical model sees it.

In: BG/NBD or Pareto/NBD as of a day, the customers' summaries, a window and a longer time that begins with it. Out:
expected purchase days: of those who buy in the window and of those who do not (an association), and of one of the
silent if he were a customer that day and bought, at his own pace (what saving him brings). Nothing is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models.bg_nbd import BgNbd
from ..models.pareto_nbd import ParetoNbd
from ..models.prior import Prior
from ..models.summary import Summary

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Timing = BgNbd | ParetoNbd

NODES = 48
"""At so many times of leaving the chance of having left before is worked out; between them it is a straight line."""
LEAST = 1e-10
"""Rates a day below it count as it."""
BLOCK = 512
"""Customers worked on at once."""


@dataclass(frozen=True, eq=False)
class Twins:
    """Expected purchase days of customers who are alike in all that is known, each of shape (n_customers,).

    Parameters
    ----------
    p_silent : ndarray of float64
        The chance of no purchase in the window.
    bought, silent : ndarray of float64
        Expected purchase days in the longer time, of those who buy in the window and of those who do not.
    """

    p_silent: Float
    bought: Float
    silent: Float

    @property
    def difference(self) -> Float:
        """An association: who buys within the window is also the faster buyer of the two."""
        return self.bought - self.silent

    def take(self, rows: NDArray[np.int64]) -> Twins:
        """Some of the customers."""
        return Twins(self.p_silent[rows], self.bought[rows], self.silent[rows])


def timing_of(prior: Prior) -> Timing | None:
    """The model of time that the customers' days are likelier under; None where none could be fitted.

    Both have four parameters, so the likelihoods compare as they are.
    """
    both = [model for model in (prior.pareto, prior.bg) if model is not None]
    return max(both, key=lambda model: model.log_likelihood) if both else None


def twins(model: Timing, summary: Summary, window_days: int, days: int) -> Twins:
    """What a model expects of those who buy in a window and of those who do not.

    E[N] = p E[N | silent] + (1 - p) E[N | bought], and who was silent in (T, T + h] is a customer with the same last
    purchase and age T + h.

    Examples
    --------
    >>> model = ParetoNbd(r=0.55, alpha=74.0, s=0.61, beta=82.0)
    >>> found = twins(model, Summary.newcomers(), 90, 365)
    >>> p, bought, silent = found.p_silent[0], found.bought[0], found.silent[0]
    >>> whole = model.expected_purchases(Summary.newcomers(), 365)[0]
    >>> bool(abs(p * silent + (1 - p) * bought - whole) < 1e-12)
    True
    """
    rows, at = summary.distinct()
    p = model.p_no_purchase(rows, window_days)
    silent = model.expected_purchases(_later(rows, window_days), days - window_days)
    rest = model.expected_purchases(rows, days) - p * silent
    bought = np.maximum(rest / np.maximum(1.0 - p, 1e-12), 1.0)
    return Twins(p[at], bought[at], silent[at])


def saved(
    model: Timing, summary: Summary, window_days: int, days: int, seed: int, draws: int = 64
) -> tuple[Float, Float]:
    """What it brings that a silent customer is a customer on the day and buys in the window, at his own pace.

    Who stays silent has left, or is slow. Purchase rate and way of leaving are drawn as they are among customers with
    this history who then were silent; with these he buys, given that he does, and goes on. A slow one is not made
    faster.

    Parameters
    ----------
    seed : int
    draws : int
        Of each customer's own rates.

    Returns
    -------
    (ndarray of float64, ndarray of float64), each of shape (n_customers,)
        The mean gain in purchase days over all of the time, and the mean of its square.

    Examples
    --------
    >>> model = ParetoNbd(r=0.55, alpha=74.0, s=0.61, beta=82.0)
    >>> gain, _ = saved(model, Summary.newcomers(), 90, 365, seed=0)
    >>> bool(1.0 <= gain[0] < twins(model, Summary.newcomers(), 90, 365).difference[0])
    True
    """
    stream, mean, square = np.random.default_rng(seed), np.empty(len(summary)), np.empty(len(summary))
    for start in range(0, len(summary), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(summary)))
        some = Summary.known(*(getattr(summary, name)[rows] for name in Summary.__dataclass_fields__))
        alive = model.p_alive(_later(some, window_days))[:, None]
        even = (np.arange(draws) + stream.random((len(some), draws))) / draws
        gain = (
            _pareto_gain(model, some, alive, even, window_days, days, stream)
            if isinstance(model, ParetoNbd)
            else _bg_gain(model, some, alive, even, window_days, days, stream)
        )
        mean[rows], square[rows] = gain.mean(axis=1), np.square(gain).mean(axis=1)
    return mean, square


def _later(s: Summary, days: float) -> Summary:
    return Summary.known(s.frequency, s.recency, s.T + days, s.value, s.n_valued)


def _pareto_gain(
    model: ParetoNbd, s: Summary, alive: Float, even: Float, window: float, days: float, stream: np.random.Generator
) -> Float:
    """Given the time y until which he was a customer, his rates are gamma(r + x, alpha + y) and gamma(s + 1, beta + y);
    gamma(s, beta + y) where y is the end of the silence (Schmittlein, Morrison & Colombo 1987).
    """
    m, stays = model.r + s.frequency[:, None], even < alive
    among = np.clip((even - alive) / np.maximum(1.0 - alive, 1e-300), 0.0, 1.0)
    until = np.where(stays, (s.T + window)[:, None], _left_at(model, s, window, among))
    rate = np.maximum(stream.standard_gamma(np.broadcast_to(m, even.shape)) / (model.alpha + until), LEAST)
    death = np.maximum(stream.standard_gamma(np.where(stays, model.s, model.s + 1)) / (model.beta + until), LEAST)
    # The first purchase comes at t with density ~ e^-(rate + death) t before the window ends; then N is rate x the time
    # lived until the end.
    reaches = np.expm1(-rate * window) * (rate + death) / (rate * np.expm1(-(rate + death) * window))
    first = 1.0 + rate / death * (1.0 - np.exp(-death * days) * reaches)
    later = -rate / death * np.expm1(-death * (days - window))
    return np.asarray(first - np.where(stays, later, 0.0))


def _left_at(model: ParetoNbd, s: Summary, window: float, among: Float) -> Float:
    """When those left who did before the silence was over: the inverse of its distribution at shares of them."""
    m, k = model.r + s.frequency[:, None], model.s + 1.0
    at, bt, length = model.alpha + s.recency[:, None], model.beta + s.recency[:, None], s.T - s.recency + window
    scale = 1.0 / (m / at + k / bt)
    u = np.linspace(0.0, 1.0, NODES) * np.log1p(length[:, None] / scale)
    since = scale * np.expm1(u)
    density = np.exp(u - m * np.log1p(since / at) - k * np.log1p(since / bt))
    step = 0.5 * (density[:, 1:] + density[:, :-1])
    share = np.cumsum(np.concatenate([np.zeros((len(s), 1)), step], axis=1), axis=1)
    share /= share[:, -1:]
    place = np.minimum((share[:, None, :] <= among[:, :, None]).sum(axis=2) - 1, NODES - 2)
    low, high = (np.take_along_axis(share, place + step, axis=1) for step in (0, 1))
    part = (among - low) / np.maximum(high - low, 1e-300)
    begin, end = (np.take_along_axis(u, place + step, axis=1) for step in (0, 1))
    return np.asarray(s.recency[:, None] + scale * np.expm1(begin + part * (end - begin)))


def _bg_gain(
    model: BgNbd, s: Summary, alive: Float, even: Float, window: float, days: float, stream: np.random.Generator
) -> Float:
    """Who has left did so with his last purchase; his chance of leaving is beta(a + 1, b + x - 1), else beta(a, b + x)
    (Fader, Hardie & Lee 2005).
    """
    x, stays = s.frequency[:, None].astype(np.float64), even < alive
    until = np.where(stays, (s.T + window)[:, None], s.recency[:, None])
    rate = np.maximum(stream.standard_gamma(np.broadcast_to(model.r + x, even.shape)) / (model.alpha + until), LEAST)
    shapes = np.where(stays, model.a, model.a + 1), np.where(stays, model.b + x, np.maximum(model.b + x - 1, 1e-9))
    leaves = np.clip(stream.beta(*shapes), 1e-9, 1.0 - 1e-9)
    left = 1.0 - leaves
    # As above, with a chance of leaving at that purchase: he buys on as long as the clock rate x leaves runs.
    reaches = np.expm1(-rate * left * window) / (left * np.expm1(-rate * window))
    first = 1.0 + left / leaves * (1.0 - np.exp(-rate * leaves * days) * reaches)
    later = -np.expm1(-rate * leaves * (days - window)) / leaves
    return np.asarray(first - np.where(stays, later, 0.0))
