"""Small ledgers full of edges: times around cutoffs and window starts, clock changes, ties, returns, zeros, nulls.

In: Hypothesis draws, or rows written by hand. Out: a `Ledger`: plain rows with everything that turns them into the
kernel's sorted block, its Reference and its plan. Optional columns are there for all rows or for none.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import zoneinfo
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Self, TypeVar, cast

import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from regulars.clock import Cutoff
from regulars.features.family import BUILT_IN, Family, Plan, families, plan_for
from regulars.features.history import History
from regulars.features.lines import TEXTS, Lines
from regulars.features.panel import Label, Panel, panel_block
from regulars.features.reference import Reference
from regulars.features.shape import Shape
from regulars.schema import Rules, purchases_schema

from .oracle import DAY, Line, Oracle, business_day, midnight

R = TypeVar("R", bound=Mapping[str, object])

EXAMPLES = 300 if os.environ.get("REGULARS_SOAK") else 15
PROPERTY = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

REQUIRED = ("customer_id", "purchased_at", "order_id", "amount")
OPTIONAL = ("quantity", "product_id", "category", "discount")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/St_Johns")


@dataclass(frozen=True)
class Ledger:
    """Order lines with the rules to count them, the first day covered, cutoffs and the columns there are."""

    lines: tuple[Line, ...]
    rules: Rules
    history_starts: Cutoff
    cutoffs: tuple[Cutoff, ...]
    columns: tuple[str, ...] = REQUIRED

    def but(self, lines: Iterable[Line]) -> Self:
        """The same with other purchases."""
        return replace(self, lines=tuple(lines))

    def at(self, *cutoffs: Cutoff) -> Self:
        """The same with other cutoffs."""
        return replace(self, cutoffs=cutoffs)

    def of(self, customers: Collection[str]) -> Self:
        """The rows of some customers."""
        return self.but(line for line in self.lines if line["customer_id"] in customers)

    def before(self, cutoff: Cutoff) -> Self:
        """The rows that happened, and were known, before a cutoff."""
        return self.but(line for line in self.lines if self.is_before(line, cutoff))

    def shuffled(self, rng: random.Random) -> Self:
        """The same rows in another order."""
        return self.but(rng.sample(self.lines, len(self.lines)))

    def told_apart(self) -> AbstractContextManager[object]:
        """The Reference's rules of which values are told apart, while this lasts."""
        return nullcontext()

    def told_apart_by_number_alone(self) -> Self:
        """The same with no limit to how many values are told apart."""
        return self

    def renamed(self, name: Callable[[str], str]) -> Self:
        """Other names for customers, orders, products and categories."""
        return self.but(renamed(line, ("customer_id", "order_id", *TEXTS), name) for line in self.lines)

    def later(self, days: int) -> Self:
        """Everything so many days later."""
        cutoffs, starts = tuple(c.plus(days) for c in self.cutoffs), self.history_starts.plus(days)
        return replace(self, lines=tuple(moved(r, days) for r in self.lines), cutoffs=cutoffs, history_starts=starts)

    @property
    def zone(self) -> dt.tzinfo:
        return zoneinfo.ZoneInfo(self.rules.timezone)

    @property
    def plan(self) -> Plan:
        return plan_of(Shape(columns=self.columns))

    def table(self) -> pa.Table:
        """Canonical Arrow rows, sorted by customer and time; ties stay in the order of the rows."""
        ordered = sorted(self.lines, key=lambda line: (line["customer_id"], line["purchased_at"]))
        return pa.Table.from_pylist([dict(line) for line in ordered], schema=purchases_schema(self.columns))

    def history(self) -> History:
        return History(Lines.from_arrow(self.table()), self.rules, self.history_starts)

    def reference(self) -> Reference:
        return Reference.of([self.history()], self.cutoffs, self.plan.groups)

    def panel(self, reference: Reference | None = None, labels: Sequence[Label] = ()) -> Panel:
        return panel_block(self.history(), self.plan, reference or self.reference(), self.cutoffs, labels)

    def oracle(self) -> Oracle:
        rules = self.rules
        return Oracle(self.lines, rules.timezone, rules.returns, rules.count_free, self.history_starts.date)

    def is_before(self, line: Line, cutoff: Cutoff) -> bool:
        """Whether a row happened, and was known, before a cutoff."""
        limit = midnight(cutoff.date, self.zone)
        return line["purchased_at"] < limit and line.get("known_at", line["purchased_at"]) < limit


