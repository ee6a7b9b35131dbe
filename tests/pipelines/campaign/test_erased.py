"""Whoever is forgotten vanishes from the decisions log, comes in no more, and all others stay as they were."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from regulars.config import Config
from regulars.disk.lock import job
from regulars.errors import Busy
from regulars.offers.harmless import harmless
from regulars.offers.workbook import write_workbook
from regulars.pipelines.campaign.book import ASIDE, EVENTS, EXPORTS, ONLINE, Decisions
from regulars.pipelines.campaign.erased import erased_from_decisions
from regulars.pipelines.campaign.events import log_events
from regulars.pipelines.erase import ENTRY, erased_from
from regulars.pipelines.forget import forget
from regulars.pipelines.sought import Sought, places_in

from .decided import DAY, assigned, config_in, decision_of, events_of, table_of, who

GONE = 3
"""Chosen, and given tea."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A shop with a wave, events, refused rows, a list and online recommendations, all of which name a customer."""
    found = config_in(tmp_path)
    (tmp_path / "purchases.csv").write_text(
        "customer_id,purchased_at,amount\n" + "".join(f"{who(i)},2024-02-{i + 1:02d},5\n" for i in range(12))
    )
    book = Decisions.of(found)
    assigned(book)
    log_events(
        found,
        events_of(
            ("a", GONE, "sent", "2024-03-04 10:00:00", None),
            ("b", 7, "sent", "2024-03-04 10:00:00", None),
            # The id of an event may name somebody, too.
            (f"open of {who(GONE)}", 7, "opened", "2024-03-04 11:00:00", None),
            ("c", GONE, "eaten", "2024-03-04 10:00:00", None),
            ("d", 7, "eaten", "2024-03-04 10:00:00", None),
        ),
    )
    (book.folder / EXPORTS).mkdir()
    (book.folder / EXPORTS / "mail.csv").write_text(
        f"customer_id,decision_id,offer\n{who(GONE)},{decision_of(GONE)},tea\n{who(7)},{decision_of(7)},tea\n"
    )
    (book.folder / ONLINE).mkdir()
    lines = [{"customer_id": who(i), "decision_id": decision_of(i), "at": 1, "offer": "tea"} for i in (GONE, 7, 50)]
    told = [{**line, "campaign": "spring", "as_of": str(DAY), "channel": "web"} for line in lines]
    (book.folder / ONLINE / "2024-03-05.jsonl").write_text("".join(json.dumps(t) + "\n" for t in told) + '{"half')
    return found


def left(folder: Path) -> list[str]:
    """The files in which the customer, or the decision about him, stands; written independently of the product."""
    words = (who(GONE).encode(), decision_of(GONE).encode())

    def content(file: Path) -> bytes:
        more = b""
        if file.suffix == ".parquet":
            more = json.dumps(pq.read_table(file).to_pydict(), default=str).encode()
        if file.suffix == ".db":
            with closing(sqlite3.connect(file)) as db:
                more = "\n".join(db.iterdump()).encode()
        # SQLite's own journals are gone when the last reader has closed the database.
        return (file.read_bytes() if file.is_file() else b"") + more

    files = [f for f in folder.rglob("*") if f.is_file()]
    return sorted(str(f.relative_to(folder)) for f in files if any(w in content(f) for w in words))


