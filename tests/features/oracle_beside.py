"""What the features beside purchases mean, computed as slowly and plainly as possible.

In: an `Oracle` of the purchases, rows of events, offers and customers as dictionaries, what counts for the features.
Out: for a customer and a cutoff exact numbers (int, Decimal, Fraction), floats where weights or shrunk shares are
added, None for missing. Loops over rows and days; it shares no code with the kernel.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypedDict

from regulars.features.shape import Shape

from .oracle import Oracle
from .words import DAY, Line, Value, business_day, midnight, ratio

EPOCH = dt.date(1970, 1, 1)
SHRINKAGE = 20


class Event(TypedDict, total=False):
    """A row of the events."""

    customer_id: str
    occurred_at: dt.datetime
    kind: str
    initiated_by: str
    channel: str | None
    value: Decimal | None
    known_at: dt.datetime | None


class Offer(TypedDict, total=False):
    """A row of the offers."""

    customer_id: str
    offered_at: dt.datetime
    offer_id: str
    redeemed_at: dt.datetime | None
    known_at: dt.datetime | None


class Person(TypedDict, total=False):
    """A row of the customers."""

    customer_id: str
    joined_at: dt.datetime | None
    referred_by: str | None
    town: str | None
    category: str | None
    acquisition_channel: str | None
    age: Decimal | None


@dataclass(frozen=True)
class Population:
    """When a value is told apart: from so many rows on, and if it is among so many most frequent ones."""

    seldom: int = 20
    most: int = 10_000


USUAL = Population()


class FullOracle(Oracle):
    """Answers for any customer and cutoff, from the rows of all tables before it."""

    def __init__(
        self,
        plain: Oracle,
        shape: Shape,
        events: Sequence[Event],
        offers: Sequence[Offer],
        people: Sequence[Person],
        events_start: dt.date | None,
        population: Population,
    ) -> None:
        super().__init__(plain.lines, "UTC", plain.returns, plain.count_free, plain.history_starts)
        self.zone, self.shape, self.population = plain.zone, shape, population
        self.events, self.offers, self.people = events, offers, people
        self.events_start = max(plain.history_starts, events_start or plain.history_starts)
        self._days: dict[tuple[str, dt.date], list[dt.date]] = {}

    def families(self, customer: str, cutoff: dt.date) -> dict[str, Callable[[], dict[str, Value]]]:
        return super().families(customer, cutoff) | {
            "items": _Items(self, customer, cutoff).features,
            "engagement": _Engagement(self, customer, cutoff).features,
            "offers": lambda: _offers(self, customer, cutoff),
            "people": _People(self, customer, cutoff).features,
            "season": lambda: _season(self.shape, cutoff),
        }

    def day(self, at: dt.datetime) -> dt.date:
        """The local date of an instant."""
        return business_day(at, self.zone)

    def purchase_days(self, customer: str, cutoff: dt.date) -> list[dt.date]:
        """The days on which the customer bought, as known before the cutoff."""
        if (customer, cutoff) not in self._days:
            purchases, _ = self.judged(self.known(cutoff, customer))
            self._days[customer, cutoff] = sorted({p.day for p in purchases})
        return self._days[customer, cutoff]


def _happened(oracle: FullOracle, at: dt.datetime, known_at: dt.datetime | None, cutoff: dt.date) -> bool:
    limit = midnight(cutoff, oracle.zone)
    return at < limit and (known_at is None or known_at < limit)


def _since(oracle: FullOracle, instants: Iterable[dt.datetime], cutoff: dt.date) -> int | None:
    days = [oracle.day(at) for at in instants]
    return (cutoff - max(days)).days if days else None


class _Shares:
    """Rows (value, ...) of a population, and which values stand for themselves."""

    def __init__(self, population: Population, rows: Sequence[tuple[str, dt.date, str]]) -> None:
        self.rows = rows
        counts = Counter(value for value, *_ in rows)
        frequent = sorted(counts, key=lambda value: (-counts[value], value))[: population.most]
        self.told = {value for value in frequent if counts[value] >= population.seldom}
        self.n_others = len(counts) - len(self.told)

    def like(self, value: str) -> list[tuple[str, dt.date, str]]:
        """The rows that count for a value: its own, or those of all values that are not told apart."""
        return [row for row in self.rows if (row[0] == value if value in self.told else row[0] not in self.told)]

    def share(self, value: str, part: Callable[[dt.date], bool]) -> Value:
        """Of the rows on some days, the share of a value; of one that is not told apart the mean share of those."""
        chosen = sum(part(day) for _, day, _ in self.rows)
        own = sum(part(day) for _, day, _ in self.like(value))
        return Fraction(own, max(chosen, 1) * (1 if value in self.told else self.n_others))

    def rate(self, value: str, whole: Callable[[dt.date], bool], part: Callable[[dt.date, str], bool]) -> Fraction:
        """Of the rows on some days the share for which something holds, with twenty of the usual share."""

        def counted(rows: Iterable[tuple[str, dt.date, str]]) -> tuple[int, int]:
            chosen = [(day, who) for _, day, who in rows if whole(day)]
            return sum(part(day, who) for day, who in chosen), len(chosen)

        (some, of_all), (own, of_own) = counted(self.rows), counted(self.like(value))
        usual = Fraction(2 * some + 1, 2 * of_all + 2)
        return (own + SHRINKAGE * usual) / (of_own + SHRINKAGE)


class _Items:
    """How the products and categories that a customer buys are doing."""

    def __init__(self, oracle: FullOracle, customer: str, cutoff: dt.date) -> None:
        self.oracle, self.customer, self.cutoff = oracle, customer, cutoff

    def features(self) -> dict[str, Value]:
        out: dict[str, Value] = {}
        lines = self.oracle.known(self.cutoff)
        for column, kind in (("category", "categories"), ("product_id", "products")):
            if lines and column in lines[0]:
                out |= {f"{kind}_{name}": value for name, value in self._means(list(_named(lines, column)))}
        return out

    def _means(self, lines: list[tuple[str, Line]]) -> Iterator[tuple[str, Value]]:
        rows = [(value, self.oracle.day(line["purchased_at"]), line["customer_id"]) for value, line in lines]
        bought = [value for value, day, who in rows if who == self.customer and self._ago(day) <= 180]
        covered = self.cutoff - 180 * DAY >= self.oracle.history_starts
        shares = _Shares(self.oracle.population, rows)
        stats: dict[str, Callable[[str], Value]] = {
            "popularity": lambda v: shares.share(v, lambda day: self._ago(day) <= 90),
            "growth": lambda v: shares.rate(v, lambda day: self._ago(day) <= 180, lambda day, _: self._ago(day) <= 90),
            "staleness": lambda v: min(self._ago(day) for _, day, _ in shares.like(v)),
            "comeback": lambda v: shares.rate(v, lambda day: 90 < self._ago(day) <= 455, self._came_back),
        }
        for name, stat in stats.items():
            values = [float(stat(v) or 0) for v in bought]
            yield name, math.fsum(values) / len(values) if covered and values else None

    def _ago(self, day: dt.date) -> int:
        return (self.cutoff - day).days

    def _came_back(self, day: dt.date, who: str) -> bool:
        return any(day < other <= day + 90 * DAY for other in self.oracle.purchase_days(who, self.cutoff))


def _named(lines: Iterable[Line], column: str) -> Iterator[tuple[str, Line]]:
    for line in lines:
        value = line["category"] if column == "category" else line["product_id"]
        if line["amount"] > 0 and value is not None:
            yield value, line


class _People:
    """What is known of a customer, and of those who are like them."""

    def __init__(self, oracle: FullOracle, customer: str, cutoff: dt.date) -> None:
        self.oracle, self.customer, self.cutoff = oracle, customer, cutoff

    def features(self) -> dict[str, Value]:
        shape, person, first = self.oracle.shape, self._person(self.customer), self._first(self.customer)
        out: dict[str, Value] = {}
        for name in shape.attributes:
            out |= self._like(f"customer_{name}", lambda who, name=name: self._attribute(who, name))
        for _ in shape.numbers:
            out["customer_age"] = person["age"] if person else None
        if shape.referred:
            out["was_referred"] = int(person["referred_by"] is not None) if person else None
        if shape.joined:
            joined = person.get("joined_at") if person else None
            day = None if joined is None else self.oracle.day(joined)
            out["tenure_days"] = None if day is None else (self.cutoff - day).days
            out["joined_to_first_days"] = None if day is None else (first - day).days
        out |= self._like("cohort", lambda who: f"{self._first(who):%Y-%m}")
        if "channel" in self.oracle.lines[0]:
            out |= self._like("first_channel", self._channel)
        return out

    def _person(self, customer: str) -> Person | None:
        """The customer's row, unless they had not joined yet."""
        for person in self.oracle.people:
            joined = person.get("joined_at")
            if person["customer_id"] == customer and (joined is None or self.oracle.day(joined) < self.cutoff):
                return person
        return None

    def _attribute(self, customer: str, name: str) -> str | None:
        person = self._person(customer)
        if person is None:
            return None
        return {"town": person["town"], "category": person["category"]}.get(name, person.get("acquisition_channel"))

    def _first(self, customer: str) -> dt.date:
        return self.oracle.purchase_days(customer, self.cutoff)[0]

    def _channel(self, customer: str) -> str | None:
        """The channel of the earliest lines with one on the first purchase day, if it is one channel."""
        lines = [
            line
            for line in self.oracle.known(self.cutoff, customer)
            if self.oracle.day(line["purchased_at"]) == self._first(customer)
            if line["channel"] is not None and line["amount"] >= 0
        ]
        earliest = min((line["purchased_at"] for line in lines), default=None)
        channels = {line["channel"] for line in lines if line["purchased_at"] == earliest}
        return channels.pop() if len(channels) == 1 else None

    def _like(self, name: str, value_of: Callable[[str], str | None]) -> dict[str, Value]:
        oracle, rows = self.oracle, []
        for who in oracle.customers():
            if oracle.purchase_days(who, self.cutoff) and (value := value_of(who)) is not None:
                rows.append((value, self.cutoff, who))
        own, covered = value_of(self.customer), self.cutoff - 90 * DAY >= oracle.history_starts
        if own is None:
            return {f"{name}_size": None, f"{name}_active_90d": None}
        shares, ninety = _Shares(oracle.population, rows), self.cutoff - 90 * DAY
        active = shares.rate(own, lambda _: True, lambda _, who: oracle.purchase_days(who, self.cutoff)[-1] >= ninety)
        size = shares.share(own, lambda _: True)
        return {f"{name}_size": float(size or 0), f"{name}_active_90d": float(active) if covered else None}


