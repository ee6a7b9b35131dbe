"""What was left out or mended on the way in, and what the intake noticed: the manifest and the quarantine, retold.

In: a ledger. Out: reasons with counts and places, remarks and findings. Texts in quarantine are not repeated: an id,
an e-mail or a name may be in them; the place says where to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ..intake import Ledger, Manifest, TableManifest
from .finding import Finding, Severity, said

SHOWN = 3


@dataclass(frozen=True)
class Aside:
    """Lines in quarantine for one reason: the table, the reason, how many, where the first stand."""

    table: str
    reason: str
    count: int
    places: tuple[str, ...]

    def figures(self) -> dict[str, object]:
        """As plain values for JSON."""
        return {"table": self.table, "reason": self.reason, "count": self.count, "places": list(self.places)}


def asides(ledger: Ledger) -> tuple[Aside, ...]:
    """The reasons in quarantine of every table, the most frequent first."""
    found = []
    for table in ("purchases", *ledger.manifest.tables):
        found += _asides(table, ledger.quarantine(table))
    return tuple(found)


def _asides(table: str, bad: pa.Table) -> list[Aside]:
    if not bad.num_rows:
        return []
    counted = bad.group_by(["column", "reason"]).aggregate([([], "count_all")]).to_pylist()
    found = []
    for row in sorted(counted, key=lambda r: (-r["count_all"], str(r["column"]), r["reason"])):
        shown = _first_rows(bad, row["column"], row["reason"])
        what = f"`{row['column']}` {row['reason']}" if row["column"] else f"the line {row['reason']}"
        found.append(Aside(table, what, row["count_all"], tuple(f"{r['file']}:{r['line']}" for r in shown)))
    return found


def _first_rows(bad: pa.Table, column: str | None, reason: str) -> list[dict[str, object]]:
    same = pc.equal(bad["reason"], reason)
    same = pc.and_(same, pc.is_null(bad["column"]) if column is None else pc.equal(bad["column"], column))
    rows: list[dict[str, object]] = (
        bad.filter(pc.fill_null(same, False)).slice(0, SHOWN).select(["file", "line"]).to_pylist()
    )
    return rows


def repairs_said(ledger: Ledger) -> tuple[str, ...]:
    """What was mended, in sentences."""
    manifest = ledger.manifest
    tables: list[tuple[str, Manifest | TableManifest]] = [("purchases", manifest), *manifest.tables.items()]
    return tuple(
        f"{table}: {repair.what}: {said(repair.count, 'line', 'lines')}"
        + (f", such as {repair.example}" if repair.example else "")
        for table, record in tables
        for repair in record.repairs
    )


def manifest_findings(ledger: Ledger) -> Iterator[Finding]:
    """Findings from what the intake counted and noticed."""
    manifest = ledger.manifest
    lines = manifest.lines
    read = max(lines["read"], 1)
    if lines["quarantined"]:
        share = lines["quarantined"] / read
        yield Finding(
            "quarantine",
            Severity.SUSPICIOUS if share > 0.005 else Severity.NOTE,
            f"{said(lines['quarantined'], 'line lies', 'lines lie')} in quarantine ({share:.2%})",
            lines["quarantined"],
            _units(manifest.money["quarantined"]),
            do="look at the reasons and the places",
        )
    if lines["merged"]:
        yield Finding(
            "overlap",
            Severity.NOTE,
            f"{said(lines['merged'], 'line stands', 'lines stand')} in two deliveries and "
            f"{'was' if lines['merged'] == 1 else 'were'} counted once",
            lines["merged"],
            _units(manifest.money["merged"]),
        )
    if lines["guest"]:
        share = lines["guest"] / read
        yield Finding(
            "guests",
            Severity.SUSPICIOUS if share > 0.5 else Severity.NOTE,
            f"{said(lines['guest'], 'line has', 'lines have')} no customer ({share:.1%})",
            lines["guest"],
            _units(manifest.money["guest"]),
            do="they are guests: counted with their money, and in no model",
        )
    for note in manifest.notes:
        yield _noted("purchases", note, manifest.n_customers, lines["used"])
    for name, table in manifest.tables.items():
        yield from _of_table(name, table)


def _units(text: str) -> int:
    return round(float(text) * 10_000)


def _noted(table: str, note: str, n_customers: int, n_lines: int) -> Finding:
    """A note of the intake as a finding."""
    number = re.match(r"\D*?(\d[\d,]*)", note)
    n = int(number.group(1).replace(",", "")) if number else 0
    words = note.rstrip(".")
    words = words if table == "purchases" else f"{table}: {words}"
    if "customer ids differ" in note:
        grave = Severity.SUSPICIOUS if n > 0.005 * n_customers else Severity.NOTE
        return Finding(
            "twin_customers", grave, words, n, do="write ids in one way in the source, if they are one person"
        )
    if "equal another line" in note:
        grave = Severity.SUSPICIOUS if n > 0.05 * n_lines else Severity.NOTE
        return Finding("twin_lines", grave, words, n, do='set duplicates = "drop" if they are mistakes')
    if "nobody in the table" in note:
        return Finding("strangers", Severity.SUSPICIOUS, words, n, do="give both tables the same ids")
    return Finding("noticed", Severity.NOTE, words, n)


def _of_table(name: str, table: TableManifest) -> Iterator[Finding]:
    for note in table.notes:
        yield _noted(name, note, table.n_customers, table.lines["used"])
    if table.without_purchases and table.without_purchases < table.n_customers:
        share = table.without_purchases / table.n_customers
        yield Finding(
            "strangers",
            Severity.SUSPICIOUS if share > 0.8 else Severity.NOTE,
            f"{said(table.without_purchases, 'customer', 'customers')} of the {name} never bought ({share:.0%})",
            table.without_purchases,
        )
    if table.lines["quarantined"]:
        yield Finding(
            "quarantine",
            Severity.NOTE,
            f"{said(table.lines['quarantined'], 'line', 'lines')} of the {name} in quarantine",
            table.lines["quarantined"],
        )
    total = sum(kind.lines for kind in table.kinds)
    rare = [kind for kind in table.kinds if kind.lines < max(1e-4 * total, 10)]
    if rare and total > 1_000:
        yield Finding(
            "rare_kinds",
            Severity.NOTE,
            f"{said(len(rare), 'kind', 'kinds')} of {name} hardly ever occur",
            sum(kind.lines for kind in rare),
            examples=tuple(kind.name for kind in rare[:SHOWN]),
        )
