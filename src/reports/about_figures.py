"""Tables of key figures as chapters of a page: any part of the work that tells its figures in the common form.

In: the figures of a part: `headline`, `tables` (each with `about`, `definitions`, `kinds`, `rows`), `off` (what the
data do not allow, by name) and `notes`. Out: sections. A value that is missing is a dash; a column without any value is
left out; a part that is off altogether is one sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .about_plan import Figures, sentences
from .bars import WIDE, Bar, Group, draw_bars, height_of
from .blocks import Cell, Column, Picture, Section, Table, pictured
from .figures import WIDTH
from .inputs import branch, entries, number
from .listing import NONE
from .notation import count, figure, money, percent, plain
from .style import svg

LONG, FIRST = 14, 10
"""Of a table of more rows than `LONG` the last `LONG` are shown where rows are periods, else the first `FIRST`."""
_IN_TIME = ("period", "month", "quarter", "cohort")
_NAME = 18
"""So many letters of a name have room beside a bar."""
_TEXT = ("text", "flag")
_WRITTEN = {"share": percent, "count": count, "money": money}
_DIGITS = {"days": 1, "amount": 2}


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
    known = number(value)
    if kind in _TEXT or known is None:
        return plain(value)
    # Cents are read below a hundred, as those of money are.
    digits = 0 if abs(known) >= 99.995 and kind not in _DIGITS else _DIGITS.get(kind, 2)
    return _WRITTEN[kind](value) if kind in _WRITTEN else figure(value, digits)


def table_of(found: Figures, names: Sequence[str] = (), last: int | None = None, caption: str = "") -> Table:
    """A table of figures as it is shown: of a long one the last periods, or the first rows.

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
    """
    rows, kinds = entries(found.get("rows")), branch(found, "kinds")
    there = [n for n in (names or kinds) if n in kinds and any(r.get(n) is not None for r in rows)]
    about, shown = caption or _capital(plain(found.get("about") or "")), rows if last is None else rows[-last:]
    if len(shown) > LONG:
        in_time = bool(there) and there[0] in _IN_TIME
        shown = shown[-LONG:] if in_time else shown[:FIRST]
        about += f" (the {'last' if in_time else 'first'} {len(shown)} of {count(len(rows))})"
    columns = [Column(n.replace("_", " "), str(kinds[n]) not in _TEXT) for n in there]
    cells = [[Cell(said(r.get(n), str(kinds[n])), strong=i == 0) for i, n in enumerate(there)] for r in shown]
    return Table(about, columns, cells)


def bars_of(
    found: Figures, label: str, value: str, ends: tuple[str, str] | None = None, last: int | None = None
) -> list[Picture]:
    """A column of a table as horizontal bars, with its interval; none where nothing is known.

    Parameters
    ----------
    found : mapping
        `about`, `kinds` and `rows`.
    label, value : str
        Columns: what a bar is called, and how long it is.
    ends : (str, str), optional
        Columns of the ends of its interval.
    last : int, optional
        Only so many of the last rows.
    """
    rows = [row for row in entries(found.get("rows")) if number(row.get(value)) is not None]
    kind = str(branch(found, "kinds").get(value) or "number")
    bars = []
    for row in rows if last is None else rows[-last:]:
        known = [number(row.get(name)) for name in ends or ()]
        whisker = [end for end in known if end is not None]
        both = (whisker[0], whisker[1]) if len(whisker) == 2 else None
        length, name = number(row.get(value)), plain(row.get(label))
        bars.append(Bar(name[:_NAME], length, ends=both, own=True, text=said(length, kind)))
    if not bars:
        return []
    groups, says = [Group("", "", bars)], f"{value.replace('_', ' ')} by {label.replace('_', ' ')}; also in the table"
    drawn = svg(lambda canvas: draw_bars(canvas, groups, None, WIDE), WIDTH, height_of(groups), says)
    return pictured(_capital(value.replace("_", " ")), drawn, plain(found.get("about") or ""))


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
