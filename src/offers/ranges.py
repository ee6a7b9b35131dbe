"""A number that is not known for sure: low, base and high.

In: one number, or three that ascend. Out: a `Range` whose base is what is believed, and whose ends hold what happens
with some 80 %. Nothing is missing: who does not know gives a wide range.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator

_HUGE = 1e15
"""Beyond it is infinity, and whole numbers that no float holds; what is not a number is not below it either."""


class Range(NamedTuple):
    """What is believed of a number.

    Examples
    --------
    >>> Range.of(0.2)
    Range(low=0.2, base=0.2, high=0.2)
    """

    low: float
    base: float
    high: float

    @classmethod
    def of(cls, given: float | Sequence[float]) -> Range:
        """From one number or three that ascend; anything else is a ValueError."""
        values: tuple[object, ...] = tuple(given) if isinstance(given, list | tuple) else (given,)
        numbers = [
            float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < _HUGE
        ]
        if len(numbers) < len(values):
            raise ValueError("a number, or three of them: [low, base, high]")
        if len(numbers) not in (1, 3):
            raise ValueError("one number, or three of them: [low, base, high]")
        low, base, high = numbers if len(numbers) == 3 else numbers * 3
        if not low <= base <= high:
            raise ValueError(f"[{low:g}, {base:g}, {high:g}] does not ascend; needed: low, base, high")
        return cls(low, base, high)


def _within(least: float, most: float) -> Callable[[Any], Range]:
    def checked(given: Any) -> Range:
        found = Range.of(given)
        if not least <= found.low <= found.high <= most:
            raise ValueError(f"{', '.join(f'{v:g}' for v in dict.fromkeys(found))} is not within {least:g} to {most:g}")
        return found

    return checked


_WRITTEN = float | tuple[float, float, float]
Share = Annotated[Range, BeforeValidator(_within(0, 1), json_schema_input_type=_WRITTEN)]
"""A share, 0 to 1."""
Change = Annotated[Range, BeforeValidator(_within(-1, 10), json_schema_input_type=_WRITTEN)]
"""A relative change: -1 is all lost, 1 is doubled."""
Saved = Annotated[Range, BeforeValidator(_within(-1, 1), json_schema_input_type=_WRITTEN)]
"""A share of those who would have fallen silent; below 0 where the offer drives customers away."""
