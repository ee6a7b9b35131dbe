"""How ids and labels are read: as the text they are."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from regulars.config import Config
from regulars.errors import DataError
from regulars.intake import Ledger, build_ledger


def _customers(ledger: Ledger) -> list[str]:
    return ledger.table().column("customer_id").to_pylist()


def _of(ids: object) -> Ledger:
    n = len(ids)
    frame = {"customer_id": ids, "purchased_at": pd.to_datetime(["2024-01-05"] * n), "amount": [1] * n}
    return Ledger.from_frame(pd.DataFrame(frame), Config.of())


IDS = ["00123", "1E5", "100000", "NA", "null", "None", "nan", "9007199254740993", "9007199254740992", "=1+1", "é"]


def test_ids_in_a_csv_are_kept_to_the_letter(book: Callable[..., Config]) -> None:
    text = "id,when,money\n" + "".join(f"{i},2024-01-05,1\n" for i in IDS)
    # Bytewise: '0' < '1' < '9' < '=' < 'N' < 'n' < 'é'.
    assert _customers(build_ledger(book(text))) == sorted(IDS, key=lambda s: s.encode())


def test_a_late_id_of_letters_does_not_change_the_earlier_ones(book: Callable[..., Config]) -> None:
    many = [str(100_000 + i) for i in range(30_000)]
    text = "id,when,money\n" + "".join(f"{i},2024-01-05,1\n" for i in [*many, "00123", "A1"])
    assert _customers(build_ledger(book(text)))[0] == "00123"


def test_outer_space_and_invisible_characters_are_trimmed_and_counted(book: Callable[..., Config]) -> None:
    # The last id is "e" with a combining accent: NFC makes it one character.
    text = "id,when,money\n" + "".join(f"{i},2024-01-05,1\n" for i in (" a ", "\u200ba", "a\u00a0", "a", "e\u0301"))
    ledger = build_ledger(book(text))
    assert _customers(ledger) == ["a", "a", "a", "a", "é"]
    (repair,) = ledger.manifest.repairs
    assert (repair.count, repair.example) == (4, "a.csv:2")


@pytest.mark.parametrize("nobody", ["", "  ", "\u200b", "\u00a0"])
def test_a_line_without_a_customer_is_a_guest_with_its_money(book: Callable[..., Config], nobody: str) -> None:
    ledger = build_ledger(book(f"id,when,money\na,2024-01-05,1\n{nobody},2024-01-05,2.50\n"))
    assert {n: k for n, k in ledger.manifest.lines.items() if k} == {"read": 2, "used": 1, "guest": 1}
    assert ledger.manifest.reconciliation()[:3] == [
        ("read", 2, Decimal("3.5")),
        ("used", 1, Decimal("1")),
        ("guest", 1, Decimal("2.5")),
    ]


def test_only_guests_are_no_rows(book: Callable[..., Config]) -> None:
    with pytest.raises(DataError, match="no rows: of 1 lines none can be used") as caught:
        build_ledger(book("id,when,money\n,2024-01-05,1\n"))
    assert "customer_id" in str(caught.value)


@pytest.mark.parametrize(
    "ids",
    [
        [7, 123],
        [7.0, 123.0],
        ["7", "123"],
        pd.Series([7, "123"], dtype="object"),
        pd.Series([7.0, 123], dtype="object"),
        pd.Series(["7", "123"], dtype="category"),
        pd.array([7, 123], dtype="Int64"),
    ],
)
def test_ids_of_any_type_are_the_same_text(ids: object) -> None:
    assert sorted(_customers(_of(ids))) == ["123", "7"]


def test_missing_ids_of_any_type_are_guests() -> None:
    for ids in ([7.0, float("nan")], pd.Series(["7", None], dtype="object"), pd.array([7, None], dtype="Int64")):
        ledger = _of(ids)
        assert (_customers(ledger), ledger.manifest.lines["guest"]) == (["7"], 1)


@pytest.mark.parametrize("ids", [[1.5, 2.0], [9007199254740993.0, 1.0], pd.Series([1.5, "a"], dtype="object")])
def test_float_ids_that_may_have_lost_digits_are_refused(ids: object) -> None:
    with pytest.raises(DataError, match="`customer_id`") as caught:
        _of(ids)
    assert caught.value.code == "RG103"


def test_boolean_ids_are_text() -> None:
    assert _customers(_of([True, False])) == ["false", "true"]


def test_types_that_are_no_id_are_refused() -> None:
    frame = pa.table({"customer_id": pa.array([[1]]), "purchased_at": ["2024-01-05"], "amount": ["1"]})
    with pytest.raises(DataError, match="list<") as caught:
        Ledger.from_frame(frame, Config.of())
    assert "text or integers" in str(caught.value)


def test_ids_that_look_like_one_customer_are_kept_apart_and_named(book: Callable[..., Config]) -> None:
    text = "id,when,money\n" + "".join(f"{i},2024-01-05,1\n" for i in ("123", "00123", "Ann", "ANN", "bob"))
    ledger = build_ledger(book(text))
    assert ledger.manifest.n_customers == 5
    notes = " ".join(ledger.manifest.notes)
    assert "2 customer ids differ from another by leading zeros only, such as (5 characters)" in notes
    assert "2 customer ids differ from another by capitals" in notes


def test_labels_are_text_and_the_empty_label_is_missing(book: Callable[..., Config]) -> None:
    text = "id,when,money,what,kind\na,2024-01-05,1,007,Tea\na,2024-01-06,1,,\n"
    table = build_ledger(book(text, product_id="what", category="kind")).table()
    assert table.column("product_id").to_pylist() == ["007", None]
    assert table.column("category").to_pylist() == ["Tea", None]


def test_without_order_ids_an_order_is_a_local_day(book: Callable[..., Config]) -> None:
    # 23:30 UTC on 5 January is the 6th in Berlin.
    text = "id,when,money\na,2024-01-05T10:00Z,1\na,2024-01-05T23:30Z,1\na,2024-01-06T09:00Z,1\n"
    ledger = build_ledger(book(text, timezone="Europe/Berlin"))
    assert ledger.table().column("order_id").to_pylist() == ["2024-01-05", "2024-01-06", "2024-01-06"]
    assert (ledger.manifest.n_orders, str(ledger.history_starts), str(ledger.ends)) == (2, "2024-01-05", "2024-01-07")


def test_a_line_without_its_order_id_falls_back_to_the_day_and_is_counted(book: Callable[..., Config]) -> None:
    ledger = build_ledger(book("id,when,money,o\na,2024-01-05,1,\na,2024-01-06,1,x\n", order_id="o"))
    assert ledger.table().column("order_id").to_pylist() == ["2024-01-05", "x"]
    assert [r.count for r in ledger.manifest.repairs] == [1]


def test_no_letter_is_taken_for_white_space(book: Callable[..., Config]) -> None:
    ids = ["v1v", "f2f", "t3t", "n4n", "r5r", "x6x", "0b", "é v"]
    # Between them stand a vertical tab, a form feed and a tab, which are white space.
    text = "id,when,money\n" + "".join(f"\v{i}\f\t,2024-01-05,1\n" for i in ids)
    assert _customers(build_ledger(book(text))) == sorted(ids, key=lambda s: s.encode())
