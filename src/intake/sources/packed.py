"""The bytes of a file, plain or packed with gzip or Zstandard.

In: a path. Out: its content in pieces, unpacked by its ending. A packed file that is cut or damaged is an error, and so
is one that cannot be read; an empty file has no pieces.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from ...errors import DataError, StorageError

PIECE = 1 << 22
_CODECS = {".gz": "gzip", ".zst": "zstd"}


def endings(*plain: str) -> tuple[str, ...]:
    """Endings, and the same of packed files.

    Examples
    --------
    >>> endings(".csv")
    ('.csv', '.csv.gz', '.csv.zst')
    """
    return tuple(ending + packed for ending in plain for packed in ("", *_CODECS))


def is_packed(path: Path) -> bool:
    """Whether a file is packed, by its ending."""
    return path.suffix.lower() in _CODECS


def pieces(path: Path) -> Generator[bytes, None, None]:
    """The content of a file, unpacked, some megabytes at a time."""
    codec = _CODECS.get(path.suffix.lower())
    try:
        with path.open("rb") as file:
            source = pa.CompressedInputStream(file, codec) if codec else file
            yield from iter(lambda: cast("IO[bytes]", source).read(PIECE), b"")
    except OSError as error:
        if codec and error.errno is None:
            raise DataError(
                f"`{path.name}` is not a whole {codec} file: {error}", do="copy the file again", code="RG106"
            ) from None
        raise StorageError(f"`{path}` cannot be read: {error}", code="RG105") from None
