"""An empty schema of the tests' PostgreSQL server, and the pauses between attempts too short to notice."""

from __future__ import annotations

import pytest

from regulars.intake.sources import persistence

from ...servers import PostgresServer


@pytest.fixture
def server(postgres_server: PostgresServer) -> PostgresServer:
    """The server with nothing in its schema `public` but what the test makes."""
    postgres_server.run(
        "DROP SCHEMA IF EXISTS public CASCADE", "CREATE SCHEMA public", "GRANT USAGE ON SCHEMA public TO public"
    )
    return postgres_server


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five attempts more, at once."""
    monkeypatch.setattr(persistence, "PAUSES", (0.0,) * 5)
