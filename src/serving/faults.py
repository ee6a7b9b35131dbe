"""What is wrong with a request, by its place in it: customer, table, row and field, in words of ours alone.

In: places in a body as the validator, or columns as the reader, tell them. Out: `Fault`s, and the refusal that lists
them. A key that was only sent is never repeated; the nearest one that we know is told instead.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic_core import ErrorDetails

from ..errors import did_you_mean
from ..models.rows import BadRow
from .contract import MOST_NAMES, NEEDED_DAY, TABLES, Contract
from .problems import SHOWN, Fault, Problem

_NEEDED = {
    "customers": "a list of customers, one at least",
    "outputs": f"a list of 1 to {MOST_NAMES} names",
    "horizons": f"a list of up to {MOST_NAMES} days, each a horizon of the model",
    "as_of": NEEDED_DAY,
    "customer": "an object with what is known of the customer, or {}",
}
_NEEDED_OF = {
    "customer_id": "a text that is not empty",
    "customer": _NEEDED["customer"],
    **dict.fromkeys(TABLES, "a list of rows, which may be empty"),
}
_NEEDED_ITEM = {"outputs": "the name of an output", "horizons": "whole days, a horizon of the model"}
LEFT_OUT = "needed, and left out"
_UNSAID = Fault("not as needed")
_HINTED = 64
"""No name of ours is longer; a longer key is like none of them."""


@dataclass(frozen=True)
class Places:
    """The places of requests that say what a contract has."""

    contract: Contract

    def invalid(self, details: Sequence[ErrorDetails]) -> Problem:
        """The refusal of what the validator does not let through, in its order, which is that of the body."""
        # Ten thousand rows of ten faults each take a while to be put into words that nobody is shown.
        return _refusal([self.told(detail) for detail in details[:SHOWN]] + [_UNSAID] * len(details[SHOWN:]))

    def told(self, detail: ErrorDetails) -> Fault:
        """One thing that the validator has found."""
        place, kind = detail["loc"], detail["type"]
        if kind == "extra_forbidden":
            return self.fault(place[:-1], self._unknown(place, str(place[-1])))
        if kind == "missing":
            return self.fault(place, LEFT_OUT)
        return self.fault(place)

    def _unknown(self, place: Sequence[str | int], key: str) -> str:
        """What to say of a key that a request may not have."""
        names = tuple(step for step in place[:-1] if isinstance(step, str))
        return unlike(key, self.contract.known(names), "an unknown key")

    def fault(self, place: Sequence[str | int], problem: str = "", key: str = "") -> Fault:
        """A fault at a place in the request, of which only names of ours are told."""
        names = tuple(step for step in place if isinstance(step, str))
        at = [step for step in place if isinstance(step, int)]
        if names[:1] != ("customers",):
            field = _ours((*names, key), self.contract.known(()))
            needed = (_NEEDED_ITEM if at else _NEEDED).get(field, "a JSON object")
            return Fault(problem or needed, row=next(iter(at), None), field=field)
        customer = at[0] if at else None
        if len(names) == 1 or names[1] in self.contract.passed_over or names[1] == "customer_id":
            field = _ours((*names[1:], key), self.contract.known(("customers",))) or ("" if at else "customers")
            needed = _NEEDED_OF.get(field, "an object for each customer")
            return Fault(problem or (needed if at else _NEEDED["customers"]), customer, field=field)
        fields = {f.name: f for f in self.contract.fields(names[1])}
        field = _ours((*names[2:], key), fields)
        needed = fields[field].needed if field else _rows_needed(names[1], len(at) > 1)
        table = "customers" if names[1] == "customer" else names[1]
        return Fault(problem or needed, customer, table, at[1] if len(at) > 1 else None, field)

    def placed(self, rows: Iterable[BadRow], starts: Mapping[str, Sequence[int]]) -> Iterator[Fault]:
        """Bad rows of tables as those of their customers."""
        names = {f.column: f.name for f in self.contract.customer}
        for bad in rows:
            if bad.table and bad.field == "customer_id":
                # Told of the customer already.
                continue
            if bad.table == "customers":
                yield Fault(bad.problem, bad.row, bad.table, field=names.get(bad.field, bad.field))
            elif not bad.table:
                yield Fault(bad.problem, bad.row, field=bad.field)
            else:
                customer = bisect_right(starts[bad.table], bad.row) - 1
                yield Fault(bad.problem, customer, bad.table, bad.row - starts[bad.table][customer], bad.field)


def invalid(faults: Iterable[Fault]) -> Problem:
    """The refusal of a request for all that is wrong with it."""
    return _refusal(sorted(faults, key=lambda f: (-1 if f.customer is None else f.customer, f.table, f.row or 0)))


def _refusal(faults: Sequence[Fault]) -> Problem:
    many = "1 thing is" if len(faults) == 1 else f"{len(faults)} things are"
    return Problem(422, f"{many} not as needed; see `errors`", "RG382", faults)


def unlike(name: str, known: Iterable[str], said: str) -> str:
    """That a name is none of those known, with the nearest of them."""
    if len(name) > _HINTED:
        return said
    hint = did_you_mean(name, known)
    return f"{said}; {hint}"


def _ours(names: Iterable[str], known: Iterable[str]) -> str:
    """The last of some names that is one of those known."""
    among = set(known)
    return next((name for name in reversed([*names]) if name in among), "")


def _rows_needed(name: str, in_row: bool) -> str:
    if name == "customer":
        return _NEEDED["customer"]
    return "an object for each row" if in_row else _NEEDED_OF[name]
