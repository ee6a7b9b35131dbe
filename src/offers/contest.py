"""Three policies on customers whom none of them has seen: one offer for all, the calibrated policy, a personalised one.

In: lessons, and what could have been given to whom. Out: a `Contest`: the personalised responses if they earn more
than both others (the whole 95 % interval of the doubly robust gain above 0), else why not, in words. Customers are
dealt into two halves; each half judges what was learnt from the other. Without a record of what could have been given
there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..models.uplift import LEAST_ROWS, Uplift
from .baseline import Baseline
from .believed import TENTH
from .calibration import Posterior, Prior, added, calibrated, residual
from .economics import Economics
from .gate import Gain, gain_over, scores
from .lesson import Flags, Float, Lesson, Options
from .personal import Personal
from .profit import Profits
from .responses import Responses

if TYPE_CHECKING:
    from .catalogue import Catalogue

HALVES = 2
SINGLE, CALIBRATED = "the best single offer", "the policy without it"


@dataclass(frozen=True)
class Contest:
    """How a personalised policy did.

    Parameters
    ----------
    personal : Personal or None
        Learnt from all customers; None where it was refused.
    gains : mapping of str to Gain
        Over each rival; empty where there was nothing to compare.
    why : str
        The verdict, in words.
    """

    personal: Personal | None
    gains: Mapping[str, Gain] = field(default_factory=dict)
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it; without the trees."""
        gains = {rival: gain.to_dict() for rival, gain in self.gains.items()}
        return {"passed": self.personal is not None, "gains": gains, "words": self.why}


@dataclass(frozen=True, eq=False)
class Rules:
    """What all that is learnt here shares."""

    catalogue: Catalogue
    economics: Economics
    prior: Prior
    responses: Responses
    seed: int

    @property
    def k(self) -> int:
        """How many options there are."""
        return len(self.catalogue.options)


def contest(rules: Rules, lessons: Sequence[Lesson]) -> Contest:
    """Let a personalised policy try to earn more than the others."""
    known = [lesson.of_chance for lesson in lessons if lesson.permitted is not None]
    known = [lesson for lesson in known if len(lesson)]
    hindered = _hindered(known, rules.k)
    if hindered:
        return Contest(None, {}, f"not personalised: {hindered}")
    everyone = np.unique(np.concatenate([lesson.customers for lesson in known]))
    half = np.random.default_rng(rules.seed).permutation(len(everyone)) % HALVES
    ours: list[Float] = []
    theirs: dict[str, list[Float]] = {SINGLE: [], CALIBRATED: []}
    differ: dict[str, list[Flags]] = {SINGLE: [], CALIBRATED: []}
    people: list[NDArray[Any]] = []
    for part in range(HALVES):
        within = [half[np.searchsorted(everyone, lesson.customers)] == part for lesson in known]
        judge = [lesson.of_rows(rows) for lesson, rows in zip(known, within, strict=True)]
        learner = _Learner.of(rules, [lesson.of_rows(~rows) for lesson, rows in zip(known, within, strict=True)])
        for lesson in (one for one in judge if len(one)):
            choices, expected = learner.choices(lesson), learner.expected(lesson)
            told = {name: _scored(rules, lesson, expected, choice) for name, choice in choices.items()}
            people.append(lesson.customers)
            ours.append(told[""])
            for rival in theirs:
                theirs[rival].append(told[rival])
                differ[rival].append(choices[rival] != choices[""])
    who, mine = np.concatenate(people), np.concatenate(ours)
    gains = {
        rival: gain_over(mine, np.concatenate(theirs[rival]), who, float(np.concatenate(differ[rival]).mean()))
        for rival in theirs
    }
    return _verdict(rules, known, gains)


def _hindered(lessons: Sequence[Lesson], k: int) -> str:
    if not lessons:
        return "the waves do not say what could have been given to whom"
    given = np.concatenate([lesson.given for lesson in lessons])
    counts = np.bincount(given + 1, minlength=k + 1)
    # Each half must be able to learn by itself.
    least = HALVES * LEAST_ROWS
    if counts[0] < least or counts[1:].max() < least:
        most = int(counts[1:].max())
        return (
            f"{int(counts[0]):,} customers were given nothing and {most:,} the offer given most, by chance; "
            f"{least:,} of both are needed"
        )
    return ""


def _verdict(rules: Rules, lessons: Sequence[Lesson], gains: Mapping[str, Gain]) -> Contest:
    told = "; ".join(gain.words(rival) for rival, gain in gains.items())
    if not all(gain.shown for gain in gains.values()):
        return Contest(None, gains, f"not personalised: it is not shown to earn more ({told})")
    return Contest(_Learner.of(rules, lessons).personal, gains, f"personalised: {told}")


