"""Log events: what happened to decisions goes into the log, each event once; what cannot be true is kept aside.

In: a configuration, and a file or frame of events. Out: how many were new, known already, or refused, and why. All that
is right goes in in one step, or nothing does. Rows that were refused lie in `decisions/quarantine`, as they came; the
same file again changes nothing. Rows about whoever was forgotten are left out, and kept nowhere.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...clock import Cutoff, Zone
from ...config import Config
from ...disk.lock import job
from ...errors import DataError
from ...intake.staging import Connection, fetched, working_database
from ...progress import Progress
from ..files import replaced
from ..written import remember
from .arrived import Arrived
from .book import ASIDE, FOLDER, Decisions
from .event_store import HELD

_BEYOND = (
    ("decision_id", "is of no decision that was made"),
    ("occurred_at", "lies before the day of the wave"),
    ("event_id", "stands there again with other content"),
    ("event_id", "was logged before with other content"),
)
_DECIDED = pa.schema([("decision_id", pa.string()), ("given", pa.bool_()), ("begins", pa.int64())])
_REACHING = ("sent", "delivered", "opened", "clicked")


@dataclass(frozen=True)
class Logged:
    """What became of a file of events; no id is in it.

    Parameters
    ----------
    read, new, again, refused, forgotten : int
        Rows; `again` are those whose event was known, or stands there twice.
    reasons : mapping
        How many rows were refused for which reason.
    breaches : int
        New and known messages to decisions that give nothing: somebody wrote to the hold-out or the control.
    kinds : mapping
        The rows that are in the log, by kind.
    aside : Path or None
        Where the refused rows lie.
    """

    read: int
    new: int
    again: int
    refused: int
    forgotten: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    breaches: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    aside: Path | None = None

    @property
    def lines(self) -> list[str]:
        """For people."""
        known = f"; {self.again:,} were known already" if self.again else ""
        told = ", ".join(f"{n:,} {kind}" for kind, n in self.kinds.items())
        return [f"events logged: {self.new:,}{known}", *([f"in this file: {told}"] if told else [])]

    @property
    def notes(self) -> list[str]:
        """What to look at."""
        found = []
        if self.refused:
            why = "; ".join(f"{n:,} where {reason}" for reason, n in self.reasons.items())
            place = "" if self.aside is None else f". What was refused is kept in {self.aside}"
            found.append(f"{self.refused:,} of {self.read:,} rows were refused: {why}{place}.")
        if self.breaches:
            found.append(
                f"{self.breaches:,} of the messages went to somebody who was to get nothing: that makes the comparison "
                "weaker. Exported lists leave them out; see who else sends."
            )
        if self.forgotten:
            found.append(f"{self.forgotten:,} of the rows are about customers who were forgotten, and were left out.")
        return found

    def figures(self) -> dict[str, Any]:
        """As JSON takes it."""
        counts = {"read": self.read, "new": self.new, "again": self.again, "refused": self.refused}
        told = {"reasons": dict(self.reasons), "kinds": dict(self.kinds), "breaches": self.breaches}
        where = None if self.aside is None else str(self.aside)
        return {**counts, "forgotten": self.forgotten, **told, "quarantine": where, "notes": self.notes}


def log_events(config: Config, source: Path | Any, progress: Progress | None = None) -> Logged:
    """Log what happened to decisions.

    Parameters
    ----------
    source : Path or frame
        A file, a folder or glob of files, or a frame, with the columns of `schema.RESPONSES`: event_id, decision_id,
        kind, occurred_at and perhaps value.

    Raises
    ------
    ConfigError
        There is no such file, or it is none of events.
    DataError
        ``RG436``: not one row could be logged, or nothing was ever decided.
    Busy
        Someone else is writing to the log.
    StorageError
        It cannot be written; the log is as it was.
    """
    with job(config.folder / ".regulars", "offers", "logging events"):
        book = Decisions.of(config)
        arrived = Arrived.of(source)
        remember(config.folder, FOLDER, book.folder)
        with book.writing("logging events"), working_database(config.engine, book.folder / ".tmp-spill") as con:
            if progress:
                progress("reading events", 0.0)
            return _Logging(book, arrived, con, config.zone).run(progress)


class _Logging:
    def __init__(self, book: Decisions, arrived: Arrived, con: Connection, zone: Zone) -> None:
        self.book, self.arrived, self.con, self.zone = book, arrived, con, zone
        self.words: Sequence[tuple[str, str]] = (*arrived.words, *_BEYOND)
        self.first = len(arrived.words)
        self.aside: pa.Table = pa.table({})

    def run(self, progress: Progress | None) -> Logged:
        read = self.arrived.read(self.con, self.zone)
        if progress:
            progress("looking up decisions", 0.5)
        self._judge()
        events = self._arrow(
            "SELECT min(seq) AS seq, event_id, decision_id, kind, occurred_at, CAST(value * 10000 AS BIGINT) AS value "
            "FROM judged WHERE why IS NULL AND NOT forgotten GROUP BY ALL ORDER BY occurred_at, event_id"
        )
        place: list[Path | None] = [None]

        def keep_aside(contradicting: list[int]) -> None:
            place[0] = self._kept_aside(events.column("seq").take(pa.array(contradicting, pa.int64())))

        added = self.book.store.add(events.select(HELD.names).cast(HELD), keep_aside)
        right, breaches, forgotten = self._counts()
        refused = self.aside.num_rows
        if read and refused == read:
            raise self._nothing(place[0])
        ours = None if place[0] is None else place[0].relative_to(self.book.folder.parent)
        again = read - forgotten - refused - added.new
        return Logged(read, added.new, again, refused, forgotten, self._reasons(), breaches, right, ours)

    def _judge(self) -> None:
        """Make `judged`: the rows with the number of what is wrong with each beside its decision, and others' rows."""
        con = self.con
        con.register("decided", self._decided())
        con.register("hashes", pa.table({"hash": self.book.store.forgotten()}))
        con.execute(
            f"""
            CREATE TABLE judged AS
            WITH twins AS (SELECT event_id FROM typed WHERE reason IS NULL GROUP BY event_id
                HAVING count(DISTINCT struct_pack(d := decision_id, k := kind, o := occurred_at, v := value)) > 1)
            SELECT t.*, d.given, t.decision_id IS NOT NULL AND sha256(t.decision_id) IN (SELECT hash FROM hashes)
                AS forgotten, CASE WHEN t.reason IS NOT NULL THEN t.reason
                WHEN d.decision_id IS NULL THEN {self.first}
                WHEN t.occurred_at < d.begins THEN {self.first + 1}
                WHEN t.event_id IN (SELECT event_id FROM twins) THEN {self.first + 2} END AS why
            FROM typed t LEFT JOIN decided d ON d.decision_id = t.decision_id
            """
        )
        con.unregister("decided")
        con.unregister("hashes")

    def _decided(self) -> pa.Table:
        """Of the decisions that the rows are about: whether they give something, and when their wave begins."""
        asked = self._arrow("SELECT DISTINCT decision_id FROM typed WHERE reason IS NULL").column("decision_id")
        wanted = asked.cast(pa.string()).combine_chunks()
        found = [_DECIDED.empty_table()]
        for wave in self.book.waves():
            found.append(_known(wave.table(["decision_id", "offer"]), wanted, wave.as_of, self.zone))
        waves = pa.concat_tables(found)
        online = self.book.online()
        for day in pc.unique(online.column("as_of")).to_pylist():
            theirs = online.filter(pc.equal(online.column("as_of"), day)).select(["decision_id", "offer"])
            new = theirs.filter(pc.invert(pc.is_in(theirs.column("decision_id"), waves.column("decision_id"))))
            found.append(_known(new, wanted, Cutoff.parse(day), self.zone))
        return pa.concat_tables(found)

    def _kept_aside(self, contradicting: pa.ChunkedArray) -> Path | None:
        """Write down the rows that are refused, before the others are in; where they lie."""
        self.con.register("late", pa.table({"seq": contradicting}))
        self.con.execute(
            f"CREATE TABLE refused AS SELECT seq, CAST(coalesce(why, {self.first + 3}) AS BIGINT) AS why FROM judged "
            "WHERE NOT forgotten AND (why IS NOT NULL OR event_id IN "
            "(SELECT event_id FROM judged WHERE seq IN (SELECT seq FROM late)))"
        )
        self.con.unregister("late")
        self.aside = self.arrived.aside(self.con, self.words)
        if not self.aside.num_rows:
            return None
        told = "\n".join(f"{row['line']} {row['reason']} {row['text']}" for row in self.aside.to_pylist())
        path = self.book.folder / ASIDE / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.parquet"
        replaced(path, lambda waiting: pq.write_table(self.aside, waiting, compression="zstd"))
        return path

    def _counts(self) -> tuple[dict[str, int], int, int]:
        """The rows that are in the log by kind, how many of them should not have been sent, and who was left out."""
        rows = fetched(
            self.con,
            "SELECT kind, count(*), count(*) FILTER (NOT given) FROM judged WHERE NOT forgotten AND seq NOT IN "
            "(SELECT seq FROM refused) GROUP BY kind ORDER BY count(*) DESC, kind",
        )
        ((forgotten,),) = fetched(self.con, "SELECT count(*) FROM judged WHERE forgotten")
        return {k: n for k, n, _ in rows}, sum(odd for k, _, odd in rows if k in _REACHING), int(forgotten)

    def _reasons(self) -> dict[str, int]:
        """How many rows were refused for which reason, the most frequent first."""
        columns, words = (self.aside.column(name).to_pylist() for name in ("column", "reason"))
        told = (f"`{c}` {said}" if c else f"the line {said}" for c, said in zip(columns, words, strict=True))
        return dict(sorted(Counter(told).items(), key=lambda item: (-item[1], item[0])))

    def _nothing(self, place: Path | None) -> DataError:
        return DataError(
            "not one of the events could be logged",
            needed="events about decisions of this log: event_id, decision_id, kind, occurred_at, and perhaps value",
            do=f"see {place}" if place is not None else "",
            offending=[f"{n:,} where {reason}" for reason, n in self._reasons().items()],
            code="RG436",
        )

    def _arrow(self, query: str) -> pa.Table:
        return self.con.sql(query).to_arrow_table()


def _known(table: pa.Table, wanted: pa.Array, as_of: Cutoff, zone: Zone) -> pa.Table:
    found = table.filter(pc.is_in(table.column("decision_id"), wanted))
    begins = pa.array(np.full(found.num_rows, as_of.instant(zone)), pa.int64())
    given = pc.not_equal(found.column("offer"), "")
    return pa.table([found.column("decision_id"), given, begins], _DECIDED)
