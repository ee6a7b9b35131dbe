"""The level in simulated worlds: it helps where a season repeats, is shrunk where it flips, and idles where none is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.models.level import Level
from regulars.models.metrics import log_losses, sigmoid
from regulars.simulation.world import Simulated

from ..worlds import flipping, rows_of, seasonal, steady

H = 90
FIRST, LAST = Cutoff.parse("2021-04-01"), Cutoff.parse("2024-01-01")


@cache
def _levels(world_of: Callable[[int, int], Simulated], n: int, seed: int, every: int) -> pd.DataFrame:
    """With and without the twin, on every day that has one: log loss in the window, and the twin's weight."""
    days = [Cutoff(d) for d in range(FIRST.day, LAST.day, every)]
    rows = rows_of(world_of(n, seed), days, H)
    found = []
    for day in days:
        train, now = rows.matured_before(day, 0), rows.at((day,))
        if not train.n_rows:
            continue
        z = now.silent
        level, without = Level.fit(train, now, z), Level.fit(train, now, z, "off")
        if level.twin is None:
            continue
        losses = [float(log_losses(now.churned, sigmoid(z + found.shift)).mean()) for found in (level, without)]
        found.append((day.day, *losses, level.weight, level.residual))
    return pd.DataFrame(found, columns=["day", "with_twin", "without", "weight", "residual"])


def test_where_the_season_repeats_the_twin_helps() -> None:
    found = _levels(seasonal, 400, 0, 45)
    assert len(found) >= 10
    assert found["with_twin"].mean() < 0.98 * found["without"].mean()
    # Just before the high season it matters most: BG/NBD expects far too much silence.
    strongest = found.loc[found["residual"].abs().idxmax()]
    assert strongest["with_twin"] < 0.95 * strongest["without"]
    assert found["weight"].iloc[-1] > 0.7


def test_where_the_season_flips_the_twin_is_shrunk_once_that_has_been_seen() -> None:
    flips, repeats = _levels(flipping, 400, 0, 45), _levels(seasonal, 400, 0, 45)
    # Before the first flip nobody can know; on the last days a year of pairs that disagree has been seen.
    assert flips["weight"].iloc[-2:].max() < 0.5 * repeats["weight"].iloc[-2:].min()
    assert flips["weight"].iloc[-1] < 0.6 * flips["weight"].max()
    assert flips["with_twin"].iloc[-2:].mean() < 1.02 * flips["without"].iloc[-2:].mean()


def test_where_there_is_no_season_the_twin_changes_next_to_nothing() -> None:
    found = _levels(steady, 400, 0, 45)
    assert found["with_twin"].mean() == pytest.approx(found["without"].mean(), rel=0.01)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_at_full_counts_the_three_worlds_are_told_apart(seed: int) -> None:
    repeats, flips, none = (_levels(world, 2_000, seed, 30) for world in (seasonal, flipping, steady))
    assert repeats["with_twin"].mean() < 0.97 * repeats["without"].mean()
    assert none["with_twin"].mean() == pytest.approx(none["without"].mean(), rel=0.005)
    assert flips["weight"].iloc[-3:].max() < 0.5 * repeats["weight"].iloc[-3:].min()
    assert np.mean(flips["with_twin"].iloc[-3:]) < 1.02 * np.mean(flips["without"].iloc[-3:])
