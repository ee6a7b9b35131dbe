r"""Texts that no spreadsheet takes for a formula, and the way back.

In: any text, such as an id or a title that somebody else chose. Out: the same, with an apostrophe wherever a cell could
begin with what spreadsheets obey (``= + - @``, a tab, a line's end, a quotation mark, an apostrophe; OWASP, CSV
injection), also after what another country's spreadsheet takes for the end of a cell. Nothing is lost: `as_it_was`
gives every text back. An empty text stays empty.
"""

from __future__ import annotations

import re

_OBEYED = "=+\\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
_FIRST = re.compile(rf"^(?=[{_OBEYED}'\"\t\r\n\ufeff])")
_WITHIN = re.compile(rf"([,;|\t\r\n])(?=[{_OBEYED}'])")
_MARKED_FIRST = re.compile(rf"^'(?=[{_OBEYED}'\"\t\r\n\ufeff])")
_MARKED_WITHIN = re.compile(rf"([,;|\t\r\n])'(?=[{_OBEYED}'])")


def harmless(text: str) -> str:
    """A text as it may stand in a cell.

    Examples
    --------
    >>> harmless("=1+1"), harmless("a;=1+1"), harmless("10 % off - today")
    ("'=1+1", "a;'=1+1", '10 % off - today')
    """
    return _FIRST.sub("'", _WITHIN.sub(r"\1'", text), count=1)


def as_it_was(cell: str) -> str:
    """The text of which `harmless` made a cell.

    Examples
    --------
    >>> as_it_was("'=1+1"), as_it_was("it's")
    ('=1+1', "it's")
    """
    return _MARKED_WITHIN.sub(r"\1", _MARKED_FIRST.sub("", cell, count=1))
