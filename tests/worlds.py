"""Worlds of `regulars.simulate` in which the level is what matters: a season that repeats, one that flips, and none.

In: how many customers, a seed. Out: `Simulated`, 1,095 days from 2021-01-01; most purchases fall into the last months
of a year, in the world that flips into the first half of every second one. And rows as the level sees them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regulars.clock import Cutoff
from regulars.features.history import Future
from regulars.features.panel import Label, Panel, Rhythm, Totals
from regulars.models.bg_nbd import BgNbd
from regulars.models.prior import PriorColumns
from regulars.models.sample import Sample
from regulars.models.summary import Summary
from regulars.simulation.simulate import simulate
from regulars.simulation.world import Simulated

SEASON = (0.4, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.6, 2.2, 2.6)
"""Purchases by month, before they are brought to a mean of 1."""
DAYS = 1095


def seasonal(n_customers: int = 1000, seed: int = 0) -> Simulated:
    """The same season every year."""
    return simulate(n_customers, days=DAYS, starts="2021-01-01", acquisition_days=540, season=SEASON, seed=seed)


def flipping(n_customers: int = 1000, seed: int = 0) -> Simulated:
    """What is high season one year is low season the next."""
    shift = 182.5
    return simulate(
        n_customers,
        days=DAYS,
        starts="2021-01-01",
        acquisition_days=540,
        season=SEASON,
        season_shift_days=shift,
        seed=seed,
    )


def steady(n_customers: int = 1000, seed: int = 0) -> Simulated:
    """No season."""
    return simulate(n_customers, days=DAYS, starts="2021-01-01", acquisition_days=540, seed=seed)


def rows_of(world: Simulated, days: Sequence[Cutoff], horizon_days: int = 90) -> Sample:
    """Everybody on each of some days, with what BG/NBD, fitted on that day, says of the window, and what happens in it.

    Straight from the truth: no ledger, one feature that says nothing, no Pareto/NBD, one mean value for all purchases.
    """
    parts = [_rows(world, day, horizon_days) for day in days]
    count = [len(part[0]) for part in parts]
    customer, silent, expected, value, orders, spend = (np.concatenate(c) for c in zip(*parts, strict=True))
    day = np.repeat([d.day for d in days], count)
    order, n = np.lexsort((day, customer)), len(day)
    zeros, none, label = np.zeros(n), np.full(n, np.nan), Label(horizon_days)
    panel = Panel(
        ("nothing",),
        customer[order].astype(object),
        day[order],
        np.zeros((1, n), np.float32),
        Rhythm(*[zeros] * 5),
        Totals(zeros, zeros, {horizon_days: zeros}),
        {
            label: Future(
                orders[order].astype(np.int32), spend[order], np.where(orders[order] > 0, 0, -1).astype(np.int32)
            )
        },
    )
    says = PriorColumns(silent[order], none, expected[order], none, value[order])
    return Sample(panel, {horizon_days: says}, label, world.starts)


def _rows(world: Simulated, day: Cutoff, horizon_days: int) -> tuple[NDArray[Any], ...]:
    truth = world.truth(day, horizon_days)
    seen = Summary(*(truth[name].to_numpy() for name in ("frequency", "recency", "T", "value", "n_valued")))
    fitted, known = BgNbd.fit(seen), seen.n_valued > 0
    value = np.full(len(truth), seen.value[known].mean())
    says = fitted.p_no_purchase(seen, horizon_days), fitted.expected_purchases(seen, horizon_days), value
    return truth["customer_id"].to_numpy(str), *says, truth["orders"].to_numpy(), truth["spend"].to_numpy()
