"""The moments and channels of a small shop: what is read, what is left out with a sentence, the file, the command."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars import cli
from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import ConfigError, StorageError
from regulars.intake import Ledger
from regulars.offers.workbook import cells_of_workbook
from regulars.pipelines.campaign.best_moment import HOUR, WEEKDAY, best_moments
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.draft import Draft, decisions_of
from regulars.pipelines.campaign.event_store import HELD
from regulars.pipelines.published import CSV, FACTS, RUNS, SCORES, Book, Run
from regulars.pipelines.timing import timing, write_timing
from regulars.pipelines.timing_list import COLUMNS
from regulars.pipelines.written import remembered

from .campaign.decided import decision_of, table_of, who

ZONE = "Europe/Berlin"
FIRST = pd.Timestamp("2024-01-01")
DAYS = 220
DAY = Cutoff.parse("2024-08-08")
"""The day after the last of 220 days, a Thursday."""
SECTIONS = {
    "purchases": {"customer_id": "customer_id", "purchased_at": "purchased_at", "amount": "amount"},
    "events": {
        **{name: name for name in ("customer_id", "occurred_at", "kind", "channel", "initiated_by")},
    },
    "offers": {name: name for name in ("customer_id", "offered_at", "offer_id", "redeemed_at", "channel")},
    "consent": {name: name for name in ("customer_id", "recorded_at", "channel", "purpose", "status")},
}


def config_in(folder: Path, *tables: str, **contact: object) -> Config:
    """A shop in Berlin with some tables beside the purchases."""
    mapped = {name: SECTIONS[name] for name in ("purchases", *tables)}
    data = {"timezone": ZONE, "currency": "EUR", **mapped}
    return Config.model_validate({"data": data, "contact": contact}).model_copy(update={"folder": folder})


def purchases(n: int = 60, timed: bool = True) -> pd.DataFrame:
    """Every third customer comes on Saturdays at ten, the others on any day at five; all weekly for 220 days."""
    rng, rows = np.random.default_rng(2), []
    for i in range(n):
        for week in range(DAYS // 7):
            # The first of January 2024 was a Monday: the sixth day of its week is Saturday.
            day, hour = (5, 10) if i % 3 == 0 else (int(rng.integers(0, 5)), 17)
            when = FIRST + pd.Timedelta(days=7 * week + day, hours=hour * timed, minutes=20 * timed)
            rows.append((who(i), when.isoformat() if timed else when.date().isoformat(), 10.0))
    rows.append((who(n), (FIRST + pd.Timedelta(days=DAYS - 1)).date().isoformat(), 10.0))
    return pd.DataFrame(rows, columns=["customer_id", "purchased_at", "amount"])


def scores(folder: Path, n: int = 60) -> Run:
    """Customer i is due in i days; every tenth is late, and the last is not expected within a year."""
    i = np.arange(n)
    day = [str(DAY.plus(int(k))) for k in i]
    told = {
        "customer_id": [who(k) for k in i],
        "next_order_from": day,
        "next_order_p50": [*day[:-1], ""],
        "next_order_until": [str(DAY.plus(int(k) + 3)) for k in i],
        "usual_gap_days": np.where(i % 2 == 0, 2.0, 50.0),
        "late": i % 10 == 9,
        "recency_days": np.full(n, 5),
        "expected_spend": np.full(n, 20.5),
        "p_purchase_7d": np.full(n, 0.5),
    }
    book, name = Book(folder / "scores"), f"{DAY}-v1-0000000a"
    with book.filling(name) as place:
        pd.DataFrame(told).to_parquet(place / SCORES)
        (place / CSV).write_text("")
        facts = {"as_of": str(DAY), "horizon_days": 30, "currency": "EUR", "model": {"version": "1"}}
        (place / FACTS).write_text(json.dumps(facts))
    run = Run(book.folder / RUNS / name)
    book.point(run)
    return run


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Ledger]:
    """The shop with scores."""
    folder = tmp_path_factory.mktemp("scored")
    config = config_in(folder)
    scores(folder)
    return config, Ledger.from_frame(purchases(), config)


def test_who_is_due_when_is_counted_by_week(scored: tuple[Config, Ledger]) -> None:
    config, ledger = scored
    found = timing(ledger, config)
    weeks = {row["week"]: row for row in found.tables[0].rows}
    # Customers 0 to 6 are due on the days 0 to 6; of them 0, 2, 4, 6 are silent for 5 of their 2 usual days.
    assert (weeks["0-6"]["customers"], weeks["0-6"]["overdue"], weeks["0-6"]["late"]) == (7, 4, 0)
    assert weeks["0-6"]["expected_spend"] == 7 * 205_000
    assert weeks["7-13"]["late"] == 1
    # 56, 57, 58; the last has no day. The customer with one purchase and no score is in no row.
    assert (weeks["56 and later"]["customers"], weeks["not within a year"]["customers"]) == (3, 1)
    assert sum(int(str(row["customers"])) for row in weeks.values()) == 60
    within = found.tables[1].rows[0]
    assert (within["within"], within["due"], within["expected"]) == ("7 days", 7, 30.0)
    assert found.headline.startswith("7 customers are due within 7 days, 6 are late;")


def test_own_times_are_told_where_they_differ_and_surely(scored: tuple[Config, Ledger]) -> None:
    config, ledger = scored
    found = timing(ledger, config)
    assert found.weekday is not None
    assert found.hour is not None
    own = found.read.ids[found.weekday.own.differs].tolist()
    # The twenty who come on Saturdays; all others come on any of five days, and the best of all is one of these.
    assert {who(i) for i in range(0, 60, 3)} <= set(own)
    assert {name for i, name in enumerate(found.read.ids) if found.hour.own.place[i] == 10} == {
        who(i) for i in range(0, 60, 3)
    }
    backtest = next(table for table in found.tables if table.name == "backtest")
    assert [row["used"] for row in backtest.rows] == [True, True]
    # 220 days: a window of 90 needs 90 before it, and a second one is not covered: purchases are all there is anyway.
    assert [row["judged_from"] for row in backtest.rows] == ["2024-05-10", "2024-05-10"]
    said = json.dumps(found.figures()) + "\n".join(found.lines)
    assert not re.search(r"customer-0000", said)


def test_the_file_holds_who_is_due_first_with_reasons(scored: tuple[Config, Ledger]) -> None:
    config, ledger = scored
    found = timing(ledger, config)
    written = write_timing(ledger, config, found)
    rows = pq.read_table(config.folder / "timing.parquet").to_pylist()
    assert (written.rows, tuple(rows[0])) == (61, COLUMNS)
    first, last = rows[0], rows[-1]
    assert (first["customer_id"], first["days_to_due"], first["due_from"], first["due"]) == (
        who(0),
        0,
        str(DAY),
        str(DAY),
    )
    assert (first["weekday"], first["weekday_differs"], first["hour"], first["hour_differs"]) == (
        "saturday",
        True,
        10,
        True,
    )
    usual = found.weekday.usual if found.weekday is not None else ""
    assert first["reason"] == (
        "silent for at least the usual gap; next purchase by even odds within 1 days; "
        f"buys on saturday rather than {usual}; buys at 10:00 rather than 17:00"
    )
    # Nobody is expected after the last one: without a day, then without a score.
    assert [row["customer_id"] for row in rows[-2:]] == [who(59), who(60)]
    assert rows[-2]["reason"].startswith("late: silent for unusually long; no purchase within a year is likely")
    assert (last["due"], last["days_to_due"], last["overdue"], last["reason"]) == (
        None,
        None,
        None,
        "no score of this day",
    )
    assert "timing" in {entry.kind for entry in remembered(config.folder)}


def test_the_same_again_is_the_same_file_and_lists_are_harmless(scored: tuple[Config, Ledger], tmp_path: Path) -> None:
    config, ledger = scored
    for suffix in (".parquet", ".csv", ".xlsx"):
        files = [tmp_path / f"{name}{suffix}" for name in "ab"]
        for file in files:
            write_timing(ledger, config, timing(ledger, config), file)
        assert files[0].read_bytes() == files[1].read_bytes()
    cells = read_csv(tmp_path / "a.csv")
    assert [row["customer_id"] for row in cells[:2]] == [who(0), who(1)]
    assert (cells[0]["overdue"], cells[-1]["overdue"], cells[-1]["due"]) == ("yes", "", "")
    assert list(cells_of_workbook(tmp_path / "a.xlsx"))[1] == list(cells[0].values())
    with pytest.raises(ConfigError, match="RG498"):
        write_timing(ledger, config, timing(ledger, config), tmp_path / "a.json")


def test_dates_without_a_time_leave_the_hour_out_and_no_scores_the_due_days(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    found = timing(Ledger.from_frame(purchases(timed=False), config), config)
    assert found.hour is None
    assert found.weekday is not None
    assert found.off["hour"].startswith("most purchases tell a date and no time of day")
    assert found.off["due"] == "there are no scores of 2024-08-08; `regulars score` makes them"
    assert set(found.off) == {
        "hour",
        "due",
        *(f"response, {part}" for part in ("campaigns", "table of offers", "events")),
    }
    assert {table.name for table in found.tables} == {"by_weekday", "backtest"}
    write_timing(Ledger.from_frame(purchases(timed=False), config), config, found)
    assert pq.read_table(tmp_path / "timing.parquet").column("hour").null_count == 61


def test_a_short_history_gives_everybody_the_same_time_and_says_so(scored: tuple[Config, Ledger]) -> None:
    config, ledger = scored
    found = timing(ledger, config, Cutoff.parse("2024-02-25"))
    # 55 days: a window of 28 and 28 days before it need 56.
    assert found.weekday is not None
    assert not found.weekday.own.differs.any()
    assert "less than 56 days" in found.off["own weekday and hour"]
    assert timing(ledger, config, Cutoff.parse("2024-02-26")).off.keys() == found.off.keys() - {"own weekday and hour"}


def test_what_became_known_later_does_not_count(tmp_path: Path) -> None:
    mapped = {**SECTIONS["purchases"], "known_at": "known_at"}
    config = Config.model_validate({"data": {"timezone": ZONE, "purchases": mapped}})
    config = config.model_copy(update={"folder": tmp_path})
    frame = purchases(9)
    late = frame["purchased_at"].str[:10] == "2024-03-09"
    told = frame.assign(known_at=np.where(late, "2024-08-07T12:00", frame["purchased_at"]))
    day = Cutoff.parse("2024-07-01")
    found = timing(Ledger.from_frame(told, config), config, day)
    less = timing(Ledger.from_frame(told[~late], config), config, day)
    assert found.figures() == less.figures()
    assert late.sum() == 3
    # On a later day than that they are known.
    more = timing(Ledger.from_frame(told, config), config, DAY)
    assert more.figures() != timing(Ledger.from_frame(told[~late], config), config, DAY).figures()


def test_what_comes_later_changes_nothing_of_what_is_said_before(tmp_path: Path) -> None:
    config, day = config_in(tmp_path), Cutoff.parse("2024-07-03")
    whole = purchases(30)
    part = whole[whole["purchased_at"] < str(day)]
    less = Ledger.from_frame(part, config)
    assert less.ends == day
    assert timing(Ledger.from_frame(whole, config), config, day).figures() == timing(less, config, day).figures()


def test_a_day_outside_the_ledger_is_refused(scored: tuple[Config, Ledger]) -> None:
    config, ledger = scored
    for day in ("2024-01-01", "2024-08-09"):
        with pytest.raises(ConfigError, match="RG497"):
            timing(ledger, config, Cutoff.parse(day))


def events(n: int = 60, opened: float = 0.6) -> pd.DataFrame:
    """Forty e-mails and push messages to each; a push is opened by six of ten within two hours, an e-mail by one."""
    rng, rows = np.random.default_rng(5), []
    for i in range(n):
        for k in range(40):
            for channel, chance in (("email", 0.1), ("push", opened)):
                at = FIRST + pd.Timedelta(days=5 * k, hours=9)
                rows.append((who(i), at.isoformat(), f"{channel}_sent", channel, "company"))
                if rng.random() < chance:
                    then = (at + pd.Timedelta(hours=2)).isoformat()
                    rows.append((who(i), then, f"{channel}_open", channel, "customer"))
    rows.append((who(0), FIRST.isoformat(), "letter", "post", "company"))
    return pd.DataFrame(rows, columns=["customer_id", "occurred_at", "kind", "channel", "initiated_by"])


def test_events_tell_the_better_channel_as_an_association_and_consent_is_asked(tmp_path: Path) -> None:
    config = config_in(tmp_path, "events", "consent", do_not_contact="never.txt")
    (tmp_path / "never.txt").write_text(f"{who(1)}\n")
    agreed = [(who(i), "2024-01-01", "push" if i % 2 else "email", "marketing", "granted") for i in range(60)]
    consent = pd.DataFrame(agreed, columns=list(SECTIONS["consent"]))
    ledger = Ledger.from_frame(purchases(), config, events=events(), consent=consent)
    found = timing(ledger, config)
    table = next(table for table in found.tables if table.name == "response_by_channel")
    # Nobody can answer a letter by post in this log: it has no row.
    assert {row["channel"] for row in table.rows} == {"email", "push"}
    best = {(row["channel"], row["stage"]) for row in table.rows if row["best"]}
    assert best >= {("push", "active")}
    assert all(channel == "push" for channel, _ in best)
    assert {row["basis"] for row in table.rows} == {"events, association"}
    # The log ends with day 195: of the forty messages those of the days 190 and 195 had no seven days to be answered.
    whole = {row["channel"]: row["sent"] for row in table.rows if row["stage"] == "all"}
    assert whole == {"email": 38 * 60, "push": 38 * 60}
    listed = write_timing(ledger, config, found, tmp_path / "all.csv")
    rows = read_csv(tmp_path / "all.csv")
    assert {row["channel"] for row in rows if int(row["customer_id"][-2:]) % 2} == {"push"}
    # Who has not agreed to push is told no channel; who is to be left alone is not there.
    assert {row["channel"] for row in rows if not int(row["customer_id"][-2:]) % 2} == {""}
    assert who(1) not in {row["customer_id"] for row in rows}
    assert listed.notes[0] == "1 are left out because they must not be contacted"
    only = write_timing(ledger, config, found, tmp_path / "push.csv", "push")
    assert {int(row["customer_id"][-2:]) % 2 for row in read_csv(tmp_path / "push.csv")} == {1}
    assert only.notes[-1] == "31 are left out because they have not agreed to push"


def test_without_consent_a_list_for_a_channel_is_not_written(scored: tuple[Config, Ledger], tmp_path: Path) -> None:
    config, ledger = scored
    listed = write_timing(ledger, config, timing(ledger, config), tmp_path / "push.csv", "push")
    assert (listed.written, (tmp_path / "push.csv").exists()) == (False, False)
    assert listed.notes == ("there is no table of consent, so nobody may be written to; add [data.consent]",)


def test_the_table_of_offers_counts_redemptions_whose_time_is_over(tmp_path: Path) -> None:
    config = config_in(tmp_path, "offers")
    rows = [
        (who(0), "2024-03-01", "a", "2024-03-10", "Mail"),
        (who(1), "2024-03-01", "a", None, "mail"),
        # 28 days after: too late; and not over yet on the eighth of August.
        (who(2), "2024-03-01", "a", "2024-03-29", "app"),
        (who(3), "2024-08-01", "a", "2024-08-02", "app"),
    ]
    frame = pd.DataFrame(rows, columns=list(SECTIONS["offers"]))
    found = timing(Ledger.from_frame(purchases(), config, offers=frame), config)
    told = {row["channel"]: (row["sent"], row["answered"]) for row in found.tables[-1].rows if row["stage"] == "all"}
    assert told == {"mail": (2, 1), "app": (1, 0)}
    assert "table of offers, association: no channel is distinguishable from the others" in found.notes


def test_what_was_drawn_by_lot_is_told_apart_from_what_was_chosen(tmp_path: Path) -> None:
    config, wave = config_in(tmp_path), Cutoff.parse("2024-06-03")
    table = table_of(60, as_of=wave)
    arm = table.column("arm").to_pylist()
    given = [a in ("chosen", "explore") for a in arm]
    channel = ["" if not g else ("app" if i // 4 % 2 else "mail") for i, g in enumerate(given)]
    # Explorers of the first ten could have been reached by mail only (bit 0); the others by both (bits 0 and 1).
    permitted = [1 if i < 10 else 3 for i in range(60)]
    at = [wave.day * 86_400_000_000 if g else None for g in given]
    cells = {
        "offer": ["tea" if g else "" for g in given],
        "channel": channel,
        "permitted": permitted,
        "basis": ["assumed" if g else "" for g in given],
        "why": ["" if g else "control" for g in given],
        "send_at": pa.array(at, pa.timestamp("us", "UTC")),
        **{name: [1.0 if g else 0.0 for g in given] for name in ("gain_low", "gain", "gain_high", "cost")},
    }
    kept = table.drop_columns([name for name in cells if name in table.column_names])
    for name, values in cells.items():
        kept = kept.append_column(name, values if isinstance(values, pa.Array) else pa.array(values))
    decided = decisions_of(kept, "spring", wave)
    catalogue = {"offers": [{"id": "tea", "type": "gift", "channels": ["mail", "app"]}]}
    book = Decisions.of(config)
    with book.writing("a test"):
        draft = Draft("spring", wave, decided, {"catalogue": catalogue, "campaign": "spring"}, {}, {})
        book.assign(draft, "0a1b2c3d", {"inputs": {}})
    explorers = [i for i in range(60) if arm[i] == "explore"]
    ledger = Ledger.from_frame(purchases(), config)
    off = timing(ledger, config).off
    assert off["response, campaigns drawn"].startswith("nothing that came back is logged")
    told = [("e1", explorers[-1], "redeemed", wave, 3), ("e2", explorers[-2], "opened", wave, 3)]
    _log(book, told)
    found = timing(ledger, config)
    rows = {(row["basis"], row["channel"]): row for row in found.tables[-1].rows if row["stage"] == "all"}
    lot = [i for i in explorers if i >= 10]
    by = {name: [i for i in lot if channel[i] == name] for name in ("mail", "app")}
    for name, those in by.items():
        row = rows["campaigns drawn, by lot", name]
        # A redemption is an answer; having opened is none where anything was redeemed.
        assert (row["sent"], row["answered"]) == (len(those), int(explorers[-1] in those))
    assert ("campaigns chosen, association", "mail") in rows


def _log(book: Decisions, rows: list[tuple[str, int, str, Cutoff, int]]) -> None:
    told = [
        {
            "event_id": name,
            "decision_id": decision_of(i, "spring", day),
            "kind": kind,
            "value": None,
            "occurred_at": day.plus(after).day * 86_400_000_000,
        }
        for name, i, kind, day, after in rows
    ]
    book.store.add(pa.Table.from_pylist(told, schema=HELD))


def test_a_list_of_offers_gets_the_times_of_who_has_some_of_their_own(
    scored: tuple[Config, Ledger], tmp_path: Path
) -> None:
    config, ledger = scored
    assert best_moments(tmp_path, DAY) == {}
    write_timing(ledger, config, timing(ledger, config), tmp_path / "timing.parquet")
    found = best_moments(tmp_path, DAY)
    assert (found[WEEKDAY][who(0)], found[HOUR][who(0)]) == ("saturday", "10")
    assert who(1) not in found[HOUR]
    # A wave of an earlier day knew nothing of it.
    assert best_moments(tmp_path, DAY.minus(1)) == {}
    (tmp_path / "timing.parquet").write_text("no")
    with pytest.raises(StorageError, match="RG499"):
        best_moments(tmp_path, DAY)


def test_the_command_writes_the_file_and_figures_and_refuses_what_would_hide_customers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    purchases(6).to_csv(tmp_path / "purchases.csv", index=False)
    mapped = "".join(f'{name} = "{name}"\n' for name in SECTIONS["purchases"])
    (tmp_path / "regulars.toml").write_text(f'[data]\n[data.purchases]\npath = "purchases.csv"\n{mapped}')

    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["regulars", "timing", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return int(str(end.value.code)), said.out + said.err

    config = tmp_path / "regulars.toml"
    code, said = run(config, "--json", tmp_path / "t.json")
    assert code == 0, said
    figures = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert {"headline", "tables", "off", "notes"} <= set(figures)
    assert f"{tmp_path / 'timing.parquet'} is written: 7 customers" in said
    assert "customer-0000" not in said + json.dumps(figures)
    code, said = run(config, "--channel", "mail")
    assert (code, "--channel needs --out" in said) == (2, True)
