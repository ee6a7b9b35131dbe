"""Figures of merit for churn probabilities and value predictions, and their intervals.

In: outcomes and predictions of the same rows. Out: floats, or None where a figure is not defined (one class, nothing
spent). Intervals come from resampling customers, so that a customer's rows at several origins stay together.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Float64 = NDArray[np.float64]
Figures = dict[str, float | None]

TWEEDIE_POWER = 1.5
DRAWS = 200
LEVEL = 0.90
SMALLEST = 1e-6


def clipped(p: Float64) -> Float64:
    """Probabilities kept inside (0, 1) so that logs are finite."""
    # As np.clip, whose checks take longer than the clipping of a few.
    return np.minimum(np.maximum(p, SMALLEST), 1 - SMALLEST)


def logit(p: Float64) -> Float64:
    """log(p / (1 - p)) of clipped probabilities."""
    q = clipped(p)
    return np.log(q) - np.log1p(-q)


def sigmoid(z: Float64) -> Float64:
    """The inverse of `logit`, free of overflow.

    Examples
    --------
    >>> sigmoid(np.array([0.0, 800.0])).tolist()
    [0.5, 1.0]
    """
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * z)))


def log_losses(y: Float64, p: Float64) -> Float64:
    """Log loss per row."""
    q = clipped(p)
    return -(y * np.log(q) + (1 - y) * np.log1p(-q))


def ece(y: Float64, p: Float64, bins: int = 10) -> float:
    """Expected calibration error: mean |mean outcome - mean probability| over bins of equal count, weighted by size.

    Examples
    --------
    >>> ece(np.array([0.0, 1.0]), np.array([0.25, 0.75]), bins=2)
    0.25
    """
    # Equal predictions share a bin: that of the last of them.
    of_bin = ((rankdata(p, method="max") - 1) * bins // len(p)).astype(np.int64)
    return float(np.abs(np.bincount(of_bin, y - p)).sum() / len(p))


def auc_of(y: Float64, p: Float64) -> Callable[[Float64], float | None]:
    """AUC as a function of the rows' weights; sorted once, so that resampling is cheap."""
    order = np.argsort(p, kind="stable")
    group = np.cumsum(np.diff(p[order], prepend=p[order][:1]) > 0)
    outcome = y[order]

    def weighted(weight: Float64) -> float | None:
        w = weight[order]
        positive = np.bincount(group, w * outcome)
        negative = np.bincount(group, w * (1 - outcome))
        total = positive.sum() * negative.sum()
        below = np.cumsum(negative) - negative
        return float((positive * (below + 0.5 * negative)).sum() / total) if total > 0 else None

    return weighted


def auc(y: Float64, p: Float64) -> float | None:
    """Area under the ROC curve with ties at one half; None with one class.

    Examples
    --------
    >>> auc(np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.2, 0.9]))
    0.75
    """
    return auc_of(y, p)(np.ones(len(y)))


def pr_auc(y: Float64, p: Float64) -> float | None:
    """Average precision of the churned class; None with one class."""
    if not 0 < y.sum() < len(y):
        return None
    order = np.argsort(-p, kind="stable")
    last = np.append(np.diff(-p[order]) > 0, True)
    hits, seen = np.cumsum(y[order])[last], np.flatnonzero(last) + 1
    return float((np.diff(hits, prepend=0.0) / y.sum() * (hits / seen)).sum())


def deviance(y: Float64, mu: Float64) -> Float64:
    """Tweedie deviance of power 1.5 per row, for max(y, 0) and mu > 0 (Jorgensen 1987)."""
    t, p = np.maximum(y, 0), TWEEDIE_POWER
    return 2 * (t ** (2 - p) / ((1 - p) * (2 - p)) - t * mu ** (1 - p) / (1 - p) + mu ** (2 - p) / (2 - p))


def gini_of(y: Float64, mu: Float64) -> Callable[[Float64], float | None]:
    """Normalised Gini as a function of the rows' weights; sorted once."""
    t = np.maximum(y, 0)
    predicted, ideal = _share_area_of(t, mu), _share_area_of(t, t)

    def weighted(weight: Float64) -> float | None:
        area, best = predicted(weight), ideal(weight)
        return None if area is None or best is None or best <= 0 else area / best

    return weighted


