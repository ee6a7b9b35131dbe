"""Scores in a table of a database: the new rows of a day or the old ones, never both and never a part."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy.dialects import mysql

from regulars.config import Config
from regulars.errors import ConfigError, DataError, RegularsError, StorageError
from regulars.intake.sources import persistence
from regulars.pipelines import score_table, sink, sink_alchemy, sink_files
from regulars.pipelines.published import Run
from regulars.pipelines.score_table import Delivered, erased_from_table, publish
from regulars.pipelines.sink import Target, fits_by_name, plain_batches

from ..intake.sources.payloads import PAYLOADS
from ..servers import PostgresServer, wire

TIMES = 200 if os.environ.get("REGULARS_SOAK") == "1" else 10
KINDS = ("sqlite", "duckdb", "alchemy", "postgres", "psycopg")
SECRET_ID = "0shopper-4711-secret"


@dataclass(frozen=True)
class Place:
    """A database, how it is named in a configuration, and how a reader asks it."""

    config: Config
    ask: Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def server(postgres_server: PostgresServer) -> PostgresServer:
    """The server with nothing in its schema `public`."""
    postgres_server.run("DROP SCHEMA IF EXISTS public CASCADE", "CREATE SCHEMA public")
    return postgres_server


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five attempts more, almost at once."""
    monkeypatch.setattr(persistence, "PAUSES", (0.01,) * 5)
    monkeypatch.setattr(sink_files, "CONNECT_SECONDS", 0.01)


def config_in(folder: Path, url: str, table: str = "scores") -> Config:
    return Config.of(scores={"url": url, "table": table}).model_copy(update={"folder": folder})


def of_file(folder: Path, kind: str) -> Place:
    """A place in a file of SQLite, read and written directly or by SQLAlchemy, or of DuckDB."""
    file = folder / ("out.duckdb" if kind == "duckdb" else "out.db")
    scheme = {"alchemy": "sqlite+pysqlite"}.get(kind, kind)

    def ask(query: str) -> list[tuple[Any, ...]]:
        if kind == "duckdb":
            with closing(duckdb.connect(str(file))) as db:
                return db.execute(query).fetchall()
        with closing(sqlite3.connect(file)) as db, db:
            return db.execute(query).fetchall()

    return Place(config_in(folder, f"{scheme}:///{file.name}"), ask)


