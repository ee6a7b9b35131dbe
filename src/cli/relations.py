"""The command that says what relationships cost and bring, and writes two lists of customers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .arguments import Channel, ConfigPath, JsonPath, ScoredDay, cutoff_of, opened, write_json


def relations(
    config: ConfigPath,
    as_of: ScoredDay = None,
    days: Annotated[
        int, typer.Option("--days", min=1, help="Costs of so many days; a payback is looked for as long.")
    ] = 365,
    name: Annotated[
        str | None,
        typer.Option("--list", metavar="NAME", help="costly (for a person to look at) or referrers, for --out."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A .csv or .xlsx for --list.")] = None,
    channel: Channel = None,
    json: JsonPath = None,
) -> None:
    """What serving and winning customers costs and brings, who brings others; whom a person should look at."""
    if (name is None) != (out is None):
        raise typer.BadParameter("--list and --out go together")
    if channel is not None and name is None:
        raise typer.BadParameter("--channel does nothing without --list; leave it out")
    from ..pipelines.relations import relations as told
    from ..pipelines.relations import write_list
    from ..progress import bars

    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    with bars() as progress:
        found = told(ledger, settings, day, days, progress)
    written = None
    if name is not None and out is not None:
        written = write_list(ledger, settings, found, name, out, channel)
    for note in [*found.notes, *(written.notes if written is not None else ())]:
        print(f"note: {note}", file=sys.stderr)
    print(*found.lines, sep="\n")
    if written is not None:
        print(written.line)
    write_json(found.figures(), json, settings.folder)
