"""The page of the weekly meeting, as a command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .arguments import ConfigPath, JsonPath, cutoff_of, opened, write_json


def meeting(
    config: ConfigPath,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DAY", help="Who moved since; default: the scores of four weeks before."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.html", help="Default: meeting.html.")] = None,
    json: JsonPath = None,
) -> None:
    """One HTML file for the weekly meeting: how it goes, who is where, what to do next, what it costs and brings."""
    from ..pipelines.meeting import meeting as met
    from ..pipelines.meeting import write_meeting
    from ..pipelines.pages import MEETING
    from ..progress import bars

    earlier = cutoff_of(since)
    settings, ledger = opened(config)
    file = out or settings.folder / MEETING
    with bars() as progress:
        found = met(ledger, settings, earlier, progress)
        write_meeting(found, file, settings.folder)
    print(*found.lines, sep="\n")
    print(f"open {file}")
    write_json(found.figures(), json, settings.folder)
