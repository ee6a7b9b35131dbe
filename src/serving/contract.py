"""What a request to a model must and may say: its tables and fields, once, for the parser, OpenAPI and an example.

In: a model and the limits. Out: `Contract`: the fields of each table, a strict validator of JSON, a JSON schema, a
request that is answered. What the model looks at is needed; what other models look at may be there, and is passed over,
so that a caller need not know which model speaks. Missing: null stands for what is not known, where a field may be so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pydantic_core import SchemaValidator, core_schema

from ..clock import Cutoff
from ..models.model import Model
from ..models.outputs import OUTPUTS
from ..models.request import trait_column, used_columns
from ..models.request_beside import INITIATORS
from ..models.rows import MOST, NEEDED_ID, NEEDED_NUMBER, NEEDED_TEXT, NEEDED_TIME, NEEDED_WORD, TIME
from ..schema import BESIDE, PURCHASES
from ..serving_section import ServeConfig

Kind = Literal["id", "word", "text", "time", "number", "initiator", "status"]
STATUSES = ("granted", "withdrawn")
"""Of a permission."""
NEEDED: Mapping[Kind, str] = {
    "id": NEEDED_ID,
    "word": NEEDED_WORD,
    "text": NEEDED_TEXT + ", not empty",
    "time": NEEDED_TIME,
    "number": NEEDED_NUMBER,
    "initiator": " or ".join(f"`{name}`" for name in INITIATORS),
    "status": " or ".join(f"`{name}`" for name in STATUSES),
}
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
FIRST_DAY, LAST_DAY = "1990-01-01", "2099-12-31"
NEEDED_DAY = f"a day as YYYY-MM-DD from {FIRST_DAY} to {LAST_DAY}"
TABLES = ("purchases", "events", "offers")
"""Lists of rows that a customer has; what is known of himself is one object, `customer`."""
_NUMBER = core_schema.float_schema(strict=True, allow_inf_nan=False)
_TEXT = core_schema.str_schema(strict=True, min_length=1)
MOST_NAMES = 100
"""Of outputs, and of horizons."""
VALUED = {"points_earned", "points_expired", "points_spent", "survey"}
"""Kinds of events that say little without their value."""
_MEANINGS = {
    table: {column.name: column.meaning for column in columns}
    for table, columns in {"purchases": PURCHASES, **BESIDE}.items()
}

BESIDE_US = "the model does not look at it"


@dataclass(frozen=True)
class Field:
    """A field of an object in a request.

    Parameters
    ----------
    name : str
    kind : str
        Of `NEEDED`.
    meaning : str
    required : bool
        Whether the key must stand there.
    nullable : bool
        Whether null says that it is not known.
    column : str
        What it is called among the columns of a request in one table.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = True
    nullable: bool = False
    column: str = ""

    @property
    def needed(self) -> str:
        """What must stand there, in words."""
        return NEEDED[self.kind] + (", or null" if self.nullable else "")

    def core(self) -> core_schema.CoreSchema:
        """For the validator: its type alone; `models.rows` looks at the rest."""
        kind = _NUMBER if self.kind == "number" else _TEXT
        return core_schema.nullable_schema(kind) if self.nullable else kind

    def schema(self) -> dict[str, object]:
        """As JSON schema."""
        told: dict[str, object] = {"type": ["string", "null"] if self.nullable else "string", "minLength": 1}
        if self.kind == "number":
            least = 0 if self.name == "discount" else -MOST
            told = {"type": ["number", "null"] if self.nullable else "number"}
            told |= {"minimum" if self.name == "discount" else "exclusiveMinimum": least, "exclusiveMaximum": MOST}
        elif self.kind == "time":
            told["pattern"] = f"^{TIME}$"
        elif self.kind == "initiator":
            told = {"enum": [*INITIATORS, None]}
        elif self.kind == "status":
            told = {"enum": [*STATUSES]}
        elif self.kind in ("id", "word"):
            told["pattern"] = r"\S"
        return {**told, "description": f"{self.meaning}; {self.needed}"}


def _purchases(model: Model) -> tuple[Field, ...]:
    meanings, texts = _MEANINGS["purchases"], ("product_id", "category", "channel")
    all_of_them = used_columns(tuple(meanings))
    looked_at = used_columns(model.plan.columns)

    def column(name: str) -> Field:
        kind: Kind = "text" if name in texts else "number"
        used = name in looked_at
        return Field(name, kind, meanings[name] + ("" if used else f" ({BESIDE_US})"), used, True)

    return (
        Field("purchased_at", "time", "when; without an offset it is business time"),
        Field("amount", "number", meanings["amount"]),
        *map(column, all_of_them),
        Field("order_id", "text", "the order; without one, the purchases of a day are one", False, True),
        Field("known_at", "time", "when the row became known; without it, at once", False, True),
    )


