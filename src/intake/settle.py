"""How every column of a table is written, settled over all its files: numbers first, then times.

In: `raw`, the section that maps the columns, and what a ledger knew before, if lines are added to one. Out: the tables
`words_<role>` and `shifts_<role>` of each column, and the `Grammar` that they are read in. Columns without texts prove
nothing; ambiguous ones are errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..clock import Zone
from ..sections import TableSection
from .dates import Format, settle_format
from .money import settle_money
from .notation import Signs
from .shifts import StampSettings, settle_shifts
from .sources.parts import Places, is_money, is_stamp
from .staging import Connection


@dataclass(frozen=True)
class Grammar:
    """How the columns of numbers and of times are written, by role.

    Examples
    --------
    >>> grammar = Grammar(formats={"known_at": Format("a/b/YYYY", "day first", ("b.csv",))})
    >>> list(grammar.notes({"known_at": "seen"}))
    ['the order of day and month in `seen` of b.csv is taken from the other files']
    """

    signs: Mapping[str, Signs] = field(default_factory=dict)
    formats: Mapping[str, Format] = field(default_factory=dict)

    def notes(self, mapping: Mapping[str, str]) -> Iterator[str]:
        """What was taken from other files."""
        for role, found in self.formats.items():
            yield from found.notes(mapping[role])


def settle(
    con: Connection,
    section: TableSection,
    zone: Zone,
    places: Places,
    decimals: Mapping[str, str] | None = None,
    formats: Mapping[str, Format] | None = None,
) -> Grammar:
    """Make the words and shifts of all columns; `decimals` and `formats` are those of the ledger that grows.

    Raises
    ------
    DataError
        A column that is written in several ways, or can be read in several.
    """
    mapping = section.roles()
    said = {role: (decimals or {}).get(role, section.decimal) for role in filter(is_money, mapping)}
    signs = {role: settle_money(con, role, sign, mapping[role], places) for role, sign in said.items()}
    naive = section.naive_timezone
    settings, found = StampSettings(zone, Zone(naive) if naive else None), dict[str, Format]()
    for role in filter(is_stamp, mapping):
        known = (formats or {}).get(role)
        found[role] = settle_format(con, role, section.day_first, mapping[role], places, known)
        settle_shifts(con, role, settings, mapping[role], places)
    return Grammar(signs, found)


def drop_words(con: Connection, mapping: Mapping[str, str]) -> None:
    """Make room for the next section."""
    for role in mapping:
        if is_money(role) or is_stamp(role):
            con.execute(f"DROP TABLE words_{role}")
        if is_money(role) or is_stamp(role):
            con.execute(f"DROP TABLE {'odd' if is_money(role) else 'shifts'}_{role}")
