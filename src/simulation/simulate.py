"""The door of the simulator: arguments in, a world out whose truth is known.

In: how many customers, how they buy and leave, what they spend, when they come. Out: `Simulated`. The same arguments
give the same bytes; each kind of chance has a stream of its own, so that returns, lines or a season change nothing
else. An argument that cannot be is a `ConfigError`; nothing is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..clock import Cutoff
from ..errors import ConfigError
from .chance import stream_of
from .orders import Orders, Value, returned_of, times
from .processes import process_of
from .season import Season
from .world import Look, Simulated


def simulate(
    n_customers: int = 1000,
    *,
    days: int = 730,
    starts: str = "2022-01-01",
    future_days: int = 365,
    process: str = "pareto_nbd",
    parameters: Mapping[str, float] | None = None,
    value: Mapping[str, float] | None = None,
    acquisition_days: float | None = None,
    season: Sequence[float] | None = None,
    season_shift_days: float = 0.0,
    return_rate: float = 0.0,
    return_delay_days: float = 10.0,
    lines_per_order: float = 1.0,
    free_rate: float = 0.0,
    guest_rate: float = 0.0,
    decimals: int = 2,
    seed: int = 0,
) -> Simulated:
    """Purchases of customers who buy till they die, and the truth about them.

    Parameters
    ----------
    n_customers : int
    days : int
        How long the shop is observed: its purchases are those before ``starts + days``.
    starts : str
        The first day, ``YYYY-MM-DD``.
    future_days : int
        How far the truth goes beyond what is observed.
    process : {"pareto_nbd", "bg_nbd", "mbg_cnbd_k"}
        How customers buy and leave: dying at any time; leaving after a repeat purchase; leaving after any purchase,
        with gaps that are gamma(k) and so more regular than chance.
    parameters : mapping of str to float, optional
        Those of the process that are to differ from its defaults, in days: ``r, alpha, s, beta``; ``r, alpha, a, b``;
        ``r, alpha, a, b, k``.
    value : mapping of str to float, optional
        ``p, q, gamma`` of the Gamma-Gamma model of what a purchase is worth, where they differ from CDNOW's.
    acquisition_days : float, optional
        Customers make their first purchase evenly over so many days from the start; default: all that are observed.
        A small number is a cohort.
    season : sequence of float, optional
        Multipliers of the buying rate at equal steps through the calendar year, such as twelve, one a month; their mean
        is taken for 1.
    season_shift_days : float
        How much later the season comes each year; 182 turns it upside down.
    return_rate, return_delay_days : float
        Share of the orders that come back, half of them in part, and after how many days on average.
    lines_per_order : float
        Mean number of lines, at least 1.
    free_rate : float
        Share of the orders with a line of amount 0 besides.
    guest_rate : float
        Orders without a customer's id, for each order with one.
    decimals : int
        Of the currency: 0 to 4.
    seed : int

    Raises
    ------
    ConfigError
        ``RG195`` for an unknown process or parameter, ``RG196`` for a value that cannot be.

    Examples
    --------
    >>> world = simulate(200, days=365, process="bg_nbd", seed=1)
    >>> world.purchases.columns.tolist()
    ['customer_id', 'purchased_at', 'order_id', 'amount']
    >>> truth = world.truth("2022-10-01", horizon_days=90)
    >>> bool(((truth["p_silent"] > 0) & (truth["p_silent"] < 1)).all())
    True
    """
    acquisition = float(days if acquisition_days is None else acquisition_days)
    _refuse(
        {
            "n_customers": n_customers >= 1,
            "days": days >= 1,
            "future_days": future_days >= 0,
            "acquisition_days": 0 < acquisition <= days,
            "season": season is None or (len(season) >= 2 and min(season) > 0 and bool(np.isfinite(season).all())),
            "season_shift_days": bool(np.isfinite(season_shift_days)) and (season is not None or not season_shift_days),
            "return_rate": 0 <= return_rate <= 1,
            "return_delay_days": 0 < return_delay_days < np.inf,
            "lines_per_order": 1 <= lines_per_order < np.inf,
            "free_rate": 0 <= free_rate <= 1,
            "guest_rate": 0 <= guest_rate < np.inf,
            "decimals": decimals in range(5),
            "seed": seed >= 0,
        },
        {k: v for k, v in locals().items() if k != "acquisition"},
    )
    first, end = Cutoff.parse(starts), float(days + future_days)
    law, worth, unit = process_of(process, parameters or {}), Value.of(value or {}), 10**decimals
    year = Season.of(season, season_shift_days, first.day, days + future_days)
    joined = stream_of(seed, "joining").random(n_customers) * acquisition
    buyers = law.buyers(n_customers, seed)
    customer, number, at = times(buyers, joined, year, end, stream_of(seed, "gaps"))
    means = worth.means(n_customers, stream_of(seed, "means"))
    money = worth.amounts(means[customer], unit, stream_of(seed, "amounts"))
    back = returned_of(at, money, return_rate, return_delay_days, stream_of(seed, "returns"))
    orders = Orders(customer, number, at, money, *back)
    looks = (first, days, future_days, decimals, lines_per_order, free_rate, str(law), seed)
    look = Look(*looks, return_rate, return_delay_days)
    guests = _guests(round(guest_rate * len(orders)), end, worth, unit, seed)
    return Simulated(look, buyers, joined, means, year, orders, guests)


def _refuse(sound: Mapping[str, bool], given: Mapping[str, object]) -> None:
    """Name the arguments that cannot be."""
    bad = [f"{name} = {given[name]!r}" for name, right in sound.items() if not right]
    if bad:
        raise ConfigError(
            "these arguments cannot be simulated",
            needed="rates from 0 to 1, counts of at least 1, acquisition within the days observed, a season of 2 or "
            "more multipliers above 0 if it is to shift, 0 to 4 decimals",
            offending=bad,
            code="RG196",
        )


def _guests(n: int, end: float, worth: Value, unit: int, seed: int) -> Orders:
    """Purchases of people who left no id."""
    chance = stream_of(seed, "guests")
    at = np.sort(chance.random(n) * end)
    money = worth.amounts(worth.means(n, chance), unit, chance)
    none = np.zeros(n, np.int64)
    return Orders(none, np.arange(n), at, money, none, np.full(n, np.inf))
