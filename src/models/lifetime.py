"""Lifetime value: margin on what a customer will spend, discounted, to a stated horizon and beyond.

In: the rows of the day on which one stands, their expected net spend at the horizons trained (the head), the classical
prior (the tail). Out: a `Lifetime`, which gives each row a value with an interval, and all of them a total with one.
Past spend is never part of it. Without a prior the value ends with the head, which is said; without a finite
expectation the value for ever is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from ..config import Config
from .cohorts import NEW_DAYS, Cohort
from .discount import force_of
from .persistence import Evidence, persistence_of, tempered
from .prior import Float64, Prior, summary_of
from .sample import Sample
from .tail import Tail

YEAR = 365
LEAST_BELIEVED = 0.5
STEP = 1.3
"""Each slice of the tail ends at most so many times later than it begins."""
ERROR = 0.1
"""Deviation of the log of a total, of head or tail, that is taken for granted before any was seen; weight of two."""
ERROR_WEIGHT = 2.0
LEVEL, TOTAL_LEVEL = 0.8, 0.9
NORMAL_90 = 1.6448536269514722
"""Of a normal distribution 90 % lie within so many deviations."""


@dataclass(frozen=True)
class Terms:
    """How far one looks, what part of spend is earned, and by how much later money is worth less.

    Examples
    --------
    >>> round(Terms(discount_rate=0.25).worth(365.0), 12)  # 1 / 1.25
    0.8
    """

    horizon_days: int = 1095
    margin: float = 1.0
    discount_rate: float = 0.1

    @classmethod
    def of(cls, config: Config, margin: float | None = None) -> Self:
        """Those of a configuration; a margin measured in the ledger counts where none is stated there."""
        stated = "margin" in config.economics.model_fields_set or margin is None
        share = config.economics.margin if stated or margin is None else margin
        return cls(config.lifetime.horizon_days, share, config.economics.discount_rate)

    @property
    def force(self) -> float:
        """The force of interest a day."""
        return force_of(self.discount_rate)

    def worth(self, days: float) -> float:
        """What money so many days ahead is worth today."""
        return float(np.exp(-self.force * days))


@dataclass(frozen=True)
class LifetimeValues:
    """A value per row, each of shape (n_rows,), in currency.

    Parameters
    ----------
    value : ndarray of float64, >= 0
        Expected margin within the horizon, discounted.
    low, high : ndarray of float64
        80 % interval of what the customer will really bring; 0 to 0 where most like him buy nothing more.
    ever : ndarray of float64
        The value without a horizon; NaN where the prior has no finite one.
    variance : ndarray of float64
        Of what is really brought.
    head : ndarray of float64
        What of the value lies within the horizons trained.
    basis : ndarray of object
        "purchases", or "newcomer" where the value is that of the cohort.
    """

    value: Float64
    low: Float64
    high: Float64
    ever: Float64
    variance: Float64
    head: Float64
    basis: NDArray[np.object_]


@dataclass(frozen=True)
class Total:
    """What all customers together will bring, in currency, with its interval and the interval's level."""

    value: float
    low: float
    high: float
    level: float = TOTAL_LEVEL


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
        notes = _notes(terms, now, tail, prior, kept[-1], learnt, persistence, part)
        plain = cls(terms, kept, edges, max(net, 0.0), part, persistence, now.horizon_days, (1.0,) * len(edges), None,
                    errors[0], errors[1], doubt, notes)  # fmt: skip
        return plain._anchored(now, heads, prior)

    def _anchored(self, now: Sample, heads: Mapping[int, Float64], prior: Prior) -> Self:
        """The same, with the totals of the slices brought back to the prior's, and the newcomers' value."""
        tail = Tail.of(prior)
        if tail is None:
            return self
        # Of whole slices, so that a longer horizon changes nothing of what comes before.
        base, ratio = self._slices(now, heads, tail, self.edges)
        base = np.nan_to_num(base, posinf=0.0)
        corrected = np.stack([tempered(ratio, p) for p in self._powers], axis=1) * base
        whole, other = base.sum(axis=0), corrected.sum(axis=0)
        anchors = self.kept * np.where(other > 0, whole / np.where(other > 0, other, 1.0), 1.0)
        fixed = {f: getattr(self, f) for f in self.__dataclass_fields__}
        anchored = type(self)(**{**fixed, "anchors": tuple(anchors.tolist())})
        return type(self)(**{**fixed, "anchors": anchored.anchors, "newcomer": anchored._cohort(now, heads, prior)})

    def _cohort(self, now: Sample, heads: Mapping[int, Float64], prior: Prior) -> Cohort | None:
        own = self._own(now, heads, prior)
        return Cohort.of(own.value, own.ever, own.variance, own.p_none, newcomers(now))

    @property
    def _powers(self) -> list[float]:
        """Of each slice of the tail, and of all beyond: `persistence` in the first window, its square in the second."""
        middles = [0.5 * (a + b) for a, b in zip(self.edges[:-1], self.edges[1:], strict=True)] + [2 * self.edges[-1]]
        return [self.persistence ** ((u - self.edges[0]) / self.window_days + 0.5) for u in middles]

    def _slices(
        self, sample: Sample, heads: Mapping[int, Float64], tail: Tail, edges: Sequence[float]
    ) -> tuple[Float64, Float64]:
        """The prior's discounted margin by slice, the last without end, and the ratio of head to prior."""
        summary, last = summary_of(sample.panel.rhythm), float(self.heads[-1])
        base = self.terms.margin * self.net * tail.spend(summary, (*edges, np.inf), self.terms.force)
        expected = self.net * tail.spend(summary, (0.0, last), 0.0)[:, 0]
        head = np.maximum(heads[self.heads[-1]], 0.0)
        return base, np.where((expected > 0) & (head > 0), head / np.where(expected > 0, expected, 1.0), 1.0)

    def head(self, heads: Mapping[int, Float64]) -> Float64:
        """Discounted margin on what is expected within the horizons trained; each part at the middle of its time."""
        total, before, since = np.zeros(len(heads[self.heads[0]])), np.zeros(len(heads[self.heads[0]])), 0
        for h in self.heads:
            until, upto = min(h, self.terms.horizon_days), np.maximum(heads[h], before)
            part = (until - since) / (h - since)
            total += part * (upto - before) * self.terms.worth(0.5 * (since + until))
            before, since = upto, h
        return self.terms.margin * total

    def _own(self, sample: Sample, heads: Mapping[int, Float64], prior: Prior) -> _Own:
        """Everyone's own value, newcomers included."""
        tail, head = Tail.of(prior), self.head(heads)
        none = np.full(sample.n_rows, np.nan)
        if tail is None:
            return _Own(head, none, none, none)
        base, ratio = self._slices(sample, heads, tail, (*self.edges[:-1], float(self.terms.horizon_days)))
        slices = zip(self._powers, self.anchors, base.T, strict=True)
        parts = [anchor * tempered(ratio, power) * column for power, anchor, column in slices]
        value = np.asarray(sum(parts[:-1], head))
        ever = np.where(np.isfinite(parts[-1]), value + parts[-1], np.nan)
        days, force = float(self.terms.horizon_days), self.terms.force
        spread = tail.spread(summary_of(sample.panel.rhythm), days, force)
        earned = self.terms.margin * self.net * spread.mean
        likelier = value / np.where(earned > 0, earned, np.inf)
        # As of a Poisson process: twice the mean is twice the hazard, and given a purchase as much spread as before.
        p_none = np.where(likelier > 0, spread.p_none**likelier, 1.0)
        some = 1.0 - spread.p_none
        uneven = np.where(spread.mean > 0, spread.square * some / np.where(spread.mean > 0, spread.mean, 1.0) ** 2, 1.0)
        buys = np.maximum(1.0 - p_none, 1e-12)
        square = np.where(value > 0, value**2 * np.maximum(uneven, 1.0) / buys, 0.0)
        return _Own(value, ever, np.asarray(np.maximum(square - value**2, 0.0)), p_none)

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
        own, new, basis = self._own(sample, heads, prior), newcomers(sample), np.full(sample.n_rows, "purchases", object)
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
        # A log-normal with the value for its mean.
        sigma = float(np.sqrt(np.log1p(deviation**2)))
        middle = value * float(np.exp(-0.5 * sigma**2))
        return Total(value, middle * float(np.exp(-NORMAL_90 * sigma)), middle * float(np.exp(NORMAL_90 * sigma)))

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


