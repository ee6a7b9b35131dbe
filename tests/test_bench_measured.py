"""The figures of the measurement on real data: by hand on a few rows; on the real files what they must show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.measured import alike, campaigns, windows


def test_windows_are_counted_from_the_day_on(tmp_path: Path) -> None:
    # Of `a` 7 after, 5 just before and 3 + 2 long before; `b` came later, and is not asked about.
    rows = [("a", "2017-10-02", 7.0), ("a", "2017-10-01", 5.0), ("a", "2017-09-21", 3.0), ("a", "2017-09-02", 2.0)]
    frame = pd.DataFrame([*rows, ("b", "2017-10-03", 9.0)], columns=["household_id", "day", "sales_value"])
    frame.assign(transaction_timestamp=pd.to_datetime(frame["day"])).to_parquet(tmp_path / "lines.parquet")
    assert windows(tmp_path / "lines.parquet", "2017-10-02", 10).tolist() == [[7.0, 5.0, 5.0]]


def test_what_is_known_before_makes_the_interval_narrower() -> None:
    before = np.random.default_rng(0).gamma(1.0, 10.0, 400)
    spend = np.column_stack([before + np.sin(np.arange(400)), before])
    found = alike(spend, 50, 0.5)
    assert found["households"] == 400
    # The sine has a variance of .5, the gamma one of 100: the interval is about a fourteenth.
    assert found["narrower"] > 0.9
    assert found["coverage"] >= 0.86


@pytest.mark.soak
@pytest.mark.usefixtures("wheels")
def test_the_campaigns_of_complete_journey_are_refused_in_words(tmp_path: Path) -> None:
    found = campaigns(tmp_path).figures()
    assert found["effects"] == []
    assert found["verdict"] == "No effect is concluded."
    assert "somebody's choice" in found["refused"]
    # Receivers stood above the others before anything was sent, by as much as afterwards.
    for row in found["observed"]:
        assert row["before"]["low"] > 50
        assert row["before"]["low"] < row["after"]["gap"] < row["before"]["high"]
