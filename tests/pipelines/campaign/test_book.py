"""The decisions log: waves that stand as they were assigned, and what customers were given before a day."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars.clock import Zone
from regulars.errors import Busy, RegularsError, StorageError
from regulars.pipelines.campaign.book import ONLINE, WAVES, Decisions
from regulars.pipelines.campaign.draft import decisions_of, unlike
from regulars.pipelines.campaign.events import log_events
from regulars.pipelines.campaign.wave import DECISIONS, Wave

from .decided import DAY, assigned, config_in, decision_of, draft_of, events_of, table_of, who

ZONE = Zone("Europe/Berlin")


@pytest.fixture
def book(tmp_path: Path) -> Decisions:
    """A log with one wave of twelve customers."""
    found = Decisions.of(config_in(tmp_path))
    assigned(found)
    return found


def given(table: pa.Table) -> list[tuple[str, str]]:
    """Who was given what, without ghosts."""
    real = table.filter(pc.invert(table.column("ghost")))
    return sorted(zip(real.column("customer_id").to_pylist(), real.column("offer").to_pylist(), strict=True))


def test_a_wave_is_read_as_it_was_assigned_and_is_for_its_owner_alone(book: Decisions) -> None:
    (wave,) = book.waves()
    # Of twelve customers 3, 7 and 11 are chosen, and 2 and 6 explore a cup; 10 explores nothing.
    assert (wave.name, wave.facts["customers"], wave.facts["given"]) == ("spring-2024-03-04-0a1b2c3d", 12, 5)
    assert wave.table().equals(table_of(12))
    assert wave.policy()["campaign"] == "spring"
    assert (wave.figures(), wave.responses()) == ({"customers": 12}, {"basis": "assumed"})
    assert (book.wave("spring", DAY), book.latest, book.wave("spring", DAY.plus(1))) == (wave, wave, None)
    assert {oct(f.stat().st_mode & 0o777) for f in wave.folder.iterdir()} == {"0o600"}
    assert wave.verified() is wave


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    digests = {assigned(Decisions(tmp_path / place)).digest for place in ("one", "other")}
    assert len(digests) == 1


def test_a_wave_that_was_changed_says_which_file_and_that_it_cannot_be_made_again(book: Decisions) -> None:
    (wave,) = book.waves()
    wave.path(DECISIONS).write_bytes(b"x")
    with pytest.raises(StorageError, match=r"not as it was assigned.*decisions\.parquet.*backup") as changed:
        wave.verified()
    assert changed.value.code == "RG431"
    with pytest.raises(StorageError, match="cannot be read") as unreadable:
        wave.table()
    assert unreadable.value.code == "RG430"


def test_waves_are_told_in_the_order_in_which_they_were_assigned(book: Decisions) -> None:
    later = assigned(book, campaign="autumn", as_of=DAY.plus(7))
    again = assigned(book, as_of=DAY.plus(7))
    assert [w.number for w in book.waves()] == [1, 2, 3]
    assert [w.campaign for w in book.waves()] == ["spring", "autumn", "spring"]
    assert book.of_campaign("spring")[1:] == (again,)
    assert book.latest == again
    # What the second one found is what it was made from.
    assert [w.number for w in book.as_it_was(later).waves()] == [1]


def test_what_was_given_before_a_day_counts_for_all_campaigns_and_the_others_of_that_day(book: Decisions) -> None:
    # 3, 7, 11 got tea; 2 and 6 a cup.
    spring = [(who(2), "cup"), (who(3), "tea"), (who(6), "cup"), (who(7), "tea"), (who(11), "tea")]
    assert given(book.past(DAY, ZONE, "spring")) == []
    assert given(book.past(DAY, ZONE, "autumn")) == spring
    assert given(book.past(DAY.plus(1), ZONE, "spring")) == spring
    assert given(book.past(DAY.minus(1), ZONE)) == []
    past = book.past(DAY.plus(1), ZONE).to_pylist()
    assert {(r["offer"], r["type"], r["group"]) for r in past} == {("tea", "gift", "drinks"), ("cup", "percent", "")}
    assert {r["cost"] for r in past if not r["ghost"]} == {0.5}


def test_what_was_meant_for_those_who_are_compared_with_is_a_ghost(book: Decisions) -> None:
    past = book.past(DAY.plus(1), ZONE)
    ghosts = past.filter(past.column("ghost")).to_pylist()
    # 0, 4, 8 are held out, 1, 5, 9 are controls, 10 explores nothing; all were meant to get tea.
    assert sorted(r["customer_id"] for r in ghosts) == [who(i) for i in (0, 1, 4, 5, 8, 9, 10)]
    assert {(r["offer"], r["channel"], r["cost"]) for r in ghosts} == {("tea", "mail", 0.0)}
    # Midnight in Berlin, in winter: 23:00 UTC of the day before.
    assert {str(r["send_at"]) for r in ghosts} == {"2024-03-03 23:00:00+00:00"}


def test_what_was_rejected_was_not_given_unless_something_says_that_it_arrived(book: Decisions, tmp_path: Path) -> None:
    told = events_of(
        ("a", 3, "rejected", "2024-03-04 11:00:00", None),
        ("b", 7, "rejected", "2024-03-04 11:00:00", None),
        ("c", 7, "opened", "2024-03-04 12:00:00", None),
        ("d", 11, "rejected", "2024-03-06 00:00:00", None),
    )
    log_events(config_in(tmp_path), told)
    # On the next day 3 is free again, 7 has opened it, and of 11 nothing is known yet; a day later it is.
    assert [w for w, offer in given(book.past(DAY.plus(1), ZONE)) if offer == "tea"] == [who(7), who(11)]
    assert [w for w, offer in given(book.past(DAY.plus(3), ZONE)) if offer == "tea"] == [who(7)]


def test_what_was_recommended_online_was_given_once(book: Decisions) -> None:
    def line(i: int, offer: str, at: object) -> str:
        names = {"customer_id": who(i), "decision_id": decision_of(i), "campaign": "spring", "as_of": str(DAY)}
        return json.dumps({**names, "arm": "chosen", "offer": offer, "channel": "web", "cost": 0.1, "at": at}) + "\n"

    folder = book.folder / ONLINE
    folder.mkdir()
    noon = DAY.day * 86_400_000_000 + 12 * 3_600_000_000
    # 3 is in the wave; 50 asks twice; 51 gets nothing; 52's line is half; 53 comes a day later.
    text = line(3, "tea", noon) + line(50, "tea", noon) + line(50, "cup", "2024-03-04T13:00:00Z") + line(51, "", noon)
    late = line(53, "tea", "2024-03-06T00:00:00Z")
    (folder / "2024-03-04.jsonl").write_text(text + line(52, "tea", noon)[:70] + "\n" + late)
    assert [w for w in given(book.past(DAY.plus(1), ZONE)) if w[0] > who(11)] == [(who(50), "cup")]
    assert [w for w in given(book.past(DAY.plus(9), ZONE)) if w[0] > who(11)] == [(who(50), "cup"), (who(53), "tea")]
    assert book.online().num_rows == 4
    # Whoever sees only what was there before the wave does not see what its policy recommended.
    assert book.as_it_was(book.waves()[0]).past(DAY.plus(9), ZONE).num_rows == 0


def test_nobody_else_writes_meanwhile_and_what_a_killed_writer_left_is_swept(book: Decisions) -> None:
    import contextvars

    left = book.folder / WAVES / ".tmp-spring-2024-03-11-0a0a0a0a-1"
    left.mkdir()
    (left / DECISIONS).write_bytes(b"half")

    def elsewhere() -> None:
        with book.writing("another"):
            pass

    with book.writing("a test"):
        assert not left.exists()
        with pytest.raises(Busy):
            contextvars.Context().run(elsewhere)
    assert len(book.waves()) == 1


def changed(name: str, value: object, rows: slice = slice(0, 1)) -> pa.Table:
    """Decisions with another value in some rows of a column."""
    table = table_of(12)
    values = table.column(name).to_pylist()
    values[rows] = [value] * len(values[rows])
    place = table.column_names.index(name)
    return table.set_column(place, name, pa.array(values, table.schema.field(name).type))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (changed("customer_id", who(1)), "comes twice, or out of order"),
        (changed("customer_id", "z"), "comes twice, or out of order"),
        (changed("decision_id", decision_of(1)), "has"),
        (changed("decision_id", "x"), "no decision id"),
        (changed("campaign", "autumn"), "another `campaign`"),
        (changed("as_of", "2024-03-05"), "another `as_of`"),
        (changed("arm", "treated"), "no known arm"),
        (changed("offer", "tea"), "hold-out or the control"),
        (changed("channel", "mail"), "`offer` and `channel`"),
        (changed("why", ""), "`offer` and `why`"),
        (changed("send_at", 0), "`offer` and `send_at`"),
        (changed("propensity", 0.0), "no chance"),
        (changed("propensity", 1.1), "no chance"),
        (changed("gain", float("nan")), "`gain` that is no number"),
        (changed("cost", 1.0), "`cost` without an offer"),
        (changed("basis", None), "have no `basis`"),
        (table_of(3).drop_columns(["why"]), "missing: ['why']"),
        (table_of(3).append_column("more", pa.array([1, 2, 3])), "nobody knows: ['more']"),
    ],
)
def test_decisions_that_cannot_be_true_do_not_stand(table: pa.Table, said: str) -> None:
    with pytest.raises(RegularsError) as refused:
        decisions_of(table, "spring", DAY)
    assert refused.value.code == "RG432"
    assert said in str(refused.value)
    assert who(0)[:9] not in str(refused.value)


def test_nobody_to_decide_about_is_a_wave_too(tmp_path: Path) -> None:
    wave = assigned(Decisions(tmp_path), n=0)
    assert (wave.table().num_rows, wave.facts["given"]) == (0, 0)
    assert wave.table().schema.equals(table_of(12).schema)


def test_how_decisions_differ_is_told_by_customers_and_columns() -> None:
    assert unlike(table_of(12), table_of(12)) == (0, ())
    # One other reason, and in the second case a customer who is not there any more.
    assert unlike(table_of(12), changed("why", "no consent")) == (1, ("why",))
    assert unlike(table_of(12), changed("why", "no consent").slice(0, 11)) == (2, ("why", "customer_id"))


def test_what_a_draft_writes_is_what_it_says(tmp_path: Path) -> None:
    draft = draft_of(3)
    draft.write(tmp_path)
    assert Wave(tmp_path).table().equals(draft.table)
