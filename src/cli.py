"""The command line: parse, call a pipeline, print. Nothing is computed here.

A user's mistake prints one message and ends with its exit code: 2 usage or configuration, 3 bad data, 4 not enough
data, 6 no model, 70 internal, 74 storage, 75 busy, 130 and 143 ended by a signal. `--debug` shows the traceback.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import RegularsError, shown, unnamed

if TYPE_CHECKING:
    from .clock import Cutoff
    from .config import Config
    from .examination.enough import Enough
    from .intake import Ledger
    from .pipelines.init import Question

app = typer.Typer(
    help="Who is about to leave, what is each customer worth, which offer pays for itself, and did it?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="A regulars.toml.")]
JsonPath = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON, too.")]
_state = {"debug": False, "terminated": False}


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
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        app()
    except RegularsError as error:
        _end(str(error), error.exit_code)
    except OSError as error:
        _end(unnamed(f"RG074: {error}"), 74)
    except KeyboardInterrupt:
        _end("interrupted", 130)
    except SystemExit:
        if _state["terminated"]:
            _end("terminated", 143)
        raise
    except Exception as error:  # the last door: whatever reaches it is a defect of ours
        _end(shown(f"RG070: an internal error, please report it: {type(error).__name__}: {error}"), 70)
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminated(*_: object) -> None:
    """End as after Ctrl-C: whoever is at work cleans up what is not whole."""
    _state["terminated"] = True
    raise KeyboardInterrupt


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


def _state_verdict(enough: Enough) -> None:
    print(*enough.lines, sep="\n", file=sys.stderr)


def _cutoff(text: str | None) -> Cutoff | None:
    from .clock import Cutoff

    return None if text is None else Cutoff.parse(text)


def _write_json(figures: dict[str, object], path: Path | None, folder: Path | None = None) -> None:
    """Write figures; with the folder of a configuration they are remembered, because a value in them may be an id."""
    if path is not None:
        from .pipelines.files import replaced, strict_json
        from .pipelines.written import remember

        if folder is not None:
            remember(folder, "figures", path)
        replaced(path, lambda waiting: waiting.write_text(strict_json(figures), encoding="utf-8"))


@app.command()
def init(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A file, folder, glob or database's URL.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.toml", help="What to write.")] = Path("regulars.toml"),
    table: Annotated[str | None, typer.Option("--table", metavar="NAME", help="The table of a database.")] = None,
    sheet: Annotated[list[str] | None, typer.Option("--sheet", help="A sheet of a workbook; repeatable.")] = None,
    kind: Annotated[
        str, typer.Option("--as", metavar="TABLE", help="events, customers, offers or consent: add to FILE.toml.")
    ] = "purchases",
    column: Annotated[
        list[str] | None, typer.Option("--column", metavar="ROLE=NAME", help="Say which column plays a role.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE.toml.")] = False,
    quiet: Annotated[bool, typer.Option("--yes", "--no-input", help="Ask nothing; mark what is unsure.")] = False,
    json: JsonPath = None,
) -> None:
    """Look at a source and write a configuration with its guesses, a sample and a reason for each."""
    from .pipelines.init import start

    said = dict(_pair(text) for text in column or [])
    ask = None if quiet or not (sys.stdin.isatty() and sys.stdout.isatty()) else _ask
    started = start(source, out, table=table, kind=kind, sheets=tuple(sheet or ()), said=said, force=force, ask=ask)
    for warning in started.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for note in started.notes:
        print(f"note: {note}", file=sys.stderr)
    print("\n".join(started.lines))
    _write_json(started.figures, json)


def _pair(text: str) -> tuple[str, str]:
    role, equals, name = text.partition("=")
    if not (role.strip() and equals and name):
        raise typer.BadParameter(f'--column {text}: write ROLE=NAME, as customer_id="Client No"')
    return role.strip(), name


def _ask(question: Question) -> str:
    """One question on the terminal; a number or a name chooses among options."""
    print(question.text)
    for i, option in enumerate(question.options, start=1):
        print(f"  {i}  {option}")
    while True:
        answer = str(typer.prompt("", default=question.default, prompt_suffix="> ")).strip()
        if not question.options or answer in question.options:
            return answer
        if answer.isdigit() and 1 <= int(answer) <= len(question.options):
            return question.options[int(answer) - 1]
        print(f"one of 1 to {len(question.options)}, please")


@app.command()
def check(
    config: ConfigPath,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE.html", help="Default: check.html.")] = None,
    json: JsonPath = None,
) -> None:
    """The full examination: what is in the data, what is suspicious, is it enough, and which churn window fits."""
    from .pipelines.check import examined, figures_of, write_check
    from .pipelines.written import remember
    from .progress import bars
    from .reports.check_text import check_text

    settings, ledger = _opened(config)
    with bars() as progress:
        progress("examining", 0.0)
        found = examined(ledger, settings)
    _write_json(figures_of(found), json, settings.folder)
    file = html or settings.folder / "check.html"
    remember(settings.folder, "check", file)
    write_check(found, file)
    print(check_text(found))
    print(f"\nopen {file}")


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
    _write_json(figures, json, settings.folder)


def _verify(config: Path, names: list[str], json: Path | None) -> None:
    from .pipelines.verify import verified
    from .progress import bars

    settings, ledger = _opened(config)
    with bars() as progress:
        found = verified(ledger, settings, names, progress)
    print(found)
    _write_json(found.figures, json, settings.folder)
    found.check()


def _audit(config: Path, json: Path | None) -> None:
    from .pipelines.audit import audit
    from .progress import bars

    settings, ledger = _opened(config)
    with bars() as progress:
        found = audit(ledger, settings, progress)
    print(found)
    _write_json(found.figures, json, settings.folder)


@app.command()
def backtest(
    config: ConfigPath,
    json: JsonPath = None,
    cutoff: Annotated[str | None, typer.Option("--cutoff", help="One strict holdout at this date.")] = None,
) -> None:
    """Examine the model and its rivals on the past: everything is learnt anew at each origin."""
    from .pipelines.backtest import run_backtest
    from .pipelines.train import prior_cache, repeated
    from .progress import bars

    day = _cutoff(cutoff)
    settings, ledger = _opened(config)
    with bars() as progress:
        found = run_backtest(ledger, settings, day, prior_cache(settings, ledger), progress, _state_verdict)
    print(found, *repeated(settings, found.studies), sep="\n")
    _write_json(found.figures, json, settings.folder)


@app.command()
def train(config: ConfigPath, json: JsonPath = None) -> None:
    """Backtest, train on all that has matured, register the model and make it the champion."""
    from .pipelines.train import repeated, train_and_register
    from .progress import bars

    settings, ledger = _opened(config)
    with bars() as progress:
        trained, registered = train_and_register(ledger, settings, progress, _state_verdict)
    print(trained.backtest, *repeated(settings, trained.studies), sep="\n")
    print(f"registered as {registered.uri} (version {registered.version}) in {unnamed(settings.tracking_uri)}")
    _write_json(
        {**trained.backtest.figures, "version": registered.version, "run_id": registered.run_id}, json, settings.folder
    )


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
    print(f"chance of not buying by {figures['churn_by']}, spend by {figures['value_by']}")
    _write_json(figures, json, settings.folder)


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
    _write_json(figures, json, settings.folder)


@app.command()
def forget(
    config: ConfigPath,
    customer: Annotated[list[str] | None, typer.Argument(metavar="CUSTOMER", help="Ids as in the source.")] = None,
    id_file: Annotated[Path | None, typer.Option("--id-file", metavar="FILE", help="A file with an id a line.")] = None,
    json: JsonPath = None,
) -> None:
    """Remove customers from everything that was made, keep them out of every later intake, and prove it."""
    from .config import Config
    from .pipelines.forget import forget as forgotten
    from .progress import bars

    if not customer and id_file is None:
        raise typer.BadParameter("name a CUSTOMER, or a file of them with --id-file")
    ids = [*(customer or []), *(id_file.read_text(encoding="utf-8-sig").splitlines() if id_file else [])]
    settings = Config.load(config)
    with bars() as progress:
        found = forgotten(settings, ids, progress)
    print("\n".join(found.words()))
    _write_json(found.figures(), json)


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
    _write_json(figures, json, folder)


if __name__ == "__main__":
    main()
