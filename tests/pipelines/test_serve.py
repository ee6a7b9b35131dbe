"""The keeper: who is champion and what others tell come on stage whole; whatever cannot come leaves what is there."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.load import Load, request
from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import ConfigError, NoModel, StorageError
from regulars.features.reference import Reference
from regulars.models.seal import bundle_digest
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.wave import POLICY, Wave
from regulars.pipelines.erase import erased_from_run
from regulars.pipelines.published import CSV, FACTS, MANIFEST, REFERENCE, RUNS, SCORES, Book, Run
from regulars.pipelines.serve import AGAIN_SECONDS, Keeper, abandoned, serve, stood
from regulars.pipelines.sought import Sought
from regulars.serving.offering import marks
from regulars.serving.stage import KEPT, Stages

from ..simulated import purchases, trained, written
from ..test_log import run
from .campaign.decided import draft_of
from .gated import Shop


def later() -> Cutoff:
    """A week after the training."""
    return trained().model.trained_on.plus(7)


@pytest.fixture(scope="module")
def served(registered_shop: Shop) -> Shop:
    """A model of these tests' own with two versions; each test says who is champion."""
    shop = registered_shop.another("served")
    shop.registered()
    shop.registered()
    return shop


@pytest.fixture
def crowned(served: Shop) -> Shop:
    """The same with the first version as champion."""
    crown(served, "1")
    return served


def crown(shop: Shop, version: str) -> None:
    found = shop.registry.at(shop.name, version)
    assert found is not None
    shop.registry.crown(found, "passed")


@pytest.fixture
def keeper(crowned: Shop, tmp_path: Path) -> Keeper:
    return Keeper(crowned.config, Stages(tmp_path / "server"), tmp_path / "scores")


def run_of(keeper: Keeper, day: Cutoff, reference: Reference | None, key: str = "0000000a") -> Run:
    """A run with what other customers told it, and nothing else that counts here."""
    book, name = Book(keeper.scores), f"{day}-v1-{key}"
    with book.filling(name) as place:
        pq.write_table(pa.table({"customer_id": ["ann"]}), place / SCORES)
        (place / CSV).write_text("customer_id\nann\n")
        (place / FACTS).write_text(json.dumps({"erased": 0}))
        if reference is not None:
            (place / REFERENCE).write_text(json.dumps(reference.to_dict()))
    run = Run(book.folder / RUNS / name)
    book.point(run)
    return run


