"""Commands that look at the data: what is in it and whether it is enough, and the features made of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .arguments import ConfigPath, JsonPath, opened, write_json


def check(
    config: ConfigPath,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE.html", help="Default: check.html.")] = None,
    json: JsonPath = None,
) -> None:
    """The full examination: what is in the data, what is suspicious, is it enough, and which churn window fits."""
    from ..pipelines.check import examined, figures_of, write_check
    from ..pipelines.written import remember
    from ..progress import bars
    from ..reports.check_text import check_text

    settings, ledger = opened(config)
    with bars() as progress:
        progress("examining", 0.0)
        found = examined(ledger, settings)
    write_json(figures_of(found), json, settings.folder)
    file = html or settings.folder / "check.html"
    remember(settings.folder, "check", file)
    write_check(found, file)
    print(check_text(found))
    print(f"\nopen {file}")


def features(
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="A regulars.toml.")] = None,
    cutoff: Annotated[list[str] | None, typer.Option("--cutoff", help="A date; may be given several times.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FOLDER", help="Where to write Parquet parts.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the catalogue and stop.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Try your own families on made-up purchases: which rule does one break?")
    ] = False,
    family: Annotated[
        list[str] | None, typer.Option("--family", help="With --verify: this family instead; `all` for every one.")
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit", help="Flag features that look like the target, say nothing, or say it twice.")
    ] = False,
    json: JsonPath = None,
) -> None:
    """One row of features per customer and cutoff; or, with --list, what they mean."""
    from ..pipelines.features import catalogue_text, features_to

    if family and not verify:
        raise typer.BadParameter("--family goes with --verify")
    if sum((listed, verify, audit, bool(cutoff or out))) > 1:
        raise typer.BadParameter("--list, --verify, --audit and --cutoff with --out are one command each")
    if listed:
        print(catalogue_text())
        return
    if config is not None and (verify or audit):
        if verify:
            _verify(config, family or [], json)
        else:
            _audit(config, json)
        return
    if config is None or not cutoff or out is None:
        raise typer.BadParameter("give CONFIG with --cutoff and --out, with --verify or with --audit; or --list")
    from ..clock import Cutoff
    from ..progress import bars

    days = [Cutoff.parse(c) for c in cutoff]
    settings, ledger = opened(config)
    with bars() as progress:
        figures, notes = features_to(ledger, settings, days, out, progress)
    print(f"{figures['rows']:,} rows of {figures['features']} features in {out}")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    write_json(figures, json, settings.folder)


def _verify(config: Path, names: list[str], json: Path | None) -> None:
    from ..pipelines.verify import verified
    from ..progress import bars

    settings, ledger = opened(config)
    with bars() as progress:
        found = verified(ledger, settings, names, progress)
    print(found)
    write_json(found.figures, json, settings.folder)
    found.check()


def _audit(config: Path, json: Path | None) -> None:
    from ..pipelines.audit import audit
    from ..progress import bars

    settings, ledger = opened(config)
    with bars() as progress:
        found = audit(ledger, settings, progress)
    print(found)
    write_json(found.figures, json, settings.folder)
