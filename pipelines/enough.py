"""The verdict before training: is there enough to learn from and to be judged on? Stated before anything is computed.

In: a ledger and a configuration. Out: `Enough`, handed to whoever wants to tell it; too little ends here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..clock import Cutoff
from ..config import Config
from ..examination.enough import Enough, enough_for
from ..intake import Ledger
from ..models.backtest import Backtest
from .prepare import span_of

Stated = Callable[[Enough], None]
"""Tells the verdict."""


def enough_to_train(
    ledger: Ledger, config: Config, holdout: Cutoff | None = None, stated: Stated | None = None
) -> Enough:
    """The verdict, if it is favourable.

    Parameters
    ----------
    ledger : Ledger
    config : Config
    holdout : Cutoff, optional
        The one day on which to be judged, instead of rolling origins.
    stated : callable, optional
        Called with the verdict.

    Raises
    ------
    NotEnoughData
        With counts, what to change, and what would do.
    """
    found = enough_for(ledger, config, span_of(ledger, config), holdout).check()
    if stated is not None:
        stated(found)
    return found


def with_verdict(found: Backtest, enough: Enough) -> Backtest:
    """A backtest whose figures hold the verdict under which it was made."""
    return replace(found, figures={**found.figures, "enough": enough.figures()})
