"""Files behind a URL: the ledger of the local files, without a trace of the copies or of a credential."""

from __future__ import annotations

import builtins
import gc
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.config import Config
from regulars.errors import ConfigError, DataError, RegularsError, StorageError
from regulars.intake import Ledger, build_ledger
from regulars.intake.sources.found import parts_of
from regulars.intake.sources.remote import masked

A = b"id,when,money\na,2024-01-05,1\nb,2024-01-06,2.50\n"
B = b"id,when,money\nc,2024-02-05,4\n"


@pytest.fixture
def bucket() -> Iterator[Any]:
    """A store in memory with two CSV files and what does not belong to them."""
    store = fsspec.filesystem("memory")
    store.pipe({"/shop/sales/a.csv": A, "/shop/sales/b.csv": B, "/shop/sales/_done": b"", "/shop/sales/old/c.csv": A})
    yield store
    store.rm("/shop", recursive=True)


def _config(folder: Path, path: str, **purchases: object) -> Config:
    mapped = {"path": path, "customer_id": "id", "purchased_at": "when", "amount": "money", **purchases}
    return Config.model_validate({"data": {"purchases": mapped}}).model_copy(update={"folder": folder})


def _copies(folder: Path) -> list[Path]:
    gc.collect()
    return list((folder / ".regulars" / "fetched").rglob("*"))


def _local(folder: Path) -> Ledger:
    (folder / "data").mkdir()
    (folder / "data" / "a.csv").write_bytes(A)
    (folder / "data" / "b.csv").write_bytes(B)
    return build_ledger(_config(folder, "data"))


@pytest.mark.parametrize("path", ["memory://shop/sales", "memory://shop/sales/", "memory://shop/sales/*.csv"])
def test_a_folder_or_glob_of_a_store_is_the_ledger_of_the_same_local_files(
    bucket: Any, tmp_path: Path, path: str
) -> None:
    remote, local = build_ledger(_config(tmp_path, path)), _local(tmp_path)
    assert remote.manifest.sources == local.manifest.sources
    assert remote.manifest.fingerprint == local.manifest.fingerprint
    assert remote.table().equals(local.table())
    assert _copies(tmp_path) == []


def test_a_single_file_of_any_kind_is_read(bucket: Any, tmp_path: Path) -> None:
    table = pa.table({"id": ["a"], "when": ["2024-01-05"], "money": [1.5]})
    with bucket.open("/shop/one.parquet", "wb") as file:
        pq.write_table(table, file)
    ledger = build_ledger(_config(tmp_path, "MEMORY://shop/one.parquet"))
    assert (ledger.manifest.sources[0].file, ledger.manifest.money["used"]) == ("one.parquet", "1.5000")


def test_copies_are_private_and_last_as_long_as_the_parts(bucket: Any, tmp_path: Path) -> None:
    parts, _ = parts_of(_config(tmp_path, "memory://shop/sales"))
    files = [f for f in _copies(tmp_path) if f.is_file()]
    assert sorted(f.name for f in files) == ["a.csv", "b.csv"]
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    assert sum(table.num_rows for part in parts for table in part.batches()) == 3
    del parts
    assert _copies(tmp_path) == []


def test_an_error_leaves_no_copies(bucket: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"RG102.*a\.csv") as caught:
        build_ledger(_config(tmp_path, "memory://shop/sales", amount="price"))
    assert caught.value.code == "RG102"
    assert _copies(tmp_path) == []


