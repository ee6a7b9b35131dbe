"""The command that says what keeping more customers would be worth."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .arguments import ConfigPath, JsonPath, ScoredDay, cutoff_of, opened, write_json


def whatif(
    config: ConfigPath,
    scheme: Annotated[
        str | None,
        typer.Option("--scheme", metavar="NAME", help="rfm, value-churn, lifecycle, tiers or expected-tiers."),
    ] = None,
    retention: Annotated[
        str | None, typer.Option("--retention", metavar="POINTS", help="So many more of a hundred stay each year.")
    ] = None,
    frequency: Annotated[
        str | None, typer.Option("--frequency", metavar="PERCENT", help="So many more orders while a customer.")
    ] = None,
    order_value: Annotated[
        str | None, typer.Option("--order-value", metavar="PERCENT", help="So much more money an order.")
    ] = None,
    margin: Annotated[
        str | None, typer.Option("--margin", metavar="POINTS", help="So much more earned of a hundred of money.")
    ] = None,
    years: Annotated[int, typer.Option("--years", min=1, max=10, help="How far to look ahead.")] = 5,
    as_of: ScoredDay = None,
    json: JsonPath = None,
) -> None:
    """What one point less silence is worth a year, and what-ifs over five years; default: one of each."""
    from ..pipelines.whatif import changes
    from ..pipelines.whatif import whatif as asked
    from ..progress import bars

    levers = changes(retention=retention, frequency=frequency, order_value=order_value, margin=margin)
    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    with bars() as progress:
        found = asked(ledger, settings, day, scheme, levers, years, progress)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    print(*found.lines, sep="\n")
    write_json(found.figures(), json, settings.folder)
