"""Ledgers with everything: events, offers and customers beside the purchases, full of edges.

In: Hypothesis draws, or rows written by hand. Out: a `FullLedger`, which turns its plain rows into the kernel's block
and into the oracle's answers. Rows may be of customers who never bought, of kinds that the model does not know, of the
company's doing, at cutoffs and window edges; offers redeemed and customers joined after the cutoff; values missing or
below 0.
"""

from __future__ import annotations

import datetime as dt
import random
import zoneinfo
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self, cast
from unittest.mock import patch

import pyarrow as pa
from hypothesis import strategies as st

from regulars.clock import Cutoff, Zone
from regulars.features import tallies
from regulars.features.events import Events, Traits
from regulars.features.family import Plan
from regulars.features.history import Beside, History
from regulars.features.lines import TEXTS
from regulars.features.reference import Reference
from regulars.features.shape import Shape
from regulars.schema import table_schema

from .oracle import DAY, midnight
from .oracle_beside import USUAL, Event, FullOracle, Offer, Person, Population
from .strategies import BEFORE, DELAYS, MOMENTS, REQUIRED, ZONES, Ledger, R, ledgers, moved, plan_of, renamed

KINDS = ("complaint", "complaint_resolved", "points_earned", "points_spent", "survey", "visit")
SMALL = Shape(kinds=KINDS, channels=("app", "email"), offers=True, attributes=("town",), numbers=("age",))
_EXPIRING = (*KINDS[:3], "points_expired", *KINDS[3:])
SHAPES = (
    replace(SMALL, joined=True, referred=True, points_expire_days=90),
    replace(SMALL, company_events=True, joined=True, points_expire_days=20, kinds=_EXPIRING),
    replace(SMALL, kinds=("email_click", "email_open", "support", "support_resolved"), referred=True, offers=False),
    replace(SMALL, attributes=("town", "category"), numbers=(), points_expire_days=365, kinds=("points_earned",)),
    Shape(offers=True),
)
"""Few, so that each is planned once."""


