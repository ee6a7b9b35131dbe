"""The command that says who is in which segment, who moved, and writes lists of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .arguments import Channel, ConfigPath, JsonPath, ScoredDay, cutoff_of, opened, write_json


def segments(
    config: ConfigPath,
    scheme: Annotated[
        str | None,
        typer.Option(
            "--scheme", metavar="NAME", help="rfm, value-churn, lifecycle, tiers or expected-tiers; default: all."
        ),
    ] = None,
    as_of: ScoredDay = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DAY", help="An earlier day: who moved between the two.")
    ] = None,
    segment: Annotated[
        str | None, typer.Option("--list", metavar="SEGMENT", help="Write its customers to --out, best first.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A .csv or .xlsx for --list.")] = None,
    channel: Channel = None,
    moved: Annotated[
        Path | None, typer.Option("--moved", metavar="FILE", help="Write who moved since --since to a .csv or .xlsx.")
    ] = None,
    tiers: Annotated[
        str | None,
        typer.Option("--tiers", metavar="NAME=MONEY,...", help="Limits of the tiers, the lowest first."),
    ] = None,
    grace_days: Annotated[
        int | None,
        typer.Option("--grace-days", min=0, max=365, help="So long a tier by spend is kept; default: 90."),
    ] = None,
    json: JsonPath = None,
) -> None:
    """Who is in which segment, what each holds, who moved since another day; lists with reasons."""
    _check(scheme, since, segment, out, channel, moved, tiers, grace_days)
    from ..pipelines.segment_facts import GRACE_DAYS
    from ..pipelines.segments import segments as segmented
    from ..pipelines.segments import write_list, write_moved
    from ..segments.tiers import Limits

    day, earlier = cutoff_of(as_of), cutoff_of(since)
    limits = None if tiers is None else Limits.parse(tiers)
    settings, ledger = opened(config)
    grace = GRACE_DAYS if grace_days is None else grace_days
    found = segmented(ledger, settings, scheme, day, earlier, limits, grace)
    written = []
    if scheme is not None and segment is not None and out is not None:
        written.append(write_list(ledger, settings, found, scheme, segment, out, channel))
    if scheme is not None and moved is not None:
        written.append(write_moved(settings, found, scheme, moved))
    for note in [*found.notes, *(note for one in written for note in one.notes)]:
        print(f"note: {note}", file=sys.stderr)
    print(*found.lines, sep="\n")
    for one in written:
        print(one.line)
    write_json(found.figures(), json, settings.folder)


def _check(
    scheme: str | None, since: str | None, segment: str | None, out: Path | None, channel: str | None,
    moved: Path | None, tiers: str | None, grace_days: int | None,
) -> None:  # fmt: skip
    """Refuse what would do nothing, before anything is read."""
    if (segment is None) != (out is None):
        raise typer.BadParameter("--list and --out go together")
    if scheme is None and (segment is not None or moved is not None):
        raise typer.BadParameter("a list is one of a scheme: name it with --scheme")
    if channel is not None and segment is None:
        raise typer.BadParameter("--channel does nothing without --list; leave it out")
    if moved is not None and since is None:
        raise typer.BadParameter("--moved needs --since: a day to compare with")
    if tiers is not None and scheme not in ("tiers", "expected-tiers"):
        raise typer.BadParameter("--tiers needs --scheme tiers or --scheme expected-tiers")
    if grace_days is not None and scheme not in (None, "tiers"):
        raise typer.BadParameter("--grace-days does nothing but for --scheme tiers; leave it out")
