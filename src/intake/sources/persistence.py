"""Reading over a connection that may break: start over, a few times, and then say so.

In: a whole attempt, which raises `ConnectionLost` when trying again may help. Out: its result, or the last error. What
an attempt had read when it broke is thrown away by whoever made it; nothing is continued.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from ...errors import StorageError

PAUSES = (1.0, 2.0, 4.0, 8.0, 10.0)
"""Seconds before each new attempt, at most; with attempts to connect of 5 seconds, all of it is less than a minute."""

CONNECT_SECONDS = 5

Result = TypeVar("Result")


class ConnectionLost(StorageError):
    """The server could not be reached, or was lost: another attempt may help (exit code 74)."""


def persistent(attempt: Callable[[], Result]) -> Result:
    """The result of the first attempt that is not cut off; the last error when all of them were.

    Pauses are shortened at random by up to one half, so that many who were cut off do not come back together.

    Examples
    --------
    >>> persistent(lambda: 7)
    7
    """
    for pause in PAUSES:
        try:
            return attempt()
        except ConnectionLost:
            time.sleep(pause * random.uniform(0.5, 1.0))
    return attempt()
