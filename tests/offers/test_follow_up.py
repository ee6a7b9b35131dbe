"""Follow-ups: the first and the last day of each window, and once each time that something happens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import ConfigError
from regulars.offering_section import ContactConfig
from regulars.offers.audience import Audience
from regulars.offers.catalogue import Catalogue
from regulars.offers.consent import Consent
from regulars.offers.contact import Contacts, days_since_resolved
from regulars.offers.follow_up import derived, unheard
from regulars.offers.past import Past
from regulars.offers.permitted import REASONS, permitted

from .catalogues import catalogue, content
from .pasts import BERLIN, DAY, given
from .test_contact import events
from .test_permitted import BOTH, IDS

NONE = np.zeros(2, bool)
DUE, NOT_DUE, GIVEN = "", "no follow-up due", "follow-up given already"


def said(
    trigger: dict[str, Any], past: Past | None = None, as_of: Cutoff = DAY, consent: Consent = BOTH, **scores: object
) -> list[str]:
    """What is said to ann and to bob of an offer with this trigger; scores are of both, or a pair."""
    found = catalogue(ten={"trigger": trigger})
    columns: dict[str, Any] = {name: np.ones(2) for name in ("p_churn", "expected_orders", "expected_spend")}
    columns |= {name: np.broadcast_to(np.asarray(value, np.float64), 2) for name, value in scores.items()}
    columns |= derived(columns, found.fields)
    past = Past.of(None, IDS, BERLIN) if past is None else past
    may = permitted(
        Audience(IDS, as_of, 30, "EUR", columns), found, consent=consent,
        contacts=Contacts.of(IDS, as_of, BERLIN, past), contact=ContactConfig(), past=past,
        open_complaint=NONE, left_alone=NONE,
    )  # fmt: skip
    return [REASONS[code] for code in may.reason[:, 0]]


def one(trigger: dict[str, Any], **scores: object) -> str:
    """The same to ann."""
    return said(trigger, **scores)[0]


def resolved(*rows: tuple[str, int, str]) -> float:
    """Days since ann's complaint was resolved, from rows of customer, days before, kind."""
    table = events(*((who, days, kind, "customer", None) for who, days, kind in rows))
    return float(days_since_resolved(table, IDS, DAY, BERLIN)[0])


@pytest.mark.parametrize(
    ("days", "expected"), [(2, NOT_DUE), (3, DUE), (17, DUE), (18, NOT_DUE), (float("nan"), NOT_DUE)]
)
def test_a_window_holds_its_first_and_its_last_day_and_not_the_days_beside(days: float, expected: str) -> None:
    # From 3 days after it on, within 14 days from then: 3 to 17.
    window = {"from_days": 3, "within_days": 14}
    assert one({"after": "purchase", **window}, recency_days=days) == expected
    assert one({"after": "complaint_resolved", **window}, days_since_resolved=days) == expected
    assert one({"after": "first_purchase", **window}, recency_days=days, orders=1) == expected


def test_a_first_purchase_is_one_only_until_the_second() -> None:
    assert said({"after": "first_purchase"}, recency_days=5, orders=(1, 2)) == [DUE, NOT_DUE]


@pytest.mark.parametrize(("recency", "expected"), [(17, NOT_DUE), (18, DUE), (24, DUE), (25, NOT_DUE)])
def test_late_counts_from_the_first_day_on_which_the_silence_is_unusual(recency: int, expected: str) -> None:
    # A weekly shopper, r + x = 53, alpha + t_x = 371: nine of ten gaps last at most 371 (10^(1/53) - 1) = 16.48 days.
    # Whole days of silence are one less than the days since the purchase: 17 of them, 18 days after it, are the first
    # that are unusual. That is day 1, so that 24 is day 7, the last one.
    silent = recency - 1
    scores = {"usual_gap_days": 371 * (2 ** (1 / 53) - 1), "p_so_late": (371 / (371 + silent)) ** 53}
    assert one({"after": "late"}, recency_days=recency, **scores) == expected


@pytest.mark.parametrize(("recency", "expected"), [(5, NOT_DUE), (6, DUE), (12, DUE), (13, NOT_DUE)])
def test_overdue_counts_from_the_first_day_beyond_the_usual_gap(recency: int, expected: str) -> None:
    # A gap of 4.88 days is over after 5 whole days of silence, 6 days after the purchase, which is day 1; 12 is day 7.
    assert one({"after": "overdue"}, recency_days=recency, usual_gap_days=4.88) == expected


def test_of_whom_no_model_says_what_is_usual_nobody_is_late() -> None:
    nothing = {"recency_days": 90, "usual_gap_days": float("nan"), "p_so_late": float("nan")}
    assert one({"after": "late"}, **nothing) == one({"after": "overdue"}, **nothing) == NOT_DUE


