"""Lifetime value: margin on what a customer will spend, discounted, to a stated horizon and beyond.

In: the rows of the day on which one stands, their expected net spend at the horizons trained (the head), the classical
prior (the tail). Out: a `Lifetime`, which gives each row a value with an interval, and all of them a total with one.
Past spend is never part of it. Without a prior the value ends with the head, which is said; without a finite
expectation the value for ever is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .caveats import YEAR, notes_of
from .cohorts import NEW_DAYS, Cohort
from .persistence import Evidence, persistence_of, tail_spend, tempered
from .prior import Float64, Prior, summary_of
from .sample import Sample
from .summary import Summary
from .tail import Tail
from .terms import Terms
from .worth import LEVEL, LifetimeValues, Own, Total, quantile, total_of

LEAST_BELIEVED = 0.5
STEP = 1.3
"""Each slice of the tail ends at most so many times later than it begins."""
ERROR = 0.1
"""Deviation of the log of a total, of head or tail, that is taken for granted before any was seen; weight of two."""
ERROR_WEIGHT = 2.0


@dataclass(frozen=True)
class Lifetime:
    """What was learnt about lifetime value on the day on which one stands.

    Parameters
    ----------
    terms : Terms
    heads : tuple of int
        The horizons in days, ascending, whose expected spend is the head; those beyond the terms' are left out.
    edges : tuple of float
        Slices of the tail, in days from now, always the same after the same head: the last one is cut at the horizon.
    net : float
        Net over gross spend, kept at 0 or above.
    kept : float
        What of the prior's total is believed of the tail; below 1 only with less than two years of history.
    persistence : float
        The power to which the ratio of model to prior is raised one window after the head.
    window_days : int
        That window.
    anchors : tuple of float
        For each slice, the factor that brings the corrected total back to that part of the prior's.
    newcomer : Cohort or None
    head_error, tail_error : float
        Deviation of the logs of the totals of head and tail.
    parameter_error : float
        That of the tail which the doubt about the prior's parameters brings.
    notes : tuple of str
        What must be known of the value, in words.
    """

    terms: Terms
    heads: tuple[int, ...]
    edges: tuple[float, ...]
    net: float
    kept: float
    persistence: float
    window_days: int
    anchors: tuple[float, ...]
    newcomer: Cohort | None
    head_error: float
    tail_error: float
    parameter_error: float
    notes: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        now: Sample,
        heads: Mapping[int, Float64],
        prior: Prior,
        net: float,
        terms: Terms,
        *,
        evidence: Evidence | None = None,
        past_totals: Sequence[tuple[float, float]] = (),
    ) -> Self:
        """Learn how the tail is corrected, and how sure all of it is.

        Parameters
        ----------
        now : Sample
            The rows of the day on which one stands, of the primary horizon; their labels are not looked at.
        heads : mapping of int to ndarray of float64, shape (now.n_rows,)
            By horizon in days: expected net spend within it, coherent.
        prior : Prior
            Fitted on that day.
        net : float
            Net over gross spend.
        evidence : Evidence, optional
            What earlier stands tell of the window after the head.
        past_totals : sequence of (float, float)
            Predicted and true total net spend of earlier stands.
        """
        tail, known = Tail.of(prior), evidence or Evidence.none()
        kept = _heads(sorted(heads), terms.horizon_days)
        edges = _edges(float(kept[-1]), float(terms.horizon_days)) if tail else (float(kept[-1]),)
        persistence, learnt = persistence_of(known)
        errors = _error([float(np.log(a / p)) for p, a in past_totals if a > 0 and p > 0]), _error(known.misses)
        summary = summary_of(now.panel.rhythm)
        beyond = (edges[0], float(terms.horizon_days))
        doubt = tail.doubt(summary, beyond, terms.force) if tail and len(edges) > 1 else 0.0
        part = believed(now, heads[kept[-1]], kept[-1], max(net, 0.0), tail) if tail else 1.0
        notes = notes_of(terms, now, tail, prior, kept[-1], learnt, persistence, part)
        one = (1.0,) * len(edges)
        window = now.horizon_days
        plain = cls(terms, kept, edges, max(net, 0.0), part, persistence, window, one, None, *errors, doubt, notes)
        return plain._anchored(now, heads, prior)

    def _anchored(self, now: Sample, heads: Mapping[int, Float64], prior: Prior) -> Self:
        """The same, with the totals of the slices brought back to the prior's, and the newcomers' value."""
        tail = Tail.of(prior)
        if tail is None:
            return self
        # Of whole slices, so that a longer horizon changes nothing of what comes before.
        spend = tail.spend(summary_of(now.panel.rhythm), (*self.edges, np.inf), self.terms.force)
        base, ratio = np.nan_to_num(spend, posinf=0.0), self._ratio(now, heads)
        corrected = np.stack([tempered(ratio, p) for p in self._powers], axis=1) * base
        whole, other = base.sum(axis=0), corrected.sum(axis=0)
        anchors = self.kept * np.where(other > 0, whole / np.where(other > 0, other, 1.0), 1.0)
        anchored = replace(self, anchors=tuple(anchors.tolist()))
        own = anchored._own(now, heads, prior)
        return replace(anchored, newcomer=Cohort.of(own.value, own.ever, own.variance, own.p_none, newcomers(now)))

    @property
    def _powers(self) -> list[float]:
        """Of each slice of the tail, and of all beyond: `persistence` in the first window, its square in the second."""
        middles = [0.5 * (a + b) for a, b in zip(self.edges[:-1], self.edges[1:], strict=True)] + [2 * self.edges[-1]]
        return [self.persistence ** ((u - self.edges[0]) / self.window_days + 0.5) for u in middles]

    def _ratio(self, sample: Sample, heads: Mapping[int, Float64]) -> Float64:
        """What is expected within the longest horizon trained over the prior's; 1 where either is nothing."""
        expected, head = self.net * tail_spend(sample.over(self.heads[-1])), np.maximum(heads[self.heads[-1]], 0.0)
        both = (expected > 0) & (head > 0)
        return np.where(both, head / np.where(both, expected, 1.0), 1.0)

    def head(self, heads: Mapping[int, Float64]) -> Float64:
        """Discounted margin on what is expected within the horizons trained; each part at the middle of its time."""
        total, before, since = np.zeros(len(heads[self.heads[0]])), np.zeros(len(heads[self.heads[0]])), 0
        for h in self.heads:
            until, upto = min(h, self.terms.horizon_days), np.maximum(heads[h], before)
            part = (until - since) / (h - since)
            total += part * (upto - before) * self.terms.worth(0.5 * (since + until))
            before, since = upto, h
        return self.terms.margin * total

    def _own(self, sample: Sample, heads: Mapping[int, Float64], prior: Prior) -> Own:
        """Everyone's own value, newcomers included."""
        tail, head = Tail.of(prior), self.head(heads)
        none = np.full(sample.n_rows, np.nan)
        if tail is None:
            return Own(head, none, none, none)
        horizon, ratio = float(self.terms.horizon_days), self._ratio(sample, heads)
        ahead = tail.outcome(summary_of(sample.panel.rhythm), (*self.edges[:-1], horizon), self.terms.force)
        earns = self.terms.margin * self.net
        slices = zip(self._powers, self.anchors, ahead.slices.T, strict=True)
        parts = [earns * anchor * tempered(ratio, power) * column for power, anchor, column in slices]
        value = np.asarray(sum(parts[:-1], head))
        ever = np.where(np.isfinite(parts[-1]), value + parts[-1], np.nan)
        earned = earns * ahead.mean
        likelier = value / np.where(earned > 0, earned, np.inf)
        # As of a Poisson process: twice the mean is twice the hazard, and given a purchase as much spread as before.
        p_none = np.where(likelier > 0, ahead.p_none**likelier, 1.0)
        uneven = ahead.square * (1.0 - ahead.p_none) / np.where(ahead.mean > 0, ahead.mean, 1.0) ** 2
        square = value**2 * np.maximum(uneven, 1.0) / np.maximum(1.0 - p_none, 1e-12)
        return Own(value, ever, np.asarray(np.maximum(square - value**2, 0.0)), p_none)

    def values(self, sample: Sample, heads: Mapping[int, Float64], prior: Prior) -> LifetimeValues:
        """The value of each row, in the sample's order.

        Parameters
        ----------
        sample : Sample
        heads : mapping of int to ndarray of float64, shape (sample.n_rows,)
            As in `fit`.
        prior : Prior
            As in `fit`.
        """
        own, new = self._own(sample, heads, prior), newcomers(sample)
        basis = np.full(sample.n_rows, "purchases", object)
        if self.newcomer is not None and new.any():
            # Nobody is worth less than what is expected of him within the horizons trained.
            own = own.replaced(new, self.newcomer, self.head(heads))
            basis[new] = "newcomer"
        low, high = (quantile(own, share) for share in (0.5 - LEVEL / 2, 0.5 + LEVEL / 2))
        return LifetimeValues(own.value, low, high, own.ever, own.variance, self.head(heads), basis)

    def total(self, values: LifetimeValues) -> Total:
        """What all rows together will bring; NaN bounds where there is no tail to be sure of."""
        value, head = float(values.value.sum()), float(values.head.sum())
        if value <= 0 or np.isnan(values.variance).any():
            return Total(value, float("nan"), float("nan"))
        tail = value - head
        shared = (self.head_error * head + self.tail_error * tail) ** 2 + (self.parameter_error * tail) ** 2
        deviation = float(np.sqrt(shared + values.variance.sum())) / value
        return total_of(value, deviation)

    def newcomer_worth(self, prior: Prior, window_days: int) -> list[float]:
        """For window after window until the horizon: the worth today of one who first buys in its middle, in currency.

        His first purchase is counted, and what is expected to follow it within the horizon; for `Prospects.lifetime`.
        """
        tail, new, found = Tail.of(prior), Summary.newcomers(), []
        horizon = self.terms.horizon_days
        for since in range(0, horizon, window_days):
            middle = 0.5 * (since + min(since + window_days, horizon))
            first = float(tail.value(new)[0]) if tail else prior.mean_value
            later = float(tail.spend(new, (0.0, horizon - middle), self.terms.force)[0, 0]) if tail else 0.0
            found.append(self.terms.margin * self.net * self.terms.worth(middle) * (first + self.kept * later))
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form; `from_dict` gives the same back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        tuples = {name: tuple(content[name]) for name in ("heads", "edges", "anchors", "notes")}
        new = content["newcomer"]
        nested = {"terms": Terms(**content["terms"]), "newcomer": None if new is None else Cohort(**new)}
        return cls(**{**content, **tuples, **nested})


