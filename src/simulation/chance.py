"""Streams of randomness, one for each thing that chance decides, so that one more thing changes none of the others.

In: a seed and a name. Out: a stream of numpy, at its beginning. Nothing is missing.
"""

from __future__ import annotations

import numpy as np

Stream = np.random.Generator

KINDS = (
    "joining",
    "rates",
    "leavings",
    "lives",
    "gaps",
    "means",
    "amounts",
    "returns",
    "lines",
    "free",
    "guests",
    "shop",
)
"""What chance decides. A new kind is added at the end, so that the others keep their streams."""


def stream_of(seed: int, kind: str) -> Stream:
    """The stream of a kind, at its beginning.

    Examples
    --------
    >>> stream_of(1, "gaps").random() == stream_of(1, "lives").random()
    False
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(KINDS.index(kind),)))
