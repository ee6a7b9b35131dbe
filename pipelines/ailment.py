"""Something that is wrong beside a configuration: what the doctor looks for and, where it can be, mends.

In: what a check found. Out: an `Ailment` in words: what, why it matters, and how it is put right, by itself or by hand.
What is merely worth knowing is marked as slight. No id and no secret stands in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..config import Config
from ..errors import RegularsError, unnamed


@dataclass(frozen=True)
class Ailment:
    """One thing that is wrong.

    Parameters
    ----------
    kind : str
        What sort of thing, in one word with hyphens: for machines.
    what, why : str
        What was found, and why it matters, as sentences without the final full stop.
    do : str
        What to do by hand; where it can be mended, this is what mending does.
    cure : callable or None
        Mends it; None where only people can.
    slight : bool
        Whether everything works in spite of it.

    Examples
    --------
    >>> Ailment("disk", "2 bytes are free", "nothing can be written", "make room").lines
    ['2 bytes are free', '  why: nothing can be written', '  do: make room']
    """

    kind: str
    what: str
    why: str
    do: str
    cure: Callable[[], object] | None = field(default=None, compare=False)
    slight: bool = False

    @property
    def lines(self) -> list[str]:
        """For people."""
        return [self.what, f"  why: {self.why}", f"  do: {self.do}"]

    @classmethod
    def of_error(cls, error: RegularsError, kind: str) -> Ailment:
        """What could not even be looked at."""
        return cls(kind, unnamed(error.found), f"it cannot be looked at ({error.code})", unnamed(error.do) or "see why")


Check = Callable[[Config], Iterator[Ailment]]
"""Looks for one sort of thing, one ailment after the other: each may be mended before the next is looked for."""
