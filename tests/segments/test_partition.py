"""Everybody is in exactly one segment of each scheme, whatever is missing; tables and moves lose nobody."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from regulars.models.concentration import SEGMENTS as PUBLISHED
from regulars.segments.facts import Facts
from regulars.segments.lifecycle import lifecycle
from regulars.segments.moves import NOWHERE, moves
from regulars.segments.rfm import rfm
from regulars.segments.scheme import Assigned, Off
from regulars.segments.table import lines, ranks, table
from regulars.segments.tiers import expected_tiers, spend_tiers
from regulars.segments.value_churn import value_churn

from .known import PROSPECT, UNSCORED, facts

SCHEMES = (rfm, lifecycle, value_churn, spend_tiers, expected_tiers)


def anybody(seed: int, n: int = 60) -> Facts:
    """Customers of whom anything may be missing."""
    rng = np.random.default_rng(seed)

    def holes(values: np.ndarray, share: float = 0.3) -> np.ndarray:
        return np.where(rng.random(n) < share, np.nan, values)

    orders = rng.integers(0, 6, n)
    bought, scored = orders > 0, rng.random(n) < rng.choice([0.0, 0.7, 1.0])
    recency = np.where(bought, rng.integers(1, 400, n), -1)
    year = rng.integers(-10, 400, n) * 10_000
    covered, graced = rng.random(2) < 0.7
    texts = np.array([*PUBLISHED, "", "a word of another version"], object)
    return Facts(
        as_of="2024-06-01",
        horizon_days=int(rng.choice([7, 30, 90])),
        currency="",
        ids=np.array([f"c{i:03d}" for i in range(n)]),
        orders=orders,
        spend=rng.integers(-10, 900, n) * 10_000,
        recency_days=recency,
        first_days=np.where(bought, recency + rng.integers(0, 300, n), -1),
        silence_days=rng.integers(-1, 200, n),
        orders_year=rng.integers(0, 6, n) if covered else None,
        spend_year=year if covered else None,
        best_year=year + rng.integers(0, 200, n) * 10_000 if covered and graced else None,
        grace_days=90 if covered and graced else 0,
        knows_newcomers=bool(rng.random() < 0.5),
        scored=scored,
        p_churn=holes(rng.random(n)),
        expected_spend=holes(rng.normal(50, 60, n)),
        usual_gap_days=holes(rng.integers(1, 90, n).astype(float)),
        late=rng.random(n) < 0.2,
        value_churn=texts[rng.integers(0, len(texts), n)],
        next_from=np.full(n, "", object),
        next_until=np.full(n, "", object),
    )


@pytest.mark.parametrize("seed", range(15))
def test_everybody_is_in_exactly_one_segment_whatever_is_missing(seed: int) -> None:
    known = anybody(seed)
    for scheme in SCHEMES:
        found = scheme(known)
        if isinstance(found, Off):
            assert found.why
            continue
        assert len(set(found.names)) == len(found.names)
        members = np.stack([found.of(name) for name in found.names])
        assert members.sum(axis=0).tolist() == [1] * known.n
        assert found.of("prospect").tolist() == (~known.bought).tolist()
        assert all(found.reasons)
        rows = table(known, found)
        assert sum(row.customers for row in rows) == known.n
        if known.spend_year is not None:
            assert sum(row.spend_year or 0 for row in rows) == pytest.approx(known.spend_year.sum() / 10_000)
        # Ranks of a segment are 1, 2, ... without a gap.
        for place in range(len(found.names)):
            mine = np.sort(ranks(known, found)[found.place == place])
            assert mine.tolist() == list(range(1, len(mine) + 1))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_order_of_customers_does_not_matter(scheme: object) -> None:
    known = anybody(1)
    order = np.random.default_rng(0).permutation(known.n)
    arrays = {f.name: getattr(known, f.name) for f in fields(known) if isinstance(getattr(known, f.name), np.ndarray)}
    shuffled = replace(known, **{name: values[order] for name, values in arrays.items()})
    assert callable(scheme)
    one, other = scheme(known), scheme(shuffled)
    if isinstance(one, Assigned):
        assert one.place[order].tolist() == other.place.tolist()
        assert one.reasons[order].tolist() == other.reasons.tolist()
    else:
        assert one == other


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nobody_at_all_is_no_error(scheme: object) -> None:
    known = facts()
    assert callable(scheme)
    found = scheme(known)
    if isinstance(found, Assigned):
        assert [row.share for row in table(known, found)] == [None] * len(found.names)


def test_a_table_says_shares_of_all_and_means_of_the_scored() -> None:
    known = facts({"p_churn": 0.2, "spend_year": 30_000}, {"p_churn": 0.4}, UNSCORED, PROSPECT)
    rows = {row.segment: row for row in table(known, lifecycle(known))}
    active = rows["active"]
    # Three of four are active; of these two are scored: (0.2 + 0.4) / 2, 20 + 20 expected; 3 + 100 + 100 spent.
    assert (active.customers, active.share, active.n_scored) == (3, 0.75, 2)
    assert active.p_churn == pytest.approx(0.3)
    assert (active.expected_spend, active.spend_year) == (40.0, 203.0)
    assert (rows["prospect"].p_churn, rows["prospect"].expected_spend, rows["prospect"].spend_year) == (None, None, 0.0)
    assert lines(table(known, lifecycle(known)))[1].split() == ["prospect", "1", "25.0", "%", "-", "-", "0.00"]


def test_the_first_of_a_segment_is_who_is_expected_to_spend_most_then_spent_most_then_comes_first() -> None:
    known = facts(
        {"expected_spend": 5.0}, {"expected_spend": 9.0}, {"expected_spend": 5.0, "spend": 2_000_000}, UNSCORED, {}, {}
    )
    # e and f: 20 expected, equal in all, so by id; b 9; of a and c with 5, c has spent more; d has none expected.
    assert ranks(known, lifecycle(known)).tolist() == [5, 3, 4, 6, 1, 2]


def test_moves_count_everybody_once_who_was_there_on_either_day() -> None:
    then, now = facts({}, {}, {"late": True}, as_of="2024-05-01"), facts({}, {"recency_days": 10}, {}, {})
    then = replace(then, ids=np.array(["a", "b", "x"]))
    found = moves((then, lifecycle(then)), (now, lifecycle(now)))
    # a stayed active, b became due, x was late and is gone, c and d came.
    assert found.ids.tolist() == ["a", "b", "c", "d", "x"]
    assert (int(found.counts.sum()), found.n_moved) == (5, 1)
    flows = [(f["from"], f["to"], f["customers"]) for f in found.figures()["flows"]]
    assert sorted(flows) == [
        ("active", "active", 1),
        ("active", "due", 1),
        ("late", NOWHERE, 1),
        (NOWHERE, "active", 2),
    ]
    assert [row[0] for row in found.rows()] == ["b", "c", "d", "x"]
    assert next(found.rows())[1:6] == ["lifecycle", "2024-05-01", "active", "2024-06-01", "due"]
    assert list(found.rows())[-1][-2:] == [NOWHERE, ""]
    assert found.lines[0] == "since 2024-05-01: 1 stayed, 1 in another segment"
