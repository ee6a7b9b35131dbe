"""What is read off a ledger for relations: purchases with what was earned, what was done for customers, who they are.

In: a ledger, its configuration, a day, a period. Out: `Dealings`. Rows that became known on the day or later do not
count. Customers without a line lie between those who have one: each block takes the ids from its first buyer to the
next block's first. Columns that are declared sensitive are never read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff
from ..config import Config
from ..engines.local import LINES, reader, shards_of
from ..features.family import Plan, plan_for
from ..features.history import History
from ..features.lines import instants_of, units_of
from ..features.shape import Shape
from ..intake import Ledger
from ..offers.past import Past
from ..relations.dealings import NEVER, UNKNOWN_REFERRER, Bought, Dealings, Foreseen, Heard, Int64, People, Served
from ..relations.served import READ, Asked, Prices, served
from ..schema import INSTANT, SCALE
from .campaign.book import Decisions
from .published import PROSPECTS, Run

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str, float], None]
Ids = NDArray[np.object_]
_OFFERS = ("customer_id", "offered_at", "channel", "known_at")
_PEOPLE = ("customer_id", "joined_at", "acquisition_channel", "acquisition_cost", "referred_by")


@dataclass(frozen=True)
class Earned:
    """How what is earned of a line is known.

    Parameters
    ----------
    share : float
        Of the money of a line without a cost of its own.
    costs : bool
        Whether lines have costs of their own.
    """

    share: float
    costs: bool


def dealings_of(
    ledger: Ledger,
    config: Config,
    asked: Asked,
    earned: Earned,
    run: Run | None,
    progress: Progress | None = None,
) -> Dealings:
    """Everything between the company and its customers, as of a day.

    Parameters
    ----------
    asked : Asked
        The day, the period, what one of something costs.
    run : Run or None
        The scores of the day.
    """
    people = _people_known(ledger, asked.day)
    given = _given(ledger, config, asked.day)
    parts: list[tuple[Ids, Bought, Served, Heard]] = []
    so_far = 0
    for block, done in _blocks(ledger, people, given, asked.day):
        own, heard = served(block.ids.tolist(), asked, block.events, block.offers, block.past(ledger))
        parts.append((block.ids, _bought(block, earned, so_far), own, heard))
        so_far += len(block.ids)
        if progress:
            progress("relations", done)
    ids = np.concatenate([part[0] for part in parts])
    return Dealings(
        day=asked.day,
        begins=asked.begins,
        starts=ledger.history_starts,
        horizon_days=config.target.primary if run is None else int(run.facts["horizon_days"]),
        currency=config.data.currency,
        ids=ids,
        bought=Bought.together([part[1] for part in parts]),
        served=Served.together([part[2] for part in parts]),
        heard=Heard.together([part[3] for part in parts]),
        people=_people(people, ids, ledger),
        foreseen=None if run is None else _foreseen(run, ids, earned.share),
    )


@dataclass(frozen=True, eq=False)
class _Block:
    """Customers in order of their ids, with all that is known of them before the day."""

    ids: Ids
    history: History
    line_costs: NDArray[np.bool_] | None
    events: pa.Table | None
    offers: pa.Table | None
    given: pa.Table
    day: Cutoff

    def past(self, ledger: Ledger) -> Past:
        """What campaigns gave them."""
        return Past.of(self.given, self.ids.tolist(), ledger.zone)


def _blocks(
    ledger: Ledger, people: pa.Table | None, given: pa.Table, day: Cutoff
) -> Iterator[tuple[_Block, float]]:  # fmt: skip
    """All customers in order, block by block, with the share that is done."""
    plan, cuts = _plan(ledger), ledger.blocks(LINES)
    read = reader(ledger, plan)
    begins: list[str | None] = [None, *(cut.first_customer for cut in cuts[1:])]
    ends = [*begins[1:], None]
    for number, (shard, begin, end) in enumerate(zip(shards_of(ledger, plan, lines=LINES), begins, ends, strict=True)):
        history = read(shard).known_before(day)
        tables = [_known(ledger, name, day, begin, end) for name in ("events", "offers")]
        own = _between(given, begin, end)
        named = [_with_lines(history, day), *(_names(t) for t in (*tables, own) if t is not None)]
        named += [_names(_between(people, begin, end))] if people is not None else []
        ids = np.array(sorted(set(np.concatenate(named).tolist())), object)
        block = _Block(ids, history, _with_cost(shard, ledger, day), tables[0], tables[1], own, day)
        yield block, (number + 1) / len(begins)


def _given(ledger: Ledger, config: Config, day: Cutoff) -> pa.Table:
    """What campaigns had sent before the day, in order of ids; not what was only meant, nor what waits to be sent."""
    table = Decisions.of(config).past(day, ledger.zone).sort_by("customer_id")
    limit = pa.scalar(day.instant(ledger.zone), pa.int64()).cast(INSTANT)
    sent = pc.fill_null(pc.less(table["send_at"], limit), True)
    return table.filter(pc.and_(sent, pc.invert(table["ghost"])))


def _plan(ledger: Ledger) -> Plan:
    plan = plan_for(Shape())
    further = [name for name in ("discount", "cost") if name in ledger.columns]
    return replace(plan, columns=tuple(dict.fromkeys((*plan.columns, *further))))


def _with_cost(shard: pa.Table, ledger: Ledger, day: Cutoff) -> NDArray[np.bool_] | None:
    """Which lines that were known before the day say what they cost; None where no line does."""
    if "cost" not in shard.column_names:
        return None
    valid = np.asarray(shard["cost"].is_valid())
    if "known_at" not in shard.column_names:
        return valid
    return np.asarray(valid[instants_of(shard["known_at"]) < day.instant(ledger.zone)])


def _with_lines(history: History, day: Cutoff) -> Ids:
    there = np.unique(history.customer[history.day < day.day])
    return np.asarray(history.lines.customer_ids, object)[there]


def _known(ledger: Ledger, table: str, day: Cutoff, begin: str | None, end: str | None) -> pa.Table | None:
    """The rows of a table that happened and were known before the day, of a block's customers."""
    if not ledger.has_table(table):
        return None
    has = ledger.manifest.tables[table].columns
    names, time = (READ, "occurred_at") if table == "events" else (_OFFERS, "offered_at")
    required = names[:4] if table == "events" else names[:2]
    rows = ledger.rows_of(table, begin, end, [name for name in names if name in has or name in required])
    if end is not None:
        rows = rows.filter(pc.less(rows["customer_id"].cast(pa.string()), end))
    limit = pa.scalar(day.instant(ledger.zone), pa.int64()).cast(INSTANT)
    rows = rows.filter(pc.less(rows[time], limit))
    if "known_at" in rows.column_names:
        rows = rows.filter(pc.fill_null(pc.less(rows["known_at"], limit), True))
    return rows


