"""Look before training: the full examination of a ledger, as text, figures and one HTML file."""

from __future__ import annotations

import json
from pathlib import Path

from ..config import Config
from ..examination.examine import Examination, examine
from ..intake import Ledger
from ..reports.check_page import render_check
from .files import replaced
from .prepare import span_of


def examined(ledger: Ledger, config: Config) -> Examination:
    """The full examination of a ledger."""
    return examine(ledger, config, span_of(ledger, config))


def figures_of(found: Examination) -> dict[str, object]:
    """All figures, the manifest among them."""
    return {**found.figures(), "manifest": json.loads(found.ledger.manifest.to_json())}


def write_check(found: Examination, path: Path) -> None:
    """One HTML file, whole or not at all."""
    html = render_check(found)
    replaced(path, lambda waiting: waiting.write_text(html, encoding="utf-8"))
