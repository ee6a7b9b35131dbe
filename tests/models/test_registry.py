"""The registry: who is challenger, champion and previous, after whatever was interrupted, and who is refused."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.disk.lock import job
from regulars.errors import Busy, NoModel, StorageError
from regulars.models.registry import Registry, named
from regulars.models.versions import Registered, Version
from regulars.pipelines.score import score

from ..simulated import shop, trained

DAY = str(shop().ends)
WRITES = (
    *("set_model_version_tag", "delete_model_version_tag", "set_registered_model_alias"),
    "delete_registered_model_alias",
)


class Killed(BaseException):
    """What a process cannot go on after."""


@dataclass(frozen=True)
class Kept:
    """A registry into which the shop's model was registered once."""

    registry: Registry
    registered: Registered

    @property
    def client(self) -> Any:
        return self.registry.store.client()

    def version(self, name: str, **tags: str) -> Version:
        """A further version of the same files under any name; tags as a training's, unless said otherwise."""
        first = self.client.get_model_version("regulars", "1")
        kept = ("seal", "bundle", "trained_on")
        noted = {**{key: first.tags[key] for key in kept}, **tags}
        if not self.client.search_registered_models(f"name = '{name}'"):
            self.client.create_registered_model(name)
        made = self.client.create_model_version(name, first.source, first.run_id, noted)
        return named(self.registry, name, str(made.version))

    def aliases(self, name: str) -> dict[str, str]:
        return self.registry.aliases(name)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("registry")
    registry = Registry(f"sqlite:///{folder}/mlruns/mlflow.db", folder)
    with registry.store.run("by hand") as run_id:
        registered = registry.register(trained().model, run_id, "regulars", {"data.last_day": "2024-02-25"})
    return Kept(registry, registered)


def test_a_training_makes_a_challenger_and_no_champion(kept: Kept) -> None:
    version = named(kept.registry, "regulars", "challenger")
    assert (version.version, version.trained_on, version.last_day, version.gate) == ("1", DAY, "2024-02-25", None)
    assert version.registered == kept.registered
    assert kept.registered.uri == "models:/regulars@champion"
    with pytest.raises(NoModel, match="no champion of `regulars`"):
        kept.registry.champion("regulars")


def test_who_is_crowned_gives_the_model_back_to_the_bit(kept: Kept) -> None:
    kept.client.set_registered_model_alias("regulars", "challenger", "1")
    done = kept.registry.crown(named(kept.registry, "regulars", "1"), "passed", ["first", "of all"])
    assert (done.before, done.unchanged, done.version.gate, done.version.crowned) == (None, False, "passed", 1)
    assert done.version.reasons == "first; of all"
    assert kept.aliases("regulars") == {"champion": "1"}
    model, registered = kept.registry.champion("regulars")
    assert registered == kept.registered
    pd.testing.assert_frame_equal(
        score(shop(), model, threads=1), score(shop(), trained().model, threads=1), check_exact=True
    )
    again = kept.registry.crown(done.version, "passed")
    assert (again.unchanged, again.version) == (True, done.version)


def test_the_one_before_is_kept_and_a_rollback_goes_back_to_it_once(kept: Kept) -> None:
    for _ in range(3):
        kept.registry.crown(kept.version("back"), "passed")
    assert kept.aliases("back") == {"champion": "3", "previous": "2"}
    left, now = kept.registry.rollback("back")
    assert (left.version, now.version, now.aliases) == ("3", "2", ("champion", "previous"))
    assert kept.aliases("back") == {"champion": "2", "previous": "2"}
    assert named(kept.registry, "back", "3").rolled_back
    with pytest.raises(NoModel, match="nothing to go back to: version 2 is champion") as refused:
        kept.registry.rollback("back")
    assert refused.value.exit_code == 6
    # Whoever was left may come back by the gate: then it was not left, and it is the fourth that is crowned.
    done = kept.registry.crown(named(kept.registry, "back", "3"), "forced", ["it was right"])
    assert (done.version.rolled_back, done.version.crowned, done.version.gate) == (False, 4, "forced")
    assert kept.aliases("back") == {"champion": "3", "previous": "2"}


def test_every_move_is_a_line_of_the_audit(kept: Kept) -> None:
    before = len(kept.registry.audit())
    one, two = kept.version("noted"), kept.version("noted")
    kept.registry.crown(one, "passed", ["first"])
    kept.registry.refused(two, ["worse"])
    kept.registry.crown(two, "forced", ["all the same"])
    kept.registry.rollback("noted")
    told = kept.registry.audit()[before:]
    assert [(t["what"], t["from"], t["to"], t["verdict"], t["reasons"]) for t in told] == [
        ("crown", None, "1", "passed", ["first"]),
        ("refused", "1", "2", "refused", ["worse"]),
        ("crown", "1", "2", "forced", ["all the same"]),
        ("rollback", "2", "1", "passed", []),
    ]
    assert {t["pid"] for t in told} == {os.getpid()}
    file = kept.registry.regulars / "registry.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600
    # Half a line, as a full disk leaves it, is gone with the next one; the lines before it stay.
    with file.open("ab") as half:
        half.write(b'{"what": "cro')
    assert kept.registry.audit()[before:] == told
    kept.registry.refused(two, ["worse"])
    assert len(kept.registry.audit()) == before + 5
    assert all(json.loads(line) for line in file.read_text().splitlines())


