"""What a command says while it works, the one line with which it ends, and the journal that keeps this line.

In: how it is to be said (text for people, or JSON lines for machines), what is printed anyway, figures. Out: as text
everything as it was printed; as JSON one object a line on the error stream and nothing on the other; in both a summary,
which `.regulars/journal.jsonl` gets, too. A figure that is not known is left out. Users, passwords and addresses are
masked in every line.
"""

from __future__ import annotations

import io
import json
import re
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from .disk.appended import append, entries
from .errors import RegularsError, unnamed

JOURNAL = "journal.jsonl"
KINDS = ("text", "json")
_CODE = re.compile(r"(RG\d{3}): ")
_PREFIXES = {"note: ": "info", "warning: ": "warning"}
_ANSWERS = (5, 7, 75)
"""Codes that are answers, or may pass by themselves, and no failures."""
_WORDS = re.compile(r"[\w.:+@/-]{1,120}")
"""What a text among the figures may look like: a date, a version, a verdict, a name."""


@dataclass
class Log:
    """One command from its beginning to its end.

    Parameters
    ----------
    command : str
    kind : {"text", "json"}
    error, output : text streams
        What the process had for errors and for output when the command began.
    folder : Path, optional
        That of the configuration, once it is known; there lies the journal.
    figures : dict
        What the summary tells beside how the command ended.
    recorded : bool
        Whether the journal gets the summary: not from a command that must write nothing.
    """

    command: str
    kind: str
    error: TextIO
    output: TextIO
    folder: Path | None = None
    figures: dict[str, object] = field(default_factory=dict)
    recorded: bool = True
    began: float = field(default_factory=time.monotonic)

    def line(self, event: str, level: str = "info", **facts: object) -> str:
        """An object on one line: when, how serious, what happened, in which command, and facts."""
        known = {key: _said(value) for key, value in facts.items() if value is not None}
        told = {"at": _now(), "level": level, "event": event, "command": self.command, **known}
        return json.dumps(told, allow_nan=False, default=str)

    def write(self, event: str, level: str = "info", **facts: object) -> None:
        """The same on the error stream."""
        with suppress(OSError, ValueError):  # Nobody listens any more: no reason to fail.
            print(self.line(event, level, **facts), file=self.error, flush=True)

    def summary(self, code: int, error: str) -> str:
        """The line with which the command ends."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        facts = {
            "exit": code,
            "error": _code(error) or error or None,
            "seconds": round(time.monotonic() - self.began, 3),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 3),
            "peak_mb": round(used.ru_maxrss / 1024, 1),
            **self.figures,
        }
        level = "info" if code == 0 else "warning" if code in _ANSWERS else "error"
        return self.line("summary", level, **facts)


_current: ContextVar[Log | None] = ContextVar("_current", default=None)


class Lines(io.TextIOBase):
    """A stream each of whose lines becomes an object of a log.

    Examples
    --------
    >>> heard = io.StringIO()
    >>> with Lines(Log("score", "json", heard, heard), "said") as lines:
    ...     print("note: two are new", file=lines)
    >>> found = json.loads(heard.getvalue())
    >>> found["event"], found["level"], found["text"]
    ('note', 'info', 'two are new')
    """

    def __init__(self, log: Log, event: str) -> None:
        self._log, self._event, self._open = log, event, ""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Take a text; whatever ends a line is told."""
        *whole, self._open = (self._open + text).split("\n")
        for line in whole:
            self._tell(line)
        return len(text)

    def close(self) -> None:
        """Tell what was left without an end."""
        if not self.closed and self._open:
            self._tell(self._open)
            self._open = ""
        super().close()

    def _tell(self, line: str) -> None:
        if not line.strip():
            return
        for prefix, level in _PREFIXES.items():
            if line.startswith(prefix):
                self._log.write(prefix.rstrip(": "), level, text=line.removeprefix(prefix))
                return
        self._log.write(self._event, text=line.rstrip())


@contextmanager
def logged(command: str, kind: str) -> Iterator[Log]:
    """A block that is one command; while it lasts, JSON is all that is said, if that was asked for."""
    log = Log(command, kind, sys.stderr, sys.stdout)
    token = _current.set(log)
    try:
        if kind == "json":
            with Lines(log, "said") as output, Lines(log, "stderr") as error:
                sys.stdout, sys.stderr = output, error
                try:
                    yield log
                finally:
                    sys.stdout, sys.stderr = log.output, log.error
        else:
            yield log
    finally:
        _current.reset(token)


def ended(log: Log, code: int, error: str = "", trace: str = "") -> None:
    """Say how a command ended: a failure by its message, and everything by one summary, which is kept."""
    summary = log.summary(code, error)
    if log.kind == "json":
        if error:
            log.write("error", "error", code=_code(error), exit=code, text=error, traceback=trace or None)
        with suppress(OSError, ValueError):
            print(summary, file=log.error, flush=True)
    elif error:
        print(f"{trace}{error}", file=log.error)
    elif log.folder is not None:
        print(f"{log.command} ended with {code} after {time.monotonic() - log.began:,.1f} seconds", file=log.error)
    if log.recorded and log.folder is not None and (log.folder / ".regulars").is_dir():
        with suppress(RegularsError):  # A full disk has been told of already, where it mattered.
            append(log.folder / ".regulars" / JOURNAL, json.loads(summary))


def _code(error: str) -> str | None:
    """The code with which the message of a user's mistake begins."""
    found = _CODE.match(error)
    return found[1] if found else None


def journal(folder: Path) -> tuple[dict[str, Any], ...]:
    """The summaries of the commands that ended in a configuration's folder, the oldest first.

    Examples
    --------
    >>> journal(Path("nowhere"))
    ()
    """
    return entries(folder / ".regulars" / JOURNAL)


def note(figures: Mapping[str, object]) -> None:
    """Let the summary of the present command tell figures: numbers, and short texts without blanks.

    Examples
    --------
    >>> note({"customers": 240})  # Without a command there is no summary, and nothing happens.
    """
    log = _current.get()
    if log is not None:
        log.figures |= {k: v for k, v in figures.items() if _is_short(v)}


def kind() -> str:
    """How the present command says what it does: one of `KINDS`."""
    log = _current.get()
    return KINDS[0] if log is None else log.kind


def step(what: str) -> None:
    """Say which step begins; people see it by its bar."""
    log = _current.get()
    if log is not None and log.kind == "json":
        log.write("step", text=what)


def product(text: str) -> None:
    """Print what somebody asked for about one person: on the output as it is, and never among the lines of a log."""
    log = _current.get()
    print(text, file=sys.stdout if log is None else log.output)


def _is_short(value: object) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and _WORDS.fullmatch(value) is not None)


def _said(value: object) -> object:
    """A value as it may be said: texts masked, numbers that JSON has no word for as texts."""
    if isinstance(value, str):
        return unnamed(value)
    return value if not isinstance(value, float) or abs(value) < float("inf") else str(value)


def _now() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
