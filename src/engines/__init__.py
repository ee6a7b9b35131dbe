"""Engines: who runs the kernel over customer shards."""

from .local import histories, panel_of, reference_of, usable_threads
from .streamed import write_panel

__all__ = ["histories", "panel_of", "reference_of", "usable_threads", "write_panel"]
