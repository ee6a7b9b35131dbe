"""Where a table is: a file, a folder, a glob, or a table in a database file.

In: the configuration. Out: `Part`s in a stable order, each checked for its columns by name before anything is read.
Empty files in a folder are passed over with a note; two files with equal content are an error.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...config import Config
from ...errors import ConfigError, DataError
from ...sections import TableSection
from .csvfile import Scan, csv_part, has_records, scan_csv
from .databases import database_part, file_sha256
from .parts import BATCH, Part, Unchanged, check_mapped, check_names, with_lines

CSV, PARQUET = (".csv", ".csv.gz", ".tsv", ".txt"), (".parquet", ".pq")
IN_FOLDERS = (".csv", ".csv.gz", *PARQUET)
SUPPORTED = "a .csv, .csv.gz, .tsv, .txt or .parquet file, a folder of them, or a glob"


def parts_of(config: Config) -> tuple[list[Part], list[str]]:
    """The parts of the configured purchases, and notes about what was passed over.

    Raises
    ------
    ConfigError
        Neither `path` nor `url`, nothing there, or a kind of source that is not supported.
    DataError
        A missing, double or unreadable column; the same file twice; nothing but empty files.
    """
    return parts_at(config.data.purchases, config.folder, "purchases")


def parts_at(section: TableSection, folder: Path, table: str) -> tuple[list[Part], list[str]]:
    """The same for the section of any table; relative paths start at `folder`."""
    mapping = section.roles()
    if section.url is not None and section.table is not None:
        return [database_part(section.url, section.table, folder, mapping)], []
    if section.path is None:
        raise ConfigError(
            f"the configuration says nowhere where the {table} are",
            needed=f"`path`, or `url` and `table`, under [data.{table}]",
            do=f'add path = "{table}.csv", or hand over a frame with Ledger.from_frame',
            code="RG115",
        )
    files = files_of(section.path, folder)
    if any(_is_parquet(f) for f in files) and not all(_is_parquet(f) for f in files):
        raise DataError(
            f"`{section.path}` holds both CSV and Parquet files", do="give a glob of one kind", code="RG116"
        )
    parts, notes = _parquet_parts(files, mapping) if _is_parquet(files[0]) else _csv_parts(files, mapping)
    return parts, notes + _left_out(folder / section.path, files)


def _left_out(here: Path, files: list[Path]) -> list[str]:
    """What lies in a folder beside the files that are read."""
    if not here.is_dir():
        return []
    others = sorted(f.name for f in here.iterdir() if f not in files)
    return [f"not read in `{here.name}`: {', '.join(others[:5])}{', ...' if others[5:] else ''}"] if others else []


def files_of(path: str, folder: Path) -> list[Path]:
    """The files behind a path: itself, a folder's own files, or a glob's, sorted by name."""
    here = folder / path
    if here.is_file():
        _check_kind(here)
        return [here]
    if here.is_dir():
        found = [f for f in here.iterdir() if f.is_file() and f.name.lower().endswith(IN_FOLDERS)]
        missing = f"the folder `{path}` holds no .csv, .csv.gz or .parquet file"
    else:
        found = _globbed(folder, path) if glob.has_magic(path) else []
        missing = f"there is no file `{path}` in `{folder}`"
    files = sorted(f for f in found if not f.name.startswith((".", "_")))
    if not files:
        raise ConfigError(
            missing, needed=SUPPORTED, do="check `path`; it starts at the configuration's folder", code="RG111"
        )
    for file in files:
        _check_kind(file)
    return files


def _globbed(folder: Path, pattern: str) -> list[Path]:
    start = Path(pattern)
    base = Path(start.anchor) if start.is_absolute() else folder
    return [f for f in base.glob(str(start.relative_to(base) if start.is_absolute() else start)) if f.is_file()]


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith(PARQUET)


def _check_kind(path: Path) -> None:
    if not path.name.lower().endswith(CSV + PARQUET):
        raise ConfigError(f"`{path.name}` is of no kind that can be read", needed=SUPPORTED, code="RG112")


def _check_twins(contents: Mapping[Path, str]) -> None:
    seen: dict[str, Path] = {}
    for path, content in contents.items():
        if content in seen:
            raise DataError(
                f"`{seen[content].name}` and `{path.name}` have the same content",
                needed="every line once",
                do="remove one of the two files",
                code="RG117",
            )
        seen[content] = path


def _no_rows(files: list[Path]) -> DataError:
    return DataError(
        f"no rows: {', '.join(f'`{f.name}`' for f in files[:3])} held nothing but a header, or nothing at all",
        do="check how the files are made",
        code="RG118",
    )


def _csv_parts(files: list[Path], mapping: Mapping[str, str]) -> tuple[list[Part], list[str]]:
    scans: dict[Path, Scan] = {f: scan_csv(f) for f in files}
    filled = [f for f in files if not scans[f].empty and has_records(f)]
    if not filled:
        raise _no_rows(files)
    _check_twins({f: scans[f].content for f in filled})
    notes = [f"`{f.name}` is empty and was passed over" for f in files if f not in filled]
    return [csv_part(f, scans[f], mapping) for f in filled], notes


def _parquet_parts(files: list[Path], mapping: Mapping[str, str]) -> tuple[list[Part], list[str]]:
    rows = {f: _opened(f).metadata.num_rows for f in files}
    filled = [f for f in files if rows[f]]
    if not filled:
        raise _no_rows(files)
    hashes = {f: file_sha256(f) for f in filled}
    _check_twins(hashes)
    notes = [f"`{f.name}` is empty and was passed over" for f in files if f not in filled]
    return [_parquet_part(f, hashes[f], mapping) for f in filled], notes


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"`{path.name}` is not a whole Parquet file: {error}", do="copy it again", code="RG106"
        ) from None


def _parquet_part(path: Path, sha256: str, mapping: Mapping[str, str]) -> Part:
    before = Unchanged.now(path)
    schema = _opened(path).schema_arrow
    check_names(schema.names, f"`{path.name}`")
    check_mapped(mapping, schema.names, f"`{path.name}`")
    types = {role: schema.field(column).type for role, column in mapping.items()}

    def batches() -> Iterator[pa.Table]:
        first = 1
        wanted = list(dict.fromkeys(mapping.values()))
        try:
            for batch in _opened(path).iter_batches(batch_size=BATCH, columns=wanted):
                table = pa.table({role: batch.column(column) for role, column in mapping.items()})
                yield with_lines(table, first)
                first += batch.num_rows
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(
                f"`{path.name}` cannot be read to its end: {error}", do="copy it again", code="RG106"
            ) from None
        before.check()

    return Part(path.name, sha256, types, batches, path=path)
