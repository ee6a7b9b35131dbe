"""The rules that a family of features must keep, each as something that can be tried on a made-up ledger.

In: the plan of one family, a `Case`. Out: by feature, the first number that breaks a rule, what was found and what was
meant. Numbers are compared in float64 and to the last bit, missing with missing; only what scales with money may differ
by rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ..clock import Cutoff
from .cases import Case, Row
from .family import NEVER, Plan
from .history import History
from .past import Past
from .reference import Reference

LARGEST = float(np.finfo(np.float32).max)
Key = tuple[str, int]
"""Customer, day number of the cutoff."""
Values = dict[str, dict[Key, float]]


@dataclass(frozen=True)
class Broken:
    """One number that is not what it should be: whose, found, and what was meant."""

    key: Key | None
    found: str
    meant: str = ""
    do: str = ""

    def __str__(self) -> str:
        whose = f"for customer `{self.key[0]}` at cutoff {Cutoff(self.key[1])}: " if self.key else ""
        return f"{whose}{self.found}{f'; {self.meant}' if self.meant else ''}"


Check = Callable[[Plan, Case], dict[str, Broken]]
"""What a family does wrong on a case, by feature; "" is the family as a whole."""


@dataclass(frozen=True)
class Property:
    """A rule: its name, what is said of a feature that breaks it, what to do, and how it is tried."""

    name: str
    said: str
    do: str
    check: Check
    only_warns: bool = False


def values_of(plan: Plan, case: Case, reference: Reference | None = None) -> Values:
    """What the one family of a plan yields for every row of a case, by feature and row, in float64."""
    history = case.history(plan.columns)
    known = reference or _reference(plan, case)
    out: Values = {}
    if not history.two_clocks:
        return _values(plan, history, case.cutoffs, known, out)
    for cutoff in case.cutoffs:
        _values(plan, history.known_before(cutoff), (cutoff,), known, out)
    return out


def _reference(plan: Plan, case: Case) -> Reference:
    """What all customers of a case tell; that it ends before each cutoff is proved of it elsewhere."""
    return Reference.of([case.history(plan.columns)], case.cutoffs, plan.groups)


def _values(plan: Plan, history: History, cutoffs: Sequence[Cutoff], reference: Reference, out: Values) -> Values:
    return _asked(plan, Past(history, cutoffs, plan.offsets, plan.shape), reference, out)


def _asked(plan: Plan, past: Past, reference: Reference, out: Values) -> Values:
    keys = list(zip(map(str, past.customer_id), past.cutoff_day.tolist(), strict=True))
    for feature in plan.families[0].function(past, reference):
        values = np.asarray(feature.values, np.float64)
        out.setdefault(feature.name, {}).update(zip(keys, values.tolist(), strict=True))
    return out


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _close(a: float, b: float) -> bool:
    return _same(a, b) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def _differing(found: Values, meant: Values, said: str) -> dict[str, Broken]:
    """The first number of each feature that is not the same in both, among the rows of the first."""
    out = {}
    for feature, numbers in found.items():
        others = meant.get(feature, {})
        key = next((k for k, v in numbers.items() if k in others and not _same(v, others[k])), None)
        if key is not None:
            out[feature] = Broken(key, f"{numbers[key]:.10g}", f"{said} {others[key]:.10g}")
    return out


def _stops(plan: Plan, case: Case) -> dict[str, Broken]:
    found = values_of(plan, case)
    if case.customers and tuple(found) != plan.names:
        odd = sorted(set(found) ^ set(plan.names)) or list(found)
        return {"": Broken(None, f"{', '.join(odd)} come or are left out as the data go", do=NAMES)}
    return {}


def _peeks(plan: Plan, case: Case) -> dict[str, Broken]:
    found: dict[str, Broken] = {}
    loud = _loud(case)
    for whole in (*(case.at(c) for c in case.cutoffs), *((loud,) if len(case.cutoffs) > 1 or loud != case else ())):
        cut, reference = whole.before(whole.cutoffs[0]), _reference(plan, whole)
        said = "without the rows at or after the cutoff it is"
        found = {**_differing(values_of(plan, whole, reference), values_of(plan, cut, reference), said), **found}
    return found


def _loud(case: Case) -> Case:
    """One cutoff, and what is not before it turned into extremes, in orders that began before it."""
    cutoff = case.cutoffs[-1]
    order = {row["customer_id"]: row["order_id"] for row in case.tables["purchases"]}
    extreme: Row = {"quantity": 999_0000, "discount": 999_0000, "category": "later", "product_id": "later"}

    def louder(table: str, row: Row) -> Row:
        if case.is_before(table, row, cutoff):
            return row
        changed: dict[str, int | str | None] = {**row, **{n: v for n, v in extreme.items() if n in row}}
        if table == "purchases":
            changed |= {"amount": 99_999_0000, "order_id": order[row["customer_id"]]}
        elif table == "events":
            changed |= {"value": 99_999_0000}
        return changed

    return case.at(cutoff).each(louder)


def _alone(plan: Plan, case: Case) -> dict[str, Broken]:
    reference = _reference(plan, case)
    whole, who = values_of(plan, case, reference), case.customers
    half = len(who) // 2
    found: dict[str, Broken] = {}
    for part in (*([name] for name in who), *((who[:half], who[half:]) if half > 1 else ())):
        said = "in the batch it is" if len(part) == 1 else "with all the customers it is"
        found = {**_differing(values_of(plan, case.of(part), reference), whole, said), **found}
    return found


def _one_cutoff(plan: Plan, case: Case) -> dict[str, Broken]:
    reference = _reference(plan, case)
    whole = values_of(plan, case, reference)
    found: dict[str, Broken] = {}
    for cutoff in case.cutoffs:
        alone = values_of(plan, case.at(cutoff), reference)
        found = {**_differing(alone, whole, "beside the other cutoffs it is"), **found}
    return found


def _shuffled(plan: Plan, case: Case) -> dict[str, Broken]:
    reference, rng = _reference(plan, case), np.random.default_rng(0)
    before = values_of(plan, case, reference)
    found: dict[str, Broken] = {}

    def shuffled(rows: Sequence[Row]) -> Sequence[Row]:
        return [rows[i] for i in rng.permutation(len(rows)).tolist()]

    for change in (lambda rows: rows[::-1], shuffled):
        other = replace(case, tables={table: tuple(change(rows)) for table, rows in case.tables.items()})
        after = values_of(plan, other, reference)
        found = {**_differing(after, before, "with the same rows in another order it is"), **found}
    return found


def _repeated(plan: Plan, case: Case) -> dict[str, Broken]:
    history, reference = case.history(plan.columns), _reference(plan, case)
    pasts = [Past(history, case.cutoffs, plan.offsets, plan.shape)] * 2
    pasts.append(Past(case.history(plan.columns), case.cutoffs, plan.offsets, plan.shape))
    answers = [_asked(plan, past, reference, {}) for past in pasts]
    found: dict[str, Broken] = {}
    for one, other in pairwise(answers):
        found = {**_differing(one, other, "asked again it is"), **found}
    return found


def _unsound(plan: Plan, case: Case) -> dict[str, Broken]:
    found: dict[str, Broken] = {}
    never = {e.name for e in plan.entries if e.missing == NEVER}
    for feature, numbers in values_of(plan, case).items():
        for key, value in numbers.items():
            if math.isnan(value) and feature in never:
                found[feature] = Broken(key, "missing", "it says that it is never missing", MISSING)
            elif math.isinf(value):
                found[feature] = Broken(key, "infinite", do="ratio(part, whole) is missing where whole is not above 0")
            elif abs(value) > LARGEST:
                found[feature] = Broken(key, f"{value:.6g}", "the panel holds float32, up to 3.4e38", "scale it down")
    return found


def _unit(plan: Plan, case: Case) -> dict[str, Broken]:
    """Amounts in whole cents against a hundred times as much."""
    money, reference = ("amount", "discount", "cost"), _reference(plan, case)

    def scaled(factor: int) -> Values:
        def times(_: str, row: Row) -> Row:
            return {n: v // 100 * 100 * factor if n in money and isinstance(v, int) else v for n, v in row.items()}

        return values_of(plan, case.each(times), reference)

    cheap, dear, unit = scaled(1), scaled(100), {e.name: e.unit for e in plan.entries}
    found: dict[str, Broken] = {}
    for feature, numbers in cheap.items():
        is_money = unit[feature] == "money"
        if not is_money and "money" in unit[feature]:
            continue
        for key, value in numbers.items():
            if not _close(dear[feature][key], value * (100 if is_money else 1)):
                meant = f"with a hundred times the money it is {dear[feature][key]:.10g}; its unit is `{unit[feature]}`"
                found.setdefault(feature, Broken(key, f"{value:.10g}", meant))
    return found


NAMES = "yield the same features whatever the data: let only past.has(column) and past.shape decide"
MISSING = "say in `missing` when it is missing, or give it a value"

STOPS = Property("stops", "does not always yield its features", "mend the family at that line", _stops)
REPEATED = Property(
    "twice the same",
    "is another when asked again",
    "no randomness, no clock, nothing kept between calls, nothing changed in place",
    _repeated,
)
PROPERTIES = (
    STOPS,
    REPEATED,
    Property(
        "no peeking",
        "sees rows at or after the cutoff",
        "use past.last(days), past.between(older, newer) or past.all(): they end before the cutoff; "
        "past.history holds later rows, too",
        _peeks,
    ),
    Property(
        "alone as in the batch",
        "is another for a customer alone than in the batch",
        "take nothing over the rows of past (no maximum, mean or rank): other customers are known by the Reference",
        _alone,
    ),
    Property(
        "each cutoff by itself",
        "is another for a cutoff alone than among others",
        "take nothing over the rows of past: each is about one customer at one cutoff",
        _one_cutoff,
    ),
    Property(
        "order of rows",
        "depends on the order of the rows",
        "rows of one day have no order, and codes of texts no meaning: use sums, counts and days",
        _shuffled,
    ),
    Property("sound numbers", "has a value that it must not have", "mend it", _unsound),
    Property(
        "unit",
        "does not scale as its unit says",
        'money has the unit "money", and nothing else scales with the currency',
        _unit,
        only_warns=True,
    ),
)
"""The rules, in the order in which they are told."""
