"""The command line: parse, call a pipeline, print. Nothing is computed here.

`app` is the door and knows what every error ends with; each other file is a group of commands over `arguments`.
"""

from __future__ import annotations

from .app import app as app
from .app import main as main
