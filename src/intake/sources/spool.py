"""Rows kept on disk between their source and the intake, so that they can be read again and are there whole or not.

In: Arrow tables, one after the other. Out: the same rows in batches, as often as they are wanted, in bounded memory.
The file has no name: nobody else can open it, and not even a kill leaves it behind. Missing values stay as they are.
"""

from __future__ import annotations

import io
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from ...errors import StorageError
from .parts import BATCH


class Spool:
    """Rows in a file without a name.

    Parameters
    ----------
    folder : Path, optional
        The folder whose disk is to hold them; that of temporary files by default.

    Examples
    --------
    >>> spool = Spool()
    >>> spool.write(pa.table({"id": ["a", "b"]}))
    >>> spool.finish()
    >>> [table.num_rows for table in spool.tables()], spool.rows
    ([2], 2)
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.rows = 0
        self._where = folder or Path(tempfile.gettempdir())
        self._writer: Any = None
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, prefix=".regulars-")  # noqa: SIM115
        except OSError as error:
            raise self._no_room(error) from None
        # Whoever holds the rows need not know that they lie in a file.
        self.close = weakref.finalize(self, self._file.close)
        """Give the disk back; done at the latest when nobody wants the rows any more."""

    def write(self, table: pa.Table) -> None:
        """Append rows; all tables have one schema."""
        try:
            if self._writer is None:
                options = pa.ipc.IpcWriteOptions(compression="lz4")
                self._writer = pa.ipc.new_stream(pa.PythonFile(self._file, mode="w"), table.schema, options=options)
            self._writer.write_table(table, max_chunksize=BATCH)
        except OSError as error:
            raise self._no_room(error) from None
        self.rows += table.num_rows

    def finish(self) -> None:
        """No more rows come."""
        try:
            if self._writer is not None:
                self._writer.close()
            self._file.flush()
        except OSError as error:
            raise self._no_room(error) from None

    def tables(self) -> Iterator[pa.Table]:
        """All rows in their order, in pieces of at most `BATCH`; nothing when there were none."""
        if self._writer is None:
            return
        with pa.ipc.open_stream(pa.PythonFile(_Reader(self._file), mode="r")) as stream:
            for batch in stream:
                yield pa.Table.from_batches([batch])

    def _no_room(self, error: OSError) -> StorageError:
        return StorageError(
            f"the rows cannot be kept in `{self._where}` while they are read: {error.strerror or error}",
            do="free space on that disk; TMPDIR names another folder for temporary files",
            code="RG178",
        )


class _Reader(io.RawIOBase):
    """A file from its beginning, with a place of its own, so that two can read it in turns."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._at)
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
