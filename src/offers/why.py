"""Why a customer gets nothing, in one of a few fixed phrases that anybody can count.

In: arms, what is given, what could be, prices. Out: a code per customer, 0 where something is given, and the phrases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .arms import CHOSEN, CONTROL, EXPLORE, HOLDOUT
from .caps import Cap
from .exploration import Exploration, among
from .limits import BUDGET
from .permitted import REASONS
from .problem import Problem

if TYPE_CHECKING:
    from .permitted import Permitted
    from .profit import Gains

HELD_OUT, CONTROLLED, EXPLORED, PAYS_NOT = "hold-out", "control", "explored nothing", "does not pay"
FIXED = (*REASONS, HELD_OUT, CONTROLLED, EXPLORED, PAYS_NOT)
"""All that is said beside `budget` and the names of limits; the first, empty: something is given."""


def phrase(cap: str) -> str:
    """What is said of a cap that stops an offer."""
    return BUDGET if cap == BUDGET else f"limit: {cap}"


@dataclass(frozen=True, eq=False)
class Why:
    """A phrase per customer.

    Parameters
    ----------
    code : ndarray of int32, shape (n_customers,)
    phrases : tuple of str
        By code; the first is empty.
    """

    code: NDArray[np.int32]
    phrases: tuple[str, ...]

    def said(self) -> list[str]:
        """The phrase of each customer."""
        return [self.phrases[code] for code in self.code.tolist()]

    def counts(self) -> dict[str, int]:
        """How many customers get nothing for each reason, the most frequent first."""
        found = np.bincount(self.code, minlength=len(self.phrases))
        order = sorted(np.flatnonzero(found[1:]) + 1, key=lambda code: (-found[code], code))
        return {self.phrases[code]: int(found[code]) for code in order}


def why_nothing(
    arm: NDArray[np.uint8],
    given: NDArray[np.int16],
    permitted: Permitted,
    gains: Gains,
    caps: Sequence[Cap],
    prices: Mapping[str, float],
    exploration: Exploration,
) -> Why:
    """The first thing that stands in the way: the draw, then what may not be, then what does not pay, then a cap."""
    phrases = (*FIXED, *(phrase(cap.name) for cap in caps))
    code = np.zeros(len(arm), np.int32)
    nothing = given < 0
    code[nothing & (arm == HOLDOUT)] = phrases.index(HELD_OUT)
    code[nothing & (arm == CONTROL)] = phrases.index(CONTROLLED)
    rest = nothing & ((arm == CHOSEN) | (arm == EXPLORE))
    code[rest] = permitted.why[rest]
    rest &= permitted.mask.any(axis=1)
    exploring = np.flatnonzero(rest & (arm == EXPLORE))
    code[exploring] = _explored(exploring, permitted.mask, exploration, phrases)
    rows = np.flatnonzero(rest & (arm == CHOSEN))
    best = gains.base[rows].argmax(axis=1)
    pays = gains.base[rows, best] > 0
    code[rows] = phrases.index(PAYS_NOT)
    if caps and pays.any():
        rows, best = rows[pays], best[pays]
        code[rows] = len(FIXED) + _binding(rows, best, gains, caps, prices)
    return Why(code, phrases)


def _explored(
    rows: NDArray[np.intp], mask: NDArray[np.bool_], exploration: Exploration, phrases: tuple[str, ...]
) -> NDArray[np.int32]:
    """The draw, unless a cap has shut all that an explorer could get."""
    found = np.full(len(rows), phrases.index(EXPLORED), np.int32)
    if exploration.shut:
        stopped = ~(mask[rows] & exploration.open).any(axis=1)
        first = mask[rows].argmax(axis=1)
        for at in np.flatnonzero(stopped):
            found[at] = phrases.index(phrase(exploration.shut[int(first[at])]))
    return found


def _binding(
    rows: NDArray[np.intp],
    option: NDArray[np.intp],
    gains: Gains,
    caps: Sequence[Cap],
    prices: Mapping[str, float],
) -> NDArray[np.intp]:
    """The cap whose price weighs most on what a customer would get; without prices, the tightest of those it uses."""
    n, k = gains.base.shape
    problem = Problem(np.zeros((len(rows), k), np.float32), gains.cost[rows], among(caps, rows, n))
    uses = problem.uses(np.arange(len(rows)), option).toarray()
    price = np.array([prices.get(cap.name, 0.0) for cap in caps])
    shut = np.array([not cap.limit > 0 for cap in caps])
    tight = (uses > 0) / np.maximum([max(cap.limit, 0.0) + 1.0 for cap in caps], 1.0)
    weight = uses * price
    # A cap of nothing has no price and stops more surely than any that has one.
    weight = np.where(shut & (uses > 0), np.inf, weight)
    return np.asarray(np.where(weight.any(axis=1), weight.argmax(axis=1), tight.argmax(axis=1)))
