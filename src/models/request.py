"""Purchase histories from a caller: a frame of plain values -> sorted `Lines`.

In: one row per order line: ``customer_id`` text, ``purchased_at`` ISO text (without an offset: business time),
``amount`` number, and the columns that the features look at. Out: `Lines`, customers in order of their ids. Missing or
unreadable values are a `DataError` that names the rows; missing product, category and channel are allowed, and a line
that does not say when it became known was known at once.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ..clock import Zone, date_of
from ..errors import DataError, did_you_mean, masked, shown
from ..features.lines import MONEYS, TEXTS, Int64, Lines
from ..features.shape import Shape
from ..schema import SCALE, Rules

NEEDED = ("customer_id", "purchased_at", "amount")
AT_ONCE = int(np.iinfo(np.int64).min)
"""When a row became known that does not say so."""
_BESIDE = {
    "events": {"occurred_at": "string", "kind": "string", "channel": "string", "value": "double", "initiated_by": ""},
    "offers": {"offer_id": "string", "offered_at": "string", "redeemed_at": "string"},
    "customers": {"joined_at": "string", "referred_by": "string"},
}
_NAMED = {"table", "order_id", "known_at", *NEEDED, *MONEYS, *TEXTS, *(c for t in _BESIDE.values() for c in t)}
_EPOCH = dt.datetime(1970, 1, 1)
_MOST = 2**53 / SCALE
_PLAUSIBLE = (dt.datetime(1990, 1, 1), dt.datetime(2099, 1, 1))
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))


@dataclass(frozen=True)
class Column:
    """A column of a request: its name, whether it holds text ("string") or numbers ("double"), and if it must be."""

    name: str
    kind: str
    required: bool = False


def columns_of_request(columns: tuple[str, ...], shape: Shape) -> tuple[Column, ...]:
    """What a request may and must say for features of a shape that look at these columns of the purchases.

    Examples
    --------
    >>> [c.name for c in columns_of_request(("quantity",), Shape()) if c.required]
    ['customer_id', 'purchased_at', 'amount', 'quantity']
    """
    found = [Column(name, "double" if name in MONEYS else "string", True) for name in NEEDED]
    found += [Column(name, "string") for name in ("order_id", "known_at")]
    found += [Column(name, "double" if name in MONEYS else "string", True) for name in used_columns(columns)]
    if shape.beside:
        found.append(Column("table", "string"))
        found += [Column(n, kind or "string") for table in shape.beside for n, kind in _BESIDE[table].items()]
        found += [Column(trait_column(name), "string") for name in shape.attributes]
        found += [Column(trait_column(name), "double") for name in shape.numbers]
    return tuple({column.name: column for column in reversed(found)}[c] for c in dict.fromkeys(c.name for c in found))


def used_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The optional columns of the purchases among some."""
    return tuple(c for c in (*MONEYS[1:], *TEXTS) if c in columns)


def trait_column(name: str) -> str:
    """What an attribute or number of the customers is called in a request, where other tables have columns, too.

    Examples
    --------
    >>> trait_column("town"), trait_column("category")
    ('town', 'customers.category')
    """
    return f"customers.{name}" if name in _NAMED else name


