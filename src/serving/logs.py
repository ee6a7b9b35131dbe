"""How a server speaks to its log: lines for people, or JSON objects for machines, without anybody's data.

In: what happens in parent and workers, defects. Out: the settings of `logging` that uvicorn takes, and one line for an
error that nobody foresaw: its kind and where it came about, never its message, which may hold what was sent.
"""

from __future__ import annotations

import io
import logging
import traceback
from pathlib import Path
from typing import Any

from ..log import Log

NAME = "regulars.serving"
_DEEPEST = 8


class JsonLines(logging.Formatter):
    """A record as the object that other commands write, too."""

    def format(self, record: logging.LogRecord) -> str:
        """On one line; of an exception only its kind."""
        kind = record.exc_info[0] if record.exc_info else None
        facts = {"error": kind.__name__} if kind else {}
        told = Log("serve", "json", io.StringIO(), io.StringIO())
        return told.line("said", record.levelname.lower(), text=record.getMessage(), **facts)


class Plain(logging.Formatter):
    """A record as people read it."""

    def format(self, record: logging.LogRecord) -> str:
        """On one line; of an exception only its kind."""
        kind = record.exc_info[0] if record.exc_info else None
        level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        return f"{level}{record.getMessage().strip()}{f': {kind.__name__}' if kind else ''}"


def settings(kind: str) -> dict[str, Any]:
    """What `logging.config.dictConfig` needs, in the parent and in each worker."""
    machine = kind == "json"
    # While a command speaks JSON, `sys.stderr` is made of lines for people, which become objects there.
    stream = "ext://sys.__stderr__" if machine else "ext://sys.stderr"
    spoken = {"handlers": ["all"], "propagate": False}
    # Uvicorn's warnings are about what strangers send, a line for each.
    levels = {"uvicorn": "ERROR", "uvicorn.error": "ERROR", "asyncio": "ERROR", NAME: "INFO"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"one": {"()": JsonLines if machine else Plain}},
        "handlers": {"all": {"class": "logging.StreamHandler", "formatter": "one", "stream": stream}},
        "loggers": {name: {**spoken, "level": level} for name, level in levels.items()},
    }


def defect(error: BaseException, request_id: str, page: str) -> None:
    """Tell of an error that nobody foresaw."""
    frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
    way = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
    logging.getLogger(NAME).error("%s: %s on %s at %s", request_id, type(error).__name__, page, way)
