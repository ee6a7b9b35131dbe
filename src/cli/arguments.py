"""What commands share: arguments of the same meaning everywhere, opening a ledger, writing the figures.

In: a configuration's path, dates, files. Out: what pipelines take. What is said goes to the error stream.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..log import note

if TYPE_CHECKING:
    from ..clock import Cutoff
    from ..config import Config
    from ..examination.enough import Enough
    from ..intake import Ledger

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="A regulars.toml.")]
JsonPath = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON, too.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be read and written; write nothing.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Date; default: the day after the last purchase.")]
ScoredDay = Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="Default: the day of the newest scores.")]
Channel = Annotated[
    str | None, typer.Option("--channel", metavar="NAME", help="List only who agreed to marketing on it.")
]


TOLD = ("as_of", "version", "run_id", "run", "verdict", "state", "from", "to")
"""Texts among the figures of a command that its summary tells: never a customer's."""


def opened(path: Path) -> tuple[Config, Ledger]:
    """The configuration and its ledger, built if need be; the reconciliation is printed."""
    from ..config import Config
    from ..intake import build_ledger
    from ..progress import bars

    config = Config.load(path)
    with bars() as progress:
        ledger = build_ledger(config, lambda what: progress(what, 0.0))
    _print_reconciliation(ledger, config.data.currency)
    return config, ledger


def _print_reconciliation(ledger: Ledger, currency: str) -> None:
    for name, lines, money in ledger.manifest.reconciliation():
        if lines or name in ("read", "used"):
            print(f"{name:>12} {lines:>12,} lines {money:>20,.2f} {currency}".rstrip(), file=sys.stderr)


def state_verdict(enough: Enough) -> None:
    """Whether the data are enough, said before anything is learnt."""
    print(*enough.lines, sep="\n", file=sys.stderr)


def cutoff_of(text: str | None) -> Cutoff | None:
    """A date that was given, or none; refused before anything is read."""
    from ..clock import Cutoff

    return None if text is None else Cutoff.parse(text)


def write_json(figures: dict[str, object], path: Path | None, folder: Path | None = None) -> None:
    """Tell figures to the log and write them, if that was asked for.

    With the folder of a configuration the file is remembered, because a value in it may be an id. The log gets numbers,
    and of the texts only those of `TOLD`.
    """
    note({k: v for k, v in figures.items() if k in TOLD or isinstance(v, bool | int | float)})
    if path is not None:
        from ..pipelines.files import replaced, strict_json
        from ..pipelines.written import remember

        if folder is not None:
            remember(folder, "figures", path)
        replaced(path, lambda waiting: waiting.write_text(strict_json(figures), encoding="utf-8"))
