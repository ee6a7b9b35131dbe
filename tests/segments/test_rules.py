"""Segments by hand: every rule of every scheme, its edges, and what is said where something is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from regulars.errors import ConfigError
from regulars.models.concentration import SEGMENTS as PUBLISHED
from regulars.segments.lifecycle import lifecycle
from regulars.segments.rfm import fifths, rfm
from regulars.segments.scheme import Assigned, Off
from regulars.segments.value_churn import value_churn

from .known import PROSPECT, UNSCORED, facts


def told(assigned: Assigned | Off) -> list[str]:
    """The name of each customer's segment."""
    assert isinstance(assigned, Assigned)
    return [assigned.names[place] for place in assigned.place.tolist()]


STAGES: list[tuple[dict[str, Any], str]] = [
    (PROSPECT, "prospect"),
    # Silent for 31 of 30 days, and late, or rather silent than not; one day less is no silence of the horizon.
    ({"recency_days": 31, "late": True}, "lapsed"),
    ({"recency_days": 31, "p_churn": 0.5}, "lapsed"),
    ({"recency_days": 30, "p_churn": 0.9, "usual_gap_days": 40.0}, "active"),
    ({"recency_days": 31, "p_churn": 0.49, "usual_gap_days": 40.0}, "active"),
    ({"recency_days": 30, "late": True}, "late"),
    # One purchase 30 days ago is new, 31 days ago no more; a second purchase ends it, being late goes before it.
    ({"orders": 1, "first_days": 30, "recency_days": 30, "usual_gap_days": 90.0}, "new"),
    ({"orders": 1, "first_days": 31, "recency_days": 31, "usual_gap_days": 90.0}, "active"),
    ({"orders": 2, "first_days": 8, "usual_gap_days": 90.0}, "active"),
    ({"orders": 1, "first_days": 20, "recency_days": 20, "late": True}, "late"),
    # Back after more than the horizon of 30 days and two usual gaps of 10; of 20, 40 days are two gaps and not more.
    ({"silence_days": 31}, "reactivated"),
    ({"silence_days": 30}, "active"),
    ({"silence_days": 40, "usual_gap_days": 20.0}, "active"),
    ({"silence_days": 41, "usual_gap_days": 20.0}, "reactivated"),
    # The usual gap is over on the day on which it is full.
    ({"recency_days": 10}, "due"),
    ({"recency_days": 9}, "active"),
    # Without a score only two horizons of silence are a lapse, and nobody is late or due.
    ({**UNSCORED, "recency_days": 60}, "active"),
    ({**UNSCORED, "recency_days": 61}, "lapsed"),
]


@pytest.mark.parametrize(("customer", "stage"), STAGES)
def test_a_stage_begins_and_ends_where_its_rule_says(customer: dict[str, Any], stage: str) -> None:
    assert told(lifecycle(facts(customer))) == [stage]


def test_a_stage_is_explained_by_the_numbers_that_its_rule_looked_at() -> None:
    window = {"next_from": "2024-06-02", "next_until": "2024-06-09"}
    found = lifecycle(facts({"recency_days": 12, **window}, {"silence_days": 50}, {**UNSCORED, "recency_days": 70}))
    assert found.reasons.tolist() == [
        "last purchase 12 days ago, usual gap 10 days, next expected from 2024-06-02 to 2024-06-09",
        "came back after 50 days of silence; last purchase 5 days ago, usual gap 10 days",
        "last purchase 70 days ago, no score",
    ]


def test_what_cannot_be_known_is_said_and_nobody_gets_that_stage() -> None:
    one = facts({**UNSCORED, "orders": 1, "first_days": 5, "late": False})
    assert told(lifecycle(one)) == ["new"]
    found = lifecycle(replace(one, knows_newcomers=False))
    assert (told(found), found.notes) == (
        ["active"],
        (
            "there are no scores of this day, so nobody is known to be late or due",
            "the ledger begins less than 30 days before this day, so nobody is known to be new",
        ),
    )
    some = lifecycle(facts({}, UNSCORED, PROSPECT))
    assert some.notes == ("1 customers have no score, so none of them is known to be late or due",)


