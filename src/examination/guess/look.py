"""A bounded look at a source before anything is known of its columns: their names, and some thousands of lines.

In: a file, a folder, a glob, or a database's address and a table; the folder that the configuration will lie in. Out: a
`Sample`, read by the intake's own readers, and the settings that name the source. Lines that cannot be split into
fields are left out and counted; missing values stay missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from ...errors import ConfigError, DataError, did_you_mean
from ...intake.sources.address import Address
from ...intake.sources.databases import database_part, names_at, tables_at
from ...intake.sources.excel import EXCEL
from ...intake.sources.found import KINDS, files_of, kind_of, names_of, parts_in
from ...intake.sources.kinds import Reading
from ...intake.sources.parts import Part
from ...intake.sources.remote import DRIVERS, fetched, is_remote
from ...sections import LABEL, NUMBER, ConsentConfig, CustomersConfig, EventsConfig, OffersConfig, PurchasesConfig
from .columns import Column, columns_of
from .encodings import encoding_of
from .ends import end_of
from .words import names_role

MOST_LINES = 262_144
"""No more lines are read to prove how times and numbers are written; three files of many share them."""

_TABLES = (PurchasesConfig, EventsConfig, CustomersConfig, OffersConfig, ConsentConfig)
_TIMES = tuple(dict.fromkeys(role for table in _TABLES for role in table.TIMES))
"""Roles under which a column of times is read as times."""

LOOKED_AT = 20_000
"""Of these so many are looked at more closely, in blocks from the begin, the middle and the end."""


@dataclass(frozen=True)
class Sample:
    """Lines of a source, and how the source is named in the configuration.

    Parameters
    ----------
    settings : mapping
        Keys of the section: `path`, or `url` and `table`; `sheets` and `encoding` where they are needed.
    table : pyarrow.Table
        The lines, under the names of the source; texts where the source holds texts.
    whole : bool
        Whether these are all lines that there are.
    notes : tuple of str
        What was noticed on the way, for a person.
    paths, folder
        The files that were looked at, and the folder of the configuration.
    keep : object
        What must live as long as the files do: copies of remote ones.
    """

    settings: Mapping[str, object]
    table: pa.Table
    whole: bool
    notes: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    folder: Path = field(default_factory=Path)
    keep: object = field(default=None, repr=False, compare=False)

    def thin(self) -> pa.Table:
        """Blocks from the begin, the middle and the end; the lines of an order stand beside each other in them.

        Examples
        --------
        >>> Sample({}, pa.table({"a": range(50_000)}), True).thin().num_rows
        20000
        """
        rows, half, quarter = self.table.num_rows, LOOKED_AT // 2, LOOKED_AT // 4
        if rows <= LOOKED_AT:
            return self.table
        blocks = ((0, half), ((rows + half) // 2 - quarter // 2, quarter), (rows - quarter, quarter))
        return pa.concat_tables([self.table.slice(first, length) for first, length in blocks])

    @cached_property
    def columns(self) -> list[Column]:
        """What the columns of the thin sample hold."""
        return columns_of(self.thin())

    def parts(self, mapping: Mapping[str, str]) -> list[Part]:
        """The parts for a mapping of roles, each of which ends where the sample ends."""
        found = _parts(self.settings, self.paths, self.folder, mapping)
        share = MOST_LINES // len(found)
        return [_cut(part, share) for part in found]


def looked_at(source: str, folder: Path, table: str | None = None, sheets: Sequence[str] = ()) -> Sample:
    """A sample of a source; relative paths start where the process runs, those in the settings at `folder`.

    Raises
    ------
    ConfigError, DataError
        There is no such source, or it cannot be read; what the intake would say.
    """
    if _is_address(source):
        return _of_database(source, folder, table)
    if table is not None:
        raise ConfigError(
            f"`--table` does nothing: `{source}` is no database",
            do="leave it out; the sheets of a workbook are named by --sheet",
            code="RG200",
        )
    if is_remote(source):
        copies = fetched(source, folder, lambda name: any(kind.gathers(name) for kind in KINDS))
        return replace(_of_files(copies.files, source, folder, sheets), keep=copies)
    here = Path.cwd()
    return _of_files(files_of(source, here), _from(folder, here / source), folder, sheets)


def _of_files(paths: Sequence[Path], named: str, folder: Path, sheets: Sequence[str]) -> Sample:
    chosen = tuple(dict.fromkeys((paths[0], paths[len(paths) // 2], paths[-1])))
    reading = Reading(sheets=tuple(sheets))
    if kind_of(paths[0]).name == EXCEL.name:
        reading, notes = _sheets_in(paths[0], reading)
    elif "encoding" in kind_of(paths[0]).settings:
        reading, notes = _encoded(chosen, reading)
    else:
        notes = []
    settings = {"path": named} | {key: value for key in ("sheets", "encoding") if (value := getattr(reading, key))}
    columns = _common(chosen, reading, notes)
    if len(paths) > len(chosen):
        notes.append(f"looked at {len(chosen)} of {len(paths)} files: {', '.join(f.name for f in chosen)}")
    return _sampled(settings, chosen, folder, columns, notes, len(chosen) == len(paths))


def _is_address(source: str) -> bool:
    return "://" in source and source.split("://", 1)[0].lower() not in DRIVERS


def _from(folder: Path, path: Path) -> str:
    """A path as it is written in a configuration that lies in `folder`."""
    near = os.path.relpath(path, folder.resolve())
    return Path(near).as_posix() if not near.startswith("..") else str(path.resolve())


def _anchored(url: str, folder: Path) -> str:
    """A database file's address, so that it starts at the configuration's folder instead of the process's."""
    for scheme in ("sqlite:///", "duckdb:///"):
        if url.startswith(scheme):
            return scheme + _from(folder, Path.cwd() / url.removeprefix(scheme))
    return url


