"""Rules of offers that look at the loyalty programme: as of the day of the scores, never taking who is no member."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.config import Config
from regulars.errors import ConfigError
from regulars.intake import Ledger
from regulars.offers.audience import LOYALTY
from regulars.offers.eligibility import eligible
from regulars.offers.responses import Responses
from regulars.offers.rules import Rule
from regulars.pipelines.campaign.audience import Gathered, gathered, scores_of
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.membership import loyalty_fields
from regulars.serving.offering import beside_of

from .open_shop import DAY, published, who
from .test_audience import catalogue_of, comparing

POINTS = [
    (who(0), "2023-03-20", "points_earned", 30.0),  # lasts till 19 March 2024
    (who(0), "2024-02-01", "points_earned", 90.0),
    (who(0), "2024-03-04", "points_spent", 100.0),  # on the day of the scores: not known yet
    (who(2), "2024-01-10", "points_earned", 40.0),
]
RULES: dict[str, Any] = {"expire_days": 365, "starts": "2023-01-01", "tiers": {"silver": 50, "gold": 200}, "stamps": 3}


def shop(folder: Path, **rules: Any) -> tuple[Ledger, Config]:
    """Four scored customers, of whom two have points; each bought once."""
    published(folder, 4)
    events = {name: name for name in ("customer_id", "occurred_at", "kind", "value")}
    customers = {"customer_id": "customer_id", "numbers": ["to_next_tier"]}
    config = Config.of(data={"events": events, "customers": customers}, loyalty=rules)
    bought = pd.DataFrame({"customer_id": [who(i) for i in range(4)], "purchased_at": "2024-02-01", "amount": "10"})
    told = pd.DataFrame(POINTS, columns=list(events))
    own = pd.DataFrame({"customer_id": [who(1)], "to_next_tier": ["7"]})
    ledger = Ledger.from_frame(bought, config, events=told, customers=own)
    return ledger, config.model_copy(update={"folder": folder})


def gather(ledger: Ledger, config: Config, rule: dict[str, Any]) -> Gathered:
    catalogue = catalogue_of(rule)
    return gathered(ledger, config, catalogue, Responses.assumed(catalogue), scores_of(config), Decisions.of(config))


def test_a_rule_looks_at_the_programme_as_of_the_day_and_takes_no_one_who_is_no_member(tmp_path: Path) -> None:
    ledger, config = shop(tmp_path, **RULES)
    fields = ("points_balance", "points_expiring", "loyalty_tier", "stamps_to_full", "to_next_tier")
    rule = {"any": [*(comparing(name, "is_missing") for name in fields[:4]), comparing("to_next_tier", ">", 5)]}
    columns = gather(ledger, config, rule).audience.columns
    # 30 + 90; the thirty expire within thirty days of 4 March.
    np.testing.assert_array_equal(columns["points_balance"], [120, np.nan, 40, np.nan])
    np.testing.assert_array_equal(columns["points_expiring"], [30, np.nan, 0, np.nan])
    assert columns["loyalty_tier"].tolist() == ["silver", None, "bronze", None]
    np.testing.assert_array_equal(columns["stamps_to_full"], [2, np.nan, 2, np.nan])
    # The user's own column of this name counts in its place.
    np.testing.assert_array_equal(columns["to_next_tier"], [np.nan, 7, np.nan, np.nan])
    rule = {"not": comparing("loyalty_tier", "==", "bronze")}
    columns = gather(ledger, config, rule).audience.columns
    assert eligible(Rule.model_validate(rule), columns, 4).tolist() == [True, False, False, False]
    assert "points_balance" not in columns


def test_a_field_that_the_programme_does_not_give_is_refused(tmp_path: Path) -> None:
    ledger, config = shop(tmp_path)
    assert loyalty_fields(ledger, config, DAY) == ("points_balance",)
    with pytest.raises(ConfigError, match="RG414"):
        gather(ledger, config, comparing("points_expiring", ">", 0))
    ledger, config = shop(tmp_path, **RULES)
    assert set(loyalty_fields(ledger, config, DAY)) == set(LOYALTY)


def test_the_endpoint_asks_the_caller_for_them(tmp_path: Path) -> None:
    _, config = shop(tmp_path, **RULES)
    found = beside_of(("p_churn", "points_expiring", "loyalty_tier", "to_next_tier", "contacts_30d"), config)
    assert (found.texts, found.numbers) == (("loyalty_tier",), ("points_expiring", "to_next_tier"))
