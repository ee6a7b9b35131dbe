"""Cohorts of a campaign with what came of them: the trials that a measurement is made of.

In: cohorts of waves whose windows have closed, the ledger's sums of those windows, the moves of money. Out: `Trial`s:
of the whole campaign, of a wave's window, of an offer. Profit is what was earned on what was bought, less what offers
and contacts cost, of all campaigns together. Whom the ledger does not know has bought nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...clock import Cutoff, Zone
from ...intake import Ledger
from ...offers.economics import Economics
from ...offers.trial import POINTS, Trial
from ...schema import SCALE
from .cohorts import Cohort, ReadOut
from .moves import Moves, Sums
from .realised import Asked, Realised, realised

Float64 = NDArray[np.float64]
Texts = NDArray[np.str_]
ARMS = ("control", "all offers")
BEFORE = ("spend before", "expected spend", "spend long before", "orders before", "chance of silence")
"""What is known of customers before, the most telling first."""
OUTCOMES = ("profit", "spend", "orders", "bought")
DRAWN = "by a salted hash of the customer, before anything was decided"


@dataclass
class Windows:
    """Windows that are asked for first and read in one pass then."""

    zone: Zone
    asked: list[Asked] = field(default_factory=list)
    found: list[Realised] = field(default_factory=list)
    lacking: int = 0

    def ask(self, ids: Texts, begins: Cutoff, ends: Cutoff, lag_days: int = 0) -> int:
        """The number of a window, by which it is found later."""
        self.asked.append(Asked(ids, begins, ends, ends.plus(lag_days)))
        return len(self.asked) - 1

    def read(self, ledger: Ledger) -> None:
        """Go through the ledger."""
        self.found, self.lacking = realised(ledger, self.asked)

    def instants(self, number: int) -> tuple[int, int]:
        """When a window begins and ends, in UTC microseconds."""
        asked = self.asked[number]
        return asked.begins.instant(self.zone), asked.ends.instant(self.zone)


@dataclass
class Part:
    """A cohort and the numbers of its windows.

    Parameters
    ----------
    cohort : Cohort
    own, whole : int
        From its wave to the end of the wave's window, and to that of the last wave that is due.
    in_window : dict of int to int
        The windows of its own and later waves, by the wave's place.
    before, long_before : int
    """

    cohort: Cohort
    own: int
    whole: int
    in_window: dict[int, int]
    before: int
    long_before: int

    @classmethod
    def of(cls, cohort: Cohort, last: Cutoff, windows: Windows, waves: Sequence[ReadOut] = ()) -> Part:
        """Ask for the windows of a cohort: up to a last day, and in waves."""
        out, ids, lag = cohort.out, cohort.ids, cohort.out.lag_days
        days, begins = out.window_days, out.begins
        return cls(
            cohort,
            windows.ask(ids, begins, out.ends, lag),
            windows.ask(ids, begins, last, lag),
            {i: windows.ask(ids, w.begins, w.ends, lag) for i, w in enumerate(waves) if w.begins >= begins},
            windows.ask(ids, begins.minus(days), begins),
            windows.ask(ids, begins.minus(3 * days), begins.minus(days)),
        )


Rows = Callable[[Cohort], NDArray[np.bool_]]


def everybody(cohort: Cohort) -> NDArray[np.bool_]:
    """All customers of a cohort."""
    return np.ones(len(cohort.ids), bool)


@dataclass
class Comparison:
    """All that is known of a campaign's cohorts.

    Parameters
    ----------
    parts : list of Part
    windows : Windows
        Read already.
    moves : Moves
    economics : Economics
    currency : str
    """

    parts: list[Part]
    windows: Windows
    moves: Moves
    economics: Economics
    currency: str
    arms: tuple[str, str] = ARMS
    _sums: dict[int, Sums] = field(default_factory=dict)
    _margins: dict[int, Float64] = field(default_factory=dict)

    def trial(self, window: Callable[[Part], int | None], rows: Rows = everybody) -> Trial | None:
        """Treated against control in one window of each cohort, of some customers; None where there is nobody."""
        asked = [(part, window(part)) for part in self.parts]
        pieces = [self._piece(part, number, rows(part.cohort)) for part, number in asked if number is not None]
        pieces = [piece for piece in pieces if len(piece.treated)]
        if not pieces:
            return None
        outcomes = {name: np.concatenate([p.outcomes[name] for p in pieces]) for name in OUTCOMES}
        units = {"profit": self.currency, "spend": self.currency, "orders": "orders", "bought": POINTS}
        chances = {p.share for p in pieces}
        treated = np.concatenate([p.treated for p in pieces])
        share = np.concatenate([np.full(len(p.treated), p.share) for p in pieces])
        return Trial(
            self.arms,
            treated.astype(np.int64),
            outcomes,
            np.concatenate([p.before for p in pieces]),
            BEFORE,
            DRAWN,
            units,
            dict(zip(self.arms, (1 - float(share.mean()), float(share.mean())), strict=True)),
            None if len(chances) == 1 else np.where(treated, share, 1 - share),
            np.repeat(np.arange(len(pieces)), [len(p.treated) for p in pieces]) if len(pieces) > 1 else None,
        )

    def outlay(self, part: Part, number: int) -> Float64:
        """What was paid for each treated customer of a cohort within a window."""
        return self._moves_of(part).between(*self.windows.instants(number))[1][part.cohort.treated]

    def own_outlay(self, part: Part, campaign: str, number: int) -> Float64:
        """What a campaign itself paid for each treated customer of a cohort within a window."""
        return self._moves_of(part).paid_by(campaign, *self.windows.instants(number))[part.cohort.treated]

    def others(self, part: Part, campaign: str, number: int) -> NDArray[np.bool_]:
        """Whom another campaign reached within a window."""
        return self._moves_of(part).reached_by_others(campaign, *self.windows.instants(number))

    def _moves_of(self, part: Part) -> Sums:
        key = id(part)
        if key not in self._sums:
            self._sums[key] = self.moves.within(part.cohort.ids)
        return self._sums[key]

    def _piece(self, part: Part, number: int, rows: NDArray[np.bool_]) -> Piece:
        cohort, found = part.cohort, self.windows.found
        if id(part) not in self._margins:
            self._margins[id(part)] = margins(cohort, self.economics)
        margin = self._margins[id(part)]
        moved = self._moves_of(part).between(*self.windows.instants(number))
        values = came(found[number], moved, margin, self.economics.return_cost)
        before, long_before = found[part.before], found[part.long_before]
        known = (
            before.spend / SCALE,
            cohort.expected_spend,
            long_before.spend / SCALE,
            before.orders.astype(np.float64),
            cohort.p_churn,
        )
        return Piece(
            cohort.treated[rows],
            {name: value[rows] for name, value in values.items()},
            np.column_stack(known)[rows],
            cohort.share,
        )


@dataclass(frozen=True)
class Piece:
    """Rows of a trial from one cohort; `share` is the chance of `chosen` among those who are compared."""

    treated: NDArray[np.bool_]
    outcomes: dict[str, Float64]
    before: Float64
    share: float


def margins(cohort: Cohort, economics: Economics) -> Float64:
    """The margin of each customer's purchases: that of the offer meant for them, in both arms alike."""
    names, at = np.unique(cohort.offer, return_inverse=True)
    catalogue, usual = cohort.out.catalogue, economics.margin
    found = [catalogue.offer(str(name)).margin(usual) if name else usual for name in names]
    return np.array(found or [usual])[at]


def came(
    found: Realised, moved: tuple[Float64, Float64], margin: Float64 | float, return_cost: float = 0.0
) -> dict[str, Float64]:
    """What a window brought of each customer: profit, net spend, orders, whether anything was bought.

    The profit is that of `Economics.profit`: ``margin x (spend + taken off prices) - outlay``; where the ledger has the
    costs of goods, ``spend + taken off prices - costs - outlay``. What comes back costs besides, return by return.
    """
    in_price, outlay = moved
    if found.cost is None:
        earned = margin * (found.spend / SCALE + in_price)
    else:
        earned = (found.spend - found.cost) / SCALE + in_price
    return {
        "profit": np.asarray(earned - outlay - return_cost * found.returns),
        "spend": found.spend / SCALE,
        "orders": found.orders.astype(np.float64),
        "bought": (found.orders > 0).astype(np.float64),
    }
