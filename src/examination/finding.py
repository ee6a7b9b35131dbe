"""What an examination finds: a sentence, how grave it is, how many lines and how much money it is about.

In: counts and our own words. Out: frozen findings, gravest first. A finding never holds a customer's id: customers are
counted, and where one must be recognised, `errors.masked` shows enough of the id. Money that says nothing is None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from ..schema import SCALE


class Severity(StrEnum):
    """How grave: not to be trained on, to be looked at, or good to know."""

    SERIOUS = "serious"
    SUSPICIOUS = "suspicious"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Parameters
    ----------
    code : str
        A stable word to search for, such as ``giant_lines``.
    severity : Severity
    words : str
        One sentence without the full stop.
    count : int
        How many lines, orders, customers or days, as the words say.
    money : int or None
        In 1/10,000 of the ledger's currency.
    examples : tuple of str
        Places, days, product ids: nothing that names a customer.
    do : str
        What to do about it.

    Examples
    --------
    >>> Finding("zero_lines", Severity.NOTE, "3 lines are free", 3).figures()["severity"]
    'note'
    """

    code: str
    severity: Severity
    words: str
    count: int
    money: int | None = None
    examples: tuple[str, ...] = ()
    do: str = ""

    def figures(self) -> dict[str, object]:
        """As plain values for JSON; money in the ledger's currency."""
        found = asdict(self)
        return found | {
            "severity": str(self.severity),
            "money": None if self.money is None else self.money / SCALE,
            "examples": list(self.examples),
        }


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Gravest first; then by the money they are about, then by code and words.

    Examples
    --------
    >>> a, b = Finding("a", Severity.NOTE, "", 1), Finding("b", Severity.SERIOUS, "", 1)
    >>> [f.code for f in ordered([a, b])]
    ['b', 'a']
    """
    ranks = list(Severity)
    return tuple(sorted(findings, key=lambda f: (ranks.index(f.severity), -abs(f.money or 0), f.code, f.words)))


def said(n: int, one: str, several: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> said(1, "line", "lines"), said(2_000, "line", "lines")
    ('1 line', '2,000 lines')
    """
    return f"{n:,} {one if n == 1 else several}"
