"""Gamma-Gamma: what a customer's purchases are worth on average, once the chance of a few observations is allowed for.

In: the mean value of each customer's repeat purchases worth more than 0, and how many there are (a `btyd.Summary`).
Out: a frozen model whose expected value lies between the customer's own mean and the population's. A customer without
valued repeat purchases (nan) takes no part in the fit and gets the population mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import gammaln, psi

from ..errors import ConfigError, NotEnoughData
from .btyd import shown
from .optimum import WeakPrior, settled
from .summary import Float, Int, Summary

FEWEST = 10
"""Customers with a valued repeat purchase below which nothing is fitted."""

Q_LEAST = 1.05
"""The population mean p gamma / (q - 1) must exist; at this bound it is 20 p gamma."""

Q_VARIANCE = 2.5
"""The variance between customers exists for q > 2; at this shape a customer's own mean has a deviation of 1.4 times."""

WEAK = WeakPrior(
    (
        ((1.0, 0.0, 0.0), 1.0, "how much the purchases of one customer differ"),
        ((0.0, 1.0, 0.0), 1.0, "how much customers differ in what they spend"),
        ((1.0, -1.0, 1.0), 1.0, "what customers spend on average"),
    )
)
"""On p, q - 1 and gamma in units of the mean value: exponential purchases, as uneven customers, and that mean."""


