"""Whether a family of features keeps the rules, tried on made-up ledgers.

In: the name of a family, the shape of a ledger, a seed. Out: a `Finding` for each rule of `properties.PROPERTIES` that
it breaks, with the smallest made-up ledger on which it does; and for features that say the same of everyone, missing or
not. While a family stops with an error, or answers differently each time, nothing else is told of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import RegularsError
from .cases import DAYS, Case, cases
from .family import Plan, plan_for
from .minimal import shown, smallest, table_text
from .modules import MEND
from .properties import PROPERTIES, REPEATED, STOPS, Broken, Property, values_of
from .shape import Shape

CASES = 36
"""Made-up ledgers a family is tried on: four of each style."""


@dataclass(frozen=True)
class Finding:
    """A rule that some features of a family break, with the first break and the smallest example of it.

    Parameters
    ----------
    family, rule, said, do : str
    features : tuple of str
        Who breaks it; empty when it is the family as a whole.
    broken : Broken
    case : Case or None
    only_warns : bool
        Whether it is worth a look rather than wrong.
    """

    family: str
    rule: str
    said: str
    do: str
    features: tuple[str, ...]
    broken: Broken
    case: Case | None
    only_warns: bool

    def __str__(self) -> str:
        who = ", ".join(f"`{f}`" for f in self.features[:6]) + (", ..." if len(self.features) > 6 else "")
        head = f"{'WARNING' if self.only_warns else 'BROKEN'}  {self.family}: {who + ' ' if who else ''}{self.said}"
        return "\n".join([head, f"  {self.broken}", f"  Do: {self.do}", *(f"  {line}" for line in self._example())])

    def _example(self) -> Iterator[str]:
        if self.case is None or not self.case.tables["purchases"]:
            return
        cutoffs = ", ".join(map(str, self.case.cutoffs))
        yield f"Example: cutoff {cutoffs} in {self.case.rules.timezone}; the ledger starts {self.case.history_starts}"
        for table, rows in shown(self.case).items():
            if table != "purchases":
                yield f"  {table}:"
            yield from (f"    {line}" for line in table_text(rows))

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form."""
        case = self.case
        example = case and {
            "timezone": case.rules.timezone,
            "history_starts": str(case.history_starts),
            "cutoffs": [str(c) for c in case.cutoffs],
            "tables": shown(case),
        }
        return {
            "family": self.family,
            "features": list(self.features),
            "property": self.rule,
            "broken": not self.only_warns,
            "said": self.said,
            "found": str(self.broken),
            "do": self.do,
            "example": example,
        }


def verify(name: str, shape: Shape, seed: int = 0, n: int = CASES) -> tuple[Finding, ...]:
    """Try a family on made-up ledgers of a shape; what it breaks, the worst first.

    Examples
    --------
    >>> verify("calendar", Shape(), n=9)
    ()
    """
    # Holidays are told by date: of their own, they would lie years away from the made-up cutoffs.
    holidays = tuple(sorted({day + 20 for day in DAYS})) if shape.holidays else ()
    shape = replace(shape, families=(name,), holidays=holidays)
    try:
        plan = plan_for(shape)
    except RegularsError as error:
        broken = _stopped(error)
        said, do = "stops before there is any customer", broken.do or STOPS.do
        return (Finding(name, STOPS.name, said, do, (), broken, None, False),)
    with np.errstate(all="ignore"):
        return tuple(_findings(plan, cases(shape, seed, n)))


def _findings(plan: Plan, tried: Sequence[Case]) -> Iterator[Finding]:
    found = list(_found(plan, STOPS, tried, ()))
    # While it stops, or answers differently each time, nothing else can be told of it.
    yield from found
    if found:
        return
    restless: tuple[str, ...] = ()
    for rule in PROPERTIES[1:]:
        for finding in _found(plan, rule, tried, restless):
            yield finding
            restless = finding.features if rule is REPEATED else restless
    yield from _constant(plan, tried)


def _found(plan: Plan, rule: Property, tried: Sequence[Case], but: Sequence[str]) -> Iterator[Finding]:
    """What breaks a rule on some cases, as one finding; the first feature is shown on its smallest example."""
    first: dict[str, tuple[Case, Broken]] = {}
    for case in tried:
        for feature, broken in _checked(rule, plan, case).items():
            if feature not in but:
                first.setdefault(feature, (case, broken))
    if not first:
        return
    names = sorted(first, key=("", *plan.names, *first).index)
    case, last = first[names[0]]

    def breaks(smaller: Case) -> bool:
        nonlocal last
        found = _checked(rule, plan, smaller).get(names[0])
        last = found or last
        return found is not None

    case = smallest(case, breaks)
    features = tuple(name for name in names if name)
    do = last.do or rule.do
    yield Finding(plan.families[0].name, rule.name, rule.said, do, features, last, case, rule.only_warns)


def _checked(rule: Property, plan: Plan, case: Case) -> dict[str, Broken]:
    """What breaks a rule; to stop on a changed case breaks it, too."""
    try:
        return rule.check(plan, case)
    except Exception as error:
        return {"": _stopped(error)}


def _stopped(error: Exception) -> Broken:
    if isinstance(error, RegularsError):
        return Broken(None, error.found, error.needed, error.do.removeprefix(MEND))
    return Broken(None, f"{type(error).__name__}: {error}")


def _constant(plan: Plan, tried: Sequence[Case]) -> Iterator[Finding]:
    seen: dict[str, set[float]] = {name: set() for name in plan.names}
    for case in tried:
        for feature, numbers in values_of(plan, case).items():
            seen[feature] |= {math.inf if math.isnan(v) else v for v in numbers.values()}
    same = tuple(name for name, values in seen.items() if len(values) == 1)
    if same:
        value = next(iter(seen[same[0]]))
        broken = Broken(None, f"always {'missing' if math.isinf(value) else f'{value:.10g}'}")
        said, do = "says the same of everyone on every made-up ledger", "leave it out, or mend it"
        yield Finding(plan.families[0].name, "constant", said, do, same, broken, None, True)
