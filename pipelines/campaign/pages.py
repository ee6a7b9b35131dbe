"""The pages of a campaign for people: a plan, and what came of it; written whole or not at all.

In: the figures of a flow. Out: one HTML file, noted as an output of the configuration's folder. They name no customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...reports.offers_page import render_measured, render_plan
from ..files import replaced
from ..written import remember


def write_plan_page(figures: Mapping[str, object], file: Path, folder: Path) -> None:
    """A plan as a page."""
    _write(render_plan(figures), file, folder)


def write_measured_page(figures: Mapping[str, object], file: Path, folder: Path) -> None:
    """A measurement as a page."""
    _write(render_measured(figures), file, folder)


def _write(html: str, file: Path, folder: Path) -> None:
    remember(folder, "report", file)
    replaced(file, lambda waiting: waiting.write_text(html, encoding="utf-8"))
