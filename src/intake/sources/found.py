"""Where a table is: a file, a folder, a glob, a URL of these, or a table in a database.

In: the configuration. Out: `Part`s in a stable order, each checked for its columns by name before anything is read.
Empty files in a folder are passed over with a note; two files with equal content, or of two kinds, are an error.
`KINDS` lists the kinds of files.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...config import Config
from ...errors import ConfigError, DataError
from ...sections import TableSection
from .csvfile import CSV
from .databases import database_part
from .excel import EXCEL
from .jsonlines import JSON_LINES
from .kinds import Kind, Reading
from .parquet import PARQUET
from .parts import Part
from .remote import fetched, is_remote, masked

KINDS: tuple[Kind, ...] = (CSV, PARQUET, JSON_LINES, EXCEL)
"""To add a kind of file: a module that makes a `Kind`, and its name here."""


def parts_of(config: Config) -> tuple[list[Part], list[str]]:
    """The parts of the configured purchases, and notes about what was passed over.

    Raises
    ------
    ConfigError
        Neither `path` nor `url`, nothing there, or a kind of source that is not supported.
    DataError
        A missing, double or unreadable column; the same file twice; nothing but empty files.
    """
    return parts_at(config.data.purchases, config.folder, "purchases")


def parts_at(section: TableSection, folder: Path, table: str) -> tuple[list[Part], list[str]]:
    """The same for the section of any table; relative paths start at `folder`."""
    mapping, reading = section.roles(), Reading.of(section)
    if section.url is not None and section.table is not None:
        return [database_part(section.url, section.table, folder, mapping)], []
    if section.path is None:
        raise ConfigError(
            f"the configuration says nowhere where the {table} are",
            needed=f"`path`, or `url` and `table`, under [data.{table}]",
            do=f'add path = "{table}.csv", or hand over a frame with Ledger.from_frame',
            code="RG115",
        )
    if is_remote(section.path):
        return _remote_parts(section.path, folder, mapping, reading)
    files = files_of(section.path, folder)
    parts, notes = parts_in(files, mapping, reading, section.path)
    return parts, notes + _left_out(folder / section.path, files)


def _remote_parts(url: str, folder: Path, mapping: Mapping[str, str], reading: Reading) -> tuple[list[Part], list[str]]:
    """The parts of the files behind a URL, whose copies last as long as the parts."""
    copies = fetched(url, folder, lambda name: any(kind.gathers(name) for kind in KINDS))
    try:
        parts, notes = parts_in(copies.files, mapping, reading, masked(url, url))
    except BaseException:
        copies.remove()
        raise
    return [copies.kept_by(part) for part in parts], notes


def parts_in(
    files: Sequence[Path], mapping: Mapping[str, str], reading: Reading, named: str
) -> tuple[list[Part], list[str]]:
    """The parts of local files of one kind, and notes; `named` is what the user calls them together."""
    kind = _one_kind(files, named)
    _check_settings(reading, kind, named)
    looks = {file: kind.look(file, mapping, reading) for file in files}
    filled = [file for file in files if looks[file].content is not None]
    if not filled:
        raise DataError(
            f"no rows: {', '.join(f'`{f.name}`' for f in files[:3])} held nothing but a header, or nothing at all",
            do="check how the files are made",
            code="RG118",
        )
    _check_twins({file: looks[file].content for file in filled})
    notes = [f"`{f.name}` is empty and was passed over" for f in files if f not in filled]
    return [part for file in filled for part in looks[file].parts()], notes


def names_of(path: Path, reading: Reading) -> list[str]:
    """The names of the columns of a local file, in their order, as they stand in it."""
    return kind_of(path).names(path, reading)


def files_of(path: str, folder: Path) -> list[Path]:
    """The files behind a path: itself, a folder's own files, or a glob's, sorted by name."""
    here = folder / path
    try:
        is_file, is_folder = here.is_file(), here.is_dir()
    except OSError as error:  # Too long a name, or no permission to look.
        raise ConfigError(
            f"`{path[:80]}` cannot be looked at: {error.strerror}",
            needed="a path that this user may read",
            do="check `path`; it starts at the configuration's folder",
            code="RG111",
        ) from None
    if is_file:
        kind_of(here)
        return [here]
    if here.is_symlink() or here.exists():
        _is_file(here)
    if is_folder:
        found = [f for f in here.iterdir() if any(kind.gathers(f) for kind in KINDS) and _is_file(f)]
        missing = f"the folder `{path}` holds no file that can be read"
    else:
        found = _globbed(folder, path) if glob.has_magic(path) else []
        missing = f"there is no file `{path}` in `{folder}`"
    files = sorted(f for f in found if not f.name.startswith((".", "_")))
    if not files:
        raise ConfigError(
            missing, needed=supported(), do="check `path`; it starts at the configuration's folder", code="RG111"
        )
    return files


def kind_of(path: Path) -> Kind:
    """The kind of a file, by its ending.

    Examples
    --------
    >>> kind_of(Path("sales.CSV.GZ")).name
    'CSV'
    """
    for kind in KINDS:
        if kind.has(path):
            return kind
    raise ConfigError(f"`{path.name}` is of no kind that can be read", needed=supported(), code="RG112")


def supported() -> str:
    """The kinds of files in words."""
    return f"a {_and([ending for kind in KINDS for ending in kind.endings], 'or')} file, a folder of them, or a glob"


def _and(words: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _one_kind(files: Sequence[Path], named: str) -> Kind:
    kinds = {kind_of(f).name: kind_of(f) for f in files}
    if len(kinds) > 1:
        raise DataError(
            f"`{named}` holds both {_and(sorted(kinds))} files",
            needed="files of one kind: the same lines often lie beside each other in two",
            do=f"give a glob of one kind, such as `{next(iter(files)).parent.name}/*{files[0].suffix}`",
            code="RG116",
        )
    return next(iter(kinds.values()))


def _check_settings(reading: Reading, kind: Kind, named: str) -> None:
    """Refuse a setting that would do nothing."""
    for setting in reading.given():
        if setting not in kind.settings:
            raise ConfigError(
                f"`{setting}` does nothing: `{named}` is {kind.name}",
                needed=f"`{setting}` only for {_and([k.name for k in KINDS if setting in k.settings])} files",
                do=f"remove `{setting}`",
                code="RG150",
            )


def _left_out(here: Path, files: list[Path]) -> list[str]:
    """What lies in a folder beside the files that are read."""
    if not here.is_dir():
        return []
    others = sorted(f.name for f in here.iterdir() if f not in files)
    return [f"not read in `{here.name}`: {', '.join(others[:5])}{', ...' if others[5:] else ''}"] if others else []


def _globbed(folder: Path, pattern: str) -> list[Path]:
    start = Path(pattern)
    base = Path(start.anchor) if start.is_absolute() else folder
    return [f for f in base.glob(str(start.relative_to(base) if start.is_absolute() else start)) if _is_file(f)]


def _is_file(path: Path) -> bool:
    """Whether a path is a file; a pipe or a link to nothing is refused, because its lines would be missing unseen."""
    if path.is_file():
        return True
    if path.is_dir() or path.name.startswith((".", "_")):
        return False
    what = "is a link to nothing" if path.is_symlink() and not path.exists() else "is neither a file nor a folder"
    raise ConfigError(
        f"`{path.name}` {what}",
        needed="a file that holds its lines and can be read twice",
        do="put the file in its place, or remove it",
        code="RG214",
    )


def _check_twins(contents: Mapping[Path, str | None]) -> None:
    seen: dict[str | None, Path] = {}
    for path, content in contents.items():
        if content in seen:
            raise DataError(
                f"`{seen[content].name}` and `{path.name}` have the same content",
                needed="every line once",
                do="remove one of the two files",
                code="RG117",
            )
        seen[content] = path
