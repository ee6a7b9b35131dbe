"""Lines under an id of their own: the same id again is the same line, or one that corrects it.

In: `typed` lines with `transaction_id`, and the columns that a line is made of. Out: the table `repeats` (seq, fate) of
those that do not stay: `merged` (an equal line is there), `corrected` (a later one took its place); `typed` lines that
contradict each other get a reason. Lines without an id are no one's twins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .evidence import Mended
from .lines import CONTRADICTS, Reason
from .staging import Connection, fetched


def settle_repeats(con: Connection, columns: Sequence[str], reasons: Sequence[Reason]) -> None:
    """Make `repeats`, and set contradicting lines aside.

    Lines of an id that are equal but for `known_at` are one, known since the earliest. If they differ, that of the
    latest `known_at` stays; without one, or with two of the same moment that differ, none does.
    """
    same = ", ".join(c for c in columns if c not in ("known_at", "transaction_id"))
    known = "known_at" if "known_at" in columns else "NULL::BIGINT"
    con.execute(
        f"""
        CREATE TABLE repeats AS
        WITH told AS (
            SELECT seq, transaction_id AS id, {known} AS known, ({same},) AS what FROM typed
            WHERE unfit IS NULL AND transaction_id IN (SELECT transaction_id FROM typed
                WHERE unfit IS NULL AND transaction_id IS NOT NULL GROUP BY ALL HAVING count(*) > 1)
        ), ids AS (SELECT id, count(DISTINCT what) AS ways, max(known) AS newest FROM told GROUP BY id),
        last AS (
            SELECT id, count(DISTINCT what) AS ways, min(seq) AS seq FROM told JOIN ids USING (id)
            WHERE known = newest GROUP BY id
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY id ORDER BY known ASC NULLS FIRST, seq) AS place FROM told
        )
        SELECT ranked.seq, CASE WHEN ids.ways = 1 THEN CASE WHEN place > 1 THEN 'merged' END
            WHEN coalesce(last.ways, 0) <> 1 THEN 'contradicts'
            WHEN ranked.seq <> last.seq THEN 'corrected' END AS fate
        FROM ranked JOIN ids USING (id) LEFT JOIN last USING (id)
        """
    )
    (at,) = (i for i, reason in enumerate(reasons) if reason.words == CONTRADICTS)
    con.execute(f"UPDATE typed SET unfit = {at} WHERE seq IN (SELECT seq FROM repeats WHERE fate = 'contradicts')")
    con.execute("DELETE FROM repeats WHERE fate IS NULL OR fate = 'contradicts'")


def mended_repeats(con: Connection, column: str) -> Iterator[Mended]:
    """How many lines were merged, and how many corrected."""
    found = dict(fetched(con, "SELECT fate, count(*) FROM repeats GROUP BY fate"))
    yield Mended(f"lines merged whose `{column}` stands on an equal line", found.get("merged", 0))
    yield Mended(f"lines replaced by a later one of the same `{column}` (by known_at)", found.get("corrected", 0))
