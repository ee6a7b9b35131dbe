"""What offers really do, learnt from randomised waves: a Bayesian linear model whose prior are the assumptions.

In: lessons, and for each option a prior mean and standard deviation of `save` and `extra_spend`. Out: a `Posterior`.
What a customer spends at list price is a baseline of the wave and the meant option, plus what the given option adds:
``save * at_stake + extra_spend * reached`` of `economics.Terms`. Among customers of one wave with one meant option
chance alone decided what was given, so this compares like with like. Customers are weighted by how far spend scatters
at their predicted spend; the same person in several waves counts as one (Liang and Zeger 1986,
doi:10.1093/biomet/73.1.13).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .baseline import Baseline
from .economics import Terms
from .lesson import Float, Lesson, Options
from .offer import Offer

LEAST_CLUSTERS = 50
"""From so many treated customers on, how far they scatter is taken from themselves."""
ALL, SAME_TYPE, SAME_OFFER = 0.3, 0.2, 0.3
"""What all options, offers of one type, and options of one offer share of the doubt about them: partial pooling.

Whoever guessed too high once did so elsewhere: an offer that nobody was given yet is believed in less when others fail.
"""
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
        """From means and standard deviations of shape (2, k); what is wrong of one is partly so of others.

        Examples
        --------
        >>> prior = Prior.of(np.zeros((2, 2)), np.ones((2, 2)), ["a", "b"], ["percent", "percent"])
        >>> prior.covariance[0].round(9).tolist()
        [1.0, 0.5, 0.0, 0.0]
        """
        k = len(offers)
        offer, kind = (np.equal.outer(np.array(names, object), np.array(names, object)) for names in (offers, types))
        shared = ALL + SAME_TYPE * kind + SAME_OFFER * offer + (1 - ALL - SAME_TYPE - SAME_OFFER) * np.eye(k)
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


def calibrated(lessons: Sequence[Lesson], offers: Sequence[Offer], prior: Prior) -> Posterior:
    """The posterior of `save` and `extra_spend` of every option.

    Parameters
    ----------
    lessons : sequence of Lesson
        Only customers for whom chance decided are used.
    offers : sequence of Offer
        That of each option.
    prior : Prior

    Examples
    --------
    >>> draw = np.random.default_rng(0)
    >>> given = np.where(draw.random(4000) < 0.5, 0, -1).astype(np.int16)
    >>> one = np.ones(4000)
    >>> columns = {"p_churn": 0.5 * one, "expected_orders": one, "expected_spend": 10 * one}
    >>> gross = 5 + 2.0 * (given == 0) + draw.normal(size=4000)
    >>> lesson = Lesson("1", np.arange(4000), given, 0 * given, 0.5 * one, columns, gross, gross > 0)
    >>> prior = Prior.of(np.full((2, 1), 0.1), np.full((2, 1), 0.1), ["a"], ["gift"])
    >>> found = calibrated([lesson], [Offer(id="a", type="gift", value=1, title="a", channels=("email",))], prior)
    >>> bool(abs(found.mean.sum() * 10 - 2.0) < 0.1)  # half of 20 may be saved, and more of 10 be spent
    True
    """
    k = len(prior.mean) // 2
    known = [lesson for lesson in (whole.of_chance for whole in lessons) if len(lesson)]
    counts, adds = _counts(known, k), [added(lesson, offers) for lesson in known]
    if not known:
        return Posterior(prior.mean, prior.covariance, *counts)
    theta, grounds = prior.mean, [Baseline.of(lesson) for lesson in known]
    precision = np.linalg.inv(prior.covariance)
    for _ in range(PASSES + 1):
        evidence = [_sums(x, ground, lesson) for x, ground, lesson in zip(adds, grounds, known, strict=True)]
        information, product = sum(found[0] for found in evidence), sum(found[1] for found in evidence)
        theta = np.asarray(np.linalg.solve(precision + information, precision @ prior.mean + product), np.float64)
        rests = [residual(x, theta, ground, les) for x, ground, les in zip(adds, grounds, known, strict=True)]
        last, grounds = grounds, [ground.scattering(rest) for ground, rest in zip(grounds, rests, strict=True)]
    wider = _wider(known, adds, last, rests, np.asarray(information))
    less = information / np.sqrt(np.outer(wider, wider))
    # The likelihood's own maximum stays where it is; only its weight beside the prior falls.
    peak = np.linalg.lstsq(information, product, rcond=None)[0]
    covariance = np.asarray(np.linalg.inv(precision + less), np.float64)
    return Posterior(np.asarray(covariance @ (precision @ prior.mean + less @ peak), np.float64), covariance, *counts)


def _counts(lessons: Sequence[Lesson], k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    treated, untreated = np.zeros(k, np.int64), np.zeros(k, np.int64)
    for lesson in lessons:
        treated += np.bincount(lesson.given[lesson.given >= 0], minlength=k)
        missed = lesson.meant[(lesson.meant >= 0) & (lesson.given != lesson.meant)]
        untreated += np.bincount(missed, minlength=k)
    return treated, untreated


def added(lesson: Lesson, offers: Sequence[Offer], given: Options | None = None) -> Float:
    """What a unit of `save` and of `extra_spend` of the given option adds to spend, shape (n, 2k)."""
    each, k = lesson.given if given is None else given, len(offers)
    out = np.zeros((len(lesson), 2 * k))
    for option, offer in enumerate(offers):
        rows = np.flatnonzero(each == option)
        terms = Terms.of(lesson.expected.taken(rows), offer)
        out[rows, option], out[rows, k + option] = terms.at_stake, terms.reached
    return out


def residual(add: Float, theta: Float, ground: Baseline, lesson: Lesson) -> Float:
    """What neither the baseline nor the effects of options explain, shape (n,)."""
    return ground.without((lesson.gross - add @ theta)[:, None])[:, 0]


def _sums(add: Float, ground: Baseline, lesson: Lesson) -> tuple[Float, Float]:
    """What a wave knows of the effects, and what it says of them, once the baseline is taken out."""
    weighted = ground.without(add) / ground.variance[:, None]
    return weighted.T @ add, weighted.T @ lesson.gross


def _wider(
    lessons: Sequence[Lesson],
    adds: Sequence[Float],
    grounds: Sequence[Baseline],
    rests: Sequence[Float],
    information: Float,
) -> Float:
    """By how much the variance of each effect grows as the same person comes again; at least 1, shape (2k,)."""
    size = len(information)
    everyone, person = np.unique(np.concatenate([lesson.customers for lesson in lessons]), return_inverse=True)
    scores, treated, begin = np.zeros((len(everyone), size)), np.zeros(size // 2), 0
    for lesson, add, ground, rest in zip(lessons, adds, grounds, rests, strict=True):
        who = person[begin : begin + len(lesson)]
        begin += len(lesson)
        for column, part in enumerate((ground.without(add) * (rest / ground.variance)[:, None]).T):
            scores[:, column] += np.bincount(who, part, len(everyone))
        treated += np.bincount(lesson.given[lesson.given >= 0], minlength=size // 2)
    inverse = np.linalg.pinv(information)
    robust = np.einsum("ij,jk,ik->i", inverse, scores.T @ scores, inverse)
    grown = np.maximum(robust / np.maximum(np.diag(inverse), 1e-300), 1.0)
    return np.where(np.tile(treated, 2) >= LEAST_CLUSTERS, grown, 1.0)
