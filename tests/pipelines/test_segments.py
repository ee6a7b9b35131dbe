"""Segments of a ledger: what is read off it, by hand and against plain Python; lists, moves, and what is refused."""

from __future__ import annotations

import csv
import itertools
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from regulars import cli
from regulars.clock import Cutoff, Zone
from regulars.config import Config
from regulars.errors import ConfigError
from regulars.intake import Ledger, build_ledger
from regulars.offers.workbook import cells_of_workbook
from regulars.pipelines.published import CSV, FACTS, RUNS, SCORES, Book, Run
from regulars.pipelines.segment_facts import READ, facts_of
from regulars.pipelines.segments import LIST_COLUMNS, SCHEMES, segments, write_list, write_moved
from regulars.segments.scheme import Assigned, Off

from ..simulated import ZONE, shop

ROWS = [
    ("ann", "2022-12-31", 7.0),  # before the last 365 days, and before the grace of 10
    ("ann", "2023-02-20", 30.0),
    ("ann", "2024-01-01", 12.5),  # ends a silence of 315 days
    ("ann", "2024-01-10", -2.5),  # gives back: no purchase, money of its day
    ("bob", "2024-01-31", 20.0),  # the day before the day
    ("cat", "2024-02-01", 9.0),  # on the day: not known yet
    ("dan", "2024-01-05", -4.0),  # has only given back
    ("eve", "2023-01-25", 50.0),  # 372 days before the day: in the year that ended within the grace, not in the last
]
DAY = Cutoff.parse("2024-02-01")
PEOPLE = ("ann", "zoe", "=yes")


def frame(rows: Sequence[tuple[object, ...]] = ROWS) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["customer_id", "purchased_at", "amount"])


def ledger_of(config: Config | None = None, **tables: pd.DataFrame) -> Ledger:
    return Ledger.from_frame(frame(), config or Config.of(), **tables)


def scores(**who: tuple[float, float, bool]) -> pd.DataFrame:
    """A row a customer: P(no purchase), expected spend, whether late."""
    rows = [(name, p, spend, 20.0, late, "low value, steady", "", "") for name, (p, spend, late) in who.items()]
    return pd.DataFrame(rows, columns=list(READ))


def publish(folder: Path, day: str, table: pd.DataFrame, horizon_days: int = 90) -> Run:
    """A run of scores as `score` publishes it, as far as segments read it."""
    book = Book(folder / "scores")
    name = f"{day}-v1-0000000a"
    with book.filling(name) as place:
        table.to_parquet(place / SCORES)
        (place / CSV).write_text("")
        facts = {"as_of": day, "horizon_days": horizon_days, "currency": "EUR", "model": {"version": "1"}}
        (place / FACTS).write_text(json.dumps(facts))
    run = Run(book.folder / RUNS / name)
    book.point(run)
    return run


def test_what_is_read_off_the_ledger_ends_before_the_day() -> None:
    ledger = ledger_of()
    found = facts_of(ledger, Config.of(), DAY, None, grace_days=10).facts
    assert found.ids.tolist() == ["ann", "bob", "dan", "eve"]
    assert found.orders.tolist() == [3, 1, 0, 1]
    assert found.spend.tolist() == [470_000, 200_000, -40_000, 500_000]
    # 2024-01-01 and 2024-01-31 to 2024-02-01; eve 2023-01-25: 7 + 365 days. Dan has not bought.
    assert found.recency_days.tolist() == [31, 1, -1, 372]
    # 2022-12-31 to 2024-02-01: 1 + 365 + 31.
    assert found.first_days.tolist() == [397, 1, -1, 372]
    # Within the last 90 days only ann ended a silence: 2023-02-20 to 2024-01-01.
    assert found.silence_days.tolist() == [315, -1, -1, -1]
    # The year begins on 2023-02-01: 30 + 12.5 - 2.5; of any year that ended since 2024-01-22 eve's 50 are the best.
    assert found.orders_year is not None
    assert found.spend_year is not None
    assert found.best_year is not None
    assert found.orders_year.tolist() == [2, 1, 0, 0]
    assert found.spend_year.tolist() == [400_000, 200_000, -40_000, 0]
    assert found.best_year.tolist() == [400_000, 200_000, -40_000, 500_000]
    assert (found.grace_days, found.knows_newcomers, found.has_scores, found.horizon_days) == (10, True, False, 90)


