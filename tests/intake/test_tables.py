"""Events, customers, offers and consent: nothing is lost, nothing is guessed, and delivery does not matter."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.config import Config
from regulars.errors import ConfigError, DataError, RegularsError, StorageError
from regulars.intake import Kind, Ledger, Manifest, build_ledger

Shop = Callable[..., Config]
BUYS = "id,when,money\na,2024-01-05,1\nb,2024-02-05,2\n007,2024-03-05,3\n"
EVENTS = {"customer_id": "who", "occurred_at": "at", "kind": "what"}
OFFERS = {"customer_id": "who", "offer_id": "coupon", "offered_at": "sent", "redeemed_at": "used"}
CONSENT = {"customer_id": "who", "all_of_channel": "email", "all_of_purpose": "marketing", "status": "may",
           "recorded_at": "at"}  # fmt: skip
PEOPLE = {"customer_id": "who", "attributes": ["town"], "numbers": ["age"], "sensitive": ["sex"]}
TOLERANT = {"max_bad_share": 1.0}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Writes files (name -> text) beside purchases of `a`, `b` and `007`, and maps the given tables."""

    def write(files: Mapping[str, str], zone: str = "Europe/Berlin", **tables: Any) -> Config:
        for name, text in {"buys.csv": BUYS, **files}.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        buys = {"path": "buys.csv", "customer_id": "id", "purchased_at": "when", "amount": "money"}
        config = Config.model_validate({"data": {"timezone": zone, "purchases": buys, **tables}})
        return config.model_copy(update={"folder": tmp_path})

    return write


def _events(shop: Shop, text: str, zone: str = "Europe/Berlin", **settings: object) -> Ledger:
    return build_ledger(shop({"e.csv": text}, zone, events={"path": "e.csv", **EVENTS, **settings}))


def _instants(ledger: Ledger, table: str, column: str) -> list[str]:
    return [str(t)[:16] for t in ledger.rows_of(table).column(column).to_pylist()]


def _kinds(*kinds: tuple[str, int, int]) -> tuple[Kind, ...]:
    return tuple(Kind(*k) for k in kinds)


# --- the same through every source -------------------------------------------------------------------------------

ALL: dict[str, dict[str, list[Any]]] = {
    "events": {
        "who": ["b", "007", "a", "a", None, "a"],
        "at": ["2024-01-05 10:00:00", "2024-03-31 02:30:00", *["2024-01-04 09:00:00"] * 4],
        "what": ["visit", "open", "visit", "visit", "visit", "click"],
        "points": ["1.5", "-2", None, "3", "4", "0.25"],
        "seen": ["2024-01-06 00:00:00", None, None, "2024-02-01 00:00:00", None, None],
    },
    "customers": {
        "who": ["b", "a", "a", "stranger"],
        "since": ["2020-02-29", "1988-05-01", "1988-05-01", None],
        "town": ["Köln", "Rom", "Rom", None],
        "age": ["30", "41.5", "41.5", None],
        "sex": ["f", None, None, "m"],
    },
    "offers": {
        "who": ["a", "b", "a"],
        "coupon": ["01", "01", "02"],
        "sent": ["2024-01-04 10:00:00"] * 3,
        "used": ["2024-01-05 10:00:00", None, None],
        "worth": ["1.5", "1.5", "2"],
    },
    "consent": {
        "who": ["a", "b", "a"],
        "may": ["yes", "no", "no"],
        "at": ["2024-01-04 10:00:00"] * 3,
    },
}
MAPPED = {
    "events": {**EVENTS, "value": "points", "known_at": "seen"},
    "customers": {**PEOPLE, "joined_at": "since"},
    "offers": {**OFFERS, "value": "worth"},
    "consent": CONSENT,
}
TYPES = {"at": "timestamp", "seen": "timestamp", "sent": "timestamp", "used": "timestamp", "since": "date",
         "points": "decimal(18, 4)", "age": "double", "worth": "double"}  # fmt: skip


def _arrow(table: str, typed: bool) -> pa.Table:
    texts = pa.table({name: pa.array(values, pa.string()) for name, values in ALL[table].items()})
    if not typed:
        return texts
    chosen = ", ".join(f'cast("{n}" as {TYPES.get(n, "varchar")}) as "{n}"' for n in texts.column_names)
    with closing(duckdb.connect()) as db:
        db.register("texts", texts)
        return db.sql(f"select {chosen} from texts").to_arrow_table()


