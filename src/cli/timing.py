"""The command that says when and by which channel to write to each customer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .arguments import Channel, ConfigPath, JsonPath, ScoredDay, cutoff_of, opened, write_json


def timing(
    config: ConfigPath,
    as_of: ScoredDay = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="A .parquet, .csv or .xlsx; default: timing.parquet."),
    ] = None,
    channel: Channel = None,
    json: JsonPath = None,
) -> None:
    """When each customer is due, on which weekday, at which hour and by which channel to write to them."""
    if channel is not None and out is None:
        raise typer.BadParameter("--channel needs --out: timing.parquet, which `offers export` reads, holds everybody")
    from ..pipelines.timing import timing as timed
    from ..pipelines.timing import write_timing
    from ..progress import bars

    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    with bars() as progress:
        found = timed(ledger, settings, day, progress)
        written = write_timing(ledger, settings, found, out, channel)
    for note in [*found.notes, *written.notes]:
        print(f"note: {note}", file=sys.stderr)
    print(*found.lines, sep="\n")
    print(written.line)
    write_json(found.figures(), json, settings.folder)
