"""The main job as `make demo` runs it, on the real Complete Journey; by default test_cli.py runs it on a small shop."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from regulars.config import Config
from regulars.models.registry import Registry
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.demo import graded_words, run_demo


@pytest.fixture(scope="module")
def demo(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGULARS_WHEELS", str(wheels))
        lines, figures = run_demo("completejourney", folder)
    assert figures["horizon_days"] == 30
    return folder, lines


def test_a_grade_is_told_with_whoever_speaks_instead() -> None:
    grades = {"churn": {"grade": "B", "champion": "regulars"}, "value": {"grade": "C", "champion": "pareto_nbd"}}
    assert graded_words({"grade": grades}, "churn") == "Churn: grade B"
    assert graded_words({"grade": grades}, "value") == "Spend: grade C, so Pareto/NBD speaks instead of Regulars"


@pytest.mark.soak
def test_the_demo_says_in_ten_lines_what_was_learnt(demo: tuple[Path, list[str]]) -> None:
    folder, lines = demo
    assert "1,469,307 lines worth 4,596,039.58 USD went in" in lines[1]
    assert str(folder / "report.html") in lines[9]
    assert lines[10].startswith("The data hold no consent")


@pytest.mark.soak
def test_the_demo_ends_with_a_plan_of_offers_and_decisions_whose_effects_are_assumed(
    demo: tuple[Path, list[str]],
) -> None:
    folder, lines = demo
    assert str(folder / "offers-plan.html") in lines[-1]
    said = "\n".join(lines[10:])
    assert "of 2,469 customers would get an offer" in said
    assert ", assumed" in said
    assert "no consent" in said
    wave = Decisions(folder / "decisions").latest
    assert wave is not None
    table = wave.verified().table(["customer_id", "offer", "basis", "arm"]).to_pandas()
    assert len(table) == table["customer_id"].nunique() == 2469
    assert set(table["basis"]) == {"", "assumed"}
    # Only the 1,559 households that the retailer wrote to can be given anything, and no control or hold-out is.
    consent = set(pd.read_parquet(folder / "data" / "completejourney" / "consent.parquet")["household_id"].astype(str))
    given = table[table["offer"] != ""]
    assert len(consent) == 1559
    assert len(given) > 0
    assert set(given["customer_id"]) <= consent
    assert set(given["arm"]) <= {"chosen", "explore"}
    assert "assumed" in (folder / "offers-plan.html").read_text(encoding="utf-8")


@pytest.mark.soak
def test_every_household_has_a_score_in_both_files(demo: tuple[Path, list[str]]) -> None:
    folder, _ = demo
    scores = pd.read_parquet(folder / "scores" / "latest" / "scores.parquet")
    assert len(scores) == scores["customer_id"].nunique() == 2469  # all households bought in the year
    assert scores["p_churn"].between(0, 1).all()
    assert set(scores["as_of"]) == {"2018-01-01"}
    as_csv = pd.read_csv(folder / "scores" / "latest" / "scores.csv", dtype={"customer_id": str, "model_version": str})
    assert as_csv["p_churn"].tolist() == scores["p_churn"].tolist()
    # Past spend adds up to the ledger's money: 4,596,039.58 dollars.
    assert scores["spend"].sum() == pytest.approx(4_596_039.58, abs=1e-6)


@pytest.mark.soak
def test_the_registered_champion_is_the_one_that_scored(demo: tuple[Path, list[str]]) -> None:
    folder, _ = demo
    config = Config.load(folder / "regulars.toml")
    model, registered = Registry.of(config).champion("regulars")
    scores = pd.read_parquet(folder / "scores" / "latest" / "scores.parquet")
    assert set(scores["run_id"]) == {registered.run_id}
    assert set(scores["model_version"]) == {registered.version}
    assert str(model.trained_on) == "2018-01-01"
    assert (folder.parent / "mlruns" / "mlflow.db").exists()


@pytest.mark.soak
def test_the_report_needs_no_network(demo: tuple[Path, list[str]]) -> None:
    folder, _ = demo
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "http://" not in html
    assert "https://" not in html
    assert "2,469" in html
