"""JSON lines: values as they are written, missing keys missing, and every line that is no record accounted for."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.config import Config
from regulars.errors import RegularsError
from regulars.intake import build_ledger
from regulars.intake.sources.jsonlines import _Records

Book = Callable[..., Config]
DAY = '"when": "2024-01-05"'
GOOD = f'{{"id": "a", {DAY}, "money": 1}}\n'
ROLES = {"customer_id": "id", "amount": "money"}


@pytest.mark.parametrize(
    "written", ["1400", "0.1", "12345678901234567890", "1.50", "1e400", "-0", "1E5", "0.30000000000000004", "5" * 5_000]
)
def test_a_number_keeps_its_digits(written: str) -> None:
    table = _Records("a.jsonl", ROLES).table(f'{{"id": "a", "money": {written}}}\n'.encode())
    assert table.column("amount").to_pylist() == [written]
    assert table.column("amount_native").to_pylist() == [True]


def test_numbers_among_texts_do_not_tell_the_grammar_of_the_texts(book: Book) -> None:
    # 1.500 is a number of JSON, one and a half; "1.500,5" is text, fifteen hundred and a half.
    ledger = build_ledger(
        book({"a.jsonl": f'{{"id": "a", {DAY}, "money": 1.500}}\n{{"id": "b", {DAY}, "money": "1.500,5"}}\n'})
    )
    assert ledger.manifest.money["used"] == "1502.0000"
    assert any("holds 1 numbers and 1 texts" in n for n in ledger.manifest.notes)


def test_ids_are_kept_as_they_are_written_and_whole_numbers_lose_their_zero(book: Book) -> None:
    ids = ["7", '"7"', "7.0", '"007"', "12345678901234567890", '"NA"', "true"]
    ledger = build_ledger(book({"a.jsonl": "".join(f'{{"id": {i}, {DAY}, "money": 1}}\n' for i in ids)}))
    found = sorted(set(ledger.table().column("customer_id").to_pylist()))
    assert found == ["007", "12345678901234567890", "7", "NA", "true"]
    assert any("1 ids or labels in a.jsonl are numbers such as 123.0" in n for n in ledger.manifest.notes)


@pytest.mark.parametrize("written", ["7.5", "1e400", "9007199254740993.0"])
def test_an_id_that_is_a_fraction_or_was_rounded_is_refused(book: Book, written: str) -> None:
    with pytest.raises(RegularsError, match="ids as floating-point numbers") as caught:
        build_ledger(book({"a.jsonl": f'{{"id": {written}, {DAY}, "money": 1}}\n'}))
    assert caught.value.code == "RG103"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[1]", "is not a JSON object"),
        ("7", "is not a JSON object"),
        ('{"id": "b"', "is not JSON: Expecting ',' delimiter"),
        (GOOD.strip() * 2, "is not JSON: more follows the first value"),
        (f'{{"id": "b", {DAY}, "money": NaN}}', "is not JSON: NaN is no value"),
        (f'{{"id": "b", {DAY}, "money": -Infinity}}', "is not JSON: -Infinity is no value"),
        (f'{{"id": {{"x": 1}}, {DAY}, "money": 1}}', "has an object or a list under `id`"),
        (f'{{"id": "b", {DAY}, "money": [1]}}', "has an object or a list under `money`"),
        (f'{{"id": "b", {DAY}, "money": 1, "money": 2}}', "has the key `money` twice"),
        (f'{{"id": "b\\u0000", {DAY}, "money": 1}}', "holds a NUL byte or half a character under `id`"),
        (f'{{"id": "b\\ud800", {DAY}, "money": 1}}', "holds a NUL byte or half a character under `id`"),
        ("[" * 100_000, "is nested too deeply"),
        ("\0\0", "is not JSON: Expecting value"),
    ],
)
def test_a_line_that_is_no_record_is_quarantined_whole(book: Book, line: str, reason: str) -> None:
    ledger = build_ledger(book({"a.jsonl": GOOD + line + "\n" + GOOD.replace('"a"', '"c"')}, max_bad_share=0.5))
    (row,) = ledger.quarantine().to_pylist()
    assert (row["file"], row["line"], row["reason"]) == ("a.jsonl", 2, reason)
    assert ledger.manifest.lines["read"] == 3
    assert ledger.manifest.money["used"] == "2.0000"


def test_what_is_not_mapped_may_nest_and_repeat_and_be_missing(book: Book) -> None:
    lines = (
        f'{{"x": {{"y": [1, {{"y": 2, "y": 3}}]}}, "id": "a", {DAY}, "money": 1}}\n\n{{"id": null, {DAY}, "money": 2}}'
    )
    ledger = build_ledger(book({"a.ndjson": lines + f'\r\n{{{DAY}, "money": 4}}\n'}))
    # Neither null nor a missing key is a customer.
    assert ledger.manifest.lines["guest"] == 2
    assert ledger.manifest.money["guest"] == "6.0000"
    assert any("1 blank lines in a.ndjson" in n for n in ledger.manifest.notes)


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        ({"a.jsonl": GOOD.replace("money", "mony") * 3}, "RG102", ["`a.jsonl` has no column `money`", "`mony`"]),
        ({"a.jsonl": GOOD + GOOD.replace("money", "Money")}, "RG101", ["capitals", "money; Money"]),
        ({"a.jsonl": "id,when,money\na,2024-01-05,1\n"}, "RG128", ["a.jsonl:1", "is not JSON"]),
        ({"a.jsonl": GOOD.replace('"a"', '"Zürich"').encode("cp1252")}, "RG107", ["a.jsonl:1", "Zürich"]),
        ({"a.jsonl": GOOD, "b.jsonl": GOOD.replace("id", "ID")}, "RG102", ["`b.jsonl` has no column `id`", "`ID`"]),
    ],
)
def test_json_lines_that_cannot_be_trusted_are_refused(
    book: Book, files: dict[str, str | bytes], code: str, said: list[str]
) -> None:
    with pytest.raises(RegularsError) as caught:
        build_ledger(book(files))
    assert caught.value.code == code
    assert [s for s in said if s not in str(caught.value)] == []


def test_a_key_that_only_some_lines_have_is_mapped(book: Book) -> None:
    lines = GOOD + GOOD.replace("}", ', "shop": "web"}').replace('"a"', '"b"')
    ledger = build_ledger(book({"a.jsonl": lines}, channel="shop"))
    assert ledger.table().select(["customer_id", "channel"]).to_pylist() == [
        {"customer_id": "a", "channel": None},
        {"customer_id": "b", "channel": "web"},
    ]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
numbers = st.one_of(
    st.integers().map(str), st.decimals(allow_nan=False, allow_infinity=False).map(lambda d: str(d).replace("E+", "e"))
)


@given(st.lists(st.tuples(texts, numbers, st.booleans()), min_size=1, max_size=20))
def test_every_text_and_number_comes_back_as_it_was_written(rows: list[tuple[str, str, bool]]) -> None:
    lines = "".join(
        f'{{"id": {json.dumps(text, ensure_ascii=plain)}, "money": {number}}}\n' for text, number, plain in rows
    )
    table = _Records("a.jsonl", ROLES).table(lines.encode())
    assert table.column("customer_id").to_pylist() == [text for text, _, _ in rows]
    assert table.column("amount").to_pylist() == [number for _, number, _ in rows]
    assert [Decimal(n) for n in table.column("amount").to_pylist()] == [Decimal(n) for _, n, _ in rows]
    assert table.column("line").to_pylist() == list(range(1, len(rows) + 1))
