"""Families that break one rule each, and the ones that break none: what `verify` finds, and how little it shows of it.

In: families registered by a test, tried on made-up ledgers. Out: the rule by name, the feature, the smallest example.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from regulars.clock import Zone
from regulars.errors import ConfigError
from regulars.features import family as catalogue
from regulars.features.cases import STYLES, Case, cases
from regulars.features.family import families, plan_for
from regulars.features.minimal import shown, smallest
from regulars.features.modules import Source, register_sources
from regulars.features.properties import PROPERTIES, values_of
from regulars.features.shape import Shape
from regulars.features.verify import Finding, verify

N = 36 if os.environ.get("REGULARS_SOAK") else 9
"""Made-up ledgers: one of each style, or as many as a user gets."""
SHAPE = Shape(columns=("quantity", "category"))
BUILT_IN = [f.name for f in catalogue.all_families()]
HEAD = """import itertools
import numpy as np
from regulars import Feature, family

CALLS = itertools.count()

@family("mine")
def mine(past, reference):
"""


@pytest.fixture(autouse=True)
def _own_catalogue() -> Iterator[None]:
    """Families that a test registers are gone after it."""
    before = dict(catalogue._REGISTERED)
    yield
    catalogue._REGISTERED.clear()
    catalogue._REGISTERED.update(before)


def found_in(*lines: str, shape: Shape = SHAPE, n: int = N) -> tuple[Finding, ...]:
    """What is found in a family of the user's own whose body has these lines."""
    register_sources([Source("mine.py", HEAD + "".join(f"    {line}\n" for line in lines))])
    return verify("mine", shape, n=n)


@pytest.mark.parametrize("name", BUILT_IN)
def test_our_own_families_keep_every_rule(name: str) -> None:
    # Few ledgers are too few for every kind of event to happen; test_no_leakage.py has many.
    n = 36 if N > 9 else 3
    findings = [finding for finding in verify(name, Shape.complete(), n=n) if n > 9 or finding.rule != "constant"]
    assert [str(finding) for finding in findings] == []


def test_an_honest_family_is_found_nothing_wrong_with() -> None:
    assert not found_in(
        'missing = "missing when the window starts before the ledger"',
        'yield Feature("spend_45d", "money", "spend of the last 45 days", past.last(45).sum("spend"), missing)',
        'yield Feature("since_first", "days", "days since", past.cutoff_day - past.first_day("day"))',
        'if past.has("quantity"):',
        '    yield Feature("pieces", "pieces", "pieces ever", past.all().sum("quantity"))',
    )


TOTAL = "np.bincount(h.customer, weights=h.values('spend'), minlength=h.n_customers)[past.row_customer]"
MISTAKES = {
    "no peeking": ("h = past.history", f'yield Feature("x", "s", "m", {TOTAL})'),
    "alone as in the batch": (
        's = past.all().sum("purchase")',
        'yield Feature("x", "share", "m", s / s.max(initial=1.0))',
    ),
    "each cutoff by itself": (
        "first = past.row_customer != np.roll(past.row_customer, 1)",
        'yield Feature("x", "s", "m", np.where(first, 1.0, 0.0))',
    ),
    "order of rows": (
        "h = past.history",
        "amount = h.lines.money['amount'][h.first_line]",
        'yield Feature("x", "money", "m", past.at_last("cell", amount))',
    ),
    "twice the same": ('yield Feature("x", "s", "m", np.full(past.n_rows, float(next(CALLS))))',),
    "sound numbers": ('yield Feature("x", "s", "m", past.last(30).sum("purchase"))',),
    "unit": ('yield Feature("x", "days", "m", past.all().sum("spend"))',),
    "constant": ('yield Feature("x", "days", "m", np.full(past.n_rows, 3.0))',),
}


@pytest.mark.parametrize("rule", MISTAKES)
def test_a_broken_rule_is_found_by_its_name(rule: str) -> None:
    findings = {finding.rule: finding for finding in found_in(*MISTAKES[rule])}
    assert rule in findings
    finding = findings[rule]
    assert (finding.family, finding.features) == ("mine", ("x",))
    assert finding.only_warns == (rule in ("unit", "constant"))
    if rule != "constant":
        # A handful of rows shows it.
        assert finding.case is not None
        assert sum(len(rows) for rows in finding.case.tables.values()) <= 4
    assert all(text in str(finding) for text in ("mine", "`x`", "Do: ", finding.said))


def test_every_rule_has_a_mistake_that_breaks_it() -> None:
    assert set(MISTAKES) | {"stops"} == {rule.name for rule in PROPERTIES} | {"constant"}


