"""How dates are read: one format a column, proved or said, never guessed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

import pandas as pd
import pytest

from regulars.config import Config
from regulars.errors import DataError
from regulars.intake import Ledger, build_ledger

Dated = Callable[..., Config]


def _instants(ledger: Ledger) -> list[str]:
    return [t.strftime("%Y-%m-%d %H:%M:%S.%f") for t in ledger.table().column("purchased_at").to_pylist()]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-01-05", "2024-01-05 00:00:00.000000"),
        ("2024-01-05 23:30", "2024-01-05 23:30:00.000000"),
        ("2024-01-05T23:30:01", "2024-01-05 23:30:01.000000"),
        ("2024-01-05 23:30:01.123456", "2024-01-05 23:30:01.123456"),
        ("2024-01-05T23:30:01.123456789Z", "2024-01-05 23:30:01.123456"),
        ("2024-01-05T23:30:00+03:30", "2024-01-05 20:00:00.000000"),
        ("2024-01-05T23:30:00-0800", "2024-01-06 07:30:00.000000"),
        ("2024-01-05 23:30:00 UTC", "2024-01-05 23:30:00.000000"),
        ("2024/1/5", "2024-01-05 00:00:00.000000"),
        ("2024/01/05 07:08", "2024-01-05 07:08:00.000000"),
        ("20240105", "2024-01-05 00:00:00.000000"),
        ("25/01/2024", "2024-01-25 00:00:00.000000"),
        ("25.1.2024 9:05", "2024-01-25 09:05:00.000000"),
        ("01-25-2024", "2024-01-25 00:00:00.000000"),
        ("1/25/2024 1:30 PM", "2024-01-25 13:30:00.000000"),
        ("1/25/2024 12:00:01 am", "2024-01-25 00:00:01.000000"),
        # date -u -d @1704412800: 5 January 2024, midnight.
        ("1704412800", "2024-01-05 00:00:00.000000"),
        ("1704412800.25", "2024-01-05 00:00:00.250000"),
        ("1704412800123", "2024-01-05 00:00:00.123000"),
        ("1704412800123456", "2024-01-05 00:00:00.123456"),
        ("1704412800123456789", "2024-01-05 00:00:00.123456"),
        ("  2024-01-05  ", "2024-01-05 00:00:00.000000"),
        ("۲۰۲۴-۰۱-۰۵", "2024-01-05 00:00:00.000000"),
        ("2024-01-05T23:30", "2024-01-05 23:30:00.000000"),
        ("2024-01-05T23:30:01Z", "2024-01-05 23:30:01.000000"),
        ("2024.01.05", "2024-01-05 00:00:00.000000"),
        ("20240105233001", "2024-01-05 23:30:01.000000"),
        ("20240105T233001Z", "2024-01-05 23:30:01.000000"),
        ("05 Jan 2024", "2024-01-05 00:00:00.000000"),
        ("5-sept-2024 9:05", "2024-09-05 09:05:00.000000"),
        ("5. March 2024", "2024-03-05 00:00:00.000000"),
        ("Fri, 05 Jan 2024 10:00:00 GMT", "2024-01-05 10:00:00.000000"),
        ("Jan 5, 2024", "2024-01-05 00:00:00.000000"),
        ("December 25th, 2024 1:30 PM", "2024-12-25 13:30:00.000000"),
    ],
)
def test_a_date_in_any_known_format_is_that_instant(dated: Dated, text: str, instant: str) -> None:
    assert _instants(build_ledger(dated(text))) == [instant]


@pytest.mark.parametrize(
    ("texts", "code", "said"),
    [
        (
            ("03/04/2024", "05/06/2024"),
            "RG123",
            ["2024-04-03 with day_first = true", "2024-03-04 with day_first = false"],
        ),
        (("25/12/2024", "12/25/2024"), "RG124", ["mixes", "a.csv:2", "a.csv:3", "YYYY-MM-DD"]),
        (("2024-01-05", "20240105"), "RG124", ["mixes formats", "YYYY-MM-DD as '2024-01-05' (a.csv:2)", "a.csv:3"]),
        (("1704412800", "1704412800000"), "RG124", ["epoch seconds", "epoch milliseconds"]),
        (("45000", "45001.5"), "RG125", ["Excel", "a.csv:2", "YYYY-MM-DD"]),
        (("01/02/24", "03/04/24"), "RG126", ["two digits", "a.csv:2"]),
        (("05-JAN-24",), "RG126", ["two digits", "'05-JAN-24' (a.csv:2)"]),
        (("5 Jan 2024", "Jan 6, 2024"), "RG124", ["a.csv:2", "a.csv:3"]),
        (("2024-01-05", "05.01.2024"), "RG124", ["YYYY-MM-DD as '2024-01-05' (a.csv:2)", "a.csv:3"]),
        (("2024-1-5", "2024-01-06", "45000"), "RG124", ["YYYY-MM-DD as '2024-1-5' (a.csv:2)", "'45000' (a.csv:4)"]),
        (("2024-01-06", "2024-1-5", "45000"), "RG124", ["YYYY-MM-DD as '2024-01-06' (a.csv:2)"]),
        (("2024-01-05 10:00", "2024-01-05T10:00Z"), "RG127", ["naive_timezone", "a.csv:2", "a.csv:3"]),
    ],
)
def test_dates_that_can_be_read_in_two_ways_are_refused(
    dated: Dated, texts: tuple[str, ...], code: str, said: list[str]
) -> None:
    with pytest.raises(DataError) as caught:
        build_ledger(dated(*texts))
    assert caught.value.code == code
    assert [s for s in said if s not in str(caught.value)] == []


def test_day_first_settles_what_the_data_cannot_prove(dated: Dated) -> None:
    assert _instants(build_ledger(dated("03/04/2024", day_first=True))) == ["2024-04-03 00:00:00.000000"]
    assert _instants(build_ledger(dated("03/04/2024", day_first=False))) == ["2024-03-04 00:00:00.000000"]


def test_day_first_against_the_data_is_refused(dated: Dated) -> None:
    with pytest.raises(DataError, match="although day_first = false"):
        build_ledger(dated("25/12/2024", day_first=False))


def test_an_american_and_a_european_file_in_one_folder_are_refused(book: Callable[..., Config]) -> None:
    files = {"eu.csv": "id;when;money\na;25/12/2024;1\n", "us.csv": "id;when;money\na;12/25/2024;2\n"}
    with pytest.raises(DataError, match=r"eu\.csv:2.*us\.csv:2"):
        build_ledger(book(files))


def test_a_file_that_proves_nothing_itself_is_named(book: Callable[..., Config]) -> None:
    files = {"dec.csv": "id;when;money\na;25/12/2024;1\n", "jan.csv": "id;when;money\na;03/01/2025;2\n"}
    ledger = build_ledger(book(files))
    assert _instants(ledger)[1].startswith("2025-01-03")
    assert any("jan.csv" in note and "other files" in note for note in ledger.manifest.notes)


NO_DATE = "is not a date that exists, in the column's format"
IMPOSSIBLE = {
    "2024-02-30": NO_DATE,
    "2024-02-30 10:00:00": NO_DATE,
    "0000-00-00": NO_DATE,
    "yesterday": NO_DATE,
    "2024-01-05 25:00": NO_DATE,
    "2024-01-05 10:60": NO_DATE,
    "infinity": NO_DATE,
    "": "has no date",
    "   ": "has no date",
    "1989-12-31": "lies before 1990",
    "0001-01-01": "lies before 1990",
    "9999-12-31": "lies after the moment of reading",
}


def test_an_impossible_date_goes_to_quarantine_with_its_reason(dated: Dated) -> None:
    ledger = build_ledger(dated("2024-01-05", *IMPOSSIBLE, max_bad_share=1.0))
    rows = ledger.quarantine().to_pylist()
    assert [r["reason"] for r in rows] == list(IMPOSSIBLE.values())
    assert [(r["file"], r["line"], r["column"]) for r in rows] == [("a.csv", 3 + i, "when") for i in range(len(rows))]
    assert [json.loads(r["text"])["when"] for r in rows] == list(IMPOSSIBLE)
    # The amounts of those lines could be read.
    assert ledger.manifest.money["quarantined"] == f"{len(IMPOSSIBLE)}.0000"


def test_a_naive_stamp_in_a_gap_moves_forward_and_in_a_fold_is_the_first(dated: Dated) -> None:
    # Berlin, 31 March 2024: 02:30 does not exist, read with winter's +1 it is 01:30 UTC (03:30 summer time).
    # Berlin, 27 October 2024: 02:30 exists twice; the first is summer time (+2), 00:30 UTC.
    ledger = build_ledger(dated("2024-03-31 02:30", "2024-10-27 02:30", "2024-07-01 12:00", timezone="Europe/Berlin"))
    assert [i[5:16] for i in _instants(ledger)] == ["03-31 01:30", "07-01 10:00", "10-27 00:30"]
    counts = {("gap" if "do not exist" in r.what else "fold"): r.count for r in ledger.manifest.repairs}
    assert counts == {"gap": 1, "fold": 1}


def test_a_date_without_time_is_a_local_day_and_a_stamp_is_in_the_naive_zone(dated: Dated) -> None:
    # Midnight in New York (winter) is 05:00 UTC; the stamp is said to be in UTC.
    kept = build_ledger(dated("2024-01-05", "2024-01-05 12:00", timezone="America/New_York", naive_timezone="UTC"))
    assert [i[11:16] for i in _instants(kept)] == ["05:00", "12:00"]


def test_naive_timezone_lets_naive_and_aware_stamps_stand_together(dated: Dated) -> None:
    ledger = build_ledger(dated("2024-01-05 10:00", "2024-01-05T10:00Z", naive_timezone="Asia/Tokyo"))
    assert [i[11:16] for i in _instants(ledger)] == ["01:00", "10:00"]


@pytest.mark.parametrize(
    ("values", "hour"),
    [
        (pd.to_datetime(["2024-07-01 12:00"]), 10),
        (pd.to_datetime(["2024-07-01 12:00"]).tz_localize("America/New_York"), 16),
        (pd.to_datetime(["2024-07-01 12:00"]).astype("datetime64[s]"), 10),
        ([dt.datetime(2024, 7, 1, 12)], 10),
        ([dt.date(2024, 7, 1)], 22),
        ([1719828000], 10),
        ([1719828000.0], 10),
        ([20240701], 22),
    ],
)
def test_typed_times_mean_what_their_type_says(values: object, hour: int) -> None:
    # Berlin in July is UTC+2: a naive noon is 10:00 UTC, a day begins at 22:00 UTC of the day before.
    frame = pd.DataFrame({"id": ["a"], "when": values, "money": [1]})
    config = Config.of(customer_id="id", purchased_at="when", amount="money", timezone="Europe/Berlin")
    (instant,) = Ledger.from_frame(frame, config).table().column("purchased_at").to_pylist()
    assert instant.hour == hour


def test_known_at_may_be_missing_but_not_unreadable(book: Callable[..., Config]) -> None:
    text = "id,when,money,seen\na,2024-01-05,1,2024-01-06\na,2024-01-07,2,\na,2024-01-08,4,soon\n"
    ledger = build_ledger(book(text, known_at="seen", max_bad_share=0.5))
    assert [t is None for t in ledger.table().column("known_at").to_pylist()] == [False, True]
    assert ledger.quarantine().column("column").to_pylist() == ["seen"]


@pytest.mark.parametrize(
    ("number", "said"),
    [(1704412800.5, "floating-point numbers with fractions"), (45000.5, "Excel"), (45000.0, "Excel"), (45000, "Excel")],
)
def test_fractional_numbers_and_excels_serials_are_no_dates(number: float, said: str) -> None:
    frame = pd.DataFrame({"customer_id": ["a"], "purchased_at": [number], "amount": [1]})
    with pytest.raises(DataError, match=said):
        Ledger.from_frame(frame, Config.of())


FORMS = ["2024-01-05", "2024-01-05 10:00", "2024-01-05T10:00", "2024-01-05 10:00:01", "2024-01-05T10:00:01"]


@pytest.mark.parametrize("text", [*FORMS, "2024-01-05T10:00:01Z", "2024-01-05 10:00:01.50", " 2024-01-05 ", "2024-1-5"])
def test_a_line_set_aside_shows_its_date_to_the_letter(dated: Dated, text: str) -> None:
    good = "2024-01-05T10:00:01Z" if text.endswith("Z") else "2024-01-05 10:00:01"
    config = dated(good, f"{text};?;a\nb;{good}", max_bad_share=1.0)
    rows = build_ledger(config).quarantine().to_pylist()
    assert len(rows) == 1
    assert text in rows[0]["text"]


def test_clocks_that_change_within_a_quarter_of_an_hour_are_read_by_the_minute(dated: Dated) -> None:
    # St. John's put the clock forward at 0:01 on 1 April 2001: 0:00 is still winter time (-3:30), 0:01 to 1:00 do not
    # exist and are read with the old offset, 1:01 is summer time (-2:30).
    stamps = ("2001-04-01 00:00", "2001-04-01 00:01", "2001-04-01 01:01")
    ledger = build_ledger(dated(*stamps, timezone="America/St_Johns"))
    assert [i[11:16] for i in _instants(ledger)] == ["03:30", "03:31", "03:31"]
    assert [r.count for r in ledger.manifest.repairs if "do not exist" in r.what] == [1]


@pytest.mark.parametrize(
    ("stamps", "solar"),
    [
        (("1403/02/15", "1403/02/31", "1403/12/01", "2024/01/05"), True),  # Two of the three that exist.
        (("15/02/1403", "16/02/1403"), True),
        (("1446-07-05", "1446-07-06"), True),  # Lunar years, which lie beside them.
        (("1403/02/15", "2024/01/05", "1970/01/06"), False),
        (("1975-01-05", "1976-01-05"), False),
    ],
)
def test_years_of_another_calendar_are_said_to_be_such(dated: Dated, stamps: tuple[str, ...], solar: bool) -> None:
    with pytest.raises(DataError, match="lies before 1990") as caught:
        build_ledger(dated(*stamps))
    assert caught.value.code == "RG128"
    said = (
        "most years in column `when` look like solar (Jalali) ones, or lunar ones: convert it to the Gregorian calendar"
    )
    assert (said in str(caught.value)) is solar