@dataclass(frozen=True)
class Rows:
    """Rows of a request, all or those of one table, and where each stands in it."""

    frame: pd.DataFrame
    number: Int64
    table: str = "purchases"

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Self:
        """All rows of a request.

        Raises
        ------
        DataError
            When a column stands in it twice.
        """
        twice = sorted({str(c) for c in frame.columns[frame.columns.duplicated()]})
        if twice:
            raise DataError("columns stand twice in the purchases", needed="each once", offending=twice, code="RG080")
        return cls(frame, np.arange(len(frame)))

    def __len__(self) -> int:
        return len(self.number)

    def has(self, column: str) -> bool:
        """Whether there is such a column."""
        return column in self.frame.columns

    def needs(self, *columns: str) -> None:
        """Refuse rows without some columns."""
        for name in columns:
            if len(self) and not self.has(name):
                hint = did_you_mean(name, [str(c) for c in self.frame.columns])
                raise DataError(f"the {self.table} lack `{name}`", needed="this column", do=hint, code="RG080")

    def take(self, rows: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        return self if rows.all() else Rows(self.frame.loc[rows], self.number[rows], self.table)

    def texts(self, column: str) -> NDArray[np.object_]:
        """Texts; missing is empty."""
        if not self.has(column):
            return np.full(len(self), "", object)
        values = self.frame[column].to_list()
        found = np.array(["" if v is None or v is pd.NA or v != v else v for v in values], object)
        self.refuse(np.array([not isinstance(v, str) for v in found], bool), column, "text")
        return found

    def words(self, column: str) -> NDArray[np.object_]:
        """Texts of which none is empty."""
        found = self.texts(column)
        blank = np.array([not text.translate(_INVISIBLE).strip() for text in found], bool)
        self.refuse(blank, column, "a text that is not empty")
        return found

    def instants_or(self, column: str, zone: Zone, missing: int) -> Int64:
        """As `instants`, with a number of microseconds where there is none."""
        found = np.full(len(self), missing, np.int64)
        if self.has(column):
            values = self.frame[column]
            told = values.notna().to_numpy(bool) & np.array([not isinstance(v, str) or v != "" for v in values], bool)
            found[told] = self.take(told).instants(column, zone)
        return found

    def instants(self, column: str, zone: Zone) -> Int64:
        """UTC microseconds of ISO texts or datetimes."""
        values = self.frame[column].to_list()
        naive, aware = np.zeros(len(values), np.int64), np.zeros(len(values), bool)
        bad = np.zeros(len(values), bool)
        for i, value in enumerate(values):
            try:
                moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
                aware[i] = moment.tzinfo is not None
                plain = moment.astimezone(dt.UTC).replace(tzinfo=None) if aware[i] else moment
                if not _PLAUSIBLE[0] <= plain < _PLAUSIBLE[1]:
                    raise ValueError(value)
                naive[i] = (plain - _EPOCH) // dt.timedelta(microseconds=1)
            except (ValueError, OverflowError):
                bad[i] = True
        self.refuse(bad, column, "ISO text from 1990 on, such as 2024-01-31T18:30:00+01:00")
        return np.where(aware, naive, zone.to_utc(naive))

    def money(self, column: str) -> Int64:
        """Exact integers of 1/10,000; a missing one is refused."""
        return self._money(column, np.zeros(len(self), bool))

    def money_or_none(self, column: str) -> tuple[Int64, NDArray[np.bool_]]:
        """Exact integers of 1/10,000, and whether there is one; 0 where there is none."""
        if not self.has(column):
            return np.zeros(len(self), np.int64), np.zeros(len(self), bool)
        missing = self.frame[column].isna().to_numpy(bool)
        return self._money(column, missing), ~missing

    def _money(self, column: str, missing: NDArray[np.bool_]) -> Int64:
        values = self.frame[column]
        self.refuse(np.array([isinstance(v, bool | np.bool_) for v in values], bool), column, "a number")
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        numbers = np.where(missing, 0.0, numbers)
        self.refuse(~np.isfinite(numbers) | (np.abs(numbers) >= _MOST), column, "a finite number")
        scaled = np.rint(numbers * SCALE)
        self.refuse(np.abs(numbers * SCALE - scaled) > 1e-3, column, "at most four decimals")
        return np.asarray(scaled.astype(np.int64))

    def refuse(self, bad: NDArray[np.bool_], column: str, needed: str) -> None:
        """Refuse the request when some rows have a bad value, and show the first of them."""
        if bad.any():
            rows = np.flatnonzero(bad)
            tell = masked if column in ("customer_id", "referred_by") else shown
            values = self.frame[column]
            told = [f"row {self.number[i]}: {tell(repr(values.iloc[i]))}" for i in rows[:3].tolist()]
            raise DataError(
                f"{len(rows)} rows have an unreadable `{column}`", needed=needed, offending=told, code="RG082"
            )


def lines_of(frame: pd.DataFrame, columns: tuple[str, ...], rules: Rules) -> Lines:
    """Sorted lines from a request that holds nothing but purchases.

    Parameters
    ----------
    frame : DataFrame
    columns : tuple of str
        The columns of the purchases that the features look at, or all that the training had.
    rules : Rules

    Raises
    ------
    DataError
        For missing columns and for rows that cannot be read.
    """
    return lines_among(Rows.of(frame), columns, rules)


def lines_among(rows: Rows, columns: tuple[str, ...], rules: Rules) -> Lines:
    """Sorted lines from rows of purchases."""
    wanted = (*NEEDED, *used_columns(columns))
    if not len(rows):
        raise DataError("there are no purchases", needed="at least one line", code="RG081")
    rows.needs(*wanted)
    ids, zone = rows.words("customer_id"), Zone(rules.timezone)
    time = rows.instants("purchased_at", zone)
    days = zone.local_day(time)
    named = zip(rows.texts("order_id"), days.tolist(), strict=True)
    orders = np.array([order or date_of(day).isoformat() for order, day in named], object)
    # A missing quantity, discount or cost counts as 0.
    money = {"amount": rows.money("amount")}
    money |= {m: rows.money_or_none(m)[0] for m in MONEYS[1:] if m in wanted}
    if "discount" in money:
        rows.refuse(money["discount"] < 0, "discount", "money taken off, 0 or more")
    texts = {t: rows.texts(t) for t in TEXTS if t in wanted}
    codes = {t: _codes(text, missing=True) for t, text in texts.items()}
    customers, customer = np.unique(ids.astype(str), return_inverse=True)
    sort = np.lexsort([*codes.values(), *money.values(), orders.astype(str), time, customer])
    order = _codes(orders, missing=False)
    return Lines(
        customer_ids=customers.astype(object),
        starts=np.concatenate([[0], np.cumsum(np.bincount(customer))]).astype(np.int64),
        time=time[sort],
        order=(customer * (int(order.max()) + 1) + order)[sort],
        money={m: v[sort] for m, v in money.items()},
        codes={t: v[sort] for t, v in codes.items()},
        names={t: pa.array(np.unique(text.astype(str)).tolist(), pa.string()) for t, text in texts.items()},
        known_at=rows.instants_or("known_at", zone, AT_ONCE)[sort] if rows.has("known_at") else None,
    )


def _codes(texts: NDArray[np.object_], missing: bool) -> Int64:
    values, codes = np.unique(texts.astype(str), return_inverse=True)
    return np.where(values[codes] == "", -1, codes).astype(np.int64) if missing else codes.astype(np.int64)
