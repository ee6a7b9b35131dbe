"""The parts of the benchmark about nightly work: the batch, keeping models, and a past lived again; and their tables.

In: a folder, how many customers, which share of them. Out: costs as the other parts give them; tables with the goals
beside the figures. A week whose window is open has dashes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from .run import Cost, module, say, watched
from .tables import WIDE

SHOWN = 4
"""So many days are named one by one."""


def batch(folder: Path, customers: int) -> dict[str, Cost]:
    """A whole run of scores, and the features alone, each once in a process of its own."""
    say(f"writing the purchases of {customers:,} customers and building their ledger")
    module("batch", "prepare", folder, customers)
    found = {}
    for way in ("panel", "score"):
        found[way] = watched([sys.executable, "-m", "benchmarks.batch", way, str(folder)])
        say(f"batch: {way}: {found[way]['cpu_s']:.2f} s of CPU")
    return found


def of_batch(found: dict[str, Cost]) -> str:
    """A night in units of what it cannot do without."""
    panel, score = found["panel"], found["score"]
    least = panel["cpu_s"] + score["boosters_s"]
    out = [
        f"a night of {score['rows']:,.0f} customers with 20 purchases each, end to end; one thread",
        f"{'':{WIDE}}{'CPU s':>8}{'x':>7}  goal",
    ]
    rows = {
        "features of all customers": (panel["cpu_s"], ""),
        "the boosters' own predictions": (score["boosters_s"], ""),
        "the whole night": (score["cpu_s"], "<= 1.5 x at 1M"),
    }
    out += [f"{name:{WIDE}}{cpu:8.2f}{cpu / least:7.2f}  {goal}".rstrip() for name, (cpu, goal) in rows.items()]
    return "\n".join([*out, f"peak memory {score['peak_mb'] / 1024:.2f} GB (goal at 1M: <= 3 GB)"])


def tracking(folder: Path) -> Cost:
    """What a store costs a training of 60 trials, and a way back, once."""
    say("training with 60 trials, and keeping it twice")
    return watched([sys.executable, "-m", "benchmarks.tracking_cost", str(folder)])


def of_tracking(cost: Cost) -> str:
    """Keeping a training, and going back."""
    beyond_cpu = cost["rollback_cpu_s"] - cost["import_cpu_s"]
    beyond = cost["rollback_wall_s"] - cost["import_wall_s"]
    return "\n".join(
        [
            f"a training of {cost['trials']:.0f} trials ({cost['fit_s']:.1f} s of CPU) is kept in MLflow",
            f"{'run, metrics, table of trials, pictures':{WIDE}}{cost['tracking_s']:8.2f} s of CPU  <= 2 s",
            f"{'seal, bundle, version':{WIDE}}{cost['registering_s']:8.2f} s of CPU",
            f"{'rollback beyond `import mlflow`':{WIDE}}{beyond_cpu:8.2f} s of CPU, {beyond:.2f} s  <= 5 s",
        ]
    )


def replay(folder: Path, share: float) -> dict[str, Any]:
    """Online Retail II lived again, week by week."""
    say(f"living through Online Retail II with {share:.0%} of its customers")
    found: dict[str, Any] = json.loads(module("replay", folder, "--share", share))
    return found


def of_replay(found: dict[str, Any]) -> str:
    """A line a week, what monitoring would have done, and whether catching up gives the same."""
    weeks = found["weeks"]
    out = [
        f"Online Retail II lived again: {len(weeks)} weeks; a model is trained every fourth",
        f"{'as of':12}{'version':>8}{'customers':>10}{'silent told':>13}{'came':>7}{'AUC':>7}{'money':>7}  alerts",
    ]
    for week in weeks:
        figures = [("told", 13), ("came", 7), ("auc", 7), ("money", 7)]
        cells = "".join(f"{'-' if week[k] is None else format(week[k], '.3f'):>{wide}}" for k, wide in figures)
        trained = f"version {week['trained']} {week['gate']}" if week["trained"] else ""
        said = ", ".join(filter(None, [trained, *week["alerts"], week["verdict"] if week["alerts"] else ""]))
        out.append(f"{week['as_of']:12}{week['version']:>8}{week['customers']:10,}{cells}  {said}".rstrip())
    refused = [week["trained"] for week in weeks if week["gate"] == "refused"]
    alarmed = [week for week in weeks if week["alerts"]]
    retrain = [week["as_of"] for week in weeks if week["verdict"] == "retrain"]
    same = "the same bytes" if not found["differing"] else f"other bytes on {', '.join(found['differing'])}"
    return "\n".join(
        [
            *out,
            f"the gate refused {len(refused)} of {sum(bool(week['trained']) for week in weeks)} trainings",
            f"{len(alarmed)} weeks with an alert; `retrain` was said on {', '.join(retrain[:SHOWN]) or 'none'}"
            + (f" and {len(retrain) - SHOWN} more" if len(retrain) > SHOWN else ""),
            f"caught up on {found['caught_up']} weeks at the end: {same}",
        ]
    )
