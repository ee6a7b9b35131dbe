"""The gain of a budget: who is contacted, what that would have brought, and how sure one can be of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regulars.errors import ConfigError
from regulars.models.budget import BEST, RANDOM, Budget, Campaign, at_stake, at_stake_of
from regulars.models.metrics import Resampling, sigmoid

from ..simulated import purchases, rows_now, trained

Float64 = NDArray[np.float64]
# Ten customers; the last two have nothing at stake, and six of the others then did not buy.
STAKE = np.array([100.0, 80, 60, 50, 40, 30, 20, 10, 0, 0])
CHURNED = np.array([0.0, 1, 1, 0, 1, 1, 1, 1, 1, 0])
RANKS = np.arange(10)


def ids(n: int) -> NDArray[np.object_]:
    return np.array([f"c{i:05d}" for i in range(n)], object)


def run(budget: Budget, **p_churn: Any) -> Campaign:
    return Campaign.run({k: np.asarray(p, float) for k, p in p_churn.items()}, STAKE, CHURNED, RANKS, budget)


def figures(budget: Budget, **p_churn: Any) -> dict[str, dict[str, Any]]:
    return run(budget, **p_churn).figures(list(p_churn), Resampling(ids(10), 0))


def test_customers_are_chosen_by_risk_times_money_never_by_risk_alone() -> None:
    # Expected losses 10, 8, 30, 5, 36, 27, 18, 9: the third and the fifth lead, though the riskiest is the eighth.
    p = [0.1, 0.1, 0.5, 0.1, 0.9, 0.9, 0.9, 0.95, 1.0, 1.0]
    # A quarter of the eight who have something at stake is two. Both then did not buy: .2 x .5 x (60 + 40).
    found = figures(Budget(share=0.25, save_rate=0.2, margin=0.5), regulars=p)["regulars"]
    assert run(Budget(share=0.25), regulars=p).choices["regulars"].contacted.nonzero()[0].tolist() == [2, 4]
    assert found["contacted"] == 2.0
    assert found["money_reached"] == 100.0
    assert found["gain"] == pytest.approx(10.0)
    assert found["per_contacted"] == pytest.approx(5.0)


def test_every_contact_costs_also_those_who_would_have_bought_anyway() -> None:
    # The first two by money are customers 0, who bought, and 1, who did not: .2 x 80 less two contacts at 3.
    found = figures(Budget(share=0.25, save_rate=0.2, contact_cost=3.0), regulars=np.full(10, 0.9))["regulars"]
    assert found["gain"] == pytest.approx(10.0)


def test_nobody_is_contacted_who_is_expected_to_cost_more_than_he_brings() -> None:
    # .1 x p x stake is 1, .8, 3, .5, 3.6, 2.7, 1.8, ..: at a cost of 2.5 three pay, whatever the budget allows.
    p = [0.1, 0.1, 0.5, 0.1, 0.9, 0.9, 0.9, 0.95, 1.0, 1.0]
    choice = run(Budget(share=1.0, contact_cost=2.5), regulars=p).choices["regulars"]
    assert choice.contacted.nonzero()[0].tolist() == [2, 4, 5]
    # 6 + 4 + 3 less 7.5.
    assert choice.gained.sum() == pytest.approx(5.5)


def test_blind_choice_is_what_one_expects_of_it_and_the_best_knows_the_truth() -> None:
    found = figures(Budget(share=0.25), regulars=np.full(10, 0.5))
    # Lost by the six: 240 of which a quarter is reached, a tenth of that kept. The best reaches 80 and 60.
    assert found[RANDOM]["gain"] == pytest.approx(240 / 4 / 10)
    assert found[RANDOM]["contacted"] == pytest.approx(2.0)
    assert found[BEST]["gain"] == pytest.approx(14.0)
    assert found[BEST]["share_of_best"] == 1.0
    assert found["regulars"]["share_of_best"] == pytest.approx(8 / 14)


def test_money_limits_contacts_as_shares_do() -> None:
    assert Budget(share=0.5).contacts(9) == 5
    assert Budget(share=0.07).contacts(100) == 7
    assert Budget(share=0.5, contact_cost=0.1, money=0.3).contacts(100) == 3
    assert Budget(share=0.01, contact_cost=0.1, money=30.0).contacts(100) == 1


def test_equal_promises_go_by_customer_id() -> None:
    p, stake, churned = np.full(4, 0.5), np.full(4, 10.0), np.zeros(4)
    found = Campaign.run({"regulars": p}, stake, churned, np.array([3, 1, 0, 2]), Budget(share=0.5))
    assert found.choices["regulars"].contacted.tolist() == [0, 1, 1, 0]


def test_the_difference_to_every_rival_stands_beside_the_gain() -> None:
    good, poor = np.where(CHURNED, 0.9, 0.1), np.where(CHURNED, 0.1, 0.9)
    found = figures(Budget(share=0.25), regulars=good, bg_nbd=poor, naive=np.full(10, 0.5))
    # 8 + 6; 0 (customers 0 and 3 bought); 8 (customers 0 and 1).
    assert [found[m]["gain"] for m in ("regulars", "bg_nbd", "naive")] == pytest.approx([14.0, 0.0, 8.0])
    over = found["regulars"]["over"]
    assert {m: over[m]["gain"] for m in over} == pytest.approx({"bg_nbd": 14.0, "naive": 6.0, "random": 8.0})
    for difference in over.values():
        assert difference["ci"][0] < difference["gain"] < difference["ci"][1]
    assert all("over" not in found[m] for m in ("bg_nbd", "naive", RANDOM, BEST))


def test_a_model_compared_with_its_like_differs_by_nothing_and_surely() -> None:
    p = sigmoid(np.linspace(-2, 2, 10))
    assert figures(Budget(), regulars=p, bg_nbd=p)["regulars"]["over"]["bg_nbd"] == {"gain": 0.0, "ci": [0.0, 0.0]}


def test_a_model_without_predictions_has_no_figures() -> None:
    whole = run(Budget(), regulars=np.full(10, 0.5), bg_nbd=np.full(10, 0.4))
    part = run(Budget(), regulars=np.full(10, 0.5))
    found = Campaign.together([whole, part]).figures(["regulars", "bg_nbd"], Resampling(ids(20), 0))
    assert found["bg_nbd"] == {**dict.fromkeys(found["bg_nbd"])}
    over: Any = found["regulars"]["over"]
    assert set(over) == {RANDOM}
    # Both campaigns contact one of eight: twice .1 x what customer 0 lost, who bought.
    assert found["regulars"]["contacted"] == 2.0


def test_where_nothing_is_at_stake_there_is_nothing_to_choose_and_that_is_said() -> None:
    none = np.zeros(3)
    empty = Campaign.run({"regulars": np.full(3, 0.5)}, none, np.ones(3), np.arange(3), Budget())
    found = empty.figures(["regulars"], Resampling(ids(3), 0))
    assert all(value is None for card in found.values() for key, value in card.items() if key != "over")
    assert found["regulars"]["over"] == {}
    assert "nobody who bought in the last 30 days" in empty.undefined(30)["money"]
    assert "money" in run(Budget(contact_cost=5, money=4), regulars=np.full(10, 0.5)).undefined(30)


def test_where_no_contact_pays_nobody_is_contacted_and_that_is_said() -> None:
    dear = run(Budget(contact_cost=1000), regulars=np.full(10, 0.5))
    card = dear.figures(["regulars"], Resampling(ids(10), 0))["regulars"]
    assert (card["gain"], card["contacted"], card["per_contacted"], card["share_of_best"]) == (0.0, 0.0, None, None)
    assert set(dear.undefined(30)) == {"per_contacted", "share_of_best"}
    assert run(Budget(), regulars=np.full(10, 0.5)).undefined(30) == {}


budgets = st.builds(
    Budget,
    share=st.floats(0.01, 1.0),
    contact_cost=st.floats(0.0, 5.0),
    save_rate=st.floats(0.0, 1.0),
    margin=st.floats(0.0, 1.0),
)


@given(budgets, st.integers(0, 10_000))
def test_nobody_chooses_better_than_who_knows_the_truth(budget: Budget, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stake = np.where(rng.random(40) < 0.3, 0.0, rng.lognormal(2, 1, 40))
    churned = (rng.random(40) < 0.4).astype(float)
    models = {name: rng.random(40) for name in ("regulars", "naive")}
    found = Campaign.run(models, stake, churned, rng.permutation(40), budget)
    best = found.choices[BEST].gained.sum()
    allowed = budget.contacts(int((stake > 0).sum()))
    for choice in found.choices.values():
        assert choice.gained.sum() <= best + 1e-9
        assert choice.contacted.sum() <= allowed + 1e-9
        assert not choice.contacted[stake == 0].any()


@given(st.integers(0, 10_000), st.floats(0.01, 1.0))
def test_the_best_choice_never_loses_by_a_larger_budget(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    stake, churned = rng.lognormal(2, 1, 30), (rng.random(30) < 0.5).astype(float)
    gains = [
        Campaign.run({}, stake, churned, np.arange(30), Budget(share=s, contact_cost=0.3)).choices[BEST].gained.sum()
        for s in (share / 2, share)
    ]
    assert gains[0] <= gains[1] + 1e-12


def test_the_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    rows, p = rng.permutation(10), rng.random(10)
    back = Campaign.run({"regulars": p[rows]}, STAKE[rows], CHURNED[rows], RANKS[rows], Budget(share=0.3))
    there = run(Budget(share=0.3), regulars=p)
    assert back.choices["regulars"].contacted.tolist() == there.choices["regulars"].contacted[rows].tolist()


@pytest.mark.parametrize("n", [100, pytest.param(1000, marks=pytest.mark.soak)])
def test_nine_in_ten_intervals_of_a_difference_in_money_hold_the_truth(n: int) -> None:
    def rows(customers: int) -> tuple[Any, ...]:
        who = np.repeat(np.arange(customers), 3)
        z = rng.normal(0, 1.5, customers)[who] + rng.normal(0, 0.5, len(who))
        churned = (rng.random(len(who)) < sigmoid(z)).astype(float)
        models = {"regulars": sigmoid(z + rng.normal(0, 0.3, len(z))), "naive": sigmoid(z + rng.normal(0, 1, len(z)))}
        return who, Campaign.run(models, rng.lognormal(3, 1, customers)[who], churned, np.arange(len(z)), Budget())

    rng, hits, times = np.random.default_rng(4), 0, 300
    who, whole = rows(100_000)
    mine, other = (whole.choices[m].gained.sum() / len(who) for m in ("regulars", "naive"))
    for _ in range(times):
        who, found = rows(n)
        over: Any = found.figures(("regulars", "naive"), Resampling(ids(n)[who], 0))["regulars"]["over"]
        low, high = over["naive"]["ci"]
        hits += low <= (mine - other) * len(who) <= high
    # 300 trials know a rate of .9 to +- .035 (two standard errors), and few customers cost an interval a little more.
    assert 0.84 < hits / times < 0.96


def test_at_stake_is_the_usual_spend_of_who_is_not_lost_yet() -> None:
    spend, age = np.array([400.0, 60, 400, -5, 400]), np.array([200.0, 10, 200, 200, 200])
    recency = np.array([100.0, 10, 101, 5, 100])
    # 400 over two horizons of 100 days: 200 each. 60 in the ten days since the first: not 600. Silent for more than a
    # horizon, or returned more than bought: nothing.
    assert at_stake(spend, age, recency, 100).tolist() == [200.0, 60.0, 0.0, 0.0, 200.0]


def test_what_is_at_stake_was_known_before_the_cutoff() -> None:
    rows = rows_now(trained())
    frame, h, cutoff = purchases(), rows.horizon_days, int(rows.panel.cutoff_day[0])
    day = pd.to_datetime(frame["purchased_at"], format="ISO8601").to_numpy("datetime64[D]").astype(np.int64)
    bought = frame.assign(day=day)[frame["amount"] > 0].groupby("customer_id")["day"].agg(["min", "max"])
    spent = frame.groupby("customer_id")["amount"].sum().reindex(bought.index)
    usual = spent.clip(lower=0) * h / (cutoff - bought["min"]).clip(lower=h)
    meant = usual.where(cutoff - bought["max"] <= h, 0.0)
    assert at_stake_of(rows) == pytest.approx(meant.loc[list(rows.panel.customer_id)].to_numpy(), rel=1e-9)
    assert 0 < (at_stake_of(rows) > 0).mean() < 1


def test_what_nobody_stated_is_assumed() -> None:
    assert Budget().assumed == ("share", "contact_cost", "save_rate", "margin")
    # Stated, even if it is the default's value.
    assert Budget(save_rate=0.1, stated=("save_rate",)).assumed == ("share", "contact_cost", "margin")
    assert Budget(0.2, 1.0, 0.3, 0.4).assumed == ()


def test_the_budget_says_what_is_counted_and_what_is_assumed() -> None:
    budget = Budget(contact_cost=1.5, money=1000, margin=0.4)
    assert budget.words(90) == (
        "Customers who bought in the last 90 days, ordered by their risk times the money at stake (what they usually "
        "spend in 90 days); a contact costs 1.50, at most 1,000.00 in all, 40 % of the kept money is earned; assumed: "
        "the first 10 % are contacted, it keeps 10 % of those who would have fallen silent."
    )
    found = budget.figures(90)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["money"], found["assumed"]) == (1000, ["share", "save_rate"])
    assert "assumed" not in Budget(0.2, 1.0, 0.3, 0.4).words(30)
    assert "a contact costs nothing" in Budget().words(30)


@pytest.mark.parametrize(
    "wrong",
    [
        {"share": 0.0},
        {"share": 1.1},
        {"contact_cost": -1.0},
        {"contact_cost": float("inf")},
        {"save_rate": float("nan")},
        {"margin": 2.0},
        {"money": 10.0},
        {"money": 0.0, "contact_cost": 1.0},
    ],
)
def test_a_budget_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="RG155"):
        Budget(**wrong)
