"""Purchases that are canonical already: Parquet in the types of `schema.PURCHASES`, held to their contract.

In: files and the mapping of roles to their columns. Out: a DuckDB connection with the view `lines`, whose columns are
the roles. Nothing is cast or set aside: another type, a missing id, date or amount, a negative discount, or an instant
outside the plausible window stops the run with counts and places. Other values may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..clock import DAY_US, Cutoff
from ..config import EngineConfig
from ..errors import DataError
from ..schema import INSTANT, MONEY, PURCHASES
from .lines import FUTURE
from .sources.identifiers import quoted
from .sources.parts import check_mapped, check_names
from .staging import Connection, fetched, working_database

_EARLIEST_US = Cutoff.parse("1990-01-01").day * DAY_US
_TYPES = {c.name: c.type for c in PURCHASES}


@contextmanager
def canonical_lines(
    paths: Sequence[Path], mapping: Mapping[str, str], engine: EngineConfig, spill: Path, read_us: int
) -> Iterator[Connection]:
    """A working database with the view `lines` over the files, once every line is known to keep the contract.

    Raises
    ------
    DataError
        A file that is no Parquet, lacks a column, or holds other types or lines that break the contract.
    """
    for path in paths:
        _check_types(path, mapping)
    with working_database(engine, spill, paths) as con:
        con.execute(f"CREATE VIEW lines AS {_lines_sql(paths, mapping)}")
        _check_contract(con, paths, mapping, read_us)
        yield con


def _lines_sql(paths: Sequence[Path], mapping: Mapping[str, str]) -> str:
    """SQL for the lines of the files under the names of their roles, each with its file and row."""
    if not paths:
        sql = {pa.string(): "VARCHAR", MONEY: "DECIMAL(18, 4)", INSTANT: "TIMESTAMPTZ"}
        nothing = ", ".join(f"CAST(NULL AS {sql[_TYPES[role]]}) AS {role}" for role in mapping)
        return f"SELECT {nothing}, '' AS of_file, 0 AS of_row WHERE false"
    roles = ", ".join(f"{quoted(column)} AS {role}" for role, column in mapping.items())
    files = ", ".join(_literal(path) for path in paths)
    read = f"read_parquet([{files}], union_by_name = true, filename = true, file_row_number = true)"
    return f"SELECT {roles}, filename AS of_file, file_row_number AS of_row FROM {read}"


def _literal(path: Path) -> str:
    """A path as an SQL text in which nothing is taken for a pattern."""
    plain = re.sub(r"([*?\[])", r"[\1]", str(path.resolve()))
    return "'" + plain.replace("'", "''") + "'"


def _check_types(path: Path, mapping: Mapping[str, str]) -> None:
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"`{path.name}` is not a whole Parquet file: {error}",
            needed="Parquet, for canonical purchases",
            do="copy it again, or leave out `canonical`",
            code="RG106",
        ) from None
    check_names(schema.names, f"`{path.name}`")
    check_mapped(mapping, schema.names, f"`{path.name}`")
    for role, column in mapping.items():
        found = schema.field(column).type
        if not _same(found, _TYPES[role]):
            raise DataError(
                f"column `{column}` of {path.name} is {found}",
                needed=f"{_TYPES[role]}, as canonical purchases have it (any time zone)",
                do="convert it where the data are made, or leave out `canonical`: then it is cast with care",
                code="RG135",
            )


def _same(found: pa.DataType, meant: pa.DataType) -> bool:
    if pa.types.is_dictionary(found):
        found = found.value_type
    if pa.types.is_timestamp(meant):
        return bool(pa.types.is_timestamp(found) and found.unit == "us" and found.tz is not None)
    return bool(found == meant or (meant == pa.string() and found in (pa.large_string(), pa.string_view())))


@dataclass(frozen=True)
class _Rule:
    """What a column must keep: whether it must be there, its least value and its greatest."""

    role: str
    required: bool
    least: Any = None
    most: Any = None

    def broken(self) -> dict[str, str]:
        """SQL conditions of lines that break it, by words."""
        found: dict[str, str] = {}
        if self.required:
            nothing = f"{self.role} IS NULL"
            found["is missing"] = f"({nothing} OR {self.role} = '')" if _TYPES[self.role] == pa.string() else nothing
        if self.most is not None:
            found["lies before 1990"] = f"epoch_us({self.role}) < {self.least}"
            found[FUTURE] = f"epoch_us({self.role}) > {self.most}"
        elif self.least is not None and _TYPES[self.role] == MONEY:
            found["is negative"] = f"{self.role} < 0"
        return found

    def proved(self, statistics: Any) -> bool:
        """Whether the statistics of a row group show that all its lines keep the rule."""
        if statistics is None or not statistics.has_null_count or (self.required and statistics.null_count):
            return False
        if not statistics.has_min_max:
            return False
        least, most = (self._comparable(bound) for bound in (statistics.min, statistics.max))
        return bool((self.least is None or least >= self.least) and (self.most is None or most <= self.most))

    def _comparable(self, bound: Any) -> Any:
        """Instants as UTC microseconds, the rest as it is."""
        return pa.scalar(bound, INSTANT).value if _TYPES[self.role] == INSTANT else bound


def _rules(mapping: Mapping[str, str], read_us: int) -> list[_Rule]:
    rules = [
        _Rule("customer_id", True, "\0"),
        _Rule("order_id", True, "\0"),
        _Rule("purchased_at", True, _EARLIEST_US, read_us),
        _Rule("amount", True),
        _Rule("discount", False, Decimal(0)),
        _Rule("known_at", False, _EARLIEST_US, read_us),
    ]
    return [rule for rule in rules if rule.role in mapping]


def _check_contract(con: Connection, paths: Sequence[Path], mapping: Mapping[str, str], read_us: int) -> None:
    """Refuse lines that break the contract; only rules that the files' statistics cannot prove are looked at."""
    doubtful = [
        (rule.role, words, condition)
        for rule in _rules(mapping, read_us)
        if not all(_proved(rule, path, mapping[rule.role]) for path in paths)
        for words, condition in rule.broken().items()
    ]
    if not doubtful:
        return
    counts = ", ".join(f"count(*) FILTER ({condition})" for _, _, condition in doubtful)
    ((total, *broken),) = fetched(con, f"SELECT count(*), {counts} FROM lines")
    found = [(n, mapping[role], words, condition) for n, (role, words, condition) in zip(broken, doubtful, strict=True)]
    found = [row for row in found if row[0]]
    if not found:
        return
    said = ", ".join(f"{n} where `{column}` {words}" for n, column, words, _ in found)
    raise DataError(
        f"of {total} lines that should be canonical, some break the contract: {said}",
        needed="a customer, order, amount and date in every line, no negative discount",
        do="repair the data where they are made, or leave out `canonical`: then bad lines are set aside",
        offending=[sample for row in found for sample in _samples(con, row)],
        code="RG136",
    )


def _proved(rule: _Rule, path: Path, column: str) -> bool:
    metadata = pq.read_metadata(path)
    leaf = next(i for i in range(metadata.num_columns) if metadata.schema.column(i).path == column)
    groups = (metadata.row_group(i).column(leaf) for i in range(metadata.num_row_groups))
    return all(rule.proved(group.statistics) for group in groups)


def _samples(con: Connection, row: tuple[int, str, str, str]) -> Iterator[str]:
    _, column, words, condition = row
    for file, number in fetched(
        con, f"SELECT of_file, of_row FROM lines WHERE {condition} ORDER BY of_file, of_row LIMIT 2"
    ):
        yield f"{Path(file).name} row {number + 1}: `{column}` {words}"
