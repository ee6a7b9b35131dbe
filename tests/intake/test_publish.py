"""A ledger is there whole or not at all, whatever happens while it is made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.config import Config
from regulars.errors import StorageError
from regulars.intake import build, build_ledger, open_ledger
from regulars.intake.publish import is_whole, published

Book = Callable[..., Config]
TEXT = "id,when,money\na,2024-01-05,1\nb,2024-01-06,2\n"
KILLED = """
import os, signal, sys
from pathlib import Path
from regulars.config import Config
from regulars.intake import build_ledger, publish

step = sys.argv[2]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if step in ("_seal", "_move"):
    setattr(publish, step, die)
config = Config.of(customer_id="id", purchased_at="when", amount="money", purchases={"path": "data/a.csv"})
config = config.model_copy(update={"folder": Path(sys.argv[1])})
build_ledger(config, lambda said: die() if said.startswith(step) else None)
"""


@pytest.mark.parametrize("step", ["sorting", "_seal", "_move"])
def test_a_kill_leaves_nothing_that_could_be_taken_for_a_ledger(book: Book, tmp_path: Path, step: str) -> None:
    config = book(TEXT)
    imports = str(Path(__file__).parents[2] / ".imports")
    paths = os.pathsep.join([imports, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), step], env={**os.environ, "PYTHONPATH": paths}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    left = list((tmp_path / ".regulars" / "ledger").iterdir())
    assert len(left) == 1
    assert left[0].name.startswith(".tmp-")
    built = build_ledger(config)
    assert built.manifest.lines["used"] == 2
    assert is_whole(Path(str(built.folder)))


def test_what_a_kill_left_is_swept_a_day_later(book: Book, tmp_path: Path) -> None:
    folder = tmp_path / ".regulars" / "ledger"
    for name, age in ((".tmp-old", 2 * 86_400), (".tmp-new", 60)):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, (time.time() - age,) * 2)
    build_ledger(book(TEXT))
    assert not (folder / ".tmp-old").exists()
    assert (folder / ".tmp-new").exists()  # Perhaps another run is at work in it.


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
    with pytest.raises(StorageError, match="No space left on device") as caught:
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
