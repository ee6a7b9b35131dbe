"""A connection that breaks while rows are read: the whole table in the end, or an error that says so; never a part."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regulars.config import Config
from regulars.errors import ConfigError, StorageError
from regulars.intake import build_ledger
from regulars.intake.sources import persistence, postgres
from regulars.intake.sources.databases import database_part, tables_at
from regulars.intake.sources.persistence import ConnectionLost, persistent
from regulars.intake.sources.spool import Spool

from ...servers import PostgresServer, wire

Book = Callable[..., Config]

ROWS = 4_000
CUTS = 200 if os.environ.get("REGULARS_SOAK") else 3
ATTEMPTS = 6


@pytest.fixture
def many(server: PostgresServer) -> PostgresServer:
    """A server with a table that takes more than a hundred thousand bytes on the wire."""
    server.run(
        'CREATE TABLE sales (id text, "when" timestamp, money numeric)',
        "INSERT INTO sales SELECT 'c' || i % 97, timestamp '2024-01-01' + i * interval '1 min', i / 8.0 "
        f"FROM generate_series(1, {ROWS}) i",
    )
    return server


def _read(book: Book, url: str) -> Any:
    return build_ledger(book("", path=None, url=url, table="sales"))


@pytest.mark.usefixtures("no_pauses")
def test_a_read_that_is_cut_anywhere_gives_the_same_ledger(book: Book, many: PostgresServer) -> None:
    whole = _read(book, many.url())
    expected = (whole.folder / "purchases.parquet").read_bytes()
    with wire(many.socket) as way:
        _read(book, way.url)
    size = way.bytes
    assert size > 100_000
    for i in range(CUTS):
        # The cuts of one read lie apart, so that each breaks another step: login, types, catalogue, rows.
        first = size * (2 * i + 1) // (2 * CUTS)
        with wire(many.socket, [first, size - 1 - first // 2, first // 9]) as way:
            ledger = _read(book, way.url)
            assert way.broken == 3
        assert (ledger.folder / "purchases.parquet").read_bytes() == expected
        assert ledger.manifest.lines == whole.manifest.lines
        assert ledger.manifest.sources == whole.manifest.sources


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("cut", [0, 300, 250_000])
def test_a_connection_that_is_cut_each_time_is_an_error_and_no_ledger(
    book: Book, many: PostgresServer, tmp_path: Path, cut: int
) -> None:
    with wire(many.socket, [cut] * 99) as way, pytest.raises(StorageError) as caught:
        _read(book, way.url)
    assert (caught.value.code, caught.value.exit_code) == ("RG173", 74)
    assert way.broken == ATTEMPTS
    assert [file for file in tmp_path.rglob("*") if file.is_file() and "ledger" in str(file)] == []


@pytest.mark.usefixtures("no_pauses")
def test_a_server_that_restarts_in_the_midst_of_the_rows_does_no_harm(
    book: Book, many: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, write, restarted = _read(book, many.url()), Spool.write, []

    def write_and_restart(spool: Spool, table: Any) -> None:
        write(spool, table)
        if not restarted:
            restarted.append(True)
            many.restart()

    # Another mapping, so that the ledger is not found again.
    config = book("", path=None, url=many.url(), table="sales", max_bad_share=0.5)
    monkeypatch.setattr(Spool, "write", write_and_restart)
    again = build_ledger(config)
    assert restarted
    assert again.manifest.lines == whole.manifest.lines
    assert again.manifest.fingerprint == whole.manifest.fingerprint


def test_a_server_that_starts_while_it_is_asked_is_waited_for(
    many: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persistence, "PAUSES", (0.5,) * 20)
    many.stop()
    starter = threading.Timer(0.5, many.restart)
    starter.start()
    try:
        assert tables_at(many.url(), Path()) == ["sales"]
    finally:
        starter.join()


def test_no_more_than_five_attempts_follow_the_first_and_they_wait_less_than_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(persistence.time, "sleep", waits.append)
    tried = []

    def lost() -> None:
        tried.append(True)
        raise ConnectionLost("gone", code="RG173")

    with pytest.raises(StorageError, match="RG173"):
        persistent(lost)
    assert len(tried) == ATTEMPTS
    assert all(pause / 2 <= wait <= pause for wait, pause in zip(waits, persistence.PAUSES, strict=True))
    assert sum(persistence.PAUSES) + ATTEMPTS * persistence.CONNECT_SECONDS <= 60


def test_what_trying_again_cannot_mend_is_not_tried_again() -> None:
    tried = []

    def wrong() -> None:
        tried.append(True)
        raise ConfigError("no such user", code="RG174")

    with pytest.raises(ConfigError):
        persistent(wrong)
    assert len(tried) == 1


def test_limits_to_waiting_are_the_users_where_he_gives_them() -> None:
    said = postgres.with_limits("postgresql://a@h/d?connect_timeout=60")
    assert said.count("connect_timeout") == 1
    assert "keepalives_idle=30" in said
    assert postgres.with_limits("postgresql://a@h/d").startswith("postgresql://a@h/d?connect_timeout=5&")


def test_rows_that_find_no_room_on_disk_are_an_error(
    many: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full to stand for a disk without room")
    with Path("/dev/full").open("r+b", buffering=0) as full:
        monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: full)
        with pytest.raises(StorageError, match=r"RG178.*No space left"):
            database_part(many.url(), "sales", tmp_path, {"customer_id": "id"})
