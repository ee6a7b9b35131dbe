"""Spreadsheets: what stands in a cell is what comes in, and what a spreadsheet hides is said."""

from __future__ import annotations

import builtins
import datetime as dt
import zipfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from regulars.config import Config
from regulars.errors import ConfigError, DataError, RegularsError
from regulars.intake import Ledger, build_ledger
from regulars.intake.sources.dead_cells import dead_cells
from regulars.intake.sources.excel import names
from regulars.intake.sources.kinds import Reading

Row = Sequence[object]
HEADER: Row = ("id", "when", "money")
DAY = dt.datetime(2024, 1, 5)
Sheets = Callable[..., Config]


@pytest.fixture
def sheets(tmp_path: Path) -> Sheets:
    """Writes a workbook (sheet -> rows) and gives the configuration that reads it; no name makes no `sheets`."""

    def write(
        *chosen: str, change: Callable[[Any], None] | None = None, name: str = "shop.xlsx", **content: Any
    ) -> Config:
        book = openpyxl.Workbook()
        book.remove(book.worksheets[0])
        purchases = content.pop("purchases", {})
        for title, rows in content.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(list(row))
        if change is not None:
            change(book)
        book.save(tmp_path / name)
        return _config(tmp_path, name, sheets=chosen, **purchases)

    return write


def _config(folder: Path, path: str, **purchases: object) -> Config:
    mapped = {"path": path, "customer_id": "id", "purchased_at": "when", "amount": "money", **purchases}
    return Config.model_validate({"data": {"purchases": mapped}}).model_copy(update={"folder": folder})


def _ids(ledger: Ledger) -> list[str]:
    return ledger.table().column("customer_id").to_pylist()


def test_cells_keep_their_types(sheets: Sheets) -> None:
    rows = [
        HEADER,
        ("00123", dt.datetime(2024, 1, 5, 10, 30, 15), 12.3),
        (123, dt.datetime(2024, 1, 6, 0, 0, 0), 2),
        (True, dt.datetime(2024, 1, 7, 23, 59, 59), 0.07),
        ("1E5", dt.datetime(2024, 1, 8, 12), -1.5),
    ]
    table = build_ledger(sheets(Sales=rows)).table().to_pylist()
    assert [(r["customer_id"], str(r["purchased_at"])[:19], r["amount"]) for r in table] == [
        ("00123", "2024-01-05 10:30:15", Decimal("12.3000")),
        ("123", "2024-01-06 00:00:00", Decimal("2.0000")),
        ("1E5", "2024-01-08 12:00:00", Decimal("-1.5000")),
        ("true", "2024-01-07 23:59:59", Decimal("0.0700")),
    ]


def test_a_date_means_the_same_in_both_of_excels_calendars(sheets: Sheets) -> None:
    def mac(book: Any) -> None:
        book.epoch = CALENDAR_MAC_1904

    rows = [HEADER, *((i, DAY + dt.timedelta(days=i % 200, seconds=7_919 * i), 1) for i in range(300))]
    windows, apple = build_ledger(sheets(Sales=rows)), build_ledger(sheets(Sales=rows, change=mac, name="mac.xlsx"))
    assert windows.manifest.fingerprint == apple.manifest.fingerprint
    # To the second: a serial number is a double, and a day has more seconds than a tenth decimal tells apart.
    found = {r["customer_id"]: r["purchased_at"].replace(tzinfo=None) for r in windows.table().to_pylist()}
    assert found == {str(i): when for i, when, _ in rows[1:]}


def test_an_id_that_a_double_cannot_hold_is_refused_with_its_row(sheets: Sheets) -> None:
    with pytest.raises(DataError) as caught:
        build_ledger(sheets(Sales=[HEADER, ("a", DAY, 1), (9007199254740993, DAY, 1)]))
    assert caught.value.code == "RG103"
    assert "shop.xlsx/Sales row 3: column `id`" in str(caught.value)


