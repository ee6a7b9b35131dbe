"""Commands that speak of customers by the champion: scores, one customer explained, the report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .arguments import AsOf, ConfigPath, JsonPath, cutoff_of, opened, write_json


def score(
    config: ConfigPath,
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.parquet", help="Default: scores.parquet.")] = None,
    json: JsonPath = None,
) -> None:
    """One row per customer as of a date, by the champion; Parquet and CSV."""
    from ..pipelines.score import score_to
    from ..progress import bars

    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    with bars() as progress:
        figures, notes = score_to(ledger, settings, day, out or settings.folder / "scores.parquet", progress)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{figures['customers']:,} customers scored as of {figures['as_of']} in {figures['file']}")
    print(f"chance of not buying by {figures['churn_by']}, spend by {figures['value_by']}")
    for line in figures["words"]:
        print(line)
    write_json(figures, json, settings.folder)


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
    print(found)
    write_json(found.figures(), json, settings.folder)


def report(
    config: ConfigPath,
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.html", help="Default: report.html.")] = None,
    json: JsonPath = None,
) -> None:
    """One HTML file for people: the data, how good the model is, who is at risk and what they are worth."""
    from ..pipelines.report import report_of_champion
    from ..progress import bars

    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    file = out or settings.folder / "report.html"
    with bars() as progress:
        figures = report_of_champion(ledger, settings, day, file, progress)
    print(f"open {file}")
    write_json(figures, json, settings.folder)
