"""Commands that speak of customers by the champion: scores, one customer explained, the report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..log import product
from .arguments import AsOf, ConfigPath, DryRun, JsonPath, cutoff_of, opened, write_json
from .operations import say_plan


def score(
    config: ConfigPath,
    as_of: AsOf = None,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="All days since the newest run, each by who was champion then.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FOLDER", help="Default: scores.")] = None,
    json: JsonPath = None,
    dry_run: DryRun = False,
) -> None:
    """One row per customer as of a date, by the champion; Parquet and CSV, published whole or not at all."""
    if catch_up and as_of is not None:
        raise typer.BadParameter("--as-of does nothing beside --catch-up; leave one out")
    if dry_run:
        say_plan(config, json, "catch-up" if catch_up else "score", as_of, out)
        return
    if catch_up:
        _catch_up(config, out, json)
        return
    from ..pipelines.score import score_to
    from ..progress import bars

    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    with bars() as progress:
        done = score_to(ledger, settings, day, out, progress)
    figures = done.figures()
    for note in figures["notes"]:
        print(f"note: {note}", file=sys.stderr)
    print(f"{figures['customers']:,} customers scored as of {figures['as_of']} in {figures['folder']}")
    if done.unchanged:
        print("unchanged: the same scores were published before")
    if done.delivered is not None:
        print(done.delivered.words)
    print(f"chance of not buying by {figures['churn_by']}, spend by {figures['value_by']}")
    for line in figures["words"]:
        print(line)
    write_json(figures, json, settings.folder)


def _catch_up(config: Path, out: Path | None, json: Path | None) -> None:
    from ..pipelines.catch_up import catch_up
    from ..progress import bars

    settings, ledger = opened(config)
    with bars() as progress:
        done = catch_up(ledger, settings, out, progress)
    for note in done.notes:
        print(f"note: {note}", file=sys.stderr)
    print(*done.words, sep="\n")
    write_json(done.figures(), json, settings.folder)


def explain(
    config: ConfigPath,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="An id as in the source.")],
    as_of: AsOf = None,
    json: JsonPath = None,
) -> None:
    """One customer: the scores, what goes with them, the past and what is not known."""
    from ..pipelines.explain import explain_by_champion
    from ..progress import bars

    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    with bars() as progress:
        found = explain_by_champion(ledger, settings, customer, day, progress)
    product(str(found))
    write_json(found.figures(), json, settings.folder)


def report(
    config: ConfigPath,
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.html", help="Default: report.html.")] = None,
    json: JsonPath = None,
) -> None:
    """One HTML file for people: the data, how good the model is, who is at risk and what they are worth."""
    from ..pipelines.pages import REPORT
    from ..pipelines.report import report_of_champion
    from ..progress import bars

    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    file = out or settings.folder / REPORT
    with bars() as progress:
        figures = report_of_champion(ledger, settings, day, file, progress)
    print(f"open {file}")
    write_json(figures, json, settings.folder)
