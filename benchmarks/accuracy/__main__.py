"""`make bench-accuracy`: who falls silent, and what each brings, on later time: this project, the classics, and others.

In: which sets, which peers, how many trials. Out: on the screen, and as Markdown and JSON if files are named: a row per
data set and origin, the means against the better classic in hindsight and against the plain panel, the same for value,
with the goals that are missed, what could not be had and why, and what everything cost. Each set runs in a process of
its own, two at a time unless told otherwise.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from ..run import Cost, module, say
from . import figures, tables, worth
from .peers import PEERS, asked, python_of
from .sets import SETS


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line's options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS), help="only these")
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS), help="only these, or none")
    parser.add_argument("--trials", type=int, help="trials of every study; default: the configuration's own")
    parser.add_argument("--threads", type=int, default=1, help="threads of XGBoost and of the panel (default 1)")
    parser.add_argument("--shops", type=int, help="at most so many shops where a set has several")
    parser.add_argument("--peer-seconds", type=int, default=120, help="CPU seconds of a peer on a set (default 120)")
    parser.add_argument("--jobs", type=int, default=2, help="sets judged at a time (default 2)")
    parser.add_argument("--folder", type=Path, help="where temporary files go; the system's folder by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables")
    return parser.parse_args(given)


def judged(name: str, folder: Path, pythons: dict[str, Path], options: argparse.Namespace) -> dict[str, Any]:
    """One set: our own backtest, then the peers on the same rows."""
    wanted = {"--trials": options.trials, "--threads": options.threads, "--shops": options.shops}
    given = [str(part) for key, value in wanted.items() if value is not None for part in (key, value)]
    exchange = ["--exchange"] if pythons else []
    costs: dict[str, Cost] = {"regulars": json.loads(module("accuracy.ours", name, folder, *given, *exchange))}
    say(f"{name}: {costs['regulars']['cpu_s']:.0f} s of CPU, {costs['regulars']['peak_mb']:.0f} MB")
    worlds = sorted(job.parent for job in (folder / "found").glob("*/job.json"))
    notes = []
    for peer, python in pythons.items() if worlds else ():
        costs[peer], words = asked(PEERS[peer], python, worlds, options.peer_seconds)
        notes += [words] if words else []
        say(f"{name}: {peer}: {costs[peer]['cpu_s']:.0f} s of CPU {words}")
    rows = figures.rows_of(name, SETS[name], folder / "found")
    notes = [*figures.refusals(folder / "found"), *notes]
    value = worth.rows_of(name, SETS[name], folder / "found")
    return {"rows": rows, "value": value, "costs": costs, "notes": notes, "grades": _grades(folder / "found")}


def _grades(folder: Path) -> list[dict[str, Any]]:
    """What the backtest of each world says of its churn model, where it grades it."""
    found = [json.loads(p.read_text(encoding="utf-8")) for p in sorted(folder.glob("*/figures.json"))]
    return [f["grade"]["churn"] for f in found if "grade" in f]


def markdown(found: dict[str, dict[str, Any]], summary: figures.Row, missing: list[str]) -> str:
    """All tables and notes."""
    rows = [r for one in found.values() for r in one["rows"]]
    single = {name: one["grades"][0] for name, one in found.items() if len(one["grades"]) == 1}
    notes = [f"- {why}" for why in missing]
    notes += [f"- {name}: {note}" for name, one in found.items() for note in one["notes"]]
    costs = {name: one["costs"] for name, one in found.items()}
    value = [r for one in found.values() for r in one["value"]]
    parts = [tables.of_rows(rows), tables.of_summary(summary), tables.of_value_rows(value)]
    parts += [tables.of_value_summary(worth.summary_of(value)), tables.of_grades(single), "\n".join(notes)]
    return "\n\n".join(part for part in (*parts, tables.of_costs(costs)) if part)


def written(found: dict[str, dict[str, Any]], missing: list[str], options: argparse.Namespace) -> str:
    """The tables of the sets so far, also into the files that were named."""
    summary = figures.summary_of([r for one in found.values() for r in one["rows"]])
    text = markdown(found, summary, missing)
    if options.markdown:
        options.markdown.write_text(text + "\n", encoding="utf-8")
    if options.json:
        value = worth.summary_of([r for one in found.values() for r in one["value"]])
        content = {"trials": options.trials, "summary": summary, "value": value, "missing": missing, "sets": found}
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return text


def main(given: list[str] | None = None) -> None:
    """Judge set by set, print, write."""
    options, text = arguments(given), ""
    installed = {peer: python_of(PEERS[peer]) for peer in options.peers}
    pythons = {peer: python for peer, (python, _) in installed.items() if python}
    missing = [why for _, why in installed.values() if why]
    done: dict[str, dict[str, Any]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="regulars-accuracy-", dir=options.folder) as folder,
        ThreadPoolExecutor(options.jobs) as pool,
    ):
        waiting = {pool.submit(judged, name, Path(folder) / name, pythons, options): name for name in options.sets}
        for future in as_completed(waiting):
            done[waiting[future]] = future.result()
            shutil.rmtree(Path(folder) / waiting[future])
            # After every set, so that a run that is stopped has told what it knows.
            text = written({name: done[name] for name in options.sets if name in done}, missing, options)
    print(text)


if __name__ == "__main__":
    # A kill ends as an error does, so that the temporary files go.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    main()
