"""Does what `regulars whatif` says hold? On worlds whose truth is known, and on past days of real shops.

In: how many worlds, how many customers each. Out: Markdown on the screen. Of one point less silence the truth is
counted by doing it: each silent customer of a world is made a customer of that day who buys within the window, with the
rates that are really his. Of the years to come it is what the same customers really bring.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regulars.clock import Cutoff
from regulars.intake import Ledger, build_ledger
from regulars.models.doubt import alike, covariance
from regulars.models.prior import Prior
from regulars.models.tail import Tail
from regulars.pipelines.whatif_parts import DRAWS, prior_of
from regulars.pipelines.whatif_read import Stand, net_share, purchases_before
from regulars.relations.future import Future
from regulars.relations.level import Level
from regulars.relations.levers import Levers, WhatIf
from regulars.relations.saved import timing_of
from regulars.relations.silence import NORMAL_80, YEAR, Present, worth_of
from regulars.simulation.simulate import simulate
from regulars.simulation.world import Simulated

from .accuracy.sets import Missing, cdnow, given, retail

Float = NDArray[np.float64]

WINDOW, DAYS, YEARS, RATE = 90, 900, 5, 0.1
WORLDS: dict[str, tuple[str, dict[str, float] | None]] = {
    "Pareto/NBD": ("pareto_nbd", None),
    "Pareto/NBD, unlike customers": ("pareto_nbd", {"r": 0.5, "alpha": 20.0, "s": 0.6, "beta": 80.0}),
    "BG/NBD": ("bg_nbd", None),
    "BG/NBD, alike customers": ("bg_nbd", {"r": 2.0, "alpha": 60.0, "a": 1.0, "b": 3.0}),
}
SEGMENTS = ("unlikely silent", "in between", "likely silent")


@dataclass(frozen=True)
class Judged:
    """Ratios to the truth of a world's segment, whether the interval held it; of all rows of five years likewise."""

    said: float
    by_model: float
    as_seen: float
    held: bool


def gains(world: Simulated, now: float) -> Float:
    """What it brings each customer in a year to be one at a time and to buy within the window, with his own rates.

    Pareto/NBD and BG/NBD in closed form, given rates; in currency, less what he is expected to bring if silent.
    """
    rate, leaves = np.maximum(world.buyers.rate, 1e-10), np.maximum(world.buyers.leaving, 1e-10)
    left = world.customers["left_at"].to_numpy("datetime64[s]")
    end = np.datetime64(str(world.starts), "s") + np.timedelta64(int((now + WINDOW) * 86_400), "s")
    still = np.isnat(left) | (left > end)
    if np.isfinite(world.buyers.lifetime).any():
        both = rate + leaves
        reaches = both / rate * np.expm1(-rate * WINDOW) / np.expm1(-both * WINDOW)
        first = 1 + rate / leaves * (1 - np.exp(-leaves * YEAR) * reaches)
        later = -rate / leaves * np.expm1(-leaves * (YEAR - WINDOW))
    else:
        leaves = np.minimum(leaves, 1 - 1e-10)
        stays = 1 - leaves
        reaches = np.expm1(-rate * stays * WINDOW) / (stays * np.expm1(-rate * WINDOW))
        first = 1 + stays / leaves * (1 - np.exp(-rate * leaves * YEAR) * reaches)
        later = -np.expm1(-rate * leaves * (YEAR - WINDOW)) / leaves
    return np.asarray(world.means * (first - np.where(still, later, 0.0)))


def silence(world: Simulated, ledger: Ledger) -> Iterator[tuple[str, Judged]]:
    """One point less silence of each third of the customers by their chance of silence, against the truth."""
    day = world.ends
    purchases = purchases_before(ledger, day)
    stand, then = (Stand.of(purchases, d, None) for d in (day, day.minus(YEAR)))
    here, before = _present(stand), _present(then)
    level = Level.unseen(net_share(purchases, day)).seen(
        before.found, before.value, then.bought(purchases, WINDOW), then.spend(purchases, YEAR)
    )
    place = np.searchsorted(np.quantile(here.p_silent, (1 / 3, 2 / 3)), here.p_silent).astype(np.int64)
    truth = world.truth(day, WINDOW)
    ids = purchases.ids[stand.customer].astype(str)
    order = np.searchsorted(truth["customer_id"].to_numpy(str), ids)
    silent = truth["silent"].to_numpy()[order]
    number = np.searchsorted(world.customers["customer_id"].to_numpy(str), ids)
    gain = gains(world, float(day.day - world.starts.day))[number]
    for found in worth_of(here, place, SEGMENTS, level, net_share(purchases, day), 1.0):
        rows = (place == SEGMENTS.index(found.segment)) & silent
        weight = 1.0 - here.p_silent[rows]
        true = float((weight * gain[rows]).sum() / weight.sum())
        ratio = (found.each or np.nan) / true
        held = abs(np.log(ratio)) <= NORMAL_80 * found.deviation
        yield found.segment, Judged(ratio, (found.model or np.nan) / true, (found.seen or np.nan) / true, bool(held))


