"""The door of the command line: which commands there are, and what an error ends with.

A user's mistake prints one message and ends with its exit code: 2 usage or configuration, 3 bad data, 4 not enough
data, 6 no model, 70 internal, 74 storage, 75 busy, 130 and 143 ended by a signal. `--debug` shows the traceback.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from typing import Annotated

import typer

from ..errors import RegularsError, shown, unnamed
from .beginning import demo, init
from .data import check, features
from .people import forget
from .scores import explain, report, score
from .training import backtest, train

app = typer.Typer(
    help="Who is about to leave, what is each customer worth, which offer pays for itself, and did it?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_state = {"debug": False, "terminated": False}


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


# In the order in which they are used, which is that of `--help`.
for _command in (init, check, features, backtest, train, score, explain, report, forget, demo):
    app.command()(_command)
