"""Who could get what under which caps, laid out so that a million customers are gone through in a blink.

In: gains and costs of every (customer, option), and caps. Out: the best option of everybody at given prices, and what
that uses of each cap. Customers to whom the same caps apply are a group, so prices become one small table. What is not
permitted (a gain of NaN or -inf), has no cost, or alone would exceed a cap, is never chosen.
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
_BLOCKS = 8_192


@dataclass(frozen=True, eq=False)
class Chosen:
    """The best option of everybody at some prices.

    `option` is -1 for nothing; `dual` (n_blocks,) is what is left of the gains after prices, `used` (n_blocks, n_caps)
    what is used of each cap.
    """

    option: Options
    dual: NDArray[np.float64]
    used: sparse.csr_array


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
        self.n_groups = len(self.within.indptr) - 1
        self.block = _blocks(self.within, np.array([cap.rows is not None for cap in caps], bool))
        table = np.zeros((len(caps), k))
        for at, cap in enumerate(caps):
            if not cap.by_customer:
                table[at] = cap.of_options(k)
        money = np.array([cap.money for cap in caps], bool)[:, None]
        self.units, self.moneys = table * ~money, table * money
        self.gains, self.cost = gains, np.broadcast_to(cost, (n, k))
        self._open()

    def sample(self, step: int) -> Problem:
        """Every so manieth customer, under limits that are as much smaller."""
        part = Problem.__new__(Problem)
        part.caps = tuple(
            replace(cap, use=cap.use[::step]) if cap.by_customer and cap.use is not None else cap for cap in self.caps
        )
        part.limits = self.limits / step
        part.group, part.within, part.n_groups, part.block = self.group[::step], self.within, self.n_groups, self.block
        part.units, part.moneys = self.units, self.moneys
        part.gains, part.cost = self.gains[::step], self.cost[::step]
        return part

    def chunks(self) -> Iterator[slice]:
        """The rows, a few at a time; none where there are no options."""
        for begin in range(0, len(self.gains) if self.gains.size else 0, CHUNK):
            yield slice(begin, min(begin + CHUNK, len(self.gains)))

    def tables(self, prices: Prices) -> Tables:
        """What an option costs in prices: for each group, and for each unit of the option's cost."""
        weighted = prices[:, None]
        return np.asarray(self.within @ (weighted * self.units)), np.asarray(self.within @ (weighted * self.moneys))

    def left(self, tables: Tables, prices: Prices, rows: slice | NDArray[np.intp]) -> NDArray[np.float64]:
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
        tables, blocks = self.tables(prices), int(self.block.max()) + 1
        option, dual = np.full(len(self.gains), -1, np.int16), np.zeros(blocks)
        for rows in self.chunks():
            left = self.left(tables, prices, rows)
            best = left.argmax(axis=1)
            at = np.arange(len(best))
            most, gain = left[at, best], self.gains[rows][at, best]
            option[rows] = np.where((gain > 0) & (most >= -TIE * np.abs(gain)), best, -1)
            most = np.maximum(most, 0.0)
            dual += most.sum() if blocks == 1 else np.bincount(self.block[self.group[rows]], most, blocks)
        return Chosen(option, dual, self.used(option))

    def used(self, option: Options) -> sparse.csr_array:
        """What options given use of each cap, by block: shape (n_blocks, n_caps)."""
        groups, k = self.n_groups, self.gains.shape[1]
        counts, costs = np.zeros(groups * k), np.zeros(groups * k)
        beyond = dict.fromkeys((c for c, cap in enumerate(self.caps) if cap.by_customer), np.zeros(groups))
        for rows in self.chunks():
            at = np.flatnonzero(option[rows] >= 0)
            chosen, group = option[rows][at], self.group[rows][at]
            where = group.astype(np.intp) * k + chosen
            counts += np.bincount(where, minlength=groups * k)
            costs += np.bincount(where, self.cost[rows][at, chosen], groups * k)
            for cap, use in self.by_customer(rows):
                beyond[cap] = beyond[cap] + np.bincount(group, use[at, chosen], groups)
        of, cap = np.repeat(np.arange(groups), np.diff(self.within.indptr)), self.within.indices
        use = (counts.reshape(groups, k)[of] * self.units[cap]).sum(axis=1)
        use += (costs.reshape(groups, k)[of] * self.moneys[cap]).sum(axis=1)
        for number, more in beyond.items():
            use[cap == number] += more[of[cap == number]]
        shape = (int(self.block.max()) + 1, len(self.caps))
        return sparse.csr_array(sparse.coo_array((use, (self.block[of], cap)), shape=shape))

    def totals(self, option: Options) -> NDArray[np.float64]:
        """What options given use of each cap: shape (n_caps,)."""
        return np.asarray(self.used(option).sum(axis=0), np.float64).ravel()

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

    def by_customer(self, rows: slice | NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """The caps whose uses differ by customer, each with the uses of some rows."""
        for number, cap in enumerate(self.caps):
            if cap.by_customer and cap.use is not None:
                held = self.within[:, [number]].toarray()[:, 0][self.group[rows]]
                use = cap.use[rows] * held[:, None]
                yield number, use * self.cost[rows] if cap.money else use

    def shut(self, room: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which options, by group, use more than the room of a cap that does not look at money."""
        return np.asarray(self.within @ (self.units > room[:, None]).astype(np.float64)) > 0

    def roof(self, room: NDArray[np.float64]) -> NDArray[np.float64]:
        """The highest cost of each option, by group, for which the caps on money have room."""
        roof = np.full((self.n_groups, self.moneys.shape[1]), np.inf)
        some = np.flatnonzero(np.diff(self.within.indptr))
        if self.moneys.any():
            with np.errstate(divide="ignore", invalid="ignore"):
                highest = np.where(self.moneys > 0, room[:, None] / self.moneys, np.inf)
            roof[some] = np.minimum.reduceat(highest[self.within.indices], self.within.indptr[some])
        return roof

    def members(self, cap: int) -> NDArray[np.intp]:
        """The rows for which a cap holds."""
        rows = self.caps[cap].members()
        return np.arange(len(self.gains)) if rows is None else rows

    def use_of(self, cap: int, rows: NDArray[np.intp], option: NDArray[np.integer]) -> NDArray[np.float64]:
        """What some customers for whom a cap holds use of it with the options that they have."""
        use = self.caps[cap].use
        if use is not None and use.ndim == 2:
            own = use[rows, option].astype(np.float64)
            return np.asarray(own * self.cost[rows, option] if self.caps[cap].money else own, np.float64)
        return np.asarray(self.units[cap, option] + self.moneys[cap, option] * self.cost[rows, option], np.float64)

    def _open(self) -> None:
        """Take out what is not permitted, and what alone exceeds a cap; the caller's arrays stay as they are."""
        top = self.limits * (1 + ROUNDING)
        shut, roof = self.shut(top), self.roof(top)
        gains, cost = self.gains, self.cost
        for rows in self.chunks():
            group = self.group[rows] if len(shut) > 1 else slice(None)
            here, spent = gains[rows], cost[rows]
            never = np.isnan(here) | shut[group] | (spent > roof[group]) | ~np.isfinite(spent)
            for number, use in self.by_customer(rows):
                never |= use > top[number]
            if bool((never & (here != -np.inf)).any()):
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


def _blocks(within: sparse.csr_array, of_some: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For which groups sums are kept apart: those with the same first cap that holds for some customers only."""
    n_groups = len(within.indptr) - 1
    block = np.zeros(n_groups, np.int64)
    own = np.flatnonzero(of_some[within.indices])
    groups = np.repeat(np.arange(n_groups), np.diff(within.indptr))[own]
    first, at = np.unique(groups, return_index=True)
    block[first] = 1 + within.indices[own[at]]
    _, block = np.unique(block, return_inverse=True)
    return np.asarray(block % _BLOCKS, np.int64)
