"""Whom an offer is for, as data: a field, an operator and a value, joined by all, any and not. Nothing is ever run.

In: a table of TOML or JSON. Out: a frozen `Rule`. What cannot be meant (an operator that there is not, a list where
one value belongs, a rule of two forms at once) is refused with the place. What is missing is judged in `eligibility`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..errors import did_you_mean

EQUAL = ("==", "!=")
ORDER = ("<", "<=", ">", ">=")
LISTED = ("in", "not_in")
OPERATORS = (*EQUAL, *ORDER, *LISTED, "is_missing", "contains")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Value = bool | float | str


class Rule(BaseModel):
    """A condition on a customer: `{field, op, value}`, or `{all = [...]}`, `{any = [...]}`, `{not = {...}}`.

    Examples
    --------
    >>> rule = Rule.model_validate({"all": [{"field": "orders", "op": ">=", "value": 3}]})
    >>> sorted(rule.fields), rule.words
    (['orders'], 'orders >= 3')
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, populate_by_name=True)

    field: str | None = Field(default=None, min_length=1, description="a score, an attribute or a fact of the customer")
    op: str | None = Field(default=None, description=f"one of {' '.join(OPERATORS)}", examples=list(OPERATORS))
    value: Value | tuple[Value, ...] | None = Field(default=None, description="what the field is compared with")
    every: tuple[Rule, ...] | None = Field(default=None, alias="all", description="rules that all hold")
    some: tuple[Rule, ...] | None = Field(default=None, alias="any", description="rules of which one holds")
    never: Rule | None = Field(default=None, alias="not", description="a rule that does not hold")

    @model_validator(mode="before")
    @classmethod
    def _a_table(cls, given: Any) -> Any:
        if not isinstance(given, dict | Rule):
            raise ValueError('a rule is a table, such as {field = "orders", op = ">=", value = 3}')
        return {**given, "value": _day_texts(given["value"])} if isinstance(given, dict) and "value" in given else given

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        joined = {"all": self.every, "any": self.some, "not": self.never}
        given = [name for name, rules in joined.items() if rules is not None]
        compares = self.field is not None or self.op is not None or self.value is not None
        if len(given) + compares != 1:
            raise ValueError("a rule is one of {field, op, value}, {all = [...]}, {any = [...]} and {not = {...}}")
        if given and joined[given[0]] == ():
            raise ValueError(f"`{given[0]}` is empty; name at least one rule")
        if compares:
            self._check_comparison()
        return self

    def _check_comparison(self) -> None:
        if self.field is None or self.op is None:
            raise ValueError("a comparison has a `field` and an `op`")
        if self.op not in OPERATORS:
            raise ValueError(f"there is no operator `{self.op}`; {did_you_mean(self.op, OPERATORS)}")
        complaint = _misfit(self.op, self.value)
        if complaint:
            raise ValueError(f"`{self.op}` {complaint}")

    @property
    def parts(self) -> tuple[Rule, ...]:
        """The rules that this one joins; none of a comparison."""
        return self.every or self.some or ((self.never,) if self.never is not None else ())

    def comparisons(self) -> Iterator[Rule]:
        """Every comparison in it, in the order in which they are written."""
        if self.field is not None:
            yield self
        for part in self.parts:
            yield from part.comparisons()

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it looks at."""
        return frozenset(str(c.field) for c in self.comparisons())

    @property
    def words(self) -> str:
        """The rule as a person reads it."""
        if self.never is not None:
            return f"not ({self.never.words})"
        if self.field is None:
            joint = " and " if self.every else " or "
            inner = [p.words if p.field is not None or len(self.parts) == 1 else f"({p.words})" for p in self.parts]
            return joint.join(inner)
        if self.op == "is_missing":
            return f"{self.field} is missing"
        return f"{self.field} {str(self.op).replace('_', ' ')} {_written(self.value)}"


def _day_texts(value: Any) -> Any:
    """TOML has dates of its own; inside, a date is its ISO text."""
    if isinstance(value, list | tuple):
        return [_day_texts(v) for v in value]
    return str(value) if hasattr(value, "isoformat") else value


def _misfit(op: str, value: Value | tuple[Value, ...] | None) -> str:
    """What is wrong with the value of an operator; empty where nothing is."""
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    if any(isinstance(v, float) and not math.isfinite(v) for v in values):
        return "takes finite numbers only"
    if op == "is_missing":
        return "takes no value; write {not = ...} for the contrary" if value is not None else ""
    if op in LISTED:
        one_kind = len({type(v) for v in values}) == 1
        return "" if isinstance(value, tuple) and one_kind else "takes a list of values of one kind, at least one"
    if value is None or isinstance(value, tuple):
        return "takes one value; for several there is `in`"
    if op == "contains" and (not isinstance(value, str) or not value):
        return "takes a text, and looks for it in a text"
    if op in ORDER and not (_is_number(value) or (isinstance(value, str) and _DAY.fullmatch(value))):
        return "takes a number, or a day such as 2026-03-01"
    return ""


def _is_number(value: Value) -> bool:
    return isinstance(value, float) and not isinstance(value, bool)


def _written(value: Value | tuple[Value, ...] | None) -> str:
    if isinstance(value, tuple):
        return ", ".join(_written(v) for v in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