def gini(y: Float64, mu: Float64) -> float | None:
    """Normalised Gini on max(y, 0): area of the cumulative share ordered by prediction over that ordered by truth.

    Examples
    --------
    >>> round(gini(np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 5.0])), 6)
    1.0
    """
    return gini_of(y, mu)(np.ones(len(y)))


def _share_area_of(t: Float64, by: Float64) -> Callable[[Float64], float | None]:
    """Area between the cumulative share of t, from the highest prediction down, and the diagonal; ties share a step."""
    order = np.argsort(-by, kind="stable")
    group = np.cumsum(np.diff(-by[order], prepend=-by[order][:1]) > 0)
    money_of = t[order]

    def weighted(weight: Float64) -> float | None:
        w = weight[order]
        total = (w * money_of).sum()
        if total <= 0:
            return None
        size, money = np.bincount(group, w) / w.sum(), np.bincount(group, w * money_of) / total
        return float((size * (np.cumsum(money) - 0.5 * money)).sum() - 0.5)

    return weighted


def top_decile_capture(y: Float64, mu: Float64, customer: NDArray[np.object_]) -> float | None:
    """Share of max(y, 0) held by the ceil(n / 10) highest predictions; ties by customer id."""
    t = np.maximum(y, 0)
    if t.sum() <= 0:
        return None
    order = np.lexsort([customer.astype(str), -mu])
    return float(t[order[: -(-len(y) // 10)]].sum() / t.sum())


def spearman(y: Float64, mu: Float64) -> float | None:
    """Rank correlation; None when one side is constant."""
    a, b = rankdata(y), rankdata(mu)
    if a.std() == 0 or b.std() == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def shift_to(z: Float64, share: float) -> float:
    """The shift of all logits that brings their mean probability to a share in (0, 1), by Newton inside a bracket.

    Examples
    --------
    >>> round(shift_to(np.array([0.0]), 0.625), 4)  # logit(5/8)
    0.5108
    """
    centre = float(np.log(share) - np.log1p(-share))
    # Shifted so that the largest logit is that of the share, no probability exceeds it; and the other way round.
    low, high = centre - float(z.max()), centre - float(z.min())
    shift = min(max(0.0, low), high)
    for _ in range(60):
        q = sigmoid(z + shift)
        gap, slope = share - float(q.mean()), float((q * (1 - q)).mean())
        if abs(gap) < 1e-13:
            break
        low, high = (shift, high) if gap > 0 else (low, shift)
        step = shift + gap / slope if slope > 0 else np.inf
        shift = step if low < step < high else 0.5 * (low + high)
    return shift


def level_shift(y: Float64, p: Float64) -> float | None:
    """The shift of all logits that brings the mean probability to the share of outcomes; None with one class.

    It is the maximum-likelihood intercept of a logistic regression with the logits as offset (Cox 1958).

    Examples
    --------
    >>> round(level_shift(np.array([0.0, 1.0]), np.array([0.9, 0.9])), 4)  # log odds of .9 are log(9)
    -2.1972
    """
    return shift_to(logit(p), float(y.mean())) if 0 < y.sum() < len(y) else None


def level_loss(y: Float64, p: Float64) -> float | None:
    """How much of the log loss is level: what refitting the intercept alone to the truth would save, >= 0.

    Examples
    --------
    >>> round(level_loss(np.array([0.0, 1.0]), np.array([0.9, 0.9])), 4)  # log loss 1.2040 less log(2)
    0.5108
    """
    shift, z = level_shift(y, p), logit(p)
    if shift is None:
        return None
    # The loss of a logit, not of a probability: cutting those off again could cost what the shift saves.
    before, after = (float((np.logaddexp(0.0, at) - y * at).mean()) for at in (z, z + shift))
    return max(before - after, 0.0)


def level_deviance(y: Float64, mu: Float64) -> float | None:
    """How much of the deviance is level: what one factor on all predictions mu > 0 would save; None if nothing spent.

    The best factor solves sum((t - c mu) mu^(1 - p)) = 0 for t = max(y, 0), which is the score of the deviance.

    Examples
    --------
    >>> level_deviance(np.array([4.0, 4.0]), np.array([1.0, 1.0]))  # 2 (-2 / .25 + 4 / .5 + 1 / .5), all of it
    4.0
    """
    t = np.maximum(y, 0)
    if t.sum() <= 0:
        return None
    factor = (t * mu ** (1 - TWEEDIE_POWER)).sum() / (mu ** (2 - TWEEDIE_POWER)).sum()
    return max(float((deviance(t, mu) - deviance(t, factor * mu)).mean()), 0.0)


def churn_figures(y: Float64, p: Float64) -> Figures:
    """Log loss, and how much of it is level; AUC, PR AUC, Brier score and ECE."""
    return {
        "log_loss": float(log_losses(y, p).mean()),
        "auc": auc(y, p),
        "pr_auc": pr_auc(y, p),
        "brier": float(np.square(y - p).mean()),
        "ece": ece(y, p),
        "level_loss": level_loss(y, p),
    }


def value_figures(y: Float64, mu: Float64, floor: float | Float64, customer: NDArray[np.object_]) -> Figures:
    """Tweedie deviance, and how much of it is level, Gini, top-decile capture (on max(y, 0)); bias, MAE, WAPE, Spearman
    on signed spend. The floor, one or one per row, is the least prediction that counts in the deviance."""
    total, absolute = float(y.sum()), float(np.abs(y).sum())
    error, least = float(np.abs(y - mu).sum()), np.maximum(mu, floor)
    return {
        "tweedie_deviance": float(deviance(y, least).mean()) if least.min() > 0 else None,
        "gini": gini(y, mu),
        "top_decile_capture": top_decile_capture(y, mu, customer),
        "bias": float(mu.sum() / total) if total > 0 else None,
        "mae": error / len(y),
        "wape": error / absolute if absolute > 0 else None,
        "spearman": spearman(y, mu),
        "level_deviance": level_deviance(y, least) if least.min() > 0 else None,
    }


class Resampling:
    """Weights of rows when customers are drawn again with replacement, the same draws for every model.

    Parameters
    ----------
    customer : ndarray of object, shape (n_rows,)
    seed : int

    Examples
    --------
    >>> low, high = Resampling(np.array(["a", "b", "c"], object), 0).interval(lambda w: float(w.sum()))
    >>> low, high
    (3.0, 3.0)
    """

    def __init__(self, customer: NDArray[np.object_], seed: int, draws: int = DRAWS) -> None:
        _, index = np.unique(customer.astype(str), return_inverse=True)
        self.index, self.n = index, int(index.max(initial=-1)) + 1
        self.seed, self.draws = seed, draws

    def interval(self, figure: Callable[[Float64], float | None]) -> tuple[float, float] | None:
        """The 90 % percentile interval of a figure of weights; None when it is undefined in a draw."""
        generator = np.random.default_rng(self.seed)
        found = []
        for _ in range(self.draws):
            counts = np.bincount(generator.integers(0, self.n, self.n), minlength=self.n)
            value = figure(counts[self.index].astype(np.float64))
            if value is None:
                return None
            found.append(value)
        low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return float(low), float(high)

    def mean_interval(self, values: Float64, over: Float64 | None = None) -> tuple[float, float] | None:
        """The interval of mean(values), or of sum(values) / sum(over), by the delta method on customers' sums."""
        top = np.bincount(self.index, values, minlength=self.n)
        below = np.bincount(self.index, np.ones(len(values)) if over is None else over, minlength=self.n)
        if self.n < 2 or below.sum() <= 0:
            return None
        estimate = top.sum() / below.sum()
        error = np.sqrt(self.n / (self.n - 1) * np.square(top - estimate * below).sum()) / below.sum()
        z = 1.6448536269514722
        return float(estimate - z * error), float(estimate + z * error)
