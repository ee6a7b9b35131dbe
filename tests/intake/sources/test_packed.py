"""Packed files: unpacked by their ending, and never read when they are not whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.config import Config
from regulars.errors import DataError
from regulars.intake import build_ledger
from regulars.intake.sources.packed import pieces

from ..conftest import packed

Book = Callable[..., Config]
MANY = ("id,when,money\n" + "".join(f"c{i},2024-01-05,{i}.5\n" for i in range(400))).encode()


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_a_packed_file_is_unpacked_and_a_cut_one_refused_wherever_it_is_cut(tmp_path: Path, ending: str) -> None:
    whole = packed(ending, MANY)
    file = tmp_path / f"a.csv{ending}"
    for length in [*range(1, len(whole), 37), len(whole) - 1]:
        file.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"`a.csv.*` is not a whole (gzip|zstd) file"):
            list(pieces(file))
    for several in (whole, whole + whole):
        file.write_bytes(several)
        assert b"".join(pieces(file)) == MANY * (len(several) // len(whole))


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zst", "a.jsonl.gz"])
@pytest.mark.parametrize("damage", [lambda raw: raw[:-20], lambda raw: raw + b"more", lambda raw: MANY])
def test_a_damaged_file_is_no_source(book: Book, tmp_path: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    config = book({name: MANY})
    file = tmp_path / "data" / name
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DataError, match="is not a whole") as caught:
        build_ledger(config)
    assert caught.value.code == "RG106"
