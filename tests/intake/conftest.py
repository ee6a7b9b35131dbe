"""Small sources written by hand, and the configuration that reads them."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from regulars.config import Config

from ..warm import Warm
from .shelves import Shelf

Book = Callable[..., Config]


def packed(name: str, raw: bytes) -> bytes:
    """What a file of this name holds: packed where its ending says so."""
    if name.endswith(".zst"):
        return bytes(pa.Codec("zstd").compress(raw, asbytes=True))
    return gzip.compress(raw) if name.endswith(".gz") else raw


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Writes files (name -> text or bytes) and gives the configuration that reads them.

    Columns are `id`, `when`, `money` unless said otherwise; one file is the path itself, several are a folder.
    """

    def write(files: Mapping[str, str | bytes] | str, timezone: str = "UTC", **purchases: object) -> Config:
        named = {"a.csv": files} if isinstance(files, str) else files
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        for name, content in named.items():
            raw = content.encode() if isinstance(content, str) else content
            (folder / name).write_bytes(packed(name, raw))
        path = f"data/{next(iter(named))}" if len(named) == 1 else "data"
        mapped: dict[str, object] = {"path": path, "customer_id": "id", "purchased_at": "when", **purchases}
        if "unit_price" not in mapped:
            mapped.setdefault("amount", "money")
        config = Config.model_validate({"data": {"timezone": timezone, "purchases": mapped}})
        return config.model_copy(update={"folder": tmp_path})

    return write


@pytest.fixture
def dated(book: Book) -> Callable[..., Config]:
    """A book of one customer whose dates are given, one unit of money each."""

    def write(*dates: str, **purchases: object) -> Config:
        return book("id;when;money\n" + "".join(f"a;{d};1\n" for d in dates), **purchases)

    return write


@pytest.fixture
def priced(book: Book) -> Callable[..., Config]:
    """A book of one customer whose amounts are given, a day each."""

    def write(*amounts: str, **purchases: object) -> Config:
        lines = (f"a|2024-01-{day:02}|{amount}\n" for day, amount in enumerate(amounts, start=1))
        return book("id|when|money\n" + "".join(lines), **purchases)

    return write


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """A process that forks one child a job."""
    found = Warm("tests.intake.jobs")
    yield found
    found.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A folder with one day of purchases."""
    made = Shelf(tmp_path / "shelf")
    made.add(1)
    return made
