"""The same rows in every kind of source: what the table of cases is delivered by.

In: columns and rows of Python values, and a folder. Out: files, database tables or frames, as what `[data.purchases]`
says of them or as frames. A text source gets the text of a value; a source of typed columns the type that fits all of
them.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

Row = Sequence[object]
Rows = Sequence[Row]

TEXT_FILES = ("csv", "gz")
FILES = (*TEXT_FILES, "jsonl", "parquet", "excel")
DATABASES = ("sqlite", "duckdb", "postgres")
FRAMES = ("pandas", "polars", "arrow")
ALL = (*FILES, *DATABASES, *FRAMES)
ONE_TYPE = ("parquet", "duckdb", "postgres", "polars", "arrow")
"""Sources whose columns have one type."""


@dataclass(frozen=True)
class Delivered:
    """Where the rows are: settings of the section, or a frame."""

    settings: dict[str, object] = field(default_factory=dict)
    frame: Any = None


def written(value: object) -> str:
    """A value as a text file has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def csv_text(header: Sequence[str], rows: Rows) -> str:
    """A CSV with every field quoted as need be."""
    lines = (",".join(_field(written(v)) for v in row) for row in (header, *rows))
    return "".join(f"{line}\n" for line in lines)


def _field(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text


def arrow(header: Sequence[str], rows: Rows) -> pa.Table:
    """An Arrow table; a column of several types is an error."""
    columns = zip(*rows, strict=True) if rows else [() for _ in header]
    arrays = [pa.array(list(column), pa.string() if not rows else None) for column in columns]
    return pa.Table.from_arrays([a.cast(pa.string()) if a.type == pa.null() else a for a in arrays], names=list(header))


def _json(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, dt.date) else value


def _jsonl(path: Path, header: Sequence[str], rows: Rows) -> None:
    lines = (json.dumps(dict(zip(header, map(_json, row), strict=True)), allow_nan=False) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _excel(path: Path, header: Sequence[str], rows: Rows) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for y, row in enumerate((header, *rows), start=1):
        for x, value in enumerate(row, start=1):
            cell = sheet.cell(y, x, value)
            if isinstance(value, str):
                cell.data_type = "s"  # Never a formula or an error.
    book.save(path)


def _parquet(path: Path, header: Sequence[str], rows: Rows) -> None:
    pq.write_table(arrow(header, rows), path)


def _csv(path: Path, header: Sequence[str], rows: Rows) -> None:
    path.write_bytes(csv_text(header, rows).encode())


def _gz(path: Path, header: Sequence[str], rows: Rows) -> None:
    path.write_bytes(gzip.compress(csv_text(header, rows).encode()))


_WRITERS: dict[str, tuple[str, Callable[[Path, Sequence[str], Rows], None]]] = {
    "csv": (".csv", _csv),
    "gz": (".csv.gz", _gz),
    "jsonl": (".jsonl", _jsonl),
    "parquet": (".parquet", _parquet),
    "excel": (".xlsx", _excel),
}


def files(source: str, folder: Path, tables: Sequence[tuple[Sequence[str], Rows]]) -> Delivered:
    """One file a table, given by header and rows."""
    ending, write = _WRITERS[source]
    (folder / "data").mkdir(exist_ok=True)
    names = [f"{chr(ord('a') + i)}{ending}" for i in range(len(tables))]
    for name, (header, rows) in zip(names, tables, strict=True):
        write(folder / "data" / name, header, rows)
    return Delivered({"path": f"data/{names[0]}" if len(names) == 1 else "data"})


def _sqlite(folder: Path, header: Sequence[str], rows: Rows) -> Delivered:
    def value(v: object) -> Any:
        return float(v) if isinstance(v, Decimal) else str(v) if isinstance(v, dt.date) else v

    with closing(sqlite3.connect(folder / "shop.db")) as db, db:
        db.execute(f"create table t ({', '.join(_quoted(n) for n in header)})")
        marks = ", ".join("?" for _ in header)
        db.executemany(f"insert into t values ({marks})", [tuple(map(value, row)) for row in rows])
    return Delivered({"url": "sqlite:///shop.db", "table": "t"})


def _duckdb(folder: Path, header: Sequence[str], rows: Rows) -> Delivered:
    with closing(duckdb.connect(str(folder / "shop.duckdb"))) as db:
        db.register("given", arrow(header, rows))
        db.execute("create table t as select * from given")
    return Delivered({"url": "duckdb:///shop.duckdb", "table": "t"})


def _postgres(url: str, header: Sequence[str], rows: Rows) -> Delivered:
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("cases", arrow(header, rows), mode="replace")
        connection.commit()
    return Delivered({"url": url, "table": "cases"})


def _pandas(header: Sequence[str], rows: Rows) -> pd.DataFrame:
    columns = {}
    for name, values in zip(header, zip(*rows, strict=True) if rows else [()] * len(header), strict=True):
        plain = len({type(v) for v in values}) == 1
        columns[name] = pd.Series(list(values), dtype=None if plain else object)
    return pd.DataFrame(columns)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def deliver(
    source: str, folder: Path, tables: Sequence[tuple[Sequence[str], Rows]], postgres: Callable[[], str]
) -> Delivered:
    """The rows in a source of this kind; several tables only in files."""
    if source in FILES:
        return files(source, folder, tables)
    ((header, rows),) = tables
    made: dict[str, Callable[[], Delivered]] = {
        "sqlite": lambda: _sqlite(folder, header, rows),
        "duckdb": lambda: _duckdb(folder, header, rows),
        "postgres": lambda: _postgres(postgres(), header, rows),
        "pandas": lambda: Delivered(frame=_pandas(header, rows)),
        "polars": lambda: Delivered(frame=pl.from_arrow(arrow(header, rows))),
        "arrow": lambda: Delivered(frame=arrow(header, rows)),
    }
    return made[source]()
