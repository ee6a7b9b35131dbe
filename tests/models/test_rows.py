"""Rows of a request: what is read exactly, and every fault noted at its place, all of them at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from regulars.clock import Zone
from regulars.errors import DataError
from regulars.models.rows import AT_ONCE, BadRow, Faults, Rows, Unreadable, come_again

UTC = Zone("UTC")
NEW_YORK = Zone("America/New_York")


def faults_of(rows: Rows) -> list[tuple[int, str]]:
    """Row and field of everything that was noted."""
    with pytest.raises(Unreadable) as error:
        rows.faults.settle()
    return [(bad.row, bad.field) for bad in error.value.faults]


def test_all_bad_rows_of_all_columns_are_told_at_once_and_the_sentence_is_of_the_first() -> None:
    rows = Rows.of({"amount": [1.0, "2", None], "purchased_at": ["soon", "2024-01-05", 5]}, "purchases")
    rows.money("amount")
    rows.instants("purchased_at", UTC)
    with pytest.raises(DataError, match="2 rows have an unreadable `amount`") as error:
        rows.faults.settle()
    assert isinstance(error.value, Unreadable)
    assert {(bad.table, bad.row, bad.field) for bad in error.value.faults} == {
        ("purchases", 1, "amount"),
        ("purchases", 2, "amount"),
        ("purchases", 0, "purchased_at"),
        ("purchases", 2, "purchased_at"),
    }


def test_nothing_wrong_is_no_fault() -> None:
    Faults().settle()


def test_a_value_is_told_once_by_the_first_thing_it_lacks() -> None:
    rows = Rows.of({"customer_id": [5, "", "a"]})
    rows.ids("customer_id")
    assert faults_of(rows) == [(0, "customer_id"), (1, "customer_id")]


@pytest.mark.parametrize(
    ("value", "units"),
    [
        (0, 0),
        (-0.0, 0),
        (0.1 + 0.2, 3_000),
        (1.2345, 12_345),
        (-7.0001, -70_001),
        # Its double times 10,000 is 7000000000100.001 or so: the dust is that of the number, not a fifth decimal.
        (700_000_000.01, 7_000_000_000_100),
        (99_999_999_999.9999, 999_999_999_999_999),
        (899_999_999_999, 8_999_999_999_990_000),
        (899_999_999_999.0, 8_999_999_999_990_000),
    ],
)
def test_money_is_the_decimal_that_was_written(value: float, units: int) -> None:
    rows = Rows.of({"amount": [value]})
    assert rows.money("amount").tolist() == [units]
    rows.faults.settle()


@pytest.mark.parametrize("value", [9e11, -9e11, 1e300, 10**400, float("inf"), 1.00001, 2.00005, 200_000_000_000.5])
def test_money_that_no_double_tells_apart_or_too_fine_is_refused(value: float) -> None:
    rows = Rows.of({"amount": [1.0, value]})
    rows.money("amount")
    assert faults_of(rows) == [(1, "amount")]


def test_every_amount_of_cents_up_to_ten_digits_is_read_exactly() -> None:
    units = np.random.default_rng(3).integers(-(10**14), 10**14, 2_000)
    rows = Rows.of({"amount": [float(f"{u // 10_000}.{u % 10_000:04d}") for u in np.abs(units).tolist()]})
    assert rows.money("amount").tolist() == np.abs(units).tolist()


TIMES = (
    "2024-03-10",
    "2024-03-10T02:30",
    "2024-03-10 02:30:59",
    "2024-11-03T01:30:00.5",
    "2024-11-03T01:30:00.123456789",
    "1990-01-01",
    "2099-12-31T23:59:59.999999",
)


@pytest.mark.parametrize("mark", ["", "Z"])
def test_times_written_alike_are_read_at_once_as_each_alone(mark: str) -> None:
    texts = [text + mark for text in TIMES if "T" in text or " " in text or not mark]
    together = Rows.of({"at": texts}).instants("at", NEW_YORK)
    # A moment of another spelling among them: each is then looked at by itself.
    one_by_one = Rows.of({"at": [*texts, "2024-01-05T10:00+01:00"]}).instants("at", NEW_YORK)
    assert together.tolist() == one_by_one[:-1].tolist()
    # 5 January 2024, 09:00 UTC, is 1,704,445,200 s after 1970.
    assert one_by_one[-1] == 1_704_445_200_000_000


def test_offsets_and_the_zone_of_the_business_agree() -> None:
    # Noon in New York on 5 January is 17:00 UTC.
    texts = ["2024-01-05T12:00", "2024-01-05T17:00Z", "2024-01-05T18:00+01:00", "2024-01-05T17:00+0000"]
    assert len(set(Rows.of({"at": texts}).instants("at", NEW_YORK).tolist())) == 1


ODD_TIMES = [
    "2024-02-30",
    "2024-01-05T24:00",
    "2024-01-05T10:00:60",
    "2024-01-05\n2024-01-06",
    "2024-01-05\n",
    "2024-01-05Z",
    "2024-1-5",
    "+2024-01-05",
    "1989-12-31T23:59:59",
    "2100-01-01",
    "2024-01-05T10:00+99:00",
]


@pytest.mark.parametrize("odd", ODD_TIMES)
def test_one_odd_time_among_good_ones_is_the_only_fault(odd: str) -> None:
    rows = Rows.of({"at": ["2024-01-05", odd, "2024-01-07"]})
    rows.instants("at", UTC)
    assert faults_of(rows) == [(1, "at")]


def test_a_time_may_be_missing_where_it_may() -> None:
    rows = Rows.of({"at": [None, "", float("nan"), "1990-01-01"]})
    assert rows.instants_or("at", UTC, AT_ONCE).tolist() == [AT_ONCE] * 3 + [631_152_000_000_000]
    assert Rows.of({"at": [None]}).instants_or("other", UTC, 7).tolist() == [7]
    rows.faults.settle()


@pytest.mark.parametrize(
    "read", [lambda r: r.texts("id"), lambda r: r.words("id"), lambda r: r.ids("id")], ids=["texts", "words", "ids"]
)
def test_half_a_surrogate_pair_is_no_text(read: Callable[[Rows], list[str]]) -> None:
    rows = Rows.of({"id": ["ä", "\ud800", "b"]})
    assert read(rows) == ["ä", "", "b"]
    assert faults_of(rows) == [(1, "id")]


@pytest.mark.parametrize("text", ["a\x00", "\x1b[2J", "a\u0085b", "a\tb"])
def test_control_characters_are_no_part_of_an_id_but_may_be_of_other_texts(text: str) -> None:
    rows = Rows.of({"id": ["good", text]})
    assert rows.texts("id") == ["good", text]
    rows.ids("id")
    assert faults_of(rows) == [(1, "id")]


def test_rows_of_a_table_keep_their_place_in_the_whole_request() -> None:
    rows = Rows.of({"amount": [1.0, None, 3.0, None]}).take(np.array([False, True, False, True]), "events")
    rows.money("amount")
    with pytest.raises(Unreadable) as error:
        rows.faults.settle()
    assert error.value.faults == tuple(
        BadRow("events", row, "amount", "a finite number smaller than 9e11") for row in (1, 3)
    )


def test_what_comes_again_is_found_where_it_does() -> None:
    assert come_again(["b", "a", "b", "b"]) == [2, 3]
    assert come_again([]) == []
