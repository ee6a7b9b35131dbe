"""Files in an object store or behind a web address, copied whole before they are read, through fsspec.

In: a URL such as ``s3://bucket/sales/*.csv``. Out: `Copies`, local files that only their owner can read, in
``.regulars/fetched``; they are removed when the parts made of them are gone, what a killed run left by the next run.
Names and errors never show credentials. Retries are those of the store's driver; nothing there is an error.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from glob import has_magic
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pyarrow as pa

from ...disk.whole import private
from ...errors import ConfigError, StorageError
from .parts import Part

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

DRIVERS = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
    **dict.fromkeys(("http", "https"), "aiohttp requests"),
    **dict.fromkeys(("sftp", "ssh"), "paramiko"),
    **dict.fromkeys(("oss",), "ossfs"),
    **dict.fromkeys(("oci",), "ocifs"),
    **dict.fromkeys(("ftp", "memory"), "fsspec"),
}
"""The stores that can be read, and the packages that reach them."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def is_remote(path: str) -> bool:
    """Whether a path of the configuration is a URL.

    Examples
    --------
    >>> is_remote("s3://bucket/sales.csv"), is_remote("data/sales.csv"), is_remote("C:/sales.csv")
    (True, False, False)
    """
    return _SCHEME.match(path) is not None


def masked(text: str, url: str = "") -> str:
    """A text without what may be secret in URLs: the user before an ``@``, and what follows a ``?``.

    `url` is an address whose user and query are taken out of the text wherever they stand.

    Examples
    --------
    >>> masked("GET https://me:word@host/a.csv?sig=123 failed")
    'GET https://***@host/a.csv?*** failed'
    """
    for secret in _secrets(url):
        text = text.replace(secret, "***")
    text = re.sub(r"://[^/\s'\"]*@", "://***@", text)
    return re.sub(r"(://[^\s'\"?]*)\?[^\s'\"]+", r"\1?***", text)


def _secrets(url: str) -> list[str]:
    rest = url.partition("://")[2]
    user, at, _ = rest.partition("/")[0].rpartition("@")
    query = rest.partition("?")[2] if _is_web(url) else ""
    values = [piece.partition("=")[2] for piece in query.split("&")]
    return sorted((s for s in (user if at else "", *user.split(":")[1:], query, *values) if len(s) > 3), key=len)[::-1]


class Copies:
    """Local copies of remote files; their folder goes when nothing refers to them any more, or at exit.

    Parameters
    ----------
    folder : Path
    handle : int
        Of the folder, with a lock that lasts as long as the copies: the kernel takes it back from whoever is killed.
    """

    def __init__(self, folder: Path, handle: int) -> None:
        self.files: list[Path] = []
        self._remove = weakref.finalize(self, _removed, folder, handle)

    def remove(self) -> None:
        """Take the copies away now."""
        self._remove()

    def kept_by(self, part: Part) -> Part:
        """The part of a copy, which stays as long as the part."""

        def batches(copies: Copies = self) -> Iterator[pa.Table]:
            return part.batches()

        return replace(part, batches=batches)


def fetched(url: str, folder: Path, gathers: Callable[[Path], bool]) -> Copies:
    """Copy what a URL, a glob or a remote folder names; the copies are in the order of their addresses.

    Parameters
    ----------
    url : str
        Of a scheme in `DRIVERS`.
    folder : Path
        That of the configuration; the copies are made below its ``.regulars``.
    gathers : callable
        Whether a file of this name is read when it lies in a folder that is named.

    Raises
    ------
    ConfigError
        Another kind of URL, a driver that is not installed, or nothing there.
    StorageError
        The store cannot be reached, or refuses.
    """
    store = _store(url)
    with _reported(url):
        places = _listed(store, url, gathers)
    if not places:
        raise _nothing(url)
    target, handle = _folder(folder / ".regulars" / "fetched")
    copies = Copies(target, handle)
    try:
        for number, place in enumerate(places):
            copies.files.append(_copied(store, url, place, target / str(number)))
    except BaseException:
        copies.remove()
        raise
    return copies


