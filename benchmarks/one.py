"""One customer alone, as an endpoint meets one: from order lines to the reference features.

In: nothing. Out: a line of JSON: for a customer of 500 purchases of one line each, and for one whose purchases have
several lines, the lines and the CPU milliseconds a call, median over many. A call begins with `Lines`, numbers in
memory, not with text, and ends with the values at one cutoff. Run as `python -m benchmarks.one [CALLS]`.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

import numpy as np

from regulars.clock import DAY_US, Cutoff
from regulars.features.history import History
from regulars.features.lines import Lines
from regulars.features.panel import panel_block
from regulars.features.reference import Reference
from regulars.schema import SCALE, Rules

from .job import DAYS, FIRST_DAY
from .kernel import plan_of_the_80

PURCHASES, CALLS, WARM = 500, 2_000, 50


def customer(lines_an_order: int, seed: int = 1) -> Lines:
    """Somebody with 500 purchases over two years."""
    rng = np.random.default_rng(seed)
    instant = FIRST_DAY * DAY_US + np.sort(rng.integers(0, DAYS * DAY_US, PURCHASES))
    n = PURCHASES * lines_an_order
    money = {
        "amount": rng.integers(100, 10_000, n) * (SCALE // 100) * np.where(rng.uniform(size=n) < 0.02, -1, 1),
        "quantity": rng.integers(1, 4, n) * SCALE,
        "discount": np.where(rng.uniform(size=n) < 0.15, SCALE, 0),
    }
    return Lines(
        customer_ids=np.array(["c"], object),
        starts=np.array([0, n]),
        time=np.repeat(instant, lines_an_order),
        order=np.repeat(np.arange(PURCHASES), lines_an_order),
        money=money,
        codes={"category": rng.integers(0, 60, n)},
    )


def milliseconds(lines: Lines, calls: int) -> float:
    """CPU of a call, median."""
    plan, reference, cutoffs = plan_of_the_80(), Reference.empty(), [Cutoff(FIRST_DAY + DAYS)]
    rules, starts, spent = Rules("UTC"), Cutoff(FIRST_DAY), []
    for call in range(WARM + calls):
        begun = time.process_time_ns()
        panel_block(History(lines, rules, starts), plan, reference, cutoffs)
        if call >= WARM:
            spent.append(time.process_time_ns() - begun)
    return statistics.median(spent) / 1e6


def main(calls: int = CALLS) -> None:
    """Measure and print."""
    found = []
    for lines_an_order in (1, 3):
        lines = customer(lines_an_order)
        found.append({"purchases": PURCHASES, "lines": lines.n_lines, "cpu_ms": milliseconds(lines, calls)})
    print(json.dumps(found))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
