"""Who speaks: the product's model or a rival, of churn and of money, for one horizon or for several that agree.

In: what was learnt, rows. Out: P(no purchase), expected orders and spend per row; NaN where a model has nothing to say.
What is said of several horizons is coherent for every customer: the longer the horizon, the less likely is silence and
the more is bought; the primary horizon's numbers stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .churn import Churn
from .coherent import coherent_rising, coherent_silence
from .learnt import Learnt
from .metrics import sigmoid
from .naive import NaiveChurn, NaiveValue, usual_of
from .on_demand import OnDemand
from .sample import Sample
from .value import Value

Float64 = NDArray[np.float64]
MODELS = ("regulars", "xgb_panel", "bg_nbd", "pareto_nbd", "naive")
"""The product's model and its rivals."""


def money_spoken(
    speaker: str, value: Value, rule: NaiveChurn, value_rule: NaiveValue, sample: Sample, p_churn: Float64
) -> Float64:
    """Expected net spend in the horizon per row, in currency, by one of the models; NaN where it has nothing to say.

    Parameters
    ----------
    p_churn : ndarray of shape (n_rows,)
        What the product's model says of churn.
    """
    if speaker == "regulars":
        return value.expected_spend(sample, p_churn)
    if speaker == "xgb_panel":
        if sample.horizon_days != value.horizon_days:
            return np.full(sample.n_rows, np.nan)
        return value.member("plain", sample)
    if speaker == "naive":
        return value_rule.value(sample.trailing, usual_of(rule, sample))
    orders = sample.prior.bg_orders if speaker == "bg_nbd" else sample.prior.pareto_orders
    return np.asarray(orders * sample.prior.value)


def spoken(speaker: str, churn: Churn, rule: NaiveChurn, sample: Sample) -> Float64:
    """P(no purchase in the horizon) per row, by one of the models; NaN where it could not be fitted.

    Parameters
    ----------
    speaker : str
        One of `MODELS`.
    """
    if speaker == "regulars":
        return churn.p_churn(sample)
    if speaker == "xgb_panel":
        if sample.horizon_days != churn.horizon_days:  # Without a prior nothing carries it to another horizon.
            return np.full(sample.n_rows, np.nan)
        return sigmoid(churn.ensemble.link("plain", sample))
    if speaker == "naive":
        return rule.p_churn(sample.panel.recency_days, sample.horizon_days)
    return sample.prior.bg_silent if speaker == "bg_nbd" else sample.prior.pareto_silent


@dataclass(frozen=True)
class Foreseen:
    """What is said of some rows, by horizon in days; each array of shape (n_rows,), worked out when it is asked for.

    Parameters
    ----------
    silent : mapping of int to ndarray
        P(no purchase within so many days): of the horizons learnt, and of those of the timing.
    orders, gross, spend : mapping of int to ndarray
        Expected purchases; expected spend before and after returns: of the horizons learnt.
    p_none : mapping of int to ndarray
        P(nothing is spent, or no more than is returned).
    """

    silent: Mapping[int, Float64]
    orders: Mapping[int, Float64]
    gross: Mapping[int, Float64]
    spend: Mapping[int, Float64]
    p_none: Mapping[int, Float64]


def foreseen(learnt: Learnt, sample: Sample, speaker: str = "regulars", value_speaker: str = "regulars") -> Foreseen:
    """What is said of the rows of a sample, for every horizon that was learnt.

    Parameters
    ----------
    sample : Sample
        Of the primary horizon; the prior speaks of the others, too.
    """
    horizons, primary = learnt.horizons, learnt.horizons[0]
    by = OnDemand(horizons, sample.over)
    own = OnDemand(horizons, lambda h: learnt.outlooks[h].churn.p_churn(by[h]))
    said = own if speaker == "regulars" else OnDemand(horizons, lambda h: _spoken(learnt, speaker, by[h]))
    timed = _timed(learnt, speaker, sample, own)
    every = OnDemand((*timed, *horizons), lambda d: said[d] if d in said else timed[d])
    silent = coherent_silence(every, primary)
    counted = OnDemand(horizons, lambda h: learnt.outlooks[h].orders.expected(by[h]))
    orders = coherent_rising(OnDemand(horizons, lambda h: np.maximum(counted[h], 1 - silent[h])), primary)
    gross, spend = _money(learnt, by, own, value_speaker)
    none = OnDemand(horizons, lambda h: learnt.outlooks[h].value.p_none(silent[h]))
    return Foreseen(silent, orders, gross, spend, none)


def _spoken(learnt: Learnt, speaker: str, sample: Sample) -> Float64:
    return spoken(speaker, learnt.churn, learnt.rule, sample)


def _timed(learnt: Learnt, speaker: str, sample: Sample, own: Mapping[int, Float64]) -> Mapping[int, Float64]:
    if speaker == "regulars":
        return learnt.timing.p_no_purchase(sample, own[learnt.horizons[0]])
    return OnDemand(learnt.timing.days, lambda d: _spoken(learnt, speaker, sample.over(d)))


def _money(
    learnt: Learnt, by: Mapping[int, Sample], own: Mapping[int, Float64], speaker: str
) -> tuple[Mapping[int, Float64], Mapping[int, Float64]]:
    horizons = learnt.horizons
    values = {h: learnt.outlooks[h].value for h in horizons}
    if speaker == "regulars":
        gross = coherent_rising(OnDemand(horizons, lambda h: values[h].gross(by[h], own[h])), horizons[0])
        return gross, OnDemand(horizons, lambda h: values[h].net * gross[h])
    rules = learnt.rule, learnt.value_rule
    each = OnDemand(horizons, lambda h: money_spoken(speaker, values[h], *rules, by[h], own[h]))
    said = coherent_rising(each, horizons[0])
    return said, said


def horizons_of(days: Sequence[int]) -> tuple[int, ...]:
    """Horizons in the order asked, each once: the first is the primary one."""
    return tuple(dict.fromkeys(days))
