"""The database under a model store: made whole, asked whether it is there, and told where its artifacts lie now.

In: the path of a SQLite file, or the address of any database. Out: an empty store with MLflow's present tables; whether
these are there; how many cells name a place. MLflow itself fills a new file where it is to stay, in many steps that
cannot be repeated: whoever was killed meanwhile had a store that nobody could open again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..disk.publish import replaced
from ..errors import StorageError
from ..intake.sources.address import Address

CONNECT_SECONDS = 10


def made(path: Path) -> None:
    """Make a store's database unless there is one.

    Raises
    ------
    StorageError
        When it cannot be written.
    Busy
        When someone else is making the same.
    """
    if not path.exists():
        replaced(path, lambda waiting: filled(waiting, path.parent / "artifacts"))


def filled(database: Path, artifacts: Path) -> None:
    """Let MLflow fill an empty database; artifacts of whatever names no place of its own would lie in a folder."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(f"sqlite:///{database}", artifacts.as_uri())
    store.engine.dispose()


def has_tables(address: Address) -> bool:
    """Whether MLflow's tables are in a database; MLflow itself would make them, and try a dead server for minutes.

    Raises
    ------
    StorageError
        When the database cannot be reached.
    """
    from sqlalchemy import inspect
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = engine_of(address)
        try:
            return bool(inspect(engine).has_table("registered_models"))
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        said = address.masked(str(error).strip().splitlines()[0])
        raise StorageError(
            f"the model store at {address.masked(address.text)} cannot be reached: {said}",
            do="check `mlflow.tracking_uri`, the server and the login; PostgreSQL needs the extra `regulars[postgres]`",
            code="RG312",
        ) from None


def engine_of(address: Address) -> Any:
    """SQLAlchemy's engine of a database, which does not wait long for a server that is not there."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    waiting = {"connect_timeout": CONNECT_SECONDS} if address.scheme.startswith(("postgresql", "mysql")) else {}
    return create_engine(address.text, poolclass=NullPool, connect_args=waiting)


def cells_below(address: Address, places: Iterable[tuple[str, str]], there: str) -> int:
    """How many cells of some tables and columns name a place, or one below it."""
    from sqlalchemy import func, select

    with _connected(address) as connection:
        counts = [select(func.count()).select_from(t).where(_below(c, there)) for t, c in _cells(places)]
        return sum(int(connection.execute(count).scalar_one()) for count in counts)


def relocated(address: Address, places: Iterable[tuple[str, str]], there: str, here: str) -> int:
    """Write another place into all of these cells, or into none; returns into how many."""
    from sqlalchemy import String, func, literal, update

    with _connected(address) as connection:
        rows = 0
        for where, cell in _cells(places):
            new = literal(here, String) + func.substr(cell, len(there) + 1, type_=String)
            rows += connection.execute(update(where).where(_below(cell, there)).values({cell.name: new})).rowcount
        return rows


@contextmanager
def _connected(address: Address) -> Iterator[Any]:
    """A transaction."""
    engine = engine_of(address)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _cells(places: Iterable[tuple[str, str]]) -> list[tuple[Any, Any]]:
    from sqlalchemy import String, column, table

    return [(table(name, cell), cell) for name, field in places for cell in [column(field, String)]]


def _below(cell: Any, place: str) -> Any:
    from sqlalchemy import func, or_

    return or_(cell == place, func.substr(cell, 1, len(place) + 1) == f"{place}/")
