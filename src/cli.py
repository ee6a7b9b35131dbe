"""The command line: parse, call a pipeline, print. Nothing is computed here.

A user's mistake prints one message and ends with its exit code: 2 usage or configuration, 3 bad data, 4 not enough
data, 6 no model, 70 internal, 74 storage, 75 busy. `--debug` shows the traceback.
"""

from __future__ import annotations

import os
import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import RegularsError

if TYPE_CHECKING:
    from .clock import Cutoff
    from .config import Config
    from .intake import Ledger

app = typer.Typer(
    help="Who is about to leave, what is each customer worth, which offer pays for itself, and did it?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="A regulars.toml.")]
JsonPath = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON, too.")]
_state = {"debug": False}


class DemoData(StrEnum):
    """The data sets of the demo."""

    completejourney = "completejourney"
    cdnow = "cdnow"


@app.callback()
def start(debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False) -> None:
    """Settings of the whole command."""
    _state["debug"] = debug
    # Before any OpenMP library loads: its idle threads would spin and slow everyone down.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("MPLBACKEND", "Agg")


def main() -> None:
    """The entry point: run, and turn errors into one message and an exit code."""
    try:
        app()
    except RegularsError as error:
        _end(str(error), error.exit_code)
    except OSError as error:
        _end(f"RG074: {error}", 74)
    except KeyboardInterrupt:
        _end("interrupted", 130)
    except Exception as error:  # the last door: whatever reaches it is a defect of ours
        _end(f"RG070: an internal error, please report it: {type(error).__name__}: {error}", 70)


def _end(message: str, code: int) -> None:
    if _state["debug"]:
        traceback.print_exc()
    print(message, file=sys.stderr)
    raise SystemExit(code)


def _opened(path: Path) -> tuple[Config, Ledger]:
    """The configuration and its ledger, built if need be; the reconciliation is printed."""
    from .config import Config
    from .intake import build_ledger
    from .progress import bars

    config = Config.load(path)
    with bars() as progress:
        ledger = build_ledger(config, lambda what: progress(what, 0.0))
    _print_reconciliation(ledger, config.data.currency)
    if len(config.target.horizon_days) > 1:
        print(f"note: models are made for the first horizon, {config.target.primary} days", file=sys.stderr)
    return config, ledger


def _print_reconciliation(ledger: Ledger, currency: str) -> None:
    for name, lines, money in ledger.manifest.reconciliation():
        if lines or name in ("read", "used"):
            print(f"{name:>12} {lines:>12,} lines {money:>20,.2f} {currency}".rstrip(), file=sys.stderr)


def _cutoff(text: str | None) -> Cutoff | None:
    from .clock import Cutoff

    return None if text is None else Cutoff.parse(text)


def _write_json(figures: dict[str, object], path: Path | None) -> None:
    if path is not None:
        from .pipelines.files import replaced, strict_json

        replaced(path, lambda waiting: waiting.write_text(strict_json(figures), encoding="utf-8"))


@app.command()
def check(config: ConfigPath, json: JsonPath = None) -> None:
    """Read the purchases, account for every line and every cent, and say whether there is enough to train."""
    from .pipelines.check import examined

    settings, ledger = _opened(config)
    words, figures = examined(ledger, settings)
    print("\n".join(words))
    _write_json(figures, json)


@app.command()
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
    from .pipelines.features import catalogue_text, features_to

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
    from .clock import Cutoff
    from .progress import bars

    days = [Cutoff.parse(c) for c in cutoff]
    settings, ledger = _opened(config)
    with bars() as progress:
        figures, notes = features_to(ledger, settings, days, out, progress)
    print(f"{figures['rows']:,} rows of {figures['features']} features in {out}")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    _write_json(figures, json)


def _verify(config: Path, names: list[str], json: Path | None) -> None:
    from .pipelines.verify import verified
    from .progress import bars

    settings, ledger = _opened(config)
    with bars() as progress:
        found = verified(ledger, settings, names, progress)
    print(found)
    _write_json(found.figures, json)
    found.check()


def _audit(config: Path, json: Path | None) -> None:
    from .pipelines.audit import audit
    from .progress import bars

    settings, ledger = _opened(config)
    with bars() as progress:
        found = audit(ledger, settings, progress)
    print(found)
    _write_json(found.figures, json)


@app.command()
def backtest(
    config: ConfigPath,
    json: JsonPath = None,
    cutoff: Annotated[str | None, typer.Option("--cutoff", help="One strict holdout at this date.")] = None,
) -> None:
    """Examine the model and its rivals on the past: everything is learnt anew at each origin."""
    from .pipelines.backtest import run_backtest
    from .pipelines.train import prior_cache
    from .progress import bars

    day = _cutoff(cutoff)
    settings, ledger = _opened(config)
    with bars() as progress:
        found = run_backtest(ledger, settings, day, prior_cache(settings, ledger), progress)
    for note in found.figures["notes"]:
        print(f"note: {note}", file=sys.stderr)
    print(found)
    _write_json(found.figures, json)


@app.command()
def train(config: ConfigPath, json: JsonPath = None) -> None:
    """Backtest, train on all that has matured, register the model and make it the champion."""
    from .pipelines.train import train_and_register
    from .progress import bars

    settings, ledger = _opened(config)
    with bars() as progress:
        trained, registered = train_and_register(ledger, settings, progress)
    print(trained.backtest)
    print(f"registered as {registered.uri} (version {registered.version}) in {settings.tracking_uri}")
    _write_json({**trained.backtest.figures, "version": registered.version, "run_id": registered.run_id}, json)


@app.command()
def score(
    config: ConfigPath,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Date; default: the day after the last purchase.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.parquet", help="Default: scores.parquet.")] = None,
    json: JsonPath = None,
) -> None:
    """One row per customer as of a date, by the champion; Parquet and CSV."""
    from .pipelines.score import score_to
    from .progress import bars

    day = _cutoff(as_of)
    settings, ledger = _opened(config)
    with bars() as progress:
        figures, notes = score_to(ledger, settings, day, out or settings.folder / "scores.parquet", progress)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{figures['customers']:,} customers scored as of {figures['as_of']} in {figures['file']}")
    _write_json(figures, json)


@app.command()
def report(
    config: ConfigPath,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Date; default: the day after the last purchase.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.html", help="Default: report.html.")] = None,
    json: JsonPath = None,
) -> None:
    """One HTML file for people: the data, how good the model is, who is at risk and what they are worth."""
    from .pipelines.report import report_of_champion
    from .progress import bars

    day = _cutoff(as_of)
    settings, ledger = _opened(config)
    file = out or settings.folder / "report.html"
    with bars() as progress:
        figures = report_of_champion(ledger, settings, day, file, progress)
    print(f"open {file}")
    _write_json(figures, json)


@app.command()
def demo(
    data: Annotated[DemoData, typer.Option("--data", help="Whose purchases.")] = DemoData.completejourney,
    folder: Annotated[Path, typer.Option("--folder", help="Where the results go.")] = Path("demo"),
    json: JsonPath = None,
) -> None:
    """The whole main job on real purchases: scores, a report and a registered model."""
    from .pipelines.demo import run_demo
    from .progress import bars

    with bars() as progress:
        lines, figures = run_demo(data.value, folder, progress)
    print("\n".join(lines))
    _write_json(figures, json)


if __name__ == "__main__":
    main()
