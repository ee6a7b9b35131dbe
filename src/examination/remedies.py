"""What would do where there is too little: another horizon, another setting, more days, more customers.

In: the settings asked and others, with the counts of both. Out: words for `Do:`. A horizon or a setting is named only
if the counts say that it does; days are counted by the rules of the splits; customers are a rule of three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .kinds import Buyers
from .stands import Lacking, Stands, rare

SHOWN = 3


def remedies(stands: Stands, others: Sequence[Stands], lacking: Lacking, buyers: Buyers) -> str:
    """At most three ways, the surest first."""
    ways: dict[str, str] = {}
    for other in others:
        kind = other.change.partition("_days")[0]
        if kind not in ways and other.lacking(buyers) is None:
            ways[kind] = other.change
    return ", or ".join([*_look(stands, lacking), *ways.values(), *_more(stands, lacking, buyers)][:SHOWN])


def _look(stands: Stands, lacking: Lacking) -> list[str]:
    """Past days with customers of one kind only are oftener a mistake than a fact."""
    if stands.short is not None or lacking.asked is not None:
        return []
    return [f"look whether the data are whole up to {stands.span.ends.minus(1)} (history_ends in [data])"]


def _more(stands: Stands, lacking: Lacking, buyers: Buyers) -> list[str]:
    """More of the same data."""
    if stands.short is not None:
        days = more_days(stands)
        return [
            f"bring {days:,} more {'day' if days == 1 else 'days'} of history" if days else "bring a longer history"
        ]
    kinds = None if lacking.asked is None else buyers.kinds(lacking.asked)
    if kinds is None or not kinds.rows:
        return ["bring a longer history"]
    share = rare(kinds)
    if share == 0.0:
        never = "was ever silent for so long" if not kinds.silent_rows else "ever came back within so many days"
        return [f"bring a longer history: none of these customers {never}"]
    return [f"bring a longer history, or about {_round_up(buyers.n / share):,} customers like these {buyers.n:,}"]


def more_days(stands: Stands) -> int:
    """How many more days of history the splits need; 0 when ten years would not do."""
    low, high = 1, 3_653

    def short(days: int) -> bool:
        longer = replace(stands.span, starts=stands.span.starts.minus(days))
        return Stands.of(longer, 1, stands.active_days, stands.day).short is not None

    if short(high):
        return 0
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if short(middle) else (low, middle)
    return low


def _round_up(n: float) -> int:
    """Two digits, never fewer than needed.

    Examples
    --------
    >>> _round_up(1234.5), _round_up(60.0)
    (1300, 60)
    """
    step = 10 ** max(len(str(int(n))) - 2, 0)
    return int(-(-n // step) * step)
