"""Which column may play a role, how well, and how a choice is told: by its name and by what it holds.

In: columns of a sample. Out: candidates in order, and `Choice`s with a sample, a confidence and the reason. Values that
belong to a person are never shown. A column that is empty, constant where it must not be, or of a kind that cannot be
read is no candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...intake.dates import COMPACT, EPOCHS, EXCEL
from .columns import OTHER_KIND, TIME, Column
from .words import is_personal, is_row_number, names_role

SURE, LIKELY, UNSURE, SAID = "sure", "likely", "unsure", "said"
"""How far a guess is to be trusted; `said` is the user's own word."""

_SHOWN = 40
_NUMBERLIKE = frozenset((*EPOCHS, COMPACT, EXCEL))


@dataclass(frozen=True)
class Candidate:
    """A column that may play a role.

    Examples
    --------
    >>> Candidate(Column("paid", "number", 3), 0.7, 0.8).column.name
    'paid'
    """

    column: Column
    name: float
    score: float


@dataclass(frozen=True)
class Choice:
    """A role and the column chosen for it.

    Parameters
    ----------
    role, column : str
    confidence : {"sure", "likely", "unsure", "said"}
    why : str
    sample : str
        A value, masked where it belongs to a person.
    others : tuple of str
        The columns that may be meant instead, best first.
    """

    role: str
    column: str
    confidence: str
    why: str
    sample: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """A key of the configuration that is no column; `others` are the values that may be meant instead."""

    key: str
    value: object
    confidence: str
    why: str
    others: tuple[object, ...] = ()


@dataclass(frozen=True)
class Guess:
    """What a table is thought to be.

    Parameters
    ----------
    table : {"purchases", "events", "customers", "offers", "consent"}
    choices : tuple of Choice
    settings, data : tuple of Setting
        Of the table's section, and of ``[data]``.
    warnings : tuple of str
        What would make figures wrong if nobody looked.
    left : mapping of str to str
        Columns that are not read, and why where there is a reason.
    missing : tuple of str
        Roles without which the table is of no use, and for which no column was found.
    """

    table: str
    choices: tuple[Choice, ...]
    settings: tuple[Setting, ...] = ()
    data: tuple[Setting, ...] = ()
    warnings: tuple[str, ...] = ()
    left: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    def column(self, role: str) -> str | None:
        """The column chosen for a role."""
        return next((c.column for c in self.choices if c.role == role), None)


def usable(columns: Sequence[Column]) -> list[Column]:
    """The columns that hold something, the index of a saved frame left out."""
    fine = [c for c in columns if c.filled and c.kind != OTHER_KIND and c.name]
    return [c for c in fine if not is_row_number(c.name)]


def is_time(column: Column) -> bool:
    """Whether the values are written as times, and not merely as numbers that may be."""
    return column.kind == TIME or (column.format != "" and column.format not in _NUMBERLIKE)


def times(columns: Sequence[Column], role: str) -> list[Candidate]:
    """The candidates for a role of times; numbers count as times only under a name that says so."""
    found = []
    for column in columns:
        name = names_role(column.name, role)
        if is_time(column):
            score = name + 0.3
        elif column.format and name >= 0.5:
            score = name
        else:
            continue
        score -= 0.3 * (column.share_filled < 0.8) + 0.2 * column.constant
        found.append(Candidate(column, name, score))
    return _ranked(found)


def labels(columns: Sequence[Column], role: str, least: float = 0.5) -> list[Candidate]:
    """The candidates for a role of ids or labels, by name; times and numbers with fractions are none."""
    found = []
    for column in columns:
        name = names_role(column.name, role)
        if name < least or is_time(column) or is_measure(column):
            continue
        found.append(Candidate(column, name, name - 0.3 * column.constant - 0.2 * (column.share_filled < 0.3)))
    return _ranked(found)


def numbers(columns: Sequence[Column], role: str, least: float = 0.5) -> list[Candidate]:
    """The candidates for a role of numbers, by name."""
    found = []
    for column in columns:
        name = names_role(column.name, role)
        if name >= least and column.numeric >= 0.9 and not is_time(column):
            found.append(Candidate(column, name, name - 0.2 * column.constant))
    return _ranked(found)


def is_measure(column: Column) -> bool:
    """Whether a column holds numbers with fractions, which no id does."""
    return column.numeric >= 0.9 and column.whole < 0.95


def _ranked(found: list[Candidate]) -> list[Candidate]:
    return sorted(found, key=lambda c: -c.score)


def chosen(role: str, candidates: Sequence[Candidate], why: str = "", confidence: str = "") -> Choice:
    """The first candidate as a choice, and the near ones after it as what else may be meant."""
    best = candidates[0]
    rivals = [c for c in candidates[1:] if c.name > 0 and c.score > best.score - 0.3]
    near = bool(rivals) and rivals[0].score > best.score - 0.1
    if not confidence:
        confidence = SURE if best.name >= 0.95 and not near else LIKELY if best.name >= 0.6 else UNSURE
        confidence = UNSURE if near and best.name < 0.95 else LIKELY if near else confidence
    named = "the name says so" if best.name >= 0.95 else "the name points there" if best.name > 0 else ""
    others = tuple(c.column.name for c in rivals[:4])
    return Choice(
        role, best.column.name, confidence, "; ".join(filter(None, (why, named))), shown(best.column, role), others
    )


def shown(column: Column, role: str = "") -> str:
    """A value of a column for a person to recognise it by; masked where it may belong to someone.

    Examples
    --------
    >>> shown(Column("Customer ID", "text", 1, 1, 1, ("17850",))), shown(Column("Price", "text", 1, 1, 1, ("2.55",)))
    ('1****', '2.55')
    """
    if not column.samples:
        return ""
    value = plain(column.samples[0])
    personal = role in ("customer_id", "referred_by") or is_personal(column.name) or column.emails > 0.1
    return masked(value) if personal and not is_time(column) else value


def masked(value: str) -> str:
    """A value of which only the first character and the rough length are told.

    Examples
    --------
    >>> masked("ann@example.org")
    'a*******'
    """
    return (value[:1] if len(value) > 1 else "") + "*" * min(max(len(value) - 1, 1), 7)


def plain(text: str) -> str:
    """A text that stays on one line of a comment or a screen, and is not too long."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return printable if len(printable) <= _SHOWN else printable[: _SHOWN - 3] + "..."
