"""The best allocation of few customers, proved: a mixed-integer program, solved by HiGHS through SciPy.

In: a `Problem`, an allocation that meets all caps, and the bound that prices prove. Out: the best one, or the given one
where the search ends before it is proved. Whatever the bound shows to be no better than what is known already is left
out first (fixing by reduced costs: Dantzig, Fulkerson and Johnson 1954, doi:10.1287/opre.2.4.393), so little remains.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, milp

from .problem import ROUNDING, Options, Prices, Problem

SMALL = 1_000
"""Below so many customers the best allocation is searched for."""
_PAIRS = 3_000
"""Of a larger set, so many undecided pairs of customer and option are searched through; more would take too long."""
_NODES, _FEWER = 10_000, 50
"""How long is searched: below `SMALL` customers, and from there on, where the bound is near anyway."""
_SECONDS = 20.0
"""A net below the nodes: their number ends a search on any machine alike."""
_FINE = 1e3
"""What limits are to the solver, which lets them be exceeded by 1e-6: a billionth, then, as among our own sums."""
_ALONE = threading.Lock()


def proved(problem: Problem, known: Options, prices: Prices, bound: float) -> tuple[Options, float, bool]:
    """The best allocation, a bound on what any gains, and whether it is proved to be the best.

    Examples
    --------
    A budget of 4 and gains of 5 for 3, 4 for 2, 3 for 2: the two smaller ones together are best.

    >>> from regulars.offers.caps import Cap
    >>> gains, cost = np.array([[5.0], [4.0], [3.0]]), np.array([[3.0], [2.0], [2.0]])
    >>> problem = Problem(gains, cost, [Cap("budget", 4.0, money=True)])
    >>> option, bound, best = proved(problem, np.array([0, -1, -1], np.int16), np.array([1.5]), 7.5)
    >>> option.tolist(), bound, best
    ([-1, 0, 0], 7.0, True)
    """
    value = problem.gain_of(known)
    rows, options = _undecided(problem, prices, bound - value)
    if not len(rows):
        return known, value, True
    if len(problem.gains) >= SMALL and len(rows) > _PAIRS:
        return known, bound, False
    use = problem.uses(rows, options)
    once = sparse.csr_array((np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=(len(problem.gains), len(rows)))
    binding = (problem.limits > 0) & (problem.limits < np.inf)
    share = use[:, binding].T.multiply(_FINE / problem.limits[binding][:, None])
    top = np.concatenate([np.ones(len(problem.gains)), np.full(int(binding.sum()), _FINE)])
    gains = problem.gains[rows, options].astype(np.float64)
    with _silenced():
        found = milp(
            -gains / gains.max(),
            integrality=np.ones(len(rows)),
            bounds=Bounds(0, 1),
            constraints=(sparse.vstack([once, share], format="csc"), -np.inf, top),
            options={
                "mip_rel_gap": 0.0,
                "node_limit": _NODES if len(problem.gains) < SMALL else _FEWER,
                "time_limit": _SECONDS,
            },
        )
    if found.mip_dual_bound is not None:
        bound = max(value, min(bound, -float(found.mip_dual_bound) * float(gains.max())))
    if found.status != 0:  # It ended too early: what it has by then may hang on the machine.
        return known, bound, False
    option = np.full_like(known, -1)
    option[rows[found.x > 0.5]] = options[found.x > 0.5]
    better = problem.gain_of(option) > value * (1 + ROUNDING)
    # The solver lets a cap be exceeded by a little, which we do not.
    within = bool((problem.totals(option) <= problem.limits * (1 + ROUNDING)).all())
    if not better:
        return known, value, True
    return (option, problem.gain_of(option), True) if within else (known, bound, False)


@contextmanager
def _silenced() -> Iterator[None]:
    """A block in which C's standard output goes nowhere.

    HiGHS prints a line for programmers whatever is asked of it (jump-dev/HiGHS.jl#312), and output of commands is read
    by machines.
    """
    with _ALONE, Path(os.devnull).open("wb") as nowhere:
        sys.stdout.flush()
        try:
            kept = os.dup(1)
        except OSError:  # There is no standard output.
            yield
            return
        try:
            os.dup2(nowhere.fileno(), 1)
            yield
        finally:
            # What C still holds back would come out later.
            ctypes.CDLL(None).fflush(None)
            os.dup2(kept, 1)
            os.close(kept)


def _undecided(problem: Problem, prices: Prices, gap: float) -> tuple[NDArray[np.intp], NDArray[np.int16]]:
    """The pairs of customer and option that a better allocation could hold: they lose less than the gap."""
    left = problem.left(problem.tables(prices), prices, slice(None))
    best = np.maximum(left.max(axis=1, initial=0.0), 0.0)
    near = best[:, None] - left <= gap + ROUNDING * best.max(initial=0.0)
    rows, options = np.nonzero((problem.gains > 0) & near)
    return rows, options.astype(np.int16)
