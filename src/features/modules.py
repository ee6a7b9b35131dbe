"""Feature families of the user's own: plain decorated functions in files that the configuration names.

In: files, or their text as it travels with a model. Out: families in the catalogue. A file is run once, under a private
name, and stands alone: it may import what is installed, not its neighbours. Whatever goes wrong in it is a
`ConfigError` that names file and line. What a family yields is checked on the way: one number per row, missing is NaN.
"""

from __future__ import annotations

import hashlib
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import ConfigError, RegularsError, did_you_mean
from . import family as catalogue
from .family import Family, Feature, families
from .lines import MONEYS, TEXTS
from .measures import MEASURES
from .past import Past
from .reference import Reference

ALONE = "a file of features stands alone: import what is installed, and put the rest into the file itself"
MEND = "mend the file; `regulars features CONFIG --verify` tries it on made-up purchases"
DIVIDE = "regulars.features.past.ratio(part, whole) is missing where whole is not above 0"
SMALLER = "give it another unit, or take its logarithm"
LARGEST = float(np.finfo(np.float32).max)
"""Features are kept as 32-bit floats."""
KEYS = ("customer_id", "cutoff")
"""Columns of the panel that are no features."""


@dataclass(frozen=True)
class Source:
    """A file of feature families: what it is called in messages, and its text.

    Examples
    --------
    >>> Source("mine.py", "x = 1").name.startswith("regulars_user_")
    True
    """

    file: str
    text: str

    @classmethod
    def read(cls, file: str) -> Source:
        """From disk.

        Raises
        ------
        ConfigError
            When there is no such file, or it is not text.
        """
        try:
            return cls(file, Path(file).read_text(encoding="utf-8"))
        except FileNotFoundError:
            hint = "paths in [features] modules start at the folder of the configuration"
            raise ConfigError(f"there is no file `{file}`", do=hint, code="RG035") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"`{file}` cannot be read: {error}", code="RG035") from None

    @property
    def name(self) -> str:
        """The module's private name; another text is another module."""
        return "regulars_user_" + hashlib.sha256(f"{self.file}\n{self.text}".encode()).hexdigest()[:16]

    def where(self, error: BaseException) -> str:
        """File, line and text of the line at which an error arose."""
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == self.file]
        number = error.lineno if isinstance(error, SyntaxError) and not lines else (lines or [None])[-1]
        if number is None:
            return self.file
        written = self.text.splitlines()
        shown = f" (`{written[number - 1].strip()}`)" if 0 < number <= len(written) else ""
        return f"{self.file}, line {number}{shown}"

    def refused(self, error: BaseException, what: str) -> ConfigError:
        """An error in the file in the house's words."""
        at = f"{what} {self.where(error)}"
        if isinstance(error, RegularsError):
            return ConfigError(
                f"{at}: {error.found}", needed=error.needed, do=error.do, offending=error.offending, code=error.code
            )
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        return ConfigError(f"{at}: {type(error).__name__}: {said}", do=_hint(error), code="RG036")


def _hint(error: BaseException) -> str:
    """What the commonest mistakes come from."""
    if isinstance(error, ImportError):
        return ALONE
    if isinstance(error, KeyError):
        near = did_you_mean(str(error.args[0]), MEASURES) if error.args else ""
        known = not near.startswith("did you mean") or error.args[0] in (*MONEYS, *TEXTS)
        return "ask past.has(column) first: only columns that are asked for are read" if known else near
    if isinstance(error, ValueError) and "tuple.index" in str(error):
        return "kinds and channels that the ledger may lack are asked for first: past.shape.kinds, past.shape.channels"
    return MEND


@dataclass(frozen=True)
class UserFamily:
    """A family's function in a source, found again by its name: it can be sent to another process."""

    source: Source
    name: str

    def __call__(self, past: Past, reference: Reference) -> Iterator[Feature]:
        """What the function yields, checked."""
        what = f"the family `{self.name}` stopped at"
        try:
            for feature in _imported(self.source)[self.name].function(past, reference):
                if unfit := unfit_for(feature, past.n_rows):
                    found = f"the family `{self.name}` ({self.source.file}): {unfit}"
                    do = DIVIDE if "infinite" in unfit else (SMALLER if "beyond" in unfit else "")
                    raise _Refused(found, needed="a Feature with one finite number per row", do=do, code="RG037")
                yield feature
        except _Refused:
            raise
        except Exception as error:
            raise self.source.refused(error, what) from error


