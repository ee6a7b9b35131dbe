"""Reports: tables in, figures and one offline HTML file out.

The public names are `ReportInput`, `render` and `overview`. They are loaded on first use, so that
importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .figures import overview as overview
    from .inputs import ReportInput as ReportInput
    from .page import render as render

_HOMES = {"ReportInput": "inputs", "overview": "figures", "render": "page"}

__all__ = ["ReportInput", "overview", "render"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