@dataclass(frozen=True, eq=False)
class _Learner:
    """All that was learnt from some customers."""

    rules: Rules
    posterior: Posterior
    personal: Personal
    alone: Float
    best: int

    @classmethod
    def of(cls, rules: Rules, lessons: Sequence[Lesson]) -> _Learner:
        offers, k = [option.offer for option in rules.catalogue.options], rules.k
        known = [lesson for lesson in lessons if len(lesson)]
        posterior = calibrated(known, offers, rules.prior)
        adds = [added(lesson, offers) for lesson in known]
        rest = [
            residual(add, posterior.mean, Baseline.of(lesson), lesson) for lesson, add in zip(known, adds, strict=True)
        ]
        names = _numbers(known)
        values = np.concatenate([_values(lesson, names) for lesson in known])
        given = np.concatenate([lesson.given for lesson in known])
        trees = Uplift.fit(names, values, given, np.concatenate(rest), k, rules.seed)
        save, extra = posterior.mean[:k], posterior.mean[k:]
        half = _half_widths(known, posterior, offers, k)
        personal = Personal(tuple(offers), tuple(map(float, save)), tuple(map(float, extra)), trees, half)
        level = np.concatenate([_base(lesson)[lesson.given < 0] for lesson in known])
        spent = np.concatenate([lesson.gross[lesson.given < 0] for lesson in known])
        alone = np.asarray(np.linalg.lstsq(level, spent, rcond=None)[0], np.float64)
        best = int(np.argmax(sum(_profits(rules, lesson, posterior, None).sum(axis=0) for lesson in known)))
        return cls(rules, posterior, personal, alone, best)

    def choices(self, lesson: Lesson) -> dict[str, Options]:
        """What each policy would give; the personalised one has no name."""
        assert lesson.permitted is not None
        plain = _profits(self.rules, lesson, self.posterior, None)
        single = np.where(lesson.permitted[:, self.best], self.best, -1).astype(np.int16)
        worth = float(plain[:, self.best].mean()) > 0
        return {
            "": _best(_profits(self.rules, lesson, self.posterior, self.personal), lesson.permitted),
            SINGLE: single if worth else np.full(len(lesson), -1, np.int16),
            CALIBRATED: _best(plain, lesson.permitted),
        }

    def expected(self, lesson: Lesson) -> Float:
        """Expected profit of each customer given nothing, then given each option."""
        alone = margins(lesson, self.rules.catalogue, self.rules.economics) * (_base(lesson) @ self.alone)
        return np.column_stack([alone, alone[:, None] + _profits(self.rules, lesson, self.posterior, None)])


def _profits(rules: Rules, lesson: Lesson, posterior: Posterior, personal: Personal | None) -> Float:
    """Expected incremental profit of every option, from the effects learnt and the redemptions believed."""
    believed = rules.responses.by_option
    told = {
        name: replace(
            believed[name],
            save=believed[name].save._replace(base=float(posterior.mean[i])),
            extra_spend=believed[name].extra_spend._replace(base=float(posterior.mean[rules.k + i])),
        )
        for i, name in enumerate(believed)
    }
    profits = Profits(lesson.columns, rules.catalogue, Responses(told, personal), rules.economics)
    return np.asarray(profits.gains().base, np.float64)


def _best(profits: Float, permitted: Flags) -> Options:
    """The option with the highest profit among those permitted; -1 where none is above 0."""
    allowed = np.where(permitted, profits, -np.inf)
    return np.where(allowed.max(axis=1) > 0, allowed.argmax(axis=1), -1).astype(np.int16)


def _scored(rules: Rules, lesson: Lesson, expected: Float, choice: Options) -> Float:
    return scores(realised(lesson, rules.catalogue, rules.economics), lesson.given, lesson.propensity, expected, choice)


def margins(lesson: Lesson, catalogue: Catalogue, economics: Economics) -> Float:
    """The margin of each customer's purchases: that of the offer meant for them, whatever was given.

    With that of the offer given, what is bought anyway would be worth more or less by the offer.
    """
    each = [economics.margin, *(option.offer.margin(economics.margin) for option in catalogue.options)]
    return np.asarray(np.array(each)[lesson.meant + 1], np.float64)


def realised(lesson: Lesson, catalogue: Catalogue, economics: Economics) -> Float:
    """Profit of each customer in the window, in currency: margin on what was bought, less what was given away."""
    n = len(lesson)
    margin, funding, contact = margins(lesson, catalogue, economics), np.zeros(n), np.zeros(n)
    for option in catalogue.options:
        here = lesson.given == option.index
        funding[here] = option.offer.economics.funding
        contact[here] = option.channel.contact_cost(economics.contact_cost)
    taken = np.zeros(n) if lesson.taken is None else lesson.taken
    complained = np.zeros(n) if lesson.complained is None else lesson.complained
    profit = economics.profit(lesson.gross, taken, margin, funding)
    return np.asarray(profit - contact - economics.complaint_cost * complained, np.float64)


def _base(lesson: Lesson) -> Float:
    told = lesson.expected
    return np.column_stack([np.ones(len(lesson)), told.spend, told.silent * told.active])


def _numbers(lessons: Sequence[Lesson]) -> list[str]:
    """Columns of numbers that every lesson has, by name."""
    each = [{name for name, values in lesson.columns.items() if values.dtype.kind in "fiub"} for lesson in lessons]
    return sorted(set.intersection(*each))


def _values(lesson: Lesson, names: Sequence[str]) -> Float:
    return np.column_stack([np.asarray(lesson.columns[name], np.float64) for name in names])


def _half_widths(lessons: Sequence[Lesson], posterior: Posterior, offers: Sequence[Any], k: int) -> tuple[float, ...]:
    """Of each option: half of the 80 % interval of what it adds to mean spend."""
    n = sum(len(lesson) for lesson in lessons)
    found = []
    for option in range(k):
        mean = sum(
            added(lesson, offers, np.full(len(lesson), option, np.int16)).sum(axis=0) for lesson in lessons
        ) / max(n, 1)
        found.append(float(TENTH * np.sqrt(mean @ posterior.covariance @ mean)))
    return tuple(found)