def until(reached: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_the_champion_comes_on_stage_once_with_the_bytes_that_were_registered(keeper: Keeper, crowned: Shop) -> None:
    assert (keeper.look(), keeper.look()) == (True, False)
    stage, version = keeper.stages.stage(), crowned.registry.at(crowned.name, "1")
    assert version is not None
    assert (stage.name, keeper.stages.trouble()) == ("1", "")
    facts = stage.facts()
    assert (facts.name, facts.version, facts.run_id) == (crowned.name, "1", version.run_id)
    assert facts.bundle == version.bundle == bundle_digest(stage.bundle)
    assert Path(facts.scores) == keeper.scores
    # Nothing was published: other customers speak as of the day of training, as the bundle has them.
    assert (facts.reference_day, stage.reference()) == (str(trained().model.trained_on), None)
    assert {oct(f.stat().st_mode & 0o077) for f in stage.folder.rglob("*")} == {"0o0"}


def test_a_crowning_and_a_rollback_move_the_stage_and_few_old_ones_stay(keeper: Keeper, crowned: Shop) -> None:
    versions = list[str]()
    for step in range(4):
        assert keeper.look()
        versions.append(keeper.stages.stage().facts().version)
        if step % 2 == 0:
            crown(crowned, "2")
        else:
            crowned.registry.rollback(crowned.name)
    assert versions == ["1", "2", "1", "2"]
    assert (keeper.stages.current(), sorted(f.name for f in (keeper.stages.folder / "stages").iterdir())) == (
        "4",
        ["2", "3", "4"],
    )
    assert KEPT == 3


def test_without_a_champion_nothing_comes_on_stage(registered_shop: Shop, tmp_path: Path) -> None:
    keeper = Keeper(registered_shop.another("nobodys").config, Stages(tmp_path / "server"))
    with pytest.raises(NoModel, match="there is no champion"):
        keeper.look()
    assert keeper.stages.current() == ""
    with pytest.raises(NoModel, match="no model was laid ready") as refused:
        keeper.stages.stage()
    assert refused.value.code == "RG391"


def test_a_version_that_the_gate_never_let_through_stays_off_stage(keeper: Keeper, crowned: Shop) -> None:
    keeper.look()
    unjudged, client = crowned.registered(), crowned.registry.store.client()
    client.set_registered_model_alias(crowned.name, "champion", unjudged)
    with pytest.raises(NoModel, match=f"moved to version {unjudged} by hand"):
        keeper.look()
    assert keeper.stages.stage().facts().version == "1"
    # Once it is judged and crowned, it comes.
    crown(crowned, unjudged)
    assert keeper.look()
    assert keeper.stages.stage().facts().version == unjudged


def test_a_version_with_other_files_than_were_sealed_stays_off_stage(
    keeper: Keeper, crowned: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.look()
    crown(crowned, "2")
    client = crowned.registry.store.client()
    client.set_model_version_tag(crowned.name, "2", "seal", "0" * 64)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for _ in range(2):
        with pytest.raises(NoModel, match="not those that were registered") as refused:
            keeper.look()
        assert refused.value.code == "RG302"
    assert (keeper.stages.current(), keeper.stages.stage().facts().version) == ("1", "1")
    # The files were put right. They are not hashed at every look, only once in a while.
    version = crowned.registry.at(crowned.name, "1")
    assert version is not None
    client.set_model_version_tag(crowned.name, "2", "seal", version.seal)
    with pytest.raises(NoModel):
        keeper.look()
    monkeypatch.setattr(time, "monotonic", lambda: now + AGAIN_SECONDS)
    assert keeper.look()
    assert keeper.stages.stage().facts().version == "2"


def test_what_other_customers_told_the_newest_run_comes_with_the_same_model(keeper: Keeper) -> None:
    keeper.look()
    told = trained().model.reference.at(later().day)
    counted = replace(told, counts={name: (n[0] + 1,) for name, n in told.counts.items()})
    run_of(keeper, later(), counted)
    assert (keeper.look(), keeper.look()) == (True, False)
    stage = keeper.stages.stage()
    assert (stage.facts().reference_day, stage.reference()) == (str(later()), counted)
    # The day scored again, with one more: the run's bytes are others.
    again = replace(told, counts={name: (n[0] + 2,) for name, n in told.counts.items()})
    run_of(keeper, later(), again, "0000000b")
    assert keeper.look()
    assert keeper.stages.stage().reference() == again


def test_a_run_that_tells_too_little_leaves_the_day_of_training(keeper: Keeper) -> None:
    own, day = trained().model.reference, trained().model.trained_on
    assert own.groups
    older, newer = replace(own, days=(own.days[-1] - 1,)), own.at(later().day)
    # Of a day before; without the groups that the model's features look at; by a release that kept none.
    for when, reference in ((day.minus(1), older), (later(), replace(newer, groups={})), (later().plus(1), None)):
        run_of(keeper, when, reference)
        assert keeper.look()
        stage = keeper.stages.stage()
        assert (stage.facts().reference_day, stage.reference()) == (str(day), None)


def test_a_run_that_was_changed_by_hand_is_not_believed(keeper: Keeper) -> None:
    keeper.look()
    run = run_of(keeper, later(), trained().model.reference.at(later().day))
    run.path(REFERENCE).write_text(run.path(REFERENCE).read_text().replace("purchase", "weekend", 1))
    with pytest.raises(StorageError, match=r"reference\.json of the run") as refused:
        keeper.look()
    assert refused.value.code == "RG331"
    assert keeper.stages.current() == "1"


def test_who_was_forgotten_leaves_what_others_told_as_well(keeper: Keeper) -> None:
    told = trained().model.reference.at(later().day)
    name, group = next(iter(told.groups.items()))
    who = "planted-0123456789abcdef"
    named = replace(group, names=(*group.names[:-1], who))
    run = run_of(keeper, later(), replace(told, groups={**told.groups, name: named}))
    keeper.look()
    before = json.loads(run.path(MANIFEST).read_text())
    (erased,) = erased_from_run(run, Sought(frozenset({who})), "2024-02-01")
    assert (erased.path.name, erased.count) == (REFERENCE, 1)
    assert {n for n, digest in json.loads(run.path(MANIFEST).read_text()).items() if before[n] != digest} == {
        *(REFERENCE, FACTS)
    }
    # The run is whole again, so that the stage takes it; whatever else it tells is as it was.
    assert keeper.look()
    found = keeper.stages.stage().reference()
    assert found is not None
    assert who not in str(found.to_dict())
    assert found.groups[name].names == (*group.names[:-1], "erased")


def test_the_policy_of_the_newest_wave_comes_on_stage_with_marks_of_whom_nobody_may_contact(
    keeper: Keeper, tmp_path: Path
) -> None:
    keeper.look()
    assert (keeper.stages.stage().policy(), keeper.stages.stage().left_alone()) == (None, [])
    keeper.decisions = Decisions(tmp_path / "decisions")
    contact = keeper.config.contact.model_copy(update={"do_not_contact": "stop.txt"})
    keeper.config = keeper.config.model_copy(update={"contact": contact, "folder": tmp_path})
    (tmp_path / "stop.txt").write_text("ann\n")
    assigned(keeper.decisions, "spring", Cutoff.parse("2024-03-04"))
    assert (keeper.look(), keeper.look()) == (True, False)
    stage = keeper.stages.stage()
    assert stage.policy() == {"campaign": "spring", "salt": "s", "catalogue": {"offers": []}}
    assert stage.left_alone() == marks(["ann"], "s")
    assert stage.facts().online == str(tmp_path / "decisions" / "online")
    # Another list, another wave: each is followed.
    (tmp_path / "stop.txt").write_text("ann\nbob\n")
    assert (keeper.look(), len(keeper.stages.stage().left_alone())) == (True, 2)
    assigned(keeper.decisions, "autumn", Cutoff.parse("2024-04-04"))
    assert keeper.look()
    found = keeper.stages.stage().policy()
    assert found is not None
    assert found["campaign"] == "autumn"
    assert not any("ann" in f.read_text() for f in keeper.stages.stage().folder.glob("*.json"))


def test_a_wave_or_a_list_that_is_not_whole_keeps_no_model_from_the_stage(keeper: Keeper, tmp_path: Path) -> None:
    keeper.decisions = Decisions(tmp_path / "decisions")
    wave = assigned(keeper.decisions, "spring", Cutoff.parse("2024-03-04"))
    wave.path(POLICY).write_text("{}")
    assert keeper.look()
    facts = keeper.stages.stage().facts()
    assert (facts.version, keeper.stages.stage().policy()) == ("1", None)
    assert facts.no_offers.startswith("RG431: ")
    # Nobody is written to while it is not known whom nobody may write to.
    contact = keeper.config.contact.model_copy(update={"do_not_contact": "nowhere.txt"})
    keeper.config = keeper.config.model_copy(update={"contact": contact})
    keeper.decisions = Decisions(tmp_path / "others")
    assigned(keeper.decisions, "spring", Cutoff.parse("2024-03-04"))
    assert keeper.look()
    assert keeper.stages.stage().policy() is None
    assert keeper.stages.stage().facts().no_offers.startswith("RG417: ")


def assigned(book: Decisions, campaign: str, as_of: Cutoff) -> Wave:
    """A wave about four customers, with a policy of few words."""
    draft = replace(
        draft_of(4, campaign, as_of), policy={"campaign": campaign, "salt": "s", "catalogue": {"offers": []}}
    )
    with book.writing("a test"):
        return book.assign(draft, "0a1b2c3d", {"inputs": {}})


def test_a_watched_stage_follows_by_itself_and_tells_what_is_wrong(keeper: Keeper, crowned: Shop) -> None:
    serving = keeper.config.serve.model_copy(update={"poll_seconds": 0.01})
    keeper.config, said = keeper.config.model_copy(update={"serve": serving}), list[str]()
    keeper.look()
    with keeper.watching(said.append):
        crown(crowned, "2")
        until(lambda: keeper.stages.current() == "2")
        client = crowned.registry.store.client()
        client.delete_registered_model_alias(crowned.name, "champion")
        until(lambda: keeper.stages.trouble() != "")
        # Neither a path nor an address: whoever may ask how the server is gets to read it.
        assert keeper.stages.trouble().startswith(f"RG077: there is no champion of `{crowned.name}`")
        client.set_registered_model_alias(crowned.name, "champion", "2")
        until(lambda: keeper.stages.trouble() == "")
    assert keeper.stages.current() == "2"
    assert [line.split(":")[0] for line in said] == [f"version 2 of `{crowned.name}` is on stage", "warning"]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.of().model_copy(update={"folder": tmp_path})


def test_a_server_has_a_folder_of_its_own_while_it_runs(config: Config) -> None:
    with stood(config) as one, stood(config) as other:
        assert one.folder != other.folder
        assert one.folder.is_dir()
        assert abandoned(config.folder) == ()
    assert list((config.folder / ".regulars" / "serve").iterdir()) == []


def test_what_a_killed_server_left_is_gone_when_the_next_one_begins(config: Config) -> None:
    # A lock that nobody holds any more: the kernel took it back with the process.
    place = config.folder / ".regulars" / "serve"
    with Stages(place / "here-1-0a0b0c0d").adding() as stage:
        (stage / "facts.json").write_text("{}")
    (place / "here-1-0a0b0c0d.held").write_text("{}")
    (place / "here-2-0a0b0c0d.held").write_text("{}")
    assert [left.name for left in abandoned(config.folder)] == ["here-1-0a0b0c0d", "here-2-0a0b0c0d"]
    with stood(config) as mine:
        assert {f.name for f in place.iterdir()} == {mine.folder.name, f"{mine.folder.name}.held"}
    assert list(place.iterdir()) == []


def test_a_public_address_without_a_key_is_refused_before_anything_is_made(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(config.serve.key_variable, raising=False)
    told = config.model_copy(update={"serve": config.serve.model_copy(update={"host": "0.0.0.0"})})
    with pytest.raises(ConfigError, match="no key") as refused:
        serve(told)
    assert refused.value.code == "RG385"
    assert list(config.folder.iterdir()) == []


def test_the_command_says_what_hinders_it_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml = written(tmp_path, purchases(5))
    monkeypatch.delenv("REGULARS_API_KEY", raising=False)
    public, nobody = run("serve", toml, "--host", "0.0.0.0"), run("serve", toml, "--port", "0")
    assert (public.code, nobody.code) == (2, 6)
    assert "RG385" in public.err
    assert "train a model first" in nobody.err
    assert list((tmp_path / ".regulars" / "serve").iterdir()) == []


SERVING = re.compile(r"^serving at http://127\.0\.0\.1:(\d+)$", re.M)


@contextmanager
def served_by(toml: Path, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The command itself: its process and its port."""
    command = [sys.executable, "-m", "regulars.cli", "serve", str(toml), "--port", "0", "--workers", str(workers)]
    said = toml.with_name("said")
    with said.open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            until(lambda: SERVING.search(said.read_text()) is not None)
            found = SERVING.search(said.read_text())
            assert found is not None
            yield process, int(found[1])
        finally:
            process.kill()


def spoken_by(port: int) -> str:
    """Who speaks now, and that nothing is wrong."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
        found = json.load(answer)
    assert found["status"] == "ok"
    return str(found["model_version"])


@pytest.mark.soak
def test_crownings_and_rollbacks_under_load_fail_no_request_and_a_killed_server_leaves_nobody(tmp_path: Path) -> None:
    toml = written(tmp_path, purchases())
    config = Config.load(toml)
    shop = Shop(tmp_path)
    shop.registered()
    shop.registered()
    crown(shop, "1")
    answers = Counter[str]()

    def answered(answer: bytes) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        version = json.loads(body)["model"]["version"]
        assert f"x-model-version: {version}\r\n".encode() in head
        answers[version] += 1

    with served_by(toml, 2) as (process, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=10) as answer:
            posted = json.load(answer)["paths"]["/v1/score"]["post"]["requestBody"]["content"]["application/json"]
        body = json.dumps(posted.get("example") or next(iter(posted["examples"].values()))["value"]).encode()
        load = Load(port, [request("/v1/score", body)], 8, answered)
        with ThreadPoolExecutor(1) as pool:
            out = pool.submit(load.run, 600.0)
            for number in range(10):
                if number % 2 == 0:
                    crown(shop, "2")
                else:
                    shop.registry.rollback(shop.name)
                # Both workers say so, whoever of them is asked.
                until(lambda n=number: {spoken_by(port) for _ in range(8)} == {"12"[(n + 1) % 2]})
            load.stop()
            found = out.result()
        assert (set(found.statuses), found.failed) == ({"200"}, 0)
        assert set(answers) == {"1", "2"}
        assert min(answers.values()) > 100
        assert not abandoned(config.folder)
        process.kill()
        process.wait()
        until(lambda: not _listens(port))
    (left,) = abandoned(config.folder)
    with stood(config):
        assert not left.exists()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False
