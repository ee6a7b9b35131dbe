"""What the endpoint answers, as records: scores of customers, offers for them, or why a request was refused.

In: the bytes of an answer. Out: frozen records; a number that is not there is None. Another program may stand at that
address: whatever has not the form of an answer is a `RequestRefused`, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

from pydantic import TypeAdapter, ValidationError

from ..errors import StorageError
from .problems import MEDIA, Fault

T = TypeVar("T")
Value: TypeAlias = float | int | str | bool | None


class RequestRefused(StorageError):
    """The endpoint did not answer, or answered that it will not.

    Parameters
    ----------
    found : str
    status : int
        Of HTTP; 0 where no answer came.
    faults : sequence of Fault
        What was wrong where, as the server told it.
    code : str
        Of the server's problem, or ``RG388``.
    """

    default_code = "RG388"

    def __init__(self, found: str, status: int = 0, faults: Sequence[Fault] = (), code: str = "", do: str = "") -> None:
        self.status, self.faults = status, tuple(faults)
        super().__init__(found, do=do, offending=[_place(fault) for fault in self.faults], code=code)


@dataclass(frozen=True)
class ModelVersion:
    """The model that answered: name, version and run in the registry, and the day on which it was trained."""

    name: str
    version: str
    run_id: str
    trained_on: str


@dataclass(frozen=True)
class Score:
    """What is said of a customer: every output that was asked for, by name.

    Examples
    --------
    >>> found = Score("a", {"p_churn": 0.25, "spend_low": None})
    >>> found.p_churn, found["spend_low"], found.number("spend_low")
    (0.25, None, nan)
    """

    customer_id: str
    values: Mapping[str, Value]

    def __getitem__(self, name: str) -> Value:
        return self.values[name]

    def number(self, name: str) -> float:
        """An output that is a number, NaN where there is none."""
        value = self.values[name]
        if isinstance(value, str):
            raise TypeError(f"{name} is a text")
        return math.nan if value is None else float(value)

    @property
    def p_churn(self) -> float:
        """P(no purchase in the primary horizon)."""
        return self.number("p_churn")

    @property
    def expected_orders(self) -> float:
        """Orders in the primary horizon."""
        return self.number("expected_orders")

    @property
    def expected_spend(self) -> float:
        """Money in the primary horizon, in the currency of the ledger."""
        return self.number("expected_spend")


@dataclass(frozen=True)
class NotScored:
    """A customer of whom nothing is said, and why."""

    customer_id: str
    why: str


@dataclass(frozen=True)
class Scored:
    """The answer to a request.

    Parameters
    ----------
    as_of, reference : str
        ISO dates: the day of the scores, and that up to which other customers were looked at.
    model : ModelVersion
    scores : tuple of Score
        In the order of the request.
    not_scored : tuple of NotScored
    ignored_rows : int
        Rows at or after `as_of`.
    """

    as_of: str
    reference: str
    model: ModelVersion
    scores: tuple[Score, ...]
    not_scored: tuple[NotScored, ...]
    ignored_rows: int


@dataclass(frozen=True)
class DecidedBy:
    """The wave whose policy answered: campaign and day, and digests of its catalogue and of its responses."""

    campaign: str
    as_of: str
    catalogue: str
    responses: str


@dataclass(frozen=True)
class Offered:
    """An offer for a customer.

    Parameters
    ----------
    offer, channel, type : str
    title, text, terms : str
        What may be shown to the customer.
    expected_gain, gain_low, gain_high : float
        Expected incremental profit in currency, and how far it may be off.
    cost : float
        Expected, in currency.
    basis : str
        Where the gain comes from: `assumed`, `measured` or `modelled`.
    reasons : tuple of str
    send_at : str
        The earliest UTC instant that quiet hours allow.
    valid_until : str or None
        The last day on which it can be redeemed.
    items : tuple of str
        Products that go with it, best first; none with offers of other types.
    """

    offer: str
    channel: str
    type: str
    title: str
    text: str
    terms: str
    expected_gain: float
    gain_low: float
    gain_high: float
    cost: float
    basis: str
    reasons: tuple[str, ...]
    send_at: str
    valid_until: str | None
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recommendation:
    """What is recommended for a customer.

    Parameters
    ----------
    customer_id : str
    recommendation_id : str
        What events refer to, as the `decision_id` of a wave.
    arm : str
        `holdout`, `control`, `explore` or `chosen`.
    propensity : float
        The chance, before the draw, of what is recommended.
    offers : tuple of Offered
        The best first, which is the one that counts; none for who gets nothing.
    why : str
        Why nothing is recommended; empty where something is.
    scores : mapping, optional
        What was asked for in `outputs`.
    """

    customer_id: str
    recommendation_id: str
    arm: str
    propensity: float
    offers: tuple[Offered, ...]
    why: str
    scores: Mapping[str, Value] | None = None


@dataclass(frozen=True)
class Recommendations:
    """The answer to a request for recommendations; `recommendations` are in the order of the request."""

    as_of: str
    reference: str
    model: ModelVersion
    policy: DecidedBy
    recommendations: tuple[Recommendation, ...]
    not_scored: tuple[NotScored, ...]
    ignored_rows: int


@dataclass(frozen=True)
class _Sent:
    """An answer as it is sent."""

    as_of: str
    reference: str
    model: ModelVersion
    scores: list[dict[str, Value]]
    not_scored: list[NotScored]
    ignored_rows: int


@dataclass(frozen=True)
class _Problem:
    """A refusal as it is sent."""

    title: str
    detail: str
    code: str
    errors: list[Fault] | None = None


def scored_of(body: bytes) -> Scored:
    """The answer to a request for scores.

    Raises
    ------
    RequestRefused
        It has another form.
    """
    sent = _read(_Sent, body)
    scores = tuple(Score(str(row.pop("customer_id", "")), row) for row in sent.scores)
    return Scored(sent.as_of, sent.reference, sent.model, scores, tuple(sent.not_scored), sent.ignored_rows)


def recommendations_of(body: bytes) -> Recommendations:
    """The answer to a request for recommendations.

    Raises
    ------
    RequestRefused
        It has another form.
    """
    return _read(Recommendations, body)


def mapping_of(body: bytes) -> Mapping[str, Any]:
    """An answer whose names depend on the server.

    Examples
    --------
    >>> mapping_of(b'{"ready": true}')
    {'ready': True}
    """
    return _read(dict[str, Any], body)


def refusal_of(status: int, kind: str, body: bytes) -> RequestRefused:
    """What an answer that is none says of itself.

    Examples
    --------
    >>> refusal_of(502, "text/html", b"<html>").status
    502
    """
    if kind.partition(";")[0].strip() != MEDIA:
        return RequestRefused(f"status {status}, without a word of why", status)
    told = _read(_Problem, body)
    return RequestRefused(f"{told.title}: {told.detail}".rstrip("."), status, told.errors or (), told.code)


@lru_cache
def _form(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)


def _read(form: type[T], body: bytes) -> T:
    of: Any = form
    try:
        found: T = _form(of).validate_json(body)
        return found
    except ValidationError:
        raise RequestRefused(
            "the answer is not that of a Regulars endpoint", 200, do="compare its /version with that of this package"
        ) from None


def _place(fault: Fault) -> str:
    """Where and what, on one line.

    Examples
    --------
    >>> _place(Fault("a finite number", customer=0, table="purchases", row=3, field="amount"))
    'customer 0, purchases row 3, `amount`: a finite number'
    """
    row = None if fault.row is None else f"{fault.table} row {fault.row}".strip()
    parts = (
        None if fault.customer is None else f"customer {fault.customer}",
        row or fault.table,
        fault.field and f"`{fault.field}`",
    )
    where = ", ".join(part for part in parts if part)
    return f"{where}: {fault.problem}" if where else fault.problem
