"""What does not get in: too large, of another kind, without the key, or to a page that is none.

In: a `Caller`. Out: checks by their sentences. Limits are those that the server tells in its description.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping

from .caller import JSON, MARK, Broken, Caller
from .sameness import flat


def _too_many_bytes(caller: Caller) -> None:
    size = 1024 * caller.limit("max_kilobytes")
    caller.post("/v1/score", b" " * (size + 1)).expect(413)
    caller.post("/v1/score", b"[" * (size + 1)).expect(413)


def _announced(caller: Caller) -> None:
    caller.announced(1024 * caller.limit("max_kilobytes") + 1).expect(413)
    caller.announced(10**15).expect(413)


def _pieces(caller: Caller) -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b" " * 1024] * (caller.limit("max_kilobytes") + 1)

    caller.chunked(pieces()).expect(413)


def _too_many_customers(caller: Caller) -> None:
    asked = caller.example()
    one = {**asked["customers"][0], "purchases": asked["customers"][0]["purchases"][:1]}
    many = caller.limit("max_customers") + 1
    asked["customers"] = [{**one, "customer_id": str(at)} for at in range(many)]
    caller.post("/v1/score", asked).expect(413)


def _too_many_rows(caller: Caller) -> None:
    asked = caller.example()
    row = asked["customers"][0]["purchases"][0]
    asked["customers"][0]["purchases"] = [copy.copy(row)] * (caller.limit("max_rows") + 1)
    caller.post("/v1/score", asked).expect(413)


def _no_page(caller: Caller) -> None:
    for path in ("/", "/v1", f"/{MARK}", "/docs", "/v1/score/", "/.env", "//ping", "/ping/"):
        caller.get(path).expect(404)
    caller.post(f"/{MARK}", {}).expect(404, 405)


def _no_method(caller: Caller) -> None:
    for path, method in (("/v1/score", "GET"), ("/v1/score", "PUT"), ("/ping", "DELETE"), ("/invocations", "PATCH")):
        reply = caller.get(path, method).expect(405)
        if not reply.headers.get("allow"):
            raise Broken("a method that is not known is answered without Allow")


def _kinds(caller: Caller) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", MARK):
        caller.post("/v1/score", caller.example(), {"Content-Type": kind}).expect(415)
    caller.post("/v1/score", caller.example(), {"Content-Type": "application/json; charset=utf-8"}).expect(200)


def _compressed(caller: Caller) -> None:
    caller.post("/v1/score", b"\x1f\x8b\x08\x00", {**JSON, "Content-Encoding": "gzip"}).expect(400, 415, 422)


def _headers(caller: Caller) -> None:
    caller.post("/v1/score", caller.example(), {**JSON, "X-Large": "x" * 80_000}).expect(400, 431)


def _without_key(caller: Caller) -> None:
    for path in ("/version", "/metrics", "/openapi.json", "/v1/customers/a"):
        caller.get(path, keys={}).expect(401)
    for path in ("/v1/score", "/v1/recommendations", "/invocations"):
        caller.post(path, {}, keys={}).expect(401)


def _with_a_wrong_key(caller: Caller) -> None:
    assert caller.key is not None
    turned = caller.key[::-1] if caller.key[::-1] != caller.key else f"{caller.key}x"
    wrong = (turned, caller.key[:-1], f"{caller.key}x", f"{caller.key} x", MARK)
    for keys in ({"Authorization": f"Bearer {key}"} for key in wrong):
        caller.post("/v1/score", caller.example(), keys=keys).expect(401, 403)
    caller.post("/v1/score", caller.example(), keys={"X-API-Key": turned}).expect(403)
    caller.post("/v1/score", caller.example(), keys={"X-API-Key": caller.key}).expect(200)


def _invocations(caller: Caller) -> None:
    first, *more = flat({**caller.example()["customers"][0], "customer_id": MARK})
    without = {name: value for name, value in first.items() if name != "amount"}
    for bad in (without, {**first, MARK: 1}, {**first, "amount": "10"}, {**first, "amount": True}):
        reply = caller.post("/invocations", {"dataframe_records": [first, bad, *more]}).expect(422)
        if [error.get("row") for error in reply.json.get("errors", ())] != [1]:
            raise Broken("a row is refused without its place")
    for text in (b"NaN", b"Infinity", b"1e400"):
        body = b'{"dataframe_records": [{"customer_id": "' + MARK.encode() + b'", "amount": ' + text + b"}]}"
        caller.post("/invocations", body).expect(400, 422)
    caller.post("/invocations", {"dataframe_records": [first, *more], "params": {MARK: 1}}).expect(422)
    caller.post("/invocations", {"inputs": {}}).expect(422)
    caller.post("/invocations", b"customer_id,amount\n", {"Content-Type": "text/csv"}).expect(422)


DOORS: Mapping[str, Callable[[Caller], None]] = {
    "a body over the limit is a 413": _too_many_bytes,
    "a body over the limit is a 413 before it is sent": _announced,
    "a body in pieces over the limit is a 413": _pieces,
    "customers over the limit are a 413": _too_many_customers,
    "rows over the limit are a 413": _too_many_rows,
    "there are no other pages": _no_page,
    "a wrong method is a 405 that tells the right ones": _no_method,
    "another kind of content is a 415": _kinds,
    "a compressed body is not unpacked": _compressed,
    "headers without end are refused": _headers,
    "/invocations is as strict, and tells row and field": _invocations,
}

KEYED: Mapping[str, Callable[[Caller], None]] = {
    "without the key there is nothing but /ping and /health": _without_key,
    "a wrong key is refused": _with_a_wrong_key,
}
"""Of a server with a key."""
