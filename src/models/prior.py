"""The classical prior: BG/NBD, Pareto/NBD and Gamma-Gamma refitted at a cutoff, on what was known before it.

In: the rhythm of all customers at risk at one cutoff. Out: for any horizon, per customer: P(no purchase), expected
purchase days, mean purchase value. A model that cannot be fitted (too few repeat buyers) is left out and said; its
columns are then NaN, except the value, which falls back to the mean purchase value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import NotEnoughData
from ..features.once import once
from ..features.panel import Panel, Rhythm
from .bg_nbd import BgNbd
from .gamma_gamma import GammaGamma
from .metrics import logit
from .on_demand import OnDemand
from .pareto_nbd import ParetoNbd
from .summary import Summary

Float64 = NDArray[np.float64]
M = TypeVar("M", BgNbd, ParetoNbd, GammaGamma)
FORMAT, FEW = 2, 256
FEATURES = ("btyd_logit_silent", "btyd_logit_spread", "btyd_log_orders", "btyd_value", "btyd_log_spend")
"""What boosters read of the prior."""


@dataclass(frozen=True)
class PriorColumns:
    """What the prior says of each row, each of shape (n_rows,); NaN where a model could not be fitted."""

    bg_silent: Float64
    pareto_silent: Float64
    bg_orders: Float64
    pareto_orders: Float64
    value: Float64

    def silence(self, share: float) -> Float64:
        """Logit of no purchase in the horizon: the mean of the two models' with a share for Pareto/NBD, or the one."""
        bg, pareto = logit(self.bg_silent), logit(self.pareto_silent)
        both = (1 - share) * bg + share * pareto
        return np.asarray(np.where(np.isfinite(both), both, np.where(np.isfinite(bg), bg, pareto)))

    @property
    def silent(self) -> Float64:
        """The same with equal shares."""
        return self.silence(0.5)

    @once
    def orders(self) -> Float64:
        """Expected purchase days: the geometric mean of the two models, or the one there is."""
        logs = [np.log(np.maximum(o, 1e-9)) for o in (self.bg_orders, self.pareto_orders)]
        return np.asarray(np.exp(_mean_of(logs)))

    @property
    def spend(self) -> Float64:
        """Expected purchase days x mean purchase value."""
        return np.asarray(self.orders * self.value)

    def features(self) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """Names and values, shape (n_features, n_rows), for boosters that read the prior."""
        return FEATURES, self._features

    @once
    def _features(self) -> NDArray[np.float32]:
        found = (
            self.silent,
            logit(self.bg_silent) - logit(self.pareto_silent),
            np.log(np.maximum(self.orders, 1e-9)),
            self.value,
            np.log(np.maximum(self.spend, 1e-9)),
        )
        return np.stack([v.astype(np.float32) for v in found])

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> PriorColumns:
        """Some of the rows."""
        return PriorColumns(*(getattr(self, n)[rows] for n in self.__dataclass_fields__))


def _mean_of(columns: list[Float64]) -> Float64:
    stacked = np.stack(columns)
    known = np.isfinite(stacked)
    return np.where(known.any(0), np.where(known, stacked, 0.0).sum(0) / np.maximum(known.sum(0), 1), np.nan)


