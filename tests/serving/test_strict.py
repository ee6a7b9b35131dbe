"""JSON that can be read in one way only, and nothing of what was sent in what is said of the rest."""

from __future__ import annotations

import pytest

from regulars.serving.problems import Problem
from regulars.serving.strict import doubled, keys_told, objects_told, parsed

UNREADABLE = {
    "nothing": b"",
    "blanks": b"  \n",
    "a mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "no UTF-8": b'{"a": "\xff"}',
    "half a pair as bytes": b'"\xed\xa0\x80"',
    "half a pair as an escape": b'"\\ud800"',
    "a cut": b'{"a": [1, 2',
    "more behind it": b"{} {}",
    "a comma too many": b"[1,]",
    "a comment": b"{/* a */}",
    "single quotes": b"{'a': 1}",
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a leading zero": b"[01]",
    "a plus": b"[+1]",
    "a raw line break in a text": b'["a\nb"]',
    "5,000 digits": b"9" * 5_000,
    "lists in lists": b"[" * 100_000,
    "objects in objects": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_is_no_json_is_a_400_that_repeats_nothing(kind: str) -> None:
    with pytest.raises(Problem) as refused:
        parsed(UNREADABLE[kind])
    assert (refused.value.status, refused.value.code) == (400, "RG380")
    assert not refused.value.faults
    assert set(refused.value.detail) <= set("abcdefghijklmnopqrstuvwxyzJSONUTF-80123456789 ()")


def test_a_place_says_line_and_column() -> None:
    with pytest.raises(Problem, match="line 2 column 3"):
        parsed(b"{\n  ?")


@pytest.mark.parametrize("body", [b'{"a": 1, "a": 1}', b'[{"b": {"a": 1, "\\u0061" : 2}}]', b'{"a":{}, "a"\n\t:{}}'])
def test_a_key_that_stands_twice_is_a_422(body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        parsed(body)
    assert (refused.value.status, refused.value.code, len(refused.value.faults)) == (422, "RG382", 1)


@pytest.mark.parametrize("body", [b'{"a": "\\":"}', b'{"a": ":"}', b'{":": ["\\":", "x :"], "a ": {"a": {"a": 1}}}'])
def test_texts_that_look_like_keys_are_none(body: bytes) -> None:
    # Each is counted at least as often as it has keys, and none of those stands twice.
    assert doubled(body) == []
    parsed(body)


def test_keys_and_objects_are_counted_before_anything_is_parsed() -> None:
    assert keys_told(b'{"a" : 1, "b"\r\n:{"c":"\\":"}}') == 4
    # One of the braces stands in a text, which is looked at where it would be too many.
    body = b'[{"a": "{\\"{"}, {}]'
    assert objects_told(body, 10) == 4
    assert objects_told(body, 3) == 2


def test_the_place_of_a_doubled_key_is_found() -> None:
    assert doubled(b'{"x": [0, {"a": 1, "b": 2, "a": 3}]}') == [(("x", 1), "a")]
