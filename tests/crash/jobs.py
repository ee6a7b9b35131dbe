"""What the processes of `tests/warm.py` do for the tests of nightly work: commands, and looking at what they left.

In: a job with a shop's folder. Out: what a command said, and what readers see. Where a job names a file of a model that
was learnt before, a training learns nothing, but does all else. Nothing here opens a store before a child is forked.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Whatever the commands load: better once than in every child.
import alembic.command
import alembic.script
import mlflow
import mlflow.models
import mlflow.pyfunc
import mlflow.store.artifact.local_artifact_repo
import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_store
import mlflow.tracking
import pandas as pd
import pyarrow.dataset
import pyarrow.parquet as pq
import xgboost

from regulars import cli
from regulars.config import Config
from regulars.errors import NoModel
from regulars.intake.build import build_ledger
from regulars.models import database
from regulars.models.registry import Registry
from regulars.pipelines import promote, register, score
from regulars.pipelines.published import FOLDER, Book, Run

from .. import stores
from . import decisions

LOADED = (alembic, mlflow, pyarrow, xgboost, pd, pq, promote, score)

Answer = dict[str, Any]


def _ready(job: Answer) -> None:
    """New stores are copies of an empty one; a training finds what it learns."""
    database.filled = stores.copied
    if "trained" in job:
        learnt = Path(job["trained"])
        register.fit_model = lambda *_, **__: pickle.loads(learnt.read_bytes())


def _said(arguments: list[str]) -> tuple[int, str]:
    """How a command ends, and what it says."""
    out = io.StringIO()
    sys.argv = ["regulars", *arguments]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            cli.main()
        except SystemExit as end:
            return (end.code if isinstance(end.code, int) else 1), out.getvalue()
    return 0, out.getvalue()


def _command(job: Answer) -> Answer:
    """One command, from beginning to end."""
    _ready(job)
    code, said = _said(job["arguments"])
    return {"exit": code, "said": said}


def _commands(job: Answer) -> Answer:
    """What readers see before, several commands, and what readers see afterwards."""
    _ready(job)
    root, before = Path(job["root"]), seen(Path(job["root"]))
    return {"before": before, "told": [_said(arguments) for arguments in job["commands"]], "after": seen(root)}


def seen(root: Path) -> Answer:
    """What whoever reads scores and asks for the champion gets, and what lies beside it."""
    config = Config.load(root / "regulars.toml")
    registry, book = Registry.of(config), Book(root / FOLDER)
    versions = registry.versions(config.mlflow.model_name)
    return {
        "latest": _digest(book.latest),
        "days": {str(run.as_of): _digest(run) for run in book.published()},
        "champion": _champion(registry, config.mlflow.model_name),
        "versions": [
            {"version": v.version, "aliases": v.aliases, "gate": v.gate, "bundle": v.bundle} for v in versions
        ],
        "audit": _audit(root / ".regulars" / "registry.jsonl"),
        "temporary": sorted(str(p.relative_to(root)) for p in root.rglob(".tmp-*")),
    }


def _digest(run: Run | None) -> str | None:
    """Every byte of a run, which must be whole."""
    return None if run is None else run.verified().digest


def _champion(registry: Registry, name: str) -> Answer | None:
    try:
        model, registered = registry.champion(name)
    except NoModel as error:
        return None if error.code in ("RG075", "RG077") else {"refused": str(error)}
    told = json.dumps([str(model.trained_on), model.speaker]).encode()
    return {
        "version": registered.version,
        "bundle": registered.bundle,
        "speaks": hashlib.sha256(told).hexdigest(),
    }


def _audit(file: Path) -> list[Answer]:
    """What readers take from the audit: a last line without an end was never acknowledged."""
    text = file.read_text(encoding="ascii") if file.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _build(job: Answer) -> Answer:
    build_ledger(Config.load(Path(job["root"]) / "regulars.toml"))
    return {}


def _threads(job: Answer) -> Answer:
    """How many threads this process began with: more than one, and a fork could hang."""
    return {"threads": len(list(Path("/proc/self/task").iterdir()))}


DO: dict[str, Callable[[Answer], Answer]] = {
    "command": _command,
    "commands": _commands,
    "build": _build,
    "threads": _threads,
    **decisions.DO,
}
