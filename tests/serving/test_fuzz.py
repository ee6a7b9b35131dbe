"""Bodies with bytes changed at random: the application answers each, never with a 5xx, and does not grow.

In: good bodies of the shop's endpoint; truncations, flipped bits, swapped and repeated pieces, huge numbers, deep
nesting, keys twice. Out: one sentence; 50,000 mutations under `make soak`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from regulars.serving.app import App
from regulars.serving.kit.caller import MARK
from regulars.serving.speaker import Speaker

from .asgi import asked

MANY = os.environ.get("REGULARS_SOAK") == "1"
MUTATIONS = 50_000 if MANY else 500
GROWTH = 0.05

PIECES = (
    b'"',
    b"{",
    b"[" * 500,
    b"]",
    b"}" * 3,
    b",",
    b":",
    b"null",
    b"true",
    b"NaN",
    b"-Infinity",
    b"1e400",
    b"9" * 400,
    b"-0.0",
    b"\\ud800",
    b"\\u0000",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x8c\xb5",
    b"\\",
    b"\n",
    b'"amount":1,',
    b'"customer_id":"b",',
    b"2024-02-30",
    b"9999-12-31T23:59:60",
)
JSON, CSV = "application/json", "text/csv"
Body = tuple[str, str, bytes]
Mutation = Callable[[random.Random, bytes], bytes]


def cut(draw: random.Random, body: bytes) -> bytes:
    return body[: draw.randrange(len(body) + 1)]


def flipped(draw: random.Random, body: bytes) -> bytes:
    found = bytearray(body)
    for _ in range(draw.randint(1, 4)):
        found[draw.randrange(len(found))] ^= 1 << draw.randrange(8)
    return bytes(found)


def inserted(draw: random.Random, body: bytes) -> bytes:
    at = draw.randrange(len(body) + 1)
    return body[:at] + draw.choice(PIECES) + body[at:]


def replaced(draw: random.Random, body: bytes) -> bytes:
    """A piece instead of one of the marks by which JSON is told apart, or of a digit."""
    places = [at for at, byte in enumerate(body) if byte in b'"{}[],:0123456789']
    at = draw.choice(places or [0])
    return body[:at] + draw.choice(PIECES) + body[at + 1 :]


def repeated(draw: random.Random, body: bytes) -> bytes:
    start = draw.randrange(len(body))
    end = min(len(body), start + draw.randint(1, 60))
    return body[:end] + body[start:end] * draw.randint(1, 5) + body[end:]


def removed(draw: random.Random, body: bytes) -> bytes:
    start = draw.randrange(len(body))
    return body[:start] + body[start + draw.randint(1, 20) :]


KINDS: tuple[Mutation, ...] = (cut, flipped, inserted, replaced, repeated, removed)


def good_bodies(speaker: Speaker) -> list[Body]:
    """Requests that are answered: page, type, content."""
    example: Any = speaker.example()
    (customer,) = example["customers"]
    customer["customer_id"] = MARK
    records = [{"customer_id": MARK, **row} for row in customer["purchases"]]
    names = list(records[0])
    table = {"columns": names, "data": [[row[name] for name in names] for row in records]}
    params = {"as_of": example["as_of"], "horizons": "30"}
    bodies: list[tuple[str, object]] = [
        ("/v1/score", example),
        ("/v1/score", {**example, "outputs": ["p_churn", "reasons"], "horizons": [30]}),
        ("/invocations", {"dataframe_records": records, "params": params}),
        ("/invocations", {"dataframe_split": table}),
    ]
    csv = "\n".join([",".join(names), *(",".join(map(str, row.values())) for row in records)])
    return [*((path, JSON, json.dumps(body).encode()) for path, body in bodies), ("/invocations", CSV, csv.encode())]


def mutated(draw: random.Random, bodies: list[Body], n: int) -> Iterator[Body]:
    for _ in range(n):
        path, kind, body = draw.choice(bodies)
        for _ in range(draw.randint(1, 3)):
            body = draw.choice(KINDS)(draw, body) or b" "
        yield path, kind, body


async def answered(app: App, bodies: Iterator[Body]) -> Counter[int]:
    """How many were answered with which status; a refusal must be one, and repeat nothing."""
    found = Counter[int]()
    for path, kind, body in bodies:
        reply = await asked(app, "POST", path, [body], {"content-type": kind})
        found[reply.status] += 1
        assert reply.status in (200, 400, 409, 413, 422), (reply.status, path, body)
        if reply.status != 200:
            assert reply.headers["content-type"] == "application/problem+json"
            assert MARK.encode() not in reply.body, body
            assert reply.json()["status"] == reply.status
    return found


def memory() -> int:
    """Bytes that this process holds now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def test_no_mutation_of_a_body_is_a_defect_or_takes_memory(shop_app: App, shop_speaker: Speaker) -> None:
    draw, bodies = random.Random(7), good_bodies(shop_speaker)
    assert asyncio.run(answered(shop_app, iter(bodies))) == {200: len(bodies)}
    asyncio.run(answered(shop_app, mutated(draw, bodies, MUTATIONS // 10)))
    before = memory()
    found = asyncio.run(answered(shop_app, mutated(draw, bodies, MUTATIONS - MUTATIONS // 10)))
    assert memory() <= before * (1 + GROWTH)
    # Most mutations are refused, some change but a value.
    assert found[400] > found[422] > 0
    assert found[200] > 0
