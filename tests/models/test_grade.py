"""The grade: which figures earn which letter, who speaks then, and how it is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regulars.errors import DataError
from regulars.models.grade import GRADES, Gain, Grade, better_classic, graded
from regulars.models.metrics import Resampling

Float64 = NDArray[np.float64]
N = 100
WHO = np.array([f"c{i:03d}" for i in range(N)], object)
SIGNS = np.where(np.arange(N) % 2, 1.0, -1.0)


def of(ours: float, naive: float, bg: float | None, pareto: float | None = None, noise: float = 0.0) -> Grade:
    """The grade where each model loses the same everywhere; with noise, ours alternates around its mean.

    The interval of the gain over a loss of 1 is then ours +- 1.645 x noise / sqrt(99), and without noise a point.
    """
    constant = {"naive": naive, "bg_nbd": bg, "pareto_nbd": pareto}
    losses = {name: np.full(N, np.nan if loss is None else loss) for name, loss in constant.items()}
    return graded(losses | {"regulars": ours + noise * SIGNS}, WHO, 0, "churn")


def test_surely_better_than_both_is_an_a() -> None:
    found = of(0.8, 1.0, 0.9, 0.85)
    assert (found.grade, found.champion, found.btyd) == ("A", "regulars", "pareto_nbd")
    # 20 % of 1, 1/9 of .9, 1/17 of .85.
    percents = {name: gain.percent for name, gain in found.gains.items()}
    assert percents == pytest.approx({"naive": 20.0, "bg_nbd": 100 / 9, "pareto_nbd": 100 / 17})


def test_the_interval_is_that_of_customers() -> None:
    # Standard error of the mean of -.1, .1, ... over 100 customers: .1 / sqrt(99); in per cent of a loss of 1, x 100.
    gain = of(0.9, 1.0, None, noise=0.1).gains["naive"]
    assert gain.percent == pytest.approx(10.0)
    assert gain.ci == pytest.approx((10 - 1.6449 * 10 / np.sqrt(99), 10 + 1.6449 * 10 / np.sqrt(99)), abs=1e-3)


def test_rows_of_a_customer_are_no_evidence_of_their_own() -> None:
    # Every row twice, as at two origins whose windows overlap: not one customer more, so the same interval.
    losses = {"regulars": 0.9 + 0.1 * SIGNS, "naive": np.ones(N), "bg_nbd": np.ones(N)}
    once = graded(losses, WHO, 0, "churn")
    twice = graded({name: np.tile(loss, 2) for name, loss in losses.items()}, np.tile(WHO, 2), 0, "churn")
    assert twice.gains["naive"].ci == pytest.approx(once.gains["naive"].ci)


@pytest.mark.parametrize(
    ("bg", "meant"),
    [
        (0.9001, "A"),  # a point that is above 0
        (0.9, "B"),  # exactly as good: not above 0
        (0.9 / 1.0099, "B"),  # .99 % worse
        (0.9 / 1.0101, "C"),  # 1.01 % worse
    ],
)
def test_b_may_be_one_percent_worse_than_the_better_classic_and_no_more(bg: float, meant: str) -> None:
    found = of(0.9, 1.0, bg, pareto=2.0)
    assert (found.grade, found.btyd) == (meant, "bg_nbd")
    assert found.champion == ("bg_nbd" if meant == "C" else "regulars")


def test_a_gain_over_the_classic_that_is_not_sure_is_a_b() -> None:
    # 1 % better, +- 1.645 x 10 / sqrt(99) = 1.65; against the rule's loss of 1.2 it is sure.
    found = of(0.99, 1.2, 1.0, noise=0.1)
    assert found.grade == "B"
    assert not found.gains["bg_nbd"].sure
    assert found.gains["naive"].sure


def test_whoever_is_not_surely_better_than_the_rule_is_silent_however_well_it_did() -> None:
    # Better than the rule by 1 +- 1.65 % and than the classic by 10 %: still a C, and the rule beats the classic.
    found = of(0.99, 1.0, 1.1, noise=0.1)
    assert (found.grade, found.champion) == ("C", "naive")
    assert of(0.99, 1.0, 0.98, 0.97, noise=0.1).champion == "pareto_nbd"


def test_without_a_classical_model_there_is_no_a_and_the_rule_is_the_only_rival() -> None:
    found = of(0.8, 1.0, None)
    assert (found.grade, found.champion, found.btyd) == ("B", "regulars", None)
    assert "none could be fitted" in found.words
    worse = of(1.1, 1.0, None)
    assert (worse.grade, worse.champion, worse.btyd) == ("C", "naive", None)
    assert "as no classical model could be fitted" in worse.words


def test_a_classic_that_lacks_an_origin_gives_way_to_a_whole_one() -> None:
    half = np.where(np.arange(N) < 50, np.nan, 0.5)
    assert better_classic({"bg_nbd": half, "pareto_nbd": np.ones(N)}) == "pareto_nbd"
    assert better_classic({"bg_nbd": half, "pareto_nbd": np.full(N, np.nan)}) == "bg_nbd"
    assert better_classic({"bg_nbd": np.ones(N), "pareto_nbd": np.ones(N)}) == "bg_nbd"
    assert better_classic({"bg_nbd": np.full(N, np.nan)}) is None


def test_a_classic_with_some_origins_is_compared_on_those() -> None:
    # Ours: .9 where BG/NBD has no prediction, .6 where it says .5: 20 % worse there; the rule says 1 and .4.
    second = np.arange(N) >= 50
    losses = {
        "regulars": np.where(second, 0.6, 0.5),
        "naive": np.where(second, 0.4, 2.0),
        "bg_nbd": np.where(second, 0.5, np.nan),
    }
    found = graded(losses, WHO, 0, "churn")
    assert found.gains["bg_nbd"].percent == pytest.approx(-20.0)
    # Over all rows the rule loses 1.2 on average, but where both speak it loses less: .4 against .5.
    assert (found.grade, found.champion) == ("C", "naive")


def test_one_customer_proves_nothing() -> None:
    losses = {"regulars": np.array([0.1, 0.1]), "naive": np.ones(2), "bg_nbd": np.full(2, 0.5)}
    found = graded(losses, np.array(["a", "a"], object), 0, "churn")
    assert (found.grade, found.champion) == ("C", "bg_nbd")
    assert found.gains["naive"].ci is None
    assert "too few customers" in found.words


def test_where_nothing_can_be_compared_the_rule_speaks() -> None:
    # Nobody spends, and everybody says so: no loss that could be smaller.
    none = np.zeros(N)
    found = graded({"regulars": none, "naive": none, "bg_nbd": none}, WHO, 0, "spend")
    assert (found.grade, found.champion, dict(found.gains)) == ("C", "naive", {})
    assert "cannot be compared" in found.words


def test_the_grade_is_one_sentence_with_its_figures() -> None:
    assert of(0.8, 1.0, 0.9, 0.85).words == (
        "Grade A: errors in predicting churn are surely smaller than the simple rule's (20.0 % smaller, with 90 % "
        "certainty 20.0 to 20.0 % smaller) and those of the better classical model, Pareto/NBD "
        "(5.9 % smaller, with 90 % certainty 5.9 to 5.9 % smaller)."
    )
    assert of(0.99, 1.2, 1.0, noise=0.1).words.startswith("Grade B: errors in predicting churn are surely smaller than")
    assert "no more than 1 % larger than those of the better classical model, BG/NBD" in of(0.9, 1.0, 0.9).words
    assert of(0.9, 1.0, 0.8).words == (
        "Grade C: errors in predicting churn are more than 1 % larger than those of the better classical model, BG/NBD "
        "(12.5 % larger, with 90 % certainty 12.5 to 12.5 % larger); BG/NBD, which erred less of "
        "these two rivals, speaks instead."
    )


def test_a_model_just_beyond_what_is_tolerated_does_not_read_as_within() -> None:
    # 1.003 % more would be written as 1.0 % more, of which the sentence says that it is more than 1 %.
    assert "are more than 1 % larger than those of the better classical model, BG/NBD (1.01 % larger" in (
        of(1.01003, 1.2, 1.0).words
    )
    assert Gain(-1.003, None).words.startswith("1.01 % larger")
    assert Gain(-1.0, None).words.startswith("1.0 % larger")
    assert Gain(-1.26, None).words.startswith("1.3 % larger")


def test_a_grade_comes_back_from_json_as_it_was() -> None:
    for found in (
        of(0.8, 1.0, 0.9, 0.85),
        of(0.8, 1.0, None),
        graded({"regulars": np.ones(1), "naive": np.ones(1)}, WHO[:1], 0, "x"),
    ):
        assert Grade.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found


@pytest.mark.parametrize("spoilt", [{"grade": "D"}, {"champion": "me"}, {"gains": [1]}, {"gains": {"naive": {}}}])
def test_what_is_no_grade_is_refused(spoilt: dict[str, object]) -> None:
    content = of(0.8, 1.0, 0.9).to_dict()
    with pytest.raises(DataError, match="RG156"):
        Grade.from_dict({**content, **spoilt})
    with pytest.raises(DataError, match="RG156"):
        Grade.from_dict({name: value for name, value in content.items() if name not in spoilt})


@given(st.integers(0, 10_000), st.floats(0.5, 1.0), st.floats(0.0, 0.5))
def test_smaller_errors_never_cost_a_grade(seed: int, less: float, noise: float) -> None:
    rng = np.random.default_rng(seed)
    base = rng.gamma(2, 0.5, N)
    losses = {
        name: base * rng.uniform(1 - noise, 1 + noise, N) for name in ("regulars", "naive", "bg_nbd", "pareto_nbd")
    }
    before = graded(losses, WHO, 0, "churn")
    after = graded({**losses, "regulars": less * losses["regulars"]}, WHO, 0, "churn")
    assert GRADES.index(after.grade) <= GRADES.index(before.grade)
    assert after.btyd == before.btyd


@given(st.integers(0, 10_000))
def test_a_champion_of_grade_c_is_the_rival_of_least_loss(seed: int) -> None:
    rng = np.random.default_rng(seed)
    losses = {name: rng.gamma(2, 0.5, N) for name in ("regulars", "naive", "bg_nbd", "pareto_nbd")}
    found = graded(losses, WHO, 0, "churn")
    rivals = {name: float(loss.mean()) for name, loss in losses.items() if name != "regulars"}
    assert found.champion == ("regulars" if found.grade != "C" else min(rivals, key=lambda name: rivals[name]))


def test_the_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    losses = {name: rng.gamma(2, 0.5, N) for name in ("regulars", "naive", "bg_nbd", "pareto_nbd")}
    rows = rng.permutation(N)
    there = graded(losses, WHO, 0, "churn")
    back = graded({name: loss[rows] for name, loss in losses.items()}, WHO[rows], 0, "churn")
    assert (there.grade, there.champion, there.btyd) == (back.grade, back.champion, back.btyd)
    assert back.gains["naive"].ci == pytest.approx(there.gains["naive"].ci)


def test_a_gain_is_a_share_of_the_rivals_loss() -> None:
    drawn = Resampling(WHO[:2], 0)
    assert Gain.over(np.array([1.0, 2.0]), np.array([2.0, 4.0]), drawn) == Gain(50.0, (50.0, 50.0))
    assert Gain.over(np.zeros(2), np.zeros(2), drawn) is None
