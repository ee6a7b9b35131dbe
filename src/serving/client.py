"""A small client for the endpoint: histories in, typed scores out; it waits and asks again where the server is busy.

In: the address of a `regulars serve`, a key where one is asked for, customers as plain mappings. Out: frozen records;
a number that is not there is None. What the server refuses is a `RequestRefused` with its status, code and faults.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import quote, urlsplit

import urllib3

from ..errors import ConfigError
from .answers import Recommendations, RequestRefused, Scored, mapping_of, recommendations_of, refusal_of, scored_of

AGAIN = (429, 503)
"""Asked again: too many at once, or not ready."""
LONGEST_WAIT = 10
"""Seconds that a server may ask to be left alone for; without a bound it could stop its callers for hours."""


class Dated(Protocol):
    """A date or a datetime."""

    def isoformat(self) -> str:
        """As ISO text."""
        ...


class Client:
    """A caller of the endpoint; safe to share among threads.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:8000``.
    key : str, optional
        Sent as ``Authorization: Bearer``, and to this address only: nothing is redirected.
    timeout : float
        Seconds for a connection, and for each answer.
    retries : int
        So often a request is made again that found nobody, or too many others (429, 503; after `Retry-After`).

    Examples
    --------
    >>> Client("http://127.0.0.1:8000")
    Client('http://127.0.0.1:8000')
    """

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 10.0, retries: int = 3) -> None:
        self.url = _address(url)
        headers = {"Accept": "application/json", "User-Agent": "regulars"}
        # A request changes nothing, so that each may be repeated; one read, as a kept connection may have ended.
        self._again = urllib3.Retry(
            total=retries,
            read=min(retries, 1),
            redirect=False,
            allowed_methods=None,
            status_forcelist=AGAIN,
            backoff_factor=0.1,
            raise_on_status=False,
            retry_after_max=LONGEST_WAIT,
        )
        self._http = urllib3.PoolManager(
            maxsize=16,
            headers=headers if key is None else {**headers, "Authorization": f"Bearer {_sendable(key)}"},
            timeout=urllib3.Timeout(connect=timeout, read=timeout),
        )

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.clear()

    def score(
        self,
        customers: Iterable[Mapping[str, object]],
        *,
        as_of: str | Dated | None = None,
        outputs: Sequence[str] | None = None,
        horizons: Sequence[int] = (),
    ) -> Scored:
        """What the model says of some customers.

        Parameters
        ----------
        customers : iterable of mapping
            Each as the endpoint takes it: ``{"customer_id": "a", "purchases": [{"purchased_at": ..., "amount": ...}]}``
            and what else the model looks at. Dates, datetimes and decimals are written as JSON has them.
        as_of : date, optional
            The day of the scores; that of the server in the business time zone where it is left out.
        outputs : sequence of str, optional
            What is to be said; the usual ten where it is left out.
        horizons : sequence of int
            Further horizons in days.

        Raises
        ------
        ConfigError
            Something in it is nothing that JSON has.
        RequestRefused
            The server refuses it, or cannot be reached.
        """
        asked = _asked(customers, as_of, outputs, horizons)
        return scored_of(self._answered("POST", "/v1/score", _written(asked)))

    def recommendations(
        self,
        customers: Iterable[Mapping[str, object]],
        *,
        as_of: str | Dated | None = None,
        outputs: Sequence[str] | None = None,
        dry_run: bool = False,
    ) -> Recommendations:
        """What the policy of the newest wave gives to some customers.

        Parameters
        ----------
        customers : iterable of mapping
            As for `score`, each with its `consent`: ``[{"recorded_at": ..., "channel": "email", "purpose":
            "marketing", "status": "granted"}]``, and perhaps with `contacts` and `attributes`.
        as_of : date, optional
            The day before which everything is known.
        outputs : sequence of str, optional
            Scores that are to be told beside; none where it is left out.
        dry_run : bool
            Whether nothing is kept, because nobody will act on it.

        Raises
        ------
        ConfigError
            Something in it is nothing that JSON has.
        RequestRefused
            The server refuses it, cannot be reached, or has no policy (404).
        """
        asked = _asked(customers, as_of, outputs, ())
        if dry_run:
            asked["dry_run"] = True
        return recommendations_of(self._answered("POST", "/v1/recommendations", _written(asked)))

    def customer(self, customer_id: str) -> Mapping[str, Any] | None:
        """The last published score of a customer, with its `as_of` and `model_version`; None where there is none."""
        # A connection that broke would be logged with its path, and the id in it, before it is tried again.
        once = self._again.new(connect=0, read=0)
        try:
            return mapping_of(self._answered("GET", f"/v1/customers/{_quoted(customer_id)}", again=once))
        except RequestRefused as refused:
            if refused.status != 404:
                raise
            return None

    def health(self) -> Mapping[str, Any]:
        """Whether the server is ready, and who speaks."""
        return mapping_of(self._answered("GET", "/health"))

    def version(self) -> Mapping[str, Any]:
        """Versions of the server and the model."""
        return mapping_of(self._answered("GET", "/version"))

    def ping(self) -> bool:
        """Whether the server lives."""
        return self._asked("GET", "/ping").status == 200

    def _answered(self, method: str, path: str, body: bytes | None = None, again: urllib3.Retry | None = None) -> bytes:
        answer = self._asked(method, path, body, again)
        if answer.status != 200:
            raise refusal_of(answer.status, answer.headers.get("Content-Type", ""), answer.data)
        return answer.data

    def _asked(
        self, method: str, path: str, body: bytes | None = None, again: urllib3.Retry | None = None
    ) -> urllib3.BaseHTTPResponse:
        # As a dict, because these take the place of the pool's own.
        headers = {**self._http.headers, **({} if body is None else {"Content-Type": "application/json"})}
        try:
            return self._http.request(method, self.url + path, body=body, headers=headers, retries=again or self._again)
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None) or error
            raise RequestRefused(
                f"{self.url} gave no answer ({type(reason).__name__})", do="look whether `regulars serve` runs there"
            ) from None


def _asked(
    customers: Iterable[Mapping[str, object]],
    as_of: str | Dated | None,
    outputs: Sequence[str] | None,
    horizons: Sequence[int],
) -> dict[str, object]:
    """A request, without what was not told."""
    asked: dict[str, object] = {"customers": list(customers)}
    if as_of is not None:
        asked["as_of"] = as_of
    if outputs is not None:
        asked["outputs"] = list(outputs)
    if horizons:
        asked["horizons"] = list(horizons)
    return asked


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ConfigError(
            "this is no address of an endpoint",
            needed="http:// or https://, a host and a port, without a user or a password",
            do="such as http://127.0.0.1:8000",
            code="RG388",
        )
    return url.rstrip("/")


def _sendable(key: str) -> str:
    """A key that fits in a header: what breaks lines would become headers of its own."""
    if not key or not key.isascii() or not key.isprintable() or key != key.strip():
        raise ConfigError("the key cannot be sent", needed="visible ASCII characters", code="RG388")
    return key


def _quoted(customer_id: str) -> str:
    """An id as a part of a path; "." and ".." would be taken for folders.

    Examples
    --------
    >>> _quoted("a/b.é")
    'a%2Fb%2E%C3%A9'
    """
    try:
        return quote(customer_id, safe="").replace(".", "%2E")
    except UnicodeEncodeError:
        raise ConfigError("the id is no text", needed="Unicode characters", code="RG388") from None


def _written(asked: Mapping[str, object]) -> bytes:
    try:
        return json.dumps(asked, default=_plain, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        raise ConfigError(
            "the request holds something that JSON cannot",
            needed="texts, finite numbers, dates, and lists and mappings of these",
            do="leave out a field that is not known",
            code="RG388",
        ) from None


def _plain(value: object) -> object:
    """What JSON takes instead of a date, a decimal, a number of NumPy, or any mapping."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    for form in ("isoformat", "item"):
        if callable(found := getattr(value, form, None)):
            return found()
    raise TypeError(type(value).__name__)
