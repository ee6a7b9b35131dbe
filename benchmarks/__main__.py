"""`make bench`: 25 reference features of synthetic purchases, in Regulars, pandas and DuckDB, side by side in one run.

In: how many order lines and cutoffs. Out: a table of medians on the screen, everything as JSON if a file is named.
Each way runs in a process of its own, in turn; the first round's results must agree before anything is compared. Exit
code 1, and what differs, when they do not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from .job import NAMES
from .measure import WAYS

ROOT = Path(__file__).resolve().parents[1]
SHOWN = {
    "regulars": "Regulars",
    "pandas": "pandas, cutoff by cutoff",
    "duckdb": "DuckDB, one SQL statement",
    "catalogue": "Regulars, whole catalogue",
}
COMPARED = [way for way in WAYS if way != "catalogue"]

Costs = dict[str, list[dict[str, float]]]


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.split("\n\n")[0] if __doc__ else ""
    )
    parser.add_argument("--lines", type=int, default=1_000_000, help="order lines (default 1,000,000)")
    parser.add_argument("--cutoffs", type=int, default=12, help="cutoffs over two years (default 12)")
    parser.add_argument("--only", nargs="+", choices=list(WAYS), default=list(WAYS), help="only these ways")
    parser.add_argument("--repeats", type=int, default=3, help="rounds; medians are shown (default 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every round")
    options = parser.parse_args(given)
    if min(options.lines, options.cutoffs, options.repeats) < 1:
        parser.error("--lines, --cutoffs and --repeats are at least 1")
    return options


def module(name: str, *given: object) -> str:
    """What a module of this folder prints, run in a process of its own; `SystemExit` when it fails."""
    # This process stays small and loads no data: a child's peak memory begins with its parent's on Linux.
    command = [sys.executable, "-m", f"benchmarks.{name}", *map(str, given)]
    done = subprocess.run(command, cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE)
    if done.returncode:
        raise SystemExit(f"{done.stdout}benchmarks.{name} failed: {' '.join(map(str, given))}")
    return done.stdout


def say(text: str) -> None:
    """Progress, aside from the table."""
    print(text, file=sys.stderr, flush=True)


def rounds(folder: Path, ways: list[str], repeats: int) -> Costs:
    """What every way costs in every round; `SystemExit` when the first round's features disagree."""
    costs: Costs = {way: [] for way in ways}
    files = {way: folder / f"{way}.parquet" for way in ways if way in COMPARED}
    for turn in range(repeats):
        for way in ways:
            wanted = [files[way]] if turn == 0 and way in files else []
            spent = json.loads(module("measure", way, folder, *wanted))
            costs[way].append(spent)
            say(f"round {turn + 1} of {repeats}: {SHOWN[way]}: {spent['wall_s']:.1f} s")
        if turn == 0 and len(files) > 1:
            module("agreement", *files.values())
            say(f"all {len(NAMES)} features agree in all rows")
    return costs


def table(costs: Costs) -> str:
    """Medians, a line a way, with ratios to Regulars (or to the first way, without it)."""
    medians = {
        way: {figure: statistics.median(turn[figure] for turn in turns) for figure in turns[0]}
        for way, turns in costs.items()
    }
    base = medians.get("regulars", next(iter(medians.values())))
    lines = [f"{'':27}{'features':>9}{'wall s':>9}{'x':>7}{'CPU s':>9}{'x':>7}{'peak MB':>9}{'x':>7}"]
    for way, m in medians.items():
        columns = f"{SHOWN[way]:27}{m['features']:9.0f}"
        for figure, digits in (("wall_s", 2), ("cpu_s", 2), ("peak_mb", 0)):
            columns += f"{m[figure]:9.{digits}f}{m[figure] / base[figure]:7.2f}"
        lines.append(columns)
    return "\n".join(lines)


def main() -> None:
    """Prepare, measure, compare, print."""
    options = arguments()
    ways = [way for way in WAYS if way in options.only]
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as name:
        folder = Path(name)
        say(f"writing {options.lines:,} purchases and building their ledger")
        module("purchases", folder, options.lines, options.cutoffs)
        costs = rounds(folder, ways, options.repeats)
    rows = next(iter(costs.values()))[0]["rows"]
    packages = ", ".join(f"{package} {version(package)}" for package in ("numpy", "pandas", "duckdb", "pyarrow"))
    machine = f"{os.cpu_count()} processors, Python {platform.python_version()}, {packages}"
    print(f"{options.lines:,} purchase lines x {options.cutoffs} cutoffs -> {rows:,.0f} rows")
    print(f"from the ledger's Parquet file to the features in memory; medians of {options.repeats}; x: times Regulars")
    print(f"{machine}\n\n{table(costs)}")
    if options.json:
        content = {"lines": options.lines, "cutoffs": options.cutoffs, "machine": machine, "ways": costs}
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
