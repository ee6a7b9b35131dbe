"""Reasons: they add up, speak of this customer alone, in his numbers, and five are not five times the same."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from regulars.features.family import Entry, plan_for
from regulars.models.contributions import Contributions, of_churn
from regulars.models.model import Model
from regulars.models.reasons import LEAST, NOTHING, Reason, Reasons, explained, in_words, reasons_of, rhythms
from regulars.models.sample import Sample
from regulars.models.themes import RHYTHM
from regulars.models.usual import Usual

from ..simulated import rows_now, trained
from .test_contributions import stump


def speaking(speaker: str = "regulars") -> Model:
    """The trained model, speaking for itself whatever its grade, or another in its place."""
    return replace(trained().model, speaker=speaker)


def rows(*which: int) -> Sample:
    return rows_now(trained()).take(np.array(which))


def worded(
    amounts: dict[str, float], values: dict[str, float], usual: dict[str, float], rhythm: float = 0.0
) -> Reasons:
    """The reasons of the first customer, with other contributions and features."""
    sample = rows(0)
    place = [sample.panel.names.index(name) for name in amounts]
    features, own = np.zeros((1, len(sample.panel.names))), sample.panel.values.copy()
    features[0, place] = list(amounts.values())
    for name, value in values.items():
        own[sample.panel.names.index(name), 0] = value
    sample = replace(sample, panel=replace(sample.panel, values=own))
    parts = Contributions(sample.panel.names, features, np.array([rhythm]), np.array([0.1]), np.array([-0.5]))
    entries = plan_for(trained().model.shape).entries
    (found,) = in_words(parts, sample, entries, Usual(usual, {}, 1))
    return found


def test_base_season_and_themes_add_up_to_the_logit_that_is_shown() -> None:
    model, now = speaking(), rows_now(trained())
    shown = model.learnt.churn.logit(now)
    for found, z in zip(explained(model, now), shown.tolist(), strict=True):
        assert found.logit == pytest.approx(z, abs=1e-5)
        assert math.fsum([found.base, found.season, *(r.amount for r in found.parts)]) == found.logit
        assert len({r.theme for r in found.parts}) == len(found.parts)
        assert all(r.words and ";" not in r.words for r in found.parts)


def test_the_line_of_a_customer_is_the_same_alone_and_among_all_others() -> None:
    model, now = speaking(), rows_now(trained())
    lines = reasons_of(model, now)
    assert len(lines) == now.n_rows
    assert all(lines)
    for row in (0, 5, 123, now.n_rows - 1):
        assert reasons_of(model, now.take(np.array([row]))) == [lines[row]]
    assert reasons_of(model, now.take(np.zeros(0, np.int64))) == []


def test_the_strongest_feature_in_the_direction_of_its_theme_speaks() -> None:
    # Recent purchases: .5 + .1 - .05 = .55 up. Spend: -.3 down.
    found = worded(
        {"orders_90d": 0.5, "orders_30d": 0.1, "days_90d": -0.05, "spend_90d": -0.3},
        {"orders_90d": 0, "orders_30d": 0, "spend_90d": 80},
        {"orders_90d": 2, "orders_30d": 1, "spend_90d": 20},
    )
    assert [(r.theme, round(r.amount, 9)) for r in found.parts] == [("recent purchases", 0.55), ("spend", -0.3)]
    assert found.parts[0].words == "did not buy in the last 90 days, the median customer 2"
    assert found.parts[1].words == "spent 80.00 in the last 90 days, the median customer 20.00"
    # -.5 + .1 + .55 - .3
    assert found.logit == pytest.approx(-0.15)


def test_an_unusual_number_speaks_before_a_usual_one_that_counts_little_more() -> None:
    usual = {"orders_90d": 2.0, "orders_30d": 1.0}
    near = worded({"orders_90d": 0.3, "orders_30d": 0.2}, {"orders_90d": 2, "orders_30d": 0}, usual)
    assert near.parts[0].words == "did not buy in the last 30 days, the median customer 1"
    far = worded({"orders_90d": 0.9, "orders_30d": 0.2}, {"orders_90d": 2, "orders_30d": 0}, usual)
    assert far.parts[0].words == "bought 2 times in the last 90 days, like the median customer"


def test_what_is_missing_is_said_as_not_known() -> None:
    found = worded({"orders_365d": -0.4}, {"orders_365d": math.nan}, {})
    (reason,) = found.lowering()
    assert reason.words == "purchases in the last 365 days: not known, no records go back so far"
    # What is not known, or like the median customer, is nothing to fill a line with.
    assert found.line() == NOTHING


def test_five_up_and_five_down_are_listed_and_the_slight_are_not() -> None:
    parts = tuple(Reason(str(i), a, "x") for i, a in enumerate([9, -8, 7, -6, 5, -4, 3, -2, 1, -0.9, 0.8, -0.7, 0.01]))
    found = Reasons(0.0, 0.0, 0.0, parts)
    assert [r.amount for r in found.raising()] == [9, 7, 5, 3, 1]
    assert [r.amount for r in found.lowering()] == [-8, -6, -4, -2, -0.9]
    assert found.line(2) == "more risk: x; less risk: x"
    assert Reasons(0.0, 0.0, 0.0, (Reason("a", LEAST / 2, "x"),)).line() == NOTHING


def test_the_rhythm_says_how_late_a_customer_is_for_this_customer() -> None:
    sample = rows(0, 1, 2, 3)
    rhythm = replace(
        sample.panel.rhythm,
        frequency=np.array([4.0, 4.0, 0.0, 1.0]),
        recency=np.array([68.0, 68.0, 0.0, 7.0]),
        T=np.array([112.0, 77.0, 20.0, 30.0]),
    )
    # 68 / 4 = 17 days apart. Silent for 112 + 1 - 68 = 45 days: 28 later than usual; for 10: not late.
    assert rhythms(replace(sample, panel=replace(sample.panel, rhythm=rhythm))) == [
        "28 days later than usual: bought on 5 days, every 17 days on average, last 45 days ago",
        "bought on 5 days, every 17 days on average, last 10 days ago",
        "bought on one day only, 21 days ago",
        "bought on 2 days, 7 days apart, last 24 days ago",
    ]


def test_the_classical_models_and_the_features_they_know_are_one_reason() -> None:
    found = worded({"recency_days": 0.2, "gap_mean": -0.05}, {}, {}, rhythm=1.0)
    assert [(r.theme, round(r.amount, 9)) for r in found.parts] == [(RHYTHM, 1.15)]


def test_boosters_without_a_split_leave_one_reason() -> None:
    now, usual = rows_now(trained()), trained().model.usual
    parts = of_churn(stump(), now, usual)
    themes = [[r.theme for r in found.parts] for found in in_words(parts, now, (), usual)]
    # Of the customers at the very median not even that.
    assert {theme for found in themes for theme in found} == {RHYTHM}
    assert max(map(len, themes)) == 1


def test_a_customer_like_the_median_has_no_reasons() -> None:
    assert worded({}, {}, {}).line() == NOTHING


@pytest.mark.parametrize(("speaker", "begins"), [("bg_nbd", "BG/NBD speaks"), ("pareto_nbd", "Pareto/NBD speaks")])
def test_a_rival_that_speaks_gives_its_own_reason_and_no_trees(speaker: str, begins: str) -> None:
    model, sample = speaking(speaker), rows(0, 5)
    said = sample.prior.bg_silent if speaker == "bg_nbd" else sample.prior.pareto_silent
    for found, p in zip(explained(model, sample), said.tolist(), strict=True):
        assert 1 / (1 + math.exp(-found.logit)) == pytest.approx(p, abs=1e-9)
        (reason,) = found.parts
        assert reason.words.startswith(f"{begins}, which knows the rhythm alone: ")


def test_the_simple_rule_says_what_it_looks_at() -> None:
    model, sample = speaking("naive"), rows(0)
    (line,) = reasons_of(model, sample)
    days = round(model.learnt.rule.days, 2)
    assert f"which counts as gone who has not bought for {days:g} days: bought on " in line


def test_a_feature_that_the_catalogue_does_not_know_is_said_by_its_name() -> None:
    sample = rows(0)
    n = len(sample.panel.names)
    parts = Contributions(sample.panel.names, np.eye(1, n), np.zeros(1), np.zeros(1), np.zeros(1))
    (found,) = in_words(parts, sample, [Entry("other", "mine", "", "", "")], Usual())
    name, value = sample.panel.names[0], float(sample.panel.values[0, 0])
    assert [r.words for r in found.parts] == [f"{name}: {value:g}"]


def test_the_same_rows_give_the_same_lines_again() -> None:
    model, sample = speaking(), rows(1, 2, 3)
    assert reasons_of(model, sample, "EUR") == reasons_of(model, sample, "EUR")
    assert reasons_of(model, sample, "EUR") != reasons_of(model, sample, "USD")
