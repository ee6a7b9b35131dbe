"""What an experiment says, and when it says nothing."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from regulars.errors import ConfigError, DataError, Refused
from regulars.offers.itt import LEAST, difference
from regulars.offers.trial import POINTS, Trial
from regulars.offers.verdict import measured, side_by_side


def _frame(n: int = 3000, lift: float = 5.0, seed: int = 0) -> pd.DataFrame:
    """Half get a mail that is worth `lift`, the others nothing; a third arm is worth nothing."""
    rng = np.random.default_rng(seed)
    arm = np.array(["none", "mail", "call"], object)[rng.integers(0, 3, n)]
    before = rng.gamma(2.0, 20.0, n)
    spend = before + rng.normal(0, 10, n) + lift * (arm == "mail")
    return pd.DataFrame({"arm": arm, "before": before, "spend": spend, "visit": (rng.random(n) < 0.2).astype(int)})


def _trial(frame: pd.DataFrame, randomised: str | None = "drawn by lot") -> Trial:
    shares = {"none": 1 / 3, "mail": 1 / 3, "call": 1 / 3}
    return Trial.of(
        frame, "arm", "none", ["spend", "visit"], ["before"], randomised=randomised, shares=shares, currency="EUR"
    )


def test_what_works_is_told_from_what_does_not() -> None:
    found = measured(_trial(_frame()))
    mail, call = found.effect("mail", "spend"), found.effect("call", "spend")
    assert mail.sure
    assert mail.low < 5 < mail.high
    assert not call.sure
    assert "not distinguishable from zero" in call.words
    assert "would have been found" in call.words
    assert found.verdict == "1 of 4 effects can be told from zero."
    # In all: so many treated times the effect per customer.
    assert mail.total[1] == pytest.approx(mail.treated * mail.estimate)


def test_an_outcome_of_zeros_and_ones_is_said_in_points() -> None:
    # Of 40 without, 10 visit (25 %); of 40 with, 20 (50 %): 25 points, or 10 of 40 customers.
    visit = np.repeat([0.0, 1.0, 0.0, 1.0], [30, 10, 20, 20])
    trial = Trial(
        ("none", "mail"), np.repeat([0, 1], 40), {"visit": visit}, np.zeros((80, 0)), (), "drawn", {"visit": POINTS}
    )
    effect = measured(trial).effect("mail", "visit")
    assert (effect.estimate, round(effect.total[1])) == (25.0, 10)
    assert "25.00 points more" in effect.words
    assert "in all 10 customers" in effect.words


def test_who_was_chosen_by_somebody_is_not_compared() -> None:
    # Receivers spent 30 more before anything was sent, and 30 more afterwards.
    frame = _frame(600, lift=0.0)
    frame.loc[frame["arm"] == "mail", ["before", "spend"]] += 30.0
    found = measured(_trial(frame, randomised=None))
    assert found.effects == ()
    assert found.verdict == "No effect is concluded."
    assert "somebody's choice" in found.refused
    # The gap before stands among the words, the widest first.
    assert "before anything was sent" in found.words[2]
    assert found.balances[1].gaps[0].gap == pytest.approx(30, abs=6)
    with pytest.raises(Refused, match=r"RG442.*somebody's choice"):
        found.effect("mail", "spend")


def test_arms_that_are_said_to_be_drawn_but_differed_before_are_refused() -> None:
    frame = _frame(3000, lift=0.0)
    frame.loc[frame["arm"] == "mail", "before"] += 8.0
    found = measured(_trial(frame))
    assert "mail differed from the control before" in found.refused
    assert found.effects == ()


def test_arms_of_another_size_than_drawn_are_refused() -> None:
    # Of every arm a thousand were drawn; of those who got a mail, one in six was lost.
    frame = _frame(3000)
    lost = frame.index[frame["arm"] == "mail"][::6]
    found = measured(_trial(frame.drop(lost)))
    assert found.ratio is not None
    assert found.ratio.p < 0.001
    assert "not as large as they were drawn" in found.refused
    assert found.effects == ()


@pytest.mark.parametrize("draws", [100, pytest.param(2000, marks=pytest.mark.soak)])
def test_arms_that_were_drawn_are_hardly_ever_refused(draws: int) -> None:
    rng, refused = np.random.default_rng(3), 0
    for _ in range(draws):
        before = rng.lognormal(3, 1, (400, 3))
        arm = (rng.random(400) < 0.8).astype(np.int64)
        trial = Trial(("a", "b"), arm, {}, before, ("x", "y", "z"), "drawn", shares={"a": 0.2, "b": 0.8})
        refused += bool(measured(trial).refused)
    # Two checks of one in a thousand each: more than 1 in 100 would be a defect.
    assert refused <= max(1, draws // 100)


def test_so_many_arms_are_held_against_chance_together() -> None:
    # Ten arms and a control of a thousand, each half at +1, half at -1: the error of a difference is sqrt(2 / 999) =
    # .0447. One arm stands .1 above the others: 2.235 errors, p = .0255 by itself, ten times that among ten.
    arm = np.repeat(np.arange(11), 1000)
    spend = np.where(np.arange(11_000) % 2, 1.0, -1.0) + 0.1 * (arm == 4)
    trial = Trial(tuple(f"arm {i}" for i in range(11)), arm, {"spend": spend}, np.zeros((11_000, 0)), (), "drawn")
    found = measured(trial)
    (alone,) = [effect for effect in found.effects if effect.found.p < 0.05]
    assert (round(alone.found.p, 3), round(alone.p_holm, 2)) == (0.026, 0.26)
    assert "of so many comparisons" in alone.words
    assert [effect for effect in found.effects if effect.sure] == []
    assert found.verdict == "No effect can be told from zero."


def test_too_few_customers_are_no_effect() -> None:
    arm = np.repeat([0, 1], [50, LEAST - 1])
    trial = Trial(("a", "b"), arm, {"spend": np.arange(59.0)}, np.zeros((59, 0)), (), "drawn")
    assert difference(trial, 1, "spend") is None
    assert measured(trial).verdict.startswith("There are too few customers")
    with pytest.raises(ConfigError, match="RG443"):
        measured(trial).effect("b", "spend")


def test_without_a_control_there_is_nobody_to_compare_with() -> None:
    trial = Trial(("a", "b"), np.ones(50, np.int64), {"spend": np.arange(50.0)}, np.zeros((50, 0)), (), "drawn")
    assert measured(trial).words[0] == "There is nobody to compare with: the control group is empty."


def test_an_offer_has_a_control_of_its_own() -> None:
    # Tea is worth 1, tested among small spenders; cake 3 among big ones: against all controls together both were wrong.
    def offer(level: float, lift: float) -> Trial:
        arm = np.arange(400) % 2
        spend = level + lift * arm + np.sin(np.arange(400))
        return Trial(("control", "chosen"), arm, {"spend": spend}, np.zeros((400, 0)), (), "drawn")

    found = side_by_side({"tea": offer(10.0, 1.0), "cake": offer(100.0, 3.0)})
    assert [(effect.arm, round(effect.estimate)) for effect in found] == [("tea", 1), ("cake", 3)]


def test_capping_tells_whether_a_few_large_orders_make_the_result() -> None:
    # One treated customer spends a million; nobody else does anything.
    arm = np.arange(1000) % 2
    spend = np.where(np.arange(1000) == 1, 1e6, 10.0)
    found = effects_of(Trial(("a", "b"), arm, {"spend": spend}, np.zeros((1000, 0)), (), "drawn").capped("spend"))
    assert found["spend"] == 999_990 / 500
    assert found["spend, at most 10.00 of each"] == 0.0


def effects_of(trial: Trial) -> dict[str, float]:
    return {effect.outcome: effect.estimate for effect in measured(trial).effects}


def test_a_customer_may_not_leave_an_experiment_because_of_how_it_went() -> None:
    frame = _frame(100)
    frame.loc[3, "spend"] = np.nan
    with pytest.raises(DataError, match=r"RG440.*`spend` of 1 customers.*leave nobody out"):
        _trial(frame)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"arm": "arms"}, "RG441.*no column `arms`.*did you mean `arm`"),
        ({"control": "nothing"}, "RG441.*`nothing` must be one of them"),
        ({"covariates": ["befor"]}, "did you mean `before`"),
    ],
)
def test_a_column_that_is_not_there_is_named(change: dict[str, object], words: str) -> None:
    asked: dict[str, object] = {"arm": "arm", "control": "none", "outcomes": ["spend"], "covariates": ["before"]}
    with pytest.raises(DataError, match=words):
        Trial.of(_frame(60), **{**asked, **change}, randomised="drawn")


def test_figures_are_plain_json() -> None:
    for randomised in ("drawn", None):
        found = measured(_trial(_frame(300), randomised)).figures()
        assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_texts_before_the_assignment_become_covariates() -> None:
    frame = pd.DataFrame({"arm": ["a", "b", "a"], "town": ["x", "y", "z"], "spend": [1.0, 2.0, 3.0]})
    trial = Trial.of(frame, "arm", "a", ["spend"], ["town"], randomised="drawn")
    assert trial.names == ("town: y", "town: z")
    assert trial.covariates.tolist() == [[0, 0], [1, 0], [0, 1]]


def test_waves_with_other_shares_are_compared_within() -> None:
    # Wave 1: 20 % treated of small spenders; wave 2: 80 % of big ones. Nothing works; pooled blindly it seems to.
    wave = np.repeat([0, 1], 500)
    arm = np.where(wave == 0, np.arange(1000) % 5 == 0, np.arange(1000) % 5 != 0).astype(np.int64)
    spend = np.where(wave == 0, 10.0, 100.0) + np.sin(np.arange(1000))
    share = np.where(wave == 0, 0.2, 0.8)
    blind = Trial(("a", "b"), arm, {"spend": spend}, np.zeros((1000, 0)), (), "drawn")
    told = Trial(
        *(("a", "b"), arm, {"spend": spend}, np.zeros((1000, 0)), (), "drawn"),
        propensity=np.where(arm == 1, share, 1 - share),
        strata=wave,
    )
    assert measured(blind).effect("b", "spend").estimate == pytest.approx(54, abs=0.5)
    assert measured(told).effect("b", "spend").estimate == pytest.approx(0, abs=0.2)


def test_groups_are_compared_each_by_itself_and_averaged_by_size() -> None:
    # Group 0: 300 customers, effect 1; group 1: 100, effect 5 on another scale: .75 x 1 + .25 x 5 = 2.
    group, arm = np.repeat([0, 1], [300, 100]), np.arange(400) % 2
    before = np.random.default_rng(0).gamma(2.0, 10.0, 400)
    spend = np.where(group == 0, before + arm, 4 * before + 5 * arm)
    trial = Trial(("a", "b"), arm, {"spend": spend}, before[:, None], ("before",), "drawn", strata=group)
    found = difference(trial, 1, "spend")
    assert found is not None
    assert found.estimate == pytest.approx(2.0)
    assert found.se == pytest.approx(0, abs=1e-9)
    # Groups of twenty, each on a level of its own, are compared together, the group being a covariate: 3 of everybody.
    small = np.arange(400) // 20 % 3
    level = before + 50 * small + 3 * arm
    together = difference(
        Trial(("a", "b"), arm, {"spend": level}, before[:, None], ("before",), "drawn", strata=np.arange(400) // 200),
        1,
        "spend",
    )
    few = Trial(("a", "b"), arm[:75], {"spend": level[:75]}, before[:75, None], ("before",), "drawn", strata=small[:75])
    assert together is not None
    assert difference(few, 1, "spend") is not None
