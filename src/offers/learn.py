"""What a catalogue's offers really do, once randomised waves have been read out: the responses of the next plan.

In: a catalogue, lessons, what a company earns. Out: `Learnt`: responses with a base and an 80 % range, badged
measured where customers were given an option by chance and assumed where too few were; and whether a personalised
policy passed its gate. What nobody logged (redemptions, complaints) stays assumed, and is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .believed import normal, share, spread
from .calibration import Posterior, Prior, calibrated
from .contest import Contest, Rules, contest
from .economics import Economics, Terms
from .lesson import Lesson
from .responses import MEASURED, Response, Responses

if TYPE_CHECKING:
    from .catalogue import Catalogue, Option

LEAST = 50
"""So many customers must have been given an option, and so many nothing, before it counts as measured."""


@dataclass(frozen=True)
class Learnt:
    """What was learnt.

    Parameters
    ----------
    responses : Responses
    waves : tuple of str
        From which.
    treated : tuple of int
        How many were given each option by chance, in the order of the catalogue.
    untreated : int
        How many were given nothing, though they could have been.
    contest : Contest
        How a personalised policy did.
    notes : tuple of str
        What could not be learnt, and why.
    """

    responses: Responses
    waves: tuple[str, ...]
    treated: tuple[int, ...]
    untreated: int
    contest: Contest
    notes: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What was learnt, a sentence each."""
        measured = [name for name, told in self.responses.by_option.items() if told.basis == MEASURED]
        waves = f"{len(self.waves)} wave{'s' * (len(self.waves) != 1)}"
        told = [f"{len(measured)} of {len(self.responses.by_option)} options are measured, in {waves}"]
        told += [_said(name, self.responses.by_option[name]) for name in measured]
        return (*told, self.contest.why, *self.notes)

    def figures(self) -> dict[str, Any]:
        """As plain values for JSON."""
        options = [
            {"option": name, "treated": count, **told.to_dict()}
            for (name, told), count in zip(self.responses.by_option.items(), self.treated, strict=True)
        ]
        return {
            "waves": list(self.waves),
            "untreated": self.untreated,
            "options": options,
            "personal": self.contest.to_dict(),
            "digest": self.responses.digest,
            "notes": list(self.notes),
            "words": list(self.words),
        }


def learnt(catalogue: Catalogue, lessons: Sequence[Lesson], economics: Economics, seed: int = 0) -> Learnt:
    """Learn what every option does from waves that have been read out.

    The assumptions of the catalogue are the prior, so that a few customers change little and many change all.

    Parameters
    ----------
    catalogue : Catalogue
    lessons : sequence of Lesson
        Options are indices into ``catalogue.options``.
    economics : Economics
    seed : int
        Of the halves in which the personalised policy is judged, and of its trees.
    """
    assumed = [Response.assumed(option) for option in catalogue.options]
    prior = prior_of(catalogue)
    posterior = calibrated(lessons, [option.offer for option in catalogue.options], prior)
    known = [lesson.of_chance for lesson in lessons]
    untreated = sum(int((lesson.given < 0).sum()) for lesson in known)
    told: dict[str, Response] = {}
    for option, before in zip(catalogue.options, assumed, strict=True):
        enough = int(posterior.treated[option.index]) >= LEAST and untreated >= LEAST
        told[option.name] = _measured(option, before, posterior, known) if enough else before
    responses = Responses(told)
    judged = contest(Rules(catalogue, economics, prior, responses, seed), known)
    return Learnt(
        replace(responses, personal=judged.personal),
        tuple(lesson.wave for lesson in known),
        tuple(int(n) for n in posterior.treated),
        untreated,
        judged,
        _notes(known),
    )


def prior_of(catalogue: Catalogue) -> Prior:
    """What the catalogue assumes of `save` and `extra_spend`, as a prior."""
    told = [Response.assumed(option) for option in catalogue.options]
    parts = [[one.save for one in told], [one.extra_spend for one in told]]
    mean = np.array([[assumed.base for assumed in part] for part in parts])
    sd = np.array([[spread(assumed) for assumed in part] for part in parts])
    offers = [option.offer for option in catalogue.options]
    return Prior.of(mean, sd, [offer.id for offer in offers], [offer.type for offer in offers])


def _measured(option: Option, before: Response, posterior: Posterior, lessons: Sequence[Lesson]) -> Response:
    i, k = option.index, len(posterior.treated)
    sd, n = posterior.sd, int(posterior.treated[i])
    return Response(
        normal(float(posterior.mean[i]), float(sd[i]), -1.0, 1.0),
        normal(float(posterior.mean[k + i]), float(sd[k + i]), -1.0, 10.0),
        _redemption(option, before, lessons),
        _complaints(option, before, lessons),
        MEASURED,
        f"{n:,} given it by chance, in {len(lessons)} wave{'s' * (len(lessons) != 1)}",
    )


def _redemption(option: Option, before: Response, lessons: Sequence[Lesson]) -> Any:
    """Of those who bought under the offer and whose orders reach the minimum."""
    happened = of = 0.0
    for lesson in lessons:
        if lesson.redeemed is not None:
            rows = np.flatnonzero((lesson.given == option.index) & lesson.bought)
            happened += float(lesson.redeemed[rows].sum())
            of += float(Terms.of(lesson.expected.taken(rows), option.offer).share.sum())
    return share(before.redemption, happened, of) if of else before.redemption


def _complaints(option: Option, before: Response, lessons: Sequence[Lesson]) -> float:
    happened = of = 0
    for lesson in lessons:
        if lesson.complained is not None:
            here = lesson.given == option.index
            happened, of = happened + int(lesson.complained[here].sum()), of + int(here.sum())
    return share(option.offer.response.complaints, happened, of).base if of else before.complaints


def _notes(lessons: Sequence[Lesson]) -> tuple[str, ...]:
    silent = [lesson.wave for lesson in lessons if lesson.redeemed is None]
    deaf = [lesson.wave for lesson in lessons if lesson.complained is None]
    told = []
    if silent:
        told.append(
            f"no redemptions are logged for {len(silent)} of {len(lessons)} waves: there they stay assumed, and "
            "effects on spend are those on what was paid"
        )
    if deaf:
        told.append(f"no events are logged for {len(deaf)} of {len(lessons)} waves: complaints stay assumed there")
    return tuple(told)


def _said(name: str, told: Response) -> str:
    save, extra = told.save, told.extra_spend
    return (
        f"{name}: saves {100 * save.base:+.1f} % (80 %: {100 * save.low:+.1f} to {100 * save.high:+.1f}) of those who "
        f"would fall silent; spend of the others {100 * extra.base:+.1f} % (80 %: {100 * extra.low:+.1f} to "
        f"{100 * extra.high:+.1f}); {100 * told.redemption.base:.1f} % of buyers redeem it"
    )
