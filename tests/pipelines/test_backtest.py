"""A strict holdout that someone asks for: where its window may end."""

from __future__ import annotations

import pytest

from regulars.errors import ConfigError
from regulars.pipelines.backtest import run_backtest

from ..simulated import config_of, shop


def test_a_window_that_ends_with_the_data_needs_no_note() -> None:
    ledger, config = shop(), config_of(tuning={"trials": 0})
    found = run_backtest(ledger, config, ledger.ends.minus(30))
    assert found.figures["notes"] == []
    assert [o["cutoff"] for o in found.figures["origins"]] == [str(ledger.ends.minus(30))]


def test_a_tenth_of_the_horizon_may_pass_without_a_purchase_at_the_end_and_that_is_said() -> None:
    ledger, config = shop(), config_of(tuning={"trials": 0})
    found = run_backtest(ledger, config, ledger.ends.minus(27))  # 3 of 30 days lie behind the last purchase
    assert "the 3 days up to" in found.figures["notes"][0]
    # Whoever bought in the 27 days that are there has not churned.
    assert 0 < found.predictions["churned"].mean() < 1
    with pytest.raises(ConfigError, match="not inside the data"):
        run_backtest(ledger, config, ledger.ends.minus(26))


def test_a_ledger_that_is_said_to_cover_more_allows_later_windows() -> None:
    ledger, config = shop(), config_of(tuning={"trials": 0})
    longer = ledger.covering(ledger.ends.plus(9))
    assert str(longer.ends) == str(ledger.ends.plus(10))
    found = run_backtest(longer, config, ledger.ends.minus(20))
    assert found.figures["notes"] == []
