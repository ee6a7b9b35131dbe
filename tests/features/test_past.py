"""Windows of a past, those planned for and any others: by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.clock import Cutoff
from regulars.errors import ConfigError, DataError
from regulars.features import family as catalogue_module
from regulars.features.family import Feature, families, family, plan_for
from regulars.features.panel import panel_block
from regulars.features.past import Past, ratio
from regulars.features.reference import Reference
from regulars.features.shape import KINDS, Shape

from .beside import event, full, offer, person
from .oracle_beside import Event, Offer, Person
from .strategies import OPTIONAL, PROPERTY, Ledger, ledger_of, ledgers

ROWS = [
    ("a", "2017-01-01 10:00", "o1", "10"),
    ("a", "2017-01-15 10:00", "o2", "5"),
    ("a", "2017-01-31 23:59", "o3", "20"),
    ("b", "2017-01-20 10:00", "o1", "3"),
    ("c", "2017-01-20 10:00", "r1", "-3"),
]
CUTOFFS = ("2017-01-10", "2017-02-01", "2017-02-10")


def _past(offsets: tuple[int, ...] = (), starts: str = "2016-01-01") -> Past:
    ledger = ledger_of(ROWS, CUTOFFS, starts=starts, category=["x", "y", "x", "x", "y"])
    return Past(ledger.history(), ledger.cutoffs, offsets)


def test_a_row_is_a_customer_with_a_purchase_before_the_cutoff() -> None:
    past = _past()
    # On 10 January only a has bought; c never did.
    days = [Cutoff.parse(c).day for c in CUTOFFS]
    assert past.customer_id.tolist() == ["a", "a", "a", "b", "b"]
    assert past.cutoff_day.tolist() == [*days, days[1], days[2]]


@pytest.mark.parametrize("offsets", [(), (17,), (17, 26, 31, 400)])
def test_a_window_nobody_planned_gets_the_same_numbers(offsets: tuple[int, ...]) -> None:
    past = _past(offsets)
    # [cutoff - 17, cutoff): from 24 December, 15 January, 24 January.
    assert past.last(17).sum("purchase").tolist() == [1, 2, 1, 1, 0]
    assert past.last(17).sum("spend").tolist() == [10, 25, 20, 3, 0]
    # [cutoff - 31, cutoff - 17): from 10 December, 1 January, 10 January.
    assert past.between(31, 17).sum("purchase").tolist() == [0, 1, 1, 0, 1]
    assert past.last(17).distinct("category").tolist() == [1, 2, 1, 1, 0]
    assert past.all().sum("spend").tolist() == [10, 35, 35, 3, 3]


@PROPERTY
@given(ledgers(known_at=False), st.integers(1, 400), st.integers(0, 60))
def test_planned_or_not_a_window_is_the_same(ledger: Ledger, days: int, newer: int) -> None:
    history = ledger.history()
    planned = Past(history, ledger.cutoffs, (days, days + newer, newer, 365))
    asked = Past(history, ledger.cutoffs)
    for measure in ("purchase", "spend", "day", "gap", "returned"):
        for one, other in (
            (planned.last(days), asked.last(days)),
            (planned.between(days + newer, newer), asked.between(days + newer, newer)),
        ):
            assert one.sum(measure).tobytes() == other.sum(measure).tobytes()


def test_windows_and_columns_are_remembered_when_asked_for() -> None:
    past = _past()
    past.last(45).sum("spend")
    past.between(60, 30).integer("purchase")
    assert past.asked == {0, 30, 45, 60}
    assert past.has("category")
    assert not past.has("cost")
    assert past.asked_columns == {"category", "cost"}


def test_days_of_the_first_and_last_mark() -> None:
    past, day = _past(), Cutoff.parse("2017-01-01").day
    assert (past.first_day("day") - day).tolist() == [0, 0, 0, 19, 19]
    assert (past.last_day("day") - day).tolist() == [0, 30, 30, 19, 19]
    assert past.days_since("day").tolist() == [9, 1, 10, 12, 21]
    # Nobody at risk has returned anything: no first and no last return.
    assert np.isnan(past.last_day("return")).all()
    amounts = past.history.values("spend") // 10_000
    assert past.at_last("day", amounts).tolist() == [10, 20, 20, 3, 3]


def test_a_window_before_the_ledger_is_missing_and_the_exact_integer_is_not() -> None:
    # A ledger from 5 January covers 27 days before 1 February and 36 before the 10th.
    span = _past(starts="2017-01-05").last(30)
    assert span.covered.tolist() == [False, False, True, False, True]
    assert [None if math.isnan(n) else n for n in span.sum("purchase").tolist()] == [None, None, 2, None, 1]
    assert span.integer("purchase").tolist() == [1, 2, 2, 1, 1]
    assert np.isnan(span.distinct("category")).tolist() == [True, True, False, True, False]


def test_cutoffs_out_of_order_are_refused() -> None:
    history = ledger_of(ROWS, []).history()
    for days in ([20, 10], [10, 10]):
        with pytest.raises(DataError, match="RG023"):
            Past(history, [Cutoff(d) for d in days])


def test_a_share_of_nothing_is_missing() -> None:
    found = ratio(np.array([1.0, 1.0, 1.0, -1.0, np.nan]), np.array([4.0, 0.0, -2.0, 2.0, 1.0]))
    assert found[[0, 3]].tolist() == [0.25, -0.5]
    assert np.isnan(found[[1, 2, 4]]).all()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A registry to add to, put back afterwards."""
    families()
    monkeypatch.setattr(catalogue_module, "_REGISTERED", dict(catalogue_module._REGISTERED))

    def add(name: str) -> None:
        @family(name)
        def strange(past: Past, reference: Reference) -> Iterator[Feature]:
            """Orders in a window that no other family looks at."""
            yield Feature("orders_17d", "orders", "purchases in the last 17 days", past.last(17).sum("purchase"))

    return add


