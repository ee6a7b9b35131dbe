"""A new store's database: there whole or not at all, as MLflow itself would have made it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from regulars.models import database

from .. import stores


def schema(file: Path) -> list[tuple[object, ...]]:
    """Tables, indices and the version of them."""
    with closing(sqlite3.connect(file)) as db:
        made = db.execute("select type, name, sql from sqlite_master order by type, name").fetchall()
        return [*made, *db.execute("select * from alembic_version").fetchall()]


def test_a_database_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    file.write_bytes(b"another's")
    database.made(file)
    assert file.read_bytes() == b"another's"


def test_whoever_is_stopped_meanwhile_leaves_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(path: Path, _: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(database, "filled", half)
        with pytest.raises(KeyboardInterrupt):
            database.made(tmp_path / "mlflow.db")
    assert list(tmp_path.iterdir()) == []
    database.made(tmp_path / "mlflow.db")
    assert (tmp_path / "mlflow.db").stat().st_mode & 0o777 == 0o600


def test_what_names_no_place_of_its_own_lies_beside_the_database_and_not_where_one_happens_to_stand(
    tmp_path: Path,
) -> None:
    database.made(tmp_path / "mlflow.db")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as db:
        assert db.execute("select artifact_location from experiments").fetchall() == [
            ((tmp_path / "artifacts").as_uri() + "/0",)
        ]


@pytest.mark.soak
def test_the_copy_that_tests_use_is_what_mlflow_makes(tmp_path: Path) -> None:
    stores._fill(tmp_path / "made.db", tmp_path)
    stores.copied(tmp_path / "copied.db", tmp_path)
    assert schema(tmp_path / "made.db") == schema(tmp_path / "copied.db")
