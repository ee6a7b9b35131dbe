"""The population's counts before each cutoff: by hand, its round trip, and its date."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given

from regulars.clock import Cutoff
from regulars.errors import DataError
from regulars.features.reference import COUNTED, Reference

from .oracle import PARTS
from .strategies import PROPERTY, Ledger, ledger_of, ledgers

# Saturday morning, Sunday evening, Monday at night, and a return that counts for nothing.
ROWS = [
    ("a", "2017-01-07 09:00", "o1", "1"),
    ("b", "2017-01-08 20:00", "o1", "1"),
    ("a", "2017-01-09 03:00", "o2", "1"),
    ("a", "2017-01-09 03:00", "r1", "-1"),
]
CUTOFFS = ("2017-01-07", "2017-01-08", "2017-01-10")


def test_counts_are_those_before_each_cutoff() -> None:
    reference = ledger_of(ROWS, CUTOFFS).reference()
    assert reference.days == tuple(Cutoff.parse(c).day for c in CUTOFFS)
    assert reference.counts == {
        "purchase": (0, 1, 3),
        "weekend": (0, 1, 2),
        "morning": (0, 1, 1),
        "afternoon": (0, 0, 0),
        "evening": (0, 0, 1),
    }


def test_a_share_is_that_of_the_rows_cutoff_and_nothing_of_nothing_is_nothing() -> None:
    reference = ledger_of(ROWS, CUTOFFS).reference()
    first, second, third = reference.days
    assert reference.share("weekend", np.array([third, first, second, third])).tolist() == [2 / 3, 0.0, 1.0, 2 / 3]
    assert reference.share("weekend", np.zeros(0, np.int64)).tolist() == []


def test_a_cutoff_that_the_reference_lacks_is_refused() -> None:
    reference = ledger_of(ROWS, CUTOFFS).reference()
    for day in (reference.days[0] - 1, reference.days[1] + 1, reference.days[2] + 1):
        with pytest.raises(DataError, match="RG024"):
            reference.share("weekend", np.array([day]))
    with pytest.raises(DataError, match="RG024"):
        Reference.empty().share("weekend", np.array([1]))


def test_the_latest_reference_serves_a_later_day_under_that_days_name() -> None:
    reference = ledger_of(ROWS, CUTOFFS).reference()
    for day, purchases in ((reference.days[1], 1), (reference.days[1] + 1, 1), (reference.days[2] + 500, 3)):
        alone = reference.at(day)
        assert (alone.days, alone.counts["purchase"]) == ((day,), (purchases,))
    with pytest.raises(DataError, match="RG024"):
        reference.at(reference.days[0] - 1)


def test_the_part_of_a_cutoff_is_made_once_whatever_it_is_called() -> None:
    # An endpoint asks for it with every request; the tables behind it are the same for tomorrow's name.
    reference = ledger_of(ROWS, CUTOFFS, category=["x", "y", "x", "x"]).reference()
    today, tomorrow = (reference.at(reference.days[2] + k) for k in (0, 1))
    assert today.groups["category"] is tomorrow.groups["category"]
    assert (today.days, tomorrow.days) == ((reference.days[2],), (reference.days[2] + 1,))
    # An earlier cutoff is another part: its popularity is that of its own day.
    assert reference.at(reference.days[1]).groups["category"] != today.groups["category"]
    assert today.groups["category"] == reference.groups["category"].take(2)


@PROPERTY
@given(ledgers())
def test_a_reference_comes_back_from_json_as_it_went(ledger: Ledger) -> None:
    reference = ledger.reference()
    assert Reference.from_dict(json.loads(json.dumps(reference.to_dict()))) == reference


@pytest.mark.parametrize("content", [{"days": 1, "counts": {}}, {"days": [1], "counts": []}])
def test_something_else_is_not_a_reference(content: dict[str, object]) -> None:
    with pytest.raises(DataError, match="RG024"):
        Reference.from_dict(content)


@pytest.mark.parametrize("content", [{}, {"days": [1]}, {"counts": {}}])
def test_half_a_reference_is_not_one(content: dict[str, object]) -> None:
    with pytest.raises(DataError, match="RG024"):
        Reference.from_dict(content)


def test_cutoffs_out_of_order_are_refused_not_miscounted() -> None:
    ledger = ledger_of(ROWS, CUTOFFS[::-1])
    with pytest.raises(DataError, match="RG023"):
        ledger.reference()


@PROPERTY
@given(ledgers())
def test_the_population_is_what_the_oracle_says(ledger: Ledger) -> None:
    reference, oracle = ledger.reference(), ledger.oracle()
    days = np.array(reference.days, np.int64)
    for part in PARTS:
        expected = [float(oracle.population_share(part, cutoff.date)) for cutoff in ledger.cutoffs]
        assert reference.share(part, days).tolist() == expected


def test_nobody_has_a_reference_too() -> None:
    assert ledger_of([], CUTOFFS).reference().counts == dict.fromkeys(COUNTED, (0, 0, 0))
    assert Reference.of([], [Cutoff(1)]).counts == dict.fromkeys(COUNTED, (0,))
