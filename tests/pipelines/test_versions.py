"""`regulars models` and `regulars rollback`: what they say, and with which code they end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from typer.testing import CliRunner

from regulars.cli.app import app
from regulars.config import Config
from regulars.errors import NoModel
from regulars.models.registry import Registry, named
from regulars.models.versions import Version
from regulars.pipelines.versions import Listed, listed

from ..simulated import purchases, trained, written


@dataclass(frozen=True)
class Beside:
    """A configuration with two versions beside it."""

    file: Path
    registry: Registry

    def say(self, *words: str) -> str:
        """What a command prints; it must end well."""
        done = CliRunner().invoke(app, [*words, str(self.file)], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Beside:
    file = written(tmp_path_factory.mktemp("versions"), purchases(40, 60))
    registry = Registry.of(Config.load(file))
    grades = {"grade.churn": "C", "grade.value": "B", "backtest.log_loss": "0.25", "data.last_day": "2024-02-25"}
    with registry.store.run("train") as run_id:
        registry.register(trained().model, run_id, "regulars", grades)
    client = registry.store.client()
    first = client.get_model_version("regulars", "1")
    client.create_model_version("regulars", first.source, run_id, first.tags)
    for version in ("1", "2"):
        registry.crown(named(registry, "regulars", version), "passed", ["nothing against it"])
    return Beside(file, registry)


def test_the_versions_are_a_table_and_json(beside: Beside, tmp_path: Path) -> None:
    said = beside.say("models", "--json", str(tmp_path / "models.json"))
    head, two, one = said.splitlines()[:3]
    assert head.split("  ")[0] == "version"
    assert two.split()[:2] == ["2", "champion"]
    day = str(trained().model.trained_on)
    assert one.split() == ["1", "previous", day, "2024-02-25", "0.2500", "C/B", "passed", "1", run_of(beside)]
    figures = json.loads((tmp_path / "models.json").read_text())
    assert [(v["version"], v["aliases"], v["state"]) for v in figures["versions"]] == [
        ("2", ["champion"], "passed"),
        ("1", ["previous"], "passed"),
    ]
    assert figures["versions"][0]["reasons"] == "nothing against it"
    assert figures["versions"][1]["grades"] == {"churn": "C", "value": "B"}


def run_of(beside: Beside) -> str:
    return named(beside.registry, "regulars", "1").run_id


def test_a_rollback_says_who_is_champion_again_and_a_second_one_that_there_is_none(
    beside: Beside, tmp_path: Path
) -> None:
    said = beside.say("rollback", "--json", str(tmp_path / "back.json"))
    assert "version 1 (trained on" in said
    assert "version 2 was left" in said
    assert json.loads((tmp_path / "back.json").read_text()) == {"from": "2", "to": "1", "run_id": run_of(beside)}
    assert [v.split()[-3] for v in beside.say("models").splitlines()[1:]] == ["back", "passed"]
    with pytest.raises(NoModel, match="nothing to go back to") as refused:
        CliRunner().invoke(app, ["rollback", str(beside.file)], catch_exceptions=False)
    assert refused.value.exit_code == 6


def test_without_a_store_there_is_nothing_to_list_and_nothing_to_go_back_to(tmp_path: Path) -> None:
    file = written(tmp_path, purchases(40, 60))
    config = Config.load(file)
    assert str(listed(config)) == "no version of regulars is registered; `regulars train` makes one"
    with pytest.raises(NoModel, match="no model store"):
        Registry.of(config).rollback("regulars")
    assert not (tmp_path / "mlruns").exists()


def test_what_became_of_a_version_is_one_word() -> None:
    tags = {"gate": "passed", "gate.refused": "worse", "rolled_back": "to version 1"}
    states = []
    for kept in (set[str](), {"gate"}, {"gate", "gate.refused"}, {"gate", "rolled_back"}):
        version = Version("regulars", "1", "r", {key: tags[key] for key in kept})
        (facts,) = cast("list[dict[str, object]]", Listed("regulars", (version,)).figures()["versions"])
        states.append(facts["state"])
    assert states == [None, "passed", "refused", "rolled back"]
