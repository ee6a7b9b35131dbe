"""What a request for recommendations says beside purchases: permissions, contacts, complaints, attributes.

In: the customers of a request as plain values. Out: `Asides`: who may be asked by whom, what reached whom lately, what
the rules of the catalogue look at. Left out: no permission, no contact that is known of, nothing known of the customer.
What cannot be read is told by customer, table, row and field, and nothing that was sent is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydantic_core import SchemaValidator, ValidationError, core_schema

from ..clock import Zone
from ..features.lines import Int64
from ..models.rows import AT_ONCE, Faults, Rows, Unreadable
from ..schema import SCALE
from .contract import NEEDED, STATUSES, TABLES, Field
from .faults import LEFT_OUT, unlike
from .problems import Fault

CONSENT: tuple[Field, ...] = (
    Field("recorded_at", "time", "when it was said; without an offset it is business time"),
    Field("channel", "word", "such as email; `all` is every one"),
    Field("purpose", "word", "such as marketing; `all` is every one"),
    Field("status", "status", "the last row wins"),
)
CONTACTS: tuple[Field, ...] = (
    Field("contacted_at", "time", "when; without an offset it is business time"),
    Field("channel", "word", "on which channel, whichever department it was"),
    Field("offer", "text", "the offer of the catalogue, if it was one", False, True),
)
LISTS: Mapping[str, tuple[Field, ...]] = {"consent": CONSENT, "contacts": CONTACTS}
ATTRIBUTES = "attributes"
KEYS = (*LISTS, ATTRIBUTES)
TOLD_BY = ("complaint", "complaint_resolved")
"""Kinds of events that count, whether the model looks at events or not."""
COMPANY = "company"
_MEANINGS = {
    "consent": "permissions of the customer; none means no",
    "contacts": "what reached the customer lately beside `events` by the company and `offers`; none sent, none known",
    ATTRIBUTES: "what the rules of the catalogue look at: all of it, or {}; other names are passed over",
}
_NEEDED = {**dict.fromkeys(LISTS, "a list of rows, which may be empty"), ATTRIBUTES: "an object, which may be empty"}
_TIMES = {"consent": "recorded_at", "contacts": "contacted_at", "events": "occurred_at", "offers": "offered_at"}
_TIMES["purchases"] = "purchased_at"
LOOKED_AT = "offers that suggest products look at it"
ORDER = "order_id"
_LEAST = 0.5
"""Of 1/10,000: what is less is no money."""


@dataclass(frozen=True)
class Told:
    """Rows of one list, of all customers one after the other.

    Parameters
    ----------
    customer : ndarray of int64, shape (n_rows,)
        The place of each row's customer in the request.
    at, known_at : ndarray of int64, shape (n_rows,)
        UTC microseconds.
    texts : dict of str to list of str
        Its other fields; missing is empty.
    """

    customer: Int64
    at: Int64
    known_at: Int64
    texts: Mapping[str, list[str]]

    def before(self, limit: int) -> Told:
        """What had happened, and was known, before an instant."""
        return self.take(np.flatnonzero((self.at < limit) & (self.known_at < limit)).tolist())

    def take(self, rows: Sequence[int]) -> Told:
        """Some of the rows."""
        at = np.array(rows, np.int64)
        texts = {name: [values[i] for i in rows] for name, values in self.texts.items()}
        return Told(self.customer[at], self.at[at], self.known_at[at], texts)

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True)
class Asides:
    """What stands beside the purchases of a request's customers.

    Parameters
    ----------
    consent, contacts, events, offers, bought : Told
        Of the events those that are complaints, ends of complaints, or by the company; of the purchases those that cost
        something and name an item of the shelf's kind, none where no offer suggests products.
    attributes : dict of str to ndarray of shape (n_customers,)
        Texts (None where unknown) and numbers (NaN).
    """

    consent: Told
    contacts: Told
    events: Told
    offers: Told
    bought: Told
    attributes: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class AsideDoor:
    """Reads what stands beside purchases.

    Parameters
    ----------
    texts, numbers : tuple of str
        Names among `attributes` that the rules of the catalogue look at.
    items : tuple of str
        Columns of the purchases that offers of products look at, the one that names the item first; none without such
        offers.
    """

    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    items: tuple[str, ...] = ()

    @cached_property
    def attributes(self) -> tuple[Field, ...]:
        """The fields of `attributes`."""
        meaning = "a rule of the catalogue looks at it"
        texts = (Field(name, "text", meaning, nullable=True) for name in self.texts)
        return (*texts, *(Field(name, "number", meaning, nullable=True) for name in self.numbers))

    def fields(self, name: str) -> Mapping[str, Field]:
        """Of a row of one of the lists, or of `attributes`, by name."""
        return {f.name: f for f in LISTS.get(name, self.attributes)}

    @cached_property
    def _validator(self) -> SchemaValidator:
        rows = {name: core_schema.list_schema(_object(fields)) for name, fields in LISTS.items()}
        known: dict[str, core_schema.CoreSchema] = {**rows, ATTRIBUTES: _object(self.attributes, any_keys=True)}
        told = {name: core_schema.typed_dict_field(of, required=False) for name, of in known.items()}
        customers = core_schema.list_schema(core_schema.typed_dict_schema(told))
        return SchemaValidator(customers, core_schema.CoreConfig(hide_input_in_errors=True))

    def schema(self) -> dict[str, object]:
        """The JSON schema of each key."""
        known: dict[str, dict[str, object]] = {
            name: {"type": "array", "items": _schema(fields)} for name, fields in LISTS.items()
        }
        known[ATTRIBUTES] = _schema(self.attributes, any_keys=True)
        return {name: {**of, "description": _MEANINGS[name]} for name, of in known.items()}

    def purchases(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON schema of the model's purchases, which says that offers look at what was bought."""
        row = dict(schema["items"])
        row["properties"] = {**row["properties"]}
        for name in self.items:
            told = row["properties"][name]
            row["properties"][name] = {**told, "description": f"{told['description']}; {LOOKED_AT}"}
        return {**schema, "items": row}

    def read(self, customers: Sequence[Mapping[str, Any]], zone: Zone) -> tuple[Asides | None, list[Fault]]:
        """What stands there, unless it is of another form; and all that is wrong with it."""
        said = [{name: of[name] for name in KEYS if name in of} for of in customers]
        try:
            self._validator.validate_python(said, strict=True)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            return None, [self._fault(detail["loc"], detail["type"]) for detail in found]
        faults = Faults()
        lists = {name: _listed(name, [of.get(name, ()) for of in said], faults, zone) for name in LISTS}
        events = _events([of.get("events") for of in customers], faults, zone)
        offers = _seen("offers", [of.get("offers") for of in customers], (), lambda _: True, faults, zone)
        bought = self._bought([of.get("purchases") for of in customers], faults, zone)
        known = [of.get(ATTRIBUTES) or {} for of in said]
        columns = {f.name: _column(f, [of.get(f.name) for of in known]) for f in self.attributes}
        asides = Asides(lists["consent"].told, lists["contacts"].told, events.told, offers.told, bought.told, columns)
        wrong = _wrong(faults, {**lists, "events": events, "offers": offers, "purchases": bought})
        return asides, [*wrong, *self._left_out(known)]

    def _bought(self, lists: Sequence[object], faults: Faults, zone: Zone) -> _Placed:
        """Of the purchases, those that name an item; the model's own door looks at all of them."""
        names = (*self.items, ORDER)

        def counts(row: Mapping[str, object]) -> bool:
            # What is of another kind is for the model's door to refuse.
            amount, kinds = row.get("amount"), {type(row.get(name)) for name in (*names, "known_at")}
            named = bool(row.get(self.items[0])) and type(row.get("purchased_at")) is str and kinds <= {str, type(None)}
            return named and type(amount) in (int, float) and cast(float, amount) * SCALE >= _LEAST

        return _seen("purchases", lists if self.items else (), names, counts, faults, zone)

    def doubled(self, place: Sequence[int | str], key: str) -> Fault:
        """That a key stands twice in an object of ours: at such a place in a request."""
        table = str(place[2])
        row = next((step for step in place[3:] if isinstance(step, int)), None)
        return Fault("each key once", int(place[1]), table, row, key if key in self.fields(table) else "")

    def _left_out(self, known: Sequence[Mapping[str, object]]) -> list[Fault]:
        """Names that are needed where anything is told."""
        names = [f.name for f in self.attributes]
        return [
            Fault(LEFT_OUT, i, ATTRIBUTES, None, n) for i, of in enumerate(known) if of for n in names if n not in of
        ]

    def _fault(self, place: Sequence[int | str], kind: str) -> Fault:
        """What the validator has found, of which only names of ours are told."""
        customer, table, steps = int(place[0]), str(place[1]), place[2:]
        fields = self.fields(table)
        row = next((step for step in steps if isinstance(step, int)), None)
        name = str(steps[-1]) if steps else ""
        if kind == "extra_forbidden":
            return Fault(unlike(name, fields, "an unknown key"), customer, table, row)
        if name in fields and not isinstance(steps[-1], int):
            return Fault(LEFT_OUT if kind == "missing" else fields[name].needed, customer, table, row, name)
        if row is not None:
            return Fault("an object for each row", customer, table, row)
        return Fault(_NEEDED[table], customer, field=table)