def test_what_a_killed_run_left_is_removed_by_the_next_run_and_what_lives_is_not(bucket: Any, tmp_path: Path) -> None:
    living, _ = parts_of(_config(tmp_path, "memory://shop/sales"))
    killed = """
import os, signal, sys
from regulars.intake.sources import remote
remote._folder(remote.Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = tmp_path / ".regulars" / "fetched"
    (before,) = root.iterdir()
    assert subprocess.run([sys.executable, "-c", killed, str(root)], check=False).returncode == -signal.SIGKILL
    assert len(list(root.iterdir())) == 2
    # Copies and their folder alike: the lock of whoever was killed is gone.
    (next(f for f in root.iterdir() if f != before) / "a.csv").write_bytes(A)
    build_ledger(_config(tmp_path, "memory://shop/sales/a.csv"))
    gc.collect()
    assert list(root.iterdir()) == [before]
    assert sum(table.num_rows for part in living for table in part.batches()) == 3


def test_new_content_is_another_ledger_and_the_same_content_is_found_again(bucket: Any, tmp_path: Path) -> None:
    config = _config(tmp_path, "memory://shop/sales")
    first = build_ledger(config)
    assert build_ledger(config).folder == first.folder
    bucket.pipe("/shop/sales/b.csv", B.replace(b",4", b",5"))
    assert build_ledger(config).manifest.money["used"] == "8.5000"


def test_equal_names_in_two_folders_do_not_overwrite_each_other(bucket: Any, tmp_path: Path) -> None:
    bucket.pipe({"/shop/2023/s.csv": A, "/shop/2024/s.csv": B})
    assert build_ledger(_config(tmp_path, "memory://shop/202*/s.csv")).manifest.money["used"] == "7.5000"


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("memory://shop/none.csv", "RG187", ["memory://shop/none.csv"]),
        ("memory://shop/sales/*.parquet", "RG187", ["nothing at"]),
        ("memory://shop/sales/_done", "RG112", ["_done"]),
        ("s3://key:planted-secret@bucket/*.csv", "RG186", ["s3fs", "pip install 'regulars[remote]' s3fs", "s3://***@"]),
        ("gs://bucket/a.csv", "RG186", ["pip install 'regulars[remote]' gcsfs"]),
        ("az://bucket/a.csv", "RG186", ["adlfs"]),
        ("file:///etc/passwd", "RG186", ["give its path"]),
        ("nosuch://bucket/a.csv", "RG186", ["s3", "https"]),
        ("memory://shop/a.csv::file:///etc/passwd", "RG186", ["no address"]),
        ("memory://shop/sales/..", "RG187", []),
    ],
)
def test_an_address_that_cannot_be_read_is_refused(
    bucket: Any, tmp_path: Path, path: str, code: str, said: list[str]
) -> None:
    with pytest.raises(RegularsError) as caught:
        build_ledger(_config(tmp_path, path))
    assert caught.value.code == code
    assert [s for s in said if s not in str(caught.value)] == []
    assert "planted-secret" not in str(caught.value)
    assert _copies(tmp_path) == []


def test_a_driver_that_fails_is_reported_without_credentials(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("403 for memory://user:planted-secret@shop/sales/a.csv\nand a second line")

    monkeypatch.setattr(type(bucket), "get_file", refuse)
    with pytest.raises(StorageError, match=r"RG188.*403 for memory://\*\*\*@shop") as caught:
        build_ledger(_config(tmp_path, "memory://shop/sales/*.csv"))
    assert "planted-secret" not in str(caught.value)
    assert _copies(tmp_path) == []


def test_fsspec_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "fsspec":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"RG186.*pip install 'regulars\[remote\]' s3fs"):
        build_ledger(_config(tmp_path, "s3://bucket/a.csv"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:p@h/a.csv?X-Amz-Signature=abc&b=c", "https://***@h/a.csv?***"),
        ("s3://bucket/a?.csv", "s3://bucket/a?***"),
        ("postgresql://u:p@h:5432/d refused", "postgresql://***@h:5432/d refused"),
        ("https://u:p@ss@h/a.csv", "https://***@h/a.csv"),
        ("nothing secret? no", "nothing secret? no"),
    ],
)
def test_secrets_of_an_address_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert masked(f"{text} again 'abc' p", "https://u:longpass@h/x?sig=longsignature").startswith(shown)
    hidden = masked("bad longpass, longsignature", "https://u:longpass@h/x?sig=longsignature")
    assert hidden == "bad ***, ***"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server of this machine over a folder with one CSV file."""
    pytest.importorskip("aiohttp")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "a.csv").write_bytes(A)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path / "web")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_web_address_is_read_and_its_signature_never_shown(web: str, tmp_path: Path) -> None:
    ledger = build_ledger(_config(tmp_path, f"{web}/a.csv?signature=planted-secret"))
    assert (ledger.manifest.sources[0].file, ledger.manifest.money["used"]) == ("a.csv", "3.5000")
    assert "planted-secret" not in ledger.manifest.to_json()
    with pytest.raises(ConfigError, match="RG187") as caught:
        build_ledger(_config(tmp_path, f"{web}/none.csv?signature=planted-secret"))
    assert "planted-secret" not in str(caught.value)
    with pytest.raises(StorageError, match="RG188"):
        build_ledger(_config(tmp_path, "http://127.0.0.1:9/a.csv"))
    assert _copies(tmp_path) == []
