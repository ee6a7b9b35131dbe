"""What the intake did, in numbers that must add up.

In: counts and money of every class of lines. Out: a frozen `Manifest` that travels with the ledger as JSON. Money is
exact, written as decimal text; lines read = used + guest + merged + quarantined + dropped, and money likewise over the
lines whose amount could be read. A manifest that does not add up cannot be made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Context, Decimal
from typing import Any

from ..errors import StorageError
from ..schema import Rules

FORMAT = 2
ORDER = ("used", "guest", "merged", "quarantined", "dropped")
_EXACT = Context(prec=60)


@dataclass(frozen=True)
class Source:
    """A file, table or frame that was read: its name without a folder, its hash, its lines."""

    file: str
    sha256: str
    lines: int


@dataclass(frozen=True)
class Repair:
    """Something that was mended or moved: what, how many lines, one example."""

    what: str
    count: int
    example: str = ""


@dataclass(frozen=True)
class Manifest:
    """The record of one intake.

    Parameters
    ----------
    fingerprint : str
        SHA-256 of the ledger's content, rules and start; the same however the data were delivered.
    lines, money : mapping
        ``read`` and the five classes; money as exact decimal text in the ledger's currency.
    unreadable_amounts : int
        Quarantined lines whose amount could not be read and so is in no sum.
    rounding_difference : str
        Exact money minus stored money, over all readable lines.
    read_time : str
        When the source was read (UTC, ISO 8601); later purchases are not plausible. No part of the fingerprint.
    """

    format: int
    regulars: str
    fingerprint: str
    sources: tuple[Source, ...]
    lines: Mapping[str, int]
    money: Mapping[str, str]
    unreadable_amounts: int
    rounding_difference: str
    n_customers: int
    n_orders: int
    first_day: str
    last_day: str
    history_starts: str
    history_ends: str
    columns: tuple[str, ...]
    rules: Rules
    currency: str
    tax: str | None
    repairs: tuple[Repair, ...]
    notes: tuple[str, ...]
    read_time: str

    def __post_init__(self) -> None:
        total = Decimal(0)
        for name in ORDER:
            total = _EXACT.add(total, Decimal(self.money[name]))
        lines = sum(self.lines[name] for name in ORDER)
        if lines != self.lines["read"] or total != Decimal(self.money["read"]):
            raise StorageError(
                f"the intake does not add up: {self.lines['read']} lines and {self.money['read']} read, "
                f"{lines} lines and {total} accounted for",
                do="do not use this ledger; remove it, run again, and report it if it happens again",
                code="RG130",
            )

    def reconciliation(self) -> list[tuple[str, int, Decimal]]:
        """Lines and money read, and the classes that add up to them, for printing."""
        return [(name, self.lines[name], Decimal(self.money[name])) for name in ("read", *ORDER)]

    def to_json(self) -> str:
        """As JSON text, keys sorted."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """From `to_json`."""
        content: dict[str, Any] = json.loads(text)
        if content["format"] != FORMAT:
            raise StorageError(
                f"a ledger of format {content['format']}", needed=f"format {FORMAT}", do="build it again", code="RG131"
            )
        content["sources"] = tuple(Source(**s) for s in content["sources"])
        content["repairs"] = tuple(Repair(**r) for r in content["repairs"])
        content["rules"] = Rules(**content["rules"])
        content["columns"], content["notes"] = tuple(content["columns"]), tuple(content["notes"])
        return cls(**content)
