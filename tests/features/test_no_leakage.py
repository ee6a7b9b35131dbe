"""The one rule as properties of every registered feature: what was known before the cutoff, and nothing else.

In: Hypothesis ledgers. Out: for each property the list of (family, feature, customer, cutoff) that break it. All
features of all registered families are looked at, so that a new family is held to the rule from its first day.
"""

from __future__ import annotations

import datetime as dt
import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from regulars.clock import Cutoff
from regulars.features.family import NEVER, NOT_COVERED, catalogue
from regulars.features.panel import RHYTHM, Label, Panel
from regulars.features.reference import Reference

from .agreement import family_values
from .beside import SHAPES, FullLedger, event, full, full_ledgers, offer, person
from .oracle import DAY, Line, midnight
from .oracle_beside import Event, Offer, Person
from .strategies import EVERY, EXAMPLES, OPTIONAL, PROPERTY, Ledger, ledger_of, ledgers, plan_of

MICROSECOND = dt.timedelta(microseconds=1)
FAMILIES = list(EVERY)
Naming = Callable[[str], str]
every_ledger: st.SearchStrategy[Ledger] = st.one_of(ledgers(), full_ledgers())
"""Purchases alone, and with other tables beside them."""


def _unchanged(name: str) -> str:
    return name


def differing(ledger: Ledger, before: Panel, after: Panel, renamed: Naming = _unchanged) -> list[str]:
    """Which numbers of two panels are not the same bits; rows must be the same (customer, cutoff) in any order."""
    family_of = {entry.name: entry.family for entry in ledger.plan.entries}
    rows = {
        (renamed(str(c)), int(d)): i for i, (c, d) in enumerate(zip(before.customer_id, before.cutoff_day, strict=True))
    }
    others = {(str(c), int(d)): i for i, (c, d) in enumerate(zip(after.customer_id, after.cutoff_day, strict=True))}
    out = [f"row {key} is in one of the two only" for key in rows.keys() ^ others.keys()]
    for key in rows.keys() & others.keys():
        i, j = rows[key], others[key]
        for k in np.flatnonzero(before.values[:, i].view(np.uint32) != after.values[:, j].view(np.uint32)):
            name = before.names[k]
            out.append(f"{family_of[name]}.{name} {key}: {before.values[k, i]} became {after.values[k, j]}")
        for name in RHYTHM:
            old, new = getattr(before.rhythm, name)[i], getattr(after.rhythm, name)[j]
            if old.tobytes() != new.tobytes():
                out.append(f"rhythm.{name} {key}: {old} became {new}")
    return out


def _poisoned(ledger: Ledger, line: Line, rng: random.Random) -> Line:
    """Extreme values in everything but the customer and the times; orders join those of the past."""
    orders = sorted({other["order_id"] for other in ledger.lines})
    poison = line.copy()
    poison["order_id"] = rng.choice(orders)
    poison["amount"] = Decimal(rng.choice(["9999999999.9999", "-9999999999.9999", "0"]))
    if "quantity" in line:
        poison["quantity"] = Decimal(rng.choice(["999999", "0"]))
    if "discount" in line:
        poison["discount"] = Decimal(rng.choice(["999999", "0"]))
    if "product_id" in line:
        poison["product_id"] = rng.choice(["poison", None])
    if "category" in line:
        poison["category"] = rng.choice(["poison", None])
    return poison


def test_the_properties_look_at_every_registered_family() -> None:
    assert {entry.family for entry in plan_of(replace(SHAPES[0], columns=OPTIONAL)).entries} == set(FAMILIES)
    assert {entry.family for entry in catalogue()} == {*FAMILIES, "season"}


@PROPERTY
@given(every_ledger)
def test_rows_at_or_after_the_cutoff_deleted_change_nothing(ledger: Ledger) -> None:
    for cutoff in ledger.cutoffs:
        whole = ledger.at(cutoff)
        cut = whole.before(cutoff)
        assert differing(ledger, whole.panel(), cut.panel()) == []
        assert whole.reference() == cut.reference()