class _Refused(ConfigError):
    """Said already in the house's words."""


def unfit_for(feature: Any, n_rows: int) -> str:
    """Why something that was yielded is no feature of so many rows; empty when it is one.

    Examples
    --------
    >>> unfit_for(Feature("x", "days", "y", np.zeros(2)), 3)
    '`x` has values of shape (2,) for 3 rows'
    """
    if not isinstance(feature, Feature):
        return f"{type(feature).__name__} was yielded"
    # The types are only hints to whoever wrote the file.
    name: Any = feature.name
    values: Any = feature.values
    texts: tuple[Any, ...] = (feature.unit, feature.meaning, feature.missing)
    if not isinstance(name, str) or not name.isidentifier() or name in KEYS:
        return f"{name!r} is no name of a feature"
    if not all(isinstance(text, str) and text for text in texts):
        return f"`{name}` lacks a unit, a meaning, or what missing means"
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub":
        kind = f"of type {values.dtype}" if isinstance(values, np.ndarray) else f"as {type(values).__name__}"
        return f"`{name}` has values {kind}"
    if values.shape != (n_rows,):
        return f"`{name}` has values of shape {values.shape} for {n_rows} rows"
    # Whole numbers cannot be infinite, and none of them is too large.
    if values.dtype.kind == "f" and bool((np.abs(values) > LARGEST).any()):
        infinite = bool(np.isinf(values).any())
        what = "infinite" if infinite else f"beyond {LARGEST:.1e}, which no feature can hold,"
        return f"`{name}` is {what} for {int((np.abs(values) > LARGEST).sum())} of {n_rows} rows"
    return ""


def register(files: Sequence[str]) -> tuple[str, ...]:
    """Put the families of some files into the catalogue; their names, in order.

    Families of files that were registered before and are not among these stay known by name, but are not used by
    default any more: they belong to another configuration.

    Raises
    ------
    ConfigError
        When a file is missing or broken, holds no family, or one whose name is taken.
    """
    return register_sources(sources_of(files))


def sources_of(files: Sequence[str]) -> tuple[Source, ...]:
    """The files as text: what must travel with a model that learnt from their families."""
    return tuple(Source.read(file) for file in files)


def register_sources(sources: Sequence[Source]) -> tuple[str, ...]:
    """The same as `register`, from text."""
    families()
    found: dict[str, Family] = {}
    for source in sources:
        mine = _imported(source)
        taken = sorted(set(mine) & set(found))
        if taken:
            raise ConfigError(f"`{source.file}` has a family `{taken[0]}`, as another file does", code="RG030")
        for name, family in mine.items():
            found[name] = Family(name, UserFamily(source, name), family.default)
    with _LOCK:
        known = catalogue._REGISTERED
        for name, family in list(known.items()):
            if isinstance(family.function, UserFamily):
                known[name] = replace(family, default=False)
        for name, family in found.items():
            if name in known and not isinstance(known[name].function, UserFamily):
                raise ConfigError(f"there is already a feature family `{name}`", code="RG030")
            known.pop(name, None)
            known[name] = family
    return tuple(found)


def user_families() -> tuple[Family, ...]:
    """The families that are registered and not ours."""
    return tuple(f for f in catalogue.all_families() if f.name not in catalogue.BUILT_IN)


_LOCK = threading.RLock()


@lru_cache(maxsize=256)
def _imported(source: Source) -> dict[str, Family]:
    """Run a source under its private name; the families that it registers, by name."""
    families()
    with _LOCK:
        known = catalogue._REGISTERED
        before = dict(known)
        # Of other files nothing is in the way: whether names clash is settled when they are registered together.
        for name in [n for n, f in before.items() if isinstance(f.function, UserFamily)]:
            del known[name]
        there = set(known.values())
        try:
            _run(source)
            mine = {name: family for name, family in known.items() if family not in there}
        finally:
            known.clear()
            known.update(before)
    if not mine:
        needed = 'a generator of features under @family("name")'
        raise ConfigError(f"`{source.file}` registers no feature family", needed=needed, code="RG035")
    return mine


def _run(source: Source) -> None:
    module = ModuleType(source.name)
    module.__file__ = source.file
    # Known by its name while it runs, as decorators of classes expect.
    sys.modules[source.name] = module
    try:
        exec(compile(source.text, source.file, "exec", dont_inherit=True), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[source.name]
        raise source.refused(error, "the features in") from error