class _Engagement:
    """What a customer did beside buying."""

    def __init__(self, oracle: FullOracle, customer: str, cutoff: dt.date) -> None:
        self.oracle, self.customer, self.cutoff, self.shape = oracle, customer, cutoff, oracle.shape
        self.events = [
            event
            for event in oracle.events
            if event["customer_id"] == customer and event["kind"] in oracle.shape.kinds
            if oracle.shape.company_events or event["initiated_by"] == "customer"
            if _happened(oracle, event["occurred_at"], event["known_at"], cutoff)
        ]

    def features(self) -> dict[str, Value]:
        out: dict[str, Value] = {}
        kinds = self.shape.kinds
        for kind in kinds:
            out |= {f"events_{kind}_{name}": value for name, value in self._kind(kind).items()}
        if kinds:
            out |= self._channels()
        for kind, name in (("complaint", "complaints"), ("support", "support")):
            if kind in kinds and f"{kind}_resolved" in kinds:
                opened, resolved = len(self._of(kind)), len(self._of(f"{kind}_resolved"))
                out[f"{name}_open"] = max(opened - resolved, 0)
                out[f"{name}_resolved_share"] = ratio(min(opened, resolved), opened)
        if "points_earned" in kinds:
            out |= self._points()
        if "survey" in kinds:
            out |= self._survey()
        if "email_open" in kinds and "email_click" in kinds:
            clicks, opens = self._count(self._of("email_click"), 90), self._count(self._of("email_open"), 90)
            out["clicks_per_open_90d"] = ratio(clicks, opens)
        return out

    def _of(self, *kinds: str) -> list[Event]:
        return [event for event in self.events if event["kind"] in kinds]

    def _ago(self, event: Event) -> int:
        return (self.cutoff - self.oracle.day(event["occurred_at"])).days

    def _count(self, events: Iterable[Event], older: int, newer: int = 0) -> int | None:
        """Events less than (or as) many days ago as `older` and more than `newer`; None where not covered."""
        if self.cutoff - older * DAY < self.oracle.events_start:
            return None
        return sum(newer < self._ago(event) <= older for event in events)

    def _kind(self, kind: str) -> dict[str, Value]:
        events = self._of(kind)
        purchases, _ = self.oracle.judged(self.oracle.known(self.cutoff, self.customer))
        last, last_month = self._count(events, 90), self._count(events, 30)
        bought = sum((self.cutoff - p.day).days <= 90 for p in purchases)
        both = self._count(events, 60)
        return {
            "ever": len(events),
            "30d": last_month,
            "90d": last,
            "trend_30d": ratio(last_month, both),
            "decayed": sum(self._weight(event) for event in events),
            "days_since": _since(self.oracle, (e["occurred_at"] for e in events), self.cutoff),
            "of_activity_90d": None if last is None else ratio(last, last + bought),
        }

    def _weight(self, event: Event) -> float:
        """Half as much for every month of thirty days, taken in its middle; nothing after twelve of them."""
        months_ago = (self._ago(event) - 1) // 30
        return 0.0 if months_ago >= 12 else 2.0 ** -(months_ago + 0.5)

    def _channels(self) -> dict[str, Value]:
        out: dict[str, Value] = {}
        for days in (30, 90):
            for channel in self.shape.channels:
                through = [event for event in self.events if event["channel"] == channel]
                share = ratio(self._count(through, days), self._count(self.events, days))
                out[f"channel_{channel}_share_{days}d"] = share
        return out

    def _survey(self) -> dict[str, Value]:
        scores = [(self._ago(e), v) for e in self._of("survey") if (v := e["value"]) is not None]
        newest = min((ago for ago, _ in scores), default=0)
        last = [score for ago, score in scores if ago == newest]
        return {
            "survey_score_mean": _mean([score for _, score in scores]),
            "survey_score_last": _mean(last),
        }

    def _points(self) -> dict[str, Value]:
        days, known = self.shape.points_expire_days, "points_expired" in self.shape.kinds
        lots = self._lots(None if known else days)
        balance = sum(lots.values(), Decimal(0))
        if days is None:
            return {"points_balance": balance}
        near = sum((left for day, left in lots.items() if (self.cutoff - day).days > days - 30), Decimal(0))
        return {
            "points_balance": balance,
            "points_near_expiry": near,
            "points_near_expiry_share": ratio(near, balance),
        }

    def _lots(self, expire_days: int | None) -> dict[dt.date, Decimal]:
        """Points left by the day on which they were earned, kept like a purse, day after day."""
        events = self._of("points_earned", "points_spent", "points_expired")
        lots: dict[dt.date, Decimal] = {}
        debt = Decimal(0)
        day = min((self.oracle.day(e["occurred_at"]) for e in events), default=self.cutoff)
        while True:
            if expire_days is not None:
                lots = {earned: left for earned, left in lots.items() if (day - earned).days <= expire_days}
            if day == self.cutoff:
                return lots
            for event in events:
                if self.oracle.day(event["occurred_at"]) == day:
                    value = event["value"] or Decimal(0)
                    if event["kind"] == "points_earned" and value > 0:
                        lots[day] = lots.get(day, Decimal(0)) + value
                    else:
                        debt += abs(value)
            for earned in sorted(lots):
                taken = min(lots[earned], debt)
                lots[earned], debt = lots[earned] - taken, debt - taken
            day += DAY


