"""Examine the model on the user's own past: ledger -> rolling origins -> figures and out-of-time predictions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..clock import Cutoff
from ..config import Config
from ..intake import Ledger
from ..models.backtest import Backtest, backtest
from ..models.budget import Budget
from ..models.ensemble import Recipe
from ..models.judged import Examiner
from ..models.rations import STUDIES
from ..models.splits import Origin
from ..progress import Progress
from .enough import Stated, enough_to_train, with_verdict
from .prepare import Prepared, prepare, recipe_of


def run_backtest(
    ledger: Ledger,
    config: Config,
    cutoff: Cutoff | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
    stated: Stated | None = None,
) -> Backtest:
    """Judge by rolling origins, or by a strict holdout at one cutoff.

    First of all `stated` is called with the verdict whether the data are enough; too little ends here.

    Raises
    ------
    NotEnoughData
        When the history is too short, or one outcome too rare.
    """
    notes: list[str] = []
    if cutoff is not None:
        ledger, notes = _covering(ledger, config, cutoff)
    enough = enough_to_train(ledger, config, cutoff, stated)
    prepared = prepare(ledger, config, enough.chosen, cache, progress)
    found = with_verdict(examine(prepared, enough.chosen, config, progress), enough)
    return replace(found, figures={**found.figures, "notes": [*notes, *found.figures["notes"]]})


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


def examine(
    prepared: Prepared,
    chosen: tuple[Origin, ...],
    config: Config,
    progress: Progress | None = None,
    examiner: Examiner | None = None,
) -> Backtest:
    """Judge at some origins of prepared rows; by an examiner of its own unless a whole training shares one."""
    examiner = examiner or examiner_of(prepared, config, recipe_of(config, len(chosen), spare=STUDIES))
    prior_notes = {day: prior.notes for day, prior in prepared.priors.items()}
    return backtest(examiner, chosen, progress, budget_of(config), prior_notes)


def examiner_of(prepared: Prepared, config: Config, recipe: Recipe) -> Examiner:
    """Who judges stands of prepared rows."""
    return Examiner(prepared.rows, recipe, config.target.further, config.backtest.windows)


def budget_of(config: Config) -> Budget:
    """What a contact costs and brings, and which of that the user stated."""
    given, economics = config.budget, config.economics
    stated = given.model_fields_set | (economics.model_fields_set & {"margin", "contact_cost"})
    money = {"margin": economics.margin, "contact_cost": economics.contact_cost}
    return Budget(**given.model_dump(), **money, stated=tuple(sorted(stated)))
