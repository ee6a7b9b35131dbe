"""The secret key of a folder, and what is hashed with it.

In: $REGULARS_KEY, the file that [privacy] names, or `.regulars/key`, which is made when it is first needed. Out: a
`Key`, whose keyed hashes (HMAC-SHA-256) tell nothing to whoever lacks it. The key itself is stored nowhere else and
never shown; `.regulars/key.fingerprint` keeps only by which keys something was made. A missing key is an error then.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..config import Config
from ..disk.lock import locked
from ..disk.publish import lock_of, replaced
from ..disk.whole import private
from ..errors import ConfigError, StorageError

VARIABLE = "REGULARS_KEY"
KEY_FILE, FINGERPRINTS_FILE = "key", "key.fingerprint"
LEAST = 32
"""Fewer characters could be guessed."""

PREFIX = "p_"
"""How every pseudonym begins; 32 hexadecimal digits follow."""


@dataclass(frozen=True)
class Key:
    """A secret key.

    Examples
    --------
    >>> one, other = Key(b"x" * 32), Key(b"y" * 32)
    >>> name = one.pseudonyms()("ann")
    >>> name == one.pseudonyms()("ann"), name == other.pseudonyms()("ann"), len(name)
    (True, False, 34)
    """

    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """What tells two keys apart and gives neither away."""
        return self._hashing("fingerprint")("")[:16]

    def pseudonyms(self) -> Callable[[str], str]:
        """A function from an id to its pseudonym."""
        hashed = self._hashing("pseudonym")
        return lambda text: PREFIX + hashed(text)[:32]

    def tombstones(self) -> Callable[[str], str]:
        """A function from an id to the mark under which it is remembered as erased."""
        return self._hashing("tombstone")

    def _hashing(self, purpose: str) -> Callable[[str], str]:
        """HMAC-SHA-256 under a key of its own for every purpose, so that no hash of one can be taken for another's."""
        own = hmac.new(self.secret, f"regulars {purpose}".encode(), hashlib.sha256).digest().ljust(64, b"\0")
        # RFC 2104, with the key's share worked out once: a million ids take half as long as with the library's objects.
        inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in own)) for pad in (0x36, 0x5C))

        def hashed(text: str) -> str:
            within, around = inner.copy(), outer.copy()
            within.update(text.encode())
            around.update(within.digest())
            return around.hexdigest()

        return hashed


def key_of(config: Config) -> Key:
    """The key of a configuration; made, for its owner only, when there is none and never was one.

    Raises
    ------
    ConfigError
        A key that is too short, readable by others, not there, or lost after it was used.
    """
    named, said = config.privacy.key_file, os.environ.get(VARIABLE, "").strip()
    own = config.folder / ".regulars" / KEY_FILE
    if named is not None:
        key = _read(config.folder / named, f"`{named}`")
    elif said:
        key = _checked(said, f"${VARIABLE}")
    elif own.exists():
        key = _read(own, "`.regulars/key`")
    else:
        key = _made(own)
    _remember(own.with_name(FINGERPRINTS_FILE), key)
    return key


def _read(path: Path, where: str) -> Key:
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError(
                f"the secret key in {where} can be read by others",
                needed="a file for its owner only",
                do=f"chmod 600 {path}",
                code="RG222",
            )
        return _checked(path.read_text(encoding="utf-8").strip(), where)
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(
            f"the secret key in {where} cannot be read: {said}",
            needed=f"a text file with the key, or ${VARIABLE}",
            do="check `key_file` under [privacy]; it starts at the configuration's folder",
            code="RG221",
        ) from None


def _checked(text: str, where: str) -> Key:
    if len(text) < LEAST:
        raise ConfigError(
            f"the secret key in {where} has {len(text)} characters",
            needed=f"at least {LEAST}, by chance",
            do="make one by: python -c 'import secrets; print(secrets.token_hex(32))'",
            code="RG220",
        )
    return Key(text.encode())


def _made(path: Path) -> Key:
    """A new key in a file that never is there by halves, nor over another one."""
    if _known(path.with_name(FINGERPRINTS_FILE)):
        raise ConfigError(
            f"the secret key is not there, though pseudonyms or erasures in `{path.parent}` were made with one",
            needed=f"the same key: in {path}, in ${VARIABLE}, or in the `key_file` of [privacy]",
            do="put it back from your backup; if it is lost, remove `.regulars`, and forget the customers again",
            code="RG223",
        )
    _private_folder(path)
    with locked(lock_of(path), "making a key"):
        if not path.exists():  # Another run made one meanwhile: that one counts.
            text = secrets.token_hex(32) + "\n"
            replaced(path, lambda waiting: waiting.write_text(text, encoding="ascii"))
    return _read(path, "`.regulars/key`")


def _private_folder(path: Path) -> None:
    try:
        private(path.parent)
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror or error}", code="RG221") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _known(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").split() if path.exists() else []


def _remember(path: Path, key: Key) -> None:
    """Note that something is made with a key."""
    if key.fingerprint in _known(path):
        return
    _private_folder(path)
    try:
        with open(path, "a", encoding="ascii", opener=_private) as file:
            file.write(key.fingerprint + "\n")
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror or error}", code="RG221") from None
