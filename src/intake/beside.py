"""The tables beside the purchases, taken in together: events, customers, offers, consent.

In: the configuration or frames, and the ids of those who bought. Out: one sorted Parquet file a table (row groups of
whole customers) or Arrow tables, and their records in the manifest. A customer without purchases stays, and is counted;
a table that the configuration does not name is not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..config import Config
from ..errors import ConfigError, DataError
from ..sections import TableSection
from .manifest import Manifest
from .privacy import Door
from .repairs import strangers_alike
from .shards import KEY, joined
from .sources.found import parts_at
from .sources.frames import frame_part
from .staging import Connection, working_database
from .table_rows import file_of, quarantine_file
from .tables import Delivery, Outcome, TableIntake

Deliveries = Mapping[str, Sequence[Delivery]]


def deliveries_of(config: Config) -> dict[str, list[Delivery]]:
    """What the configuration names, table by table; every source is looked at, none is read.

    Raises
    ------
    ConfigError
        Nothing there, or a kind of source that is not supported.
    DataError
        A missing, double or unreadable column; the same file twice.
    """
    found = {
        table: [_delivered(section, table, config) for section in sections]
        for table, sections in config.data.beside().items()
    }
    for table, deliveries in found.items():
        _check_twins(table, deliveries)
    return found


def _delivered(section: TableSection, table: str, config: Config) -> Delivery:
    parts, notes = parts_at(section, config.folder, table)
    return Delivery(section, parts, notes)


def _check_twins(table: str, deliveries: Sequence[Delivery]) -> None:
    """Refuse the same content read in the same way under two sections."""
    seen: dict[tuple[str, str], str] = {}
    for delivery in deliveries:
        section = delivery.section
        reading = section.model_dump_json(exclude={"path", "url", "table", "max_bad_share", "duplicates"})
        for part in delivery.parts:
            twin = seen.setdefault((part.sha256, reading), part.name)
            if twin is not part.name:
                raise DataError(
                    f"two sections of [[data.{table}]] read the same content in the same way: `{twin}`, `{part.name}`",
                    needed="every line once",
                    do="leave one of the two out",
                    code="RG117",
                )


def framed(config: Config, frames: Mapping[str, Any]) -> dict[str, list[Delivery]]:
    """The same from frames in memory; several sections take a list of frames, in their order."""
    sections, found = config.data.beside(), dict[str, list[Delivery]]()
    for table, given in frames.items():
        if given is None:
            continue
        if table not in sections:
            raise ConfigError(
                f"a frame of {table} was given, and nothing says which of its columns is what",
                needed=f"the section [data.{table}]",
                do=f'such as Config.of(data={{"{table}": {{"customer_id": "id", ...}}}})',
                code="RG140",
            )
        several = list(given) if isinstance(given, list | tuple) else [given]
        if len(several) != len(sections[table]):
            raise ConfigError(
                f"{len(several)} frames of {table} were given for {len(sections[table])} sections",
                needed="one frame a section, in their order",
                code="RG140",
            )
        found[table] = [
            Delivery(section, [frame_part(frame, section.roles(), f"{table} frame")])
            for section, frame in zip(sections[table], several, strict=True)
        ]
    return found


def take_in(
    deliveries: Deliveries,
    config: Config,
    spill: Path,
    buyers: Iterable[pa.Table],
    read_time: str,
    sinks: Mapping[str, Callable[[pa.Table], None]],
    progress: Callable[[str], None],
    door: Door,
) -> dict[str, Outcome]:
    """Take in all tables, one after the other; every block of rows goes to its table's sink.

    Parameters
    ----------
    deliveries : mapping
        From `deliveries_of` or `framed`.
    config : Config
    spill : Path
        Where the working database may spill.
    buyers : iterable of pyarrow.Table
        The ids of all customers with purchases (column ``customer_id``), each once.
    read_time : str
        The manifest's: later rows are not plausible.
    sinks : mapping
        A function that takes a block, for each table.
    progress : callable
        Told in a few words what is going on.
    door : Door
        The one that the purchases have passed.
    """
    read_us = int(np.datetime64(read_time.removesuffix("Z"), "us").astype(np.int64))
    outcomes: dict[str, Outcome] = {}
    if not deliveries:
        return outcomes
    with working_database(config.engine, spill) as con:
        _load(con, buyers)
        for table, delivered in deliveries.items():
            intake = TableIntake(con, table, delivered, config.zone, read_us, progress, door)
            outcome = intake.run(sinks[table])
            notes = (*outcome.manifest.notes, *strangers_alike(con, table, outcome.manifest, door.plain_ids))
            outcomes[table] = replace(outcome, manifest=replace(outcome.manifest, notes=notes))
            con.execute("DROP TABLE used")
    return outcomes


def _load(con: Connection, buyers: Iterable[pa.Table]) -> None:
    con.execute(f"CREATE TABLE buyers ({KEY} VARCHAR)")
    for names in buyers:
        con.register("names", names.select([KEY]))
        con.execute(f"INSERT INTO buyers SELECT {KEY} FROM names")
        con.unregister("names")


def with_tables(manifest: Manifest, outcomes: Mapping[str, Outcome]) -> Manifest:
    """The manifest of purchases and tables together; without tables it is that of the purchases."""
    if not outcomes:
        return manifest
    tables = {name: outcomes[name].manifest for name in sorted(outcomes)}
    facts = [manifest.fingerprint, *(f"{name} {table.fingerprint}" for name, table in tables.items())]
    whole = hashlib.sha256("\0".join(facts).encode()).hexdigest()
    return replace(manifest, fingerprint=whole, tables=tables)


def write_tables(
    folder: Path,
    deliveries: Deliveries,
    config: Config,
    manifest: Manifest,
    buyers: Iterable[pa.Table],
    progress: Callable[[str], None],
    door: Door,
) -> Manifest:
    """Take in all tables into a ledger's folder; the manifest with their records."""
    files = {table: _File(folder / file_of(table)) for table in deliveries}
    try:
        sinks = {table: file.write for table, file in files.items()}
        outcomes = take_in(deliveries, config, folder / "spill", buyers, manifest.read_time, sinks, progress, door)
    finally:
        for file in files.values():
            file.close()
    for table, outcome in outcomes.items():
        if outcome.quarantine.num_rows:
            pq.write_table(outcome.quarantine, folder / quarantine_file(table))
    return with_tables(manifest, outcomes)


