"""The door of the endpoint: the bytes of a request -> the lines of its customers, or every fault it has.

In: a body as `contract` says. Out: a `Request`: day, outputs, `Lines` and what stands beside them, ids in their order.
Refused are bodies that are no strict JSON (400), hold more than the limits (413, before they are parsed), or values,
keys and rows that are not as needed (422, all of them by customer, table, row and field). Nothing sent is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat

import numpy as np
from pydantic_core import ValidationError

from ..clock import Cutoff
from ..errors import ConfigError, DataError
from ..features.history import Beside
from ..features.lines import Lines
from ..models.model import Model
from ..models.outputs import OUTPUTS, Wanted
from ..models.request_beside import of_tables
from ..models.rows import BadRow, Faults, Rows, Unreadable, come_again
from ..serving_section import ServeConfig
from .columns import Columns
from .contract import FIRST_DAY, LAST_DAY, NEEDED_DAY, TABLES, Contract
from .faults import LEFT_OUT, Places, invalid, unlike
from .problems import Fault, Problem
from .strict import doubled, keys_told, objects_told, parsed, read

__all__ = ["Door", "Request", "parsed", "refused"]

_ONCE = "each customer once; this one has come before"


@dataclass(frozen=True)
class Request:
    """What somebody asks for.

    Parameters
    ----------
    as_of : Cutoff or None
        None where the day is not told.
    wanted : Wanted
    lines : Lines
        Of those who have any.
    beside : Beside or None
    ids : list of str
        Of all customers, in the order of the request.
    """

    as_of: Cutoff | None
    wanted: Wanted
    lines: Lines
    beside: Beside | None
    ids: list[str]


class Door:
    """Reads the requests to one model.

    Parameters
    ----------
    model : Model
    limits : ServeConfig
    """

    def __init__(self, model: Model, limits: ServeConfig) -> None:
        self.model, self.limits = model, limits
        self.contract = Contract.of(model)
        self.places = Places(self.contract)
        self._validator = self.contract.validator()
        self._days = Cutoff.parse(FIRST_DAY), Cutoff.parse(LAST_DAY)
        self._usual = Wanted.of(None, (), model)
        # The request, its customers, what is known of each, and rows: no more objects than these.
        self._objects = 1 + 2 * limits.max_customers + limits.max_rows

    def schema(self) -> dict[str, object]:
        """The JSON schema of a request."""
        return self.contract.schema(self.limits)

    def example(self, as_of: Cutoff) -> dict[str, object]:
        """A request as of a day that is answered with a row."""
        return self.contract.example(as_of)

    def read(self, body: bytes) -> Request:
        """What a body asks for.

        Raises
        ------
        Problem
            400 (``RG380``), 413 (``RG381``) or 422 (``RG382``).
        """
        if objects_told(body, self._objects) > self._objects:
            raise self.too_large()
        found = self._columns(body)
        if keys_told(body) > found.keys and (places := doubled(body)):
            raise invalid([self.places.fault(place, "each key once", key) for place, key in places])
        return self._request(found)

    def taken(self, content: object) -> Request:
        """As `read`, of plain values in which no key stands twice.

        Raises
        ------
        Problem
            413 (``RG381``) or 422 (``RG382``).
        """
        self._check_size(content)
        found = Columns.of(content, self.contract)
        if found is None:
            raise self._unlike(partial(self._validator.validate_python, content))
        return self._request(found)

    def _request(self, found: Columns) -> Request:
        noted = _Noted()
        as_of = self._day(found.as_of, noted)
        wanted = self._wanted(found.outputs, found.horizons, noted)
        lines, beside = self._lines(found, noted)
        return Request(as_of, wanted or self._usual, lines, beside, found.ids)

    def _columns(self, body: bytes) -> Columns:
        """What stands in a body; refused where it is too much, or not as the contract has it."""
        try:
            content = read(body)
        except Problem:
            # Numbers that JSON does not have are read all the same, to be told by their place.
            self._check_size(read(body, infinite=True))
            raise self._unlike(partial(self._validator.validate_json, body)) from None
        self._check_size(content)
        found = Columns.of(content, self.contract)
        if found is None:
            raise self._unlike(partial(self._validator.validate_json, body))
        return found

    def _check_size(self, content: object) -> None:
        customers, rows = _size(content, TABLES)
        if customers > self.limits.max_customers or rows > self.limits.max_rows:
            raise self.too_large()

    def too_large(self) -> Problem:
        """The refusal of more than the limits."""
        most = f"{self.limits.max_customers} customers and {self.limits.max_rows} rows"
        return Problem(413, f"a request may hold up to {most}; send several", "RG381")

    def _day(self, text: str | None, faults: _Noted) -> Cutoff | None:
        if text is None:
            return None
        try:
            day = Cutoff.parse(text)
        except ConfigError:
            day = None
        if day is not None and self._days[0] <= day <= self._days[1]:
            return day
        faults.told.append(Fault(NEEDED_DAY, field="as_of"))
        return None

    def _wanted(self, outputs: list[str] | None, horizons: Sequence[int], faults: _Noted) -> Wanted | None:
        known = ", ".join(map(str, self.contract.horizons))
        bad = [
            Fault(unlike(n, OUTPUTS, "no such output"), row=i, field="outputs")
            for i, n in enumerate(outputs or ())
            if n not in OUTPUTS
        ]
        bad += [
            Fault(f"a horizon of the model: {known} days", row=i, field="horizons")
            for i, days in enumerate(horizons)
            if days not in self.contract.horizons
        ]
        faults.told += bad
        if bad or (outputs is None and not horizons):
            return None
        try:
            return Wanted.of(outputs, horizons, self.model)
        except ConfigError as error:
            raise Problem(422, _sentence(error), error.code) from None

    def _lines(self, found: Columns, noted: _Noted) -> tuple[Lines, Beside | None]:
        """The lines of all customers; every fault there is, is told."""
        _check_ids(found.ids, noted.faults)
        rows = {name: _rows(name, found, noted.faults) for name in found.tables}
        if self.contract.customer:
            rows["customers"] = self._known(found, noted)
        try:
            plan, model = self.model.plan, self.model
            lines, beside = of_tables(rows, plan.columns, model.shape, model.rules, model.begins)
        except Unreadable as error:
            raise invalid([*noted.told, *self.places.placed(error.faults, found.starts)]) from None
        except DataError as error:
            raise refused(error) from None
        if noted.told:
            raise invalid(noted.told)
        return lines, beside

    def _known(self, found: Columns, noted: _Noted) -> Rows:
        """What is known of each customer himself: all fields, or nothing."""
        fields = self.contract.customer
        told = [i for i, of in enumerate(found.known) if of]
        for i in told:
            absent = [f.name for f in fields if f.name not in found.known[i]]
            noted.told += [Fault(LEFT_OUT, i, "customers", field=name) for name in absent]
        columns: dict[str, list[object]] = {
            f.column or f.name: [found.known[i].get(f.name) for i in told] for f in fields
        }
        columns["customer_id"] = [found.ids[i] for i in told]
        return Rows(columns, np.array(told, np.int64), "customers", noted.faults)

    def _unlike(self, validated: Callable[[], object]) -> Problem:
        """What the validator has against a request."""
        try:
            validated()
        except ValidationError as error:
            return self.places.invalid(error.errors(include_url=False, include_input=False))
        return invalid(())


class _Noted:
    """What is wrong with a request: told by its place already, or by rows of its tables."""

    def __init__(self) -> None:
        self.told: list[Fault] = []
        self.faults = Faults()


def refused(error: DataError) -> Problem:
    """The refusal of rows that stand in one table, by their place in it."""
    if isinstance(error, Unreadable):
        return invalid([Fault(bad.problem, None, bad.table, bad.row, bad.field) for bad in error.faults])
    return Problem(422, _sentence(error), error.code)


def _sentence(error: ConfigError | DataError) -> str:
    """What an error found and needs, without what it shows of the data."""
    parts = (error.found, f"needed: {error.needed}" if error.needed else "", error.do)
    return "; ".join(part for part in parts if part)


def _check_ids(ids: list[str], faults: Faults) -> None:
    """Note customers without an id that can be one, and those that come again."""
    Rows({"customer_id": ids}, np.arange(len(ids)), "", faults).ids("customer_id")
    twice = come_again(ids)
    if twice:
        faults.add([BadRow("", i, "customer_id", _ONCE) for i in twice], ())


def _rows(name: str, found: Columns, faults: Faults) -> Rows:
    """The rows of a table, each with its customer."""
    starts = found.starts[name]
    each = (repeat(who, starts[i + 1] - starts[i]) for i, who in enumerate(found.ids))
    columns: dict[str, list[object]] = {**found.tables[name], "customer_id": list(chain.from_iterable(each))}
    return Rows(columns, np.arange(starts[-1]), name, faults)


def _size(content: object, tables: Iterable[str]) -> tuple[int, int]:
    """How many customers and rows stand in what may be no request."""
    customers = content.get("customers") if isinstance(content, dict) else None
    if not isinstance(customers, list):
        return 0, 0
    lists = (of.get(name) for of in customers if isinstance(of, dict) for name in tables)
    return len(customers), sum(len(rows) for rows in lists if isinstance(rows, list))
