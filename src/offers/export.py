"""What is to be sent on a channel, as a file that a sender or a spreadsheet can read without harm.

In: the given decisions of a wave, its catalogue, who may still be written to. Out: one row per customer who is sent
something, as .csv or .xlsx, each cell read back from the file before it counts. Nobody of the hold-out or the control
is in it; what is missing (a last day of validity) is an empty cell.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Zone
from ..errors import ConfigError, RegularsError
from .catalogue import Catalogue
from .harmless import as_it_was, harmless
from .workbook import MOST_ROWS, cells_of_workbook, write_workbook

COLUMNS = (
    "decision_id",
    "customer_id",
    "campaign",
    "channel",
    "offer",
    "title",
    "text",
    "terms",
    "send_at",
    "valid_until",
)
"""Of the file, in this order. Events that come back name the `decision_id`; `send_at` is local time with its shift."""
READ = ("customer_id", "decision_id", "campaign", "arm", "offer", "channel", "send_at", "valid_until")
"""The columns of decisions that are looked at."""
_SENT = ("explore", "chosen")
_BATCH = 50_000
_MINUTE = 60_000_000
_NEVER = -1


@dataclass(frozen=True, eq=False)
class ToSend:
    """What goes out on a channel.

    Parameters
    ----------
    table : pyarrow.Table
        Of the columns `READ`: offers on the channel to those who may be written to.
    catalogue : Catalogue
        By which they were decided.
    zone : Zone
        In whose local time is said when to send.
    further : mapping of str to mapping of str to str
        Columns after `COLUMNS`: their cells by customer; of whom they do not tell the cell is empty.
    """

    table: pa.Table
    catalogue: Catalogue
    zone: Zone
    further: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the file, in this order."""
        return (*COLUMNS, *self.further)

    def rows(self) -> Iterator[list[str]]:
        """The cells of each row, as they are meant."""
        said = {o.id: [o.title or o.id, o.text or "", o.terms or ""] for o in self.catalogue.offers}
        for batch in self.table.select(READ).to_batches(max_chunksize=_BATCH):
            times = _local(batch.column("send_at"), self.zone)
            for row, at in zip(batch.drop_columns("send_at").to_pylist(), times, strict=True):
                named = (row[name] for name in ("decision_id", "customer_id", "campaign", "channel", "offer"))
                more = (cells.get(row["customer_id"], "") for cells in self.further.values())
                yield [*named, *said[row["offer"]], at, row["valid_until"] or "", *more]

    def write(self, path: Path, kind: str) -> None:
        """Fill a file of a kind (``.csv`` or ``.xlsx``), and read it back.

        Raises
        ------
        ConfigError
            ``RG428``: another kind, or more rows than a sheet holds.
        RegularsError
            ``RG429``: the file does not hold what it should.
        """
        _written(path, kind, self.columns, self.rows, self.table.num_rows)


def write_cells(path: Path, kind: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Fill a file of a kind (``.csv`` or ``.xlsx``) with any rows of texts, and read it back.

    Raises
    ------
    ConfigError
        ``RG428``: another kind, or more rows than a sheet holds.
    RegularsError
        ``RG429``: the file does not hold what it should.
    """
    _written(path, kind, columns, lambda: iter([list(row) for row in rows]), len(rows))


def to_send(
    given: pa.Table,
    catalogue: Catalogue,
    zone: Zone,
    channel: str,
    may_be_sent: NDArray[np.bool_],
    further: Mapping[str, Mapping[str, str]] | None = None,
) -> ToSend:
    """The part of given decisions that goes out on a channel.

    Parameters
    ----------
    given : pyarrow.Table
        Decisions with at least the columns `READ`.
    may_be_sent : ndarray of bool, shape (n_rows,)
        Who may be written to at the moment of the export.
    further : mapping, optional
        Columns after the others, as `ToSend` has them.
    """
    sent = pc.and_(pc.is_in(given.column("arm"), pa.array(_SENT)), pc.not_equal(given.column("offer"), ""))
    on_channel = pc.and_(sent, pc.equal(given.column("channel"), channel))
    return ToSend(given.filter(pc.and_(on_channel, pa.array(may_be_sent))), catalogue, zone, further or {})


def _local(instants: pa.Array, zone: Zone) -> list[str]:
    """Instants as local times with their shift, such as 2024-03-04T08:00+01:00; a missing one is empty."""
    known, at = np.unique(instants.cast(pa.int64()).fill_null(_NEVER).to_numpy(), return_inverse=True)
    shifts = (zone.to_local(known) - known) // _MINUTE
    local = ((known // _MINUTE + shifts).astype("datetime64[m]")).astype(str)
    signed = [f"{'-' if shift < 0 else '+'}{abs(shift) // 60:02d}:{abs(shift) % 60:02d}" for shift in shifts.tolist()]
    texts = ["" if us == _NEVER else f"{day}{shift}" for us, day, shift in zip(known, local, signed, strict=True)]
    return [texts[place] for place in at]


Writer = Callable[[Path, Sequence[str], Iterable[Sequence[str]]], None]
Reader = Callable[[Path], Iterator[list[str]]]


def _written(
    path: Path, kind: str, columns: Sequence[str], rows: Callable[[], Iterator[list[str]]], n_rows: int
) -> None:  # fmt: skip
    write, read = _kind_of(kind, n_rows)
    write(path, columns, rows())
    _check(read(path), columns, rows())


def _kind_of(kind: str, rows: int) -> tuple[Writer, Reader]:
    if kind == ".csv":
        return _write_csv, _cells_of_csv
    if kind != ".xlsx":
        raise ConfigError(f"a list cannot be written as `{kind}`", needed=".csv or .xlsx", code="RG428")
    if rows > MOST_ROWS:
        raise ConfigError(
            f"{rows:,} rows do not fit into a sheet",
            needed=f"at most {MOST_ROWS:,}",
            do="name a .csv file",
            code="RG428",
        )
    return write_workbook, cells_of_workbook


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([harmless(cell) for cell in row] for row in rows)


def _cells_of_csv(path: Path) -> Iterator[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file, strict=True):
            if any(harmless(as_it_was(cell)) != cell for cell in row):
                raise ValueError("a cell could be taken for a formula")
            yield [as_it_was(cell) for cell in row]


def _check(found: Iterator[list[str]], columns: Sequence[str], meant: Iterator[list[str]]) -> None:
    """Compare every cell of a file with what should stand in it."""
    try:
        same = next(found, None) == list(columns) and all(a == b for a, b in zip(found, meant, strict=True))
    except (ValueError, csv.Error):
        same = False
    if not same:
        raise RegularsError(
            "the list does not hold what was decided when it is read back",
            do="nothing was written; report it, with the kind of file that you asked for",
            code="RG429",
        )
