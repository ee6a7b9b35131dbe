"""A file or frame of events as it comes from whoever sends: every row read, and what is wrong with it in words.

In: a path or a frame with the columns of `schema.RESPONSES`, and the working database. Out: its table `typed`: one row
a line, with UTC microseconds, exact money, and the number of the reason why it cannot be read. Stamps without a zone
are in the business zone. Values may be missing; anything else that is missing is a reason.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...clock import DAY_US, Cutoff, Zone
from ...errors import ConfigError
from ...intake.dates import settle_format
from ...intake.lines import QUARANTINE, Reason, cast_reasons, instant_sql, joins_sql, label_sql
from ...intake.money import settle_money, value_sql
from ...intake.plain import stamp_text_sql
from ...intake.shifts import StampSettings, settle_shifts
from ...intake.sources.found import files_of, names_of, parts_in
from ...intake.sources.frames import frame_part
from ...intake.sources.kinds import Reading
from ...intake.sources.parts import Part, Places, is_money, is_stamp
from ...intake.staging import Connection, fetched, stage
from ...schema import RESPONSE_KINDS, RESPONSES

_LAST_US = Cutoff.parse("2100-01-01").day * DAY_US
UNKNOWN_KIND = f"is none of: {' '.join(RESPONSE_KINDS)}"


@dataclass(frozen=True)
class Arrived:
    """What has come in.

    Parameters
    ----------
    parts : sequence of Part
    mapping : dict
        The columns that there are, by role; both are called alike.
    reasons : list of Reason
        Why times, numbers and lines cannot be read.
    """

    parts: Sequence[Part]
    mapping: dict[str, str]
    reasons: list[Reason]

    @classmethod
    def of(cls, source: Path | Any) -> Arrived:
        """Look at a file, a folder or glob of files, or a frame; nothing is read yet.

        Raises
        ------
        ConfigError
            Nothing is there, or it is of a kind that cannot be read.
        DataError
            A column is missing, or stands there twice.
        """
        if isinstance(source, Path):
            files = files_of(str(source.absolute()), source.absolute().parent)
            mapping = _mapping(names_of(files[0], Reading()))
            parts, _ = parts_in(files, mapping, Reading(), source.name)
        else:
            names = getattr(source, "column_names", None)
            mapping = _mapping([str(n) for n in (source.columns if names is None else names)])
            parts = [frame_part(source, mapping, "frame of events")]
        found = cast_reasons(mapping, _LAST_US, ("occurred_at",))
        if "value" in mapping:
            found.append(Reason(f"{value_sql('value')} < 0", "value", "is negative"))
        return cls(parts, mapping, found)

    def read(self, con: Connection, zone: Zone) -> int:
        """Make `raw` and `typed`; how many rows there are."""
        places, settings = Places.of(self.parts, "events"), StampSettings(zone, zone)
        read = stage(con, self.parts, self.mapping, lambda _: None)
        for role in self.mapping:
            if is_money(role):
                settle_money(con, role, None, role, places)
            elif is_stamp(role):
                settle_format(con, role, None, role, places)
                settle_shifts(con, role, settings, role, places)
        cases = " ".join(f"WHEN {reason.condition} THEN {i}" for i, reason in enumerate(self.reasons))
        value = value_sql("value") if "value" in self.mapping else "NULL::DECIMAL(18, 4)"
        kinds = ", ".join(f"'{kind}'" for kind in RESPONSE_KINDS)
        texts = {role: label_sql(con, role) for role in ("event_id", "decision_id", "kind")}
        con.execute(
            f"CREATE TABLE typed AS SELECT raw.seq, {texts['event_id']} AS event_id, "
            f"{texts['decision_id']} AS decision_id, lower({texts['kind']}) AS kind, "
            f"{instant_sql('occurred_at')} AS occurred_at, {value} AS value, CASE {cases} "
            f"WHEN {texts['event_id']} IS NULL THEN {len(self.reasons)} "
            f"WHEN {texts['decision_id']} IS NULL THEN {len(self.reasons) + 1} "
            f"WHEN coalesce(lower({texts['kind']}) NOT IN ({kinds}), true) THEN {len(self.reasons) + 2} "
            f"END AS reason FROM raw {' '.join(joins_sql(self.mapping))}"
        )
        return sum(read)

    @property
    def words(self) -> tuple[tuple[str, str], ...]:
        """Of each number of a reason in `typed` the column that it lies in, and the reason in words."""
        missing = [("event_id", "is missing"), ("decision_id", "is missing"), ("kind", UNKNOWN_KIND)]
        return (*((r.role, r.words) for r in self.reasons), *missing)

    def aside(self, con: Connection, words: Sequence[tuple[str, str]]) -> pa.Table:
        """The rows of the table `refused` (seq, why) as they came, each with its reason, in the order of the source.

        Parameters
        ----------
        words : sequence of (str, str)
            Of each number of a reason the column that it lies in, and the reason in words.
        """
        texts = [f"{stamp_text_sql(r)} AS {r}" if is_stamp(r) else f"raw.{r} AS {r}" for r in self.mapping]
        rows = fetched(
            con,
            f"SELECT raw.seq, r.why, raw.fault, raw.raw, {', '.join(texts)} FROM refused r JOIN raw USING (seq) "
            "ORDER BY raw.seq",
        )
        places, out = Places.of(self.parts), []
        for seq, why, fault, whole, *values in rows:
            column, said = words[why]
            text = {"line": whole} if fault else dict(zip(self.mapping, values, strict=True))
            place = {"file": places.file(seq), "line": places.line(seq)}
            reason = {"reason": fault or said, "column": column or None}
            out.append({**place, **reason, "text": json.dumps(text, ensure_ascii=False)})
        return pa.Table.from_pylist(out, schema=QUARANTINE)


def _mapping(names: Sequence[str]) -> dict[str, str]:
    found = {c.name: c.name for c in RESPONSES if c.required or c.name in names}
    if not set(found) & set(names):
        raise ConfigError(
            "these are no events of decisions: none of their columns is there",
            needed=", ".join(found),
            do="rename the columns; `decision_id` stands in every list that was exported",
            offending=names,
            code="RG439",
        )
    return found
