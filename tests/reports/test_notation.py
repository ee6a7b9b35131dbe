"""Numbers, money and dates are written in one notation."""

from __future__ import annotations

import pytest

from regulars.reports.notation import NBSP, UNDEFINED, count, date, figure, money, percent, plain, short_money


@pytest.mark.parametrize("write", [count, figure, percent, money, date])
@pytest.mark.parametrize("missing", [None, float("nan")])
def test_missing_is_not_defined_here(write, missing) -> None:
    assert write(missing) == UNDEFINED


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.0004, "<0.1 %"), (0.0612, "6.1 %"), (0.0994, "9.9 %"), (0.0996, "10 %"), (0.5, "50 %"),
     (0.996, "99.6 %"), (0.9999, ">99.9 %"), (1, "100 %"), (-0.05, "−5.0 %"), (1.2, "120 %")],
)  # fmt: skip
def test_percent_never_rounds_to_nothing_or_to_all(share: float, text: str) -> None:
    assert percent(share).replace(NBSP, " ") == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (12.5, "12.50"), (99.99, "99.99"), (99.999, "100"), (1234.5, "1,234"), (-3, "−3.00"), (-0.001, "0.00"),
     ("42.1000", "42.10")],
)  # fmt: skip
def test_money_shows_cents_only_when_they_matter(amount: object, text: str) -> None:
    assert money(amount) == text


def test_currency_stands_before_the_amount_and_after_the_sign() -> None:
    assert money(-1500, "EUR").replace(NBSP, " ") == "−EUR 1,500"


@pytest.mark.parametrize(
    ("amount", "text"), [(999, "999"), (999.9, "1.0k"), (12_340, "12k"), (-4e6, "−4.0M"), (None, "–")]
)
def test_short_money_fits_a_cell(amount: object, text: str) -> None:
    assert short_money(amount) == text


def test_text_that_is_no_date_stays_as_it_is() -> None:
    assert date("2017-02-30") == "2017-02-30"


def test_control_characters_and_lone_surrogates_are_replaced() -> None:
    assert plain("a\x00\x1b\ud800b") == "a���b"
    plain("\ud83d").encode("utf-8")
