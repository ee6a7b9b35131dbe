"""The chapter on a budget: its money is that of the figures, and what is assumed wears a badge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from regulars.reports import ReportInput, render
from regulars.reports.about_budget import budget


def earned(gain: float | None, contacted: float = 10.0) -> dict[str, Any]:
    if gain is None:
        return {"gain": None, "per_contacted": None, "share_of_best": None, "ci": None}
    ends, per = [gain - 50, gain + 50], gain / contacted
    counts = {"contacted": contacted, "money_reached": 0.0, "share_of_best": gain / 1000}
    return {"gain": gain, "per_contacted": per, "ci": ends, **counts}


@pytest.fixture
def counted(report: ReportInput) -> ReportInput:
    """500 by the product's list, 300 by the rule's, 100 at random, 1,000 at best; two checks."""
    ways = {"regulars": 500.0, "bg_nbd": 450.0, "naive": 300.0, "random": 100.0, "best_possible": 1000.0}
    money = {name: earned(gain) for name, gain in ways.items()}
    money["regulars"]["over"] = {"naive": {"gain": 200.0, "ci": [150.0, 250.0]}}
    plan = {"assumed": ["save_rate", "margin"], "words": "Customers; assumed: it keeps 10 %."}
    origins = [{"cutoff": "2017-06-04"}, {"cutoff": "2017-07-04"}]
    return replace(report, backtest={"origins": origins, "pooled": {"money": money}, "budget": plan})


def headline(report: ReportInput) -> str:
    return budget(report).headline.replace("\u00a0", " ")


def test_gain_is_told_beside_the_simple_rules(counted: ReportInput) -> None:
    assert headline(counted) == (
        "Contacting by the list of Regulars would have earned USD 500 over 2 checks, USD 200 more than by the simple "
        "rule's list (90 % interval USD 150 to USD 250)."
    )


def test_gain_that_may_be_nothing_is_not_called_more(counted: ReportInput) -> None:
    pooled: Any = counted.backtest["pooled"]
    pooled["money"]["regulars"]["over"]["naive"]["ci"] = [-10.0, 410.0]
    assert "not distinguishable from the simple rule's list (USD 200 more, 90 % interval −USD 10.00 to USD 410)" in (
        headline(counted)
    )


def test_whoever_speaks_is_judged(counted: ReportInput) -> None:
    spoken = replace(counted, scores=counted.scores.assign(model="bg_nbd"))
    assert headline(spoken) == (
        "Contacting by the list of BG/NBD, which speaks, would have earned USD 450 over 2 checks; at random it is "
        "USD 100, the best possible USD 1,000."
    )


def test_table_has_every_way_of_choosing(counted: ReportInput) -> None:
    rows = {
        row[0].text: [cell.text.replace("\u00a0", " ") for cell in row[1:]] for row in budget(counted).tables[0].rows
    }
    assert list(rows) == ["Regulars", "BG/NBD", "Simple rule", "At random", "Best possible"]
    # 300 by ten contacts are 30 each, and 30 % of the best 1,000.
    assert rows["Simple rule"] == ["USD 300", "10", "USD 30.00", "USD 0", "30 %", "USD 200"]
    assert rows["Best possible"][-1] == "–"


def test_assumptions_wear_a_badge_and_say_how_to_change_them(counted: ReportInput) -> None:
    section = budget(counted)
    assert section.badge == "assumed"
    assert "What is counted: customers; assumed: it keeps 10 %." in section.words
    assert any("write them in the configuration, in [budget]" in w for w in section.words)
    assert render(counted).count('class="badge">assumed<') == 2  # in short, and at the chapter


def test_stated_figures_wear_none(counted: ReportInput) -> None:
    section = budget(replace(counted, backtest=counted.backtest | {"budget": {"assumed": [], "words": "All stated."}}))
    assert section.badge == ""
    assert not any("never measured" in w for w in section.words)


def test_without_anybody_to_contact_it_says_why(counted: ReportInput) -> None:
    pooled = {"money": {"regulars": earned(None)}, "undefined": {"money": "nobody had spent anything"}}
    assert headline(replace(counted, backtest=counted.backtest | {"pooled": pooled})) == (
        "What a budget would have earned is not defined here: nobody had spent anything."
    )
    assert "it was not measured" in headline(replace(counted, backtest={}))
