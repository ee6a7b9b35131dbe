"""How money is read: exactly, in one notation a column, never guessed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.config import Config
from regulars.errors import DataError
from regulars.intake import Ledger, build_ledger

Priced = Callable[..., Config]


def _amounts(ledger: Ledger) -> list[Decimal]:
    return ledger.table().column("amount").to_pylist()


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (("12.50", "-3", "+4", ".5"), ("12.5", "-3", "4", "0.5")),
        (("12,50", "1.234,5"), ("12.5", "1234.5")),
        (("1.234.567", "3"), ("1234567", "3")),  # Two groups prove that the point groups.
        (("1,234.56", "7"), ("1234.56", "7")),
        (("1 234,50", "1\u00a0234,50", "1\u202f234,50"), ("1234.5", "1234.5", "1234.5")),
        (("1'234.50", "1’234.50"), ("1234.5", "1234.5")),
        (("0.500", "1.500"), ("0.5", "1.5")),  # A group never starts with 0, so the point is the decimal sign.
        (("1234.500", "1.500"), ("1234.5", "1.5")),
        (("10.5", "1,234"), ("10.5", "1234")),
        (("−5", "۱۲٫۵".replace("٫", ".")), ("-5", "12.5")),
        (("0.0001", "0.00005", "0.00015"), ("0.0001", "0", "0.0002")),  # Half-even.
        (("1,23,456.50", "12,34,567", "12,345"), ("123456.5", "1234567", "12345")),  # As in India: 1,23,456.
        # The Arabic decimal sign is nothing else, even before three digits; nor is the Arabic sign of thousands.
        (("۱۲٫۵۰۰", "۱٬۲۳۴٫۵"), ("12.5", "1234.5")),
        (("$12.50", "-$3", "$-4", "$1,234.00"), ("12.5", "-3", "-4", "1234")),
        (("1.234,50 €", "2,00\u00a0€"), ("1234.5", "2")),
        (("CHF 1'234.50", "CHF 2"), ("1234.5", "2")),
        (("12,50 kr", "3 kr"), ("12.5", "3")),
        (("1.003,50 TL", "7 TL"), ("1003.5", "7")),
        (("₹1,23,456.00", "₹ 7"), ("123456", "7")),
        (("¥500", "¥1,234,567"), ("500", "1234567")),
        (("۱۲۳٬۴۵۶ ﷼", "۵۰۰\u200f ﷼"), ("123456", "500")),
        (("12.50", "(3.00)", "( 4.00 )"), ("12.5", "-3", "-4")),
        (("$12.50", "($3.00)", "$(4)"), ("12.5", "-3", "-4")),
        (("12.50", "3.00-"), ("12.5", "-3")),
        (("5.00- €", "3.00 €"), ("-5", "3")),
    ],
)
def test_money_in_one_notation_is_exact(priced: Priced, texts: tuple[str, ...], values: tuple[str, ...]) -> None:
    assert _amounts(build_ledger(priced(*texts))) == [Decimal(v) for v in values]


@pytest.mark.parametrize(
    ("texts", "code", "said"),
    [
        (("1.500", "2.750"), "RG121", ['decimal = "."', 'decimal = ","', "a.csv:2", "1.500", "1500"]),
        (("1,500",), "RG121", ['decimal = ","', "a.csv:2"]),
        (("12.50", "12,50"), "RG122", ["a.csv:2", "a.csv:3", "one decimal sign"]),
        (("1,234", "1234.5"), "RG122", ["'1,234'", "a.csv:3"]),  # Beside an ungrouped 1234.5, 1,234 may be 1.234.
        (("1,234.5", "1 234.5"), "RG122", ["one grouping"]),
        (("1,23,456.00", "123,456.00"), "RG122", ["'1,23,456.00' (a.csv:2)", "'123,456.00' (a.csv:3)"]),
        (("۱۲٫۵", "12,5"), "RG122", ["a.csv:2", "a.csv:3"]),
        (("€1.500",), "RG121", ['decimal = ","', "'€1.500' (a.csv:2)"]),
        (("€5", "5"), "RG160", ["'€5' (a.csv:2)", "'5' (a.csv:3)", "one sign, or none"]),
        (("5 EUR", "5 USD"), "RG160", ["'5 EUR' (a.csv:2)", "'5 USD' (a.csv:3)", "currency ="]),
        (("€5", "5€"), "RG160", ["before", "after"]),
        (("(5)", "-5"), "RG161", ["'(5)' (a.csv:2)", "'-5' (a.csv:3)", "best as -12.50"]),
        (("5-", "(5)"), "RG161", ["'5-' (a.csv:2)", "'(5)' (a.csv:3)"]),
        (("5%", "3"), "RG162", ["percentages", "'5%' (a.csv:2)"]),
    ],
)
def test_money_that_can_be_read_in_two_ways_is_refused(
    priced: Priced, texts: tuple[str, ...], code: str, said: list[str]
) -> None:
    with pytest.raises(DataError) as caught:
        build_ledger(priced(*texts))
    assert caught.value.code == code
    assert [s for s in said if s not in str(caught.value)] == []


def test_what_was_taken_off_numbers_is_counted(priced: Priced) -> None:
    repairs = build_ledger(priced("€ 5", "(€ 6)", "€ 7,5")).manifest.repairs
    assert [(r.what, r.count) for r in repairs] == [
        ("currency signs in `money` taken off", 3),
        ("negative numbers in `money` written with brackets or a minus behind", 1),
    ]


@pytest.mark.parametrize("later", ["5", "$ 5", "(€ 5)", "€ 1,2,3"])
def test_a_new_file_written_in_another_way_is_read_with_all_others(book: Priced, later: str) -> None:
    # One intake of all files would refuse, or read alike; a ledger that grows must do the same.
    lines = {
        name: f"id;when;money\na;2024-01-0{day};{text}\n"
        for day, (name, text) in enumerate((("a.csv", "€ 7,5"), ("b.csv", "€ -3"), ("c.csv", later)), start=1)
    }
    build_ledger(book({name: lines[name] for name in ("a.csv", "b.csv")}, max_bad_share=1.0))
    try:
        grown: object = _amounts(build_ledger(book(lines, max_bad_share=1.0)))
    except DataError as error:
        grown = error.code
    assert grown == {"5": "RG160", "$ 5": "RG160", "(€ 5)": "RG161", "€ 1,2,3": [Decimal("7.5"), Decimal("-3")]}[later]


def test_decimal_settles_what_the_data_cannot_prove(priced: Priced) -> None:
    assert _amounts(build_ledger(priced("1.500", decimal="."))) == [Decimal("1.5")]
    assert _amounts(build_ledger(priced("1.500", decimal=","))) == [Decimal("1500")]


def test_decimal_against_the_data_is_refused(priced: Priced) -> None:
    with pytest.raises(DataError, match='although decimal = ","'):
        build_ledger(priced("12.50", decimal=","))


NOT_PLAIN, NOT_FINITE, TOO_LARGE = "is not a plain number", "is not a finite number", "is too large"
UNREADABLE = {
    **dict.fromkeys(["1e3", "1.5E+03", "1_000", "(12.50", "NA", "INV001", "1,2.5", "-5-", "--5", "-", "."], NOT_PLAIN),
    **dict.fromkeys(["nan", "-inf"], NOT_FINITE),
    "": "is missing",
    "123456789012345": TOO_LARGE,
    "99999999999999.99999": TOO_LARGE,  # Rounds to 10^14.
}


def test_what_is_no_plain_number_goes_to_quarantine(priced: Priced) -> None:
    ledger = build_ledger(priced("12.50", *UNREADABLE, max_bad_share=1.0))
    rows = ledger.quarantine().to_pylist()
    assert [r["reason"] for r in rows] == list(UNREADABLE.values())
    assert [(r["file"], r["line"], r["column"]) for r in rows] == [("a.csv", 3 + i, "money") for i in range(len(rows))]
    assert (ledger.manifest.unreadable_amounts, ledger.manifest.money["read"]) == (len(UNREADABLE), "12.5000")


def test_too_many_bad_lines_are_refused_with_counts_and_samples(priced: Priced) -> None:
    with pytest.raises(DataError) as caught:
        build_ledger(priced("1.5", "2", "n/a", "?"))
    message = str(caught.value)
    assert "2 of 4 lines cannot be read: 2 where `money` is not a plain number" in message
    assert "a.csv:4" in message
    assert "max_bad_share" in message


FLOATS = pd.DataFrame({"id": ["a"] * 4, "when": ["2024-01-05"] * 4, "money": [0.1, 0.2, float("nan"), float("inf")]})


def test_nan_and_infinity_in_a_number_column_go_to_quarantine() -> None:
    arrow = pa.Table.from_pylist(
        FLOATS.to_dict("records"), schema=pa.schema([("id", "string"), ("when", "string"), ("money", "float64")])
    )
    config = Config.of(customer_id="id", purchased_at="when", amount="money", purchases={"max_bad_share": 0.5})
    for frame in (FLOATS, arrow, FLOATS.astype({"money": "object"})):
        ledger = Ledger.from_frame(frame, config)
        assert ledger.manifest.money["used"] == "0.3000"  # Not 0.30000000000000004.
        assert ledger.manifest.lines["quarantined"] == 2


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.float32(), 12.34),
        (pa.float64(), 12.34),
        (pa.decimal128(10, 2), Decimal("12.34")),
        (pa.string(), "12.34"),
        (pa.large_string(), "12.34"),
        (pa.dictionary(pa.int32(), pa.string()), "12.34"),
        (pa.string_view(), "12.34"),
    ],
)
def test_every_type_of_money_is_the_same_money(kind: pa.DataType, value: object) -> None:
    if pa.types.is_dictionary(kind):
        money = pa.array([value]).dictionary_encode()
    else:
        money = pa.array([value], kind)
    frame = pa.table({"customer_id": ["a"], "purchased_at": ["2024-01-05"], "amount": money})
    assert _amounts(Ledger.from_frame(frame, Config.of())) == [Decimal("12.34")]


def test_a_double_of_three_decimals_is_not_ambiguous() -> None:
    frame = pd.DataFrame({"customer_id": ["a"], "purchased_at": ["2024-01-05"], "amount": [1.125]})
    assert _amounts(Ledger.from_frame(frame, Config.of())) == [Decimal("1.125")]
    assert _amounts(Ledger.from_frame(frame.astype({"amount": "object"}), Config.of())) == [Decimal("1.125")]


def test_quantity_times_price_is_exact_and_rounded_once_a_line(book: Priced) -> None:
    # 3 x 0.33333 = 0.99999 -> 1.0000, exact minus stored = -0.00001; 2 x 0.00025 = 0.0005 exactly.
    # 1.5 x 0.0001 = 0.00015 -> 0.0002 (half to even), exact minus stored = -0.00005.
    text = "id,when,n,each\na,2024-01-05,3,0.33333\na,2024-01-06,2,0.00025\na,2024-01-07,1.5,0.0001\n"
    ledger = build_ledger(book(text, quantity="n", unit_price="each"))
    assert _amounts(ledger) == [Decimal("1"), Decimal("0.0005"), Decimal("0.0002")]
    assert ledger.manifest.rounding_difference == "-0.00006"
    assert ledger.columns == ("customer_id", "purchased_at", "order_id", "amount", "quantity")


def test_a_product_that_does_not_fit_goes_to_quarantine(book: Priced) -> None:
    text = "id,when,n,each\na,2024-01-05,10000000,90000000\na,2024-01-06,1,2\n"
    ledger = build_ledger(book(text, quantity="n", unit_price="each", max_bad_share=0.5))
    assert ledger.quarantine().column("reason").to_pylist() == ["times the unit price is too large"]


@settings(max_examples=settings().max_examples // 3)
@given(
    st.lists(
        # Products stay below 10**14, what DECIMAL(18, 4) holds; larger ones go to quarantine (the test above).
        st.tuples(st.integers(-(10**4), 10**4), st.integers(-(10**9), 10**9), st.integers(0, 6)),
        min_size=1,
        max_size=20,
    )
)
def test_products_of_any_decimals_equal_exact_arithmetic(rows: list[tuple[int, int, int]]) -> None:
    prices = [Decimal(price).scaleb(-places) for _, price, places in rows]
    frame = pa.table(
        {
            "customer_id": ["a"] * len(rows),
            "purchased_at": [f"2024-01-05 10:00:{i:02}" for i in range(len(rows))],
            "n": [n for n, _, _ in rows],
            "each": pa.array(prices, pa.decimal128(38, 6)),
        }
    )
    ledger = Ledger.from_frame(
        frame, Config.of(purchases={"quantity": "n", "unit_price": "each", "max_bad_share": 1.0})
    )
    exact = [n * price for (n, _, _), price in zip(rows, prices, strict=True)]
    stored = [e.quantize(Decimal("0.0001")) for e in exact]  # The default rounding of decimal is half-even.
    assert _amounts(ledger) == stored
    assert Decimal(ledger.manifest.rounding_difference) == sum(exact) - sum(stored)


def test_discounts_with_the_other_sign_are_refused(book: Priced) -> None:
    text = "id,when,money,off\na,2024-01-05,1,-0.5\na,2024-01-06,1,-0.5\na,2024-01-07,1,0\n"
    with pytest.raises(DataError, match="most discounts in column `off` are negative"):
        build_ledger(book(text, discount="off"))


def test_a_single_negative_discount_goes_to_quarantine(book: Priced) -> None:
    text = "id,when,money,off\na,2024-01-05,1,-0.5\na,2024-01-06,1,0.5\na,2024-01-07,1,\n"
    ledger = build_ledger(book(text, discount="off", max_bad_share=0.5))
    assert ledger.quarantine().column("reason").to_pylist() == ["is negative"]
    assert ledger.table().column("discount").to_pylist() == [Decimal("0.5"), None]
