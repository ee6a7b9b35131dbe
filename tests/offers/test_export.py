"""Lists for channels: no cell is a formula, nothing is lost on the way, only those who are sent something are on it.

In: decisions made by hand, with ids and titles that attack spreadsheets. Out: sentences; .xlsx files are read back by
openpyxl, which did not write them.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.clock import Zone
from regulars.errors import ConfigError, RegularsError
from regulars.offers import export
from regulars.offers.catalogue import Catalogue
from regulars.offers.export import COLUMNS, ToSend, to_send
from regulars.offers.harmless import as_it_was, harmless
from regulars.offers.workbook import MOST_ROWS, cells_of_workbook, write_workbook

PAYLOADS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "'=1+1",
    "''",
    '"=1+1"',
    "＝1+1",
    "＠A1",
    'x;=HYPERLINK("http://example.org")',
    "x,@A1",
    "x\t-1",
    "\ufeff=1+1",
    "007",
    "1e5",
    "2024-03-04",
    "TRUE",
    "",
    "Zoë, 日本",
    "_x0041_",
    "bell\x07",
    "<a>&amp;</a>",
    "two\r\nlines",
]
OBEYED = ("=", "+", "-", "@", "\t", "\r", "\n", '"', "＝", "＋", "－", "＠", "\ufeff")
CATALOGUE = Catalogue.of(
    {
        "campaign": {"name": "spring"},
        "channels": [{"name": "mail"}, {"name": "sms"}],
        "offers": [
            {
                "id": "tea",
                "type": "gift",
                "title": "=1+1",
                "text": "-10 % off; =today()",
                "value": 1,
                "channels": ["mail", "sms"],
                "response": {"save": [0, 0.1, 0.2]},
            }
        ],
    }
)


def decisions(ids: list[str], arms: list[str] | None = None, channel: str = "mail") -> pa.Table:
    """Everybody is given tea, but those of arms that are given nothing."""
    arms = arms or ["chosen"] * len(ids)
    gives = [arm in ("chosen", "explore") for arm in arms]
    columns = {
        "customer_id": ids,
        "decision_id": [f"{place:032x}" for place in range(len(ids))],
        "campaign": ["spring"] * len(ids),
        "arm": arms,
        "offer": ["tea" if one else "" for one in gives],
        "channel": [channel if one else "" for one in gives],
        "send_at": pa.array([0 if one else None for one in gives], pa.timestamp("us", "UTC")),
        "valid_until": pa.array(["1970-01-14" if place % 2 else None for place in range(len(ids))], pa.string()),
    }
    return pa.table(columns)


def sent(table: pa.Table, may: list[bool] | None = None) -> ToSend:
    allowed = np.ones(table.num_rows, bool) if may is None else np.array(may)
    return to_send(table, CATALOGUE, Zone("Europe/Berlin"), "mail", allowed)


@pytest.mark.parametrize("text", PAYLOADS)
def test_no_text_is_a_formula_and_every_text_comes_back(text: str) -> None:
    cell = harmless(text)
    assert not cell.startswith(OBEYED)
    assert not any(end + sign in cell for end in ";,|" for sign in "=+-@＝＋－＠")
    assert as_it_was(cell) == text


@given(st.text(alphabet="=+-@'\"\t\r\n;,|aZ0 ＝_x41\ufeff", max_size=12))
def test_any_text_comes_back(text: str) -> None:
    assert as_it_was(harmless(text)) == text
    assert not harmless(text).startswith(OBEYED)


def test_plain_texts_stay_as_they_are() -> None:
    for text in ("customer-7", "10 % off - today", "it's", "a=b", "ann@example.org", "5,95"):
        assert harmless(text) == text


def test_a_list_in_csv_holds_what_was_decided_and_no_formula(tmp_path: Path) -> None:
    ids = sorted(set(PAYLOADS))
    sent(decisions(ids)).write(tmp_path / "a", ".csv")
    with (tmp_path / "a").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == COLUMNS
    assert not any(cell.startswith(OBEYED) for row in rows for cell in row)
    assert [as_it_was(row[1]) for row in rows[1:]] == ids
    # 01:00 in Berlin is midnight in UTC; the first decision has no last day.
    assert rows[1][4:] == ["tea", "'=1+1", "'-10 % off; =today()", "", "1970-01-01T01:00+01:00", ""]
    assert rows[2][-1] == "1970-01-14"


def test_in_a_workbook_every_cell_is_a_text(tmp_path: Path) -> None:
    # openpyxl does not spell out escaped characters; those are compared by our own reader below.
    ids = [text for text in sorted(set(PAYLOADS)) if harmless(text).isprintable() and "_x" not in text]
    sent(decisions(ids)).write(tmp_path / "a.xlsx", ".xlsx")
    cells = list(openpyxl.load_workbook(tmp_path / "a.xlsx").active.iter_rows())
    assert [cell.value for cell in cells[0]] == list(COLUMNS)
    filled = [cell for row in cells for cell in row if cell.value is not None]
    # s and inlineStr are texts; f would be a formula, n a number, d a date, b a truth, e an error.
    assert {cell.data_type for cell in filled} <= {"s", "inlineStr"}
    assert [row[1].value or "" for row in cells[1:]] == ids
    assert cells[1][5].value == "=1+1"


def test_a_workbook_gives_back_every_text_whatever_its_characters(tmp_path: Path) -> None:
    rows = [[text, "x"] for text in PAYLOADS]
    write_workbook(tmp_path / "a.xlsx", ["a", "b"], rows)
    assert list(cells_of_workbook(tmp_path / "a.xlsx")) == [["a", "b"], *rows]
    first = (tmp_path / "a.xlsx").read_bytes()
    write_workbook(tmp_path / "b.xlsx", ["a", "b"], rows)
    assert (tmp_path / "b.xlsx").read_bytes() == first


def test_another_workbook_is_not_taken_for_ours(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["=1+1", 7])
    book.save(tmp_path / "other.xlsx")
    assert list(cells_of_workbook(tmp_path / "other.xlsx")) == []
    (tmp_path / "none.xlsx").write_bytes(b"no zip")
    with pytest.raises(ValueError, match="no workbook of ours"):
        list(cells_of_workbook(tmp_path / "none.xlsx"))


def test_hold_outs_controls_and_those_who_may_not_be_written_to_are_on_no_list() -> None:
    arms = ["holdout", "control", "explore", "chosen", "chosen"]
    found = sent(decisions(list("abcde"), arms), may=[True, True, True, True, False])
    assert found.table.column("customer_id").to_pylist() == ["c", "d"]
    assert sent(decisions(["a"], channel="sms")).table.num_rows == 0
    # Even where a log were wrong, and gave a control something.
    wrong = decisions(["a"]).set_column(3, "arm", [["control"]])
    assert sent(wrong).table.num_rows == 0


def test_a_list_of_nobody_has_its_header(tmp_path: Path) -> None:
    for kind in (".csv", ".xlsx"):
        sent(decisions(["a"]).slice(1)).write(tmp_path / f"a{kind}", kind)
    assert (tmp_path / "a.csv").read_text().count("\n") == 1
    assert list(cells_of_workbook(tmp_path / "a.xlsx")) == [list(COLUMNS)]


def test_other_kinds_of_files_and_sheets_that_are_too_long_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="RG428"):
        sent(decisions(["a"])).write(tmp_path / "a.pdf", ".pdf")
    assert MOST_ROWS == 2**20 - 1
    monkeypatch.setattr(export, "MOST_ROWS", 1)
    with pytest.raises(ConfigError, match="do not fit into a sheet"):
        sent(decisions(["a", "b"])).write(tmp_path / "a.xlsx", ".xlsx")


def test_a_file_that_does_not_hold_what_it_should_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "harmless", lambda text: text)
    with pytest.raises(RegularsError, match="RG429"):
        sent(decisions(["'=1+1"])).write(tmp_path / "a.csv", ".csv")
