"""The key figures of a business with regular customers, as a command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .arguments import ConfigPath, JsonPath, opened, write_json


def kpis(
    config: ConfigPath,
    by: Annotated[str, typer.Option("--by", metavar="month|quarter", help="How long a period is.")] = "month",
    detractors_up_to: Annotated[
        float | None,
        typer.Option("--detractors-up-to", metavar="ANSWER", help="The highest answer to a survey of an unhappy one."),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option("--scheme", metavar="NAME", help="By segment of rfm, lifecycle, ...; default: of the scores."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Write a CSV for each table, and the definitions.")
    ] = None,
    json: JsonPath = None,
) -> None:
    """Key figures by month or quarter, cohort, segment, and the way to a second and third purchase."""
    from ..pipelines.kpis import kpis as reckoned
    from ..pipelines.kpis import with_relations
    from ..progress import bars

    settings, ledger = opened(config)
    with bars() as progress:
        found = reckoned(ledger, settings, by, detractors_up_to, progress, scheme)
        found = with_relations(found, ledger, settings, progress)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    print(*found.lines, sep="\n")
    if out is not None:
        found.write(out)
        print(f"{len(found.tables)} tables and their definitions are in {out}")
    write_json(found.figures(), json, settings.folder)
