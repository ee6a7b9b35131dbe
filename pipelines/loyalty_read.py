"""What a programme reads off a ledger: purchases, events of points, who joined; block by block of customers.

In: a ledger and a `Programme`. Out: `Members` and the sums of the months. Customers who never bought but have points,
or joined, lie between those who bought: each block takes the ids from its first buyer to the next block's first.
Rows that became known on the day or later do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff
from ..config import Config
from ..engines.local import LINES, reader, shards_of
from ..features.family import plan_for
from ..features.history import Beside, History
from ..features.lines import Lines, instants_of
from ..features.points import EXPIRED, KINDS
from ..features.shape import Shape
from ..features.track import Int64
from ..intake import Ledger
from ..kpis.periods import Periods
from ..loyalty.bought import Bought, bought_by
from ..loyalty.cells import SPENT, Cells, points_reckoned, points_told, purchases_of
from ..loyalty.fifo import Balances, balances, with_expiries
from ..loyalty.ladder import Ladder, ladder
from ..loyalty.members import Members, stacked
from ..loyalty.months import Months
from ..loyalty.programme import Programme, Source

Progress = Callable[[str, float], None]
_EVENT_COLUMNS = ("customer_id", "occurred_at", "kind", "value", "known_at")


def programme_of(ledger: Ledger, config: Config, day: Cutoff) -> Programme:
    """The rules of a configuration, and what a ledger tells of points."""
    rules, told = config.loyalty, _kinds_told(ledger)
    source: Source = "events" if told else ("purchases" if rules.points_per_unit is not None else "")
    known = (ledger.history_starts, day)
    if source == "events":
        about = ledger.manifest.tables["events"]
        known = (Cutoff.parse(about.first_day), min(day, Cutoff.parse(about.last_day).plus(1)))
    if rules.starts is not None:
        starts = Cutoff.parse(rules.starts)
        # A log that is said to begin with the programme is whole from there on, whenever its first event was.
        known = (starts if source == "events" else max(starts, known[0]), known[1])
    return Programme(
        rules=rules,
        day=day,
        horizon_days=config.target.primary,
        currency=config.data.currency,
        source=source,
        expire_days=rules.expire_days or config.features.points_expire_days,
        expiry_told=EXPIRED in told,
        data_start=ledger.history_starts,
        points_known=known,
    )


def _kinds_told(ledger: Ledger) -> tuple[str, ...]:
    """The kinds of events of points that a ledger has with a number, be it of one event."""
    about = ledger.manifest.tables["events"] if ledger.has_table("events") else None
    if about is None or "value" not in about.columns or not any(kind.name in KINDS for kind in about.kinds):
        return ()
    rows = ledger.rows_of("events", columns=["kind", "value"])
    there = set(pc.unique(rows["kind"].filter(rows["value"].is_valid())).to_pylist())
    return tuple(name for name in KINDS if name in there)


@dataclass
class Log:
    """What stands out in the events of points, whenever they were.

    Parameters
    ----------
    untold : int
        Events without a number of points.
    spent_up, spent_down : int
        Events of spent points with a number above, and below, 0.
    """

    untold: int = 0
    spent_up: int = 0
    spent_down: int = 0

    def add(self, events: pa.Table) -> None:
        """Count the events of a block."""
        spent = events.filter(pc.equal(events["kind"].cast(pa.string()), SPENT))["value"]
        self.untold += events["value"].null_count
        self.spent_up += pc.sum(pc.greater(spent, 0)).as_py() or 0
        self.spent_down += pc.sum(pc.less(spent, 0)).as_py() or 0


def members_of(
    ledger: Ledger, programme: Programme, progress: Progress | None = None
) -> tuple[Members, Months | None, Log]:  # fmt: skip
    """Everybody who bought, joined or has points, as of the day; the sums of the months, where points are known."""
    first, until = programme.points_known
    months = Months(Periods.of(first, until, "month")) if programme.source and first < until else None
    parts, log = list[_Part](), Log()
    for block, done in _blocks(ledger, programme):
        parts.append(_part(block, programme, ledger, months))
        if block.events is not None:
            log.add(block.events)
        if progress:
            progress("members", done)
    has_points, grace = bool(programme.source), _grace(programme)
    found = Members(
        programme,
        np.concatenate([part.ids for part in parts]).astype(str),
        np.concatenate([part.joined for part in parts]),
        stacked([part.bought for part in parts]),
        stacked([part.points for part in parts if part.points is not None]) if has_points else None,
        stacked([part.ladder for part in parts if part.ladder is not None]) if grace is not None else None,
    )
    return found, months, log


def _grace(programme: Programme) -> int | None:
    """The grace period of tiers; None where there are none to be told."""
    if not programme.rules.tiers or (programme.rules.tier_by == "points" and not programme.source):
        return None
    return programme.grace()


@dataclass(frozen=True, eq=False)
class _Block:
    """Customers in order of their ids: their purchases, events of points, and when they joined (-1: not known)."""

    ids: NDArray[np.object_]
    history: History
    events: pa.Table | None
    joined: Int64


@dataclass(frozen=True, eq=False)
class _Part:
    """What is kept of a block."""

    ids: NDArray[np.object_]
    joined: Int64
    bought: Bought
    points: Balances | None
    ladder: Ladder | None


def _blocks(ledger: Ledger, programme: Programme) -> Iterator[tuple[_Block, float]]:
    """All customers in order, block by block, with the share that is done."""
    plan, cuts = plan_for(Shape()), ledger.blocks(LINES)
    read = reader(ledger, plan)
    begins: list[str | None] = [None, *(cut.first_customer for cut in cuts[1:])]
    ends = [*begins[1:], None]
    shards = shards_of(ledger, plan, lines=LINES) if cuts else iter([None])
    for number, (shard, begin, end) in enumerate(zip(shards, begins, ends, strict=True)):
        history = _empty(ledger) if shard is None else read(shard)
        yield _block(ledger, programme, history.known_before(programme.day), begin, end), (number + 1) / len(begins)


def _empty(ledger: Ledger) -> History:
    return History(Lines.empty(()), ledger.rules, ledger.history_starts, Beside.none(0, Shape()))


def _block(ledger: Ledger, programme: Programme, history: History, begin: str | None, end: str | None) -> _Block:
    events, people = None, None
    if programme.source == "events":
        has = ledger.manifest.tables["events"].columns
        names = [name for name in _EVENT_COLUMNS if name in has or name in _EVENT_COLUMNS[:3]]
        events = _before(ledger.rows_of("events", begin, end, names), end)
        events = events.filter(pc.is_in(events["kind"], pa.array(KINDS)))
    if ledger.has_table("customers") and "joined_at" in ledger.manifest.tables["customers"].columns:
        people = _before(ledger.rows_of("customers", begin, end, ["customer_id", "joined_at"]), end)
        people = people.filter(people["joined_at"].is_valid())
    named = [np.asarray(history.lines.customer_ids, object)]
    named += [np.asarray(t["customer_id"].unique().to_pylist(), object) for t in (events, people) if t is not None]
    ids = np.array(sorted(set(np.concatenate(named).tolist())), object)
    joined = np.full(len(ids), -1, np.int64)
    if people is not None and people.num_rows:
        when = ledger.zone.local_day(instants_of(people["joined_at"]))
        joined[_places(people["customer_id"], ids)] = np.where(when < programme.day.day, when, -1)
    return _Block(ids, history, events, joined)


def _before(rows: pa.Table, end: str | None) -> pa.Table:
    """Without the first customer of the next block."""
    return rows if end is None else rows.filter(pc.less(rows["customer_id"].cast(pa.string()), end))


def _places(ids: pa.ChunkedArray, among: NDArray[np.object_]) -> Int64:
    """Where each id stands among those of the block."""
    found = pc.index_in(ids.cast(pa.string()), pa.array(among, pa.string()))
    return np.asarray(found.to_numpy(), np.int64)


def _part(block: _Block, programme: Programme, ledger: Ledger, months: Months | None) -> _Part:
    day, n = programme.day, len(block.ids)
    at = np.searchsorted(block.ids, np.asarray(block.history.lines.customer_ids, object))
    cells = purchases_of(block.history, at, n, day, programme.minimum_spend, programme.stamps_from)
    points = _points(block, cells, programme, ledger)
    if points is not None and months is not None:
        months.add(points)
    held = None if points is None else balances(points, programme.expire_days, day)
    return _Part(block.ids, block.joined, bought_by(cells, day), held, _ladder(points, cells, programme))


def _points(block: _Block, cells: Cells, programme: Programme, ledger: Ledger) -> Cells | None:
    if block.events is not None:
        place = _places(block.events["customer_id"], block.ids)
        points = points_told(block.events, place, len(block.ids), ledger.zone, programme.day, programme.starts)
    elif programme.source == "purchases":
        points = points_reckoned(cells, programme.rate, programme.starts)
    else:
        return None
    if programme.expire_days is None or programme.expiry_told:
        return points
    return with_expiries(points, programme.expire_days, programme.day)


def _ladder(points: Cells | None, cells: Cells, programme: Programme) -> Ladder | None:
    grace = _grace(programme)
    if grace is None:
        return None
    track, measure = (points, "net") if programme.rules.tier_by == "points" else (cells, "spend")
    if track is None:
        return None
    if measure == "spend" and programme.starts is not None:
        since = cells.day >= programme.starts.day
        track = Cells(
            cells.n_customers, cells.customer[since], cells.day[since], {"spend": cells.values("spend")[since]}
        )
    return ladder(track, measure, programme.limits, programme.day, grace, programme.rules.grace_days)