def test_numbers_beside_texts_are_told_apart_cell_by_cell(sheets: Sheets) -> None:
    # Alone, the text 1.500 could be 1500; the number 2.5 beside it proves nothing of how texts are written.
    with pytest.raises(DataError, match=r"RG121.*1.500"):
        build_ledger(sheets(Sales=[HEADER, ("a", DAY, "1.500"), ("b", DAY, 2.5)]))
    ledger = build_ledger(sheets(Sales=[HEADER, ("a", DAY, "1.500,25"), ("b", DAY, 2.5), ("c", DAY, "7")]))
    assert ledger.table().column("amount").to_pylist() == [Decimal("1500.25"), Decimal("2.5"), Decimal("7")]


def test_dates_as_text_beside_dates_are_mixed_formats(sheets: Sheets) -> None:
    with pytest.raises(DataError) as caught:
        build_ledger(sheets(Sales=[HEADER, ("a", DAY, 1), ("b", "13/01/2024", 2)]))
    assert caught.value.code == "RG124"
    ledger = build_ledger(sheets(Sales=[HEADER, ("a", DAY, 1), ("b", "2024-01-13", 2), ("c", DAY.replace(hour=9), 4)]))
    assert ledger.manifest.last_day == "2024-01-13"


def test_unformatted_serial_numbers_are_refused(sheets: Sheets) -> None:
    with pytest.raises(DataError, match=r"RG125.*YYYY-MM-DD"):
        build_ledger(sheets(Sales=[HEADER, ("a", 45_296, 1), ("b", 45_297.4375, 2)]))


def _errors(book: Any) -> None:
    for place, value in (("A2", "#N/A"), ("C3", "#REF!"), ("D2", "#DIV/0!")):
        book["Sales"][place] = value
        book["Sales"][place].data_type = "e"
    book["Sales"]["C4"] = "=A1*2"  # Without the value that Excel would have stored.


def test_an_error_in_a_cell_is_quarantined_and_never_a_guest(sheets: Sheets) -> None:
    rows = [(*HEADER, "note"), *((f"c{i}", DAY, i, "n") for i in range(2, 7))]
    config = sheets(Sales=rows, change=_errors, purchases={"max_bad_share": 0.6})
    ledger = build_ledger(config)
    assert [(r["line"], r["reason"]) for r in ledger.quarantine().to_pylist()] == [
        (2, "holds the error #N/A in column `id`"),
        (3, "holds the error #REF! in column `money`"),
        (4, "holds a formula whose value was never stored in column `money`"),
    ]
    assert [ledger.manifest.lines[name] for name in ("used", "guest", "quarantined")] == [2, 0, 3]
    assert ledger.manifest.money["used"] == "11.0000"  # 5 + 6: the error in `note` is nobody's business.


def test_text_that_reads_like_an_error_is_text(sheets: Sheets) -> None:
    def text(book: Any) -> None:
        book["Sales"]["A2"].data_type = "s"

    ledger = build_ledger(sheets(Sales=[HEADER, ("#N/A", DAY, 1), ("NA", DAY, 1), ("null", DAY, 1)], change=text))
    assert _ids(ledger) == ["#N/A", "NA", "null"]


def test_rows_have_excels_numbers_and_empty_ones_are_passed_over(sheets: Sheets) -> None:
    rows = [(None,), HEADER, ("a", DAY, 1), (None, None, None), (" ", None, None), ("b", "never", 2), (None,)]
    ledger = build_ledger(sheets(Sales=rows, purchases={"max_bad_share": 0.5}))
    assert ledger.quarantine().column("line").to_pylist() == [6]
    assert ledger.quarantine().column("file").to_pylist() == ["shop.xlsx/Sales"]
    assert {"2 empty rows in shop.xlsx/Sales were passed over", "the header of shop.xlsx/Sales is in row 2"} <= set(
        ledger.manifest.notes
    )


def test_a_title_above_the_header_is_named(sheets: Sheets) -> None:
    with pytest.raises(DataError) as caught:
        build_ledger(sheets(Sales=[("Sales of the year",), (None,), HEADER, ("a", DAY, 1)]))
    assert caught.value.code == "RG184"
    assert "are in row 3" in str(caught.value)
    assert "delete rows 1 to 2" in str(caught.value)


