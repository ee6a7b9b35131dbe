"""What an offer is expected to bring, by hand: five customers, three offers, a margin of .4, a contact at .50."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regulars.offers.economics import Economics, Expected, Terms
from regulars.offers.offer import Offer, OfferEconomics
from regulars.offers.profit import Profits
from regulars.offers.responses import Responses

from .wholes import COMPLAINT, CONTACT, FIVE, GIFT, MARGIN, TEN, catalogue_of, five


def profits(*offers: dict[str, Any], columns: dict[str, NDArray[Any]] | None = None) -> Profits:
    catalogue = catalogue_of(*offers)
    said = five().columns if columns is None else columns
    return Profits(said, catalogue, Responses.assumed(catalogue), Economics(MARGIN, 0.0, COMPLAINT))


def steady(silent: NDArray[np.float64], active: float = 100.0) -> dict[str, NDArray[Any]]:
    """Customers who spend the same if they buy, on one order, and differ in whether they do."""
    return {"p_churn": silent, "expected_orders": 1 - silent, "expected_spend": (1 - silent) * active}


def test_percent_brings_what_it_saves_and_adds_less_what_is_redeemed_sent_and_complained_about() -> None:
    # ann: active spend 50 / .5 = 100, an order 50 / max(1, .5) = 50, of which 10 % are 5.
    #   more .1 x .5 x 100 + .05 x 50 = 7.5; buys .5 + .1 x .5 = .55; redeemed .2 x .55 x 5 = .55
    #   .4 x 7.5 - .55 - .5 - .01 x 20 = 1.75, cost .5 + .55
    # bob: more .05 x 100 = 5, redeemed .2 x 1 x 5 = 1: 2 - 1 - .7 = .3
    # cat: active 10 / .2 = 50, an order 10 / .2 = 50: more .1 x .8 x 50 + .5 = 4.5; redeemed .2 x .28 x 5 = .28:
    #   1.8 - .28 - .7 = .82
    # dan and eve, of whom nothing is expected: -.7
    found = profits(TEN).gains()
    assert found.base[:, 0].tolist() == pytest.approx([1.75, 0.3, 0.82, -0.7, -0.7], abs=1e-6)
    assert found.cost[:, 0].tolist() == pytest.approx([1.05, 1.5, 0.78, 0.5, 0.5], abs=1e-6)


def test_what_is_bought_more_comes_back_as_often_as_the_rest() -> None:
    # As above, with 2 for a return and one return for every 4 purchases: ann's 7.5 more are .15 orders of 50, of which
    # .0375 come back: .075 less; bob's 5 more are .05 orders of 100 / 2, so 5 / 50 = .1: .05 less.
    plain = profits(TEN)
    dear = Profits(plain.columns, plain.catalogue, plain.responses, Economics(MARGIN, 0.0, COMPLAINT, 2.0, 0.25))
    less = plain.gains().base[:, 0] - dear.gains().base[:, 0]
    assert less.tolist() == pytest.approx([0.075, 0.05, 0.045, 0.0, 0.0], abs=1e-6)
    assert (plain.gains().cost == dear.gains().cost).all()


def test_a_minimum_is_reached_by_the_share_of_orders_above_it_and_a_partner_pays_his_part() -> None:
    # ann: an order is 50, so exp(-40 / 50) = .449329 of them reach 40. Saved .2 x .5 x 100 = 10; buys .6;
    # the gift is taken .449329 x .6 x 4 = 1.078390 times its worth, of which .75 are ours: 4 - .808792 - .5 = 2.691208
    found = profits(GIFT).gains()
    assert found.base[0, 0] == pytest.approx(2.691208, abs=1e-6)
    assert found.cost[0, 0] == pytest.approx(1.308792, abs=1e-6)


def test_money_off_takes_no_more_than_an_order_is_worth() -> None:
    # bob: E[min(5, X)] with a mean of 50 is 50 x (1 - exp(-.1)) = 4.758129; half redeem it: -2.379065 - .5
    assert profits(FIVE).gains().base[1, 0] == pytest.approx(-2.879065, abs=1e-6)
    # Of orders of at least 3 the same: 3 + 50 x (1 - exp(-2 / 50)) = 4.960528
    terms = Terms.of(
        Expected.of(five().columns),
        Offer(id="five", type="amount", value=5, minimum_spend=3, title="5 off", channels=("email",),
              economics=OfferEconomics(at_a_loss="a welcome to those who come back")),
    )  # fmt: skip
    assert terms.taken[1] == pytest.approx(4.960528, abs=1e-6)


def test_extra_spend_and_percents_hold_for_orders_that_reach_the_minimum() -> None:
    # bob: exp(-50 / 50) = .367879 of his orders reach 50, and these are worth 50 + 50 = 100 on average.
    terms = Terms.of(
        Expected.of(five().columns),
        Offer(id="ten", type="percent", value=10, minimum_spend=50, title="10 % off", channels=("email",)),
    )
    # They are .735759 of what he spends.
    assert terms.reached[1] == pytest.approx(73.575888, abs=1e-6)
    assert terms.taken[1] == pytest.approx(10.0)


def test_low_has_low_effects_and_many_redemptions_high_the_contrary() -> None:
    # ann. Low: no effect, .3 x .5 x 5 = .75 redeemed: -.75 - .7 = -1.45.
    # High: more 10 + 5 = 15, buys .6, redeemed .1 x .6 x 5 = .3: 6 - .3 - .7 = 5.
    found = profits(TEN).of_choice(np.array([0, -1, 0, 0, -1]))
    assert found[:, 0].tolist() == pytest.approx([-1.45, 1.75, 5.0], abs=1e-6)
    assert found[:, [1, 4]].tolist() == [[0.0, 0.0]] * 3


def test_where_saving_customers_loses_money_the_ends_change_places() -> None:
    # Who comes brings .4 x 5 = 2, and takes a gift of 40: the more are saved, the worse.
    dear = GIFT | {"value": 40, "minimum_spend": 0, "economics": {"redemption": 1.0, "at_a_loss": "as a test of it"}}
    low, base, high = profits(dear, columns=steady(np.array([0.9]), 5.0)).of_choice(np.array([0]))[:, 0]
    # With a share s saved: .4 x .9 x 5 s - 40 x (.1 + .9 s) - .5 = -4.5 - 34.2 s, and s is .1, .2, .3.
    assert (low, base, high) == pytest.approx((-14.76, -11.34, -7.92), abs=1e-5)


@given(
    save=st.lists(st.floats(-0.5, 0.9), min_size=3, max_size=3).map(sorted),
    extra=st.lists(st.floats(-0.5, 2), min_size=3, max_size=3).map(sorted),
    redemption=st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted),
    value=st.floats(1, 100),
)
def test_low_is_never_above_base_and_base_never_above_high(
    save: list[float], extra: list[float], redemption: list[float], value: float
) -> None:
    offer = TEN | {
        "value": value,
        "economics": {"redemption": redemption},
        "response": {"save": save, "extra_spend": extra},
    }
    found = profits(offer).of_choice(np.zeros(5, int))
    assert (found[0] <= found[1]).all()
    assert (found[1] <= found[2]).all()


def test_the_more_would_have_bought_anyway_the_less_a_discount_brings() -> None:
    offer = TEN | {"response": {"save": 0.1}}
    found = profits(offer, columns=steady(np.linspace(0.98, 0, 50))).gains().base[:, 0]
    assert (np.diff(found) < 0).all()
    # Of those who would all have bought, nothing is earned: .2 x 100 x 10 % redeemed, and a contact.
    assert found[-1] == pytest.approx(-2.0 - CONTACT)


def test_an_offer_that_does_nothing_loses_exactly_its_cost() -> None:
    plain = [offer | {"response": {}} for offer in (TEN, GIFT, FIVE)]
    found = profits(*plain).gains()
    assert (found.cost >= CONTACT).all()
    np.testing.assert_allclose(found.base, -found.cost, rtol=1e-6)


def test_in_another_currency_all_money_scales_with_it() -> None:
    named = five().columns
    cents = {**named, "expected_spend": 100 * named["expected_spend"]}
    dear = [GIFT | {"value": 400, "minimum_spend": 4000}, FIVE | {"value": 500}, TEN]
    catalogue = catalogue_of(*dear)
    more = Profits(cents, catalogue, Responses.assumed(catalogue), Economics(MARGIN, 0.0, 100 * COMPLAINT)).gains()
    less = profits(GIFT, FIVE, TEN).gains()
    # The catalogue's channel still costs .50, of one cent now.
    np.testing.assert_allclose(more.base + CONTACT, 100 * (less.base + CONTACT), rtol=1e-4, atol=1e-4)


def test_one_customer_alone_is_reckoned_like_among_others_to_the_last_bit() -> None:
    together = profits(TEN, GIFT, FIVE).gains()
    for row in range(5):
        alone = {name: values[[row]] for name, values in five().columns.items()}
        found = profits(TEN, GIFT, FIVE, columns=alone).gains()
        assert found.base.tobytes() == together.base[[row]].tobytes()
        assert found.cost.tobytes() == together.cost[[row]].tobytes()


def test_channels_of_an_offer_differ_by_what_a_contact_costs() -> None:
    catalogue = catalogue_of(TEN)
    dearer = catalogue.of(
        {
            **catalogue.to_dict(),
            "channels": [{"name": "email", "cost": 0.5}, {"name": "letter", "cost": 1.5}],
            "offers": [{**TEN, "channels": ["email", "letter"]}],
        }
    )
    found = Profits(five().columns, dearer, Responses.assumed(dearer), Economics(MARGIN, 0.0, COMPLAINT)).gains()
    np.testing.assert_allclose(found.base[:, 0] - found.base[:, 1], 1.0, atol=1e-6)
    np.testing.assert_allclose(found.cost[:, 1] - found.cost[:, 0], 1.0, atol=1e-6)


class Twice:
    """A model of gains that says each customer spends twice what is expected with the first option."""

    needs = ("expected_spend",)
    half_width = (3.0,)

    def gains(self, columns: Any) -> NDArray[np.float64]:
        return np.asarray(columns["expected_spend"], np.float64)[:, None]

    def to_dict(self) -> dict[str, Any]:
        return {}


def test_a_personal_model_speaks_of_gains_in_the_place_of_save_and_extra() -> None:
    # bob: 100 more, .2 x 5 redeemed, .7 for contact and complaints: 40 - 1 - .7; low: 97 more, .3 x 5 redeemed.
    catalogue = catalogue_of(TEN)
    assumed = Responses.assumed(catalogue).by_option
    believed = Responses({name: replace(one, basis="measured") for name, one in assumed.items()}, Twice())
    found = Profits(five().columns, catalogue, believed, Economics(MARGIN, 0.0, COMPLAINT))
    assert found.gains().base[1, 0] == pytest.approx(38.3)
    assert found.of_choice(np.array([-1, 0, -1, -1, -1]))[:, 1].tolist() == pytest.approx([36.6, 38.3, 40.0])
    assert believed.badges(catalogue) == ("modelled",)
    # What too few customers were ever given is no better known by it.
    assert Responses(assumed, Twice()).badges(catalogue) == ("assumed",)
