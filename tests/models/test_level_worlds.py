"""The level in simulated worlds: it helps where a season repeats, is shrunk where it flips, and idles where none is.

Of silence on the logit, of money and orders on the log.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.models.level import Level
from regulars.models.metrics import log_losses, sigmoid
from regulars.models.sample import Sample
from regulars.models.scales import MONEY, ORDERS, Scale
from regulars.simulation.world import Simulated

from ..worlds import flipping, rows_of, seasonal, steady

H = 90
FIRST, LAST = Cutoff.parse("2021-04-01"), Cutoff.parse("2024-01-01")


@cache
def _rows(world_of: Callable[[int, int], Simulated], n: int, seed: int, every: int) -> Sample:
    return rows_of(world_of(n, seed), _days(every), H)


def _days(every: int) -> list[Cutoff]:
    return [Cutoff(d) for d in range(FIRST.day, LAST.day, every)]


@cache
def _totals(world_of: Callable[[int, int], Simulated], n: int, seed: int, every: int, scale: Scale) -> pd.DataFrame:
    """What is foretold of what came in all, as a log, with and without the twin, on every day that has one."""
    rows = _rows(world_of, n, seed, every)
    found = []
    for day in _days(every):
        train, now = rows.matured_before(day, 0), rows.at((day,))
        if not train.n_rows:
            continue
        z = scale.prior(now)
        level, without = Level.fit(train, now, z, scale=scale), Level.fit(train, now, z, "off", scale=scale)
        if level.twin is None:
            continue
        came = float(scale.target(now).sum())
        missed = [float(np.log(np.exp(z + found.shift).sum() / came)) for found in (level, without)]
        found.append((day.day, *missed, level.weight))
    return pd.DataFrame(found, columns=["day", "with_twin", "without", "weight"])


@cache
def _levels(world_of: Callable[[int, int], Simulated], n: int, seed: int, every: int) -> pd.DataFrame:
    """With and without the twin, on every day that has one: log loss in the window, and the twin's weight."""
    rows = _rows(world_of, n, seed, every)
    found = []
    for day in _days(every):
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
    strongest = found.iloc[int(np.argmax(found["residual"].abs()))]
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


@pytest.mark.parametrize("scale", [MONEY, ORDERS])
def test_where_the_season_repeats_the_twin_brings_totals_close_to_what_comes(scale: Scale) -> None:
    found = _totals(seasonal, 400, 0, 45, scale)
    assert len(found) >= 10
    # The season swings by a factor of six; BG/NBD knows none of it.
    assert found["without"].abs().mean() > 0.35
    # With the first twins there is one year to go by, which some of 400 customers colour; later the season is known.
    assert found["with_twin"].abs().mean() < 0.65 * found["without"].abs().mean()
    assert found["with_twin"].abs().iloc[-6:].mean() < 0.4 * found["without"].abs().iloc[-6:].mean()


@pytest.mark.parametrize("scale", [MONEY, ORDERS])
def test_totals_where_there_is_no_season_stay_where_they_are(scale: Scale) -> None:
    found = _totals(steady, 400, 0, 45, scale)
    assert found["with_twin"].abs().mean() < found["without"].abs().mean() + 0.03


@pytest.mark.parametrize("scale", [MONEY, ORDERS])
def test_where_the_season_flips_the_twin_of_totals_is_shrunk_once_that_has_been_seen(scale: Scale) -> None:
    flips, repeats = _totals(flipping, 400, 0, 45, scale), _totals(seasonal, 400, 0, 45, scale)
    assert flips["weight"].iloc[-2:].max() < 0.5 * repeats["weight"].iloc[-2:].min()
