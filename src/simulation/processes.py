"""How customers buy till they die: BG/NBD, Pareto/NBD, and MBG/CNBD-k with gaps more regular than chance.

In: parameters, in days; a seed. Out: `Buyers`: each customer's own rate and own way of leaving, when or after
which purchase he does leave, and the chance, for someone who knows these rates but not whether he has left, that he
buys nothing from one time to another. Nothing is missing: whoever never leaves does so at infinity.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, did_you_mean
from .chance import Stream, stream_of
from .season import Season

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Buyers:
    """Customers with rates of their own.

    Parameters
    ----------
    rate : array of shape (n_customers,), per busy day
        Of the exponential steps between purchases; `steps` of them make a gap.
    leaving : array of shape (n_customers,)
        A death rate per day (Pareto/NBD), or the chance of leaving after a purchase.
    lifetime : array of shape (n_customers,), days from the first purchase
        When he dies at the latest; infinite where purchases decide.
    last : array of shape (n_customers,)
        After how many repeat purchases he leaves; infinite where time decides.
    steps : int
        Exponential steps in a gap; 1 is chance alone.
    first_may_be_last : bool
        Whether the first purchase can already be the last one.
    """

    rate: Float
    leaving: Float
    lifetime: Float
    last: Float
    steps: int
    first_may_be_last: bool

    def silence(self, which: Int, repeats: Int, since: Float, until: Float, season: Season) -> tuple[Float, Float]:
        """P(alive and without a purchase) and P(without a purchase) until a time, given a purchase at `since`.

        Where purchases decide: p + (1 - p) P(gap > until - since), p the chance of leaving after that purchase. Where
        time does: the integral over the time of death (Schmittlein, Morrison & Colombo 1987, doi:10.1287/mnsc.33.1.1).
        """
        rate, leaving = self.rate[which], self.leaving[which]
        busy = season.to_busy(until) - season.to_busy(since)
        if np.isfinite(self.lifetime).any():
            alive = np.exp(-leaving * (until - since) - rate * busy)
            return alive, alive + _died(rate, leaving, since, until, season)
        from scipy.special import gammaincc

        p = leaving if self.first_may_be_last else np.where(repeats > 0, leaving, 0.0)
        alive = (1 - p) * (np.exp(-rate * busy) if self.steps == 1 else gammaincc(self.steps, rate * busy))
        return alive, p + alive

    def bought(self, which: Int, repeats: Int, since: Float, edges: Float, season: Season) -> Float:
        """Expected purchases from each edge to the next, shape (n, n_edges - 1), of those alive at the first.

        For someone who knows the rates and the last purchase, at `since`. While alive, steps are Poisson in busy time;
        where purchases decide, the j-th one to come is made with chance (1 - p)^(j - 1), and gaps of several steps are
        partly over: how many were made since the last purchase is Poisson, given that they were too few for another.
        """
        rate, leaving = self.rate[which][:, None], self.leaving[which][:, None]
        busy = season.to_busy(edges) - season.to_busy(edges[:1])
        if np.isfinite(self.lifetime).any():
            # The season's multiplier is constant within a day, and the edges are days.
            lived = -np.diff(np.exp(-leaving * (edges - edges[0])), axis=1) / np.maximum(leaving, 1e-300)
            return np.asarray(rate * lived * (np.diff(busy) / np.diff(edges)))
        if self.steps == 1:
            chance = np.maximum(rate * leaving, 1e-300)
            return np.asarray(-np.diff(np.exp(-chance * busy), axis=1) / np.maximum(leaving, 1e-300))
        from scipy.special import gammainc, gammaln

        steps = np.arange(self.steps)
        waited = rate * (season.to_busy(edges[:1]) - season.to_busy(since))[:, None]
        done = waited**steps * np.exp(-gammaln(steps + 1.0))
        done /= done.sum(axis=1, keepdims=True)
        total, most = np.zeros((len(which), len(edges))), float((rate * busy[-1]).max(initial=0.0))
        for j in range(1, 2 + int((most + 10.0 * np.sqrt(most) + 30.0) / self.steps)):
            for i in steps.tolist():
                total += (1 - leaving) ** (j - 1) * done[:, i : i + 1] * gammainc(j * self.steps - i, rate * busy)
        return np.diff(total, axis=1)


def _died(rate: Float, death: Float, since: Float, until: Float, season: Season) -> Float:
    """P(died before `until` without a purchase since `since`): exact, day by day where there is a season."""
    if season.multiplier is None:
        both = rate + death
        return -death / both * np.expm1(-both * (until - since))
    total = np.zeros(len(rate))
    start = season.to_busy(since)
    for day in range(int(np.floor(since.min(initial=0.0))), int(np.ceil(until.max(initial=0.0)))):
        low, high = np.maximum(since, day), np.minimum(until, day + 1.0)
        length = np.maximum(high - low, 0.0)
        both = death + rate * season.multiplier[day]
        silent = np.exp(-death * (low - since) - rate * (season.to_busy(low) - start))
        total -= np.where(length > 0, silent * death / both * np.expm1(-both * length), 0.0)
    return total


class Process(ABC):
    """A law of buying and leaving, with its parameters."""

    @abstractmethod
    def buyers(self, n: int, seed: int) -> Buyers:
        """Customers drawn from it."""


@dataclass(frozen=True)
class ParetoNbd(Process):
    """Rates gamma(r, alpha), death rates gamma(s, beta) (Schmittlein, Morrison & Colombo 1987).

    Examples
    --------
    >>> bool((ParetoNbd().buyers(5, seed=0).lifetime > 0).all())
    True
    """

    r: float = 0.9
    alpha: float = 40.0
    s: float = 0.9
    beta: float = 200.0

    def buyers(self, n: int, seed: int) -> Buyers:
        """Customers who die at any time."""
        rate = stream_of(seed, "rates").gamma(self.r, 1 / self.alpha, n)
        death = stream_of(seed, "leavings").gamma(self.s, 1 / self.beta, n)
        # A tiny shape draws zeros: such a customer lives for ever.
        lifetime = stream_of(seed, "lives").standard_exponential(n) / np.maximum(death, 1e-300)
        return Buyers(rate, death, lifetime, np.full(n, np.inf), 1, False)


@dataclass(frozen=True)
class BgNbd(Process):
    """Rates gamma(r, alpha), the chance of leaving after each repeat purchase beta(a, b) (Fader, Hardie & Lee 2005)."""

    r: float = 0.9
    alpha: float = 40.0
    a: float = 0.8
    b: float = 4.0

    def buyers(self, n: int, seed: int) -> Buyers:
        """Customers who leave after a repeat purchase."""
        rate = stream_of(seed, "rates").gamma(self.r, 1 / self.alpha, n)
        p = stream_of(seed, "leavings").beta(self.a, self.b, n)
        return Buyers(rate, p, np.full(n, np.inf), _last(p, stream_of(seed, "lives")), 1, False)


@dataclass(frozen=True)
class MbgCnbdK(Process):
    """Gaps are gamma(k, rate): k = 1 is chance, more is regular; the first purchase may be the last one.

    References
    ----------
    Platzer, Reutterer (2016), Marketing Science 35(5), doi:10.1287/mksc.2015.0963.
    """

    r: float = 2.0
    alpha: float = 25.0
    a: float = 0.8
    b: float = 4.0
    k: int = 3

    def buyers(self, n: int, seed: int) -> Buyers:
        """Customers who leave after a purchase."""
        rate = stream_of(seed, "rates").gamma(self.r, 1 / self.alpha, n)
        p = stream_of(seed, "leavings").beta(self.a, self.b, n)
        return Buyers(rate, p, np.full(n, np.inf), _last(p, stream_of(seed, "lives")) - 1, self.k, True)


def _last(p: Float, lives: Stream) -> Float:
    """After how many chances of leaving one does: geometric, 1 or more; infinite where p is 0."""
    drawn = -lives.standard_exponential(len(p))
    with np.errstate(divide="ignore"):
        return np.maximum(np.ceil(drawn / np.log1p(-np.minimum(p, 1 - 1e-16))), 1.0)


PROCESSES: Mapping[str, type[ParetoNbd] | type[BgNbd] | type[MbgCnbdK]] = {
    "pareto_nbd": ParetoNbd,
    "bg_nbd": BgNbd,
    "mbg_cnbd_k": MbgCnbdK,
}


def process_of(name: str, parameters: Mapping[str, float]) -> Process:
    """The process of a name, with some of its parameters given.

    Raises
    ------
    ConfigError
        ``RG195`` for a name that is none, ``RG196`` for a parameter that cannot be.

    Examples
    --------
    >>> process_of("bg_nbd", {"alpha": 31.0})
    BgNbd(r=0.9, alpha=31.0, a=0.8, b=4.0)
    """
    if name not in PROCESSES:
        raise ConfigError(f"unknown process `{name}`", do=did_you_mean(name, PROCESSES), code="RG195")
    known = asdict(PROCESSES[name]())
    for parameter in parameters:
        if parameter not in known:
            found = f"`{parameter}` is no parameter of `{name}`"
            raise ConfigError(found, do=did_you_mean(parameter, known), code="RG195")
    given = {**known, **parameters}
    bad = [f"{k} = {v!r}" for k, v in given.items() if not (np.isfinite(v) and v > 0)]
    bad += [f"k = {given['k']!r}" for k in given if k == "k" and given["k"] != int(given["k"])]
    if bad:
        raise ConfigError(
            f"`{name}` cannot have these parameters",
            needed="finite numbers above 0; k whole",
            offending=bad,
            code="RG196",
        )
    exact: dict[str, Any] = {k: int(v) if k == "k" else float(v) for k, v in given.items()}
    return PROCESSES[name](**exact)
