"""Lines at the door: what is taken in from Arrow, and what is refused."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from regulars.errors import DataError
from regulars.features.lines import Lines
from regulars.schema import INSTANT, MONEY, purchases_schema

from .strategies import OPTIONAL, REQUIRED, ledger_of

ROWS = [
    ("a", "2017-01-01 10:00", "o1", "10"),
    ("a", "2017-01-01 10:00", "o2", "-0.0001"),
    ("b", "2016-12-31 10:00", "o1", "99999999999999.9999"),
    ("b", "2017-01-02 10:00", "o1", "0"),
]


def _table(**columns: pa.Array) -> pa.Table:
    base = {
        "customer_id": pa.array(["a", "a", "b", "b"]),
        "purchased_at": pa.array([1, 1, 0, 2], INSTANT),
        "order_id": pa.array(["o1", "o2", "o1", "o1"]),
        "amount": pa.array([Decimal(n) for n in (1, 2, 3, 4)], MONEY),
    }
    return pa.table({**base, **columns})


def test_money_is_the_exact_integer_of_a_ten_thousandth() -> None:
    lines = Lines.from_arrow(ledger_of(ROWS, []).table())
    assert lines.money["amount"].tolist() == [100_000, -1, 999_999_999_999_999_999, 0]
    assert lines.customer_ids.tolist() == ["a", "b"]
    assert lines.starts.tolist() == [0, 2, 4]
    assert (lines.n_customers, lines.n_lines) == (2, 4)


def test_orders_of_one_name_are_different_orders_of_different_customers() -> None:
    order = Lines.from_arrow(_table()).order
    assert order[2] == order[3]
    assert len(set(order.tolist())) == 3


def test_ids_stay_text() -> None:
    table = _table(customer_id=pa.array(["00123", "00123", "123", "123"]))
    assert Lines.from_arrow(table).customer_ids.tolist() == ["00123", "123"]


def test_a_missing_product_has_no_code() -> None:
    table = _table(product_id=pa.array(["x", None, "x", "y"]), category=pa.array([None] * 4, pa.string()))
    codes = Lines.from_arrow(table).codes
    assert codes["product_id"].tolist() == [0, -1, 0, 1]
    assert codes["category"].tolist() == [-1] * 4


def test_instants_keep_their_microseconds() -> None:
    rows = [("a", "2017-01-01 00:00:00.000001", "o", "1")]
    # 2017-01-01 is day 17167.
    assert Lines.from_arrow(ledger_of(rows, []).table()).time.tolist() == [17_167 * 86_400_000_000 + 1]


def test_a_slice_or_chunks_of_a_table_are_as_good_as_a_copy() -> None:
    table = _table()
    whole, sliced = (
        Lines.from_arrow(table.slice(2)),
        Lines.from_arrow(pa.concat_tables([table.slice(2, 1), table.slice(3)])),
    )
    assert whole.money["amount"].tolist() == sliced.money["amount"].tolist() == [30_000, 40_000]
    assert whole.time.tolist() == sliced.time.tolist() == [0, 2]
    assert whole.customer_ids.tolist() == sliced.customer_ids.tolist() == ["b"]


@pytest.mark.parametrize("table", [_table().slice(0, 0), purchases_schema((*REQUIRED, *OPTIONAL)).empty_table()])
def test_nobody_is_a_block_too(table: pa.Table) -> None:
    lines = Lines.from_arrow(table)
    assert (lines.n_customers, lines.n_lines, lines.starts.tolist()) == (0, 0, [0])


@pytest.mark.parametrize("order", [[0, 2, 1, 3], [3, 2, 1, 0], [0, 1, 3, 2]])
def test_unsorted_lines_are_refused(order: list[int]) -> None:
    with pytest.raises(DataError, match="RG020"):
        Lines.from_arrow(_table().take(order))


def test_a_missing_instant_is_refused() -> None:
    with pytest.raises(DataError, match="RG021"):
        Lines.from_arrow(_table(purchased_at=pa.array([1, 1, 0, None], INSTANT)))


def test_a_line_that_does_not_say_when_it_became_known_is_refused_with_what_to_do() -> None:
    known = pa.array([1, 1, 2, None], INSTANT)
    with pytest.raises(DataError, match=r"leave `known_at` out of \[data.purchases\]"):
        Lines.from_arrow(_table().append_column("known_at", known))


def test_a_missing_amount_is_refused() -> None:
    with pytest.raises(DataError):
        Lines.from_arrow(_table(amount=pa.array([Decimal(1), None, Decimal(3), Decimal(4)], MONEY)))


def test_a_missing_order_is_refused() -> None:
    with pytest.raises(DataError):
        Lines.from_arrow(_table(order_id=pa.array(["o1", "o2", "o1", None])))


@pytest.mark.parametrize("ids", [[None, "a", "b", "b"], ["a", None, "b", "b"], ["a", "a", "b", None]])
def test_a_missing_customer_is_refused(ids: list[str | None]) -> None:
    with pytest.raises(DataError):
        Lines.from_arrow(_table(customer_id=pa.array(ids)))


@pytest.mark.parametrize(
    "columns",
    [
        {"amount": pa.array([1.0, 2.0, 3.0, 4.0])},
        {"amount": pa.array([1.5, 2.0, 3.0, 4.0])},
        {"amount": pa.array([1, 2, 3, 4])},
        {"amount": pa.array([Decimal(n) for n in (1, 2, 3, 4)], pa.decimal128(18, 2))},
        {"purchased_at": pa.array([1, 1, 0, 2], pa.timestamp("ms", "UTC"))},
        {"purchased_at": pa.array([dt.date(2017, 1, 1)] * 4)},
    ],
    ids=["whole floats", "floats", "integers", "two decimals", "milliseconds", "dates"],
)
def test_columns_of_another_unit_are_refused_not_misread(columns: dict[str, pa.Array]) -> None:
    with pytest.raises(DataError):
        Lines.from_arrow(_table(**columns))


def test_some_lines_kept_leave_their_customers() -> None:
    lines = Lines.from_arrow(_table(product_id=pa.array(["x", None, "x", "y"])))
    kept = lines.kept(np.array([False, False, True, True]))
    assert kept.customer_ids.tolist() == ["a", "b"]
    assert kept.starts.tolist() == [0, 0, 2]
    assert kept.money["amount"].tolist() == [30_000, 40_000]
    assert kept.codes["product_id"].tolist() == [0, 1]
    assert lines.n_lines == 4