def _present(stand: Stand) -> Present:
    prior = prior_of(stand)
    timing = timing_of(prior)
    assert timing is not None
    return Present.of(stand.summary, prior, timing, WINDOW)


def expected(stand: Stand, prior: Prior, net: float, years: int) -> tuple[Float, float]:
    """Discounted net spend by year, and the deviation of the log of the total that is told without scores."""
    model = prior.pareto
    assert model is not None
    tail = Tail(timing_of(prior) or model, prior.gamma, prior.mean_value)
    force = float(np.log1p(RATE)) / 365.0
    value = net * tail.spend(stand.summary, (0.0, 1095.0), force)[:, 0]
    future = Future(model, stand.summary.T, value, 1095, years, force)
    models = tuple(alike(model, covariance(model, stand.summary), DRAWS))
    error = float(np.hypot(tail.doubt(stand.summary, (0.0, 1095.0), force), 0.1))
    place, alive = np.zeros(len(value), np.int64), model.p_alive(stand.summary)
    rows = WhatIf(future, alive, place, ("all",), Levers(frequency=1.0), 1.0, error, models).table("net spend").rows
    low, high, difference = (float(rows[-1][name] or 0) for name in ("low", "high", "difference"))
    return future.margin.sum(axis=0), float(np.log(high / low) / (2 * NORMAL_80)) if difference > 0 else np.nan


def in_worlds(worlds: int, customers: int) -> None:
    """Both against the truth of worlds."""
    print("| world | part | said : true | by model : true | as seen : true | 80 % interval held |")
    print("|---|---|---|---|---|---|")
    for name, (process, parameters) in WORLDS.items():
        told: dict[str, list[Judged]] = {}
        years = []
        for seed in range(worlds):
            world = simulate(
                customers, days=DAYS, future_days=365 * YEARS, process=process, parameters=parameters, seed=seed
            )
            ledger = Ledger.from_frame(world.purchases, world.config(WINDOW))
            for segment, judged in silence(world, ledger):
                told.setdefault(segment, []).append(judged)
            stand = Stand.of(purchases_before(ledger, world.ends), world.ends, None)
            total, deviation = expected(stand, prior_of(stand), 1.0, YEARS)
            true = float(world.value_truth(world.ends, 365 * YEARS, discount_rate=RATE)["expected"].sum())
            ratio = float(total.sum()) / true
            years.append(Judged(ratio, np.nan, np.nan, abs(np.log(ratio)) <= NORMAL_80 * deviation))
        for part, found in {**told, "five years": years}.items():
            print(f"| {name} | {part} | {_spread([f.said for f in found])} | {_spread([f.by_model for f in found])} | "
                  f"{_spread([f.as_seen for f in found])} | {np.mean([f.held for f in found]):.0%} |")  # fmt: skip


def _spread(values: list[float]) -> str:
    return "-" if np.isnan(values).all() else f"{np.mean(values):.2f} (+- {np.std(values):.2f})"


def looking_back(folder: Path) -> None:
    """What was expected of the customers of past days within a year, and what came."""
    print("\n| data | day | customers | expected in a year | came | ratio | level seen |")
    print("|---|---|---|---|---|---|---|")
    sets = {
        "CDNOW": (lambda: cdnow(_made(folder / "cdnow")), ("1997-04-01", "1997-05-01", "1997-06-01", "1997-07-01")),
        "Online Retail II": (
            lambda: retail(_made(folder / "retail"), given("online_retail_2.parquet")),
            ("2010-06-01", "2010-09-01", "2010-12-01", "2010-12-10"),
        ),
    }
    for name, (config, days) in sets.items():
        try:
            ledger = build_ledger(config())
        except Missing as missing:
            print(f"| {name} | {missing} | | | | | |")
            continue
        purchases = purchases_before(ledger, ledger.ends)
        for day in map(Cutoff.parse, days):
            stand, net = Stand.of(purchases, day, None), net_share(purchases, day)
            here, came = _present(stand), stand.spend(purchases, YEAR)
            said = net * float((here.value * here.timing.expected_purchases(stand.summary, YEAR)).sum())
            level = Level.unseen(net).seen(here.found, here.value, stand.bought(purchases, WINDOW), came)
            print(f"| {name} | {day} | {len(came):,} | {said:,.0f} | {came.sum():,.0f} | {said / came.sum():.2f} | "
                  f"{level.level / net:.2f} (+- {level.error / net:.2f}) |")  # fmt: skip


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=40)
    parser.add_argument("--customers", type=int, default=3000)
    given_ = parser.parse_args()
    in_worlds(given_.worlds, given_.customers)
    with tempfile.TemporaryDirectory() as folder:
        looking_back(Path(folder))


if __name__ == "__main__":
    main()
