"""The report of the champion: months by hand, and one file for people that holds what the training found."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from regulars.config import Config
from regulars.errors import NoModel
from regulars.intake import Ledger
from regulars.models.registry import Registry, named
from regulars.models.versions import Registered
from regulars.pipelines.kept import predictions_file
from regulars.pipelines.register import register
from regulars.pipelines.report import months_of, report_input, report_of_champion
from regulars.pipelines.score import score
from regulars.reports.notation import date

from ..simulated import config_of, purchases, shop, trained


def test_months_count_local_orders_buyers_and_signed_money() -> None:
    rows = [
        # Half past ten at night of 31 January in New York is February in UTC.
        ("a", "2024-02-01T03:30:00+00:00", "1", 10.0),
        ("a", "2024-01-10T12:00:00+00:00", "2", 5.5),
        ("b", "2024-01-11T12:00:00+00:00", "3", 1.0),
        # Two lines of one order, and a return without a purchase.
        ("b", "2024-02-10T12:00:00+00:00", "4", 2.0),
        ("b", "2024-02-10T12:00:00+00:00", "4", 3.0),
        ("a", "2024-02-11T12:00:00+00:00", "5", -4.25),
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "purchased_at", "order_id", "amount"])
    config = Config.of(timezone="America/New_York", purchases={"order_id": "order_id"})
    assert months_of(Ledger.from_frame(frame, config)) == [
        {"month": "2024-01", "orders": 3, "customers": 2, "revenue": 16.5},
        {"month": "2024-02", "orders": 1, "customers": 1, "revenue": 0.75},
    ]


def test_months_add_up_to_the_ledger() -> None:
    months, frame = months_of(shop()), purchases()
    assert sum(float(str(m["revenue"])) for m in months) == pytest.approx(frame["amount"].sum(), abs=1e-6)
    bought = frame.loc[frame["amount"] > 0, "order_id"].nunique()
    assert sum(int(str(m["orders"])) for m in months) == bought


def test_the_input_says_of_which_day_and_model_it_is() -> None:
    scores = score(shop(), trained().model, "2024-01-15", 1)
    found = report_input(
        shop(), config_of(), scores, trained().backtest.figures, trained().backtest.predictions, trained().features,
        Registered("regulars", "3", "abc"),
    )  # fmt: skip
    assert (found.as_of, found.horizon_days, found.currency) == ("2024-01-15", 30, "USD")
    assert found.model == {"name": "regulars", "version": "3", "run_id": "abc"}
    assert found.manifest["fingerprint"] == shop().manifest.fingerprint
    empty = report_input(
        shop(), config_of(), scores.iloc[:0], trained().backtest.figures, trained().backtest.predictions, [],
        Registered("regulars", "3", "abc"),
    )  # fmt: skip
    assert empty.as_of == str(shop().ends)


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Registered]:
    folder = tmp_path_factory.mktemp("report")
    uri = f"sqlite:///{folder}/mlruns/mlflow.db"
    config = config_of(mlflow={"tracking_uri": uri}).model_copy(update={"folder": folder})
    found = register(shop(), config, trained())
    registry = Registry.of(config)
    registry.crown(named(registry, found.name, found.version), "passed")
    return config, found


def test_the_champions_report_is_one_offline_file(registered: tuple[Config, Registered], tmp_path: Path) -> None:
    config, _ = registered
    report_of_champion(shop(), config, None, tmp_path / "report.html")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert "@import" not in page
    assert date(str(shop().ends)) in page
    auc = trained().backtest.figures["pooled"]["churn"]["regulars"]["auc"]
    assert f"{auc:.3f}" in page or f"{auc:.2f}" in page
    report_of_champion(shop(), config, None, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "report.html").read_bytes()


def test_a_report_without_the_kept_predictions_is_shorter_but_is_made(
    registered: tuple[Config, Registered], tmp_path: Path
) -> None:
    config, model = registered
    kept = predictions_file(config, model.run_id)
    content = kept.read_bytes()
    kept.unlink()
    try:
        report_of_champion(shop(), config, None, tmp_path / "short.html")
    finally:
        kept.write_bytes(content)
    assert (tmp_path / "short.html").stat().st_size > 10_000


def test_without_a_champion_there_is_no_report(tmp_path: Path) -> None:
    config = config_of(mlflow={"tracking_uri": f"sqlite:///{tmp_path}/none/mlflow.db"})
    with pytest.raises(NoModel):
        report_of_champion(shop(), config, None, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []
