"""Any table of purchases in, a checked, sorted, exact and immutable ledger out.

`build_ledger` reads what a configuration names, `Ledger.from_frame` takes a frame, `open_ledger` opens a ledger again,
`current_ledger` the newest one that was built, without a look at the sources, `built` that of exactly these sources,
`known_before` what a ledger tells of itself as of a day.
Nothing is guessed: what cannot be read for certain is an error that names the place and the remedy, or lies in
quarantine, and the manifest accounts for every line and every cent.
"""

from __future__ import annotations

from .build import build_ledger, built, compact
from .known import known_before
from .ledger import Ledger, open_ledger
from .manifest import Kind, Manifest, Repair, Source, TableManifest
from .pointer import current_ledger
from .shards import Block

__all__ = [
    "Block",
    "Kind",
    "Ledger",
    "Manifest",
    "Repair",
    "Source",
    "TableManifest",
    "build_ledger",
    "built",
    "compact",
    "current_ledger",
    "known_before",
    "open_ledger",
]
