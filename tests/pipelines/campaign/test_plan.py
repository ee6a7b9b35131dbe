"""The dry run: what it says, what it keeps in MLflow, and that it decides nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regulars.config import Config
from regulars.errors import ConfigError
from regulars.intake import Ledger, build_ledger
from regulars.models import database
from regulars.models.tracking import EXPERIMENT, Store
from regulars.offers.plan import Plan
from regulars.pipelines.campaign.assign import assign
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.plan import plan_offers, planned_day

from .open_shop import CATALOGUE, DAY, opened, published


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A shop with an empty store."""
    found = opened(tmp_path_factory.mktemp("shop"))
    database.made(found.folder / "mlruns" / "mlflow.db")
    return found


@pytest.fixture(scope="module")
def ledger(config: Config) -> Ledger:
    """What was bought there."""
    return build_ledger(config)


@pytest.fixture(scope="module")
def plan(ledger: Ledger, config: Config) -> Plan:
    """The plan of the newest day."""
    return plan_offers(ledger, config)


def test_a_plan_says_who_what_cost_gain_and_why_not_and_decides_nothing(plan: Plan, config: Config) -> None:
    told = plan.figures()
    assert (told["as_of"], told["read_out"], told["customers"]) == (str(DAY), "2024-04-03", 40)
    assert 0 < told["given"] < 40
    assert told["cost"] <= told["budget"]["limit"] == 20.0
    # Every ninth of 40 has said no.
    assert told["permitted"] == 35
    assert plan.lines[0].startswith(f"{told['given']} of 40 customers would get an offer, at an expected cost of ")
    assert Decisions.of(config).waves() == ()


def test_the_run_in_mlflow_holds_parameters_figures_and_the_catalogue_and_nobodys_id(
    plan: Plan, config: Config
) -> None:
    store = Store.of(config)
    client = store.client()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    (run,) = client.search_runs([experiment.experiment_id])
    told = plan.figures()
    assert run.info.run_name == "offers spring 2024-03-04"
    assert run.info.status == "FINISHED"
    assert run.data.params["budget"] == "20.0"
    assert run.data.metrics["gain"] == pytest.approx(told["gain"][1])
    assert run.data.metrics["arm_control"] == told["arms"]["control"]
    assert run.data.tags["catalogue"] == plan.policy().catalogue.digest
    assert store.table(run.info.run_id, "plan.json") == json.loads(json.dumps(told))
    assert store.table(run.info.run_id, "catalogue.json") == plan.policy().catalogue.to_dict()
    kept = [file for file in (config.folder / "mlruns").rglob("*") if file.is_file()]
    assert kept
    assert not any(b"shopper-" in file.read_bytes() for file in kept)


def test_the_same_plan_again_is_the_same_to_the_byte_whoever_calls_and_however_rows_came(
    plan: Plan, ledger: Ledger, config: Config, tmp_path: Path
) -> None:
    again = planned_day(ledger, config, DAY, Decisions.of(config))
    assert again.decisions().equals(plan.decisions())
    assert json.dumps(again.figures()) == json.dumps(plan.figures())
    elsewhere = opened(tmp_path)
    for name in ("purchases.csv", "consent.csv"):
        header, *rows = (tmp_path / name).read_text(encoding="utf-8").splitlines()
        (tmp_path / name).write_text("\n".join([header, *reversed(rows)]) + "\n", encoding="utf-8")
    shuffled = planned_day(build_ledger(elsewhere), elsewhere, None, Decisions.of(elsewhere))
    assert shuffled.decisions().equals(plan.decisions())


def test_what_was_assigned_before_counts_against_the_budget_and_the_cool_down(ledger: Ledger, tmp_path: Path) -> None:
    config = opened(tmp_path)
    first = assign(ledger, config).wave
    later = DAY.plus(7)
    published(tmp_path, day=later)
    plan = planned_day(ledger, config, later, Decisions.of(config))
    spent = first.figures()["cost"]
    assert plan.figures()["budget"]["limit"] == pytest.approx(20 - spent)
    tea, before = plan.figures()["offers"][0], first.table(["offer", "meant_offer", "arm"]).to_pylist()
    # Tea rests for 14 days: for who got it, and for whom it was meant but who was drawn to get nothing.
    drawn = [row["arm"] != "chosen" and row["offer"] == "" and row["meant_offer"] == "tea" for row in before]
    rests = [row["offer"] == "tea" or ghost for row, ghost in zip(before, drawn, strict=True)]
    assert any(drawn)
    assert tea["why_not"]["cool-down"] == sum(rests)


def test_a_catalogue_that_is_not_there_is_said_before_anything_is_read(ledger: Ledger, tmp_path: Path) -> None:
    config = opened(tmp_path)
    (tmp_path / "offers.toml").unlink()
    with pytest.raises(ConfigError, match="RG410"):
        plan_offers(ledger, config)


def test_an_offer_that_nobody_may_get_is_a_finding_and_not_an_error(ledger: Ledger, tmp_path: Path) -> None:
    rule = 'eligible = { field = "expected_spend", op = ">", value = 1000 }\ngroup = "drinks"'
    config = opened(tmp_path, catalogue=CATALOGUE.replace('group = "drinks"', rule))
    plan = planned_day(ledger, config, None, Decisions.of(config))
    assert any(note.startswith("tea@mail: nobody may get it (") for note in plan.notes)
