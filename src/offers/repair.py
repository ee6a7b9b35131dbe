"""From what everybody would take at some prices to an allocation that meets every cap and leaves nothing worth having.

In: a `Problem`, prices, a first choice that may exceed caps. Out: a choice that exceeds none. Who loses least for what
it frees gives way first (to the next best option, if there is room); then what is left of the caps goes to whom it
brings most. Equal claims go by the order of the customers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .problem import CHUNK, ROUNDING, Options, Prices, Problem

_CLAIMS = 60_000
"""Claims that are weighed at once."""
_PASSES = 40
_OUT_OF_REACH = 1e15
"""A price that no gain pays."""


def fitting(problem: Problem, option: Options, prices: Prices) -> Options:
    """The same choice, without what exceeds caps and with what still fits.

    Examples
    --------
    Two of three may have it: the one who gains least gives way.

    >>> from regulars.offers.caps import Cap
    >>> gains = np.array([[5.0], [3.0], [4.0]])
    >>> problem = Problem(gains, np.array([1.0]), [Cap("any", 2)])
    >>> fitting(problem, np.zeros(3, np.int16), np.array([3.0])).tolist()
    [0, -1, 0]
    """
    option = option.copy()
    if not problem.gains.size:
        return option
    _give_way(problem, option, prices)
    for _ in range(_PASSES):
        if not _filled(problem, option, prices):
            break
    return option


def _give_way(problem: Problem, option: Options, prices: Prices) -> None:
    """Take back what exceeds caps, the most exceeded first, from those who lose least for what they free."""
    used, top = problem.totals(option), _top(problem)
    over = np.flatnonzero(used > top)
    elsewhere = prices.copy()
    elsewhere[over] = _OUT_OF_REACH
    for cap in over[np.argsort(-used[over] / np.maximum(top[over], 1e-300), kind="stable")]:
        if used[cap] <= top[cap]:
            continue
        rows, use, loss = _losses(problem, option, (prices, elsewhere), int(cap))
        # Among those who lose the same, the last of the customers gives way first.
        order = np.lexsort((-rows, loss / use))
        last = int(np.searchsorted(np.cumsum(use[order]), used[cap] - top[cap]))
        gone = rows[order[: last + 1]]
        used = used - np.asarray(problem.uses(gone, option[gone]).sum(axis=0)).ravel()
        option[gone] = -1


def _losses(
    problem: Problem, option: Options, prices: tuple[Prices, Prices], cap: int
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Who uses a cap, how much of it, and what each would lose with the next best option that uses no exceeded cap."""
    here, elsewhere = (problem.tables(one) for one in prices)
    found = []
    members = problem.members(cap)
    for begin in range(0, len(members), CHUNK):
        rows = members[begin : begin + CHUNK]
        rows = rows[option[rows] >= 0]
        use = problem.use_of(cap, rows, option[rows])
        rows, use = rows[use > 0], use[use > 0]
        has = problem.left(here, prices[0], rows)[np.arange(len(rows)), option[rows]]
        other = np.maximum(problem.left(elsewhere, prices[1], rows).max(axis=1), 0.0)
        found.append((rows, use, has - other))
    rows, use, loss = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, use, loss


def _filled(problem: Problem, option: Options, prices: Prices) -> bool:
    """Give what is left of the caps to those whom it brings most; whether anybody got anything."""
    room = np.maximum(_top(problem) - problem.totals(option), 0.0)
    rows, new = _claims(problem, option, prices, room)
    if not len(rows):
        return False
    more = problem.uses(rows, new)
    more.data = np.maximum(more.data - problem.uses(rows, option[rows]).data, 0.0)
    waiting, any_given = np.arange(len(rows)), False
    while len(waiting):
        claims = more[waiting].tocsr()
        given = _fit_in_turn(claims, room)
        any_given |= bool(given.any())
        option[rows[waiting[given]]] = new[waiting[given]]
        room = np.maximum(room - np.asarray(claims[given].sum(axis=0)).ravel(), 0.0)
        waiting = waiting[~given & _fits(claims, room)]
    return any_given


def _fits(claims: sparse.csr_array, room: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which claims fit, each alone."""
    return _none_of(claims, claims.data > room[claims.indices])


def _fit_in_turn(claims: sparse.csr_array, room: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which claims fit after all those before them, whether those were met or not: the first always does."""
    by_cap = np.argsort(claims.indices, kind="stable")
    cap = claims.indices[by_cap]
    total = np.cumsum(claims.data[by_cap])
    firsts = np.flatnonzero(np.diff(cap, prepend=-1))
    before = np.repeat((total - claims.data[by_cap])[firsts], np.diff(firsts, append=len(cap)))
    misfit = np.zeros(len(cap), bool)
    misfit[by_cap] = total - before > room[cap]
    return _none_of(claims, misfit)


def _none_of(claims: sparse.csr_array, misfit: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The rows of which no entry is marked."""
    n = len(claims.indptr) - 1
    row = np.repeat(np.arange(n), np.diff(claims.indptr))
    return np.asarray(np.bincount(row, misfit, n) == 0)


def _claims(
    problem: Problem, option: Options, prices: Prices, room: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.int16]]:
    """Who would gain by another option that fits into what is left, and which; those who pay best for it first."""
    tables, full, roof = problem.tables(prices), problem.shut(room), problem.roof(room)
    found = []
    for rows in problem.chunks():
        left, gains, has = problem.left(tables, prices, rows), problem.gains[rows], option[rows]
        group, at = problem.group[rows], np.arange(len(has))
        now = np.where(has >= 0, left[at, has], 0.0)
        gain = np.where(has >= 0, gains[at, has], 0.0).astype(np.float64)
        left[~(gains > gain[:, None]) | full[group] | (problem.cost[rows] > roof[group])] = -np.inf
        for cap, use in problem.by_customer(rows):
            left[use > room[cap]] = -np.inf
        best = left.argmax(axis=1)
        who = np.flatnonzero(left[at, best] > -np.inf)
        best = best[who]
        regret = (now[who] - left[who, best]) / (gains[who, best] - gain[who])
        found.append((who + rows.start, best.astype(np.int16), regret))
    who, best, regret = (np.concatenate(part) for part in zip(*found, strict=True))
    if len(who) > _CLAIMS:
        kept = np.flatnonzero(regret <= np.partition(regret, _CLAIMS)[_CLAIMS])[: 2 * _CLAIMS]
        who, best, regret = who[kept], best[kept], regret[kept]
    order = np.argsort(regret, kind="stable")
    return who[order], best[order]


def _top(problem: Problem) -> NDArray[np.float64]:
    """The limits, with half of what rounding may add: the rest is for the order in which sums are made."""
    return problem.limits * (1 + ROUNDING / 2)
