"""The simulator against the laws it claims to follow, and against its own promises about bytes and streams."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import regulars
from regulars.clock import Cutoff
from regulars.errors import ConfigError
from regulars.intake import Ledger
from regulars.simulation.chance import stream_of
from regulars.simulation.lines import split, stamps
from regulars.simulation.processes import PROCESSES, Buyers
from regulars.simulation.season import Season
from regulars.simulation.simulate import simulate
from regulars.simulation.world import Simulated

EVERY = list(PROCESSES)
YEAR = (0.4, 0.4, 0.6, 0.8, 1.0, 1.0, 0.8, 0.8, 1.0, 1.2, 1.6, 2.4)
CUTOFF = "2023-06-01"


def _z(happened: NDArray[np.bool_], p: NDArray[np.float64]) -> float:
    """How many standard errors the count lies from what independent chances p expect."""
    return float((happened - p).sum() / np.sqrt((p * (1 - p)).sum()))


@pytest.mark.parametrize("process", EVERY)
def test_same_arguments_give_the_same_bytes(process: str) -> None:
    arguments: dict[str, Any] = {
        "process": process, "return_rate": 0.2, "lines_per_order": 2.5, "free_rate": 0.1, "guest_rate": 0.1,
        "season": YEAR, "seed": 5,
    }  # fmt: skip
    one, two = simulate(300, **arguments), simulate(300, **arguments)
    pd.testing.assert_frame_equal(one.purchases, two.purchases, check_exact=True)
    pd.testing.assert_frame_equal(one.truth(CUTOFF, 90), two.truth(CUTOFF, 90), check_exact=True)
    pd.testing.assert_frame_equal(one.customers, two.customers, check_exact=True)


def test_another_seed_is_another_world() -> None:
    assert simulate(50, seed=1).orders.at[0] != simulate(50, seed=2).orders.at[0]


@pytest.mark.parametrize(
    "more",
    [
        {"return_rate": 0.3},
        {"lines_per_order": 3.0},
        {"free_rate": 0.5},
        {"guest_rate": 0.5},
        {"value": {"gamma": 9.0}},
    ],
)
def test_what_is_added_leaves_the_times_of_purchases_alone(more: dict[str, Any]) -> None:
    plain, richer = simulate(400, seed=3), simulate(400, seed=3, **more)
    assert plain.orders.at.tobytes() == richer.orders.at.tobytes()
    assert plain.orders.customer.tobytes() == richer.orders.customer.tobytes()
    assert plain.joined.tobytes() == richer.joined.tobytes()
    if "value" not in more:
        assert plain.orders.money.tobytes() == richer.orders.money.tobytes()


def test_a_season_leaves_the_people_alone() -> None:
    even, seasonal = simulate(400, seed=3), simulate(400, seed=3, season=YEAR)
    for name in ("rate", "leaving", "lifetime"):
        assert getattr(even.buyers, name).tobytes() == getattr(seasonal.buyers, name).tobytes()
    assert even.joined.tobytes() == seasonal.joined.tobytes()


@pytest.mark.parametrize("season", [None, YEAR])
@pytest.mark.parametrize("process", EVERY)
def test_the_true_probabilities_come_true(process: str, season: tuple[float, ...] | None) -> None:
    # z is standard normal when the probabilities are right; beyond 4 by chance: 6 in 100,000.
    truth = simulate(8_000, process=process, season=season, seed=11).truth(CUTOFF, 90)
    assert abs(_z(truth["silent"].to_numpy(), truth["p_silent"].to_numpy())) < 4
    assert abs(_z(truth["alive"].to_numpy(), truth["p_alive"].to_numpy())) < 4
    for _, part in truth.groupby(pd.qcut(truth["p_silent"], 4, labels=False)):
        assert abs(_z(part["silent"].to_numpy(), part["p_silent"].to_numpy())) < 4


def _one(rate: float, leaving: float, steps: int = 1, lifetime: float = np.inf, first: bool = False) -> Buyers:
    arrays = [np.array([v]) for v in (rate, leaving, lifetime, np.inf)]
    return Buyers(arrays[0], arrays[1], arrays[2], arrays[3], steps, first)


def _silence(buyers: Buyers, repeats: int, length: float, season: Season | None = None) -> tuple[float, float]:
    found = buyers.silence(np.array([0]), np.array([repeats]), np.array([0.0]), np.array([length]), season or Season())
    return float(found[0][0]), float(found[1][0])


def test_silence_by_hand() -> None:
    e = np.exp
    # Pareto/NBD, rate .1, death rate .05, 10 days: alive e^-1.5; silent (mu + lambda e^-1.5) / (lambda + mu).
    assert _silence(_one(0.1, 0.05, lifetime=7.0), 0, 10) == pytest.approx((e(-1.5), (0.05 + 0.1 * e(-1.5)) / 0.15))
    # BG/NBD: after the first purchase nobody leaves; after a repeat one a quarter does.
    assert _silence(_one(0.1, 0.25), 0, 10) == pytest.approx((e(-1), e(-1)))
    assert _silence(_one(0.1, 0.25), 2, 10) == pytest.approx((0.75 * e(-1), 0.25 + 0.75 * e(-1)))
    # MBG/CNBD-2: the first may be the last; a gap of two steps is longer than 10 with chance e^-1 (1 + 1).
    assert _silence(_one(0.1, 0.25, 2, first=True), 0, 10) == pytest.approx((1.5 * e(-1), 0.25 + 1.5 * e(-1)))


def test_silence_with_a_season_by_hand() -> None:
    # Two days, multipliers 1 and 3, rate .1, death rate .5. Died on day 1: .5/.6 (1 - e^-.6); on day 2, from e^-.6 on
    # with .8 in all: e^-.6 .5/.8 (1 - e^-.8); alive e^-1.4.
    season = Season(np.array([1.0, 3.0]), np.array([0.0, 1.0, 4.0]))
    died = 0.5 / 0.6 * (1 - np.exp(-0.6)) + np.exp(-0.6) * 0.5 / 0.8 * (1 - np.exp(-0.8))
    assert _silence(_one(0.1, 0.5, lifetime=1.0), 0, 2, season) == pytest.approx((np.exp(-1.4), np.exp(-1.4) + died))


def test_gaps_are_gamma_of_k() -> None:
    # A gap times its owner's rate is gamma(k), of mean and variance k, if no gap is cut off by the end or by leaving:
    # at a rate of .9 to 1.1 (r = 1e4) and after 3,000 days the first ten gaps never are.
    parameters = {"r": 1e4, "alpha": 1e4, "a": 1e-9, "b": 1.0, "k": 4}
    world = simulate(500, days=1000, acquisition_days=1, process="mbg_cnbd_k", parameters=parameters)
    first = world.orders.number <= 10
    gaps = np.diff(world.orders.at[first].reshape(500, 11)) * world.buyers.rate[:, None]
    # Standard errors over 5,000 gaps: of the mean 2 / 70.7 = .028, of the variance about .34 (kurtosis 3 + 6/4).
    assert gaps.mean() == pytest.approx(4, abs=0.12)
    assert gaps.var() == pytest.approx(4, abs=0.6)


@pytest.mark.parametrize("process", EVERY)
def test_nobody_buys_after_leaving(process: str) -> None:
    world = simulate(2_000, process=process, seed=4)
    last = pd.Series(world.orders.at).groupby(world.orders.customer).max().to_numpy()
    assert (last <= world._left).all()
    customers = world.customers
    end = np.datetime64(world.ends.date)
    gone = customers["left_at"] < end
    assert (customers["alive"] == ~gone).all()
    assert 0.2 < gone.mean() < 0.8


def test_bg_nbd_keeps_those_who_bought_once_and_mbg_does_not() -> None:
    bg = simulate(2_000, process="bg_nbd").truth(CUTOFF, 30)
    mbg = simulate(2_000, process="mbg_cnbd_k").truth(CUTOFF, 30)
    assert bg.loc[bg["frequency"] == 0, "alive"].all()
    assert not mbg.loc[mbg["frequency"] == 0, "alive"].all()


def test_the_season_moves_purchases_to_its_months_and_shifts() -> None:
    curve = (1.0, 1.0, 1.0, 4.0)  # the last quarter of a year: 4 of 7 parts
    steady: dict[str, Any] = {"parameters": {"s": 1e-3, "beta": 1e6}, "days": 1460, "acquisition_days": 1}
    for shift, busy in ((0.0, [4, 4, 4, 4]), (182.5, [4, 2, 4, 2])):
        world = simulate(3_000, starts="2022-01-01", season=curve, season_shift_days=shift, **steady)
        repeats = world.orders.take((world.orders.number > 0) & (world.orders.at < world.look.days))
        at = pd.Series(stamps(world.starts.day, repeats.at))
        count = at.groupby([at.dt.year, at.dt.quarter]).size().unstack()
        for year, quarter in zip((2022, 2023, 2024, 2025), busy, strict=True):
            # Several thousand purchases a year: a standard error of less than .01 of the share.
            assert count.loc[year, quarter] / count.loc[year].sum() == pytest.approx(4 / 7, abs=0.04)


def test_busy_time_runs_both_ways() -> None:
    season = Season.of(YEAR, 20.0, Cutoff.parse("2021-03-05").day, 1200)
    day = np.linspace(0, 1200, 777)
    np.testing.assert_allclose(season.to_days(season.to_busy(day)), day, atol=1e-9)


def test_lines_sum_to_their_order_exactly() -> None:
    money = np.array([1, 2, 3, 1000, 99_999])
    order, lines = split(np.tile(money, 200), 3.0, stream_of(1, "lines"))
    assert np.bincount(order, lines).tolist() == np.tile(money, 200).tolist()
    assert lines.min() >= 1
    # 1 + Poisson(2) lines where there is money for them: 400 orders, a standard error of .07.
    assert np.bincount(order).reshape(200, 5)[:, 3:].mean() == pytest.approx(3, abs=0.3)


def test_the_frame_says_what_the_orders_say() -> None:
    world = simulate(
        500, return_rate=0.2, lines_per_order=2.0, free_rate=0.3, guest_rate=0.2, acquisition_days=90, seed=8
    )
    lines, orders = world.purchases, world.orders
    assert lines["purchased_at"].is_monotonic_increasing
    assert lines["purchased_at"].max() < pd.Timestamp(world.ends.date)
    seen = orders.at < world.look.days
    named = lines[lines["customer_id"].notna()]
    assert round(named.loc[named["amount"] > 0, "amount"].sum() * 100) == orders.money[seen].sum()
    returned = orders.returned[orders.returned_at < world.look.days].sum()
    assert round(-named.loc[named["amount"] < 0, "amount"].sum() * 100) == returned > 0
    assert named.loc[named["amount"] > 0, "order_id"].nunique() == seen.sum()
    assert lines["customer_id"].isna().sum() > 0
    assert (lines["amount"] == 0).sum() > 0
    first = named[named["amount"] > 0].groupby("customer_id")["purchased_at"].min()
    assert (first.to_numpy() == world.customers["first_purchase"].to_numpy()).all()
    assert first.max() < pd.Timestamp("2022-04-01")


def test_the_truth_counts_what_the_lines_say() -> None:
    world = simulate(400, return_rate=0.3, days=730, future_days=0, seed=9)
    truth = world.truth("2023-09-01", 90).set_index("customer_id")
    lines = world.purchases
    window = lines[(lines["purchased_at"] >= "2023-09-01") & (lines["purchased_at"] < "2023-11-30")]
    spend = window.groupby("customer_id")["amount"].sum().reindex(truth.index, fill_value=0.0)
    bought = window[window["amount"] > 0].groupby("customer_id").size().reindex(truth.index, fill_value=0)
    np.testing.assert_allclose(truth["spend"], spend, atol=1e-6)
    assert (truth["orders"] == bought).all()
    assert (truth["silent"] == (bought == 0)).all()
    assert (window["amount"] < 0).any()


def test_money_has_the_decimals_of_the_currency() -> None:
    for decimals, unit in ((0, 1), (2, 100), (4, 10_000)):
        amount = simulate(100, decimals=decimals).purchases["amount"] * unit
        np.testing.assert_allclose(amount, amount.round(), atol=1e-6)


def test_a_ledger_takes_the_purchases_as_they_are() -> None:
    world = simulate(200, return_rate=0.1, lines_per_order=1.5, free_rate=0.1, guest_rate=0.1, days=400)
    ledger = Ledger.from_frame(world.purchases, world.config(60))
    lines = ledger.manifest.lines
    assert lines["used"] + lines["guest"] == len(world.purchases)
    assert lines["guest"] == world.purchases["customer_id"].isna().sum() > 0
    assert (ledger.history_starts, ledger.ends) == (world.starts, world.ends)
    assert world.config(60, tuning={"trials": 3}).tuning.trials == 3


def test_it_shows_itself() -> None:
    world = simulate(1_000, days=365, seed=2)
    assert "ParetoNbd(r=0.9" in repr(world)
    assert "2022-01-01 to 2022-12-31, 365 days" in repr(world)
    assert "<th>customers</th><td>1,000, of whom" in world._repr_html_()


def test_it_is_public() -> None:
    assert regulars.simulate is simulate
    assert isinstance(regulars.simulate(5), Simulated)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"process": "pareto"}, "RG195", "did you mean `pareto_nbd`"),
        ({"parameters": {"alfa": 3.0}}, "RG195", "did you mean `alpha`"),
        ({"process": "bg_nbd", "parameters": {"s": 1.0}}, "RG195", "no parameter of `bg_nbd`"),
        ({"parameters": {"r": 0.0}}, "RG196", "r = 0.0"),
        ({"process": "mbg_cnbd_k", "parameters": {"k": 1.5}}, "RG196", "k = 1.5"),
        ({"value": {"q": 0.9}}, "RG196", "q above 1"),
        ({"value": {"shape": 2.0}}, "RG195", "no parameter of the value"),
        ({"n_customers": 0}, "RG196", "n_customers = 0"),
        ({"return_rate": 1.5}, "RG196", "return_rate = 1.5"),
        ({"acquisition_days": 800}, "RG196", "acquisition_days = 800"),
        ({"season": (1.0, -1.0)}, "RG196", "season = (1.0, -1.0)"),
        ({"season_shift_days": 182.0}, "RG196", "season_shift_days = 182.0"),
        ({"starts": "2022"}, "RG010", "YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(ConfigError, match=code) as caught:
        simulate(**arguments)
    assert words in str(caught.value)


def test_a_window_that_was_not_simulated_is_refused() -> None:
    world = simulate(10, days=100, future_days=50)
    assert len(world.truth("2022-04-11", 50)) > 0  # ends with the last day simulated
    with pytest.raises(ConfigError, match="RG197"):
        world.truth("2022-04-12", 50)
    with pytest.raises(ConfigError, match="RG197"):
        world.truth("2022-01-01", 50)


# --- value ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("season", [None, YEAR])
@pytest.mark.parametrize("process", ["pareto_nbd", "bg_nbd"])
def test_what_is_expected_comes_true_with_returns_margin_and_discounting(
    process: str, season: tuple[float, ...] | None
) -> None:
    # The differences are independent of each other with mean 0, so their sum lies within 4 deviations.
    world = simulate(3000, process=process, season=season, return_rate=0.3, return_delay_days=40.0, seed=6)
    value = world.value_truth(CUTOFF, 200, margin=0.4, discount_rate=0.2)
    missed = (value["realised"] - value["expected"]).to_numpy()
    assert abs(missed.sum()) < 4 * np.sqrt(np.square(missed).sum())
    assert value["customer_id"].tolist() == world.truth(CUTOFF, 200)["customer_id"].tolist()


def test_regular_gaps_are_expected_from_where_the_last_one_stands() -> None:
    world = simulate(400, process="mbg_cnbd_k", future_days=0, seed=6)
    value = world.value_truth(CUTOFF, 60)
    missed = (value["realised"] - value["expected"]).to_numpy()
    assert abs(missed.sum()) < 4 * np.sqrt(np.square(missed).sum())


def test_expected_purchases_by_hand() -> None:
    edges, which, zero = np.array([0.0, 10.0, 20.0]), np.array([0]), np.array([0.0])
    e = np.exp
    # Pareto/NBD, rate .1, death rate .05: .1 / .05 (1 - e^-.5), then (e^-.5 - e^-1).
    pareto = _one(0.1, 0.05, lifetime=7.0).bought(which, which, zero, edges, Season())[0]
    assert pareto == pytest.approx([2 * (1 - e(-0.5)), 2 * (e(-0.5) - e(-1))])
    # BG/NBD, a quarter leaves after each purchase: (1 - e^(-.25 x .1 t)) / .25.
    bg = _one(0.1, 0.25).bought(which, which, zero, edges, Season())[0]
    assert bg == pytest.approx([4 * (1 - e(-0.25)), 4 * (e(-0.25) - e(-0.5))])
    # Gaps of one step that are counted in two ways: MBG/CNBD-1 is BG/NBD from a purchase on that was not the last.
    two = _one(0.1, 1.0 - 1e-12, 2, first=True).bought(which, which, zero, edges, Season())[0]
    assert two.cumsum() == pytest.approx([1 - 2 * e(-1), 1 - 3 * e(-2)])  # P(gamma(2) <= 1) and <= 2: at most one


def test_realised_value_by_hand() -> None:
    world = simulate(50, return_rate=0.5, seed=3)
    day, orders = float(Cutoff.parse(CUTOFF).day - world.starts.day), world.orders
    value = world.value_truth(CUTOFF, 100, margin=0.5, discount_rate=0.1).set_index("customer_id")["realised"]
    total = 0.0
    for at, back_at, money, back in zip(orders.at, orders.returned_at, orders.money, orders.returned, strict=True):
        total += 0.5 * money / 100 * 1.1 ** (-(at - day) / 365) * (day <= at < day + 100)
        total -= 0.5 * back / 100 * 1.1 ** (-(min(back_at, 1e6) - day) / 365) * (day <= back_at < day + 100)
    newer = world.joined >= day  # who comes later is not among those who had bought
    rest = sum(
        0.5 * m / 100 * 1.1 ** (-(a - day) / 365) * (day <= a < day + 100)
        - 0.5 * b / 100 * 1.1 ** (-(min(t, 1e6) - day) / 365) * (day <= t < day + 100)
        for c, a, t, m, b in zip(
            orders.customer, orders.at, orders.returned_at, orders.money, orders.returned, strict=True
        )
        if newer[c]
    )
    assert value.sum() == pytest.approx(total - rest)


def test_a_margin_above_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="RG196"):
        simulate(5).value_truth(CUTOFF, 10, margin=1.5)
