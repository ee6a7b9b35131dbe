"""The ledger: every purchase line that counts, checked, exact, sorted and never changed.

In: a configuration (a file, folder, glob or database table), or a frame. Out: a `Ledger` whose table has the canonical
columns, sorted by customer and time, with a manifest that accounts for every line read. Lines without a customer are
counted as guests; lines that cannot be read lie in quarantine; optional values that are missing stay missing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..clock import Cutoff, Zone
from ..config import Config
from ..disk.publish import is_whole
from ..errors import StorageError
from ..schema import Rules
from .beside import framed, hold_tables
from .blocks import LINES
from .lines import QUARANTINE
from .manifest import Manifest
from .privacy import Door
from .refine import refine
from .segments import (
    INDEX_FILE,
    MANIFEST_FILE,
    QUARANTINE_FILE,
    line_files,
    merge_keys,
)
from .shards import COUNTS, Block, blocks_of, counted, schema_of, typed
from .sorted_files import group_blocks, read_blocks
from .sources.frames import frame_part
from .table_rows import (
    file_of,
    held_rows,
    quarantine_file,
    record_of,
    schema_of_table,
    stored_quarantine,
    stored_rows,
)

_SPILL = "spill"


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
    _beside: Mapping[str, tuple[pa.Table, pa.Table]] = field(default_factory=dict, repr=False, compare=False)

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
        return pa.concat_tables(list(self.shards()))

    def has_table(self, table: str) -> bool:
        """Whether there is a table of `events`, `customers`, `offers` or `consent`."""
        return table in self.manifest.tables

    def rows_of(
        self, table: str, first: str | None = None, last: str | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The rows of a table beside the purchases, of the customers from `first` to `last`, both included.

        Rows are sorted by customer, then time. From disk only the row groups that may hold these customers are read.

        Parameters
        ----------
        table : {"events", "customers", "offers", "consent"}
        first, last : str, optional
            Ids, in the order of their UTF-8 bytes; from the first or to the last customer by default. There need not
            be such customers.
        columns : sequence of str, optional
            In the order wanted; by default all but those declared sensitive, which must be asked for by name.

        Raises
        ------
        ConfigError
            There is no such table or column.
        """
        schema = schema_of_table(table, record_of(self.manifest, table), columns)
        if self.folder is None:
            return held_rows(self._beside[table][0], schema, first, last)
        return stored_rows(self.folder / file_of(table), schema, first, last)

    def quarantine(self, table: str = "purchases") -> pa.Table:
        """The lines of a table that could not be read: file, line, reason, column, text as JSON."""
        if table != "purchases":
            record_of(self.manifest, table)
            if self.folder is None:
                return self._beside[table][1]
            return stored_quarantine(self.folder / quarantine_file(table))
        if self.folder is None or not (self.folder / QUARANTINE_FILE).exists():
            return self._bad if self._bad is not None else QUARANTINE.empty_table()
        return pq.read_table(self.folder / QUARANTINE_FILE, schema=QUARANTINE)

    def blocks(self, lines: int = LINES) -> tuple[Block, ...]:
        """Where `shards` cuts: consecutive whole customers, each block the shortest of at least `lines` lines.

        The data alone decide; nothing but a small index is read.
        """
        if self._lines is not None:
            return blocks_of(counted(self._lines), lines)
        return self._own_blocks if lines == LINES else blocks_of(self._customers, lines)

    def shards(
        self,
        lines: int = LINES,
        columns: Sequence[str] | None = None,
        blocks: Iterable[int] | None = None,
        encoded: bool = False,
    ) -> Iterator[pa.Table]:
        """Consecutive blocks of whole customers of at least `lines` lines (the last may be shorter), in order.

        Parameters
        ----------
        lines : int
        columns : sequence of str, optional
            Only these of the ledger's columns, in canonical order; all by default.
        blocks : iterable of int, optional
            Only these of `blocks(lines)`, ascending, such as ``range(10, 20)``; nothing else is read.
        encoded : bool
            Texts as Arrow dictionaries of int32 straight from the file, which is much cheaper to read. A dictionary
            may hold texts that no line of the block has, in any order.
        """
        wanted = self.columns if columns is None else tuple(c for c in self.columns if c in columns)
        cuts = self.blocks(lines)
        chosen = range(len(cuts)) if blocks is None else blocks
        if self._lines is None:
            chosen_cuts = [cuts[i] for i in chosen]
            return read_blocks(line_files(folder_of(self)), chosen_cuts, wanted, encoded, self._merge_keys)
        return _slices(self._lines.select(list(wanted)), cuts, chosen, schema_of(wanted, encoded))

    @cached_property
    def _own_blocks(self) -> tuple[Block, ...]:
        with _readable(self):
            files = line_files(folder_of(self))
            return group_blocks(files[0]) if len(files) == 1 else blocks_of(self._customers, LINES)

    @cached_property
    def _merge_keys(self) -> tuple[str, ...]:
        return merge_keys(folder_of(self), self.columns)

    @cached_property
    def _customers(self) -> pa.Table:
        with _readable(self):
            return pq.read_table(folder_of(self) / INDEX_FILE, schema=COUNTS)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        config: Config,
        *,
        events: Any = None,
        customers: Any = None,
        offers: Any = None,
        consent: Any = None,
    ) -> Ledger:
        """A ledger in memory, from a pandas, pyarrow or any other Arrow-speaking frame.

        Parameters
        ----------
        frame : a frame of pandas, Polars or Arrow, a DuckDB relation, or an object with ``__arrow_c_stream__``
            One row a line, with the columns that `config` maps. A reader is read to its end, a LazyFrame collected.
        config : Config
            The mapping of columns and the rules; its `path` and `url` are not looked at.
        events, customers, offers, consent : the same kinds of frames, optional
            The other tables, which `config` must map; a list of frames for several sections of events.

        Raises
        ------
        ConfigError
            A frame was given for a table that `config` does not map.
        DataError
            The data cannot be read without guessing.
        """
        others = {"events": events, "customers": customers, "offers": offers, "consent": consent}
        deliveries = framed(config, others)
        part = frame_part(frame, config.data.purchases.roles())
        blocks: list[pa.Table] = []
        with tempfile.TemporaryDirectory(prefix="regulars-") as spill:
            door = Door.of(config)
            refined = refine([part], [], config, Path(spill), blocks.append, silent, None, door)
            lines = pa.concat_tables(blocks).combine_chunks()
            buyers = [counted(lines)]
            manifest, held = hold_tables(deliveries, config, refined.manifest, buyers, Path(spill), door)
        return cls(manifest, None, lines, refined.quarantine, held)


