"""A text file before it is read: in which encoding it is, what it hashes to, how its lines end.

In: a path, and the encoding if the user tells it. Out: `Scan`, from one pass over the bytes; its `Text` gives the lines
in UTF-8 without a mark, a block of whole lines at a time. Text that cannot be decoded is an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import DataError
from .embedded import file_sha256
from .encodings import UTF8, as_utf8, checked, marked, unmarked_utf16
from .packed import is_packed, pieces

LONGEST = 1 << 26
"""No line is longer than so many bytes."""

_HEAD = 1 << 16


@dataclass(frozen=True)
class Text:
    """The text of a file, in UTF-8 whatever it was written in.

    Parameters
    ----------
    path : Path
    encoding : str
    mark : int
        The bytes at the beginning that only tell the encoding.
    returns : bool
        Whether lines end with a carriage return alone; they are given with a line feed.
    """

    path: Path
    encoding: str = UTF8
    mark: int = 0
    returns: bool = False

    def pieces(self) -> Iterator[bytes]:
        """The text, in pieces of any length."""
        for piece in as_utf8(self._unmarked(), self.encoding, self.path.name):
            yield piece.replace(b"\r", b"\n") if self.returns else piece

    def _unmarked(self) -> Iterator[bytes]:
        source = pieces(self.path)
        yield next(source, b"")[self.mark :]
        yield from source

    def blocks(self) -> Generator[bytes, None, None]:
        """The text, in blocks of whole lines; the last line may lack its end."""
        rest = b""
        for piece in self.pieces():
            end = piece.rfind(b"\n") + 1
            if end:
                yield rest + piece[:end]
                rest = piece[end:]
                continue
            rest += piece
            if len(rest) > LONGEST:
                # A carriage return at the very end may belong to a line feed that comes next.
                end = rest.rfind(b"\r", 0, len(rest) - 1) + 1
                if not end:
                    raise self._endless()
                yield rest[:end]
                rest = rest[end:]
        if rest:
            yield rest

    def _endless(self) -> DataError:
        return DataError(
            f"`{self.path.name}` holds a line of more than {LONGEST:,} bytes",
            needed="a table as text, one record a line",
            do="check how the file is made; it is no text file, or lost its line ends",
            code="RG151",
        )


def cut(block: bytes, size: int) -> Iterator[bytes]:
    """A block of whole lines in smaller ones, each of hardly more than a size.

    Examples
    --------
    >>> list(cut(b"a\\nbc\\nd\\n", 2))
    [b'a\\nbc\\n', b'd\\n']
    """
    start = 0
    while start < len(block):
        end = block.find(b"\n", start + size) + 1 or len(block)
        yield block[start:end]
        start = end


@dataclass(frozen=True)
class Scan:
    """What a first pass over a text file tells.

    Parameters
    ----------
    text : Text
    sha256 : str
        Of the file's bytes.
    content : str
        The SHA-256 of its text in UTF-8, without a mark: the same for a copy that is packed or in another encoding.
    filled : bool
        Whether it holds anything but white space.
    notes : tuple of str
        What was mended, and a last line without an end.
    """

    text: Text
    sha256: str
    content: str
    filled: bool
    notes: tuple[str, ...]


def scan(path: Path, encoding: str | None) -> Scan:
    """Hash a text file, prove its encoding, and see how its lines end."""
    text = text_of(path, encoding)
    digest, filled, last = hashlib.sha256(), False, b""
    feeds = returns = pairs = 0
    for piece in text.pieces():
        if not piece:
            continue
        digest.update(piece)
        filled = filled or not piece.isspace()
        if b"\r" in piece or last == b"\r":
            returns += piece.count(b"\r")
            pairs += piece.count(b"\r\n") + (last == b"\r" and piece[:1] == b"\n")
        feeds = feeds or piece.find(b"\n") + 1
        last = piece[-1:]
    content = digest.hexdigest()
    plain = text.encoding == UTF8 and not text.mark and not is_packed(path)
    text = replace(text, returns=not feeds and returns > pairs)
    notes = []
    if encoding is None and text.encoding != UTF8:
        notes.append(f"{path.name} is in {text.encoding.upper()}, and was read as such")
    if text.returns:
        notes.append(f"the lines of {path.name} end with a carriage return alone, and were read as such")
    if last not in (b"\n", b"\r"):
        notes.append(f"the last line of {path.name} has no line end; make sure that the file is not cut")
    return Scan(text, content if plain else file_sha256(path), content, filled, tuple(notes))


def text_of(path: Path, encoding: str | None) -> Text:
    """A file as text: in the encoding that is told, else in that of its mark, else in UTF-8."""
    head = _head(path)
    mark = marked(head)
    if encoding is not None:
        name = checked(encoding)
        if mark is not None and mark[0].startswith(name):
            return Text(path, *mark)
        if mark is not None:
            raise DataError(
                f"{path.name}:1 has the mark of {mark[0].upper()}, and `encoding` is `{encoding}`",
                needed="files in one encoding, or each with its mark",
                do="remove `encoding`, or give a glob of the files that are in it",
                code="RG107",
            )
        if name in ("utf-16", "utf-32"):
            raise _without_mark(path, unmarked_utf16(head) or f"{name}-le")
        return Text(path, name)
    if mark is not None:
        return Text(path, *mark)
    unmarked = unmarked_utf16(head)
    if unmarked is not None:
        raise _without_mark(path, unmarked)
    return Text(path)


def _head(path: Path) -> bytes:
    head = b""
    with closing(pieces(path)) as source:
        for piece in source:
            head += piece
            if len(head) >= _HEAD:
                break
    return head[:_HEAD]


def _without_mark(path: Path, likely: str) -> DataError:
    return DataError(
        f"{path.name}:1 seems to be UTF-16, by its NUL bytes, and has no mark that tells which",
        needed="text in UTF-8, or UTF-16 with its mark",
        do=f'add encoding = "{likely}" beside `path`, or write the file again',
        code="RG107",
    )
