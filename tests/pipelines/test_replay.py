"""A shop's past lived again, week by week: what monitoring looks back on came true, and catching up gives the same."""

from __future__ import annotations

import itertools
import math

import pandas as pd
import pytest

from benchmarks.replay import Replay, cut, monthly, replayed
from regulars.clock import Cutoff
from regulars.config import Config

from ..simulated import FIRST, PLANTED, purchases, written

HORIZON, WEEKS = 14, 12


pytestmark = pytest.mark.soak  # That catching up is the live run, is shown by test_catch_up with less.


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Replay, pd.DataFrame]:
    """Twelve weeks, with a training in every fourth, and the purchases as they came to be known."""
    folder = tmp_path_factory.mktemp("replay")
    frame = purchases(160, 330)
    toml = "\n[scores]\nevery_days = 7\n"
    file = written(folder, frame, toml, HORIZON)
    file.write_text(file.read_text().replace("purchases.csv", "purchases.parquet"))
    (folder / "purchases.csv").unlink()
    dated = frame.assign(purchased_at=pd.to_datetime(frame["purchased_at"]))
    first = Cutoff.parse(str(FIRST.date())).plus(330 - 7 * WEEKS)
    source = cut(dated, "purchased_at", folder / "purchases.parquet")
    return replayed(source, Config.load(file), first, first.plus(7 * (WEEKS - 1)), monthly), dated


def test_every_week_is_scored_by_whoever_was_champion_then(lived: tuple[Replay, pd.DataFrame]) -> None:
    found, _ = lived
    days = [Cutoff.parse(week.as_of) for week in found.weeks]
    assert len(days) == WEEKS
    assert all(later == earlier.plus(7) for earlier, later in itertools.pairwise(days))
    assert found.weeks[0].trained == found.weeks[0].version == "1"
    assert found.weeks[0].gate == "promoted"


def test_what_came_of_a_week_is_what_the_purchases_say(lived: tuple[Replay, pd.DataFrame]) -> None:
    # The slow way: of all who had bought before the day, how many bought nothing in the fortnight after it.
    found, frame = lived
    week = found.weeks[0]
    day, sold = pd.Timestamp(week.as_of), frame[frame["amount"] >= 0]
    known = set(frame.loc[frame["purchased_at"] < day, "customer_id"])
    window = sold["purchased_at"].between(day, day + pd.Timedelta(days=HORIZON), inclusive="left")
    silent = known - set(sold.loc[window, "customer_id"])
    assert week.customers == len(known)
    assert week.came == pytest.approx(len(silent) / len(known), abs=1e-9)
    assert week.told == pytest.approx(week.came, abs=0.15)


def test_only_windows_that_have_closed_have_an_outcome(lived: tuple[Replay, pd.DataFrame]) -> None:
    # On the last night the purchases end at its midnight: of it and of the night before less than a fortnight is known.
    closed = [not math.isnan(week.came) for week in lived[0].weeks]
    assert closed == [True] * (WEEKS - 2) + [False] * 2


def test_catching_up_on_all_nights_but_the_first_gives_the_same_bytes(lived: tuple[Replay, pd.DataFrame]) -> None:
    found, _ = lived
    assert (found.caught_up, found.differing) == (WEEKS - 1, ())
    assert PLANTED not in repr(found)
