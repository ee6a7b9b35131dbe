"""What killed processes and moved folders leave in a model store is found and mended; who is alive is left alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from regulars.disk.lock import Holder
from regulars.errors import StorageError
from regulars.models import orphans
from regulars.models.processes import state_of, tags_of
from regulars.models.registry import Registry, named

from ..simulated import trained


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry with a champion and nothing left behind."""
    folder = tmp_path_factory.mktemp("orphans")
    registry = registry_in(folder)
    with registry.store.run("by hand") as run_id:
        registry.register(trained().model, run_id, "regulars", {})
    registry.crown(named(registry, "regulars", "1"), "passed")
    return registry


def registry_in(folder: Path) -> Registry:
    return Registry(f"sqlite:///{folder}/mlruns/mlflow.db", folder)


def begun(registry: Registry, name: str, tags: dict[str, str]) -> str:
    """A run that nobody ends."""
    client = registry.store.client()
    return str(client.create_run(registry.store.experiment(), run_name=name, tags=tags).info.run_id)


def dead() -> dict[str, str]:
    """The tags of a process that has ended."""
    program = "import json; from regulars.models.processes import *; from regulars.disk.lock import Holder;"
    program += "print(json.dumps(tags_of(Holder.of_this_process(''))))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    return dict(json.loads(told))


def test_a_process_is_alive_gone_or_on_a_machine_that_cannot_be_asked() -> None:
    mine = tags_of(Holder.of_this_process("a test"))
    assert state_of(mine) == "alive"
    assert state_of({**mine, "boot": "an earlier one"}) == "gone"
    # The number was given to somebody else meanwhile.
    assert state_of({**mine, "pid.started": "1"}) == "gone"
    assert state_of({**mine, "host": "elsewhere"}) == "unknown"
    assert state_of(dead()) == "gone"


def test_runs_of_the_dead_are_ended_and_those_of_others_left(registry: Registry) -> None:
    mine = tags_of(Holder.of_this_process("a test"))
    alive, elsewhere = begun(registry, "alive", mine), begun(registry, "elsewhere", {**mine, "host": "elsewhere"})
    killed = begun(registry, "killed", {**mine, "boot": "an earlier one"})
    found = {run.run_id: (run.name, run.state) for run in orphans.stale_runs(registry.store)}
    assert found == {killed: ("killed", "gone"), elsewhere: ("elsewhere", "unknown")}
    for run in orphans.stale_runs(registry.store):
        orphans.end_run(registry.store, run)
    assert orphans.stale_runs(registry.store) == ()
    client = registry.store.client()
    assert [client.get_run(r).info.status for r in (killed, alive)] == ["KILLED", "RUNNING"]
    client.set_terminated(alive)


def test_models_that_never_became_versions_are_removed_with_their_files(registry: Registry, tmp_path: Path) -> None:
    client, store = registry.store.client(), registry.store
    assert orphans.pending_models(store) == ()
    mine = tags_of(Holder.of_this_process("a test"))
    (tmp_path / "half").write_text("half")
    made = []
    for name, tags in (("dead", {**mine, "boot": "an earlier one"}), ("alive", mine)):
        run_id = begun(registry, name, tags)
        model = client.create_logged_model(store.experiment(), name="model", source_run_id=run_id)
        client.log_model_artifacts(model.model_id, str(tmp_path))
        made.append((run_id, model))
    (found,) = orphans.pending_models(store)  # Whoever is alive may still be at it.
    assert (found.model_id, found.run_id, found.status) == (made[0][1].model_id, made[0][0], "PENDING")
    assert found.folder is not None
    assert {f.name for f in found.folder.rglob("*") if f.is_file()} == {"half"}
    orphans.discard(store, found)
    assert not found.folder.exists()
    for run_id, _ in made:
        client.set_terminated(run_id)
    # The other's run has ended, and there is no version of its model.
    (other,) = orphans.pending_models(store)
    assert other.model_id == made[1][1].model_id
    orphans.discard(store, other)
    assert orphans.pending_models(store) == ()
    assert registry.champion("regulars")[1].version == "1"


def test_versions_that_cannot_be_loaded_lose_their_aliases_and_say_why(registry: Registry) -> None:
    client = registry.store.client()
    source = client.get_model_version("regulars", "1").source
    client.create_registered_model("unfit")
    for tags in ({}, {"seal": "0" * 64}):
        client.create_model_version("unfit", source, tags=tags)
    client.set_registered_model_alias("unfit", "challenger", "2")
    assert orphans.unfit_versions(registry, "regulars") == ()
    found = orphans.unfit_versions(registry, "unfit")
    assert [(u.version.version, u.why) for u in found] == [
        ("1", "the model was never sealed"),
        ("2", "its files are not those that were registered"),
    ]
    for unfit in found:
        orphans.retire(registry, unfit)
    assert registry.aliases("unfit") == {}
    assert named(registry, "unfit", "1").tags["unfit"] == "the model was never sealed"


def test_an_alias_of_a_version_that_is_gone_is_found_and_dropped(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert orphans.dangling_aliases(registry, "regulars") == {}
    registry.store.client().set_registered_model_alias("regulars", "previous", "1")
    with monkeypatch.context() as patch:
        patch.setattr(registry, "versions", lambda _: ())
        assert orphans.dangling_aliases(registry, "regulars") == {"champion": "1", "previous": "1"}
    orphans.drop_alias(registry, "regulars", "previous")
    assert registry.aliases("regulars") == {"champion": "1"}


def test_a_store_that_was_moved_is_refused_until_it_is_mended(registry: Registry, tmp_path: Path) -> None:
    assert orphans.moved_artifacts(registry.store) is None
    home = registry.regulars.parent
    shutil.copytree(home, tmp_path / "there")
    moved = registry_in(tmp_path / "there")
    before = sorted(p.relative_to(home) for p in home.rglob("*"))
    # Here the old folder is still there: what is written now would spoil it.
    with pytest.raises(StorageError, match=r"moved or copied.*doctor --mend"):
        moved.champion("regulars")
    with pytest.raises(StorageError, match="moved or copied"), moved.store.run("another"):
        pass
    assert sorted(p.relative_to(home) for p in home.rglob("*")) == before
    found = orphans.moved_artifacts(moved.store)
    assert found is not None
    assert found.there == (home / "mlruns/artifacts").as_uri()
    assert found.here == (tmp_path / "there/mlruns/artifacts").as_uri()
    assert orphans.mend_artifacts(moved.store, found) == found.rows > 0
    assert orphans.moved_artifacts(moved.store) is None
    model, registered = moved.champion("regulars")
    assert (registered.version, model.trained_on) == ("1", trained().model.trained_on)
    with moved.store.run("another") as run_id:
        pass
    uri = str(moved.store.client().get_run(run_id).info.artifact_uri)
    assert uri.startswith(found.here)


def test_where_there_is_no_store_nothing_is_found_or_made(tmp_path: Path) -> None:
    registry = registry_in(tmp_path)
    looked: list[Any] = [
        orphans.stale_runs(registry.store),
        orphans.pending_models(registry.store),
        orphans.unfit_versions(registry, "regulars"),
        orphans.dangling_aliases(registry, "regulars"),
        orphans.moved_artifacts(registry.store),
    ]
    assert looked == [(), (), (), {}, None]
    assert list(tmp_path.iterdir()) == []
