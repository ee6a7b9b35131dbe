"""A ledger is there whole or not at all, whatever happens while it is made."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.config import Config
from regulars.disk import lock
from regulars.disk.publish import published
from regulars.errors import StorageError
from regulars.intake import build, build_ledger, current_ledger, open_ledger, pointer

from .shelves import Shelf

Book = Callable[..., Config]
TEXT = "id,when,money\na,2024-01-05,1\nb,2024-01-06,2\n"


def test_everything_under_regulars_is_for_its_owner_alone(shelf: Shelf) -> None:
    before = os.umask(0o022)
    try:
        shelf.regulars.mkdir(mode=0o755)  # As an earlier version made it.
        build_ledger(shelf.config)
        shelf.add(2)
        build_ledger(shelf.config)
    finally:
        os.umask(before)
    modes = {name: mode for name, (mode, _) in shelf.tree().items()}
    assert {name: oct(mode) for name, mode in modes.items() if "." not in name[1:] and mode != 0o700} == {}
    assert {name: oct(mode) for name, mode in modes.items() if "." in name[1:] and mode != 0o600} == {}
    assert len(modes) > 10


def test_the_pointer_names_the_newest_ledger_when_it_was_read_and_from_what(shelf: Shelf) -> None:
    assert current_ledger(shelf.config) is None
    for day in (2, 3):
        shelf.add(day)
        ledger = build_ledger(shelf.config)
        assert current_ledger(shelf.config) == ledger
    (pointer,) = (shelf.regulars / "ledger").glob("current-*.json")
    said = json.loads(pointer.read_text())
    assert (said["ledger"], said["read_time"]) == (Path(str(ledger.folder)).name, ledger.manifest.read_time)
    assert [source["file"] for source in said["sources"]] == ["01.csv", "02.csv", "03.csv"]


def test_the_pointer_follows_the_sources_back(shelf: Shelf) -> None:
    first = build_ledger(shelf.config)
    shelf.add(2)
    build_ledger(shelf.config)
    (shelf.root / "data" / "02.csv").unlink()
    assert build_ledger(shelf.config).folder == first.folder
    assert shelf.lines() == 5


def test_another_data_section_has_a_pointer_of_its_own(shelf: Shelf) -> None:
    build_ledger(shelf.config)
    other = (shelf.root / "regulars.toml").read_text().replace("max_bad_share = 1.0", "max_bad_share = 0.9")
    (shelf.root / "regulars.toml").write_text(other)
    assert current_ledger(shelf.config) is None
    build_ledger(shelf.config)
    assert len(list((shelf.regulars / "ledger").glob("current-*.json"))) == 2


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"ledger": "../../elsewhere"}', '{"ledger": "/etc"}', '{"ledger": 7}']
)
def test_a_damaged_pointer_is_said_and_mended_by_the_next_build(shelf: Shelf, content: str) -> None:
    build_ledger(shelf.config)
    (pointer,) = (shelf.regulars / "ledger").glob("current-*.json")
    pointer.write_text(content)
    with pytest.raises(StorageError, match="RG213"):
        current_ledger(shelf.config)
    build_ledger(shelf.config)
    assert shelf.lines() == 5


def test_a_pointer_to_a_ledger_that_is_not_whole_is_an_error(shelf: Shelf) -> None:
    folder = Path(str(build_ledger(shelf.config).folder))
    (folder / "index.parquet").unlink()
    with pytest.raises(StorageError, match="no whole ledger"):
        current_ledger(shelf.config)


def test_a_reader_follows_a_pointer_that_moves_while_it_reads(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    # The ledger first named is gone when it is opened: erased, as by `forget`, after the pointer had moved.
    ledger = build_ledger(shelf.config)
    names = iter([shelf.regulars / "ledger" / "gone", ledger.folder])
    monkeypatch.setattr(pointer, "pointed", lambda *_: next(names))
    assert current_ledger(shelf.config) == ledger


def test_where_nothing_can_be_written_a_whole_ledger_is_read_all_the_same(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    ledger, said = build_ledger(shelf.config), list[str]()
    (found,) = (shelf.regulars / "ledger").glob("current-*.json")
    found.unlink()
    monkeypatch.setattr(lock, "private", read_only)
    assert build_ledger(shelf.config, said.append) == ledger
    assert any(s.startswith("reading what is there") for s in said)


@pytest.mark.parametrize("name", ["purchases.parquet", "manifest.json", "files.json"])
def test_a_damaged_ledger_is_refused_and_built_again(book: Book, name: str) -> None:
    config = book(TEXT)
    folder = Path(str(build_ledger(config).folder))
    content = (folder / name).read_bytes()
    for damage in (content[:-1], content[:-9] + bytes([content[-9] ^ 1]) + content[-8:], None):
        if damage is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(damage)
        if name != "files.json" or damage is None or len(damage) == len(content):
            with pytest.raises(StorageError, match="no whole ledger"):
                open_ledger(folder)
        assert build_ledger(config).table().num_rows == 2


def test_an_error_leaves_no_folder_behind(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build, "refine", broken)
    with pytest.raises(
        StorageError, match=r"No space left on device \([\d,]+ bytes were written, [\d,]+ bytes free"
    ) as caught:
        build_ledger(book(TEXT))
    assert caught.value.exit_code == 74
    assert list((tmp_path / ".regulars" / "ledger").iterdir()) == []


def test_a_whole_folder_made_meanwhile_stays(tmp_path: Path) -> None:
    target = tmp_path / "ledger"
    for text in ("first", "second"):
        with published(target) as temporary:
            (temporary / "a.txt").write_text(text)
    assert (target / "a.txt").read_text() == "first"
    assert [f.name for f in tmp_path.iterdir()] == ["ledger"]


def test_a_source_that_changes_while_it_is_read_is_refused(book: Book, tmp_path: Path) -> None:
    file = tmp_path / "data" / "a.csv"

    def grow(said: str) -> None:
        if said.startswith("reading"):
            file.write_text(TEXT + "c,2024-01-07,3\n")

    with pytest.raises(StorageError, match="changed while it was read"):
        build_ledger(book(TEXT), grow)
