"""Examine the model on the user's own past: ledger -> rolling origins -> figures and out-of-time predictions."""

from __future__ import annotations

from pathlib import Path

from ..clock import Cutoff
from ..config import Config
from ..intake import Ledger
from ..models.backtest import Backtest, backtest
from ..models.splits import Origin, holdout, origins
from .prepare import Prepared, Progress, prepare, recipe_of, span_of


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
    span = span_of(ledger, config)
    chosen = origins(span, config.backtest.origins) if cutoff is None else (holdout(span, cutoff),)
    prepared = prepare(ledger, config, cutoffs_of(chosen), [o.cutoff for o in chosen], cache, progress)
    return examine(prepared, chosen, config, progress)


def cutoffs_of(chosen: tuple[Origin, ...]) -> set[Cutoff]:
    """Every cutoff that some origins need."""
    return {c for o in chosen for c in (o.cutoff, *o.training)}


def examine(
    prepared: Prepared, chosen: tuple[Origin, ...], config: Config, progress: Progress | None = None
) -> Backtest:
    """Judge at some origins of prepared rows."""
    return backtest(prepared.sample, chosen, prepared.label, recipe_of(config), progress)
