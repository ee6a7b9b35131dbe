"""Assign: the plan of a day becomes decisions that stand, once a campaign and day.

In: a ledger, a configuration, a day (default: that of the newest scores). Out: a wave in the decisions log, there whole
or not at all. The same again changes nothing and says so; what would decide otherwise is refused, and says what is not
as it was. Customers whom nobody scored are not decided about.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from ... import __version__
from ...clock import Cutoff
from ...config import Config
from ...disk.lock import job
from ...errors import Refused
from ...intake import Ledger
from ...offers.catalogue import Catalogue
from ...products.kept import FILE as SHELF
from ...progress import Progress
from ..published import Run
from ..written import remember
from .audience import scores_of
from .book import FOLDER, WAVES, Decisions
from .draft import ARMS, Draft, decisions_of, unlike
from .plan import planned_day
from .wave import LATER, RESPONSES, Wave, sha256_of

_SAID = {
    "regulars": "the version of regulars",
    "ledger": "the ledger",
    "scores": "the scores of that day",
    "catalogue": "the catalogue of offers",
    "responses": "what was learnt about responses",
    "settings": "[offers], [contact] or [economics]",
    "do_not_contact": "the list of whom to leave alone",
    "events": "the events that were logged",
    "forgotten": "who was forgotten",
    "shelf": "what was kept of the products to suggest",
}
"""What decisions are made from, in words."""


@dataclass(frozen=True)
class Assigned:
    """A wave that stands, and whether it did before.

    Parameters
    ----------
    wave : Wave
    unchanged : bool
        The same wave stood already: nothing was made.
    """

    wave: Wave
    unchanged: bool

    @property
    def lines(self) -> list[str]:
        """For people."""
        facts, wave = self.wave.facts, self.wave
        arms = ", ".join(f"{facts['arms'][arm]:,} {arm}" for arm in ARMS)
        state = "was assigned before, and stands unchanged" if self.unchanged else "is assigned"
        return [
            f"{wave.campaign} as of {wave.as_of} {state}: {FOLDER}/{WAVES}/{wave.name}",
            f"{facts['given']:,} of {facts['customers']:,} customers are given something ({arms})",
        ]

    @property
    def notes(self) -> list[str]:
        """What the plan warns of."""
        return [str(text) for text in self.wave.figures().get("warnings", ())]

    def figures(self) -> dict[str, Any]:
        """As JSON takes it."""
        facts = self.wave.facts
        told = {name: facts[name] for name in ("customers", "given", "arms")}
        where = {"wave": self.wave.name, "folder": str(self.wave.folder), "unchanged": self.unchanged}
        return {"campaign": self.wave.campaign, "as_of": str(self.wave.as_of), **told, **where, "notes": self.notes}


def assign(ledger: Ledger, config: Config, as_of: Cutoff | None = None, progress: Progress | None = None) -> Assigned:
    """Let the plan of a day stand.

    Raises
    ------
    ConfigError
        As planning does.
    Refused
        ``RG434``: that day was assigned, and would be decided otherwise now; ``RG435``: a later day was assigned;
        ``RG437``: the draw of the arms is not that of the campaign's earlier waves.
    Busy
        Someone else is writing to the log.
    StorageError
        It cannot be written; the log is as it was.
    """
    with job(config.folder / ".regulars", "offers", "assigning offers"):
        book, catalogue = Decisions.of(config), Catalogue.of_config(config)
        run = scores_of(config, as_of).verified()
        remember(config.folder, FOLDER, book.folder)
        with book.writing(f"assigning offers as of {run.as_of}"):
            there = book.wave(catalogue.campaign.name, run.as_of)
            seen = book if there is None else book.as_it_was(there.verified())
            inputs = _inputs(ledger, config, catalogue, run, seen)
            if there is not None and there.facts["inputs"] == inputs:
                return Assigned(there, unchanged=True)
            if there is None:
                _check_order(book, run.as_of)
            draw = _check_draw(book, catalogue, config)
            plan = planned_day(ledger, config, run.as_of, seen, progress)
            table = decisions_of(plan.decisions(), catalogue.campaign.name, run.as_of)
            if there is not None:
                _check_same(there, table, inputs)
                return Assigned(there, unchanged=True)
            told = plan.policy().to_dict(), plan.figures(), plan.responses.to_dict()
            shelf = b"" if plan.items is None else plan.items.shelf
            draft = Draft(catalogue.campaign.name, run.as_of, table, *told, shelf)
            counts = {arm: int(pc.sum(pc.equal(table.column("arm"), arm)).as_py() or 0) for arm in ARMS}
            facts = {"arms": counts, "draw": draw, "scores": run.name, "inputs": inputs}
            return Assigned(book.assign(draft, _key(inputs), facts), unchanged=False)


def _inputs(ledger: Ledger, config: Config, catalogue: Catalogue, run: Run, seen: Decisions) -> dict[str, Any]:
    """Digests of all that decisions are made from."""
    leave = config.contact.do_not_contact
    settings = [section.model_dump(mode="json") for section in (config.offers, config.contact, config.economics)]
    return {
        "regulars": __version__,
        "ledger": ledger.manifest.fingerprint,
        "scores": run.digest,
        "catalogue": catalogue.digest,
        "responses": _of_file(seen.folder / RESPONSES),
        "settings": hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest(),
        "do_not_contact": "" if leave is None else _of_file(config.folder / leave),
        "events": seen.store.count(run.as_of.instant(config.zone)),
        "forgotten": sum(int(wave.facts["erased"]) for wave in seen.waves()),
        **({"shelf": _of_file(config.folder / SHELF)} if any(offer.suggests for offer in catalogue.offers) else {}),
    }


def _of_file(path: Path) -> str:
    return sha256_of(path) if path.is_file() else ""


def _key(inputs: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:8]


def _check_order(book: Decisions, day: Cutoff) -> None:
    """Refuse a day before one that was assigned: what was decided for it did not know of this one."""
    latest = book.latest
    if latest is not None and day < latest.as_of:
        raise Refused(
            f"decisions as of {latest.as_of} stand already, and {day} is before it",
            needed="days in their order: contacts, cool-downs and limits are counted from what was decided before",
            do=f"plan {day} without assigning it, or assign a day from {latest.as_of} on",
            code="RG435",
        )


def _check_draw(book: Decisions, catalogue: Catalogue, config: Config) -> dict[str, Any]:
    """How the arms are drawn; refused where an earlier wave of the campaign drew them otherwise."""
    campaign = catalogue.campaign
    salt = hashlib.sha256(config.offers.salt.encode()).hexdigest()[:16]
    draw = {"control": campaign.control, "explore": campaign.explore, "holdout": config.offers.holdout, "salt": salt}
    earlier = book.of_campaign(campaign.name)
    odd = [name for name in draw if earlier and earlier[-1].facts["draw"][name] != draw[name]]
    if odd:
        raise Refused(
            f"`{campaign.name}` drew its arms otherwise before: `{'`, `'.join(odd)}` is not as it was",
            needed="the same customers in the control of all waves of a campaign",
            do="give the campaign another name, or put the setting back",
            code="RG437",
        )
    return draw


def _check_same(there: Wave, table: Any, inputs: Mapping[str, Any]) -> None:
    """Refuse decisions that are not those of the wave that stands."""
    stands = there.table()
    # A wave that is older than a column is the same as one in which the column tells nothing.
    lacking = LATER - {*stands.column_names}
    empty = [name for name in lacking if pc.all(pc.equal(table.column(name), "")).as_py()]
    customers, columns = unlike(stands, table.drop_columns(empty))
    if not customers and not columns:
        return
    then = there.facts["inputs"]
    changed = [_SAID[name] for name in _SAID if then.get(name) != inputs.get(name)]
    if int(there.facts["erased"]):
        changed.append(_SAID["forgotten"])
    raise Refused(
        f"`{there.campaign}` as of {there.as_of} was assigned, and {customers:,} of its rows would be others now",
        needed="decisions that stand: they may have been sent, and are what the result is measured by",
        do="plan another day, or another campaign; changed since then: "
        + (", ".join(dict.fromkeys(changed)) or "nothing"),
        offending=columns,
        code="RG434",
    )
