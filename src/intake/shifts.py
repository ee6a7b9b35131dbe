"""From the wall clock to UTC: what to add to a time, and which business day it belongs to.

In: the times of a column with their basis. Out: the table `shifts_<role>`, a row for each quarter of an hour (or
minute, where a clock changed within a quarter) and basis. Naive stamps are in the naive zone, a date without time is
that day in the business zone. Missing times have no row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..clock import DAY_US, Zone
from ..errors import DataError
from .casts import BASES, DAY, INSTANT, NAIVE
from .plain import TOLD
from .sources.parts import Places
from .staging import Connection, fetched

MINUTE_US = 60_000_000
QUARTER_US = 15 * MINUTE_US
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class StampSettings:
    """The zones of naive stamps and of the business.

    Examples
    --------
    >>> StampSettings(Zone("UTC"), None).naive.name
    'UTC'
    """

    zone: Zone
    naive_zone: Zone | None

    @property
    def naive(self) -> Zone:
        """The zone in which stamps without one are read."""
        return self.naive_zone or self.zone


def local_sql(role: str) -> str:
    """SQL for the microseconds of a time as it is told."""
    return f"coalesce(raw.{role}_us, w_{role}.us)"


def basis_sql(role: str) -> str:
    """SQL for what a time is told in."""
    return f"coalesce(raw.{role}_basis % {TOLD}, w_{role}.basis)"


def key_sql(role: str) -> str:
    """SQL for the key of `shifts_<role>`."""
    return _key(local_sql(role), basis_sql(role), f"(SELECT any_value(step) FROM shifts_{role})")


def _key(us: str, basis: str, step: str) -> str:
    """Which step a time lies in, and its basis, in one integer (DuckDB's ``//`` cuts towards zero)."""
    return f"(({us} // {step} - CASE WHEN {us} % {step} < 0 THEN 1 ELSE 0 END) * {len(BASES)} + {basis})"


def settle_shifts(con: Connection, role: str, settings: StampSettings, column: str, places: Places) -> None:
    """Make `shifts_<role>`: for every basis and step what leads to UTC, the local day, and whether DST moved it.

    Raises
    ------
    DataError
        Stamps with and without a zone in one column, and no `naive_timezone`.
    """
    con.execute(
        f"CREATE VIEW moments AS SELECT {local_sql(role)} AS us, {basis_sql(role)} AS basis, raw.seq FROM raw "
        f"LEFT JOIN words_{role} w_{role} ON raw.{role} = w_{role}.v WHERE {local_sql(role)} IS NOT NULL"
    )
    rows = fetched(con, "SELECT basis, arg_min(us, seq), min(seq) FROM moments GROUP BY basis ORDER BY basis")
    names = {code: name for name, code in BASES.items()}
    seen = {names[basis]: f"{names[basis]}: {np.datetime64(us, 'us')} ({places.at(seq)})" for basis, us, seq in rows}
    if INSTANT in seen and len(seen) > 1 and settings.naive_zone is None:
        raise DataError(
            f"column `{column}` mixes times with and without a time zone",
            needed="to know the zone of those without one",
            do=f'give naive_timezone = "Europe/Berlin" (or the zone they are in) under [{places.section}]',
            offending=list(seen.values()),
            code="RG127",
        )
    keys = _keys(con, QUARTER_US)
    found = shifts(keys, settings, QUARTER_US)
    if not found.equals(shifts(keys, settings, QUARTER_US, QUARTER_US - 1)):
        found = shifts(_keys(con, MINUTE_US), settings, MINUTE_US)
    con.register("found", found)
    con.execute(f"CREATE TABLE shifts_{role} AS SELECT * FROM found")
    con.unregister("found")
    con.execute("DROP VIEW moments")


def _keys(con: Connection, step: int) -> Int64:
    query = f"SELECT DISTINCT {_key('us', 'basis', str(step))} AS key FROM moments"
    return np.asarray(con.sql(query).to_arrow_table().column("key").to_numpy())


def shifts(keys: Int64, settings: StampSettings, step: int, within: int = 0) -> pa.Table:
    """For each key the shift to UTC (us), the business day, and `moved`: ``gap``, ``fold`` or nothing.

    Parameters
    ----------
    keys : ndarray of int64
    settings : StampSettings
    step : int
        The length of a step in microseconds.
    within : int
        Which microsecond of the step is looked at.
    """
    basis, local = np.mod(keys, len(BASES)), np.floor_divide(keys, len(BASES)) * step + within
    shift, moved = np.zeros(len(local), np.int64), np.full(len(local), None, object)
    for kind, zone in ((NAIVE, settings.naive), (DAY, settings.zone)):
        here = basis == BASES[kind]
        instant = zone.to_utc(local[here])
        shift[here] = instant - local[here]
        if kind == NAIVE:
            moved[here] = _moved(zone, local[here], instant)
    day = settings.zone.local_day(local + shift)
    steps = np.full(len(keys), step, np.int64)
    return pa.table({"key": keys, "shift": shift, "day": day, "moved": pa.array(moved, pa.string()), "step": steps})


def _moved(zone: Zone, local: Int64, instant: Int64) -> NDArray[np.object_]:
    """Which local times do not exist (gap: read with the old offset) or exist twice (fold: the first is taken)."""
    moved = np.full(len(local), None, object)
    moved[zone.to_local(instant) != local] = "gap"
    # If the offset falls by `step` within a day from here, the same wall clock may be shown again `step` later.
    later = instant + DAY_US
    step = (zone.to_local(instant) - instant) - (zone.to_local(later) - later)
    moved[(step > 0) & (zone.to_local(instant + step) == local)] = "fold"
    return moved
