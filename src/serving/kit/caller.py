"""Requests as no well-behaved client makes them: any bytes, any header, a body that never comes.

In: an address and perhaps a key. Out: a `Reply` to each; the description that the server gives of itself, read once.
"""

from __future__ import annotations

import copy
import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import urllib3

from ..client import AGAIN, LONGEST_WAIT
from ..problems import MEDIA

JSON = {"Content-Type": "application/json"}
SECONDS = 20.0
MARK = "kit-7f3ab2"
"""Stands in ids and keys that are sent: no refusal may repeat it."""


class Broken(AssertionError):
    """A promise that the server does not keep."""


@dataclass(frozen=True)
class Reply:
    """An answer: its status, its headers by their names in lower case, its content."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The content as JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise Broken(f"status {self.status}: the content is no JSON") from None

    def expect(self, *statuses: int) -> Reply:
        """This answer, if its status is one of some; a refusal must say why, and repeat nothing."""
        if self.status not in statuses:
            raise Broken(f"status {self.status}, where {' or '.join(map(str, statuses))} is right{self._told()}")
        if self.status >= 400 and self.body:
            self._is_problem()
        return self

    def _told(self) -> str:
        return f": {self.json.get('detail')}" if self.headers.get("content-type", "").startswith(MEDIA) else ""

    def _is_problem(self) -> None:
        kind, told = self.headers.get("content-type", ""), self.json
        needed = ("type", "title", "status", "detail", "code", "request_id")
        if not kind.startswith(MEDIA) or not isinstance(told, dict) or any(name not in told for name in needed):
            raise Broken(f"status {self.status} without {MEDIA}, or without all of {', '.join(needed)}")
        if told["status"] != self.status:
            raise Broken(f"status {self.status}, and {told['status']} in the content")
        if MARK.encode() in self.body or any(MARK in value for value in self.headers.values()):
            raise Broken("what was sent is repeated")
        if b"Traceback" in self.body or b".py" in self.body:
            raise Broken("a trace is shown")


@dataclass(frozen=True)
class Caller:
    """Whoever asks a server.

    Parameters
    ----------
    url : str
    key : str or None
    """

    url: str
    key: str | None = field(default=None, repr=False)

    @cached_property
    def _http(self) -> urllib3.PoolManager:
        again = urllib3.Retry(
            connect=2,
            read=1,
            status=3,
            redirect=False,
            allowed_methods=None,
            status_forcelist=AGAIN,
            raise_on_status=False,
            backoff_factor=0.1,
            retry_after_max=LONGEST_WAIT,
        )
        return urllib3.PoolManager(timeout=SECONDS, retries=again, maxsize=4)

    @property
    def keys(self) -> dict[str, str]:
        """The header with the key, where there is one."""
        return {} if self.key is None else {"Authorization": f"Bearer {self.key}"}

    def get(self, path: str, method: str = "GET", keys: Mapping[str, str] | None = None) -> Reply:
        """The answer to a request without a body."""
        return self._ask(method, path, None, dict(self.keys if keys is None else keys))

    def post(
        self,
        path: str,
        body: object,
        headers: Mapping[str, str] = JSON,
        keys: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer to a body: bytes as they are, anything else as JSON."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._ask("POST", path, sent, {**(self.keys if keys is None else keys), **headers})

    def score(self, request: object) -> Any:
        """The content of an answer to a request for scores that must be answered."""
        return self.post("/v1/score", request).expect(200).json

    def announced(self, size: int) -> Reply:
        """The answer to a body that is announced and never sent."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(str(parts.hostname), parts.port, timeout=SECONDS)
        try:
            connection.putrequest("POST", f"{parts.path}/v1/score")
            for name, value in {**JSON, **self.keys, "Content-Length": str(size)}.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return Reply(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise Broken(f"no answer to a body that is too large ({type(error).__name__})") from None
        finally:
            connection.close()

    def chunked(self, pieces: Iterator[bytes]) -> Reply:
        """The answer to a body that comes in pieces, without a word of how long it will be."""
        return self._ask("POST", "/v1/score", pieces, {**JSON, **self.keys})

    def _ask(self, method: str, path: str, body: bytes | Iterator[bytes] | None, headers: dict[str, str]) -> Reply:
        try:
            answer = self._http.request(method, self.url.rstrip("/") + path, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None) or error
            raise Broken(f"no answer ({type(reason).__name__})") from None
        return Reply(answer.status, {n.lower(): v for n, v in answer.headers.items()}, answer.data)

    @cached_property
    def described(self) -> dict[str, Any]:
        """The server's own description."""
        found = self.get("/openapi.json").expect(200).json
        if not isinstance(found, dict):
            raise Broken("/openapi.json is no object")
        return found

    def example(self) -> dict[str, Any]:
        """The example of the description, with one customer, to be changed at will."""
        try:
            content = self.described["paths"]["/v1/score"]["post"]["requestBody"]["content"]
            found: dict[str, Any] = copy.deepcopy(content["application/json"]["example"])
            found["customers"] = found["customers"][:1]
            assert found["customers"][0]["purchases"]
        except (KeyError, TypeError, IndexError, AssertionError):
            raise Broken("the description has no example of a customer with purchases") from None
        return found

    def inquiry(self) -> dict[str, Any] | None:
        """The example of a request for recommendations, with one customer; None where none is answered today.

        It is a dry run: nothing that is asked here is kept by the server.
        """
        page = self.described["paths"].get("/v1/recommendations")
        try:
            if page is None or "example" not in page["post"]["responses"]["200"]["content"]["application/json"]:
                return None
            found: dict[str, Any] = copy.deepcopy(page["post"]["requestBody"]["content"]["application/json"]["example"])
            assert found["dry_run"] is True
            assert len(found["customers"]) == 1
        except (KeyError, TypeError, AssertionError):
            raise Broken("the description has no example of a request for recommendations that is a dry run") from None
        return found

    def limit(self, name: str) -> int:
        """One of the server's limits, as it tells them."""
        try:
            return int(self.described["x-limits"][name])
        except (KeyError, TypeError, ValueError):
            raise Broken(f"the description does not tell `x-limits`.`{name}`") from None