def _mean(values: Sequence[Decimal]) -> Value:
    return Fraction(sum(values, Decimal(0))) / len(values) if values else None


def _offers(oracle: FullOracle, customer: str, cutoff: dt.date) -> dict[str, Value]:
    if not oracle.shape.offers:
        return {}
    own = [o for o in oracle.offers if o["customer_id"] == customer]
    got = [o["offered_at"] for o in own if _happened(oracle, o["offered_at"], o["known_at"], cutoff)]
    used = [at for o in own if (at := o["redeemed_at"]) is not None and _happened(oracle, at, o["known_at"], cutoff)]
    out: dict[str, Value] = {
        "offers_received": len(got),
        "offers_redeemed": len(used),
        "offers_redeemed_share": ratio(len(used), len(got)),
        "offer_days_since": _since(oracle, got, cutoff),
        "redeemed_days_since": _since(oracle, used, cutoff),
    }
    for days in (90, 180):
        covered = cutoff - days * DAY >= oracle.history_starts
        for name, instants in (("received", got), ("redeemed", used)):
            n = sum((cutoff - oracle.day(at)).days <= days for at in instants)
            out[f"offers_{name}_{days}d"] = n if covered else None
    bought, _ = oracle.judged(oracle.known(cutoff, customer))
    orders = sum((cutoff - p.day).days <= 180 for p in bought)
    out["redeemed_per_order_180d"] = ratio(out["offers_redeemed_180d"], orders)
    return out


def _season(shape: Shape, cutoff: dt.date) -> dict[str, Value]:
    angle = 2 * math.pi * ((cutoff - EPOCH).days / 365.2425)
    out: dict[str, Value] = {"season_sin": math.sin(angle), "season_cos": math.cos(angle)}
    if shape.holidays:
        ahead = [(EPOCH + day * DAY - cutoff).days for day in shape.holidays]
        out["days_to_holiday"] = min((days for days in ahead if 0 <= days <= 366), default=None)
    return out
