"""One row a member: what a list holds, and why somebody should be written to, in words.

In: `Members`. Out: the cells of `COLUMNS` as texts; an empty cell is what is not known, or does not apply.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..clock import date_of
from ..schema import SCALE
from .members import Members
from .milestones import Reached, money

COLUMNS = (
    *("customer_id", "as_of", "reason", "tier", "tier_until", "next_tier", "to_next_tier"),
    *("points_balance", "points_expiring", "expires_on", "stamps_on_card", "stamps_to_full", "full_cards"),
    *("milestone_reached", "milestone_next", "joined", "purchases", "spend"),
)
"""Of a list, in this order."""


def ranked(found: Members, who: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places of some customers: the highest tier first, then most points, most spend, by id."""
    rows = np.flatnonzero(who)
    keys = [rows, -found.bought.spend[rows]]
    if found.points is not None:
        keys.append(-found.points.balance[rows])
    if found.ladder is not None:
        keys.append(found.ladder.place[rows])
    return np.asarray(rows[np.lexsort(keys)])


def cells(found: Members, rows: NDArray[np.int64]) -> Iterator[list[str]]:
    """The cells of each of some members."""
    joined, bought, day = found.joined, found.bought, str(found.programme.day)
    on, size = found.on_card, found.programme.rules.stamps
    for at in rows.tolist():
        stamps = ["", "", ""]
        if on is not None and size is not None:
            stamps = [str(on[at]), str(size - on[at]), str(bought.stamps[at] // size)]
        yield [
            *(str(found.ids[at]), day, reason(found, at), *_tier(found, at), *_points(found, at), *stamps),
            *("; ".join(text) for text in _milestones(found, at)),
            _date(int(joined[at])),
            str(bought.purchases[at]),
            f"{bought.spend[at] / SCALE:.2f}",
        ]


def reason(found: Members, at: int) -> str:
    """What there is to say to a member today, the most urgent first; "" where there is nothing."""
    told = [*_of_points(found, at), *_of_tier(found, at), *_of_card(found, at)]
    told += [f"reached {one.name(one.place[at] - 1)}" for one in found.milestones if one.lately[at]]
    told += [_ahead(one, at) for one in found.milestones if one.lacks[at] > 0]
    return "; ".join(text for text in told if text)


def plain(points: int) -> str:
    """Points with as many decimals as they have.

    Examples
    --------
    >>> plain(12_340_000), plain(12_500)
    ('1,234', '1.25')
    """
    text = f"{points / SCALE:,.4f}"
    return text.rstrip("0").rstrip(".")


def _of_points(found: Members, at: int) -> list[str]:
    own = found.points
    if own is None or not own.expiring[at]:
        return []
    return [f"{plain(int(own.expiring[at]))} points expire, the first after {_date(int(own.expires_on[at]))}"]


def _of_tier(found: Members, at: int) -> list[str]:
    own = found.ladder
    if own is None:
        return []
    names, place, told = found.programme.tier_names, int(own.place[at]), []
    if own.lacks[at] > 0:
        lacking = _amount(found, int(own.lacks[at]))
        told.append(f"{names[place]} ends after {_date(int(own.until[at]))} without {lacking} more")
    if own.to_next[at] >= 0:
        told.append(f"{_amount(found, int(own.to_next[at]))} to {names[place - 1]}")
    return told


def _amount(found: Members, value: int) -> str:
    if found.programme.rules.tier_by == "points":
        return f"{plain(value)} points"
    return f"{money(value)} {found.programme.currency}".rstrip()


def _of_card(found: Members, at: int) -> list[str]:
    on, size = found.on_card, found.programme.rules.stamps
    if on is None or size is None:
        return []
    told = ["filled a stamp card"] if found.filled_lately[at] else []
    lacking = int(size - on[at])
    return [*told, f"{lacking} {'stamp' if lacking == 1 else 'stamps'} to a full card"] if on[at] else told


def _ahead(one: Reached, at: int) -> str:
    lacks, name = int(one.lacks[at]), one.name(int(one.place[at]))
    if one.what == "years":
        return f"{lacks:,} {'day' if lacks == 1 else 'days'} to {name}"
    if one.what == "spend":
        return f"{money(lacks)} to {name}"
    return f"{lacks:,} to {name}"


def _tier(found: Members, at: int) -> tuple[str, str, str, str]:
    own = found.ladder
    if own is None:
        return "", "", "", ""
    names, place = found.programme.tier_names, int(own.place[at])
    until = _date(int(own.until[at]))
    if own.to_next[at] < 0:
        return names[place], until, "", ""
    return names[place], until, names[place - 1], _number(int(own.to_next[at]))


def _points(found: Members, at: int) -> tuple[str, str, str]:
    own = found.points
    if own is None:
        return "", "", ""
    if found.programme.expire_days is None:
        return _number(int(own.balance[at])), "", ""
    return _number(int(own.balance[at])), _number(int(own.expiring[at])), _date(int(own.expires_on[at]))


def _milestones(found: Members, at: int) -> tuple[list[str], list[str]]:
    reached = [one.name(int(one.place[at]) - 1) for one in found.milestones if one.place[at]]
    ahead = [_ahead(one, at) for one in found.milestones if one.lacks[at] >= 0]
    return reached, ahead


def _number(value: int) -> str:
    return plain(value).replace(",", "")


def _date(day: int) -> str:
    return "" if day < 0 else date_of(day).isoformat()
