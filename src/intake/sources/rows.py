"""All rows of a table on a server, read once, whole, and kept until the intake has them.

In: a function that delivers the table's rows from their beginning. Out: a `Part` whose rows lie on disk and whose
`sha256` is a hash of them in no order: rows have none, and a table that was only written anew is still the same. A
connection that breaks throws away what was read, so nothing is there twice or in part; the read starts over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ..hashes import Fingerprint
from .parts import Part, with_lines
from .persistence import persistent
from .spool import Spool


@dataclass(frozen=True)
class Read:
    """What one whole read found.

    Parameters
    ----------
    name : str
        Of the part.
    types : mapping
        The Arrow type of each role, as in `Part`; money is staged as text and may still count as numbers.
    """

    name: str
    types: Mapping[str, pa.DataType]


def part_of_rows(read: Callable[[Callable[[pa.Table], None]], Read], folder: Path) -> Part:
    """The rows that `read` hands to its sink, as a `Part`; they lie in `folder` meanwhile.

    Columns are texts, instants, truth values, or numbers of 64 bits.
    """

    def attempt() -> Part:
        spool, fingerprint = Spool(folder), Fingerprint()

        def sink(table: pa.Table) -> None:
            fingerprint.add(_hashable(table))
            spool.write(table)

        try:
            found = read(sink)
            spool.finish()
        except BaseException:
            spool.close()
            raise
        return Part(found.name, fingerprint.text(*found.types), found.types, lambda: _numbered(spool))

    return persistent(attempt)


def _hashable(table: pa.Table) -> pa.Table:
    """Truth values as numbers of 64 bits."""
    fields = [f.with_type(pa.int64()) if pa.types.is_boolean(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields))


def _numbered(spool: Spool) -> Iterator[pa.Table]:
    first = 1
    for table in spool.tables():
        yield with_lines(table, first)
        first += table.num_rows