def test_a_window_that_begins_before_the_ledger_is_missing_and_the_grace_is_what_is_covered() -> None:
    # The ledger begins on 2022-12-31: 365 days later is 2023-12-31, and no grace is covered on that day.
    ledger = ledger_of()
    early = facts_of(ledger, Config.of(), Cutoff.parse("2023-12-30"), None).facts
    assert (early.orders_year, early.spend_year, early.best_year, early.grace_days) == (None, None, None, 0)
    first = facts_of(ledger, Config.of(), Cutoff.parse("2023-12-31"), None).facts
    assert first.spend_year is not None
    assert (first.spend_year.tolist(), first.best_year, first.grace_days) == ([370_000, 500_000], None, 0)
    assert facts_of(ledger, Config.of(), Cutoff.parse("2024-01-05"), None).facts.grace_days == 5
    assert not facts_of(ledger, Config.of(), Cutoff.parse("2023-03-30"), None).facts.knows_newcomers


@pytest.mark.parametrize("day", ["2023-07-01", "2024-01-15"])
def test_facts_agree_with_plain_python(day: str) -> None:
    ledger, cutoff, zone = shop(60), Cutoff.parse(day), Zone(ZONE)
    found = facts_of(ledger, Config.of(), cutoff, None, 5).facts
    lines = ledger.table().select(["customer_id", "purchased_at", "order_id", "amount"]).to_pandas()
    at = ledger.table().column("purchased_at").cast("int64").to_numpy()
    lines["day"] = zone.local_day(at)
    lines = lines[lines["day"] < cutoff.day]
    for row, name in enumerate(found.ids.tolist()):
        mine = lines[lines["customer_id"] == name]
        bought = sorted(
            int(order["day"].min()) for _, order in mine.groupby(["order_id", "day"]) if (order["amount"] > 0).any()
        )
        year = mine[mine["day"] >= cutoff.day - 365]
        gaps = [b - a for a, b in itertools.pairwise(bought) if b > a and b >= cutoff.day - 90]
        expected: list[Any] = [
            *(len(bought), cutoff.day - bought[-1] if bought else -1, cutoff.day - bought[0] if bought else -1),
            *(max(gaps, default=-1), int(sum(mine["amount"]) * 10_000)),
        ]
        got = (found.orders, found.recency_days, found.first_days, found.silence_days, found.spend)
        assert [int(values[row]) for values in got] == expected
        if found.spend_year is not None:
            assert int(found.spend_year[row]) == int(sum(year["amount"]) * 10_000)
    assert found.ids.tolist() == sorted(set(lines["customer_id"]))


def test_scores_are_joined_by_id_and_whom_the_ledger_does_not_know_is_left_out(tmp_path: Path) -> None:
    run = publish(
        tmp_path, "2024-02-01", scores(eve=(0.9, 3.0, True), bob=(0.2, 8.0, False), xyz=(0.5, 1.0, False)), 30
    )
    found = facts_of(ledger_of(), Config.of(), DAY, run)
    assert found.facts.scored.tolist() == [False, True, False, True]
    assert found.facts.p_churn.tolist()[1::2] == [0.2, 0.9]
    assert found.facts.late.tolist() == [False, False, False, True]
    assert (found.facts.horizon_days, found.facts.currency) == (30, "EUR")
    assert found.notes == ("1 customers of the scores are not in the ledger as of this day and are left out",)


