"""The parts of the benchmark: what is prepared, and which ways run in which order.

In: a folder, how many lines and cutoffs, how many rounds. Out: the costs of every round, as the JSON shows them.
"""

from __future__ import annotations

import json
from pathlib import Path

from .run import Cost, Costs, measured, module, rounds, say

PANEL = ("sort", "memory", "parquet", "ledger", "duckdb")
CUTOFFS = (1, 12, 36)


def prepared(folder: Path, lines: int, cutoffs: int, *more: str) -> None:
    """Purchases, their ledger and the job in a new folder."""
    folder.mkdir()
    module("purchases", folder, lines, cutoffs, *more)


def panel(folder: Path, repeats: int) -> Costs:
    """The floor, Regulars three times, the rival."""
    return rounds(folder, PANEL, repeats)


def several_cutoffs(folder: Path, repeats: int) -> Costs:
    """The stored ledger at 1, 12 and 36 cutoffs."""
    costs: Costs = {str(n): [] for n in CUTOFFS}
    for turn in range(repeats):
        for n in CUTOFFS:
            costs[str(n)].append(measured("ledger", folder, "--cutoffs", n))
            say(f"round {turn + 1} of {repeats}: {n} cutoffs: {costs[str(n)][-1]['cpu_s']:.2f} s of CPU")
    return costs


def against_pandas(folder: Path, lines: int, cutoffs: int, repeats: int) -> Costs:
    """Regulars and pandas from the same stored ledger."""
    say(f"writing {lines:,} purchases and building their ledger")
    prepared(folder, lines, cutoffs)
    return rounds(folder, ("ledger", "pandas", "pandas_lines"), repeats)


def one_customer(calls: int) -> list[Cost]:
    """One customer alone."""
    found: list[Cost] = json.loads(module("one", calls))
    return found


def families(folder: Path, lines: int, cutoffs: int, repeats: int) -> list[dict[str, float | str]]:
    """Every family of the catalogue."""
    folder.mkdir()
    say(f"every family, on {lines:,} purchases with events, offers and customers")
    found: list[dict[str, float | str]] = json.loads(module("catalogue", folder, lines, cutoffs, repeats))
    return found


def big(folder: Path, lines: int, cutoffs: int) -> Cost:
    """Many purchases to Parquet, once."""
    say(f"writing {lines:,} purchases")
    prepared(folder / "big", lines, cutoffs, "--no-ledger")
    return measured("parquet", folder / "big")
