"""Money of several currencies: converted exactly once, or refused; never added up as if it were one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from regulars.config import Config
from regulars.errors import ConfigError, DataError
from regulars.intake import Ledger, build_ledger

Book = Callable[..., Config]
HEADER = "id,when,money,cur\n"


def told(config: Config, currency: str, **rates: str) -> Config:
    """The same with the ledger's currency, and what others are worth in it."""
    purchases = config.data.purchases.model_copy(update={"rates": rates})
    data = config.data.model_copy(update={"currency": currency, "purchases": purchases})
    return config.model_copy(update={"data": data})


def built(book: Book, text: str, currency: str = "EUR", rates: dict[str, str] | None = None, **more: object) -> Ledger:
    """The ledger of lines under `HEADER`."""
    return build_ledger(told(book(HEADER + text, currency="cur", **more), currency, **(rates or {})))


def amounts(ledger: Ledger) -> list[Decimal]:
    return ledger.table().column("amount").to_pylist()


def test_lines_in_the_ledgers_own_currency_are_as_they_are(book: Book) -> None:
    ledger = built(book, "a,2024-01-05,1.50,EUR\na,2024-01-06,2, eur \n")
    assert amounts(ledger) == [Decimal("1.5"), Decimal("2")]
    assert (ledger.columns, ledger.manifest.currency) == (("customer_id", "purchased_at", "order_id", "amount"), "EUR")


def test_foreign_money_is_multiplied_exactly_and_rounded_half_even_once(book: Book) -> None:
    # 10.01 x 0.92005 = 9.2097005 -> 9.2097, exact minus kept 0.0000005; 3 x 0.92005 = 2.76015 -> 2.7602 (half-even
    # of ...015 at the fourth place: 2.7601|5 -> 2.7602), difference -0.00005; the euro line has none.
    text = "a,2024-01-05,10.01,USD\na,2024-01-06,3,usd\na,2024-01-07,1,EUR\n"
    ledger = built(book, text, rates={"USD": "0.92005"})
    assert amounts(ledger) == [Decimal("9.2097"), Decimal("2.7602"), Decimal("1")]
    assert ledger.manifest.money["read"] == "12.9699"
    assert Decimal(ledger.manifest.rounding_difference) == Decimal("0.0000005") - Decimal("0.00005")
    (repair,) = ledger.manifest.repairs
    assert repair.count == 2
    assert "converted" in repair.what


def test_price_discount_and_cost_are_converted_too(book: Book) -> None:
    # 3 x 0.5 GBP = 1.5 -> x 1.2 = 1.80; 0.25 -> 0.30; 0.125 -> 0.15. The quantity is no money.
    text = "id,when,n,each,off,own,cur\na,2024-01-05,3,0.5,0.25,0.125,GBP\n"
    columns = {"quantity": "n", "unit_price": "each", "discount": "off", "cost": "own", "currency": "cur"}
    (row,) = build_ledger(told(book(text, **columns, decimal="."), "EUR", GBP="1.2")).table().to_pylist()
    found = tuple(row[name] for name in ("amount", "quantity", "discount", "cost"))
    assert found == (Decimal("1.8"), Decimal("3"), Decimal("0.3"), Decimal("0.15"))


@pytest.mark.parametrize(
    ("text", "currency", "code", "said"),
    [
        ("a,2024-01-05,1,EUR\na,2024-01-06,2,USD\n", "EUR", "RG163", ['rates = { USD = "..." }', "a.csv:3", "'USD'"]),
        ("a,2024-01-05,1,USD\n", "EUR", "RG163", ["USD beside the ledger's currency, EUR"]),
        ("a,2024-01-05,1,EUR\na,2024-01-06,2,USD\n", "", "RG164", ["a.csv:2", "a.csv:3", "under [data]"]),
    ],
)
def test_currencies_without_a_rate_are_refused(
    book: Book, text: str, currency: str, code: str, said: list[str]
) -> None:
    with pytest.raises(DataError) as caught:
        built(book, text, currency)
    assert caught.value.code == code
    assert [s for s in said if s not in str(caught.value)] == []


def test_one_currency_alone_is_the_ledgers_with_a_note(book: Book) -> None:
    ledger = built(book, "a,2024-01-05,1,chf\na,2024-01-06,2,CHF\n", "")
    assert ledger.manifest.currency == "CHF"
    assert any(note.startswith("the ledger's currency is CHF") for note in ledger.manifest.notes)


def test_a_code_that_is_none_sets_its_line_aside_and_its_money_is_in_no_sum(book: Book) -> None:
    text = "a,2024-01-05,1,EUR\na,2024-01-06,2,\na,2024-01-07,4,dollars\n"
    ledger = built(book, text, max_bad_share=1.0)
    assert ledger.quarantine().column("reason").to_pylist() == ["is missing", "is no currency's code"]
    assert (ledger.manifest.money["read"], ledger.manifest.unreadable_amounts) == ("1.0000", 2)


def test_money_that_is_too_large_when_converted_is_set_aside(book: Book) -> None:
    # 9 x 10^13 x 2 is more than DECIMAL(18, 4) holds.
    ledger = built(book, "a,2024-01-05,1,EUR\na,2024-01-06,90000000000000,KWD\n", rates={"KWD": "2"}, max_bad_share=1)
    assert ledger.quarantine().column("reason").to_pylist() == ["is too large in the ledger's currency"]


@pytest.mark.parametrize(
    ("purchases", "currency", "said"),
    [
        ({"rates": {"USD": "0.9"}}, "EUR", "does nothing"),
        ({"currency": "cur", "rates": {"USD": "0"}}, "EUR", "positive number"),
        ({"currency": "cur", "rates": {"USD": "-1"}}, "EUR", "positive number"),
        ({"currency": "cur", "rates": {"USD": "1e2"}}, "EUR", "positive number"),
        ({"currency": "cur", "rates": {"USD": "1", "usd": "2"}}, "EUR", "twice"),
        ({"currency": "cur", "rates": {"EUR": "0.9"}}, "EUR", "its rate is 1"),
        ({"currency": "cur", "rates": {"USD": "0.9"}}, "", "currency under [data]"),
    ],
)
def test_rates_that_cannot_be_meant_are_refused(purchases: dict[str, object], currency: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.of(currency=currency, purchases=purchases)
    assert said in str(caught.value)


def test_a_sign_in_the_numbers_must_be_that_of_the_ledger(book: Book) -> None:
    with pytest.raises(DataError, match="carry €") as caught:
        build_ledger(told(book("id;when;money\na;2024-01-05;€ 5,50\n"), "USD"))
    assert caught.value.code == "RG165"
    assert build_ledger(told(book("id;when;money\na;2024-01-05;$5.50\n"), "CAD")).manifest.currency == "CAD"


def test_a_new_file_in_another_currency_is_not_added_to_a_ledger_of_one(book: Book) -> None:
    first = {"a.csv": HEADER + "a,2024-01-05,1,EUR\n", "b.csv": HEADER + "a,2024-01-06,1,EUR\n"}
    build_ledger(book(first, currency="cur"))
    with pytest.raises(DataError) as caught:
        build_ledger(book({**first, "c.csv": HEADER + "a,2024-01-07,1,USD\n"}, currency="cur"))
    assert caught.value.code == "RG164"