def test_who_peeks_is_shown_one_purchase_either_side_of_the_cutoff() -> None:
    (finding,) = [f for f in found_in(*MISTAKES["no peeking"]) if f.rule == "no peeking"]
    case = finding.case
    assert case is not None
    before, after = sorted(case.tables["purchases"], key=lambda row: int(row["purchased_at"] or 0))
    (cutoff,) = case.cutoffs
    # A purchase of 10.00 before the cutoff is the true total; the one from the cutoff on was added to it.
    assert (
        int(before["purchased_at"] or 0) < cutoff.instant(Zone(case.rules.timezone)) <= int(after["purchased_at"] or 0)
    )
    assert before["customer_id"] == after["customer_id"]
    both = int(before["amount"] or 0) + int(after["amount"] or 0)
    assert finding.broken.found == f"{both:.10g}"
    assert finding.broken.meant.endswith(f" {int(before['amount'] or 0)}")
    text = str(finding)
    assert text.startswith("BROKEN  mine: `x` sees rows at or after the cutoff")
    assert text.count("<- not before the cutoff") == 1
    assert "past.last(days)" in text


@pytest.mark.parametrize(
    "lines",
    [
        # Nothing but the names of what comes later: a customer who will come back.
        ("h = past.history", 'yield Feature("x", "s", "m", past.at_last("cell", np.diff(h.starts)[h.customer]))'),
        # The day's last line, were it that of the cutoff's own day.
        ("h = past.history", 'yield Feature("x", "s", "m", (h.day.max(initial=0) - past.cutoff_day).astype(float))'),
        # What happens to loyalty points later.
        (
            "e = past.history.beside.events",
            "t = np.bincount(e.customer, weights=e.value, minlength=past.history.n_customers)",
            'yield Feature("x", "points", "m", past.trait(t))',
        ),
        # An offer's later redemption.
        (
            "e = past.history.beside.offers",
            "t = np.bincount(e.customer, weights=e.kind, minlength=past.history.n_customers)",
            'yield Feature("x", "offers", "m", past.trait(t))',
        ),
    ],
)
def test_peeking_is_found_wherever_one_looks(lines: tuple[str, ...]) -> None:
    shape = replace(SHAPE, kinds=("points_earned", "visit"), offers=True)
    findings = {finding.rule: finding for finding in found_in(*lines, shape=shape)}
    assert findings["no peeking"].features == ("x",)


def test_a_family_that_stops_is_told_where_and_nothing_else_of_it() -> None:
    (finding,) = found_in("x = 1 / past.n_rows", 'yield Feature("x", "s", "m", np.ones(past.n_rows) / x)')
    assert finding.rule == "stops"
    assert "mine.py, line 9 (`x = 1 / past.n_rows`): ZeroDivisionError" in str(finding)
    (finding,) = found_in("past.history.lines.money['amount'][:] = 0", "yield from ()")
    assert "read-only" in str(finding)


def test_features_that_come_and_go_with_the_data_are_told() -> None:
    (finding,) = found_in("if past.n_rows > 2:", '    yield Feature("x", "s", "m", np.zeros(past.n_rows))')
    assert (finding.rule, finding.features) == ("stops", ())
    assert "x come or are left out as the data go" in str(finding)


def test_columns_that_are_not_asked_for_are_not_there() -> None:
    # Only columns asked for by `past.has` are read from a ledger, so that the made-up ones lack the others, too.
    (finding,) = found_in("q = past.history.lines.money['quantity']", 'yield Feature("x", "s", "m", past.trait(q))')
    assert "ask past.has(column) first" in str(finding)


def test_of_a_restless_feature_nothing_else_is_told() -> None:
    findings = found_in(*MISTAKES["twice the same"])
    assert [finding.rule for finding in findings] == ["twice the same"]


def test_features_that_break_the_same_rule_are_told_together() -> None:
    (finding,) = found_in(
        "h = past.history", f'yield Feature("x", "s", "m", {TOTAL})', f'yield Feature("y", "s", "m", 2 * {TOTAL})'
    )[:1]
    assert finding.features == ("x", "y")


def test_findings_are_the_same_again_and_plain_json() -> None:
    lines = MISTAKES["no peeking"]
    first, again = (json.dumps([f.to_dict() for f in found_in(*lines)], allow_nan=False) for _ in range(2))
    assert first == again
    (told, *_) = json.loads(first)
    assert (told["property"], told["broken"]) == ("no peeking", True)
    assert len(told["example"]["tables"]["purchases"]) == 2