EVERY = tuple(name for name in BUILT_IN if name != "season")
"""Those that are off by default among them; equal for all customers of a cutoff, the season has nothing to leak."""


def plan_of(shape: Shape) -> Plan:
    """The plan of a shape, worked out once; of every family of ours but the season, unless the shape names some."""
    wanted = shape if shape.families else replace(shape, families=EVERY)
    return _planned(wanted, families(wanted.families))


@lru_cache(maxsize=64)
def _planned(shape: Shape, chosen: tuple[Family, ...]) -> Plan:
    return plan_for(shape)


def renamed(row: R, keys: Iterable[str], name: Callable[[str], str]) -> R:
    """A row with other texts under some keys, where it has any."""
    given = cast(dict[str, object], row)
    return cast(R, given | {k: name(text) for k in keys if isinstance(text := given.get(k), str)})


def moved(row: R, days: int) -> R:
    """A row with all its instants so many days later."""
    given = cast(dict[str, object], row)
    return cast(R, {k: v + days * DAY if isinstance(v, dt.datetime) else v for k, v in given.items()})


Row = tuple[str, str, str, str]


def ledger_of(
    rows: Iterable[Row],
    cutoffs: str | Sequence[str],
    timezone: str = "UTC",
    starts: str = "2016-01-01",
    returns: str = "net",
    count_free: bool = False,
    **columns: Sequence[str | None],
) -> Ledger:
    """A ledger written by hand: (customer, local time, order, amount) a row, further columns as lists beside them."""
    zone = zoneinfo.ZoneInfo(timezone)
    lines: list[Line] = []
    for i, (customer, when, order, amount) in enumerate(rows):
        at = dt.datetime.fromisoformat(when).replace(tzinfo=zone).astimezone(dt.UTC)
        line = Line(customer_id=customer, purchased_at=at, order_id=order, amount=Decimal(amount))
        for name, values in columns.items():
            _set(line, name, values[i], zone)
        lines.append(line)
    named = [cutoffs] if isinstance(cutoffs, str) else cutoffs
    return Ledger(
        tuple(lines),
        Rules(timezone, returns, count_free),
        Cutoff.parse(starts),
        tuple(Cutoff.parse(c) for c in named),
        (*REQUIRED, *columns),
    )


def _set(line: Line, name: str, text: str | None, zone: dt.tzinfo) -> None:
    if name == "known_at":
        assert text is not None
        line["known_at"] = dt.datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(dt.UTC)
    elif name == "quantity":
        line["quantity"] = Decimal(text or 0)
    elif name == "discount":
        line["discount"] = Decimal(text or 0)
    elif name == "product_id":
        line["product_id"] = text
    elif name == "channel":
        line["channel"] = text
    else:
        line["category"] = text


_DATES = [
    "2017-06-15",  # nothing special
    "2017-03-26",  # Berlin springs forward
    "2017-10-29",  # Berlin falls back
    "2017-03-12",  # New York and St. John's spring forward
    "2017-11-05",  # New York and St. John's fall back
    "2006-04-02",  # St. John's springs forward at 00:01
    "2006-10-29",  # St. John's falls back at 00:01: 23:01 .. 24:00 of the day before comes again
    "2016-02-29",
    "2017-02-28",
    "2017-01-01",
]
DATES = [dt.date.fromisoformat(text) + k * DAY for text in _DATES for k in (0, 1)]
"""Local days at which something happens to the calendar or the clock, and the days after them."""

_EDGES = tuple(days + k for days in (0, 7, 30, 60, 90, 120, 150, 180, 274, 336, 360, 364, 365) for k in (-1, 0, 1))
BEFORE = (-100, -90, -28, 0, 1, 2, 3, 5, 20, 45, 106, 250, 300, 500, *_EDGES)
"""Days from a line to a cutoff: the edges of every window, either side of them, and some in between."""
EVEN = tuple(tuple(1 + step * k for k in range(6)) for step in (1, 7, 30, 91))
"""The same for customers whose days follow each other at equal gaps."""

_HOUR = 3_600_000_000
_SHARP = tuple(hour * _HOUR + offset for hour in (0, 6, 12, 18, 24) for offset in (-1, 0, 1))
MOMENTS = (*_SHARP, 30_000_000, 61_000_000, 2 * _HOUR, 9 * _HOUR, 23 * _HOUR, 24 * _HOUR - 30_000_000)
"""Microseconds after local midnight."""

