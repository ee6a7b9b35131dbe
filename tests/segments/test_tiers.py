"""Tiers by hand: limits, how far it is to the next, the grace period; and that a tier never flaps within it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import ConfigError
from regulars.intake import Ledger
from regulars.pipelines.segment_facts import facts_of
from regulars.segments.scheme import Assigned, Off
from regulars.segments.tiers import Limits, expected_tiers, spend_tiers

from .known import PROSPECT, UNSCORED, facts
from .test_rules import told

LIMITS = Limits.parse("silver=200,gold=1000")


def test_a_tier_begins_at_its_limit_and_says_what_lacks_to_the_next() -> None:
    spent = (10_000_000, 9_999_999, 2_000_000, 1_999_999, -50_000)
    found = spend_tiers(facts(*({"spend_year": money} for money in spent), PROSPECT), LIMITS)
    assert told(found) == ["gold", "silver", "silver", "bronze", "bronze", "prospect"]
    assert isinstance(found, Assigned)
    # 1,000 - 999.9999; 1,000 - 200; 200 - 199.9999; 200 + 5; nothing lacks to who is at the top, or has no tier.
    assert found.to_next is not None
    assert found.to_next.tolist() == [-1, 1, 8_000_000, 1, 2_050_000, -1]
    assert found.reasons[2] == "net spend of the last 365 days: 200.00 EUR; 800.00 EUR to gold"
    assert found.reasons[4] == "net spend of the last 365 days: -5.00 EUR; 205.00 EUR to silver"


def test_a_tier_is_kept_for_the_grace_period_and_says_what_keeps_it() -> None:
    customers = ({"spend_year": 9_000_000, "best_year": 10_000_000}, {"spend_year": 100, "best_year": 100})
    found = spend_tiers(facts(*customers, grace_days=90), LIMITS)
    assert told(found) == ["gold", "bronze"]
    assert isinstance(found, Assigned)
    assert found.reasons[0] == (
        "net spend of the last 365 days: 900.00 EUR, the tier is kept for a grace of 90 days; 100.00 EUR more keep it"
    )
    assert found.notes == ("1 customers keep a tier for the grace period of 90 days",)


def test_limits_of_a_day_are_said_so_that_they_can_be_kept() -> None:
    # Of 1 to 20 (in currency) the upper half begins at 11, the upper fifth at 17, the upper twentieth is 20 alone.
    found = spend_tiers(facts(*({"spend_year": 10_000 * i} for i in range(1, 21))))
    assert isinstance(found, Assigned)
    assert "--tiers silver=11,gold=17,platinum=20 " in found.notes[0]
    assert np.bincount(found.place).tolist() == [0, 1, 3, 6, 10]
    assert Limits.parse("silver=11,gold=17,platinum=20") == Limits.of_day(10_000 * np.arange(1, 21))


def test_equal_spend_is_one_tier_and_without_spend_there_is_one_tier() -> None:
    # The same limit for all three names: only the lowest of them is left.
    found = spend_tiers(facts(*[{"spend_year": 50_000}] * 4))
    assert told(found) == ["silver"] * 4
    nothing = spend_tiers(facts({"spend_year": 0}, {"spend_year": -10}))
    assert told(nothing) == ["bronze", "bronze"]
    assert isinstance(nothing, Assigned)
    assert nothing.notes[0] == "nobody has spent anything, so there is one tier"


def test_tiers_are_left_out_with_a_sentence_where_nothing_is_known() -> None:
    short = replace(facts({}), spend_year=None)
    assert spend_tiers(short) == Off("tiers", "the ledger has less than 365 days before this day")
    assert isinstance(expected_tiers(facts(UNSCORED)), Off)


def test_expected_tiers_are_by_expected_spend_and_who_has_none_is_apart() -> None:
    customers = ({"expected_spend": 1000.0}, {"expected_spend": 250.5}, {"expected_spend": -3.0}, UNSCORED, PROSPECT)
    found = expected_tiers(facts(*customers), LIMITS)
    assert told(found) == ["gold", "silver", "bronze", "not scored", "prospect"]
    assert isinstance(found, Assigned)
    assert found.to_next is not None
    # 1,000 - 250.50; 200 + 3.
    assert found.to_next.tolist() == [-1, 7_495_000, 2_030_000, -1, -1]


@pytest.mark.parametrize(
    "text",
    ["", "gold", "gold=x", "gold=0", "gold=-1", "gold=nan", "gold=inf", "gold=1e300", "silver=5,gold=5", "a=2,b=1",
     "a=1,A=2", "bronze=5", "=5", "prospect=5"],
)  # fmt: skip
def test_limits_that_say_nothing_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="RG478"):
        Limits.parse(text)


def _shop(seed: int) -> Ledger:
    """Twelve customers who buy, and give back, at random for 700 days."""
    rng = np.random.default_rng(seed)
    days = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 700, 150), unit="D")
    rows = {
        "customer_id": [f"c{i}" for i in rng.integers(0, 12, 150)],
        "purchased_at": days.strftime("%Y-%m-%d"),
        "amount": np.where(rng.random(150) < 0.85, rng.integers(1, 300, 150), -rng.integers(1, 200, 150)),
    }
    first = {"customer_id": ["c0", "c0"], "purchased_at": ["2022-01-01", "2023-12-31"], "amount": [10, 1]}
    return Ledger.from_frame(pd.concat([pd.DataFrame(first), pd.DataFrame(rows)], ignore_index=True), Config.of())


def test_a_tier_never_falls_within_the_grace_period_after_it_was_reached() -> None:
    ledger, config, grace, limits = _shop(3), Config.of(), 60, Limits.parse("silver=400,gold=900")
    start = Cutoff.parse("2023-04-01")
    days = [start.plus(step) for step in range(0, 250, 3)]
    tiers, raw = [], []
    for day in days:
        found = facts_of(ledger, config, day, None, grace).facts
        here = dict(zip(found.ids.tolist(), told(spend_tiers(found, limits)), strict=True))
        without = replace(found, best_year=None, grace_days=0)
        tiers.append(here)
        raw.append(dict(zip(found.ids.tolist(), told(spend_tiers(without, limits)), strict=True)))
    level = {"prospect": -1, "bronze": 0, "silver": 1, "gold": 2}
    falls = 0
    for at in range(1, len(days)):
        for who, tier in tiers[at].items():
            before = level[tiers[at - 1].get(who, "prospect")]
            assert level[tier] >= level[raw[at][who]]  # grace never takes away
            if level[tier] < before:
                falls += 1
                # It had not been reached by spend alone on any of the days of the grace period.
                recent = [k for k in range(at + 1) if days[at].day - days[k].day <= grace]
                assert all(level[raw[k].get(who, "prospect")] < before for k in recent)
    assert falls > 0
    assert any(tiers[k] != raw[k] for k in range(len(days)))
