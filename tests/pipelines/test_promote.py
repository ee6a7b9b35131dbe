"""Promote: who is judged beside whom, what becomes of aliases, and that nothing is crowned that the gate refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regulars.disk.lock import job
from regulars.errors import Busy, ConfigError, NoModel, Refused
from regulars.models.registry import Registry
from regulars.pipelines.kept import predictions_file
from regulars.pipelines.promote import NOTHING, promote

from ..simulated import shop
from .gated import Shop, towards_the_truth


@pytest.fixture(scope="module")
def first(registered_shop: Shop) -> Shop:
    """Version 1 is champion."""
    made = registered_shop.another("first")
    assert made.registered() == "1"
    assert made.promoted().check().crowned
    return made


@pytest.fixture
def unmoved(first: Shop) -> Iterator[Shop]:
    """The same for a test that moves no alias."""
    yield first
    assert first.at("champion") == "1"


def test_the_first_model_is_crowned_by_the_absolute_checks(first: Shop) -> None:
    version = first.registry.at("first", "1")
    assert version is not None
    assert (version.gate, version.crowned) == ("passed", 1)
    assert first.audit()[0] == "crown 1"
    assert "there is no champion" in version.tags["gate.reasons"]
    assert first.at("challenger") is None or first.at("challenger") != "1"


def test_a_challenger_with_noise_is_refused_with_figures_and_the_champion_stays(unmoved: Shop) -> None:
    worse = unmoved.registered(towards_the_truth(-0.3))
    found = unmoved.promoted()
    assert (found.version, found.state, found.champion) == (worse, "refused", "1")
    with pytest.raises(Refused, match=r"RG327: version \d+ .*log loss\) are \d+\.\d % larger") as refused:
        found.check()
    assert refused.value.exit_code == 5
    assert found.verdict is not None
    compared = found.verdict.figures["compared"]
    assert compared["log_loss"]["ours"] > compared["log_loss"]["theirs"]
    assert compared["log_loss"]["ci"][1] < 0
    # Kept predictions of both at the one origin: nothing was learnt again.
    assert list(found.how.values()) == ["kept predictions"]
    assert unmoved.at("challenger") == worse
    assert unmoved.audit()[-1] == f"refused {worse}"


def test_a_dry_run_judges_and_writes_nothing(unmoved: Shop) -> None:
    version = unmoved.registered(towards_the_truth(0.1))
    before = {f: f.read_bytes() for f in (unmoved.config.folder / ".regulars").rglob("*") if f.is_file()}
    tags = unmoved.registry.at("first", version)
    found = unmoved.promoted(version, dry_run=True)
    assert (found.state, found.crowned) == ("would be promoted", False)
    assert {f: f.read_bytes() for f in (unmoved.config.folder / ".regulars").rglob("*") if f.is_file()} == before
    assert unmoved.registry.at("first", version) == tags


def test_whoever_comes_second_is_told_so(unmoved: Shop) -> None:
    with (
        job(unmoved.config.folder / ".regulars", "promote", "promoting a model"),
        pytest.raises(Busy, match="promoting"),
    ):
        _elsewhere(unmoved)


def _elsewhere(made: Shop) -> None:
    """Promote as another process would: without the locks that this thread holds."""
    import contextvars

    contextvars.Context().run(made.promoted)


def test_there_is_nothing_to_promote_without_a_challenger_and_only_the_schedule_is_content(tmp_path: Path) -> None:
    empty = Shop(tmp_path)
    assert empty.promoted(auto=True).state == NOTHING
    with pytest.raises(NoModel, match=r"RG329: there is no challenger of `regulars`") as refused:
        empty.promoted()
    assert refused.value.exit_code == 6
    assert not (tmp_path / "mlruns").exists()


def test_a_force_says_why(unmoved: Shop) -> None:
    with pytest.raises(ConfigError, match="RG328"):
        unmoved.promoted(force=" ")


def test_a_tie_a_better_one_a_rollback_and_a_force(first: Shop) -> None:
    made = first.another("tie")
    for version in ("1", "2"):  # The second is the same training again, as with newer data that change nothing.
        assert made.registered() == version
        assert made.promoted().check().crowned
    assert (made.at("champion"), made.at("previous"), made.at("challenger")) == ("2", "1", None)
    better = made.registered(towards_the_truth(0.2))
    found = made.promoted(auto=True)
    assert found.crowned
    assert found.verdict is not None
    assert "smaller" in found.verdict.reasons[0]
    assert made.promoted(better).state == "unchanged"
    left, now = made.registry.rollback("tie")
    assert (left.version, now.version) == (better, "2")
    # Nobody but a person crowns it again, whoever calls it the challenger.
    made.registry.store.client().set_registered_model_alias("tie", "challenger", better)
    assert made.promoted(auto=True).state == NOTHING
    assert made.at("champion") == "2"
    worse = made.registered(towards_the_truth(-0.3))
    assert made.promoted(auto=True).state == "refused"
    forced = made.promoted(force="the old one misses the new shop")
    assert (forced.state, made.at("champion"), made.at("previous")) == ("forced", worse, "2")
    version = made.registry.at("tie", worse)
    assert version is not None
    assert version.gate == "forced"
    assert version.tags["gate.reasons"].startswith("forced: the old one misses the new shop; errors in")
    assert made.audit() == ["crown 1", "crown 2", f"crown {better}", "rollback 2", f"refused {worse}", f"crown {worse}"]


def test_a_promotion_that_was_killed_half_way_is_repeated(first: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    made = first.another("killed")
    made.registered()
    made.promoted().check()
    version = made.registered(towards_the_truth(0.1))

    def killed_at(step: str) -> None:
        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Registry, step, killed)
            with pytest.raises(KeyboardInterrupt):
                made.promoted()

    killed_at("_move")
    # All was noted but the one thing that counts: readers have the old champion.
    assert (made.at("champion"), made.at("challenger")) == ("1", version)
    assert made.promoted().check().crowned
    assert (made.at("champion"), made.at("previous"), made.at("challenger")) == (version, "1", None)
    assert made.audit() == ["crown 1", f"crown {version}"]
    made.registered(towards_the_truth(0.2))
    killed_at("unchallenge")
    # The champion stands; only its old alias was left behind, and is taken away.
    assert made.at("champion") == made.at("challenger") == "3"
    assert made.promoted(auto=True).state == "unchanged"
    assert (made.at("champion"), made.at("previous"), made.at("challenger")) == ("3", version, None)


def test_a_champion_that_was_put_there_by_hand_is_judged_beside_the_one_before(first: Shop) -> None:
    made = first.another("by-hand")
    made.registered()
    made.promoted().check()
    worse = made.registered(towards_the_truth(-0.3))
    made.registry.store.client().set_registered_model_alias("by-hand", "champion", worse)
    refused = made.promoted(worse)
    assert (refused.state, refused.champion) == ("refused", worse)
    assert refused.told == ("the champion's alias was moved by hand: judged beside version 1",)
    assert made.promoted("1").state == "promoted"
    assert (made.at("champion"), made.at("previous")) == ("1", None)


@contextmanager
def spoilt(made: Shop, version: str) -> Iterator[None]:
    """A version one of whose boosters has another last byte."""
    found = made.registry.at("first", version)
    assert found is not None
    with made.registry.folder(found) as folder:
        file = next((folder / "artifacts" / "bundle").glob("churn_30_plain.ubj"))
    before = file.read_bytes()
    file.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    try:
        yield
    finally:
        file.write_bytes(before)


def test_what_cannot_be_read_is_not_crowned_even_by_force(unmoved: Shop) -> None:
    version = unmoved.registered()
    with spoilt(unmoved, version):  # Their files are shared, so that this spoils all of them for a while.
        found = unmoved.promoted(version, force="it must be")
    assert found.state == "refused"
    assert found.verdict is not None
    assert found.verdict.reasons[0].startswith("it cannot be read")


def test_a_ledger_without_the_columns_of_the_model_refuses_it(unmoved: Shop) -> None:
    version = unmoved.registered()
    manifest = shop().manifest
    bare = replace(shop(), manifest=replace(manifest, columns=manifest.columns[:4]))
    found = promote(unmoved.config, lambda: bare, version, force="it must be")
    assert found.state == "refused"
    assert found.verdict is not None
    assert "the ledger lacks the column discount" in found.verdict.reasons


def test_predictions_that_are_gone_are_told_where_nothing_can_be_learnt_again(unmoved: Shop) -> None:
    # A ledger in memory has no files that another process could read.
    version = unmoved.registered()
    found = unmoved.registry.at("first", version)
    assert found is not None
    predictions_file(unmoved.config, found.run_id).unlink()
    judged = unmoved.promoted(version)
    assert judged.state == "refused"
    assert judged.verdict is not None
    assert "it cannot be judged: a ledger in memory has no files" in judged.verdict.reasons


def test_the_figures_of_a_promotion_are_json(unmoved: Shop) -> None:
    found = unmoved.promoted("1")
    assert json.loads(json.dumps(found.figures(), allow_nan=False))["state"] == "unchanged"
    assert np.isin(["unchanged"], found.words[0].split()).all()
