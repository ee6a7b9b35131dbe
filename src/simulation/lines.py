"""Orders as a shop would export them: one row a line, in order of time.

In: orders, ids, how many lines an order has, how many are free, guests. Out: a pandas frame with the columns that
`Config.of` expects. Guests have no id; nothing else is missing. The lines of an order sum exactly to what it was worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .chance import Stream, stream_of
from .orders import Orders
from .processes import Float, Int

if TYPE_CHECKING:
    import pandas as pd

DAY_SECONDS = 86_400


def ids_of(n: int) -> NDArray[np.object_]:
    """Customers' ids: as texts, with leading zeros, of one length."""
    width = max(5, len(str(n - 1)))
    return np.array([f"c{i:0{width}d}" for i in range(n)], dtype=object)


def stamps(first_day: int, at: Float) -> NDArray[np.datetime64]:
    """Instants, to the second, of times in days since the world began."""
    seconds = np.floor(at * DAY_SECONDS).astype(np.int64) + first_day * DAY_SECONDS
    return seconds.astype("datetime64[s]")


def split(money: Int, mean_lines: float, stream: Stream) -> tuple[Int, Int]:
    """The order and the money of each line: 1 + Poisson lines an order, each worth the smallest unit or more."""
    n = np.minimum(1 + stream.poisson(mean_lines - 1.0, len(money)), money)
    order = np.repeat(np.arange(len(money)), n)
    last = np.cumsum(n)
    weight = np.cumsum(stream.standard_exponential(len(order)))
    before = np.r_[0.0, weight][last - n]
    share = (weight - before[order]) / (weight[last - 1] - before)[order]
    # One unit for every line, and the rest by shares; the last line of an order ends at all of it.
    number = np.arange(len(order)) - (last - n)[order]
    upto = np.rint(share * (money - n)[order]).astype(np.int64) + number + 1
    return order, upto - np.where(number > 0, np.r_[0, upto[:-1]], 0)


def lines_of(
    orders: Orders,
    guests: Orders,
    until: float,
    first_day: int,
    n_customers: int,
    decimals: int,
    mean_lines: float,
    free_rate: float,
    seed: int,
) -> pd.DataFrame:
    """The lines seen before a time: customer_id, purchased_at, order_id, amount.

    Parameters
    ----------
    until : float, days since the world began
    mean_lines, free_rate : float
        Lines an order, at least 1; share of the orders with a line of 0 besides.
    """
    import pandas as pd

    every = _together(orders, guests, n_customers)
    bought, free = every.at < until, stream_of(seed, "free").random(len(every)) < free_rate
    order, money = split(every.money, mean_lines, stream_of(seed, "lines"))
    seen = bought[order]
    gift, back = np.flatnonzero(free & bought), np.flatnonzero(every.returned_at < until)
    which = np.concatenate([order[seen], gift, back])
    at = np.concatenate([every.at[order[seen]], every.at[gift], every.returned_at[back]])
    units = np.concatenate([money[seen], np.zeros(len(gift), np.int64), -every.returned[back]])
    kind = np.repeat(np.array([0, 1, 2]), [int(seen.sum()), len(gift), len(back)])
    when = stamps(first_day, at)
    rows = np.lexsort((kind, which, when))
    which, back_again = which[rows], kind[rows] == 2
    frame = {
        "customer_id": _texts(ids_of(n_customers), every.customer[which]),
        "purchased_at": when[rows],
        "order_id": _order_ids(every, which, back_again),
        "amount": units[rows] / 10.0**decimals,
    }
    return pd.DataFrame(frame)


def _together(orders: Orders, guests: Orders, n_customers: int) -> Orders:
    """Customers' orders, then those of guests, whose customer is one more than there are."""
    if not len(guests):
        return orders
    nobody = np.full(len(guests), n_customers)
    parts = {name: (getattr(orders, name), getattr(guests, name)) for name in orders.__dataclass_fields__}
    parts["customer"] = (orders.customer, nobody)
    return Orders(**{name: np.concatenate(pair) for name, pair in parts.items()})


def _texts(ids: NDArray[np.object_], which: Int) -> Any:
    """The ids of some customers; missing for guests."""
    import pyarrow as pa

    known = pa.array(np.r_[ids, np.array([None], object)], pa.string())
    return known.take(pa.array(which)).to_pandas()


def _order_ids(orders: Orders, which: Int, back: NDArray[np.bool_]) -> Any:
    """Texts that name an order, the same for all its lines; what comes back is an order of its own."""
    import pyarrow as pa
    import pyarrow.compute as pc

    number = pc.utf8_lpad(pa.array(which + 1).cast(pa.string()), width=len(str(len(orders))), padding="0")
    letter = pa.array(["o", "r"]).take(pa.array(back.astype(np.int8)))
    return pc.binary_join_element_wise(letter, number, "").to_pandas()
