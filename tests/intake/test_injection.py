"""Names, paths, settings and cells are only that: nothing in them is executed, and data come out as they went in."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.config import Config, EngineConfig
from regulars.errors import ConfigError, RegularsError, visible
from regulars.intake import Ledger, build_ledger
from regulars.intake.sources.found import parts_at
from regulars.intake.staging import working_database
from regulars.sections import PurchasesConfig
from tests.intake.delivery import csv_text

_DEEDS = (
    "; drop table raw; --",
    "), (select max(v) from canary",
    " from canary; delete from canary; --",
    ", read_text('/etc/passwd')",
    "; copy raw to 'canary.csv'; --",
    "; attach 'canary.db'; --",
    "/**/ union select 1 --",
    "{{7*7}}",
    "${jndi:ldap://127.0.0.1/a}",
    "$(touch canary)",
    "`touch canary`",
    "<script>alert(1)</script>",
    "%s%n{0}{x!r}",
    "\x1b[2J\x1b]0;owned\x07",
    "\n\rRG000: all is well",
    "\u202etxt.exe",
)
_ENDS = ("", '"', "'", ")", '")')
PAYLOADS = tuple(f"a{end}{deed}" for end in _ENDS for deed in _DEEDS)
"""Eighty names; each would do harm if it were ever anything but a name."""

KEYS = (
    "customer_id",
    "purchased_at",
    "amount",
    "order_id",
    "product_id",
    "category",
    "channel",
    "quantity",
    "discount",
    "cost",
    "known_at",
)
VALUES: dict[str, object] = {
    "purchased_at": dt.datetime(2024, 1, 5),
    "known_at": dt.datetime(2024, 1, 6),
    **dict.fromkeys(("amount", "quantity", "discount", "cost"), 2.0),
}


def _rounds() -> list[dict[str, str]]:
    """Which payload each key has: by default every payload at one key or another, under soak at each of them."""
    turns = len(KEYS) if os.environ.get("REGULARS_SOAK") == "1" else 1
    found = []
    for turn in range(turns):
        keys = KEYS[turn:] + KEYS[:turn]
        found += [dict(zip(keys, PAYLOADS[i:], strict=False)) for i in range(0, len(PAYLOADS), len(keys))]
    return [{key: names.get(key, f"plain {key}") for key in KEYS} for names in found]


def _section(**purchases: object) -> PurchasesConfig:
    mapped: dict[str, object] = {"customer_id": "id", "purchased_at": "when", "amount": "money"}
    return PurchasesConfig.model_validate({**mapped, **purchases})


def _config(folder: Path, **purchases: object) -> Config:
    data = {"purchases": _section(**purchases)}
    return Config.model_validate({"data": data, "engine": {"threads": 1}}).model_copy(update={"folder": folder})


def _row(names: dict[str, str]) -> dict[str, object]:
    return {names[key]: VALUES.get(key, "a") for key in KEYS}


def _as_it_went_in(ledger: Ledger) -> None:
    (line,) = ledger.table().to_pylist()
    assert (line["customer_id"], line["category"], line["amount"], line["cost"]) == ("a", "a", 2, 2)
    assert line["known_at"] is not None


def test_a_column_name_from_the_configuration_is_only_a_name(tmp_path: Path) -> None:
    for names in _rounds():
        _as_it_went_in(Ledger.from_frame(pa.Table.from_pylist([_row(names)]), _config(tmp_path, **names)))


def test_a_column_or_table_name_in_a_database_is_only_a_name(tmp_path: Path) -> None:
    tables = PAYLOADS
    for number, (names, table) in enumerate(zip(_rounds(), tables, strict=False)):
        folder = tmp_path / str(number)
        folder.mkdir()
        row = _row(names)
        quoted = [name.replace('"', '""') for name in (table, *row)]
        columns, marks = ", ".join(f'"{name}"' for name in quoted[1:]), ", ".join("?" for _ in row)
        with closing(sqlite3.connect(folder / "shop.db")) as lite, lite:
            lite.execute("create table canary (v)")
            lite.execute(f'create table "{quoted[0]}" ({columns})')
            values = [str(v) if isinstance(v, dt.date) else v for v in row.values()]
            lite.execute(f'insert into "{quoted[0]}" values ({marks})', values)
        with closing(duckdb.connect(str(folder / "shop.duckdb"))) as duck:
            duck.register("given", pa.Table.from_pylist([row]))
            duck.execute("create table canary (v int)")
            duck.execute(f'create table "{quoted[0]}" as select * from given')
        for url in ("sqlite:///shop.db", "duckdb:///shop.duckdb"):
            (part,), _ = parts_at(_section(**names, url=url, table=table), folder, "purchases")
            (batch,) = part.batches()
            assert batch.column("customer_id").to_pylist() == ["a"]
            with pytest.raises(RegularsError, match="RG113"):
                parts_at(_section(**names, url=url, table=table + "x"), folder, "purchases")
        with closing(sqlite3.connect(folder / "shop.db")) as lite:
            assert lite.execute("select count(*) from sqlite_master where name = 'canary'").fetchone() == (1,)
        assert sorted(f.name for f in folder.iterdir()) == ["shop.db", "shop.duckdb"]


def test_a_name_that_is_not_there_reaches_the_terminal_spelled_out(tmp_path: Path) -> None:
    frame = pa.table({"id": ["a"], "when": ["2024-01-05"], "money": ["1"]})
    for payload in (*PAYLOADS, "nul\0", "bell\a", "\x9b2J", "line\u2028end"):
        for key in ("customer_id", "amount", "category"):
            with pytest.raises(RegularsError) as caught:
                Ledger.from_frame(frame, _config(tmp_path, **{key: payload}))
            said = str(caught.value)
            assert caught.value.code == "RG102"
            assert visible(said) == said
            assert [c for c in said if ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e"] == []


def test_ids_and_labels_come_out_as_they_went_in(tmp_path: Path) -> None:
    cells = [*PAYLOADS, '=HYPERLINK("http://evil/?"&A2,"x")', "@SUM(1)", "+1", "-1", "'1", "||calc", "\\N", "NULL"]
    kept = [c for c in cells if c == c.strip()]
    rows = [(c, "2024-01-05", 1, c) for c in kept]
    expected = sorted(kept, key=lambda c: c.encode())
    (tmp_path / "a.csv").write_text(csv_text(("id", "when", "money", "kind"), rows), encoding="utf-8", newline="")
    table = pa.Table.from_pylist([dict(zip(("id", "when", "money", "kind"), row, strict=True)) for row in rows])
    pq.write_table(table, tmp_path / "a.parquet")
    for path in ("a.csv", "a.parquet"):
        ledger = build_ledger(_config(tmp_path, path=path, category="kind"))
        assert ledger.manifest.lines["used"] == len(kept)
        found = ledger.table()
        assert found.column("customer_id").to_pylist() == expected
        assert found.column("category").to_pylist() == expected
        assert [n for n in ledger.manifest.notes if visible(n) != n] == []
    assert sorted(f.name for f in tmp_path.iterdir()) == [".regulars", "a.csv", "a.parquet"]


def test_cells_with_nul_and_of_bad_lines_are_kept_to_the_letter(tmp_path: Path) -> None:
    ids = ["a\0b", "a", "a\0"]
    frame = pa.table({"id": ids, "when": ["2024-01-05"] * 3, "money": ["1", "1", "1"]})
    ledger = Ledger.from_frame(frame, _config(tmp_path))
    assert ledger.table().column("customer_id").to_pylist() == sorted(ids)
    bad = pa.table({"id": list(PAYLOADS), "when": list(PAYLOADS), "money": list(PAYLOADS)})
    frame = pa.concat_tables([frame.slice(0, 1), bad])
    quarantined = Ledger.from_frame(frame, _config(tmp_path, max_bad_share=1)).quarantine()
    assert quarantined.num_rows == len(PAYLOADS)


PATHS = (
    "../outside.csv",
    "data/../../outside.csv",
    "data/../data/./a.csv",
    "link.csv",
    "|touch canary",
    "`touch canary`.csv",
    "$(touch canary).csv",
    "-rf.csv",
    "a.csv; touch canary",
    "~/a.csv",
    "$HOME/a.csv",
    "%00.csv",
    "a\0.csv",
    "a.csv\n",
    "C:\\a.csv",
    "//host/share/a.csv",
    "/dev/null",
    "/etc/passwd",
    "/proc/self/environ",
    "data/[a.csv",
    "**/../*.csv",
    "x" * 5_000,
    "",
)


def _ledger_or_words(config: Config) -> Ledger | str:
    """The ledger, or what the refusal says."""
    try:
        return build_ledger(config)
    except RegularsError as error:
        return str(error)


def _above(ledger: Ledger) -> Sequence[Path]:
    """The folders above a ledger's."""
    return () if ledger.folder is None else ledger.folder.resolve().parents