def _between(table: pa.Table, begin: str | None, end: str | None) -> pa.Table:
    """The rows of a block's customers, of a table in order of its ids."""
    if begin is not None:
        table = table.filter(pc.greater_equal(table["customer_id"], begin))
    return table if end is None else table.filter(pc.less(table["customer_id"], end))


def _names(table: pa.Table) -> Ids:
    return np.asarray(table["customer_id"].cast(pa.string()).unique().to_pylist(), object)


def _bought(block: _Block, earned: Earned, so_far: int) -> Bought:
    """The cells of a block; customers are counted on from those of the blocks before."""
    history = block.history
    money, here = history.lines.money, history.day < block.day.day
    amount, nothing = money["amount"], np.zeros(history.lines.n_lines, np.int64)
    own = nothing.astype(bool) if block.line_costs is None else block.line_costs
    margin = history.daily(np.where(own, amount - money.get("cost", nothing), 0))
    margin = margin + np.rint(earned.share * history.daily(np.where(own, 0, amount))).astype(np.int64)
    discount = np.where(amount >= 0, np.maximum(money.get("discount", nothing), 0), 0)
    place = np.searchsorted(block.ids, np.asarray(history.lines.customer_ids, object))
    return Bought(
        place[history.customer[here]] + so_far,
        history.day[here],
        history.values("purchase")[here],
        history.values("return")[here],
        history.daily(amount)[here],
        margin[here],
        history.daily(discount)[here],
    )


