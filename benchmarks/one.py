"""One customer alone, as an endpoint meets one: from order lines to the reference features.

In: nothing. Out: a line of JSON: for a customer of 500 purchases of one line each, for one whose purchases have several
lines, for one of 20 purchases and for a hundred of them together, the lines and the CPU milliseconds a call, median
over many. A call begins with `Lines`, numbers in memory, not with text, and ends with the values at one cutoff. Run as
`python -m benchmarks.one [CALLS]`.
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

PURCHASES, FEW, CALLS, WARM = 500, 20, 2_000, 50


def customer(lines_an_order: int, seed: int = 1, purchases: int = PURCHASES, customers: int = 1) -> Lines:
    """Somebody with 500 purchases over two years, or several with as many each."""
    rng = np.random.default_rng(seed)
    moments = rng.integers(0, DAYS * DAY_US, (customers, purchases))
    instant = FIRST_DAY * DAY_US + np.sort(moments, axis=1).ravel()
    orders = customers * purchases
    n = orders * lines_an_order
    money = {
        "amount": rng.integers(100, 10_000, n) * (SCALE // 100) * np.where(rng.uniform(size=n) < 0.02, -1, 1),
        "quantity": rng.integers(1, 4, n) * SCALE,
        "discount": np.where(rng.uniform(size=n) < 0.15, SCALE, 0),
    }
    return Lines(
        customer_ids=np.array([f"c{i:03d}" for i in range(customers)], object),
        starts=np.arange(customers + 1) * purchases * lines_an_order,
        time=np.repeat(instant, lines_an_order),
        order=np.repeat(np.arange(orders), lines_an_order),
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
    for customers, purchases, lines_an_order in ((1, PURCHASES, 1), (1, PURCHASES, 3), (1, FEW, 1), (100, FEW, 1)):
        lines = customer(lines_an_order, purchases=purchases, customers=customers)
        said = {"customers": customers, "purchases": purchases, "lines": lines.n_lines}
        found.append({**said, "cpu_ms": milliseconds(lines, calls)})
    print(json.dumps(found))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
