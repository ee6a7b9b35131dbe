"""What is worked out when it is first asked for, and then kept: values of a mapping.

In: the keys, in order, and a function that makes the value of one. Out: a read-only mapping. Whoever asks for one value
pays for that one and for what it rests on; whoever asks for all gets what an ordinary dict would hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

V = TypeVar("V")


class OnDemand(Mapping[int, V]):
    """Values by a number of days.

    Examples
    --------
    >>> made = []
    >>> squares = OnDemand([2, 3], lambda n: (made.append(n), n * n)[1])
    >>> squares[3], squares[3], made, list(squares)
    (9, 9, [3], [2, 3])
    """

    def __init__(self, keys: Iterable[int], make: Callable[[int], V]) -> None:
        self._keys, self._make = dict.fromkeys(keys), make
        self._made: dict[int, V] = {}

    def __getitem__(self, key: int) -> V:
        made = self._made
        if key not in made:
            if key not in self._keys:
                raise KeyError(key)
            made[key] = self._make(key)
        return made[key]

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys
