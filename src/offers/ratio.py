"""Whether the arms are as large as they were drawn: when they are not, nothing about them can be believed.

In: customers per arm, and the share that each arm was drawn with. Out: a `SampleRatio` with the chance of so large a
difference. Below .001 no effect is concluded: rows were lost or added after the draw, and not by chance. Arms of share
0 must be empty; with fewer than two arms there is nothing to check (chance 1). Fabijan et al. (2019),
doi:10.1145/3292500.3330722.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scipy.special import chdtrc

LEAST_CHANCE = 0.001


@dataclass(frozen=True)
class SampleRatio:
    """Counts of arms beside what was drawn.

    Parameters
    ----------
    counts : dict of str to int
    expected : dict of str to float
    p : float
        Chance of a difference at least so large.
    """

    counts: Mapping[str, int]
    expected: Mapping[str, float]
    p: float

    @property
    def ok(self) -> bool:
        """Whether the sizes may well be those that were drawn."""
        return self.p >= LEAST_CHANCE

    @property
    def words(self) -> str:
        """What it means, as a sentence."""
        if self.ok:
            return "The arms are as large as they were drawn."
        worst = max(self.counts, key=lambda arm: abs(self.counts[arm] - self.expected[arm]))
        seen = f"{worst} has {self.counts[worst]:,} customers and should have about {self.expected[worst]:,.0f}"
        return (
            f"The arms are not as large as they were drawn: {seen}. Chance does this less than once in a thousand "
            "times. Customers were lost or added after the draw; no effect is concluded until it is known why."
        )

    def figures(self) -> dict[str, object]:
        """As plain values for JSON."""
        return {
            "counts": dict(self.counts),
            "expected": {arm: round(n, 2) for arm, n in self.expected.items()},
            "p": self.p,
            "ok": self.ok,
            "words": self.words,
        }


def sample_ratio(counts: Mapping[str, int], shares: Mapping[str, float]) -> SampleRatio:
    """Pearson's chi-square of counts against shares, which need not add up to 1.

    Examples
    --------
    >>> sample_ratio({"a": 5050, "b": 4950}, {"a": 0.5, "b": 0.5}).ok
    True
    >>> sample_ratio({"a": 5250, "b": 4750}, {"a": 0.5, "b": 0.5}).ok
    False
    """
    total, whole = sum(counts.values()), sum(shares.get(arm, 0.0) for arm in counts)
    expected = {arm: total * shares.get(arm, 0.0) / whole if whole > 0 else 0.0 for arm in counts}
    if any(counts[arm] and not expected[arm] for arm in counts):
        return SampleRatio(dict(counts), expected, 0.0)
    drawn = [arm for arm in counts if expected[arm] > 0]
    if len(drawn) < 2:
        return SampleRatio(dict(counts), expected, 1.0)
    statistic = sum((counts[arm] - expected[arm]) ** 2 / expected[arm] for arm in drawn)
    return SampleRatio(dict(counts), expected, float(chdtrc(len(drawn) - 1, statistic)))
