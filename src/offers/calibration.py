"""What offers really do, learnt from randomised waves: a Bayesian linear model whose prior are the assumptions.

In: lessons, and for each option a prior mean and standard deviation of `save` and `extra_spend`. Out: a `Posterior`.
What a customer spends at list price is a baseline, with a level and slopes of its own for every wave and every meant
option, plus what the given option adds: ``save * p_churn * active spend + extra * expected spend``. Among customers of
one wave with one meant option chance alone decided what was given, so this compares like with like. Customers are
weighted by how far spend scatters at their predicted spend; the same person in several waves counts as one (Liang and
Zeger 1986, doi:10.1093/biomet/73.1.13).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .lesson import Float, Lesson

BINS = 10
LEAST_STRATUM = 30
"""A meant option with fewer customers, or fewer of them without it, shares the baseline of all such."""
LEAST_CLUSTERS = 50
"""From so many treated customers on, how far they scatter is taken from themselves."""
SAME_OFFER, SAME_TYPE = 0.4, 0.3
"""What options of one offer, and offers of one type, share of the doubt about them: partial pooling."""
PASSES = 2


@dataclass(frozen=True)
class Prior:
    """What is assumed of k options: `save` of each, then `extra_spend` of each.

    Parameters
    ----------
    mean : array of shape (2k,)
    covariance : array of shape (2k, 2k)
    """

    mean: Float
    covariance: Float

    @classmethod
    def of(cls, mean: Float, sd: Float, offers: Sequence[str], types: Sequence[str]) -> Prior:
        """From means and standard deviations of shape (2, k); options of one offer or type are wrong together.

        Examples
        --------
        >>> prior = Prior.of(np.zeros((2, 2)), np.ones((2, 2)), ["a", "b"], ["percent", "percent"])
        >>> prior.covariance[0].round(9).tolist()
        [1.0, 0.3, 0.0, 0.0]
        """
        k = len(offers)
        offer, kind = (np.equal.outer(np.array(names, object), np.array(names, object)) for names in (offers, types))
        shared = SAME_TYPE * kind + SAME_OFFER * offer + (1 - SAME_TYPE - SAME_OFFER) * np.eye(k)
        covariance = np.zeros((2 * k, 2 * k))
        for part in range(2):
            rows = slice(part * k, (part + 1) * k)
            covariance[rows, rows] = shared * np.outer(sd[part], sd[part])
        return cls(np.asarray(mean, np.float64).reshape(-1), covariance)


@dataclass(frozen=True)
class Posterior:
    """What is known of k options after the lessons.

    Parameters
    ----------
    mean : array of shape (2k,)
    covariance : array of shape (2k, 2k)
    treated, untreated : int arrays of shape (k,)
        Customers and waves that were given the option, and those who were not though it was meant.
    """

    mean: Float
    covariance: Float
    treated: NDArray[np.int64]
    untreated: NDArray[np.int64]

    @property
    def sd(self) -> Float:
        """Standard deviation of each, shape (2k,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


@dataclass(frozen=True)
class _Evidence:
    """Sums over waves once the baseline is taken out: X'WX, X'Wy, and each person's part of it by row."""

    information: Float
    product: Float


def calibrated(lessons: Sequence[Lesson], prior: Prior) -> Posterior:
    """The posterior of `save` and `extra_spend` of every option.

    Parameters
    ----------
    lessons : sequence of Lesson
        Only customers for whom chance decided are used.
    prior : Prior

    Examples
    --------
    >>> draw = np.random.default_rng(0)
    >>> given = (draw.random(4000) < 0.5) - np.int16(1)
    >>> same = np.ones(4000)
    >>> spend = 5 + 2.0 * (given == 0) + draw.normal(size=4000)
    >>> lesson = Lesson("1", np.arange(4000), given, 0 * given, same / 2, same / 2, 10 * same, same, spend, spend > 0)
    >>> prior = Prior.of(np.full((2, 1), 0.1), np.full((2, 1), 0.1), ["a"], ["gift"])
    >>> found = calibrated([lesson], prior)
    >>> bool(abs(found.mean.sum() * 10 - 2.0) < 0.1)  # half of 20 saved, and more of 10
    True
    """
    k = len(prior.mean) // 2
    known = [lesson for lesson in (whole.of_chance for whole in lessons) if len(lesson)]
    counts = _counts(known, k)
    if not known:
        return Posterior(prior.mean, prior.covariance, *counts)
    theta, variances = prior.mean, [np.ones(len(lesson)) for lesson in known]
    for _ in range(PASSES + 1):
        evidence = _summed(known, variances, k)
        precision = np.linalg.inv(prior.covariance)
        covariance = np.linalg.inv(precision + evidence.information)
        theta = covariance @ (precision @ prior.mean + evidence.product)
        residuals = [_residual(lesson, theta, v, k) for lesson, v in zip(known, variances, strict=True)]
        variances, last = [_variance(les, r) for les, r in zip(known, residuals, strict=True)], variances
    wider = _scatter(known, residuals, last, evidence.information, k)
    information = evidence.information / np.sqrt(np.outer(wider, wider))
    # The likelihood's own maximum stays where it is; only its weight beside the prior falls.
    peak = np.linalg.lstsq(evidence.information, evidence.product, rcond=None)[0]
    covariance = np.linalg.inv(precision + information)
    return Posterior(covariance @ (precision @ prior.mean + information @ peak), covariance, *counts)


def _counts(lessons: Sequence[Lesson], k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    treated, untreated = np.zeros(k, np.int64), np.zeros(k, np.int64)
    for lesson in lessons:
        treated += np.bincount(lesson.given[lesson.given >= 0], minlength=k)
        missed = lesson.meant[(lesson.meant >= 0) & (lesson.given != lesson.meant)]
        untreated += np.bincount(missed, minlength=k)
    return treated, untreated


def _treatment(lesson: Lesson, k: int) -> Float:
    """What a unit of `save` and of `extra_spend` of the given option adds, shape (n, 2k)."""
    out = np.zeros((len(lesson), 2 * k))
    rows = np.flatnonzero(lesson.given >= 0)
    option = lesson.given[rows]
    out[rows, option] = (lesson.p_churn * lesson.active_spend)[rows]
    out[rows, k + option] = lesson.expected_spend[rows]
    return out


def _strata(lesson: Lesson) -> Iterator[NDArray[np.int64]]:
    """Rows of each meant option; those that are too few stand together."""
    few = np.zeros(len(lesson), bool)
    for option in np.unique(lesson.meant):
        here = lesson.meant == option
        treated = int((lesson.given[here] >= 0).sum())
        if min(treated, int(here.sum()) - treated) < LEAST_STRATUM:
            few |= here
        else:
            yield np.flatnonzero(here)
    if few.any():
        yield np.flatnonzero(few)


def _without_baseline(lesson: Lesson, columns: Float, variance: Float) -> Float:
    """Columns less what a level and two slopes tell of them, within each stratum; weighted least squares."""
    out = np.empty_like(columns)
    base = np.column_stack([np.ones(len(lesson)), lesson.expected_spend, lesson.p_churn * lesson.active_spend])
    for rows in _strata(lesson):
        weight = 1 / np.sqrt(variance[rows])[:, None]
        x = base[rows] * weight
        told = np.linalg.lstsq(x, columns[rows] * weight, rcond=None)[0]
        out[rows] = columns[rows] - base[rows] @ told
    return out


def _summed(lessons: Sequence[Lesson], variances: Sequence[Float], k: int) -> _Evidence:
    information, product = np.zeros((2 * k, 2 * k)), np.zeros(2 * k)
    for lesson, variance in zip(lessons, variances, strict=True):
        both = _without_baseline(lesson, np.column_stack([_treatment(lesson, k), lesson.gross]), variance)
        x, y = both[:, :-1], both[:, -1]
        information += (x / variance[:, None]).T @ x
        product += x.T @ (y / variance)
    return _Evidence(information, product)


def _residual(lesson: Lesson, theta: Float, variance: Float, k: int) -> Float:
    rest = lesson.gross - _treatment(lesson, k) @ theta
    return _without_baseline(lesson, rest[:, None], variance)[:, 0]


def _variance(lesson: Lesson, residual: Float) -> Float:
    """How far spend scatters, by bins of predicted spend; at least a hundredth of the mean of all."""
    edges = np.quantile(lesson.expected_spend, np.linspace(0, 1, BINS + 1)[1:-1])
    place = np.searchsorted(edges, lesson.expected_spend, side="right")
    count = np.maximum(np.bincount(place, minlength=BINS), 1)
    mean = np.bincount(place, residual**2, BINS) / count
    return np.asarray(np.maximum(mean, 0.01 * np.mean(residual**2) + 1e-12)[place])


def _scatter(
    lessons: Sequence[Lesson], residuals: Sequence[Float], variances: Sequence[Float], information: Float, k: int
) -> Float:
    """By how much the variance of each effect grows as the same person comes again; at least 1, shape (2k,)."""
    everyone, person = np.unique(np.concatenate([les.customers for les in lessons]), return_inverse=True)
    scores, treated, begin = np.zeros((len(everyone), 2 * k)), np.zeros(k), 0
    for lesson, residual, variance in zip(lessons, residuals, variances, strict=True):
        who = person[begin : begin + len(lesson)]
        begin += len(lesson)
        x = _without_baseline(lesson, _treatment(lesson, k), variance)
        for column, part in enumerate((x * (residual / variance)[:, None]).T):
            scores[:, column] += np.bincount(who, part, len(everyone))
        treated += np.bincount(lesson.given[lesson.given >= 0], minlength=k)
    inverse = np.linalg.pinv(information)
    robust = np.einsum("ij,jk,ik->i", inverse, scores.T @ scores, inverse)
    grown = np.maximum(robust / np.maximum(np.diag(inverse), 1e-300), 1.0)
    return np.where(np.tile(treated, 2) >= LEAST_CLUSTERS, grown, 1.0)
