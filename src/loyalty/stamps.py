"""Stamp cards: how many stamps are on the card that is being filled, how many cards are full, who is nearly there.

In: how many purchases got a stamp, and how many make a card. Out: exact counts and a `Table`. Whether a full card was
used is not known here: nothing is said of rewards that are still to come of full cards.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..features.track import Int64
from ..kpis.table import Column, Row, Table, ratio
from .programme import Programme

NEARLY = 2
"""So many stamps or fewer are lacking: the card is nearly full."""


def columns(size: int) -> tuple[Column, ...]:
    """The definitions, for a card of so many stamps."""
    return (
        Column("on_card", "count", "stamps on the card that is being filled; a full card begins anew"),
        Column("to_full", "count", f"stamps that lack: {size} - on_card"),
        Column("members", "count", "members with so many, those without any purchase included"),
        Column("share", "share", "members / all members"),
        Column("full_cards", "count", "cards that these members have filled so far"),
        Column("begun", "money", "what the begun cards are worth: members x on_card / size x value of a full card"),
    )


def on_card(stamps: Int64, size: int) -> Int64:
    """Stamps on the card that is being filled.

    Examples
    --------
    >>> on_card(np.array([0, 9, 10, 23]), 10).tolist()
    [0, 9, 0, 3]
    """
    return np.asarray(stamps % size)


def table(stamps: Int64, size: int, programme: Programme) -> Table:
    """A row for each number of stamps that a card can have.

    Parameters
    ----------
    stamps : ndarray of int64
        Of each member, so far.
    """
    card, full = on_card(stamps, size), stamps // size
    rows: list[Row] = []
    for at in range(size):
        here = card == at
        n = int(here.sum())
        rows.append(
            {
                "on_card": at,
                "to_full": size - at,
                "members": n,
                "share": ratio(n, len(stamps)),
                "full_cards": int(full[here].sum()),
                "begun": programme.reward(Fraction(n * at, size)),
            }
        )
    return Table("stamp_cards", f"cards of {size} stamps", columns(size), tuple(rows))
