"""Events go into the log once, whoever tells them how often; what cannot be true is kept aside with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.config import Config
from regulars.errors import ConfigError, DataError, StorageError
from regulars.pipelines.campaign.book import ASIDE, ONLINE, Decisions
from regulars.pipelines.campaign.events import Logged, log_events

from .decided import DAY, assigned, config_in, decision_of, events_of, who


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A shop with one wave of twelve customers."""
    found = config_in(tmp_path)
    assigned(Decisions.of(found))
    return found


def logged(config: Config) -> list[tuple[str, str, str, str | None]]:
    """What is in the log: id, kind, UTC time, value."""
    rows = Decisions.of(config).events().to_pylist()
    told = ((r["event_id"], r["kind"], r["occurred_at"], r["value"]) for r in rows)
    return [(e, k, str(at)[:19], None if v is None else str(v)) for e, k, at, v in told]


def aside(config: Config, found: Logged) -> list[tuple[int, str, str]]:
    """The refused rows: line, column, reason."""
    assert found.aside is not None
    rows = pq.read_table(config.folder / found.aside).to_pylist()
    return [(r["line"], r["column"] or "", r["reason"]) for r in rows]


def test_events_are_logged_exactly_with_times_of_the_business_zone(config: Config) -> None:
    found = log_events(
        config,
        events_of(
            ("a", 3, "sent", "2024-03-04 10:00:00", None),
            ("b", 3, " Redeemed", "2024-03-05T12:00:00Z", "1.5"),
            ("c", 7, "converted", "2024-03-05T12:00:00+05:00", "12.3456"),
            ("d", 7, "opened", "2024-03-04", None),
        ),
    )
    assert (found.read, found.new, found.again, found.refused, found.notes) == (4, 4, 0, 0, [])
    # Berlin is an hour ahead of UTC in winter; a day begins at its midnight.
    assert logged(config) == [
        ("d", "opened", "2024-03-03 23:00:00", None),
        ("a", "sent", "2024-03-04 09:00:00", None),
        ("c", "converted", "2024-03-05 07:00:00", "12.3456"),
        ("b", "redeemed", "2024-03-05 12:00:00", "1.5000"),
    ]


def test_the_same_events_again_change_nothing(config: Config) -> None:
    told = events_of(("a", 3, "sent", "2024-03-04 10:00:00", None), ("b", 3, "redeemed", "2024-03-05", "1.5"))
    log_events(config, told)
    before = logged(config)
    # The same instant, said otherwise, is the same event; and one row is there twice.
    other = events_of(("a", 3, "sent", "2024-03-04T09:00:00Z", None), ("c", 3, "opened", "2024-03-06", None))
    again = log_events(config, pa.concat_tables([told, other, other]))
    assert (again.read, again.new, again.again, again.refused) == (6, 1, 5, 0)
    assert again.lines[0] == "events logged: 1; 5 were known already"
    assert [row for row in logged(config) if row[0] != "c"] == before


def test_what_cannot_be_true_is_kept_aside_with_its_reason_and_the_rest_is_logged(config: Config) -> None:
    log_events(config, events_of(("old", 3, "sent", "2024-03-04 10:00:00", None)))
    rows = events_of(
        ("a", 3, "opened", "2024-03-04 11:00:00", None),
        ("b", 99, "opened", "2024-03-04 11:00:00", None),
        ("c", 3, "eaten", "2024-03-04 11:00:00", None),
        ("d", 3, "opened", "2024-03-03 23:59:59", None),
        ("e", 3, "opened", "2024-02-31 11:00:00", None),
        ("f", 3, "opened", "2024-03-04 11:00:00", None),
        ("f", 3, "clicked", "2024-03-04 11:00:00", None),
        ("g", 3, "redeemed", "2024-03-04 11:00:00", "-1"),
        ("h", 3, "redeemed", "2024-03-04 11:00:00", "much"),
        ("old", 7, "sent", "2024-03-04 10:00:00", None),
        ("", 3, "sent", "2024-03-04 10:00:00", None),
    )
    found = log_events(config, rows)
    assert (found.read, found.new, found.again, found.refused) == (11, 1, 0, 10)
    assert aside(config, found) == [
        (2, "decision_id", "is of no decision that was made"),
        (3, "kind", "is none of: sent delivered opened clicked redeemed converted unsubscribed complained rejected"),
        (4, "occurred_at", "lies before the day of the wave"),
        (5, "occurred_at", "is not a date that exists, in the column's format"),
        (6, "event_id", "stands there again with other content"),
        (7, "event_id", "stands there again with other content"),
        (8, "value", "is negative"),
        (9, "value", "is not a plain number"),
        (10, "event_id", "was logged before with other content"),
        (11, "event_id", "is missing"),
    ]
    assert [e for e, *_ in logged(config)] == ["old", "a"]
    (note,) = found.notes
    assert note.startswith("10 of 11 rows were refused: 2 where `event_id` stands there again with other content; ")
    # Kept as it came, in a file that the same rows make again.
    text = pq.read_table(config.folder / str(found.aside)).column("text").to_pylist()[2]
    assert json.loads(text)["occurred_at"] == "2024-03-03 23:59:59"
    assert log_events(config, rows).aside == found.aside
    assert len(list((config.folder / "decisions" / ASIDE).iterdir())) == 1