@pytest.fixture
def shop_folder(tmp_path: Path) -> tuple[Path, Config]:
    """A folder with a configuration, scored on two days."""
    config = Config.of(currency="EUR").model_copy(update={"folder": tmp_path})
    publish(tmp_path, "2024-01-15", scores(ann=(0.2, 8.0, False), eve=(0.9, 3.0, True)))
    publish(tmp_path, "2024-02-01", scores(ann=(0.2, 9.0, False), bob=(0.2, 8.0, False), eve=(0.9, 3.0, True)))
    return tmp_path, config


def test_all_schemes_are_told_of_the_newest_scores_and_nobody_is_named(shop_folder: tuple[Path, Config]) -> None:
    _, config = shop_folder
    found = segments(ledger_of(config), config, since=Cutoff.parse("2024-01-15"))
    assert tuple(found.schemes) == SCHEMES
    assert all(isinstance(scheme, Assigned) for scheme in found.schemes.values())
    stages = found.assigned("lifecycle")
    # Ann: back after 315 days, usual gap 20. Bob: one purchase, yesterday. Dan only gave back. Eve is silent, late.
    assert [stages.names[place] for place in stages.place] == ["reactivated", "new", "prospect", "lapsed"]
    assert set(found.moved) == set(SCHEMES)
    flows = found.moved["lifecycle"].figures()["flows"]
    assert {"from": "not there", "to": "new", "customers": 1} in flows
    said = json.dumps(found.figures()) + "\n".join(found.lines)
    assert not re.search(r"\b(ann|bob|dan|eve)\b", said)
    assert "the ledger has no guests" in said


def test_without_scores_what_needs_them_is_left_out_with_a_sentence(tmp_path: Path) -> None:
    config = Config.of().model_copy(update={"folder": tmp_path})
    found = segments(ledger_of(config), config)
    assert [name for name, scheme in found.schemes.items() if isinstance(scheme, Off)] == [
        "value-churn",
        "expected-tiers",
    ]
    assert "no scores of 2024-02-02 are published" in found.notes
    assert "is left out: there are no scores of this day; `regulars score` makes them" in found.lines
    with pytest.raises(ConfigError, match="RG476"):
        found.assigned("value-churn")


def test_days_that_rest_on_different_things_are_not_compared(shop_folder: tuple[Path, Config]) -> None:
    _, config = shop_folder
    found = segments(ledger_of(config), config, since=Cutoff.parse("2024-01-10"))
    # Of 2024-01-10 there are no scores; spend and its fifths need none.
    assert set(found.moved) == {"rfm", "tiers"}
    told = [note for note in found.notes if note.startswith("nobody is said to have moved in `lifecycle`")]
    assert told[0].endswith("it rests on 90 days, no scores, newcomers, of 2024-02-01 on 90 days, scores, newcomers")


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_a_list_holds_its_segment_best_first_and_is_safe_in_a_spreadsheet(shop_folder: tuple[Path, Config]) -> None:
    folder, config = shop_folder
    rows = [*ROWS, ("=1+1", "2024-01-30", 5.0)]
    ledger = Ledger.from_frame(frame(rows), config)
    publish(folder, "2024-02-01", scores(**{"=1+1": (0.2, 4.0, False)}, bob=(0.2, 8.0, False)))
    found = segments(ledger, config, "lifecycle")
    listed = write_list(ledger, config, found, "lifecycle", "new", folder / "new.csv")
    assert (listed.rows, listed.notes) == (
        2,
        ("nobody was asked for consent; --channel keeps those who have agreed to it",),
    )
    head, *cells = read_csv(folder / "new.csv")
    assert tuple(head) == LIST_COLUMNS
    assert [row[:4] for row in cells] == [["bob", "lifecycle", "new", "1"], ["'=1+1", "lifecycle", "new", "2"]]
    assert cells[0][4:] == [
        *("first and only purchase 1 days ago", "2024-02-01", "1", "1", "20.00", "8.00", "0.2000", ""),
    ]
    write_list(ledger, config, found, "lifecycle", "new", folder / "new.xlsx")
    assert [row[0] for row in cells_of_workbook(folder / "new.xlsx")] == ["customer_id", "bob", "=1+1"]
    before = (folder / "new.xlsx").read_bytes()
    write_list(ledger, config, segments(ledger, config, "lifecycle"), "lifecycle", "new", folder / "new.xlsx")
    assert (folder / "new.xlsx").read_bytes() == before
    assert {"new.csv", "new.xlsx"} <= {w["path"] for w in json.loads((folder / ".regulars/written.json").read_text())}


