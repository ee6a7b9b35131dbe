"""The chapters on future value: their figures by hand, what is missing is said, nothing of the data is markup."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.errors import DataError
from regulars.reports import ReportInput, render
from regulars.reports.about_customers import tiles, to_keep
from regulars.reports.about_future import further, lifetime, totals
from regulars.reports.about_intervals import intervals
from regulars.reports.about_model import worth
from regulars.reports.about_movers import movers
from regulars.reports.about_timing import by_days, timing
from regulars.reports.about_value import value
from regulars.reports.blocks import Section
from regulars.reports.columns import OPTIONAL_NUMBERS, OPTIONAL_TEXTS
from regulars.reports.customers import customers_of
from regulars.reports.inputs import checked
from regulars.reports.listing import next_order, why

from .test_page import PAYLOADS, SECTIONS, Seen, assert_harmless

NEW = ("value", "timing", "horizons", "lifetime", "movers", "intervals")


def there(frame: pd.DataFrame | None) -> pd.DataFrame:
    assert frame is not None
    return frame


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def unwritten(page: str) -> list[str]:
    """What stands on a page where a number is missing and nobody thought of it."""
    return re.findall(r"\b(?:nan|NaN|None|NaT|inf)\b", page[page.index("<nav") :])


def cells(section: Section, table: int = 0) -> list[list[str]]:
    return [[plain(c.text) for c in row] for row in section.tables[table].rows]


def of(report: ReportInput, **changes: Any) -> tuple[ReportInput, pd.DataFrame]:
    given = checked(replace(report, **changes))
    return given, customers_of(given)


@pytest.fixture(scope="module")
def few(full: ReportInput) -> ReportInput:
    """Four customers of whom 100, 50, 30 and 20 are expected, and the two prospects."""
    known = full.scores.iloc[:4].assign(
        expected_spend=[100.0, 50.0, 30.0, 20.0],
        spend=[10.0, 20.0, 300.0, 4.0],
        p_churn=[0.2, 0.6, 0.9, 0.1],
        segment=["high value, steady", "high value, at risk", "high value, at risk", "low value, steady"],
        lifetime_value=[700.0, 200.0, 60.0, 40.0],
        basis=["purchases", "purchases", "newcomer", "purchases"],
        late=[False, True, True, False],
        p_purchase_7d=[0.4, 0.1, 0.0, 0.5],
        p_purchase_30d=[0.8, 0.4, 0.1, 0.9],
    )
    return replace(full, scores=pd.concat([known, full.scores.iloc[-2:]], ignore_index=True))


@pytest.fixture(scope="module")
def usual(full_html: str) -> Seen:
    return Seen(full_html)


def test_everything_together_is_a_whole_page_of_moderate_size(full_html: str) -> None:
    seen = Seen(full_html)
    assert tuple(seen.ids) == SECTIONS
    assert seen.open == []
    assert "//" not in full_html
    assert len(full_html) < 400_000
    assert unwritten(full_html) == []


def test_order_of_rows_changes_no_byte(few: ReportInput) -> None:
    horizons, chapters = few.horizons, (value, timing, further, lifetime)
    assert horizons is not None
    shuffled = of(few, scores=few.scores.iloc[::-1], horizons=horizons.sample(frac=1, random_state=3))
    once = of(few)
    assert [chapter(*shuffled) for chapter in chapters] == [chapter(*once) for chapter in chapters]


def test_who_holds_most_is_counted_without_prospects(few: ReportInput) -> None:
    # 100 + 50 = 150 of 200 are too few, with 30 it is 180: three of the four who ever bought.
    section = value(*of(few))
    assert plain(section.headline) == ("3 of 4 customers, 75 %, hold 80 % of the USD 200 expected in the next 30 days.")
    assert plain(tiles(*of(few))[0].label) == "customers scored; 3 of them hold 80 % of the expected spend"


def test_segments_tell_expected_and_spent_so_far_apart(few: ReportInput) -> None:
    section = value(*of(few))
    assert cells(section)[1] == ["High value, at risk", "2", "USD 80.00", "USD 40.00", "75 %", "USD 320"]
    assert (
        "Both at once: 2 customers, of whom USD 80.00 is expected all the same, and who spent USD 320 so far."
        in plain(section.words[1])
    )
    assert "expected to spend USD 30.00 or more" in plain(section.words[1])
    headings = [(c.name, c.note) for c in section.tables[0].columns]
    assert ("Spent so far", "no forecast") in headings


def test_past_spend_is_never_called_a_forecast(full_html: str) -> None:
    text = plain(" ".join(Seen(full_html).text)).lower()
    for word in ("forecast", "expected", "predicted"):
        assert f"{word} spent" not in text
        assert f"spent so far {word}" not in text


def test_intervals_are_told_by_fifths(full: ReportInput) -> None:
    section = intervals(full)
    assert plain(section.headline) == (
        "83 % of the customers spent within their 80 % interval, and 90 % no more than their 90 % bound."
    )
    assert cells(section)[0] == ["1", "90", "USD 10.00", "50 %", "48 %", "1.00 to 25.00", "81 %", "30.00", "90 %"]
    assert "In no fifth does the interval hold less than 81 %." in [plain(w) for w in section.words]
    assert len(section.pictures) == 2


def test_a_fifth_that_is_covered_too_little_is_named(full: ReportInput) -> None:
    whole: Any = full.backtest
    pooled = dict(whole["pooled"])
    low = [dict(q, coverage=0.7) if q["quintile"] == 5 else q for q in pooled["intervals"]["by_quintile"]]
    backtest = full.backtest | {"pooled": pooled | {"intervals": pooled["intervals"] | {"by_quintile": low}}}
    said = [plain(w) for w in intervals(replace(full, backtest=backtest)).words]
    assert "Narrower than promised: 70 % in fifth 5. Trust these intervals less." in said


def test_without_intervals_the_reason_is_told(report: ReportInput) -> None:
    pooled = {"intervals": None, "undefined": {"intervals": "no earlier window had closed"}}
    section = intervals(replace(report, backtest={"pooled": pooled}))
    assert section.headline == "How sure it is of one customer is not defined here: no earlier window had closed."
    assert section.pictures == section.tables == ()


def test_purchases_within_days_are_sums_of_chances(few: ReportInput) -> None:
    # .4 + .1 + 0 + .5 = 1 within a week, .8 + .4 + .1 + .9 = 2.2 within thirty days; two are late.
    section = timing(*of(few))
    assert plain(section.headline) == (
        "Of 4 customers about 1 within 7 days and 2 within 30 days will buy again; 2 are late by their own rhythm."
    )
    # The late ones, most expected first: the second and third row after the header.
    assert [row[0] for row in cells(section)] == ["3", "4"]
    assert cells(section, 1)[0][:5] == ["7 days", "1", "25 %", "14 %", "16 %"]


def test_calibration_by_days_is_that_of_the_checks(full: ReportInput) -> None:
    table = by_days(full)
    assert table["group"].tolist() == [7, 14, 30, 60, 90]
    assert table["predicted"].iloc[2] == pytest.approx(0.1 + 30 / 200)
    assert by_days(replace(full, backtest={})).empty


def test_totals_of_horizons_are_sums_over_customers(few: ReportInput) -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "b"] * 2,
            "horizon_days": [30, 30, 365, 365],
            "p_churn": [0.5, 0.7, 0.1, 0.3],
            "expected_spend": [10.0, 30.0, 100.0, 200.0],
            "trained_days": [30, 30, 90, 90],
        }
    )
    table = totals(frame)
    assert table["buying"].round(9).tolist() == [0.4, 0.8]
    assert table["spend"].tolist() == [40.0, 300.0]
    section = further(*of(few, horizons=frame))
    assert plain(section.headline) == (
        "Within 30 days 40 % of the customers will buy, for USD 40.00 in all; within 365 days 80 %, for USD 300."
    )
    assert any("models of 90 days are carried there" in plain(w) for w in section.words)
    assert cells(section)[1] == ["365 days", "2", "80 %", "not defined here", "USD 300", "USD 150"]


def test_lifetime_is_told_with_its_terms_and_its_holders(few: ReportInput) -> None:
    # 700 + 200 = 900 of 1,000 hold more than 80 %; 700 alone do not.
    given, customers = of(few)
    section = lifetime(given, customers)
    assert plain(section.headline) == (
        "Customers of today will bring USD 1,000 in the next 3 years (90 % interval USD 800 to USD 1,300); 2 of them, "
        "50 %, hold 80 % of it."
    )
    said = [plain(w) for w in section.words]
    assert "It counts a margin of 30 %, discounted by 10 % a year." in said[0]
    assert "Less than two years." in said
    assert cells(section) == [
        ["customers, by their own purchases", "3", "USD 940", "USD 313"],
        ["newcomers, by their cohort", "1", "USD 60.00", "USD 60.00"],
        ["prospects, who never bought, by their cohort", "2", "USD 12.00", "USD 6.00"],
    ]
    assert section.tables[1].rows[2][0].below == "new: value of its cohort"
    assert cells(section, 2) == [["A third."]]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (1095, "in the next 3 years"),
        (365, "in the next year"),
        (90, "in the next 90 days"),
        (550, "in the next 1.5 years"),
    ],
)
def test_horizon_of_lifetime_is_said_as_one_says_it(few: ReportInput, days: int, said: str) -> None:
    assert said in plain(lifetime(*of(few, lifetime={"horizon_days": days})).headline)


def test_movers_are_told_with_before_and_now(full: ReportInput) -> None:
    given = checked(full)
    section = movers(given)
    assert plain(section.headline) == "Since 1 Aug 2017 1 joined, 1 left, 1 changed their segment."
    assert cells(section) == [
        ["5", "risk, value", "70 %", "USD 20.00", "high value, at risk"],
        ["9", "new among the scores", "10 %", "USD 30.00", "low value, steady"],
        ["–", "no longer scored", "–", "–", "–"],
    ]
    assert [plain(row[2].below) for row in section.tables[0].rows] == ["20 %", "–", "90 %"]
    assert len(section.pictures) == 1


def test_without_earlier_scores_nobody_is_said_to_have_moved(full: ReportInput) -> None:
    assert movers(replace(full, movers=None, moved=None)).headline == (
        "Who has moved is not told: there are no earlier scores to compare with."
    )
    other = movers(replace(full, movers=None, moved={"words": "the scores of 2017-08-01 are in EUR"}))
    assert other.headline.endswith("the scores of 2017-08-01 are in EUR.")
    assert movers(checked(replace(full, movers=there(full.movers).iloc[:0], moved=None))).headline.startswith("Nobody")


def test_list_says_why_when_and_between_what(few: ReportInput) -> None:
    scores = few.scores.assign(
        reasons="more risk: silent for long; less risk: many orders",
        spend_low=1.0, spend_high=75.5, next_order_from="2017-12-30", next_order_p50="2018-01-05",
        next_order_until="", usual_gap_days=9.0, recency_days=28.0,
    )  # fmt: skip
    (table,) = to_keep(*of(few, scores=scores)).tables
    first = {c.name: cell for c, cell in zip(table.columns, table.rows[0], strict=True)}
    assert plain(first["Last purchase"].below) == "28 days ago, usually every 9 days"
    assert (plain(first["Next order"].text), plain(first["Next order"].below)) == (
        "5 Jan 2018",
        "30 Dec 2017 to over a year",
    )
    assert plain(first["Expected spend"].below) == "1.00 to 75.50"
    assert set(table.remarks) == {"Raises the chance: silent for long. Lowers it: many orders."}
    assert len(table.remarks) == len(table.rows)


def test_window_without_a_middle_is_said_as_far_as_it_is_known() -> None:
    assert (
        next_order({"next_order_p50": "", "next_order_from": "", "next_order_until": ""}).below == "not within a year"
    )
    assert plain(next_order({"next_order_from": "2018-03-01"}).text) == "1 Mar 2018 or later"
    assert plain(next_order({"next_order_p50": "2018-03-05", "next_order_from": "2018-03-01",
                             "next_order_until": "2018-04-02"}).below) == "1 Mar to 2 Apr"  # fmt: skip


def test_reasons_without_a_direction_are_told_as_they_are() -> None:
    assert why({"reasons": "nothing sets this customer apart"}) == "nothing sets this customer apart"
    assert why({"reasons": "less risk: many orders"}) == "Lowers the chance: many orders."
    assert why({}) == ""


def test_value_tenths_stand_in_the_chapter_on_money(full: ReportInput) -> None:
    section = worth(checked(full))
    rows = cells(section)
    assert len(rows) == 10
    assert rows[0][1] == "45"
    assert rows[-1][-1] == "100 %"


LACKING = {
    "segment": "have no segments",
    "lifetime_value": "Lifetime value is not part of these scores.",
    "late": "Who is late by an own rhythm is not told in these scores.",
}


@pytest.mark.parametrize("lacking", [(), ("segment", "lifetime_value", "late", "basis", "spend_low", "reasons")])
def test_a_missing_column_leaves_a_part_out_with_a_sentence(few: ReportInput, lacking: tuple[str, ...]) -> None:
    given, customers = of(few, scores=few.scores.iloc[:4].drop(columns=list(lacking)), predictions=pd.DataFrame())
    chapters = [make(given, customers) for make in (value, timing, lifetime, to_keep)]
    said = " ".join(text for chapter in chapters for text in (chapter.headline, *chapter.words))
    for column, sentence in LACKING.items():
        assert (sentence in said) is (column in lacking)


def test_scores_of_churn_and_spend_alone_are_enough(report: ReportInput) -> None:
    given, customers = of(report)
    assert timing(given, customers).headline == "When customers buy next is not forecast in these scores."
    assert further(given, customers).headline.startswith("Only one horizon")
    for section in (value(given, customers), timing(given, customers), lifetime(given, customers), movers(given)):
        assert section.anchor in NEW


def test_nobody_scored_and_nothing_expected_make_a_page(full: ReportInput) -> None:
    nobody = replace(
        full, scores=full.scores.iloc[:0], horizons=there(full.horizons).iloc[:0], predictions=pd.DataFrame()
    )
    assert tuple(Seen(render(nobody)).ids) == SECTIONS
    nothing = full.scores.iloc[:3].assign(expected_spend=0.0, lifetime_value=0.0, lifetime_low=0.0, lifetime_high=0.0)
    given, customers = of(full, scores=nothing, predictions=pd.DataFrame())
    assert value(given, customers).headline.startswith("No spend is expected of anybody")
    assert lifetime(given, customers).pictures == []


def test_only_prospects_are_nobodys_forecast(full: ReportInput) -> None:
    given, customers = of(full, scores=full.scores.iloc[-2:])
    assert len(customers) == 0
    assert value(given, customers).headline.startswith("No spend is expected of anybody")
    assert timing(given, customers).headline.startswith("When customers buy next is not forecast")


def test_missing_values_of_single_customers_are_dashes_or_nothing(few: ReportInput) -> None:
    known = [c for c in (*OPTIONAL_NUMBERS, "p_so_late", "p_purchase_7d") if c in few.scores.columns]
    scores = few.scores.astype(dict.fromkeys(known, float))
    scores.loc[1, known] = np.nan
    scores.loc[1, [c for c in OPTIONAL_TEXTS if c in scores.columns and c != "basis"]] = None
    assert unwritten(render(replace(few, scores=scores, predictions=pd.DataFrame()))) == []


def test_impossible_chances_and_missing_columns_are_refused(full: ReportInput) -> None:
    with pytest.raises(DataError, match=r"RG402.*`p_purchase_7d`"):
        checked(replace(full, scores=full.scores.assign(p_purchase_7d=1.5)))
    with pytest.raises(DataError, match=r"RG401.*`expected_spend`"):
        checked(replace(full, horizons=there(full.horizons).drop(columns="expected_spend")))
    with pytest.raises(DataError, match=r"RG401.*`moved`"):
        checked(replace(full, movers=there(full.movers).drop(columns="moved")))


@pytest.mark.parametrize("payload", [PAYLOADS[1] + PAYLOADS[4]])
def test_texts_of_the_new_columns_stay_texts(few: ReportInput, usual: Seen, payload: str) -> None:
    cell = payload.encode("utf-8", "replace").decode()
    texts: Any = {c: cell for c in OPTIONAL_TEXTS if c not in ("basis", "segment")}
    moved = there(few.movers).assign(moved=cell, as_of_before=cell, segment_before=cell, segment=cell)
    pooled = {
        "intervals": {"coverage": 0.8, "upper_coverage": 0.9, "calibrated_on": [payload], "words": payload},
        "timing": {"by_days": [{"days": payload}]},
        "undefined": {"intervals": payload},
        "horizons": [{"horizon_days": 365, "trained_days": payload}],
    }
    given = replace(
        few,
        currency=payload,
        scores=few.scores.assign(**texts),
        predictions=pd.DataFrame(),
        backtest={"pooled": pooled},
        movers=moved,
        moved={"words": payload, "since": payload},
        lifetime={"warnings": [payload], "words": payload, "horizon_days": payload},
        ids_shown=True,
    )
    assert_harmless(render(given), usual)