def test_where_not_one_event_could_be_logged_it_is_an_error_and_the_rows_are_kept(config: Config) -> None:
    with pytest.raises(DataError, match="1 where `decision_id` is of no decision that was made") as refused:
        log_events(config, events_of(("a", 99, "sent", "2024-03-04 10:00:00", None)))
    assert (refused.value.code, refused.value.exit_code) == ("RG436", 3)
    assert decision_of(99) not in str(refused.value)
    assert len(list((config.folder / "decisions" / ASIDE).iterdir())) == 1


def test_a_message_to_somebody_who_was_to_get_nothing_is_logged_and_told(config: Config) -> None:
    # 0 is held out, 1 is a control; that a control buys, or complains, is no breach.
    found = log_events(
        config,
        events_of(
            ("a", 0, "sent", "2024-03-04 10:00:00", None),
            ("b", 1, "opened", "2024-03-04 10:00:00", None),
            ("c", 1, "converted", "2024-03-04 10:00:00", "5"),
            ("d", 3, "sent", "2024-03-04 10:00:00", None),
        ),
    )
    assert (found.new, found.breaches) == (4, 2)
    assert found.notes[0].startswith("2 of the messages went to somebody who was to get nothing")


def test_files_of_every_kind_tell_the_same(config: Config, tmp_path: Path) -> None:
    frame = events_of(
        ("a", 3, "sent", "2024-03-04 10:00:00", None), ("b", 3, "redeemed", "2024-03-05 10:00:00", "2.25")
    ).to_pandas()
    frame.to_csv(tmp_path / "one.csv", index=False)
    frame.to_json(tmp_path / "two.jsonl", orient="records", lines=True)
    typed = frame.assign(
        occurred_at=pd.to_datetime(frame["occurred_at"]).dt.tz_localize("Europe/Berlin"), value=[None, 2.25]
    )
    typed.to_parquet(tmp_path / "three.parquet")
    counts = [log_events(config, tmp_path / name) for name in ("one.csv", "two.jsonl", "three.parquet")]
    counts.append(log_events(config, typed))
    assert [(c.new, c.again, c.refused) for c in counts] == [(2, 0, 0)] + [(0, 2, 0)] * 3


def test_events_of_what_was_recommended_online_are_known(config: Config) -> None:
    folder = config.folder / "decisions" / ONLINE
    folder.mkdir()
    told = {"customer_id": who(50), "decision_id": decision_of(50), "campaign": "spring", "as_of": str(DAY)}
    line = json.dumps({**told, "offer": "tea", "channel": "web", "at": "2024-03-05T09:00:00Z"})
    (folder / "2024-03-05.jsonl").write_text(line + "\n")
    found = log_events(config, events_of(("a", 50, "clicked", "2024-03-05 10:01:00", None)))
    assert (found.new, found.breaches) == (1, 0)


def test_a_table_of_something_else_and_a_file_that_is_not_there_say_what_is_needed(config: Config) -> None:
    with pytest.raises(ConfigError, match="event_id, decision_id, kind, occurred_at") as other:
        log_events(config, pd.DataFrame({"a": [1]}))
    assert other.value.code == "RG439"
    with pytest.raises(DataError, match="decision"):
        log_events(config, pd.DataFrame({"event_id": ["1"], "decision": ["2"]}))
    with pytest.raises(ConfigError, match="there is no file"):
        log_events(config, config.folder / "nothing.csv")
    assert logged(config) == []


def test_a_damaged_file_of_events_is_told_and_nothing_is_written_over(config: Config) -> None:
    file = Decisions.of(config).store.path
    file.write_bytes(b"this is no database, and is long enough to be looked at" * 100)
    before = file.read_bytes()
    with pytest.raises(StorageError, match="put it back from a backup") as damaged:
        log_events(config, events_of(("a", 3, "sent", "2024-03-04 10:00:00", None)))
    assert damaged.value.code == "RG433"
    assert file.read_bytes() == before
    assert Decisions.of(config).store.faults()


@pytest.mark.soak
def test_a_million_events_of_a_million_decisions(tmp_path: Path) -> None:
    config, n = config_in(tmp_path), 1_000_000
    table = assigned(Decisions.of(config), n).table(["decision_id"])
    times = pa.array(["2024-03-04 10:00:00"] * n)
    names = pa.array([f"e{i}" for i in range(n)])
    kinds = pa.array(["sent"] * n)
    rows = pa.table(
        [names, table.column("decision_id"), kinds, times], ["event_id", "decision_id", "kind", "occurred_at"]
    )
    assert log_events(config, rows).new == n
    assert log_events(config, rows).again == n
