"""Commands about who speaks: judge the challenger, go back, list versions, compare two trainings, do one again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from .arguments import ConfigPath, DryRun, JsonPath, write_json

if TYPE_CHECKING:
    from ..config import Config
    from ..intake import Ledger
    from ..progress import Progress

NOTE = "note: "
NOT_THE_SAME = 7
"""The exit code of a training that could not be reproduced."""


def _ledger_of(settings: Config, progress: Progress) -> Callable[[], Ledger]:
    """Opens the ledger when it is first needed."""

    @cache
    def ledger() -> Ledger:
        from ..intake import build_ledger

        return build_ledger(settings, lambda what: progress(what, 0.0))

    return ledger


def promote(
    config: ConfigPath,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="A version or alias; default: the challenger.")
    ] = None,
    auto: Annotated[bool, typer.Option("--auto", help="For a schedule: no challenger is no error.")] = False,
    force: Annotated[
        str | None, typer.Option("--force", metavar="REASON", help="Crown it though the gate refuses; say why.")
    ] = None,
    dry_run: DryRun = False,
    json: JsonPath = None,
) -> None:
    """Let the gate judge a model beside the champion, and crown it if it passes; exit code 5 if not."""
    from ..config import Config
    from ..pipelines.promote import promote as promoted
    from ..progress import bars

    settings = Config.load(config)
    with bars() as progress:
        found = promoted(
            settings,
            _ledger_of(settings, progress),
            version,
            auto=auto,
            force=force,
            dry_run=dry_run,
            progress=progress,
        )
    # Why it was refused is what the command ends with.
    _say(found.words if found.state != "refused" else [w for w in found.words if w.startswith(NOTE)])
    if not dry_run or json is not None:
        write_json(found.figures(), json, None if dry_run else settings.folder)
    found.check()


def compare(
    config: ConfigPath,
    first: Annotated[str, typer.Argument(metavar="A", help="A version, champion, challenger, previous or a run.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    json: JsonPath = None,
) -> None:
    """Two trainings side by side: data, settings, features, and figures on the same customers."""
    from ..config import Config
    from ..pipelines.compare import compare as compared
    from ..progress import bars

    settings = Config.load(config)
    with bars() as progress:
        found = compared(settings, _ledger_of(settings, progress), first, second, progress)
    print(found)
    write_json(found.figures(), json, settings.folder)


def reproduce(
    config: ConfigPath,
    training: Annotated[str, typer.Argument(metavar="RUN", help="A version, champion, challenger, previous or a run.")],
    json: JsonPath = None,
) -> None:
    """Train again from the recipe and the data of a training, and compare every byte; exit code 7 if one differs."""
    from ..config import Config
    from ..pipelines.reproduce import reproduce as reproduced
    from ..progress import bars

    settings = Config.load(config)
    with bars() as progress:
        found = reproduced(settings, training, progress)
    _say(found.words)
    write_json(found.figures(), json, settings.folder)
    if not found.same:
        raise typer.Exit(NOT_THE_SAME)


def rollback(config: ConfigPath, json: JsonPath = None) -> None:
    """Make the champion before this one champion again; exit code 6 if there is none."""
    from ..config import Config
    from ..models.registry import Registry

    settings = Config.load(config)
    left, now = Registry.of(settings).rollback(settings.mlflow.model_name)
    print(f"version {now.version} (trained on {now.trained_on}) is champion again; version {left.version} was left")
    write_json({"from": left.version, "to": now.version, "run_id": now.run_id}, json, settings.folder)


def models(config: ConfigPath, json: JsonPath = None) -> None:
    """The registered versions: who is champion, challenger and previous, and what the gate said of each."""
    from ..config import Config
    from ..pipelines.versions import listed

    settings = Config.load(config)
    found = listed(settings)
    print(found)
    write_json(found.figures(), json, settings.folder)


def _say(lines: list[str]) -> None:
    """What happened; notes go to the error stream."""
    for line in lines:
        print(line, file=sys.stderr if line.startswith(NOTE) else sys.stdout)
