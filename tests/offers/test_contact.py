"""One queue of contacts, room for more, open complaints, and the list of whom nobody may contact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars.clock import Cutoff, Zone
from regulars.config import Config
from regulars.errors import ConfigError
from regulars.intake.keys import key_of
from regulars.offering_section import ContactConfig
from regulars.offers.contact import Contacts, open_complaints, room
from regulars.offers.past import Past
from regulars.offers.stoplist import do_not_contact, left_alone

from .pasts import BERLIN, DAY, given, instant

IDS = ("ann", "bob")
EVENTS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("kind", pa.string()),
        ("initiated_by", pa.string()),
        ("channel", pa.string()),
    ]
)


def events(*rows: tuple[str, int, str, str, str | None]) -> pa.Table:
    """Rows of customer, days before the day, kind, who initiated it, channel; at noon."""
    found = [
        {"customer_id": c, "occurred_at": instant(d), "kind": k, "initiated_by": i, "channel": ch}
        for c, d, k, i, ch in rows
    ]
    return pa.Table.from_pylist(found, schema=EVENTS)


def queue(past: Past | None = None, *rows: tuple[str, int, str, str, str | None], **more: Any) -> Contacts:
    return Contacts.of(IDS, DAY, BERLIN, past, events(*rows) if rows else None, **more)


def caps(*given: dict[str, Any]) -> ContactConfig:
    return ContactConfig.model_validate({"caps": given})


def test_what_the_company_does_and_what_campaigns_gave_stand_in_one_queue() -> None:
    past = given(("ann", 3, "ten", "email"), ("eve", 3, "ten", "email"))
    found = queue(
        past,
        ("ann", 2, "email_sent", "company", "Email"),
        ("ann", 1, "call", "company", None),
        ("ann", 1, "visit", "customer", "web"),  # The customer came of her own accord.
        ("ann", 1, "points_expired", "company", None),  # Nobody heard of it.
        ("bob", 0, "email_sent", "company", "email"),  # Of the day itself: not known yet.
    )
    assert found.within(30).tolist() == [3, 0]
    assert found.within(30, "email").tolist() == [2, 0]
    # The day itself and one before it: the call only.
    assert found.within(2).tolist() == [1, 0]
    np.testing.assert_array_equal(found.days_since, [1.0, np.nan])


def test_a_contact_that_the_company_tells_of_again_counts_once() -> None:
    past = given(("ann", 3, "ten", "email"))
    assert queue(past, ("ann", 3, "email_sent", "company", "email")).within(30).tolist() == [1, 0]
    # Another channel, or another day, is another contact.
    assert queue(past, ("ann", 3, "letter", "company", "mail")).within(30).tolist() == [2, 0]
    assert queue(past, ("ann", 2, "email_sent", "company", "email")).within(30).tolist() == [2, 0]


def test_earlier_offers_of_the_ledger_are_contacts() -> None:
    rows = {"customer_id": ["bob", "bob"], "offered_at": [instant(5), instant(0)], "offer_id": ["a", "b"]}
    types = (pa.string(), pa.timestamp("us", tz="UTC"), pa.string())
    offers = pa.table([pa.array(v, t) for v, t in zip(rows.values(), types, strict=True)], names=list(rows))
    assert queue(None, offers=offers).within(30).tolist() == [0, 1]


def test_what_was_only_meant_takes_room_and_is_no_contact_for_people() -> None:
    found = queue(given(("ann", 3, "ten", "email"), ghosts=True))
    assert found.within(30).tolist() == [1, 0]
    assert found.real.within(30).tolist() == [0, 0]
    assert not room(caps({"contacts": 1, "days": 30}), found, ["email"])[0, 0]


def test_a_cap_counts_the_day_of_the_plan_among_its_days() -> None:
    # 7 days, the day included, reach back to 6 days before it.
    week = caps({"contacts": 1, "days": 7})
    for before, free in ((6, False), (7, True)):
        found = room(week, queue(None, ("ann", before, "email_sent", "company", "email")), ["email", "sms"])
        assert found.tolist() == [[free, free], [True, True]]


def test_what_waits_to_be_sent_takes_room() -> None:
    assert room(caps({"contacts": 1, "days": 7}), queue(given(("ann", -1, "ten", "email"))), ["email"]).tolist() == [
        [False],
        [True],
    ]


def test_caps_of_one_channel_and_of_all_hold_together() -> None:
    both = caps({"contacts": 2, "days": 30}, {"contacts": 1, "days": 30, "channel": "Email"})
    one = queue(None, ("ann", 2, "email_sent", "company", "email"))
    assert room(both, one, ["email", "sms"]).tolist() == [[False, True], [True, True]]
    two = queue(None, ("ann", 2, "email_sent", "company", "email"), ("ann", 2, "call", "company", None))
    assert room(both, two, ["email", "sms"]).tolist() == [[False, False], [True, True]]
    assert room(caps({"contacts": 0, "days": 1}), queue(), ["email"]).tolist() == [[False], [False]]
    assert room(ContactConfig(), two, ["email"]).all()


def test_a_complaint_is_open_until_it_is_resolved_or_old() -> None:
    def is_open(*rows: tuple[str, int, str, str, str | None], days: int = 90) -> bool:
        return bool(open_complaints(events(*rows), IDS, DAY, BERLIN, days)[0])

    complaint = ("ann", 10, "complaint", "customer", None)
    assert is_open(complaint)
    assert not is_open(complaint, ("ann", 8, "complaint_resolved", "company", None))
    assert is_open(("ann", 12, "complaint_resolved", "company", None), complaint)
    # Days only: what is resolved on the day of the complaint has the same stamp.
    assert not is_open(complaint, ("ann", 10, "complaint_resolved", "company", None))
    assert is_open(complaint, days=10)
    assert not is_open(complaint, days=9)
    assert not is_open(("ann", 0, "complaint", "customer", None))
    assert not is_open(("bob", 10, "complaint", "customer", None))
    assert open_complaints(None, IDS, DAY, BERLIN, 90).tolist() == [False, False]


def test_the_list_of_whom_nobody_may_contact_is_read_as_the_ledger_reads_ids(tmp_path: Path) -> None:
    (tmp_path / "never.txt").write_text("\ufeffbob \n\n  eve\n", encoding="utf-8")
    config = Config.of(contact={"do_not_contact": "never.txt"}).model_copy(update={"folder": tmp_path})
    assert do_not_contact(config) == {"bob", "eve"}
    assert left_alone(IDS, do_not_contact(config)).tolist() == [False, True]
    assert left_alone(IDS, do_not_contact(Config.of())).tolist() == [False, False]


def test_with_pseudonyms_the_list_holds_pseudonyms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_KEY", "k" * 32)
    (tmp_path / "never.txt").write_text("bob\n", encoding="utf-8")
    named = {"contact": {"do_not_contact": "never.txt"}, "privacy": {"pseudonyms": True}}
    config = Config.of(**named).model_copy(update={"folder": tmp_path})
    assert do_not_contact(config) == {key_of(config).pseudonyms()("bob")}


def test_a_list_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    config = Config.of(contact={"do_not_contact": "never.txt"}).model_copy(update={"folder": tmp_path})
    with pytest.raises(ConfigError, match=r"RG417.*`never.txt`.*cannot be read"):
        do_not_contact(config)
    (tmp_path / "never.txt").write_bytes(b"\xff\xfeb\x00")
    with pytest.raises(ConfigError, match=r"RG417.*is no UTF-8 text"):
        do_not_contact(config)


def test_days_are_those_of_the_business_zone() -> None:
    # 2026-03-03 23:30 UTC is 00:30 of the 4th in Berlin: the day of the plan, which is not known yet.
    late = pa.Table.from_pylist(
        [
            {
                "customer_id": "ann",
                "occurred_at": DAY.instant(Zone("UTC")) - 1_800_000_000,
                "kind": "email_sent",
                "initiated_by": "company",
                "channel": "email",
            }
        ],
        schema=EVENTS,
    )
    assert Contacts.of(IDS, DAY, BERLIN, None, late).within(30).tolist() == [0, 0]
    assert Contacts.of(IDS, DAY, Zone("UTC"), None, late).within(30).tolist() == [1, 0]
    assert Contacts.of(IDS, Cutoff(DAY.day + 1), BERLIN, None, late).within(1).tolist() == [0, 0]
    assert Contacts.of(IDS, Cutoff(DAY.day + 1), BERLIN, None, late).within(2).tolist() == [1, 0]
