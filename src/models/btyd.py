"""What BG/NBD and Pareto/NBD share once the odds of having died and the silence of the living are known.

In: a `Summary` per customer at a cutoff. Out: the base of `BgNbd` and `ParetoNbd`: P(alive), P(no purchase in the next
h), the form they are stored in and the one that notebooks show. Nothing is missing: malformed rows make no `Summary`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, gammaln, log_expit, psi

from ..errors import ConfigError
from .summary import Float, Int, Rows, Summary

BLOCK = 2048
"""Rows worked on at once, so that rows x nodes stays in the processor's cache."""

TABLE = 20_000
"""Sums over the purchases of a customer are kept in a table up to so many; beyond, gamma functions are exact enough."""


def rising(r: float, x: Int) -> tuple[Float, Float]:
    """log Gamma(r + x) / Gamma(r) and its derivative in r; a sum over whole x has no cancellation, unlike gammaln."""
    near, far = np.minimum(x, TABLE), x > TABLE
    steps = r + np.arange(near.max(initial=0), dtype=np.float64)
    log_ratio, slope = np.r_[0.0, np.cumsum(np.log(steps))][near], np.r_[0.0, np.cumsum(1.0 / steps)][near]
    further = beyond(r, x[far])
    log_ratio[far] += further[0]
    slope[far] += further[1]
    return log_ratio, slope


def beyond(r: float, x: Int) -> tuple[Float, Float]:
    """log Gamma(r + x) / Gamma(r + TABLE) and its derivative in r."""
    return gammaln(r + x) - gammaln(r + TABLE), psi(r + x) - psi(r + TABLE)


def horizon_of(horizon_days: float) -> float:
    """A horizon as a float; `ConfigError` ``RG053`` unless it is finite and above 0."""
    if not (np.isfinite(horizon_days) and horizon_days > 0):
        raise ConfigError(f"horizon {horizon_days} cannot be", needed="a finite time above 0", code="RG053")
    return float(horizon_days)


def inside(p: ArrayLike) -> Float:
    """Probabilities kept off 0 and 1, so that their logits are finite."""
    return np.clip(np.asarray(p, np.float64), 1e-300, np.nextafter(1.0, 0.0))


def shown(name: str, content: Mapping[str, Any]) -> str:
    """A model as a table for notebooks: its parameters, and under them what is to be said of the fit."""
    parameters = {k: v for k, v in content.items() if isinstance(v, float) and k != "log_likelihood"}
    rows = "".join(f"<tr><th>{k}</th><td>{v:.4g}</td></tr>" for k, v in parameters.items())
    fit = f"{content['n_customers']:,} customers, log-likelihood {content['log_likelihood']:.1f}"
    told = escape(f"{fit if content['n_customers'] else 'not fitted'}; {content['message']}")
    return f"<table><caption>{name}</caption>{rows}<tr><td colspan='2'>{told}</td></tr></table>"


class BuyTillYouDie(ABC):
    """What both models share once the odds of having died and the silence of the living are known."""

    name: ClassVar[str]

    def __post_init__(self) -> None:
        given = dict(list(self.to_dict().items())[:4])
        if not all(isinstance(v, (int, float)) and np.isfinite(v) and v > 0 for v in given.values()):
            raise ConfigError(f"the parameters are {given}", needed="finite numbers above 0", code="RG054")

    @abstractmethod
    def _log_dead_odds(self, s: Summary) -> Float:
        """log of P(died before T) / P(alive at T)."""

    @abstractmethod
    def _log_silence(self, s: Summary, h: float) -> Float:
        """log P(no purchase in (T, T + h] | alive at T)."""

    @abstractmethod
    def residual_purchases(
        self, summary: Summary, edges: Sequence[float], force: float = 0.0, alive: Float | None = None
    ) -> Float:
        """Discounted expected purchases after T, slice by slice.

        Parameters
        ----------
        edges : sequence of float
            Ascending times after T between which purchases are counted; the last may be infinite.
        force : float
            The force of interest in the unit of time of the fit: a purchase at T + t counts e^(-force t) times.
        alive : ndarray of float64, shape (n_customers,), optional
            `p_alive`, where it is known already.

        Returns
        -------
        ndarray of float64, shape (n_customers, n_edges - 1)
            All >= 0; infinite where the expectation is.
        """

    @abstractmethod
    def residual_squares(self, summary: Summary, days: float, force: float, alive: Float) -> tuple[Float, Float]:
        """What the variance of discounted purchases in (T, T + days] is made of, each of shape (n_customers,).

        The expected sum of their squared discounts, and that of the products of two discounts over all ordered pairs of
        different purchases.
        """

    @abstractmethod
    def slopes(self, rows: Rows) -> Float:
        """Slopes of each row's log L in the log parameters, shape (4, n_rows)."""

    @property
    def theta(self) -> Float:
        """The log parameters."""
        return np.log(list(self.to_dict().values())[:4])

    def at(self, theta: Float) -> Self:
        """The same model with other log parameters."""
        names = list(self.to_dict())[:4]
        return type(self)(**dict(zip(names, np.exp(theta).tolist(), strict=True)))

    def p_alive(self, summary: Summary, dead: Float | None = None) -> Float:
        """P(alive at T | x, t_x, T), in [0, 1]; `dead` may hold the `log_dead_odds`."""
        return np.asarray(expit(-(self._log_dead_odds(summary) if dead is None else dead)), np.float64)

    def log_dead_odds(self, summary: Summary) -> Float:
        """Log odds of having dropped out by T; the horizons of the same customers share them."""
        return self._log_dead_odds(summary)

    def log_silence(self, summary: Summary, horizon_days: float) -> Float:
        """Log chance of no purchase in (T, T + h] for who is alive at T; it depends on x and T alone."""
        return self._log_silence(summary, horizon_of(horizon_days))

    def p_no_purchase(
        self, summary: Summary, horizon_days: float, dead: Float | None = None, silence: Float | None = None
    ) -> Float:
        """P(no purchase in (T, T + h]) = L(x, t_x, T + h) / L(x, t_x, T), in (0, 1), falling with h.

        Raises `ConfigError` ``RG053`` unless the horizon, in the unit of the fit, is above 0. `dead` and `silence` may
        hold the `log_dead_odds` and the `log_silence`.
        """
        # L is the sum of "still alive" and "died before T"; a longer silence changes the first term alone.
        z = self._log_dead_odds(summary) if dead is None else dead
        log_q = self.log_silence(summary, horizon_days) if silence is None else silence
        return inside(np.exp(np.logaddexp(log_expit(z), log_expit(-z) + log_q)))

    def _repr_html_(self) -> str:
        return shown(self.name, self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """The model as JSON-safe values."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The model that `to_dict` wrote."""
        try:
            return cls(**content)
        except TypeError as error:
            raise ConfigError(f"these are not the parameters of {cls.__name__}: {error}", code="RG054") from None
