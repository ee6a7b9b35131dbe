"""Who was forgotten: a file of keyed hashes that every later intake obeys.

In: a folder's `.regulars/tombstones`. Out: `Tombstones`, which tell whether an id was erased, or which erased id stands
in a text that could not be split into fields. No id is in the file, only its keyed hash, its length, which is needed
to look for it in such texts, and the day. A file that cannot be read stops the run: nobody comes back by accident.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from ..disk.publish import replaced
from ..errors import ConfigError, StorageError
from .keys import Key

FILE = "tombstones"
FORMAT = 1


@dataclass(frozen=True)
class Tombstone:
    """One erased id: its keyed hash, its number of characters, the day (YYYY-MM-DD)."""

    hash: str
    length: int
    date: str


@dataclass(frozen=True)
class Tombstones:
    """All erased ids of a folder, and the fingerprint of the key that hashed them.

    Examples
    --------
    >>> key = Key(b"x" * 32)
    >>> stones = Tombstones().plus(key, ["ann"], "2026-01-31")
    >>> stones.among(key, ["bob", "ann"]), stones.inside(key, "7;ann;3"), stones.inside(key, "7;annika;3")
    (['ann'], 'ann', None)
    """

    key: str = ""
    erased: tuple[Tombstone, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.erased)

    @cached_property
    def _hashes(self) -> frozenset[str]:
        return frozenset(stone.hash for stone in self.erased)

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return tuple(sorted({stone.length for stone in self.erased}))

    @property
    def digest(self) -> str:
        """A hash of all of them, in no order."""
        return hashlib.sha256(" ".join(sorted(self._hashes)).encode()).hexdigest()[:20]

    def among(self, key: Key, ids: Sequence[str]) -> list[str]:
        """Those of the cleaned ids that were erased."""
        hashed = key.tombstones()
        return [i for i in ids if len(i) in self._lengths and hashed(i) in self._hashes]

    def inside(self, key: Key, text: str) -> str | None:
        """An erased id that stands in a text, apart from letters and digits around it."""
        hashed = key.tombstones()
        plain = unicodedata.normalize("NFC", text)
        return next((piece for piece in self._pieces(plain) if hashed(piece) in self._hashes), None)

    def _pieces(self, text: str) -> Iterator[str]:
        inner = [a.isalnum() and b.isalnum() for a, b in itertools.pairwise(text)]
        starts = [0, *(i + 1 for i, within in enumerate(inner) if not within)]
        ends = {*(i + 1 for i, within in enumerate(inner) if not within), len(text)}
        for length in self._lengths:
            yield from (text[s : s + length] for s in starts if s + length in ends)

    def plus(self, key: Key, ids: Sequence[str], date: str) -> Tombstones:
        """With further erased ids."""
        hashed = key.tombstones()
        new = {h: Tombstone(h, len(i), date) for i in ids if (h := hashed(i)) not in self._hashes}
        return Tombstones(key.fingerprint, (*self.erased, *new.values()))

    def check_key(self, key: Key) -> None:
        """Refuse a key that did not make these, under which nobody would be recognised."""
        if self and key.fingerprint != self.key:
            raise ConfigError(
                f"{len(self.erased)} customers were erased under another secret key and would come back under this one",
                needed=f"the key of fingerprint {self.key}; this one has {key.fingerprint}",
                do="give the key that was used then; or remove `.regulars/tombstones` and forget them again",
                code="RG224",
            )

    @classmethod
    def read(cls, folder: Path) -> Tombstones:
        """Those of a configuration's folder; none where there is no file."""
        path = folder / ".regulars" / FILE
        try:
            content = json.loads(path.read_text(encoding="ascii"))
            if content["format"] != FORMAT:
                raise ValueError("another format")
            return cls(str(content["key"]), tuple(Tombstone(**stone) for stone in content["erased"]))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{path} cannot be read: {error}",
                needed="the record of erased customers, so that nobody comes back",
                do="put it back from your backup",
                code="RG225",
            ) from None

    def write(self, folder: Path) -> None:
        """Replace the file in one step, for its owner only."""
        path = folder / ".regulars" / FILE
        content = {"format": FORMAT, "key": self.key, "erased": [asdict(stone) for stone in self.erased]}
        text = json.dumps(content, indent=1) + "\n"
        replaced(path, lambda waiting: waiting.write_text(text, encoding="ascii"))
