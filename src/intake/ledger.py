"""The ledger: every purchase line that counts, checked, exact, sorted and never changed.

In: a configuration (a file, folder, glob or database table), or a frame. Out: a `Ledger` whose table has the canonical
columns, sorted by customer and time, with a manifest that accounts for every line read. Lines without a customer are
counted as guests; lines that cannot be read lie in quarantine; optional values that are missing stay missing.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..clock import Cutoff, Zone
from ..config import Config
from ..errors import StorageError
from ..schema import Rules, purchases_schema
from .blocks import LINES, customer_blocks
from .frames import frame_part
from .lines import QUARANTINE
from .manifest import FORMAT, Manifest
from .parts import Part, mapping_of
from .publish import is_whole, published
from .refine import refine
from .sources import parts_of

PURCHASES_FILE, QUARANTINE_FILE, MANIFEST_FILE = "purchases.parquet", "quarantine.parquet", "manifest.json"


@dataclass(frozen=True)
class Ledger:
    """Purchases that can be trusted.

    Parameters
    ----------
    manifest : Manifest
        What was read and what became of it.
    folder : Path or None
        Where the ledger's files are; None for a ledger in memory.

    Examples
    --------
    >>> frame = pa.table({"customer_id": ["a"], "purchased_at": ["2024-01-05"], "amount": ["9.90"]})
    >>> ledger = Ledger.from_frame(frame, Config.of())
    >>> ledger.manifest.lines["used"], str(ledger.history_starts), str(ledger.ends)
    (1, '2024-01-05', '2024-01-06')
    """

    manifest: Manifest
    folder: Path | None = None
    _lines: pa.Table | None = field(default=None, repr=False, compare=False)
    _bad: pa.Table | None = field(default=None, repr=False, compare=False)

    @property
    def rules(self) -> Rules:
        """How purchases are counted."""
        return self.manifest.rules

    @cached_property
    def zone(self) -> Zone:
        """The business time zone."""
        return Zone(self.manifest.rules.timezone)

    @property
    def columns(self) -> tuple[str, ...]:
        """The canonical columns present, in canonical order."""
        return self.manifest.columns

    @property
    def history_starts(self) -> Cutoff:
        """The first local day that the data cover."""
        return Cutoff.parse(self.manifest.history_starts)

    @property
    def ends(self) -> Cutoff:
        """The day after the last local day that the data cover."""
        return Cutoff.parse(self.manifest.history_ends).plus(1)

    def covering(self, last: Cutoff) -> Ledger:
        """The same, when it is known that the data cover a day without purchases after the last one."""
        return replace(self, manifest=replace(self.manifest, history_ends=str(last)))

    def table(self) -> pa.Table:
        """All lines, sorted; the schema is `schema.purchases_schema(columns)`."""
        if self._lines is not None:
            return self._lines
        return pa.concat_tables(list(self._row_groups(self.columns)))

    def quarantine(self) -> pa.Table:
        """The lines that could not be read: file, line, reason, column, text as JSON."""
        if self.folder is None or not (self.folder / QUARANTINE_FILE).exists():
            return self._bad if self._bad is not None else QUARANTINE.empty_table()
        return pq.read_table(self.folder / QUARANTINE_FILE, schema=QUARANTINE)

    def shards(self, lines: int = LINES, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Consecutive blocks of whole customers of at least `lines` lines (the last may be shorter), in order.

        Parameters
        ----------
        lines : int
        columns : sequence of str, optional
            Only these of the ledger's columns, in canonical order; all by default.
        """
        wanted = self.columns if columns is None else tuple(c for c in self.columns if c in columns)
        tables = self._row_groups(wanted) if self._lines is None else iter([self._lines.select(list(wanted))])
        return customer_blocks(tables, lines)

    def _row_groups(self, columns: tuple[str, ...]) -> Iterator[pa.Table]:
        schema = purchases_schema(columns)
        try:
            with pq.ParquetFile(_folder(self) / PURCHASES_FILE) as file:
                for group in range(file.num_row_groups):
                    yield file.read_row_group(group, columns=list(columns)).cast(schema)
        except (OSError, pa.ArrowInvalid) as error:
            raise StorageError(f"the ledger in `{self.folder}` cannot be read: {error}", code="RG131") from None

    @classmethod
    def from_frame(cls, frame: Any, config: Config) -> Ledger:
        """A ledger in memory, from a pandas, pyarrow or any other Arrow-speaking frame.

        Parameters
        ----------
        frame : pandas.DataFrame, pyarrow.Table or object with ``__arrow_c_stream__``
            One row a line, with the columns that `config` maps.
        config : Config
            The mapping of columns and the rules; its `path` and `url` are not looked at.

        Raises
        ------
        DataError
            The data cannot be read without guessing.
        """
        part = frame_part(frame, mapping_of(config.data.purchases))
        blocks: list[pa.Table] = []
        with tempfile.TemporaryDirectory(prefix="regulars-") as spill:
            refined = refine([part], [], config, Path(spill), blocks.append, _silent)
        return cls(refined.manifest, None, pa.concat_tables(blocks).combine_chunks(), refined.quarantine)