@dataclass(frozen=True)
class FullLedger(Ledger):
    """A `Ledger` with rows of the tables beside the purchases.

    `events_start` is the first day that the events cover, `population` when values are told apart in the Reference.
    """

    shape: Shape = SHAPES[0]
    events: tuple[Event, ...] = ()
    offers: tuple[Offer, ...] = ()
    people: tuple[Person, ...] = ()
    late: bool = False
    events_start: Cutoff | None = None
    population: Population = USUAL

    @property
    def plan(self) -> Plan:
        optional = tuple(c for c in self.columns if c not in (*REQUIRED, "known_at"))
        return plan_of(replace(self.shape, columns=optional))

    def history(self) -> History:
        plain = super().history()
        return History(plain.lines, self.rules, self.history_starts, self._beside(plain))

    def reference(self) -> Reference:
        with self.told_apart():
            return Reference.of([self.history()], self.cutoffs, self.plan.groups)

    def told_apart(self) -> AbstractContextManager[object]:
        """The Reference's rules of which values are told apart, while this lasts."""
        return patch.multiple(tallies, SELDOM=self.population.seldom, MOST=self.population.most)

    def oracle(self) -> FullOracle:
        plain = super().oracle()
        start = None if self.events_start is None else self.events_start.date
        return FullOracle(plain, self.shape, self.events, self.offers, self.people, start, self.population)

    def each(self, change: Callable[[R], R | None]) -> Self:
        """Every row of every table changed; those that become None are left out."""
        return replace(
            self,
            lines=tuple(r for row in self.lines if (r := change(cast(R, row))) is not None),
            events=tuple(r for row in self.events if (r := change(cast(R, row))) is not None),
            offers=tuple(r for row in self.offers if (r := change(cast(R, row))) is not None),
            people=tuple(r for row in self.people if (r := change(cast(R, row))) is not None),
        )

    def of(self, customers: Collection[str]) -> Self:
        return self.each(lambda row: row if row["customer_id"] in customers else None)

    def renamed(self, name: Callable[[str], str]) -> Self:
        keys = ("customer_id", "order_id", "referred_by", *TEXTS, *self.shape.attributes)
        # Channels of events have names in the shape.
        events = tuple(renamed(event, ("customer_id",), name) for event in self.events)
        told = self.told_apart_by_number_alone()
        return replace(told.each(lambda row: renamed(row, keys, name)), events=events)

    def told_apart_by_number_alone(self) -> Self:
        return replace(self, population=replace(self.population, most=10_000))

    def later(self, days: int) -> Self:
        start = self.events_start and self.events_start.plus(days)
        return replace(super().later(days).beside_later(days), events_start=start)

    def beside_later(self, days: int) -> Self:
        """Events, offers and people so many days later."""
        return replace(
            self,
            events=tuple(moved(row, days) for row in self.events),
            offers=tuple(moved(row, days) for row in self.offers),
            people=tuple(moved(row, days) for row in self.people),
        )

    def shuffled(self, rng: random.Random) -> Self:
        return replace(
            super().shuffled(rng),
            events=tuple(rng.sample(self.events, len(self.events))),
            offers=tuple(rng.sample(self.offers, len(self.offers))),
            people=tuple(rng.sample(self.people, len(self.people))),
        )

    def before(self, cutoff: Cutoff) -> Self:
        limit = midnight(cutoff.date, self.zone)
        return replace(
            super().before(cutoff),
            events=tuple(row for row in self.events if happened(row, limit)),
            offers=tuple(_as_known(row, limit) for row in self.offers if happened(row, limit)),
            people=tuple(row for row in self.people if happened(row, limit)),
        )

    def poisoned(self, cutoff: Cutoff, rng: random.Random) -> Self:
        """Other values in whatever lies at or after a cutoff beside the purchases."""
        limit = midnight(cutoff.date, self.zone)
        return replace(
            self,
            events=tuple(row if happened(row, limit) else _poisoned_event(row, rng) for row in self.events),
            offers=tuple(_poisoned_offer(row, limit, rng) for row in self.offers),
            people=tuple(row if happened(row, limit) else _poisoned_person(row) for row in self.people),
        )

    def _beside(self, plain: History) -> Beside:
        ids, nothing = plain.lines.customer_ids, Beside.none(plain.n_customers, self.shape)
        known = {"known_at"} if self.late else set[str]()
        events, offers, traits = nothing.events, nothing.offers, nothing.traits
        if self.shape.kinds:
            rows = _arrow(self.events, table_schema("events", {"channel", "value", *known}))
            events = Events.of(rows, ids, self.shape, self.events_start)
        if self.shape.offers:
            offers = Events.offers_of(_arrow(self.offers, table_schema("offers", {"redeemed_at", *known})), ids)
        if "customers" in self.shape.beside:
            there = {"joined_at": self.shape.joined, "referred_by": self.shape.referred}
            optional = {name for name, has in there.items() if has}
            rows = _arrow(self.people, table_schema("customers", optional, self.shape.attributes, self.shape.numbers))
            traits = Traits.of(rows, ids, self.shape, Zone(self.rules.timezone))
        return Beside(events, offers, traits)


def happened(row: Event | Offer | Person, limit: dt.datetime) -> bool:
    """Whether a row happened, and was known, before an instant; what is told of no time always was."""
    times = (row.get(name) for name in ("occurred_at", "offered_at", "joined_at", "known_at"))
    return all(at < limit for at in times if isinstance(at, dt.datetime))


def _as_known(row: Offer, limit: dt.datetime) -> Offer:
    """An offer as of an instant: not redeemed yet if it was redeemed later."""
    out, redeemed = row.copy(), row["redeemed_at"]
    if redeemed is not None and redeemed >= limit:
        out["redeemed_at"] = None
    return out


def _poisoned_event(row: Event, rng: random.Random) -> Event:
    out = row.copy()
    out["kind"], out["channel"] = rng.choice(KINDS), rng.choice(["app", None, "poison"])
    out["value"] = rng.choice([Decimal("9999999999.9999"), Decimal("-9999999999.9999"), None])
    return out