def newcomers(sample: Sample) -> NDArray[np.bool_]:
    """Whose first purchase day lies within the last 28 days and was the only one."""
    rhythm = sample.panel.rhythm
    return np.asarray((rhythm.frequency == 0) & (rhythm.T < NEW_DAYS))


def believed(now: Sample, head: Float64, head_days: int, net: float, tail: Tail) -> float:
    """What of the prior's total is believed of the tail: all of it from two years of history on, else `LEAST_BELIEVED`
    or more.

    A history of one year that ends in its best weeks looks like one in which hardly anybody leaves, and then any
    extrapolation of it is too high. The other witness is what the same customers spent in the past year beside their
    first purchases: every season is in it once. The total of the next year is taken for the geometric mean of the two,
    the witness weighing one half at a year of history and nothing at two; a witness that says more is not heard, as it
    knows nothing of customers who leave.
    """
    history, trailing = now.day.day - now.starts.day, now.panel.totals.trailing.get(YEAR)
    weight = 0.5 * min(1.0, max(0.0, 2.0 - history / YEAR))
    if weight == 0 or trailing is None or history < YEAR:
        return 1.0
    rhythm, summary = now.panel.rhythm, summary_of(now.panel.rhythm)
    repeats = net * rhythm.n_valued * np.nan_to_num(rhythm.value)
    witness = float(np.where(rhythm.T < YEAR, repeats, np.nan_to_num(trailing)).sum())
    within = float(min(head_days, YEAR))
    first, rest = (net * tail.spend(summary, (0.0, within, float(YEAR)), 0.0).sum(axis=0)).tolist()
    if not 0 < witness < first + rest:
        return 1.0
    year = (first + rest) * (witness / (first + rest)) ** weight
    part = year / (first + rest) if head_days >= YEAR else (year - float(np.maximum(head, 0).sum())) / rest
    return float(min(1.0, max(LEAST_BELIEVED, part)))


def _heads(given: Sequence[int], horizon: int) -> tuple[int, ...]:
    """The horizons of the head: those up to that of the lifetime, and the next, if there is one, in part.

    Examples
    --------
    >>> _heads([30, 90, 365], 60), _heads([30, 90], 1095), _heads([90], 30)
    ((30, 90), (30, 90), (90,))
    """
    return tuple(h for i, h in enumerate(given) if i == 0 or given[i - 1] < horizon)


def _edges(first: float, last: float) -> tuple[float, ...]:
    """Of slices that begin at the head's end, each `STEP` times as late as the one before, until the horizon is past.

    Examples
    --------
    >>> [round(e) for e in _edges(100.0, 150.0)], _edges(365.0, 90.0)
    ([100, 130, 169], (90.0,))
    """
    if last <= first:
        return (last,)
    n = int(np.ceil(np.log(last / first) / np.log(STEP) - 1e-9))
    return tuple(first * STEP**k for k in range(n + 1))


def _error(misses: list[float]) -> float:
    """Root mean square of what was missed, and of the usual error with a weight of its own."""
    total = ERROR_WEIGHT * ERROR**2 + sum(m**2 for m in misses)
    return float(np.sqrt(total / (ERROR_WEIGHT + len(misses))))