def _events(model: Model) -> tuple[Field, ...]:
    meanings, kinds = _MEANINGS["events"], ", ".join(f"`{kind}`" for kind in model.shape.kinds)
    return (
        Field("occurred_at", "time", "when; without an offset it is business time"),
        Field("kind", "word", f"what happened; the model looks at {kinds}"),
        Field("channel", "text", meanings["channel"], bool(model.shape.channels), True),
        Field("value", "number", meanings["value"], bool(VALUED & set(model.shape.kinds)), True),
        Field("initiated_by", "initiator", "who did it; without it, the customer", False, True),
        Field("known_at", "time", "when the row became known; without it, at once", False, True),
    )


def _offers() -> tuple[Field, ...]:
    return (
        Field("offered_at", "time", "when; without an offset it is business time"),
        Field("offer_id", "text", "the offer, coupon or campaign"),
        Field("redeemed_at", "time", "when it was redeemed; null where it was not", nullable=True),
        Field("known_at", "time", "when the row became known; without it, at once", False, True),
    )


def _customer(model: Model) -> tuple[Field, ...]:
    shape, meanings = model.shape, _MEANINGS["customers"]
    named: tuple[tuple[str, Kind, bool], ...] = (
        ("joined_at", "time", shape.joined),
        ("referred_by", "text", shape.referred),
    )
    return (
        *(Field(name, kind, meanings[name], nullable=True) for name, kind, used in named if used),
        *(Field(a, "text", f"`{a}` of the customer", nullable=True, column=trait_column(a)) for a in shape.attributes),
        *(Field(n, "number", f"`{n}` of the customer", nullable=True, column=trait_column(n)) for n in shape.numbers),
    )