def _deliver(how: str, folder: Path) -> dict[str, dict[str, str]]:
    """Write all tables in one way; where each is."""
    places = {}
    for name in ALL:
        table = _arrow(name, how in ("parquet", "duckdb"))
        if how == "csv":
            table.to_pandas().to_csv(folder / f"{name}.csv", index=False)
            places[name] = {"path": f"{name}.csv"}
        elif how == "parquet":
            pq.write_table(table, folder / f"{name}.parquet")
            places[name] = {"path": f"{name}.parquet"}
        elif how == "sqlite":
            with closing(sqlite3.connect(folder / f"{name}.db")) as db, db:
                db.execute(f"create table t ({', '.join(table.column_names)})")
                marks = ", ".join("?" * table.num_columns)
                db.executemany(f"insert into t values ({marks})", [tuple(r.values()) for r in table.to_pylist()])
            places[name] = {"url": f"sqlite:///{name}.db", "table": "t"}
        else:
            with closing(duckdb.connect(str(folder / f"{name}.duckdb"))) as db:
                db.register("given", table)
                db.execute("create table t as select * from given")
            places[name] = {"url": f"duckdb:///{name}.duckdb", "table": "t"}
    return places


def test_csv_parquet_sqlite_and_duckdb_give_byte_identical_tables(shop: Shop, tmp_path: Path) -> None:
    files, prints = [], set()
    for how in ("csv", "parquet", "sqlite", "duckdb"):
        places = _deliver(how, tmp_path)
        ledger = build_ledger(shop({}, **{name: {**MAPPED[name], **places[name]} for name in ALL}))
        folder = Path(str(ledger.folder))
        files.append({name: (folder / f"{name}.parquet").read_bytes() for name in ALL})
        prints.add(ledger.manifest.fingerprint)
    assert all(f == files[0] for f in files)
    assert len(prints) == 1


@pytest.mark.soak  # Files are the common case.
def test_frames_give_the_rows_of_files(shop: Shop, tmp_path: Path) -> None:
    places = _deliver("csv", tmp_path)
    stored = build_ledger(shop({}, **{name: {**MAPPED[name], **places[name]} for name in ALL}))
    config = shop({}, **MAPPED)
    buys = pd.read_csv(tmp_path / "buys.csv", dtype=str)
    for typed in (False, True):
        tables = {name: _arrow(name, typed) for name in ALL}
        for frames in (tables, {name: t.to_pandas() for name, t in tables.items()}):
            held = Ledger.from_frame(buys, config, **frames)
            assert held.manifest.fingerprint == stored.manifest.fingerprint
            assert all(held.rows_of(name).equals(stored.rows_of(name)) for name in ALL)
            assert all(held.manifest.tables[n].lines == stored.manifest.tables[n].lines for n in ALL)


def test_rows_are_sorted_by_customer_bytes_time_and_all_the_rest(shop: Shop) -> None:
    config = shop({}, events=MAPPED["events"])
    ledger = Ledger.from_frame(_buys(), config, events=_arrow("events", True))
    rows = ledger.rows_of("events").to_pylist()
    # '007' < 'a' < 'b'; at one instant a click comes before visits, and among visits value 3 before a missing one.
    assert [(r["customer_id"], r["kind"], r["value"] and float(r["value"])) for r in rows] == [
        ("007", "open", -2.0),
        ("a", "click", 0.25),
        ("a", "visit", 3.0),
        ("a", "visit", None),
        ("b", "visit", 1.5),
    ]


def _buys() -> pa.Table:
    return pa.table({"id": ["a", "b", "007"], "when": ["2024-01-05", "2024-02-05", "2024-03-05"], "money": [1, 2, 3]})


# --- conservation ------------------------------------------------------------------------------------------------

_line = st.tuples(
    st.sampled_from(["a", " a", "b", "", None, "zzz"]),
    st.sampled_from(["2024-01-05", "2024-01-05 10:00", "2024-03-31 02:30", "2024-02-30", "", "2099-01-01", "x"]),
    st.sampled_from(["visit", "open", "", None, " visit "]),
    st.sampled_from(["", None, "1", "-0.5", "nan", "x", "0.00005"]),
)


