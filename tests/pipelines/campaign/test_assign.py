"""Assign: a plan stands once a campaign and day; the same again changes nothing, and what is otherwise is refused."""

from __future__ import annotations

import contextvars
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from regulars.config import Config
from regulars.disk.lock import job
from regulars.errors import Busy, ConfigError, Refused, StorageError
from regulars.intake import Ledger, build_ledger
from regulars.pipelines.campaign import assign as flow
from regulars.pipelines.campaign.assign import assign
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.events import log_events
from regulars.pipelines.campaign.wave import Wave

from .open_shop import CATALOGUE, DAY, opened, published, who


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """What the shops of all these tests bought."""
    return build_ledger(opened(tmp_path_factory.mktemp("ledger")))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A shop in which nothing was decided yet."""
    return opened(tmp_path)


def changed(config: Config, old: str, new: str) -> None:
    """Another catalogue."""
    assert old in CATALOGUE
    (config.folder / "offers.toml").write_text(CATALOGUE.replace(old, new), encoding="utf-8")


def column(wave: Wave, name: str) -> list[Any]:
    """A column of the decisions."""
    return list(wave.table([name]).column(name).to_pylist())


def test_every_scored_customer_gets_a_row_and_those_who_are_compared_with_get_nothing(
    ledger: Ledger, config: Config
) -> None:
    found = assign(ledger, config)
    rows = found.wave.table().to_pylist()
    assert [row["customer_id"] for row in rows] == [who(i) for i in range(40)]
    assert {row["offer"] for row in rows if row["arm"] in ("holdout", "control")} == {""}
    assert {row["arm"] for row in rows} == {"holdout", "control", "explore", "chosen"}
    assert all(row["why"] for row in rows if not row["offer"])
    # Every ninth has said no.
    assert {row["offer"] for row in rows[::9]} == {""}
    given = sum(bool(row["offer"]) for row in rows)
    assert (found.unchanged, found.wave.facts["given"]) == (False, given)
    assert found.lines[1].startswith(f"{given} of 40 customers are given something (")
    assert sum(found.wave.facts["arms"].values()) == 40
    assert "shopper" not in str((found.lines, found.notes, found.figures()))


def test_the_same_again_changes_nothing_and_says_so(
    ledger: Ledger, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = assign(ledger, config)
    digest, times = first.wave.digest, [f.stat().st_mtime_ns for f in first.wave.folder.iterdir()]
    # Nothing is even planned where everything is as it was.
    monkeypatch.setattr(flow, "planned_day", None)
    again = assign(ledger, config)
    assert (again.unchanged, again.wave, again.wave.digest) == (True, first.wave, digest)
    assert [f.stat().st_mtime_ns for f in first.wave.folder.iterdir()] == times
    assert again.lines[0].startswith("spring as of 2024-03-04 was assigned before, and stands unchanged")
    assert again.figures()["unchanged"] is True


def test_another_shop_with_the_same_data_decides_the_same_to_the_byte(
    ledger: Ledger, config: Config, tmp_path: Path
) -> None:
    other = assign(ledger, opened(tmp_path / "other")).wave
    assert assign(ledger, config).wave.digest == other.digest


def test_what_is_not_as_it_was_but_decides_the_same_changes_nothing(ledger: Ledger, config: Config) -> None:
    first = assign(ledger, config)
    # Another campaign decides for the same day, and something is said of the offer that decides nothing.
    changed(config, 'name = "spring"', 'name = "autumn"')
    assert assign(ledger, config).wave.number == 2
    changed(config, 'title = "Two off"', 'title = "Two off for you"')
    digest = first.wave.digest
    with pytest.raises(Refused, match=r"changed since then: the catalogue of offers$"):
        # Every row tells by which catalogue it was decided.
        assign(ledger, config)
    (config.folder / "offers.toml").write_text(CATALOGUE, encoding="utf-8")
    again = assign(ledger, config)
    assert (again.unchanged, again.wave.digest) == (True, digest)
    named = config.model_copy(update={"contact": config.contact.model_copy(update={"complaint_days": 91})})
    assert assign(ledger, named).unchanged


def test_what_would_be_decided_otherwise_is_refused_and_says_what_has_changed(ledger: Ledger, config: Config) -> None:
    first = assign(ledger, config).wave
    digest = first.digest
    published(config.folder, spend=500.0, version="2")
    with pytest.raises(Refused, match="was assigned, and 40 of its rows would be others now") as refused:
        assign(ledger, config)
    assert (refused.value.code, refused.value.exit_code) == ("RG434", 5)
    assert "changed since then: the scores of that day" in str(refused.value)
    assert "expected_spend" in refused.value.offending
    assert Decisions.of(config).waves() == (first,)
    assert first.digest == digest


def test_the_next_wave_knows_what_the_one_before_has_given(ledger: Ledger, config: Config) -> None:
    first = assign(ledger, config).wave
    published(config.folder, day=DAY.plus(7))
    second = assign(ledger, config).wave
    assert (second.number, second.facts["before"]) == (2, [first.name])
    before, after = (dict(zip(column(w, "customer_id"), column(w, "offer"), strict=True)) for w in (first, second))
    tea = [c for c, offer in before.items() if offer == "tea"]
    # Tea has a cool-down of 14 days.
    assert len(tea) > 5
    assert "tea" not in {after[c] for c in tea}
    # The arms of a campaign are drawn once.
    assert column(first, "arm") == column(second, "arm")


def test_days_are_assigned_in_their_order(ledger: Ledger, config: Config) -> None:
    published(config.folder, day=DAY.plus(7))
    assign(ledger, config)
    with pytest.raises(Refused, match="2024-03-11 stand already, and 2024-03-04 is before it") as refused:
        assign(ledger, config, DAY)
    assert refused.value.code == "RG435"


def test_a_campaign_that_draws_otherwise_than_before_needs_another_name(ledger: Ledger, config: Config) -> None:
    assign(ledger, config)
    published(config.folder, day=DAY.plus(7))
    changed(config, "control = 0.2", "control = 0.3")
    with pytest.raises(Refused, match="`control` is not as it was") as refused:
        assign(ledger, config)
    assert refused.value.code == "RG437"


def test_a_budget_of_nothing_is_a_wave_in_which_nobody_gets_anything(ledger: Ledger, config: Config) -> None:
    changed(config, "budget = 20", "budget = 0")
    found = assign(ledger, config)
    assert (set(column(found.wave, "offer")), found.wave.facts["given"]) == ({""}, 0)
    assert found.wave.table().num_rows == 40
    assert assign(ledger, config).unchanged


def test_without_scores_of_the_day_nothing_is_assigned(ledger: Ledger, config: Config) -> None:
    with pytest.raises(ConfigError, match="regulars score"):
        assign(ledger, config, DAY.plus(1))
    assert Decisions.of(config).waves() == ()


def test_a_wave_that_was_changed_by_hand_is_not_said_to_stand(ledger: Ledger, config: Config) -> None:
    wave = assign(ledger, config).wave
    wave.path("plan.json").write_text("{}")
    with pytest.raises(StorageError, match=r"plan\.json"):
        assign(ledger, config)


def test_of_two_at_once_the_second_is_told_who_is_at_it(ledger: Ledger, config: Config) -> None:
    def elsewhere() -> None:
        with pytest.raises(Busy, match="logging events"):
            assign(ledger, config)

    with job(config.folder / ".regulars", "offers", "logging events"):
        contextvars.Context().run(elsewhere)
    assert Decisions.of(config).waves() == ()


def test_events_that_came_since_change_nothing_of_what_stands(ledger: Ledger, config: Config) -> None:
    wave = assign(ledger, config).wave
    named = wave.table(["decision_id"], "given").column("decision_id")[:1]
    columns = {"event_id": ["a"], "decision_id": named, "kind": ["rejected"], "occurred_at": ["2024-03-05"]}
    log_events(config, pa.table(columns))
    assert assign(ledger, config).unchanged
