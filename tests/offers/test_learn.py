"""What is learnt replaces what was assumed where customers answered, and says where none did."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from regulars.offers.believed import share, spread
from regulars.offers.catalogue import Catalogue
from regulars.offers.economics import Economics
from regulars.offers.learn import Learnt, learnt
from regulars.offers.lesson import Lesson
from regulars.offers.ranges import Range
from regulars.offers.responses import Responses
from regulars.simulation.campaign import OfferWorld

from .test_calibration import EFFECTS, lesson_of

MARGIN = Economics(margin=0.4)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """Two offers that were given, and one that never was."""
    response = {"save": [0.0, 0.05, 0.1], "extra_spend": [0.0, 0.05, 0.1]}
    shared = {"channels": ["email"], "economics": {"redemption": [0.2, 0.3, 0.4]}, "response": response}
    ten = {"id": "ten", "type": "percent", "value": 10, "title": "ten", **shared}
    gift = {"id": "gift", "type": "gift", "value": 3, "title": "gift", **shared}
    new = {"id": "new", "type": "gift", "value": 3, "title": "new", **shared}
    return Catalogue.of({"campaign": {"name": "c"}, "channels": [{"name": "email"}], "offers": [ten, gift, new]})


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    found = lesson_of(OfferWorld(12_000, EFFECTS, seed=2), 0)
    return replace(found, permitted=None)


@pytest.fixture(scope="module")
def found(catalogue: Catalogue, lesson: Lesson) -> Learnt:
    return learnt(catalogue, [lesson], MARGIN)


def test_an_option_is_measured_once_enough_were_given_it(found: Learnt) -> None:
    told = found.responses.by_option
    assert [one.basis for one in told.values()] == ["measured", "measured", "assumed"]
    # A third of 12,000 each, and none of the new one.
    assert [3700 < n < 4300 for n in found.treated] == [True, True, False]
    assert found.treated[2] == 0


def test_redemptions_are_the_share_of_buyers_who_redeemed(found: Learnt, lesson: Lesson) -> None:
    # Assumed .3 with a spread of .2 / 2.56 = .078: as much as .3 x .7 / .078^2 - 1 = 33 buyers; 10.3 of them redeem.
    rows = (lesson.given == 0) & lesson.bought
    assert lesson.redeemed is not None
    happened, of = int(lesson.redeemed[rows].sum()), int(rows.sum())
    strength = 0.3 * 0.7 / spread(Range.of([0.2, 0.3, 0.4])) ** 2 - 1
    told = next(iter(found.responses.by_option.values())).redemption
    assert told.base == pytest.approx((0.3 * strength + happened) / (strength + of))
    # The truth is .4, and within what is said with a margin.
    assert told.low - 0.02 < 0.4 < told.high + 0.02


def test_what_nobody_logged_stays_assumed_and_is_said(catalogue: Catalogue, lesson: Lesson) -> None:
    deaf = replace(lesson, redeemed=None, taken=None, complained=None)
    found = learnt(catalogue, [deaf], MARGIN)
    assert next(iter(found.responses.by_option.values())).redemption == Range(0.2, 0.3, 0.4)
    assert any("no redemptions are logged for 1 of 1 waves" in note for note in found.notes)
    assert any("complaints stay assumed" in note for note in found.notes)


def test_without_waves_everything_is_as_assumed(catalogue: Catalogue) -> None:
    found = learnt(catalogue, [], MARGIN)
    assert found.responses == Responses.assumed(catalogue)
    assert "0 of 3 options are measured" in found.words[0]


def test_a_few_customers_change_nothing(catalogue: Catalogue, lesson: Lesson) -> None:
    few = learnt(catalogue, [lesson.of_rows(np.arange(60))], MARGIN)
    assert few.responses == Responses.assumed(catalogue)


def test_what_was_learnt_comes_back_from_json_with_the_same_digest(found: Learnt) -> None:
    text = json.dumps(found.responses.to_dict(), allow_nan=False)
    assert Responses.of_dict(json.loads(text)).digest == found.responses.digest
    json.dumps(found.figures(), allow_nan=False)


def test_the_order_of_customers_does_not_matter(catalogue: Catalogue, lesson: Lesson, found: Learnt) -> None:
    turned = learnt(catalogue, [lesson.of_rows(np.arange(len(lesson))[::-1])], MARGIN)
    for name, told in found.responses.by_option.items():
        assert list(turned.responses.by_option[name].save) == pytest.approx(list(told.save), abs=1e-9)


def test_a_share_moves_from_what_was_assumed_to_what_happened() -> None:
    before = Range.of([0.2, 0.3, 0.4])
    few, many = share(before, 1, 2), share(before, 5000, 10_000)
    assert 0.3 < few.base < 0.35
    assert many.base == pytest.approx(0.5, abs=0.001)
    assert many.high - many.low < 0.02 < few.high - few.low


def test_a_guess_without_a_range_can_still_be_proved_wrong() -> None:
    assert share(Range.of(0.0), 400, 1000).base > 0.1