def _poisoned_offer(row: Offer, limit: dt.datetime, rng: random.Random) -> Offer:
    out, redeemed = row.copy(), row["redeemed_at"]
    if not happened(row, limit):
        out["redeemed_at"] = rng.choice([None, row["offered_at"]])
    elif redeemed is None or redeemed >= limit:
        out["redeemed_at"] = rng.choice([None, limit, limit + 400 * DAY])
    return out


def _poisoned_person(row: Person) -> Person:
    out = row.copy()
    out["town"] = out["category"] = out["referred_by"] = "poison"
    out["age"] = Decimal(10**9)
    return out


def _arrow(rows: Sequence[Mapping[str, object]], schema: pa.Schema) -> pa.Table:
    """Rows as they come, with the columns of a schema."""
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


_VALUES = tuple(None if v is None else Decimal(v) for v in ("0", "5", "0.0001", "30", "30", "-12.5", "199.99", None))
_SINCE = (*BEFORE, *range(1, 95, 3))
"""Days from an event to a cutoff: as with purchases, and many that are not long ago."""
_EVENT = st.tuples(
    st.sampled_from([0, 0, 0, 1, 1, 2, 3, 6]),
    st.integers(0, 2),
    st.sampled_from(_SINCE),
    st.sampled_from(MOMENTS),
    st.integers(0, 6),
    st.sampled_from(["customer", "customer", "customer", "company"]),
    st.sampled_from([None, "app", "email", "letter"]),
    st.sampled_from(_VALUES),
    st.sampled_from([*DELAYS, None]),
)
_OFFER = st.tuples(
    st.sampled_from([0, 0, 1, 2, 3, 6]),
    st.integers(0, 2),
    st.sampled_from(_SINCE),
    st.sampled_from(MOMENTS),
    st.sampled_from([None, dt.timedelta(0), dt.timedelta(hours=7), DAY, 28 * DAY, 100 * DAY]),
    st.sampled_from([*DELAYS, None]),
)
_PERSON = st.tuples(
    st.sampled_from([True, True, False]),
    st.integers(0, 2),
    st.sampled_from([None, *BEFORE, *BEFORE]),
    st.sampled_from(MOMENTS),
    st.sampled_from([None, "Rome", "Oslo", "Oslo"]),
    st.sampled_from([None, Decimal("0"), Decimal("41.5"), Decimal("-1")]),
    st.sampled_from([None, "a", "stranger"]),
)
_CODES = st.tuples(st.sampled_from([None, "web", "shop"]), st.sampled_from([None, "dairy", "bread", "bread", "wine"]))
_NAMES = ("00123", "123", "E5", "Zoë", "a", "b ", "stranger")


