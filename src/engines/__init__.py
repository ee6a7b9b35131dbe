"""Engines: who runs the kernel over customer shards."""

from .local import histories, panel_of, reference_of, usable_threads

__all__ = ["histories", "panel_of", "reference_of", "usable_threads"]
