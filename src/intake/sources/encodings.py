"""In which encoding a text file is: told by its mark or by the user, never guessed.

In: bytes. Out: the same text in UTF-8. Bytes that are not text in the encoding are an error that shows how a sample of
them reads in others, the likeliest first, and what to type.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np

from ...errors import ConfigError, DataError, did_you_mean, shown

UTF8 = "utf-8"
_FEED = ord("\n")
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""The longer marks before those that they begin with."""

CANDIDATES = (
    *("cp1252", "cp1250", "cp1251", "cp1256", "cp1254", "cp1253", "cp1255", "cp1257"),
    *("cp874", "koi8-r", "shift_jis", "euc_kr", "gb18030", "big5"),
)
"""What exports are written in, the more frequent first. ISO-8859 is not named: the code pages hold it, and more."""

_SAMPLE_LINES, _SAMPLE_BYTES = 20, 2_000
_NUMBER = re.compile(r"\d{4,}")
"""What may be an id; how letters read is seen without it."""


def marked(head: bytes) -> tuple[str, int] | None:
    """The encoding that the mark at the beginning of a file tells, and the length of the mark.

    Examples
    --------
    >>> marked(b"\\xff\\xfei\\0d\\0"), marked(b"id,when")
    (('utf-16-le', 2), None)
    """
    return next(((name, len(mark)) for mark, name in _MARKS if head.startswith(mark)), None)


def unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 without a mark, by its zeros: among Latin letters, digits and commas every second byte is one.

    Examples
    --------
    >>> unmarked_utf16("id,when\\n".encode("utf-16-be")), unmarked_utf16(b"id,\\0when\\n")
    ('utf-16-be', None)
    """
    even, odd = head[::2].count(0), head[1::2].count(0)
    if even + odd < len(head) / 5 or min(even, odd) > (even + odd) / 20:
        return None
    likely = "utf-16-be" if even > odd else "utf-16-le"
    # Zeros strewn into other text hardly ever stand before a line feed and at even distances.
    return likely if "\n" in head.decode(likely, "replace").replace("\r", "\n") else None


def checked(name: str) -> str:
    """The name of an encoding, if Python knows it as one of text.

    Examples
    --------
    >>> checked("Windows-1256")
    'cp1256'
    """
    try:
        "a".encode(name)
        return codecs.lookup(name).name.removesuffix("-sig")
    except (LookupError, ValueError):
        raise ConfigError(
            f"`encoding` is `{name}`, which is no encoding of text",
            needed='a name that Python knows, such as "cp1252" or "utf-16-le"',
            do=did_you_mean(name, ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "iso-8859-9", *CANDIDATES)),
            code="RG152",
        ) from None


def n_feeds(text: bytes) -> int:
    """How many line feeds there are; twice as fast as `bytes.count`.

    Examples
    --------
    >>> n_feeds(b"a\\nb\\n")
    2
    """
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == _FEED))


def as_utf8(pieces: Iterable[bytes], encoding: str, file: str) -> Iterator[bytes]:
    """The text in UTF-8, piece by piece.

    Raises
    ------
    DataError
        Bytes that are not text in this encoding.

    Examples
    --------
    >>> b"".join(as_utf8([b"\\xca", b"a"], "cp1256", "a.csv")).decode()
    'تa'
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    lines = 0
    for piece in pieces:
        plain = encoding == UTF8 and piece.isascii() and not decoder.getstate()[0]
        text = piece if plain else _decoded(decoder, piece, lines, encoding, file).encode()
        yield text
        lines += n_feeds(text)
    yield _decoded(decoder, b"", lines, encoding, file).encode()


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, lines: int, encoding: str, file: str) -> str:
    pending = decoder.getstate()[0]
    try:
        return decoder.decode(piece, final=not piece)
    except UnicodeError as error:
        seen = bytes(pending) + piece
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = lines + 1 + seen[:start].decode(encoding, "replace").count("\n")
        readings = list(_readings(seen, start, encoding))
        likely = readings[0][0] if readings else CANDIDATES[0]
        raise DataError(
            f"{file}:{line} is not {encoding.upper()}",
            needed="text in UTF-8, or the encoding that it is in",
            do=f'add encoding = "{likely}" beside `path`, or whichever reads right',
            offending=[f"as {name}: {_NUMBER.sub('...', shown(text))!r}" for name, text in readings],
            code="RG107",
        ) from None


def _readings(seen: bytes, start: int, wrong: str) -> Iterator[tuple[str, str]]:
    """The candidates in which the bytes are text, with how the first bad piece reads; the likeliest first."""
    begin = max(seen.rfind(b"\n", 0, start) + 1, start - 20)
    piece = seen[begin : start + 20].split(b"\n")[0].rstrip(b"\r")
    odd = [line[:_SAMPLE_BYTES] for line in seen[begin : begin + 100_000].split(b"\n") if not line.isascii()]
    sample = b"\n".join(odd[:_SAMPLE_LINES])
    found: list[tuple[int, int, str]] = []
    for rank, name in enumerate(CANDIDATES):
        try:
            found.append((oddness(sample.decode(name)), rank, name))
        except UnicodeDecodeError:
            continue
    shown: set[str] = {wrong}
    for _, _, name in sorted(found):
        text = piece.decode(name, "replace")
        if text not in shown and name != wrong:
            shown.add(text)
            yield name, text


def oddness(text: str) -> int:
    """How many pairs of neighbours do not look like writing: scripts mixed in a word, capitals after small letters.

    Examples
    --------
    >>> oddness("Zürich"), oddness("تهران"), oddness("ÊåÑÇä")
    (0, 0, 5)
    """
    return sum(_odd(a, b) for a, b in pairwise(text) if not (a.isascii() and b.isascii()))


def _odd(a: str, b: str) -> int:
    if a.isalpha() and b.isalpha():
        one, other = _script(a), _script(b)
        if one != other:
            return 1
        return int(a.islower() and b.isupper()) + int(one == "LATIN" and not a.isascii() and not b.isascii())
    return sum(not c.isascii() and unicodedata.category(c)[0] in "CS" for c in (a, b))


def _script(letter: str) -> str:
    return unicodedata.name(letter, "NONE").split()[0]
