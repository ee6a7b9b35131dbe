"""Known counts of public data, as they come."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from regulars.config import Config
from regulars.intake import build_ledger


def test_the_overlap_of_online_retail_is_merged_and_nothing_else_is_lost(
    retail_config: Callable[..., Config], tmp_path: Path
) -> None:
    manifest = build_ledger(retail_config(tmp_path)).manifest
    # The two sheets share 22,523 lines of 1-9 December 2010; the other counts are those of the data set's description.
    assert manifest.lines["read"] == 1_067_370
    assert manifest.lines["merged"] == 22_523
    assert manifest.lines["used"] + manifest.lines["guest"] == 1_044_847
    assert Decimal(manifest.money["used"]) + Decimal(manifest.money["guest"]) == Decimal("18909744.118")
    assert (manifest.n_customers, manifest.n_orders) == (5_942, 44_876)
    assert (manifest.lines["quarantined"], manifest.rounding_difference) == (0, "0")
    assert (manifest.first_day, manifest.last_day) == ("2009-12-01", "2011-12-09")