def also_seen(events: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of the model's events, which says of which kinds offers know as well.

    Examples
    --------
    >>> also_seen({"description": "any order"})["description"]
    'any order; offers look at `complaint`, `complaint_resolved` and what the company did'
    """
    kinds = ", ".join(f"`{kind}`" for kind in TOLD_BY)
    return {**events, "description": f"{events['description']}; offers look at {kinds} and what the company did"}


def rows_in(customers: Iterable[object]) -> int:
    """How many rows stand in all lists, of what may be no request.

    Examples
    --------
    >>> rows_in([{"consent": [{}, {}]}, 5, {"contacts": "a", "purchases": [{}]}])
    3
    """
    lists = (of.get(name) for of in customers if isinstance(of, dict) for name in (*TABLES, *LISTS))
    return sum(len(rows) for rows in lists if isinstance(rows, list))


@dataclass(frozen=True)
class _Placed:
    """Rows, and where each stands: customer, and row among his own."""

    told: Told
    places: list[tuple[int, int]]


def _listed(name: str, lists: Sequence[Sequence[Mapping[str, object]]], faults: Faults, zone: Zone) -> _Placed:
    """The rows of one of our lists."""
    columns: dict[str, list[object]] = {f.name: [row.get(f.name) for of in lists for row in of] for f in LISTS[name]}
    places = [(i, j) for i, of in enumerate(lists) for j in range(len(of))]
    rows = Rows(columns, np.arange(len(places)), name, faults)
    words = {f.name: rows.words(f.name) if f.required else rows.texts(f.name) for f in LISTS[name] if f.kind != "time"}
    if name == "consent":
        rows.refuse([i for i, s in enumerate(words["status"]) if s not in STATUSES], "status", NEEDED["status"])
    return _Placed(_told(rows, name, places, words, zone), places)


def _events(lists: Sequence[object], faults: Faults, zone: Zone) -> _Placed:
    """Of the events, those that tell of complaints and contacts; the model's own door looks at all of them."""
    return _seen("events", lists, ("kind", "channel", "initiated_by"), _tells, faults, zone)


def _tells(row: Mapping[str, object]) -> bool:
    return row.get("kind") in TOLD_BY or row.get("initiated_by") == COMPANY


def _seen(
    table: str,
    lists: Sequence[object],
    names: Sequence[str],
    counts: Callable[[Mapping[str, object]], bool],
    faults: Faults,
    zone: Zone,
) -> _Placed:
    """The rows of a table of the model's that count here as well."""
    columns: dict[str, list[object]] = {name: [] for name in (_TIMES[table], "known_at", *names)}
    places: list[tuple[int, int]] = []
    for i, of in enumerate(lists):
        for j, row in enumerate(of if isinstance(of, list) else ()):
            if isinstance(row, dict) and counts(row):
                places.append((i, j))
                for name, values in columns.items():
                    values.append(row.get(name))
    rows = Rows(columns, np.arange(len(places)), table, faults)
    return _Placed(_told(rows, table, places, {name: rows.texts(name) for name in names}, zone), places)


def _told(rows: Rows, name: str, places: Sequence[tuple[int, int]], words: Mapping[str, list[str]], zone: Zone) -> Told:
    at = rows.instants(_TIMES[name], zone) if places else np.zeros(0, np.int64)
    return Told(np.array([i for i, _ in places], np.int64), at, rows.instants_or("known_at", zone, AT_ONCE), words)


def _wrong(faults: Faults, placed: Mapping[str, _Placed]) -> list[Fault]:
    """What was noted, by customer and row."""
    try:
        faults.settle()
    except Unreadable as error:
        found = ((bad, placed[bad.table].places[bad.row]) for bad in error.faults)
        return [Fault(bad.problem, customer, bad.table, row, bad.field) for bad, (customer, row) in found]
    return []


def _column(field: Field, values: Sequence[object]) -> NDArray[Any]:
    """One attribute of all customers."""
    if field.kind == "number":
        return np.array([np.nan if value is None else value for value in values], np.float64)
    return np.array([*values, None], object)[:-1]


def _object(fields: Sequence[Field], any_keys: bool = False) -> core_schema.CoreSchema:
    told = {f.name: core_schema.typed_dict_field(f.core(), required=f.required and not any_keys) for f in fields}
    return core_schema.typed_dict_schema(told, extra_behavior="ignore" if any_keys else "forbid")


def _schema(fields: Sequence[Field], any_keys: bool = False) -> dict[str, object]:
    needed = [f.name for f in fields if f.required and not any_keys]
    told = {f.name: f.schema() for f in fields}
    return {"type": "object", "properties": told, "required": needed, "additionalProperties": any_keys}