def _people_known(ledger: Ledger, day: Cutoff) -> pa.Table | None:
    """The rows of the table of customers who had joined before the day, or of whom that is not known."""
    if not ledger.has_table("customers"):
        return None
    has = ledger.manifest.tables["customers"].columns
    table = ledger.rows_of("customers", columns=[name for name in _PEOPLE if name in has or name == "customer_id"])
    if "joined_at" not in table.column_names:
        return table
    limit = pa.scalar(day.instant(ledger.zone), pa.int64()).cast(INSTANT)
    return table.filter(pc.fill_null(pc.less(table["joined_at"], limit), True))


def _people(table: pa.Table | None, ids: Ids, ledger: Ledger) -> People:
    found = People.nobody(len(ids))
    if table is None or not table.num_rows:
        return found
    at = _places(table["customer_id"], ids)
    found.there[at] = True
    joined, channel, cost = found.joined.copy(), found.channel, found.cost
    known = found.there.copy() & False
    referrer = np.full(len(ids), NEVER, np.int64)
    if "joined_at" in table.column_names:
        when = ledger.zone.local_day(instants_of(table["joined_at"].fill_null(0)))
        joined[at] = np.where(np.asarray(table["joined_at"].is_valid()), when, NEVER)
    if "acquisition_channel" in table.column_names:
        channel[at] = np.array([text or "" for text in table["acquisition_channel"].to_pylist()], object)
    if "acquisition_cost" in table.column_names:
        known[at] = np.asarray(table["acquisition_cost"].is_valid())
        cost[at] = units_of(table["acquisition_cost"])
    if "referred_by" in table.column_names:
        told = _places(table["referred_by"], ids)
        somebody = np.asarray(table["referred_by"].is_valid())
        referrer[at] = np.where(somebody, np.where(told >= 0, told, UNKNOWN_REFERRER), NEVER)
    return People(found.there, joined, channel, cost, known, referrer)


def _places(column: pa.ChunkedArray, ids: Ids) -> Int64:
    """Where each id stands among all; -1 for who is none of them, and where there is none."""
    found = pc.index_in(column.cast(pa.string()), pa.array(ids, pa.string()), skip_nulls=True)
    return np.asarray(pc.fill_null(found, -1).to_numpy(), np.int64)


def _foreseen(run: Run, ids: Ids, share: float) -> Foreseen:
    """What the scores expect of each; of prospects, what was expected of their cohort."""
    found = Foreseen(*(np.full(len(ids), np.nan) for _ in range(3)))
    _take(found, run.frame(("customer_id", "expected_spend", "lifetime_value", "p_churn")), ids, share)
    if run.has(PROSPECTS):
        _take(found, run.frame(("customer_id", "expected_spend", "lifetime_value"), PROSPECTS), ids, share)
    return found


def _take(found: Foreseen, frame: pd.DataFrame, ids: Ids, share: float) -> None:
    at = _places(pa.chunked_array([pa.array(frame["customer_id"].tolist(), pa.string())]), ids)
    here = at >= 0
    for into, name, times in (
        (found.margin, "expected_spend", share),
        (found.lifetime, "lifetime_value", 1.0),
        (found.p_churn, "p_churn", 1.0),
    ):
        if name in frame.columns:
            into[at[here]] = frame[name].to_numpy(np.float64)[here] * times


def prices_of(ledger: Ledger, config: Config, day: Cutoff) -> Prices:
    """What one contact, complaint and return costs: as `[economics]` says, and campaigns of their channels."""
    stated, economics = config.economics.model_fields_set, config.economics

    def price(name: str) -> int | None:
        value = float(getattr(economics, name))
        return round(value * SCALE) if value or name in stated else None

    channels: dict[str, int] = {}
    for wave in Decisions.of(config).waves():
        if wave.as_of <= day:
            told = wave.policy().get("catalogue", {}).get("channels", ())
            channels |= {str(c["name"]): round(float(c["cost"]) * SCALE) for c in told if c.get("cost") is not None}
    return Prices(price("contact_cost"), price("complaint_cost"), price("return_cost"), channels)
