"""The audience of a day: published scores beside what is known of each customer, and what may be given to whom.

In: published scores, the ledger, the configuration, the decisions log. Out: an `Audience` and what may be given: only
those who have a score, only the columns that the catalogue and the reckoning look at, nothing that was not known before
the day. Missing attributes stay missing; a table that there is not is said in a note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...clock import Cutoff
from ...config import Config
from ...errors import ConfigError
from ...intake import Ledger
from ...offers.audience import FACTS, FIELDS, READ, Audience, facts
from ...offers.catalogue import Catalogue
from ...offers.consent import Consent
from ...offers.contact import Contacts, days_since_resolved, idle_caps, open_complaints
from ...offers.follow_up import derived, unheard
from ...offers.item_lists import ItemLists
from ...offers.past import Past, rows_of
from ...offers.permitted import Permitted, permitted
from ...offers.responses import Responses
from ...offers.stoplist import do_not_contact, left_alone
from ...schema import INSTANT
from ..published import HORIZONS, Book, Run
from ..score import scores_folder
from .agreed import agreed
from .book import Decisions
from .membership import loyalty_fields, membership
from .suggested import suggested

_PEOPLE = ("acquisition_channel", "acquisition_cost")
"""Canonical columns of the customers that rules may look at, beside the declared ones."""
_EVENTS = ("customer_id", "occurred_at", "kind", "initiated_by", "channel", "known_at")
_OFFERS = ("customer_id", "offered_at", "channel", "known_at")
_OF_WINDOW = ("p_churn", "expected_orders", "expected_spend", "spend_low", "spend_high")


@dataclass(frozen=True, eq=False)
class Gathered:
    """Whom a plan is about, and what may be given to whom.

    Parameters
    ----------
    audience : Audience
    permitted : Permitted
    past : Past
        What campaigns gave before.
    run : Run
        The scores.
    notes : tuple of str
        What to keep in mind of them.
    groups : mapping of str to ndarray of text
        What is declared sensitive, which nothing is decided by.
    items : ItemLists or None
        The products of offers that suggest some.
    """

    audience: Audience
    permitted: Permitted
    past: Past
    run: Run
    notes: tuple[str, ...]
    groups: Mapping[str, NDArray[Any]]
    items: ItemLists | None = None


def scores_of(config: Config, as_of: Cutoff | None = None) -> Run:
    """The published scores that offers of a day rest on: those of the newest day by default.

    Raises
    ------
    ConfigError
        ``RG420``: that day has none.
    """
    book = Book(scores_folder(config))
    run = book.latest if as_of is None else book.of(as_of)
    if run is None:
        when = "" if as_of is None else f" as of {as_of}"
        raise ConfigError(
            f"there are no published scores{when}",
            needed="what a model expects of the customers on the day of the offers",
            do=f"`regulars score{'' if as_of is None else f' --as-of {as_of}'}` first",
            code="RG420",
        )
    return run.verified()


def gathered(
    ledger: Ledger, config: Config, catalogue: Catalogue, responses: Responses, run: Run, book: Decisions
) -> Gathered:
    """Everything that a plan as of the day of some scores rests on.

    Raises
    ------
    ConfigError
        ``RG420``: nothing was scored for the window of the campaign; or a rule looks at what there is not.
    StorageError
        ``RG502``: what was kept of the products to suggest cannot be read.
    """
    personal = responses.personal
    needed = {*READ, *catalogue.fields, *(() if personal is None else personal.needs)}
    loyal = [name for name in loyalty_fields(ledger, config, run.as_of) if name not in _declared(ledger)]
    catalogue.check_fields((*known_fields(ledger), *loyal), sensitive_fields(ledger))
    window = _window(catalogue, run)
    ids, columns = scores_in(run, window, needed)
    day, zone = run.as_of, ledger.zone
    columns.update(_people(ledger, ids, [c for c in _declared(ledger) if c in needed and c not in columns]))
    columns.update(membership(ledger, config, day, ids, needed & set(loyal)))
    past = Past.of(book.past(day, zone, catalogue.campaign.name), ids, zone)
    events, offers = (_known(ledger, name, cols, day) for name, cols in (("events", _EVENTS), ("offers", _OFFERS)))
    contacts = Contacts.of(ids, day, zone, past, events, offers)
    complaints = open_complaints(events, ids, day, zone, config.contact.complaint_days)
    columns.update({name: v for name, v in facts(contacts, past, complaints).items() if name in needed})
    if "days_since_resolved" in needed:
        columns["days_since_resolved"] = days_since_resolved(events, ids, day, zone)
    columns.update(derived(columns, needed))
    audience = Audience(ids, day, window, config.data.currency, columns)
    consent = Consent.of(agreed(ledger, book, day.instant(zone)), ids, day, zone)
    may = permitted(
        audience,
        catalogue,
        consent=consent,
        contacts=contacts,
        contact=config.contact,
        past=past,
        open_complaint=complaints,
        left_alone=left_alone(ids, do_not_contact(config)),
    )
    groups, found = _people(ledger, ids, sensitive_fields(ledger)), suggested(ledger, config, catalogue, audience, may)
    idle = unheard(catalogue.follow_ups, columns, has_events=events is not None)
    notes = (*_notes(run, consent, catalogue, config), *idle, *found.notes)
    return Gathered(audience, found.permitted, past, run, notes, groups, found.items)


def known_fields(ledger: Ledger) -> tuple[str, ...]:
    """The fields that rules and limits may look at: scores, facts, and what is declared of the customers."""
    return (*FIELDS, *(name for name in _declared(ledger) if name not in FIELDS))


def sensitive_fields(ledger: Ledger) -> tuple[str, ...]:
    """The columns of the customers that no rule may look at."""
    people = ledger.manifest.tables.get("customers")
    return people.sensitive if people is not None else ()


def _declared(ledger: Ledger) -> tuple[str, ...]:
    people = ledger.manifest.tables.get("customers")
    if people is None:
        return ()
    return (*(c for c in _PEOPLE if c in people.columns), *people.attributes, *people.numbers)


def _window(catalogue: Catalogue, run: Run) -> int:
    """The window of the campaign in days, for which there must be scores."""
    horizons = [int(days) for days in run.facts["horizons"]]
    window = catalogue.campaign.window_days or int(run.facts["horizon_days"])
    if window not in horizons:
        raise ConfigError(
            f"`window_days` is {window}, and the scores do not say what is expected within {window} days",
            needed=f"one of {', '.join(map(str, horizons))}",
            do="change `window_days` under [campaign], or add the horizon to [target], train and score",
            code="RG420",
        )
    return window


def scores_in(run: Run, window: int, needed: set[str]) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """Ids, ascending, and the scores that are needed, of the window."""
    wanted = [name for name in FIELDS if name in needed and name not in FACTS]
    frame = run.frame(["customer_id", *wanted])
    ids = [str(i) for i in frame["customer_id"]]
    columns = {name: _plain(frame[name].to_numpy()) for name in wanted}
    if window != int(run.facts["horizon_days"]):
        further = run.frame(["customer_id", "horizon_days", *_OF_WINDOW], HORIZONS)
        further = further[further["horizon_days"] == window].set_index("customer_id").reindex(ids)
        columns.update({name: _plain(further[name].to_numpy()) for name in _OF_WINDOW if name in needed})
    return ids, columns


def _plain(values: Any) -> NDArray[Any]:
    """Numbers as they are, everything else as texts, None where one is missing."""
    found = np.asarray(values)
    if found.dtype.kind in "bf":
        return found
    if found.dtype.kind in "iu":
        return found.astype(np.float64)
    return np.array([v if isinstance(v, str) and v else None for v in found.tolist()], object)


def _people(ledger: Ledger, ids: Sequence[str], wanted: Sequence[str]) -> Mapping[str, NDArray[Any]]:
    """What is declared of the customers, in the order of the ids; missing of who is not in the table."""
    if not wanted:
        return {}
    table = ledger.rows_of("customers", columns=["customer_id", *wanted])
    place = rows_of(pa.array(ids, pa.string()), table.column("customer_id").to_pylist())
    at = pa.array(place, mask=place < 0)
    return {name: _column(table.column(name).take(at)) for name in wanted}


def _column(values: pa.ChunkedArray) -> NDArray[Any]:
    if pa.types.is_string(values.type):
        return np.array(values.to_pylist(), object)
    return np.asarray(values.cast(pa.float64()).to_numpy(), np.float64)


def _known(ledger: Ledger, table: str, columns: Sequence[str], day: Cutoff) -> pa.Table | None:
    """The rows of a table that were known before a day; None where there is no such table."""
    if not ledger.has_table(table):
        return None
    there = ledger.manifest.tables[table].columns
    found = ledger.rows_of(table, columns=[name for name in columns if name in there])
    if "known_at" not in there:
        return found
    before = pa.scalar(day.instant(ledger.zone), pa.int64()).cast(INSTANT)
    return found.filter(pc.fill_null(pc.less(found.column("known_at"), before), True))


def _notes(run: Run, consent: Consent, catalogue: Catalogue, config: Config) -> list[str]:
    notes = [*consent.remarks([(c.name, catalogue.purpose_of(c)) for c in catalogue.channels])]
    notes += idle_caps(config.contact, [c.name for c in catalogue.channels])
    if int(run.facts["erased"]):
        notes.append("customers were forgotten since these scores were made; they are not in the plan")
    return [*notes, *(str(note) for note in run.facts["notes"])]