def of_server(folder: Path, server: PostgresServer, url: str | None = None) -> Place:
    def ask(query: str) -> list[tuple[Any, ...]]:
        with closing(server._connection().cursor()) as cursor:
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    return Place(config_in(folder, url or server.url()), ask)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each kind of database in turn."""
    return place_of(request, tmp_path, request.param)


def place_of(request: pytest.FixtureRequest, folder: Path, kind: str) -> Place:
    """A database of a kind; the server is reached by ADBC, or by SQLAlchemy."""
    if kind in ("postgres", "psycopg"):
        server = request.getfixturevalue("server")
        scheme = "postgresql" if kind == "postgres" else "postgresql+psycopg"
        return of_server(folder, server, server.url().replace("postgresql", scheme, 1))
    return of_file(folder, kind)


def frame_of(n: int, day: str = "2024-01-08", level: float = 0.5, **more: object) -> pd.DataFrame:
    """Scores as `score` writes them, as far as a database cares: every kind of column, NaN, an empty text."""
    ids = [f"0{i:05d}" for i in range(n)]
    found: dict[str, object] = {
        "customer_id": ids,
        "as_of": [day] * n,
        "horizon_days": np.full(n, 30, np.int32),
        "p_churn": np.linspace(0, level, n),
        "spend_low": [np.nan if i % 2 else 1 / 3 for i in range(n)],
        "late": [i % 3 == 0 for i in range(n)],
        "orders": np.arange(n, dtype=np.int64),
        "reasons": ["" if i % 2 else 'o\'clock; "drop" -- é' for i in range(n)],
    }
    return pd.DataFrame(found | more).astype({"late": bool})


def run_of(folder: Path, frame: pd.DataFrame, key: str = "0a1b2c3d") -> Run:
    """A published run, as far as its table is concerned."""
    day = frame["as_of"].iloc[0] if len(frame) else "2024-01-08"
    made = folder / "scores" / "runs" / f"{day}-v1-{key}"
    made.mkdir(parents=True, exist_ok=True)
    texts = {c: pa.string() for c in ("customer_id", "as_of", "reasons")}
    schema = pa.schema([(str(c), texts.get(str(c)) or pa.from_numpy_dtype(t)) for c, t in frame.dtypes.items()])
    pq.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False), made / "scores.parquet")
    return Run(made)


def days(place: Place) -> list[tuple[Any, ...]]:
    """Per day: rows, and the sum of the chances."""
    query = "select as_of, count(*), round(sum(p_churn)::numeric, 6) from scores group by as_of order by as_of"
    return [(d, n, float(s)) for d, n, s in place.ask(query.replace("::numeric", "") if _is_file(place) else query)]


def _is_file(place: Place) -> bool:
    return "postgres" not in str(place.config.scores.url)


def marks(place: Place) -> list[tuple[Any, ...]]:
    return place.ask("select as_of, run, rows from scores_published order by as_of")


def test_every_database_gets_the_same_rows_to_the_bit(place: Place, tmp_path: Path) -> None:
    run = run_of(tmp_path, frame_of(5))
    done = publish(run, place.config)
    assert done == Delivered("scores", "2024-01-08", "2024-01-08-v1-0a1b2c3d", 5, unchanged=False)
    rows = place.ask("select * from scores order by customer_id")
    # Of five rows: the chances rise evenly from 0 to one half; every other one has no lower bound; each third is late.
    third = 1 / 3
    quoted = 'o\'clock; "drop" -- é'
    assert rows == [
        ("000000", "2024-01-08", 30, 0.0, third, True, 0, quoted),
        ("000001", "2024-01-08", 30, 0.125, None, False, 1, ""),
        ("000002", "2024-01-08", 30, 0.25, third, False, 2, quoted),
        ("000003", "2024-01-08", 30, 0.375, None, True, 3, ""),
        ("000004", "2024-01-08", 30, 0.5, third, False, 4, quoted),
    ]
    assert marks(place) == [("2024-01-08", run.name, 5)]


def test_the_same_run_again_changes_nothing_and_says_so(place: Place, tmp_path: Path) -> None:
    run = run_of(tmp_path, frame_of(5))
    first, again = publish(run, place.config), publish(run, place.config)
    assert first is not None
    assert again is not None
    assert again == replace(first, unchanged=True)
    assert again.words == "5 rows of 2024-01-08 were in the table `scores`"
    assert [n for _, n, _ in days(place)] == [5]


def test_another_run_of_a_day_takes_its_place_and_other_days_stay(place: Place, tmp_path: Path) -> None:
    publish(run_of(tmp_path, frame_of(5, "2024-01-07")), place.config)
    publish(run_of(tmp_path, frame_of(5)), place.config)
    # One customer left and the others' chances doubled: the mean of 0 to 1 is one half, of three rows 1.5 together.
    other = run_of(tmp_path, frame_of(3, level=1.0), "ffffffff")
    publish(other, place.config)
    assert days(place) == [("2024-01-07", 5, 1.25), ("2024-01-08", 3, 1.5)]
    assert marks(place)[1] == ("2024-01-08", other.name, 3)


def test_one_customer_stands_there_once_a_day_because_the_key_says_so(place: Place, tmp_path: Path) -> None:
    publish(run_of(tmp_path, frame_of(2)), place.config)
    with pytest.raises((sqlite3.IntegrityError, duckdb.ConstraintException, Exception), match=r"(?i)unique|duplicate"):
        place.ask("insert into scores (customer_id, as_of) values ('000000', '2024-01-08')")


def test_rows_that_stand_twice_are_refused_without_a_name_and_the_old_ones_stay(place: Place, tmp_path: Path) -> None:
    publish(run_of(tmp_path, frame_of(3)), place.config)
    twice = frame_of(2, customer_id=[SECRET_ID, SECRET_ID])
    with pytest.raises(StorageError) as caught:
        publish(run_of(tmp_path, twice, "ffffffff"), place.config)
    assert caught.value.code == "RG341"
    assert SECRET_ID not in str(caught.value)
    assert caught.value.__cause__ is None
    assert days(place) == [("2024-01-08", 3, 0.75)]
    assert len(marks(place)) == 1


def test_columns_that_a_new_version_brings_are_added_and_those_it_lacks_are_empty(place: Place, tmp_path: Path) -> None:
    publish(run_of(tmp_path, frame_of(2, "2024-01-07")), place.config)
    newer = frame_of(2, extra=[1.5, 2.5]).drop(columns="late")
    publish(run_of(tmp_path, newer), place.config)
    found = place.ask("select as_of, late is null, extra from scores order by as_of, customer_id")
    assert found == [
        ("2024-01-07", False, None),
        ("2024-01-07", False, None),
        ("2024-01-08", True, 1.5),
        ("2024-01-08", True, 2.5),
    ]


def test_a_column_of_the_users_own_stays(place: Place, tmp_path: Path) -> None:
    publish(run_of(tmp_path, frame_of(2)), place.config)
    place.ask("alter table scores add note varchar(20)")
    publish(run_of(tmp_path, frame_of(3), "ffffffff"), place.config)
    assert place.ask("select count(*), count(note) from scores") == [(3, 0)]


@pytest.mark.parametrize("made", ["create table scores (a int)", "create table scores_published (as_of text)"])
def test_a_table_that_is_not_ours_is_refused_and_left_alone(place: Place, tmp_path: Path, made: str) -> None:
    place.ask(made)
    with pytest.raises(ConfigError, match=r"RG344.*was not made by Regulars"):
        publish(run_of(tmp_path, frame_of(2)), place.config)
    assert place.ask(f"select count(*) from {made.split()[2]}") == [(0,)]


def test_a_column_whose_type_was_changed_is_refused(tmp_path: Path, server: PostgresServer) -> None:
    place = of_server(tmp_path, server)
    publish(run_of(tmp_path, frame_of(2)), place.config)
    # Eight bytes of a number would be taken for those of a whole number, unseen.
    server.run("alter table scores alter column p_churn type bigint")
    with pytest.raises(DataError, match=r"RG345.*`p_churn`.*bigint.*Needed: double precision"):
        publish(run_of(tmp_path, frame_of(3), "ffffffff"), place.config)


def test_a_table_that_was_taken_away_is_made_again(place: Place, tmp_path: Path) -> None:
    publish(run_of(tmp_path, frame_of(2)), place.config)
    place.ask("drop table scores")
    done = publish(run_of(tmp_path, frame_of(2)), place.config)
    assert done is not None
    assert not done.unchanged
    assert days(place) == [("2024-01-08", 2, 0.5)]


def test_nobody_at_risk_is_a_day_without_rows(place: Place, tmp_path: Path) -> None:
    publish(run_of(tmp_path, frame_of(2)), place.config)
    publish(run_of(tmp_path, frame_of(0), "ffffffff"), place.config)
    assert place.ask("select count(*) from scores") == [(0,)]
    assert [(d, n) for d, _, n in marks(place)] == [("2024-01-08", 0)]


def test_more_rows_than_go_at_a_time_all_arrive(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "ROWS", 7)
    run = run_of(tmp_path, frame_of(50))
    assert len(list(plain_batches(run.path("scores.parquet")))) == 8
    publish(run, place.config)
    # The mean of 0 to one half is a quarter.
    assert days(place) == [("2024-01-08", 50, 12.5)]


def test_a_forgotten_customer_leaves_the_table_and_the_marks_agree(place: Place, tmp_path: Path) -> None:
    publish(run_of(tmp_path, frame_of(3, "2024-01-07")), place.config)
    publish(run_of(tmp_path, frame_of(3)), place.config)
    # Two days of the one; of the other there is nothing.
    assert erased_from_table(place.config, {"000001", "nobody"}) == 2
    assert place.ask("select count(*) from scores where customer_id = '000001'") == [(0,)]
    assert [n for _, _, n in marks(place)] == [2, 2]
    # The run without that customer is what the table holds.
    kept = frame_of(3).drop(index=1)
    done = publish(run_of(tmp_path, kept), place.config)
    assert done is not None
    assert done.unchanged


def test_without_a_table_nothing_is_published_and_nobody_erased(tmp_path: Path) -> None:
    plain = Config.of().model_copy(update={"folder": tmp_path})
    assert publish(run_of(tmp_path, frame_of(1)), plain) is None
    assert erased_from_table(plain, {"a"}) is None


def test_nobody_is_erased_where_no_table_is_yet(place: Place) -> None:
    assert erased_from_table(place.config, {"a"}) == 0


def test_files_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    for kind in ("sqlite", "duckdb", "alchemy"):
        folder = tmp_path / kind
        place = of_file(folder, kind)
        publish(run_of(tmp_path, frame_of(1)), place.config)
        made = [f for f in folder.iterdir() if f.is_file()]
        assert made
        assert {f.stat().st_mode & 0o777 for f in made} == {0o600}


def test_a_table_in_a_schema_of_its_own(tmp_path: Path, server: PostgresServer) -> None:
    server.run("drop schema if exists shop cascade", "create schema shop")
    config = config_in(tmp_path, server.url(), "shop.scores")
    publish(run_of(tmp_path, frame_of(2)), config)
    again = publish(run_of(tmp_path, frame_of(2)), config)
    assert again is not None
    assert again.unchanged
    assert server.value("select count(*) from shop.scores") == 2


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"url": "sqlite:///a.db"}, "`url` and `table` go together"),
        ({"table": "scores"}, "`url` and `table` go together"),
        ({"every_days": 0}, "greater than 0"),
        *(({"url": "sqlite:///a.db", "table": name}, "should match pattern") for name in PAYLOADS[::9]),
        ({"url": "sqlite:///a.db", "table": "a.b.c"}, "should match pattern"),
        # With `_published` behind it, it would be longer than PostgreSQL's names.
        ({"url": "sqlite:///a.db", "table": "t" * 51}, "should match pattern"),
    ],
)
def test_settings_that_mean_nothing_are_refused(said: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Config.of(scores=said)


def test_no_address_shows_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORES_PASSWORD", "s3cret word")
    monkeypatch.setattr(persistence, "PAUSES", ())
    shown = []
    for url in (
        "postgresql://ann:${SCORES_PASSWORD}@127.0.0.1:1/shop",
        "mysql+nodriver://ann:${SCORES_PASSWORD}@127.0.0.1/shop",
        "nothing ${SCORES_PASSWORD}",
        "postgresql://ann:${SCORES_NOT_SET}@127.0.0.1:1/shop",
    ):
        with pytest.raises(RegularsError) as caught:
            publish(run_of(tmp_path, frame_of(1)), config_in(tmp_path, url))
        shown.append(str(caught.value))
        assert "s3cret" not in shown[-1]
        assert caught.value.exit_code in (2, 74)
    assert "SCORES_NOT_SET" in shown[-1]
    assert "s3cret" not in repr(config_in(tmp_path, "postgresql://a:s3cret@h/d"))


def test_a_file_that_another_keeps_is_waited_for_and_then_said(tmp_path: Path, hasty: None) -> None:
    place = of_file(tmp_path, "sqlite")
    publish(run_of(tmp_path, frame_of(2)), place.config)
    with closing(sqlite3.connect(tmp_path / "out.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(StorageError, match=r"RG340.*database is locked"):
            publish(run_of(tmp_path, frame_of(4), "ffffffff"), place.config)
    assert days(place) == [("2024-01-08", 2, 0.5)]


def test_a_file_that_another_lets_go_is_written_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = of_file(tmp_path, "sqlite")
    publish(run_of(tmp_path, frame_of(2)), place.config)
    with closing(sqlite3.connect(tmp_path / "out.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        tries: list[float] = []

        def pause(seconds: float) -> None:
            tries.append(seconds)
            other.execute("rollback")

        monkeypatch.setattr(sink_files, "CONNECT_SECONDS", 0.01)
        monkeypatch.setattr(persistence.time, "sleep", pause)
        done = publish(run_of(tmp_path, frame_of(4), "ffffffff"), place.config)
    assert len(tries) == 1
    assert done is not None
    assert not done.unchanged
    assert days(place) == [("2024-01-08", 4, 1.0)]


def test_a_server_that_restarts_in_mid_write_gets_all_rows_in_the_end(
    tmp_path: Path, server: PostgresServer, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = of_server(tmp_path, server)
    publish(run_of(tmp_path, frame_of(30)), place.config)
    seen: list[list[tuple[Any, ...]]] = []

    def broken(file: Path) -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(plain_batches(file)):
            yield batch
            if number == 1 and len(seen) < 2:
                # A reader in the midst of it, and another when the server is there again.
                seen.append(days(place))
                server.restart()
                seen.append(days(place))

    monkeypatch.setattr(sink, "ROWS", 10)
    monkeypatch.setattr(score_table, "plain_batches", broken)
    done = publish(run_of(tmp_path, frame_of(40), "ffffffff"), place.config)
    # The means are a quarter.
    assert seen == [[("2024-01-08", 30, 7.5)]] * 2
    assert done is not None
    assert not done.unchanged
    assert days(place) == [("2024-01-08", 40, 10.0)]


def test_a_wire_that_is_cut_anywhere_leaves_the_old_rows_or_the_new_ones_and_no_doubles(
    tmp_path: Path, server: PostgresServer, hasty: None
) -> None:
    place = of_server(tmp_path, server)
    runs = itertools.cycle([run_of(tmp_path, frame_of(30)), run_of(tmp_path, frame_of(40), "ffffffff")])
    publish(next(runs), place.config)
    with wire(server.socket) as way:
        publish(next(runs), of_server(tmp_path, server, way.url).config)
    size = way.bytes
    for cut in [size * i // TIMES for i in range(TIMES)] + [size - 1, size - 3]:
        run = next(runs)
        with wire(server.socket, [cut]) as way:
            done = publish(run, of_server(tmp_path, server, way.url).config)
            assert way.broken == 1
        assert done is not None
        assert not done.unchanged
        assert days(place) == [("2024-01-08", done.rows, done.rows / 4)]
        assert marks(place) == [("2024-01-08", run.name, done.rows)]


def test_a_commit_whose_answer_was_lost_is_not_made_twice(
    tmp_path: Path, server: PostgresServer, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = of_server(tmp_path, server)
    publish(run_of(tmp_path, frame_of(30)), place.config)
    with wire(server.socket) as way:
        publish(run_of(tmp_path, frame_of(40), "ffffffff"), of_server(tmp_path, server, way.url).config)
    sent: list[Path] = []

    def counted(file: Path) -> Iterator[pa.RecordBatch]:
        sent.append(file)
        return plain_batches(file)

    monkeypatch.setattr(score_table, "plain_batches", counted)
    # The last byte that a server says before the wire ends belongs to its answer to COMMIT.
    with wire(server.socket, [way.bytes - 1]) as cut:
        done = publish(run_of(tmp_path, frame_of(30)), of_server(tmp_path, server, cut.url).config)
        assert cut.broken == 1
    assert len(sent) == 1
    assert done is not None
    assert not done.unchanged
    assert days(place) == [("2024-01-08", 30, 7.5)]


def test_a_server_that_stays_away_is_an_error_after_six_attempts(
    tmp_path: Path, server: PostgresServer, hasty: None
) -> None:
    with wire(server.socket, [0] * 99) as way, pytest.raises(StorageError) as caught:
        publish(run_of(tmp_path, frame_of(3)), of_server(tmp_path, server, way.url).config)
    assert (caught.value.code, caught.value.exit_code, way.broken) == ("RG340", 74, 6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_writer_that_is_killed_leaves_the_old_rows_or_the_new_ones(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = place_of(request, tmp_path, kind)
    monkeypatch.setattr(sink, "ROWS", 5)
    runs = itertools.cycle([run_of(tmp_path, frame_of(30)), run_of(tmp_path, frame_of(40), "ffffffff")])
    before, put, batches = next(runs), score_table._put, plain_batches
    publish(before, place.config)

    def killed_at(step: int) -> None:
        """Steps 0 to 5 are batches; at 6 all rows are there, but not yet the commit; at 7 it is done."""

        def broken(file: Path) -> Iterator[pa.RecordBatch]:
            for number, batch in enumerate(batches(file)):
                if number == step < 6:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield batch

        def ended(*given: Any) -> bool:
            changed = put(*given)
            if step == 6:
                os.kill(os.getpid(), signal.SIGKILL)
            return changed

        score_table.plain_batches, score_table._put = broken, ended
        publish(after, place.config)
        os.kill(os.getpid(), signal.SIGKILL)

    steps = [0, 3, 6, 7] if TIMES == 10 else [random.Random(i).randrange(8) for i in range(TIMES // len(KINDS))]
    for step in steps:
        after = next(runs)
        if (child := os.fork()) == 0:
            killed_at(step)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        there = before if step < 7 else after
        # A killed client's transaction ends when the server notices it; until then it is invisible.
        assert [run for _, run, _ in marks(place)] == [there.name]
        rows = pq.read_metadata(there.path("scores.parquet")).num_rows
        assert days(place) == [("2024-01-08", rows, rows / 4)]
        publish(after, place.config)
        rows = pq.read_metadata(after.path("scores.parquet")).num_rows
        assert days(place) == [("2024-01-08", rows, rows / 4)]
        before = after


@pytest.mark.parametrize("kind", ["sqlite", "alchemy", "postgres", "psycopg"])
def test_two_who_write_the_same_day_at_once_write_it_once(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persistence, "PAUSES", (0.05,) * 40)
    place = place_of(request, tmp_path, kind)
    run = run_of(tmp_path, frame_of(200))
    sent: list[Path] = []

    def counted(file: Path) -> Iterator[pa.RecordBatch]:
        sent.append(file)
        return plain_batches(file)

    monkeypatch.setattr(score_table, "plain_batches", counted)
    threads = [threading.Thread(target=publish, args=(run, place.config)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert days(place) == [("2024-01-08", 200, 50.0)]
    if kind in ("sqlite", "postgres"):
        assert len(sent) == 1


def test_keys_have_a_length_where_the_database_wants_one_and_tell_capitals_apart() -> None:
    class Spoken:
        dialect = mysql.dialect()

    spoken: Any = Spoken()
    types = sink_alchemy._Alchemy(spoken).types
    assert "VARCHAR(255)" in types["id"]
    assert "utf8mb4_bin" in types["id"]
    assert {kind: types[kind] for kind in ("day", "text", "integer", "number", "boolean")} == {
        "day": "VARCHAR(10)",
        "text": "TEXT",
        "integer": "BIGINT",
        "number": "DOUBLE",
        "boolean": "BOOL",
    }


def test_types_are_known_by_their_names() -> None:
    assert fits_by_name("boolean", "TINYINT(1)")
    assert fits_by_name("text", "character varying(40)")
    # `interval` and `point` hold `int`.
    assert not fits_by_name("integer", "interval")
    assert not fits_by_name("integer", "point")


def test_a_table_is_named_with_its_schema_or_without() -> None:
    assert Target.of("shop.scores") == Target("shop", "scores")
    assert Target.of("scores").beside("_published").sql(lambda name: f"[{name}]") == "[scores_published]"