def test_a_customer_vanishes_from_waves_events_quarantine_lists_and_online(config: Config) -> None:
    book, folder = Decisions.of(config), config.folder / "decisions"
    (wave,) = book.waves()
    assert {name.split("/")[0] for name in left(folder)} == {"waves", EVENTS, ASIDE, EXPORTS, ONLINE}

    done = forget(config, [who(GONE)])

    assert left(folder) == []
    assert (done.found, {e.path.name: e.count for e in done.files}["decisions.parquet"]) == (True, 1)
    (after,) = book.waves()
    assert (after.name, after.facts["erased"], after.verified()) == (wave.name, 1, after)
    # All others are decided about as before.
    kept = [i for i in range(12) if i != GONE]
    assert after.table().equals(table_of(12).take(kept))
    (entry,) = json.loads(pq.read_schema(after.path("decisions.parquet")).metadata[ENTRY])
    assert entry["rows"] == 1
    assert book.events().column("event_id").to_pylist() == ["b"]
    assert (folder / EXPORTS / "mail.csv").read_text().count(who(7)) == 1
    lines = (folder / ONLINE / "2024-03-05.jsonl").read_text().splitlines()
    assert [json.loads(line)["customer_id"] for line in lines] == [who(7), who(50)]
    (aside,) = (folder / ASIDE).iterdir()
    assert [json.loads(t)["event_id"] for t in pq.read_table(aside).column("text").to_pylist()] == ["d"]
    again = forget(config, [who(GONE)])
    assert (again.found, again.files) == (False, [])


def test_what_is_told_later_of_somebody_forgotten_is_dropped_and_kept_nowhere(config: Config) -> None:
    forget(config, [who(GONE)])
    late = events_of(("e", GONE, "clicked", "2024-03-06", None), ("f", 7, "clicked", "2024-03-06", None))
    found = log_events(config, late)
    assert (found.new, found.refused, found.forgotten, found.aside) == (1, 0, 1, None)
    assert found.notes == ["1 of the rows are about customers who were forgotten, and were left out."]
    assert left(config.folder / "decisions") == []


def test_an_interrupted_erasure_is_finished_by_the_next(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    from regulars.pipelines.campaign import erased

    def killed(*_: object) -> object:
        raise KeyboardInterrupt

    for step in ("_events", "_online", "_aside", "_lists", "erased_from_sealed"):
        with monkeypatch.context() as patch:
            patch.setattr(erased, step, killed)
            with pytest.raises(KeyboardInterrupt):
                erased_from_decisions(config, Sought(frozenset({who(GONE)})), "2026-01-31")
    erased_from_decisions(config, Sought(frozenset({who(GONE)})), "2026-01-31")
    assert left(config.folder / "decisions") == []
    (wave,) = Decisions.of(config).waves()
    assert (wave.verified().facts["erased"], Decisions.of(config).store.count()) == (1, 1)


def test_nobody_is_forgotten_while_offers_are_assigned(config: Config) -> None:
    import contextvars

    def elsewhere() -> None:
        forget(config, [who(GONE)])

    with job(config.folder / ".regulars", "offers", "assigning offers"), pytest.raises(Busy, match="assigning offers"):
        contextvars.Context().run(elsewhere)


def test_where_nothing_was_decided_nothing_is_made(tmp_path: Path) -> None:
    assert erased_from_decisions(config_in(tmp_path), Sought(frozenset({who(1)})), "2026-01-31") == []
    assert not (tmp_path / "decisions").exists()


@pytest.mark.parametrize("name", ["=1+1", "-7", "a;=b-and-so-on", "plain-and-long"])
def test_whose_id_looks_like_a_formula_is_found_in_lists_for_spreadsheets_too(tmp_path: Path, name: str) -> None:
    header, rows = ["customer_id", "title"], [[harmless(name), "Tea"], ["other", "Tea"]]
    text, book = tmp_path / "mail.csv", tmp_path / "mail.xlsx"
    with text.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    write_workbook(book, header, rows)
    sought, nobody = Sought(frozenset({name})), Sought(frozenset({"nobody-of-them"}))
    assert [len(places_in(file, sought)) > 0 for file in (text, book)] == [True, True]
    assert [places_in(file, nobody) for file in (text, book)] == [[], []]
    # A text is written without them; a workbook goes, for it can be made again.
    assert erased_from(text, sought, "2026-01-31") is not None
    assert text.read_text(encoding="utf-8").splitlines() == ["customer_id,title", "other,Tea"]
    gone = erased_from(book, sought, "2026-01-31")
    assert gone is not None
    assert (gone.removed, book.exists()) == (True, False)