@settings(max_examples=settings().max_examples // 6)
@given(
    st.lists(_line, min_size=1, max_size=30),
    st.sampled_from(["overlap", "keep", "drop"]),
    st.randoms(use_true_random=False),
)
def test_every_line_is_in_exactly_one_class_whatever_the_order_of_lines(
    lines: list[tuple[str | None, ...]], duplicates: str, shuffle: random.Random
) -> None:
    section = {**EVENTS, "value": "points", "decimal": ".", "duplicates": duplicates, **TOLERANT}
    config = Config.of(customer_id="id", purchased_at="when", amount="money", data={"events": section})

    def taken(rows: list[tuple[str | None, ...]]) -> Ledger | str:
        names = ("who", "at", "what", "points")
        frame = pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, zip(*rows, strict=True), strict=True)})
        try:
            return Ledger.from_frame(_buys(), config, events=frame)
        except RegularsError as error:
            return error.code

    ledger = taken(lines)
    if isinstance(ledger, str):
        assert ledger == "RG118"  # No line at all can be used.
        return
    record = ledger.manifest.tables["events"]
    assert record.lines["read"] == len(lines) == sum(n for name, n in record.lines.items() if name != "read")
    rows = ledger.rows_of("events")
    assert rows.num_rows == record.lines["used"] == sum(k.lines for k in record.kinds)
    assert ledger.quarantine("events").num_rows == record.lines["quarantined"]
    assert len(set(rows.column("customer_id").to_pylist())) == record.n_customers
    again = taken(shuffle.sample(lines, len(lines)))
    assert isinstance(again, Ledger)
    assert again.rows_of("events").equals(rows)
    assert again.manifest.fingerprint == ledger.manifest.fingerprint


def test_a_line_without_a_customer_is_set_aside_and_counted(shop: Shop) -> None:
    ledger = _events(shop, "who,at,what\na,2024-01-05,visit\n,2024-01-06,visit\n \u200b,2024-01-07,visit\n")
    assert ledger.manifest.tables["events"].lines == {
        "read": 3, "used": 1, "without_customer": 2, "merged": 0, "quarantined": 0, "erased": 0,
    }  # fmt: skip


# --- quarantine --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "settings", "header", "bad", "column", "reason"),
    [
        ("events", EVENTS, "who,at,what", "a,2024-02-30,visit", "at", "is not a date that exists"),
        ("events", EVENTS, "who,at,what", "a,,visit", "at", "has no date"),
        ("events", EVENTS, "who,at,what", "a,2024-01-05, ", "what", "is missing"),
        ("events", EVENTS, "who,at,what", "a,1970-01-01,visit", "at", "lies before 1990"),
        ("events", EVENTS, "who,at,what", "a,2199-01-01,visit", "at", "lies after the moment of reading"),
        ("events", EVENTS, "who,at,what", "a,2024-01-05", None, "has 2 fields where the header has 3"),
        (
            "events",
            {**EVENTS, "initiated_by": "by"},
            "who,at,what,by",
            "a,2024-01-05,visit,robot",
            "by",
            "is neither `customer` nor `company`",
        ),
        ("events", {**EVENTS, "value": "v"}, "who,at,what,v", "a,2024-01-05,visit,1e400", "v", "is not a plain number"),
        ("events", {**EVENTS, "cost": "v"}, "who,at,what,v", "a,2024-01-05,visit,nan", "v", "is not a finite number"),
        ("customers", PEOPLE, "who,town,age,sex", "a,Rom,old,f", "age", "is not a plain number"),
        (
            "customers",
            {"customer_id": "who", "joined_at": "at"},
            "who,at",
            "a,1969-12-31",
            "at",
            "lies before 1970",
        ),
        ("offers", OFFERS, "who,coupon,sent,used", "a,,2024-01-05,", "coupon", "is missing"),
        (
            "offers",
            OFFERS,
            "who,coupon,sent,used",
            "a,x,2024-01-05,2024-01-04",
            "used",
            "lies before the day of the offer",
        ),
        ("offers", OFFERS, "who,coupon,sent,used", "a,x,2024-01-05,2199-01-01", "used", "lies after the moment of"),
        ("consent", CONSENT, "who,at,may", "a,2024-01-05,", "may", "is missing"),
    ],
)
def test_a_bad_line_is_quarantined_with_its_reason_place_and_text(
    shop: Shop, table: str, settings: dict[str, Any], header: str, bad: str, column: str | None, reason: str
) -> None:
    width = header.count(",") + 1
    good = {
        "events": "b,2024-01-05,visit,",
        "customers": "b,2024-01-05" if width == 2 else "b,Rom,30,m",
        "offers": "b,x,2024-01-05,",
        "consent": "b,2024-01-05,yes",
    }[table]
    text = f"{header}\n{','.join(good.split(',')[:width])}\n{bad}\n"
    ledger = build_ledger(shop({"t.csv": text}, **{table: {"path": "t.csv", **settings, **TOLERANT}}))
    (row,) = ledger.quarantine(table).to_pylist()
    assert (row["file"], row["line"], row["column"]) == ("t.csv", 3, column)
    assert row["reason"].startswith(reason)
    assert all(field in row["text"] for field in bad.split(",") if field.strip())
    assert ledger.rows_of(table).column("customer_id").to_pylist() == ["b"]
    assert ledger.quarantine().num_rows == 0


