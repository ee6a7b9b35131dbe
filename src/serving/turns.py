"""One at a time, in order of arrival, and only so many in line.

In: whoever wants to compute. Out: his turn, or a 503 at once where the line is full. Between two turns the event loop
listens, so that who comes in is told without waiting; what is not computed costs nearly nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType

from .problems import Problem


class Turns:
    """A line of requests.

    Parameters
    ----------
    most : int
        So many may wait beside the one whose turn it is.

    Examples
    --------
    >>> async def two() -> int:
    ...     turns = Turns(most=1)
    ...     async with turns:
    ...         return turns.waiting
    >>> asyncio.run(two())
    0
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._line: deque[asyncio.Future[None]] = deque()
        self._taken = False

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    async def __aenter__(self) -> None:
        if not self._taken:
            self._taken = True
            return
        if len(self._line) >= self._most:
            raise Problem(
                503,
                f"{self._most} requests are waiting already; send this one again in a second",
                "RG384",
                headers={"retry-after": "1"},
            )
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not before the loop has listened: whoever came meanwhile joins the line, or is told that it is full.
        asyncio.get_running_loop().call_soon(self._pass_on)

    def _pass_on(self) -> None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False
