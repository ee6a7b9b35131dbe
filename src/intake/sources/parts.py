"""What every source looks like to the rest of the intake: named parts that deliver Arrow tables of the mapped columns.

In: the mapping of roles (`customer_id`, `amount`, ...) to source columns. Out: `Part`s whose batches carry one column a
role, a line number, and for a line that could not be split into fields the reason and its raw text. Nothing is cast
here; missing values stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa

from ...errors import DataError, StorageError, did_you_mean, shown
from ...sections import (
    LABEL,
    NUMBER,
    SENSITIVE,
    ConsentConfig,
    CustomersConfig,
    EventsConfig,
    OffersConfig,
    PurchasesConfig,
)

LINE_BITS = 40
"""A line is known by one integer: the number of its part above so many bits, its line number below."""

BATCH = 131_072

_TABLES = (PurchasesConfig, EventsConfig, CustomersConfig, OffersConfig, ConsentConfig)
_MONEY = frozenset(role for table in _TABLES for role in table.NUMBERS)
_STAMPS = frozenset(role for table in _TABLES for role in table.TIMES)
_DECLARED = {LABEL: "attributes", NUMBER: "numbers", SENSITIVE: "sensitive"}


def is_money(role: str) -> bool:
    """Whether a role holds money or another number.

    Examples
    --------
    >>> is_money("amount"), is_money("number_0"), is_money("number_0_native"), is_money("kind")
    (True, True, False, False)
    """
    return role in _MONEY or (role.startswith(NUMBER) and role.removeprefix(NUMBER).isdigit())


def is_stamp(role: str) -> bool:
    """Whether a role holds times."""
    return role in _STAMPS


def is_text(role: str) -> bool:
    """Whether a role holds ids or labels."""
    return not is_money(role) and not is_stamp(role)


def key_of(role: str) -> str:
    """The key of the configuration that maps a role.

    Examples
    --------
    >>> key_of("amount"), key_of("label_2")
    ('amount', 'attributes')
    """
    begin, _, number = role.rpartition("_")
    return _DECLARED.get(f"{begin}_", role) if number.isdigit() else role


@dataclass(frozen=True)
class Part:
    """One file, table or frame.

    Parameters
    ----------
    name : str
        Shown in messages: a file name without its folder, a table, or ``frame``.
    sha256 : str
        Of the source's bytes, and of its name for a sheet; of a server's table, of its mapped rows in no order; empty
        for a frame.
    types : mapping
        The Arrow type of each mapped role.
    batches : callable
        Opens the part; yields tables with the columns ``line`` (int64), ``fault`` and ``raw`` (string), and the roles.
        Numbers may bring ``<role>_native`` (bool): whether the value was a number in the source, not a text.
    unit : str
        ``line`` where line numbers are those of a text file, ``row`` where they count rows.
    notes : list of str
        Filled while reading.
    path : Path or None
        Of a Parquet file.
    """

    name: str
    sha256: str
    types: Mapping[str, pa.DataType]
    batches: Callable[[], Iterator[pa.Table]]
    unit: str = "row"
    notes: list[str] = field(default_factory=list)
    path: Path | None = None


@dataclass(frozen=True)
class Places:
    """Says where a line stands.

    Examples
    --------
    >>> Places(("a.csv",), ("line",)).at(7)
    'a.csv:7'
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    section: str = "data.purchases"

    @classmethod
    def of(cls, parts: Sequence[Part], section: str = "data.purchases") -> Places:
        """The places of the parts, in their order, and the section of the configuration that maps them."""
        return cls(tuple(p.name for p in parts), tuple(p.unit for p in parts), section)

    def file(self, seq: int) -> str:
        """The name of the part a line stands in."""
        return self.names[seq >> LINE_BITS]

    def line(self, seq: int) -> int:
        """The number of a line within its part."""
        return seq & ((1 << LINE_BITS) - 1)

    def at(self, seq: int) -> str:
        """The place in words: ``file:line`` or ``file row 7``."""
        between = ":" if self.units[seq >> LINE_BITS] == "line" else " row "
        return f"{self.file(seq)}{between}{self.line(seq)}"

    def told(self, value: object, seq: int) -> str:
        """A value as it may be shown, and its place."""
        return f"'{shown(value)}' ({self.at(seq)})"