def test_more_bad_lines_than_allowed_stop_the_intake_with_places(shop: Shop) -> None:
    text = "who,at,what\n" + "a,2024-01-05,visit\n" * 98 + "a,never,visit\n" * 2
    with pytest.raises(DataError, match="2 of 100 lines cannot be read") as caught:
        _events(shop, text)
    assert "e.csv:100" in str(caught.value)
    assert _events(shop, text, max_bad_share=0.02).manifest.tables["events"].lines["quarantined"] == 2


def test_one_unreadable_permission_stops_the_intake(shop: Shop) -> None:
    text = "who,at,may\n" + "a,2024-01-05,yes\n" * 500 + "a,never,no\n"
    with pytest.raises(DataError, match="1 of 501 lines cannot be read"):
        build_ledger(shop({"c.csv": text}, consent={"path": "c.csv", **CONSENT}))


@pytest.mark.parametrize(
    ("table", "settings", "said"),
    [
        ("events", {**EVENTS, "kind": "waht"}, ["no column `waht`", "`kind` is mapped to", "did you mean `what`"]),
        ("customers", {**PEOPLE, "attributes": ["tow"]}, ["no column `tow`", "`attributes` is mapped to"]),
        ("customers", {**PEOPLE, "sensitive": ["ses"]}, ["no column `ses`", "`sensitive` is mapped to"]),
        ("offers", {**OFFERS, "offered_at": "send"}, ["no column `send`", "`sent`"]),
        ("consent", {**CONSENT, "status": "my"}, ["no column `my`", "did you mean `may`"]),
    ],
)
def test_a_missing_column_is_told_the_nearest_name(
    shop: Shop, table: str, settings: dict[str, Any], said: list[str]
) -> None:
    text = "who,at,what,town,age,sex,coupon,sent,used,may\na,2024-01-05,visit,Rom,1,f,x,2024-01-05,,yes\n"
    with pytest.raises(DataError) as caught:
        build_ledger(shop({"t.csv": text}, **{table: {"path": "t.csv", **settings}}))
    assert caught.value.code == "RG102"
    assert [s for s in said if s not in str(caught.value)] == []


def test_settings_that_are_asked_for_are_named_with_their_section(shop: Shop) -> None:
    with pytest.raises(DataError, match=r"day_first = true or day_first = false under \[data\.events\]"):
        _events(shop, "who,at,what\na,03/04/2024,visit\n")
    with pytest.raises(DataError, match=r"under \[data\.events\]"):
        _events(shop, "who,at,what,v\na,2024-01-05,visit,1.500\n", value="v")
    with pytest.raises(ConfigError, match=r"where the events are.*\[data\.events\]"):
        build_ledger(shop({}, events=EVENTS))


def test_a_table_without_a_usable_line_is_refused(shop: Shop) -> None:
    with pytest.raises(DataError, match=r"no rows: of 2 lines of the events none can be used.*2 without_customer"):
        _events(shop, "who,at,what\n,2024-01-05,visit\n,2024-01-06,visit\n")


# --- times -------------------------------------------------------------------------------------------------------


def test_clock_changes_are_settled_as_for_purchases_and_counted(shop: Shop) -> None:
    text = "who,at,what\na,2024-03-31 02:30,visit\na,2024-10-27 02:30,visit\na,2024-06-01,visit\n"
    with pytest.raises(DataError, match=r"mixes formats of dates"):
        _events(shop, text.replace("2024-06-01", "01.06.2024"))
    ledger = _events(shop, text)
    # 02:30 does not exist on 31 March: one hour on, 03:30 summer time. It exists twice on 27 October: the first is
    # summer time, too. A day without a time begins at local midnight.
    assert _instants(ledger, "events", "occurred_at") == ["2024-03-31 01:30", "2024-05-31 22:00", "2024-10-27 00:30"]
    repairs = {r.what.split("`")[2].split(" (")[0].strip(): r.count for r in ledger.manifest.tables["events"].repairs}
    assert repairs == {"that do not exist and moved forward": 1, "that exist twice and count as the first": 1}
    record = ledger.manifest.tables["events"]
    assert (record.first_day, record.last_day) == ("2024-03-31", "2024-10-27")