def test_a_list_leaves_out_who_must_not_be_contacted_and_who_has_not_agreed(shop_folder: tuple[Path, Config]) -> None:
    folder, config = shop_folder
    (folder / "never.txt").write_text("bob\n")
    config = config.model_copy(update={"contact": config.contact.model_copy(update={"do_not_contact": "never.txt"})})
    ledger = ledger_of(config)
    found = segments(ledger, config, "rfm")
    segment = found.assigned("rfm").names[found.assigned("rfm").place[found.facts.ids.tolist().index("bob")]]
    listed = write_list(ledger, config, found, "rfm", segment, folder / "a.csv")
    assert listed.notes[0] == "1 are left out because they must not be contacted"
    assert "bob" not in (folder / "a.csv").read_text()
    # There is no table of consent: nothing is written, and that is said.
    listed = write_list(ledger, config, found, "rfm", segment, folder / "b.csv", channel="mail")
    assert (listed.written, (folder / "b.csv").exists()) == (False, False)
    assert listed.notes == ("there is no table of consent, so nobody may be written to; add [data.consent]",)


def test_who_moved_is_a_list_with_both_segments(shop_folder: tuple[Path, Config]) -> None:
    folder, config = shop_folder
    found = segments(ledger_of(config), config, "lifecycle", since=Cutoff.parse("2024-01-15"))
    assert write_moved(config, found, "lifecycle", folder / "moved.csv").rows == 1
    row = read_csv(folder / "moved.csv")[1]
    assert row == [
        *("bob", "lifecycle", "2024-01-15", "not there", "2024-02-01", "new", "first and only purchase 1 days ago"),
    ]
    with pytest.raises(ConfigError, match="RG476"):
        write_moved(config, segments(ledger_of(config), config), "lifecycle", folder / "moved.csv")


@pytest.mark.parametrize(("day", "since"), [("2022-12-31", None), ("2024-02-03", None), ("2024-01-15", "2024-01-15")])
def test_days_that_cannot_be_told_are_refused(tmp_path: Path, day: str, since: str | None) -> None:
    config = Config.of().model_copy(update={"folder": tmp_path})
    with pytest.raises(ConfigError, match="RG475"):
        segments(
            ledger_of(config), config, as_of=Cutoff.parse(day), since=None if since is None else Cutoff.parse(since)
        )


def test_a_scheme_that_there_is_not_is_refused(tmp_path: Path) -> None:
    config = Config.of().model_copy(update={"folder": tmp_path})
    with pytest.raises(ConfigError, match=r"RG476.*did you mean `tiers`"):
        segments(ledger_of(config), config, "tier")


