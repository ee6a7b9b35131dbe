"""What the intake did, in numbers that must add up.

In: counts and money of every class of lines. Out: a frozen `Manifest` that travels with the ledger as JSON. Money is
exact, written as decimal text; lines read = used + guest + merged + quarantined + dropped + erased, and money likewise
over the lines whose amount could be read. A manifest that does not add up cannot be made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Context, Decimal
from typing import Any

from ..errors import StorageError
from ..schema import Rules

FORMAT = 4
ORDER = ("used", "guest", "merged", "quarantined", "dropped", "erased")
TABLE_CLASSES = ("used", "without_customer", "merged", "quarantined", "erased")
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
class Kind:
    """A kind or channel of events: its lines, and how many of them the company initiated."""

    name: str
    lines: int
    by_company: int


@dataclass(frozen=True)
class TableManifest:
    """The record of a table beside the purchases.

    Parameters
    ----------
    fingerprint : str
        SHA-256 of the table's content; the same however the data were delivered.
    lines : mapping
        ``read`` and the classes that add up to it: `TABLE_CLASSES`.
    n_customers, without_purchases : int
        Customers in the table, and those of them who never bought.
    first_day, last_day : str
        Local days (YYYY-MM-DD) of the first and last row; empty for customers.
    columns : tuple of str
        The canonical columns; after them stand `attributes`, `numbers` and `sensitive`, under the user's names.
    kinds, channels : tuple of Kind
        Of events, by name.
    """

    fingerprint: str
    sources: tuple[Source, ...]
    lines: Mapping[str, int]
    n_customers: int
    without_purchases: int
    first_day: str
    last_day: str
    columns: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    channels: tuple[Kind, ...] = ()
    repairs: tuple[Repair, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lines = sum(self.lines[name] for name in TABLE_CLASSES)
        if lines != self.lines["read"]:
            raise StorageError(
                f"the intake of a table does not add up: {self.lines['read']} lines read, {lines} accounted for",
                do="do not use this ledger; remove it, run again, and report it if it happens again",
                code="RG130",
            )

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> TableManifest:
        """From the dictionary that `Manifest.to_json` writes."""
        of = {"sources": Source, "repairs": Repair, "kinds": Kind, "channels": Kind}
        found: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
        found |= {key: tuple(kind(**entry) for entry in content[key]) for key, kind in of.items()}
        return cls(**found)


@dataclass(frozen=True)
class Manifest:
    """The record of one intake.

    Parameters
    ----------
    fingerprint : str
        A hash of the ledger's content, rules and start; the same however the data were delivered.
    lines, money : mapping
        ``read`` and the six classes; money as exact decimal text in the ledger's currency.
    unreadable_amounts : int
        Lines, quarantined or erased, whose amount could not be read and so is in no sum.
    rounding_difference : str
        Exact money minus stored money, over all readable lines.
    grammar : mapping
        How the texts of each column of numbers or times are written: the decimal sign, the format.
    read_time : str
        When the source was read (UTC, ISO 8601); later purchases are not plausible. No part of the fingerprint.
    tables : mapping
        The record of each table beside the purchases, by name.
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
    grammar: Mapping[str, str]
    repairs: tuple[Repair, ...]
    notes: tuple[str, ...]
    read_time: str
    tables: Mapping[str, TableManifest] = field(default_factory=dict)

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
        content["tables"] = {name: TableManifest.from_dict(table) for name, table in content["tables"].items()}
        return cls(**content)
