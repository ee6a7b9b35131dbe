"""The command that tells of a loyalty programme, and writes lists of its members."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .arguments import Channel, ConfigPath, JsonPath, cutoff_of, opened, write_json


def loyalty(
    config: ConfigPath,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DAY", help="Default: the day after the last purchases.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write a row a member to a .csv or .xlsx.")
    ] = None,
    only: Annotated[
        str | None,
        typer.Option("--list", metavar="NAME", help="everybody, expiring, card, falling or milestone; for --out."),
    ] = None,
    channel: Channel = None,
    json: JsonPath = None,
) -> None:
    """Points earned, burned and expiring, tiers, stamp cards, milestones; lists of members."""
    if out is None and (only is not None or channel is not None):
        name = "--list" if only is not None else "--channel"
        raise typer.BadParameter(f"{name} does nothing without --out; leave it out")
    from ..pipelines.loyalty import loyalty as told
    from ..pipelines.loyalty import write_list
    from ..progress import bars

    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    with bars() as progress:
        found = told(ledger, settings, day, progress)
    written = None if out is None else write_list(ledger, settings, found, out, only or "everybody", channel)
    for note in [*found.notes, *(written.notes if written is not None else ())]:
        print(f"note: {note}", file=sys.stderr)
    print(*found.lines, sep="\n")
    if written is not None:
        print(written.line)
    write_json(found.figures(), json, settings.folder)
