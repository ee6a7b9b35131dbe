"""What the catalogue's budget and limits still allow: caps for the optimiser, and which customers have had enough.

In: a catalogue, an audience, and what was given before. Out: caps less what was used within each limit's period, and a
mask of limits for single customers. Customers without a value of a limit's field share one limit of their own; what was
given to somebody who is no longer in the audience counts in limits of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import ConfigError
from .caps import Cap
from .catalogue import Catalogue, Limit
from .eligibility import Judge
from .past import Past

if TYPE_CHECKING:
    from .audience import Audience

BUDGET = "budget"
MOST_VALUES = 5_000
"""More distinct values than this do not group customers: they tell them apart."""


def caps_of(catalogue: Catalogue, audience: Audience, past: Past) -> tuple[Cap, ...]:
    """The campaign's budget and every limit that many customers share, less what is used up.

    Parameters
    ----------
    catalogue : Catalogue
    audience : Audience
    past : Past
        What was given before the day of the audience, its rows being those of the audience.

    Returns
    -------
    tuple of Cap
        Limits of money are in shares of the options' cost (`Cap.money`); a limit that is used up is 0.

    Raises
    ------
    ConfigError
        ``RG414`` for a field that there is not; ``RG419`` for one with more values than can be limited one by one.
    """
    budget = catalogue.campaign.budget
    past, found = past.real, []
    if budget is not None:
        found.append(Cap(BUDGET, left(budget, float(past.cost[_of_campaign(past, catalogue)].sum())), money=True))
    judge = Judge(audience.columns, len(audience.customer_ids))
    for limit in catalogue.limits:
        if limit.entity != "customer":
            found += _caps(catalogue, limit, judge, past, audience.as_of)
    return tuple(found)


def left(limit: float, used: float) -> float:
    """What is left of a limit, never below 0.

    Examples
    --------
    >>> left(10.0, 4.0), left(10.0, 11.0)
    (6.0, 0.0)
    """
    return max(limit - used, 0.0)


def used_by(catalogue: Catalogue, limit: Limit, past: Past, as_of: Cutoff) -> NDArray[np.bool_]:
    """Which contacts of the past count in a limit: those under its action and within its period."""
    kind, _, name = limit.action.partition(":")
    named = {"offer": past.offer, "type": past.type, "channel": past.channel, "group": past.group}
    under = np.ones(len(past), bool) if kind == "any" else np.asarray(named[kind] == name, bool)
    if isinstance(limit.period, int):
        return under & (past.day > as_of.day - limit.period)
    return under & _of_campaign(past, catalogue)


def _of_campaign(past: Past, catalogue: Catalogue) -> NDArray[np.bool_]:
    return np.asarray(past.campaign == catalogue.campaign.name, bool)


def _caps(catalogue: Catalogue, limit: Limit, judge: Judge, past: Past, as_of: Cutoff) -> Iterator[Cap]:
    counted = past.where(used_by(catalogue, limit, past, as_of))
    weight = counted.cost if limit.money is not None else np.ones(len(counted))
    use = np.array([float(limit.covers(option)) for option in catalogue.options])
    if limit.entity == "all":
        yield Cap(limit.name, left(limit.amount, float(weight.sum())), use, money=limit.money is not None)
        return
    values, codes = judge.values(limit.entity)
    _check_values(limit, len(values))
    # Who has no value has the last code, so that one of them is found in the same way.
    codes = np.where(codes < 0, len(values), codes)
    known = counted.row >= 0
    spent = np.bincount(codes[counted.row[known]], weights=weight[known], minlength=len(values) + 1)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(values) + 2))
    names = [*(f" for {limit.entity} {_said(value)}" for value in values), f" without {limit.entity}"]
    for i, name in enumerate(names):
        rows = order[starts[i] : starts[i + 1]]
        if len(rows):
            amount = left(limit.amount, float(spent[i]))
            yield Cap(limit.name_for(name), amount, use, rows, money=limit.money is not None)


def _check_values(limit: Limit, n_values: int) -> None:
    if n_values > MOST_VALUES:
        raise ConfigError(
            f"the limit `{limit.action}` is for each value of `{limit.entity}`, which has {n_values} of them",
            needed=f"a field with at most {MOST_VALUES} values, such as a shop",
            do='name another field in `entity`, or "customer"',
            code="RG419",
        )


def _said(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def had_enough(catalogue: Catalogue, past: Past, as_of: Cutoff, n: int) -> NDArray[np.bool_]:
    """Who may not get an option because of a limit of contacts for each customer.

    Returns
    -------
    ndarray of bool, shape (n_customers, n_options)
    """
    found = np.zeros((n, len(catalogue.options)), bool)
    for limit in (m for m in catalogue.limits if m.entity == "customer" and m.count is not None):
        full = _used(catalogue, limit, past, as_of, n) >= limit.amount
        for option in catalogue.options:
            if limit.covers(option):
                found[full, option.index] = True
    return found


def too_dear(
    catalogue: Catalogue, past: Past, as_of: Cutoff, cost: NDArray[np.floating[Any]]
) -> NDArray[np.bool_] | None:
    """Who may not get an option because of a limit of money for each customer; None where there is no such limit.

    Parameters
    ----------
    cost : ndarray of shape (n_customers, n_options), in currency
    """
    limits = [m for m in catalogue.limits if m.entity == "customer" and m.money is not None]
    if not limits:
        return None
    found = np.zeros(cost.shape, bool)
    for limit in limits:
        used = _used(catalogue, limit, past, as_of, len(cost))
        for option in catalogue.options:
            if limit.covers(option):
                found[:, option.index] |= used + cost[:, option.index] > limit.amount
    return found


def _used(catalogue: Catalogue, limit: Limit, past: Past, as_of: Cutoff, n: int) -> NDArray[np.float64]:
    """What each customer has used of a limit; what was only meant counts, too."""
    counted = past.where(used_by(catalogue, limit, past, as_of) & (past.row >= 0))
    weight = counted.cost if limit.money is not None else np.ones(len(counted))
    return np.asarray(np.bincount(counted.row, weights=weight, minlength=n), np.float64)
