"""What money an offer moves: said once, for the plan, the endpoint, the measurement and what is learnt.

In: what a model expects of customers in the window, an offer, what a company earns. Out: `Terms`, the sums of money
that an offer can move for each customer. A customer of whom nothing is expected has sums of 0; nothing is missing.

A purchase at list price g, of which a redemption takes d, is paid with g - d. With a margin m the goods cost (1 - m) g,
and a partner who pays a share f of the redemption gives f d back: the profit is m g - (1 - f) d. Of what lies in the
price (`Offer.in_price`) the ledger sees g - d, of what is given beside it (a gift, points, ...) g.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..config import EconomicsConfig
    from .offer import Offer

Float = NDArray[np.float64]

LEAST_ACTIVE = 0.01
"""The chance to buy is taken for no less where spend is divided by it: a quotient of two small numbers is noise."""
_NEVER = 1e4
"""So many times the mean order no order is worth: exp(-1e4) is 0."""
EXPECTED = ("p_churn", "expected_orders", "expected_spend")
"""The scores that gains are reckoned from, of the window."""


@dataclass(frozen=True)
class Economics:
    """What a company earns and pays, where a catalogue says nothing else.

    Parameters
    ----------
    margin : float
        Share of the spend at list price that is earned, 0..1.
    contact_cost, complaint_cost, return_cost : float
        Of one, in currency.
    return_rate : float
        Returns for each purchase so far: what is sold more comes back as often.

    Examples
    --------
    A purchase of 100 at list price with a coupon of 10, margin .3, half of the coupon paid by a partner.

    >>> Economics.profit(100.0, 10.0, margin=0.3, funding=0.5)
    25.0
    """

    margin: float = 1.0
    contact_cost: float = 0.0
    complaint_cost: float = 0.0
    return_cost: float = 0.0
    return_rate: float = 0.0

    @classmethod
    def of(cls, section: EconomicsConfig, return_rate: float = 0.0) -> Economics:
        """Those of a configuration."""
        return cls(section.margin, section.contact_cost, section.complaint_cost, section.return_cost, return_rate)

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> Economics:
        """From `to_dict`."""
        return cls(**{field.name: float(found[field.name]) for field in fields(cls)})

    def to_dict(self) -> dict[str, float]:
        """As JSON takes it."""
        return asdict(self)

    @staticmethod
    def profit(gross: Any, taken: Any, margin: Any, funding: Any) -> Any:
        """What is earned on purchases at list price of which redemptions took some; before contacts and complaints.

        Parameters
        ----------
        gross, taken : float or ndarray, in currency
        margin, funding : float
            Share earned of `gross`; share of `taken` that a partner pays.
        """
        return margin * gross - (1 - funding) * taken


@dataclass(frozen=True)
class Expected:
    """What a model expects of customers within the window; every array has the shape (n_customers,).

    Parameters
    ----------
    silent : ndarray
        Chance of no purchase, 0..1.
    spend : ndarray
        Spend without any offer, in currency, >= 0: what comes back more than it brings counts as nothing.
    active : ndarray
        Spend of one who does buy: spend / (1 - silent), the divisor at least `LEAST_ACTIVE`.
    order : ndarray
        Mean value of an order: spend / expected orders, of which there is at least one for one who buys.

    Examples
    --------
    >>> columns = {"p_churn": [0.5], "expected_orders": [1.0], "expected_spend": [40.0]}
    >>> found = Expected.of({name: np.array(values) for name, values in columns.items()})
    >>> found.active.tolist(), found.order.tolist()
    ([80.0], [40.0])
    """

    silent: Float
    spend: Float
    active: Float
    order: Float

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[Any]]) -> Expected:
        """From the columns `EXPECTED` of an audience."""
        silent, orders, spend = (np.ascontiguousarray(columns[name], np.float64) for name in EXPECTED)
        spend = np.maximum(spend, 0.0)
        buys = np.maximum(1 - silent, LEAST_ACTIVE)
        return cls(silent, spend, spend / buys, spend / np.maximum(orders, buys))

    def orders(self, spend: Float) -> Float:
        """How many orders some spend of these customers is."""
        return np.divide(spend, self.order, out=np.zeros(len(self.order)), where=self.order > 0)

    def taken(self, rows: NDArray[Any]) -> Expected:
        """Of some of the customers."""
        return Expected(self.silent[rows], self.spend[rows], self.active[rows], self.order[rows])


@dataclass(frozen=True)
class Terms:
    """The money that an offer can move, for each customer; every array has the shape (n_customers,).

    Parameters
    ----------
    at_stake : ndarray
        Spend that a saved customer brings, times the chance that there is one to save: silent x active.
    reached : ndarray
        Spend without the offer in orders that reach its minimum: what grows by `extra_spend`.
    taken : ndarray
        What one redemption takes off or costs, in currency.
    share : ndarray
        Chance that an order reaches the minimum spend, 0..1.
    """

    at_stake: Float
    reached: Float
    taken: Float
    share: Float

    @classmethod
    def of(cls, expected: Expected, offer: Offer) -> Terms:
        """Of one offer.

        Notes
        -----
        An offer is redeemed at most once in the window, on one order. Order values are taken as exponential around the
        customer's mean V, which assumes least where only the mean is known (Jaynes 1957, doi:10.1103/PhysRev.106.620):
        an order reaches a minimum t with exp(-t / V), and those that do have the mean t + V.
        """
        least = offer.minimum_spend
        ratio = _ratio(least, expected.order)
        share = np.exp(-ratio)
        # Spend in orders that reach it: share of the orders x (least + mean) / mean.
        reached = expected.spend * share * (1 + ratio)
        return cls(expected.silent * expected.active, reached, _taken(offer, least, expected.order), share)

    def redeemed(self, expected: Expected, save: float, redemption: float) -> Float:
        """Money that redemptions take: also of those who would have bought anyway."""
        buys = np.clip(1 - expected.silent + save * expected.silent, 0.0, 1.0)
        return np.asarray(redemption * self.share * buys * self.taken)


def _taken(offer: Offer, least: float, order: Float) -> Float:
    """What one redemption takes, on an order that reaches the minimum."""
    money, share = offer.taken
    if offer.type == "amount" and offer.economics.cost_per_redemption is None and least < money:
        # No more is taken off than an order is worth: E[min(money, X)], given that X reaches the minimum.
        return np.asarray(least - order * np.expm1(-_ratio(money - least, order)))
    return np.asarray(money + share * (least + order))


def _ratio(value: float, order: Float) -> Float:
    """A value as a multiple of the mean order; `_NEVER` where there are no orders."""
    if not value:
        return np.zeros(len(order))
    ratio = np.divide(value, order, out=np.full(len(order), _NEVER), where=order > 0)
    return np.asarray(np.minimum(ratio, _NEVER))