def test_a_new_family_is_planned_with_its_windows(registry: Callable[[str], None]) -> None:
    before = plan_for(Shape(columns=OPTIONAL))
    registry("strange")
    after = plan_for(Shape(columns=OPTIONAL))
    assert after.names == (*before.names, "orders_17d")
    assert set(after.offsets) == {*before.offsets, 17}
    ledger = ledger_of(ROWS, CUTOFFS)
    panel = panel_block(ledger.history(), plan_for(Shape(families=("strange",))), ledger.reference(), ledger.cutoffs)
    assert panel.feature("orders_17d").tolist() == [1, 2, 1, 1, 0]


def test_two_families_cannot_share_a_name(registry: Callable[[str], None]) -> None:
    with pytest.raises(ConfigError, match="RG030"):
        registry("rfm")


def test_two_features_cannot_share_a_name(registry: Callable[[str], None]) -> None:
    registry("strange")
    registry("stranger")
    with pytest.raises(ConfigError, match=r"RG032.*orders_17d.*strange.*stranger"):
        plan_for(Shape(columns=OPTIONAL))


def test_an_unknown_family_is_told_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"RG031.*did you mean `cadence`"):
        families(["cadense"])


def test_families_can_be_chosen_and_keep_their_order() -> None:
    # Whatever the order in which they are named, so that the panel's columns stand as in the catalogue.
    assert [f.name for f in families(["cadence", "rfm"])] == ["rfm", "cadence"]
    assert {e.family for e in plan_for(Shape(families=("calendar",))).entries} == {"calendar"}


def test_the_catalogue_names_each_feature_once_with_unit_and_meaning() -> None:
    entries = catalogue_module.catalogue()
    assert len({e.name for e in entries}) == len(entries)
    assert all(e.unit and e.meaning and e.missing for e in entries)
    # A cutoff's own date is not a feature, nor is the age of the ledger.
    assert not {e.name for e in entries} & {"history_days", "cutoff", "month", "year"}