def build_ledger(config: Config, progress: Callable[[str], None] | None = None) -> Ledger:
    """The ledger of the configured source, under ``.regulars/ledger`` beside the configuration.

    A ledger of the same source content and the same [data] section is found again and not built twice.

    Parameters
    ----------
    config : Config
        Names the source, the mapping and the rules.
    progress : callable, optional
        Told in a few words what is going on.

    Raises
    ------
    ConfigError
        There is no such source, or its kind is not supported.
    DataError
        The data cannot be read without guessing; the message names the place and the remedy.
    StorageError
        A file cannot be read or written.
    """
    say = progress or _silent
    say("looking at the source")
    parts, notes = parts_of(config)
    target = config.folder / ".regulars" / "ledger" / _key(parts, config)
    if not is_whole(target):
        with published(target) as temporary:
            _fill(temporary, parts, notes, config, say)
    return open_ledger(target)


def open_ledger(folder: Path) -> Ledger:
    """The ledger in a folder that `build_ledger` made; `StorageError` when it is not whole."""
    if not is_whole(folder):
        raise StorageError(
            f"there is no whole ledger in `{folder}`",
            do="build it again: the source is not changed by that",
            code="RG131",
        )
    return Ledger(Manifest.from_json((folder / MANIFEST_FILE).read_text(encoding="utf-8")), folder)


def _folder(ledger: Ledger) -> Path:
    if ledger.folder is None:
        raise StorageError("a ledger in memory has no files", code="RG131")
    return ledger.folder


def _key(parts: Sequence[Part], config: Config) -> str:
    sources = sorted((p.name, p.sha256) for p in parts)
    content = json.dumps([FORMAT, sources, config.data.model_dump(mode="json")], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:20]


def _fill(
    folder: Path, parts: Sequence[Part], notes: Sequence[str], config: Config, say: Callable[[str], None]
) -> None:
    spill = folder / "spill"
    with _Writer(folder / PURCHASES_FILE) as writer:
        refined = refine(parts, notes, config, spill, writer.write, say)
    if refined.quarantine.num_rows:
        pq.write_table(refined.quarantine, folder / QUARANTINE_FILE)
    (folder / MANIFEST_FILE).write_text(refined.manifest.to_json(), encoding="utf-8")
    if spill.exists():
        spill.rmdir()


class _Writer:
    """One Parquet file, a row group a block, opened with the first block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: pq.ParquetWriter | None = None

    def __enter__(self) -> _Writer:
        return self

    def write(self, block: pa.Table) -> None:
        """Append one row group."""
        if self._file is None:
            self._file = pq.ParquetWriter(
                self._path, block.schema, compression="zstd", compression_level=1, store_decimal_as_integer=True
            )
        self._file.write_table(block, row_group_size=block.num_rows)

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _silent(_: str) -> None:
    """The progress of someone who does not want to know."""
