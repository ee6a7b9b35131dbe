"""The doctor on the decisions log: what cannot be made again is told and left alone, what was left half is swept."""

from __future__ import annotations

from pathlib import Path

import pytest

from regulars.config import Config
from regulars.pipelines import ailing_decisions, ailing_files, doctor
from regulars.pipelines.campaign.book import ASIDE, ONLINE, WAVES, Decisions
from regulars.pipelines.campaign.events import log_events

from .decided import assigned, config_in, events_of


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A shop with a wave and an event."""
    found = config_in(tmp_path)
    assigned(Decisions.of(found))
    log_events(found, events_of(("a", 3, "sent", "2024-03-04 10:00:00", None)))
    return found


def told(config: Config) -> list[tuple[str, bool, bool]]:
    """What is wrong with the log: kind, whether it can be mended, whether it is slight."""
    found = [*ailing_decisions.unwhole_waves(config), *ailing_decisions.damaged_events(config)]
    return [(f.kind, f.cure is not None, f.slight) for f in found]


def test_where_all_is_well_nothing_is_told_but_how_much_was_decided(config: Config, tmp_path: Path) -> None:
    assert told(config) == []
    assert ailing_decisions.facts(config) == {"waves": 1, "latest wave": "spring as of 2024-03-04"}
    (tmp_path / "empty").mkdir()
    nothing = config_in(tmp_path / "empty")
    assert (told(nothing), ailing_decisions.facts(nothing)) == ([], {})
    assert not (tmp_path / "empty" / "decisions").exists()


def test_a_wave_that_was_changed_is_told_and_left_alone(config: Config) -> None:
    (wave,) = Decisions.of(config).waves()
    wave.path("policy.json").write_text("{}")
    assert told(config) == [("unwhole-wave", False, False)]
    (found,) = ailing_decisions.unwhole_waves(config)
    assert "policy.json" in found.what
    assert wave.folder.is_dir()


def test_a_damaged_file_of_events_and_half_lines_are_told(config: Config) -> None:
    book = Decisions.of(config)
    (book.folder / ONLINE).mkdir()
    (book.folder / ONLINE / "2024-03-05.jsonl").write_text('{"decision_id": "a", "at": 1}\n{"decision')
    assert told(config) == [("half-line", False, True)]
    book.store.path.write_bytes(b"no database" * 1000)
    assert told(config) == [("damaged-events", False, False), ("half-line", False, True)]


def test_what_killed_writers_left_is_swept_and_the_rights_of_others_are_taken_away(config: Config) -> None:
    book = Decisions.of(config)
    (book.folder / ASIDE).mkdir()
    halves = [book.folder / WAVES / ".tmp-spring-2024-03-11-0a1b2c3d-1", book.folder / ASIDE / ".tmp-0a.parquet"]
    halves[0].mkdir()
    halves[1].write_bytes(b"half")
    (wave,) = book.waves()
    wave.path("decisions.parquet").chmod(0o644)
    found = [*ailing_files.left_behind(config), *ailing_files.open_to_others(config)]
    assert {f.kind for f in found} == {"unfinished-file", "open-file"}
    for ailment in found:
        assert ailment.cure is not None
        ailment.cure()
    assert [half.exists() for half in halves] == [False, False]
    assert oct(wave.path("decisions.parquet").stat().st_mode & 0o777) == "0o600"
    assert (wave.verified(), told(config)) == (wave, [])


def test_the_doctor_makes_these_checks_and_keeps_assigning_out_while_it_mends() -> None:
    assert {ailing_decisions.unwhole_waves, ailing_decisions.damaged_events} <= set(doctor.CHECKS)
    assert "offers" in doctor.JOBS
