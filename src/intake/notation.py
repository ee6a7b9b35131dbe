"""How the numbers of a column are written: one decimal sign and one grouping, proved or said.

In: the texts of a column, in the table `found`. Out: the one `Notation` that all of them agree on, and the `Signs` that
prove it, which add up with those of other files. Ambiguous or inconsistent columns are errors; missing values are no
texts, and prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import DataError
from .marks import Marks
from .sources.parts import Places
from .staging import Connection, fetched

_SIGN = "[+-]?"
_INDIAN = "[1-9]\\d?([{0}]\\d{{2}})*[{0}]\\d{{3}}"
"""Groups as in 12,34,567: of two digits, but for the last."""

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
    indian: bool = False

    def pattern(self) -> str:
        """The regular expression of a whole number in this notation."""
        point, other = f"[{self.decimal}]", OTHER[self.decimal]
        grouped = _INDIAN.format(other) if self.indian else f"[1-9]\\d{{0,2}}([{other} ']\\d{{3}})+"
        return f"{_SIGN}((\\d+|{grouped})({point}\\d+)?|{point}\\d+)"


def _proof(sign: str) -> str:
    """Texts that can only be read with this decimal sign."""
    here, other = f"[{sign}]", f"[{OTHER[sign]}]"
    fraction = f"\\d*{here}(\\d{{1,2}}|\\d{{4,}})|(0\\d*|\\d{{4,}})?{here}\\d{{3}}"
    after_groups = f"[1-9]\\d{{0,2}}([ ']\\d{{3}})+{here}\\d+|[1-9]\\d{{0,2}}({other}\\d{{3}})+{here}\\d+"
    groups = f"[1-9]\\d{{0,2}}({other}\\d{{3}}){{2,}}"
    indian = f"[1-9]\\d?({other}\\d{{2}})+{other}\\d{{3}}({here}\\d+)?"
    return f"{_SIGN}({fraction}|{after_groups}|{groups}|{indian})"


_POINTED = f"{_SIGN}(\\d+|[1-9]\\d{{0,2}}([, '']\\d{{3}})+)[.]\\d+"
_AMBIGUOUS = f"{_SIGN}[1-9]\\d{{0,2}}[.,]\\d{{3}}"
_BY_TWO = rf"{_SIGN}[1-9]\d?(,\d{{2}})+,\d{{3}}([.]\d+)?"
_BY_THREE = rf"{_SIGN}([1-9]\d{{0,2}}(,\d{{3}}){{2,}}|[1-9]\d{{2}},\d{{3}})([.]\d+)?"
_LONG = f"{_SIGN}\\d{{4,}}([.,]\\d+)?"

_BARE = Marks()


@dataclass(frozen=True)
class Signs:
    """What the texts of a column prove of how numbers are written; two files' signs add up.

    Parameters
    ----------
    kinds : tuple of str
        Of ``.``, ``,`` (proved), ``either.``, ``either,`` (ambiguous) and ``whole``; none without texts.
    spaces, apostrophes, points, commas, long : bool
        Which signs stand in them, and whether there is an ungrouped number of four digits or more.
    by_two, by_three : bool
        Whether groups of two digits stand in them, and whether groups that can only be of three.
    marks : Marks
        What stands around the numbers.

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
    by_two: bool = False
    by_three: bool = False
    marks: Marks = _BARE

    @classmethod
    def of(cls, rows: list[Seen], marks: Marks | None = None) -> Signs:
        """What the texts of one column prove."""
        shown = (
            (r.spaces, r.apostrophes, r.points, r.commas, r.long_first is not None, bool(r.by_two), bool(r.by_three))
            for r in rows
        )
        flags = dict(zip(_FLAGS, map(any, zip(*shown, strict=True)), strict=False))
        return cls(tuple(sorted(r.kind for r in rows)), **flags, marks=marks or _BARE)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Signs:
        """From what `dataclasses.asdict` made of it and JSON kept."""
        marks = Marks(*(tuple(content["marks"][name]) for name in ("signs", "styles")))
        return cls(**{**content, "kinds": tuple(content["kinds"]), "marks": marks})

    def plus(self, other: Signs) -> Signs:
        """What both together prove."""
        kinds = tuple(sorted({*self.kinds, *other.kinds}))
        flags = {n: getattr(self, n) or getattr(other, n) for n in _FLAGS}
        return Signs(kinds, **flags, marks=self.marks.plus(other.marks))

    def decimal(self, said: str | None) -> str | None:
        """The decimal sign; None where it cannot be told, or the texts contradict each other or what was said."""
        proved = [s for s in (".", ",") if s in self.kinds]
        if len(proved) == 2 or (said and proved and said not in proved):
            return None
        if not proved and said is None and {"either.", "either,"} & set(self.kinds):
            return None
        sign = said or (proved[0] if proved else ".")
        grouped = self.commas if sign == "." else self.points
        if self.spaces + self.apostrophes + grouped > 1 or (self.by_two and self.by_three):
            return None
        if not self.marks.is_one():
            return None
        return None if said is None and f"either{OTHER[sign]}" in self.kinds and self.long else sign


