"""Who gets what under a budget and limits: the allocation that gains most, and what one more unit of each would bring.

In: what each customer would gain with each option, what that costs, and caps. Out: an option or nothing for everybody,
within every cap; a price per cap, with which the same choice can be made for one customer alone; and a bound that tells
how much better any other allocation could be. What is not permitted (NaN or -inf) and what gains nothing is not given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .caps import Cap, Floats
from .exact import SMALL, proved
from .prices import priced
from .problem import CHUNK, ROUNDING, Options, Prices, Problem
from .repair import fitting

__all__ = ["Allocation", "Cap", "allocate", "meant"]

_MIXED = 1e-4
"""Above such a gap the mixture of prices is tried as well."""
_SEARCHED, _GAP = 20_000, 1e-3
"""Up to so many customers a larger gap than this is searched as a small set is."""


@dataclass(frozen=True, eq=False)
class Allocation:
    """Who gets what, and what it is worth.

    Attributes
    ----------
    choice : ndarray of int16, shape (n_customers,)
        The index of an option, -1 for nothing.
    prices : dict of str to float
        By the name of the cap: what one more unit of it would bring, >= 0.
    value : float
        The sum of the gains of what is given.
    bound : float
        No allocation within the caps gains more.
    gap : float
        How far below the bound the value is, as a share of the bound; 0 where the allocation is proved to be the best.
    used : dict of str to float
        What is used of each cap.
    cost : float
        What all that is given costs.
    exact : bool
        Whether it is proved that nothing else gains more.
    words : tuple of str
        The same for people.
    """

    choice: Options
    prices: dict[str, float]
    value: float
    bound: float
    gap: float
    used: dict[str, float]
    cost: float
    exact: bool
    words: tuple[str, ...]


def allocate(gains: Floats, cost: Floats, caps: Sequence[Cap] = ()) -> Allocation:
    """Give each customer the option, or nothing, so that the sum of the gains is as high as the caps allow.

    Parameters
    ----------
    gains : ndarray of shape (n_customers, n_options), in currency
        What each option is expected to bring after all costs; NaN or -inf where it must not be given.
    cost : ndarray of shape (n_customers, n_options) or (n_options,), in currency, >= 0
        What the caps with ``money=True`` look at.
    caps : sequence of Cap
        The budget is one of them.

    Returns
    -------
    Allocation
        The best one below `SMALL` customers, nearly always; above, one whose `gap` is a small part of a percent.
        Ties go to the lower option, then to the earlier customer.

    Examples
    --------
    Three customers, one offer that costs 2 each, a budget of 4: the third would gain 3, so 1.50 for each unit spent.

    >>> found = allocate(np.array([[5.0], [3.0], [4.0]]), np.array([2.0]), [Cap("budget", 4.0, money=True)])
    >>> found.choice.tolist(), found.value, found.exact
    ([0, -1, 0], 9.0, True)
    """
    problem = Problem(gains, cost, caps)
    found = priced(problem)
    choice = fitting(problem, found.best.option, found.prices)
    value, bound = problem.gain_of(choice), found.bound
    if found.mixture and bound - value > _MIXED * bound:
        mixed = fitting(problem, found.mixed(problem), found.prices)
        if problem.gain_of(mixed) > value * (1 + ROUNDING):
            choice, value = mixed, problem.gain_of(mixed)
    exact = bound <= value * (1 + ROUNDING)
    if not exact and (len(choice) < SMALL or (bound - value > _GAP * bound and len(choice) <= _SEARCHED)):
        choice, bound, exact = proved(problem, choice, found.prices, bound)
        value = problem.gain_of(choice)
    bound = value if exact else max(bound, value)
    used = problem.totals(choice)
    prices = np.where(problem.limits > 0, found.prices, _first(gains, problem))
    names = [cap.name for cap in caps]
    given = np.flatnonzero(choice >= 0)
    return Allocation(
        choice=choice,
        prices=dict(zip(names, prices.tolist(), strict=True)),
        value=value,
        bound=bound,
        gap=(bound - value) / bound if bound > 0 else 0.0,
        used=dict(zip(names, used.tolist(), strict=True)),
        cost=float(problem.cost[given, choice[given]].sum(dtype=np.float64)),
        exact=exact,
        words=(*_of_caps(problem, prices, used), _of_gap(value, bound, exact)),
    )


def meant(gains: Floats, cost: Floats, caps: Sequence[Cap], prices: Mapping[str, float]) -> Options:
    """What each customer would be given at stored prices, as if alone: what counts beside the caps is in the prices.

    Parameters
    ----------
    gains, cost : ndarray
        As in `allocate`.
    caps : sequence of Cap
        Those that apply to these customers; what one of them shuts altogether is not given.
    prices : mapping of str to float
        By the name of the cap, from an `Allocation`; a cap without a price costs nothing.

    Returns
    -------
    ndarray of int16
        The option whose gain most exceeds its price, -1 where none reaches it. A tie with the price is given.

    Examples
    --------
    >>> budget = Cap("budget", 4.0, money=True)
    >>> meant(np.array([[5.0], [3.0], [4.0]]), np.array([2.0]), [budget], {"budget": 1.75}).tolist()
    [0, -1, 0]
    """
    of_caps = np.array([prices.get(cap.name, 0.0) for cap in caps], np.float64)
    return Problem(gains, cost, caps).choose(of_caps).option


def _first(gains: Floats, problem: Problem) -> Prices:
    """What the first unit of each cap would bring of which there is none: the best gain for what it would use."""
    first = np.zeros(len(problem.caps))
    for cap in np.flatnonzero(problem.limits <= 0):
        members = problem.members(int(cap))
        for begin in range(0, len(members), CHUNK):
            rows = np.repeat(members[begin : begin + CHUNK], gains.shape[1])
            option = np.tile(np.arange(gains.shape[1]), len(rows) // max(gains.shape[1], 1))
            use = problem.use_of(int(cap), rows, option)
            gain = gains[rows, option]
            pays = (use > 0) & (gain > 0)
            first[cap] = max(first[cap], (gain[pays] / use[pays]).max(initial=0.0))
    return first


def _of_caps(problem: Problem, prices: Prices, used: Prices) -> list[str]:
    """What is used of each cap that ends somewhere, and what more of it would bring."""
    words = []
    for cap, limit, price, spent in zip(problem.caps, problem.limits, prices, used, strict=True):
        if limit == np.inf:
            continue
        unit, more = (".2f", "the next 1.00") if cap.money else (".0f", "one more")
        so_far = (
            f"{spent:,{unit}} of {limit:,{unit}} is used" if limit > 0 else "there is none of it, so nothing is given"
        )
        brings = (
            f"{more} returns {price:,.2f}{' beyond itself' if cap.money else ''}"
            if price > 0
            else "more of it would return nothing"
        )
        words.append(f"{cap.name}: {so_far}; {brings}")
    return words


def _of_gap(value: float, bound: float, exact: bool) -> str:
    if bound <= 0:
        return "no option gains anything for anybody who may get it"
    if exact:
        return "proved: nothing within these limits gains more"
    return f"nothing within these limits gains more than {100 * (bound - value) / bound:.3f} % above this"
