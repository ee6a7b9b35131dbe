"""Worlds of `regulars.simulate` in which the level is what matters: a season that repeats, one that flips, and none.

In: how many customers, a seed. Out: `Simulated`, 1,095 days from 2021-01-01; most purchases fall into the last months
of a year, in the world that flips into the first half of every second one. And what a model stands before on a day.
"""

from __future__ import annotations

from regulars.clock import Cutoff
from regulars.intake import Ledger
from regulars.models.sample import Sample
from regulars.models.splits import holdout
from regulars.pipelines.prepare import prepare, span_of
from regulars.simulation.simulate import simulate
from regulars.simulation.world import Simulated

SEASON = (0.4, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.6, 2.2, 2.6)
"""Purchases by month, before they are brought to a mean of 1."""
DAYS = 1095


def seasonal(n_customers: int = 500, seed: int = 0) -> Simulated:
    """The same season every year."""
    return simulate(n_customers, days=DAYS, starts="2021-01-01", acquisition_days=540, season=SEASON, seed=seed)


def flipping(n_customers: int = 500, seed: int = 0) -> Simulated:
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


def steady(n_customers: int = 500, seed: int = 0) -> Simulated:
    """No season."""
    return simulate(n_customers, days=DAYS, starts="2021-01-01", acquisition_days=540, seed=seed)


def standing(world: Simulated, day: str, horizon_days: int = 90) -> tuple[Sample, Sample]:
    """What there is to learn from on a day, and that day's rows, which have labels."""
    config = world.config(horizon_days, engine={"threads": 1})
    ledger = Ledger.from_frame(world.purchases, config)
    origin = holdout(span_of(ledger, config), Cutoff.parse(day))
    return prepare(ledger, config, [origin]).rows(origin)
