"""What is said of a few customers: the batch's numbers to the bit, and nothing worked out that was not asked for."""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from regulars.clock import Cutoff
from regulars.features.lines import Lines
from regulars.models.answer import Asked, answered
from regulars.models.bg_nbd import BgNbd
from regulars.models.boosted import Boosted
from regulars.models.learnt import Learnt
from regulars.models.model import Model
from regulars.models.outputs import FURTHER, OUTPUTS, SCORES, USUAL, Wanted
from regulars.models.pareto_nbd import ParetoNbd
from regulars.models.request import lines_of
from regulars.models.speakers import MODELS
from regulars.models.statements import Statements

from ..simulated import purchases, trained

ALL = tuple(name for name in OUTPUTS if name != "reasons")


@cache
def model() -> Model:
    """The shop's model, which was asked for 60 days as well: they are said by the models of 30."""
    found = trained().model
    learnt = found.learnt
    several = Learnt({30: learnt.primary, 60: learnt.primary}, learnt.timing, learnt.rule, learnt.value_rule)
    return replace(found, learnt=several, speaker="regulars", value_speaker="regulars", currency="USD")


@cache
def history() -> pd.DataFrame:
    return purchases().head(150)


def lines(frame: pd.DataFrame) -> Lines:
    return lines_of(frame, model().shape.columns, model().rules)


@cache
def everybody() -> Lines:
    return lines(history())


def bits(column: NDArray[np.generic]) -> object:
    return column.tolist() if column.dtype == object else column.tobytes()


@pytest.mark.parametrize("speaker", MODELS)
def test_what_is_said_is_what_the_batch_says_whoever_speaks(speaker: str) -> None:
    one = replace(model(), speaker=speaker, value_speaker=speaker)
    day = one.trained_on
    told = one.scored(one.sample_at(everybody(), day))
    said = one.said(everybody(), day, Wanted(ALL, (60,)))
    assert everybody().customer_ids[said.customer].tolist() == told.scores["customer_id"].tolist()
    later = told.horizons[told.horizons["horizon_days"] == 60]
    for name in ALL:
        assert bits(said.columns[name]) == bits(told.scores[name].to_numpy(said.columns[name].dtype)), name
    for name in FURTHER:
        assert bits(said.columns[f"{name}_60d"]) == bits(later[name].to_numpy())


@pytest.mark.parametrize("outputs", [USUAL, ALL])
def test_a_customer_alone_is_told_to_the_bit_what_he_is_told_among_others(outputs: tuple[str, ...]) -> None:
    wanted, day = Wanted(outputs, (60,)), model().trained_on
    whole = model().said(everybody(), day, wanted)
    assert len(whole.customer) > 20
    for row in range(0, len(whole.customer), 4):
        mine = history()["customer_id"] == everybody().customer_ids[whole.customer[row]]
        alone = model().said(lines(history()[mine]), day, wanted)
        assert alone.customer.tolist() == [0]
        for name, column in alone.columns.items():
            assert bits(column) == bits(whole.columns[name][row : row + 1]), name


def test_each_output_alone_is_what_it_is_among_all() -> None:
    day = model().trained_on
    whole = model().said(everybody(), day, Wanted(ALL))
    for name in ALL:
        (column,) = model().said(everybody(), day, Wanted((name,))).columns.values()
        assert bits(column) == bits(whole.columns[name]), name


