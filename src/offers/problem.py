"""Who could get what under which caps, laid out so that a million customers are gone through in a blink.

In: gains and costs of every (customer, option), and caps. Out: the best option of everybody at given prices, and what
that uses of each cap. Customers to whom the same caps apply are a group, so prices become one small table. What is not
permitted (a gain of NaN or -inf), and what alone would exceed a cap, is never chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..errors import ConfigError
from .caps import Cap, Floats, check_caps

Prices = NDArray[np.float64]
Options = NDArray[np.int16]
Tables = tuple[NDArray[np.float64], NDArray[np.float64]]

CHUNK = 16_384
"""Rows that are looked at together: their numbers stay in the processor's cache."""
TIE = 1e-9
"""An option whose gain is below its price by less than this share of the gain stands at the margin, and is taken."""
ROUNDING = 1e-9
"""Sums of money are floats: so much above a limit, as a share of it, is not above it."""
_BLOCKS = 512


@dataclass(frozen=True, eq=False)
class Chosen:
    """The best option of everybody at some prices.

    `option` is -1 for nothing; `dual` (n_blocks,) is what is left of the gains after prices, `used` (n_blocks, n_caps)
    what is used of each cap.
    """

    option: Options
    dual: NDArray[np.float64]
    used: NDArray[np.float64]


class Problem:
    """Gains, costs and caps: checked, and what can never be chosen taken out.

    Parameters
    ----------
    gains : ndarray of shape (n_customers, n_options)
        NaN or -inf where not permitted.
    cost : ndarray of shape (n_customers, n_options) or (n_options,), >= 0
    caps : sequence of Cap
    """

    def __init__(self, gains: Floats, cost: Floats, caps: Sequence[Cap]) -> None:
        n, k = gains.shape
        if cost.shape not in {(n, k), (k,)}:
            raise ConfigError(f"costs of shape {cost.shape}", needed=f"({n}, {k}) or ({k},)", code="RG427")
        check_caps(caps, n, k)
        self.caps = tuple(caps)
        self.limits = np.array([max(float(cap.limit), 0.0) for cap in caps], np.float64)
        self.group, self.within = _grouped(n, caps)
        table = np.zeros((len(caps), k))
        for at, cap in enumerate(caps):
            if not cap.by_customer:
                table[at] = cap.of_options(k)
        money = np.array([cap.money for cap in caps], bool)[:, None]
        self.units, self.moneys = table * ~money, table * money
        self.gains, self.cost = gains, np.broadcast_to(cost, (n, k))
        self._open()

    @property
    def n_blocks(self) -> int:
        """How many sums are kept apart: one a group, or one for all when there are many groups."""
        return self.within.shape[0] if self.within.shape[0] <= _BLOCKS else 1

    def sample(self, step: int) -> Problem:
        """Every so manieth customer, under limits that are as much smaller."""
        part = Problem.__new__(Problem)
        part.caps = tuple(
            replace(cap, use=cap.use[::step]) if cap.by_customer and cap.use is not None else cap for cap in self.caps
        )
        part.limits = self.limits / step
        part.group, part.within = self.group[::step], self.within
        part.units, part.moneys = self.units, self.moneys
        part.gains, part.cost = self.gains[::step], self.cost[::step]
        return part

    def chunks(self) -> Iterator[slice]:
        """The rows, a few at a time."""
        for begin in range(0, len(self.gains), CHUNK):
            yield slice(begin, min(begin + CHUNK, len(self.gains)))

    def tables(self, prices: Prices) -> Tables:
        """What an option costs in prices: for each group, and for each unit of the option's cost."""
        weighted = prices[:, None]
        return np.asarray(self.within @ (weighted * self.units)), np.asarray(self.within @ (weighted * self.moneys))

    def left(self, tables: Tables, prices: Prices, rows: slice) -> NDArray[np.float64]:
        """Gains less what the options of some customers cost in prices."""
        units, moneys = tables
        group = self.group[rows] if len(units) > 1 else slice(None)
        left = np.subtract(self.gains[rows], units[group], dtype=np.float64)
        if moneys.any():
            left -= moneys[group] * self.cost[rows]
        for cap, use in self.by_customer(rows):
            left -= prices[cap] * use
        return left

    def choose(self, prices: Prices) -> Chosen:
        """The best option of everybody; nothing where none gains as much as it costs. Ties go to the lower option."""
        blocks, tables = self.n_blocks, self.tables(prices)
        option, dual = np.full(len(self.gains), -1, np.int16), np.zeros(blocks)
        for rows in self.chunks():
            left = self.left(tables, prices, rows)
            best = left.argmax(axis=1)
            at = np.arange(len(best))
            most, gain = left[at, best], self.gains[rows][at, best]
            option[rows] = np.where((gain > 0) & (most >= -TIE * np.abs(gain)), best, -1)
            most = np.maximum(most, 0.0)
            dual += most.sum() if blocks == 1 else np.bincount(self.group[rows], most, blocks)
        return Chosen(option, dual, self.used(option))

    def used(self, option: Options) -> NDArray[np.float64]:
        """What options given use of each cap, by block: shape (n_blocks, n_caps)."""
        groups, k = self.within.shape[0], self.gains.shape[1]
        counts, costs, beyond = np.zeros(groups * k), np.zeros(groups * k), np.zeros((self.n_blocks, len(self.caps)))
        for rows in self.chunks():
            at = np.flatnonzero(option[rows] >= 0)
            chosen, group = option[rows][at], self.group[rows][at]
            where = group.astype(np.intp) * k + chosen
            counts += np.bincount(where, minlength=groups * k)
            costs += np.bincount(where, self.cost[rows][at, chosen], groups * k)
            for cap, use in self.by_customer(rows):
                beyond[:, cap] += np.bincount(group if self.n_blocks > 1 else 0 * group, use[at, chosen], self.n_blocks)
        counted, spent = counts.reshape(groups, k), costs.reshape(groups, k)
        if self.n_blocks == groups:
            return np.asarray(self.within.toarray() * (counted @ self.units.T + spent @ self.moneys.T) + beyond)
        every = self.units * (self.within.T @ counted) + self.moneys * (self.within.T @ spent)
        return np.asarray(every.sum(axis=1)[None, :] + beyond)

    def gain_of(self, option: Options) -> float:
        """The sum of the gains of options given."""
        at = np.flatnonzero(option >= 0)
        return float(self.gains[at, option[at]].sum(dtype=np.float64))

    def uses(self, rows: NDArray[np.intp], option: NDArray[np.integer]) -> sparse.csr_array:
        """What each of some customers uses of each cap with an option (-1 uses nothing): shape (n_rows, n_caps)."""
        given = np.maximum(option, 0)
        spent = self.cost[rows, given]
        caps = self.within[self.group[rows]].tocsr()
        at, cap = np.repeat(np.arange(len(rows)), np.diff(caps.indptr)), caps.indices
        use = self.units[cap, given[at]] + self.moneys[cap, given[at]] * spent[at]
        for number, one in enumerate(self.caps):
            if one.by_customer and one.use is not None:
                its = cap == number
                use[its] = one.use[rows[at[its]], given[at[its]]] * (spent[at[its]] if one.money else 1.0)
        use[option[at] < 0] = 0.0
        return sparse.csr_array((use, caps.indices, caps.indptr), shape=caps.shape)

    def by_customer(self, rows: slice) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """The caps whose uses differ by customer, each with the uses of some rows."""
        for number, cap in enumerate(self.caps):
            if cap.by_customer and cap.use is not None:
                held = self.within[:, [number]].toarray()[:, 0][self.group[rows]]
                use = cap.use[rows] * held[:, None]
                yield number, use * self.cost[rows] if cap.money else use

    def _open(self) -> None:
        """Take out what is not permitted, and what alone exceeds a cap; the caller's arrays stay as they are."""
        top = self.limits * (1 + ROUNDING)
        shut = np.asarray(self.within @ (self.units > top[:, None]).astype(np.float64)) > 0
        roof = _roof(self.within, self.moneys, top)
        gains, cost = self.gains, self.cost
        for rows in self.chunks():
            group = self.group[rows] if len(shut) > 1 else slice(None)
            here, spent = gains[rows], cost[rows]
            never = np.isnan(here) | shut[group] | (spent > roof[group]) | (spent != spent)
            for number, use in self.by_customer(rows):
                never |= use > top[number]
            if bool((never & (here > -np.inf)).any()):
                gains = gains if gains is not self.gains else gains.copy()
                gains[rows][never] = -np.inf
            if not np.isfinite(spent).all():
                cost = cost if cost is not self.cost else cost.copy()
                cost[rows][~np.isfinite(spent)] = 0.0
        if bool((gains == np.inf).any()) or bool((cost < 0).any()):
            raise ConfigError(
                "gains are endless, or costs are below 0", needed="numbers, and costs from 0 on", code="RG427"
            )
        self.gains, self.cost = gains, cost


