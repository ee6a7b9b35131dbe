"""One wave of a campaign: who was meant to get what, who got what, and why not, sealed on the day it was assigned.

In: a folder of `decisions/waves`. Out: the decisions as a table, the policy for the endpoint, the figures of the plan,
the responses that it was reckoned with, and facts of what it was made from. Nothing of it ever changes, but that
`forget` takes persons out and seals it anew. Missing files, and files that are not as they were sealed, are errors.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from ...clock import Cutoff
from ...errors import StorageError

DECISIONS, POLICY, PLAN = "decisions.parquet", "policy.json", "plan.json"
RESPONSES, FACTS, MANIFEST = "responses.json", "wave.json", "manifest.json"
FILES = (DECISIONS, POLICY, PLAN, RESPONSES, FACTS)
"""What every wave holds beside its manifest."""
LATER = frozenset({"items"})
"""Columns of decisions that waves do not have which were assigned before there were such."""
NAME = re.compile(r"([a-z0-9][a-z0-9-]{0,49})-(\d{4}-\d{2}-\d{2})-([0-9a-f]{8})")

Rows = Literal["all", "given", "ghosts"]
_ROWS: Mapping[Rows, Any] = {
    "all": None,
    "given": [("offer", "!=", "")],
    "ghosts": [("offer", "==", ""), ("meant_offer", "!=", ""), ("arm", "!=", "chosen")],
}


@dataclass(frozen=True)
class Wave:
    """An assigned wave.

    Parameters
    ----------
    folder : Path

    Examples
    --------
    >>> wave = Wave(Path("decisions/waves/spring-mail-2024-03-04-0a1b2c3d"))
    >>> wave.campaign, str(wave.as_of), wave.key
    ('spring-mail', '2024-03-04', '0a1b2c3d')
    """

    folder: Path

    @property
    def name(self) -> str:
        """Campaign, day and key, as the folder is called."""
        return self.folder.name

    @property
    def campaign(self) -> str:
        """The campaign's name."""
        return self._part(1)

    @property
    def as_of(self) -> Cutoff:
        """The day before which everything was known."""
        return Cutoff.parse(self._part(2))

    @property
    def key(self) -> str:
        """Eight hex digits of what it was made from."""
        return self._part(3)

    @property
    def number(self) -> int:
        """How many waves had been assigned with it."""
        return int(self.facts["number"])

    def _part(self, number: int) -> str:
        found = NAME.fullmatch(self.name)
        if found is None:
            needed = "a name such as spring-mail-2024-03-04-0a1b2c3d"
            raise StorageError(f"`{self.name}` is no wave of a campaign", needed=needed, code="RG430")
        return found[number]

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What it was made from, and how many customers it decides about: `wave.json`."""
        return self._json(FACTS)

    def path(self, name: str) -> Path:
        """Where a file of the wave lies."""
        return self.folder / name

    def policy(self) -> dict[str, Any]:
        """All that the endpoint needs to recommend as this wave did."""
        return self._json(POLICY)

    def figures(self) -> dict[str, Any]:
        """The figures of its plan."""
        return self._json(PLAN)

    def responses(self) -> dict[str, Any]:
        """What customers were expected to do."""
        return self._json(RESPONSES)

    def table(self, columns: Sequence[str] | None = None, rows: Rows = "all") -> pa.Table:
        """The decisions, in order of the customers' ids.

        Parameters
        ----------
        columns : sequence of str, optional
            Of `schema.DECISIONS`; default: all. Those of `LATER` are left out of a wave that is older than they are.
        rows : {"all", "given", "ghosts"}
            All of them; those who are given something; those who are given nothing, though something was meant for
            them, because they are compared with or explore nothing.

        Raises
        ------
        StorageError
            ``RG430``: it cannot be read.
        """
        try:
            path, asked = self.path(DECISIONS), None if columns is None else list(columns)
            if asked is not None and LATER & set(asked):
                there = pq.read_schema(path).names
                asked = [name for name in asked if name in there or name not in LATER]
            return pq.read_table(path, columns=asked, filters=_ROWS[rows])
        except (OSError, ValueError) as error:
            raise self._unreadable(DECISIONS, error) from None

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return dict(json.loads(self.path(name).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise self._unreadable(name, error) from None

    def _unreadable(self, name: str, error: Exception) -> StorageError:
        return StorageError(
            f"{name} of the wave `{self.name}` cannot be read: {error}",
            do="put it back from a backup: who was given what cannot be made again",
            code="RG430",
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest: two waves with the same digest hold the same bytes."""
        return sha256_of(self.path(MANIFEST))

    def differences(self) -> tuple[str, ...]:
        """Files that are not as they were sealed: changed, missing or added; none of a whole wave."""
        try:
            sealed = json.loads(self.path(MANIFEST).read_text(encoding="utf-8"))
            there = {f.name for f in self.folder.iterdir()} - {MANIFEST}
            if not isinstance(sealed, dict) or not set(FILES) <= set(sealed):
                return (MANIFEST,)
            same = {name for name in there & set(sealed) if _is_sealed(self.path(name), sealed[name])}
        except (OSError, ValueError):
            return (MANIFEST,)
        return tuple(sorted((there | set(sealed)) - same))

    def verified(self) -> Wave:
        """Itself, if every file is as it was sealed, and none came in addition.

        Raises
        ------
        StorageError
            ``RG431`` with the names of the files that are not.
        """
        found = self.differences()
        if found:
            raise StorageError(
                f"the wave `{self.name}` is not as it was assigned",
                needed="every file as its manifest has it, and no other",
                do="put it back from a backup: who was given what cannot be made again",
                offending=found,
                code="RG431",
            )
        return self


def _is_sealed(file: Path, digest: object) -> bool:
    return not file.is_symlink() and file.is_file() and sha256_of(file) == digest


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def in_order(waves: Iterable[Wave]) -> tuple[Wave, ...]:
    """Waves in the order in which they were assigned."""
    return tuple(sorted(waves, key=lambda wave: (wave.number, wave.name)))
