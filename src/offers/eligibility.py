"""Who a rule is for, worked out over columns: nothing is ever run, and what is missing is never a yes.

In: a `Rule` and columns with one value a customer. Out: a mask. Each comparison is true, false or unknown, as in SQL: a
missing value (NaN, None, an empty text) makes it unknown, `not` of unknown is unknown, and only what is surely true
counts. `is_missing` alone always knows. A field that there is not, or of another kind, is an error.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, did_you_mean
from .rules import Rule, Value

Mask = NDArray[np.bool_]
Columns = Mapping[str, NDArray[Any]]

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda found, values: found in values,
    "not_in": lambda found, values: found not in values,
    "contains": lambda found, text: text in found,
}


class _Truth(NamedTuple):
    """Who surely is, and who surely is not; who is neither is unknown."""

    true: Mask
    false: Mask


class _Texts(NamedTuple):
    """A column of texts: each distinct value once, and which of them every customer has; -1 where it is missing."""

    values: list[str]
    codes: NDArray[np.int64]


def eligible(rule: Rule | None, columns: Columns, n: int) -> Mask:
    """Who a rule surely holds for.

    Parameters
    ----------
    rule : Rule or None
        None holds for everybody.
    columns : mapping of str to ndarray of shape (n,)
        Numbers (NaN is missing), booleans, or texts as objects (None and "" are missing).
    n : int
        How many customers.

    Raises
    ------
    ConfigError
        ``RG414`` for a field that there is not, or whose kind the rule's value does not fit.

    Examples
    --------
    >>> rule = Rule.model_validate({"not": {"field": "orders", "op": ">=", "value": 3}})
    >>> eligible(rule, {"orders": np.array([1.0, 5.0, np.nan])}, 3).tolist()
    [True, False, False]
    """
    return Judge(columns, n).eligible(rule)


def compared(value: Any, rule: Rule) -> bool:
    """Whether a comparison holds for a value; True where they are of different kinds, which is judged elsewhere.

    Examples
    --------
    >>> compared(3, Rule.model_validate({"field": "orders", "op": ">", "value": 3}))
    False
    """
    try:
        return bool(_COMPARE[str(rule.op)](value, rule.value))
    except TypeError:
        return True


def check_fields(
    rule: Rule | None, known: Collection[str], sensitive: Collection[str] = (), where: str = "a rule"
) -> None:
    """Refuse a rule on a field that there is not (``RG414``), or that is declared sensitive (``RG415``).

    Examples
    --------
    >>> check_fields(Rule.model_validate({"field": "orders", "op": ">", "value": 2}), ["orders", "town"])
    """
    for comparison in rule.comparisons() if rule is not None else ():
        field = str(comparison.field)
        check_sensitive(field, sensitive, where)
        check_known(field, known, where)


def check_known(field: str, known: Collection[str], where: str) -> None:
    """Refuse a field that there is not (``RG414``)."""
    if field not in known:
        hint = did_you_mean(field, sorted(known))
        raise ConfigError(f"{where} looks at `{field}`, which there is not", do=hint, code="RG414")


def check_sensitive(field: str, sensitive: Collection[str], where: str) -> None:
    """Refuse a field that is declared sensitive, however it is written (``RG415``)."""
    if field.casefold() in {name.casefold() for name in sensitive}:
        raise ConfigError(
            f"{where} looks at `{field}`, which is declared sensitive",
            needed="offers that do not depend on it",
            do="take the field out; by which groups offers went is shown in the report",
            code="RG415",
        )


class Judge:
    """Judges many rules over the same customers; a column of texts is gone through once.

    Parameters
    ----------
    columns : mapping of str to ndarray of shape (n,)
    n : int
    """

    def __init__(self, columns: Columns, n: int) -> None:
        self._columns, self._n = columns, n
        self._texts: dict[str, _Texts] = {}

    def eligible(self, rule: Rule | None) -> Mask:
        """Who a rule surely holds for."""
        return np.ones(self._n, bool) if rule is None else self._judged(rule).true

    def values(self, field: str) -> tuple[list[Any], NDArray[np.int64]]:
        """The distinct values of a field in ascending order, and which of them each customer has; -1 is missing."""
        column = self._column(field)
        if column.dtype.kind in "OU":
            texts = self._text(field)
            order = sorted(range(len(texts.values)), key=texts.values.__getitem__)
            place = np.empty(len(order) + 1, np.int64)
            place[order], place[-1] = np.arange(len(order)), -1
            return [texts.values[i] for i in order], place[texts.codes]
        missing = _missing(column)
        found, codes = np.unique(column[~missing], return_inverse=True)
        every = np.full(self._n, -1, np.int64)
        every[~missing] = codes
        return found.tolist(), every

    def _judged(self, rule: Rule) -> _Truth:
        if rule.never is not None:
            inner = self._judged(rule.never)
            return _Truth(inner.false, inner.true)
        if rule.field is not None:
            return self._compared(rule.field, str(rule.op), rule.value)
        parts = [self._judged(part) for part in rule.parts]
        true, false = (np.stack([p[i] for p in parts]) for i in (0, 1))
        if rule.every is not None:
            return _Truth(np.asarray(true.all(axis=0)), np.asarray(false.any(axis=0)))
        return _Truth(np.asarray(true.any(axis=0)), np.asarray(false.all(axis=0)))

    def _compared(self, field: str, op: str, value: Value | tuple[Value, ...] | None) -> _Truth:
        column = self._column(field)
        is_text = column.dtype.kind in "OU"
        missing: Mask = np.asarray(self._text(field).codes < 0, bool) if is_text else _missing(column)
        if op == "is_missing":
            return _Truth(missing, ~missing)
        _check_kind(field, column, op, value)
        true = self._of_text(field, op, value) if is_text else _of_number(column, op, value)
        return _Truth(np.logical_and(true, ~missing), ~np.logical_or(true, missing))

    def _of_text(self, field: str, op: str, value: Any) -> Mask:
        texts, compare = self._text(field), _COMPARE[op]
        # The last place is for who has none: its code is -1.
        found = np.array([*(bool(compare(text, value)) for text in texts.values), False])
        return np.asarray(found[texts.codes])

    def _column(self, field: str) -> NDArray[Any]:
        check_known(field, self._columns, "a rule")
        return self._columns[field]

    def _text(self, field: str) -> _Texts:
        if field not in self._texts:
            self._texts[field] = _factorised(self._columns[field])
        return self._texts[field]


def _factorised(column: NDArray[Any]) -> _Texts:
    known: dict[Any, int] = {}
    places = np.fromiter((known.setdefault(v, len(known)) for v in column.tolist()), np.int64, len(column))
    there = [value for value in known if isinstance(value, str) and value]
    code = {value: i for i, value in enumerate(there)}
    return _Texts(there, np.array([*(code.get(v, -1) for v in known), -1])[places])


def _missing(column: NDArray[Any]) -> Mask:
    return np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), bool)


def _of_number(column: NDArray[Any], op: str, value: Any) -> Mask:
    if op in ("in", "not_in"):
        return np.asarray(np.isin(column, np.array(value), invert=op == "not_in"))
    with np.errstate(invalid="ignore"):
        return np.asarray(_COMPARE[op](column, value), bool)


_KINDS = {"b": "true or false", "O": "text", "U": "text", "i": "a number", "u": "a number", "f": "a number"}


def _check_kind(field: str, column: NDArray[Any], op: str, value: Value | tuple[Value, ...] | None) -> None:
    """Refuse to compare a text with a number, which would silently hold for nobody."""
    kind = _KINDS.get(column.dtype.kind, "of no kind that rules know")
    first = value[0] if isinstance(value, tuple) else value
    given = "true or false" if isinstance(first, bool) else "text" if isinstance(first, str) else "a number"
    if kind != given:
        more = "; declare the column in `numbers` of [data.customers]" if kind == "text" and given == "a number" else ""
        raise ConfigError(
            f"a rule compares `{field}`, which is {kind}, with {given}",
            needed=f"a value that is {kind}{more}",
            code="RG414",
        )
    if op in ("<", "<=", ">", ">=") and kind == "true or false":
        raise ConfigError(f"a rule orders `{field}`, which is true or false", needed="== or !=", code="RG414")
