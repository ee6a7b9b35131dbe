"""Is it enough to train on? Past days to judge at, customers of both kinds, and if not, what would do.

In: the span of the ledger and the advice on windows. Out: a verdict in words with its counts. Too little is a verdict
here, not an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NotEnoughData
from ..models.splits import Span, origins
from .silence import MIN_CLASS, Advice


@dataclass(frozen=True)
class Enough:
    """Whether there is enough for the horizon asked.

    Parameters
    ----------
    origins : tuple of str
        Past days on which a model can be judged, ascending.
    overlapping : bool
        Whether their windows overlap.
    at_risk, silent : tuple of int
        At each the customers at risk, and those who then bought nothing.
    enough : bool
    words : str
    """

    origins: tuple[str, ...]
    overlapping: bool
    at_risk: tuple[int, ...]
    silent: tuple[int, ...]
    enough: bool
    words: str

    def figures(self) -> dict[str, object]:
        """As plain values for JSON."""
        return {
            "origins": list(self.origins),
            "overlapping": self.overlapping,
            "at_risk": list(self.at_risk),
            "silent": list(self.silent),
            "enough": self.enough,
            "words": self.words,
        }


def enough_for(span: Span, wanted: int, advice: Advice) -> Enough:
    """The verdict for the horizon of a span."""
    h = span.horizon_days
    try:
        found = origins(span, wanted)
    except NotEnoughData as error:
        return Enough((), False, (), (), False, str(error))
    window = advice.window(h)
    at_risk, silent = (window.at_risk, window.silent) if window else ((), ())
    cutoffs, overlapping = tuple(str(o.cutoff) for o in found), any(o.overlapping for o in found)
    smaller = window.smaller_class if window else 0
    if smaller < MIN_CLASS:
        return Enough(cutoffs, overlapping, at_risk, silent, False, _too_few(h, cutoffs, at_risk, silent, advice))
    words = f"Enough history for a horizon of {h} days: {len(found)} origins, the first on {cutoffs[0]}."
    if overlapping:
        words += " Their windows overlap: more history would make them independent."
    return Enough(cutoffs, overlapping, at_risk, silent, True, words)


def _too_few(
    h: int, cutoffs: tuple[str, ...], at_risk: tuple[int, ...], silent: tuple[int, ...], advice: Advice
) -> str:
    counts = [(min(s, n - s), c, n, s) for c, n, s in zip(cutoffs, at_risk, silent, strict=False)]
    _, day, n, gone = min(counts, default=(0, cutoffs[0], 0, 0))
    others = [w.days for w in advice.windows if w.usable]
    do = f"set horizon_days = {min(others, key=lambda d: (abs(d - h), d))}" if others else "bring more customers"
    return (
        f"Too few customers of one kind for a horizon of {h} days: of {n:,} at risk on {day}, {gone:,} bought nothing "
        f"and {n - gone:,} bought; {MIN_CLASS} of either are needed. Do: {do}"
    )
