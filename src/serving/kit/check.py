"""The list of all checks, bound to a server.

In: an address and perhaps a key. Out: `Check`s, each a sentence that holds or a `Broken`. The bad bodies are a check
each, named before the server is known by its example.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .bad_bodies import bad_bodies
from .caller import Broken as Broken
from .caller import Caller
from .conduct import CONDUCT
from .doors import DOORS, KEYED
from .offers import OFFERS
from .sameness import SAMENESS

_BODY = {"as_of": "2024-01-05", "customers": [{"customer_id": "a", "purchases": [{"purchased_at": "", "amount": 1}]}]}
BAD = tuple(what for what, _ in bad_bodies(_BODY))
"""The names of all bad bodies, which are the same for every server."""


@dataclass(frozen=True)
class Check:
    """A promise of the endpoint.

    Parameters
    ----------
    sentence : str
    keeps : callable
        Raises `Broken` where it is not kept.
    group : str
        Bad bodies are told as one.
    """

    sentence: str
    keeps: Callable[[], None]
    group: str = ""

    def __str__(self) -> str:
        return self.sentence

    def __call__(self) -> None:
        """Ask the server.

        Raises
        ------
        Broken
            The promise is not kept.
        """
        try:
            self.keeps()
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise Broken(f"the answer has another form ({type(error).__name__})") from None


def checks(url: str, key: str | None = None) -> tuple[Check, ...]:
    """All that a server promises its callers.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:8000``.
    key : str, optional
        Where the server asks for one; that it does is then a check, too.

    Examples
    --------
    >>> import collections
    >>> groups = collections.Counter(check.group for check in checks("http://127.0.0.1:8000"))
    >>> groups["bad bodies"] > 60 and groups[""] > 20
    True
    """
    caller = Caller(url, key)
    promises = {**CONDUCT, **SAMENESS, **DOORS, **OFFERS, **({} if key is None else KEYED)}
    told = [Check(sentence, partial(keeps, caller)) for sentence, keeps in promises.items()]
    return (*told, *(Check(f"refused: {what}", partial(_refuses, caller, what), "bad bodies") for what in BAD))


def _refuses(caller: Caller, what: str) -> None:
    body = dict(bad_bodies(caller.example()))[what]
    reply = caller.post("/v1/score", body)
    if not 400 <= reply.status < 500:
        raise Broken(f"status {reply.status}, where one from 400 to 499 is right")
    reply.expect(reply.status)
