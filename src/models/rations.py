"""What the studies of one training may spend: trials and time, handed out in the order in which they run.

In: trials, one number for all studies or one each; how many studies there will be; perhaps seconds for all of them
together. Out: each study's own share. A study gets an equal part of the time that is left, so that what one does not
need the later ones have, the final model's last of all; the clock stands still between studies.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ..errors import ConfigError

T = TypeVar("T")
STUDIES = 2
"""On each day on which one stands: churn and value."""


class Rations:
    """Shares of trials and time.

    Parameters
    ----------
    trials : int or sequence of int
        How many trials each study may finish; a list repeats a training whose studies ended so.
    studies : int
        How many studies will run.
    seconds : float, optional
        For all studies together.
    spare : int, default=0
        A list may be longer by so many: a backtest alone has no final model.

    Raises
    ------
    ConfigError
        When as many numbers are not listed as studies will run.

    Examples
    --------
    >>> rations = Rations([10, 7], studies=2)
    >>> [rations.study(lambda trials, seconds: (trials, seconds)) for _ in range(2)]
    [(10, None), (7, None)]
    """

    def __init__(self, trials: int | Sequence[int], studies: int, seconds: float | None = None, spare: int = 0) -> None:
        each = (trials,) * studies if isinstance(trials, int) else tuple(trials)
        if len(each) not in {studies, studies + spare}:
            raise ConfigError(
                f"`tuning.trials` lists {len(each)} numbers, and {studies} studies will run",
                needed="one number per study: churn and value at each origin in turn, then of the final model",
                do="write the list that the training printed, with the data and the origins it had; or one number",
                offending=each[:8],
                code="RG166",
            )
        self._trials, self._seconds, self._run = each[:studies], seconds, 0

    def study(self, run: Callable[[int, float | None], T]) -> T:
        """What a study gives that is run with the next share: trials, and seconds if they are limited."""
        left = len(self._trials) - self._run
        share = None if self._seconds is None else max(self._seconds / left, 0.0)
        trials, began = self._trials[self._run], time.monotonic()
        self._run += 1
        found = run(trials, share)
        if self._seconds is not None:
            self._seconds -= time.monotonic() - began
        return found
