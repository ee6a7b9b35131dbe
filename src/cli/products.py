"""The command about products: what to suggest to whom, what sells, what goes together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .arguments import AsOf, ConfigPath, JsonPath, cutoff_of, opened, write_json


def products(
    config: ConfigPath,
    as_of: AsOf = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="A .parquet or .csv; default: products.parquet beside CONFIG."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="KIND", help="product or category; default: product if there is one.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="NAME", help="A product or category; repeatable.")
    ] = None,
    window_days: Annotated[
        int, typer.Option("--window-days", min=1, max=365, help="Days of a window of the backtest.")
    ] = 28,
    backtest: Annotated[bool, typer.Option("--backtest", help="Only judge the rules; write no lists.")] = False,
    json: JsonPath = None,
) -> None:
    """Buy again and new for you for every customer, what is in demand, what goes together; judged on the past."""
    if backtest and out is not None:
        raise typer.BadParameter("--out does nothing beside --backtest; leave one out")
    from ..pipelines.products import Asked, suggest
    from ..progress import bars

    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    asked = Asked(by, tuple(exclude or ()), window_days, backtest)
    with bars() as progress:
        found = suggest(ledger, settings, day, asked, out, progress)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    print(*found.lines, sep="\n")
    write_json(found.figures(), json, settings.folder)