@dataclass(frozen=True)
class Prior:
    """The classical models at one cutoff.

    Parameters
    ----------
    bg, pareto, gamma : fitted models or None
        None when they could not be fitted.
    mean_value : float
        Mean purchase value of repeat days over customers, for those without one.
    notes : tuple of str
        Which model could not be fitted, or only with a weak prior, and why.
    """

    bg: BgNbd | None
    pareto: ParetoNbd | None
    gamma: GammaGamma | None
    mean_value: float
    notes: tuple[str, ...] = ()

    @classmethod
    def fit(cls, rhythm: Rhythm, cutoff: Cutoff | None = None) -> Prior:
        """Fit all three on the customers of one cutoff, which the notes then name."""
        summary = summary_of(rhythm)
        notes: list[str] = []
        when = f" at {cutoff}" if cutoff else ""

        def fitted(kind: type[M]) -> M | None:
            try:
                model = kind.fit(summary)
            except NotEnoughData as error:
                notes.append(f"{kind.name}{when} is left out: {error}")
                return None
            if model.weak_prior:
                notes.append(f"{kind.name}{when}: {model.message}")
            return model

        known = rhythm.n_valued > 0
        mean_value = float(rhythm.value[known].mean()) if known.any() else 0.0
        bg, pareto, gamma = fitted(BgNbd), fitted(ParetoNbd), fitted(GammaGamma)
        return cls(bg, pareto, gamma, mean_value, tuple(notes))

    def columns(self, rhythm: Rhythm, horizon_days: int, orders: bool = True) -> PriorColumns:
        """What the prior says of each row for a horizon; without `orders`, of silence and a purchase's value alone."""
        return self.over(rhythm, {horizon_days: orders})[horizon_days]

    def over(self, rhythm: Rhythm, horizons: Mapping[int, bool]) -> Mapping[int, PriorColumns]:
        """The same for several horizons: in days, each with or without orders; each worked out when it is asked for."""
        asked = _Asked(self, rhythm)
        return OnDemand(horizons, lambda days: asked.columns(days, horizons[days]))

    def to_dict(self) -> dict[str, object]:
        """JSON-safe form; `from_dict` gives the same back."""
        models = {"bg": self.bg, "pareto": self.pareto, "gamma": self.gamma}
        fitted = {name: None if m is None else m.to_dict() for name, m in models.items()}
        return {"format": FORMAT, **fitted, "mean_value": self.mean_value, "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, content: dict[str, object]) -> Prior:
        """The inverse of `to_dict`."""
        bg, pareto, gamma = content["bg"], content["pareto"], content["gamma"]
        notes = content["notes"]
        return cls(
            BgNbd.from_dict(bg) if isinstance(bg, dict) else None,
            ParetoNbd.from_dict(pareto) if isinstance(pareto, dict) else None,
            GammaGamma.from_dict(gamma) if isinstance(gamma, dict) else None,
            float(str(content["mean_value"])),
            tuple(str(n) for n in notes) if isinstance(notes, list) else (),
        )


class _Asked:
    """What all horizons of the same rows share.

    Many customers share a row, and what is said of it; still more share what is said of later times. Among a few it
    does not pay to look for equals.
    """

    def __init__(self, prior: Prior, rhythm: Rhythm) -> None:
        self.prior, self.rhythm = prior, rhythm

    @once
    def summary(self) -> Summary:
        return summary_of(self.rhythm)

    @once
    def rows(self) -> tuple[Summary, NDArray[np.int64]]:
        return self.summary.distinct() if len(self.summary) > FEW else (self.summary, np.arange(len(self.summary)))

    @once
    def ages(self) -> tuple[Summary, NDArray[np.int64]]:
        rows = self.rows[0]
        return rows.ages() if len(rows) > FEW else (rows, np.arange(len(rows)))

    @once
    def worth(self) -> Float64:
        """The mean value of a purchase."""
        value, gamma = self.rhythm.value, self.prior.gamma
        if gamma is None:
            return np.where(np.isfinite(value), value, self.prior.mean_value)
        return gamma.expected_value(self.summary)

    @once
    def dead(self) -> dict[str, Float64]:
        """Log odds of having left, by model."""
        models = (self.prior.bg, self.prior.pareto)
        return {model.name: model.log_dead_odds(self.rows[0]) for model in models if model is not None}

    def columns(self, days: int, orders: bool) -> PriorColumns:
        """What is said of one horizon."""
        (bg, bought), (pareto, purchased) = (self._of(m, days, orders) for m in (self.prior.bg, self.prior.pareto))
        return PriorColumns(bg, pareto, bought, purchased, self.worth)

    def _of(self, model: BgNbd | ParetoNbd | None, days: int, orders: bool) -> tuple[Float64, Float64]:
        """P(no purchase), and expected purchases where they are asked for."""
        none = np.full(len(self.rhythm.T), np.nan)
        if model is None:
            return none, none
        (rows, at), (ages, age), dead = self.rows, self.ages, self.dead[model.name]
        silent = model.p_no_purchase(rows, days, dead, model.log_silence(ages, days)[age])[at]
        return silent, model.expected_purchases(rows, days, dead)[at] if orders else none


def summary_of(rhythm: Rhythm) -> Summary:
    """What buy-till-you-die models read of each row."""
    counts = [c.astype(np.int64) for c in (rhythm.frequency, rhythm.n_valued)]
    return Summary.known(counts[0], rhythm.recency, rhythm.T, rhythm.value, counts[1])


def columns_of(panel: Panel, priors: dict[int, Prior], horizon_days: int) -> PriorColumns:
    """Each row's prior columns, from the prior of its own cutoff."""
    out = PriorColumns(*(np.full(panel.n_rows, np.nan) for _ in PriorColumns.__dataclass_fields__))
    for day in np.unique(panel.cutoff_day).tolist():
        rows = np.flatnonzero(panel.cutoff_day == day)
        here = priors[day].columns(panel.rhythm.take(rows), horizon_days)
        for name in PriorColumns.__dataclass_fields__:
            getattr(out, name)[rows] = getattr(here, name)
    return out
