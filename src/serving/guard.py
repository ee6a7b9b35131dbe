"""Who is let in: callers with a key, or those on this machine.

In: keys from the environment or a file, the address to listen on, the headers of a request. Out: nothing, or a
refusal: a `ConfigError` before the server starts, a `Problem` for a caller. Only hashes of keys are kept, and they are
compared in constant time, all of them each time. Without any key nobody but this machine may call.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Self

from ..errors import ConfigError, StorageError
from .problems import Problem

SHORTEST = 16
_KEY = re.compile(r"[\x21-\x7e]+")
_PORT = re.compile(rb":\d{1,5}$")


@dataclass(frozen=True)
class Keys:
    """The keys of an endpoint, as hashes.

    Parameters
    ----------
    digests : tuple of bytes

    Examples
    --------
    >>> keys = Keys.of("correct-horse-battery")
    >>> keys.known(b"correct-horse-battery"), keys.known(b"correct-horse")
    (True, False)
    """

    digests: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, *keys: str) -> Self:
        """Keys as they are sent.

        Raises
        ------
        ConfigError
            For a key that is short, or holds what no header can.
        """
        for key in keys:
            if len(key) < SHORTEST or not _KEY.fullmatch(key):
                raise ConfigError(
                    "a key for the endpoint cannot be used",
                    needed=f"at least {SHORTEST} visible ASCII characters",
                    do="make one with `openssl rand -hex 24`",
                    code="RG386",
                )
        return cls(tuple(_digest(key.encode()) for key in keys))

    @classmethod
    def from_environment(cls, variable: str, environ: Mapping[str, str]) -> Self:
        """Those in a variable, or in the file that the variable with `_FILE` behind its name names.

        Raises
        ------
        ConfigError
            When both are set, the file holds no key, or a key cannot be used.
        StorageError
            When the file cannot be read.
        """
        return cls.of(*keys_of(variable, environ))

    def __bool__(self) -> bool:
        return bool(self.digests)

    def known(self, key: bytes) -> bool:
        """Whether it is one of them."""
        digest, found = _digest(key), False
        for one in self.digests:
            found |= hmac.compare_digest(one, digest)
        return found

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Let a request in.

        Raises
        ------
        Problem
            401 without a key, 403 with another one.
        """
        if not self.digests:
            return
        sent = _sent(headers)
        if sent is None:
            raise Problem(
                401,
                "send the key as `Authorization: Bearer KEY`, or as `X-API-Key: KEY`",
                "RG386",
                headers={"www-authenticate": "Bearer"},
            )
        if not self.known(sent):
            raise Problem(403, "the key that was sent is none of those that are let in", "RG386")


def keys_of(variable: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The keys themselves, as `Keys.from_environment` finds them.

    Examples
    --------
    >>> keys_of("REGULARS_API_KEY", {"REGULARS_API_KEY": "the-first-of-them the-second-of-them"})
    ('the-first-of-them', 'the-second-of-them')
    """
    told, path = environ.get(variable, "").split(), environ.get(f"{variable}_FILE", "")
    if not path:
        return tuple(told)
    if told:
        raise ConfigError(f"both {variable} and {variable}_FILE are set", needed="one of them", code="RG386")
    try:
        told = Path(path).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        raise StorageError(f"the file that {variable}_FILE names cannot be read", code="RG386") from None
    if not told:
        raise ConfigError(f"the file that {variable}_FILE names holds no key", code="RG386")
    return tuple(told)


def _digest(key: bytes) -> bytes:
    return sha256(key).digest()


def _sent(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The key in the headers of a request."""
    scheme, _, rest = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer" and rest.strip():
        return rest.strip()
    return headers.get(b"x-api-key") or None


def check_address(host: str, keys: Keys, insecure: bool) -> None:
    """Refuse to listen where others could call without a key.

    Raises
    ------
    ConfigError
        For such an address (RG385), and for one that there is not (RG384).

    Examples
    --------
    >>> check_address("127.0.0.1", Keys(), insecure=False)
    """
    if not keys and not insecure and not is_loopback(host):
        raise ConfigError(
            f"others than this machine can reach `{host}`, and there is no key",
            needed="a key, or an address such as 127.0.0.1",
            do="set REGULARS_API_KEY (or what `key_variable` names), or say --insecure if something before it keeps"
            " strangers out",
            code="RG385",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address or name.

    Raises
    ------
    ConfigError
        When there is no such name.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        raise ConfigError(
            f"there is no address `{host}` to listen on", do="change `serve.host`", code="RG384"
        ) from None
    return all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)


def check_host(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a request that was meant for another host: a page in a browser on this machine that plays a server here.

    Raises
    ------
    Problem
        421, unless the header `Host` names this machine.

    Examples
    --------
    >>> check_host({b"host": b"127.0.0.1:8000"})
    """
    name = _PORT.sub(b"", headers.get(b"host", b"")).strip(b"[]").decode("latin-1").lower()
    if name == "localhost":
        return
    try:
        known = ipaddress.ip_address(name).is_loopback
    except ValueError:
        known = False
    if not known:
        raise Problem(421, "without a key only this machine may call, by 127.0.0.1, [::1] or localhost", "RG386")
