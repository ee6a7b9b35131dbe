"""Commands that learn: examine the model and its rivals on the past, and train what will score."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..errors import unnamed
from .arguments import ConfigPath, JsonPath, cutoff_of, opened, state_verdict, write_json


def backtest(
    config: ConfigPath,
    json: JsonPath = None,
    cutoff: Annotated[str | None, typer.Option("--cutoff", help="One strict holdout at this date.")] = None,
) -> None:
    """Examine the model and its rivals on the past: everything is learnt anew at each origin."""
    from ..pipelines.backtest import run_backtest
    from ..pipelines.train import prior_cache, repeated
    from ..progress import bars

    day = cutoff_of(cutoff)
    settings, ledger = opened(config)
    with bars() as progress:
        found = run_backtest(ledger, settings, day, prior_cache(settings, ledger), progress, state_verdict)
    print(found, *repeated(settings, found.studies), sep="\n")
    write_json(found.figures, json, settings.folder)


def train(config: ConfigPath, json: JsonPath = None) -> None:
    """Backtest, train on all that has matured, register the model and make it the champion."""
    from ..pipelines.train import repeated, train_and_register
    from ..progress import bars

    settings, ledger = opened(config)
    with bars() as progress:
        trained, registered = train_and_register(ledger, settings, progress, state_verdict)
    print(trained.backtest, *repeated(settings, trained.studies), sep="\n")
    for note in trained.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"registered as {registered.uri} (version {registered.version}) in {unnamed(settings.tracking_uri)}")
    said = {"version": registered.version, "run_id": registered.run_id, "model_notes": trained.notes}
    write_json({**trained.backtest.figures, **said}, json, settings.folder)
