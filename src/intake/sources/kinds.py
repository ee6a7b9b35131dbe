"""What a kind of file is to the intake: its endings, the names of its columns, and a look at a file before it is read.

In: nothing but the types. Out: `Kind`, which every module of a kind of file makes one of, and `found` lists; `Reading`,
how a file is to be read beyond its mapping; `Look`, what a file holds. A file without rows has no content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...sections import TableSection
from .parts import Part


@dataclass(frozen=True)
class Reading:
    """How files are to be read: the settings of a section that only some kinds understand.

    Parameters
    ----------
    encoding : str or None
        Of a text file; None means UTF-8, or UTF-16 with its mark.
    sheets : tuple of str
        Of a workbook.
    """

    encoding: str | None = None
    sheets: tuple[str, ...] = ()

    @classmethod
    def of(cls, section: TableSection) -> Reading:
        """What a section says about it."""
        return cls(section.encoding, section.sheets)

    def given(self) -> list[str]:
        """The settings that say something.

        Examples
        --------
        >>> Reading(encoding="cp1256").given()
        ['encoding']
        """
        return [name for name in ("encoding", "sheets") if getattr(self, name)]


@dataclass(frozen=True)
class Look:
    """What a first look at a file tells.

    Parameters
    ----------
    content : str or None
        The SHA-256 of what the file holds when it is unpacked: equal for two copies. None: it holds no rows.
    parts : callable
        Checks the columns by name and makes the parts, one a table in the file; called where there is content.
    """

    content: str | None
    parts: Callable[[], list[Part]]


@dataclass(frozen=True)
class Kind:
    """One kind of file.

    Parameters
    ----------
    name : str
        In messages: ``CSV``.
    endings : tuple of str
        In small letters; a file named in the configuration may have any of them.
    look : callable
        Looks at a file: its path, the mapping (role to column), and how it is to be read.
    names : callable
        The names of the columns of a file, in their order, as they stand in the file.
    settings : tuple of str
        The fields of `Reading` that it understands; others would do nothing, and are refused.
    strays : tuple of str
        Endings that are passed over in a folder, because other things than tables have them too.
    """

    name: str
    endings: tuple[str, ...]
    look: Callable[[Path, Mapping[str, str], Reading], Look]
    names: Callable[[Path, Reading], list[str]]
    settings: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()

    def has(self, path: Path) -> bool:
        """Whether a file is of this kind, by its ending."""
        return path.name.lower().endswith(self.endings)

    def gathers(self, path: Path) -> bool:
        """Whether a file of this kind is read when it lies in the folder that is named."""
        return self.has(path) and not path.name.lower().endswith(self.strays or ("\0",))
