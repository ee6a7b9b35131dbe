"""Whether tables of the reference features agree: rows, missing values, numbers.

In: tables with customer_id, cutoff and the 25, rows in any order. Out: one sentence for every feature that differs,
none when all is well. NaN and NULL are the same missing value and must stand in the same places. Run as `python -m
benchmarks.agreement FILE FILE ...`, the first of which the others are held against.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .job import EXACT, NAMES

KEYS = ("customer_id", "cutoff")
TOLERANCE = 1e-9


def sorted_rows(table: pa.Table) -> pa.Table:
    """Only the keys and the 25, in one type each, by customer, then cutoff."""
    types = [pa.string(), pa.int64(), *(pa.float64() for _ in NAMES)]
    schema = pa.schema(list(zip((*KEYS, *NAMES), types, strict=True)))
    return table.select(schema.names).cast(schema).sort_by([(key, "ascending") for key in KEYS])


def disagreements(name: str, found: pa.Table, meant: pa.Table) -> list[str]:
    """How a table differs from the one that is meant, a sentence a feature.

    Examples
    --------
    >>> table = pa.table({"customer_id": ["a"], "cutoff": [10], **{name: [1.0] for name in NAMES}})
    >>> disagreements("another", table, table)
    []
    """
    found, meant = sorted_rows(found), sorted_rows(meant)
    if found.num_rows != meant.num_rows or not all(found[key].equals(meant[key]) for key in KEYS):
        return [f"{name}: {found.num_rows} rows of other customers and cutoffs than the {meant.num_rows} meant"]
    differing = []
    for feature in NAMES:
        a, b = (np.asarray(t[feature].to_numpy(), np.float64) for t in (found, meant))
        limit = 0.0 if feature in EXACT else TOLERANCE * np.maximum(np.abs(b), 1.0)
        wrong = np.flatnonzero(~((np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= limit)))
        if len(wrong):
            row = int(wrong[0])
            who = f"{meant['customer_id'][row]} at day {meant['cutoff'][row]}"
            differing.append(f"{name}: {feature} differs in {len(wrong)} rows: {who}: {a[row]}, not {b[row]}")
    return differing


def main(files: list[str]) -> int:
    """Compare files; 1 if any differs from the first."""
    meant = pq.read_table(files[0])
    lines = [line for f in files[1:] for line in disagreements(Path(f).stem, pq.read_table(f), meant)]
    print("\n".join(lines))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
