"""Numbers of several horizons that agree for every customer: the longer the horizon, the less silence, the more orders.

In: an array per horizon, each horizon learnt by itself, and the primary horizon, whose numbers stand. Out: the same
with every number that contradicts its neighbour on the primary's side brought to that neighbour's. A missing number
(NaN) stays missing and binds nobody. Only what lies between the primary and the horizon asked for is worked out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from .on_demand import OnDemand

Float64 = NDArray[np.float64]
Chain = Mapping[int, Float64]


def coherent_silence(p: Mapping[int, Float64], primary: int) -> Chain:
    """P(no purchase) that never rises with the horizon.

    Parameters
    ----------
    p : dict of int to ndarray of shape (n_rows,)
        By horizon in days, in [0, 1].
    primary : int
        The horizon whose numbers stay as they are.

    Returns
    -------
    mapping of int to ndarray
        In the order given. What agreed already is the same to the bit.

    Examples
    --------
    >>> silent = {30: np.array([0.4, 0.9]), 90: np.array([0.5, 0.6]), 365: np.array([0.2, 0.7])}
    >>> {days: p.tolist() for days, p in coherent_silence(silent, 90).items()}
    {30: [0.5, 0.9], 90: [0.5, 0.6], 365: [0.2, 0.6]}
    """
    risen = coherent_rising(OnDemand(p, lambda days: -p[days]), primary)
    return OnDemand(p, lambda days: -risen[days])


def coherent_rising(values: Mapping[int, Float64], primary: int) -> Chain:
    """Orders or spend that never fall with the horizon.

    Parameters
    ----------
    values : dict of int to ndarray of shape (n_rows,)
        By horizon in days.
    primary : int
        The horizon whose numbers stay as they are.

    Returns
    -------
    mapping of int to ndarray
        In the order given. What agreed already is the same to the bit.

    Examples
    --------
    >>> orders = {90: np.array([1.0, 2.0]), 30: np.array([1.5, 0.5]), 365: np.array([0.8, 9.0])}
    >>> {days: n.tolist() for days, n in coherent_rising(orders, 90).items()}
    {90: [1.0, 2.0], 30: [1.0, 0.5], 365: [1.0, 9.0]}
    """

    return _Rising(values, primary)


class _Rising(Mapping[int, Float64]):
    """Numbers that agree, each worked out when it is asked for, with those between it and the primary's."""

    def __init__(self, values: Chain, primary: int) -> None:
        self._values, self._primary = values, primary
        self._told: dict[int, Float64] = {}

    def __getitem__(self, days: int) -> Float64:
        if days not in self._told:
            self._told[days] = self._coherent(days)
        return self._told[days]

    def __iter__(self) -> Iterator[int]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def _coherent(self, days: int) -> Float64:
        here = self._values[days]
        if days == self._primary:
            return here
        # Not np.maximum: of two that are equal it may hand back the other's bits, and it spreads what is missing.
        edge = self._bound(self._nearer(days))
        return np.where(here < edge if days > self._primary else here > edge, edge, here)

    def _bound(self, days: int) -> Float64:
        """What binds the next horizon: the numbers of this one, and where they are missing those before it."""
        here = self[days]
        missing = np.isnan(here)
        if days == self._primary or not missing.any():
            return here
        return np.where(missing, self._bound(self._nearer(days)), here)

    def _nearer(self, days: int) -> int:
        """The next horizon on the primary's side."""
        if days > self._primary:
            return max(d for d in self._values if d < days)
        return min(d for d in self._values if d > days)
