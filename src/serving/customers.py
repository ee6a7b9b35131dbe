"""One customer's row of the published scores, as the endpoint answers it.

In: the folder of published scores, an id. Out: JSON of the row in the newest run, with its horizons, or a 404. Only the
row groups that may hold the id are read; a few are kept, until the run is another one or was rewritten, as it is when
somebody is forgotten. A number that is missing is null.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from .problems import Problem

if TYPE_CHECKING:
    import pyarrow as pa

    from ..config import Config
    from .speaker import Speaker

LATEST, MANIFEST, ROWS, HORIZONS = "latest", "manifest.json", "scores.parquet", "horizons.parquet"
"""As a run of scores is published: the link to the newest, its seal, and its tables."""
KEPT = 4
"""So many row groups stay decoded, each of at most some ten thousand rows."""
_TRIES = 3
_SAID_ONCE = ("customer_id", "as_of")

Names = Callable[[str], Sequence[str]]


def itself(customer: str) -> Sequence[str]:
    """What a customer is called in the scores where ids are kept as they are."""
    return (customer,)


def names_of(config: Config) -> Names:
    """What a customer may be called in the scores: where these hold pseudonyms, that of the id, or the id itself."""
    if not config.privacy.pseudonyms:
        return itself
    from ..intake.keys import key_of

    pseudonym = key_of(config).pseudonyms()
    return lambda customer: (pseudonym(customer), customer)


def customer(speaker: Speaker, customer_id: str) -> bytes:
    """The published scores of a customer, as JSON.

    Raises
    ------
    Problem
        404: nobody of that id has a score, or none was published.
    """
    found = speaker.customers.row(customer_id)
    if found is None:
        raise Problem(404, "no score of such a customer is published", "RG389")
    return json.dumps(found, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def customer_id_of(raw: bytes) -> str:
    """The id in a path, percent-decoded once; any text may be one.

    Raises
    ------
    Problem
        404: it is no text.

    Examples
    --------
    >>> customer_id_of(b"a%2Fb%2525"), customer_id_of(b"%D8%B3")
    ('a/b%25', 'س')
    """
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise Problem(404, "no score of such a customer is published", "RG389") from None


@dataclass(frozen=True)
class _Run:
    """The newest run at one moment; another one after whatever was rewritten in it."""

    folder: Path
    seal: tuple[int, int, int]

    @classmethod
    def of(cls, scores: Path) -> _Run | None:
        with suppress(OSError):
            folder = (scores / LATEST).resolve(strict=True)
            found = (folder / MANIFEST).stat()
            return cls(folder, (found.st_ino, found.st_mtime_ns, found.st_size))
        return None


@dataclass
class Customers:
    """Published scores, looked up customer by customer; several threads may ask.

    Parameters
    ----------
    scores : Path or None
        The folder of published scores.
    names : callable
        What a customer may be called there.

    Examples
    --------
    >>> Customers(None).row("ann") is None
    True
    """

    scores: Path | None
    names: Names = itself
    _run: _Run | None = field(default=None, repr=False)
    _tables: dict[str, _Table] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def row(self, customer_id: str) -> dict[str, Any] | None:
        """All that the newest run says of a customer; None where it says nothing."""
        if self.scores is None or not _is_text(customer_id):
            return None
        with self._lock:
            for _ in range(_TRIES):
                run = self._opened()
                try:
                    found = None if run is None else self._row(customer_id)
                except OSError:  # The run went while it was read: there is another one, or none.
                    self._forget()
                    continue
                if run == _Run.of(self.scores):
                    return found
                self._forget()
        return None

    def _opened(self) -> _Run | None:
        assert self.scores is not None
        run = _Run.of(self.scores)
        if run != self._run:
            self._forget()
            self._run = run
        return run

    def _forget(self) -> None:
        for table in self._tables.values():
            table.close()
        self._tables, self._run = {}, None

    def _row(self, customer_id: str) -> dict[str, Any] | None:
        for name in self.names(customer_id):
            for row in self._of(ROWS, name):
                further = list(self._of(HORIZONS, name))
                told = [{k: v for k, v in other.items() if k not in _SAID_ONCE} for other in further]
                return {**row, "customer_id": customer_id, **({"horizons": told} if told else {})}
        return None

    def _of(self, file: str, name: str) -> Iterator[dict[str, Any]]:
        assert self._run is not None
        if file not in self._tables:
            path = self._run.folder / file
            if file != ROWS and not path.exists():
                return
            self._tables[file] = _Table(path)
        yield from self._tables[file].rows(name)


def _is_text(text: str) -> bool:
    """Whether a text can stand in a file at all: a half of a surrogate cannot."""
    with suppress(UnicodeEncodeError):
        text.encode()
        return True
    return False


class _Table:
    """A Parquet file, whose row groups say from which id to which they go."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self._file = pq.ParquetFile(path)
        column = self._file.schema_arrow.get_field_index("customer_id")
        groups = (self._file.metadata.row_group(i).column(column).statistics for i in range(self._file.num_row_groups))
        self._spans = [(s.min, s.max) if s is not None and s.has_min_max else None for s in groups]
        self._kept: OrderedDict[int, pa.Table] = OrderedDict()

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """The rows of a customer."""
        import pyarrow.compute as pc

        for group, span in enumerate(self._spans):
            if span is not None and not span[0] <= name <= span[1]:
                continue
            table = self._group(group)
            here = pc.filter(table, pc.equal(table.column("customer_id"), name)) if table.num_rows else table
            for row in here.to_pylist():
                yield {key: _plain(value) for key, value in row.items()}

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def _group(self, number: int) -> pa.Table:
        if number not in self._kept:
            self._kept[number] = self._file.read_row_group(number, use_threads=False)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]


def _plain(value: object) -> object:
    """A cell as JSON takes it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
