"""A wave of the shop's customers, planned in one piece, and requests about the same customers one by one.

In: the scores of the shop, consents, contacts and complaints made by hand. Out: the plan, its policy, a speaker that
decides by it; the facts of a customer as a caller tells them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from regulars.clock import Cutoff, Zone
from regulars.config import Config
from regulars.offers.audience import READ, Audience, facts
from regulars.offers.catalogue import Catalogue
from regulars.offers.consent import Consent
from regulars.offers.contact import Contacts, days_since_resolved, open_complaints
from regulars.offers.follow_up import derived
from regulars.offers.past import Past
from regulars.offers.permitted import permitted
from regulars.offers.plan import Plan, planned
from regulars.offers.policy import Policy
from regulars.offers.responses import Responses
from regulars.pipelines import score as batch
from regulars.pipelines.campaign.suggested import suggested
from regulars.products.kept import Kept
from regulars.schema import INSTANT
from regulars.serving.body import Door
from regulars.serving.offering import Offering
from regulars.serving.speaker import Speaker
from regulars.serving.stage import Facts
from regulars.serving_section import ServeConfig

from ..simulated import config_of, purchases, shop, trained

LIMITS = ServeConfig(max_customers=1000, max_rows=20_000, max_kilobytes=4096)
CONTACT = {"caps": [{"contacts": 2, "days": 14}], "quiet_from": "20:00", "quiet_until": "08:00"}
ECONOMICS = {"margin": 0.4, "contact_cost": 0.05, "complaint_cost": 5.0}


def catalogue() -> dict[str, Any]:
    """Three offers on two channels, a budget that binds, and a rule on scores and facts."""
    mail = {"channels": ["email"], "valid_days": 14}
    ten = {"id": "ten", "type": "percent", "value": 10, "title": "10 % off", **mail}
    five = {
        "id": "five",
        "type": "amount",
        "value": 5,
        "minimum_spend": 20,
        "title": "5 off",
        "channels": ["email", "sms"],
    }
    call = {"id": "call", "type": "service_call", "title": "We call you", "channels": ["sms"]}
    regular = {"all": [{"field": "orders", "op": ">=", "value": 2}, {"field": "contacts_30d", "op": "<", "value": 3}]}
    return {
        "campaign": {"name": "spring", "control": 0.2, "explore": 0.2, "budget": 12.0},
        "channels": [{"name": "email"}, {"name": "sms", "cost": 0.1}],
        "offers": [
            {**ten, "economics": {"redemption": [0.2, 0.3, 0.4]}, "response": {"save": [0.1, 0.2, 0.3]}},
            {**five, "eligible": regular, "economics": {"redemption": 0.2}, "response": {"save": [0.1, 0.25, 0.3]}},
            {**call, "response": {"save": [0.0, 0.02, 0.05]}},
        ],
        "limits": [{"action": "channel:sms", "count": 30}],
    }


def config() -> Config:
    return config_of(economics=ECONOMICS, contact=CONTACT, offers={"holdout": 0.1})


@cache
def scores() -> pd.DataFrame:
    """What the batch says of the shop, as of the end of its ledger."""
    return batch.score(shop(), trained().model, threads=1)


@cache
def day() -> Cutoff:
    return Cutoff.parse(str(scores()["as_of"].iloc[0]))


@dataclass(frozen=True)
class Known:
    """What stands beside the purchases, by customer, as a caller tells it."""

    consent: Mapping[str, list[dict[str, str]]]
    contacts: Mapping[str, list[dict[str, str]]]
    events: Mapping[str, list[dict[str, str]]]


@cache
def known() -> Known:
    """Of seven customers one without consent, one who took it back, one often contacted, one with a complaint, and one
    whose complaint was resolved."""
    consent, contacts, events = dict[str, Any](), dict[str, Any](), dict[str, Any]()
    for i, who in enumerate(scores()["customer_id"]):
        said = {"recorded_at": f"{day().minus(50)}T10:00:00Z", "channel": "all", "purpose": "marketing"}
        consent[who] = [] if i % 7 == 0 else [{**said, "status": "granted"}]
        if i % 7 == 1:
            consent[who].append({**said, "recorded_at": f"{day().minus(2)}T10:00:00Z", "status": "withdrawn"})
        often = [{"contacted_at": f"{day().minus(at)}T12:00:00Z", "channel": "email"} for at in (3, 9)]
        contacts[who] = often if i % 7 == 2 else []
        complaint = {"occurred_at": f"{day().minus(5)}T09:00:00Z", "kind": "complaint"}
        ended = {"occurred_at": f"{day().minus(1 + i % 5)}T18:00:00Z", "kind": "complaint_resolved"}
        events[who] = {3: [complaint], 4: [complaint, ended]}.get(i % 7, [])
    return Known(consent, contacts, events)


def _table(rows: Mapping[str, Sequence[Mapping[str, str]]], at: str, **more: str) -> pa.Table:
    flat = [{"customer_id": who, **more, **row} for who, of in rows.items() for row in of]
    names = dict.fromkeys(name for row in flat for name in row)
    columns = {n: pa.array([row.get(n) for row in flat], pa.string()) for n in names}
    return pa.table({**columns, at: columns[at].cast(INSTANT)})


@cache
def plan() -> Plan:
    """The wave in one piece, from tables as the ledger has them."""
    return plan_of(catalogue(), config())


def plan_of(content: Mapping[str, Any], settings: Config) -> Plan:
    """The same by another catalogue; beside the configuration may lie a shelf of products."""
    frame, zone = scores(), Zone(settings.data.timezone)
    ids, as_of = frame["customer_id"].tolist(), day()
    offers = Catalogue.of(content)
    columns = {
        name: frame[name].to_numpy()
        for name in dict.fromkeys((*READ, "orders", *sorted(offers.fields)))
        if name in frame
    }
    columns |= {name: values.astype(np.float64) for name, values in columns.items() if values.dtype.kind == "i"}
    past = Past.of(None, ids, zone)
    told = _table(known().events, "occurred_at", initiated_by="customer", channel="")
    reached = _table(known().contacts, "contacted_at", kind="contact", initiated_by="company")
    reached = reached.rename_columns(["occurred_at" if n == "contacted_at" else n for n in reached.column_names])
    events = pa.concat_tables([told.select(sorted(told.column_names)), reached.select(sorted(told.column_names))])
    contacts = Contacts.of(ids, as_of, zone, past, events)
    complaint = open_complaints(events, ids, as_of, zone, settings.contact.complaint_days)
    columns |= facts(contacts, past, complaint)
    columns |= {"days_since_resolved": days_since_resolved(events, ids, as_of, zone)}
    columns |= derived(columns, offers.fields)
    audience = Audience(ids, as_of, 30, "USD", columns)
    may = permitted(
        audience,
        offers,
        consent=Consent.of(_table(known().consent, "recorded_at"), ids, as_of, zone),
        contacts=contacts,
        contact=settings.contact,
        past=past,
        open_complaint=complaint,
        left_alone=np.zeros(len(ids), bool),
    )
    draft = Policy.draft(offers, Responses.assumed(offers), settings, audience, ("3", "run"))
    found = suggested(shop(), settings, offers, audience, may)
    if found.items is not None:
        draft = replace(draft, items=found.items.carried)
    return planned(audience, found.permitted, past, draft, found.notes, items=found.items)


def deciding(
    speaker: Speaker, online: Path | None = None, policy: dict[str, Any] | None = None, kept: Kept | None = None
) -> Speaker:
    """A speaker who decides by the plan's policy, with room for all customers at once."""
    door = Door(speaker.model, LIMITS)
    told = Facts("regulars", "3", "run", "", str(day()), "scores", "" if online is None else str(online))
    said = plan().policy().to_dict() if policy is None else policy
    offering = Offering.of(said, [], told, speaker.model, door, config(), kept)
    return replace(speaker, door=door, offering=offering, reference=speaker.reference, version="3", run_id="run")


@cache
def histories() -> Mapping[str, list[dict[str, Any]]]:
    """What each customer bought, as a caller tells it."""
    names = ("purchased_at", "amount", "order_id", "quantity", "product_id", "category", "discount")
    frame = purchases().set_index("customer_id").astype(object)
    rows = frame.where(frame.notna(), None).to_dict("records")
    found: dict[str, list[dict[str, Any]]] = {}
    for who, row in zip(frame.index, rows, strict=True):
        found.setdefault(who, []).append({name: row[name] for name in names})
    return found


def asked(ids: Sequence[str], **more: object) -> dict[str, Any]:
    """A request about some customers, with all that is known of them."""
    customers = list[dict[str, Any]]()
    for who in ids:
        said = {"consent": [*known().consent[who]], "contacts": [*known().contacts[who]]}
        told = {"events": known().events[who]} if known().events[who] else {}
        customers.append({"customer_id": who, "purchases": [*histories()[who]], **said, **told})
    return {"as_of": str(day()), "customers": customers, **more}
