"""Budget and limits, less what was used, as caps and as masks of single customers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from regulars.errors import ConfigError
from regulars.offers.audience import Audience
from regulars.offers.caps import Cap
from regulars.offers.catalogue import Catalogue
from regulars.offers.limits import caps_of, had_enough, too_dear
from regulars.offers.past import Past

from .catalogues import catalogue
from .pasts import BERLIN, DAY, given

IDS = ("ann", "bob", "cyd")
EXPECTED = {name: np.ones(3) for name in ("p_churn", "expected_orders", "expected_spend")}
NEVER = Past.of(None, IDS, BERLIN)


def audience(**columns: Any) -> Audience:
    kinds = {"town": object}
    found = {n: np.array(v, kinds.get(n, np.float64)) for n, v in columns.items()}
    return Audience(IDS, DAY, 30, "EUR", EXPECTED | found)


def limited(*limits: dict[str, Any], **changes: Any) -> Catalogue:
    return catalogue(limits=list(limits), **changes)


def caps(found: Catalogue, past: Past = NEVER, **columns: Any) -> dict[str, Cap]:
    return {cap.name: cap for cap in caps_of(found, audience(**columns), past)}


def test_without_budget_and_limits_there_is_no_cap() -> None:
    assert caps(catalogue()) == {}


def test_a_budget_is_less_what_earlier_waves_of_the_campaign_cost() -> None:
    # 10 - 2 x 1.5 = 7; another campaign has a budget of its own, and what was only meant costs nothing.
    found = catalogue(campaign={"budget": 10})
    past = given(("ann", 40, "ten", "email"), ("eve", 400, "ten", "sms"), cost=1.5, ids=IDS)
    assert caps(found, past)["budget"].limit == 7
    assert caps(found, past)["budget"].money
    assert caps(found, given(("ann", 4, "ten", "email"), campaign="autumn", ids=IDS))["budget"].limit == 10
    assert caps(found, given(("ann", 4, "ten", "email"), ghosts=True, ids=IDS))["budget"].limit == 10
    assert caps(found, given(("ann", 4, "ten", "email"), cost=11, ids=IDS))["budget"].limit == 0
    assert caps(catalogue(campaign={"budget": 0}))["budget"].limit == 0


def test_a_limit_covers_the_options_of_its_action() -> None:
    found = caps(
        limited(
            *({"action": action, "count": 5} for action in ("any", "offer:ten", "type:gift", "channel:sms", "group:g")),
            {"action": "offer:ten", "money": 5},
            gift={"group": "g", "cool_down_days": 7},
        )
    )
    # Options: ten@email, ten@sms, gift@email, call@sms.
    uses = {name: (np.ones(4) if cap.use is None else cap.use).tolist() for name, cap in found.items()}
    assert uses == {
        "contacts in the campaign": [1, 1, 1, 1],
        "contacts with offer ten in the campaign": [1, 1, 0, 0],
        "contacts with type gift in the campaign": [0, 0, 1, 0],
        "contacts by sms in the campaign": [0, 1, 0, 1],
        "contacts with group g in the campaign": [0, 0, 1, 0],
        "money with offer ten in the campaign": [1, 1, 0, 0],
    }
    assert [cap.money for cap in found.values()] == [False] * 5 + [True]


def test_a_period_of_days_looks_at_all_campaigns_and_counts_the_day_itself() -> None:
    week = limited({"action": "channel:email", "count": 5, "period": 7})

    def left(past: Past) -> float:
        (cap,) = caps(week, past).values()
        return cap.limit

    # 7 days with the day itself reach back to 6 days before.
    assert left(given(("ann", 6, "ten", "email"), campaign="autumn", ids=IDS)) == 4
    assert left(given(("ann", 7, "ten", "email"), ids=IDS)) == 5
    assert left(given(("ann", 6, "ten", "sms"), ids=IDS)) == 5
    assert left(given(*[("eve", 1, "ten", "email")] * 6, ids=IDS)) == 0


def test_a_limit_for_each_value_of_a_field_is_a_cap_each_with_what_its_customers_used() -> None:
    found = caps(
        limited({"action": "any", "count": 2, "entity": "town"}),
        given(("cyd", 3, "ten", "email"), ("eve", 3, "ten", "email"), ids=IDS),
        town=["rome", None, "oslo"],
    )
    assert {n: (c.limit, c.rows.tolist() if c.rows is not None else None) for n, c in found.items()} == {
        "contacts for town oslo in the campaign": (1, [2]),
        "contacts for town rome in the campaign": (2, [0]),
        "contacts without town in the campaign": (2, [1]),
    }


def test_a_limit_for_each_value_of_what_tells_customers_apart_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.offers.limits.MOST_VALUES", 2)
    with pytest.raises(ConfigError, match=r"RG419.*`spend`, which has 3 of them"):
        caps(limited({"action": "any", "count": 2, "entity": "spend"}), spend=[1, 2, 3])
    with pytest.raises(ConfigError, match=r"RG414.*`spent`.*did you mean `spend`"):
        caps(limited({"action": "any", "count": 2, "entity": "spent"}), spend=[1, 1, 1])


def test_a_limit_of_contacts_for_each_customer_is_a_mask() -> None:
    found = limited({"action": "offer:ten", "count": 2, "period": 30, "entity": "customer"})
    past = given(("ann", 3, "ten", "email"), ("ann", 4, "ten", "sms"), ("bob", 3, "ten", "email"), ids=IDS)
    assert had_enough(found, past, DAY, 3).tolist() == [[True, True, False, False], [False] * 4, [False] * 4]
    # What was only meant takes part, so that those who got nothing by draw stay like the others.
    assert had_enough(found, given(*[("bob", 3, "ten", "email")] * 2, ghosts=True, ids=IDS), DAY, 3)[1, 0]
    assert caps(found, past) == {}


def test_a_limit_of_money_for_each_customer_asks_what_each_option_costs() -> None:
    found = limited({"action": "any", "money": 5, "period": 30, "entity": "customer"})
    past = given(("ann", 3, "ten", "email"), cost=3, ids=IDS)
    cost = np.array([[2.0, 2.5, 1.0, 0.0]] * 3)
    # Ann has had 3: 3 + 2 = 5 is within 5, 3 + 2.5 is not.
    dear = too_dear(found, past, DAY, cost)
    assert dear is not None
    assert dear.tolist() == [[False, True, False, False], [False] * 4, [False] * 4]
    assert too_dear(catalogue(), past, DAY, cost) is None
