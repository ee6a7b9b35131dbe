"""A wave planned from an audience: arms first, then exploration, then the best use of what is left."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars.errors import DataError
from regulars.offers.arms import CHOSEN, CONTROL, EXPLORE, HOLDOUT
from regulars.offers.audience import Audience
from regulars.offers.permitted import REASONS, Permitted
from regulars.offers.plan import Plan, planned
from regulars.schema import DECISIONS

from .wholes import DAY, FIVE, GIFT, TEN, all_may, catalogue_of, draft_of, five, nothing_before, plan_of, shop

NO_CONSENT, NOT_ELIGIBLE = REASONS.index("no consent"), REASONS.index("not eligible")
BUSY: dict[str, Any] = {"control": 0.2, "explore": 0.2, "budget": 150.0}
LIMITS = ({"action": "offer:gift", "count": 60}, {"action": "any", "count": 70, "entity": "town"})


@pytest.fixture(scope="module")
def busy() -> Plan:
    """A shop of 600 with all arms, a budget, limits, and some who may not be written to."""
    audience, catalogue = shop(600), catalogue_of(TEN, GIFT, FIVE, limits=LIMITS, **BUSY)
    reason = all_may(audience, catalogue).reason.copy()
    reason[::6] = NO_CONSENT
    reason[1::6, 1] = NOT_ELIGIBLE
    return plan_of(audience, catalogue, Permitted.of(reason), holdout=0.1)


def test_five_customers_get_what_brings_most_and_nothing_where_nothing_pays() -> None:
    # Gains by hand in test_profit: ten 1.75, .3, .82, -.7, -.7. The gift brings ann 2.69; bob -.75 x .4493 x 4 - .5;
    # cat .4 x .2 x .8 x 50 - .75 x .4493 x 4 x .36 - .5 = 2.214725; money off pays for nobody.
    found = plan_of(five(), catalogue_of(TEN, GIFT, FIVE))
    assert found.given.tolist() == found.meant.tolist() == [1, 0, 1, -1, -1]
    assert found.ranges[1].tolist() == pytest.approx([2.691208, 0.3, 2.214725, 0, 0], abs=1e-6)
    assert found.why.said() == ["", "", "", "does not pay", "does not pay"]
    assert found.figures()["gain"][1] == pytest.approx(2.691208 + 0.3 + 2.214725, abs=1e-5)


def test_a_budget_goes_where_it_brings_most_and_says_what_the_next_unit_would_bring() -> None:
    # Costs: the gift 1.308792 for ann and .5 + .75 x .4493 x .36 x 4 = .985275 for cat; ten 1.5 for bob. Of 2.30 the
    # best use is both gifts; bob's .3 for 1.5 is the next best.
    found = plan_of(five(), catalogue_of(TEN, GIFT, FIVE, budget=2.3))
    assert found.given.tolist() == [1, -1, 1, -1, -1]
    assert found.why.said() == ["", "budget", "", "does not pay", "does not pay"]
    budget = found.figures()["budget"]
    assert budget["used"] == pytest.approx(1.308792 + 0.985275, abs=1e-5)
    assert budget["words"].startswith("2.29 EUR of 2.30 EUR are used; the next EUR returns ")


def test_a_budget_of_nothing_is_a_plan_of_nothing_and_says_so() -> None:
    found = plan_of(five(), catalogue_of(TEN, GIFT, budget=0.0))
    assert (found.given < 0).all()
    assert found.figures()["cost"] == 0.0
    assert set(found.why.said()) == {"budget", "does not pay"}
    assert "the budget is nothing: only what costs nothing can be given" in found.notes
    assert found.lines[0] == "0 of 5 customers would get an offer, at an expected cost of 0.00 EUR"


def test_who_is_held_out_or_a_control_gets_nothing_and_yet_it_is_known_what_was_meant(busy: Plan) -> None:
    left_alone = (busy.arm == HOLDOUT) | (busy.arm == CONTROL)
    assert left_alone.any()
    assert (busy.given[left_alone] == -1).all()
    assert (busy.meant[left_alone] >= 0).any()
    assert set(np.array(busy.why.said())[busy.arm == HOLDOUT]) == {"hold-out"}
    assert set(np.array(busy.why.said())[busy.arm == CONTROL]) == {"control"}
    # What is meant does not look at the arm: nearly the same share everywhere.
    shares = [(busy.meant[busy.arm == arm] >= 0).mean() for arm in (CONTROL, CHOSEN)]
    assert abs(shares[0] - shares[1]) < 0.15


def test_nobody_gets_what_is_not_permitted_nor_more_than_the_caps_allow(busy: Plan) -> None:
    rows = np.flatnonzero(busy.given >= 0)
    assert busy.permitted.mask[rows, busy.given[rows]].all()
    figures = busy.figures()
    assert figures["budget"]["used"] <= 150 * (1 + 1e-9)
    assert (busy.given == 1).sum() <= 60
    towns = busy.audience.columns["town"]
    assert all((busy.given[towns == town] >= 0).sum() <= 70 for town in ("Bonn", "Ulm", None))
    # Exploration is paid for first: what is chosen has the rest.
    assert figures["explored"]["cost"] > 0
    assert sum(cap["explored"] for cap in figures["limits"][1:]) == figures["explored"]["given"]
    assert sum(offer["drawn"] for offer in figures["offers"]) == figures["explored"]["given"]


def test_the_money_of_the_figures_adds_up(busy: Plan) -> None:
    told = busy.figures()
    for parts in (told["offers"], told["segments"]):
        assert sum(part["given"] for part in parts) == told["given"]
        assert sum(part["cost"] for part in parts) == pytest.approx(told["cost"], rel=1e-12)
        for end in range(3):
            assert sum(part["gain"][end] for part in parts) == pytest.approx(told["gain"][end], rel=1e-9)
    assert told["cost"] == pytest.approx(told["budget"]["used"], rel=1e-9)
    assert told["given"] + sum(one["customers"] for one in told["why"]) == told["customers"] == 600
    assert sum(told["arms"].values()) == 600
    assert sum(told["basis"].values()) == told["given"]
    low, base, high = told["gain"]
    assert low <= base <= high
    table = busy.decisions()
    assert pc.sum(table.column("cost")).as_py() == pytest.approx(told["cost"], rel=1e-12)
    assert pc.sum(table.column("gain")).as_py() == pytest.approx(base, rel=1e-9)


def test_figures_are_json_and_hold_nobodys_id(busy: Plan) -> None:
    text = json.dumps([busy.figures(), busy.lines, busy.notes], allow_nan=False)
    assert "customer-0" not in text
    assert "customer-0" not in json.dumps(busy.policy().to_dict(), allow_nan=False)


def test_a_decision_is_written_for_everybody_by_the_schema(busy: Plan) -> None:
    table = busy.decisions()
    assert table.schema == pa.schema([(column.name, column.type) for column in DECISIONS])
    assert table.column("customer_id").to_pylist() == busy.audience.customer_ids
    frame = table.to_pandas()
    required = [column.name for column in DECISIONS if column.required]
    assert not frame[required].isna().any(axis=None)
    nothing = frame["offer"] == ""
    assert ((frame["why"] != "") == nothing).all()
    assert (frame.loc[nothing, ["gain_low", "gain", "gain_high", "cost"]] == 0).all(axis=None)
    assert (frame["send_at"].isna() == nothing).all()
    assert set(frame["basis"]) == {"assumed", ""}
    assert frame["decision_id"].is_unique
    # Bit 1 is the gift: who is not eligible for it lacks it, who has not consented lacks all.
    assert frame["permitted"].tolist()[:3] == [0, 0b101, 0b111]


def test_the_same_plan_again_has_the_same_bytes(busy: Plan) -> None:
    may = Permitted.of(busy.permitted.reason)
    again = plan_of(shop(600), catalogue_of(TEN, GIFT, FIVE, limits=LIMITS, **BUSY), may, holdout=0.1)
    assert again.decisions().equals(busy.decisions())
    assert json.dumps(again.figures()) == json.dumps(busy.figures())
    assert json.dumps(again.policy().to_dict()) == json.dumps(busy.policy().to_dict())


def test_the_chances_of_what_a_customer_could_get_are_those_of_the_draw(busy: Plan) -> None:
    # Held out .1; of the others control .2, exploration .2 over m options and nothing, chosen .6.
    frame = busy.decisions().to_pandas()
    options = np.array([bin(bits).count("1") for bits in frame["permitted"]])
    explored = 0.9 * 0.2 / (options + 1)
    by_draw = (busy.arm == EXPLORE) & (busy.given >= 0) & (busy.given != busy.meant)
    assert by_draw.any()
    assert frame["propensity"][by_draw].tolist() == pytest.approx(explored[by_draw].tolist())
    by_choice = (busy.arm == CHOSEN) & (busy.given >= 0)
    assert frame["propensity"][by_choice].tolist() == pytest.approx((explored + 0.9 * 0.6)[by_choice].tolist())
    # Nothing may be given to who has not consented, whatever the arm.
    assert frame["propensity"][options == 0].tolist() == pytest.approx([1.0] * 100)
    assert frame["propensity"].between(0, 1).all()


def test_an_offer_that_nobody_may_get_is_a_finding_with_its_reasons() -> None:
    catalogue = catalogue_of(TEN, GIFT)
    reason = np.zeros((5, 2), np.uint8)
    reason[:3, 1], reason[3:, 1] = NO_CONSENT, NOT_ELIGIBLE
    found = plan_of(five(), catalogue, Permitted.of(reason))
    assert "gift@email: nobody may get it (no consent 3, not eligible 2)" in found.notes
    assert found.figures()["offers"][1]["why_not"] == {"no consent": 3, "not eligible": 2}


def test_who_may_get_nothing_is_told_what_took_the_last_option() -> None:
    reason = np.zeros((5, 2), np.uint8)
    reason[0] = NO_CONSENT, NOT_ELIGIBLE
    found = plan_of(five(), catalogue_of(TEN, GIFT), Permitted.of(reason))
    assert found.why.said()[0] == "not eligible"
    assert found.figures()["why"] == [{"why": "does not pay", "customers": 2}, {"why": "not eligible", "customers": 1}]


def test_exploration_that_would_exceed_a_cap_leaves_its_options_out() -> None:
    # Some 120 explorers over two options and nothing would draw about 40 gifts.
    audience = shop(600)
    catalogue = catalogue_of(TEN, GIFT, explore=0.2, limits=({"action": "offer:gift", "count": 10},))
    found = plan_of(audience, catalogue)
    explorers = found.arm == EXPLORE
    assert set(found.given[explorers].tolist()) == {-1, 0}
    assert (found.given == 1).sum() == 10
    assert found.policy().shut == {1: "contacts with offer gift in the campaign"}
    assert (
        "no explorer gets gift@email: the draws together would exceed `contacts with offer gift in the campaign`"
        in " ".join(found.notes)
    )
    # Of those who explore, half get ten and half nothing: .2 / 2, and .8 more where ten is meant.
    ten = explorers & (found.given == 0)
    assert set(found.propensity[ten].round(6).tolist()) <= {0.1, 0.9}


def test_exploration_that_a_budget_cannot_bear_gives_explorers_nothing_and_says_why() -> None:
    found = plan_of(shop(600), catalogue_of(TEN, GIFT, explore=0.2, budget=5.0))
    explorers = found.arm == EXPLORE
    assert (found.given[explorers] == -1).all()
    assert set(np.array(found.why.said())[explorers]) == {"budget"}
    assert found.figures()["cost"] <= 5.0


def test_a_limit_is_named_where_it_stops_an_offer() -> None:
    found = plan_of(five(), catalogue_of(TEN, limits=({"action": "offer:ten", "count": 1},)))
    assert found.given.tolist() == [0, -1, -1, -1, -1]
    named = "limit: contacts with offer ten in the campaign"
    assert found.why.said() == ["", named, named, "does not pay", "does not pay"]


def test_a_limit_of_money_for_each_customer_takes_out_what_costs_more() -> None:
    # Ten costs ann 1.05, bob 1.50 and cat .78.
    limit = {"action": "any", "money": 1.2, "entity": "customer"}
    found = plan_of(five(), catalogue_of(TEN, limits=(limit,)))
    assert found.given.tolist() == [0, -1, 0, -1, -1]
    assert found.why.said()[1] == "limit for each customer"


def test_how_offers_went_to_groups_is_told_and_changes_nothing() -> None:
    audience, catalogue = five(), catalogue_of(TEN)
    told = {"gender": np.array(["f", "m", "f", None, "m"], object)}
    draft, may = draft_of(audience, catalogue), all_may(audience, catalogue)
    found = planned(audience, may, nothing_before(audience), draft, groups=told)
    assert found.decisions().equals(plan_of(audience, catalogue).decisions())
    # Ann, bob and cat get it.
    rates = [(g["group"], g["customers"], g["given"], g["rate"]) for g in found.figures()["groups"]]
    assert rates == [(None, 1, 0, 0.0), ("f", 2, 2, 1.0), ("m", 2, 1, 0.5)]


def test_nobody_scored_is_a_plan_of_nobody() -> None:
    none = Audience([], DAY, 30, "EUR", {name: np.empty(0) for name in five().columns})
    found = plan_of(none, catalogue_of(TEN, budget=10.0, explore=0.1))
    assert found.decisions().num_rows == 0
    assert found.figures()["customers"] == 0
    assert "nobody is scored, so nobody can get an offer" in found.notes


def test_ids_that_do_not_ascend_and_scores_that_are_missing_are_refused() -> None:
    audience = five()
    with pytest.raises(DataError, match="RG422") as found:
        replace(audience, customer_ids=list(reversed(audience.customer_ids)))
    assert "ann" not in str(found.value)
    with pytest.raises(DataError, match=r"RG422.*p_churn"):
        replace(audience, columns={**audience.columns, "p_churn": np.array([np.nan, 0, 0, 0, 0])})


def test_what_could_be_found_out_is_said_before_the_run(busy: Plan) -> None:
    told = busy.figures()["detectable"]
    meant = busy.meant >= 0
    assert told["treated"] == (meant & (busy.arm == CHOSEN)).sum()
    assert told["control"] == (meant & (busy.arm == CONTROL)).sum()
    # The model's 80 % interval is 1.6 x the expected spend wide, so sd = 1.6 x spend / 2.5632; in profit .4 of it.
    sd = 0.4 * np.sqrt(np.mean((1.6 * busy.audience.columns["expected_spend"] / 2.5632) ** 2))
    expected = 2.8016 * sd * np.sqrt(1 / told["treated"] + 1 / told["control"])
    assert told["difference"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("n", [5_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_a_plan_of_many_customers_and_ten_options_stays_lean(n: int) -> None:
    # Gains and costs of ten options are 80 bytes a customer; a plan takes some 370 at its height.
    offers = [TEN | {"id": f"ten-{i}", "value": 5 + i, "minimum_spend": 10 * i} for i in range(10)]
    limits = ({"action": "any", "count": n // 10}, {"action": "any", "count": n // 40, "entity": "town"})
    catalogue = catalogue_of(*offers, limits=limits, budget=0.2 * n, control=0.1, explore=0.05)
    audience = shop(n)
    may, draft, past = all_may(audience, catalogue), draft_of(audience, catalogue), nothing_before(audience)
    tracemalloc.start()
    try:
        found = planned(audience, may, past, draft)
        assert found.figures()["given"] > 0.05 * n
        assert tracemalloc.get_traced_memory()[1] < 450 * n
    finally:
        tracemalloc.stop()
