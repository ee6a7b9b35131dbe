"""Engines: who runs the kernel over customer shards."""

from .local import begins_of, histories, lines_of_one, panel_of, panel_of_one, panels_of, reference_of, usable_threads
from .streamed import write_panel

__all__ = [
    "begins_of",
    "histories",
    "lines_of_one",
    "panel_of",
    "panel_of_one",
    "panels_of",
    "reference_of",
    "usable_threads",
    "write_panel",
]
