"""A budget and ten caps over a million customers and ten offers: what is gained, against greedy ways and the bound.

In: how many customers and options. Out: a line of JSON: seconds of CPU and memory that Regulars takes, how far it stays
below the bound that no allocation passes, and how far ways that people use stay below it: the best offer of everybody,
highest gain first (naive), and the highest gain for its cost first. All see the same caps and keep to them. The seconds
of a greedy pass are the measure: a slow machine slows both. Run as `python -m benchmarks.allocate [CUSTOMERS OPTIONS]`.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from regulars.offers.allocate import Cap, allocate

CUSTOMERS, OPTIONS = 1_000_000, 10
PERMITTED = 0.7
Floats = NDArray[np.float64]


def world(n: int, k: int, seed: int = 1) -> tuple[Floats, Floats]:
    """Expected gains and costs as offers have them: both grow with what a customer spends; not all are permitted."""
    rng = np.random.default_rng(seed)
    silent, spend = rng.beta(2, 2, n), rng.lognormal(4, 1, n)
    gains, cost = np.empty((n, k)), np.empty((n, k))
    for option in range(k):
        save, extra, share, contact = rng.uniform((0.02, 0.01, 0.0, 0.02), (0.12, 0.1, 0.1, 1.0))
        taken = share * spend * (1 - silent) * rng.uniform(0.3, 0.9, n)
        brought = save * silent * rng.uniform(0.5, 1.5, n) + extra * rng.uniform(0.2, 2.0, n)
        cost[:, option] = contact + taken
        gains[:, option] = 0.3 * spend * brought - cost[:, option] / 2
        gains[rng.random(n) >= PERMITTED, option] = -np.inf
    return gains, cost


def caps_for(gains: Floats, cost: Floats, seed: int = 1) -> list[Cap]:
    """A budget of three tenths of what the best of everybody would cost, and ten caps of which most bind."""
    n, k = gains.shape
    rng = np.random.default_rng(seed)
    best = gains.argmax(axis=1)
    pays = np.flatnonzero(gains[np.arange(n), best] > 0)
    total = float(cost[pays, best[pays]].sum())
    wanted = np.bincount(best[pays], minlength=k)
    each = np.eye(k)
    counts = [
        Cap(f"offer:{option}", float(int(wanted[option] * rng.uniform(0.2, 0.6))), use=each[option])
        for option in range(min(k, 6))
    ]
    money = [
        Cap(f"kind:{one}", total * 0.05, use=each[[one, (one + 3) % k]].sum(axis=0), money=True) for one in range(3)
    ]
    return [Cap("budget", total * 0.3, money=True), Cap("any", len(pays) * 0.5), *counts, *money]


def greedy(gains: Floats, cost: Floats, caps: Sequence[Cap], for_its_cost: bool = False) -> float:
    """What is gained when everybody's best offer is given in turn, as long as the caps allow."""
    n, k = gains.shape
    best = (gains / cost if for_its_cost else gains).argmax(axis=1)
    at = np.arange(n)
    rank = (gains / cost)[at, best] if for_its_cost else gains[at, best]
    queue = np.argsort(-rank, kind="stable")
    queue = queue[gains[queue, best[queue]] > 0]
    use = np.array([cap.of_options(k)[best[queue]] for cap in caps]).reshape(len(caps), len(queue))
    use[np.array([cap.money for cap in caps], bool)] *= cost[queue, best[queue]]
    left, value = [cap.limit for cap in caps], 0.0
    gained = gains[queue, best[queue]].tolist()
    for place, uses in enumerate(use.T.tolist()):
        if all(one <= room for one, room in zip(uses, left, strict=True)):
            left = [room - one for one, room in zip(uses, left, strict=True)]
            value += gained[place]
    return value


def measured(n: int = CUSTOMERS, k: int = OPTIONS) -> dict[str, float]:
    """The figures of one run."""
    gains, cost = world(n, k)
    caps = caps_for(gains, cost)
    # Loads SciPy's solver, whose memory counts and whose loading does not.
    allocate(gains[:2_000], cost[:2_000], [Cap("budget", 10.0, money=True)])
    begun = time.process_time()
    found = allocate(gains, cost, caps)
    seconds = time.process_time() - begun
    # Linux counts in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    begun = time.process_time()
    naive = greedy(gains, cost, caps)
    of_greedy = time.process_time() - begun
    thrifty = greedy(gains, cost, caps, for_its_cost=True)
    over = max(found.used[cap.name] / cap.limit for cap in caps)
    return {
        "customers": n,
        "options": k,
        "caps": len(caps),
        "cpu_s": seconds,
        "greedy_cpu_s": of_greedy,
        "ratio": seconds / of_greedy,
        "peak_mb": peak,
        "gap": found.gap,
        "naive_gap": 1 - naive / found.bound,
        "thrifty_gap": 1 - thrifty / found.bound,
        "fullest": over,
    }


def of_allocate(figures: dict[str, float]) -> str:
    """The figures for people, with the goals beside them."""
    return "\n".join(
        [
            f"{figures['customers']:,.0f} customers x {figures['options']:.0f} options, a budget and "
            f"{figures['caps'] - 1:.0f} caps (goals: gap <= .1 %, <= 10 s, <= 500 MB)",
            f"  Regulars          {100 * figures['gap']:8.3f} % below the bound, {figures['cpu_s']:6.1f} s of CPU "
            f"({figures['ratio']:.2f} x a greedy pass), {figures['peak_mb']:.0f} MB with gains and costs; "
            f"fullest cap at {100 * figures['fullest']:.4f} %",
            f"  highest gain      {100 * figures['naive_gap']:8.3f} % below, {figures['greedy_cpu_s']:6.1f} s of CPU",
            f"  gain for its cost {100 * figures['thrifty_gap']:8.3f} % below",
        ]
    )


if __name__ == "__main__":
    print(json.dumps(measured(*map(int, sys.argv[1:]))))
