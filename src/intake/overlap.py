"""Lines that stand twice: blocks that two deliveries share, or exact duplicates.

In: `typed` lines. Out: the table `merged` with the `seq` of every line that is left out. A block is a run of
consecutive instants at which every distinct line stands a multiple of k times, with at least 100 surplus lines of at
least three orders, the copies standing apart. Single twins inside an order are kept. Missing values compare equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .hashes import Words
from .shards import one_array
from .staging import Connection, fetched

BLOCK_LINES, BLOCK_ORDERS = 100, 3
READABLE = "(SELECT * FROM typed WHERE unfit IS NULL)"
"""The lines that are looked at by default."""

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


def merge_nothing(con: Connection) -> None:
    """Make an empty `merged`."""
    con.execute("CREATE TABLE merged (seq BIGINT)")


def merge_duplicates(con: Connection, columns: Sequence[str], lines: str = READABLE) -> None:
    """Merge lines that are equal in all the given columns, wherever they stand."""
    con.execute(
        f"CREATE TABLE merged AS SELECT seq FROM {lines} "
        f"QUALIFY row_number() OVER (PARTITION BY {', '.join(columns)} ORDER BY seq) > 1"
    )


def doubled_edges(con: Connection, columns: Sequence[str]) -> tuple[bool, bool]:
    """Whether all lines at the first instant, and all at the last, stand more than once.

    Where one does not, no block goes on beyond it into lines that are read another day.
    """
    same, found = ", ".join(columns), []
    for edge in ("min", "max"):
        at = f"(SELECT {edge}(purchased_at) FROM typed WHERE unfit IS NULL)"
        lines = f"SELECT count(*) AS m FROM typed WHERE unfit IS NULL AND purchased_at = {at} GROUP BY {same}"
        ((least,),) = fetched(con, f"SELECT min(m) FROM ({lines})")
        found.append(least is not None and least > 1)
    return found[0], found[1]


def merge_overlaps(
    con: Connection,
    columns: Sequence[str],
    time: str = "purchased_at",
    order: Sequence[str] = ("customer_id", "order_id"),
    lines: str = READABLE,
) -> int:
    """Merge blocks that stand more than once; the number of other lines that equal one before them.

    `time` holds the instant of a line; lines of one instant that are equal in `order` belong together. Lines are
    compared by a hash first; only those whose hash may stand more than once are compared by value.
    """
    same = ", ".join(columns)
    hashed = con.sql(f"SELECT hash({same}) AS h, {time} AS moment, seq FROM {lines}").to_arrow_table()
    h, moment, seq = (one_array(column).to_numpy() for column in hashed.columns)
    with ThreadPoolExecutor(1) as counting:
        counts = counting.submit(counted_moments, moment)
        several = may_be_repeated(h)
    moments, lines_at = counts.result()
    con.register("found", pa.table({"seq": seq[several]}))
    con.execute("CREATE TABLE doubtful AS SELECT typed.* FROM typed SEMI JOIN found USING (seq)")
    con.unregister("found")
    ((surplus,),) = fetched(
        con, f"SELECT coalesce(sum(m - 1), 0) FROM (SELECT count(*) AS m FROM doubtful GROUP BY {same})"
    )
    merged = np.zeros(0, np.int64)
    if surplus >= BLOCK_LINES:
        doubtful, many = counted_moments(moment[several])
        whole = doubtful[lines_at[np.searchsorted(moments, doubtful)] == many]
        merged = _merged(con, columns, time, order, moments, whole)
    con.register("found", pa.table({"seq": merged}))
    con.execute("CREATE TABLE merged AS SELECT seq FROM found")
    con.unregister("found")
    con.execute("DROP TABLE doubtful")
    return int(surplus) - len(merged)


def may_be_repeated(hashes: Words) -> Bool:
    """Which of the hashes stand more than once, and a few more: fewer of their bits are compared, the more they are.

    Examples
    --------
    >>> may_be_repeated(np.array([7, 8, 7], np.uint64) << np.uint64(32))
    array([ True, False,  True])
    """
    # Each hash gives its lowest bits to its number, so that sorting alone tells which are neighbours.
    low = np.uint64((1 << len(hashes).bit_length()) - 1)
    numbered = hashes & ~low
    numbered |= np.arange(len(hashes), dtype=np.uint64)
    numbered.sort()
    same = (numbered[1:] ^ numbered[:-1]) <= low
    out = np.zeros(len(hashes), bool)
    out[numbered[1:][same] & low] = True
    out[numbered[:-1][same] & low] = True
    return out


def counted_moments(moment: Int64) -> tuple[Int64, Int64]:
    """All moments in ascending order, and how often each stands there.

    Examples
    --------
    >>> moments, many = counted_moments(np.array([5, 3, 5]))
    >>> moments.tolist(), many.tolist()
    ([3, 5], [1, 2])
    """
    found = np.sort(moment)
    last = np.ones(len(found), bool)
    np.not_equal(found[1:], found[:-1], out=last[:-1])
    ends = np.flatnonzero(last)
    return found[ends], np.diff(ends, prepend=-1)


@dataclass(frozen=True)
class Copies:
    """The lines at instants where hardly a distinct line stands only once, sorted by instant, order, line, seq.

    Each distinct line starts at `starts` and has `m` copies; `group` numbers the orders, `moment` the instants.
    """

    seq: Int64
    starts: Int64
    m: Int64
    group: Int64
    moment: Int64


def _merged(
    con: Connection, columns: Sequence[str], time: str, order: Sequence[str], moments: Int64, whole: Int64
) -> Int64:
    """Of the doubtful lines those to merge; at the moments in `whole` all lines are doubtful."""
    grouped = ", ".join((time, *order))
    con.register("whole", pa.table({"moment": whole}))
    lines = con.sql(
        f"""
        SELECT seq, {time} AS moment, dense_rank() OVER (ORDER BY {grouped}) AS grouped,
            dense_rank() OVER (ORDER BY {grouped}, {", ".join(columns)}) AS line
        FROM doubtful SEMI JOIN whole ON whole.moment = doubtful.{time} ORDER BY line, seq
        """
    ).to_arrow_table()
    con.unregister("whole")
    if not lines.num_rows:
        return np.zeros(0, np.int64)
    line = lines.column("line").to_numpy()
    starts = np.flatnonzero(np.r_[True, line[1:] != line[:-1]])
    moment = np.searchsorted(moments, lines.column("moment").to_numpy()[starts])
    copies = Copies(
        lines.column("seq").to_numpy(),
        starts,
        np.diff(np.r_[starts, len(line)]),
        lines.column("grouped").to_numpy()[starts],
        moment.astype(np.int64),
    )
    return surplus_of(copies)


def surplus_of(copies: Copies) -> Int64:
    """The `seq` of the lines that blocks hold beyond the first of their k copies."""
    first = np.flatnonzero(np.r_[True, copies.moment[1:] != copies.moment[:-1]])
    moments = copies.moment[first]
    divisor = np.gcd.reduceat(copies.m, first)
    lines = np.add.reduceat(copies.m, first)
    keep = np.zeros(len(first), np.int64)
    for k in np.unique(divisor[divisor > 1])[::-1]:
        eligible = (keep == 0) & (divisor % k == 0)
        apart = _apart(copies, int(k), first)
        most = np.cumsum(np.r_[0, lines - lines // k])
        # Of many runs nearly all are too short, whatever is trimmed off them.
        for start, stop in (run for run in runs(moments, eligible) if most[run[1]] - most[run[0]] >= BLOCK_LINES):
            begin, end = _trimmed(start, stop, apart)
            orders = len(np.unique(copies.group[_rows(first, begin, end, len(copies.m))])) if end > begin else 0
            surplus = int((lines[begin:end] - lines[begin:end] // k).sum())
            standing_apart = 2 * int(lines[begin:end][apart[begin:end]].sum()) > int(lines[begin:end].sum())
            if surplus >= BLOCK_LINES and orders >= BLOCK_ORDERS and standing_apart:
                keep[begin:end] = k
    return _beyond(copies, np.repeat(keep, np.diff(np.r_[first, len(copies.m)])))


def runs(moments: Int64, eligible: Bool) -> list[tuple[int, int]]:
    """Stretches [start, stop) of eligible entries whose moments follow each other without a gap.

    Examples
    --------
    >>> runs(np.array([3, 4, 5, 9]), np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    joined = np.r_[False, (moments[1:] == moments[:-1] + 1) & eligible[1:] & eligible[:-1]]
    starts = np.flatnonzero(eligible & ~joined)
    ends = np.flatnonzero(eligible & ~np.r_[joined[1:], False]) + 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _rows(first: Int64, begin: int, end: int, n: int) -> slice:
    return slice(int(first[begin]), int(first[end]) if end < len(first) else n)


def _trimmed(start: int, stop: int, apart: Bool) -> tuple[int, int]:
    """A run without the instants at its edges whose copies stand together: twins of an order, not of a block."""
    inside = np.flatnonzero(apart[start:stop])
    return (start + int(inside[0]), start + int(inside[-1]) + 1) if len(inside) else (start, start)


def _apart(copies: Copies, k: int, first: Int64) -> Bool:
    """For each instant whether the k copies of every order at it stand apart in the source.

    Within one stretch of n lines the copies of at least one line are at most n / 2 apart (two copies of n / 2 lines
    fill it); copies of a block are at least the block apart.
    """
    order = np.repeat(np.arange(len(copies.m)), copies.m)
    within = np.arange(len(copies.seq)) - copies.starts[order]
    share = np.maximum(copies.m // k, 1)[order]
    turn = (within > 0) & (within % share == 0) & (within // share < k)
    distance = np.full(len(copies.seq), np.iinfo(np.int64).max)
    distance[turn] = copies.seq[turn] - copies.seq[np.flatnonzero(turn) - 1]
    nearest = np.minimum.reduceat(distance, copies.starts)
    by_group = np.flatnonzero(np.r_[True, copies.group[1:] != copies.group[:-1]])
    size = np.add.reduceat(copies.m, by_group)
    fine = np.minimum.reduceat(nearest, by_group) > size // 2
    each = np.repeat(fine, np.diff(np.r_[by_group, len(copies.m)]))
    return np.logical_and.reduceat(each, first)


def _beyond(copies: Copies, keep: Int64) -> Int64:
    """The copies of each distinct line beyond its share m / k, for lines in a block."""
    share = np.where(keep > 1, copies.m // np.maximum(keep, 1), copies.m)
    within = np.arange(len(copies.seq)) - np.repeat(copies.starts, copies.m)
    return copies.seq[within >= np.repeat(share, copies.m)]
