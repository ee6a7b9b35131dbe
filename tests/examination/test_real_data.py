"""No false alarm on public data, and only true words about Online Retail II."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from regulars.config import Config
from regulars.examination.examine import FIT, REMARKS, Examination
from regulars.examination.finding import Severity
from regulars.intake import Ledger, build_ledger
from regulars.pipelines.check import examined
from regulars.pipelines.demo_data import purchases_of


def test_cdnow_is_left_in_peace(cdnow_master: pd.DataFrame) -> None:
    config = Config.of(purchased_at="date", horizon_days=90, currency="USD", purchases={"quantity": "quantity"})
    found = examined(Ledger.from_frame(cdnow_master, config), config)
    assert found.graver(Severity.SUSPICIOUS) == ()
    assert found.verdict == FIT
    # 80 lines of nothing, as the data's description says; 23,570 customers, of whom half bought once.
    assert {f.code: f.count for f in found.findings} == {"zero_lines": 80, "twin_lines": 255}
    assert int(found.purchases_each.sum()) == 23_570


@pytest.mark.soak
def test_complete_journey_is_left_in_peace(
    completejourney_wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_WHEELS", str(completejourney_wheel.parent))
    config = Config.load(purchases_of("completejourney", tmp_path, beside=True))
    found = examined(build_ledger(config), config)
    assert found.graver(Severity.SUSPICIOUS) == ()
    assert found.verdict == FIT
    # Everyone comes back: a window is chosen by the classes, and short.
    assert found.advice.proposed in (21, 28, 30, 42)


@pytest.fixture(scope="module")
def retail(retail_config: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Examination:
    config = retail_config(tmp_path_factory.mktemp("retail"))
    return examined(build_ledger(config), config)


def test_only_true_things_are_suspicious_in_online_retail(retail: Examination) -> None:
    assert {f.code for f in retail.graver(Severity.SUSPICIOUS)} == {"undone_giants", "no_products"}
    assert retail.verdict == REMARKS


def test_the_giants_of_online_retail_were_undone_within_minutes(retail: Examination) -> None:
    (found,) = [f for f in retail.findings if f.code == "undone_giants"]
    assert found.count == 2
    assert found.money == 2_456_532_000  # 77,183.60 + 168,469.60
    assert [e.split(" ")[0] for e in found.examples] == ["168,469.60", "77,183.60"]


def test_what_is_no_product_in_online_retail_is_listed(retail: Examination) -> None:
    (found,) = [f for f in retail.findings if f.code == "no_products"]
    assert {"POST", "DOT", "M", "D", "BANK CHARGES"} <= set(found.examples)


def test_the_rest_that_is_known_of_online_retail_is_said(retail: Examination) -> None:
    found = {f.code: f for f in retail.findings}
    assert found["overlap"].count == 22_523
    assert found["guests"].count + retail.ledger.manifest.lines["used"] == 1_044_847
    assert "2011-12-09" in found["incomplete_month"].words
    assert found["returns"].count > 18_000
    # At 2011-09-11 as in the data's description: 5,281 had bought, 57 % of them bought nothing in 90 days.
    assert (retail.enough.origins[-1], retail.enough.at_risk[-1]) == ("2011-09-11", 5_281)
    assert retail.enough.silent[-1] / 5_281 == pytest.approx(0.566, abs=0.001)
