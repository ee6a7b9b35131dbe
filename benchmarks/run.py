"""Running modules of this folder in processes of their own, and watching their memory.

In: a module's name and arguments, or a way of `measure`. Out: what it prints. This process stays small and loads no
data. A way's memory is watched from here until it has printed its costs, so that what it does afterwards for the
comparison does not count.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .tree import Peak

ROOT = Path(__file__).resolve().parents[1]

Cost = dict[str, float]
Costs = dict[str, list[Cost]]


def say(text: str) -> None:
    """Progress, aside from the tables."""
    print(text, file=sys.stderr, flush=True)


def module(name: str, *given: object) -> str:
    """What a module of this folder prints; `SystemExit` when it fails."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *map(str, given)]
    done = subprocess.run(command, cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE)
    if done.returncode:
        raise SystemExit(f"{done.stdout}benchmarks.{name} failed: {' '.join(map(str, given))}")
    return done.stdout


def watched(command: Sequence[str]) -> Cost:
    """The costs that a command prints first, with the peak memory of all its processes until then."""
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE) as process:
        peak = Peak(process.pid)
        line = process.stdout.readline() if process.stdout else ""
        seen = peak.stop()
        rest, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{line}{rest}failed: {' '.join(command)}")
    cost: Cost = json.loads(line)
    return {**cost, "peak_mb": seen or cost["peak_mb"]}


def measured(way: str, folder: Path, *given: object) -> Cost:
    """What one way costs, once."""
    return watched([sys.executable, "-m", "benchmarks.measure", way, str(folder), *map(str, given)])


def rounds(folder: Path, ways: Sequence[str], repeats: int) -> Costs:
    """What every way costs in every round; `SystemExit` when the first round's features disagree."""
    costs: Costs = {way: [] for way in ways}
    files = {way: folder / f"{way}.parquet" for way in ways if way != "sort"}
    for turn in range(repeats):
        for way in ways:
            wanted = ["--table", files[way]] if turn == 0 and way in files else []
            costs[way].append(measured(way, folder, *wanted))
            say(f"round {turn + 1} of {repeats}: {way}: {costs[way][-1]['cpu_s']:.2f} s of CPU")
        if turn == 0:
            meant = folder / "exact.parquet"
            module("exact", folder, meant)
            module("agreement", meant, *files.values())
            say(f"{', '.join(files)}: all features agree in all rows")
            for file in (meant, *files.values()):
                file.unlink()
    return costs
