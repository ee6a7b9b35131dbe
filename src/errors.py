"""Every way in which Regulars refuses, in one place.

In: what was found, what was needed, what to do, the offending few. Out: one exception with a stable code to search
for and the exit code of the command line. A user's mistake is always one of these, never a bare traceback.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

SHOWN = 3
_TELLING = 6
"""The first characters of a shorter id would tell too much of it."""

_LOGIN = re.compile(r"://[^\s`]*@")
_PASSWORD = re.compile(r"(?i)\b(\w*(?:password|passwd|pwd|secret|token)=)[^\s&;`]+")
_MAIL = re.compile(r"[^\s,;:|\"'`<>()\[\]{}=/]+@[^\s,;:|\"'`<>()\[\]{}=/]+\.[^\s,;:|\"'`<>()\[\]{}=/]*[^\W\d]")
_STAMP = r"\d{8}T\d{2,6}Z?\b"
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_CODE = re.compile(rf"\b(?!{_STAMP})(?=\w*\d)(?=\w*[^\W\d_])\w{{8,}}")


class RegularsError(ValueError):
    """What was found, what was needed, what to do, and the offending few.

    Parameters
    ----------
    found : str
        What is wrong, as a sentence without the final full stop.
    needed : str, optional
        What was expected instead.
    do : str, optional
        What to type or change.
    offending : sequence, optional
        The offending values or places; the first three are shown.
    code : str, optional
        A stable code such as ``RG014``.

    Examples
    --------
    >>> print(ConfigError("unknown key `horizn`", do="did you mean `horizon_days`?", code="RG002"))
    RG002: unknown key `horizn`. Do: did you mean `horizon_days`?
    """

    exit_code = 70
    default_code = "RG000"

    def __init__(
        self,
        found: str,
        *,
        needed: str = "",
        do: str = "",
        offending: Sequence[object] = (),
        code: str = "",
    ) -> None:
        self.found, self.needed, self.do = found, needed, do
        self.offending = tuple(offending)
        self.code = code or self.default_code
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        parts = [f"{self.code}: {self.found}."]
        if self.needed:
            parts.append(f"Needed: {self.needed}.")
        if self.offending:
            shown = "; ".join(str(o) for o in self.offending[:SHOWN])
            more = len(self.offending) - SHOWN
            parts.append(f"Seen: {shown}{f'; and {more} more' if more > 0 else ''}.")
        if self.do:
            parts.append(f"Do: {self.do}")
        return visible(unnamed(" ".join(parts)))


class ConfigError(RegularsError):
    """The configuration or the call is wrong (exit code 2)."""

    exit_code = 2
    default_code = "RG002"


class DataError(RegularsError):
    """The data cannot be read without guessing (exit code 3)."""

    exit_code = 3
    default_code = "RG003"


class NotEnoughData(RegularsError):
    """The data are right but too few for what was asked (exit code 4)."""

    exit_code = 4
    default_code = "RG004"


class Refused(RegularsError):
    """The gate does not let a model take the place of the champion (exit code 5)."""

    exit_code = 5
    default_code = "RG005"


class NoModel(RegularsError):
    """No registered model answers to the name (exit code 6)."""

    exit_code = 6
    default_code = "RG006"


class StorageError(RegularsError):
    """A file could not be read or written (exit code 74)."""

    exit_code = 74
    default_code = "RG074"


class Busy(RegularsError):
    """Another run is writing to the same place (exit code 75)."""

    exit_code = 75
    default_code = "RG075"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest known names as a hint, or the list of all when none is near.

    Examples
    --------
    >>> did_you_mean("ammount", ["amount", "customer_id"])
    'did you mean `amount`?'
    """
    names = list(known)
    lowered = {n.lower(): n for n in names}
    near = difflib.get_close_matches(name.lower(), list(lowered), n=2, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(f"`{lowered[n]}`" for n in near) + "?"
    return "known names are " + ", ".join(f"`{n}`" for n in names)


def masked(value: object) -> str:
    """An id as it may be shown: its first two characters and its length, or its length alone when it is short.

    Examples
    --------
    >>> masked("someone-123"), masked("00123")
    ("'so...' (11 characters)", '(5 characters)')
    """
    text = str(value)
    size = f"({len(text)} character{'' if len(text) == 1 else 's'})"
    return f"{text[:2] + '...'!r} {size}" if len(text) >= _TELLING else size


def shown(value: object) -> str:
    """A value of the data as it may be shown: whatever in it looks like an e-mail address or an id is masked.

    Numbers, dates and plain words stay, because nobody could repair what is not shown.

    Examples
    --------
    >>> shown("1.500,00 EUR"), shown("2024-01-05T10:00:00Z"), shown("for ann@example.org")
    ('1.500,00 EUR', '2024-01-05T10:00:00Z', "for 'an...' (15 characters)")
    """
    return _CODE.sub(lambda found: masked(found[0]), unnamed(str(value)))


def unnamed(text: str) -> str:
    """A text without e-mail addresses, and without the user and password of any URL.

    Examples
    --------
    >>> unnamed("postgresql://ann:secret@host/shop is not there")
    'postgresql://***@host/shop is not there'
    """
    text = _PASSWORD.sub(r"\1***", _LOGIN.sub("://***@", text))
    return _MAIL.sub(lambda found: masked(found[0]), text)


def visible(text: str) -> str:
    r"""A text on one line, without characters that a terminal obeys or that turn its direction: they are spelled out.

    Examples
    --------
    >>> print(visible("mon\x1b[2Jey\n"))
    mon\x1b[2Jey\n
    """
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
