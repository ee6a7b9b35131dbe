"""How a server carries itself: who it says it is, what it says of a request, and that it tells only what is asked.

In: a `Caller`. Out: checks by their sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .caller import JSON, Broken, Caller

_MARKED = "kit-7f3ab2-of-the-caller"


def _expect(is_so: object, otherwise: str) -> None:
    if not is_so:
        raise Broken(otherwise)


def _ping(caller: Caller) -> None:
    caller.get("/ping", keys={}).expect(200)
    _expect(caller.get("/ping", "HEAD", keys={}).expect(200).body == b"", "HEAD is answered with a body")


def _health(caller: Caller) -> None:
    _expect(isinstance(caller.get("/health", keys={}).expect(200).json, dict), "/health is no object")


def _version(caller: Caller) -> None:
    _expect(isinstance(caller.get("/version").expect(200).json, dict), "/version is no object")


def _metrics(caller: Caller) -> None:
    found = caller.get("/metrics").expect(200)
    _expect(b"# TYPE " in found.body, "/metrics is not as Prometheus reads it")


def _headers(caller: Caller) -> None:
    named = {**JSON, "X-Request-Id": _MARKED}
    first, second = (caller.post("/v1/score", caller.example(), named).expect(200).headers for _ in range(2))
    for name in ("x-request-id", "x-model-version", "x-reference-date"):
        _expect(first.get(name), f"there is no {name}")
    _expect(first["x-request-id"] != second["x-request-id"], "two answers have the same X-Request-Id")
    _expect(_MARKED not in first["x-request-id"], "X-Request-Id is the caller's")
    _expect(first.get("cache-control") == "no-store", "Cache-Control is not no-store")
    _expect(first.get("x-content-type-options") == "nosniff", "X-Content-Type-Options is not nosniff")


def _names_itself(caller: Caller) -> None:
    reply = caller.post("/v1/score", caller.example()).expect(200)
    _expect(reply.json["model"]["version"] == reply.headers.get("x-model-version"), "header and content differ")
    _expect(reply.json["reference"] == reply.headers.get("x-reference-date"), "header and content differ")


def _description(caller: Caller) -> None:
    found = caller.described
    _expect(str(found.get("openapi", "")).startswith("3.1."), "the description is not of OpenAPI 3.1")
    for path, item in found["paths"].items():
        for method in ("get", "post"):
            _expect(
                "200" in item.get(method, {"responses": ["200"]})["responses"], f"{method} {path} is never answered"
            )
    for reference in _references(found):
        at: Any = found
        for step in reference.removeprefix("#/").split("/"):
            _expect(isinstance(at, dict) and step in at, f"{reference} leads nowhere")
            at = at[step]


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield str(value)
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _example(caller: Caller) -> None:
    found = caller.score(caller.example())
    _expect(len(found["scores"]) == 1, "the example has no score")
    row = found["scores"][0]
    _expect(0 <= row["p_churn"] <= 1, "p_churn is no probability")
    _expect(row["customer_id"] == caller.example()["customers"][0]["customer_id"], "another customer is scored")


def _only_asked(caller: Caller) -> None:
    asked = caller.example()
    whole = caller.score({**asked, "outputs": ["p_churn", "segment", "expected_spend"]})["scores"][0]
    part = caller.score({**asked, "outputs": ["expected_spend"]})["scores"][0]
    _expect(set(part) == {"customer_id", "expected_spend"}, "more is said than was asked for")
    _expect(part["expected_spend"] == whole["expected_spend"], "the number depends on what else is asked for")


def _future(caller: Caller) -> None:
    asked = caller.example()
    before = caller.score(asked)
    later = [{**row, "purchased_at": f"{asked['as_of']}T00:00:00"} for row in asked["customers"][0]["purchases"]]
    asked["customers"][0]["purchases"] += later
    after = caller.score(asked)
    _expect(after["scores"] == before["scores"], "purchases on the day of the scores change them")
    _expect(after["ignored_rows"] == before["ignored_rows"] + len(later), "ignored rows are not counted")


def _strangers(caller: Caller) -> None:
    asked = caller.example()
    first = asked["customers"][0]
    never = {**first, "customer_id": "never", "purchases": []}
    later = {
        **first,
        "customer_id": "later",
        "purchases": [{**row, "purchased_at": f"{asked['as_of']}T10:00:00"} for row in first["purchases"][:1]],
    }
    asked["customers"] = [later, first]
    found = caller.score(asked)
    _expect([row["customer_id"] for row in found["not_scored"]] == ["later"], "who bought later is not told apart")
    _expect([row["customer_id"] for row in found["scores"]] == [first["customer_id"]], "who bought is not scored")
    asked["customers"] = [never]
    reply = caller.post("/v1/score", asked).expect(200, 422)
    if reply.status == 200:
        _expect([row["customer_id"] for row in reply.json["not_scored"]] == ["never"], "who never bought is scored")


def _published(caller: Caller) -> None:
    for name in ("kit-7f3ab2", "..%2F..%2Fetc%2Fpasswd", "%00", "a%2Fb", "%FF", "%F0%9F%8C%B5", "x" * 500):
        caller.get(f"/v1/customers/{name}").expect(404)


CONDUCT: Mapping[str, Callable[[Caller], None]] = {
    "/ping answers anybody": _ping,
    "/health answers anybody": _health,
    "/version says what runs": _version,
    "/metrics is for Prometheus": _metrics,
    "/openapi.json is whole": _description,
    "the example of the description is answered": _example,
    "every answer has an id of its own, its model and its Reference": _headers,
    "the content names the same model and Reference": _names_itself,
    "only what is asked for is told": _only_asked,
    "purchases from the day of the scores on are ignored, and counted": _future,
    "who had not bought before is told apart": _strangers,
    "an unknown customer is a 404": _published,
}
