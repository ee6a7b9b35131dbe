"""What is read at once because it is plain means what it means when it is looked up among all texts of its column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.clock import Zone
from regulars.config import Config
from regulars.errors import DataError
from regulars.intake import Ledger, money, staging
from regulars.intake.casts import BASES
from regulars.intake.plain import is_clean
from regulars.intake.shifts import MINUTE_US, QUARTER_US, StampSettings, shifts

FORMS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ")
_moments = st.datetimes(dt.datetime(1985, 1, 1), dt.datetime(2040, 1, 1)) | st.sampled_from(
    # Berlin's clocks changed in these hours.
    [dt.datetime(2024, 3, 31, 2, 30), dt.datetime(2024, 10, 27, 2, 30), dt.datetime(2024, 10, 27, 3, 0)]
)
_written = st.builds(lambda moment, form: moment.strftime(form), _moments, st.sampled_from(FORMS))
_spoilt = st.builds(
    lambda text, at, letter: text[:at] + letter + text[at + 1 :],
    _written,
    st.integers(0, 19),
    st.sampled_from([" ", "", "0", "9", ":", "-", "T", "Z", "+", "x", "٣"]),
)
_stamps = _written | _written | _spoilt | st.sampled_from(["", "epoch", "infinity", "2024-01-05 24:00:00", "2024-1-5"])
_amounts = st.from_regex(r"-?[0-9]{1,4}([.][0-9]{1,5})?", fullmatch=True) | st.sampled_from(
    ["", "1e3", "5.", ".5", "+5", "012.5", "-0", " 7.5 ", "nan", "1_000", "99999999999999", "999999999999999", "0x1F"]
)
_labels = st.text(st.sampled_from("ab \u00a0\u200bé\te\u0301"), max_size=4)


@contextmanager
def looked_up() -> Iterator[None]:
    """Nothing is plain."""
    with pytest.MonkeyPatch.context() as patch:

        def never(role: str, source: str) -> str:
            return f"(SELECT *, NULL::BIGINT AS {role}_at, NULL::TINYINT AS {role}_code FROM {source})"

        patch.setattr(staging, "stamps_sql", never)
        patch.setattr(staging, "uniform_stamps", lambda role, column: None)
        patch.setattr(staging, "is_clean", lambda column: False)
        patch.setattr(money, "_cast", lambda text: "NULL::DECIMAL(18, 4)")
        yield


def outcome(frame: pa.Table) -> object:
    """All that an intake gives; or what it says when it refuses."""
    purchases = {"max_bad_share": 1.0, "known_at": "seen", "product_id": "what", "naive_timezone": "Europe/Berlin"}
    purchases |= {"quantity": "n", "unit_price": "each"}
    config = Config.of(customer_id="id", purchased_at="when", timezone="Asia/Tehran", purchases=purchases)
    try:
        ledger = Ledger.from_frame(frame, config)
    except DataError as error:
        return str(error)
    return replace(ledger.manifest, read_time=""), ledger.table(), ledger.quarantine()


@settings(max_examples=settings().max_examples // 6)
@given(st.lists(st.tuples(_labels, _stamps, _stamps, _amounts, _amounts, _labels), min_size=1, max_size=12))
def test_plain_fields_read_at_once_are_those_that_are_looked_up(rows: list[tuple[str, ...]]) -> None:
    good = ("a", "2024-01-05 10:00:00", "2024-01-06", "1.5", "2", "b")
    names = ("id", "when", "seen", "n", "each", "what")
    frame = pa.table({name: list(column) for name, column in zip(names, zip(good, *rows, strict=True), strict=True)})
    found = outcome(frame)
    with looked_up():
        assert outcome(frame) == found


@settings(max_examples=settings().max_examples // 6)
@given(st.sampled_from(FORMS), st.lists(_moments, min_size=1, max_size=6), st.none() | _spoilt)
def test_a_column_of_one_form_is_read_as_its_texts_one_by_one(
    form: str, moments: list[dt.datetime], odd: str | None
) -> None:
    texts = [moment.strftime(form) for moment in moments] + ([odd] if odd is not None else [])
    n = len(texts)
    frame = pa.table(
        {"id": ["a"] * n, "when": texts, "seen": texts, "n": ["1"] * n, "each": ["2"] * n, "what": ["b"] * n}
    )
    found = outcome(frame)
    with looked_up():
        assert outcome(frame) == found


@pytest.mark.parametrize(
    ("texts", "clean"),
    [
        (["a b", "", None, "~"], True),
        ([" a"], False),
        (["a", "b\t"], False),
        (["\x1fa"], False),
        (["a\u00a0"], False),
        (["é"], False),
        ([None, ""], True),
        ([], True),
    ],
)
def test_a_column_is_clean_when_no_text_of_it_can_change(texts: list[str | None], clean: bool) -> None:
    assert is_clean(pa.chunked_array([pa.array(texts, pa.string())])) is clean
    # A slice looks at its own texts only.
    around = pa.array([" x ", *texts, "\u200b"], pa.string())
    assert is_clean(pa.chunked_array([around.slice(1, len(texts))])) is clean


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Tehran", "UTC"])
def test_all_minutes_of_a_quarter_of_an_hour_are_shifted_alike(zone: str) -> None:
    # St. John's changed at 0:01 until 2011; since then every clock changes on a quarter, Lord Howe's by half an hour.
    settings = StampSettings(Zone(zone), None)
    first, last = (dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp() * 1e6 for year in (2019, 2025))
    quarters = np.arange(int(first) // QUARTER_US, int(last) // QUARTER_US, dtype=np.int64)
    keys = quarters * len(BASES) + BASES["naive"]
    whole = shifts(keys, settings, QUARTER_US)
    for minute in (1, 7, 14):
        minutes = (quarters * 15 + minute) * len(BASES) + BASES["naive"]
        found = shifts(minutes, settings, MINUTE_US)
        for name in ("shift", "day", "moved"):
            assert found.column(name).equals(whole.column(name))
