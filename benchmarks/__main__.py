"""`make bench`: 80 reference features of synthetic purchases, in Regulars, DuckDB and pandas, side by side in one run.

In: how many order lines and cutoffs, and which parts. Out: tables of medians on the screen with the goals beside them,
everything as JSON if a file is named. Each way runs in a process of its own, in turn; the first round's results must
agree in all rows before anything is shown. Exit code 1, and what differs, when they do not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from . import allocate, featuretools_peer, nightly, parts, serving, tables
from .run import module, say

PARTS = {
    "panel": "from unsorted purchases to the panel, against DuckDB's SQL and its sort",
    "cutoffs": "1, 12 and 36 cutoffs from the stored ledger",
    "one": "one customer alone",
    "pandas": "pandas, cutoff by cutoff",
    "families": "every family of the catalogue",
    "intake": "from a CSV file to a ledger, against DuckDB's reading and sorting of the same file",
    "training": "a whole training on CDNOW, in units of its XGBoost fits",
    "scoring": "all scores but reasons, in units of the boosters' own predictions",
    "batch": "a whole night of scores, in units of its features and the boosters' own predictions",
    "tracking": "keeping a training of 60 trials in MLflow, and going back to the champion before",
    "serving": "the endpoint, against MLflow's own and a bare app with the same boosters",
    "allocate": "a budget and ten caps over a million customers and ten offers, against greedy ways and the bound",
}


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__.split("\n\n")[0] if __doc__ else "",
        epilog="Parts: " + "; ".join(f"{name}: {what}" for name, what in PARTS.items()) + ".",
    )
    parser.add_argument("--lines", type=int, default=1_000_000, help="order lines (default 1,000,000)")
    parser.add_argument("--cutoffs", type=int, default=12, help="cutoffs over two years (default 12)")
    parser.add_argument("--pandas-lines", type=int, default=200_000, help="order lines for pandas (default 200,000)")
    parser.add_argument("--calls", type=int, default=2_000, help="calls for one customer (default 2,000)")
    parser.add_argument("--trials", type=int, default=30, help="trials of each study of the training (default 30)")
    parser.add_argument("--customers", type=int, default=100_000, help="customers to score (default 100,000)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of load a server, size and round (default 5)")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="only these parts")
    parser.add_argument("--repeats", type=int, default=3, help="rounds; medians are shown (default 3)")
    parser.add_argument("--big", action="store_true", help="only this: 100M lines (or --lines) to Parquet, once")
    parser.add_argument("--featuretools", action="store_true", help="only this: install it apart, and compare")
    parser.add_argument(
        "--replay",
        type=float,
        metavar="SHARE",
        help="only this: Online Retail II lived again with a share of customers",
    )
    parser.add_argument("--folder", type=Path, help="where temporary files go; the system's folder by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every round")
    options = parser.parse_args(given)
    counts = (options.lines, options.cutoffs, options.repeats, options.pandas_lines, options.calls, options.trials)
    if min(*counts, options.customers) < 1:
        parser.error("numbers of lines, cutoffs, calls, trials, customers and rounds are at least 1")
    if not options.seconds > 0:
        parser.error("load lasts more than 0 seconds")
    if options.cutoffs > 64:
        parser.error("the SQL knows 64 cutoffs at most")
    if options.big and options.lines == parser.get_default("lines"):
        options.lines = 100_000_000
    return options


def chosen(options: argparse.Namespace, folder: Path) -> tuple[dict[str, object], list[str]]:
    """The figures and the tables of what was asked for."""
    lines, cutoffs, repeats = options.lines, options.cutoffs, options.repeats
    if options.big:
        big = parts.big(folder, lines, cutoffs)
        return {"big": big}, [tables.of_big(big, lines, cutoffs)]
    if options.featuretools:
        peer = featuretools_peer.compared(folder, options.pandas_lines)
        return {"featuretools": peer}, [tables.of_featuretools(peer, options.pandas_lines)]
    if options.replay:
        lived = nightly.replay(folder / "replay", options.replay)
        return {"replay": lived}, [nightly.of_replay(lived)]
    figures: dict[str, object] = {}
    shown = []
    if {"panel", "cutoffs"} & set(options.only):
        say(f"writing {lines:,} purchases and building their ledger")
        parts.prepared(folder / "panel", lines, cutoffs)
    if "panel" in options.only:
        figures["panel"] = panel = parts.panel(folder / "panel", repeats)
        shown.append(tables.of_panel(panel, lines, cutoffs))
    if "cutoffs" in options.only:
        figures["cutoffs"] = several = parts.several_cutoffs(folder / "panel", repeats)
        shown.append(tables.of_cutoffs(several, lines))
    if "pandas" in options.only:
        figures["pandas"] = against = parts.against_pandas(folder / "pandas", options.pandas_lines, cutoffs, repeats)
        shown.append(tables.of_pandas(against, options.pandas_lines, cutoffs))
    if "one" in options.only:
        figures["one"] = one = parts.one_customer(options.calls)
        shown.append(tables.of_one(one, options.calls))
    if "families" in options.only:
        figures["families"] = families = parts.families(folder / "families", options.pandas_lines, cutoffs, repeats)
        shown.append(tables.of_families(families, options.pandas_lines, cutoffs))
    if "intake" in options.only:
        figures["intake"] = intake = parts.intake(folder / "intake", lines, repeats)
        shown.append(tables.of_intake(intake, lines))
    if "training" in options.only:
        figures["training"] = training = parts.training(folder / "training", options.trials)
        shown.append(tables.of_training(training, options.trials))
    if "scoring" in options.only:
        figures["scoring"] = scoring = parts.scoring(options.customers)
        shown.append(tables.of_scoring(scoring))
    if "batch" in options.only:
        figures["batch"] = batch = nightly.batch(folder / "batch", options.customers)
        shown.append(nightly.of_batch(batch))
    if "tracking" in options.only:
        figures["tracking"] = tracking = nightly.tracking(folder / "tracking")
        shown.append(nightly.of_tracking(tracking))
    if "serving" in options.only:
        figures["serving"] = served = serving.served(folder / "serving", repeats, options.seconds)
        shown.append(serving.of_serving(served))
    if "allocate" in options.only:
        figures["allocate"] = allocated = json.loads(module("allocate"))
        shown.append(allocate.of_allocate(allocated))
    return figures, shown


def main(given: list[str] | None = None) -> None:
    """Prepare, measure, compare, print."""
    options = arguments(given)
    with tempfile.TemporaryDirectory(prefix="regulars-bench-", dir=options.folder) as name:
        figures, shown = chosen(options, Path(name))
    packages = ", ".join(f"{package} {version(package)}" for package in ("numpy", "pandas", "duckdb", "pyarrow"))
    machine = f"{os.cpu_count()} processors, Python {platform.python_version()}, {packages}"
    print("\n\n".join([machine, *shown]))
    if options.json:
        content = {"lines": options.lines, "cutoffs": options.cutoffs, "machine": machine, **figures}
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    # A kill ends as an error does, so that the temporary files go.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    main()