_FLAGS = ("spaces", "apostrophes", "points", "commas", "long", "by_two", "by_three")


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
    by_two: str | None
    by_three: str | None


def seen_texts(con: Connection) -> list[Seen]:
    """The texts by what they prove: a decimal sign, ``either.`` or ``either,`` (ambiguous), or ``whole``."""
    proofs = {sign: _proof(sign).replace("'", "''") for sign in OTHER}
    pointed = _POINTED.replace("'", "''")  # The Arabic decimal sign, which `p` has as a point, is nothing else.
    kinds = f"""CASE WHEN regexp_full_match(p, '{proofs["."]}') THEN '.'
        WHEN contains(v, '\u066b') AND regexp_full_match(p, '{pointed}') THEN '.'
        WHEN regexp_full_match(p, '{proofs[","]}') THEN ','
        WHEN regexp_full_match(p, '{_AMBIGUOUS}') THEN CASE WHEN contains(p, '.') THEN 'either.' ELSE 'either,' END
        WHEN regexp_full_match(p, '{_SIGN}\\d+([ '']\\d+)*') THEN 'whole' END"""
    rows = fetched(
        con,
        f"""SELECT {kinds} AS kind, arg_min(v, first), min(first), bool_or(contains(p, ' ')),
        bool_or(contains(p, '''')), bool_or(contains(p, '.')), bool_or(contains(p, ',')),
        arg_min(v, first) FILTER (long), min(first) FILTER (long),
        arg_min(v, first) FILTER (regexp_full_match(p, '{_BY_TWO}')),
        arg_min(v, first) FILTER (regexp_full_match(p, '{_BY_THREE}'))
        FROM (SELECT *, regexp_full_match(p, '{_LONG}') AS long FROM found WHERE NOT native)
        GROUP BY kind HAVING kind IS NOT NULL ORDER BY kind""",
    )
    return [Seen(*row) for row in rows]


def notation_of(con: Connection, rows: list[Seen], decimal: str | None, column: str, places: Places) -> Notation:
    """The one notation that all texts of the column agree on."""
    seen = {r.kind: places.told(r.value, r.first) for r in rows}
    signs = [s for s in (".", ",") if s in seen]
    if len(signs) == 2 or (decimal and signs and decimal not in signs):
        raise _inconsistent(column, [seen[s] for s in signs], decimal)
    if not signs and decimal is None and ("either." in seen or "either," in seen):
        raise _ambiguous(con, column, places)
    by_two, by_three = (next((t for r in rows if (t := getattr(r, n))), None) for n in ("by_two", "by_three"))
    if by_two and by_three:
        raise _inconsistent(column, [_placed(con, text, places) for text in (by_two, by_three)], None)
    notation = Notation(decimal or (signs[0] if signs else "."), by_two is not None)
    other = OTHER[notation.decimal]
    groupings = (
        (r.spaces for r in rows),
        (r.apostrophes for r in rows),
        (r.commas if other == "," else r.points for r in rows),
    )
    if sum(any(used) for used in groupings) > 1:
        raise _inconsistent(column, list(seen.values()), None)
    long = [places.told(r.long, r.long_first) for r in rows if r.long_first is not None]
    if decimal is None and f"either{other}" in seen and long:
        # Beside an ungrouped 1234.5, `1,234` may just as well be 1.234.
        raise _inconsistent(column, [seen[f"either{other}"], long[0]], None)
    return notation


def _placed(con: Connection, text: str, places: Places) -> str:
    ((first,),) = con.execute("SELECT min(first) FROM found WHERE v = ?", [text]).fetchall()
    return places.told(text, first)


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
        offending=[places.told(v, first) for v, first in rows],
        code="RG121",
    )
