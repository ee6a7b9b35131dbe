"""The files in a ledger's folder: sorted lines as a base and segments, the index, the evidence.

In: sorted blocks, and the outcome of an intake. Out: a folder that is whole by itself; what it shares with the ledger
that it grew from are hard links to the same immutable files, or copies where the file system has no links. The lines of
base and segments together, block by block, are those of one intake of everything.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..disk.publish import SEAL
from .added import Base
from .evidence import Evidence
from .hashes import Words, ascending
from .lines import QUARANTINE
from .outcome import Refined
from .shards import COUNTS, KEY, joined

PURCHASES_FILE, QUARANTINE_FILE, MANIFEST_FILE = "purchases.parquet", "quarantine.parquet", "manifest.json"
INDEX_FILE, EVIDENCE_FILE, ORDERS_FILE, SEGMENTS_FILE = "index.parquet", "evidence.json", "orders.npy", "segments.json"


class LineWriter:
    """One Parquet file of sorted lines, a row group a block, opened with the first block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: pq.ParquetWriter | None = None

    def __enter__(self) -> LineWriter:
        return self

    def write(self, block: pa.Table) -> None:
        """Append one row group."""
        if self._file is None:
            # LZ4 is a quarter larger than Zstandard and a quarter cheaper to read, every day again.
            self._file = pq.ParquetWriter(self._path, block.schema, compression="lz4", store_decimal_as_integer=True)
        # In one piece: where pages end must not depend on the pieces that a block arrived in.
        self._file.write_table(joined([block]), row_group_size=block.num_rows)

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def write_facts(folder: Path, refined: Refined) -> None:
    """The quarantine, the index and the evidence of all lines."""
    if refined.quarantine.num_rows:
        pq.write_table(joined([refined.quarantine]), folder / QUARANTINE_FILE)
    pq.write_table(joined([refined.customers]), folder / INDEX_FILE, compression="zstd")
    (folder / EVIDENCE_FILE).write_text(refined.evidence.to_json(), encoding="utf-8")


def write_orders(path: Path, words: Words) -> None:
    """The orders of a file of lines, ascending; little-endian, so that the bytes are the same everywhere."""
    np.save(path, words.astype("<u8"), allow_pickle=False)


def read_orders(path: Path) -> Words:
    """The orders of a file of lines, read from the disk only where they are looked at."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def line_files(folder: Path) -> tuple[Path, ...]:
    """The files of lines of a ledger: the base, then the segments as they were added."""
    return (folder / PURCHASES_FILE, *(folder / f"{name}.parquet" for name in _segments(folder)))


def merge_keys(folder: Path, columns: tuple[str, ...]) -> tuple[str, ...]:
    """By what the lines of base and segments must be sorted: the customer alone, if every segment holds later lines."""
    return (KEY,) if all(_segments(folder).values()) else columns


def _segments(folder: Path) -> dict[str, bool]:
    """The names of the segments in order, and whether each holds later lines than everything before it."""
    try:
        found = json.loads((folder / SEGMENTS_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {str(name): bool(later) for name, later in found}


def evidence_in(folder: Path) -> Evidence:
    """The evidence of a ledger."""
    return Evidence.from_json((folder / EVIDENCE_FILE).read_text(encoding="utf-8"))


def base_in(folder: Path, evidence: Evidence, files: Iterable[str]) -> Base:
    """What a ledger tells without its lines; `files` are the names of all files that are read today."""
    bad = folder / QUARANTINE_FILE
    orders = [folder / ORDERS_FILE, *(folder / f"{name}.npy" for name in _segments(folder))]
    return Base(
        evidence,
        tuple(files),
        pq.read_table(folder / INDEX_FILE, schema=COUNTS),
        pq.read_table(bad, schema=QUARANTINE) if bad.exists() else QUARANTINE.empty_table(),
        [read_orders(path) for path in orders],
    )


def next_segment(folder: Path) -> str:
    """The name of the segment that comes after those of a ledger.

    Examples
    --------
    >>> next_segment(Path("nowhere"))
    'segment-0001'
    """
    return f"segment-{len(_segments(folder)) + 1:04}"


def share_lines(base: Path, folder: Path, segment: str, later: bool) -> dict[str, str]:
    """Put a ledger's files of lines and orders into a folder that holds a new segment, if it has lines at all.

    Returns
    -------
    dict of str to str
        The digests of the shared files, as sealed.
    """
    segments = _segments(base)
    shared = [PURCHASES_FILE, ORDERS_FILE, *(f"{n}.{end}" for n in segments for end in ("parquet", "npy"))]
    if (folder / f"{segment}.parquet").exists():
        segments[segment] = later
    if segments:
        (folder / SEGMENTS_FILE).write_text(json.dumps(list(segments.items())) + "\n", encoding="utf-8")
    return shared_files(base, folder, shared)


def shared_files(base: Path, folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Link or copy files of a whole ledger; the sealed digests of those that were linked."""
    sealed: Mapping[str, str] = json.loads((base / SEAL).read_text(encoding="utf-8"))
    known = {}
    for name in names:
        try:
            os.link(base / name, folder / name)
            known[name] = sealed[name]
        except OSError:
            shutil.copyfile(base / name, folder / name)
    return known


def other_files(folder: Path) -> list[str]:
    """The files of a ledger that hold neither lines nor orders."""
    lines = {PURCHASES_FILE, ORDERS_FILE, SEGMENTS_FILE, SEAL}
    lines |= {f"{name}.{end}" for name in _segments(folder) for end in ("parquet", "npy")}
    return sorted(f.name for f in folder.iterdir() if f.is_file() and f.name not in lines)


def all_orders(folder: Path) -> Words:
    """The orders of base and segments together."""
    return ascending(
        [read_orders(folder / ORDERS_FILE), *(read_orders(folder / f"{n}.npy") for n in _segments(folder))]
    )