def _roof(within: sparse.csr_array, moneys: NDArray[np.float64], top: NDArray[np.float64]) -> NDArray[np.float64]:
    """The highest cost of each option, by group, that no cap on money exceeds alone."""
    with np.errstate(divide="ignore", invalid="ignore"):
        highest = np.where(moneys > 0, top[:, None] / moneys, np.inf)
    roof = np.full((within.shape[0], moneys.shape[1]), np.inf)
    for group, cap in zip(*within.nonzero(), strict=True):
        np.minimum(roof[group], highest[cap], out=roof[group])
    return roof


def _grouped(n: int, caps: Sequence[Cap]) -> tuple[NDArray[np.int32], sparse.csr_array]:
    """The group of each row, and which caps hold for which group: shape (n_groups, n_caps), 1 or nothing."""
    group = np.zeros(n, np.int32)
    held: list[list[int]] = [[]]
    for number, cap in enumerate(caps):
        rows = cap.members()
        if rows is None:
            for one in held:
                one.append(number)
            continue
        olds, news = np.unique(group[rows], return_inverse=True)
        group[rows] = (len(held) + news).astype(np.int32)
        held.extend([*held[old], number] for old in olds)
    alive = np.bincount(group, minlength=len(held)) > 0
    if not n:
        alive[0] = True
    group = (np.cumsum(alive) - 1).astype(np.int32)[group]
    kept = [caps_of for caps_of, lives in zip(held, alive, strict=True) if lives]
    starts = np.concatenate([[0], np.cumsum([len(one) for one in kept])]).astype(np.int64)
    indices = np.array([cap for one in kept for cap in one], np.int64)
    return group, sparse.csr_array((np.ones(len(indices)), indices, starts), shape=(len(kept), len(caps)))
