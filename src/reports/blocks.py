"""The building blocks of the page: sections of plain words, pictures and tables.

In: texts, pictures and cells. Out: frozen values that the template lays out. Every text is escaped by the template;
only pictures, which `style.py` made, are markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .notation import plain


@dataclass(frozen=True)
class Cell:
    """One cell of a table: a text, perhaps a second line, perhaps a bar of a length from 0 to 1.

    `link` is the name of a page of ours in the same folder.
    """

    text: str
    below: str = ""
    strong: bool = False
    bar: float | None = None
    link: str = ""

    @property
    def bar_percent(self) -> str:
        """The length of the bar as a CSS percentage."""
        return f"{100 * min(max(self.bar or 0.0, 0.0), 1.0):.1f}"


@dataclass(frozen=True)
class Column:
    """A column's heading; numbers stand at the right."""

    name: str
    numeric: bool = True
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings; a folded table is opened by a click.

    `remarks`, where there are any, are texts below the rows, one for each; an empty one is left out.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    folded: bool = False
    note: str = ""
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class Picture:
    """An inline picture, its title and one line of explanation."""

    title: str
    svg: Markup
    note: str = ""


@dataclass(frozen=True)
class Section:
    """An answer: its one-sentence headline, the words, the pictures, the tables; a badge warns at its topic.

    `part` is the part of the page that it belongs to.
    """

    anchor: str
    topic: str
    headline: str
    words: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    badge: str = ""
    part: str = ""


@dataclass(frozen=True)
class Tile:
    """A figure to be seen first."""

    value: str
    label: str
    warm: bool = False


def pictured(title: str, svg: Markup | None, note: str = "") -> list[Picture]:
    """A list of the one picture, empty when there was nothing to draw."""
    return [] if svg is None else [Picture(title, svg, note)]


def further(pages: Sequence[tuple[str, str]]) -> list[Table]:
    """Pages of ours beside this one: what each tells, and its file; no table where there are none."""
    if not pages:
        return []
    rows = [[Cell(what), Cell(name, link=name)] for what, name in pages]
    return [Table("Further pages, beside this one", [Column("What", False), Column("File", False)], rows)]


def row(*texts: object) -> list[Cell]:
    """Cells of plain texts.

    Examples
    --------
    >>> [c.text for c in row("a", 1)]
    ['a', '1']
    """
    return [Cell(plain(t)) for t in texts]
