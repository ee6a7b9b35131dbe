"""A wave that is about to be assigned, and what must be true of it before it may stand.

In: the decisions of a plan, its policy, figures and responses. Out: the files of a wave, the same bytes for the same
plan; or an error that says which rule how many rows break. Texts are never missing: an empty one says that there is no
offer; times of sending and the last day of validity may be missing.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ... import schema
from ...clock import Cutoff
from ...errors import RegularsError
from ...products.kept import FILE as SHELF
from ..files import strict_json
from .wave import DECISIONS, PLAN, POLICY, RESPONSES

ARMS = ("holdout", "control", "explore", "chosen")
_UNLIKE = ("customer_id", "decision_id")
"""Texts of which each stands once: to look for repeated ones costs more than it saves."""
_GROUP = 131_072
_FINITE = ("propensity", "gain_low", "gain", "gain_high", "meant_gain", "cost")


@dataclass(frozen=True)
class Draft:
    """What a plan decides.

    Parameters
    ----------
    campaign : str
    as_of : Cutoff
    table : pyarrow.Table
        One row per scored customer, as `schema.DECISIONS` says.
    policy, figures, responses : mapping
        As JSON takes them.
    shelf : bytes
        The file that suggested products come from; empty where there is none.
    """

    campaign: str
    as_of: Cutoff
    table: pa.Table
    policy: Mapping[str, Any]
    figures: Mapping[str, Any]
    responses: Mapping[str, Any]
    shelf: bytes = b""

    def write(self, folder: Path) -> None:
        """Fill a folder with the files of the wave, all but its facts."""
        coded: Any = [f.name for f in self.table.schema if pa.types.is_string(f.type) and f.name not in _UNLIKE]
        pq.write_table(self.table, folder / DECISIONS, compression="zstd", use_dictionary=coded, row_group_size=_GROUP)
        for name, content in ((POLICY, self.policy), (PLAN, self.figures), (RESPONSES, self.responses)):
            (folder / name).write_text(strict_json(dict(content)), encoding="utf-8")
        if self.shelf:
            (folder / SHELF).write_bytes(self.shelf)

    def told(self) -> dict[str, Any]:
        """Its policy, figures and responses as they would be read back."""
        content = {POLICY: self.policy, PLAN: self.figures, RESPONSES: self.responses}
        return {name: json.loads(json.dumps(dict(found), allow_nan=False)) for name, found in content.items()}


def decisions_of(table: pa.Table, campaign: str, as_of: Cutoff) -> pa.Table:
    """Decisions with the types and the order of columns that `schema.DECISIONS` has, looked at row by row.

    Raises
    ------
    RegularsError
        ``RG432``: a defect of the plan; nothing is assigned then.
    """
    found = _typed(table)
    ids, named = found.column("customer_id").combine_chunks(), found.column("decision_id")
    for column in (c for c in found.column_names if c not in ("send_at", "valid_until", "permitted")):
        _refuse(found.column(column).null_count, f"have no `{column}`")
    _refuse(len(ids) - 1 - _true(pc.less(ids.slice(0, max(len(ids) - 1, 0)), ids.slice(1))) if len(ids) else 0,
            "are of a customer who comes twice, or out of order")  # fmt: skip
    _refuse(found.num_rows - _true(pc.match_substring_regex(named, "^[0-9a-f]{32}$")), "have no decision id")
    _refuse(found.num_rows - pc.count_distinct(named).as_py(), "have a decision id that another has")
    for column, said in (("campaign", campaign), ("as_of", str(as_of))):
        _refuse(_true(pc.not_equal(found.column(column), said)), f"are of another `{column}`")
    _refuse(found.num_rows - _true(pc.is_in(found.column("arm"), pa.array(ARMS))), "are in no known arm")
    _sound(found)
    return found


def _typed(table: pa.Table) -> pa.Table:
    known = {c.name: c for c in schema.DECISIONS}
    names = set(table.column_names)
    missing = [c.name for c in schema.DECISIONS if c.required and c.name not in names]
    odd = sorted(names - set(known))
    if missing or odd or len(names) < table.num_columns:
        raise _defect(f"columns that are missing: {missing}; that nobody knows: {odd}")
    fields = [pa.field(c.name, c.type) for c in schema.DECISIONS if c.name in names]
    try:
        return table.select([f.name for f in fields]).cast(pa.schema(fields)).combine_chunks()
    except pa.ArrowInvalid as error:
        raise _defect(str(error).splitlines()[0]) from None


def _sound(found: pa.Table) -> None:
    """Nothing for those who are compared with, a chance that can be one, and money that is a number."""
    nothing = pc.equal(found.column("offer"), "")
    compared = pc.is_in(found.column("arm"), pa.array(["holdout", "control"]))
    _refuse(_true(pc.and_(compared, pc.invert(nothing))), "give something to the hold-out or the control")
    for column, empty in (("channel", True), ("basis", True), ("why", False)):
        agrees = pc.equal(pc.equal(found.column(column), ""), nothing if empty else pc.invert(nothing))
        _refuse(found.num_rows - _true(agrees), f"do not agree in `offer` and `{column}`")
    _refuse(_true(pc.xor(pc.is_null(found.column("send_at")), nothing)), "do not agree in `offer` and `send_at`")
    chance = found.column("propensity")
    possible = pc.and_(pc.greater(chance, 0.0), pc.less_equal(chance, 1.0))
    _refuse(found.num_rows - _true(possible), "have a `propensity` that is no chance")
    for column in _FINITE:
        _refuse(found.num_rows - _true(pc.is_finite(found.column(column))), f"have a `{column}` that is no number")
    for column in ("gain_low", "gain", "gain_high", "cost"):
        _refuse(_true(pc.and_(nothing, pc.not_equal(found.column(column), 0.0))), f"have a `{column}` without an offer")


def _true(found: pa.ChunkedArray | pa.Array) -> int:
    return int(pc.sum(found).as_py() or 0)


def _refuse(rows: int, what: str) -> None:
    if rows:
        raise _defect(f"{rows:,} rows {what}")


def _defect(what: str) -> RegularsError:
    return RegularsError(
        f"the decisions do not pass their own check: {what}",
        needed="one row a customer, nothing for hold-out and control, chances above 0 and up to 1, finite money",
        do="nothing was assigned; plan again, and report it if it happens again",
        code="RG432",
    )


def unlike(one: pa.Table, other: pa.Table) -> tuple[int, tuple[str, ...]]:
    """About how many customers two tables of decisions differ, and in which columns; customers in only one count, too.

    Examples
    --------
    >>> a = pa.table({"customer_id": ["x", "y"], "offer": ["", "tea"]})
    >>> unlike(a, a.set_column(1, "offer", [["cup", "tea"]]))
    (1, ('offer',))
    """
    if one.equals(other):
        return 0, ()
    shared = [name for name in one.column_names if name in other.column_names and name != "customer_id"]
    odd = set(one.column_names) ^ set(other.column_names)
    both = one.append_column("_row", pa.array(range(one.num_rows), pa.int64())).join(
        other.append_column("_there", pa.array(range(other.num_rows), pa.int64())).select(["customer_id", "_there"]),
        "customer_id", join_type="inner",
    )  # fmt: skip
    here, there = (t.take(both.column(c)) for t, c in ((one, "_row"), (other, "_there")))
    differ = {name: pc.invert(_same(here.column(name), there.column(name))) for name in shared}
    columns = tuple(sorted(odd | {name for name, found in differ.items() if _true(found)}))
    anything = functools.reduce(pc.or_, differ.values()) if differ else pa.array([], pa.bool_())
    lone = one.num_rows + other.num_rows - 2 * both.num_rows
    return _true(anything) + lone, (*columns, *(["customer_id"] if lone else []))


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """For each row whether both are the same, missing ones among them."""
    equal = pc.fill_null(pc.equal(one, other), False)
    return pc.or_(equal, pc.and_(pc.is_null(one), pc.is_null(other)))
