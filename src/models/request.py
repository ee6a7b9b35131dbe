"""Purchase histories from a caller: a frame of plain values -> sorted `Lines`.

In: one row per order line: ``customer_id`` text, ``purchased_at`` ISO text (without an offset: business time),
``amount`` number, and the columns that the model was trained with. Out: `Lines`, customers in order of their ids.
Missing or unreadable values are a `DataError` that names the rows; missing product, category and channel are allowed.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ..clock import Zone, date_of
from ..errors import DataError, did_you_mean, masked, shown
from ..features.lines import MONEYS, TEXTS, Int64, Lines
from ..schema import SCALE, Rules

NEEDED = ("customer_id", "purchased_at", "amount")
_EPOCH = dt.datetime(1970, 1, 1)
_MOST = 2**53 / SCALE
_PLAUSIBLE = (dt.datetime(1990, 1, 1), dt.datetime(2099, 1, 1))
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))


def used_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The optional columns that a model with these ledger columns reads from a request."""
    return tuple(c for c in columns if c in ("quantity", "discount", "product_id", "category"))


def lines_of(frame: pd.DataFrame, columns: tuple[str, ...], rules: Rules) -> Lines:
    """Sorted lines from a request.

    Parameters
    ----------
    frame : DataFrame
    columns : tuple of str
        The columns of the ledger that the model was trained on.
    rules : Rules

    Raises
    ------
    DataError
        For missing columns and for rows that cannot be read.
    """
    wanted = (*NEEDED, *used_columns(columns))
    twice = sorted({str(c) for c in frame.columns[frame.columns.duplicated()]})
    if twice:
        raise DataError("columns stand twice in the purchases", needed="each once", offending=twice, code="RG080")
    for name in wanted:
        if name not in frame.columns:
            hint = did_you_mean(name, [str(c) for c in frame.columns])
            raise DataError(f"the purchases lack `{name}`", needed="the columns of the training", do=hint, code="RG080")
    if not len(frame):
        raise DataError("there are no purchases", needed="at least one line", code="RG081")
    ids = _texts(frame, "customer_id")
    blank = np.array([not i.translate(_INVISIBLE).strip() for i in ids], bool)
    _refuse(blank, "customer_id", frame, "a text that is not empty")
    zone = Zone(rules.timezone)
    time = _instants(frame["purchased_at"].to_list(), zone)
    orders = _texts(frame, "order_id") if "order_id" in frame.columns else np.full(len(frame), "", object)
    days = zone.local_day(time)
    orders = np.array([o or date_of(d).isoformat() for o, d in zip(orders, days.tolist(), strict=True)], object)
    money = {m: _money(frame, m) for m in MONEYS if m in wanted}
    texts = {t: _texts(frame, t) for t in TEXTS if t in wanted}
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
    )


def _refuse(bad: NDArray[np.bool_], column: str, frame: pd.DataFrame, needed: str) -> None:
    if bad.any():
        rows = np.flatnonzero(bad)
        tell = masked if column == "customer_id" else shown
        told = [f"row {i}: {tell(repr(frame[column].iloc[i]))}" for i in rows[:3].tolist()]
        raise DataError(f"{len(rows)} rows have an unreadable `{column}`", needed=needed, offending=told, code="RG082")


def _texts(frame: pd.DataFrame, column: str) -> NDArray[np.object_]:
    values = frame[column].to_list()
    found = np.array(["" if v is None or v is pd.NA or v != v else v for v in values], object)
    _refuse(np.array([not isinstance(v, str) for v in found]), column, frame, "text")
    return found


def _codes(texts: NDArray[np.object_], missing: bool) -> Int64:
    values, codes = np.unique(texts.astype(str), return_inverse=True)
    return np.where(values[codes] == "", -1, codes).astype(np.int64) if missing else codes.astype(np.int64)


def _instants(values: list[object], zone: Zone) -> Int64:
    """UTC microseconds of ISO texts or datetimes."""
    naive, aware = np.zeros(len(values), np.int64), np.zeros(len(values), bool)
    bad = []
    for i, value in enumerate(values):
        try:
            moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
            aware[i] = moment.tzinfo is not None
            plain = moment.astimezone(dt.UTC).replace(tzinfo=None) if aware[i] else moment
            if not _PLAUSIBLE[0] <= plain < _PLAUSIBLE[1]:
                raise ValueError(value)
            naive[i] = (plain - _EPOCH) // dt.timedelta(microseconds=1)
        except (ValueError, OverflowError):
            bad.append(f"row {i}: {shown(repr(value))}")
    if bad:
        needed = "ISO text from 1990 on, such as 2024-01-31T18:30:00+01:00"
        raise DataError(
            f"{len(bad)} rows have an unreadable `purchased_at`", needed=needed, offending=bad, code="RG082"
        )
    return np.where(aware, naive, zone.to_utc(naive))


def _money(frame: pd.DataFrame, column: str) -> Int64:
    """Exact integers of 1/10,000; missing quantity or discount counts as 0, a missing amount is refused."""
    _refuse(np.array([isinstance(v, bool | np.bool_) for v in frame[column]], bool), column, frame, "a number")
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    missing = np.isnan(values) & frame[column].isna().to_numpy()
    if column != "amount":
        values = np.where(missing, 0.0, values)
    _refuse(~np.isfinite(values) | (np.abs(values) >= _MOST), column, frame, "a finite number")
    if column == "discount":
        _refuse(values < 0, column, frame, "money taken off, 0 or more")
    scaled = np.rint(values * SCALE)
    _refuse(np.abs(values * SCALE - scaled) > 1e-3, column, frame, "at most four decimals")
    return np.asarray(scaled.astype(np.int64))