def test_every_feature_has_an_oracle() -> None:
    columns = {"quantity": ["1"], "discount": ["0"], "category": ["x"], "product_id": ["x"], "channel": ["x"]}
    ledger = full(ledger_of(ROWS[:1], "2017-02-01", **columns), Shape.complete())
    answers = ledger.oracle().features("a", ledger.cutoffs[0].date)
    assert {e.name: e.family for e in catalogue_module.catalogue()} == {n: f for f, ns in answers.items() for n in ns}


def test_every_feature_tells_some_customers_of_a_cutoff_apart() -> None:
    # One that cannot, such as the date or the age of the ledger, would name the cutoff to the model. Here are a buyer
    # in many windows, one of long ago, one of a single day, and two more.
    rows = [
        ("a", "2016-02-06 10:00", "o1", "10"),
        ("a", "2016-06-02 13:00", "o2", "30"),
        ("a", "2016-12-30 13:00", "r0", "-2"),
        ("a", "2017-01-28 10:00", "o3", "5"),
        ("a", "2017-01-28 10:00", "o3", "0"),
        ("a", "2017-01-30 19:00", "o4", "6"),
        ("b", "2016-12-01 02:00", "o1", "4"),
        ("b", "2016-08-03 02:00", "o2", "3"),
        ("b", "2016-08-05 02:00", "o3", "9"),
        ("c", "2016-12-01 02:00", "o1", "4"),
        ("c", "2016-12-01 02:00", "o1", "5"),
        ("d", "2016-09-24 10:00", "o1", "7"),
        ("d", "2016-10-24 10:00", "o2", "7"),
        ("d", "2016-12-18 10:00", "o3", "7"),
        ("e", "2016-12-20 10:00", "o1", "7"),
    ]
    kinds = ["x", "y", "y", "x", "x", "z", "x", "x", "x", "x", "y", *"xzxx"]
    pieces = ["2", "3", "0", "1", "0", "1", "7", "5", "1", "1", "1", *"1112"]
    off = ["1", "0", "0", "1", "0", "0", "0", "0", "0", "0", "0", *"0000"]
    ledger = ledger_of(
        rows,
        "2017-02-01",
        starts="2015-01-01",
        quantity=pieces,
        discount=off,
        category=kinds,
        product_id=kinds,
        channel=["web"] * 6 + ["shop"] * 3 + ["web"] * 6,
    )
    panel = full(ledger, Shape.complete(), *_beside()).panel()
    # The season is the same for all, and off by default.
    assert set(panel.names) == {e.name for e in catalogue_module.catalogue() if e.family != "season"}
    told = {name: set(map(repr, row.tolist())) for name, row in zip(panel.names, panel.values, strict=True)}
    assert [name for name, values in told.items() if len(values) == 1] == []


def _beside() -> tuple[list[Event], list[Offer], list[Person]]:
    """Of every kind an event or two of a and b, some more of b, points of c that are about to expire."""
    events = [
        event(when, kind, value, customer, channel)
        for kind in KINDS
        for when, value, customer, channel in (
            ("2017-01-27", "5", "a", "app"),
            ("2016-12-23", "2", "a", "email"),
            ("2017-01-22", "4", "b", "store"),
        )
    ]
    events += [event("2017-01-20", kind, customer="b") for kind in ("complaint", "support", "email_open")]
    events += [event("2017-01-01", "points_earned", "40", "a"), event("2016-02-15", "points_earned", "30", "c")]
    offers = [
        offer("2017-01-10", "2017-01-20", "a"),
        offer("2017-01-15", customer="a"),
        offer("2016-12-01", "2016-12-24", "b"),
        offer("2016-09-15", "2016-09-20", "b"),
    ]
    towns = [
        ("a", "Rome", "2016-01-01", "30", "b"),
        ("b", "Rome", "2016-02-01", "40", None),
        ("c", "Oslo", None, None, None),
    ]
    people = [person(who, town, joined, age=age, referred_by=by) for who, town, joined, age, by in towns]
    for row in people:
        row["acquisition_channel"] = row["town"]
    return events, offers, people
