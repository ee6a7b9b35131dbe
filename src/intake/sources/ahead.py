"""Work done ahead of those who wait for it.

In: things, and what is to be done with each. Out: the things in their order, each with its result to come. No more than
a few are under way at any time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")

_WORKERS = 2


def ahead(things: Iterable[_T], work: Callable[[_T], _R]) -> Generator[tuple[_T, Future[_R]], None, None]:
    """Every thing, with the future result of the work on it.

    Examples
    --------
    >>> [(thing, result.result()) for thing, result in ahead("abc", str.upper)]
    [('a', 'A'), ('b', 'B'), ('c', 'C')]
    """
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[tuple[_T, Future[_R]]] = deque()
        for thing in things:
            waiting.append((thing, pool.submit(work, thing)))
            if len(waiting) > _WORKERS:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