def test_naive_stamps_are_in_the_zone_that_the_section_says(shop: Shop) -> None:
    text = "who,at,what\na,2024-01-05 23:30:00,visit\n"
    ledger = _events(shop, text, zone="America/New_York", naive_timezone="UTC")
    assert _instants(ledger, "events", "occurred_at") == ["2024-01-05 23:30"]
    assert ledger.manifest.tables["events"].last_day == "2024-01-05"  # 18:30 in New York.


def test_when_a_row_became_known_is_kept_and_may_be_missing(shop: Shop) -> None:
    text = "who,at,what,seen\na,2024-01-05,visit,2024-01-07T10:00:00Z\nb,2024-01-05,visit,\n"
    ledger = _events(shop, text, known_at="seen")
    known = ledger.rows_of("events").column("known_at")
    assert known.type == pa.timestamp("us", tz="UTC")
    assert [t and str(t)[:16] for t in known.to_pylist()] == ["2024-01-07 10:00", None]


def test_an_offer_may_be_redeemed_on_its_own_day_and_later(shop: Shop) -> None:
    # The redemption is known to the day, the sending to the minute: at 00:00 of the same day it is no contradiction.
    text = (
        "who,coupon,sent,used\na,x,2024-01-05 10:00,2024-01-05\na,y,2024-01-05 10:00,2024-02-01\nb,x,2024-01-05 9:00,\n"
    )
    ledger = build_ledger(shop({"o.csv": text}, offers={"path": "o.csv", **OFFERS}))
    assert ledger.manifest.tables["offers"].lines["used"] == 3
    assert [t and str(t)[:10] for t in ledger.rows_of("offers").column("redeemed_at").to_pylist()] == [
        "2024-01-04", "2024-01-31", None,
    ]  # fmt: skip


# --- lines that stand twice --------------------------------------------------------------------------------------

VISITS = [f"c{i % 40},2024-01-{1 + i % 28:02} {i % 24:02}:{i % 60:02},visit\n" for i in range(400)]


def test_a_file_that_is_loaded_twice_is_refused(shop: Shop) -> None:
    text = "who,at,what\n" + "".join(VISITS)
    files = {"e/one.csv": text, "e/two.csv": text}
    with pytest.raises(DataError, match=r"`one\.csv` and `two\.csv` have the same content"):
        build_ledger(shop(files, events={"path": "e", **EVENTS}))


def test_a_stretch_that_two_files_share_is_merged_and_counted(shop: Shop) -> None:
    lines = sorted(VISITS, key=lambda line: line.split(",")[1])
    one, two = "".join(lines[:300]), "".join(lines[150:])
    files = {"e/one.csv": "who,at,what\n" + one, "e/two.csv": "who,at,what\n" + two}
    record = build_ledger(shop(files, events={"path": "e", **EVENTS})).manifest.tables["events"]
    # Lines 150 to 299 stand in both. Instants at the edges that only one file has in full may stay.
    assert record.lines["read"] == 550
    assert record.lines["used"] == 400
    assert record.lines["merged"] == 150
    kept = build_ledger(shop(files, events={"path": "e", **EVENTS, "duplicates": "keep"})).manifest.tables["events"]
    assert (kept.lines["used"], kept.lines["merged"]) == (550, 0)


def test_single_twins_are_kept_with_a_note_or_dropped_on_request(shop: Shop) -> None:
    text = "who,at,what\na,2024-01-05 10:00,visit\na,2024-01-05 10:00,visit\nb,2024-01-05 10:00,visit\n"
    ledger = _events(shop, text)
    assert ledger.manifest.tables["events"].lines["used"] == 3
    assert any("1 lines equal another" in note for note in ledger.manifest.tables["events"].notes)
    assert _events(shop, text, duplicates="drop").manifest.tables["events"].lines["merged"] == 1