@PROPERTY
@given(every_ledger, st.integers(0, 2**32))
def test_rows_at_or_after_the_cutoff_poisoned_change_nothing(ledger: Ledger, seed: int) -> None:
    rng = random.Random(seed)
    for cutoff in ledger.cutoffs:
        whole = ledger.at(cutoff)
        lines = [line if ledger.is_before(line, cutoff) else _poisoned(ledger, line, rng) for line in ledger.lines]
        other = whole.but(lines)
        if isinstance(other, FullLedger):
            other = other.poisoned(cutoff, rng)
        assert differing(ledger, whole.panel(), other.panel()) == []
        assert whole.reference() == other.reference()


@PROPERTY
@given(full_ledgers(known_at=True), st.integers(1, 40))
def test_the_past_as_first_known_is_the_past_as_known_later(ledger: FullLedger, days: int) -> None:
    # What arrives at or after the cutoff, however old it says it is, is not part of what was known.
    for cutoff in ledger.cutoffs:
        whole, limit = ledger.at(cutoff), midnight(cutoff.date, ledger.zone)
        later = replace(
            whole.but([*ledger.lines, *(_late(line, limit, days) for line in ledger.lines)]),
            events=(*ledger.events, *(_late_event(event, limit, days) for event in ledger.events)),
            offers=(*ledger.offers, *(_late_offer(offer, limit, days) for offer in ledger.offers)),
        )
        assert differing(ledger, whole.panel(), later.panel()) == []


def _late(line: Line, limit: dt.datetime, days: int) -> Line:
    arrived = line.copy()
    arrived["purchased_at"] = min(line["purchased_at"], limit - days * DAY)
    arrived["known_at"] = limit
    return arrived


def _late_event(event: Event, limit: dt.datetime, days: int) -> Event:
    arrived = event.copy()
    arrived["occurred_at"], arrived["known_at"] = min(event["occurred_at"], limit - days * DAY), limit
    return arrived


def _late_offer(offer: Offer, limit: dt.datetime, days: int) -> Offer:
    arrived = offer.copy()
    arrived["offered_at"] = arrived["redeemed_at"] = min(offer["offered_at"], limit - days * DAY)
    arrived["known_at"] = limit
    return arrived


@pytest.mark.parametrize("offset", [-1, 0, 1])
@pytest.mark.parametrize(
    ("timezone", "cutoff"),
    [
        ("UTC", "2017-06-15"),
        ("UTC", "2016-02-29"),
        ("UTC", "2016-03-01"),
        ("UTC", "2017-01-01"),
        ("Europe/Berlin", "2017-03-26"),
        ("Europe/Berlin", "2017-03-27"),
        ("Europe/Berlin", "2017-10-29"),
        ("Europe/Berlin", "2017-10-30"),
        ("America/New_York", "2017-03-12"),
        ("America/New_York", "2017-11-06"),
        ("America/St_Johns", "2006-10-29"),
        ("America/St_Johns", "2006-04-02"),
        # Midnight itself does not exist: the day begins at 01:00.
        ("America/Sao_Paulo", "2017-10-15"),
    ],
)
def test_a_row_belongs_to_the_past_only_before_the_very_instant(timezone: str, cutoff: str, offset: int) -> None:
    ledger = ledger_of([("a", "2005-01-01 10:00", "o1", "7")], cutoff, timezone, starts="2005-01-01")
    at = midnight(ledger.cutoffs[0].date, ledger.zone) + offset * MICROSECOND
    added = Line(customer_id="a", purchased_at=at, order_id="o2", amount=Decimal("5"))
    label = Label(30)
    without, panel = ledger.panel(labels=[label]), ledger.but((*ledger.lines, added)).panel(labels=[label])
    orders, spend = panel.targets[label].orders.tolist(), panel.targets[label].spend.tolist()
    if offset < 0:
        assert (panel.feature("orders").tolist(), panel.feature("recency_days").tolist()) == ([2.0], [1.0])
        assert (orders, spend) == ([0], [0.0])
    else:
        assert differing(ledger, without, panel) == []
        assert (orders, spend) == ([1], [5.0])


