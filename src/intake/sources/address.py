"""The address of a database: its variables filled in, its secrets known so that no message shows them.

In: a URL as it stands in the configuration, in which `${NAME}` stands for a variable of the environment. Out: an
`Address` whose text is for drivers only, and which masks its secrets in any other text. A variable that is not set is
an error; a URL without secrets masks nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from ...errors import ConfigError

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_SECRET_KEY = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)
_FILES = ("sqlite", "duckdb")
MASK = "***"


@dataclass(frozen=True)
class Address:
    """Where a database is.

    Parameters
    ----------
    text : str
        The URL with its password, for drivers only.
    secrets : tuple of str
        What may not be shown, the longest first.

    Examples
    --------
    >>> address = Address.of("postgresql://ann:s3cret@db/shop")
    >>> address, address.masked("no server at ann:s3cret@db")
    (Address('postgresql://ann:***@db/shop'), 'no server at ann:***@db')
    """

    text: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, url: str, environment: Mapping[str, str] | None = None) -> Address:
        """A URL with the environment's variables filled in.

        The value of a variable that is the whole URL, or that stands in the path of a file, is taken as it is; in any
        other place it is percent-encoded, so that a password may hold any character.
        """
        known = os.environ if environment is None else environment
        whole = _VARIABLE.fullmatch(url) is not None or url.startswith(_FILES)
        from_outside: list[str] = []

        def value(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in known:
                raise ConfigError(
                    f"`url` names the variable `{name}`, which is not set",
                    needed="a variable of the environment",
                    do=f"export {name}=..., or leave the password to PGPASSWORD or ~/.pgpass",
                    code="RG170",
                )
            from_outside.append(known[name])
            return known[name] if whole else quote(known[name], safe="")

        text = _VARIABLE.sub(value, url)
        return cls(text, _longest_first([*_secrets_in(text), *([] if whole else from_outside)]))

    @property
    def scheme(self) -> str:
        """What stands before ``://``, such as ``postgresql`` or ``mysql+pymysql``; empty where that is missing."""
        found = re.match(r"([A-Za-z][\w+.-]*)://", self.text)
        return found.group(1) if found else ""

    def masked(self, text: object) -> str:
        """A text without the secrets."""
        shown = str(text)
        for secret in self.secrets:
            shown = shown.replace(secret, MASK)
        return shown

    def __repr__(self) -> str:
        return f"Address({self.masked(self.text)!r})"

    def check_form(self) -> None:
        """Refuse a server's URL that an unquoted password makes ambiguous: drivers tell parts of it in their errors."""
        if self.text.startswith(_FILES):
            return
        rest = self.text.partition("://")[2]
        login = re.split(r"[/?#]", rest, maxsplit=1)[0]
        beyond = rest.removeprefix(login)
        if re.search(r"\s|%(?![0-9A-Fa-f]{2})", self.text) or login.count("@") > 1 or "@" in beyond or "#" in rest:
            raise ConfigError(
                "`url` is no URL: it holds a space, `@` or `#` where they mean nothing, or a `%` that encodes nothing",
                needed="user and password percent-encoded, such as %40 for @ and %25 for %",
                do="write the password as ${NAME} and export NAME=...: then it is encoded for you",
                code="RG171",
            )


def _secrets_in(text: str) -> Iterator[str]:
    """The password before `@`, and the values of parameters that are called like one; as written and decoded."""
    before, _, query = text.partition("?")
    login = before.partition("://")[2].rpartition("@")[0]
    found = [login.partition(":")[2]]
    # A password with a `?` of its own moves the `@` behind it.
    if "@" in query:
        found.append(text.partition("://")[2].rpartition("@")[0].partition(":")[2])
    for parameter in query.split("&"):
        key, _, value = parameter.partition("=")
        if _SECRET_KEY.search(key):
            found.append(value)
    for secret in found:
        yield secret
        yield unquote(secret)


def _longest_first(secrets: list[str]) -> tuple[str, ...]:
    every = {text for secret in secrets for text in (secret, quote(secret, safe="")) if text}
    return tuple(sorted(every, key=lambda s: (-len(s), s)))
