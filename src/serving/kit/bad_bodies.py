"""Bodies that no endpoint may answer: the example of the server itself, each with one thing wrong.

In: an example that is answered. Out: bytes by what is wrong with them; every one must be refused with a 4xx. Values
that JSON does not have (NaN, 1e400) are put in as text.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from .caller import MARK

Path: TypeAlias = tuple[str | int, ...]
CUSTOMER: Path = ("customers", 0)
PURCHASE: Path = (*CUSTOMER, "purchases", 0)
_HOLE = "\u2603hole\u2603"
DEEP = 100_000

NUMBERS = {
    "a text": '"10"',
    "true": "true",
    "null": "null",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "1e400": "1e400",
    "-1e400": "-1e400",
    "1e300": "1e300",
    "a list": "[1]",
    "an object": "{}",
    "five decimals": "1.00001",
    "5,000 digits": "9" * 5000,
    "a leading zero": "010",
    "hexadecimal": "0x10",
    "an underscore": "1_000",
    "no digit before the point": ".5",
    "no digit after the point": "1.",
    "a plus": "+1",
    "an empty text": '""',
}
TIMES = {
    "a number": "1704412800000",
    "digits": '"1704412800000"',
    "null": "null",
    "true": "true",
    "a list": '["2024-01-05"]',
    "no time": '"yesterday"',
    "30 February": '"2024-02-30"',
    "hour 25": '"2024-01-05T25:00:00"',
    "offset 99": '"2024-01-05T10:00:00+99:00"',
    "month first": '"01/05/2024"',
    "before 1990": '"1989-12-31T23:00:00"',
    "year 1": '"0001-01-01T00:00:00"',
    "after 2099": '"2999-01-01T00:00:00"',
    "year 9999": '"9999-12-31T23:59:59"',
    "an empty text": '""',
}
IDS = {
    "a number": "5",
    "null": "null",
    "true": "true",
    "a list": f'["{MARK}"]',
    "an object": f'{{"{MARK}": 1}}',
    "empty": '""',
    "blank": '"  "',
    "nothing to be seen": '"\\u200b"',
    "half a character": f'"{MARK}\\ud800"',
    "a zero": f'"{MARK}\\u0000"',
    "a line's end": f'"{MARK}\\n"',
}
DAYS = {
    "a number": "20240105",
    "true": "true",
    "a word": '"tomorrow"',
    "30 February": '"2024-02-30"',
    "month first": '"01/05/2024"',
    "an instant": '"2024-01-05T10:00:00"',
    "long ago": '"1970-01-01"',
    "year 9999": '"9999-12-31"',
}
OUTPUTS = {"a text": '"p_churn"', "unknown": f'["{MARK}"]', "none": "[]", "a number": "[1]", "an object": "{}"}
HORIZONS = {
    "a number": "30",
    "below 0": "[-1]",
    "0": "[0]",
    "a text": '["30"]',
    "a fraction": "[30.5]",
    "true": "[true]",
    "not learnt": "[100003]",
}
LISTS = {"null": "null", "an object": "{}", "a text": '"a"', "of null": "[null]", "of lists": "[[]]", "a number": "1"}
FIELDS: tuple[tuple[str, Path, dict[str, str]], ...] = (
    ("amount", (*PURCHASE, "amount"), NUMBERS),
    ("purchased_at", (*PURCHASE, "purchased_at"), TIMES),
    ("customer_id", (*CUSTOMER, "customer_id"), IDS),
    ("as_of", ("as_of",), DAYS),
    ("outputs", ("outputs",), OUTPUTS),
    ("horizons", ("horizons",), HORIZONS),
    ("customers", ("customers",), LISTS),
    ("purchases", (*CUSTOMER, "purchases"), LISTS),
)


def bad_bodies(example: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """What is wrong, and the body.

    Parameters
    ----------
    example : dict
        A request that is answered, of one customer with purchases.

    Examples
    --------
    >>> row = {"purchased_at": "2024-01-05", "amount": 1}
    >>> example = {"as_of": "2024-02-01", "customers": [{"customer_id": "a", "purchases": [row]}]}
    >>> b'"amount": NaN' in dict(bad_bodies(example))["amount: NaN"]
    True
    """
    example = _put(example, (*CUSTOMER, "customer_id"), MARK)
    for field, path, values in FIELDS:
        for what, text in values.items():
            yield f"{field}: {what}", _filled(example, path, text)
    yield from _keys(example)
    yield from _texts(json.dumps(example).encode())


def _keys(example: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Keys that are missing, unknown, or there twice; rows and customers, too."""
    for path in (("customers",), (*CUSTOMER, "customer_id"), (*CUSTOMER, "purchases")):
        yield f"{path[-1]}: missing", _sent(_without(example, path))
    second = _put(example, (*CUSTOMER, "purchases"), _at(example, PURCHASE[:-1]) * 2)
    for name in ("amount", "purchased_at"):
        yield f"{name}: missing in the second row", _sent(_without(second, (*PURCHASE[:-1], 1, name)))
    for where, path in (("the request", ()), ("a customer", CUSTOMER), ("a purchase", PURCHASE)):
        yield f"an unknown key in {where}", _sent(_put(example, (*path, MARK), 1))
        key = next(iter(_at(example, path)))
        again = _sent(_put(example, (*path, _HOLE), 1)).replace(json.dumps(_HOLE).encode(), f'"{key}"'.encode())
        yield f"a key twice in {where}", again
        escaped = f'"\\u{ord(key[0]):04x}{key[1:]}"'.encode()
        yield (
            f"a key twice in {where}, once escaped",
            again[::-1].replace(f'"{key}"'[::-1].encode(), escaped[::-1], 1)[::-1],
        )
    yield "a wrong case of a key", _sent(_put(_without(example, (*PURCHASE, "amount")), (*PURCHASE, "Amount"), 1))
    yield "a customer twice", _sent(_put(example, ("customers",), _at(example, ("customers",)) * 2))


