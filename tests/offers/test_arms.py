"""Arms are drawn by salted hashes: the shares come out, draws do not depend on each other, and nobody moves another.

In: made-up ids. Out: sentences; bounds on counts are five standard deviations of a binomial count.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pytest

from regulars.errors import ConfigError
from regulars.offers.arms import (
    CHOSEN,
    CONTROL,
    EXPLORE,
    HOLDOUT,
    decision_id,
    decision_ids,
    draw,
    explored,
    propensity,
)

N = 40_000
IDS = [f"customer-{number}" for number in range(N)]


def _near(count: int, share: float, n: int = N) -> bool:
    return abs(count - n * share) <= 5 * (n * share * (1 - share)) ** 0.5


@pytest.fixture(scope="module")
def spring() -> np.ndarray:
    return draw(IDS, "salt", "spring", 0.05, 0.1, 0.08)


def test_each_arm_has_its_share(spring: np.ndarray) -> None:
    # Control and exploration are shares of those who are not held out.
    shares = {HOLDOUT: 0.05, CONTROL: 0.95 * 0.1, EXPLORE: 0.95 * 0.08, CHOSEN: 0.95 * 0.82}
    assert all(_near(int((spring == arm).sum()), share) for arm, share in shares.items())


def test_the_hold_out_is_the_same_in_all_campaigns_and_controls_are_drawn_anew(spring: np.ndarray) -> None:
    autumn = draw(IDS, "salt", "autumn", 0.05, 0.1, 0.08)
    assert ((autumn == HOLDOUT) == (spring == HOLDOUT)).all()
    # Independent: of the controls of one campaign, a tenth are controls of the next, as of everybody.
    again = autumn[spring == CONTROL]
    assert _near(int((again == CONTROL).sum()), 0.1, len(again))


def test_controls_are_drawn_independently_of_the_hold_out() -> None:
    # Without a hold-out, those who would be held out are controls as often as all others.
    held = draw(IDS, "salt", "spring", 0.2, 0.0, 0.0) == HOLDOUT
    arms = draw(IDS, "salt", "spring", 0.0, 0.3, 0.0)
    assert _near(int((arms[held] == CONTROL).sum()), 0.3, int(held.sum()))


def test_customers_who_come_and_go_and_their_order_move_nobody(spring: np.ndarray) -> None:
    some = np.random.default_rng(1).permutation(N)[: N // 3]
    assert (draw([IDS[one] for one in some], "salt", "spring", 0.05, 0.1, 0.08) == spring[some]).all()


def test_a_larger_share_keeps_whom_the_smaller_one_had() -> None:
    few, many = (draw(IDS[:5_000], "salt", "spring", 0.0, share, 0.0) == CONTROL for share in (0.1, 0.2))
    assert (many[few]).all()


def test_another_salt_draws_anew(spring: np.ndarray) -> None:
    other = draw(IDS, "pepper", "spring", 0.05, 0.1, 0.08)
    assert _near(int((other[spring == HOLDOUT] == HOLDOUT).sum()), 0.05, int((spring == HOLDOUT).sum()))


def test_the_draw_is_the_documented_hash() -> None:
    # Said once more in plain words, so that anybody can check a draw: the first 53 of the hash's first 64 bits.
    key = blake2b(b"salt").digest()
    first = blake2b(b"ann", key=key, person=b"regulars.holdout", digest_size=8).digest()
    chance = (int.from_bytes(first, "big") >> 11) / 2**53
    arms = [draw(["ann"], "salt", "spring", share, 0.0, 0.0)[0] for share in (chance, np.nextafter(chance, 1))]
    assert arms == [CHOSEN, HOLDOUT]


def test_a_salt_of_any_length_and_any_letters_in_ids_will_do() -> None:
    assert len(draw(["Zoë", "日本", "", "a\0b"], "s" * 100, "spring", 0.05, 0.1, 0.1)) == 4


def test_explorers_get_each_permitted_option_and_nothing_equally_often() -> None:
    permitted = np.ones((N, 4), bool)
    permitted[:, 2] = False
    got = explored(IDS, "salt", "spring", "2024-03-01", permitted)
    assert all(_near(int((got == option).sum()), 1 / 4) for option in (-1, 0, 1, 3))
    assert not (got == 2).any()


def test_explorers_who_may_get_nothing_get_nothing() -> None:
    got = explored(["ann", "bob"], "salt", "spring", "2024-03-01", np.zeros((2, 3), bool))
    assert got.tolist() == explored(["ann", "bob"], "salt", "s", "d", np.zeros((2, 0), bool)).tolist() == [-1, -1]


def test_what_is_explored_is_drawn_anew_in_each_wave_and_apart_from_the_arm(spring: np.ndarray) -> None:
    permitted = np.ones((N, 3), bool)
    first, second = (explored(IDS, "salt", "spring", day, permitted) for day in ("2024-03-01", "2024-04-01"))
    assert _near(int((first == second).sum()), 1 / 4)
    explorers = spring == EXPLORE
    assert _near(int((first[explorers] == 0).sum()), 1 / 4, int(explorers.sum()))


@pytest.mark.parametrize("shares", [(0.05, 0.1, 0.08), (0.0, 0.0, 0.0), (0.5, 0.9, 0.0), (0.1, 0.0, 0.9)])
def test_chances_of_all_that_could_be_given_sum_to_one(shares: tuple[float, float, float]) -> None:
    for m in range(4):
        for intended in range(-1, m):
            given = np.arange(-1, m)
            chances = propensity(given, np.full(m + 1, intended), np.full(m + 1, m), *shares)
            assert chances.sum() == pytest.approx(1.0)
            assert (chances >= 0).all()


def test_logged_chances_are_those_that_the_draw_has(spring: np.ndarray) -> None:
    # Everybody is meant to get option 1 of 3: given 1 in the arm chosen, what was drawn in exploration, else nothing.
    permitted = np.ones((N, 3), bool)
    given = np.full(N, -1)
    given[spring == CHOSEN] = 1
    given[spring == EXPLORE] = explored(IDS, "salt", "spring", "2024-03-01", permitted)[spring == EXPLORE]
    for option in (-1, 0, 1, 2):
        chance = propensity(np.array([option]), np.array([1]), np.array([3]), 0.05, 0.1, 0.08)[0]
        assert _near(int((given == option).sum()), chance)


def test_shares_that_leave_nobody_to_the_policy_are_refused() -> None:
    for shares in ((0.05, 0.5, 0.5), (-0.1, 0.1, 0.1), (0.0, 1.2, -0.5)):
        with pytest.raises(ConfigError, match="RG425"):
            draw(["ann"], "salt", "spring", *shares)
    assert len(draw(["ann"], "salt", "spring", 0.05, 0.6, 0.3)) == 1  # .6 + .3 is a little more than .9 in floats.


def test_decisions_have_names_of_their_own() -> None:
    names = decision_ids("spring", "2024-03-01", IDS[:2_000], "salt")
    others = [
        decision_ids("autumn", "2024-03-01", IDS[:1], "salt"),
        decision_ids("spring", "2024-03-02", IDS[:1], "salt"),
        decision_ids("spring", "2024-03-01", IDS[:1], "pepper"),
        # Parts do not run into each other.
        [decision_id("spring2024", "-03-01", IDS[0], "salt")],
    ]
    assert len({*names, *(name for one in others for name in one)}) == 2_004
    assert all(len(name) == 32 and set(name) <= set("0123456789abcdef") for name in names)
    assert decision_id("spring", "2024-03-01", IDS[7], "salt") == names[7]