@dataclass(frozen=True)
class _Own:
    """Value, value for ever, variance and chance of no purchase, row by row; NaN without a tail."""

    value: Float64
    ever: Float64
    variance: Float64
    p_none: Float64

    def replaced(self, rows: NDArray[np.bool_], cohort: Cohort, least: Float64) -> _Own:
        """The same, with the cohort's value in some rows."""

        def with_(own: Float64, other: float) -> Float64:
            return np.where(rows, other, own)

        value = np.where(rows, np.maximum(cohort.value, least), self.value)
        ever = np.where(rows, np.maximum(cohort.ever, value), self.ever)
        return _Own(value, ever, with_(self.variance, cohort.variance), with_(self.p_none, cohort.p_none))


def newcomers(sample: Sample) -> NDArray[np.bool_]:
    """Whose first purchase day lies within the last 28 days and was the only one."""
    rhythm = sample.panel.rhythm
    return np.asarray((rhythm.frequency == 0) & (rhythm.T < NEW_DAYS))


def quantile(own: _Own, share: float) -> Float64:
    """Of nothing at all with chance `p_none`, and a gamma distribution of the same mean and variance otherwise."""
    buys = 1.0 - own.p_none
    mean = own.value / np.where(buys > 0, buys, 1.0)
    square = (own.variance + own.value**2) / np.where(buys > 0, buys, 1.0)
    shape = mean**2 / np.maximum(square - mean**2, 1e-9 * mean**2 + 1e-300)
    out, some = np.zeros(len(buys)), (share > own.p_none) & (own.value > 0)
    within = (share - own.p_none[some]) / buys[some]
    out[some] = gammaincinv(shape[some], within) * (mean / shape)[some]
    return np.where(np.isnan(own.p_none), np.nan, out)


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
    repeats = np.where(rhythm.T < YEAR, rhythm.n_valued * np.nan_to_num(rhythm.value), np.nan_to_num(trailing))
    witness = float(repeats.sum())
    first, rest = net * tail.spend(summary, (0.0, float(min(head_days, YEAR)), float(YEAR)), 0.0).sum(axis=0)
    prior = float(first + rest)
    if not 0 < net * witness < prior:
        return 1.0
    year = prior * (net * witness / prior) ** weight
    if head_days >= YEAR:
        return max(LEAST_BELIEVED, year / prior)
    return float(min(1.0, max(LEAST_BELIEVED, (year - float(np.maximum(head, 0).sum())) / rest)))


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
    >>> _edges(100.0, 150.0), _edges(365.0, 90.0)
    ((100.0, 130.0, 169.0), (90.0,))
    """
    if last <= first:
        return (last,)
    n = int(np.ceil(np.log(last / first) / np.log(STEP) - 1e-9))
    return tuple(first * STEP**k for k in range(n + 1))


def _error(misses: list[float]) -> float:
    """Root mean square of what was missed, and of the usual error with a weight of its own."""
    total = ERROR_WEIGHT * ERROR**2 + sum(m**2 for m in misses)
    return float(np.sqrt(total / (ERROR_WEIGHT + len(misses))))


def _notes(
    terms: Terms, now: Sample, tail: Tail | None, prior: Prior, head_days: int, learnt: bool, persistence: float,
    part: float,
) -> tuple[str, ...]:
    """What must be known of the value."""
    horizon, history, notes = terms.horizon_days, now.day.day - now.starts.day, []
    if history < 2 * YEAR:
        notes.append(
            f"there are {history} days of history, less than two years: no season was seen twice and few customers were "
            "seen to leave for good, so that lifetime values are extrapolated; compare customers by them rather than "
            "count on the total"
        )
    if horizon > history:
        notes.append(
            f"the horizon of lifetime value, {horizon} days, is longer than the history of {history} days: nobody was "
            "ever seen for so long; set a shorter horizon_days in [lifetime] to see what rests on what was seen"
        )
    if tail is None:
        notes.append(
            f"no classical model could be fitted, so that nothing is known of the time after {head_days} days: lifetime "
            "value ends there"
        )
        return tuple(notes)
    if prior.pareto is None:
        notes.append("lifetime value rests on BG/NBD, as Pareto/NBD could not be fitted")
    if prior.gamma is None:
        notes.append("purchases are taken to be worth their mean later on, as Gamma-Gamma could not be fitted")
    if horizon > head_days:
        since = "as learnt from earlier days" if learnt else "assumed, as no window had closed after another's end"
        notes.append(
            f"after {head_days} days the classical model speaks; of what the learnt one knows better of a customer "
            f"{persistence:.0%} is kept from one window of {now.horizon_days} days to the next ({since})"
        )
    if part < 1:
        notes.append(
            f"of what the classical model expects after that {part:.0%} is counted: customers spent less in the past "
            "year, which has every season once"
        )
    if not np.isfinite(tail.spend(summary_of(now.panel.rhythm), (0.0, np.inf), terms.force)[:1]).all():
        notes.append("there is no value for ever: without discounting, customers leave too slowly for it to be finite")
    return tuple(notes)
