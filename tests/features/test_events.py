"""Rows of the other tables as the kernel holds them: chosen, sorted, compressed to days; by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from regulars.clock import Cutoff, Zone
from regulars.errors import DataError
from regulars.features import events as events_module
from regulars.features.events import Events, Moments, Traits
from regulars.features.shape import Shape
from regulars.schema import table_schema

IDS = np.array(["a", "b"], object)
SHAPE = Shape(kinds=("points_earned", "visit"), channels=("app",), attributes=("town",), numbers=("age",), joined=True)
BERLIN = Zone("Europe/Berlin")


def _at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def _events(rows: list[dict[str, object]], *columns: str) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=table_schema("events", {"channel", "value", *columns}))


def _row(customer: str, when: str, kind: str = "visit", value: str | None = None, **more: object) -> dict[str, object]:
    row = {"customer_id": customer, "occurred_at": _at(when), "kind": kind, "initiated_by": "customer", "channel": None}
    return {**row, "value": None if value is None else Decimal(value), **more}


@pytest.mark.parametrize("few", [events_module.FEW, 0])
def test_events_are_those_of_the_block_and_of_known_kinds_in_order(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whether texts are few and looked up one by one, or many and left to Arrow.
    monkeypatch.setattr(events_module, "FEW", few)
    table = _events(
        [
            _row("b", "2017-01-02", channel="app"),
            _row("a", "2017-01-03", channel="letter"),
            _row("a", "2017-01-01", "points_earned", "2.5"),
            _row("z", "2017-01-01"),
            _row("a", "2017-01-01", "push_open"),
            _row("a", "2017-01-01", initiated_by="company"),
        ]
    )
    events = Events.of(table, IDS, SHAPE)
    assert events.customer.tolist() == [0, 0, 1]
    assert events.kind.tolist() == [0, 1, 1]
    assert events.channel.tolist() == [-1, -1, 0]
    assert (events.value.tolist(), events.told.tolist()) == ([25_000, 0, 0], [1, 0, 0])
    assert len(Events.of(table.slice(0, 0), IDS, SHAPE).time) == 0


def test_a_row_that_does_not_say_when_it_became_known_was_known_at_once() -> None:
    table = _events([_row("a", "2017-01-01"), _row("a", "2017-01-02", known_at=_at("2017-02-01"))], "known_at")
    known_at = Events.of(table, IDS, SHAPE).known_at
    assert known_at is not None
    assert known_at.tolist() == [np.iinfo(np.int64).min, 1_485_907_200_000_000]


def test_a_day_begins_at_local_midnight() -> None:
    # 23:30 UTC is the next day in Berlin; the two of that day are one cell.
    table = _events([_row("a", "2017-01-01 23:30"), _row("a", "2017-01-02 22:59"), _row("a", "2017-01-02 23:00")])
    moments = Moments(Events.of(table, IDS, SHAPE), 2, BERLIN)
    assert (moments.day - Cutoff.parse("2017-01-02").day).tolist() == [0, 1]
    assert moments.values("count").tolist() == [2, 1]


def test_points_are_gained_and_lost() -> None:
    shape = Shape(kinds=("points_earned", "points_spent"))
    rows = [("points_earned", "5"), ("points_earned", "-2"), ("points_spent", "-3"), ("points_spent", "4")]
    table = _events([_row("a", "2017-01-01", kind, value) for kind, value in rows])
    moments = Moments(Events.of(table, IDS, shape), 2, BERLIN)
    assert (moments.values("gained").tolist(), moments.values("lost").tolist()) == ([50_000], [90_000])


def test_values_too_large_to_be_added_exactly_are_refused() -> None:
    table = _events([_row("a", "2017-01-01", value="99999999999999")] * 5)
    with pytest.raises(DataError, match="RG022"):
        Events.of(table, IDS, SHAPE)


def test_traits_are_those_of_the_block_and_missing_without_a_row() -> None:
    rows = [
        {"customer_id": "z", "joined_at": _at("2017-01-01"), "town": "Rome", "age": Decimal(1)},
        {"customer_id": "b", "joined_at": _at("2016-12-31 23:30"), "town": "Oslo", "age": None},
    ]
    table = pa.Table.from_pylist(rows, schema=table_schema("customers", {"joined_at"}, ["town"], ["age"]))
    traits = Traits.of(table, IDS, SHAPE, BERLIN)
    assert [traits.names["town"][code].as_py() if code >= 0 else None for code in traits.codes["town"].tolist()] == [
        None,
        "Oslo",
    ]
    assert np.isnan(traits.numbers["age"]).all()
    assert traits.joined_day is not None
    assert np.isnan(traits.joined_day[0])
    assert traits.joined_day[1] == Cutoff.parse("2017-01-01").day
