"""A request as columns, taken apart in few steps: where all of it is built as the contract has it, which most are.

In: the plain values of a body. Out: `Columns`: a list per field of each table, all of the right type. Nothing at all
where a key is missing, unknown or of another type, whatever it is: the contract's validator then says what and where.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat
from operator import itemgetter
from typing import Any

from .contract import MOST_NAMES, Contract, Field
from .strict import keys_in

_TOP = {"as_of", "outputs", "horizons", "customers"}
_ABSENT = object()


@dataclass(frozen=True)
class Columns:
    """What stands in a request.

    Parameters
    ----------
    as_of : str or None
    outputs : list of str or None
    horizons : list of int
    ids : list of str
        Of the customers.
    tables : dict of str to dict of str to list
        The values of each field of the rows of all customers, one after the other; what no row says is left out.
    starts : dict of str to list of int
        Where the rows of each customer begin, and the end of all.
    known : list of dict
        What is known of each customer himself; none where the model does not look at it.
    keys : int
        So many keys stand in all objects.
    """

    as_of: str | None
    outputs: list[str] | None
    horizons: list[int]
    ids: list[str]
    tables: dict[str, dict[str, list[object]]]
    starts: dict[str, list[int]]
    known: list[dict[str, object]]
    keys: int

    @classmethod
    def of(cls, content: object, contract: Contract) -> Columns | None:
        """From plain values; None where something is not as it must be."""
        if type(content) is not dict or not content.keys() <= _TOP or not _head(content):
            return None
        customers: list[dict[str, Any]] | None = content.get("customers")
        if not customers or set(map(type, customers)) != {dict}:
            return None
        needed = set(contract.of_customer)
        beside = [of.keys() - needed for of in customers]
        if any(len(of) - len(more) < len(needed) for of, more in zip(customers, beside, strict=True)):
            return None
        if any(beside) and not all(map(_passed_over, customers, beside, repeat(contract))):
            return None
        ids, known = [of["customer_id"] for of in customers], [of["customer"] for of in customers if contract.customer]
        if not _texts(ids, set()) or not all(_known(of, contract.customer) for of in known):
            return None
        keys = len(content) + len(customers) * len(needed) + sum(map(len, known))
        keys += sum(1 + keys_in(of[name]) for of, more in zip(customers, beside, strict=True) for name in more)
        tables: dict[str, dict[str, list[object]]] = {}
        starts: dict[str, list[int]] = {}
        for name, fields in contract.tables.items():
            lists: list[list[dict[str, object]]] = [of[name] for of in customers]
            rows = list(chain.from_iterable(lists)) if set(map(type, lists)) == {list} else None
            columns = None if rows is None else columns_of(rows, fields)
            if rows is None or columns is None:
                return None
            tables[name], starts[name] = columns, list(accumulate(map(len, lists), initial=0))
            keys += sum(map(len, rows))
        as_of, outputs, horizons = content.get("as_of"), content.get("outputs"), content.get("horizons", [])
        return cls(as_of, outputs, horizons, ids, tables, starts, known, keys)


def _passed_over(customer: dict[str, Any], names: Iterable[str], contract: Contract) -> bool:
    """Whether what the model does not look at is at least of the right form."""
    for name in names:
        found = customer[name]
        rows = [found] if name == "customer" else found
        if name not in contract.passed_over or type(rows) is not list or not set(map(type, rows)) <= {dict}:
            return False
    return True


def columns_of(rows: Sequence[dict[str, object]], fields: Sequence[Field]) -> dict[str, list[object]] | None:
    """The columns of some rows; None where a row is none, or has other keys or types."""
    if not set(map(type, rows)) <= {dict}:
        return None
    found: dict[str, list[object]] = {}
    told = 0
    try:
        for field in (f for f in fields if f.required):
            found[field.name] = list(map(itemgetter(field.name), rows))
            told += len(rows)
    except KeyError:
        return None
    extra = sum(map(len, rows)) - told
    for field in (f for f in fields if not f.required and extra):
        values: list[object] = list(map(dict.get, rows, repeat(field.name), repeat(_ABSENT)))
        absent = values.count(_ABSENT)
        if absent < len(rows):
            found[field.name] = [None if value is _ABSENT else value for value in values] if absent else values
        extra -= len(rows) - absent
    if extra or not all(_fits(found[f.name], f) for f in fields if f.name in found):
        return None
    return {name: values for name, values in found.items() if not values or values.count(None) < len(values)}


def _head(content: Mapping[str, object]) -> bool:
    """Whether day, outputs and horizons are of the right type."""
    outputs, horizons = content.get("outputs", []), content.get("horizons", [])
    return (
        type(content.get("as_of", "")) is str
        and type(outputs) is list
        and set(map(type, outputs)) <= {str}
        and type(horizons) is list
        and max(len(outputs), len(horizons)) <= MOST_NAMES
        and set(map(type, horizons)) <= {int}
        and type(content.get("customers")) is list
    )


def _known(of: object, fields: Sequence[Field]) -> bool:
    """Whether what is said of a customer himself is of the right type, as far as it is said."""
    if type(of) is not dict or not of.keys() <= {f.name for f in fields}:
        return False
    return all(_fits([of[f.name]], f) for f in fields if f.name in of)


def _fits(values: Sequence[object], field: Field) -> bool:
    """Whether all values are of a field's type."""
    none = {type(None)} if field.nullable or not field.required else set()
    return set(map(type, values)) <= {float, int} | none if field.kind == "number" else _texts(values, none)


def _texts(values: Sequence[object], none: set[type]) -> bool:
    return set(map(type, values)) <= {str} | none and "" not in values
