"""Notes: what a user should know of values and kinds of events that are not features of their own.

In: the groups of a Reference; the kinds of events of a ledger, with how many there are of each, and the shape that a
model was trained on. Out: sentences, none where there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Mapping

from .groups import MOST, SELDOM, Group
from .lines import TEXTS
from .membership import COHORT, FIRST_CHANNEL, attribute_name
from .shape import Shape


def group_notes(groups: Mapping[str, Group]) -> tuple[str, ...]:
    """One sentence for each group of which some values count together as one, as of the last cutoff."""
    notes = (group_note(name, group) for name, group in groups.items())
    return tuple(note for note in notes if note)


def group_note(name: str, group: Group) -> str:
    """How many values there are, how many are told apart, and how many lines (customers) the others stand for.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.array([1])
    >>> group_note("category", Group(("x",), np.array([[True]]), {}, 3 * one, 500 * one, 16 * one))
    '2 of 3 values of `category` are seldom (fewer than 20 lines each): these (3.2 % of lines) count as one'
    """
    if not len(group.n_values):
        return ""
    what, rows = f"`{_shown(name)}`", "lines" if name in TEXTS else "customers"
    n, told = int(group.n_values[-1]), int(group.told[-1].sum())
    if n == told:
        return ""
    others = f"({_percent(int(group.n_pooled[-1]), int(group.n_rows[-1]))} of {rows}) count as one"
    if told == MOST:
        return f"{what} has {n:,} values: the {MOST:,} most frequent are told apart, the others {others}"
    return f"{n - told:,} of {n:,} values of {what} are seldom (fewer than {SELDOM} {rows} each): these {others}"


def unseen_kinds(kinds: Mapping[str, int], shape: Shape) -> list[str]:
    """One sentence for each kind of event that a model was not trained on.

    Examples
    --------
    >>> unseen_kinds({"push_open": 1204, "visit": 3}, Shape(kinds=("visit",)))
    ['`push_open` (1,204 events) was not in the data the model was trained on and is ignored']
    """
    return [
        f"`{kind}` ({_events(n)}) was not in the data the model was trained on and is ignored"
        for kind, n in sorted(kinds.items())
        if n and kind not in shape.kinds
    ]


def lost_kinds(kinds: Mapping[str, int], shape: Shape) -> list[str]:
    """One sentence for each kind of event that a model was trained on and that the data no longer have.

    Examples
    --------
    >>> lost_kinds({"visit": 3}, Shape(kinds=("survey", "visit")))
    ['`survey` was in the data the model was trained on and is not in these: its features are those of no event']
    """
    return [
        f"`{kind}` was in the data the model was trained on and is not in these: its features are those of no event"
        for kind in shape.kinds
        if not kinds.get(kind)
    ]


def company_kinds(kinds: Mapping[str, int]) -> list[str]:
    """One sentence for each kind of event that the company initiates, with the reason why it is no feature.

    Examples
    --------
    >>> company_kinds({"email_sent": 1})[0][:57]
    '`email_sent` (1 event by the company) is no feature: whom'
    """
    return [
        f"`{kind}` ({_events(n)} by the company) is no feature: whom the company writes to is its own decision, and a "
        "model would learn the marketing calendar; company_events = true under [features] takes it in"
        for kind, n in sorted(kinds.items())
        if n
    ]


def _shown(name: str) -> str:
    """A group's name in the words of the catalogue."""
    derived = {COHORT: "month of the first purchase", FIRST_CHANNEL: "channel of the first purchase"}
    return derived.get(name) or attribute_name(name)


def _events(n: int) -> str:
    return f"{n:,} event{'' if n == 1 else 's'}"


def _percent(part: int, whole: int) -> str:
    share = 100 * part / max(whole, 1)
    return "under 0.1 %" if 0 < share < 0.1 else f"{share:.1f} %"
