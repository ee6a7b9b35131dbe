"""A table of key figures: rows of exact values under columns that say what they count and what they are divided by.

In: columns with their definitions, and rows. Out: the same as JSON takes it, as cells of a file, and as lines for a
terminal. Money is held in 1/10,000 and becomes currency only here; a value that is missing is None, an empty cell,
or a dash on the screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..schema import SCALE

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["text", "flag", "count", "money", "amount", "share", "days", "number"]
Value = str | bool | int | float | None
Row = Mapping[str, Value]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
    kind : str
        ``money`` is an int of 1/10,000; ``amount`` a mean in currency; ``share`` and ``number`` have no unit.
    meaning : str
        The definition, with the denominator of whatever is a share or a mean.
    """

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True)
class Table:
    """Key figures.

    Parameters
    ----------
    name : str
        Also of the file that it is written to.
    about : str
        What a row is.
    columns : tuple of Column
    rows : tuple of mapping
        By the names of the columns.

    Examples
    --------
    >>> table = Table("sales", "a month", (Column("spend", "money", "net"),), ({"spend": 12_500},))
    >>> table.figures()["rows"]
    [{'spend': 1.25}]
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def shown(self) -> list[dict[str, Value]]:
        """The rows with money in currency."""
        return [{c.name: _shown(c.kind, row[c.name]) for c in self.columns} for row in self.rows]

    def figures(self) -> dict[str, object]:
        """As JSON takes it, the definitions included."""
        defined, kinds = {c.name: c.meaning for c in self.columns}, {c.name: c.kind for c in self.columns}
        return {"about": self.about, "definitions": defined, "kinds": kinds, "rows": self.shown()}

    def frame(self) -> pd.DataFrame:
        """The rows as a pandas frame, money in currency; what a column means is in ``frame.attrs``."""
        import pandas as pd

        found = pd.DataFrame(self.shown(), columns=[c.name for c in self.columns])
        found.attrs = {c.name: c.meaning for c in self.columns}
        return found

    def _repr_html_(self) -> str:
        """A notebook shows the rows as a frame does."""
        return str(self.frame().to_html(index=False, na_rep="-", float_format=lambda value: f"{value:,.3f}"))

    def lines(self, names: Sequence[str], last: int | None = None) -> list[str]:
        """Some columns of the last rows, for a terminal; a column without a single value is left out."""
        chosen = [c for c in self.columns if c.name in names and any(row[c.name] is not None for row in self.rows)]
        rows = self.rows if last is None else self.rows[-last:]
        cells = [[c.name.replace("_", " ") for c in chosen]]
        cells += [[_told(c.kind, row[c.name]) for c in chosen] for row in rows]
        width = [max(len(row[i]) for row in cells) for i in range(len(chosen))]
        left = [c.kind == "text" for c in chosen]
        padded = [
            [cell.ljust(w) if to_left else cell.rjust(w) for cell, w, to_left in zip(row, width, left, strict=True)]
            for row in cells
        ]
        return ["  ".join(row).rstrip() for row in padded]


def ratio(part: int, whole: int) -> float | None:
    """A share or mean of integers; None where there is nothing to divide by.

    Examples
    --------
    >>> ratio(1, 4), ratio(0, 0)
    (0.25, None)
    """
    return part / whole if whole else None


def mean_money(units: int, n: int) -> float | None:
    """Money in 1/10,000 divided by a count, in currency; None where there is nothing to divide by.

    Examples
    --------
    >>> mean_money(25_000, 2)
    1.25
    """
    return units / (n * SCALE) if n else None


def _shown(kind: Kind, value: Value) -> Value:
    return value / SCALE if kind == "money" and isinstance(value, int) else value


def _told(kind: Kind, value: Value) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if kind == "share":
        return f"{value:.1%}"
    if kind == "count":
        return f"{value:,}"
    if kind == "money":
        return f"{value / SCALE:,.0f}"
    return f"{value:,.1f}" if kind == "days" else f"{value:,.2f}"