def test_several_sheets_are_asked_about_with_their_sizes(sheets: Sheets) -> None:
    content = {"Sales": [HEADER, ("a", DAY, 1)], "Prices": [("x",)], "Empty": []}
    with pytest.raises(DataError) as caught:
        build_ledger(sheets(**content))
    assert caught.value.code == "RG183"
    said = ["`Sales` (2 rows x 3 columns)", "`Prices` (1 rows x 1 columns)", 'sheets = ["Sales"]']
    assert [s for s in said if s not in str(caught.value)] == []
    assert _ids(build_ledger(sheets("Sales", **content))) == ["a"]
    with pytest.raises(DataError, match=r"RG182.*did you mean `Sales`"):
        build_ledger(sheets("sales", **content))
    with pytest.raises(ConfigError, match=r"RG182.*twice"):
        build_ledger(sheets("Sales", "Sales", **content))


def test_one_sheet_of_cells_that_is_not_empty_needs_no_name(sheets: Sheets) -> None:
    def chart(book: Any) -> None:
        book.create_chartsheet("Chart", 0)

    config = sheets(Empty=[], Sales=[HEADER, ("a", DAY, 1)], change=chart)
    assert _ids(build_ledger(config)) == ["a"]
    with pytest.raises(DataError, match=r"RG182.*no sheet `Chart`"):
        build_ledger(config.model_copy(update={"data": _config(config.folder, "shop.xlsx", sheets=["Chart"]).data}))
    assert names(config.folder / "shop.xlsx", Reading()) == ["id", "when", "money"]


def test_a_stretch_that_two_sheets_share_is_merged(sheets: Sheets) -> None:
    def lines(start: int, stop: int) -> list[Row]:
        return [HEADER, *((f"c{i % 50}", DAY + dt.timedelta(hours=i), i) for i in range(start, stop))]

    ledger = build_ledger(sheets("2010", "2011", **{"2010": lines(0, 300), "2011": lines(180, 400)}))
    assert [(s.file, s.lines) for s in ledger.manifest.sources] == [("shop.xlsx/2010", 300), ("shop.xlsx/2011", 220)]
    # Lines 180 to 299 stand in both sheets.
    assert (ledger.manifest.lines["merged"], ledger.manifest.lines["used"]) == (120, 400)


def test_a_sheet_that_stands_twice_is_refused(sheets: Sheets) -> None:
    rows = [HEADER, ("a", DAY, 1)]
    with pytest.raises(DataError, match=r"RG117.*`A` and `B`.*leave `B` out"):
        build_ledger(sheets("A", "B", A=rows, B=rows))


def test_merged_cells_are_refused_because_only_the_first_has_a_value(sheets: Sheets) -> None:
    def merge(book: Any) -> None:
        book["Sales"].merge_cells("A2:A3")

    with pytest.raises(DataError, match=r"RG185.*column `id`, rows 2 to 3.*unmerge"):
        build_ledger(sheets(Sales=[HEADER, ("a", DAY, 1), (None, DAY, 2)], change=merge))


def test_a_date_where_none_belongs_is_noted_or_quarantined(sheets: Sheets) -> None:
    rows = [HEADER, ("a", DAY, 1), (DAY, DAY, 2), ("b", DAY, DAY)]
    ledger = build_ledger(sheets(Sales=rows, purchases={"max_bad_share": 0.5}))
    assert _ids(ledger) == ["2024-01-05", "a"]
    assert ledger.quarantine().column("reason").to_pylist() == ["is not a plain number"]
    assert sum("Excel makes them of texts such as 3-1" in n for n in ledger.manifest.notes) == 2


@pytest.mark.parametrize(
    ("rows", "code"), [([HEADER], "RG118"), ([], "RG118"), ([("id", "when", "mony"), ("a", DAY, 1)], "RG102")]
)
def test_a_sheet_that_cannot_be_used_is_refused(sheets: Sheets, rows: list[Row], code: str) -> None:
    with pytest.raises(RegularsError) as caught:
        build_ledger(sheets(Sales=rows))
    assert caught.value.code == code