def test_a_path_is_read_or_refused_and_nothing_is_written_outside_the_folder(tmp_path: Path) -> None:
    """Sources may lie wherever the user says; what Regulars writes lies in `.regulars` beside the configuration."""
    folder = tmp_path / "shop"
    (folder / "data").mkdir(parents=True)
    good = csv_text(("id", "when", "money"), [("a", "2024-01-05", 1)])
    for file in (tmp_path / "outside.csv", folder / "data" / "a.csv", folder / "-rf.csv"):
        file.write_text(good, encoding="utf-8")
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    read = {path: _ledger_or_words(_config(folder, path=path)) for path in PATHS}
    assert [said for said in read.values() if isinstance(said, str) and visible(said) != said] == []
    ledgers = {path: found for path, found in read.items() if isinstance(found, Ledger)}
    assert set(PATHS[:4]) | {"-rf.csv"} <= set(ledgers)
    assert {path for path, ledger in ledgers.items() if (folder / ".regulars") not in _above(ledger)} == set()
    assert sorted(f.name for f in tmp_path.iterdir()) == ["outside.csv", "shop"]
    assert sorted(f.name for f in folder.iterdir()) == ["-rf.csv", ".regulars", "data", "link.csv"]


def test_an_encoding_is_a_codec_of_text_or_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(csv_text(("id", "when", "money"), [("a", "2024-01-05", 1)]), encoding="utf-8")
    codecs = ("base64_codec", "zip", "hex", "rot13", "uu", "bz2", "undefined", "../../etc/passwd", "os", "utf-8\0")
    for name in (*codecs, *PAYLOADS):
        with pytest.raises(ConfigError) as caught:
            build_ledger(_config(tmp_path, path="a.csv", encoding=name))
        assert visible(str(caught.value)) == str(caught.value)
    assert sorted(f.name for f in tmp_path.iterdir() if f.name != ".regulars") == ["a.csv"]