@dataclass(frozen=True)
class Contract:
    """What requests to a model say.

    Parameters
    ----------
    tables : dict of str to tuple of Field
        `purchases`, and `events` and `offers` where the model looks at them: the fields of a row.
    customer : tuple of Field
        What is known of a customer; none where the model does not look at it.
    horizons : tuple of int
        Days.
    active_within_days : int or None
        Who is silent for longer gets no score.
    kinds, channels : tuple of str
        Of events.
    """

    tables: Mapping[str, tuple[Field, ...]]
    customer: tuple[Field, ...]
    horizons: tuple[int, ...]
    active_within_days: int | None = None
    kinds: tuple[str, ...] = ()
    channels: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, model: Model) -> Contract:
        """That of a model."""
        beside = model.shape.beside
        tables = {"purchases": _purchases(model)}
        tables |= {"events": _events(model)} if "events" in beside else {}
        tables |= {"offers": _offers()} if "offers" in beside else {}
        customer = _customer(model) if "customers" in beside else ()
        horizons, shape = tuple(sorted(model.learnt.horizons)), model.shape
        return cls(tables, customer, horizons, model.active_within_days, shape.kinds, shape.channels)

    @cached_property
    def of_customer(self) -> tuple[str, ...]:
        """The keys of a customer that are needed."""
        return ("customer_id", *self.tables, *(("customer",) if self.customer else ()))

    @cached_property
    def passed_over(self) -> tuple[str, ...]:
        """Keys that a customer may have beside them."""
        return tuple(name for name in (*TABLES, "customer") if name not in self.of_customer)

    def known(self, place: tuple[str, ...]) -> tuple[str, ...]:
        """The keys of the object at a place, lists left out.

        Examples
        --------
        >>> Contract({"purchases": ()}, (), (30,)).known(("customers",))
        ('customer_id', 'purchases', 'events', 'offers', 'customer')
        """
        if not place:
            return ("as_of", "outputs", "horizons", "customers")
        if place == ("customers",):
            return (*self.of_customer, *self.passed_over)
        return tuple(f.name for f in self.fields(place[-1]))

    def fields(self, name: str) -> tuple[Field, ...]:
        """The fields of a row of a table, or of `customer`."""
        return self.customer if name == "customer" else self.tables[name]

    def validator(self) -> SchemaValidator:
        """Strict: types, unknown and missing keys."""
        keys: dict[str, core_schema.CoreSchema] = {"customer_id": _TEXT}
        keys |= {name: core_schema.list_schema(_object(fields)) for name, fields in self.tables.items()}
        if self.customer:
            # An empty one says that nothing is known of the customer; the reader wants all or none.
            keys["customer"] = _object(self.customer, all_needed=False)
        needed = {name: core_schema.typed_dict_field(of, required=True) for name, of in keys.items()}
        beside = {name: core_schema.typed_dict_field(_anything(name), required=False) for name in self.passed_over}
        customer = _typed({**needed, **beside})
        names = core_schema.list_schema(core_schema.str_schema(strict=True), max_length=MOST_NAMES)
        told: dict[str, core_schema.CoreSchema] = {
            "as_of": core_schema.str_schema(strict=True),
            "outputs": names,
            "horizons": core_schema.list_schema(core_schema.int_schema(strict=True), max_length=MOST_NAMES),
            "customers": core_schema.list_schema(customer, min_length=1),
        }
        fields = {n: core_schema.typed_dict_field(of, required=n == "customers") for n, of in told.items()}
        return SchemaValidator(_typed(fields), core_schema.CoreConfig(hide_input_in_errors=True))

    def schema(self, limits: ServeConfig) -> dict[str, object]:
        """The JSON schema of a request."""
        properties: dict[str, object] = {
            "customer_id": {
                "type": "string",
                "minLength": 1,
                "pattern": r"\S",
                "description": "who; each customer once",
            }
        }
        for name, fields in self.tables.items():
            rows = {"type": "array", "maxItems": limits.max_rows, "items": _schema(fields)}
            properties[name] = {**rows, "description": f"the customer's {name}, in any order; may be empty"}
        if self.customer:
            nothing = {"type": "object", "maxProperties": 0, "title": "Nothing is known"}
            told = {"anyOf": [_schema(self.customer), nothing]}
            properties["customer"] = {**told, "description": "what is known of the customer: all of it, or {}"}
        needed = list(properties)
        for name in self.passed_over:
            kind = {"type": "object"} if name == "customer" else {"type": "array", "items": {"type": "object"}}
            properties[name] = {**kind, "description": BESIDE_US}
        customer = closed(properties, needed)
        listed = {"type": "array", "minItems": 1}
        named = {"type": "array", "maxItems": MOST_NAMES}
        return closed(
            {
                "as_of": {
                    "type": "string",
                    "format": "date",
                    "pattern": f"^{DAY}$",
                    "description": "the day of the scores: they see what was before it; default: today",
                },
                "outputs": {
                    **named,
                    "minItems": 1,
                    "items": {"type": "string", "enum": list(OUTPUTS)},
                    "description": "what to say of each customer; default: the usual",
                },
                "horizons": {
                    **named,
                    "items": {"type": "integer", "enum": list(self.horizons)},
                    "description": "days of further horizons, of which is said what is among the outputs",
                },
                "customers": {**listed, "maxItems": limits.max_customers, "items": customer},
            },
            ["customers"],
        )

    def example(self, as_of: Cutoff) -> dict[str, object]:
        """A request of one made-up customer as of a day, which is answered with a row."""
        days = {"purchases": (45, 20, 1), "events": (10,), "offers": (15,)}
        customer: dict[str, object] = {"customer_id": "customer-1"}
        for name, fields in self.tables.items():
            customer[name] = [self._example(fields, as_of.minus(days_before)) for days_before in days[name]]
        if self.customer:
            customer["customer"] = self._example(self.customer, as_of.minus(60))
        return {"as_of": str(as_of), "customers": [customer]}

    def _example(self, fields: tuple[Field, ...], day: Cutoff) -> dict[str, object]:
        told: dict[tuple[str, Kind], object] = {
            ("kind", "word"): next(iter(self.kinds), ""),
            ("channel", "text"): next(iter(self.channels), "store"),
            ("amount", "number"): 19.9,
            ("discount", "number"): 0.0,
            ("redeemed_at", "time"): None,
            ("referred_by", "text"): None,
        }
        of_kind = {"time": f"{day}T12:00:00", "number": 1.0}
        needed = (f for f in fields if f.required)
        return {f.name: told.get((f.name, f.kind), of_kind.get(f.kind, f"{f.name}-1")) for f in needed}


def _anything(name: str) -> core_schema.CoreSchema:
    """For the validator: a list of objects, or one, with whatever in them."""
    of = core_schema.dict_schema(core_schema.str_schema())
    return of if name == "customer" else core_schema.list_schema(of)


def _typed(fields: dict[str, core_schema.TypedDictField]) -> core_schema.TypedDictSchema:
    return core_schema.typed_dict_schema(fields, extra_behavior="forbid")


def _object(fields: tuple[Field, ...], all_needed: bool = True) -> core_schema.TypedDictSchema:
    return _typed({f.name: core_schema.typed_dict_field(f.core(), required=f.required and all_needed) for f in fields})


def _schema(fields: tuple[Field, ...]) -> dict[str, object]:
    return closed({f.name: f.schema() for f in fields}, [f.name for f in fields if f.required])


def closed(properties: Mapping[str, object], required: list[str]) -> dict[str, object]:
    """The JSON schema of an object that has nothing beside its properties."""
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": required}
