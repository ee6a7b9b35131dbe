"""Audit the features on the user's own data: which look like the target, say nothing, or say it twice.

In: a ledger and a configuration. Out: an `Audit` at the training cutoffs of the last origin, whose labels have matured.
"""

from __future__ import annotations

from ..config import Config
from ..engines import panel_of, reference_of, usable_threads
from ..features.family import plan_for
from ..features.panel import Label
from ..intake import Ledger
from ..models.audit import Audit, audited
from ..models.sample import at_risk
from ..models.splits import origins
from ..progress import Progress
from .prepare import shape_of, span_of


def audit(ledger: Ledger, config: Config, progress: Progress | None = None) -> Audit:
    """The features' figures against the targets that were known at the last origin.

    Raises
    ------
    NotEnoughData
        When the history is too short for the horizon.
    """
    origin = origins(span_of(ledger, config), 1)[-1]
    cutoffs, threads = list(origin.training), usable_threads(config.engine.threads)
    label = Label(origin.trained_days, origin.cutoff if "known_at" in ledger.columns else None)
    plan = plan_for(shape_of(ledger, config))
    reference = reference_of(ledger, cutoffs, plan)
    panel = panel_of(ledger, plan, reference, cutoffs, [label], threads, progress)
    rows = at_risk(panel, config.target.active_within_days)
    if progress:
        progress("audit", 0.0)
    return audited(rows, label, plan.entries, config.seed, threads, reference.notes())
