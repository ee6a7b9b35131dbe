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

from ..clock import Cutoff
from ..features.family import Plan
from ..features.history import History
from ..features.lines import Lines
from ..features.panel import Label, Panel, panel_block
from ..features.reference import Reference
from ..intake import Ledger

T = TypeVar("T")
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


def histories(ledger: Ledger) -> Iterator[History]:
    """The ledger's customers, shard by shard, in order."""
    for shard in ledger.shards():
        yield History(Lines.from_arrow(shard), ledger.rules, ledger.history_starts)


def _mapped(task: Callable[[History], T], source: Iterable[History], threads: int) -> Iterator[T]:
    """task(history) for each, in order, with at most two shards waiting per thread."""
    if threads == 1:
        yield from map(task, source)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Promise[T]] = deque()
        for history in source:
            waiting.append(pool.submit(task, history))
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
    done = 0

    def task(history: History) -> tuple[Panel, int]:
        return panel_block(history, plan, reference, ordered, labels), history.lines.n_lines

    blocks = []
    for block, n in _mapped(task, histories(ledger), threads):
        blocks.append(block)
        done += n
        if progress:
            progress("features", done / lines)
    return Panel.joined(blocks).matured(ledger.ends)
