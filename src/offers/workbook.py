"""A workbook for Excel with one sheet in which every cell is a text, so that nothing in it is a formula or a number.

In: columns and rows of texts. Out: an .xlsx file (ECMA-376, inline strings), the same bytes for the same rows, and its
cells read back. Characters that XML has not are written as the format says (``_x0007_``). A missing cell is an empty
text.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape, unescape

MOST_ROWS = 1_048_575
"""Rows of a sheet, its header not counted."""
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SHEET = "xl/worksheets/sheet1.xml"
_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/{_SHEET}" ContentType="{_KIND}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="offers" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
_BEGIN = f'<worksheet xmlns="{_MAIN}"><sheetData>\n'
_END = "</sheetData></worksheet>"
_CELL = '<c t="inlineStr"><is><t xml:space="preserve">'
_CLOSED = "</t></is></c>"
_NOT_XML = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_SPELLED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def write_workbook(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a sheet of texts.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_workbook(Path(folder) / "a.xlsx", ["id"], [["=1+1"], ["007"]])
    ...     list(cells_of_workbook(Path(folder) / "a.xlsx"))
    [['id'], ['=1+1'], ['007']]
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in _PARTS.items():
            book.writestr(_entry(name), _HEAD + content)
        with book.open(_entry(_SHEET), "w") as sheet:
            sheet.write((_HEAD + _BEGIN).encode())
            for row in chain([header], rows):
                sheet.write(_line(row))
            sheet.write(_END.encode())


def cells_of_workbook(file: Path | IO[bytes]) -> Iterator[list[str]]:
    """The cells of a workbook that `write_workbook` made, row by row, its header first.

    Raises
    ------
    ValueError
        A cell that is no text, or another's workbook.
    """
    try:
        with zipfile.ZipFile(file) as book, book.open(_SHEET) as sheet:
            for line in sheet:
                if line.startswith(b"<row>"):
                    yield _texts(line.decode().removesuffix("\n"))
    except (KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"no workbook of ours: {error}") from None


def _entry(name: str) -> zipfile.ZipInfo:
    """With the first moment that the format knows: the same rows are the same bytes on every day."""
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _line(row: Sequence[str]) -> bytes:
    cells = "".join(_CELL + escape(_NOT_XML.sub(_spelled, text)) + _CLOSED for text in row)
    return f"<row>{cells}</row>\n".encode()


def _spelled(found: re.Match[str]) -> str:
    return f"_x{ord(found[0]):04X}_"


def _texts(line: str) -> list[str]:
    cells = line.removeprefix("<row>").removesuffix("</row>").split(_CLOSED)[:-1]
    if not all(cell.startswith(_CELL) and "<" not in cell[len(_CELL) :] for cell in cells):
        raise ValueError("a cell is no text")
    return [_SPELLED.sub(lambda m: chr(int(m[1], 16)), unescape(cell[len(_CELL) :])) for cell in cells]
