"""The door of the command line: which commands there are, how each is logged, and what an error ends with.

A user's mistake prints one message and ends with its exit code, as `EXITS` lists them. Of the commands in `JOBS` one
runs at a time: the second is told so before anything heavy is loaded. `--debug` shows the traceback.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..disk.lock import job
from ..errors import RegularsError, shown, unnamed
from ..log import KINDS, Log, ended, logged
from .beginning import demo, init
from .data import check, features
from .kpis import kpis
from .loyalty import loyalty
from .meeting import meeting
from .offers import assign, export, learn, log_events, measure
from .offers import init as init_offers
from .offers import plan as plan_offers
from .operations import doctor, monitor, plan
from .people import forget
from .products import products
from .registry import compare, models, promote, reproduce, rollback
from .relations import relations
from .scores import explain, report, score
from .segments import segments
from .serving import probe, serve
from .timing import timing
from .training import backtest, train
from .whatif import whatif

EXITS = {
    0: "done, or nothing to do",
    2: "wrong usage or configuration",
    3: "bad data",
    4: "not enough data",
    5: "refused by the gate",
    6: "no model",
    7: "an answer to look at: an alert, something left to mend, a training not reproduced",
    70: "internal error",
    74: "storage",
    75: "busy: another run is at it",
    130: "interrupted",
    143: "terminated",
}
"""What a command ends with. 75 and 74 may pass by themselves; 5 and 7 are answers, for people to look at."""

JOBS = {
    "train": ("train", "training a model"),
    "score": ("score", "scoring"),
    "promote": ("promote", "judging a challenger"),
    "rollback": ("promote", "rolling back"),
    "offers assign": ("offers", "assigning offers"),
    "offers log-events": ("offers", "logging events"),
    "offers learn": ("offers", "learning what offers do"),
}
"""Commands of which only one runs at a time beside a configuration: under which name, and what the other is told."""

app = typer.Typer(
    help="Who is about to leave, what is each customer worth, which offer pays for itself, and did it?\n\n"
    f"Exit codes: {'; '.join(f'{code} {meaning}' for code, meaning in EXITS.items())}.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
offers = typer.Typer(
    help="Offers that pay: a plan under a budget, decisions, lists for a channel, what came back, and did it work?",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@dataclass
class _Door:
    """What is known of the command that runs in this process."""

    debug: bool = False
    terminated: bool = False
    log: Log | None = None
    trace: str = ""


_door = _Door()


@app.callback()
def start(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    log: Annotated[
        str, typer.Option("--log", envvar="REGULARS_LOG", metavar="|".join(KINDS), help="How to say what is done.")
    ] = KINDS[0],
) -> None:
    """Settings of the whole command."""
    if log not in KINDS:
        raise typer.BadParameter(f"--log {log}: one of {', '.join(KINDS)}")
    _door.debug = debug
    _door.log = context.with_resource(logged(context.invoked_subcommand or "", log))
    # Before any OpenMP library loads: its idle threads would spin and slow everyone down.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("MPLBACKEND", "Agg")


def main() -> None:
    """The entry point: run, and turn errors into one message and an exit code."""
    _door.debug, _door.terminated, _door.log, _door.trace = False, False, None, ""
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        code, message = _outcome()
    finally:
        signal.signal(signal.SIGTERM, before)
    if _door.log is not None:
        ended(_door.log, code, message, _door.trace)
    elif message:
        print(message, file=sys.stderr)
    raise SystemExit(code)


def _outcome() -> tuple[int, str]:
    """Run the command; with which code it ends, and the message of a failure."""
    try:
        app()
    except RegularsError as error:
        return error.exit_code, _message(str(error))
    except OSError as error:
        return 74, _message(unnamed(f"RG074: {error}"))
    except KeyboardInterrupt:
        return 130, _message("interrupted")
    except SystemExit as end:
        if _door.terminated:
            return 143, _message("terminated")
        return (end.code, "") if isinstance(end.code, int) else (0 if end.code is None else 1, "")
    except Exception as error:  # the last door: whatever reaches it is a defect of ours
        said = shown(f"RG070: an internal error, please report it: {type(error).__name__}: {error}")
        return 70, _message(said)
    return 0, ""


def _message(message: str) -> str:
    """The message of the error that is being handled, whose traceback is kept where that was asked for."""
    _door.trace = traceback.format_exc() if _door.debug else ""
    return message


def _terminated(*_: object) -> None:
    """End as after Ctrl-C: whoever is at work cleans up what is not whole."""
    _door.terminated = True
    raise KeyboardInterrupt


def _at_work(command: Callable[..., None], name: str) -> Callable[..., None]:
    """A command that is kept in the journal beside its configuration, and of whose kind only one runs at a time."""

    @functools.wraps(command)
    def run(**given: object) -> None:
        config, writes = given.get("config"), not _writes_nothing(name, given)
        folder = config.resolve().parent if isinstance(config, Path) and config.is_file() else None
        if _door.log is not None:
            _door.log.command, _door.log.folder, _door.log.recorded = name, folder, writes
        if folder is not None and writes and name in JOBS:
            with job(folder / ".regulars", *JOBS[name]):
                command(**given)
        else:
            command(**given)

    return run


def _writes_nothing(name: str, given: Mapping[str, object]) -> bool:
    """Whether a call promises to leave everything as it is, so that not even the journal grows."""
    return name == "plan" or given.get("dry_run") is True or (name == "doctor" and given.get("mend") is not True)


# In the order in which they are used, which is that of `--help`.
for _command in (
    init,
    check,
    features,
    backtest,
    train,
    promote,
    rollback,
    models,
    compare,
    reproduce,
    score,
    explain,
    report,
    meeting,
    kpis,
    segments,
    products,
    timing,
    loyalty,
    relations,
    whatif,
    serve,
    probe,
    monitor,
    plan,
    doctor,
    forget,
    demo,
):
    app.command()(_at_work(_command, _command.__name__))
for _about_offers in (init_offers, plan_offers, assign, export, log_events, measure, learn):
    _name = _about_offers.__name__.replace("_", "-")
    offers.command(_name)(_at_work(_about_offers, f"offers {_name}"))
app.add_typer(offers, name="offers")
