"""The recipe of a training: all that is needed to learn the same again, without a secret and without a customer.

In: a configuration, a ledger, the trials that ran. Out: a `TrainingRecipe`, which goes with the run as recipe.json and
comes back as a configuration. ``${NAME}`` stays as it is; a password that was written out is masked, and asked for when
it is needed. What has nothing to do with learning (where scores go, who is alerted) is not in it.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .. import __version__
from ..config import Config
from ..disk.whole import private
from ..errors import ConfigError, DataError
from ..features.modules import Source
from ..intake import Ledger
from .prepare import modules_of

RECIPE = "recipe.json"
FORMAT = 1
SECTIONS = (
    *("data", "target", "panel", "features", "backtest", "budget", "economics", "lifetime", "tuning", "privacy"),
    "seed",
)
"""What of a configuration a model comes from."""
LIBRARIES = ("duckdb", "numpy", "optuna", "pandas", "pyarrow", "scikit-learn", "scipy", "xgboost", "xgboost-cpu")
"""What of other people's code a model's bytes may depend on."""
_SOURCES = ("path", "url", "table", "sheets", "encoding")
"""Where a table lies says nothing of what is learnt from it."""
_EXAMINED = ("backtest", "budget")
"""How a model is examined says nothing of what it predicts."""
MASK = "***"
_SECRET = re.compile(
    r"(?i)(\b[\w.-]*(?:pass|pwd|secret|token|key|credential)[\w.-]*=)(?!\$\{[^{}]*\}(?:[&;\s]|$))([^&;\s]+)"
)
_VARIABLE = re.compile(r"\$\{[^{}]*\}")


@dataclass(frozen=True)
class TrainingRecipe:
    """How a model was learnt, and from what.

    Parameters
    ----------
    written, resolved : dict
        The sections of the configuration that shape a model: as they were given, and with all defaults. They are not
        the same to a model that asks what was stated.
    masked : tuple of str
        Places of passwords that stood there in plain text.
    modules : tuple of Source
        The user's own feature families, as text.
    trials : tuple of int
        How many trials each study finished: churn and value at each origin, then of the final model.
    ledger : dict
        Fingerprints, days, columns and counts of the ledger.
    regulars, python, machine : str
    libraries : dict of str to str
    """

    written: Mapping[str, Any]
    resolved: Mapping[str, Any]
    masked: tuple[str, ...]
    modules: tuple[Source, ...]
    trials: tuple[int, ...]
    ledger: Mapping[str, Any]
    regulars: str
    python: str
    machine: str
    libraries: Mapping[str, str]

    @classmethod
    def of(cls, ledger: Ledger, config: Config, trials: Sequence[int] = ()) -> TrainingRecipe:
        """The recipe of a training of this process.

        Parameters
        ----------
        trials : sequence of int
            `trials.finished(trained.studies)`.
        """
        plain = _sections(config, unset=False)
        return cls(
            concealed(_sections(config, unset=True)),
            concealed(plain),
            tuple(sorted(_masked_in(plain))),
            modules_of(config),
            tuple(trials),
            facts_of(ledger),
            __version__,
            platform.python_version(),
            platform.machine(),
            libraries(),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form, to be logged as recipe.json; `from_dict` gives the same back."""
        lists = {"masked": list(self.masked), "trials": list(self.trials), "modules": [asdict(m) for m in self.modules]}
        return {"format": FORMAT, **{name: getattr(self, name) for name in self.__dataclass_fields__}, **lists}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> TrainingRecipe:
        """The inverse of `to_dict`.

        Raises
        ------
        DataError
            ``RG320`` when the content is no recipe.
        """
        try:
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']}")
            found = {name: content[name] for name in cls.__dataclass_fields__}
            found["modules"] = tuple(Source(**one) for one in content["modules"])
            found |= {"masked": tuple(content["masked"]), "trials": tuple(content["trials"])}
            return cls(**found)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"this is not the recipe of a training: {error!r}", code="RG320") from None

    def config(self, like: Config, folder: Path | None = None) -> Config:
        """The configuration again; what the recipe does not hold (nightly work, threads, passwords) as another has it.

        Parameters
        ----------
        folder : Path, optional
            Where the user's own modules are written, so that those of the recipe count and not those of today.

        Raises
        ------
        ConfigError
            ``RG321`` when the settings are none of this version's.
        """
        there = _dumped(like, unset=False)
        given = _filled(self.written, there)
        others = {name: getattr(like, name) for name in type(like).model_fields if name not in SECTIONS}
        try:
            found = Config.model_validate({**given, **others, "folder": like.folder})
            # Defaults may have changed since: what was meant then is stated, and nothing else is.
            changed = _changed(_filled(self.resolved, there), _dumped(found, unset=False), given)
            if changed != given:
                found = Config.model_validate({**changed, **others, "folder": like.folder})
        except ValidationError as error:
            places = sorted({".".join(map(str, one["loc"])) for one in error.errors()})
            raise ConfigError(
                f"the settings of a training by Regulars {self.regulars} are none of Regulars {__version__}",
                do="use that version",
                offending=places,
                code="RG321",
            ) from None
        return found if folder is None or not self.modules else _with_modules(found, self.modules, folder)

    def reading(self, like: Config) -> Config:
        """The same for whoever reads the sources again.

        Raises
        ------
        ConfigError
            ``RG322`` when a password that stood in the configuration is not there any more.
        """
        found = self.config(like)
        lacking = [place for place, value in _leaves(_dumped(found, unset=False)) if MASK in str(value)]
        if lacking:
            raise ConfigError(
                "the sources of a training are behind a password, which no recipe holds",
                needed="the same address in the configuration, with its password",
                do="write it as ${NAME} from now on: then it is asked of the environment",
                offending=lacking,
                code="RG322",
            )
        return found

    @property
    def repeated_trials(self) -> int | list[int]:
        """What `tuning.trials` must be to have the same studies again, whatever the clock says."""
        asked = self.resolved["tuning"]
        return list(self.trials) if asked["seconds"] is not None and self.trials else asked["trials"]

    @property
    def taught(self) -> dict[str, Any]:
        """What decides what a model predicts: equal where the same data would give the same predictions."""
        sections = {name: part for name, part in self.resolved.items() if name not in _EXAMINED}
        sections["data"] = _without_places(sections["data"])
        return {**sections, "modules": [m.text for m in self.modules], "columns": list(self.ledger["columns"])}

    def versions_unlike(self, other: TrainingRecipe) -> list[str]:
        """The package, the Python and the libraries that differ from another recipe's, a sentence each.

        Examples
        --------
        >>> from dataclasses import replace
        >>> one = TrainingRecipe({}, {}, (), (), (), {}, "0.1.0", "3.11.4", "x86_64", {"numpy": "2.0"})
        >>> one.versions_unlike(replace(one, libraries={"numpy": "2.1"}))
        ['numpy 2.0, not 2.1']
        """
        mine, theirs = ({"regulars": r.regulars, "Python": r.python, **r.libraries} for r in (self, other))
        found = [
            f"{name} {mine.get(name, '(not there)')}, not {theirs.get(name, '(not there)')}"
            for name in dict.fromkeys([*mine, *theirs])
            if mine.get(name) != theirs.get(name)
        ]
        machines = [f"machine {self.machine}, not {other.machine}"] if self.machine != other.machine else []
        return [*found, *machines]

    def settings_unlike(self, other: TrainingRecipe) -> dict[str, tuple[Any, Any]]:
        """The settings that differ, by their place: here, and there; None where there is none."""
        mine, theirs = (dict(_leaves(r.resolved)) for r in (self, other))
        return {
            place: (mine.get(place), theirs.get(place))
            for place in sorted({*mine, *theirs})
            if mine.get(place) != theirs.get(place)
        }


