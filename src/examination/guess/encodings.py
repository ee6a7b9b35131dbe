"""In which encoding a text file is likely written, when it is not UTF-8.

In: a file. Out: an `Encoding` with the letters that it makes, or nothing where UTF-8 (or UTF-16 with its mark) reads
it. The intake never guesses: what is found here stands in the configuration for a person to confirm.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ...intake.sources.encodings import CANDIDATES, marked, oddness, unmarked_utf16
from ...intake.sources.packed import pieces

_PIECES, _LINES, _BYTES, _LETTERS = 64, 200, 500, 12


@dataclass(frozen=True)
class Encoding:
    """An encoding, and the letters that it makes of the bytes beyond ASCII.

    Examples
    --------
    >>> Encoding("cp1252", "öß").note
    'the text is not UTF-8; as cp1252 its letters beyond ASCII are: ö ß'
    """

    name: str
    letters: str

    @property
    def note(self) -> str:
        """What is told about it."""
        return f"the text is not UTF-8; as {self.name} its letters beyond ASCII are: {' '.join(self.letters)}"


def encoding_of(path: Path) -> Encoding | None:
    """The likely encoding of a text file, or None where it needs none to be said; some hundred megabytes are read."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    for number, piece in enumerate(islice(pieces(path), _PIECES)):
        if number == 0 and marked(piece):
            return None
        if number == 0 and (wide := unmarked_utf16(piece[:10_000])):
            return Encoding(wide, "")
        pending = decoder.getstate()[0]
        try:
            decoder.decode(piece)
        except UnicodeDecodeError:
            return likely(pending + piece)
    return None


def likely(begin: bytes) -> Encoding:
    """The encoding in which bytes look most like writing.

    Examples
    --------
    >>> likely("Größe;Zürich".encode("cp1252")).name, likely("تهران".encode("cp1256")).name
    ('cp1252', 'cp1256')
    """
    odd = [line[:_BYTES] for line in begin.splitlines() if not line.isascii()][:_LINES]
    sample = b"\n".join(odd)
    found = []
    for rank, name in enumerate(CANDIDATES):
        try:
            text = sample.decode(name)
        except UnicodeDecodeError:
            continue
        found.append((oddness(text), rank, name, text))
    _, _, name, text = min(found, default=(0, 0, CANDIDATES[0], sample.decode(CANDIDATES[0], "replace")))
    letters = dict.fromkeys(c for c in text if not c.isascii() and c.isalpha())
    return Encoding(name, "".join(letters)[:_LETTERS])
