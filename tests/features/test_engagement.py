"""What customers do beside buying: by hand and against the oracle."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given

from regulars.features.family import plan_for
from regulars.features.shape import Shape

from .agreement import disagreements, family_values, wrong
from .beside import FullLedger, event, full, full_ledgers
from .oracle import Value
from .oracle_beside import Event
from .strategies import PROPERTY, ledger_of

# 45 and 165 days before 15 June 2017.
PURCHASES = [("a", "2017-05-01 10:00", "o1", "10"), ("a", "2017-01-01 10:00", "o2", "10")]
PLAIN = ledger_of(PURCHASES, "2017-06-15")
VISITS = Shape(kinds=("visit",))
# Days before 15 June: 1, 30, 31 less a microsecond, 90, 91 less a microsecond.
SEEN = (
    "2017-06-14 23:59:59.999999",
    "2017-05-16 00:00",
    "2017-05-15 23:59:59.999999",
    "2017-03-17 00:00",
    "2017-03-16 23:59:59.999999",
)


@PROPERTY
@given(full_ledgers())
def test_engagement_is_what_the_oracle_says(ledger: FullLedger) -> None:
    assert disagreements(ledger, "engagement") == []


def test_a_kind_is_counted_in_windows_weighted_and_compared() -> None:
    expected: dict[str, Value] = {
        "events_visit_ever": 5,
        "events_visit_30d": 2,
        "events_visit_90d": 4,
        "events_visit_trend_30d": Fraction(2, 3),  # 31 days ago lies in the 30 days before
        "events_visit_decayed": 2 * 2**-0.5 + 2**-1.5 + 2**-2.5 + 2**-3.5,  # months 1, 2, 3 and 4 of 30 days
        "events_visit_days_since": 1,
        "events_visit_of_activity_90d": Fraction(4, 5),  # one purchase in the 90 days
    }
    assert wrong(full(PLAIN, VISITS, [event(at, "visit") for at in SEEN]), "engagement", expected) == []


def test_what_happens_from_the_cutoff_on_or_to_others_does_not_count() -> None:
    events = [event("2017-06-15 00:00", "visit"), event("2017-06-01 00:00", "visit", customer="b")]
    expected: dict[str, Value] = {
        "events_visit_ever": 0,
        "events_visit_30d": 0,
        "events_visit_trend_30d": None,
        "events_visit_decayed": 0,
        "events_visit_days_since": None,
        "events_visit_of_activity_90d": 0,
    }
    assert wrong(full(PLAIN, VISITS, events), "engagement", expected) == []


def test_an_event_counts_once_it_is_known() -> None:
    # Of 1 June, told on the 14th; of 2 June, told on the 15th; one that does not say was known at once.
    events = [
        event("2017-06-01", "visit", known_at="2017-06-14 23:59:59.999999"),
        event("2017-06-02", "visit", known_at="2017-06-15 00:00"),
        event("2017-06-03", "visit"),
    ]
    expected: dict[str, Value] = {"events_visit_ever": 2, "events_visit_days_since": 12}
    assert wrong(full(PLAIN, VISITS, events), "engagement", expected) == []


def test_what_the_company_does_is_left_out_unless_asked_for() -> None:
    events = [event("2017-06-01", "visit", by="company"), event("2017-05-31", "visit")]
    assert (
        wrong(full(PLAIN, VISITS, events), "engagement", {"events_visit_ever": 1, "events_visit_days_since": 15}) == []
    )
    asked = replace(VISITS, company_events=True)
    assert (
        wrong(full(PLAIN, asked, events), "engagement", {"events_visit_ever": 2, "events_visit_days_since": 14}) == []
    )


def test_a_kind_never_seen_changes_nothing() -> None:
    events = [event(at, "visit") for at in SEEN]
    strange = [*events, event("2017-06-10", "push_open", "5", channel="pigeon")]
    assert family_values(full(PLAIN, VISITS, strange), "engagement") == pytest.approx(
        family_values(full(PLAIN, VISITS, events), "engagement"), rel=0, nan_ok=True
    )


def test_a_window_that_starts_before_the_events_do_is_missing() -> None:
    # The purchases are known from 2016 on, the events from 16 May 2017: 30 days, and not 31.
    events = [event(at, "visit") for at in SEEN[:2]]
    expected: dict[str, Value] = {
        "events_visit_ever": 2,
        "events_visit_30d": 2,
        "events_visit_90d": None,
        "events_visit_trend_30d": None,
        "events_visit_of_activity_90d": None,
    }
    assert wrong(full(PLAIN, VISITS, events, events_start="2017-05-16"), "engagement", expected) == []
    later = full(PLAIN, VISITS, events, events_start="2017-05-17")
    assert wrong(later, "engagement", {"events_visit_30d": None, "events_visit_ever": 2}) == []


def test_channels_share_the_events() -> None:
    events = [
        event("2017-06-01", "visit", channel="app"),
        event("2017-06-02", "visit", channel="email"),
        event("2017-06-03", "visit", channel="letter"),
        event("2017-04-01", "visit"),
    ]
    expected: dict[str, Value] = {
        "channel_app_share_30d": Fraction(1, 3),
        "channel_app_share_90d": Fraction(1, 4),
        "channel_email_share_90d": Fraction(1, 4),
    }
    ledger = full(PLAIN, replace(VISITS, channels=("app", "email")), events)
    assert wrong(ledger, "engagement", expected) == []


def test_complaints_are_open_until_resolved() -> None:
    shape = Shape(kinds=("complaint", "complaint_resolved"))
    said = [event(f"2017-06-0{n}", "complaint") for n in (1, 2, 3)]
    solved = event("2017-06-04", "complaint_resolved")
    expected: dict[str, Value] = {"complaints_open": 2, "complaints_resolved_share": Fraction(1, 3)}
    assert wrong(full(PLAIN, shape, [*said, solved]), "engagement", expected) == []
    # One resolved of which the complaint is not known leaves none open, not -1.
    assert (
        wrong(full(PLAIN, shape, [solved]), "engagement", {"complaints_open": 0, "complaints_resolved_share": None})
        == []
    )
    more = [said[0], solved, solved]
    assert wrong(full(PLAIN, shape, more), "engagement", {"complaints_open": 0, "complaints_resolved_share": 1}) == []


def test_a_survey_without_a_score_is_no_score_of_nothing() -> None:
    answers = [
        ("2017-05-01 10:00", "5"),
        ("2017-05-20 09:00", "2"),
        ("2017-05-20 08:00", "4"),
        ("2017-06-01 10:00", None),
    ]
    ledger = full(PLAIN, Shape(kinds=("survey",)), [event(at, "survey", score) for at, score in answers])
    expected: dict[str, Value] = {
        "events_survey_ever": 4,
        "events_survey_days_since": 14,
        "survey_score_mean": Fraction(11, 3),
        "survey_score_last": 3,  # both scores of 20 May
    }
    assert wrong(ledger, "engagement", expected) == []


def test_clicks_are_compared_with_opens() -> None:
    shape = Shape(kinds=("email_click", "email_open"))
    events = [event("2017-06-01", "email_open"), event("2017-06-02", "email_open"), event("2017-06-02", "email_click")]
    assert wrong(full(PLAIN, shape, events), "engagement", {"clicks_per_open_90d": Fraction(1, 2)}) == []
    assert wrong(full(PLAIN, shape, events[2:]), "engagement", {"clicks_per_open_90d": None}) == []


def test_no_events_are_none_of_every_kind() -> None:
    shape = replace(Shape.complete(), columns=())
    found = family_values(full(PLAIN, shape), "engagement")
    assert found["events_visit_ever", "a", PLAIN.cutoffs[0].day] == 0
    assert found["points_balance", "a", PLAIN.cutoffs[0].day] == 0
    kinds: list[Event] = []
    assert family_values(full(PLAIN, Shape(), kinds), "engagement") == {}


def test_kinds_that_would_share_a_name_are_numbered() -> None:
    names = plan_for(Shape(families=("engagement",), kinds=("Visit", "visit"))).names
    assert {"events_visit_30d", "events_visit_2_30d"} <= set(names)
