"""Regulars: who is about to leave, what is each worth, which offer pays for itself, and did it?"""

from __future__ import annotations

__version__ = "0.1.0"
