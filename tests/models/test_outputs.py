"""What may be asked for: outputs and further horizons, checked against what a model has learnt."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from regulars.errors import ConfigError
from regulars.models.learnt import Learnt
from regulars.models.model import Model
from regulars.models.outputs import FURTHER, OUTPUTS, SCORES, USUAL, Wanted

from ..simulated import trained


@cache
def model() -> Model:
    """The shop's model, which was asked for 60 days as well: they are said by the models of 30."""
    learnt = trained().model.learnt
    several = Learnt({30: learnt.primary, 60: learnt.primary}, learnt.timing, learnt.rule, learnt.value_rule)
    return replace(trained().model, learnt=several)


def test_every_column_of_the_scores_but_who_and_when_can_be_asked_for_and_is_explained() -> None:
    assert list(SCORES) == ["customer_id", "as_of", *OUTPUTS]
    assert set(USUAL) <= set(OUTPUTS)
    assert set(FURTHER) <= set(OUTPUTS)
    assert {output.kind for output in OUTPUTS.values()} == {"number", "integer", "text", "boolean"}
    assert all(output.meaning and output.meaning == output.meaning.strip(" .") for output in OUTPUTS.values())


def test_who_names_no_outputs_gets_the_usual_ones() -> None:
    assert Wanted.of(None, (), model()) == Wanted(USUAL, ())
    assert list(Wanted.of(None, (), model()).columns) == list(USUAL)


def test_outputs_come_once_each_and_in_the_order_asked() -> None:
    wanted = Wanted.of(["spend", "p_churn", "spend"], (), model())
    assert list(wanted.columns) == ["spend", "p_churn"]
    assert wanted.columns["spend"].kind == "number"


def test_of_a_further_horizon_is_said_what_was_asked_of_the_first() -> None:
    wanted = Wanted.of(["spend_upper", "segment", "p_churn"], [60, 30, 60], model())
    further = ["p_churn_60d", "spend_upper_60d", "p_churn_30d", "spend_upper_30d"]
    assert list(wanted.columns) == ["spend_upper", "segment", "p_churn", *further]
    assert wanted.columns["p_churn_60d"] == OUTPUTS["p_churn"]


@pytest.mark.parametrize(
    ("outputs", "horizons", "words"),
    [
        (["segment", "p_chrun"], [], r"RG395.*`outputs`, place 1.*did you mean `p_churn`"),
        (["customer_id"], [], "RG395"),
        ([], [], "RG395.*at least one"),
        ([], [60], "RG395"),
        (["p_churn"], [60, 45], r"RG306.*`horizons`, place 1.*of 30, 60 days"),
        (["segment"], [60], "RG396.*one of p_churn"),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_place(outputs: list[str], horizons: list[int], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Wanted.of(outputs, horizons, model())


def test_a_refusal_never_repeats_what_was_sent() -> None:
    for outputs, horizons in ((["secret-7f3a"], ()), (["p_churn"], (31337,))):
        with pytest.raises(ConfigError) as refused:
            Wanted.of(outputs, horizons, model())
        assert not {"secret", "7f3a", "31337"} & set(str(refused.value).replace("`", " ").replace("-", " ").split())
