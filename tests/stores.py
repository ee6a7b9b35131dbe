"""What tests make once and then copy: an MLflow store, whose making takes seconds, and what a training has learnt.

In: a path, or a name and how to make it. Out: a database as `regulars.models.database.filled` leaves it, whose copy
lies in `.cache`, named after MLflow's version; and objects that all processes of one test run share. Whoever comes
first makes them, others wait for him.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from regulars.models import database

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "tests"
SHARED = "REGULARS_TESTS_SHARED"
"""The variable that names the folder which all processes of a test run share."""
_fill = database.filled

T = TypeVar("T")


def copied(path: Path, artifacts: Path) -> None:
    """What `database.filled` does, from a copy."""
    shutil.copyfile(_template(), path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update experiments set artifact_location = ?", (f"{artifacts.as_uri()}/0",))


def store_beside(config: Path) -> None:
    """An empty store where the configuration in a file looks for one: for commands that are processes of their own."""
    database.made(config.resolve().parent / "mlruns" / "mlflow.db")


def shared(name: str, make: Callable[[], T]) -> T:
    """What `make` gives, made once in a test run and kept as `shared_file` for its other processes."""
    file = shared_file(name)
    if file is None:
        return make()
    with _alone(file.with_suffix(".lock")):
        if not file.exists():
            waiting = file.with_suffix(".tmp")
            waiting.write_bytes(pickle.dumps(make()))
            waiting.replace(file)
    found: T = pickle.loads(file.read_bytes())
    return found


def shared_file(name: str) -> Path | None:
    """Where something shared lies, or will; None where no test run has a folder."""
    folder = os.environ.get(SHARED)
    return Path(folder) / f"{name}.pickle" if folder else None


def _template() -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    made = CACHE / f"mlflow-{version('mlflow')}.db"
    with _alone(CACHE / "lock"):
        if not made.exists():
            waiting = made.with_suffix(".tmp")
            waiting.unlink(missing_ok=True)
            _fill(waiting, Path("/artifacts"))
            waiting.replace(made)
    return made


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """A block in which no other process is that names the same file."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
