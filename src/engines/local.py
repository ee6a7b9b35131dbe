"""The local engine: the kernel over customer shards, a few threads at a time.

In: a ledger and cutoffs. Out: one Reference for all cutoffs, one Panel. At most a few shards are in memory; results are
joined in the ledger's order, so the number of threads changes nothing.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future as Promise
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

from ..clock import Cutoff
from ..features.family import Plan
from ..features.history import History
from ..features.lines import Lines
from ..features.panel import Label, Panel, panel_block
from ..features.reference import Reference
from ..intake import Ledger

T = TypeVar("T")
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


def histories(ledger: Ledger, columns: Sequence[str] = ()) -> Iterator[History]:
    """The ledger's customers, shard by shard, in order, with the given optional columns."""
    made = _maker(ledger)
    return map(made, ledger.shards(columns=(*NEEDED, *columns)))


def _maker(ledger: Ledger) -> Callable[[pa.Table], History]:
    rules, starts = ledger.rules, ledger.history_starts
    return lambda shard: History(Lines.from_arrow(shard), rules, starts)


def _mapped(task: Callable[[pa.Table], T], source: Iterable[pa.Table], threads: int) -> Iterator[T]:
    """task(shard) for each, in order, with at most two shards waiting per thread."""
    if threads == 1:
        yield from map(task, source)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Promise[T]] = deque()
        for shard in source:
            waiting.append(pool.submit(task, shard))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def reference_of(ledger: Ledger, cutoffs: Sequence[Cutoff]) -> Reference:
    """The population's counts before each cutoff."""
    return Reference.of(histories(ledger), cutoffs)


def panel_of(
    ledger: Ledger,
    plan: Plan,
    reference: Reference,
    cutoffs: Sequence[Cutoff],
    labels: Sequence[Label] = (),
    threads: int = 1,
    progress: Progress | None = None,
) -> Panel:
    """The panel of all customers; rows sorted by customer, then cutoff; open target windows marked as unknown."""
    ordered = sorted(cutoffs)
    lines = max(ledger.manifest.lines["used"], 1)
    history_of, done = _maker(ledger), 0

    def task(shard: pa.Table) -> tuple[Panel, int]:
        return panel_block(history_of(shard), plan, reference, ordered, labels), shard.num_rows

    blocks = []
    for block, n in _mapped(task, ledger.shards(columns=(*NEEDED, *plan.columns)), threads):
        blocks.append(block)
        done += n
        if progress:
            progress("features", done / lines)
    return Panel.joined(blocks).matured(ledger.ends)
