"""What customers looked like on a day, in counts: the measure by which drift since the training is told.

In: the rows of the day of training and what was said of them; later, rows of other days, block by block. Out: for every
feature and for both predictions bins of about a tenth of the customers each, and how many fall into them; and some
rows as numbers of bins. Nobody is named, no value of a customer is kept. Missing values are a bin of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import shown
from ..features.groups import BILLIONTH
from ..features.membership import COHORT
from ..features.panel import Panel
from ..features.reference import Reference
from .sample import Sample

Float64 = NDArray[np.float64]
BINS = 10
ROWS = 2_000
"""So many rows of a day are kept, as numbers of bins."""
P_CHURN, SPEND = "p_churn", "expected_spend"
PREDICTIONS = (P_CHURN, SPEND)
YEAR_DAYS = 365
LEAST_KNOWN = 50
"""A training cutoff with fewer known values says nothing of how far a feature moves by itself."""
MISSING = 255
"""The number of the bin of missing values."""
_SALT = "regulars drift 1"
_SHARES = ("popularity", "size")


@dataclass(frozen=True)
class Bins:
    """Where the values of one column lie.

    Parameters
    ----------
    edges : tuple of float
        Ascending; a bin holds what is above its edge and not above the next. The first and the last bin lie outside
        what was seen in training.
    counts : tuple of int
        Rows of the day of training per bin; the last number is that of missing values.
    usual : float or None
        The largest population stability index between that day and the training cutoffs of the year before; None for
        predictions, and without such cutoffs.

    Examples
    --------
    >>> Bins.of(np.array([1.0, 2.0, 2.0, np.nan])).counts  # below 1, up to 1, up to 2, above 2, missing
    (0, 1, 2, 0, 1)
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    usual: float | None = None

    @classmethod
    def of(cls, values: NDArray[np.floating[Any]]) -> Bins:
        """Bins of about equal counts, and one at either side for what was never seen."""
        known = np.sort(values[np.isfinite(values)])
        if not len(known):
            return cls((), (0, len(values)))
        at = [len(known) * k // BINS for k in range(1, BINS)]
        below = np.nextafter(known[0], np.array(-np.inf, known.dtype))
        edges = np.unique(np.concatenate([[below], known[at], [known[-1]]])).astype(known.dtype)
        return cls(tuple(edges.tolist()), tuple(counted(values, edges).tolist()))

    @property
    def total(self) -> int:
        """How many rows of the day of training."""
        return sum(self.counts)


def counted(values: NDArray[np.floating[Any]], edges: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """How many values lie in each bin, and how many are missing, which comes last.

    Examples
    --------
    >>> counted(np.array([0.0, 1.0, 5.0, np.nan]), np.array([0.0, 1.0])).tolist()
    [1, 1, 1, 1]
    """
    missing = int(np.isnan(values).sum())
    # One comparison per edge costs less than finding every value's bin: nothing is written but a count.
    above = [len(values) - missing, *(int(np.count_nonzero(values > e)) for e in edges), 0]
    return np.append(-np.diff(above), missing)


def psi(trained: NDArray[np.int64], now: NDArray[np.int64]) -> float:
    """The population stability index of counts in the same bins; half a row is added to each, so that it is finite.

    It is sum((p - q) ln(p / q)), Jeffreys' divergence (Kullback & Leibler 1951, doi:10.1214/aoms/1177729694).

    Examples
    --------
    >>> psi(np.array([50, 50]), np.array([50, 50]))
    0.0
    >>> round(psi(np.array([749_999_999, 249_999_999]), np.array([499_999_999, 499_999_999])), 4)  # .25 ln(1.5) + ...
    0.2747
    """
    p, q = (trained + 0.5) / (trained + 0.5).sum(), (now + 0.5) / (now + 0.5).sum()
    return float(((p - q) * np.log(p / q)).sum())


def moved(then: NDArray[np.int64], now: NDArray[np.int64]) -> float:
    """The index from an earlier day to a later one; the last count is that of missing values.

    Missing values count only where there are more of them than before: as a ledger grows, windows come to be covered.

    Examples
    --------
    >>> moved(np.array([0, 0, 100]), np.array([50, 50, 0]))
    0.0
    >>> moved(np.array([50, 50, 0]), np.array([0, 0, 100])) > 1
    True
    """
    gone = now[-1] * then.sum() > then[-1] * now.sum()
    if gone:
        return psi(then, now)
    return psi(then[:-1], now[:-1]) if then[:-1].any() and now[:-1].any() else 0.0


@dataclass(frozen=True)
class Profile:
    """What the customers of the day of training looked like.

    Parameters
    ----------
    customers : int
    bins : dict of str to Bins
        By feature, in the model's order; then by prediction (`PREDICTIONS`).

    Examples
    --------
    >>> profile = Profile(2, {"orders": Bins((0.0, 1.0), (0, 1, 1, 0), 0.05)})
    >>> Profile.from_dict(profile.to_dict()) == profile
    True
    """

    customers: int
    bins: Mapping[str, Bins] = field(default_factory=dict)

    @classmethod
    def of(cls, sample: Sample, churn: Float64, spend: Float64, train: Sample | None = None) -> Profile:
        """The profile of the rows of one day.

        Parameters
        ----------
        sample : Sample
            The rows of the day of training.
        churn, spend : ndarray of shape (n_rows,)
            P(churn) and expected spend in the primary horizon, by whoever speaks.
        train : Sample, optional
            The rows that were learnt from: how far features move by themselves is seen in those of the last year.
        """
        panel, found = sample.panel, {}
        earlier = [] if train is None else _earlier(train.panel, panel)
        for k, name in enumerate(panel.names):
            bins = Bins.of(panel.values[k])
            before = [] if train is None else [train.panel.values[k][rows] for rows in earlier]
            found[name] = Bins(bins.edges, bins.counts, _usual(bins, before))
        said = {name: Bins.of(values) for name, values in zip(PREDICTIONS, (churn, spend), strict=True)}
        return cls(panel.n_rows, {**found, **said})

    def counting(self) -> Counting:
        """An account of other customers, to be filled block by block."""
        return Counting(self, side=1)

    def rows(self, panel: Panel, churn: Float64, spend: Float64) -> pd.DataFrame:
        """Some rows of the day of training as numbers of bins, to be kept beside its predictions."""
        account = Counting(self, side=0)
        account.add(panel, churn, spend)
        return account.rows()

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form; `from_dict` gives the same back."""
        bins = [
            {"name": n, "edges": list(b.edges), "counts": list(b.counts), "usual": b.usual}
            for n, b in self.bins.items()
        ]
        return {"customers": self.customers, "bins": bins}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Profile:
        """The inverse of `to_dict`."""
        bins = {b["name"]: Bins(tuple(b["edges"]), tuple(b["counts"]), b["usual"]) for b in content["bins"]}
        return cls(int(content["customers"]), bins)


class Counting:
    """How many customers of another day lie in each bin of a profile, and some of them as numbers of bins.

    The order of the blocks changes nothing. The rows of the day of training and those of any other day are of different
    customers: otherwise nobody could say whether two samples are alike.

    Parameters
    ----------
    profile : Profile
    side : int
        Of which half of all customers rows are kept, 0 or 1.
    """

    def __init__(self, profile: Profile, side: int) -> None:
        self.profile, self.side = profile, side
        self.customers = 0
        self._counts = {name: np.zeros(len(b.counts), np.int64) for name, b in profile.bins.items()}
        self._edges: dict[str, NDArray[np.floating[Any]]] = {}
        self._drawn = np.zeros(0, np.uint64)
        self._rows = np.zeros((0, len(profile.bins)), np.uint8)

    def add(self, panel: Panel, churn: Float64, spend: Float64) -> None:
        """Count a block of customers.

        Parameters
        ----------
        panel : Panel
            Rows of one day, each customer once.
        churn, spend : ndarray of shape (n_rows,)
            P(churn) and expected spend in the primary horizon, as told.
        """
        columns = {**dict(zip(panel.names, panel.values, strict=True)), P_CHURN: churn, SPEND: spend}
        for name in self.profile.bins:
            self._counts[name] += counted(columns[name], self._edges_of(name, columns[name].dtype))
        self.customers += panel.n_rows
        self._draw(panel, columns)

    def _edges_of(self, name: str, kind: np.dtype[Any]) -> NDArray[np.floating[Any]]:
        """Edges in the type of the values: they are values of that type, so that nothing is lost."""
        if name not in self._edges:
            self._edges[name] = np.array(self.profile.bins[name].edges, kind)
        return self._edges[name]

    def _draw(self, panel: Panel, columns: Mapping[str, NDArray[np.floating[Any]]]) -> None:
        """Keep the customers with the least hashes, of one half of them."""
        drawn = pd.util.hash_array(panel.customer_id.astype(object), hash_key=_SALT, categorize=False)
        of_side = np.flatnonzero((drawn & np.uint64(1)) == self.side)
        if len(of_side) > ROWS:
            of_side = np.sort(of_side[np.argpartition(drawn[of_side], ROWS)[:ROWS]])
        codes = np.empty((len(of_side), len(self.profile.bins)), np.uint8)
        for k, name in enumerate(self.profile.bins):
            values = columns[name][of_side]
            # The greatest of all comes after the last edge, as it does when it is counted.
            code = np.searchsorted(self._edges_of(name, values.dtype), values, side="left")
            codes[:, k] = np.where(np.isnan(values), MISSING, code)
        all_drawn, all_rows = np.append(self._drawn, drawn[of_side]), np.concatenate([self._rows, codes])
        order = np.argsort(all_drawn, kind="stable")[:ROWS]
        self._drawn, self._rows = all_drawn[order], all_rows[order]

    def rows(self) -> pd.DataFrame:
        """At most `ROWS` customers, a column of numbers of bins for every feature and prediction; `MISSING` is missing.

        They are sorted by their content, so that their order tells nothing of who they are.
        """
        order = np.lexsort(self._rows.T[::-1]) if self._rows.size else np.arange(len(self._rows))
        return pd.DataFrame(self._rows[order], columns=list(self.profile.bins))

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe counts beside those of the day of training: all that drift needs."""
        bins = {
            name: {"trained": list(b.counts), "now": self._counts[name].tolist(), "usual": b.usual}
            for name, b in self.profile.bins.items()
        }
        return {"trained_customers": self.profile.customers, "customers": self.customers, "bins": bins}


def new_values(trained: Reference, now: Reference) -> dict[str, dict[str, Any]]:
    """By column or attribute: the values of which a model has learnt nothing of their own, and their share.

    Parameters
    ----------
    trained, now : Reference
        Of the day of training, and of the day that is scored.

    Returns
    -------
    dict of str to dict
        ``values`` (at most three, the most frequent first, masked where they look like ids), ``n``, ``share`` (of
        lines, or of customers), 0..1. Months of joining are left out: there is always a new one.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, group in now.groups.items():
        if name == COHORT or name not in trained.groups or not len(group.n_rows) or not trained.groups[name].names:
            continue
        stat = next(s for s in _SHARES if s in group.stats)
        known, last = set(trained.groups[name].names), group.told[-1]
        shares = {n: int(group.stats[stat][-1, k]) for k, n in enumerate(group.names) if last[k] and n not in known}
        most = sorted(shares, key=lambda n: (-shares[n], n))
        if most:
            found[name] = {
                "values": [shown(n) for n in most[:3]],
                "n": len(most),
                "share": sum(shares.values()) / BILLIONTH,
            }
    return found


def _earlier(train: Panel, now: Panel) -> list[NDArray[np.int64]]:
    """Which rows stand at each training cutoff of the year before a day."""
    day = int(now.cutoff_day.max(initial=0))
    days = np.unique(train.cutoff_day)
    return [np.flatnonzero(train.cutoff_day == d) for d in days[(days >= day - YEAR_DAYS) & (days < day)]]


def _usual(bins: Bins, before: list[NDArray[np.float32]]) -> float | None:
    """The largest index from earlier days to a day; days of too few known values tell nothing."""
    edges, counts = np.array(bins.edges, np.float32), np.array(bins.counts)
    earlier = (counted(values, edges) for values in before)
    return max((moved(found, counts) for found in earlier if found[:-1].sum() >= LEAST_KNOWN), default=None)
