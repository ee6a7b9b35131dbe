"""One Parquet file.

In: a path and the mapping. Out: one `Part` in the file's own types, a row group at a time at most. Nulls stay missing;
a file that is cut is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import DataError, StorageError
from .embedded import file_sha256
from .kinds import Kind, Look, Reading
from .parts import BATCH, Part, Unchanged, check_mapped, check_names, with_lines


def names(path: Path, reading: Reading) -> list[str]:
    """The names of the columns of a Parquet file."""
    return list(_opened(path).schema_arrow.names)


def look(path: Path, mapping: Mapping[str, str], reading: Reading) -> Look:
    """Hash a Parquet file that holds rows."""
    before = Unchanged.now(path)
    if not _opened(path).metadata.num_rows:
        return Look(None, list)
    sha256 = file_sha256(path)
    return Look(sha256, lambda: [part(path, sha256, mapping, before)])


def part(path: Path, sha256: str, mapping: Mapping[str, str], before: Unchanged) -> Part:
    """A Parquet file as a `Part`; `before` is what the file looked like when it was hashed."""
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


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except PermissionError as error:
        raise StorageError(f"`{path}` cannot be read: {error}", code="RG105") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"`{path.name}` is not a whole Parquet file: {error}", do="copy it again", code="RG106"
        ) from None


PARQUET = Kind("Parquet", (".parquet", ".pq"), look, names)
