"""Cells of .xlsx files that are not empty though calamine reads them so: errors, and formulas without a stored value.

In: a workbook and the name of a sheet. Out: the cells by row (from 1) and column (from 0), and what each of them is.
Cells that are truly empty are not among them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

ERRORS = frozenset(
    ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA")
)
_CHUNK = 1 << 20
_ROW_ENDS = re.compile(rb"</(?:\w+:)?row>")
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_ERROR = re.compile(rb"\bt=[\"']e[\"']")
_TEXT = re.compile(rb"\bt=[\"']str[\"']")
"""A formula may well give an empty text; then Excel says so by the type of the cell."""

_PLACE = re.compile(rb"\br=[\"']([A-Z]{1,3})([0-9]+)[\"']")
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|is)\b[^>]*>([^<]*)")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def tells_errors(path: Path) -> bool:
    """Whether errors can be told from empty cells in this format.

    Examples
    --------
    >>> tells_errors(Path("a.XLSX")), tells_errors(Path("a.xls"))
    (True, False)
    """
    return path.suffix.lower() in (".xlsx", ".xlsm")


def dead_cells(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    """The cells of a sheet that hold an error or a formula without its value."""
    found: dict[tuple[int, int], str] = {}
    with zipfile.ZipFile(path) as archive:
        member = _member(archive, sheet)
        if member is None:
            return found
        with archive.open(member) as xml:
            for rows in _rows(xml):
                if _FORMULA.search(rows) or _ERROR.search(rows):
                    found |= dict(_dead(rows))
    return found


def column_of(letters: str) -> int:
    """The number, from 0, of a column that Excel calls by letters.

    Examples
    --------
    >>> column_of("A"), column_of("AA")
    (0, 26)
    """
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _dead(rows: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    for cell in _CELL.finditer(rows):
        head, body = cell.group(1), cell.group(2) or b""
        place, value = _PLACE.search(head), _VALUE.search(body)
        if place is None:
            continue
        at = int(place.group(2)), column_of(place.group(1).decode())
        if _ERROR.search(head):
            text = value.group(1).decode("utf-8", "replace") if value else ""
            yield at, f"holds the error {text}" if text in ERRORS else "holds an error"
        elif _FORMULA.search(body) and not (value and value.group(1)) and not _TEXT.search(head):
            yield at, "holds a formula whose value was never stored"


def _rows(xml: IO[bytes]) -> Iterator[bytes]:
    """The file in pieces that end where a row ends."""
    left = b""
    for chunk in iter(lambda: xml.read(_CHUNK), b""):
        left += chunk
        ends = [end.end() for end in _ROW_ENDS.finditer(left)]
        if ends:
            yield left[: ends[-1]]
            left = left[ends[-1] :]
    yield left


def _member(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The file of the archive that holds a sheet."""
    try:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except (KeyError, ElementTree.ParseError):
        return None
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for element in book.iter():
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            target = targets.get(element.get(_RELATION), "")
            name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return name if name in archive.namelist() else None
    return None