def test_a_refused_version_says_why_until_it_is_crowned(kept: Kept) -> None:
    version = kept.version("refused")
    kept.registry.refused(version, ["worse", "and dearer"])
    found = named(kept.registry, "refused", "1")
    assert (found.refused, found.reasons, kept.aliases("refused")) == (True, "worse; and dearer", {})
    kept.registry.crown(found, "forced", ["a test"])
    found = named(kept.registry, "refused", "1")
    assert (found.refused, found.reasons) == (False, "a test")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Steps of MLflow that write: counted, and fatal when so many are left that the count is at 0."""
    import mlflow

    left = [10**9]

    def fatal(method: Any) -> Any:
        def step(*given: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return method(*given, **more)

        return step

    for name in WRITES:
        monkeypatch.setattr(mlflow.MlflowClient, name, fatal(getattr(mlflow.MlflowClient, name)))
    return left


def two_versions(kept: Kept, name: str) -> tuple[Version, Version]:
    """A champion, and a challenger that the gate refused before."""
    one = kept.version(name, **{"gate": "passed", "gate.reasons": "", "crowned": "1"})
    kept.client.set_registered_model_alias(name, "champion", "1")
    two = kept.version(name)
    kept.client.set_registered_model_alias(name, "challenger", "2")
    kept.registry.refused(two, ["not yet"])
    return one, named(kept.registry, name, "2")


# Three tags set and one taken away, the alias of the one before, that of the champion, the challenger's.
@pytest.mark.parametrize("k", [0, *(pytest.param(k, marks=pytest.mark.soak) for k in (1, 2, 3, 4)), 5, 6])
def test_a_crowning_killed_at_any_step_leaves_a_whole_champion_and_may_be_repeated(
    kept: Kept, steps: list[int], k: int
) -> None:
    name = f"killed{k}"
    _, two = two_versions(kept, name)
    first = dict(named(kept.registry, name, "1").tags)
    steps[0] = k
    with pytest.raises(Killed):
        kept.registry.crown(two, "passed", ["better"])
    steps[0] = 10**9
    champion = named(kept.registry, name, "champion")
    assert champion.version == ("1" if k < 6 else "2")
    assert champion.gate == "passed"
    # Until it is champion it speaks for no day, whatever its tags say.
    spoken = kept.registry.champion_for(name, shop().ends)
    assert spoken is not None
    assert spoken.version == champion.version
    kept.registry.crown(two, "passed", ["better"])
    known = {key: first[key] for key in ("seal", "bundle", "trained_on")}
    crowned = {**known, "gate": "passed", "gate.reasons": "better", "crowned": "2"}
    assert [dict(v.tags) for v in kept.registry.versions(name)] == [first, crowned]
    assert kept.aliases(name) == {"champion": "2", "previous": "1"}
    crowns = [t for t in kept.registry.audit() if t["name"] == name and t["what"] == "crown"]
    assert [(t["from"], t["to"]) for t in crowns] == [("1", "2")]


def test_a_rollback_killed_at_any_step_may_be_repeated(kept: Kept, steps: list[int]) -> None:
    for k in range(2):  # The tag of the one that is left, then the alias.
        name = f"left{k}"
        _, two = two_versions(kept, name)
        kept.registry.crown(two, "passed")
        steps[0] = k
        with pytest.raises(Killed):
            kept.registry.rollback(name)
        steps[0] = 10**9
        assert named(kept.registry, name, "champion").version == "2"
        kept.registry.rollback(name)
        assert kept.aliases(name) == {"champion": "1", "previous": "1"}
        assert [v.rolled_back for v in kept.registry.versions(name)] == [False, True]


def test_an_alias_moved_by_hand_is_refused_and_a_rollback_mends_it(kept: Kept) -> None:
    _, two = two_versions(kept, "hand")
    kept.registry.crown(two, "passed")
    kept.version("hand")
    kept.client.set_registered_model_alias("hand", "champion", "3")
    with pytest.raises(NoModel, match=r"moved to version 3 by hand.*regulars promote 3.*regulars rollback"):
        kept.registry.champion("hand")
    # `previous` is still version 1, but version 2 was champion last.
    left, now = kept.registry.rollback("hand")
    assert (left.version, now.version) == ("3", "2")
    assert kept.registry.champion("hand")[1].version == "2"


def test_one_put_there_by_hand_is_never_gone_back_to(kept: Kept) -> None:
    two_versions(kept, "skipped")
    kept.client.set_registered_model_alias("skipped", "champion", "2")
    kept.registry.crown(kept.version("skipped"), "passed")
    assert kept.aliases("skipped") == {"champion": "3", "challenger": "2"}
    with pytest.raises(NoModel, match="nothing to go back to"):
        kept.registry.rollback("skipped")


def test_for_a_day_speaks_who_was_crowned_last_of_those_trained_by_then(kept: Kept) -> None:
    days = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-01-15"]
    versions = [kept.version("days", trained_on=day) for day in days]

    def speaker(day: str) -> str | None:
        found = kept.registry.champion_for("days", Cutoff.parse(day))
        return None if found is None else found.version

    assert speaker("2024-06-01") is None  # Nobody was crowned.
    for version in versions[:3]:
        kept.registry.crown(version, "passed")
    told = {"2023-12-31": None, "2024-01-01": "1", "2024-01-31": "1", "2024-02-01": "2", "2024-03-01": "3"}
    assert {day: speaker(day) for day in told} == told
    kept.registry.rollback("days")
    assert [speaker(day) for day in ("2024-01-31", "2024-03-01")] == ["1", "2"]
    # An older training that was crowned later speaks for all days that it may speak for.
    kept.registry.crown(versions[3], "forced", ["a test"])
    assert [speaker(day) for day in ("2024-01-10", "2024-01-15", "2024-03-01")] == ["1", "4", "4"]


def test_while_aliases_are_moved_nobody_else_moves_them(kept: Kept) -> None:
    with job(kept.registry.regulars, "promote", "a test"):
        kept.registry.crown(kept.version("mine"), "passed")  # Within one's own block.
    import threading

    failed = list[Exception]()

    def other() -> None:
        try:
            kept.registry.rollback("mine")
        except Busy as error:
            failed.append(error)

    with job(kept.registry.regulars, "promote", "a test"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(failed) == 1
    assert "a test" in str(failed[0])


def test_a_champion_whose_files_were_changed_is_refused_and_so_is_its_crowning(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kept.registry.store.run("spoilt") as run_id:
        kept.registry.register(trained().model, run_id, "spoilt", {})
    version = named(kept.registry, "spoilt", "1")
    kept.registry.crown(version, "passed")
    with kept.registry.folder(version) as folder:
        (file,) = folder.rglob("bundle/churn_30_rich.ubj")
        before = file.read_bytes()
        file.write_bytes(before[:-1] + b"?")
    for refused in (lambda: kept.registry.champion("spoilt"), lambda: kept.registry.crown(version, "forced")):
        with pytest.raises(NoModel, match=r"changed.*churn_30_rich"):
            refused()
    file.write_bytes(before)
    assert kept.registry.champion("spoilt")[1].version == "1"
    folder.rename(tmp_path / "gone")
    with pytest.raises(NoModel, match=r"files of version 1 \(champion\) are gone"):
        kept.registry.champion("spoilt")
    # A version that was never sealed is no better.
    kept.client.delete_model_version_tag("spoilt", "1", "seal")
    (tmp_path / "gone").rename(folder)
    with pytest.raises(NoModel, match="never sealed"):
        kept.registry.champion("spoilt")


def test_a_failed_registration_leaves_the_old_challenger(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    two_versions(kept, "unlucky")

    def refuse(*_: object, **__: object) -> None:
        raise mlflow.exceptions.MlflowException("the alias could not be moved")

    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "set_registered_model_alias", refuse)
        with (
            pytest.raises(StorageError, match="could not be moved"),
            kept.registry.store.run("unlucky") as run_id,
        ):
            kept.registry.register(trained().model, run_id, "unlucky", {})
    assert kept.client.get_run(run_id).info.status == "FAILED"
    assert kept.aliases("unlucky") == {"champion": "1", "challenger": "2"}


def test_a_store_that_is_not_there_has_no_champion_and_is_not_made_by_asking(tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path}/mlruns/mlflow.db", tmp_path)
    assert registry.versions("regulars") == ()
    assert registry.at("regulars", "champion") is None
    for asked in (lambda: registry.champion("regulars"), lambda: registry.rollback("regulars")):
        with pytest.raises(NoModel, match="no model store") as refused:
            asked()
        assert refused.value.exit_code == 6
    assert not (tmp_path / "mlruns").exists()


def test_what_is_not_there_is_said_with_what_is(kept: Kept) -> None:
    two_versions(kept, "few")
    with pytest.raises(NoModel, match=r"`few` has no `7`.*version 1 \(champion\), version 2 \(challenger\)"):
        named(kept.registry, "few", "7")
    with pytest.raises(NoModel, match="no champion of `others`"):
        kept.registry.champion("others")
