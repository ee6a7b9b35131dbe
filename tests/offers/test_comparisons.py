"""What goes with a comparison: Holm, sizes of arms, what could be found, league tables, funnels."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from regulars.offers.cuped import adjusted
from regulars.offers.funnel import funnel
from regulars.offers.holm import holm
from regulars.offers.league import league
from regulars.offers.power import detectable, detectable_words
from regulars.offers.ratio import sample_ratio


def test_chances_are_raised_by_what_is_still_to_be_looked_at() -> None:
    # Sorted .01, .02, .04 times 3, 2, 1: .03, .04, .04; what is not known does not count.
    assert holm([0.04, 0.01, math.nan, 0.02]).tolist()[:2] == pytest.approx([0.04, 0.03])
    assert holm([0.04, 0.01, math.nan, 0.02])[3] == pytest.approx(0.04)
    assert np.isnan(holm([math.nan])[0])
    # Never above 1, and never below a smaller one.
    assert holm([0.5, 0.6]).tolist() == [1.0, 1.0]


def test_sizes_that_chance_does_not_explain_are_not_ok() -> None:
    # Of 1,000 drawn half and half, 540 : 460 is 2 x 40^2 / 500 = 6.4, p = .0114: ok; 560 : 440 is 14.4, p = .00015.
    shares = {"a": 0.5, "b": 0.5}
    near, far = sample_ratio({"a": 540, "b": 460}, shares), sample_ratio({"a": 560, "b": 440}, shares)
    assert (round(near.p, 4), near.ok) == (0.0114, True)
    assert (round(far.p, 5), far.ok) == (0.00015, False)
    assert "a has 560 customers and should have about 500" in far.words


def test_an_arm_that_was_not_drawn_must_be_empty() -> None:
    assert sample_ratio({"a": 100, "b": 0}, {"a": 1.0, "b": 0.0}).ok
    assert not sample_ratio({"a": 99, "b": 1}, {"a": 1.0, "b": 0.0}).ok
    assert sample_ratio({}, {}).p == 1.0


def test_an_effect_of_the_detectable_size_is_found_four_times_out_of_five() -> None:
    size, rng = detectable(400, 100, 10.0), np.random.default_rng(2)
    arm = np.arange(500) < 400
    found = [adjusted(rng.normal(0, 10, 500) + size * arm, arm).p < 0.05 for _ in range(400)]
    # .8, give or take three standard errors (.02 each).
    assert 0.74 <= np.mean(found) <= 0.86


def test_what_is_known_before_makes_smaller_effects_detectable() -> None:
    # 75 % of the variance known: half the error.
    assert detectable(50, 50, 8.0, explained=0.75) == pytest.approx(detectable(50, 50, 8.0) / 2)
    assert detectable(50, 50, 8.0, comparisons=10) > detectable(50, 50, 8.0)


def test_what_cannot_be_seen_is_said_before_it_is_tried() -> None:
    assert "too little to be seen" in detectable_words(2.5, 1.0, "EUR")
    assert "too little" not in detectable_words(0.5, 1.0, "EUR")
    assert "nobody to compare with" in detectable_words(detectable(10, 0, 1.0))


def test_a_lucky_row_of_few_is_drawn_to_the_others() -> None:
    # Ten offers that are worth 1; one of them was seen by few and looks like 9.
    estimates, errors = [9.0] + [1.0] * 9, [4.0] + [0.5] * 9
    found = league([f"offer {i}" for i in range(10)], estimates, errors, [10] * 10, "EUR")
    best = found.places[0]
    assert best.measured == 9.0
    assert best.estimate < 2.5
    assert best.low < 1 < best.high
    assert "do not read their order" in found.words


def test_rows_that_truly_differ_stay_apart() -> None:
    found = league(["a", "b", "c", "d"], [0.0, 10.0, 20.0, 30.0], [0.5] * 4, [1000] * 4)
    assert [place.name for place in found.places] == ["d", "c", "b", "a"]
    assert all(abs(place.estimate - place.measured) < 0.1 for place in found.places)
    assert "by more than chance" in found.words


def test_two_rows_stand_for_themselves_and_one_is_nothing_to_compare() -> None:
    two = league(["a", "b"], [1.0, 2.0], [1.0, 1.0], [5, 5])
    assert [place.estimate for place in two.places] == [2.0, 1.0]
    assert league(["a"], [1.0], [1.0], [5]).words == "There is nothing to compare."
    assert league([], [], [], []).places == ()


@pytest.mark.parametrize("worlds", [60, pytest.param(2000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("spread", [0.0, 1.0, 5.0])
def test_intervals_of_a_league_hold_the_truth(spread: float, worlds: int) -> None:
    rng, hit, near, raw = np.random.default_rng(4), 0, 0.0, 0.0
    errors = np.array([0.5, 1.0, 1.0, 2.0, 3.0, 1.5])
    for _ in range(worlds):
        truth = 2 + spread * rng.normal(size=6)
        found = league(list("abcdef"), truth + errors * rng.normal(size=6), errors, [1] * 6)
        place = {p.name: p for p in found.places}
        for name, true in zip("abcdef", truth, strict=True):
            hit += place[name].low <= true <= place[name].high
            near += (place[name].estimate - true) ** 2
            raw += (place[name].measured - true) ** 2
    # Six intervals a world; three standard errors of the smaller count.
    assert 0.93 - 0.03 * (worlds < 1000) <= hit / worlds / 6
    # Nearer to the truth than each by itself.
    assert near < raw


def _log(*rows: tuple[str, str, int]) -> pa.Table:
    names = ("decision_id", "kind", "occurred_at")
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})


def test_a_decision_counts_once_at_each_step() -> None:
    given = pa.table({"decision_id": ["1", "2", "3", "4"], "offer": ["tea", "tea", "cup", ""]})
    log = _log(
        ("1", "sent", 1), ("1", "opened", 2), ("1", "opened", 3), ("2", "sent", 1), ("3", "sent", 1), ("9", "sent", 1)
    )
    cup, tea = funnel(given, log)
    assert (tea.offer, tea.given, tea.reached["sent"], tea.reached["opened"]) == ("tea", 2, 2, 1)
    assert (cup.given, cup.reached["sent"], cup.reached["opened"]) == (1, 1, 0)
    assert tea.figures()["shares"]["opened"] == 0.5


def test_redeemed_without_having_been_seen_is_counted() -> None:
    # 1: seen, then redeemed; 2: redeemed, then seen; 3: never seen; 4: seen in the same moment.
    given = pa.table({"decision_id": ["1", "2", "3", "4"], "offer": ["tea"] * 4})
    log = _log(
        *(("1", "opened", 1), ("1", "redeemed", 2), ("2", "redeemed", 1), ("2", "opened", 2)),
        *(("3", "redeemed", 1), ("4", "opened", 5), ("4", "redeemed", 5)),
    )
    assert [(steps.reached["redeemed"], steps.unseen) for steps in funnel(given, log)] == [(4, 2)]


def test_a_funnel_of_nothing_is_empty() -> None:
    given = pa.table({"decision_id": pa.array([], pa.string()), "offer": pa.array([], pa.string())})
    log = pa.table({"decision_id": pa.array([], pa.string()), "kind": pa.array([], pa.string()),
                    "occurred_at": pa.array([], pa.timestamp("us", "UTC"))})  # fmt: skip
    assert funnel(given, log) == ()