def open_ledger(folder: Path) -> Ledger:
    """The ledger in a folder that `build_ledger` made; `StorageError` when it is not whole."""
    if not is_whole(folder):
        raise StorageError(
            f"there is no whole ledger in `{folder}`",
            do="build it again: the source is not changed by that",
            code="RG131",
        )
    return opened(folder)


def opened(folder: Path) -> Ledger:
    """The ledger in a folder that is known to be whole."""
    return Ledger(Manifest.from_json((folder / MANIFEST_FILE).read_text(encoding="utf-8")), folder)


@contextmanager
def _readable(ledger: Ledger) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowInvalid) as error:
        raise StorageError(f"the ledger in `{ledger.folder}` cannot be read: {error}", code="RG131") from None


def _slices(table: pa.Table, cuts: Sequence[Block], chosen: Iterable[int], schema: pa.Schema) -> Iterator[pa.Table]:
    starts = np.cumsum([0, *(cut.lines for cut in cuts)])
    return (typed(table.slice(starts[i], cuts[i].lines), schema) for i in chosen)


def folder_of(ledger: Ledger) -> Path:
    """Where a ledger's files are."""
    if ledger.folder is None:
        raise StorageError("a ledger in memory has no files", code="RG131")
    return ledger.folder


def silent(_: str) -> None:
    """The progress of someone who does not want to know."""