def _store(url: str) -> AbstractFileSystem:
    scheme = url.partition("://")[0].lower()
    if scheme not in DRIVERS or "::" in url:
        raise ConfigError(
            f"`{masked(url, url)}` is no address that can be read",
            needed=f"a path, or a URL of {', '.join(DRIVERS)}",
            do="for a file of this machine give its path" if scheme in ("file", "local") else "check `path`",
            code="RG186",
        )
    try:
        import fsspec
    except ImportError:
        raise ConfigError(
            f"`{masked(url, url)}` needs a package that is not installed: fsspec",
            needed="fsspec and the driver of the store",
            do=f"pip install 'regulars[remote]' {DRIVERS[scheme]}",
            code="RG186",
        ) from None
    try:
        with _reported(url):
            store: AbstractFileSystem = fsspec.core.url_to_fs(_bare(url))[0]
    except ImportError:
        raise ConfigError(
            f"`{masked(url, url)}` needs a driver that is not installed: {DRIVERS[scheme]}",
            needed=f"the driver of {scheme}://",
            do=f"pip install 'regulars[remote]' {DRIVERS[scheme]}",
            code="RG186",
        ) from None
    store.invalidate_cache()
    return store


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _bare(url: str) -> str:
    """A URL whose scheme is in small letters, as drivers want it."""
    scheme, mark, rest = url.partition("://")
    return scheme.lower() + mark + rest


def _listed(store: AbstractFileSystem, url: str, gathers: Callable[[Path], bool]) -> list[str]:
    """The places of the files, sorted; in a folder those that can be read."""
    if _is_web(url):
        address, _, query = url.partition("?")
        return sorted(map(str, store.glob(address))) if not query and has_magic(address) else [url]
    place = str(store._strip_protocol(_bare(url)))
    if has_magic(place):
        found = map(str, store.glob(place))
        return sorted(p for p in found if _shown(p) and store.info(p)["type"] == "file")
    if store.info(place)["type"] == "file":
        return [place]
    inside = [str(info["name"]) for info in store.ls(place, detail=True) if info["type"] == "file"]
    return sorted(p for p in inside if _shown(p) and gathers(Path(PurePosixPath(p).name)))


def _shown(place: str) -> bool:
    return not PurePosixPath(place).name.startswith((".", "_"))


def _copied(store: AbstractFileSystem, url: str, place: str, folder: Path) -> Path:
    """One file under its own name, in a folder of its own."""
    name = PurePosixPath(place.partition("?")[0] if _is_web(url) else place).name
    if name in ("", ".", "..") or not name.isprintable() or "\\" in name:
        raise ConfigError(
            f"`{masked(url, url)}` names no file", needed="the address of a file", do="check `path`", code="RG187"
        )
    copy = folder / name
    folder.mkdir(mode=0o700)
    # The driver opens it for writing, which leaves the permissions as they are.
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with _reported(url):
        store.get_file(place, str(copy))
    return copy


def _folder(root: Path) -> tuple[Path, int]:
    """A new folder for copies, locked by its handle; folders that killed runs left are removed."""
    try:
        private(root)
        for left in root.iterdir():
            _sweep(left)
        while True:
            target = root / f"{os.getpid()}-{secrets.token_hex(6)}"
            target.mkdir(mode=0o700)
            handle = os.open(target, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if target.exists():  # Nobody swept it before it was locked.
                return target, handle
            os.close(handle)
    except OSError as error:
        raise StorageError(
            f"`{root}` cannot be written: {error.strerror}", do="check space and permissions", code="RG188"
        ) from None


def _sweep(left: Path) -> None:
    """Remove a folder of copies whose lock no living process holds."""
    with suppress(OSError):
        handle = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
        else:
            _removed(left, handle)


def _removed(folder: Path, handle: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(handle)


def _nothing(url: str) -> ConfigError:
    return ConfigError(
        f"there is nothing at `{masked(url, url)}` that can be read",
        needed="the URL of a file, of a folder of them, or a glob",
        do="check `path`, and what the credentials may see",
        code="RG187",
    )


@contextmanager
def _reported(url: str) -> Iterator[None]:
    """Errors of a driver, of whatever class, as ours and without credentials."""
    try:
        yield
    except ImportError:
        raise
    except FileNotFoundError:
        raise _nothing(url) from None
    except Exception as error:
        said = masked(str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__, url)
        raise StorageError(
            f"`{masked(url, url)}` cannot be fetched: {said}",
            needed="a store that answers, and credentials that may read",
            do="check the address and the credentials in the environment, then run again",
            code="RG188",
        ) from None