def test_what_was_given_since_is_given_once_and_what_was_given_before_does_not_count() -> None:
    week = {"after": "purchase", "within_days": 30}
    # Bought 10 days ago. What was sent that day, or before, was not for this purchase; the day after it was.
    for days_before, expected in ((12, DUE), (10, DUE), (9, GIVEN), (0, GIVEN)):
        assert said(week, given(("ann", days_before, "ten", "sms")), recency_days=10) == [expected, DUE]
    # Another offer, and what was given to somebody who is not asked about, do not count.
    assert said(week, given(("ann", 1, "gift", "email"), ("eve", 1, "ten", "sms")), recency_days=10) == [DUE, DUE]


def test_what_a_control_was_only_meant_to_get_counts_as_if_it_had_been_given() -> None:
    assert said({"after": "purchase"}, given(("ann", 1, "ten", "sms"), ghosts=True), recency_days=5)[0] == GIVEN


def test_a_silence_is_one_occurrence_whatever_another_model_says_of_when_it_became_unusual() -> None:
    # Given 3 days ago; by the model of today ann is late since yesterday only. She bought last 18 days ago.
    scores = {"usual_gap_days": 371 * (2 ** (1 / 53) - 1), "p_so_late": (371 / (371 + 17)) ** 53}
    past = given(("ann", 3, "ten", "sms"))
    assert said({"after": "late"}, past, recency_days=18, **scores) == [GIVEN, DUE]
    # The same mail 19 days ago was for the silence before that purchase.
    assert said({"after": "late"}, given(("ann", 19, "ten", "sms")), recency_days=18, **scores) == [DUE, DUE]


def test_each_purchase_is_followed_once_over_several_waves() -> None:
    # Waves 1, 3 and 9 days after the purchase of 3 March; ann buys again 8 days after it.
    trigger, first = {"after": "purchase", "within_days": 10}, DAY
    given_first = given(("ann", 0, "ten", "email"))
    assert said(trigger, recency_days=1, as_of=first)[0] == DUE
    assert said(trigger, given_first, recency_days=3, as_of=first.plus(2))[0] == GIVEN
    assert said(trigger, given_first, recency_days=1, as_of=first.plus(8))[0] == DUE


def test_a_complaint_that_was_resolved_is_followed_once_on_that_very_day_too() -> None:
    trigger = {"after": "complaint_resolved"}
    # The endpoint is told on the same day: day 0. What was given that day came after it.
    assert one(trigger, days_since_resolved=0) == DUE
    assert said(trigger, given(("ann", 0, "ten", "sms")), days_since_resolved=0) == [GIVEN, DUE]
    assert said(trigger, given(("ann", 5, "ten", "sms")), days_since_resolved=4) == [DUE, DUE]


def test_days_since_resolved_begin_again_when_a_complaint_comes_back() -> None:
    complaint, ended = "complaint", "complaint_resolved"
    assert resolved(("ann", 10, complaint), ("ann", 8, ended)) == 8
    # The same stamp, since many shops keep days only.
    assert resolved(("ann", 8, complaint), ("ann", 8, ended)) == 8
    # Reopened: nothing is resolved until it is again.
    assert np.isnan(resolved(("ann", 10, complaint), ("ann", 8, ended), ("ann", 6, complaint)))
    assert resolved(("ann", 10, complaint), ("ann", 8, ended), ("ann", 6, complaint), ("ann", 2, ended)) == 2
    # Said twice, it was resolved the first time.
    assert resolved(("ann", 10, complaint), ("ann", 8, ended), ("ann", 3, ended)) == 8
    # Where nobody kept the complaint itself, the last word counts.
    assert resolved(("ann", 8, ended), ("ann", 3, ended)) == 3
    # Not known before the day, and of somebody else.
    assert np.isnan(resolved(("ann", 10, complaint), ("ann", 0, ended)))
    assert np.isnan(resolved(("bob", 8, ended)))
    assert np.isnan(days_since_resolved(None, IDS, DAY, BERLIN)).all()


def test_a_follow_up_is_asked_after_consent_and_the_rule_and_before_the_cool_down() -> None:
    order = [REASONS.index(name) for name in ("no consent", "not eligible", NOT_DUE, GIVEN, "cool-down")]
    assert order == sorted(order)
    both = catalogue(ten={"trigger": {"after": "purchase"}, "eligible": {"field": "orders", "op": ">", "value": 3}})
    assert {"orders", "recency_days"} <= both.fields


def test_a_trigger_without_its_columns_is_named() -> None:
    with pytest.raises(ConfigError, match=r"RG414.*the follow-up of the offer `ten` looks at `recency_days`"):
        said({"after": "purchase"})