def test_the_order_of_the_lines_does_not_matter(tmp_path: Path) -> None:
    config = Config.of().model_copy(update={"folder": tmp_path})
    order = np.random.default_rng(1).permutation(len(ROWS))
    other = Ledger.from_frame(frame([ROWS[i] for i in order]), config)
    assert segments(other, config).figures() == segments(ledger_of(config), config).figures()


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object) -> tuple[int, str]:
    """How `regulars segments` ends, and what it says."""
    monkeypatch.setattr(sys, "argv", ["regulars", "segments", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr()
    return int(str(end.value.code)), said.out + said.err


def test_the_command_tells_writes_and_refuses_what_would_do_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame().to_csv(tmp_path / "purchases.csv", index=False)
    mapped = "".join(f'{name} = "{name}"\n' for name in ("customer_id", "purchased_at", "amount"))
    (tmp_path / "regulars.toml").write_text(f'[data]\n[data.purchases]\npath = "purchases.csv"\n{mapped}')
    config = tmp_path / "regulars.toml"
    publish(tmp_path, "2024-02-01", scores(ann=(0.2, 9.0, False), bob=(0.2, 8.0, False), eve=(0.9, 3.0, True)))
    chosen = ("--scheme", "tiers", "--tiers", "silver=30,gold=100", "--list", "silver", "--out", tmp_path / "s.csv")
    code, said = run(capsys, monkeypatch, config, *chosen, "--json", tmp_path / "s.json")
    # Ann spent 40 of 30 in the last year; eve's 50 are of a year that ended 7 days ago, within the grace of 32 days
    # that the ledger covers; bob's 20 are below.
    assert code == 0, said
    assert [row[0] for row in read_csv(tmp_path / "s.csv")] == ["customer_id", "ann", "eve"]
    assert "2 customers" in said
    figures = json.loads((tmp_path / "s.json").read_text())
    counts = {row["segment"]: row["customers"] for row in figures["schemes"][0]["segments"]}
    assert counts == {"prospect": 1, "gold": 0, "silver": 2, "bronze": 1}
    for useless in (
        ("--list", "silver"),
        ("--list", "silver", "--out", "s.csv"),
        ("--channel", "mail"),
        ("--scheme", "rfm", "--moved", "m.csv"),
        ("--tiers", "gold=5"),
        ("--scheme", "rfm", "--grace-days", "5"),
    ):
        code, said = run(capsys, monkeypatch, config, *useless)
        assert (useless, code) == (useless, 2), said


RFM_IN_SQL = """
with o as (
    select customer_id, order_id, cast(purchased_at as date) as d, max(cast(amount > 0 as int)) as p, sum(amount) as a
    from l where cast(purchased_at as date) < date '2011-09-10' group by 1, 2, 3
), c as (
    select sum(p) as n, sum(case when d >= date '2010-09-10' then p else 0 end) as f,
        sum(case when d >= date '2010-09-10' then a else 0 end) as m,
        date_diff('day', max(case when p = 1 then d end), date '2011-09-10') as silence
    from o group by customer_id
), s as (
    select n, 1 + (5 * (rank() over (order by silence desc) - 1)) // count(*) over () as rs,
        1 + (5 * (rank() over (order by f) - 1)) // count(*) over () as fs,
        1 + (5 * (rank() over (order by m) - 1)) // count(*) over () as ms
    from c where n > 0
), g as (select n, rs, (fs + ms + 1) // 2 as fm from s)
select case when rs >= 4 and fm >= 4 then 'champions' when rs = 3 and fm >= 4 then 'loyal'
    when rs >= 4 and n = 1 then 'new' when rs >= 4 then 'promising' when rs = 3 and fm >= 2 then 'needs attention'
    when rs = 3 then 'about to sleep' when fm = 5 then 'cannot lose' when fm >= 3 then 'at risk'
    else 'hibernating' end, count(*) from g group by 1
"""


@pytest.mark.soak
def test_rfm_of_online_retail_agrees_with_plain_sql(online_retail: Path, tmp_path: Path) -> None:
    columns = {"path": str(online_retail), "order_id": "Invoice", "quantity": "Quantity", "unit_price": "Price"}
    names = {"customer_id": "Customer ID", "purchased_at": "InvoiceDate"}
    config = Config.of(**names, timezone="Europe/London", currency="GBP", purchases=columns)
    config = config.model_copy(update={"folder": tmp_path})
    ledger = build_ledger(config)
    found = segments(ledger, config, "rfm", Cutoff.parse("2011-09-10")).assigned("rfm")
    told = {name: int(found.of(name).sum()) for name in found.names if name != "prospect" and found.of(name).any()}
    with duckdb.connect() as db:
        db.execute("set timezone = 'Europe/London'")
        db.register("l", ledger.table())
        assert told == dict(db.execute(RFM_IN_SQL).fetchall())
