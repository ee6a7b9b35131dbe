"""The parts of the benchmark: what is prepared, and which ways run in which order.

In: a folder, how many lines and cutoffs, how many rounds. Out: the costs of every round, as the JSON shows them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .run import Cost, Costs, measured, module, rounds, say, watched

PANEL = ("sort", "memory", "parquet", "ledger", "duckdb")
CUTOFFS = (1, 12, 36)
INTAKE = ("duckdb", "ledger")


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


def intake(folder: Path, lines: int, repeats: int) -> Costs:
    """A CSV file to a ledger, and DuckDB's reading and sorting of the same file, in turn."""
    folder.mkdir()
    say(f"writing a CSV file of {lines:,} purchases")
    module("intake", "write", folder, lines)
    costs: Costs = {way: [] for way in INTAKE}
    for turn in range(repeats):
        for way in INTAKE:
            costs[way].append(watched([sys.executable, "-m", "benchmarks.intake", way, str(folder)]))
            spent = costs[way][-1]
            say(f"round {turn + 1} of {repeats}: {way}: {spent['wall_s']:.2f} s, {spent['cpu_s']:.2f} s of CPU")
    if len({cost["rows"] for several in costs.values() for cost in several}) > 1:
        raise SystemExit("the ledger and DuckDB do not have the same number of lines")
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


def training(folder: Path, trials: int) -> Cost:
    """A whole training on CDNOW with three origins, once."""
    say(f"training on CDNOW with three origins and {trials} trials a study")
    return watched([sys.executable, "-m", "benchmarks.training", str(folder), "--trials", str(trials)])


def scoring(customers: int) -> Cost:
    """All scores of many customers, once."""
    say(f"training a small shop and scoring {customers:,} customers")
    return watched([sys.executable, "-m", "benchmarks.scoring", "--customers", str(customers)])


def big(folder: Path, lines: int, cutoffs: int) -> Cost:
    """Many purchases to Parquet, once."""
    say(f"writing {lines:,} purchases")
    prepared(folder / "big", lines, cutoffs, "--no-ledger")
    return measured("parquet", folder / "big")
