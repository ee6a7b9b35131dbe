"""What studies tried: a row a trial, and how many there were, which is what repeats a training.

In: the trials of every study of a training. Out: one table. It holds no times, so that the same studies give the same
table. A parameter that a study did not search is missing in its rows; a pruned trial has no rounds, and its loss is the
last that was seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

COLUMNS = ("origin", "target", "number", "state", "loss", "rounds", "chosen")
"""Before the parameters."""
FINAL = "final"
"""The origin of the studies of the model that is kept."""


@dataclass(frozen=True)
class Trial:
    """One try: its number, state, loss on the judging cutoff, rounds, parameters, and whether the model is made so."""

    number: int
    state: str
    loss: float | None
    rounds: int | None
    params: dict[str, float]
    chosen: bool = False


@dataclass(frozen=True)
class Study:
    """The trials of one target at one origin, a date or `final`; none where the rows did not allow a study."""

    origin: str
    target: str
    trials: tuple[Trial, ...]


def table_of(studies: Sequence[Study]) -> pd.DataFrame:
    """One row a trial, in the order in which they ran; parameters in columns of their own.

    No times are in it, so that the same studies give the same table.

    Examples
    --------
    >>> found = table_of([Study("final", "churn", (Trial(0, "COMPLETE", 0.31, 70, {"max_depth": 4}, True),))])
    >>> found.iloc[0].to_dict()["loss"], list(found.columns)[-1]
    (0.31, 'max_depth')
    """
    rows = [
        {"origin": s.origin, "target": s.target, **{n: getattr(t, n) for n in COLUMNS[2:]}, **t.params}
        for s in studies
        for t in s.trials
    ]
    found = pd.DataFrame(rows, columns=list(dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)])))
    return found.astype({"loss": np.float64, "rounds": "Int64"})


def studies_of(origin: str, trials: Mapping[str, tuple[Trial, ...]]) -> tuple[Study, ...]:
    """The studies of one day on which one stands, from their trials by target."""
    return tuple(Study(origin, target, tried) for target, tried in trials.items())


def finished(studies: Sequence[Study]) -> list[int]:
    """How many trials each study finished: written as `tuning.trials`, it repeats the training.

    Examples
    --------
    >>> tried = (Trial(0, "COMPLETE", 0.31, 70, {}, True), Trial(1, "PRUNED", 0.35, None, {}))
    >>> finished([Study("final", "churn", tried), Study("final", "value", ())])
    [2, 0]
    """
    return [len(study.trials) for study in studies]


def repeating(studies: Sequence[Study]) -> str:
    """What to write to have the same again, whatever the clock says then.

    Examples
    --------
    >>> print(repeating([Study("final", "churn", (Trial(0, "COMPLETE", 0.31, 70, {}, True),))]))
    to repeat this to the bit, write into [tuning], in the place of `seconds` and `trials`: trials = [1]
    """
    listed = finished(studies)
    return f"to repeat this to the bit, write into [tuning], in the place of `seconds` and `trials`: trials = {listed}"
