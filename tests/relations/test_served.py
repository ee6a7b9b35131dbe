"""What events and campaigns say of how customers were served: each cost once, each contact once, by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars.clock import Cutoff, Zone
from regulars.offers.past import Past
from regulars.relations.served import Asked, Prices, served
from regulars.schema import table_schema

IDS = ["ann", "bob", "cat"]
DAY = Cutoff(1000)
DAY_US = 86_400_000_000
COLUMNS = ("customer_id", "occurred_at", "kind", "initiated_by", "channel", "value", "cost")
Event = tuple[str, int, str, str, str | None, float | None, float | None]


def events(*rows: Event) -> pa.Table:
    """Customer, day, kind, who began it, channel, value, cost; in order of customer and time."""
    schema = table_schema("events", {"channel", "value", "cost"})
    ordered = sorted(rows, key=lambda row: (row[0], row[1]))
    columns: list[list[Any]] = [list(column) for column in zip(*ordered, strict=True)]
    columns[1] = [day * DAY_US for day in columns[1]]
    columns[5:] = [[None if v is None else Decimal(str(v)) for v in column] for column in columns[5:]]
    arrays = [
        pa.array(column, pa.int64()).cast(schema.field(name).type)
        if name == "occurred_at"
        else pa.array(column, schema.field(name).type)
        for name, column in zip(COLUMNS, columns, strict=True)
    ]
    return pa.table(dict(zip(COLUMNS, arrays, strict=True)))


def past(*rows: tuple[int, int, str, str, bool]) -> Past:
    """Row, day, channel, type, whether it was only meant."""
    if not rows:
        return Past.of(None, IDS, Zone("UTC"))
    row, day, channel, kind, ghost = zip(*rows, strict=True)
    text = [np.array(column, object) for column in (["spring"] * len(rows), ["o"] * len(rows), channel, kind)]
    groups = np.array([""] * len(rows), object)
    return Past(np.array(row), np.array(day), *text, groups, np.zeros(len(rows)), np.array(ghost))


def asked(**prices: Any) -> Asked:
    return Asked(Cutoff(900), DAY, Zone("UTC"), Prices(**prices), 30)


def test_every_cost_is_counted_once_under_what_it_is_of() -> None:
    told = events(
        ("ann", 950, "email_sent", "company", "email", None, 0.5),
        ("ann", 951, "email_open", "company", "email", None, 0.25),  # tells of the same message: no contact of its own
        ("ann", 899, "email_sent", "company", "email", None, 9),  # the day before the period
        ("bob", 960, "complaint", "customer", None, None, None),
        ("bob", 961, "complaint", "customer", None, None, 4),
        ("bob", 962, "complaint_resolved", "company", None, None, 1.5),
        ("bob", 963, "call", "company", "phone", None, None),
        ("cat", 970, "return_reason", "customer", None, None, 2),
        ("cat", 971, "visit", "customer", "web", None, 0.125),
        ("zoe", 972, "visit", "customer", "web", None, 100),  # none of these customers
    )
    told = told.slice(0, 9)
    found, _ = served(IDS, asked(contact=2_000, complaint=60_000), told, None, past())
    assert found.contacts.tolist() == [1, 1, 0]
    assert found.contact_cost.tolist() == [5_000, 2_000, 0]
    # One complaint at the price of 6, one at its own cost of 4, and the resolution.
    assert (found.complaints.tolist(), found.complaint_cost.tolist()) == ([0, 2, 0], [0, 115_000, 0])
    assert found.return_cost.tolist() == [0, 0, 20_000]
    assert found.other_cost.tolist() == [2_500, 0, 1_250]
    # All costs of events in the period, and the two prices.
    parts = (found.contact_cost, found.complaint_cost, found.return_cost, found.other_cost)
    costs = 5_000 + 2_500 + 40_000 + 15_000 + 20_000 + 1_250
    assert sum(int(part.sum()) for part in parts) == costs + 2_000 + 60_000
    assert found.unpriced.tolist() == [0, 0, 0]
    bare, _ = served(IDS, asked(), told, None, past())
    # The call and the first complaint have no cost, and nobody says a price.
    assert bare.unpriced.tolist() == [0, 2, 0]
    assert (bare.contact_cost.tolist(), bare.complaint_cost.tolist()) == ([5_000, 0, 0], [0, 55_000, 0])


@pytest.mark.parametrize("cost", [None, 0.5])
def test_a_contact_that_a_campaign_and_an_event_tell_of_is_paid_once(cost: float | None) -> None:
    told = events(
        ("ann", 950, "email_sent", "company", "Email", None, cost),
        ("ann", 952, "email_sent", "company", "email", None, cost),
        ("bob", 950, "email_sent", "company", "sms", None, cost),
    )
    given = past((0, 950, "email", "percent", False), (1, 950, "email", "percent", False), (2, 950, "email", "", True),
                 (2, 1000, "email", "percent", False))  # fmt: skip
    found, _ = served(IDS, asked(contact=2_000, channels={"email": 3_000}), told, None, given)
    # Ann: the e-mail of day 950, told twice, and that of day 952. Bob: a text message, and an e-mail that only the
    # campaign tells of. Cat: what was only meant is none, nor is what waits to be sent.
    assert found.contacts.tolist() == [2, 2, 0]
    if cost is None:
        assert found.contact_cost.tolist() == [6_000, 2_000 + 3_000, 0]
    else:
        assert found.contact_cost.tolist() == [10_000, 5_000 + 3_000, 0]


def test_without_events_only_campaigns_tell_of_contacts() -> None:
    found, heard = served(IDS, asked(contact=2_000), None, None, past((1, 940, "mail", "referral", False)))
    assert (found.contacts.tolist(), found.contact_cost.tolist()) == ([0, 1, 0], [0, 2_000, 0])
    assert (heard.asked_day.tolist(), np.isnan(heard.answer).all()) == ([-1, 940, -1], True)


def test_what_was_said_last_counts_whenever_it_was() -> None:
    told = events(
        ("ann", 100, "survey", "customer", None, 3, None),
        ("ann", 200, "survey", "customer", None, 8.5, None),
        ("ann", 300, "survey", "company", None, None, None),  # an invitation
        ("bob", 980, "complaint", "customer", None, None, None),
        ("bob", 500, "referral", "customer", None, None, None),
        ("bob", 600, "referral", "customer", None, None, None),
        ("cat", 930, "complaint", "customer", None, None, None),  # too long ago to be open
        ("cat", 940, "referral", "company", None, None, None),
    )
    _, heard = served(
        IDS, asked(), told, None, past((2, 950, "mail", "referral", False), (2, 960, "mail", "gift", False))
    )
    assert (heard.answer[0], np.isnan(heard.answer[1:]).all()) == (8.5, True)
    assert heard.answer_day.tolist() == [200, -1, -1]
    assert heard.complaint_day.tolist() == [-1, 980, 930]
    assert heard.open_complaint.tolist() == [False, True, False]
    assert heard.referrals.tolist() == [0, 2, 0]
    assert heard.asked_day.tolist() == [-1, -1, 950]