def test_equal_rows_of_a_customer_are_one_and_contradicting_ones_are_all_set_aside(shop: Shop) -> None:
    text = "who,town,age,sex\na,Rom,30,f\na,Rom,30,f\nb,Rom,30,f\nb,Rom,31,f\nb,Rom,30,f\nc,,,\n,Rom,1,f\n,Rom,1,f\n"
    ledger = build_ledger(shop({"p.csv": text}, customers={"path": "p.csv", **PEOPLE, **TOLERANT}))
    assert ledger.manifest.tables["customers"].lines == {
        "read": 8, "used": 2, "without_customer": 2, "merged": 1, "quarantined": 3, "erased": 0,
    }  # fmt: skip
    assert ledger.rows_of("customers").column("customer_id").to_pylist() == ["a", "c"]
    assert ledger.quarantine("customers").column("line").to_pylist() == [4, 5, 6]
    with pytest.raises(DataError, match="3 of 8 lines cannot be read: 3 where `who` has another line that says"):
        build_ledger(shop({"p.csv": text}, customers={"path": "p.csv", **PEOPLE}))


# --- events ------------------------------------------------------------------------------------------------------


def test_several_sections_of_events_are_one_table_and_each_has_its_own_grammar(shop: Shop) -> None:
    files = {"v.csv": "id;day\na;31.01.2024\n", "m.csv": 'who,at,what,points\nb,01/31/2024,open,"1,5"\n'}
    visits = {"path": "v.csv", "customer_id": "id", "occurred_at": "day", "all_of_kind": "visit"}
    mails = {"path": "m.csv", **EVENTS, "value": "points", "company_initiated": ["sent"]}
    ledger = build_ledger(shop(files, zone="UTC", events=[visits, mails]))
    assert [tuple(r.values())[::2] for r in ledger.rows_of("events").to_pylist()] == [
        ("a", "visit", None), ("b", "open", 1.5),
    ]  # fmt: skip
    record = ledger.manifest.tables["events"]
    assert [(s.file, s.lines) for s in record.sources] == [("v.csv", 1), ("m.csv", 1)]
    frames = [
        pd.DataFrame({"id": ["a"], "day": ["31.01.2024"]}),
        pd.read_csv(Path(ledger.folder or "") / "../../../m.csv"),
    ]
    held = Ledger.from_frame(_buys(), shop({}, zone="UTC", events=[visits, mails]), events=frames)
    assert held.rows_of("events").equals(ledger.rows_of("events"))
    with pytest.raises(ConfigError, match="1 frames of events were given for 2 sections"):
        Ledger.from_frame(_buys(), shop({}, events=[visits, mails]), events=frames[0])


def test_two_sections_that_read_the_same_content_alike_are_refused(shop: Shop) -> None:
    text = "who,at,what\na,2024-01-05,visit\n"
    sections = [{"path": "one.csv", **EVENTS}, {"path": "two.csv", **EVENTS}]
    with pytest.raises(DataError, match=r"`one\.csv`, `two\.csv`"):
        build_ledger(shop({"one.csv": text, "two.csv": text}, events=sections))
    other = {"customer_id": "who", "occurred_at": "at", "all_of_kind": "day with a visit"}
    ledger = build_ledger(shop({"one.csv": text}, events=[{"path": "one.csv", **EVENTS}, {"path": "one.csv", **other}]))
    assert ledger.manifest.tables["events"].kinds == _kinds(("day with a visit", 1, 0), ("visit", 1, 0))


def test_what_the_company_initiates_is_told_by_a_list_of_kinds_or_by_a_column(shop: Shop) -> None:
    text = "who,at,what,by\na,2024-01-05,sent,company\na,2024-01-05,open,\na,2024-01-06,open, Customer\n"
    plain, listed = _events(shop, text), _events(shop, text, company_initiated=["sent ", "sentt"])
    told = _events(shop, text, initiated_by="by")
    assert plain.manifest.tables["events"].kinds == _kinds(("open", 2, 0), ("sent", 1, 0))
    for ledger in (listed, told):
        assert ledger.manifest.tables["events"].kinds == _kinds(("open", 2, 0), ("sent", 1, 1))
        assert sorted(ledger.rows_of("events").column("initiated_by").to_pylist()) == [
            "company",
            "customer",
            "customer",
        ]
    (note,) = (n for n in listed.manifest.tables["events"].notes if "company_initiated" in n)
    assert "no event is of kind `sentt`" in note
    assert "did you mean `sent`?" in note


