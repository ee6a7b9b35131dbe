"""Rates of groups of very different size, drawn to what the groups above them do, as far as the groups are alike.

In: answers and messages of groups, and for each the rate that it is drawn to, with how sure that is. Out: `Rates`, a
beta law for each group: its mean, interval, and the chance to be the highest. How much groups differ is learnt from
all of them (beta-binomial), and not knowing it widens the intervals. A group without any message has the law of the
rate that it is drawn to, and the spread of groups around that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import betainc, betaincinv, betaln

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

LEAST = 3
"""Groups from which on a single concentration is fitted to them."""
_WEAK, _MOST = 1.0, 1e5
_POINTS = (np.arange(200) + 0.5) / 200
_EDGE = 1e-6
_KAPPAS = np.geomspace(_WEAK, _MOST, 41)


@dataclass(frozen=True, eq=False)
class Rates:
    """Beta laws of rates, each array of shape (n_groups,).

    Parameters
    ----------
    a, b : ndarray of float64, > 0

    Examples
    --------
    >>> Rates(np.array([2.0]), np.array([6.0])).mean.tolist()
    [0.25]
    """

    a: Float64
    b: Float64

    @classmethod
    def matched(cls, mean: Float64, variance: Float64) -> Rates:
        """With these means and variances; a variance that no beta law has is cut to the largest."""
        middle = np.clip(mean, _EDGE, 1 - _EDGE)
        total = np.maximum(middle * (1 - middle) / np.maximum(variance, 1e-12) - 1, 0.1)
        return cls(middle * total, (1 - middle) * total)

    @property
    def mean(self) -> Float64:
        """What is expected."""
        return np.asarray(self.a / (self.a + self.b))

    @property
    def variance(self) -> Float64:
        """How unsure it is, squared."""
        return np.asarray(self.mean * (1 - self.mean) / (self.a + self.b + 1))

    def quantile(self, share: float) -> Float64:
        """The rate below which the true one lies with a chance."""
        return np.asarray(betaincinv(self.a, self.b, share))

    def take(self, rows: Int64 | Bool) -> Rates:
        """Of some groups."""
        return Rates(self.a[rows], self.b[rows])

    def chance_above(self, other: Rates) -> Float64:
        """P(this rate is higher than the other one), group by group.

        Examples
        --------
        >>> one, other = (Rates(np.array([a]), np.array([b])) for a, b in ((3.0, 3.0), (1.0, 5.0)))
        >>> one.chance_above(one).round(3).tolist(), one.chance_above(other).round(2).tolist()
        ([0.5], [0.92])
        """
        points = betaincinv(self.a[:, None], self.b[:, None], _POINTS)
        return np.asarray(betainc(other.a[:, None], other.b[:, None], points).mean(axis=1))

    def chance_highest(self, group: int) -> float:
        """P(the rate of a group is higher than every other one)."""
        points = betaincinv(self.a[group], self.b[group], _POINTS)
        others = np.arange(len(self.a)) != group
        below = betainc(self.a[others, None], self.b[others, None], points)
        return float(below.prod(axis=0).mean())


def pooled(answers: Float64, messages: Float64, above: Rates, under: Int64) -> Rates:
    """The rates of groups, each drawn to the one that it is under.

    Parameters
    ----------
    answers, messages : ndarray of float64, shape (n_groups,)
        They need not be whole: counts that are worth less, because a customer had several, are made smaller before.
    above : Rates
        What groups are drawn to. Where they are alike it says all, and its own doubt stays; where they differ, so few
        groups leave it in doubt, too.
    under : ndarray of int64, shape (n_groups,)
        The place in `above`.

    Examples
    --------
    Three groups that are alike, as far as one can see, and a fourth with two messages only:

    >>> answers, messages = np.array([100.0, 102.0, 98.0, 2.0]), np.array([1000.0, 1000.0, 1000.0, 2.0])
    >>> above = Rates(np.array([302.0]), np.array([2700.0]))
    >>> pooled(answers, messages, above, np.zeros(4, int)).mean.round(2).tolist()
    [0.1, 0.1, 0.1, 0.1]
    """
    total, squares = np.bincount(under, messages, len(above.a)), np.bincount(under, messages**2, len(above.a))
    alike = np.maximum(total**2 / np.maximum(squares, _EDGE), 1.0)
    mean, square = np.zeros(len(messages)), np.zeros(len(messages))
    for kappa, weight in zip(_KAPPAS.tolist(), _weights(answers, messages, above.mean[under]), strict=True):
        doubt = above.variance + above.mean * (1 - above.mean) / (kappa * alike)
        law = around(answers, messages, Rates.matched(above.mean, doubt).take(under), kappa)
        mean += weight * law.mean
        square += weight * (law.variance + law.mean**2)
    return Rates.matched(mean, square - mean**2)


def _weights(answers: Float64, messages: Float64, centre: Float64) -> Float64:
    """The chance of each of `_KAPPAS`: how alike groups are is not known, and few groups say little of it.

    Beforehand every share of drawing, kappa / (kappa + messages of a usual group), is as likely as another
    (Christiansen & Morris 1997, Hierarchical Poisson regression modeling, JASA 92(438)).
    """
    some = messages > 0
    usual = float(np.median(messages[some])) if some.any() else 1.0
    prior = np.log(_KAPPAS * usual / (_KAPPAS + usual) ** 2)
    rows = _cases(answers[some], messages[some], centre[some])
    fit = prior + np.array([_log_likelihood(k, *rows) for k in _KAPPAS.tolist()])
    chance = np.exp(fit - fit.max())
    return np.asarray(chance / chance.sum())


def around(answers: Float64, messages: Float64, centre: Rates, kappa: float | Float64) -> Rates:
    """The same where it is known for how many messages the centre counts."""
    law = Rates(kappa * centre.mean + answers, kappa * (1 - centre.mean) + messages - answers)
    pull = kappa / (kappa + messages)
    return Rates.matched(law.mean, law.variance + pull**2 * centre.variance)


def concentration(answers: Float64, messages: Float64, centre: Float64) -> float:
    """For how many messages the centre counts, by maximum likelihood; 1 of fewer than `LEAST` groups with a message.

    Examples
    --------
    Groups that have nothing in common:

    >>> concentration(np.array([0.0, 50.0, 0.0, 50.0]), np.full(4, 50.0), np.full(4, 0.5)) < 2
    True
    """
    some = messages > 0
    if int(some.sum()) < LEAST:
        return _WEAK
    rows = _cases(answers[some], messages[some], centre[some])
    ends = (float(np.log(_WEAK)), float(np.log(_MOST)))

    def loss(x: float) -> float:
        return -_log_likelihood(float(np.exp(x)), *rows)

    inside = float(minimize_scalar(loss, bounds=ends, method="bounded").x)
    # The search never reaches an end itself; of what is equally likely the rate above says more.
    return float(np.exp(min((ends[1], inside, ends[0]), key=loss)))


def _cases(answers: Float64, messages: Float64, centre: Float64) -> tuple[Float64, Float64, Float64, Float64]:
    """The distinct groups, and how many there are of each; rates above are told apart by four digits."""
    (y, n, c), times = np.unique(np.stack([answers, messages, np.round(centre, 4)]), axis=1, return_counts=True)
    return y, n, np.clip(c, _EDGE, 1 - _EDGE), times.astype(np.float64)


def _log_likelihood(kappa: float, y: Float64, n: Float64, c: Float64, times: Float64) -> float:
    """Beta-binomial, without the terms that do not depend on kappa."""
    fit = betaln(kappa * c + y, kappa * (1 - c) + n - y) - betaln(kappa * c, kappa * (1 - c))
    return float((times * fit).sum())
