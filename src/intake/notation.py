"""How the numbers of a column are written: one decimal sign and one grouping, proved or said.

In: the texts of a column, in the table `found`. Out: the one `Notation` that all of them agree on, and the `Signs` that
prove it, which add up with those of other files. Ambiguous or inconsistent columns are errors; missing values are no
texts, and prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..errors import DataError
from .sources.parts import Places
from .staging import Connection, fetched

_SIGN = "[+-]?"
OTHER = {".": ",", ",": "."}
"""The decimal sign that is not the given one."""


@dataclass(frozen=True)
class Notation:
    """How the numbers of a column are written.

    Examples
    --------
    >>> Notation(",").pattern()[:12]
    '[+-]?((\\\\d+|['
    """

    decimal: str

    def pattern(self) -> str:
        """The regular expression of a whole number in this notation."""
        point, grouped = f"[{self.decimal}]", f"[1-9]\\d{{0,2}}([{OTHER[self.decimal]} ']\\d{{3}})+"
        return f"{_SIGN}((\\d+|{grouped})({point}\\d+)?|{point}\\d+)"


def _proof(sign: str) -> str:
    """Texts that can only be read with this decimal sign."""
    here, other = f"[{sign}]", f"[{OTHER[sign]}]"
    fraction = f"\\d*{here}(\\d{{1,2}}|\\d{{4,}})|(0\\d*|\\d{{4,}})?{here}\\d{{3}}"
    after_groups = f"[1-9]\\d{{0,2}}([ ']\\d{{3}})+{here}\\d+|[1-9]\\d{{0,2}}({other}\\d{{3}})+{here}\\d+"
    groups = f"[1-9]\\d{{0,2}}({other}\\d{{3}}){{2,}}"
    return f"{_SIGN}({fraction}|{after_groups}|{groups})"


_AMBIGUOUS = f"{_SIGN}[1-9]\\d{{0,2}}[.,]\\d{{3}}"
_LONG = f"{_SIGN}\\d{{4,}}([.,]\\d+)?"


@dataclass(frozen=True)
class Signs:
    """What the texts of a column prove of how numbers are written; two files' signs add up.

    Parameters
    ----------
    kinds : tuple of str
        Of ``.``, ``,`` (proved), ``either.``, ``either,`` (ambiguous) and ``whole``; none without texts.
    spaces, apostrophes, points, commas, long : bool
        Which signs stand in them, and whether there is an ungrouped number of four digits or more.

    Examples
    --------
    >>> Signs(("whole",)).plus(Signs((",",))).decimal(None)
    ','
    """

    kinds: tuple[str, ...] = ()
    spaces: bool = False
    apostrophes: bool = False
    points: bool = False
    commas: bool = False
    long: bool = False

    @classmethod
    def of(cls, rows: list[Seen]) -> Signs:
        """What the texts of one column prove."""
        flags = ((r.spaces, r.apostrophes, r.points, r.commas, r.long_first is not None) for r in rows)
        return cls(tuple(sorted(r.kind for r in rows)), *map(any, zip(*flags, strict=True)))

    def plus(self, other: Signs) -> Signs:
        """What both together prove."""
        kinds = tuple(sorted({*self.kinds, *other.kinds}))
        flags = (getattr(self, n) or getattr(other, n) for n in ("spaces", "apostrophes", "points", "commas", "long"))
        return Signs(kinds, *flags)

    def decimal(self, said: str | None) -> str | None:
        """The decimal sign; None where it cannot be told, or the texts contradict each other or what was said."""
        proved = [s for s in (".", ",") if s in self.kinds]
        if len(proved) == 2 or (said and proved and said not in proved):
            return None
        if not proved and said is None and {"either.", "either,"} & set(self.kinds):
            return None
        sign = said or (proved[0] if proved else ".")
        grouped = self.commas if sign == "." else self.points
        if self.spaces + self.apostrophes + grouped > 1:
            return None
        return None if said is None and f"either{OTHER[sign]}" in self.kinds and self.long else sign


class Seen(NamedTuple):
    """What was found of one kind of text: how its first line reads, and which signs it uses."""

    kind: str
    value: str
    first: int
    spaces: bool
    apostrophes: bool
    points: bool
    commas: bool
    long: str | None
    long_first: int | None


def seen_texts(con: Connection) -> list[Seen]:
    """The texts by what they prove: a decimal sign, ``either.`` or ``either,`` (ambiguous), or ``whole``."""
    proofs = {sign: _proof(sign).replace("'", "''") for sign in OTHER}
    kinds = f"""CASE WHEN regexp_full_match(p, '{proofs["."]}') THEN '.'
        WHEN regexp_full_match(p, '{proofs[","]}') THEN ','
        WHEN regexp_full_match(p, '{_AMBIGUOUS}') THEN CASE WHEN contains(p, '.') THEN 'either.' ELSE 'either,' END
        WHEN regexp_full_match(p, '{_SIGN}\\d+([ '']\\d+)*') THEN 'whole' END"""
    rows = fetched(
        con,
        f"""SELECT {kinds} AS kind, arg_min(v, first), min(first), bool_or(contains(p, ' ')),
        bool_or(contains(p, '''')), bool_or(contains(p, '.')), bool_or(contains(p, ',')),
        arg_min(v, first) FILTER (long), min(first) FILTER (long)
        FROM (SELECT *, regexp_full_match(p, '{_LONG}') AS long FROM found WHERE NOT native)
        GROUP BY kind HAVING kind IS NOT NULL ORDER BY kind""",
    )
    return [Seen(*row) for row in rows]


def notation_of(con: Connection, rows: list[Seen], decimal: str | None, column: str, places: Places) -> Notation:
    """The one notation that all texts of the column agree on."""
    seen = {r.kind: f"'{r.value}' ({places.at(r.first)})" for r in rows}
    signs = [s for s in (".", ",") if s in seen]
    if len(signs) == 2 or (decimal and signs and decimal not in signs):
        raise _inconsistent(column, [seen[s] for s in signs], decimal)
    if not signs and decimal is None and ("either." in seen or "either," in seen):
        raise _ambiguous(con, column, places)
    notation = Notation(decimal or (signs[0] if signs else "."))
    other = OTHER[notation.decimal]
    groupings = (
        (r.spaces for r in rows),
        (r.apostrophes for r in rows),
        (r.commas if other == "," else r.points for r in rows),
    )
    if sum(any(used) for used in groupings) > 1:
        raise _inconsistent(column, list(seen.values()), None)
    long = [f"'{r.long}' ({places.at(r.long_first)})" for r in rows if r.long_first is not None]
    if decimal is None and f"either{other}" in seen and long:
        # Beside an ungrouped 1234.5, `1,234` may just as well be 1.234.
        raise _inconsistent(column, [seen[f"either{other}"], long[0]], None)
    return notation


def _inconsistent(column: str, samples: list[str], decimal: str | None) -> DataError:
    said = f' although decimal = "{decimal}"' if decimal else ""
    return DataError(
        f"the numbers of column `{column}` are written in more than one way{said}",
        needed="one decimal sign and one grouping of thousands over all files",
        do='write the column alike in all files, then give decimal = "." or decimal = "," if it still cannot be told',
        offending=samples,
        code="RG122",
    )


def _ambiguous(con: Connection, column: str, places: Places) -> DataError:
    rows = fetched(
        con,
        f"SELECT v, first FROM found WHERE NOT native AND regexp_full_match(p, '{_AMBIGUOUS}') ORDER BY first LIMIT 3",
    )
    text = str(rows[0][0]).strip()
    sign = "." if "." in text else ","
    as_point, as_group = text.replace(sign, "."), text.replace(sign, "")
    return DataError(
        f"column `{column}` cannot be read without guessing: '{text}' is {as_point} with decimal = \"{sign}\" "
        f'and {as_group} with decimal = "{OTHER[sign]}"',
        needed="a number that shows the decimal sign, or the setting",
        do=f'give decimal = "." or decimal = "," under [{places.section}]',
        offending=[f"'{v}' ({places.at(first)})" for v, first in rows],
        code="RG121",
    )
