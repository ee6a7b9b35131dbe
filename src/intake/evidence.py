"""What one intake found, kept so that a later one can be added to it without reading anything again.

In: the facts of an intake. Out: a frozen `Evidence` that lies beside the manifest as JSON. The evidence of two
deliveries adds up to what one intake of both would have found, files in the order in which they stand now; the manifest
is made from it. Facts that no line shows are None.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Context, Decimal
from typing import Any, TypeVar

from .dates import Format
from .manifest import ORDER, Source
from .notation import Signs

_EXACT = Context(prec=1200)
T = TypeVar("T")


@dataclass(frozen=True)
class Delivered:
    """A file or table that was read, and what was noted on the way."""

    file: str
    sha256: str
    lines: int
    notes: tuple[str, ...] = ()

    @property
    def source(self) -> Source:
        """As the manifest has it."""
        return Source(self.file, self.sha256, self.lines)


@dataclass(frozen=True)
class Mended:
    """Something mended, as in `Repair`, and where the example stands; without a place the least example is kept."""

    what: str
    count: int
    example: str = ""
    file: str | None = None
    line: int = 0

    def plus(self, other: Mended, place: Mapping[str, int]) -> Mended:
        """Both together; files stand in the order of `place`."""
        shown = [m for m in (self, other) if m.count]
        if not shown:
            return self
        if all(m.file is not None for m in shown):
            first = min(shown, key=lambda m: (place[m.file or ""], m.line))
        else:
            first = min(shown, key=lambda m: m.example)
        return Mended(self.what, self.count + other.count, first.example, first.file, first.line)


@dataclass(frozen=True)
class Evidence:
    """The facts of an intake that add up.

    Parameters
    ----------
    data : str
        A hash of the [data] section; only evidence under the same section adds up.
    sums : tuple of int
        The lanes of the `Fingerprint` of the used lines.
    first_day, last_day : int or None
        Local days of used lines.
    seen : int or None
        The last local day of a used or guest's line.
    readable : tuple of int, or None
        The first and last local day of any line that could be read.
    doubled : tuple of bool
        Whether all lines at the first (the last) instant stand more than once: a block might go on beyond it.
    kept_twins : int
        Lines that equal another and were kept.
    future_us : int or None
        The earliest instant among lines set aside because it had not come yet.
    discounts : tuple of int
        Negative and positive discounts.
    mended : tuple of Mended
        Every possible repair in its order, also those that nothing needed.
    signs, decimals, formats, bases : mapping
        How each column is written: what its texts prove, the decimal sign settled, the format of times, and what they
        are told in.
    currencies : tuple of str
        The codes of the lines' currencies; none without a column of codes.
    """

    data: str
    sources: tuple[Delivered, ...]
    lines: Mapping[str, int]
    money: Mapping[str, str]
    unreadable_amounts: int
    rounding_difference: str
    n_orders: int
    sums: tuple[int, ...]
    first_day: int | None
    last_day: int | None
    seen: int | None
    readable: tuple[int, int] | None
    doubled: tuple[bool, bool] = (False, False)
    kept_twins: int = 0
    future_us: int | None = None
    discounts: tuple[int, int] = (0, 0)
    mended: tuple[Mended, ...] = ()
    signs: Mapping[str, Signs] = field(default_factory=dict)
    decimals: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, Format] = field(default_factory=dict)
    bases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    currencies: tuple[str, ...] = ()

    def plus(self, other: Evidence, files: Sequence[str], n_orders: int) -> Evidence:
        """Both together, under the files' present order; `other` holds the later lines.

        Parameters
        ----------
        files : sequence of str
            The names of all files, each once, as they are read today.
        n_orders : int
            Orders of both, those that they share counted once.
        """
        place = {name: i for i, name in enumerate(files)}
        return Evidence(
            data=self.data,
            sources=tuple(sorted((*self.sources, *other.sources), key=lambda s: place[s.file])),
            lines={name: self.lines[name] + other.lines[name] for name in ("read", *ORDER)},
            money={name: _sum(self.money[name], other.money[name]) for name in ("read", *ORDER)},
            unreadable_amounts=self.unreadable_amounts + other.unreadable_amounts,
            rounding_difference=_sum(self.rounding_difference, other.rounding_difference),
            n_orders=n_orders,
            sums=tuple((a + b) % 2**64 for a, b in zip(self.sums, other.sums, strict=True)),
            first_day=_of(min, self.first_day, other.first_day),
            last_day=_of(max, self.last_day, other.last_day),
            seen=_of(max, self.seen, other.seen),
            readable=_both(self.readable, other.readable),
            doubled=_edges(self, other),
            kept_twins=self.kept_twins + other.kept_twins,
            future_us=_of(min, self.future_us, other.future_us),
            discounts=(self.discounts[0] + other.discounts[0], self.discounts[1] + other.discounts[1]),
            mended=tuple(a.plus(b, place) for a, b in zip(self.mended, other.mended, strict=True)),
            signs={role: signs.plus(other.signs[role]) for role, signs in self.signs.items()},
            decimals=dict(self.decimals),
            formats={role: _format(f, other.formats[role], place) for role, f in self.formats.items()},
            bases={role: tuple(sorted({*known, *other.bases[role]})) for role, known in self.bases.items()},
            currencies=tuple(sorted({*self.currencies, *other.currencies})),
        )

    def grammar(self) -> dict[str, str]:
        """How each column of numbers or times is written, in a word; nothing for columns without texts."""
        signs = {role: f"decimal {sign}" for role, sign in self.decimals.items() if self.signs[role].kinds}
        times = {role: f.order or f.name for role, f in self.formats.items() if f.name}
        return {role: str(words) for role, words in {**signs, **times}.items()}

    def to_json(self) -> str:
        """As JSON text, keys sorted."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Evidence:
        """From `to_json`."""
        content: dict[str, Any] = json.loads(text)
        for key in ("sums", "readable", "doubled", "discounts"):
            content[key] = None if content[key] is None else tuple(content[key])
        content["sources"] = tuple(Delivered(**{**s, "notes": tuple(s["notes"])}) for s in content["sources"])
        content["mended"] = tuple(Mended(**m) for m in content["mended"])
        content["signs"] = {r: Signs.from_dict(s) for r, s in content["signs"].items()}
        formats = content["formats"].items()
        content["formats"] = {r: Format(**{**f, "follows": tuple(f["follows"])}) for r, f in formats}
        content["bases"] = {r: tuple(b) for r, b in content["bases"].items()}
        content["currencies"] = tuple(content["currencies"])
        return cls(**content)


def _sum(a: str, b: str) -> str:
    return format(_EXACT.add(Decimal(a), Decimal(b)), "f")


def _of(choose: Callable[..., T], a: T | None, b: T | None) -> T | None:
    return choose(a, b) if a is not None and b is not None else a if b is None else b


def _both(a: tuple[int, int] | None, b: tuple[int, int] | None) -> tuple[int, int] | None:
    return (min(a[0], b[0]), max(a[1], b[1])) if a and b else a or b


def _edges(base: Evidence, later: Evidence) -> tuple[bool, bool]:
    """The first instant is the base's, the last one the later delivery's, where they have any."""
    first = base.doubled[0] if base.readable else later.doubled[0]
    return first, later.doubled[1] if later.readable else base.doubled[1]


def _format(base: Format, later: Format, place: Mapping[str, int]) -> Format:
    follows = tuple(sorted((*base.follows, *later.follows), key=lambda file: place[file]))
    return Format(base.name or later.name, base.order or later.order, follows)