def facts_of(ledger: Ledger) -> dict[str, Any]:
    """What a recipe notes of a ledger."""
    manifest = ledger.manifest
    return {
        "fingerprint": manifest.fingerprint,
        "tables": {name: table.fingerprint for name, table in sorted(manifest.tables.items())},
        "first_day": manifest.first_day,
        "last_day": manifest.last_day,
        "history_starts": str(ledger.history_starts),
        "ends": str(ledger.ends),
        "late_rows": "known_at" in ledger.columns,
        "columns": list(ledger.columns),
        "lines": manifest.lines["used"],
        "customers": manifest.n_customers,
    }


def libraries() -> dict[str, str]:
    """The versions of the libraries that are installed here."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def concealed(value: Any) -> Any:
    """Settings in which passwords are masked; ``${NAME}`` is none.

    Examples
    --------
    >>> concealed({"url": "postgresql://ann:s3cret@db/shop?sslpassword=x", "table": "lines"})
    {'url': 'postgresql://ann:***@db/shop?sslpassword=***', 'table': 'lines'}
    >>> concealed("postgresql://ann:${PW}@db/shop")
    'postgresql://ann:${PW}@db/shop'
    """
    if isinstance(value, Mapping):
        return {key: concealed(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [concealed(part) for part in value]
    if not isinstance(value, str) or "://" not in value:
        return value
    scheme, _, rest = value.partition("://")
    login, at, host = rest.rpartition("@")
    user, colon, password = login.partition(":")
    if password and _VARIABLE.fullmatch(password) is None:
        password = MASK
    return _SECRET.sub(rf"\g<1>{MASK}", f"{scheme}://{user}{colon}{password}{at}{host}")


def _masked_in(settings: Mapping[str, Any]) -> Iterator[str]:
    """The places of what is masked."""
    hidden = dict(_leaves(concealed(settings)))
    yield from (place for place, value in _leaves(settings) if hidden[place] != value)


def data_of(config: Config) -> Any:
    """The section of the data as a recipe holds it: two that are equal describe the same ledger."""
    return concealed(_sections(config, unset=False)["data"])


def _sections(config: Config, unset: bool) -> dict[str, Any]:
    return {name: part for name, part in _dumped(config, unset).items() if name in SECTIONS}


def _dumped(config: Config, unset: bool) -> dict[str, Any]:
    """Settings as JSON knows them; those that were given, or all."""
    return config.model_dump(mode="json", exclude_unset=unset)


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Single settings by their place, such as ``data.purchases.url``."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(part, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(part, Mapping) for part in value):
        for number, part in enumerate(value):
            yield from _leaves(part, f"{place}[{number}]")
    else:
        yield place, list(value) if isinstance(value, tuple) else value


def _filled(settings: Any, there: Any) -> Any:
    """Settings in which what is masked is taken from others, where these say the same but for the password."""
    if isinstance(settings, Mapping):
        known = there if isinstance(there, Mapping) else {}
        return {key: _filled(part, known.get(key)) for key, part in settings.items()}
    if isinstance(settings, list):
        others = there if isinstance(there, list) and len(there) == len(settings) else [None] * len(settings)
        return [_filled(part, other) for part, other in zip(settings, others, strict=True)]
    return there if isinstance(settings, str) and MASK in settings and concealed(there) == settings else settings


def _changed(meant: Any, now: Any, given: Any) -> Any:
    """What was given, and beside it what was meant and would be something else now."""
    if not (isinstance(meant, Mapping) and isinstance(now, Mapping) and isinstance(given, Mapping)):
        return meant
    found = dict(given)
    for key, part in meant.items():
        if key in now and now[key] != part:
            found[key] = _changed(part, now[key], given.get(key, {}) if isinstance(part, Mapping) else None)
    return found


def _without_places(data: Mapping[str, Any]) -> Any:
    """The section of the data without where the tables lie."""
    if isinstance(data, Mapping):
        return {key: _without_places(part) for key, part in data.items() if key not in _SOURCES}
    return [_without_places(part) for part in data] if isinstance(data, list) else data


def _with_modules(config: Config, modules: Sequence[Source], folder: Path) -> Config:
    """The configuration of a folder in which the modules lie as they were; one that lay outside counts as it is now."""
    for source in modules:
        if Path(source.file).is_absolute() or ".." in Path(source.file).parts:
            if Source.read(str(config.folder / source.file)).text != source.text:
                raise ConfigError(
                    f"`{source.file}` has changed since the training",
                    do="keep modules beside the configuration: then their text travels with the model",
                    code="RG322",
                )
            continue
        file = folder / source.file
        private(file.parent)
        file.write_text(source.text, encoding="utf-8")
    return config.model_copy(update={"folder": folder})
