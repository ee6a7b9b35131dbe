"""Answers by channel: who answered, in which stage, rates drawn together, and when a channel may be called the best."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.timing.channels import Channels
from regulars.timing.messages import STAGES, Messages, Stages, answered
from regulars.timing.moments import Moments
from regulars.timing.pooled import Rates, around, concentration, pooled
from regulars.timing.response import SURE, Response, table_of

NAMES = ("app", "email", "post")


def sent(
    rates: list[float], n: int = 400, per: float = 5.0, spread: float = 1e6, seed: int = 0, stage: int = 2
) -> tuple[Messages, np.ndarray]:
    """Messages to n customers on some channels; each customer's true rate varies around that of the channel."""
    rng = np.random.default_rng(seed)
    true = np.stack([rng.beta(rate * spread, (1 - rate) * spread, n) for rate in rates], 1)
    times = rng.poisson(per, (n, len(rates)))
    who, channel = (np.repeat(places.ravel(), times.ravel()) for places in np.indices(times.shape))
    yes = rng.random(len(who)) < true[who, channel]
    groups = tuple((name, "letter") for name in NAMES[: len(rates)])
    return Messages("events", False, "x", groups, channel, who, np.full(len(who), stage), yes), true


def test_an_answer_is_on_the_same_line_in_time_and_belongs_to_the_last_message() -> None:
    # Line 1 is sent at 0 and at 100; line 2 at 0 and 50; line 3 at 0.
    line, at = np.array([1, 1, 2, 2, 3]), np.array([0, 100, 0, 50, 0])
    done = (np.array([1, 2, 2, 4]), np.array([105, 0, 61, 5]))
    # Line 1: 105 answers the one at 100. Line 2: 0 answers at once; 61 comes 11 after, which is not less than 11.
    assert answered((line, at), done, 11).tolist() == [False, True, True, False, False]
    assert answered((line, at), done, 12).tolist() == [False, True, True, True, False]
    none = np.zeros(0, np.int64)
    assert answered((line, at), (none, none), 11).tolist() == [False] * 5


def test_stages_are_those_of_the_day_of_the_message() -> None:
    bought = Moments.told(*np.array([[0, 0, 1], [100, 105, 20], [-1, -1, -1]]))
    days = np.array([100, 101, 106, 135, 136, 21, 50])
    who = np.array([0, 0, 0, 0, 0, 1, 2])
    told = [STAGES[i] for i in Stages(bought, 30, 0).on(who, days)]
    # 135 is 30 days after 105, 136 is 31. Customer 1 bought within 30 days of the ledger's begin: not known to be new.
    assert told == ["prospect", "new", "active", "active", "silent", "active", "prospect"]


def test_channels_that_are_alike_are_seldom_told_apart() -> None:
    false = sum(bool(Response(sent([0.2, 0.2, 0.2], spread=10, seed=seed)[0]).best) for seed in range(40))
    # At most 1 - SURE of 40 on average: 2; more than six would come once in two hundred.
    assert false <= 6
    assert SURE == 0.95


def test_the_better_channel_is_told_where_it_surely_is() -> None:
    for seed in range(5):
        found = Response(sent([0.1, 0.3, 0.12], seed=seed)[0])
        assert found.best == {2: 1}
        assert found.words() == ["events, association: email is answered most by active"]
    few = Response(sent([0.2, 0.3], n=5, per=2)[0])
    assert few.best == {}
    assert "no channel is distinguishable" in few.words()[0]


