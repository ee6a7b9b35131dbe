"""The profile: what customers looked like on the day of training, in counts and never by name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from regulars.clock import Cutoff
from regulars.features.groups import BILLIONTH, HOLDER_STATS, ITEM_STATS, Group
from regulars.features.panel import Label, Panel, Rhythm, Totals
from regulars.features.reference import Reference
from regulars.models import profile as profiles
from regulars.models.profile import MISSING, Bins, Counting, Profile, counted, new_values, psi
from regulars.models.sample import Sample
from tests.simulated import rows_now, trained

DAY = Cutoff.parse("2024-03-01")


def panel_of(values: Mapping[str, Sequence[float]], day: Cutoff = DAY, first: int = 0) -> Panel:
    """A panel of one day of customers c0, c1, ... with some features and nothing else."""
    n = len(next(iter(values.values())))
    zeros = np.zeros(n)
    return Panel(
        tuple(values),
        np.array([f"c{first + i:05d}" for i in range(n)], object),
        np.full(n, day.day, np.int64),
        np.array(list(values.values()), np.float32),
        Rhythm(*[zeros] * 5),
        Totals(zeros, zeros, {}),
        {},
    )


def sample_of(panel: Panel) -> Sample:
    return Sample(panel, {}, Label(30), Cutoff.parse("2023-01-01"))


def profile_of(values: Mapping[str, Sequence[float]], train: Panel | None = None) -> Profile:
    panel = panel_of(values)
    zeros = np.zeros(panel.n_rows)
    return Profile.of(sample_of(panel), zeros, zeros, None if train is None else sample_of(train))


def test_each_bin_holds_about_a_tenth_and_both_ends_are_for_what_was_never_seen() -> None:
    bins = Bins.of(np.arange(100.0))
    # Edges just below 0, at the values of rank 10, 20, ..., 90 and at 99: 0..10 are eleven, 91..99 are nine; nothing
    # lies below 0 or above 99, and nothing is missing.
    assert bins.counts == (0, 11, *[10] * 8, 9, 0, 0)


def test_counting_the_values_of_the_day_of_training_again_gives_its_own_counts() -> None:
    values = np.random.default_rng(0).poisson(1.0, 500).astype(np.float32)
    values[:50] = np.nan
    bins = Bins.of(values)
    again = counted(values, np.array(bins.edges, np.float32))
    assert again.tolist() == list(bins.counts)
    # By hand: zeros, ones, ... each in a bin of its own, as far as there are edges between them.
    assert again[-1] == 50
    assert again.sum() == 500


def test_a_feature_that_nobody_has_is_all_missing() -> None:
    assert Bins.of(np.full(7, np.nan)).counts == (0, 7)


def test_the_index_of_the_same_shares_is_nothing_and_of_others_as_by_hand() -> None:
    assert psi(np.array([5, 5]), np.array([5, 5])) == 0
    # (9.5 / 11, 1.5 / 11) against (1.5 / 11, 9.5 / 11): 2 * (8 / 11) * ln(9.5 / 1.5)
    assert psi(np.array([9, 1]), np.array([1, 9])) == pytest.approx(2 * 8 / 11 * np.log(9.5 / 1.5))


def test_how_far_a_feature_moves_by_itself_is_seen_in_the_training_cutoffs_of_the_last_year() -> None:
    now = {"orders": [1.0] * 50 + [2.0] * 50}
    near, long_ago = panel_of({"orders": [1.0] * 90 + [2.0] * 10}, DAY.minus(30)), panel_of(now, DAY.minus(400))
    long_ago = replace(long_ago, values=np.full((1, 100), 2, np.float32))
    bins = profile_of(now, together(near, long_ago)).bins["orders"]
    # Bins below 1, 1, 2, above 2, missing: (0, 90, 10, 0) to (0, 50, 50, 0); 400 days ago does not count.
    assert bins.counts == (0, 50, 50, 0, 0)
    assert bins.usual == pytest.approx(psi(np.array([0, 90, 10, 0]), np.array([0, 50, 50, 0])))
    assert profile_of(now).bins["orders"].usual is None


def test_windows_that_come_to_be_covered_are_no_movement() -> None:
    now = {"orders": [1.0] * 50 + [2.0] * 50}
    before = panel_of({"orders": [np.nan] * 100}, DAY.minus(60))
    same = panel_of(now, DAY.minus(30))
    assert profile_of(now, together(before, same)).bins["orders"].usual == 0.0
    assert profile_of(now, before).bins["orders"].usual is None


def together(one: Panel, other: Panel) -> Panel:
    """The rows of two days."""
    return Panel(
        one.names,
        np.append(one.customer_id, other.customer_id),
        np.append(one.cutoff_day, other.cutoff_day),
        np.concatenate([one.values, other.values], axis=1),
        Rhythm(*[np.zeros(one.n_rows + other.n_rows)] * 5),
        Totals(np.zeros(one.n_rows + other.n_rows), np.zeros(one.n_rows + other.n_rows), {}),
        {},
    )


def test_blocks_in_any_order_count_the_same_and_keep_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "ROWS", 40)
    rng = np.random.default_rng(1)
    values = {"a": rng.normal(size=300).tolist(), "b": rng.poisson(2.0, 300).astype(float).tolist()}
    panel, p, spend = panel_of(values), rng.random(300), rng.gamma(2.0, 10.0, 300)
    profile = Profile.of(sample_of(panel), p, spend)
    whole = profile.counting()
    whole.add(panel, p, spend)
    parts = profile.counting()
    for rows in (np.arange(200, 300), np.arange(0, 120), np.arange(120, 200)):
        parts.add(panel.take(rows), p[rows], spend[rows])
    assert whole.to_dict() == parts.to_dict()
    assert whole.rows().equals(parts.rows())
    assert len(whole.rows()) == 40
    assert whole.to_dict()["bins"]["a"]["now"] == whole.to_dict()["bins"]["a"]["trained"]


def test_rows_of_the_training_and_of_a_run_are_of_different_customers() -> None:
    # One customer a value, so that the row tells who it is: 0 and 1 of every two bins.
    n = 200
    panel, zeros = panel_of({"a": np.arange(n, dtype=float).tolist()}), np.zeros(n)
    each = Profile(n, {"a": Bins(tuple(range(n - 1)), (1,) * n + (0,))})
    then, now = Counting(each, 0), Counting(each, 1)
    for account in (then, now):
        account.add(panel, zeros, zeros)
    # Numbers of bins up to 199 fit into a byte below MISSING.
    one, other = set(then.rows()["a"]), set(now.rows()["a"])
    assert not one & other
    assert len(one | other) == n
    assert min(len(one), len(other)) > n / 4


def test_a_missing_value_is_a_bin_of_its_own_in_rows() -> None:
    panel = panel_of({"a": [1.0, np.nan] * 20})
    rows = profile_of({"a": [1.0, np.nan] * 20}).rows(panel, np.zeros(40), np.zeros(40))
    # Edges below 1 and at 1: a 1 is in bin 1.
    assert set(rows["a"].tolist()) <= {1, MISSING}
    assert rows["a"].dtype == np.uint8


def test_the_profile_of_a_model_comes_back_from_json_and_holds_no_customer() -> None:
    found = trained()
    now = rows_now(found)
    p, spend = found.model.p_churn(now), found.model.foreseen(now).spend[now.horizon_days]
    profile = Profile.of(now, p, spend)
    text = json.dumps(profile.to_dict())
    assert Profile.from_dict(json.loads(text)) == profile
    assert "0shopper" not in text
    assert profile.customers == now.n_rows
    assert set(profile.bins) == {*now.panel.names, "p_churn", "expected_spend"}


def group(names: Sequence[str], shares: Sequence[float], stat: str) -> Group:
    one = np.array([[*(int(s * BILLIONTH) for s in shares), 0]])
    known: tuple[str, ...] = ITEM_STATS if stat == "popularity" else HOLDER_STATS
    n = np.array([len(names)])
    return Group(tuple(names), np.ones((1, len(names)), bool), dict.fromkeys(known, one), n, 100 * n, 0 * n)


def test_values_that_were_never_learnt_are_named_with_their_share() -> None:
    then = Reference((1,), {}, {"category": group(["bread", "milk"], [0.5, 0.5], "popularity")})
    now = Reference((2,), {}, {"category": group(["bread", "soap", "wine"], [0.7, 0.1, 0.2], "popularity")})
    assert new_values(then, now) == {"category": {"values": ["wine", "soap"], "n": 2, "share": pytest.approx(0.3)}}
    assert new_values(now, now) == {}
    mail = Reference((2,), {}, {"category": group(["ann@example.org", "bread"], [0.5, 0.5], "popularity")})
    assert new_values(then, mail)["category"]["values"] == ["'an...' (15 characters)"]


def test_a_new_month_of_joining_is_no_news() -> None:
    then = Reference((1,), {}, {"first.month": group(["2024-01"], [1.0], "size")})
    now = Reference((2,), {}, {"first.month": group(["2024-01", "2024-02"], [0.5, 0.5], "size")})
    assert new_values(then, now) == {}
