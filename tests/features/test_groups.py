"""What is told of values: columns found by name, parts by cutoff, and back from JSON; by hand."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
from hypothesis import given

from regulars.features.groups import HOLDER_STATS, Group
from regulars.features.reference import Reference

from .beside import FullLedger, full_ledgers
from .strategies import PROPERTY

# At the first cutoff only oslo is told apart, at the second rome too; lyon at neither.
TOLD = np.array([[True, False, False], [True, True, False]])
ROWS = np.array([[30, 1, 2], [40, 25, 3]])
SIZE = np.array([[3, 9, 9, 9], [5, 4, 7, 7]])


def _group() -> Group:
    return Group.of(["oslo", "rome", "lyon"], ROWS, TOLD, {"size": SIZE})


def test_values_told_apart_at_no_cutoff_are_dropped_and_counted() -> None:
    group = _group()
    assert group.names == ("oslo", "rome")
    assert group.stats["size"].tolist() == [[3, 9, 9], [5, 4, 7]]
    assert (group.n_values.tolist(), group.n_rows.tolist(), group.n_pooled.tolist()) == ([3, 3], [33, 68], [3, 3])


def test_unknown_and_missing_names_are_the_last_column() -> None:
    asked = pa.array(["rome", "lyon", None, "oslo"], pa.string())
    every = np.array([0, 1, 2, 3, -1])
    assert _group().index(asked, every).tolist() == [1, 2, 2, 0, 2]
    assert _group().index(asked.dictionary_encode().dictionary, np.array([2, -1, 0])).tolist() == [0, 2, 1]
    assert Group.empty(HOLDER_STATS, 0).index(asked, every).tolist() == [0, 0, 0, 0, 0]


def test_names_are_found_alike_whether_they_are_few_or_many() -> None:
    # Few are looked up one by one, many by Arrow: among 2,000 names there is one Rome, one Oslo, one that is missing.
    few = ["rome", None, "oslo", "lyon"]
    many = [*few, *(f"town {i}" for i in range(2_000))]
    first_four = np.array([0, 1, 2, 3])
    for names in (few, many):
        assert _group().index(pa.array(names, pa.string()), first_four).tolist() == [1, 2, 0, 2]
        assert _group().index(pa.array(names, pa.large_string()), first_four).tolist() == [1, 2, 0, 2]


def test_a_part_knows_its_own_cutoff_only() -> None:
    first = _group().take(0)
    assert (first.names, first.stats["size"].tolist()) == (("oslo",), [[3, 9]])
    assert first == Group.of(["oslo", "rome", "lyon"], ROWS[:1], TOLD[:1], {"size": SIZE[:1]})


def test_parts_joined_are_the_whole() -> None:
    group = _group()
    assert Group.joined([group.take(0), group.take(1)]) == group
    assert group != group.take(0)
    assert group != "a group"


@PROPERTY
@given(full_ledgers())
def test_a_reference_with_groups_comes_back_from_json_as_it_went(ledger: FullLedger) -> None:
    reference = ledger.reference()
    assert Reference.from_dict(json.loads(json.dumps(reference.to_dict()))) == reference
    assert set(reference.groups) == set(ledger.plan.groups)
