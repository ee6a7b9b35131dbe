"""Encodings: told by a mark or by the user; what cannot be read is shown in those that it might be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from regulars.config import Config
from regulars.errors import ConfigError, DataError, RegularsError
from regulars.intake import build_ledger
from regulars.intake.sources.encodings import CANDIDATES, as_utf8, checked

Book = Callable[..., Config]
WORDS = {
    "cp1252": "Zürich Genève Málaga",
    "cp1250": "Łódź Kraków Gdańsk Łomża Dvořák Žižkov",
    "cp1251": "Москва Нижний Новгород",
    "cp1256": "تهران اصفهان",
    "cp1253": "Αθήνα Θεσσαλονίκη",
    "cp1255": "תל אביב ירושלים",
    "shift_jis": "東京とうきょう",
}


def _book(words: str) -> str:
    return "id,when,money\na,2024-01-05,1\n" + "".join(f"{w},2024-01-05,1\n" for w in words.split())


@pytest.mark.parametrize("encoding", list(WORDS))
def test_the_encoding_that_reads_right_is_proposed_and_then_reads(book: Book, encoding: str) -> None:
    config = {"a.csv": _book(WORDS[encoding]).encode(encoding)}
    with pytest.raises(DataError) as caught:
        build_ledger(book(config))
    assert caught.value.code == "RG107"
    # The first line below the header is plain; the first word stands on line 3.
    assert "a.csv:3 is not UTF-8" in str(caught.value)
    likely = str(caught.value.offending[0]).split()[1].rstrip(":")
    assert f'encoding = "{likely}"' in caught.value.do
    # Among the three that are shown, with the word as it is meant.
    shown = [s for s in caught.value.offending[:3] if str(s).startswith(f"as {encoding}: ")]
    assert len(shown) == 1
    assert WORDS[encoding].split()[0] in str(shown[0])
    ledger = build_ledger(book(config, encoding=encoding))
    assert set(ledger.table().column("customer_id").to_pylist()) == {"a", *WORDS[encoding].split()}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_marked_unicode_is_read_and_counted_as_mended(book: Book, encoding: str) -> None:
    ledger = build_ledger(book({"a.csv": ("\ufeff" + _book("تهران")).encode(encoding)}))
    assert ledger.manifest.n_customers == 2
    assert f"a.csv is in {encoding.upper()}, and was read as such" in ledger.manifest.notes
    told = build_ledger(book({"a.csv": ("\ufeff" + _book("تهران")).encode(encoding)}, encoding=encoding[:6]))
    assert told.manifest.notes == tuple(n for n in ledger.manifest.notes if "read as such" not in n)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("told", [None, "utf-16"])
def test_unmarked_utf16_is_refused_with_the_name_of_what_it_is(book: Book, encoding: str, told: str | None) -> None:
    content = {"a.csv": _book("Zürich").encode(encoding)}
    with pytest.raises(DataError) as caught:
        build_ledger(book(content, encoding=told))
    assert caught.value.code == "RG107"
    assert [s for s in ("a.csv:1", "NUL", f'encoding = "{encoding}"') if s not in str(caught.value)] == []
    assert build_ledger(book(content, encoding=encoding)).manifest.n_customers == 2


@pytest.mark.parametrize("name", ["cp12522", "base64", "rot13", "undefined", "", "utf-8\0"])
def test_what_is_no_encoding_of_text_is_refused(book: Book, name: str) -> None:
    with pytest.raises(RegularsError) as caught:
        build_ledger(book(_book(""), encoding=name))
    assert isinstance(caught.value, ConfigError)


def test_text_that_is_not_in_the_encoding_that_is_told_is_refused(book: Book) -> None:
    # 0x81 is nothing in cp1252.
    with pytest.raises(DataError, match=r"a.csv:2 is not CP1252"):
        build_ledger(book({"a.csv": b"id,when,money\n\x81,2024-01-05,1\n"}, encoding="cp1252"))
    with pytest.raises(DataError, match=r"a.csv:3 is not UTF-8"):
        build_ledger(book({"a.csv": _book("Zürich").encode("cp1252")}, encoding="utf-8"))


def test_a_mark_that_says_something_else_than_the_user_is_refused(book: Book) -> None:
    for content, encoding in ((b"\xef\xbb\xbf" + _book("").encode(), "cp1256"), (_book("").encode("utf-16"), "utf-8")):
        with pytest.raises(DataError, match=r"a.csv:1 has the mark of UTF-.*`encoding` is"):
            build_ledger(book({"a.csv": content}, encoding=encoding))


def test_a_bad_byte_is_found_at_its_line_wherever_the_text_is_cut() -> None:
    text = "é,1\nü,2\n".encode() + b"x\xff,3\n"
    for cut in range(len(text)):
        with pytest.raises(DataError, match=r"a.csv:3 is not UTF-8"):
            list(as_utf8([text[:cut], text[cut:]], "utf-8", "a.csv"))
        good = text[:8].decode()
        assert b"".join(as_utf8([text[:cut][:8], text[cut:8]], "utf-8", "a.csv")).decode() == good or cut > 8


def test_text_that_ends_within_a_character_is_refused() -> None:
    with pytest.raises(DataError, match=r"a.csv:2 is not UTF-8"):
        list(as_utf8([b"a\n\xc3"], "utf-8", "a.csv"))
    with pytest.raises(DataError, match=r"a.csv:1 is not UTF-16-LE"):
        list(as_utf8([b"a\0b"], "utf-16-le", "a.csv"))


def test_every_candidate_is_known() -> None:
    assert [checked(name) for name in CANDIDATES] == list(CANDIDATES)
