"""Commands that learn: examine the model and its rivals on the past, and train what will score."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..errors import unnamed
from .arguments import ConfigPath, DryRun, JsonPath, cutoff_of, opened, state_verdict, write_json
from .operations import say_plan

CHALLENGES = "it is the challenger: the champion stays until `regulars promote` lets it through"


def backtest(
    config: ConfigPath,
    json: JsonPath = None,
    cutoff: Annotated[str | None, typer.Option("--cutoff", help="One strict holdout at this date.")] = None,
) -> None:
    """Examine the model and its rivals on the past: everything is learnt anew at each origin."""
    from ..pipelines.backtest import run_backtest
    from ..pipelines.kept import prior_cache
    from ..pipelines.train import repeated
    from ..progress import bars

    day = cutoff_of(cutoff)
    settings, ledger = opened(config)
    with bars() as progress:
        found = run_backtest(ledger, settings, day, prior_cache(settings, ledger), progress, state_verdict)
    print(found, *repeated(settings, found.studies), sep="\n")
    write_json(found.figures, json, settings.folder)


def train(config: ConfigPath, json: JsonPath = None, dry_run: DryRun = False) -> None:
    """Backtest, train on all that has matured, register: the first model as champion, later ones as challenger."""
    from ..pipelines.register import train_and_register
    from ..pipelines.train import repeated
    from ..progress import bars

    if dry_run:
        say_plan(config, json, "train")
        return
    settings, ledger = opened(config)
    with bars() as progress:
        trained, registered, promotion = train_and_register(ledger, settings, progress, state_verdict)
    print(trained.backtest, *repeated(settings, trained.studies), sep="\n")
    for note in trained.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"registered as version {registered.version} of {registered.name} in {unnamed(settings.tracking_uri)}")
    print(*(promotion.words if promotion else [CHALLENGES]), sep="\n")
    gate = promotion.figures() if promotion else None
    said = {"version": registered.version, "run_id": registered.run_id, "model_notes": trained.notes, "gate": gate}
    write_json({**trained.backtest.figures, **said}, json, settings.folder)
    if promotion is not None:
        promotion.check()