def test_a_family_that_there_is_not_is_a_mistake() -> None:
    (finding,) = verify("rmf", SHAPE)
    assert "did you mean `rfm`" in str(finding)
    with pytest.raises(ConfigError, match="did you mean `rfm`"):
        families(["rmf"])


def test_made_up_ledgers_hold_the_edges_they_promise() -> None:
    made = cases(Shape.complete(), 0, 90)
    zones = {case.rules.timezone for case in made}
    assert len(zones) == 4
    assert any(not case.tables["purchases"] for case in made)
    assert any(case.tables["purchases"] and not case.tables["events"] for case in made)
    assert any(case.known_at for case in made)

    def some(holds: Callable[[Case], bool]) -> bool:
        return any(holds(case) for case in made if case.tables["purchases"])

    def days_of(case: Case) -> dict[str, list[int]]:
        rows, zone = case.tables["purchases"], Zone(case.rules.timezone)
        out: dict[str, list[int]] = {}
        for row in rows:
            day = int(zone.local_day(np.array([row["purchased_at"]]))[0])
            out.setdefault(f"{row['customer_id']} {row['order_id']}", []).append(day)
        return out

    def first_amounts(case: Case) -> list[int]:
        first: dict[object, int] = {}
        for row in sorted(case.tables["purchases"], key=lambda row: int(row["purchased_at"] or 0)):
            first.setdefault(row["customer_id"], int(row["amount"] or 0))
        return list(first.values())

    # A return before any purchase; a lone purchase; an order over several days; ties; rows at the very cutoff; a ledger
    # that starts with the first purchase; days on which a clock changes.
    assert some(lambda case: any(amount < 0 for amount in first_amounts(case)))
    assert some(lambda case: len(case.tables["purchases"]) == len(case.customers))
    assert some(lambda case: any(len(set(days)) > 1 for days in days_of(case).values()))
    times = [[row["purchased_at"] for row in case.tables["purchases"]] for case in made]
    assert any(len(set(of)) < len(of) for of in times)
    assert some(
        lambda case: any(
            row["purchased_at"] == c.instant(case.zone)
            for row, c in itertools.product(case.tables["purchases"], case.cutoffs)
        )
    )
    assert some(lambda case: min(min(days) for days in days_of(case).values()) == case.history_starts.day)
    lengths = {case.zone.midnight(c.day + 1) - case.zone.midnight(c.day) for case in made for c in case.cutoffs}
    assert {23, 24, 25} <= {length // 3_600_000_000 for length in lengths}
    assert len(STYLES) == 9


def test_the_same_seed_makes_the_same_ledgers_and_another_makes_others() -> None:
    assert cases(SHAPE, 3, 9) == cases(SHAPE, 3, 9)
    assert cases(SHAPE, 3, 9) != cases(SHAPE, 4, 9)


def test_the_smallest_case_keeps_only_what_is_needed() -> None:
    (case,) = cases(SHAPE, 0, 1)

    def owed(made: Case) -> bool:
        return any(int(row["amount"] or 0) < 0 for row in made.tables["purchases"])

    small = smallest(case, owed)
    (row,) = small.tables["purchases"]
    assert int(row["amount"] or 0) < 0
    assert (row["quantity"], row["category"], row["order_id"]) == (None, None, "o1")
    assert len(small.cutoffs) == 1
    assert small.rules.timezone == "UTC"
    (told,) = shown(small)["purchases"]
    assert told["purchased_at"].endswith(" 12:00")
    assert set(told) <= {"customer_id", "purchased_at", "order_id", "amount", ""}


def test_rows_that_became_known_late_are_later_rows() -> None:
    plan = plan_for(replace(SHAPE, families=("rfm",)))
    late = next(case for case in cases(SHAPE, 0, 9) if case.known_at and case.tables["purchases"])
    cutoff = late.cutoffs[-1]
    assert any(
        int(row["purchased_at"] or 0) < cutoff.instant(late.zone) <= int(row["known_at"] or 0)
        for case in cases(SHAPE, 0, 36)
        if case.known_at
        for row in case.tables["purchases"]
        for cutoff in [case.cutoffs[-1]]
    )
    # Deleted or not, what became known at the cutoff or later changes nothing.
    before, after = (values_of(plan, case.at(cutoff)) for case in (late, late.before(cutoff)))
    assert before.keys() == after.keys() != set()
    for name in before:
        assert list(before[name].values()) == pytest.approx(list(after[name].values()), rel=0, abs=0, nan_ok=True)
