"""All filters in one place: by hand, and against plain loops over customers and options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given as samples
from hypothesis import strategies as st

from regulars.offering_section import ContactConfig
from regulars.offers.audience import Audience
from regulars.offers.catalogue import Catalogue
from regulars.offers.consent import Consent
from regulars.offers.contact import Contacts
from regulars.offers.past import Past
from regulars.offers.permitted import REASONS, Permitted, permitted

from .catalogues import catalogue
from .pasts import BERLIN, DAY, given, instant
from .test_consent import SCHEMA as CONSENT

IDS = ("ann", "bob")
COOL = {"cool_down_days": 7, "group": "coupon"}


def consented(words: Mapping[str, tuple[str, ...]]) -> Consent:
    """Whom each customer allowed to write by which channels."""
    rows = [
        {"customer_id": who, "recorded_at": instant(9), "channel": by, "purpose": "marketing", "status": "granted"}
        for who, channels in words.items()
        for by in channels
    ]
    return Consent.of(pa.Table.from_pylist(rows, schema=CONSENT), IDS, DAY, BERLIN)


BOTH = consented({"ann": ("all",), "bob": ("all",)})


def judged(
    found: Catalogue,
    consent: Consent = BOTH,
    past: Past | None = None,
    caps: tuple[dict[str, Any], ...] = (),
    orders: tuple[float, float] = (1, 1),
    complaint: tuple[bool, bool] = (False, False),
    alone: tuple[bool, bool] = (False, False),
) -> Permitted:
    columns = {name: np.ones(2) for name in ("p_churn", "expected_orders", "expected_spend")}
    past = Past.of(None, IDS, BERLIN) if past is None else past
    return permitted(
        Audience(IDS, DAY, 30, "EUR", columns | {"orders": np.array(orders)}),
        found,
        consent=consent,
        contacts=Contacts.of(IDS, DAY, BERLIN, past),
        contact=ContactConfig.model_validate({"caps": caps}),
        past=past,
        open_complaint=np.array(complaint),
        left_alone=np.array(alone),
    )


def reasons(found: Permitted, row: int = 0) -> list[str]:
    return [REASONS[code] for code in found.reason[row]]


def test_all_may_be_given_to_who_agreed() -> None:
    found = judged(catalogue())
    assert found.mask.all()
    assert found.why.tolist() == [0, 0]
    assert found.counts() == ({}, {}, {}, {})


def test_a_customer_without_consent_gets_nothing_and_one_with_one_channel_that_one() -> None:
    found = judged(catalogue(), consented({"bob": ("sms",)}))
    assert found.mask.tolist() == [[False] * 4, [False, True, False, True]]
    assert [REASONS[w] for w in found.why] == ["no consent", ""]
    assert found.counts() == ({"no consent": 2}, {"no consent": 1}, {"no consent": 2}, {"no consent": 1})


def test_a_channel_may_ask_for_consent_of_another_purpose() -> None:
    service = [{"name": "email"}, {"name": "sms", "purpose": "service"}]
    assert judged(catalogue(channels=service)).mask[0].tolist() == [True, False, True, False]


def test_who_waits_for_an_answer_gets_a_service_call_and_no_discount() -> None:
    found = judged(catalogue(), complaint=(True, False))
    assert reasons(found) == ["open complaint"] * 3 + [""]
    without = judged(catalogue(offers=catalogue().to_dict()["offers"][:2]), complaint=(True, False))
    assert reasons(without) == ["open complaint"] * 3
    assert REASONS[without.why[0]] == "open complaint"


def test_nobody_contacts_who_is_on_the_list_not_even_for_service() -> None:
    found = judged(catalogue(), complaint=(True, True), alone=(True, False))
    assert reasons(found) == ["do not contact"] * 4


def test_a_rule_never_takes_who_is_not_known() -> None:
    rule = {"eligible": {"field": "orders", "op": "<", "value": 3}}
    found = judged(catalogue(ten=rule), orders=(5, float("nan")))
    assert reasons(found, 0) == reasons(found, 1) == ["not eligible", "not eligible", "", ""]


def test_an_offer_waits_for_its_own_cool_down_and_that_of_its_group() -> None:
    found = catalogue(ten=COOL, gift={"group": "coupon", "cool_down_days": 3})
    past = given(("ann", 6, "ten", "email"))
    assert reasons(judged(found, past=past)) == ["cool-down", "cool-down", "", ""]
    # Another campaign called it otherwise; the group is the same, and 2 days are within both cool-downs.
    other = given(("ann", 2, "five", "email"), campaign="autumn", group="coupon")
    assert reasons(judged(found, past=other)) == ["cool-down", "cool-down", "cool-down", ""]
    # 7 days later it may be given again.
    assert judged(found, past=given(("ann", 7, "ten", "email"))).mask[0].all()
    # Nobody else waits.
    assert judged(found, past=past).mask[1].all()


def test_the_filter_that_took_the_last_option_says_why() -> None:
    # Ann agreed to sms only, which leaves ten and the call; a cap on sms takes both.
    full = ({"contacts": 1, "days": 7, "channel": "sms"},)
    found = judged(catalogue(), consented({"ann": ("sms",)}), given(("ann", 2, "ten", "sms")), full)
    assert reasons(found) == ["no consent", "too many contacts", "no consent", "too many contacts"]
    assert REASONS[found.why[0]] == "too many contacts"
    assert REASONS[found.why[1]] == "no consent"


def test_limits_for_each_customer_come_last() -> None:
    found = catalogue(limits=[{"action": "any", "count": 1, "entity": "customer"}, {"money": 5, "entity": "customer"}])
    past = given(("ann", 2, "other", "email"), cost=3)
    by_count = judged(found, past=past)
    assert reasons(by_count) == ["limit for each customer"] * 4
    cost = np.array([[1.0, 2.0, 3.0, 6.0]] * 2)
    by_money = by_count.within_money(found, past, DAY, cost)
    assert by_money.mask.tolist() == [[False] * 4, [True, True, True, False]]
    assert by_count.within_money(catalogue(), past, DAY, cost) is by_count


def test_an_audience_of_nobody_is_no_mistake() -> None:
    found = Permitted.of(np.zeros((0, 4), np.uint8))
    assert found.why.shape == (0,)
    assert found.counts() == ({}, {}, {}, {})


@samples(
    channels=st.lists(st.sampled_from(("email", "sms")), max_size=2, unique=True),
    past=st.lists(st.tuples(st.integers(-1, 9), st.sampled_from(("ten", "gift")), st.sampled_from(("email", "sms")))),
    cap=st.tuples(st.integers(0, 2), st.integers(1, 8), st.sampled_from((None, "email"))),
    orders=st.sampled_from((float("nan"), 1.0, 5.0)),
    complaint=st.booleans(),
    alone=st.booleans(),
)
def test_what_is_permitted_is_what_plain_loops_find(
    channels: list[str],
    past: list[tuple[int, str, str]],
    cap: tuple[int, int, str | None],
    orders: float,
    complaint: bool,
    alone: bool,
) -> None:
    rule = {"eligible": {"field": "orders", "op": ">=", "value": 3}}
    limit = {"action": "channel:email", "count": 2, "period": 5, "entity": "customer"}
    found = catalogue(ten=rule | {"cool_down_days": 4}, gift={"cool_down_days": 6}, limits=[limit])
    contacts, days, by = cap
    mask = judged(
        found,
        consented({"ann": tuple(channels)}),
        given(*(("ann", before, offer, channel) for before, offer, channel in past)),
        ({"contacts": contacts, "days": days, "channel": by},),
        (orders, 1.0),
        (complaint, False),
        (alone, False),
    ).mask[0]
    for option in found.options:
        offer, channel = option.offer.id, option.channel.name
        asked = [p for p in past if by in (None, p[2]) and p[0] < days]
        expected = (
            not alone
            and (not complaint or offer == "call")
            and channel in channels
            and (offer != "ten" or orders >= 3)
            and not any(o == offer and before < option.offer.cool_down_days for before, o, _ in past)
            and (by not in (None, channel) or len(asked) < contacts)
            and (channel != "email" or sum(b < 5 and c == "email" for b, _, c in past) < 2)
        )
        assert mask[option.index] == expected, option.name