def scored_rfm(r: int, f: int, m: int, orders: int = 3) -> str:
    """The segment of one customer among 25, who has these fifths of recency, frequency and money.

    The other 24 fill the fifths: of 25 who all differ 5 are in each, so place 5 (k - 1) is the lowest of fifth k.
    """
    place = np.arange(25)

    def ranked(fifth: int) -> list[int]:
        mine = 5 * (fifth - 1)
        return [mine, *(p for p in place.tolist() if p != mine)]

    rows = [
        {"recency_days": 100 - a, "orders_year": 1 + b, "spend_year": 10_000 * (1 + c), "orders": 3}
        for a, b, c in zip(ranked(r), ranked(f), ranked(m), strict=True)
    ]
    rows[0]["orders"] = orders
    found = rfm(facts(*rows))
    assert str(found.reasons[0]).startswith(f"R{r} F{f} M{m}: ")
    return told(found)[0]


@pytest.mark.parametrize(
    ("r", "f", "m", "segment"),
    [
        (5, 5, 5, "champions"),
        (4, 4, 3, "champions"),  # FM = 3.5, rounded up to 4
        (3, 4, 4, "loyal"),
        (4, 3, 3, "promising"),
        (5, 1, 1, "promising"),
        (3, 3, 3, "needs attention"),
        (3, 1, 2, "needs attention"),  # FM = 1.5, rounded up to 2
        (3, 1, 1, "about to sleep"),
        (2, 5, 4, "cannot lose"),  # FM = 4.5, rounded up to 5
        (1, 4, 4, "at risk"),
        (2, 3, 2, "at risk"),  # FM = 2.5, rounded up to 3
        (2, 2, 2, "hibernating"),
        (1, 1, 1, "hibernating"),
    ],
)
def test_an_rfm_segment_is_where_its_fifths_meet(r: int, f: int, m: int, segment: str) -> None:
    assert scored_rfm(r, f, m) == segment


def test_who_bought_once_and_lately_is_new_unless_a_champion() -> None:
    assert scored_rfm(4, 1, 1, orders=1) == "new"
    assert scored_rfm(3, 1, 1, orders=1) == "about to sleep"
    assert scored_rfm(5, 4, 4, orders=1) == "champions"


def test_equals_are_in_one_fifth_whatever_their_number() -> None:
    # Two of five are strictly lower than the three equals: 1 + floor(5 x 2 / 5) = 3 for each of these.
    assert fifths(np.array([7, 1, 7, 2, 7])).tolist() == [3, 1, 3, 2, 3]
    assert fifths(np.zeros(0, np.int64)).tolist() == []


def test_fifths_are_of_buyers_alone_and_prospects_are_prospects() -> None:
    # Nine prospects beside one buyer: nobody is lower, so the buyer scores 1 in all three.
    found = rfm(facts({}, *[PROSPECT] * 9))
    assert told(found) == ["hibernating"] + ["prospect"] * 9
    assert found.reasons[0] == "R1 F1 M1: last purchase 5 days ago, 10 orders and 100.00 EUR in the last 365 days"
    assert found.reasons[1] == "has not bought yet"


def test_frequency_and_money_are_of_all_history_where_a_year_is_not_covered() -> None:
    one = replace(facts({"orders": 4, "spend": 50_000}), orders_year=None, spend_year=None)
    found = rfm(one)
    assert found.reasons[0] == "R1 F1 M1: last purchase 5 days ago, 4 orders and 5.00 EUR so far"
    assert "less than 365 days" in found.notes[0]
    # Two days of which one looks at a year and one at all of it cannot be compared.
    assert found.basis != rfm(facts({})).basis


def test_value_and_churn_are_as_published_and_who_has_none_is_apart() -> None:
    found = value_churn(facts(*({"value_churn": name} for name in PUBLISHED), UNSCORED, PROSPECT))
    assert told(found) == [*PUBLISHED, "not scored", "prospect"]
    assert isinstance(found, Assigned)
    assert found.reasons[0] == "expected to spend 20.00 EUR within 30 days, chance of no purchase 10 %"
    assert [segment.rule for segment in found.segments][2].endswith("chance of no purchase at least 50 %")
    assert value_churn(facts(UNSCORED)) == Off(
        "value-churn", "there are no scores of this day; `regulars score` makes them"
    )


def test_a_segment_that_is_not_there_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"RG477.*did you mean `lapsed`"):
        lifecycle(facts({})).of("lapse")
    assert lifecycle(facts({})).of(" Active ").tolist() == [True]
