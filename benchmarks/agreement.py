"""Whether tables of the reference features agree: rows, missing values, numbers.

In: tables with customer_id, cutoff and the 80, rows in any order. Out: one sentence for every feature that differs,
none when all is well. NaN and NULL are the same missing value and must stand in the same places. Columns of float32
must be the meant numbers, rounded; of float64, counts, days and money must be equal, the rest within 1e-9. Run as
`python -m benchmarks.agreement [--some] FILE FILE ...`, the first of which (float64) the others are held against; with
`--some` only in the features that they have.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .job import EXACT, NAMES

KEYS = ("customer_id", "cutoff")
TOLERANCE = 1e-9


def ordered(table: pa.Table) -> tuple[pa.Table, pa.Array]:
    """The keys in one type each, by customer, then cutoff, and the row that each comes from."""
    keys = table.select(list(KEYS)).cast(pa.schema([(KEYS[0], pa.string()), (KEYS[1], pa.int64())]))
    rows = pc.sort_indices(keys, [(key, "ascending") for key in KEYS])
    return keys.take(rows), rows


def _values(table: pa.Table, name: str, rows: pa.Array) -> NDArray[Any]:
    column = table[name] if pa.types.is_floating(table[name].type) else table[name].cast(pa.float64())
    return np.asarray(column.take(rows).to_numpy())


def disagreements(name: str, found: pa.Table, meant: pa.Table, features: Sequence[str] = NAMES) -> list[str]:
    """How a table differs from the one that is meant, a sentence a feature.

    Examples
    --------
    >>> table = pa.table({"customer_id": ["a"], "cutoff": [10], **{name: [1.0] for name in NAMES}})
    >>> disagreements("another", table, table)
    []
    """
    (keys, rows), (meant_keys, meant_rows) = ordered(found), ordered(meant)
    if not keys.equals(meant_keys):
        return [f"{name}: {found.num_rows} rows of other customers and cutoffs than the {meant.num_rows} meant"]
    differing = []
    for feature in features:
        a, b = _values(found, feature, rows), _values(meant, feature, meant_rows)
        exact = feature in EXACT or a.dtype == np.float32
        b = np.asarray(b, a.dtype)
        limit = 0.0 if exact else TOLERANCE * np.maximum(np.abs(b), 1.0)
        wrong = np.flatnonzero(~((np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= limit)))
        if len(wrong):
            row = int(wrong[0])
            who = f"{meant_keys['customer_id'][row]} at day {meant_keys['cutoff'][row]}"
            differing.append(f"{name}: {feature} differs in {len(wrong)} rows: {who}: {a[row]}, not {b[row]}")
    return differing


def main(given: list[str]) -> int:
    """Compare files; 1 if any differs from the first."""
    some, files = "--some" in given, [f for f in given if f != "--some"]
    meant, lines = pq.read_table(files[0]), []
    for file in files[1:]:
        found = pq.read_table(file)
        features = [name for name in NAMES if name in found.column_names] if some else NAMES
        lines += disagreements(Path(file).stem, found, meant, features)
    print("\n".join(lines))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
