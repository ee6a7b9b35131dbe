"""Consent: the last word before the day wins, none means no; against a plain loop."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from regulars.clock import Cutoff, Zone
from regulars.offers.consent import Consent
from regulars.schema import table_schema

BERLIN = Zone("Europe/Berlin")
DAY = Cutoff.parse("2026-03-04")
NOON = DAY.minus(1).instant(BERLIN) + 12 * 3_600_000_000
IDS = ("ann", "bob", "cyd")
SCHEMA = table_schema("consent", ())

Word = tuple[str, int, str, str, str]


def table(words: list[Word]) -> pa.Table:
    columns = zip(*words, strict=True) if words else [()] * 5
    return pa.table([pa.array(c, t) for c, t in zip(columns, SCHEMA.types, strict=True)], schema=SCHEMA)


def given_to(words: list[Word], channel: str = "email", purpose: str = "marketing", **more: Any) -> list[bool]:
    return Consent.of(table(words), IDS, more.get("as_of", DAY), BERLIN).given(channel, purpose).tolist()


WORDS = st.lists(
    st.tuples(
        st.sampled_from(("ann", "bob", "eve")),
        # Few moments, so that ties are common; the last one is the day itself.
        st.sampled_from((NOON, NOON + 1, DAY.instant(BERLIN))),
        st.sampled_from(("email", "sms", "all")),
        st.sampled_from(("marketing", "service", "all")),
        st.sampled_from(("granted", "withdrawn")),
    ),
    max_size=12,
)


@given(words=WORDS)
def test_consent_is_what_a_plain_loop_finds(words: list[Word]) -> None:
    for channel in ("email", "sms"):
        for purpose in ("marketing", "service"):
            expected = []
            for customer in IDS:
                said = [
                    (at, status == "withdrawn")
                    for who, at, by, why, status in words
                    if who == customer
                    and at < DAY.instant(BERLIN)
                    and by in (channel, "all")
                    and why in (purpose, "all")
                ]
                expected.append(bool(said) and not max(said)[1])
            assert given_to(words, channel, purpose) == expected


def test_none_means_no_and_no_table_means_nobody() -> None:
    assert given_to([]) == [False] * 3
    nobody = Consent.of(None, IDS, DAY, BERLIN)
    assert nobody.given("email", "marketing").tolist() == [False] * 3
    mail = [("email", "marketing")]
    assert nobody.remarks(mail) == ("there is no table of consent, so nobody may be written to; add [data.consent]",)
    (said,) = Consent.of(table([]), IDS, DAY, BERLIN).remarks(mail)
    assert said == "no customer of the audience has given consent to anything"


def test_a_channel_that_the_table_calls_otherwise_is_remarked() -> None:
    words = [("ann", NOON, "e-mail", "marketing", "granted"), ("bob", NOON, "all", "service", "withdrawn")]
    consent = Consent.of(table(words), IDS, DAY, BERLIN)
    (said,) = consent.remarks([("e-mail", "marketing"), ("email", "marketing"), ("sms", "service")])
    assert said == (
        "nobody has said anything of `email` for `marketing`, so nobody may be written to by it; the table of consent "
        "tells of all for service, e-mail for marketing"
    )


def test_of_two_words_at_the_same_moment_the_withdrawal_counts() -> None:
    yes, no = ("ann", NOON, "email", "marketing", "granted"), ("ann", NOON, "email", "marketing", "withdrawn")
    assert given_to([yes, no]) == given_to([no, yes]) == [False] * 3
    assert given_to([yes]) == [True, False, False]


def test_a_later_word_for_all_channels_takes_back_an_earlier_one_for_one() -> None:
    yes, never = ("ann", NOON, "email", "marketing", "granted"), ("ann", NOON + 1, "all", "all", "withdrawn")
    assert given_to([never, yes]) == [False] * 3
    again = ("ann", NOON + 2, "email", "marketing", "granted")
    assert given_to([again, never, yes]) == [True, False, False]


def test_what_is_said_on_the_day_counts_at_the_moment_of_sending_only() -> None:
    # 2026-03-04 00:00 in Berlin is 23:00 UTC of the day before: that word is of the day itself.
    yes = ("ann", NOON, "email", "marketing", "granted")
    late = ("ann", DAY.instant(BERLIN), "email", "marketing", "withdrawn")
    assert given_to([yes, late]) == [True, False, False]
    assert given_to([yes, late], as_of=None) == [False] * 3


def test_capitals_and_spaces_do_not_matter() -> None:
    assert given_to([("bob", NOON, " E-Mail", "Marketing ", "granted")], channel="e-mail") == [False, True, False]
