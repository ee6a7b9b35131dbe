"""Sheets of Excel files (.xlsx, .xlsm, .xlsb, .xls) and of .ods files, read by python-calamine.

In: a path, the mapping, and which sheets. Out: one `Part` a sheet, its rows numbered as Excel numbers them. Numbers,
dates and texts are told apart cell by cell; formulas count as the values that Excel stored. The first row that is not
empty names the columns; empty cells are missing, empty rows are passed over, an error such as #N/A is a fault. A sheet
is read whole; of it only the mapped columns are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ...errors import ConfigError, DataError, did_you_mean, shown
from .cells import Cells
from .dead_cells import ERRORS, dead_cells, tells_errors
from .embedded import file_sha256
from .kinds import Kind, Look, Reading
from .parts import BATCH, Part, Unchanged, check_mapped, check_names, text_of

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_TITLES = 20
"""So many rows are searched for the header when the first is none, to say where it stands."""

Row = Sequence[object]


def look(path: Path, mapping: Mapping[str, str], reading: Reading) -> Look:
    """Read the chosen sheets; a workbook whose sheets hold no row below their header has no content."""
    before, whole = Unchanged.now(path), file_sha256(path)
    sheets = [_Sheet.of(path, sheet) for sheet in _chosen(path, reading.sheets)]
    before.check()
    filled = [sheet for sheet in sheets if sheet.rows]
    if not filled:
        return Look(None, list)
    _check_copies(path, filled)
    content = hashlib.sha256("".join(sorted(sheet.digest for sheet in filled)).encode()).hexdigest()
    notes = [f"sheet `{s.name}` of {path.name} is empty and was passed over" for s in sheets if not s.rows]
    parts = [_part(sheet, whole, mapping, notes if i == 0 else []) for i, sheet in enumerate(filled)]
    return Look(content, lambda: parts)


def names(path: Path, reading: Reading) -> list[str]:
    """The names of the columns of the first chosen sheet."""
    first = [_Sheet.of(path, sheet) for sheet in islice(_chosen(path, reading.sheets), 1)]
    return [name for sheet in first for name in sheet.header if name]


def _workbook(path: Path) -> CalamineWorkbook:
    try:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError
    except ImportError:
        raise ConfigError(
            f"`{path.name}` needs a package that is not installed: python-calamine",
            needed="a reader of Excel files",
            do="pip install 'regulars[excel]'",
            code="RG180",
        ) from None
    try:
        return CalamineWorkbook.from_path(path)
    except PasswordError:
        raise DataError(
            f"`{path.name}` is protected by a password",
            needed="a workbook that opens without one",
            do="save it without the password, or export the sheet as CSV",
            code="RG181",
        ) from None
    except (CalamineError, OSError) as error:
        raise DataError(
            f"`{path.name}` is not a whole Excel file: {error}",
            needed=f"a file that Excel opens ({', '.join(_ENDINGS)})",
            do="copy it again, or save it anew as .xlsx",
            code="RG106",
        ) from None


def _chosen(path: Path, wanted: Sequence[str]) -> Iterator[CalamineSheet]:
    """The sheets that are named; without names the only one that is not empty."""
    book = _workbook(path)
    known = _worksheets(book)
    missing = [name for name in wanted if name not in known]
    if missing:
        raise DataError(
            f"`{path.name}` has no sheet `{missing[0]}`",
            needed="the names in `sheets`, exactly as on the tabs",
            do=did_you_mean(missing[0], known),
            offending=missing,
            code="RG182",
        )
    if len(set(wanted)) < len(wanted):
        raise ConfigError(
            f"`sheets` names a sheet twice: {', '.join(wanted)}", do="name every sheet once", code="RG182"
        )
    if wanted:
        return map(partial(_opened, path, book), wanted)
    filled = [sheet for sheet in map(partial(_opened, path, book), known) if sheet.height]
    if len(filled) > 1:
        raise _several(path, book, filled)
    return iter(filled)


def _worksheets(book: CalamineWorkbook) -> list[str]:
    """The names of the sheets of cells; there are also sheets of charts and of macros."""
    from python_calamine import SheetTypeEnum

    return [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]


def _opened(path: Path, book: CalamineWorkbook, name: str) -> CalamineSheet:
    from python_calamine import CalamineError

    try:
        return book.get_sheet_by_name(name)
    except (CalamineError, ValueError) as error:
        raise DataError(
            f"sheet `{name}` of {path.name} cannot be read: {error}",
            needed="a sheet of cells",
            do="save the workbook anew as .xlsx, or name other sheets",
            code="RG106",
        ) from None


def _several(path: Path, book: CalamineWorkbook, filled: list[CalamineSheet]) -> DataError:
    from python_calamine import SheetVisibleEnum

    hidden = {m.name for m in book.sheets_metadata if m.visible != SheetVisibleEnum.Visible}
    sizes = [
        f"`{s.name}` ({s.height} rows x {s.width} columns{', hidden' if s.name in hidden else ''})" for s in filled
    ]
    listed = ", ".join(f'"{s.name}"' for s in filled)
    return DataError(
        f"`{path.name}` has {len(filled)} sheets that are not empty: {', '.join(sizes)}",
        needed="to know which of them hold this table",
        do=f'give sheets = ["{filled[0].name}"], or for all of them sheets = [{listed}]',
        code="RG183",
    )


@dataclass(frozen=True)
class _Sheet:
    """The cells of a sheet that is not empty: the header, and the rows below it that are not blank."""

    path: Path
    name: str
    header: list[str]
    top: int
    rows: list[Row]
    lines: list[int]
    blank: int
    merged: list[tuple[tuple[int, int], tuple[int, int]]]
    digest: str

    @classmethod
    def of(cls, path: Path, sheet: CalamineSheet) -> _Sheet:
        """Read it; row and column numbers of calamine start at 0, those of Excel at 1."""
        digest, rows, lines = hashlib.sha256(), list[Row](), list[int]()
        for number, row in enumerate(sheet.iter_rows() if sheet.height else (), start=1):
            if any(cell != "" and not (isinstance(cell, str) and not cell.strip()) for cell in row):
                digest.update(repr(row).encode("utf-8", "surrogatepass"))
                rows.append(row)
                lines.append(number)
        where = f"the header of sheet `{sheet.name}` of {path.name}"
        header = [(text_of(cell, where) or "").strip() for cell in rows[0]] if rows else []
        blank = lines[-1] - lines[0] + 1 - len(lines) if lines else 0
        merged = list(sheet.merged_cell_ranges or ())
        top = lines[0] if lines else 0
        return cls(path, sheet.name, header, top, rows[1:], lines[1:], blank, merged, digest.hexdigest())

    @property
    def place(self) -> str:
        """The sheet in messages."""
        return f"{self.path.name}/{self.name}"


def _part(sheet: _Sheet, whole: str, mapping: Mapping[str, str], notes: list[str]) -> Part:
    _check_header(sheet, mapping)
    positions = {role: sheet.header.index(column) for role, column in mapping.items()}
    _check_merged(sheet, mapping, positions)
    faults = _faults(sheet, mapping, positions)
    columns: dict[str, pa.Array] = {}
    types: dict[str, pa.DataType] = {}
    said = list(notes)
    for role, position in positions.items():
        values = [None if row[position] == "" else row[position] for row in sheet.rows]
        for i in faults:
            values[i] = None
        cells = Cells(values, sheet.lines, mapping[role], sheet.place)
        made, types[role] = cells.arrays(role)
        columns |= made
        said += cells.notes(role)
    empty = sum(1 for role in positions for missing in columns[role].is_null().to_pylist() if missing)
    if empty and not tells_errors(sheet.path):
        said.append(
            f"{empty} cells in the mapped columns of {sheet.place} are empty; errors such as #N/A are read as empty "
            f"in {sheet.path.suffix} files, but not in .xlsx"
        )
    if sheet.blank:
        said.append(f"{sheet.blank} empty rows in {sheet.place} were passed over")
    if sheet.top > 1:
        said.append(f"the header of {sheet.place} is in row {sheet.top}")
    width = range(len(sheet.rows))
    columns["line"] = pa.array(sheet.lines, pa.int64())
    columns["fault"] = pa.array([faults.get(i) for i in width], pa.string())
    columns["raw"] = pa.array([_raw(sheet.rows[i]) if i in faults else None for i in width], pa.string())
    table = pa.table(columns)

    def batches() -> Iterator[pa.Table]:
        for first in range(0, table.num_rows, BATCH):
            yield table.slice(first, BATCH)

    # Two sheets of a file are two sources.
    sha256 = hashlib.sha256(f"{whole}/{sheet.name}".encode()).hexdigest()
    return Part(sheet.place, sha256, types, batches, notes=said)


def _raw(row: Row) -> str:
    return "; ".join(str(cell) for cell in row)


def _check_header(sheet: _Sheet, mapping: Mapping[str, str]) -> None:
    check_names(sheet.header, sheet.place)
    try:
        check_mapped(mapping, sheet.header, f"sheet `{sheet.name}` of {sheet.path.name}")
    except DataError:
        wanted = set(mapping.values())
        for row, line in zip(sheet.rows[:_TITLES], sheet.lines, strict=False):
            if wanted <= {str(cell).strip() for cell in row}:
                raise DataError(
                    f"row {sheet.top} of {sheet.place} is not the header: the names of the columns are in row {line}",
                    needed="the names of the columns in the first row that is not empty",
                    do=f"delete rows {sheet.top} to {line - 1} of the sheet",
                    offending=[shown(_raw(sheet.header))],
                    code="RG184",
                ) from None
        raise


def _check_merged(sheet: _Sheet, mapping: Mapping[str, str], positions: Mapping[str, int]) -> None:
    """Refuse merged cells below each other: only the first of them has a value, the others look empty."""
    found = [
        f"column `{mapping[role]}`, rows {first + 1} to {last + 1}"
        for (first, left), (last, right) in sheet.merged
        for role, position in positions.items()
        if left <= position <= right and last >= sheet.top and (last > first or right > left)
    ]
    if found:
        raise DataError(
            f"{sheet.place} has merged cells in its columns",
            needed="a value of its own in every cell",
            do="unmerge the cells in the spreadsheet and fill the value into each of them",
            offending=found,
            code="RG185",
        )


def _check_copies(path: Path, sheets: Sequence[_Sheet]) -> None:
    seen: dict[str, str] = {}
    for sheet in sheets:
        if sheet.digest in seen:
            raise DataError(
                f"sheets `{seen[sheet.digest]}` and `{sheet.name}` of {path.name} have the same content",
                needed="every line once",
                do=f"leave `{sheet.name}` out of `sheets`",
                code="RG117",
            )
        seen[sheet.digest] = sheet.name


def _faults(sheet: _Sheet, mapping: Mapping[str, str], positions: Mapping[str, int]) -> dict[int, str]:
    """The rows that cannot be read, and why: a mapped cell holds an error, or a formula whose value is not stored."""
    index = {line: i for i, line in enumerate(sheet.lines)}
    columns = {position: mapping[role] for role, position in positions.items()}
    if tells_errors(sheet.path):
        dead = dead_cells(sheet.path, sheet.name)
    else:
        dead = {
            (line, p): f"holds the error {row[p]}"
            for line, row in zip(sheet.lines, sheet.rows, strict=True)
            for p in columns
            if row[p] in ERRORS
        }
    return {
        index[line]: f"{why} in column `{columns[position]}`"
        for (line, position), why in sorted(dead.items(), reverse=True)
        if position in columns and line in index
    }


EXCEL = Kind("Excel", _ENDINGS, look, names, settings=("sheets",))
