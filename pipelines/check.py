"""Look before training: is every line accounted for, and are the data enough for the horizon asked?"""

from __future__ import annotations

import json

from ..config import Config
from ..errors import NotEnoughData
from ..intake import Ledger, Manifest, TableManifest
from ..models.splits import origins
from .prepare import span_of

CLASSES = {"without_customer": "without a customer", "merged": "merged", "quarantined": "in quarantine"}


def examined(ledger: Ledger, config: Config) -> tuple[list[str], dict[str, object]]:
    """What the ledger holds and whether it is enough, in words and as figures."""
    manifest, h = ledger.manifest, config.target.primary
    words = [
        f"{manifest.n_customers:,} customers and {manifest.n_orders:,} orders "
        f"from {manifest.first_day} to {manifest.last_day}."
    ]
    words += _remarks(manifest)
    for name, table in manifest.tables.items():
        words += [_told(name, table), *(f"{name}: {remark}" for remark in _remarks(table))]
    try:
        found = origins(span_of(ledger, config), config.backtest.origins)
        verdict = f"Enough history for a horizon of {h} days: {len(found)} origins, the first on {found[0].cutoff}."
        if any(o.overlapping for o in found):
            verdict += " Their windows overlap: more history would make them independent."
    except NotEnoughData as error:
        found, verdict = (), str(error)
    figures: dict[str, object] = {
        "manifest": json.loads(manifest.to_json()),
        "origins": [str(o.cutoff) for o in found],
        "enough": bool(found),
        "verdict": verdict,
    }
    return [*words, verdict], figures


def _remarks(manifest: Manifest | TableManifest) -> list[str]:
    """What was mended and noted of a table."""
    mended = [
        f"mended: {r.what}, {r.count:,} lines" + (f", such as {r.example}" if r.example else "")
        for r in manifest.repairs
    ]
    return [*mended, *(f"note: {note}" for note in manifest.notes)]


def _told(name: str, table: TableManifest) -> str:
    """A table beside the purchases in one line."""
    days = f" from {table.first_day} to {table.last_day}" if table.first_day else ""
    kinds = ", ".join(f"{k.name} {k.lines:,}{' (by the company)' if k.by_company else ''}" for k in table.kinds[:10])
    more = ", ..." if len(table.kinds) > 10 else ""
    aside = ", ".join(f"{table.lines[key]:,} {said}" for key, said in CLASSES.items() if table.lines[key])
    return (
        f"{name}: {table.lines['used']:,} of {table.lines['read']:,} lines, {table.n_customers:,} customers "
        f"({table.without_purchases:,} without purchases){days}"
        + (f"; {kinds}{more}" if kinds else "")
        + (f"; {aside}" if aside else "")
        + "."
    )
