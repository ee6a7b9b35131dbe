"""The one name that readers follow: which ledger of a [data] section is the present one.

In: the folder of all ledgers, a [data] section's key, a whole ledger. Out: one small file a section, replaced in one
step after the ledger is there whole: it names the ledger, when it was read and from what. Who reads it need not look at
the sources; where there is none, nothing has been built under this section yet.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..config import Config
from ..disk.publish import replaced
from ..errors import StorageError
from .ledger import Ledger, folder_of, open_ledger
from .outcome import data_key
from .privacy import Door

_BEGIN, _END = "current-", ".json"
_NAME = re.compile(r"[0-9a-f]{8,64}(-[a-z]+)?")


def ledgers_of(config: Config) -> Path:
    """The folder of all ledgers of the configurations in one folder."""
    return config.folder / ".regulars" / "ledger"


def current_ledger(config: Config) -> Ledger | None:
    """The newest ledger that was published under the configuration's [data] section, whatever the sources are now.

    Nothing is built, nothing but the ledger is read and no lock is needed: while a newer one is being built this is the
    one before.

    Returns
    -------
    Ledger or None
        None where none was ever built under this section.

    Raises
    ------
    StorageError
        There should be one, and it is damaged or gone.

    Examples
    --------
    >>> current_ledger(Config.of()) is None
    True
    """
    root = ledgers_of(config)
    if not root.is_dir():
        return None
    key = data_key(config, Door.of(config).facts)
    named = pointed(root, key)
    if named is None:
        return None
    try:
        return open_ledger(named)
    except StorageError:
        later = pointed(root, key)  # Replaced, and the one before removed, after we had read the name.
        if later is None or later == named:
            raise
        return open_ledger(later)


def pointed(root: Path, data: str) -> Path | None:
    """The folder of the present ledger of a [data] section; None where there is none."""
    path = root / f"{_BEGIN}{data}{_END}"
    try:
        return root / _named_in(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(
            f"`{path}` does not name a ledger: {error}",
            do="build the ledger again, as by `regulars check`: the source is not changed by that",
            code="RG213",
        ) from None


def _named_in(path: Path) -> str:
    name = json.loads(path.read_text(encoding="utf-8"))["ledger"]
    if not _NAME.fullmatch(name):
        raise ValueError("the name is no ledger's")
    return str(name)


def all_pointed(root: Path) -> set[Path]:
    """The present ledgers of all [data] sections."""
    found = set()
    for path in root.glob(f"{_BEGIN}*{_END}"):
        try:
            found.add(root / _named_in(path))
        except (OSError, ValueError, TypeError, KeyError):
            continue  # It is written anew by the next build under its section.
    return found


def point(root: Path, data: str, ledger: Ledger) -> None:
    """Make a whole ledger the present one of its [data] section."""
    manifest = ledger.manifest
    content = {
        "ledger": folder_of(ledger).name,
        "read_time": manifest.read_time,
        "fingerprint": manifest.fingerprint,
        "sources": [{"file": s.file, "sha256": s.sha256} for s in manifest.sources],
    }
    text = json.dumps(content, indent=1) + "\n"
    replaced(root / f"{_BEGIN}{data}{_END}", lambda waiting: waiting.write_text(text, encoding="utf-8"))


def is_pointed(root: Path, data: str, ledger: Ledger) -> bool:
    """Whether a ledger is the present one of a [data] section."""
    try:
        return pointed(root, data) == folder_of(ledger)
    except StorageError:
        return False