def _of_database(source: str, folder: Path, table: str | None) -> Sample:
    url = _anchored(source, folder)
    known = tables_at(url, folder)
    notes: list[str] = []
    if table is None:
        named = [name for name in known if _known(names_at(url, name, folder)) >= 1.2]
        likely = known if len(known) == 1 else named
        if len(likely) != 1:
            raise ConfigError(
                f"the database holds {len(known)} tables: {', '.join(f'`{name}`' for name in known[:12])}",
                needed="to know which of them",
                do=f"add --table {likely[0] if likely else 'NAME'}",
                code="RG201",
            )
        table = likely[0]
        notes = [f"table `{table}` is read, the only one of {len(known)} with names of a customer and a time"][
            : len(known) - 1
        ]
    if table not in known:
        raise ConfigError(f"the database has no table `{table}`", do=did_you_mean(table, known), code="RG201")
    columns = [name for name in names_at(url, table, folder) if name]
    if "${" not in url and Address.of(url).secrets:
        notes.append("the password stands in the file: write ${NAME} in `url` instead, and export NAME")
    return _sampled({"url": url, "table": table}, (), folder, columns, notes, True)


def _encoded(paths: Sequence[Path], reading: Reading) -> tuple[Reading, list[str]]:
    """How the texts are encoded, when they are texts and not in UTF-8."""
    for path in paths:
        found = encoding_of(path)
        if found is not None:
            return Reading(encoding=found.name, sheets=reading.sheets), [found.note]
    return reading, []


def _sheets_in(path: Path, reading: Reading) -> tuple[Reading, list[str]]:
    """The sheets that hold purchases under one header, when there are several and none was named."""
    if reading.sheets:
        return reading, []
    try:
        names_of(path, reading)
        return reading, []
    except DataError as error:
        if error.code != "RG183":
            raise
    from python_calamine import CalamineWorkbook

    headers: dict[tuple[str, ...], list[str]] = {}
    for name in CalamineWorkbook.from_path(path).sheet_names:
        header = tuple(names_of(path, Reading(sheets=(name,))))
        headers.setdefault(header, []).append(name)
    best = max(headers, key=lambda header: (_known(header), len(headers[header])))
    left = [name for header, names in headers.items() if header != best for name in names]
    notes = [f"sheets {', '.join(headers[best])} are read"]
    return Reading(sheets=tuple(headers[best])), notes + ([f"sheets not read: {', '.join(left)}"] if left else [])


def _known(header: Sequence[str]) -> float:
    """How many of the roles that purchases need have a name in a header."""
    return sum(
        max((names_role(name, role) for name in header), default=0.0) for role in ("customer_id", "purchased_at")
    )


