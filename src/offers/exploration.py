"""What explorers get, before anything is optimised: any permitted option or nothing, by draw, as far as the caps reach.

In: who explores, what each may be given and costs, the caps. Out: an option per customer (-1 for nothing), over which
options exploration is spread, and what is left of the caps for the rest. Where the draws together would exceed a cap,
no explorer gets an option that uses it, and the draw is made again over what remains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .arms import Ids, explored
from .caps import Cap
from .problem import ROUNDING, Problem

Options = NDArray[np.int16]
NOTHING = -1


@dataclass(frozen=True, eq=False)
class Exploration:
    """What exploration comes to.

    Parameters
    ----------
    option : ndarray of int16, shape (n_customers,)
        What each explorer gets; -1 for nothing, and for all who do not explore.
    open : ndarray of bool, shape (n_options,)
        Over which options it is spread.
    shut : mapping of int to str
        The cap for which an option is left out, by the option's index.
    used : mapping of str to float
        What it takes of each cap.
    """

    option: Options
    open: NDArray[np.bool_]
    shut: Mapping[int, str] = field(default_factory=dict)
    used: Mapping[str, float] = field(default_factory=dict)

    def left(self, caps: Sequence[Cap]) -> tuple[Cap, ...]:
        """The caps without what exploration takes."""
        return tuple(replace(cap, limit=max(cap.limit, 0.0) - self.used.get(cap.name, 0.0)) for cap in caps)


def exploration(
    customer_ids: Ids,
    rows: NDArray[np.intp],
    draw: tuple[str, str, object],
    permitted: NDArray[np.bool_],
    cost: NDArray[np.floating],
    caps: Sequence[Cap],
) -> Exploration:
    """Draw for explorers until no cap is exceeded.

    Parameters
    ----------
    customer_ids : sequence of str
    rows : ndarray of int
        The explorers among them.
    draw : tuple of str, str, Cutoff
        Salt, campaign, day of the wave.
    permitted : ndarray of bool, shape (n_customers, n_options)
    cost : ndarray, shape (n_customers, n_options)
    caps : sequence of Cap
    """
    n, k = permitted.shape
    ids, may, spent = np.asarray(customer_ids, object)[rows], permitted[rows], cost[rows]
    problem = Problem(np.zeros((len(rows), k), np.float32), spent, among(caps, rows, n))
    top = problem.limits * (1 + ROUNDING)
    open_, shut = np.ones(k, bool), dict[int, str]()
    while True:
        option = explored(ids, *draw, may & open_)
        used = problem.used(option).sum(axis=0)
        over = np.flatnonzero(used > top)
        if not len(over):
            break
        for j in np.flatnonzero(open_ & _uses(caps[over[0]], spent, rows)):
            open_[j], shut[int(j)] = False, caps[over[0]].name
    every = np.full(n, NOTHING, np.int16)
    every[rows] = option
    return Exploration(every, open_, shut, {cap.name: float(u) for cap, u in zip(caps, used, strict=True)})


def among(caps: Sequence[Cap], rows: NDArray[np.intp], n_customers: int) -> tuple[Cap, ...]:
    """Caps as they hold for some of the customers, with the same limits."""
    found = []
    for cap in caps:
        members, use = cap.members(), cap.use
        if members is not None:
            held = np.zeros(n_customers, bool)
            held[members] = True
            members = held[rows]
        found.append(replace(cap, use=use[rows] if use is not None and use.ndim == 2 else use, rows=members))
    return tuple(found)


def _uses(cap: Cap, cost: NDArray[np.floating], rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """The options that use anything of a cap."""
    use = cap.of_options(cost.shape[1])
    some = use > 0 if use.ndim == 1 else (use[rows] > 0).any(axis=0)
    return np.asarray(some & (cost > 0).any(axis=0) if cap.money else some)