def test_a_broken_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.xlsx").write_bytes(b"PK\3\4 and nothing more")
    with pytest.raises(DataError, match=r"RG106.*shop.xlsx.*not a whole Excel file"):
        build_ledger(_config(tmp_path, "shop.xlsx"))


def test_a_missing_reader_is_named_with_what_to_type(sheets: Sheets, monkeypatch: pytest.MonkeyPatch) -> None:
    config, imported = sheets(Sales=[HEADER, ("a", DAY, 1)]), builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "python_calamine":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"RG180.*pip install 'regulars\[excel\]'"):
        build_ledger(config)


_ODS = """<?xml version="1.0"?><office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body><office:spreadsheet>
<table:table table:name="Sales">{}</table:table></office:spreadsheet></office:body></office:document-content>"""


def _ods(path: Path, *rows: Sequence[tuple[str, str]]) -> None:
    """A LibreOffice file of cells given by kind and value."""

    def cell(kind: str, value: str) -> str:
        attribute = {"float": "value", "date": "date-value"}.get(kind)
        said = f' office:{attribute}="{value}"' if attribute else ""
        return f'<table:table-cell office:value-type="{kind}"{said}><text:p>{value}</text:p></table:table-cell>'

    lines = "".join(f"<table:table-row>{''.join(cell(*c) for c in row)}</table:table-row>" for row in rows)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", '<manifest:manifest xmlns:manifest="urn:x"/>')
        archive.writestr("content.xml", _ODS.format(lines))


def test_an_ods_file_is_read_alike(tmp_path: Path) -> None:
    header = [("string", str(name)) for name in HEADER]
    good = [("string", "00123"), ("date", "2024-01-05T10:30:00"), ("float", "12.5")]
    bad = [("string", "#N/A"), ("date", "2024-01-06T10:30:00"), ("float", "1")]
    _ods(tmp_path / "shop.ods", header, good, bad)
    ledger = build_ledger(_config(tmp_path, "shop.ods", max_bad_share=0.5))
    assert ledger.quarantine().column("reason").to_pylist() == ["holds the error #N/A in column `id`"]
    (line,) = ledger.table().to_pylist()
    assert (line["customer_id"], str(line["purchased_at"])[:19], line["amount"]) == (
        "00123",
        "2024-01-05 10:30:00",
        Decimal("12.5"),
    )


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('<c r="B7" s="1" t="e"><v>#N/A</v></c>', "holds the error #N/A"),
        ("<x:c t='e' r='B7'><x:v>#SPILL!</x:v></x:c>", "holds the error #SPILL!"),
        ('<c r="B7" t="e"/>', "holds an error"),
        ('<c r="B7"><f>A1*2</f></c>', "holds a formula whose value was never stored"),
        ('<c r="B7"><f>A1*2</f><v/></c>', "holds a formula whose value was never stored"),
        ('<c r="B7"><f>A1*2</f><v>4</v></c>', None),
        ('<c r="B7" t="str"><f>""</f><v></v></c>', None),
        ('<c r="B7" t="s"><v>3</v></c>', None),
    ],
)
def test_cells_that_only_look_empty_are_found(tmp_path: Path, cell: str, said: str | None) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr(
            "xl/workbook.xml",
            '<workbook xmlns="m" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
            '<sheets><sheet name="S &amp; T" r:id="rId1"/></sheets></workbook>',
        )
        links = '<Relationships xmlns="l"><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>'
        archive.writestr("xl/_rels/workbook.xml.rels", links)
        archive.writestr("xl/worksheets/sheet1.xml", f"<sheetData><row r='7'>{cell}</row></sheetData>")
    assert dead_cells(tmp_path / "a.xlsx", "S & T") == ({} if said is None else {(7, 1): said})
    assert dead_cells(tmp_path / "a.xlsx", "other") == {}
