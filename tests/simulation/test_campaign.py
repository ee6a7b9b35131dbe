"""The simulated customers do what their truth says, and chance does not depend on what they are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from regulars.errors import ConfigError
from regulars.simulation.campaign import NOTHING, Effect, OfferWorld

MARGIN, CONTACT, COMPLAINT = 0.4, 0.2, 5.0
EFFECTS = (
    Effect(save=0.3, extra_spend=0.2, redemption=0.5, percent=10, complaints=0.02, lean=0.5),
    Effect(save=0.2, extra_spend=-0.1, redemption=0.4, amount=2, beside=1),
)


@pytest.fixture(scope="module")
def world() -> OfferWorld:
    return OfferWorld(5000, EFFECTS, seed=3)


@pytest.mark.parametrize("option", [0, 1])
def test_what_customers_bring_on_average_is_what_the_truth_says(world: OfferWorld, option: int) -> None:
    # Profit with the offer less profit without it, of the same customers under the same chance; its mean over 6 waves
    # of 5,000 may differ from the truth by 4 standard errors.
    given = np.full(5000, option, np.int16)
    apart = []
    for wave in range(6):
        some, none = world.answers(wave, given), world.answers(wave, given * 0 + NOTHING)
        brought = MARGIN * (some.spend + some.discount - none.spend) - some.discount - some.beside
        brought -= CONTACT + COMPLAINT * some.complained
        apart.append(brought - world.gains(wave, MARGIN, [CONTACT] * 2, COMPLAINT)[:, option])
    apart = np.concatenate(apart)
    assert abs(apart.mean()) < 4 * apart.std() / np.sqrt(len(apart))


def test_what_the_model_says_is_right_on_average_up_to_the_wave(world: OfferWorld) -> None:
    told, level = world.columns(2), world.level(2)
    came = world.answers(2, np.full(5000, NOTHING, np.int16))
    apart = came.spend - told["expected_spend"] * level
    assert abs(apart.mean()) < 4 * apart.std() / np.sqrt(5000)
    # Who may fall silent does so with the chance that was said: .5 / sqrt(5000) is the largest standard error.
    assert abs((~came.bought).mean() - told["p_churn"].mean()) < 4 * 0.5 / np.sqrt(5000)


def test_who_is_given_nothing_does_the_same_whatever_others_get(world: OfferWorld) -> None:
    half = np.where(np.arange(5000) % 2 == 0, 0, NOTHING).astype(np.int16)
    some, none = world.answers(1, half), world.answers(1, np.full(5000, NOTHING, np.int16))
    assert (some.spend[1::2] == none.spend[1::2]).all()
    assert (some.spend[::2] != none.spend[::2]).any()


def test_the_same_seed_gives_the_same_world_and_another_seed_another(world: OfferWorld) -> None:
    again, other = OfferWorld(5000, EFFECTS, seed=3), OfferWorld(5000, EFFECTS, seed=4)
    assert (again.columns(0)["p_churn"] == world.columns(0)["p_churn"]).all()
    assert (other.columns(0)["p_churn"] != world.columns(0)["p_churn"]).any()


def test_an_offer_that_leans_does_more_for_the_club(world: OfferWorld) -> None:
    # A lean of .5: 1.5 times the effect for the club, .5 times for the others.
    gains, club = world.gains(0, MARGIN, [0, 0])[:, 0], world.columns(0)["club"] == 1
    assert gains[club].mean() > gains[~club].mean() + 1


@pytest.mark.parametrize("wrong", [{"save": 1.2}, {"redemption": -0.1}, {"lean": 2}, {"save": 0.8, "lean": 0.5}])
def test_an_effect_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="RG454"):
        Effect(**{"save": 0.1, "extra_spend": 0.0, "redemption": 0.5, **wrong})


def test_a_world_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="RG454"):
        OfferWorld(0, EFFECTS)