def test_a_catalogue_without_follow_ups_keeps_its_digest_and_one_with_them_comes_back() -> None:
    plain, late = catalogue(), catalogue(ten={"trigger": {"after": "late"}})
    assert "trigger" not in str(plain.to_dict())
    assert Catalogue.of(late.to_dict()).digest == late.digest != plain.digest
    written = {"after": "late", "from_days": 0, "within_days": 7}
    assert catalogue(ten={"trigger": written}).digest == late.digest
    assert late.follow_ups["ten"].words == "0 to 7 days after the silence became unusual"


def rule(field: str, op: str, value: object = None) -> dict[str, object]:
    return {"field": field, "op": op, **({} if value is None else {"value": value})}


@pytest.mark.parametrize(
    ("trigger", "eligible"),
    [
        ({"after": "first_purchase"}, rule("orders", ">=", 2)),
        ({"after": "late"}, {"all": [rule("p_churn", ">", 0.1), rule("late", "==", False)]}),
        ({"after": "complaint_resolved"}, rule("open_complaint", "==", True)),
        # 0 to 7 days after the purchase, and yet more than 7.
        ({"after": "purchase"}, rule("recency_days", ">", 7)),
        ({"after": "purchase"}, rule("recency_days", "is_missing")),
    ],
)
def test_a_window_that_can_never_hold_with_the_rule_is_refused(
    trigger: dict[str, Any], eligible: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=r"RG413.*offer `ten`: nobody could ever get it, since it goes 0 to 7 days"):
        catalogue(ten={"trigger": trigger, "eligible": eligible})


def test_a_rule_that_some_day_of_the_window_fits_is_let_through() -> None:
    some = {"any": [rule("orders", ">=", 2), rule("recency_days", ">", 7)]}
    for eligible in (rule("recency_days", ">=", 7), some, {"not": rule("recency_days", ">", 7)}):
        assert catalogue(ten={"trigger": {"after": "purchase"}, "eligible": eligible})


@pytest.mark.parametrize(
    ("trigger", "message"),
    [
        ({"after": "lat"}, r"RG413.*`offers\[0\].trigger.after` of `ten` .* is `lat`.* did you mean `late`"),
        ({"from_days": 2}, r"RG412.*`offers\[0\].trigger.after` of `ten` is missing"),
        ({"after": "late", "within_days": 0}, r"RG413.*within_days` of `ten` .* is `0`"),
        ({"after": "late", "within_day": 3}, r"RG411.*did you mean `within_days`"),
        ("late", r"RG413.*`offers\[0\].trigger` of `ten`"),
    ],
)
def test_a_trigger_that_cannot_be_meant_is_named_as_it_is_written(trigger: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        catalogue(ten={"trigger": trigger})


def test_a_follow_up_of_customers_without_a_score_is_refused(tmp_path: Path) -> None:
    written = content(ten={"trigger": {"after": "late", "from_days": 400}})
    late = Catalogue.of(written)
    late.check_follow_ups(None)
    late.check_follow_ups(400)
    with pytest.raises(ConfigError, match=r"RG500.*goes 400 to 407 days after .* more than 399 days has no score"):
        late.check_follow_ups(399)
    # A complaint may have been resolved long after the last purchase.
    catalogue(ten={"trigger": {"after": "complaint_resolved", "from_days": 400}}).check_follow_ups(30)
    lines = ['campaign = { name = "spring" }', 'channels = [{ name = "email" }]']
    lines += ["[[offers]]", 'id = "hi"', 'type = "information"', 'title = "Hi"', 'channels = ["email"]']
    lines += ['trigger = { after = "purchase", from_days = 31 }']
    (tmp_path / "offers.toml").write_text("\n".join(lines), encoding="utf-8")
    config = Config.of(target={"active_within_days": 30}).model_copy(update={"folder": tmp_path})
    with pytest.raises(ConfigError, match="RG500"):
        Catalogue.of_config(config)


def test_what_nothing_tells_of_is_said_and_is_no_error() -> None:
    def notes(after: str, has_events: bool = True, **columns: Sequence[float]) -> tuple[str, ...]:
        triggers = catalogue(ten={"trigger": {"after": after}}).follow_ups
        return unheard(triggers, {name: np.array(values) for name, values in columns.items()}, has_events)

    nan = float("nan")
    assert notes("late", usual_gap_days=(nan, nan)) == (
        "nobody gets the follow-up `ten`: the scores say of nobody which silence is usual",
    )
    (said_so,) = notes("complaint_resolved", has_events=False, days_since_resolved=(nan,))
    assert "there is no table of events; add [data.events]" in said_so
    assert notes("complaint_resolved", days_since_resolved=(nan, 3.0)) == notes("purchase") == ()