@st.composite
def full_ledgers(
    draw: st.DrawFn, zones: Sequence[str] = ZONES, known_at: bool | None = None, shapes: Sequence[Shape] = SHAPES
) -> FullLedger:
    """Ledgers of `strategies.ledgers` with up to 30 events, ten offers and a row for some of the customers.

    With `known_at` given, all tables tell when rows became known, or none.
    """
    shape, few, many = draw(st.sampled_from(shapes)), *draw(st.sampled_from(((0, 0), (4, 4), (12, 12), (16, 30))))
    plain = draw(ledgers(zones, known_at, few))
    late = draw(st.booleans()) if known_at is None else known_at
    days, zone = [c.date for c in plain.cutoffs], zoneinfo.ZoneInfo(plain.rules.timezone)

    def instant(cutoff: int, before: int, moment: int) -> dt.datetime:
        return midnight(days[cutoff % len(days)] - before * DAY, zone) + dt.timedelta(microseconds=moment)

    kinds = (*shape.kinds, "push_open")
    events = [
        Event(
            customer_id=_NAMES[who],
            occurred_at=(at := instant(c, before, moment)),
            kind=kinds[kind % len(kinds)],
            initiated_by=by,
            channel=channel,
            value=value,
            known_at=None if delay is None or not late else at + delay,
        )
        for who, c, before, moment, kind, by, channel, value, delay in draw(
            st.lists(_EVENT, min_size=many, max_size=30)
        )
    ]
    offers = [
        Offer(
            customer_id=_NAMES[who],
            offered_at=(at := instant(c, before, moment)),
            offer_id="ten off",
            redeemed_at=None if after is None else at + after,
            known_at=None if delay is None or not late else at + delay,
        )
        for who, c, before, moment, after, delay in draw(st.lists(_OFFER, min_size=few // 2, max_size=10))
    ]
    people: list[Person] = []
    for name, (has, c, before, moment, town, age, by) in zip(
        _NAMES, draw(st.lists(_PERSON, min_size=few // 2, max_size=8)), strict=False
    ):
        person = Person(customer_id=name, town=town, category=town, age=age, referred_by=by)
        if shape.joined:
            person["joined_at"] = None if before is None else instant(c, before, moment)
        if has:
            people.append(person)
    plain = _with_codes(plain, draw(st.lists(_CODES, max_size=9)))
    if draw(st.booleans()):
        plain = replace(plain, history_starts=plain.history_starts.minus(500))
    starts = draw(st.sampled_from([None, None, -30, 45, 400]))
    return FullLedger(
        plain.lines,
        plain.rules,
        plain.history_starts,
        plain.cutoffs,
        plain.columns,
        shape,
        tuple(events),
        tuple(offers),
        tuple(people),
        late,
        None if starts is None else plain.history_starts.plus(starts),
        Population(draw(st.sampled_from([1, 2, 4, 20])), draw(st.sampled_from([1, 2, 10_000]))),
    )


def _with_codes(plain: Ledger, codes: Sequence[tuple[str | None, str | None]]) -> Ledger:
    """The lines of a ledger with columns of channels and categories, unless there are none."""
    if not codes:
        return plain
    lines = []
    for i, line in enumerate(plain.lines):
        out = line.copy()
        out["channel"], out["category"] = codes[i % len(codes)]
        lines.append(out)
    columns = dict.fromkeys((*plain.columns, "channel", "category"))
    return replace(plain, lines=tuple(lines), columns=tuple(columns))


def _at(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def event(
    when: str,
    kind: str,
    value: str | None = None,
    customer: str = "a",
    channel: str | None = None,
    by: str = "customer",
    known_at: str | None = None,
) -> Event:
    """An event written by hand; instants in UTC."""
    return Event(
        customer_id=customer,
        occurred_at=dt.datetime.fromisoformat(when).replace(tzinfo=dt.UTC),
        kind=kind,
        initiated_by=by,
        channel=channel,
        value=None if value is None else Decimal(value),
        known_at=_at(known_at),
    )


def offer(offered: str, redeemed: str | None = None, customer: str = "a", known_at: str | None = None) -> Offer:
    """An offer written by hand; instants in UTC."""
    at = dt.datetime.fromisoformat(offered).replace(tzinfo=dt.UTC)
    return Offer(
        customer_id=customer, offered_at=at, offer_id="ten off", redeemed_at=_at(redeemed), known_at=_at(known_at)
    )


def person(customer: str, town: str | None = None, joined: str | None = None, **others: str | None) -> Person:
    """A customer written by hand: the town, when they joined (in UTC), and `age` and `referred_by`."""
    age = others.get("age")
    return Person(
        customer_id=customer,
        joined_at=_at(joined),
        town=town,
        category=town,
        age=None if age is None else Decimal(age),
        referred_by=others.get("referred_by"),
    )


def full(
    plain: Ledger,
    shape: Shape,
    events: Sequence[Event] = (),
    offers: Sequence[Offer] = (),
    people: Sequence[Person] = (),
    seldom: int = 1,
    most: int = 10_000,
    events_start: str | None = None,
) -> FullLedger:
    """A ledger written by hand with other tables beside the purchases; values are told apart from one row on."""
    return FullLedger(
        plain.lines,
        plain.rules,
        plain.history_starts,
        plain.cutoffs,
        plain.columns,
        shape,
        tuple(events),
        tuple(offers),
        tuple(people),
        any(row["known_at"] is not None for row in (*events, *offers)),
        None if events_start is None else Cutoff.parse(events_start),
        Population(seldom, most),
    )
