"""The section [loyalty]: wrong values say what would be right, and what would do nothing is refused."""

from __future__ import annotations

from typing import Any

import pytest

from regulars.config import Config
from regulars.errors import ConfigError
from regulars.loyalty_section import LoyaltyConfig

EVENTS = {"customer_id": "c", "occurred_at": "t", "all_of_kind": "points_earned", "value": "v"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tier": {"gold": 1}}, "RG014: unknown key `loyalty.tier`.*did you mean `tiers`"),
        ({"tiers": {"gold": 0}}, "limits are above 0"),
        ({"tiers": {"gold": float("nan")}}, "RG016"),
        ({"tiers": {"gold": 0.00001}}, "at most four decimals"),
        ({"tiers": {"gold": 5, "silver": 5}}, "two tiers begin at the same limit"),
        ({"tiers": {" ": 5}}, "a tier needs a name"),
        ({"tiers": {"Bronze": 5}}, "`bronze` is the tier of everybody below"),
        ({"grace_days": 5}, "`grace_days` does nothing without `tiers`"),
        ({"stamp_reward_value": 5}, "`stamp_reward_value` does nothing without `stamps`"),
        ({"stamps": 1}, "RG016: `loyalty.stamps`"),
        ({"stamps": 5, "stamps_start": "2024-13-01"}, "is not a date"),
        ({"points_per_unit": 0.12345}, "at most four decimals"),
        ({"points_per_unit": float("inf")}, "RG016: `loyalty.points_per_unit`"),
        ({"milestone_purchases": [5, 5]}, "milestones ascend, each once"),
        ({"milestone_spend": [0.00001]}, "at most four decimals"),
        ({"milestone_years": [0]}, "RG016: `loyalty.milestone_years"),
        ({"joined_are_members": True}, r"does nothing: \[data.customers\] maps no `joined_at`"),
        ({"starts": "soon"}, "`soon` is not a date"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Config.of(loyalty=given, data={"events": EVENTS})


@pytest.mark.parametrize("given", [{"expire_days": 365}, {"point_value": 0.01}, {"tiers": {"gold": 5}}])
def test_rules_of_points_where_there_can_be_none_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"there is no \[data.events\], and no `points_per_unit`"):
        Config.of(loyalty=given)
    assert Config.of(loyalty={**given, "points_per_unit": 1}).loyalty.is_set
    assert Config.of(loyalty=given, data={"events": EVENTS}).loyalty.is_set


def test_when_points_expire_is_said_once_or_alike() -> None:
    events = {"events": EVENTS}
    with pytest.raises(ConfigError, match=r"`loyalty.expire_days` is 90, and `features.points_expire_days` 365"):
        Config.of(loyalty={"expire_days": 90}, features={"points_expire_days": 365}, data=events)
    both = Config.of(loyalty={"expire_days": 365}, features={"points_expire_days": 365}, data=events)
    assert both.loyalty.expire_days == 365


def test_tiers_stand_in_the_order_of_their_limits_whatever_their_names() -> None:
    steps = LoyaltyConfig(tiers={"zinc": 0.5, "amber": 1000.25, "oak": 20}).steps
    assert steps == (("zinc", 5_000), ("oak", 200_000), ("amber", 10_002_500))


def test_nothing_is_set_by_default() -> None:
    assert not Config.of().loyalty.is_set


def test_a_configuration_that_was_written_out_whole_says_the_same() -> None:
    # Every key is there then, with its default: none of them is idle, and none says that there is a programme.
    for rules in ({}, {"stamps": 3}, {"tiers": {"gold": 5}, "tier_by": "spend"}):
        given = LoyaltyConfig(**rules)
        assert LoyaltyConfig.model_validate(given.model_dump()) == given
        assert LoyaltyConfig.model_validate(given.model_dump()).is_set == bool(rules)