@pytest.mark.parametrize("offset", [-1, 0, 1])
@pytest.mark.parametrize(("timezone", "cutoff"), [("UTC", "2016-03-01"), ("Europe/Berlin", "2017-10-30")])
def test_an_event_an_offer_and_joining_belong_to_the_past_only_before_the_very_instant(
    timezone: str, cutoff: str, offset: int
) -> None:
    plain = ledger_of([("a", "2016-01-01 10:00", "o1", "7")], cutoff, timezone, starts="2015-01-01")
    at = midnight(plain.cutoffs[0].date, plain.zone) + offset * MICROSECOND
    given = at - 3 * DAY
    ledger = FullLedger(
        plain.lines,
        plain.rules,
        plain.history_starts,
        plain.cutoffs,
        shape=SHAPES[0],
        events=(Event(customer_id="a", occurred_at=at, kind="visit", initiated_by="customer", known_at=None),),
        offers=(Offer(customer_id="a", offered_at=given, offer_id="x", redeemed_at=at, known_at=None),),
        people=(Person(customer_id="a", joined_at=at, town="Rome", age=Decimal(40), referred_by=None),),
    )
    panel, seen = ledger.panel(), offset < 0
    counts = ("events_visit_ever", "events_visit_30d", "offers_redeemed")
    assert [panel.feature(name).tolist() for name in counts] == [[1.0 if seen else 0.0]] * 3
    assert panel.feature("offers_received").tolist() == [1.0]
    for name, value in (("tenure_days", 1.0), ("customer_age", 40.0), ("customer_town_size", 1.0)):
        assert str(panel.feature(name).tolist()) == str([value if seen else math.nan]), name


@PROPERTY
@given(every_ledger, st.integers(0, 2**32))
def test_the_order_of_input_rows_never_matters(ledger: Ledger, seed: int) -> None:
    shuffled = ledger.shuffled(random.Random(seed))
    assert differing(ledger, ledger.panel(), shuffled.panel()) == []
    assert ledger.reference() == shuffled.reference()


@PROPERTY
@given(every_ledger)
def test_one_customer_alone_is_the_batch_bit_for_bit(ledger: Ledger) -> None:
    reference = ledger.reference()
    batch = ledger.panel(reference)
    for customer in {line["customer_id"] for line in ledger.lines}:
        alone = ledger.of({customer}).panel(reference)
        assert differing(ledger, batch.take(batch.customer_id == customer), alone) == []


@PROPERTY
@given(every_ledger)
def test_many_cutoffs_at_once_are_each_alone(ledger: Ledger) -> None:
    reference = ledger.reference()
    batch = ledger.panel(reference)
    for cutoff in ledger.cutoffs:
        alone = ledger.at(cutoff).panel(reference)
        assert differing(ledger, batch.take(batch.cutoff_day == cutoff.day), alone) == []
        assert ledger.at(cutoff).reference() == reference.at(cutoff.day)


@PROPERTY
@given(every_ledger, st.integers(0, 5))
def test_shards_are_the_whole(ledger: Ledger, n_first: int) -> None:
    customers = sorted({line["customer_id"] for line in ledger.lines})
    first = set(customers[:n_first])
    shards = [ledger.of(first), ledger.of(set(customers) - first)]
    with ledger.told_apart():
        reference = Reference.of([shard.history() for shard in shards], ledger.cutoffs, ledger.plan.groups)
    assert reference == ledger.reference()
    labels = [Label(30), Label(90, ledger.cutoffs[-1])]
    whole = ledger.panel(reference, labels)
    joined = Panel.gathered((shard.panel(reference, labels) for shard in shards), whole.n_rows)
    # Rows come sorted by customer, then cutoff, so not even their order differs.
    assert whole.customer_id.tolist() == joined.customer_id.tolist()
    assert whole.cutoff_day.tolist() == joined.cutoff_day.tolist()
    assert differing(ledger, whole, joined) == []
    for label in labels:
        assert whole.targets[label].orders.tolist() == joined.targets[label].orders.tolist()
        assert whole.targets[label].spend.tolist() == joined.targets[label].spend.tolist()


