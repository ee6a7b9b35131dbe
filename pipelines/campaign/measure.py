"""Did it work: a campaign's waves, the ledger and what came back, compared with the customers who got nothing by lot.

In: a ledger, a configuration, a campaign, a day. Out: a `Measurement` in figures and words. A wave is looked at on the
day that was fixed when it was assigned, not before: until then there are counts only, and the date. A customer is
compared from the first wave on in which the campaign meant something for him. Where arms are not as they were drawn,
nothing is concluded. Without decisions, what the ledger says of offers is refused as evidence, and why is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...clock import Cutoff
from ...config import Config
from ...errors import ConfigError, NotEnoughData, did_you_mean
from ...intake import Ledger
from ...offers.economics import Economics
from ...progress import Progress
from . import results
from .book import Decisions
from .cohorts import Cohort, ReadOut, cohorts, read_outs
from .compared import Comparison, Part, Windows
from .moves import Moves
from .observed import observed
from .program import ARMS, first_seen

LEAGUE = 12
"""League tables look at so many campaigns, the newest."""


@dataclass(frozen=True)
class Measurement:
    """What is known of a campaign.

    Parameters
    ----------
    lines, notes : tuple of str
        What was found; what to keep in mind.
    """

    lines: tuple[str, ...]
    notes: tuple[str, ...]
    _figures: Mapping[str, Any] = field(repr=False)

    def figures(self) -> dict[str, Any]:
        """As plain values for JSON; no ids."""
        return dict(self._figures)


def measure(
    ledger: Ledger,
    config: Config,
    campaign: str | None = None,
    today: Cutoff | None = None,
    progress: Progress = lambda what, share: None,
) -> Measurement:
    """Measure a campaign, by default that of the newest wave.

    Parameters
    ----------
    today : Cutoff, optional
        As if it were this day; by default the day after the ledger's last.

    Raises
    ------
    NotEnoughData
        ``RG444``: nothing was ever assigned, and there is no log of offers either.
    ConfigError
        ``RG445``: there is no such campaign.
    """
    book = Decisions.of(config)
    if book.latest is None:
        return _without_decisions(ledger, config)
    name, names = campaign or book.latest.campaign, list(dict.fromkeys(wave.campaign for wave in book.waves()))
    if name not in names:
        raise ConfigError(f"no wave of a campaign `{name}` was assigned", do=did_you_mean(name, names), code="RG445")
    progress("reading decisions", 0.0)
    on = min(today or ledger.ends, ledger.ends)
    outs = {each: read_outs(book.of_campaign(each), config) for each in names}
    found, drawn = cohorts(outs[name])
    if not any(out.due(on) for out in outs[name]):
        return _told(results.waiting(name, on, drawn, today))
    economics, zone = Economics.of(config.economics), ledger.zone
    events = book.events()
    moves, windows = Moves.of(book, events, zone, economics), Windows(zone)
    asked = _ask(name, outs, found, on, windows)
    progress("reading purchases", 0.1)
    windows.read(ledger)
    progress("comparing", 0.8)
    currency = str(outs[name][0].policy["currency"])

    own, others, (everybody, moved) = asked
    sides = [Comparison(parts, windows, moves, economics, currency) for parts in (own, *others)]
    program = Comparison(everybody, windows, moves, economics, currency, ARMS)
    return _told(results.Result(name, on, currency, drawn, sides[0], sides[1:], program, moved, events).figures())


def _ask(
    name: str, outs: Mapping[str, Sequence[ReadOut]], found: Sequence[Cohort], on: Cutoff, windows: Windows
) -> tuple[list[Part], list[list[Part]], tuple[list[Part], int]]:
    """Ask for the windows of the campaign, of others for the league tables, and of all for the program."""
    due = {each: [out for out in some if out.due(on)] for each, some in outs.items()}
    own = own_parts(found, due[name], windows)
    others = [
        [Part.of(cohort, cohort.out.ends, windows) for cohort in cohorts(due[each])[0]]
        for each in list(outs)[-LEAGUE:]
        if each != name and due[each]
    ]
    every = sorted((out for some in due.values() for out in some), key=lambda out: (out.begins, out.wave.number))
    everybody, moved = first_seen(every)
    end = max(out.ends for out in every)
    return own, others, ([Part.of(cohort, end, windows) for cohort in everybody], moved)


def own_parts(found: Sequence[Cohort], due: Sequence[ReadOut], windows: Windows) -> list[Part]:
    """The cohorts of the waves of a campaign that are due, and their windows, which are asked for."""
    last = max(out.ends for out in due)
    return [Part.of(cohort, last, windows, due) for cohort in found if cohort.out in due]


def _without_decisions(ledger: Ledger, config: Config) -> Measurement:
    if not ledger.has_table("offers"):
        raise NotEnoughData(
            "nothing was ever assigned, so there is nothing to measure",
            do="assign a wave first: `regulars offers assign CONFIG`",
            code="RG444",
        )
    return _told(observed(ledger, config.target.horizon_days[0]))


def _told(figures: dict[str, Any]) -> Measurement:
    return Measurement(tuple(figures["words"]), tuple(figures["warnings"]), figures)