def test_a_name_of_a_sheet_is_only_a_name(tmp_path: Path) -> None:
    # Excel allows 31 characters, and none of these in a name.
    names = list(
        dict.fromkeys("".join(c for c in p if c.isprintable() and c not in "[]:*?/\\'")[:31] for p in PAYLOADS)
    )
    unique = list({name.casefold(): name for name in names}.values())
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for i, name in enumerate(unique):
        sheet = book.create_sheet(name)
        sheet.append(["id", "when", "money"])
        sheet.append([f"c{i}", dt.datetime(2024, 1, 5), i])
    book.save(tmp_path / "a.xlsx")
    ledger = build_ledger(_config(tmp_path, path="a.xlsx", sheets=book.sheetnames))
    assert [s.file for s in ledger.manifest.sources] == [f"a.xlsx/{name}" for name in book.sheetnames]
    assert ledger.manifest.lines["used"] == len(unique)
    with pytest.raises(RegularsError, match="RG182") as caught:
        build_ledger(_config(tmp_path, path="a.xlsx", sheets=["\x1b[2J"]))
    assert "\x1b" not in str(caught.value)


def _forbidden(folder: Path) -> Sequence[str]:
    """What a statement could reach for, if one ever got through."""
    file, out = folder / "secret.csv", folder / "out"
    return (
        f"from '{file}'",
        f"select * from read_csv('{file}')",
        f"select * from read_text('{file}')",
        f"select * from read_blob('{file}')",
        f"select * from read_parquet('{folder}/a.parquet')",
        f"select * from read_json('{file}')",
        f"select * from glob('{folder}/*')",
        f"select * from sniff_csv('{file}')",
        "select * from read_text('/proc/self/environ')",
        "select * from 'https://127.0.0.1/a.parquet'",
        f"copy (select 1) to '{out}.csv'",
        f"copy (select 1) to '{out}.parquet' (format parquet)",
        f"export database '{out}'",
        f"import database '{folder}'",
        f"attach '{out}.db'",
        f"attach '{folder}/shop.db' (type sqlite)",
        "install httpfs",
        "load httpfs",
        "install sqlite from 'http://127.0.0.1'",
        f"load '{folder}/evil.duckdb_extension'",
        "select getenv('HOME')",
        "set enable_external_access=true",
        "set lock_configuration=false",
        "reset enable_external_access",
        f"set temp_directory='{folder}'",
        f"set allowed_directories=['{folder}']",
        "set python_enable_replacements=true",
        "pragma enable_profiling='json'",
        f"set log_query_path='{out}.log'",
        "create secret s (type http)",
        "from secret_frame",
        "select * from secret_frame",
        "from PAYLOADS",
    )


def test_the_working_database_reaches_no_file_no_network_and_no_python_name(tmp_path: Path) -> None:
    secret_frame = pa.table({"secret": [1]})
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    pq.write_table(secret_frame, tmp_path / "a.parquet")
    before = sorted(f.name for f in tmp_path.iterdir())
    got_through = []
    with working_database(EngineConfig(), tmp_path / "spill") as con:
        con.register("batch", secret_frame)
        assert con.execute("select secret from batch").fetchall() == [(1,)]
        for statement in _forbidden(tmp_path):
            try:
                con.execute(statement).fetchall()
                got_through.append(statement)
            except duckdb.Error:
                pass
    assert got_through == []
    assert sorted(f.name for f in tmp_path.iterdir()) == before