def _common(paths: Sequence[Path], reading: Reading, notes: list[str]) -> list[str]:
    """The columns that all files have, in the order of the first."""
    headers = [names_of(path, reading) for path in paths]
    common = [name for name in headers[0] if name and all(name in header for header in headers)]
    for path, header in zip(paths, headers, strict=True):
        others = [name for name in header if name and name not in common]
        if others:
            notes.append(f"columns of {path.name} that other files lack: {', '.join(others[:5])}")
    if len(common) < 2:
        found = ", ".join(f"`{name}`" for name in headers[0][:5])
        raise DataError(
            f"`{paths[0].name}` has one column only: {found}",
            needed="a table with columns for the customer, the time and the money, separated by a comma, semicolon, "
            "tab or |",
            do="write the table with one of these between its columns",
            code="RG202",
        )
    return common


def _parts(
    settings: Mapping[str, object], paths: Sequence[Path], folder: Path, mapping: Mapping[str, str]
) -> list[Part]:
    if "url" in settings:
        # One row more than is looked at tells that there are more.
        return [database_part(str(settings["url"]), str(settings["table"]), folder, mapping, MOST_LINES + 1)]
    encoding, sheets = settings.get("encoding"), settings.get("sheets", ())
    reading = Reading(str(encoding) if encoding else None, tuple(sheets) if isinstance(sheets, tuple) else ())
    return parts_in(paths, mapping, reading, str(settings["path"]))[0]


def _cut(part: Part, lines: int) -> Part:
    """The same part, which ends after so many lines."""

    def batches() -> Iterator[pa.Table]:
        left = lines
        for batch in part.batches():
            yield batch.slice(0, left)
            left -= batch.num_rows
            if left <= 0:
                return

    return Part(part.name, part.sha256, part.types, batches, part.unit, part.notes, part.path)


def _sampled(
    settings: Mapping[str, object],
    paths: tuple[Path, ...],
    folder: Path,
    columns: Sequence[str],
    notes: list[str],
    whole: bool,
) -> Sample:
    """Read the columns under roles that leave them as they are."""
    mapping, parts = _whatever(settings, paths, folder, columns, notes)
    columns = list(mapping.values())
    share, tables, broken = MOST_LINES // len(parts), [], 0
    for part in parts:
        read = 0
        for batch in part.batches():
            fine = batch.filter(batch.column("fault").is_null())
            broken += batch.num_rows - fine.num_rows
            tables.append(_typed(fine.select(list(mapping)), part))
            read += batch.num_rows
            if read >= share:
                whole = False
                break
    if not whole and len(paths) == 1:
        encoding = settings.get("encoding")
        end = end_of(paths[0], columns, str(encoding) if encoding else None)
        tables += [end.rename_columns(list(mapping))] if end is not None else []
    table = pa.concat_tables(tables, promote_options="permissive").rename_columns(list(columns))
    if broken:
        notes.append(f"{broken} lines of the sample cannot be split into their fields; the intake sets them aside")
    return Sample(settings, table, whole, tuple(notes), paths, folder)


def _whatever(
    settings: Mapping[str, object], paths: Sequence[Path], folder: Path, columns: Sequence[str], notes: list[str]
) -> tuple[dict[str, str], list[Part]]:
    """The parts of all columns, whatever they hold, and the roles under which they are read.

    As numbers first, of which no reader makes anything else: a text stays a text, a number keeps its digits. A database
    that refuses a column as a number is asked for it as a label, then as a time; else the column is left out.
    """
    roles = {name: [f"{NUMBER}{i}", f"{LABEL}{i}"] for i, name in enumerate(columns)}
    free = list(_TIMES)
    while True:
        mapping = {options[0]: name for name, options in roles.items()}
        try:
            return mapping, _parts(settings, paths, folder, mapping)
        except DataError as error:
            refused = next((name for name in roles if f"column `{name}` of " in error.found), None)
            if error.code != "RG104" or refused is None:
                raise
        tried = roles[refused].pop(0)
        if not roles[refused] and tried.startswith(LABEL) and free:
            roles[refused] = [free.pop()]
        elif not roles[refused]:
            del roles[refused]
            notes.append(f"column `{refused}` is of a type that is not read")


def _typed(batch: pa.Table, part: Part) -> pa.Table:
    """The lines in the types that the part declares, where its texts are numbers exactly."""
    for i, name in enumerate(batch.column_names):
        declared = part.types[name]
        if pa.types.is_floating(declared) and pa.types.is_string(batch.schema.field(name).type):
            batch = batch.set_column(i, name, batch.column(name).cast(declared))
    return batch
