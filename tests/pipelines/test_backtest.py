"""The examination of a ledger: where a strict holdout's window may end, and what the configuration has to say."""

from __future__ import annotations

import pytest

from regulars.config import Config
from regulars.errors import ConfigError
from regulars.models.budget import Budget
from regulars.pipelines.backtest import budget_of, run_backtest

from ..simulated import config_of, shop


def test_a_window_that_ends_with_the_data_needs_no_note_and_the_budget_is_the_one_stated() -> None:
    ledger, config = shop(), config_of(budget={"share": 0.5})
    found = run_backtest(ledger, config, ledger.ends.minus(30))
    assert found.figures["notes"] == []
    (origin,) = found.figures["origins"]
    assert origin["cutoff"] == str(ledger.ends.minus(30))
    assert found.figures["budget"]["assumed"] == ["contact_cost", "save_rate", "margin"]
    open_to = int((found.predictions["at_stake"] > 0).sum())
    assert origin["money"]["naive"]["contacted"] == -(-open_to // 2)


@pytest.mark.soak
def test_a_tenth_of_the_horizon_may_pass_without_a_purchase_at_the_end_and_that_is_said() -> None:
    ledger, config = shop(), config_of(tuning={"trials": 0})
    found = run_backtest(ledger, config, ledger.ends.minus(27))  # 3 of 30 days lie behind the last purchase
    assert "the 3 days up to" in found.figures["notes"][0]
    # Whoever bought in the 27 days that are there has not churned.
    assert 0 < found.predictions["churned"].mean() < 1
    with pytest.raises(ConfigError, match="not inside the data"):
        run_backtest(ledger, config, ledger.ends.minus(26))


@pytest.mark.soak
def test_a_ledger_that_is_said_to_cover_more_allows_later_windows() -> None:
    ledger, config = shop(), config_of(tuning={"trials": 0})
    longer = ledger.covering(ledger.ends.plus(9))
    assert str(longer.ends) == str(ledger.ends.plus(10))
    found = run_backtest(longer, config, ledger.ends.minus(20))
    assert found.figures["notes"] == []


def test_the_budget_is_the_configurations_and_what_that_does_not_state_is_assumed() -> None:
    config = config_of(budget={"share": 0.2, "money": 40}, economics={"margin": 1, "contact_cost": 0.5})
    found = budget_of(config)
    assert found == Budget(0.2, 0.5, 0.1, 1.0, 40.0, ("contact_cost", "margin", "money", "share"))
    assert found.assumed == ("save_rate",)
    assert budget_of(config_of()).assumed == ("share", "contact_cost", "save_rate", "margin")


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"share": 0}, "RG016: `budget.share`"),
        ({"share": 1.5}, "RG016: `budget.share`"),
        ({"contact_cost": 1}, "RG014: unknown key `budget.contact_cost`"),
        ({"save_rate": 2}, "RG016: `budget.save_rate`"),
        ({"margin": 0.4}, "RG014: unknown key `budget.margin`"),
        ({"money": 0}, "RG016: `budget.money`"),
        ({"money": 100}, "RG016: .*`budget.money` does nothing while a contact costs nothing"),
        ({"saverate": 0.2}, "RG014: unknown key `budget.saverate`.*did you mean `save_rate`"),
    ],
)
def test_a_budget_that_cannot_be_is_refused_before_anything_is_learnt(budget: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Config.of(budget=dict(budget))
