"""Nights of a simulated shop: a model trained on one day, scores published on later ones, the ledger as it grew.

In: a world of `regulars.simulate`, days, a folder. Out: a configuration beside which everything lies, and the ledger as
of any day. What a shop goes through can be changed from a day on: it shrinks, or its customers change their habits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.intake import Ledger
from regulars.pipelines.monitor import Monitored, monitored
from regulars.pipelines.register import train_and_register
from regulars.pipelines.score import champion_of, publish_day, scores_folder
from regulars.simulation.world import Simulated

Change = Callable[[pd.DataFrame], pd.DataFrame]


def unchanged(frame: pd.DataFrame) -> pd.DataFrame:
    """What a steady shop goes through."""
    return frame


@dataclass(frozen=True)
class Nights:
    """A shop and the folder in which its nightly work lies.

    Parameters
    ----------
    world : Simulated
    folder : Path
    horizon_days : int
    change : callable
        What becomes of the purchases before they are read.
    """

    world: Simulated
    folder: Path
    horizon_days: int = 30
    change: Change = unchanged

    def config(self, day: Cutoff) -> Config:
        """The configuration, when the data end before a day."""
        covered: dict[str, object] = {"history_starts": str(self.world.starts), "history_ends": str(day.minus(1))}
        config = self.world.config(
            self.horizon_days,
            data=covered,
            backtest={"origins": 2, "windows": 1},
            tuning={"trials": 0},
            engine={"threads": 1},
        )
        return config.model_copy(update={"folder": self.folder})

    def ledger(self, day: Cutoff) -> Ledger:
        """What was known before a day."""
        frame = self.change(self.world.purchases)
        return Ledger.from_frame(frame[_before(frame, day)], self.config(day))

    def train(self, day: Cutoff) -> None:
        """Train on all that was known before a day; the first model is crowned."""
        train_and_register(self.ledger(day), self.config(day))

    def score(self, days: Sequence[Cutoff]) -> None:
        """Publish the champion's scores of some days, each from what was known then."""
        for day in days:
            config = self.config(day)
            model, registered = champion_of(config)
            publish_day(self.ledger(day), config, model, registered, day, scores_folder(config))

    def monitor(self, day: Cutoff, today: Cutoff) -> Monitored:
        """What monitoring says of what was known before a day."""
        return monitored(self.ledger(day), self.config(day), today)


def shrinking(day: Cutoff, kept: float) -> Change:
    """From a day on only a part of the purchases happens."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        lost = np.random.default_rng(0).random(len(frame)) > kept
        return frame[_before(frame, day) | ~lost].reset_index(drop=True)

    return change


def strangers(day: Cutoff) -> Change:
    """From a day on everybody buys as somebody else did before."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        names = np.unique(frame["customer_id"].to_numpy(object))
        other = dict(zip(names, np.random.default_rng(0).permutation(names), strict=True))
        late = ~_before(frame, day)
        return frame.assign(customer_id=frame["customer_id"].where(~late, frame["customer_id"].map(other)))

    return change


def dearer(day: Cutoff, times: float) -> Change:
    """From a day on everything costs so many times as much."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        factor = np.where(_before(frame, day), 1.0, times)
        return frame.assign(amount=(frame["amount"].astype(float) * factor).round(2))

    return change


def _before(frame: pd.DataFrame, day: Cutoff) -> pd.Series[bool]:
    return frame["purchased_at"].astype(str) < str(day)
