"""What may be given to whom: every filter in one place, for a plan of millions and for one customer at the endpoint.

In: an audience, a catalogue, and what is known of consent, contacts, complaints and earlier offers. Out: a mask of what
may be given, with the first filter that forbids each option, and for who may get nothing the filter that took the last.
What is not known is no consent, no contact, no complaint; a rule never holds for a missing value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..offering_section import ContactConfig
from .catalogue import Catalogue
from .consent import Consent
from .contact import Contacts, room
from .eligibility import Judge, check_known
from .limits import had_enough, too_dear
from .offer import Offer
from .past import Past

if TYPE_CHECKING:
    from .audience import Audience

Mask = NDArray[np.bool_]
Codes = NDArray[np.uint8]

REASONS = (
    "",
    "do not contact",
    "open complaint",
    "no consent",
    "not eligible",
    "no follow-up due",
    "follow-up given already",
    "cool-down",
    "too many contacts",
    "limit for each customer",
    "nothing to suggest",
)
"""Why something may not be given, in the order in which the filters are asked; the first, empty: it may be given."""
_NEVER, _COMPLAINT, _CONSENT, _RULE, _NOT_DUE, _FOLLOWED, _COOLING, _CONTACTS, _LIMIT, _NO_ITEMS = range(1, 11)
NO_ITEMS = REASONS[_NO_ITEMS]


@dataclass(frozen=True, eq=False)
class Permitted:
    """What may be given to whom.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_customers, n_options)
    reason : ndarray of uint8, shape (n_customers, n_options)
        The first filter that forbids an option, as a place in `REASONS`; 0 where it may be given.
    why : ndarray of uint8, shape (n_customers,)
        Of customers who may get nothing at all: the filter that took the last option; 0 of all others.
    """

    mask: Mask
    reason: Codes
    why: Codes

    @classmethod
    def of(cls, reason: Codes) -> Permitted:
        """From the first filter that forbids each option."""
        # Filters are asked in the order of their codes, so that the last option falls with the greatest of them.
        nothing = (reason > 0).all(axis=1)
        greatest = reason.max(axis=1, initial=0)
        return cls(reason == 0, reason, np.where(nothing, greatest, 0).astype(np.uint8))

    def counts(self) -> tuple[dict[str, int], ...]:
        """For each option: how many customers each filter keeps from it, by its words, none of 0."""
        found = (np.bincount(column, minlength=len(REASONS)).tolist() for column in self.reason.T)
        return tuple({REASONS[i]: int(n) for i, n in enumerate(c) if i and n} for c in found)

    def without_items(self, catalogue: Catalogue, few: Mapping[str, Mask]) -> Permitted:
        """The same without offers of products for those who have too few of them.

        Parameters
        ----------
        few : mapping of str to ndarray of bool, shape (n_customers,)
            By the id of each offer that carries products; see `item_lists`.
        """
        if not few:
            return self
        reason = self.reason.copy()
        for option in catalogue.options:
            if option.offer.id in few:
                column = reason[:, option.index]
                column[(column == 0) & few[option.offer.id]] = _NO_ITEMS
        return Permitted.of(reason)

    def within_money(
        self, catalogue: Catalogue, past: Past, as_of: Cutoff, cost: NDArray[np.floating[Any]]
    ) -> Permitted:
        """The same without what a limit of money for each customer does not allow; `cost` is of shape (n, k)."""
        dear = too_dear(catalogue, past, as_of, cost)
        if dear is None:
            return self
        return Permitted.of(np.where(dear & self.mask, _LIMIT, self.reason).astype(np.uint8))


def permitted(
    audience: Audience,
    catalogue: Catalogue,
    *,
    consent: Consent,
    contacts: Contacts,
    contact: ContactConfig,
    past: Past,
    open_complaint: Mask,
    left_alone: Mask,
) -> Permitted:
    """What may be given to each customer of an audience.

    Parameters
    ----------
    audience : Audience
    catalogue : Catalogue
    consent : Consent
        Of these customers.
    contacts : Contacts
        How they were reached, by all departments.
    contact : ContactConfig
        How often they may be.
    past : Past
        What campaigns gave them.
    open_complaint, left_alone : ndarray of bool, shape (n_customers,)
        Who waits for an answer, to whom only service calls go; and whom nobody may contact.

    Raises
    ------
    ConfigError
        ``RG414`` for a rule on a field that there is not, or of another kind, or a follow-up without its columns.
    """
    n = len(audience.customer_ids)
    reason = np.zeros((n, len(catalogue.options)), np.uint8)
    judge = Judge(audience.columns, n)
    names = [c.name for c in catalogue.channels]
    free = room(contact, contacts, names)
    consented = {c.name: consent.given(c.name, catalogue.purpose_of(c)) for c in catalogue.channels}
    rules = {offer.id: ~judge.eligible(offer.eligible) for offer in catalogue.offers}
    due = {name: due_of(name, catalogue, audience) for name in catalogue.follow_ups}
    followed = {name: followed_up(name, catalogue, past, audience) for name in catalogue.follow_ups}
    never = np.zeros(n, bool)
    cooling = {offer.id: cooled(offer, past, audience.as_of, n) for offer in catalogue.offers}
    enough = had_enough(catalogue, past, audience.as_of, n)
    for option in catalogue.options:
        offer, channel = option.offer, option.channel.name
        forbidden = (
            (_NEVER, left_alone),
            (_COMPLAINT, open_complaint if not offer.is_service else never),
            (_CONSENT, ~consented[channel]),
            (_RULE, rules[offer.id]),
            (_NOT_DUE, ~due[offer.id] if offer.id in due else never),
            (_FOLLOWED, followed.get(offer.id, never)),
            (_COOLING, cooling[offer.id]),
            (_CONTACTS, ~free[:, names.index(channel)]),
            (_LIMIT, enough[:, option.index]),
        )
        column = reason[:, option.index]
        for code, mask in reversed(forbidden):
            column[mask] = code
    return Permitted.of(reason)


def due_of(name: str, catalogue: Catalogue, audience: Audience) -> Mask:
    """Who is in the window of a follow-up; shape (n,)."""
    trigger = catalogue.follow_ups[name]
    for field in sorted(trigger.fields):
        check_known(field, audience.columns, f"the follow-up of the offer `{name}`")
    return trigger.in_window(audience.columns)


def followed_up(name: str, catalogue: Catalogue, past: Past, audience: Audience) -> Mask:
    """Who got a follow-up for the present occurrence of what it follows; what was only meant counts, too."""
    mine = past.where(np.asarray(past.offer == name, bool) & (past.row >= 0))
    since = catalogue.follow_ups[name].given_since(audience.columns, audience.as_of)
    return mine.had(mine.day >= since[mine.row], audience.n)


def cooled(offer: Offer, past: Past, as_of: Cutoff, n: int) -> Mask:
    """Who got an offer, or another one of its group, within its cool-down; shape (n_customers,)."""
    same = np.asarray(past.offer == offer.id, bool)
    if offer.group is not None:
        same |= np.asarray(past.group == offer.group, bool)
    return past.had(same & (past.day > as_of.day - offer.cool_down_days), n)
