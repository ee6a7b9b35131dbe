"""Purchase histories from a caller: every bad input named by row and column, and the same numbers as the ledger gives.

The shop of `tests/simulated.py` is asked three ways: in the batch, one customer alone, and as a request.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff, Zone, day_of
from regulars.errors import DataError
from regulars.features.lines import Lines
from regulars.models.request import lines_of, used_columns
from regulars.pipelines.score import score
from regulars.schema import Rules

from ..simulated import COLUMNS, ZONE, purchases, shop, trained

RULES = Rules(ZONE)
BARE = ("customer_id", "purchased_at", "order_id", "amount")
ALL = (*BARE, "quantity", "product_id", "category", "discount")
HOUR_US = 3_600_000_000


def frame_of(**columns: Any) -> pd.DataFrame:
    """Three good lines, of which some columns are replaced."""
    good: dict[str, Any] = {
        "customer_id": ["a", "b", "a"],
        "purchased_at": ["2024-01-05T10:00", "2024-01-06T11:00", "2024-02-01T12:00"],
        "amount": [1.5, 2.0, 3.25],
    }
    return pd.DataFrame({**good, **columns})


def refused(frame: pd.DataFrame, columns: tuple[str, ...] = BARE) -> str:
    """What the refusal says."""
    with pytest.raises(DataError) as error:
        lines_of(frame, columns, RULES)
    assert error.value.exit_code == 3
    return str(error.value)


def test_lines_come_out_by_customer_and_time_with_exact_money() -> None:
    lines = lines_of(frame_of(purchased_at=["2024-02-01", "2024-01-06", "2024-01-05"]), BARE, RULES)
    assert lines.customer_ids.tolist() == ["a", "b"]
    assert lines.starts.tolist() == [0, 2, 3]
    # a bought for 3.25 on 5 January and for 1.50 on 1 February.
    assert lines.money["amount"].tolist() == [32_500, 15_000, 20_000]
    assert Zone(ZONE).local_day(lines.time).tolist() == [
        day_of(dt.date(2024, 1, 5)),
        day_of(dt.date(2024, 2, 1)),
        day_of(dt.date(2024, 1, 6)),
    ]


@pytest.mark.parametrize("column", ["customer_id", "purchased_at", "amount"])
def test_a_missing_column_is_named_with_its_nearest_name(column: str) -> None:
    said = refused(frame_of().rename(columns={column: column.upper() + "s"}))
    assert f"`{column}`" in said
    assert f"did you mean `{column.upper()}s`?" in said


def test_a_column_of_the_training_that_the_request_lacks_is_named() -> None:
    assert used_columns(("customer_id", "amount", "category", "quantity", "channel", "known_at")) == (
        "quantity",
        "category",
        "channel",
    )
    assert "`discount`" in refused(frame_of(quantity=1.0, product_id="p", category="x"), ALL)


def test_a_column_that_comes_twice_is_refused() -> None:
    twice = pd.concat([frame_of(), frame_of()[["amount"]]], axis=1)
    assert "amount" in refused(twice)


def test_a_request_without_lines_is_refused() -> None:
    assert "no purchases" in refused(frame_of().iloc[:0])


def objects(*values: Any) -> pd.Series:
    """A column of Python objects, as JSON gives them."""
    return pd.Series(values, dtype=object)


BAD_AMOUNTS: dict[str, Any] = {
    "nan": [1.0, np.nan, 2.0],
    "infinity": [1.0, np.inf, 2.0],
    "minus infinity": [1.0, -np.inf, 2.0],
    "null": objects(1.0, None, 2.0),
    "nullable null": pd.array([1.0, None, 2.0], dtype="Float64"),
    "a number as text": objects(1.0, "10", 2.0),
    "letters": objects(1.0, "12.5a", 2.0),
    "grouped": objects(1.0, "1_000", 2.0),
    "hexadecimal": objects(1.0, "0x10", 2.0),
    "the word infinity": objects(1.0, "Infinity", 2.0),
    "the word NaN": objects(1.0, "NaN", 2.0),
    "too large for a float": objects(1.0, "1e400", 2.0),
    "a whole number too large for a float": objects(1.0, 10**400, 2.0),
    "too large for the ledger": [1.0, 1e15, 2.0],
    "true": objects(1.0, True, 2.0),
    "five decimals": [1.0, 2.00001, 2.0],
    "a list": objects(1.0, [2.0], 2.0),
    "a moment": objects(1.0, pd.Timestamp("2024-01-01"), 2.0),
}


@pytest.mark.parametrize("kind", BAD_AMOUNTS)
def test_an_amount_that_is_no_exact_number_is_refused_by_row_and_column(kind: str) -> None:
    said = refused(frame_of(amount=BAD_AMOUNTS[kind]))
    assert "1 rows have an unreadable `amount`" in said
    assert "row 1: " in said
    assert "row 0" not in said


def test_truth_values_are_no_money() -> None:
    assert "3 rows have an unreadable `amount`" in refused(frame_of(amount=[True, False, True]))


BAD_TIMES: dict[str, Any] = {
    "no such day": "2023-02-29",
    "no such hour": "2024-01-05T25:00",
    "day first": "05/01/2024",
    "a word": "yesterday",
    "empty": "",
    "null": None,
    "not a time": pd.NaT,
    "a float": float("nan"),
    "epoch milliseconds": 1704412800000,
    "a day as a number": 20240105,
    "a basic day": "20240105",
    "a week": "2024-W01-5",
    "another letter between day and hour": "2024-01-05x10:00",
    "figures of another script": "٢٠٢٤-01-05",
    "a blank before it": " 2024-01-05",
    "true": True,
    "year 1": "0001-01-01",
    "year 1, east of Greenwich": "0001-01-01T00:00:00+14:00",
    "before shops had computers": "1969-12-31",
    "year 9999": "9999-12-31",
}


@pytest.mark.parametrize("kind", BAD_TIMES)
def test_a_time_that_is_none_or_cannot_be_is_refused_by_row_and_column(kind: str) -> None:
    said = refused(frame_of(purchased_at=objects("2024-01-05", BAD_TIMES[kind], "2024-01-06")))
    assert "1 rows have an unreadable `purchased_at`" in said
    assert "row 1: " in said


BAD_IDS: dict[str, Any] = {
    "empty": "",
    "blank": "  ",
    "zero width": "\u200b",
    "null": None,
    "not a number": float("nan"),
    "a number": 123,
    "true": True,
    "a list": ["a"],
    "a line break": "a\nb",
    "half a pair": "a\ud800",
}


@pytest.mark.parametrize("kind", BAD_IDS)
def test_a_customer_id_that_is_no_text_or_empty_is_refused_by_row_and_column(kind: str) -> None:
    said = refused(frame_of(customer_id=objects("a", BAD_IDS[kind], "b")))
    assert "1 rows have an unreadable `customer_id`" in said
    assert "row 1: " in said


def test_ids_keep_their_zeros_and_look_alikes_stay_apart() -> None:
    lines = lines_of(frame_of(customer_id=["00123", "123", "NA"]), BARE, RULES)
    assert lines.customer_ids.tolist() == ["00123", "123", "NA"]


OPTIONAL = {"quantity": 1.0, "product_id": "p", "category": "x", "discount": 0.0}


@pytest.mark.parametrize(
    ("column", "bad"),
    [
        ("quantity", np.inf),
        ("quantity", "x"),
        ("quantity", True),
        ("discount", "12.5a"),
        ("discount", 0.00001),
        # The ledger sets a negative discount aside, too: nobody can say what it means.
        ("discount", -1.0),
        ("product_id", 7),
        ("category", True),
        ("order_id", 7),
    ],
)
def test_a_bad_value_of_an_optional_column_is_refused_by_row_and_column(column: str, bad: object) -> None:
    good: Any = OPTIONAL.get(column, "o")
    said = refused(frame_of(**{**OPTIONAL, column: objects(good, bad, good)}), ALL)
    assert f"1 rows have an unreadable `{column}`" in said
    assert "row 1: " in said


def test_all_bad_rows_are_counted_and_the_first_three_shown() -> None:
    frame = pd.DataFrame({"customer_id": "a", "purchased_at": "2024-01-05", "amount": [np.nan] * 5})
    said = refused(frame)
    assert "5 rows" in said
    assert "row 2" in said
    assert "row 3" not in said


def test_missing_product_and_category_are_no_code_and_missing_quantity_counts_nothing() -> None:
    frame = frame_of(
        customer_id=["a", "a", "a"],
        quantity=objects(2.0, None, np.nan),
        discount=objects(None, 0.5, 0.0),
        product_id=objects("p", None, ""),
        category=objects(None, "x", "x"),
    )
    lines = lines_of(frame, ALL, RULES)
    assert lines.codes["product_id"][1:].tolist() == [-1, -1]
    assert lines.codes["category"][0] == -1
    assert lines.codes["category"][1] == lines.codes["category"][2] >= 0
    assert lines.money["quantity"].tolist() == [20_000, 0, 0]
    assert lines.money["discount"].tolist() == [0, 5_000, 0]


def test_money_may_be_whole_decimal_or_a_float_with_its_usual_dust() -> None:
    lines = lines_of(frame_of(customer_id=["a"] * 3, amount=objects(3, Decimal("1.2345"), 0.1 + 0.2)), BARE, RULES)
    assert lines.money["amount"].tolist() == [30_000, 12_345, 3_000]


def test_a_time_without_a_zone_is_business_time() -> None:
    # New York is five hours behind UTC in January, four in July.
    naive = frame_of(customer_id=["a"] * 3, purchased_at=["2024-01-05T10:00", "2024-07-05T10:00", "2024-07-06"])
    aware = naive.assign(purchased_at=["2024-01-05T15:00Z", "2024-07-05T14:00:00+00:00", "2024-07-06T06:00:00+02:00"])
    assert lines_of(naive, BARE, RULES).time.tolist() == lines_of(aware, BARE, RULES).time.tolist()
    moments = naive.assign(purchased_at=pd.to_datetime(naive["purchased_at"], format="ISO8601"))
    assert lines_of(moments, BARE, RULES).time.tolist() == lines_of(naive, BARE, RULES).time.tolist()
    zoned = naive.assign(purchased_at=moments["purchased_at"].dt.tz_localize(ZONE).dt.tz_convert("Asia/Tehran"))
    assert lines_of(zoned, BARE, RULES).time.tolist() == lines_of(naive, BARE, RULES).time.tolist()


def test_the_hour_that_is_skipped_moves_forward_and_the_hour_that_comes_twice_is_the_first() -> None:
    # 10 March 2024: 02:30 does not exist and becomes 03:30 (UTC-4). 3 November: 01:30 comes twice, first at UTC-4.
    frame = frame_of(customer_id=["a"] * 3, purchased_at=["2024-03-10T02:30", "2024-03-10T03:30", "2024-11-03T01:30"])
    time = lines_of(frame, BARE, RULES).time.tolist()
    assert time[0] == time[1]
    assert time[0] // HOUR_US % 24 == 7
    assert time[2] // HOUR_US % 24 == 5


def test_lines_without_an_order_id_belong_to_the_order_of_their_local_day() -> None:
    # 04:30 UTC on 6 January is still 5 January in New York.
    stamps = ["2024-01-05T10:00", "2024-01-06T04:30Z", "2024-01-06T10:00"]
    for ids in ({}, {"order_id": objects(None, "", float("nan"))}):
        order = lines_of(frame_of(customer_id=["a"] * 3, purchased_at=stamps, **ids), BARE, RULES).order
        assert order[0] == order[1] != order[2]


def test_one_order_id_of_two_customers_is_two_orders() -> None:
    order = lines_of(frame_of(order_id=["1", "1", "1"]), BARE, RULES).order
    assert order[0] == order[1] != order[2]


def as_json(frame: pd.DataFrame) -> pd.DataFrame:
    """As a caller sends it: Python values, null for what is missing, rows in any order."""
    shuffled = frame.sample(frac=1, random_state=3)
    return shuffled.astype(object).where(shuffled.notna(), None)


def test_fifty_customers_alone_in_the_batch_and_as_requests_get_the_same_bits() -> None:
    found, ledger, frame = trained(), shop(), purchases()
    model = found.model
    batch = score(ledger, model, threads=1).set_index("customer_id")
    table = ledger.table()
    chosen = batch.index[:: len(batch) // 50][:50]
    assert len(chosen) == 50
    together = frame[frame["customer_id"].isin(chosen)]
    asked = model.scores_of(lines_of(as_json(together), model.shape.columns, model.rules), ledger.ends)
    pd.testing.assert_frame_equal(asked.set_index("customer_id"), batch.loc[chosen], check_exact=True)
    owners = np.asarray(table["customer_id"].to_pylist(), object)
    for customer in chosen:
        alone = Lines.from_arrow(table.filter(owners == customer))
        wire = lines_of(as_json(frame[frame["customer_id"] == customer]), model.shape.columns, model.rules)
        for lines in (alone, wire):
            one = model.scores_of(lines, ledger.ends).set_index("customer_id")
            pd.testing.assert_frame_equal(one, batch.loc[[customer]], check_exact=True)


def test_purchases_at_or_after_the_day_asked_for_change_nothing() -> None:
    model, frame = trained().model, purchases()
    customer = frame["customer_id"].value_counts().index[0]
    mine = frame[frame["customer_id"] == customer]
    # Midnight of the day itself belongs to the future.
    late = mine.tail(3).assign(purchased_at=f"{model.trained_on}T00:00:00", order_id="late", amount=9_999.0)
    whole, more = (
        model.scores_of(lines_of(f, model.shape.columns, model.rules), model.trained_on)
        for f in (mine, pd.concat([mine, late]))
    )
    pd.testing.assert_frame_equal(whole, more, check_exact=True)
    later = model.trained_on.plus(1)
    seen = model.scores_of(lines_of(pd.concat([mine, late]), model.shape.columns, model.rules), later)
    assert seen["recency_days"].tolist() == [1]
    assert Cutoff.parse(seen["last_purchase"].iloc[0]) == model.trained_on


def test_the_shop_has_every_column_that_a_request_reads() -> None:
    assert set(COLUMNS) == set(ALL)