@PROPERTY
@given(every_ledger, st.data())
def test_an_unrelated_customer_changes_nothing_given_the_reference(ledger: Ledger, data: st.DataObject) -> None:
    assume(ledger.lines)
    reference, stranger = ledger.reference(), data.draw(st.sampled_from(["", "0", "B", "zzz"]))
    model = data.draw(st.lists(st.sampled_from(ledger.lines), min_size=1, max_size=5))
    strange = [replace_customer(line, lambda _: stranger) for line in model]
    panel = ledger.but((*strange, *ledger.lines)).panel(reference)
    assert differing(ledger, ledger.panel(reference), panel.take(panel.customer_id != stranger)) == []


def replace_customer(line: Line, renamed: Naming) -> Line:
    out = line.copy()
    out["customer_id"] = renamed(line["customer_id"])
    return out


@PROPERTY
@given(every_ledger)
def test_names_of_customers_orders_and_products_mean_nothing(ledger: Ledger) -> None:
    def backwards(name: str) -> str:
        return "".join(chr(0x10FF - ord(c)) for c in name)

    named = ledger.renamed(backwards)
    # Channels of the purchases and attributes too; of values equally frequent at the limit the first in order stays.
    told = ledger.told_apart_by_number_alone()
    assert differing(ledger, told.panel(), named.panel(), backwards) == []


@PROPERTY
@given(st.one_of(ledgers(zones=("UTC",)), full_ledgers(zones=("UTC",))), st.integers(-400, 400))
def test_whole_weeks_later_everything_is_the_same(ledger: Ledger, weeks: int) -> None:
    # In UTC, where every day has 24 hours; calendar parts depend on the weekday, so whole weeks.
    days = 7 * weeks
    later = ledger.later(days).panel()
    # Cohorts are calendar months: who shares one depends on the date.
    later, earlier = (replace(p, values=np.delete(p.values, _cohorts(p), axis=0)) for p in (later, ledger.panel()))
    kept = tuple(np.delete(np.array(ledger.plan.names, object), _cohorts(ledger.panel())).tolist())
    assert (
        differing(ledger, replace(earlier, names=kept), replace(later, names=kept, cutoff_day=later.cutoff_day - days))
        == []
    )


def _cohorts(panel: Panel) -> list[int]:
    return [k for k, name in enumerate(panel.names) if name.startswith("cohort_")]


@pytest.mark.parametrize("name", FAMILIES)
@PROPERTY
@given(full_ledgers())
def test_a_hundred_times_the_money_scales_money_and_nothing_else(name: str, ledger: Ledger) -> None:
    lines = []
    for line in ledger.lines:
        rich = line.copy()
        rich["amount"] = 100 * line["amount"]
        if "discount" in line:
            rich["discount"] = 100 * line["discount"]
        lines.append(rich)
    unit = {entry.name: entry.unit for entry in ledger.plan.entries}
    before, after = family_values(ledger, name), family_values(ledger.but(lines), name)
    assert before.keys() == after.keys()
    factor = {key: 100.0 if unit[key[0]] == "money" else 1.0 for key in before}
    assert [
        f"{key}: {before[key]} became {after[key]}"
        for key in before
        if not _close(factor[key] * before[key], after[key])
    ] == []


def _close(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-9)


def _looks_back(name: str) -> int:
    """Days before the cutoff at which the earliest window of a feature begins, read off its name; 0 for all history."""
    found = re.search(r"(?<!per)_(\d+)d$", name)
    if not found or "_decayed_" in name:
        return 0
    return 364 if "_year_ago_" in name else int(found[1]) * (2 if "trend" in name else 1)


