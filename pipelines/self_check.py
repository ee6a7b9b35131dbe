"""What a run must hold before it is published: read back from its files, not from memory.

In: a folder with the files of a run. Out: nothing, or an error that names the file, the column and how many rows. Rows
are as many as were scored, each customer once, chances lie between 0 and 1, money is a finite number, and text and
Parquet say the same to the bit. Bounds, and what no classical model could be fitted for, may be missing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from ..errors import RegularsError
from .published import CSV, SCORES

CHANCES = ("p_churn",)
MAYBE_CHANCES = ("p_no_spend", "p_so_late")
"""Chances that are missing where no classical model could be fitted."""
MONEY = ("expected_spend", "spend")
SAME = ("p_churn", "expected_spend", "lifetime_value")
"""Numbers that text and Parquet must say alike."""


def checked(folder: Path, customers: int) -> None:
    """Read a run back.

    Parameters
    ----------
    customers : int
        How many rows were told.

    Raises
    ------
    RegularsError
        ``RG333``; nothing is published then.
    """
    file = pq.ParquetFile(folder / SCORES)
    names = set(file.schema_arrow.names)
    numbers = [n for n in (*CHANCES, *MAYBE_CHANCES, *MONEY, *SAME) if n in names]
    wanted = ["customer_id", *dict.fromkeys([*numbers, *(n for n in names if n.startswith("p_purchase_"))])]
    rows, last = 0, ""
    for group in range(file.num_row_groups):
        table = file.read_row_group(group, columns=wanted)
        last = _in_order(table.column("customer_id"), last)
        _sound(table)
        rows += table.num_rows
    _refuse(rows != customers, f"{SCORES} has {rows:,} rows and {customers:,} were told")
    _alike(folder, [n for n in SAME if n in names])


def _in_order(ids: pa.ChunkedArray, last: str) -> str:
    """The last id, if every id comes after the one before it: then none comes twice."""
    column = ids.combine_chunks() if ids.num_chunks != 1 else ids.chunk(0)
    if not len(column):
        return last
    rising = pc.all(pc.greater(column.slice(1), column.slice(0, len(column) - 1))).as_py()
    _refuse(column.null_count > 0 or rising is False, f"{SCORES} has a customer twice, or out of order")
    first = column[0].as_py()
    _refuse(bool(last) and first <= last, f"{SCORES} has a customer twice, or out of order")
    return str(column[-1].as_py())


def _sound(table: pa.Table) -> None:
    for name in table.column_names[1:]:
        values = table.column(name).to_numpy()
        chance = name in CHANCES or name in MAYBE_CHANCES or name.startswith("p_purchase_")
        needed = ~np.isnan(values) if name in MAYBE_CHANCES else np.ones(len(values), bool)
        sound = (values >= 0) & (values <= 1) if chance else np.isfinite(values) | (name not in MONEY)
        bad = int((needed & ~sound).sum())
        _refuse(bad > 0, f"`{name}` of {bad:,} rows is no {'chance' if chance else 'finite amount'}")


def _alike(folder: Path, names: list[str]) -> None:
    """The same customers and numbers in text and Parquet, a few columns of all rows at a time."""
    text = pacsv.read_csv(
        folder / CSV,
        convert_options=pacsv.ConvertOptions(
            include_columns=["customer_id", *names],
            column_types={"customer_id": pa.string(), **dict.fromkeys(names, pa.float64())},
            strings_can_be_null=False,
        ),
    )
    table = pq.read_table(folder / SCORES, columns=["customer_id", *names])
    for name in table.column_names:
        _refuse(not text.column(name).equals(table.column(name)), f"`{name}` differs between {CSV} and {SCORES}")


def _refuse(wrong: bool, found: str) -> None:
    if wrong:
        raise RegularsError(
            f"the scores do not pass their own check: {found}",
            needed="rows as they were told, chances from 0 to 1, finite money, the same in all files",
            do="nothing was published; score again, and report it if it happens again",
            code="RG333",
        )
