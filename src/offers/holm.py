"""Several questions at once: chances adjusted so that all of them together err as rarely as one would.

In: chances (p-values) of a family of comparisons. Out: as many adjusted ones, in the same order. A missing one (NaN)
stays missing and does not count. Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted chances: below .05 where a comparison stands although so many were made.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(p, np.float64)
    known = np.flatnonzero(np.isfinite(given))
    order = known[np.argsort(given[known], kind="stable")]
    raised = given[order] * np.arange(len(order), 0, -1)
    found = np.full(len(given), np.nan)
    found[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return found