@PROPERTY
@given(every_ledger)
def test_a_window_that_starts_before_the_ledger_is_missing(ledger: Ledger) -> None:
    panel = ledger.panel()
    for entry in ledger.plan.entries:
        back, values = _looks_back(entry.name), panel.feature(entry.name)
        uncovered = (panel.cutoff_day - back < ledger.history_starts.day) if back else np.zeros(panel.n_rows, bool)
        assert np.isnan(values[uncovered]).all(), entry.name
        if entry.missing == NEVER:
            assert not np.isnan(values).any(), entry.name


@PROPERTY
@given(every_ledger, st.integers(1, 800))
def test_an_older_ledger_only_fills_in_what_was_missing(ledger: Ledger, days: int) -> None:
    older = replace(ledger, history_starts=ledger.history_starts.minus(days))
    young, old = ledger.panel(), older.panel()
    kept = ~np.isnan(young.values)
    assert (young.values[kept] == old.values[kept]).all()


@PROPERTY
@given(every_ledger)
def test_the_catalogue_says_why_a_value_is_missing(ledger: Ledger) -> None:
    panel = ledger.panel()
    for entry in ledger.plan.entries:
        missing = np.isnan(panel.feature(entry.name))
        starts = ledger.history_starts.day
        if entry.family == "engagement" and isinstance(ledger, FullLedger) and ledger.events_start:
            starts = max(starts, ledger.events_start.day)
        covered = panel.cutoff_day - _looks_back(entry.name) >= starts
        if entry.missing == NOT_COVERED:
            assert not (missing & covered).any(), f"{entry.name} is missing in a window that the ledger covers"


def test_every_feature_with_a_window_says_so_in_the_catalogue() -> None:
    silent = [entry.name for entry in catalogue() if _looks_back(entry.name) and NOT_COVERED not in entry.missing]
    assert silent == []


@PROPERTY
@given(every_ledger)
def test_shares_lie_between_nothing_and_all(ledger: Ledger) -> None:
    # More may be returned than the ledger saw sold.
    panel = ledger.panel()
    for entry in ledger.plan.entries:
        if entry.unit == "share" and entry.name != "returned_share":
            values = panel.feature(entry.name)
            assert (np.isnan(values) | ((values >= 0) & (values <= 1))).all(), entry.name


def _targets(ledger: Ledger, label: Label) -> dict[tuple[str, int], tuple[int, int]]:
    """Purchases, and spend in ten-thousandths, by customer and cutoff."""
    panel = ledger.panel(labels=[label])
    future = panel.targets[label]
    money = [round(spend * 10_000) for spend in future.spend.tolist()]
    keys = zip(panel.customer_id.tolist(), panel.cutoff_day.tolist(), strict=True)
    return dict(zip(keys, zip(future.orders.tolist(), money, strict=True), strict=True))


@PROPERTY
@given(ledgers(), st.sampled_from([1, 7, 30, 90]), st.integers(0, 2**32))
def test_targets_do_not_see_the_end_of_their_window(ledger: Ledger, horizon: int, seed: int) -> None:
    rng, label = random.Random(seed), Label(horizon)
    for cutoff in ledger.cutoffs:
        whole, end = ledger.at(cutoff), midnight(cutoff.plus(horizon).date, ledger.zone)
        after = [line for line in ledger.lines if line["purchased_at"] >= end]
        before = [line for line in ledger.lines if line["purchased_at"] < end]
        expected = _targets(whole, label)
        assert _targets(whole.but(before), label) == expected
        assert _targets(whole.but([*before, *(_poisoned(ledger, line, rng) for line in after)]), label) == expected


@PROPERTY
@given(ledgers(), st.sampled_from([1, 7, 30, 90]))
def test_targets_do_not_see_what_was_paid_before_the_cutoff(ledger: Ledger, horizon: int) -> None:
    # Sevenfold money before the cutoff: who is at risk, and what is an order, stays.
    label = Label(horizon)
    for cutoff in ledger.cutoffs:
        start, lines = midnight(cutoff.date, ledger.zone), []
        for line in ledger.lines:
            dear = line.copy()
            dear["amount"] = line["amount"] * (7 if line["purchased_at"] < start else 1)
            lines.append(dear)
        assert _targets(ledger.at(cutoff).but(lines), label) == _targets(ledger.at(cutoff), label)


