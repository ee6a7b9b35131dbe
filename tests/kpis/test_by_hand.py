"""Every key figure on a ledger of a few rows, derived by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.engines.local import histories
from regulars.errors import ConfigError
from regulars.features.family import plan_for
from regulars.features.shape import Shape
from regulars.intake import Ledger
from regulars.kpis.by_period import Window
from regulars.kpis.by_segment import by_segment
from regulars.kpis.periods import Periods
from regulars.kpis.purchases import Purchases
from regulars.pipelines.kpis import Kpis, kpis

from .few import EVENTS, LINES, config, ledger, purchases


def rows(found: Kpis, name: str) -> list[dict[str, Any]]:
    table = found.table(name)
    assert table is not None
    return table.shown()


def month(name: str, found: Kpis | None = None) -> dict[str, Any]:
    (row,) = [r for r in rows(found or kpis(ledger(), config()), "by_month") if r["period"] == name]
    return row


def test_the_first_month_has_new_customers_only_and_nothing_to_compare_with() -> None:
    # a twice, b once: 10 + 20 + 5 = 35 in three orders of two customers, of whom a came on a second day.
    assert month("2024-01") == {
        "period": "2024-01",
        "complete": True,
        "customers": 2,
        "new": 2,
        "returning": 0,
        "reactivated": 0,
        "orders": 3,
        "spend": 35.0,
        "average_order_value": 35 / 3,
        "orders_per_customer": 1.5,
        "repeat_purchase_rate": 0.5,
        "growth": None,
        "growth_year": None,
        "returns": 0,
        "return_share": 0.0,
        "at_risk": 0,
        "churn_rate": None,
    }


def test_a_month_with_a_return_counts_it_in_spend_and_not_in_the_order_value() -> None:
    # b 7, c 8 + 12 on one day (no later day: no repeat), d -4: 23 net, 27 in three orders. At risk on 1 Feb: a and b;
    # [1 Feb, 2 Mar) sees b on 29 Feb, and a not before 10 Mar.
    assert month("2024-02") == {
        "period": "2024-02",
        "complete": True,
        "customers": 2,
        "new": 1,
        "returning": 1,
        "reactivated": 0,
        "orders": 3,
        "spend": 23.0,
        "average_order_value": 9.0,
        "orders_per_customer": 1.5,
        "repeat_purchase_rate": 0.5,
        "growth": -12 / 35,
        "growth_year": None,
        "returns": 1,
        "return_share": 4 / 27,
        "at_risk": 2,
        "churn_rate": 0.5,
    }


def test_a_silence_of_more_than_the_horizon_is_a_reactivation_and_one_as_long_is_none() -> None:
    # a after 50 days, c after exactly 30; b only gave back. 30 + 1 - 2 = 29. At risk on 1 Mar: a, b, c; b is silent.
    found = month("2024-03")
    assert (found["customers"], found["new"], found["returning"], found["reactivated"]) == (2, 0, 1, 1)
    assert (found["orders"], found["spend"], found["average_order_value"]) == (2, 29.0, 15.5)
    assert (found["repeat_purchase_rate"], found["growth"]) == (1.0, 6 / 23)
    assert (found["returns"], found["return_share"]) == (1, 2 / 31)
    assert (found["at_risk"], found["churn_rate"]) == (3, 1 / 3)


def test_an_unfinished_month_is_shown_and_nothing_of_it_is_counted() -> None:
    found = month("2024-04")
    assert found.pop("period") == "2024-04"
    assert found.pop("complete") is False
    assert set(found.values()) == {None}


def test_churn_waits_until_its_window_is_over() -> None:
    # From 1 March 42 days end on 12 April, a day after what is covered; 41 days do not.
    for h, known in ((41, True), (42, False)):
        found = month("2024-03", kpis(ledger(), config(horizon_days=h)))
        assert (found["churn_rate"] is not None) is known
        assert found["orders"] == 2


def test_churn_waits_for_the_lag_of_labels_too() -> None:
    # 30 days from 1 March end on 31 March; 11 days later is 11 April, the first day that is not covered.
    for lag, known in ((11, True), (12, False)):
        found = month("2024-03", kpis(ledger(), config(label_lag_days=lag)))
        assert (found["churn_rate"] is not None) is known


def test_at_risk_is_only_who_bought_within_the_days_asked_for() -> None:
    # On 1 March a was last seen 41 days before, b one and c 20. The 20 days before 1 February are covered: there a was
    # last seen 12 days before, b one.
    found = kpis(ledger(), config(active_within_days=20))
    assert (month("2024-03", found)["at_risk"], month("2024-03", found)["churn_rate"]) == (2, 0.5)
    assert month("2024-02", found)["at_risk"] == 2
    # What lies before the first day is not known.
    assert month("2024-01", found)["at_risk"] is None


def test_growth_on_a_year_before_compares_the_same_month() -> None:
    frame = pd.DataFrame(
        [("a", "2023-01-01", "o0", 50.0), ("a", "2024-01-31", "o1", 60.0)],
        columns=["customer_id", "purchased_at", "order_id", "amount"],
    )
    settings = config()
    data = settings.data.model_copy(update={"history_starts": None, "history_ends": None})
    settings = settings.model_copy(update={"data": data})
    found = kpis(Ledger.from_frame(frame, settings), settings)
    # (60 - 50) / 50; December brought nothing to grow from.
    assert (month("2024-01", found)["growth_year"], month("2024-01", found)["growth"]) == (0.2, None)
    assert month("2023-12", found)["growth"] is None
    assert month("2023-02", found)["growth"] == -1.0


def test_quarters_add_up_their_months() -> None:
    found = rows(kpis(ledger(), config(), by="quarter"), "by_quarter")
    assert [(r["period"], r["complete"]) for r in found] == [("2024-Q1", True), ("2024-Q2", False)]
    # 35 + 23 + 29; a, b and c are all new in it, and all came on a second day.
    assert (found[0]["spend"], found[0]["customers"], found[0]["new"], found[0]["orders"]) == (87.0, 3, 3, 8)
    assert found[0]["repeat_purchase_rate"] == 1.0


def test_a_month_that_begins_before_the_data_is_unfinished() -> None:
    periods = Periods.of(Cutoff.parse("2024-01-02"), Cutoff.parse("2024-03-01"), "month")
    assert (periods.names, periods.complete) == (("2024-01", "2024-02"), (False, True))


def test_cohorts_keep_their_denominator_and_add_up_what_they_bring() -> None:
    # January: a and b, 35; in February b comes (+7); in March a comes (+30) and b gives 2 back: 70.
    # February: c, 20, then 1. d never bought and e's month is not over: they are in no cohort.
    found = [
        (
            r["cohort"],
            r["age"],
            r["customers"],
            r["bought"],
            r["retention"],
            r["spend_to_date"],
            r["spend_per_customer"],
        )
        for r in rows(kpis(ledger(), config()), "by_cohort")
    ]
    assert found == [
        ("2024-01", 0, 2, 2, 1.0, 35.0, 17.5),
        ("2024-01", 1, 2, 1, 0.5, 42.0, 21.0),
        ("2024-01", 2, 2, 1, 0.5, 70.0, 35.0),
        ("2024-01", 3, 2, None, None, None, None),
        ("2024-02", 0, 1, 1, 1.0, 20.0, 20.0),
        ("2024-02", 1, 1, 1, 1.0, 21.0, 21.0),
        ("2024-02", 2, 1, None, None, None, None),
    ]


def test_the_funnel_counts_days_of_purchase_and_waits_for_its_windows() -> None:
    # January: a after 15 days, b after 29: median 22; a's third came after 50. February: c after 30 days (the second
    # order of the same day is no step); for a third by 30 April it is too early.
    january = ("2024-01", 2, 2, 1.0, 22.0, 0, 0.0, None)
    found = [tuple(r.values()) for r in rows(kpis(ledger(), config()), "funnel")]
    assert found == [january, ("2024-02", 1, 1, 1.0, 30.0, None, None, None), ("all", *january[1:])]


def test_the_third_step_waits_for_twice_the_window() -> None:
    found = {h: rows(kpis(ledger(), config(horizon_days=h)), "funnel")[0] for h in (34, 35, 36)}
    # 1 Feb + 70 days is 11 April, which is the day after the last; 72 days are too many.
    assert [found[h]["third"] for h in (34, 35, 36)] == [0, 0, None]
    assert [found[h]["second"] for h in (34, 35, 36)] == [2, 2, 2]


def reckoned() -> tuple[Purchases, Window]:
    there = ledger()
    window = Window(30, there.history_starts, there.ends)
    return Purchases.of(histories(there, plan_for(Shape()))), window


def test_segments_tell_what_their_customers_did_before_the_day() -> None:
    ids = np.array(["c", "gone", "b", "a"], object)
    segments = np.array(["x", "y", "y", "x"], object)
    bought, window = reckoned()
    found = by_segment(bought, ids, segments, Cutoff.parse("2024-04-01"), window).shown()
    # [2 Mar, 1 Apr): a 30 and c 1 in two orders, b -2. Who is gone is in no segment.
    assert [tuple(r.values()) for r in found] == [
        ("x", 2, 2 / 3, 2, 1.0, 2, 31.0, 31 / 29, 15.5, 15.5),
        ("y", 1, 1 / 3, 0, 0.0, 0, -2.0, -2 / 29, -2.0, None),
        ("all", 3, 1.0, 2, 2 / 3, 2, 29.0, 1.0, 29 / 3, 15.5),
    ]


def test_segments_are_only_counted_where_the_days_before_are_not_covered() -> None:
    bought, window = reckoned()
    found = by_segment(bought, np.array(["a"]), np.array(["x"]), Cutoff.parse("2024-01-30"), window).shown()
    assert (found[0]["customers"], found[0]["bought"], found[0]["spend"]) == (1, None, None)


def test_engagement_and_satisfaction_have_their_denominators() -> None:
    found = kpis(ledger(EVENTS), config(events=True), detractors_up_to=6)
    january, february, march, april = rows(found, "engagement")
    # At risk on 1 Feb: a (answered) and b (was written to only); c was new in February, z never bought. Asked were a
    # and b, of whom a answered; the answers are 9 and 3.
    assert february == {
        "period": "2024-02",
        "complete": True,
        "at_risk": 2,
        "engaged": 1,
        "engagement_rate": 0.5,
        "answers": 2,
        "satisfaction": 6.0,
        "asked": 2,
        "response_rate": 0.5,
        "detractor_share": 0.5,
    }
    # In January nobody was at risk on the 1st; in March b of a, b, c. The log ends on 31 March.
    assert (january["engagement_rate"], january["satisfaction"], january["response_rate"]) == (None, None, None)
    assert (march["at_risk"], march["engagement_rate"]) == (3, 1 / 3)
    assert (april["complete"], april["engaged"]) == (False, None)


def test_a_month_that_the_log_of_events_does_not_cover_is_not_counted() -> None:
    # Without the visit of 1 January the log begins on 3 February, without that of 31 March it ends on 20 February.
    found = kpis(ledger(EVENTS[1:-1]), config(events=True))
    assert {r["complete"] for r in rows(found, "engagement")} == {False}


def test_what_events_do_not_tell_is_said_and_missing() -> None:
    silent = kpis(ledger(tuple(e for e in EVENTS if e[2] != "survey")), config(events=True))
    assert "No satisfaction: no event of the kind `survey` has a value." in silent.notes
    assert rows(silent, "engagement")[1]["satisfaction"] is None
    answers = kpis(ledger(tuple(e for e in EVENTS if e[1] != "2024-02-03")), config(events=True))
    assert any(note.startswith("No response rate") for note in answers.notes)
    assert any(note.startswith("No share of detractors") for note in answers.notes)
    february = rows(answers, "engagement")[1]
    assert (february["answers"], february["asked"], february["response_rate"]) == (2, None, None)


def test_without_events_and_scores_there_are_sentences_and_no_zeros() -> None:
    found = kpis(ledger(), config())
    # b and d gave something back, so there are problems without complaints.
    assert [table.name for table in found.tables] == ["by_month", "by_cohort", "funnel", "problems"]
    assert set(found.off) == {"by_segment", "engagement", "campaigns"}
    assert any("no events" in note for note in found.notes)
    assert any("no published scores" in note for note in found.notes)
    assert any("2024-04" in note for note in found.notes)


def test_returns_that_were_dropped_are_unknown_and_not_zero() -> None:
    settings = config()
    section = settings.data.purchases.model_copy(update={"returns": "drop"})
    settings = settings.model_copy(update={"data": settings.data.model_copy(update={"purchases": section})})
    found = kpis(Ledger.from_frame(purchases(), settings), settings)
    # February without d's -4: 27.
    february = month("2024-02", found)
    assert (february["spend"], february["returns"], february["return_share"]) == (27.0, None, None)
    assert any("Returns were dropped" in note for note in found.notes)


def test_who_only_gave_back_is_no_customer_of_any_month_or_cohort() -> None:
    found = kpis(Ledger.from_frame(purchases().query("customer_id == 'd'"), config()), config())
    february = month("2024-02", found)
    assert (february["customers"], february["orders"], february["spend"], february["returns"]) == (0, 0, -4.0, 1)
    assert rows(found, "by_cohort") == rows(found, "funnel") == []
    assert "nothing is over yet" in found.lines


def test_the_order_of_rows_means_nothing() -> None:
    mixed = Ledger.from_frame(purchases().sample(frac=1, random_state=3), config())
    assert kpis(mixed, config()).figures() == kpis(ledger(), config()).figures()


def test_customers_apart_add_up_to_all() -> None:
    # Spend of February, where a bought nothing: 7 + (20 - 4) = 23.
    alone = []
    for who in ("b", "cd"):
        mine = purchases()[[line[0] in who for line in LINES]]
        alone.append(month("2024-02", kpis(Ledger.from_frame(mine, config()), config()))["spend"])
    assert alone == [7.0, 16.0]


def test_another_period_than_month_and_quarter_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"RG470: there is no period `week`.*month"):
        kpis(ledger(), config(), by="week")


def test_detractors_without_events_are_a_setting_that_would_do_nothing() -> None:
    with pytest.raises(ConfigError, match="RG471"):
        kpis(ledger(), config(), detractors_up_to=6)


def test_a_notebook_shows_a_table_as_a_frame_with_its_definitions() -> None:
    table = kpis(ledger(), config()).table("by_month")
    assert table is not None
    frame = table.frame()
    # January: a spent 30 and b 5.
    assert frame.loc[0, "spend"] == 35.0
    assert frame.attrs["spend"].startswith("net spend")
    assert "2024-01" in table._repr_html_()
