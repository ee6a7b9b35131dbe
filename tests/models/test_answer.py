"""The answer to a request: what its parameters add, and which of them no model can meet."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pandas as pd
import pytest

from regulars.errors import ConfigError, DataError, RegularsError
from regulars.models.answer import Asked, answer
from regulars.models.learnt import Learnt
from regulars.models.model import Model
from regulars.models.outputs import FURTHER, SCORES
from regulars.models.reasons import reasons_of
from regulars.models.request import lines_of

from ..simulated import purchases, trained


@cache
def model() -> Model:
    """The shop's model, which was asked for 60 days as well: they are said by the models of 30."""
    found = trained().model
    learnt = found.learnt
    several = Learnt({30: learnt.primary, 60: learnt.primary}, learnt.timing, learnt.rule, learnt.value_rule)
    return replace(found, learnt=several, currency="USD")


@cache
def history() -> pd.DataFrame:
    return purchases().head(60)


def test_without_parameters_the_scores_of_the_day_of_training_are_said() -> None:
    found = answer(model(), history(), {})
    meant = model().scores_of(lines_of(history(), model().shape.columns, model().rules), model().trained_on)
    pd.testing.assert_frame_equal(found, meant, check_exact=True)
    assert found["customer_id"].tolist() == sorted(set(history()["customer_id"]))
    pd.testing.assert_frame_equal(answer(model(), history(), {"as_of": "", "horizons": "", "offers": False}), meant)


def test_each_further_horizon_asked_for_adds_its_columns() -> None:
    found = answer(model(), history(), {"horizons": " 60, 30,60 "})
    assert list(found) == [*SCORES, *(f"{n}_60d" for n in FURTHER), *(f"{n}_30d" for n in FURTHER)]
    for name in FURTHER:
        pd.testing.assert_series_equal(found[f"{name}_30d"], found[name], check_names=False)
    lines = lines_of(history(), model().shape.columns, model().rules)
    told = model().scored(model().sample_at(lines, model().trained_on)).horizons
    meant = told[told["horizon_days"] == 60]
    assert meant["customer_id"].tolist() == found["customer_id"].tolist()
    for name in FURTHER:
        assert found[f"{name}_60d"].to_numpy().tobytes() == meant[name].to_numpy().tobytes()
    # Nobody can be silent for longer more surely than for a shorter time.
    assert (found["p_churn_60d"] <= found["p_churn_30d"]).all()


@pytest.mark.parametrize("asked", ["45", "30,45", "30 60", "thirty", "-30", "30.0", "٣٠", "1e2"])
def test_a_horizon_that_was_not_learnt_is_refused_and_those_learnt_are_named(asked: str) -> None:
    with pytest.raises(ConfigError, match=r"RG306.*of 30, 60 days"):
        answer(model(), history(), {"horizons": asked})


def test_reasons_are_told_to_whoever_asks_in_the_words_of_the_batch() -> None:
    found = answer(model(), history(), {"reasons": True})
    lines = lines_of(history(), model().shape.columns, model().rules)
    assert found["reasons"].tolist() == reasons_of(model(), model().sample_at(lines, model().trained_on), "USD")
    plain = answer(model(), history(), {"reasons": False})
    assert set(plain["reasons"]) == {""}
    pd.testing.assert_frame_equal(found.drop(columns="reasons"), plain.drop(columns="reasons"))


def test_offers_are_refused_as_long_as_a_bundle_holds_none() -> None:
    with pytest.raises(ConfigError, match=r"RG305.*holds no offers"):
        answer(model(), history(), {"offers": True})


def test_an_unknown_parameter_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"RG304.*`horizon`.*did you mean `horizons`"):
        answer(model(), history(), {"horizon": "30"})


@pytest.mark.parametrize("day", ["tomorrow", "2024-02-30", "01/02/2024", "20240226T10"])
def test_a_day_that_is_none_is_refused(day: str) -> None:
    with pytest.raises(RegularsError, match="date"):
        Asked.of({"as_of": day}, model())


def test_a_day_before_the_training_is_refused_as_the_model_knows_what_came_later() -> None:
    with pytest.raises(DataError, match="score a later date"):
        answer(model(), history(), {"as_of": str(model().trained_on.minus(1))})


def test_nobody_at_risk_is_an_empty_answer_with_every_column() -> None:
    # Bought in January 2023, and has been silent for longer than a week since.
    strict = replace(model(), active_within_days=7)
    found = answer(strict, history().head(5), {"horizons": "60", "reasons": True})
    assert len(found) == 0
    assert list(found) == [*SCORES, *(f"{name}_60d" for name in FURTHER)]


def test_a_request_that_holds_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="no purchases"):
        answer(model(), history().iloc[:0], {})
