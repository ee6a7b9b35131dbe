"""Examine the model on the user's own past: ledger -> rolling origins -> figures and out-of-time predictions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..clock import Cutoff
from ..config import Config
from ..intake import Ledger
from ..models.backtest import Backtest, backtest
from ..models.splits import Origin, holdout, origins
from ..progress import Progress
from .prepare import Prepared, prepare, recipe_of, span_of


def run_backtest(
    ledger: Ledger,
    config: Config,
    cutoff: Cutoff | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Backtest:
    """Judge by rolling origins, or by a strict holdout at one cutoff.

    Raises
    ------
    NotEnoughData
        When the history is too short, or one outcome too rare.
    """
    notes: list[str] = []
    if cutoff is None:
        chosen = origins(span_of(ledger, config), config.backtest.origins)
    else:
        ledger, notes = _covering(ledger, config, cutoff)
        chosen = (holdout(span_of(ledger, config), cutoff),)
    prepared = prepare(ledger, config, cutoffs_of(chosen), [o.cutoff for o in chosen], cache, progress)
    found = examine(prepared, chosen, config, progress)
    return replace(found, figures={**found.figures, "notes": notes})


def _covering(ledger: Ledger, config: Config, cutoff: Cutoff) -> tuple[Ledger, list[str]]:
    """The ledger, taken to cover the window of a holdout that someone asked for when only a little is lacking.

    Where few people buy, the last days of a period often pass without a purchase. Up to a tenth of the horizon is
    taken for such days, and said; `history_ends` in the configuration settles it.
    """
    end = cutoff.plus(config.target.primary + config.target.label_lag_days)
    lacking = end.day - ledger.ends.day
    if not 0 < lacking <= config.target.primary // 10:
        return ledger, []
    note = (
        f"the last purchase is of {ledger.manifest.last_day}; the {lacking} days up to {end} are taken as covered and "
        "without purchases (history_ends in [data] says for certain)"
    )
    return ledger.covering(end.minus(1)), [note]


def cutoffs_of(chosen: tuple[Origin, ...]) -> set[Cutoff]:
    """Every cutoff that some origins need."""
    return {c for o in chosen for c in (o.cutoff, *o.training)}


def examine(
    prepared: Prepared, chosen: tuple[Origin, ...], config: Config, progress: Progress | None = None
) -> Backtest:
    """Judge at some origins of prepared rows."""
    return backtest(prepared.sample, chosen, prepared.label, recipe_of(config), progress)
