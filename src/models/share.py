"""Which of the two classical models to listen to: the weight of Pareto/NBD against BG/NBD in the mean of their logits.

In: matured training rows. Out: a share, 0 for BG/NBD alone, 1 for Pareto/NBD alone, 1/2 where only one could be fitted
or nothing speaks for either. Neither has seen a label, so their errors on rows whose windows have closed are honest. A
level of each cutoff's own is taken out first: it is the season's, and no merit or fault of either model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from .metrics import logit, shift_to
from .sample import Sample

EQUAL = 0.5
SPREAD = 0.25
"""The share is taken to be normal around a half with this deviation before any label has been seen."""
MOST_ROWS = 50_000


def pareto_share(train: Sample, seed: int = 0) -> float:
    """The share of the least log loss, given that equal weights are likely.

    Windows that overlap tell the same story several times, so each row counts for the part of its window that is new.
    Stacking by out-of-sample loss: Wolpert (1992), doi:10.1016/S0893-6080(05)80023-1.
    """
    known = np.isfinite(train.prior.bg_silent) & np.isfinite(train.prior.pareto_silent)
    rows = train.take(known).thinned(MOST_ROWS, seed)
    days, day = np.unique(rows.panel.cutoff_day, return_inverse=True)
    bg, pareto, churned = logit(rows.prior.bg_silent), logit(rows.prior.pareto_silent), rows.churned
    parts = [np.flatnonzero(day == k) for k in range(len(days))]
    parts = [part for part in parts if 0 < churned[part].sum() < len(part)]
    if not parts:
        return EQUAL
    step = float(np.diff(days).min()) if len(days) > 1 else float(train.horizon_days)
    new = min(1.0, step / train.horizon_days)

    def loss(share: float) -> float:
        z = (1 - share) * bg + share * pareto
        told = sum(_loss(z[part], churned[part]) for part in parts)
        return new * told + (share - EQUAL) ** 2 / (2 * SPREAD**2)

    return float(minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-3}).x)


def _loss(z: NDArray[np.float64], churned: NDArray[np.float64]) -> float:
    """Log loss of logits brought to the level of the truth, added up."""
    moved = z + shift_to(z, float(churned.mean()))
    return float((np.logaddexp(0.0, moved) - churned * moved).sum())
