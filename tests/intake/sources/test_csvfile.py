"""CSV files: delimiters, line ends, quotes and headers; a broken line costs itself only, and moves nothing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from regulars.config import Config
from regulars.errors import DataError, RegularsError, StorageError
from regulars.intake import build_ledger
from regulars.intake.sources import csvfile, scan
from regulars.intake.sources.kinds import Reading

Book = Callable[..., Config]
GOOD = "id,when,money\na,2024-01-05,1\n"
MANY = "id,when,money\n" + "".join(f"c{i},2024-01-05,{i}.5\n" for i in range(400))
MAPPING = {"customer_id": "id", "amount": "money", "purchased_at": "when"}


@pytest.mark.parametrize(
    ("text", "purchases", "code", "said"),
    [
        ("id,when,mony\na,2024-01-05,1\n", {}, "RG102", ["`a.csv` has no column `money`", "did you mean `mony`"]),
        ("a,2024-01-05,1\nb,2024-01-06,1\n", {}, "RG102", ["has no column `id`"]),
        ("\n" + GOOD, {}, "RG102", ["has no column `id`", "the first line of the file"]),
        ("id,when,money,money\na,2024-01-05,1,2\n", {}, "RG101", ["money"]),
        ("id,when,money,Money\na,2024-01-05,1,2\n", {}, "RG101", ["capitals", "money; Money"]),
        ('"id,when,money\na,2024-01-05,1\n', {}, "RG108", ["a.csv:1", "not a header"]),
        (MANY.replace("c7,", '"c7,'), {}, "RG109", ["a.csv:9", "quote"]),
        (MANY.replace("c7,", '"c7,').replace("c90,", '"c90,'), {}, "RG109", ["a.csv:9"]),
        (MANY.replace("c7,", "c7" * 70_000 + ","), {}, "RG151", ["a.csv:9", "131,072 characters"]),
        (
            MANY.replace("c7,", "c7,9,"),
            {"max_bad_share": 0},
            "RG128",
            ["a.csv:9", "4 fields where the header has 3"],
        ),
        (
            "id,when,money\n" + "a,2024-01-05,1,9\n" * 3,
            {},
            "RG128",
            ["3 of 3", "4 fields where the header has 3"],
        ),
    ],
)
def test_a_csv_file_that_cannot_be_trusted_is_refused(
    book: Book, text: str, purchases: dict[str, object], code: str, said: list[str]
) -> None:
    with pytest.raises(RegularsError) as caught:
        build_ledger(book(text, **purchases))
    assert caught.value.code == code
    assert [s for s in said if s not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("delimiter", "newline"), [(",", "\n"), (";", "\r\n"), ("\t", "\r"), ("|", "\n"), (",", "\r\n"), (",", "\r")]
)
def test_any_delimiter_and_line_end_gives_the_same_lines(book: Book, delimiter: str, newline: str) -> None:
    text = 'id,when,money,text\na,2024-01-05,1.25,"x, y; z"\nb,2024-01-06,2,\n'.replace("\n", newline)
    if delimiter != ",":
        text = text.replace('"x, y; z"', "x").replace(",", delimiter)
    ledger = build_ledger(book({"a.csv": b"\xef\xbb\xbf" + text.encode()}))
    assert ledger.manifest.reconciliation()[0] == ("read", 2, Decimal("3.25"))
    assert any("carriage return alone" in n for n in ledger.manifest.notes) == (newline == "\r")


def test_quoted_fields_may_hold_line_ends_and_keep_the_line_numbers_right(book: Book) -> None:
    text = 'id,when,money,text\na,2024-01-05,1,"two\nlines"\n\nb,never,2,"one ""quoted"" word"\n'
    ledger = build_ledger(book(text, max_bad_share=0.5))
    # Lines 2 and 3 are one record, line 4 is blank, the bad record is on line 5.
    assert ledger.quarantine().column("line").to_pylist() == [5]
    assert any("1 blank lines in a.csv" in n for n in ledger.manifest.notes)


NOTES = "id,when,note,money\n"
ALONE = "d,2024-01-09,fine,4\n"


@pytest.mark.parametrize(
    "note",
    [
        "Dear sir,\nI want, as I said, on 5 May, a refund\nYours, Ann",  # as many commas as a record has, and more
        "1, 2, 3\n4, 5, 6, 7\n8",  # a record's number of fields, and no time in them
        "x\n2024-01-05, 5, 6",
        "\n\n",
    ],
)
def test_free_text_may_span_lines_with_commas_in_them(book: Book, note: str) -> None:
    # At the begin, in the middle and at the end of a record: the line beside it never makes two records of one.
    for text in (
        f'{NOTES}a,2024-01-05,"{note}",1\n{ALONE}',
        f'note,id,when,money\n"{note}",a,2024-01-05,1\nfine,d,2024-01-09,4\n',
        f'id,when,money,note\na,2024-01-05,1,"{note}"\nd,2024-01-09,4,fine\n',
        f'note,id,when,money,more\n"{note}",a,2024-01-05,1,"{note}"\nfine,d,2024-01-09,4,fine\n',
    ):
        ledger = build_ledger(book(text))
        assert (ledger.manifest.lines["used"], ledger.manifest.money["used"]) == (2, "5.0000")


@pytest.mark.parametrize(
    "lines",
    [
        # An inch mark begins a field, another one ends a field some lines later: what lies between is well-formed.
        'a,2024-01-05,"24 inch,1\nb,2024-01-06,cup,2\nc,2024-01-07,TV 15",3\n',
        'a,2024-01-05,"24 inch,1\nc,2024-01-07,TV 15",3\n',  # No whole line lies between: two lines would be one.
        'a,2024-01-05,"24 inch,1\nb,6 May 2024,"" cup,€ 2\nc,2024-01-07,TV 15",3\n',
        'a,2024-01-05,"24 inch,1\nb,2024-01-06,cup,2\n',  # It never ends.
    ],
)
def test_two_stray_quotes_swallow_no_line_silently(book: Book, lines: str) -> None:
    with pytest.raises(DataError, match=r"a\.csv:2 opens a quote that swallows") as caught:
        build_ledger(book(NOTES + lines + ALONE))
    assert caught.value.code == "RG109"


def test_a_header_may_span_lines(book: Book) -> None:
    ledger = build_ledger(book('id,when,money,"a\nnote"\na,2024-01-05,1,\nb,never,1,\n', max_bad_share=0.5))
    # The header takes lines 1 and 2.
    assert ledger.quarantine().column("line").to_pylist() == [4]


@pytest.mark.parametrize("bad", ["b,2024-01-05", "b,2024-01-05,1,extra", 'b,2024-01-05,"1"2'])
def test_a_ragged_line_is_quarantined_whole_and_moves_nothing(book: Book, bad: str) -> None:
    ledger = build_ledger(book(f"id,when,money\na,2024-01-05,1\n{bad}\nc,2024-01-05,4\n", max_bad_share=0.5))
    (row,) = ledger.quarantine().to_pylist()
    assert (row["file"], row["line"], row["column"]) == ("a.csv", 3, None)
    assert bad.replace('"', '\\"') in row["text"]
    assert ledger.manifest.money["used"] == "5.0000"
    assert ledger.manifest.unreadable_amounts == 1


def test_a_line_with_a_nul_byte_is_quarantined_and_the_others_are_read(book: Book) -> None:
    ledger = build_ledger(book("id,when,money\na,2024-01-05,1\nb\0,2024-01-05,2\nc,2024-01-05,4\n", max_bad_share=0.5))
    (row,) = ledger.quarantine().to_pylist()
    assert (row["line"], row["reason"]) == (3, "holds a NUL byte")
    assert "b\\\\0,2024-01-05,2" in row["text"]
    assert ledger.manifest.money["used"] == "5.0000"


def test_a_footer_does_not_become_a_customer(book: Book) -> None:
    ledger = build_ledger(book("id,when,money\na,2024-01-05,10\nTotal,,10\n", max_bad_share=0.5))
    assert ledger.table().column("customer_id").to_pylist() == ["a"]
    assert ledger.quarantine().column("reason").to_pylist() == ["has no date"]


def test_a_last_line_without_an_end_is_noted(book: Book) -> None:
    assert any("no line end" in n for n in build_ledger(book(GOOD + "b,2024-01-06,10")).manifest.notes)
    assert not any("no line end" in n for n in build_ledger(book(GOOD)).manifest.notes)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(MANY)
    (part,) = csvfile.look(file, MAPPING, Reading()).parts()
    file.write_text(MANY + "d,2024-01-05,1\n")
    with pytest.raises(StorageError, match="changed while it was read"):
        list(part.batches())


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "LONGEST", 1_000)
    file = tmp_path / "a.csv"
    file.write_text("id,when,money\n" + "a" * (1 << 23))
    with pytest.raises(RegularsError, match="a line of more than 1,000 bytes"):
        csvfile.look(file, MAPPING, Reading())
