"""Scales on which a level is learnt: the logit of silence, the log of money, the log of orders.

In: samples, links. Out: what the classical prior says on the scale (NaN where it says nothing), what came, the shift
that draws links to the level of others, what the prior missed and the variance of its luck of the draw. Of money and
orders no single customer decides: see `tempered`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .metrics import deviance, log_losses, shift_to, sigmoid
from .sample import Sample

Float64 = NDArray[np.float64]


class Scale(Protocol):
    """What a level needs to know of a target."""

    @property
    def loss_name(self) -> str:
        """What the loss is called."""
        ...

    def prior(self, sample: Sample) -> Float64:
        """What the classical prior says of each row, as a link; NaN where it says nothing."""
        ...

    def target(self, sample: Sample) -> Float64:
        """What came, per row."""
        ...

    def drawn(self, link: Float64, to: Float64, share: float = 1.0) -> float:
        """The shift of all links that draws their mean a share of the way to that of other links of the same rows."""
        ...

    def residual(self, prior: Float64, target: Float64) -> tuple[float, float] | None:
        """The shift that the prior of some rows lacked, and the variance of its luck; None where there is none."""
        ...

    def loss(self, target: Float64, link: Float64) -> float:
        """The mean loss of links, lower is better."""
        ...


class Total(Scale, Protocol):
    """A scale of what adds up over time, as money and orders do."""

    def repeated(self, sample: Sample) -> Float64:
        """What each customer did again in as many days before the cutoff as the horizon has, at his usual pace."""
        ...


@dataclass(frozen=True)
class Logit:
    """P(no purchase in the horizon), on the logit.

    Examples
    --------
    >>> prior = np.log(np.array([3.0]))  # of 3/4; a half of the way from 1/2 is 5/8, whose logit is log(5/3)
    >>> round(LOGIT.drawn(np.array([0.0]), prior, 0.5), 4)
    0.5108
    """

    loss_name: str = "log loss"

    def prior(self, sample: Sample) -> Float64:
        """The logit of silence."""
        return sample.silent

    def target(self, sample: Sample) -> Float64:
        """1 where no purchase fell into the window."""
        return sample.churned

    def drawn(self, link: Float64, to: Float64, share: float = 1.0) -> float:
        """The shift that draws the mean probability to that of others."""
        mean = (1.0 - share) * sigmoid(link).mean() + share * sigmoid(to).mean()
        return shift_to(link, float(mean))

    def residual(self, prior: Float64, target: Float64) -> tuple[float, float] | None:
        """With n rows of which a share p was silent the luck has the variance 1 / (n p (1 - p)); None for 0 and 1."""
        share = float(target.mean()) if len(target) else 0.0
        if not 0 < share < 1:
            return None
        spread = float(len(target)) * share * (1 - share)
        return shift_to(prior, share), 1 / spread

    def loss(self, target: Float64, link: Float64) -> float:
        """Log loss."""
        return float(log_losses(target, sigmoid(link)).mean())


@dataclass(frozen=True)
class _Log:
    """An expectation that is positive, on the log: one shift is one factor on all."""

    loss_name: str = "deviance"

    def drawn(self, link: Float64, to: Float64, share: float = 1.0) -> float:
        """The log of the factor that draws the total to that of others, so far on the log: halfway is their geometric
        mean, which wild boosters do not carry away."""
        return share * float(np.log(tempered(np.exp(to)).sum()) - np.log(tempered(np.exp(link)).sum()))

    def residual(self, prior: Float64, target: Float64) -> tuple[float, float] | None:
        """The log of r = sum y / sum m, and its variance sum((y - r m)^2) / (sum y)^2; None where nothing came.

        That is the ratio estimator's by linearisation (Cochran 1977, section 6.4), with rows as draws.
        """
        came, said = tempered(target), tempered(np.exp(prior))
        total = float(came.sum())
        if not total > 0:
            return None
        factor = total / float(said.sum())
        return float(np.log(factor)), float(np.square(came - factor * said).sum()) / total**2


@dataclass(frozen=True)
class Money(_Log):
    """Expected gross spend in the horizon, max(spend, 0), on the log.

    Examples
    --------
    >>> one = np.zeros(2)
    >>> round(MONEY.drawn(one, np.log(np.array([2.0, 2.0]))), 4)  # a factor of 2
    0.6931
    >>> shift, variance = MONEY.residual(one, np.array([0.0, 4.0]))  # 2 instead of 0, and of 4: (2^2 + 2^2) / 4^2
    >>> round(shift, 4), variance
    (0.6931, 0.5)
    """

    def prior(self, sample: Sample) -> Float64:
        """The log of expected purchase days x mean purchase value."""
        return _log(sample.prior.spend)

    def target(self, sample: Sample) -> Float64:
        """Spend in the window, 0 where returns outweighed it."""
        return np.maximum(sample.spend, 0.0)

    def repeated(self, sample: Sample) -> Float64:
        """Days of repeat purchases x their mean value: the first purchase is made once."""
        rhythm = sample.panel.rhythm
        return _window(sample) * rhythm.n_valued * np.where(rhythm.n_valued > 0, rhythm.value, 0.0)

    def loss(self, target: Float64, link: Float64) -> float:
        """Tweedie deviance of power 1.5."""
        return float(deviance(target, np.exp(link)).mean())


@dataclass(frozen=True)
class Orders(_Log):
    """Expected purchases in the horizon, on the log.

    Examples
    --------
    >>> round(ORDERS.loss(np.array([0.0, 2.0]), np.log(np.array([1.0, 2.0]))), 4)  # 2 (1 - 0) and 0, halved
    1.0
    """

    def prior(self, sample: Sample) -> Float64:
        """The log of expected purchase days x purchases a purchase day so far, since the classics count days."""
        return _log(_a_day(sample) * sample.prior.orders)

    def target(self, sample: Sample) -> Float64:
        """Purchases in the window."""
        return sample.orders

    def repeated(self, sample: Sample) -> Float64:
        """Days of repeat purchases x purchases a day."""
        return _window(sample) * _a_day(sample) * sample.panel.rhythm.frequency

    def loss(self, target: Float64, link: Float64) -> float:
        """Poisson deviance."""
        mu = np.exp(link)
        own = target * np.log(np.where(target > 0, target / mu, 1.0))
        return float(2 * (own - (target - mu)).mean())


def tempered(amounts: Float64) -> Float64:
    """Amounts >= 0 of which none exceeds the root of the sum of squares of all smaller ones, in the same order.

    That root is the standard error of the rest's total, so that no customer, nor a few, moves a total by more than the
    luck of everybody else does; where nobody stands out nothing changes. It is Winsor's rule with a limit that the
    sample sets itself (Tukey 1962); the smaller half of the positive amounts stays as it is, to set it.

    Examples
    --------
    >>> tempered(np.array([3.0, 0.0, 900.0, 4.0, 0.0])).tolist()  # 3^2 + 3^2 under the root for 4 and, with it, 5.2
    [3.0, 0.0, 4.242640687119285, 3.0, 0.0]
    """
    order = np.argsort(amounts, kind="stable")
    ranked = amounts[order]
    positive = int((ranked > 0).sum())
    at = len(ranked) - positive + max(1, positive // 2)
    while at < len(ranked):
        # Summed anew after each cut: squares of giants would swallow the last digits of all others.
        below = np.concatenate(([0.0], np.cumsum(np.square(ranked[:-1]))))
        over = np.flatnonzero(np.square(ranked[at:]) > below[at:] * (1 + 1e-9))
        if not len(over):
            break
        at += int(over[0])
        ranked[at] = np.sqrt(below[at])
        at += 1
    found = np.empty_like(ranked)
    found[order] = ranked
    return found


def _window(sample: Sample) -> Float64:
    """Which part of what a customer has done fell into the last days, as many as the horizon has."""
    return np.minimum(1.0, sample.horizon_days / (sample.panel.rhythm.T + 1))


def _a_day(sample: Sample) -> float:
    """Purchases a day with purchases, of all customers together."""
    days = float(sample.panel.rhythm.frequency.sum()) + sample.n_rows
    return max(1.0, float(sample.panel.totals.orders.sum()) / max(days, 1.0))


def _log(expected: Float64) -> Float64:
    """The log of what is positive; NaN elsewhere."""
    positive = expected > 0
    return np.where(positive, np.log(np.where(positive, expected, 1.0)), np.nan)


LOGIT, MONEY, ORDERS = Logit(), Money(), Orders()
