"""Tables of key figures as chapters of a page: any part of the work that tells its figures in the common form.

In: the figures of a part: `headline`, `tables` (each with `about`, `definitions`, `kinds`, `rows`), `off` (what the
data do not allow, by name) and `notes`. Out: sections. A value that is missing is a dash; a column without any value is
left out; a part that is off altogether is one sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .about_plan import Figures, sentences
from .blocks import Cell, Column, Picture, Section, Table
from .inputs import branch, entries, number
from .listing import NONE
from .notation import count, figure, money, percent, plain

LONG = 14
"""A table of more rows is folded."""
_TEXT = ("text", "flag")
_WRITTEN = {"share": percent, "count": count, "money": money}
_DIGITS = {"days": 1, "amount": 2, "number": 2}


def said(value: object, kind: str) -> str:
    """A value of some kind, without its unit.

    Examples
    --------
    >>> said(1234.5, "money"), said(None, "share"), said(True, "flag"), said(0.25, "number")
    ('1,234', '–', 'yes', '0.25')
    """
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind in _TEXT or number(value) is None:
        return plain(value)
    return _WRITTEN[kind](value) if kind in _WRITTEN else figure(value, _DIGITS.get(kind, 2))


def table_of(
    found: Figures, names: Sequence[str] = (), last: int | None = None, caption: str = "", folded: bool | None = None
) -> Table:
    """A table of figures as it is shown.

    Parameters
    ----------
    found : mapping
        `about`, `definitions`, `kinds` and `rows`.
    names : sequence of str
        The columns, in this order; default: all.
    last : int, optional
        Only so many of the last rows.
    caption : str
        Default: what a row is.
    folded : bool, optional
        Default: a long one is.
    """
    rows, kinds = entries(found.get("rows")), branch(found, "kinds")
    there = [n for n in (names or kinds) if n in kinds and any(r.get(n) is not None for r in rows)]
    shown = rows if last is None else rows[-last:]
    columns = [Column(n.replace("_", " "), str(kinds[n]) not in _TEXT) for n in there]
    cells = [[Cell(said(r.get(n), str(kinds[n])), strong=i == 0) for i, n in enumerate(there)] for r in shown]
    about = caption or _capital(plain(found.get("about") or ""))
    return Table(about, columns, cells, folded=len(shown) > LONG if folded is None else folded)


def defined(tables: Sequence[Figures]) -> list[Table]:
    """What the columns of some tables mean, in one folded table; none where nothing is defined."""
    meanings: dict[str, str] = {}
    for found in tables:
        for name, meaning in branch(found, "definitions").items():
            meanings.setdefault(name, plain(meaning))
    if not meanings:
        return []
    rows = [[Cell(name.replace("_", " "), strong=True), Cell(meaning)] for name, meaning in meanings.items()]
    return [Table("What the columns mean", [Column("Column", False), Column("Meaning", False)], rows, folded=True)]


def chapter(
    anchor: str,
    topic: str,
    found: Figures,
    *,
    names: Mapping[str, Sequence[str]] | None = None,
    tables: Sequence[str] | None = None,
    headline: str = "",
    words: Sequence[str] = (),
    pictures: Sequence[Picture] = (),
) -> Section:
    """A part of the work as a chapter.

    Parameters
    ----------
    found : mapping
        The figures of the part.
    names : mapping of str to sequence of str, optional
        Which columns of a table are shown; default: all.
    tables : sequence of str, optional
        Which tables, in this order; default: all.
    headline : str
        Default: that of the figures; without one what is off, or the first note.
    """
    there = branch(found, "tables")
    chosen = {n: branch(there, n) for n in (there if tables is None else tables) if n in there}
    missing = sentences(list(branch(found, "off").values()))
    notes = [note for note in sentences(_texts(found.get("notes"))) if note not in missing]
    title = headline or plain(found.get("headline") or "") or next(iter([*missing, *notes]), "Nothing is known of it.")
    shown = [table_of(table, (names or {}).get(name, ())) for name, table in chosen.items()]
    full = [table for table in shown if table.rows]
    said_too = [text for text in (*words, *missing, *notes) if text != title]
    return Section(anchor, topic, title, said_too, pictures, [*full, *defined(list(chosen.values()))])


def _texts(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