def hold_tables(
    deliveries: Deliveries, config: Config, manifest: Manifest, buyers: Iterable[pa.Table], spill: Path, door: Door
) -> tuple[Manifest, dict[str, tuple[pa.Table, pa.Table]]]:
    """Take in all tables in memory; the manifest with their records, and of each table the rows and the bad lines."""
    blocks: dict[str, list[pa.Table]] = {table: [] for table in deliveries}
    sinks = {table: pieces.append for table, pieces in blocks.items()}
    outcomes = take_in(deliveries, config, spill, buyers, manifest.read_time, sinks, lambda _: None, door)
    held = {t: (pa.concat_tables(blocks[t]).combine_chunks(), outcome.quarantine) for t, outcome in outcomes.items()}
    return with_tables(manifest, outcomes), held


class _File:
    """One Parquet file, a row group a block, opened with the first block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: pq.ParquetWriter | None = None

    def write(self, block: pa.Table) -> None:
        """Append one row group, in one piece: where pages end must not depend on how the block arrived."""
        if self._file is None:
            self._file = pq.ParquetWriter(
                self._path, block.schema, compression="zstd", compression_level=1, store_decimal_as_integer=True
            )
        if block.num_rows:
            self._file.write_table(joined([block]), row_group_size=block.num_rows)

    def close(self) -> None:
        """Finish the file, if there was a block."""
        if self._file is not None:
            self._file.close()
