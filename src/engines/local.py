"""The local engine: the kernel over customer shards, a few threads at a time.

In: a ledger, a plan and cutoffs. Out: one Reference for all cutoffs, one Panel. At most a few shards are in memory;
results are gathered in the ledger's order, so the number of threads changes nothing.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future as Promise
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from ..clock import Cutoff
from ..errors import DataError
from ..features.events import Events, Traits
from ..features.family import Plan
from ..features.history import Beside, History
from ..features.lines import Lines
from ..features.panel import Label, Panel, panel_block
from ..features.reference import Reference
from ..features.shape import Shape
from ..intake import Ledger

T = TypeVar("T")
S = TypeVar("S")
NEEDED = ("customer_id", "purchased_at", "order_id", "amount", "known_at")
"""Columns without which nothing can be counted; the others are read when a feature asks for them."""

Progress = Callable[[str, float], None]
"""Called with what is being done and the share done (0..1)."""


def usable_threads(asked: int | None = None) -> int:
    """As many as asked for, else the processors that this process may use.

    Examples
    --------
    >>> usable_threads(3)
    3
    """
    return asked or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (asked or os.cpu_count() or 1)


LINES = 30_000
"""Lines of a shard: few enough for the processor's caches, many enough for NumPy."""


def shards_of(
    ledger: Ledger, plan: Plan, blocks: Iterable[int] | None = None, lines: int = LINES
) -> Iterator[pa.Table]:
    """The ledger's customers in order, shard by shard, with the columns that a plan reads."""
    return ledger.shards(lines, (*NEEDED, *plan.columns), blocks, encoded=True)


def reader(ledger: Ledger, plan: Plan) -> Callable[[pa.Table], History]:
    """What makes a History of a shard: its purchases, and what stands beside them in the ledger.

    Raises
    ------
    DataError
        When the plan looks at a table that the ledger lacks.
    """
    lacking = [t for t in plan.shape.beside if not ledger.has_table(t)]
    if lacking:
        raise DataError("the ledger lacks tables that the features look at", offending=lacking, code="RG091")
    rules, starts, shape, zone = ledger.rules, ledger.history_starts, plan.shape, ledger.zone
    begins = begins_of(ledger, shape)

    def history(shard: pa.Table) -> History:
        lines = Lines.from_arrow(shard)
        beside = Beside.none(lines.n_customers, shape)
        if shape.beside and lines.n_customers:
            ids = lines.customer_ids
            rows = {t: ledger.rows_of(t, str(ids[0]), str(ids[-1])) for t in shape.beside}
            beside = Beside(
                Events.of(rows["events"], ids, shape, begins.get("events")) if "events" in rows else beside.events,
                Events.offers_of(rows["offers"], ids, begins.get("offers")) if "offers" in rows else beside.offers,
                Traits.of(rows["customers"], ids, shape, zone) if "customers" in rows else beside.traits,
            )
        return History(lines, rules, starts, beside)

    return history


def begins_of(ledger: Ledger, shape: Shape) -> dict[str, Cutoff]:
    """The first day of each table that the features of a shape look at; one without times is left out.

    A log of events may begin later than the purchases: what lies before it is not known.
    """
    return {t: Cutoff.parse(first) for t in shape.beside if (first := ledger.manifest.tables[t].first_day)}


def histories(ledger: Ledger, plan: Plan) -> Iterator[History]:
    """The ledger's customers in order, shard by shard."""
    return map(reader(ledger, plan), shards_of(ledger, plan))


def reference_of(ledger: Ledger, cutoffs: Sequence[Cutoff], plan: Plan) -> Reference:
    """The population's counts before each cutoff, and the groups that a plan asks for."""
    return Reference.of(histories(ledger, plan), cutoffs, plan.groups)


def panel_of(
    ledger: Ledger,
    plan: Plan,
    reference: Reference,
    cutoffs: Sequence[Cutoff],
    labels: Sequence[Label] = (),
    threads: int = 1,
    progress: Progress | None = None,
    trailing: Sequence[int] = (),
) -> Panel:
    """The panel of all customers; rows sorted by customer, then cutoff; open target windows marked as unknown."""
    blocks = panels_of(ledger, plan, reference, cutoffs, labels, threads, progress, trailing)
    return Panel.gathered(blocks, ledger.manifest.n_customers * len(cutoffs)).matured(ledger.ends)


def panels_of(
    ledger: Ledger,
    plan: Plan,
    reference: Reference,
    cutoffs: Sequence[Cutoff],
    labels: Sequence[Label] = (),
    threads: int = 1,
    progress: Progress | None = None,
    trailing: Sequence[int] = (),
) -> Iterator[Panel]:
    """The same shard by shard, in the ledger's order; targets are as they are found."""
    ordered = sorted(cutoffs)
    history_of, done = reader(ledger, plan), 0

    def task(shard: pa.Table) -> tuple[Panel, int]:
        return panel_block(history_of(shard), plan, reference, ordered, labels, trailing), shard.num_rows

    for block, n in mapped(task, shards_of(ledger, plan), threads):
        done += n
        if progress:
            progress("features", done / max(ledger.manifest.lines["used"], 1))
        yield block


def lines_of_one(ledger: Ledger, plan: Plan, customer: str, lines: int = LINES) -> pa.Table | None:
    """The lines of one customer, with the columns that a plan reads; None of whom the ledger does not know.

    Only the block of lines that may hold the customer is read.
    """
    for number, block in enumerate(ledger.blocks(lines)):
        if block.first_customer <= customer <= block.last_customer:
            for shard in shards_of(ledger, plan, [number], lines):
                own = shard.filter(pc.equal(shard.column("customer_id").cast(pa.string()), customer))
                if own.num_rows:
                    return own
    return None


def panel_of_one(
    ledger: Ledger, plan: Plan, reference: Reference, cutoff: Cutoff, lines: pa.Table, trailing: Sequence[int] = ()
) -> Panel:
    """The row of one customer's lines at one cutoff, as `panel_of` has it; no row without a purchase before it."""
    return panel_block(reader(ledger, plan)(lines), plan, reference, [cutoff], (), trailing)


def mapped(task: Callable[[S], T], source: Iterable[S], threads: int) -> Iterator[T]:
    """task(item) for each, in order, with at most two items waiting per thread."""
    if threads == 1:
        yield from map(task, source)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Promise[T]] = deque()
        for item in source:
            waiting.append(pool.submit(task, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