def test_channels_are_counted_and_a_missing_one_is_none(shop: Shop) -> None:
    text = "who,at,what,where\na,2024-01-05,open,app\na,2024-01-05,open,\nb,2024-01-05,open,web\n"
    ledger = _events(shop, text, channel="where")
    assert ledger.manifest.tables["events"].channels == _kinds(("app", 1, 0), ("web", 1, 0))


def test_a_column_of_a_thousand_values_is_no_kind(shop: Shop) -> None:
    text = "who,at,what\n" + "".join(f"a,2024-01-05,k{i}\n" for i in range(1_001))
    with pytest.raises(DataError, match=r"more than 1,000 different values of `kind`.*now `what`"):
        _events(shop, text)


@pytest.mark.parametrize("name", ['x"), (select 1', "x'; drop table used; --", "a.b", "é", "select"])
def test_a_name_or_word_of_the_configuration_is_only_that(shop: Shop, name: str) -> None:
    section = {"customer_id": name, "occurred_at": "at", "all_of_kind": name, "company_initiated": [name]}
    config = shop({}, events=section, customers={"customer_id": "id", "attributes": [name]})
    events = pa.table({name: ["a"], "at": ["2024-01-05"]})
    ledger = Ledger.from_frame(_buys(), config, events=events, customers=pa.table({"id": ["a"], name: ["x"]}))
    assert ledger.manifest.tables["events"].kinds == _kinds((name, 1, 1))
    assert ledger.rows_of("customers", columns=[name]).to_pylist() == [{name: "x"}]


# --- consent -----------------------------------------------------------------------------------------------------


def test_plain_words_of_consent_are_known_and_a_withdrawal_of_the_same_moment_comes_last(shop: Shop) -> None:
    text = (
        "who,at,may\na,2024-01-05,Opt_Out\na,2024-01-05,YES\nb,2024-01-05,1\nb,2024-01-06,false\nb,2024-01-06,false\n"
    )
    ledger = build_ledger(shop({"c.csv": text}, consent={"path": "c.csv", **CONSENT}))
    assert ledger.rows_of("consent").column("status").to_pylist() == ["granted", "withdrawn", "granted", "withdrawn"]
    assert ledger.manifest.tables["consent"].lines["merged"] == 1
    (first, *_) = ledger.rows_of("consent").to_pylist()
    assert (first["channel"], first["purpose"]) == ("email", "marketing")


def test_words_of_consent_that_are_not_known_are_asked_about(shop: Shop) -> None:
    text = "who,at,may\na,2024-01-05,ja\nb,2024-01-05,nein\n"
    with pytest.raises(DataError, match=r"'ja' \(1 lines, first c\.csv:2\)") as caught:
        build_ledger(shop({"c.csv": text}, consent={"path": "c.csv", **CONSENT}))
    assert "granted = [" in str(caught.value)
    ledger = build_ledger(shop({"c.csv": text}, consent={"path": "c.csv", **CONSENT, "granted": ["JA", "jawohl"]}))
    assert ledger.rows_of("consent").column("status").to_pylist() == ["granted", "withdrawn"]
    assert ledger.manifest.tables["consent"].notes == ("no line has the status `jawohl`, which `granted` names",)


# --- customers beside buyers -------------------------------------------------------------------------------------


def test_customers_without_purchases_stay_and_are_counted(shop: Shop) -> None:
    ledger = _events(shop, "who,at,what\na,2024-01-05,visit\nnew,2024-01-05,visit\n7,2024-01-05,visit\n")
    record = ledger.manifest.tables["events"]
    assert (record.n_customers, record.without_purchases) == (3, 2)
    assert ledger.rows_of("events").column("customer_id").to_pylist() == ["7", "a", "new"]
    # The purchases have `007`.
    (note,) = record.notes
    assert note == "1 customer ids of the events differ from a buyer's by leading zeros only, such as (1 character)"


def test_a_table_of_other_peoples_customers_is_noticed(shop: Shop) -> None:
    record = _events(shop, "who,at,what\nx,2024-01-05,visit\n").manifest.tables["events"]
    assert record.notes == ("nobody in the table of events has a purchase; do both sources name customers alike?",)


def test_no_example_of_a_sensitive_value_is_shown(shop: Shop) -> None:
    text = "who,town,age,sex\na, Rom ,1, f \n"
    ledger = build_ledger(shop({"p.csv": text}, customers={"path": "p.csv", **PEOPLE}))
    assert [r.example for r in ledger.manifest.tables["customers"].repairs] == ["' Rom '", ""]


