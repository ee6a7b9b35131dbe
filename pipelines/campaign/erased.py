"""Whoever asks for it vanishes from the decisions log: from waves, events, quarantine, lists, and what was told online.

In: a configuration, and whom one looks for. Out: what was taken out of which file. Of the decisions about them hashes
stay, so that an event that comes late is dropped, too. The waves come last: whoever is killed before that finds in them
what else is to be taken out, and does it again. Everybody else's rows keep their order and their values.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...config import Config
from ...intake.lines import QUARANTINE
from ..erase import Erased, erased_from, erased_from_sealed
from ..files import replaced
from ..sought import Sought
from .book import ASIDE, EVENTS, ONLINE, WAVES, Decisions
from .wave import FACTS, MANIFEST


def erased_from_decisions(config: Config, sought: Sought, day: str) -> list[Erased]:
    """Take them out of everything that lies under `decisions`.

    Raises
    ------
    StorageError
        A file cannot be read or rewritten.
    Busy
        Someone else is writing there.
    """
    book = Decisions.of(config)
    if not book.folder.is_dir():
        return []
    with book.writing("forgetting customers"):
        theirs = _decisions_about(book, sought)
        return [
            *_events(book, sought, theirs),
            *_online(book, sought, theirs),
            *_aside(book, sought, theirs),
            *_lists(book, sought, day),
            *(e for wave in book.waves() for e in erased_from_sealed(wave.folder, FACTS, MANIFEST, sought, day)),
        ]


def _decisions_about(book: Decisions, sought: Sought) -> frozenset[str]:
    """The ids of the decisions about them."""
    names = pa.array(sorted(sought.ids), pa.string())
    told = [wave.table(["customer_id", "decision_id"]) for wave in book.waves()]
    told.append(book.online().select(["customer_id", "decision_id"]))
    found = (t.column("decision_id").filter(pc.is_in(t.column("customer_id"), names)) for t in told)
    return frozenset(i for column in found for i in column.to_pylist())


def _events(book: Decisions, sought: Sought, theirs: frozenset[str]) -> Iterator[Erased]:
    """Their events, and whoever's id names them."""
    events = book.events()
    about = pc.is_in(events.column("decision_id"), pa.array(sorted(theirs), pa.string()))
    ids = events.column("event_id").filter(pc.or_(about, sought.rows(events))).to_pylist()
    hashes = [hashlib.sha256(i.encode()).hexdigest() for i in sorted(theirs)]
    if ids or hashes:
        taken = book.store.erase(ids, hashes)
        if taken:
            yield Erased(book.folder / EVENTS, taken)


def _online(book: Decisions, sought: Sought, theirs: frozenset[str]) -> Iterator[Erased]:
    """Lines of what was recommended to them; half a line goes with them, for nobody knows whose it was."""
    for file in sorted((book.folder / ONLINE).glob("*.jsonl")):
        with _held(file):
            lines = file.read_bytes().splitlines(keepends=True)
            kept = [line for line in lines if not _is_theirs(line, sought, theirs)]
            if len(kept) < len(lines):
                replaced(file, partial(_write_lines, kept))
                yield Erased(file, len(lines) - len(kept))


def _write_lines(lines: list[bytes], path: Path) -> None:
    path.write_bytes(b"".join(lines))


def _write_rows(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


def _is_theirs(line: bytes, sought: Sought, theirs: frozenset[str]) -> bool:
    try:
        row = dict(json.loads(line))
    except (ValueError, TypeError):
        return True
    named = row.get("customer_id") in sought.ids or row.get("decision_id") in theirs
    return named or any(isinstance(value, str) and sought.stands_in(value) for value in row.values())


@contextmanager
def _held(file: Path) -> Iterator[None]:
    """A block in which no endpoint appends to a file: afterwards it finds that another lies there, and opens that."""
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _aside(book: Decisions, sought: Sought, theirs: frozenset[str]) -> Iterator[Erased]:
    """Rows that were refused and are about them."""
    for file in sorted((book.folder / ASIDE).glob("*.parquet")):
        table = pq.read_table(file, schema=QUARANTINE)
        texts = [json.loads(text) for text in table.column("text").to_pylist()]
        about = pa.array([fields.get("decision_id") in theirs for fields in texts], pa.bool_())
        found = pc.or_(sought.rows(table), about)
        taken = int(pc.sum(found).as_py() or 0)
        if taken:
            kept = table.filter(pc.invert(found))
            replaced(file, partial(_write_rows, kept))
            yield Erased(file, taken)


def _lists(book: Decisions, sought: Sought, day: str) -> Iterator[Erased]:
    """Lists for channels, and whatever else lies there."""
    done = {book.folder / name for name in (WAVES, ONLINE, ASIDE)}
    for file in sorted(book.folder.rglob("*")):
        if file.is_file() and not done & set(file.parents) and not file.name.startswith(EVENTS):
            erased = erased_from(file, sought, day)
            if erased is not None:
                yield erased