def check_names(names: Sequence[str], where: str) -> None:
    """Refuse column names that stand twice, or differ by capitals only; unnamed columns are left alone."""
    counts = Counter(n.casefold() for n in names if n)
    twice = [n for n in names if counts[n.casefold()] > 1]
    if twice:
        raise DataError(
            f"{where} has columns whose names are equal, or differ by capitals only",
            needed="every column under a name of its own",
            do="rename or remove one of them in the source",
            offending=[shown(name) for name in twice],
            code="RG101",
        )


def check_mapped(mapping: Mapping[str, str], names: Iterable[str], where: str) -> None:
    """Refuse a source that lacks a mapped column, with the nearest names."""
    known = [n for n in names if n]
    for role, column in mapping.items():
        if column not in known:
            raise DataError(
                f"{where} has no column `{column}`",
                needed=f"the column that `{key_of(role)}` is mapped to, under exactly this name",
                do=shown(did_you_mean(column, known))
                if known
                else "check the first line of the file: it names the columns",
                code="RG102",
            )


def with_lines(table: pa.Table, first: int) -> pa.Table:
    """A table of roles with its line numbers, and no faults."""
    n = table.num_rows
    line = pa.array(np.arange(first, first + n, dtype=np.int64))
    nothing = pa.nulls(n, pa.string())
    return table.append_column("line", line).append_column("fault", nothing).append_column("raw", nothing)


def integral_text(value: float, where: str) -> str:
    """A whole number below 2^53 that arrived as a float, as text; anything else is refused.

    Examples
    --------
    >>> integral_text(123.0, "the example")
    '123'
    """
    if not float(value).is_integer() or abs(value) >= 2**53:
        raise DataError(
            f"{where} holds ids as floating-point numbers, and one with {len(str(value))} characters is not a whole "
            "number below 2^53",
            needed="ids as text or integers: as floats, different ids can have become one already",
            do="write the column as text where the data are made",
            code="RG103",
        )
    return str(int(value))


def text_of(value: object, where: str) -> str | None:
    """One Python value as text, exactly; NaN and None are missing.

    Examples
    --------
    >>> text_of("00123", "here"), text_of(7, "here"), text_of(7.0, "here"), text_of(None, "here")
    ('00123', '7', '7', None)
    """
    if value is None or value != value:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return integral_text(value, where)
    if isinstance(value, Decimal):
        return format(value, "f")
    if hasattr(value, "__index__"):
        return str(value.__index__())
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise DataError(
        f"{where} holds a value of type {type(value).__name__}",
        needed="text, numbers or dates",
        do="convert the column to text where the data are made",
        code="RG104",
    )


def number_of(value: object, where: str) -> str | None:
    """One Python value of a money column as text; NaN stays visible as ``nan``, None is missing.

    Examples
    --------
    >>> number_of(12.5, "here"), number_of(float("nan"), "here"), number_of("1,5", "here")
    ('12.5', 'nan', '1,5')
    """
    if isinstance(value, float):
        return repr(float(value))
    return text_of(value, where)


@dataclass(frozen=True)
class Unchanged:
    """A file that must not change between the moment it was hashed and the end of reading.

    Examples
    --------
    >>> Unchanged.now(Path(__file__)).check()
    """

    path: Path
    size: int
    modified: int

    @classmethod
    def now(cls, path: Path) -> Unchanged:
        """What the file looks like now."""
        try:
            stat = path.stat()
        except OSError as error:
            raise StorageError(f"`{path}` cannot be read: {error.strerror}", code="RG105") from None
        return cls(path, stat.st_size, stat.st_mtime_ns)

    def check(self) -> None:
        """Refuse to go on when the file is another one by now."""
        if Unchanged.now(self.path) != self:
            raise StorageError(
                f"`{self.path.name}` changed while it was read",
                do="run again when whatever writes it has finished",
                code="RG105",
            )
