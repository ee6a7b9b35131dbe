"""MLflow on a real PostgreSQL: register, crown, load, roll back; artifacts lie beside the configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from regulars.cli.app import app
from regulars.errors import ConfigError
from regulars.models import orphans
from regulars.models.registry import Registry, named

from ..servers import PostgresServer
from ..simulated import config_of, purchases, trained, written

PASSWORD = 'p@ss/%:"w'


def test_a_registry_lives_in_postgresql_and_its_files_beside_the_configuration(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres_server.run("CREATE DATABASE mlflow OWNER locked")
    monkeypatch.setenv("THE_PASSWORD", PASSWORD)
    uri = f"postgresql://locked:${{THE_PASSWORD}}@/mlflow?host={postgres_server.folder}"
    config = config_of(mlflow={"tracking_uri": uri}).model_copy(update={"folder": tmp_path})
    assert config.tracking_uri == uri
    registry = Registry.of(config)
    # Looking makes no tables.
    assert registry.versions("regulars") == ()
    assert not registry.store.exists()
    for _ in range(2):
        with registry.store.run("train") as run_id:
            registry.store.log(run_id, {"seed": 0}, {}, {"origins": [], "pooled": {}}, {"a.json": {"b": 1}}, {})
            registered = registry.register(trained().model, run_id, "regulars", {})
        registry.crown(named(registry, "regulars", registered.version), "passed")
    assert registry.store.table(run_id, "a.json") == {"b": 1}
    assert registry.store.params(run_id) == {"seed": "0"}
    left, now = registry.rollback("regulars")
    assert (left.version, now.version) == ("2", "1")
    model, registered = registry.champion("regulars")
    assert (registered.version, model.trained_on) == ("1", trained().model.trained_on)
    assert orphans.stale_runs(registry.store) == ()
    assert orphans.pending_models(registry.store) == ()
    assert orphans.unfit_versions(registry, "regulars") == ()

    assert sorted(p.name for p in tmp_path.iterdir()) == [".regulars", "mlruns"]
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert any(p.is_relative_to(tmp_path / "mlruns" / "artifacts") for p in files)
    assert {p.stat().st_mode & 0o777 for p in files} == {0o600}
    assert not [p for p in files if b"p@ss" in p.read_bytes() or b"p%40ss" in p.read_bytes()]
    told = [registry.store.client().get_run(run_id).data.tags, repr(registry.store.address), registry.store.shown]
    assert "p@ss" not in str(told)
    assert "p%40ss" not in str(told)


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOT_THERE", raising=False)
    config = config_of(mlflow={"tracking_uri": "postgresql://me:${NOT_THERE}@host/mlflow"})
    with pytest.raises(ConfigError, match="`NOT_THERE`, which is not set"):
        Registry.of(config.model_copy(update={"folder": tmp_path}))


@pytest.mark.soak
def test_training_scoring_and_going_back_work_with_postgresql(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres_server.run("CREATE DATABASE nights OWNER locked")
    monkeypatch.setenv("THE_PASSWORD", PASSWORD)
    uri = f"postgresql://locked:${{THE_PASSWORD}}@/nights?host={postgres_server.folder}"
    file = written(tmp_path / "shop", purchases(300), f'[mlflow]\ntracking_uri = "{uri}"\n')

    def say(*words: str) -> str:
        done = CliRunner().invoke(app, [*words[:1], str(file), *words[1:]], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    said = say("train")
    said += say("train")
    said += say("promote", "--force", "the same again")
    assert say("models").splitlines()[1].split()[:2] == ["2", "champion"]
    said += say("score")
    run = json.loads((tmp_path / "shop/scores/latest/run.json").read_text())
    assert run["model"]["version"] == "2"
    said += say("rollback")
    said += say("score")
    run = json.loads((tmp_path / "shop/scores/latest/run.json").read_text())
    assert run["model"]["version"] == "1"
    assert "p@ss" not in said
    files = [p for p in (tmp_path / "shop").rglob("*") if p.is_file()]
    assert not [p for p in files if b"p@ss" in p.read_bytes() or b"p%40ss" in p.read_bytes()]
