"""How rows of a later time judge a booster: by what it loses there once its level is set right.

In: margins, outcomes and weights of the judging rows. Out: losses per row, their mean, and whether one booster is
clearly better than another. The judging cutoff has a season of its own, and the level of the coming one is learnt apart
from the boosters: judged with their level, they would be stopped when they fit the season before it least badly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .metrics import sigmoid

Float64 = NDArray[np.float64]
SURE = 1.645
"""Standard errors from the middle of a 90 % interval to its ends."""


def level_of_logits(z: Float64, label: Float64, share: Float64) -> float:
    """What is to be added to logits so that their mean probability is that of the label.

    It is the maximum-likelihood intercept with the logits as offset (Cox 1958, https://doi.org/10.2307/2333203), by
    Newton's method inside a bracket.

    Examples
    --------
    >>> round(level_of_logits(np.zeros(2), np.array([0.0, 1.0]), np.array([0.25, 0.75])), 4)  # log(3)
    1.0986
    """
    rate = float((share * label).sum())
    if not 0 < rate < 1:
        return 0.0
    centre = float(np.log(rate) - np.log1p(-rate))
    # Shifted so that the largest logit is that of the rate, no probability exceeds it; and the other way round.
    low, high = centre - float(z.max()), centre - float(z.min())
    shift = min(max(0.0, low), high)
    for _ in range(60):
        p = sigmoid(z + shift)
        gap, slope = rate - float((share * p).sum()), float((share * p * (1 - p)).sum())
        if abs(gap) < 1e-12:
            break
        low, high = (shift, high) if gap > 0 else (low, shift)
        step = shift + gap / slope if slope > 0 else np.inf
        shift = step if low < step < high else 0.5 * (low + high)
    return shift


def log_losses(z: Float64, label: Float64, share: Float64) -> Float64:
    """Log loss per row of logits at the right level."""
    right = z + level_of_logits(z, label, share)
    return np.asarray(np.logaddexp(0.0, right) - label * right)


def tweedie_losses(z: Float64, label: Float64, share: Float64) -> Float64:
    """Negative Tweedie log likelihood (power 1.5) per row of logarithms of money, at the right level.

    The factor on all predictions mu solves sum((y - c mu) mu^(-1/2)) = 0, the score of the likelihood.
    """
    half = np.exp(z / 2)
    paid, said = float((share * label / half).sum()), float((share * half).sum())
    half = half * np.sqrt(paid / said) if paid > 0 else half
    return np.asarray(2 * label / half + 2 * half)


def poisson_losses(z: Float64, label: Float64, share: Float64) -> Float64:
    """Negative Poisson log likelihood per row of logarithms of counts, at the right level; log y! aside."""
    said, came = np.exp(z), float((share * label).sum())
    factor = came / float((share * said).sum()) if came > 0 else 1.0
    return np.asarray(factor * said - label * (z + np.log(factor)))


def gamma_losses(z: Float64, label: Float64, share: Float64) -> Float64:
    """Negative gamma log likelihood per row of logarithms of money above 0, at the right level; constants aside.

    The factor on all predictions mu solves sum(y / (c mu) - 1) = 0, the score of the likelihood.
    """
    ratio = label * np.exp(-z)
    factor = float((share * ratio).sum())
    return np.asarray(ratio / factor + z + np.log(factor))


LOSSES: dict[str, Callable[[Float64, Float64, Float64], Float64]] = {
    "churn": log_losses,
    "value": tweedie_losses,
    "gamma": gamma_losses,
    "orders": poisson_losses,
}


@dataclass(frozen=True)
class Judges:
    """Outcomes and weights of the judging rows.

    Examples
    --------
    >>> judges = Judges("churn", np.array([0.0, 0.0, 0.0, 1.0]), np.ones(4))
    >>> low, right = np.full(4, -5.0), np.full(4, -np.log(3))
    >>> round(judges.loss(low), 6) == round(judges.loss(right), 6)  # they differ by their level alone
    True
    """

    kind: str
    label: Float64
    weight: Float64

    def losses(self, margin: NDArray[np.floating]) -> Float64:
        """Loss per row of margins at the right level."""
        return LOSSES[self.kind](np.asarray(margin, np.float64), self.label, self.weight / self.weight.sum())

    def loss(self, margin: NDArray[np.floating]) -> float:
        """Their weighted mean."""
        return float(np.average(self.losses(margin), weights=self.weight))

    def clearly_prefer(self, other: NDArray[np.floating], first: NDArray[np.floating]) -> bool:
        """Whether the 90 % interval of what the other gains on the first, paired by row, lies above 0.

        The best of many tries is best by luck as well. This is the standard-error rule of Breiman, Friedman, Olshen
        and Stone (Classification and Regression Trees, 1984, section 3.4.3), with the defaults in the place of the
        simplest model.
        """
        gain, share = self.losses(first) - self.losses(other), self.weight / self.weight.sum()
        mean = float((share * gain).sum())
        return mean > SURE * float(np.sqrt(np.square(share * (gain - mean)).sum()))
