"""One file of JSON lines: an object a line, whose values are kept as they are written.

In: a path and the mapping. Out: a `Part` of text columns; numbers keep their digits and are known as numbers, so that
their grammar is JSON's, while texts among them are read in that of the column. A missing key and null are missing. What
is not one object a line, nests under a mapped key, or has a key twice, becomes a fault with its raw text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa

from .kinds import Kind, Look, Reading
from .packed import endings
from .parts import Part, Unchanged, check_mapped, check_names, integral_text, is_money, is_text
from .scan import Scan, Text, scan, text_of

_LOOKED_AT = 1_000
_KEYS = 10_000
"""Names are remembered up to so many: objects can be keyed by anything."""

_BROKEN = re.compile("[\0\ud800-\udfff]")


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


class _Doubled(dict[str, Any]):
    """An object one of whose keys stands twice, which is `twice`."""

    twice = ""


class _Fault(ValueError):
    """Why a line is no record."""


def _keyed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    doubled = _Doubled(found)
    doubled.twice = next(key for i, (key, _) in enumerate(pairs) if key in (k for k, _ in pairs[:i]))
    return doubled


def _no_constant(name: str) -> NoReturn:
    raise _Fault(f"is not JSON: {name} is no value")


_decode = json.JSONDecoder(
    object_pairs_hook=_keyed, parse_float=_Number, parse_int=_Number, parse_constant=_no_constant
).raw_decode


def names(path: Path, reading: Reading) -> list[str]:
    """The keys of the first lines, in the order in which they appear."""
    found: dict[str, None] = {}
    with closing(_lines(text_of(path, reading.encoding))) as lines:
        for line in islice(lines, _LOOKED_AT):
            try:
                found.update(dict.fromkeys(_object(line)))
            except _Fault:
                continue
    return list(found)


def look(path: Path, mapping: Mapping[str, str], reading: Reading) -> Look:
    """Scan a file of JSON lines."""
    before = Unchanged.now(path)
    found = scan(path, reading.encoding)
    return Look(found.content, lambda: [part(found, mapping, before)]) if found.filled else Look(None, list)


def part(found: Scan, mapping: Mapping[str, str], before: Unchanged) -> Part:
    """A file of JSON lines as a `Part`; that every mapped key is there shows when all lines are read."""
    text, notes = found.text, list(found.notes)

    def batches() -> Iterator[pa.Table]:
        records = _Records(text.path.name, mapping)
        with closing(text.blocks()) as blocks:
            for block in blocks:
                table = records.table(block)
                if table.num_rows:
                    yield table
        before.check()
        notes.extend(records.finished())

    return Part(text.path.name, found.sha256, dict.fromkeys(mapping, pa.string()), batches, unit="line", notes=notes)


def _lines(text: Text) -> Generator[str, None, None]:
    with closing(text.blocks()) as blocks:
        for block in blocks:
            yield from block.decode().split("\n")


def _object(line: str) -> dict[str, Any]:
    """The object on a line, with its numbers as they are written."""
    text = line.strip(" \t\r")
    try:
        found, end = _decode(text)
    except json.JSONDecodeError as error:
        raise _Fault(f"is not JSON: {error.msg}") from None
    except RecursionError:
        raise _Fault("is nested too deeply") from None
    if end != len(text):
        raise _Fault("is not JSON: more follows the first value")
    if type(found) is dict:
        return found
    raise _Fault(f"has the key `{found.twice}` twice" if isinstance(found, _Doubled) else "is not a JSON object")


class _Records:
    """The records of one file, a table a block.

    Examples
    --------
    >>> records = _Records("a.jsonl", {"customer_id": "id", "amount": "money"})
    >>> table = records.table(b'{"id": 7, "money": 1.50}\\n{"id": "7", "money": "1,5"}\\n')
    >>> table.column("customer_id").to_pylist(), table.column("amount").to_pylist()
    (['7', '7'], ['1.50', '1,5'])
    >>> table.column("amount_native").to_pylist()
    [True, False]
    """

    def __init__(self, file: str, mapping: Mapping[str, str]) -> None:
        self.file, self.mapping = file, mapping
        self.mapped = {column.casefold() for column in mapping.values()}
        self.keys: dict[str, None] = {}
        self.natives = dict.fromkeys(filter(is_money, mapping), 0)
        self.texts = dict.fromkeys(self.natives, 0)
        self.line = self.blank = self.objects = self.whole = 0

    def table(self, block: bytes) -> pa.Table:
        """The records of a block of whole lines."""
        lines = block.decode().removesuffix("\n").split("\n")
        numbers = [i for i, line in enumerate(lines) if line and not line.isspace()]
        self.blank += len(lines) - len(numbers)
        records: list[dict[str, Any]] = []
        faults: dict[int, str] = {}
        for at, number in enumerate(numbers):
            try:
                records.append(_object(lines[number]))
            except _Fault as why:
                faults[at] = str(why)
                records.append({})
        self.objects += len(records) - len(faults)
        self._remember(records)
        escaped = b"\\u" in block
        found = {role: self._values(records, column, escaped, faults) for role, column in self.mapping.items()}
        columns: dict[str, pa.Array] = {}
        for role, values in found.items():
            for at in faults:
                values[at] = None
            columns |= self._texts(role, values)
        whys = [faults.get(at) for at in range(len(records))]
        raws = [lines[n].rstrip("\r").replace("\0", "\\0") if at in faults else None for at, n in enumerate(numbers)]
        columns["line"] = pa.array(np.array(numbers, np.int64) + self.line + 1)
        columns["fault"], columns["raw"] = pa.array(whys, pa.string()), pa.array(raws, pa.string())
        self.line += len(lines)
        return pa.table(columns)

    def _remember(self, records: Iterable[dict[str, Any]]) -> None:
        known = self.keys.keys()
        for record in records:
            if record.keys() <= known:
                continue
            new = [key for key in record if key not in known]
            room = _KEYS - len(known)
            self.keys.update((k, None) for i, k in enumerate(new) if i < room or k.casefold() in self.mapped)

    def _values(
        self, records: Sequence[dict[str, Any]], column: str, escaped: bool, faults: dict[int, str]
    ) -> list[str | None]:
        """A column of texts and numbers; what is neither is a fault of its line."""
        values = [record.get(column) for record in records]
        if not set(map(type, values)) <= {str, _Number, type(None)}:
            for at, value in enumerate(values):
                if isinstance(value, bool):
                    values[at] = "true" if value else "false"
                elif isinstance(value, dict | list):
                    faults.setdefault(at, f"has an object or a list under `{column}`")
                    values[at] = None
        if escaped:
            for at, value in enumerate(values):
                if value is not None and _BROKEN.search(value):
                    faults.setdefault(at, f"holds a NUL byte or half a character under `{column}`")
                    values[at] = None
        return values

    def _texts(self, role: str, values: list[str | None]) -> dict[str, pa.Array]:
        """A column as Arrow; of money and other numbers, which are written as numbers."""
        if role in self.natives:
            native = [type(value) is _Number for value in values]
            self.natives[role] += sum(native)
            self.texts[role] += len(values) - sum(native) - values.count(None)
            return {role: pa.array(values, pa.string()), f"{role}_native": pa.array(native, pa.bool_())}
        if is_text(role) and _Number in set(map(type, values)):
            values = [self._whole(v, self.mapping[role]) if type(v) is _Number else v for v in values]
        return {role: pa.array(values, pa.string())}

    def _whole(self, number: str, column: str) -> str:
        """A number that stands for an id or a label: as it is written, or a whole one without its ``.0``."""
        if number.removeprefix("-").isdigit():
            return number
        self.whole += 1
        return integral_text(float(number), f"column `{column}` of {self.file}")

    def finished(self) -> list[str]:
        """Notes, once all lines are read; an error if a mapped key was in none of them, or is written in two ways."""
        where = f"`{self.file}`"
        if self.objects:
            check_names([key for key in self.keys if key.casefold() in self.mapped], where)
            check_mapped(self.mapping, self.keys, where)
        notes = [f"{self.blank} blank lines in {self.file} were passed over"] if self.blank else []
        if self.whole:
            notes.append(f"{self.whole} ids or labels in {self.file} are numbers such as 123.0, and were read as 123")
        for role, natives in self.natives.items():
            if natives and self.texts[role]:
                notes.append(
                    f"column `{self.mapping[role]}` of {self.file} holds {natives} numbers and {self.texts[role]} "
                    "texts; the texts were read with the decimal sign that the texts of the column prove"
                )
        return notes


JSON_LINES = Kind("JSON lines", endings(".jsonl", ".ndjson"), look, names, ("encoding",))
