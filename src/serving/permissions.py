"""Whom a request asks about, as the policy sees it: an audience, and what may be given to each of its customers.

In: scores, and what was said beside purchases. Out: an `Audience` in the order of its ids, what is permitted, what was
given before. Permissions, contacts and complaints count until the end of the day asked for: who took consent back this
morning gets nothing. What was not said is no consent, no contact, no complaint.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..clock import Cutoff
from ..offers.audience import Audience, facts
from ..offers.consent import Consent
from ..offers.contact import Contacts, days_since_resolved, open_complaints
from ..offers.follow_up import derived
from ..offers.past import Past
from ..offers.permitted import Permitted, permitted
from ..schema import INSTANT
from .asides import COMPANY, Asides, Told
from .shelved import Shelved

if TYPE_CHECKING:
    from .offering import Offering

REACHED = "contact"
"""The kind of what is told as a contact."""


@dataclass(frozen=True)
class Asked:
    """The customers of a request whom the model knows.

    Parameters
    ----------
    audience : Audience
    permitted : Permitted
    past : Past
        What campaigns gave them.
    place : ndarray of int64
        Of each customer of the audience, in the request.
    shelved : Shelved or None
        Their products; None where no offer carries any.
    """

    audience: Audience
    permitted: Permitted
    past: Past
    place: NDArray[np.int64]
    shelved: Shelved | None

    @classmethod
    def of(
        cls,
        offering: Offering,
        names: list[str],
        place: NDArray[np.int64],
        scores: dict[str, NDArray[Any]],
        asides: Asides,
        as_of: Cutoff,
    ) -> Asked:
        """From scores in the order of some customers, who stand at such places in the request.

        Parameters
        ----------
        names : list of str
            Of all customers of the request, as the ledger has them.
        place : ndarray of int64
            Of those who have scores.
        """
        order = np.array(sorted(range(len(place)), key=lambda i: names[place[i]]), np.int64)
        place = place[order]
        ids = [names[at] for at in place.tolist()]
        policy, zone, end = offering.policy, offering.policy.zone, as_of.plus(1)
        limit = end.instant(zone)
        past = Past.of(_past(offering, asides.contacts.before(limit), names), ids, zone)
        events = _events(asides.events.before(limit), asides.contacts.before(limit), names)
        contacts = replace(
            Contacts.of(ids, end, zone, past, events, _offers(asides.offers.before(limit), names)), as_of=as_of
        )
        # A day more to the end, and a day more to the beginning: complaints are open as long as in a plan.
        complaint = open_complaints(events, ids, end, zone, policy.contact.complaint_days + 1)
        known = {name: values[place] for name, values in asides.attributes.items()}
        said = {name: values[order] for name, values in offering.columns(scores).items()}
        resolved = {"days_since_resolved": days_since_resolved(events, ids, end, zone) - 1}
        columns = {**known, **said, **facts(contacts, past, complaint), **resolved}
        columns |= derived(columns, policy.needs)
        audience = Audience(ids, as_of, policy.horizon_days, policy.currency, columns)
        may = permitted(
            audience,
            policy.catalogue,
            consent=Consent.of(_consent(asides.consent.before(limit), names), ids, end, zone),
            contacts=contacts,
            contact=policy.contact,
            past=past,
            open_complaint=complaint,
            left_alone=offering.marked(ids),
        )
        shelved = offering.shelf.on(policy.catalogue, audience, may, asides.bought, names, zone)
        if shelved is not None:
            may = may.without_items(policy.catalogue, shelved.items.few(policy.catalogue))
        return cls(audience, may, past, place, shelved)


def _consent(told: Told, names: list[str]) -> pa.Table:
    columns = {name: pa.array(told.texts[name], pa.string()) for name in ("channel", "purpose", "status")}
    return pa.table({"customer_id": _of(told, names), "recorded_at": _at(told), **columns})


def _events(events: Told, contacts: Told, names: list[str]) -> pa.Table:
    """Complaints, their ends, and all that reached customers but what campaigns gave them."""
    other = [i for i, offer in enumerate(contacts.texts["offer"]) if not offer]
    reached = contacts.take(other)
    both = {
        "customer_id": (_of(events, names), _of(reached, names)),
        "occurred_at": (_at(events), _at(reached)),
        "kind": (events.texts["kind"], [REACHED] * len(other)),
        "initiated_by": (events.texts["initiated_by"], [COMPANY] * len(other)),
        "channel": (events.texts["channel"], reached.texts["channel"]),
    }
    kinds = {"customer_id": pa.string(), "occurred_at": INSTANT}
    columns = {n: [pa.array(one, kinds.get(n, pa.string())) for one in pair] for n, pair in both.items()}
    return pa.table({name: pa.chunked_array(pair) for name, pair in columns.items()})


def _offers(told: Told, names: list[str]) -> pa.Table:
    return pa.table({"customer_id": _of(told, names), "offered_at": _at(told)})


def _past(offering: Offering, contacts: Told, names: list[str]) -> pa.Table:
    """What campaigns gave: contacts that name an offer of the catalogue, which are taken as this campaign's."""
    offers = {offer.id: offer for offer in offering.policy.catalogue.offers}
    told = contacts.take([i for i, offer in enumerate(contacts.texts["offer"]) if offer])
    mine = [offers.get(offer) for offer in told.texts["offer"]]
    n = len(mine)
    texts = {
        "campaign": [offering.policy.campaign] * n,
        "as_of": [str(offering.as_of)] * n,
        "offer": told.texts["offer"],
        "channel": told.texts["channel"],
        "type": ["" if offer is None else offer.type for offer in mine],
        "group": ["" if offer is None else offer.group or "" for offer in mine],
    }
    columns = {name: pa.array(values, pa.string()) for name, values in texts.items()}
    beside = {"send_at": _at(told), "cost": pa.array(np.zeros(n)), "ghost": pa.array(np.zeros(n, bool))}
    return pa.table({"customer_id": _of(told, names), **columns, **beside})


def _of(told: Told, names: list[str]) -> pa.Array:
    return pa.array([names[i] for i in told.customer.tolist()], pa.string())


def _at(told: Told) -> pa.Array:
    return pa.array(told.at, pa.int64()).cast(INSTANT)