def test_intervals_hold_the_rates_of_stages() -> None:
    held = n = 0
    rng = np.random.default_rng(3)
    for _ in range(30):
        mean = rng.beta(2, 8, 3)
        true = rng.beta(30 * mean[:, None], 30 * (1 - mean[:, None]), (3, 4))
        cells = np.repeat(np.arange(12), rng.poisson(np.tile([20, 60, 200, 120], 3)))
        yes = rng.random(len(cells)) < true.ravel()[cells]
        groups = tuple((name, "letter") for name in NAMES)
        rates = Response(Messages("e", False, "x", groups, cells // 4, np.arange(len(cells)), cells % 4, yes)).by_stage
        held += int(((rates.quantile(0.025) <= true.ravel()) & (true.ravel() <= rates.quantile(0.975))).sum())
        n += 12
    # Of 95 % intervals; spreads are guessed from twelve cells, and 360 cells make an error of about 1.2 points.
    assert 0.88 <= held / n <= 1


def test_several_messages_to_one_customer_count_for_less() -> None:
    # A hundred customers with ten messages each, of whom a fifth always answers: as good as a hundred messages.
    who = np.repeat(np.arange(100), 10)
    one = Messages("e", False, "x", (("app", "a"),), np.zeros(1000, int), who, np.full(1000, 2), who < 20)
    # Each answers all or nothing: the design effect is 10, but for a factor of 100/99 of the sample.
    assert Response(one).whole.tolist() == pytest.approx([0.1 * 99 / 100])
    low, high = (Response(one).by_channel.quantile(q)[0] for q in (0.025, 0.975))
    # 0.2 +- 1.96 sqrt(0.2 x 0.8 / 100) = 0.2 +- 0.078.
    assert high - low == pytest.approx(0.157, abs=0.02)


def test_a_rate_without_a_message_is_missing_and_of_no_row() -> None:
    rows = table_of([Response(sent([0.3, 0.1])[0])]).rows
    assert {row["stage"] for row in rows} == {"all", "active"}
    assert all(row["sent"] and row["rate"] is not None for row in rows)
    assert [row["best"] for row in rows] == [None, True, None, False]
    first = rows[0]
    assert first["rate"] == first["answered"] / first["sent"]


def test_types_of_messages_have_rows_where_a_channel_has_several() -> None:
    groups = (("email", "news"), ("email", "offer"), ("post", "news"))
    group = np.arange(300) % 3
    found = Response(Messages("e", False, "x", groups, group, np.arange(300), np.full(300, 1), group == 1))
    named = [(row["channel"], row["message"], row["stage"]) for row in table_of([found]).rows]
    assert named[:4] == [
        ("email", "all", "all"),
        ("email", "all", "new"),
        ("email", "news", "new"),
        ("email", "offer", "new"),
    ]
    assert named[4:] == [("post", "all", "all"), ("post", "all", "new")]


def test_customers_with_a_channel_of_their_own_truly_prefer_it_and_where_all_are_alike_there_are_none() -> None:
    right = n = 0
    for seed in range(4):
        messages, true = sent([0.2, 0.25], n=600, per=12, spread=2, seed=seed)
        found = Response(messages)
        own = found.personal(np.full(600, 2))
        rows = np.flatnonzero(own >= 0)
        right += int((true[rows, own[rows]] > true[rows, found.usual(2)]).sum())
        n += len(rows)
    assert n > 100
    assert right / n >= SURE
    messages, _ = sent([0.2, 0.25], n=600, per=12)
    assert (Response(messages).personal(np.full(600, 2)) < 0).all()


def test_the_more_trustworthy_basis_speaks_first_and_only_of_channels_that_were_agreed_to() -> None:
    lot, _ = sent([0.1, 0.4], seed=1)
    other, _ = sent([0.5, 0.1, 0.1], seed=2)
    stage = np.array([2, 0, 2])
    found = Channels.of([Response(lot), Response(other)], stage)
    assert [found.names[i] if i >= 0 else "" for i in found.at] == ["email", "", "email"]
    assert Channels.of([Response(other)], stage).names[int(Channels.of([Response(other)], stage).at[0])] == "app"
    kept = found.agreed(lambda name: np.array([True, True, name != "email"]))
    assert (kept.at >= 0).tolist() == [True, False, False]
    assert [row["customers"] for row in found.figures()] == [2]


def test_few_groups_are_not_fitted_and_a_group_without_messages_has_the_rate_above() -> None:
    assert concentration(np.array([5.0, 1.0]), np.array([10.0, 10.0]), np.array([0.3, 0.3])) == 1.0
    above = Rates(np.array([30.0]), np.array([70.0]))
    found = pooled(np.array([0.0, 300.0]), np.array([0.0, 1000.0]), above, np.zeros(2, np.int64))
    assert found.mean.tolist() == pytest.approx([0.3, 0.3], abs=0.01)
    # Unsure of the rate above and of how much groups differ: wider than the group that has messages.
    assert found.variance[0] > 2 * found.variance[1]


def test_what_is_known_of_the_rate_above_stays_in_doubt() -> None:
    # kappa 10, centre 0.3 with variance v: (3 + 2) / (10 + 10) and its law's variance + (1/2)^2 v.
    centre = Rates(np.array([30.0]), np.array([70.0]))
    found = around(np.array([2.0]), np.array([10.0]), centre, 10.0)
    assert found.mean[0] == pytest.approx(5 / 20)
    assert found.variance[0] == pytest.approx(0.25 * 0.75 / 21 + 0.25 * 0.3 * 0.7 / 101)


def test_the_chance_to_be_the_highest_is_that_of_draws() -> None:
    rates = Rates(np.array([20.0, 30.0, 25.0]), np.array([80.0, 80.0, 75.0]))
    draws = np.random.default_rng(1).beta(rates.a, rates.b, (200_000, 3))
    share = float((draws.argmax(axis=1) == 1).mean())
    assert rates.chance_highest(1) == pytest.approx(share, abs=0.005)
