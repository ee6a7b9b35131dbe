"""Plain arrays that boosters read and learn from: features, what a prior says, outcomes, weights.

In: a sample of the panel, or anybody's own table; missing values are NaN. Out: float32 features by name, for a member
that knows the prior and for one that does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .sample import Laid, drawn

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Columns:
    """What boosters read of some rows, and what a prior says of them.

    Parameters
    ----------
    names, values : tuple of str, ndarray of float32, shape (n_features, n_rows)
        What every member reads.
    prior_names, prior_values
        The same for what only members that know the prior read.
    prior : ndarray of shape (n_rows,)
        The prior on the link scale (log odds of churn, log of money); NaN where there is none.
    read_days : int
        The horizon of which `prior_values` speak.
    laid : Laid or None
        As of a `Sample`.
    """

    names: tuple[str, ...]
    values: Float32
    prior_names: tuple[str, ...]
    prior_values: Float32
    prior: Float64
    read_days: int = 0
    laid: Laid | None = None

    def names_for(self, member: str) -> tuple[str, ...]:
        """What a member may read: everything, or if it is plain, everything but the prior."""
        return self.names if member == "plain" else (*self.names, *self.prior_names)

    def read(self, names: tuple[str, ...]) -> Float32:
        """Some of the features, shape (n_names, n_rows), in the order of their names."""
        if names == self.names and self.laid is None:
            return self.values
        places = _places(self.names, self.prior_names, names)
        if self.laid is None:
            return self._picked(places)
        # Boosters read row by row: laid out so once, it serves all that read the same.
        key = (self.read_days if len(places.of_prior) else 0, names)
        if key not in self.laid:
            self.laid[key] = np.ascontiguousarray(self._picked(places).T)
        return self.laid[key].T

    def _picked(self, places: _Places) -> Float32:
        found = np.empty((len(places.own) + len(places.of_prior), len(self.prior)), np.float32)
        found[places.to_own] = self.values[places.own]
        found[places.to_prior] = self.prior_values[places.of_prior]
        return found

    def silent(self) -> frozenset[str]:
        """Features, the prior's aside, that are zero or missing in every row.

        A kind of event of which nobody had heard before is one of them. Left in, it would be drawn among the columns
        of a tree, and so the mere existence of what happened later would change what is learnt.
        """
        pairs = zip(self.names, self.values, strict=True)
        return frozenset(name for name, values in pairs if not ((values != 0) & ~np.isnan(values)).any())

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Columns:
        """Some of the rows."""
        values, prior_values = self.values[:, rows], self.prior_values[:, rows]
        return Columns(self.names, values, self.prior_names, prior_values, self.prior[rows])


class _Places(NamedTuple):
    """Where wanted features stand among a table's own and among the prior's, and where they are to stand."""

    own: Int64
    to_own: Int64
    of_prior: Int64
    to_prior: Int64


@lru_cache(maxsize=256)
def _places(own: tuple[str, ...], of_prior: tuple[str, ...], wanted: tuple[str, ...]) -> _Places:
    """Looked up once: a request has a few rows only."""
    place = {name: i for i, name in enumerate((*own, *of_prior))}
    at = np.array([place[name] for name in wanted], np.int64)
    first, then = np.flatnonzero(at < len(own)), np.flatnonzero(at >= len(own))
    return _Places(at[first], first, at[then] - len(own), then)


@lru_cache(maxsize=256)
def among(wanted: tuple[str, ...], there: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the wanted names that there are."""
    known = frozenset(there)
    return tuple(name for name in wanted if name in known)


@dataclass(frozen=True)
class Examples:
    """Rows to learn from.

    Parameters
    ----------
    columns : Columns
    target, weight : ndarray of shape (n_rows,)
        What came of them, and how much each counts.
    silent : frozenset of str
        Features that no booster learns from.
    """

    columns: Columns
    target: Float64
    weight: Float64
    silent: frozenset[str] = frozenset()

    def taught(self, member: str) -> tuple[str, ...]:
        """What a member learns from; all it may read where everything is silent."""
        names = self.columns.names_for(member)
        return tuple(n for n in names if n not in self.silent) or names

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Examples:
        """Some of the rows."""
        return Examples(self.columns.take(rows), self.target[rows], self.weight[rows], self.silent)

    def thinned(self, most: int, seed: int) -> Examples:
        """At most so many rows, drawn without replacement, still in their order."""
        n = len(self.target)
        return self if n <= most else self.take(drawn(n, most, seed))
