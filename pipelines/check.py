"""Look before training: is every line accounted for, and are the data enough for the horizon asked?"""

from __future__ import annotations

import json

from ..config import Config
from ..errors import NotEnoughData
from ..intake import Ledger
from ..models.splits import origins
from .prepare import span_of


def examined(ledger: Ledger, config: Config) -> tuple[list[str], dict[str, object]]:
    """What the ledger holds and whether it is enough, in words and as figures."""
    manifest, h = ledger.manifest, config.target.primary
    words = [
        f"{manifest.n_customers:,} customers and {manifest.n_orders:,} orders "
        f"from {manifest.first_day} to {manifest.last_day}."
    ]
    words += [
        f"mended: {r.what}, {r.count:,} lines" + (f", such as {r.example}" if r.example else "")
        for r in manifest.repairs
    ]
    words += [f"note: {note}" for note in manifest.notes]
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
