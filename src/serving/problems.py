"""Every way in which the endpoint refuses: `application/problem+json` (RFC 9457), with nothing of the caller's in it.

In: what was wrong, where. Out: a `Problem`, which becomes a response. It names rows, fields and what was needed, never
a value or a key that was sent, so that logs of callers and proxies hold nobody's data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MEDIA = "application/problem+json"
TITLES = {
    400: "The request cannot be read",
    401: "A key is needed",
    403: "The key is not the right one",
    404: "There is no such thing",
    405: "This method is not known here",
    408: "The request took too long to arrive",
    409: "The day does not fit what is known here",
    413: "The request is too large",
    415: "The content is of another type",
    421: "The request was meant for another host",
    422: "The request does not hold what is needed",
    429: "Too many requests at once",
    431: "The headers are too large",
    500: "An internal error",
    503: "Not ready, or too busy",
}
"""By status: all that the endpoint answers beside 200."""
SHOWN = 20
"""So many faults are listed; `more` counts the others."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with what was sent.

    Parameters
    ----------
    problem : str
        What was needed there.
    customer : int or None
        Which of the customers, from 0; None where it is not about one.
    table : str
        `purchases`, `events`, `offers` or `customers`, for recommendations also `consent`, `contacts` or `attributes`;
        empty where it is not about rows.
    row : int or None
        Which row of the table, from 0: of the customer's own, or of all where the request is one table.
    field : str
        A name that we know; never one that was only sent.
    """

    problem: str
    customer: int | None = None
    table: str = ""
    row: int | None = None
    field: str = ""

    def told(self) -> dict[str, object]:
        """As JSON takes it, without what is not known."""
        places = {"customer": self.customer, "table": self.table or None, "row": self.row, "field": self.field or None}
        return {**{name: value for name, value in places.items() if value is not None}, "problem": self.problem}


@dataclass(eq=False)  # Not frozen: `contextlib` notes the trace on what passes through it.
class Problem(Exception):
    """A refusal.

    Parameters
    ----------
    status : int
        One of `TITLES`.
    detail : str
        What was found and needed, and what to do; in our words alone.
    code : str
        Stable, such as ``RG380``.
    faults : sequence of Fault
    headers : dict of str to str
        Beside those that every answer has.
    """

    status: int
    detail: str
    code: str
    faults: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, request_id: str) -> bytes:
        """The answer's content.

        Examples
        --------
        >>> json.loads(Problem(404, "no such page", "RG389").body("ab12"))["code"]
        'RG389'
        """
        told: dict[str, object] = {
            "type": "about:blank",
            "title": TITLES[self.status],
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        if self.faults:
            told["errors"] = [fault.told() for fault in self.faults[:SHOWN]]
            if len(self.faults) > SHOWN:
                told["more"] = len(self.faults) - SHOWN
        return json.dumps(told).encode()
