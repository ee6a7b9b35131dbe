"""Commands for whoever runs the nights: what would be done, and what is wrong beside a configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..log import note
from .arguments import ConfigPath, JsonPath, cutoff_of, opened, write_json


def plan(config: ConfigPath, json: JsonPath = None) -> None:
    """What train, promote and score would read and write now; nothing is done."""
    say_plan(config, json)


def say_plan(
    path: Path, json: Path | None, job: str | None = None, as_of: str | None = None, out: Path | None = None
) -> None:
    """Print what one job, or each of them, would do; what `--dry-run` is."""
    from ..config import Config
    from ..pipelines.plan import JOBS, planned

    found = planned(Config.load(path), JOBS if job is None else (job,), cutoff_of(as_of), out)
    print("\n".join(found.lines))
    write_json(found.figures(), json)


def monitor(
    config: ConfigPath,
    today: Annotated[
        str | None, typer.Option("--today", metavar="DATE", help="How old everything is, as of a date; default: now.")
    ] = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", metavar="FOLDER", help="Where scores are published; default: scores.")
    ] = None,
    json: JsonPath = None,
    no_command: Annotated[
        bool, typer.Option("--no-command", help="Do not run the command of [monitor], whatever is found.")
    ] = False,
) -> None:
    """How fresh all is, whether customers drifted, what came of published scores; exit 7 with an alert."""
    from .. import clock
    from ..pipelines.monitor import monitored, told_to
    from ..progress import bars

    day = cutoff_of(today)
    settings, ledger = opened(config)
    with bars() as progress:
        found = monitored(ledger, settings, day or clock.today(settings.zone), scores, progress)
    print(*found.lines, sep="\n")
    write_json(found.figures, json, settings.folder)
    failed = told_to(settings, found.figures) if found.alarmed and not no_command else None
    if failed is not None:
        print(f"warning: {failed}", file=sys.stderr)
    note({"alerts": sum(a.severity == "alert" for a in found.alerts), "verdict": found.verdict.state})
    if found.alarmed:
        raise typer.Exit(7)


def doctor(
    config: ConfigPath,
    mend: Annotated[bool, typer.Option("--mend", help="Put right what can be; otherwise nothing changes.")] = False,
    json: JsonPath = None,
) -> None:
    """What is wrong beside a configuration, why it matters and what to do; exit 7 while anything is."""
    from ..config import Config
    from ..pipelines.doctor import diagnosed

    found = diagnosed(Config.load(config), mend)
    print("\n".join(found.lines))
    write_json(found.figures(), json)
    if found.left:
        raise typer.Exit(7)