# --- the ledger as a whole ---------------------------------------------------------------------------------------


@pytest.mark.soak
def test_the_fingerprint_covers_every_table_and_purchases_alone_keep_theirs(shop: Shop) -> None:
    config = shop({}, **MAPPED)
    frames = {name: _arrow(name, True) for name in ALL}
    alone = Ledger.from_frame(_buys(), config).manifest
    assert alone.fingerprint == Ledger.from_frame(_buys(), shop({})).manifest.fingerprint
    assert alone.tables == {}
    whole = Ledger.from_frame(_buys(), config, **frames).manifest.fingerprint
    prints = {alone.fingerprint, whole}
    for name in ALL:
        fewer = {**frames, name: frames[name].slice(1)}
        prints.add(Ledger.from_frame(_buys(), config, **fewer).manifest.fingerprint)
        prints.add(Ledger.from_frame(_buys(), config, **{**frames, name: None}).manifest.fingerprint)
    assert len(prints) == 2 + 2 * len(ALL)


def test_another_content_of_a_table_is_another_ledger_and_a_damaged_one_is_built_again(shop: Shop) -> None:
    text = "who,at,what\na,2024-01-05,visit\n"
    first, second = (Path(str(_events(shop, t).folder)) for t in (text, text + "b,2024-01-05,visit\n"))
    assert first != second
    whole = (second / "events.parquet").read_bytes()
    (second / "events.parquet").write_bytes(whole[:-1])
    assert Path(str(_events(shop, text + "b,2024-01-05,visit\n").folder)) == second
    assert (second / "events.parquet").read_bytes() == whole


def test_a_ledger_of_purchases_alone_has_no_file_of_another_table(shop: Shop) -> None:
    folder = Path(str(build_ledger(shop({})).folder))
    assert {f.name for f in folder.iterdir()} & {f"{name}.parquet" for name in ALL} == set()


def test_a_record_of_tables_survives_json_and_must_add_up(shop: Shop) -> None:
    frames = {name: _arrow(name, False) for name in ALL}
    manifest = Ledger.from_frame(_buys(), shop({}, **MAPPED), **frames).manifest
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert json.loads(manifest.to_json())["tables"]["events"]["lines"]["without_customer"] == 1
    record = manifest.tables["events"]
    with pytest.raises(StorageError, match="does not add up"):
        replace(record, lines={**record.lines, "used": record.lines["used"] + 1})


def test_a_frame_that_nothing_maps_is_refused(shop: Shop) -> None:
    with pytest.raises(ConfigError, match=r"nothing says which of its columns is what.*\[data\.offers\]"):
        Ledger.from_frame(_buys(), shop({}), offers=_arrow("offers", True))
    with pytest.raises(DataError, match="the offers frame has no column `coupon`"):
        Ledger.from_frame(_buys(), shop({}, offers=OFFERS), offers=_arrow("consent", True))


def test_threads_and_file_boundaries_do_not_matter(shop: Shop) -> None:
    rng = np.random.default_rng(3)
    lines = [f"c{rng.integers(50)},2024-01-{1 + rng.integers(28):02},k{rng.integers(3)}\n" for _ in range(600)]
    header = "who,at,what\n"
    one = _events(shop, header + "".join(lines), duplicates="keep")
    files = {f"f/{i}.csv": header + "".join(lines[i::3]) for i in range(3)}
    config = shop(files, events={"path": "f", **EVENTS, "duplicates": "keep"})
    config = config.model_copy(update={"engine": config.engine.model_copy(update={"threads": 1, "memory": "200MB"})})
    three = build_ledger(config)
    name = "events.parquet"
    assert (Path(str(one.folder)) / name).read_bytes() == (Path(str(three.folder)) / name).read_bytes()


def test_what_an_event_is_about_and_why_are_kept_as_text(shop: Shop) -> None:
    lines = "who,at,what,item,why\na,2024-01-04,complaint,007,broken\na,2024-13-01,complaint,1,late\n"
    ledger = _events(shop, lines, product_id="item", reason="why", **TOLERANT)
    rows = ledger.rows_of("events", columns=["product_id", "reason"]).to_pylist()
    # There is no thirteenth month: the second line is set aside, and its own reason is not that of the shop.
    assert rows == [{"product_id": "007", "reason": "broken"}]
    assert "broken" not in str(ledger.quarantine("events").column("reason").to_pylist())
