"""Numbers of several horizons that agree for every customer: the longer the horizon, the less silence, the more orders.

In: an array per horizon, each horizon learnt by itself, and the primary horizon, whose numbers stand. Out: the same
with every number that contradicts its neighbour on the primary's side brought to that neighbour's. A missing number
(NaN) stays missing and binds nobody.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Chain = dict[int, Float64]


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
    dict of int to ndarray
        In the order given. What agreed already is the same to the bit.

    Examples
    --------
    >>> silent = {30: np.array([0.4, 0.9]), 90: np.array([0.5, 0.6]), 365: np.array([0.2, 0.7])}
    >>> {days: p.tolist() for days, p in coherent_silence(silent, 90).items()}
    {30: [0.5, 0.9], 90: [0.5, 0.6], 365: [0.2, 0.6]}
    """
    return {days: -values for days, values in coherent_rising({d: -v for d, v in p.items()}, primary).items()}


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
    dict of int to ndarray
        In the order given. What agreed already is the same to the bit.

    Examples
    --------
    >>> orders = {90: np.array([1.0, 2.0]), 30: np.array([1.5, 0.5]), 365: np.array([0.8, 9.0])}
    >>> {days: n.tolist() for days, n in coherent_rising(orders, 90).items()}
    {90: [1.0, 2.0], 30: [1.0, 0.5], 365: [1.0, 9.0]}
    """
    found = {primary: values[primary]}
    least = most = values[primary]
    for days in sorted(d for d in values if d > primary):
        # Not np.maximum: of two that are equal it may hand back the other's bits, and it spreads what is missing.
        found[days] = np.where(values[days] < least, least, values[days])
        least = np.where(np.isnan(found[days]), least, found[days])
    for days in sorted((d for d in values if d < primary), reverse=True):
        found[days] = np.where(values[days] > most, most, values[days])
        most = np.where(np.isnan(found[days]), most, found[days])
    return {days: found[days] for days in values}