@PROPERTY
@given(ledgers(), st.sampled_from([1, 7, 30, 90]), st.booleans())
def test_one_more_purchase_in_the_window_is_one_more_in_the_target(ledger: Ledger, horizon: int, last: bool) -> None:
    label = Label(horizon)
    for cutoff in ledger.cutoffs:
        start, end = (midnight(c.date, ledger.zone) for c in (cutoff, cutoff.plus(horizon)))
        expected = _targets(ledger.at(cutoff), label)
        for at, more in ((end - MICROSECOND if last else start, 1), (end, 0)):
            lines = [*ledger.lines]
            for customer in {line["customer_id"] for line in ledger.lines}:
                lines.append(_like(ledger.lines[0], customer, at))
            found = _targets(ledger.at(cutoff).but(lines), label)
            assert {key: (n - more, spend - 30_000 * more) for key, (n, spend) in found.items()} == expected


def _like(line: Line, customer: str, at: dt.datetime) -> Line:
    """A purchase of 3.00 in an order of its own."""
    out = replace_customer(line, lambda _: customer)
    out["purchased_at"], out["order_id"], out["amount"] = at, "one more", Decimal(3)
    if "known_at" in line:
        out["known_at"] = at
    return out


@pytest.mark.parametrize("name", FAMILIES)
def test_long_histories_at_five_cutoffs_see_nothing_later(name: str) -> None:
    # The same rule without shrinking, on long histories: one customer a history, orders that go on for weeks.
    rng, compared = random.Random(name), 0
    for _ in range(EXAMPLES // 5):
        ledger = _long_ledger(rng)
        for cutoff in ledger.cutoffs:
            whole = ledger.at(cutoff)
            found, meant = family_values(whole, name), family_values(whole.before(cutoff), name)
            assert np.array_equal(list(found.values()), list(meant.values()), equal_nan=True)
            assert found.keys() == meant.keys()
            # Now and then there are only returns before the first cutoff, and nobody is at risk.
            compared += bool(found)
    assert compared > 4 * (EXAMPLES // 5)


def _long_ledger(rng: random.Random) -> FullLedger:
    minutes = sorted(rng.randrange(2 * 365 * 1440) for _ in range(120))
    first = dt.datetime(2016, 1, 1)
    rows = [
        ("a", str(first + dt.timedelta(minutes=m)), f"o{m // 30_000}-{rng.randrange(4)}", str(rng.randrange(-9, 30)))
        for m in minutes
    ]
    days = sorted(rng.sample(range(30, 700), 5))
    plain = ledger_of(
        rows, [], "Europe/Berlin", category=[rng.choice(["x", "y", None]) for _ in rows], quantity=["1"] * len(rows)
    )
    moments = [str(first + dt.timedelta(minutes=rng.randrange(2 * 365 * 1440))) for _ in range(80)]
    events = [event(at, rng.choice(SHAPES[0].kinds), str(rng.randrange(-5, 90))) for at in moments[:60]]
    offers = [offer(min(pair), max(pair)) for pair in zip(moments[60:70], moments[70:], strict=True)]
    people = [person("a", "Oslo", moments[0], age="30")]
    ledger = full(plain, SHAPES[0], events, offers, people)
    return ledger.at(*(Cutoff.parse("2016-01-01").plus(day) for day in days))


def test_the_rule_is_tested_against_something() -> None:
    # The properties would be empty if the ledgers were: of drawn rows some must lie before and some after a cutoff.
    rng = random.Random(0)
    ledger = _long_ledger(rng)
    sides: Sequence[bool] = [ledger.is_before(line, ledger.cutoffs[2]) for line in ledger.lines]
    assert 10 < sum(sides) < 110