POSITIVE = ("0.01", "1", "9.99", "10", "12.5", "29.33", "100", "0.0001", "1234.5678")
AMOUNTS = tuple(Decimal(a) for a in (*POSITIVE, *POSITIVE, "0", "0.00", "-0.01", "-10", "-29.33", "-99.9999"))
GIANT = tuple(Decimal(a) for a in ("200000", "199999.9999", "173456.7891", "0.0001", "-123456.789"))
EQUAL = tuple((Decimal(a),) for a in ("10", "0.0003", "199999.9999"))
"""Amounts whose squares leave 64 bits, and amounts that are all the same."""
DELAYS = (dt.timedelta(0), dt.timedelta(microseconds=1), dt.timedelta(hours=5), 3 * DAY, 40 * DAY)

_LINE = st.tuples(
    st.integers(0, 5),
    st.integers(0, 2),
    st.integers(0, len(BEFORE) - 1),
    st.sampled_from(MOMENTS),
    st.integers(0, 5),
    st.integers(0, len(AMOUNTS) - 1),
    st.sampled_from([Decimal(q) for q in ("0", "1", "1", "2", "0.5")]),
    st.sampled_from([Decimal(d) for d in ("0", "0", "0.5", "3")]),
    st.sampled_from([None, "00123", "123", "cheese"]),
    st.sampled_from([None, "dairy", "bread"]),
    st.sampled_from(DELAYS),
)
_NAMES = ("00123", "123", "E5", "Zoë", "a", "b ")


@st.composite
def ledgers(
    draw: st.DrawFn,
    zones: Sequence[str] = ZONES,
    known_at: bool | None = None,
    at_least: int = 0,
) -> Ledger:
    """Ledgers of up to six customers (of one now and then, with a longer history) and 25 lines.

    An order's lines may come at different instants; in every other ledger on different days too. Some ledgers know
    equal gaps, equal amounts or giant ones only. `known_at` settles whether rows tell when they became known; there
    are `at_least` so many lines.
    """
    timezone, base = draw(st.sampled_from(zones)), draw(st.sampled_from(DATES))
    back = draw(st.lists(st.sampled_from([0, 1, 7, 30, 90, 364]), min_size=1, max_size=3, unique=True))
    days = sorted(base - b * DAY for b in back)
    orders_span_days = draw(st.booleans())
    n_customers = draw(st.sampled_from([len(_NAMES), len(_NAMES), 1]))
    befores = draw(st.sampled_from([BEFORE] * len(EVEN) + list(EVEN)))
    amounts = draw(st.sampled_from([AMOUNTS] * len(EQUAL) + [GIANT] + list(EQUAL)))
    has_known_at = draw(st.booleans()) if known_at is None else known_at
    optional = draw(st.sampled_from([OPTIONAL, (), *((name,) for name in OPTIONAL)]))
    columns = (*REQUIRED, *optional, *(("known_at",) if has_known_at else ()))
    zone = zoneinfo.ZoneInfo(timezone)
    lines = []
    for i, (who, c, before, moment, order, money, *values, delay) in enumerate(
        draw(st.lists(_LINE, min_size=at_least, max_size=max(at_least, 25)))
    ):
        since = befores[before % len(befores)] * DAY
        at = midnight(days[c % len(days)] - since, zone) + dt.timedelta(microseconds=moment)
        # Orders 4 and 5 are of one line; without a span, the others end with their local day, as orders without an id.
        shared = f"o{order}" if orders_span_days else f"o{order} of {business_day(at, zone)}"
        order_id = shared if order < 4 else f"line {i}"
        quantity, discount, product, category = values
        amount, customer = amounts[money % len(amounts)], _NAMES[who % n_customers]
        line = Line(customer_id=customer, purchased_at=at, order_id=order_id, amount=amount)
        if "quantity" in columns:
            line["quantity"] = quantity
        if "discount" in columns:
            line["discount"] = discount
        if "product_id" in columns:
            line["product_id"] = product
        if "category" in columns:
            line["category"] = category
        if has_known_at:
            line["known_at"] = at + delay
        lines.append(line)
    first = min((business_day(line["purchased_at"], zone) for line in lines), default=days[0] - 100 * DAY)
    starts = first - draw(st.sampled_from([0, 1, 60, 400])) * DAY
    returns, count_free = draw(st.sampled_from(["net", "separate"])), draw(st.booleans())
    return Ledger(
        tuple(lines),
        Rules(timezone, returns, count_free),
        Cutoff.parse(starts.isoformat()),
        tuple(Cutoff.parse(day.isoformat()) for day in days),
        columns,
    )
