"""Expected incremental profit of every option for every customer: what it brings beyond what comes without it.

In: what is expected of customers, the options of a catalogue, what is believed of them. Out: gains and costs in
currency, one column an option. Both are float32: 1,000,000 customers and ten options take 80 MB, and what is decided,
logged and summed are these very numbers. Nothing is missing.

gain = margin x (save x silent x active spend + extra x spend) - what redemptions cost - contact - complaints - returns
of what is bought more. What is redeemed is paid to those, too, who would have bought anyway. The window is that of the
read-out: nothing later counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .economics import Economics, Expected, Terms
from .responses import Response, Responses

if TYPE_CHECKING:
    from .catalogue import Catalogue, Option
    from .offer import Offer

Float = NDArray[np.float64]
Narrow = NDArray[np.float32]
LOW, BASE, HIGH = 0, 1, 2


@dataclass(frozen=True)
class Gains:
    """What every option brings from every customer and costs, in currency.

    Parameters
    ----------
    base : ndarray of float32, shape (n_customers, n_options)
        Expected incremental profit, its cost already taken off.
    cost : ndarray of float32, shape (n_customers, n_options), >= 0
        Expected cost: the contact, and what is redeemed without a partner's share.
    """

    base: Narrow
    cost: Narrow

    def only(self, permitted: NDArray[np.bool_]) -> Gains:
        """The same with -inf where an option may not be given."""
        return Gains(np.where(permitted, self.base, np.float32(-np.inf)), self.cost)


@dataclass(frozen=True)
class Profits:
    """How gains are reckoned for the customers of an audience.

    Parameters
    ----------
    columns : mapping of str to ndarray
        Of an audience; at least `economics.EXPECTED`.
    catalogue : Catalogue
    responses : Responses
    economics : Economics
    """

    columns: Mapping[str, NDArray[Any]]
    catalogue: Catalogue
    responses: Responses
    economics: Economics

    @cached_property
    def expected(self) -> Expected:
        """What is expected without any offer."""
        return Expected.of(self.columns)

    @cached_property
    def _believed(self) -> tuple[Response, ...]:
        return self.responses.for_options(self.catalogue)

    @cached_property
    def _personal(self) -> NDArray[Any] | None:
        """Extra gross spend by customer and option, where a model of it passed its gate."""
        personal = self.responses.personal
        return None if personal is None else np.asarray(personal.gains(self.columns), np.float64)

    def gains(self) -> Gains:
        """Of every option for every customer."""
        shape = (len(self.expected.silent), len(self.catalogue.options))
        base, cost = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for offer, options in _by_offer(self.catalogue.options):
            terms = Terms.of(self.expected, offer)
            for option in options:
                j = option.index
                base[:, j], cost[:, j] = self._of(option, self.expected, terms, slice(None), BASE)
        return Gains(base, cost)

    def of_choice(self, choice: NDArray[np.integer]) -> NDArray[np.float32]:
        """Low, base and high gain of one option for each customer, shape (3, n_customers); 0 for no offer (-1).

        The low gain has low effects and many redemptions, the high one the contrary; where more customers saved mean
        less money, the ends change places.
        """
        found = np.zeros((3, len(choice)), np.float32)
        for offer, options in _by_offer(self.catalogue.options):
            for option in options:
                rows = np.flatnonzero(choice == option.index)
                if len(rows):
                    found[:, rows] = self._range(option, offer, rows)
        return found

    def _range(self, option: Option, offer: Offer, rows: NDArray[Any]) -> NDArray[np.float32]:
        expected = self.expected.taken(rows)
        terms = Terms.of(expected, offer)
        ends = np.stack([self._of(option, expected, terms, rows, at)[0].astype(np.float32) for at in (0, 1, 2)])
        return np.stack([ends.min(axis=0), ends[BASE], ends.max(axis=0)])

    def _of(self, option: Option, expected: Expected, terms: Terms, rows: Any, at: int) -> tuple[Float, Float]:
        """Gain and cost of an option, in one of three cases."""
        believed, offer = self._believed[option.index], option.offer
        redemption = believed.redemption[HIGH - at]
        if self._personal is None:
            save = believed.save[at]
            more = save * terms.at_stake + believed.extra_spend[at] * terms.reached
        else:
            assert self.responses.personal is not None
            save = 0.0
            more = self._personal[rows, option.index] + (at - BASE) * self.responses.personal.half_width[option.index]
        taken = terms.redeemed(expected, save, redemption)
        contact = option.channel.contact_cost(self.economics.contact_cost)
        net = self.economics.profit(more, taken, offer.margin(self.economics.margin), offer.economics.funding)
        cost = contact + (1 - offer.economics.funding) * taken
        back = self.economics.return_cost * self.economics.return_rate
        net = net - back * expected.orders(more) if back else net
        return net - contact - believed.complaints * self.economics.complaint_cost, cost


def _by_offer(options: Sequence[Option]) -> list[tuple[Offer, list[Option]]]:
    """The options of each offer: the money it moves is the same on all channels."""
    found: dict[str, tuple[Offer, list[Option]]] = {}
    for option in options:
        found.setdefault(option.offer.id, (option.offer, []))[1].append(option)
    return list(found.values())
