"""Whoever speaks is exchanged under load without a failed answer, each of which is by one of them from end to end."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from regulars.config import Config
from regulars.errors import NoModel, StorageError
from regulars.models.model import Model
from regulars.models.outputs import OUTPUTS
from regulars.serving import speaking as speaking_module
from regulars.serving.app import App
from regulars.serving.endpoint import Endpoint
from regulars.serving.here import laid
from regulars.serving.speaking import Speaking
from regulars.serving.stage import Stages

from ..simulated import config_of, trained
from .asgi import Reply, asked

CLIENTS = 4


def model_of(version: str) -> Model:
    """Two models that tell apart who is of high value: by the first everybody is, by the second nobody."""
    return replace(trained().model, high_value=0.0 if version == "1" else 1e9)


@pytest.fixture
def config() -> Config:
    return config_of()


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    found = Stages(tmp_path / "server")
    laid(found, model_of("1"), "1")
    return found


def spoil(stages: Stages, version: str) -> None:
    """A stage with a file of its bundle changed: no worker may speak from it."""
    laid(stages, model_of(version), version)
    file = stages.stage().bundle / "model.json"
    file.write_bytes(file.read_bytes().replace(b'"high_value"', b'"high_Value"'))


async def _until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not reached():
            await asyncio.sleep(0.01)


async def _loaded(app: App, speaking: Speaking, body: bytes, steps: list[Callable[[], None]]) -> list[Reply]:
    """Clients ask without a pause while one step after the other is done, until each has been answered by whom it
    brought."""
    replies, done = list[Reply](), asyncio.Event()

    async def client() -> None:
        while not done.is_set():
            replies.append(await asked(app, "POST", "/v1/score", [body]))
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(client()) for _ in range(CLIENTS)]
    watch = asyncio.create_task(speaking.watch())
    for step in steps:
        await asyncio.to_thread(step)
        await _until(lambda: not speaking.behind)
        seen = len(replies)
        await _until(lambda seen=seen: len(replies) >= seen + CLIENTS)
    done.set()
    await asyncio.gather(*tasks)
    watch.cancel()
    return replies


def test_a_swap_and_a_rollback_under_load_fail_no_request_and_mix_no_answer(
    stages: Stages, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking_module, "LOOKS_SECONDS", 0.01)
    speaking = Speaking(stages, config)
    body = json.dumps(speaking.speaker.example()).encode()
    steps: list[Callable[[], None]] = [
        lambda: laid(stages, model_of("2"), "2"),
        lambda: spoil(stages, "3"),
        lambda: laid(stages, model_of("1"), "1"),
        lambda: laid(stages, model_of("2"), "2"),
    ]
    replies = asyncio.run(_loaded(App(Endpoint(config, stages.folder), speaking), speaking, body, steps))
    assert {reply.status for reply in replies} == {200}
    told = Counter[tuple[str, str, bool]]()
    for reply in replies:
        content = reply.json()
        (row,) = content["scores"]
        told[reply.headers["x-model-version"], content["model"]["version"], "high value" in row["segment"]] += 1
    # Version 1 takes everybody for one of high value, 2 nobody; who was spoilt never spoke.
    assert set(told) == {("1", "1", True), ("2", "2", False)}
    assert min(told.values()) >= 2 * CLIENTS
    versions = [reply.headers["x-model-version"] for reply in replies]
    assert sum(a != b for a, b in pairwise(versions)) == 3
    assert (speaking.swaps, speaking.trouble) == (3, "")


def test_who_cannot_be_loaded_leaves_the_one_before_and_is_tried_again_later(
    stages: Stages, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, said = [100.0], list[str]()
    monkeypatch.setattr(speaking_module.time, "monotonic", lambda: now[0])
    speaking = Speaking(stages, config, said.append)
    before = speaking.speaker
    spoil(stages, "2")
    assert (speaking.behind, speaking.renew()) == (True, False)
    assert speaking.speaker is before
    assert speaking.trouble.startswith("RG")
    assert said == [f"warning: {speaking.trouble}"]
    assert not speaking.behind
    now[0] += speaking_module.AGAIN_SECONDS
    assert speaking.behind
    laid(stages, model_of("2"), "3")
    assert (speaking.behind, speaking.renew(), speaking.behind) == (True, True, False)
    assert (speaking.speaker.version, speaking.trouble, speaking.swaps) == ("3", "", 1)


def test_one_that_does_not_answer_its_own_example_never_speaks(
    stages: Stages, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaking = Speaking(stages, config)
    laid(stages, model_of("2"), "2")

    def broken(*_: object) -> bytes:
        raise ZeroDivisionError("of customer ann")

    monkeypatch.setattr(speaking_module, "score", broken)
    assert not speaking.renew()
    # What an unforeseen error says may hold anything: its kind alone is told.
    assert speaking.trouble == "RG394: what is on stage cannot speak: ZeroDivisionError"
    assert speaking.speaker.version == "1"


def test_whoever_takes_over_has_said_all_there_is_to_say_before(
    stages: Stages, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[dict[str, object]]()
    monkeypatch.setattr(speaking_module, "score", lambda *given: asked.append(json.loads(given[2])))
    speaker = Speaking(stages, config).speaker
    usual, everything = asked
    assert usual == speaker.example()
    assert everything == {**usual, "outputs": list(OUTPUTS), "horizons": list(speaker.model.learnt.horizons)}


def test_where_only_what_others_tell_has_moved_the_model_stays(stages: Stages, config: Config) -> None:
    speaking = Speaking(stages, config)
    before, later = speaking.speaker, trained().model.trained_on.plus(7)
    others = json.dumps(trained().model.reference.at(later.day).to_dict()).encode()
    laid(stages, model_of("1"), "1", later, others)
    assert speaking.renew()
    now = speaking.speaker
    assert (now.model is before.model, now.door is before.door, now.customers is before.customers) == (True,) * 3
    assert (now.reference_day, now.reference) == (later, trained().model.reference.at(later.day))
    assert (before.reference_day, before.reference) == (trained().model.trained_on, trained().model.reference)


def test_what_keeps_the_champion_away_is_trouble_as_well(stages: Stages, config: Config) -> None:
    speaking = Speaking(stages, config)
    stages.tell("RG314: the alias was moved by hand")
    assert (speaking.trouble, speaking.behind) == ("RG314: the alias was moved by hand", False)
    stages.tell("")
    assert speaking.trouble == ""


def test_where_nothing_is_on_stage_nobody_begins(tmp_path: Path, config: Config) -> None:
    with pytest.raises(NoModel, match="no model was laid ready"):
        Speaking(Stages(tmp_path), config)
    with Stages(tmp_path).adding() as place:
        (place / "facts.json").write_text("{")
    with pytest.raises(StorageError, match=r"`facts\.json` of the stage 1 cannot be read") as refused:
        Speaking(Stages(tmp_path), config)
    assert refused.value.code == "RG390"