@dataclass(frozen=True)
class GammaGamma:
    """Purchase values are gamma(p, nu) for a customer; nu is gamma(q, gamma) over customers.

    Parameters
    ----------
    p, q : float
        Shapes within and between customers; q > 1.
    gamma : float
        Rate of the distribution between customers, in currency.
    log_likelihood : float
        Of the mean values of the customers in the fit, in the currency of the fit; 0 when not fitted.
    weak_prior, message : bool, str
        As in `BgNbd`.
    n_customers : int
        Customers in the fit: those with a valued repeat purchase.

    References
    ----------
    Fader, Hardie (2013), "The Gamma-Gamma model of monetary value", http://www.brucehardie.com/notes/025/;
    Fader, Hardie, Lee (2005), Journal of Marketing Research 42(4), doi:10.1509/jmkr.2005.42.4.415.

    Examples
    --------
    >>> model = GammaGamma(p=6.25, q=3.74, gamma=15.44)
    >>> s = Summary(frequency=[1, 0], recency=[5, 0], T=[9, 9], value=[50.0, float("nan")], n_valued=[1, 0])
    >>> model.expected_value(s).round(2)  # 6.25 (15.44 + 50) / 8.99, and 6.25 x 15.44 / 2.74
    array([45.49, 35.22])
    """

    name: ClassVar[str] = "Gamma-Gamma"

    p: float
    q: float
    gamma: float
    log_likelihood: float = 0.0
    weak_prior: bool = False
    message: str = "given"
    n_customers: int = 0

    def __post_init__(self) -> None:
        given: dict[str, Any] = {"p": self.p, "q": self.q, "gamma": self.gamma}
        sound = all(isinstance(v, (int, float)) and np.isfinite(v) and v > 0 for v in given.values())
        if not (sound and self.q > 1):
            raise ConfigError(f"the parameters are {given}", needed="finite numbers above 0, q above 1", code="RG055")

    @classmethod
    def fit(cls, summary: Summary) -> Self:
        """Maximum likelihood over the customers with a valued repeat purchase; with a weak prior where that is open.

        Raises
        ------
        NotEnoughData
            ``RG056`` for fewer than ten such customers, or when all their mean values are equal. The caller then
            falls back on a plain mean. ``RG153`` where the fit does not settle even with a weak prior.
        """
        valued = summary.n_valued > 0
        n, z = summary.n_valued[valued], summary.value[valued]
        if len(z) < FEWEST:
            few = f"{len(z)} customers have a repeat purchase worth more than 0"
            raise NotEnoughData(few, needed=f"{FEWEST} of them", do="use the mean value of all purchases", code="RG056")
        if np.ptp(z) <= 1e-9 * z.max():
            same = f"the mean values of all {len(z)} repeat buyers are equal"
            raise NotEnoughData(same, needed="values that differ", do="use that value", code="RG056")
        order = np.lexsort((z, n))
        n, z = n[order], z[order]
        unit = float(z.mean())

        def objective(theta: Float) -> tuple[float, Float]:
            p, q_less_1, gamma = np.exp(theta)
            return _mean_loss(float(p), 1.0 + float(q_less_1), float(gamma), z / unit, n)

        starts = ((3.0, 2.0, 1.0), (1.0, 0.5, 1.0), (20.0, 10.0, 1.0))
        bounds = ((1e-2, 1e4), (Q_LEAST - 1.0, 1e4), (1e-6, 1e6))
        found = settled(objective, starts, bounds, WEAK, len(z))
        p, q_less_1, gamma = (float(v) for v in np.exp(found.theta))
        notes = [found.message]
        if q_less_1 < 1.001 * (Q_LEAST - 1.0):
            notes.append("customers are so uneven that their mean value hardly exists: q is at its least")
        if p > 50:  # a coefficient of variation below 1 / sqrt(50), a seventh
            notes.append("each customer's purchases are of nearly one value")
        log_l = -found.loss * len(z) - len(z) * float(np.log(unit))
        return cls(p, 1.0 + q_less_1, gamma * unit, log_l, found.weak_prior, "; ".join(notes), len(z))

    def expected_value(self, summary: Summary) -> Float:
        """Mean value of a purchase, E[Z | n, mean value], in currency, > 0.

        p (gamma + n z) / (p n + q - 1); the population mean p gamma / (q - 1) where n is 0.
        """
        n = summary.n_valued.astype(np.float64)
        spent = n * np.where(n > 0, summary.value, 0.0)
        return np.asarray(self.p * (self.gamma + spent) / (self.p * n + self.q - 1), np.float64)

    def second_moments(self, summary: Summary) -> tuple[Float, Float]:
        """E[Z^2] of a purchase's value and E[Z Z'] of two, in currency squared, given n and the mean value.

        With Q = p n + q and G = gamma + n z of the posterior, p (p + 1) and p^2 times G^2 / ((Q - 1) (Q - 2)). Where
        that variance does not exist, or hardly, Q counts as `Q_VARIANCE`.
        """
        n = summary.n_valued.astype(np.float64)
        total = self.gamma + n * np.where(n > 0, summary.value, 0.0)
        shape = self.p * n + self.q - 1
        # The mean stays what it is: G / (Q - 1).
        square = np.square(total / shape) * shape / np.maximum(shape - 1.0, Q_VARIANCE - 2.0)
        return np.asarray(self.p * (self.p + 1) * square), np.asarray(self.p**2 * square)

    def slopes(self, summary: Summary) -> Float:
        """Slopes of the log-likelihood of each customer with a valued purchase in `theta`, shape (3, n_valued)."""
        valued = summary.n_valued > 0
        return _slopes(self.p, self.q, self.gamma, summary.value[valued], summary.n_valued[valued])

    @property
    def theta(self) -> Float:
        """Log p, log (q - 1) and log gamma."""
        return np.log([self.p, self.q - 1.0, self.gamma])

    def at(self, theta: Float) -> Self:
        """The same model with other log parameters."""
        p, q_less_1, gamma = np.exp(theta).tolist()
        return type(self)(p, 1.0 + q_less_1, gamma)

    def _repr_html_(self) -> str:
        return shown(self.name, self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """The model as JSON-safe values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The model that `to_dict` wrote."""
        try:
            return cls(**content)
        except TypeError as error:
            raise ConfigError(f"these are not the parameters of GammaGamma: {error}", code="RG055") from None


def _mean_loss(p: float, q: float, gamma: float, z: Float, n: Int) -> tuple[float, Float]:
    """Mean negative log-likelihood of mean values z of n purchases, and its slope in log p, log (q - 1), log gamma."""
    kinds, kind = np.unique(n, return_inverse=True)
    pn = p * kinds
    constant = (gammaln(pn + q) - gammaln(pn) - gammaln(q))[kind]
    total = gamma + n * z
    log_l = constant + q * np.log(gamma / total) + p * n * np.log(n * z / total) - np.log(z)
    return -float(log_l.mean()), -_slopes(p, q, gamma, z, n).mean(axis=1)


def _slopes(p: float, q: float, gamma: float, z: Float, n: Int) -> Float:
    """Slopes of each customer's log-likelihood in log p, log (q - 1), log gamma."""
    kinds, kind = np.unique(n, return_inverse=True)
    pn = p * kinds
    psi_sum, psi_own = psi(pn + q)[kind], psi(pn)[kind]
    total = gamma + n * z
    log_own, log_shared = np.log(n * z / total), np.log(gamma / total)
    return np.stack(
        (
            n * (psi_sum - psi_own + log_own) * p,
            (psi_sum - psi(q) + log_shared) * (q - 1.0),
            q - (p * n + q) * gamma / total,
        )
    )
