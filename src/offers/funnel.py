"""From sent to redeemed: how many of those who got an offer came how far.

In: decisions (who was given what) and events about them. Out: a `Step` row an offer: decisions with at least one event
of each kind, and how many redeemed without having opened it before. Events of decisions that are not among the given
ones do not count. A funnel counts; it says nothing of effects, since who redeems might have bought anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..schema import RESPONSE_KINDS


@dataclass(frozen=True)
class Steps:
    """How far an offer came.

    Parameters
    ----------
    offer : str
    given : int
        Decisions that gave it.
    reached : dict of str to int
        Decisions with at least one such event, by kind of `RESPONSE_KINDS`.
    unseen : int
        Decisions redeemed with no opening at or before it.
    """

    offer: str
    given: int
    reached: dict[str, int]
    unseen: int

    def figures(self) -> dict[str, Any]:
        """As plain values for JSON; shares are of those given."""
        shares = {kind: n / self.given if self.given else None for kind, n in self.reached.items()}
        return {"offer": self.offer, "given": self.given, **self.reached, "unseen": self.unseen, "shares": shares}


def funnel(decisions: pa.Table, events: pa.Table, by: str = "offer") -> tuple[Steps, ...]:
    """A row for each offer (or channel) that was given, by name.

    Parameters
    ----------
    decisions : Table
        ``decision_id`` and the column `by`; rows where it is empty gave nothing.
    events : Table
        ``decision_id``, ``kind``, ``occurred_at``.

    Examples
    --------
    >>> given = pa.table({"decision_id": ["1", "2", "3"], "offer": ["tea", "tea", ""]})
    >>> kinds = ["opened", "redeemed", "redeemed"]
    >>> log = pa.table({"decision_id": ["1", "1", "2"], "kind": kinds, "occurred_at": [1, 2, 3]})
    >>> [(s.offer, s.given, s.reached["redeemed"], s.unseen) for s in funnel(given, log)]
    [('tea', 2, 2, 1)]
    """
    names = np.asarray(decisions[by].to_pylist(), object).astype(str)
    some = names != ""
    ids = pa.array(decisions["decision_id"].to_pylist(), pa.string()).filter(pa.array(some))
    offers, offer = np.unique(names[some], return_inverse=True)
    at = pc.index_in(events["decision_id"].combine_chunks().cast(pa.string()), value_set=ids)
    place = np.asarray(pc.fill_null(at, -1).to_numpy(zero_copy_only=False), np.int64)
    kind = np.asarray(events["kind"].to_pylist(), object).astype(str)
    when = np.asarray(events["occurred_at"].cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)
    first = {name: _first(place, when, (kind == name) & (place >= 0), len(ids)) for name in RESPONSE_KINDS}
    unseen = (first["redeemed"] < _NEVER) & (first["opened"] > first["redeemed"])
    found = []
    for i, name in enumerate(offers.tolist()):
        here = offer == i
        reached = {kind: int((first[kind][here] < _NEVER).sum()) for kind in RESPONSE_KINDS}
        found.append(Steps(name, int(here.sum()), reached, int(unseen[here].sum())))
    return tuple(found)


_NEVER = np.iinfo(np.int64).max


def _first(place: np.ndarray, when: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    """When each decision had its first such event."""
    found = np.full(n, _NEVER, np.int64)
    np.minimum.at(found, place[rows], when[rows])
    return found