def counted(monkeypatch: pytest.MonkeyPatch, wanted: Wanted) -> Counter[str]:
    """How often each kind of booster, and each classical model, is asked."""
    asked: Counter[str] = Counter()
    link, silence = Boosted.link, BgNbd.log_silence

    def booster(self: Boosted, *given: object) -> NDArray[np.float64]:
        asked[self.kind] += 1
        return link(self, *given)

    def classical(self: BgNbd, *given: object) -> NDArray[np.float64]:
        asked["prior"] += 1
        return silence(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(Boosted, "link", booster)
        patched.setattr(BgNbd, "log_silence", classical)
        patched.setattr(ParetoNbd, "log_silence", classical)
        model().said(everybody(), model().trained_on, wanted)
    return asked


def test_only_what_is_asked_for_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = ("recency_days", "orders", "spend", "last_purchase", "model", "usual_gap_days", "late")
    assert not counted(monkeypatch, Wanted(facts))
    # Churn has three members; both classical models speak of the one horizon.
    assert counted(monkeypatch, Wanted(("p_churn",))) == {"churn": 3, "prior": 2}
    # Money has two members, one for amounts and a chance of buying: that of churn. So has its interval.
    money = {"churn": 3, "value": 2, "gamma": 1, "prior": 2}
    for name in ("expected_spend", "spend_low", "segment"):
        assert counted(monkeypatch, Wanted((name,))) == money
    assert counted(monkeypatch, Wanted()) == {**money, "orders": 1}
    # Of 60 days, whose models are those of 30, everything once more.
    assert counted(monkeypatch, Wanted(("p_churn",), (60,)))["churn"] == 6


def test_of_a_week_nothing_is_worked_out_but_what_lies_between_it_and_the_horizon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learnt = model().learnt.timing.learnt
    assert {7, 14} <= set(learnt)
    # The three of churn; of 14 days and of 7 two each, as a week must agree with a fortnight, and that with a month.
    assert counted(monkeypatch, Wanted(("p_purchase_7d",)))["churn"] == 7
    assert counted(monkeypatch, Wanted(("p_purchase_14d",)))["churn"] == 5


def test_customers_are_told_apart_who_never_bought_and_who_did_so_too_long_ago() -> None:
    # 0 bought 200 days before the day and was silent since, 1 five days before it, 2 only after it.
    strict, day = replace(model(), active_within_days=30), model().trained_on
    days = {"0": 200, "1": 5, "2": -5}
    frame = pd.DataFrame(
        {"customer_id": list(days), "purchased_at": [f"{day.minus(n)}T12:00:00" for n in days.values()]}
    )
    for name in ("amount", "quantity", "discount"):
        frame[name] = 1.0
    for name in ("product_id", "category"):
        frame[name] = "x"
    said = strict.said(lines(frame), day, Wanted(("recency_days",)))
    assert said.customer.tolist() == [1]
    assert said.silent.tolist() == [0]
    assert said.columns["recency_days"].tolist() == [5]
    whole = model().said(lines(frame), day, Wanted(("recency_days",)))
    assert (whole.customer.tolist(), whole.silent.tolist()) == ([0, 1], [])


def test_what_was_said_of_a_few_leaves_nothing_for_the_garbage_collector() -> None:
    sample = model().sample_at(everybody(), model().trained_on)
    # Reasons aside, for which XGBoost is asked, who leaves classes of his own.
    few, wanted = sample.take(np.arange(3)), Wanted(ALL, (60,))
    Statements(model(), few).columns(wanted)
    gc.disable()
    gc.freeze()
    try:
        Statements(model(), few).columns(wanted)
        assert gc.collect() == 0
    finally:
        gc.unfreeze()
        gc.enable()


def test_of_nobody_every_column_is_empty() -> None:
    early = Cutoff.parse("2023-01-02")
    reference = replace(model().reference, days=(early.day,))
    said = model().said(everybody(), early, Wanted(tuple(OUTPUTS), (60,)), reference)
    assert {len(column) for column in (said.customer, said.silent, *said.columns.values())} == {0}


def test_an_answer_has_every_column_of_the_scores_and_those_of_further_horizons() -> None:
    found = answered(model(), everybody(), None, Asked.of({"horizons": "60"}, model()))
    assert list(found) == [*SCORES, *(f"{name}_60d" for name in FURTHER)]
    assert set(found["reasons"].tolist()) == {""}
    assert set(found["as_of"].tolist()) == {str(model().trained_on)}