def _texts(good: bytes) -> Iterator[tuple[str, bytes]]:
    """What is no JSON, or another one."""
    yield from (("nothing at all", b""), ("null", b"null"), ("a list", b"[]"), ("a number", b"1"), ("a text", b'"a"'))
    yield from (("an empty object", b"{}"), ("blanks", b"  \n "), ("an empty object among lists", b"[{}]"))
    yield "cut off", good[:-7]
    yield "cut off in a text", good[: good.index(MARK.encode()) + 3]
    yield "more behind it", good + b"x"
    yield "twice", good + good
    yield "a byte order mark", b"\xef\xbb\xbf" + good
    yield "UTF-16", good.decode().encode("utf-16")
    yield "a byte that is no UTF-8", good.replace(MARK.encode(), b"\xff\xfe", 1)
    yield "an overlong form of UTF-8", good.replace(MARK.encode(), b"\xc0\xaf", 1)
    yield "half a character in UTF-8", good.replace(MARK.encode(), b"\xed\xa0\x80", 1)
    yield "a zero byte", good.replace(MARK.encode(), b"a\x00b", 1)
    yield "a comment", b"/* */" + good
    yield "single quotes", good.replace(b'"', b"'")
    yield "a comma too many", good[:-1] + b",}"
    yield "a form", b"customer_id=a&amount=1"
    yield "XML", b"<customers/>"
    yield "compressed", b"\x1f\x8b\x08\x00" + good
    yield "deep lists", b"[" * DEEP + b"]" * DEEP
    yield "deep lists, cut off", b"[" * DEEP
    yield "deep objects", b'{"customers":' * (DEEP // 4) + b"1" + b"}" * (DEEP // 4)
    yield "a deep value", good[:-1] + b', "as_of": ' + b"[" * DEEP + b"]" * DEEP + b"}"


def _filled(example: dict[str, Any], path: Path, text: str) -> bytes:
    return _sent(_put(example, path, _HOLE)).replace(json.dumps(_HOLE).encode(), text.encode())


def _sent(request: object) -> bytes:
    return json.dumps(request).encode()


def _at(request: Any, path: Path) -> Any:
    for step in path:
        request = request[step]
    return request


def _put(request: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    found = copy.deepcopy(request)
    _at(found, path[:-1])[path[-1]] = value
    return found


def _without(request: dict[str, Any], path: Path) -> dict[str, Any]:
    found = copy.deepcopy(request)
    del _at(found, path[:-1])[path[-1]]
    return found
