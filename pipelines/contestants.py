"""Two trainings asked the same: what either said out of time, at cutoffs that both can speak of without having looked.

In: the store, versions or runs. Out: an `Entry` each, and what one said at the other's cutoffs: what was kept of its
examination; else, from the day of its training on, its final bundle; else its recorded recipe, learnt again there. A
bundle is never asked of a day before its training, whose windows it has learnt from. Where nothing can be had, it is
said why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..clock import Cutoff
from ..config import Config
from ..errors import DataError, NoModel, RegularsError, StorageError
from ..intake import Ledger
from ..models.gate import Contestant
from ..models.paired import SAID, said
from ..progress import Progress
from .kept import predictions_file
from .recipe import RECIPE, TrainingRecipe
from .refit import refit

if TYPE_CHECKING:
    import pandas as pd

    from ..models.model import Model
    from ..models.registry import Registry
    from ..models.versions import Version

STORED, BUNDLE, RECIPE_AGAIN, ALIKE = "kept predictions", "final bundle", "recipe learnt again", "the same recipe"
"""Where predictions come from."""
ALIASES = ("champion", "challenger", "previous")
_RUN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Entry:
    """A training as it can be asked.

    Parameters
    ----------
    name : str
        What it is called in messages: ``version 3`` or ``run 1a2b3c4d``.
    run_id : str
    version : Version or None
        None for a run of which no version is registered.
    backtest : dict
        The figures of its examination.
    recipe : TrainingRecipe or None
        None where an older release trained it.
    features : list of dict
        Features by importance.
    trained_on : Cutoff
    """

    name: str
    run_id: str
    version: Version | None
    backtest: Mapping[str, Any]
    recipe: TrainingRecipe | None
    features: Sequence[Mapping[str, Any]]
    trained_on: Cutoff

    @property
    def horizons(self) -> tuple[int, ...]:
        """In days, the primary one first."""
        further = (int(card["horizon_days"]) for card in self.backtest["pooled"].get("horizons", ()))
        return (int(self.backtest["horizon_days"]), *further)

    @property
    def grades(self) -> dict[str, str]:
        """Of churn and value."""
        return {kind: str(found["grade"]) for kind, found in self.backtest["grade"].items()}

    @property
    def cutoffs(self) -> list[Cutoff]:
        """The days at which it was examined."""
        return [Cutoff.parse(str(part["cutoff"])) for part in self.backtest["origins"]]

    def spoken(self, predictions: pd.DataFrame) -> pd.DataFrame:
        """Predictions of a backtest by whoever speaks."""
        grade = self.backtest["grade"]
        return said(predictions, str(grade["churn"]["champion"]), str(grade["value"]["champion"]))

    def kept(self, config: Config) -> pd.DataFrame | None:
        """The out-of-time predictions of its training, by whoever speaks; None where they are not kept any more."""
        import pandas as pd

        file = predictions_file(config, self.run_id)
        return self.spoken(pd.read_parquet(file)) if file.exists() else None

    def asked(self, given: pd.DataFrame) -> Contestant:
        """Itself as the gate knows it, with what it said."""
        return Contestant(given, self.grades, self.horizons)


def entry_of(registry: Registry, model_name: str, named: str) -> Entry:
    """A training by the number of its version, by an alias, or by its run.

    Raises
    ------
    NoModel
        ``RG324`` when nothing answers to the name, or its examination is gone.
    """
    version = None
    if named in ALIASES or named.isdigit():
        version = registry.at(model_name, named)
    elif _RUN.fullmatch(named):
        version = next((v for v in registry.versions(model_name) if v.run_id == named), None)
        if version is None and _is_there(registry, named):
            return _read(registry, named, None)
    if version is None:
        known = ", ".join(v.version for v in registry.versions(model_name)) or "none"
        raise NoModel(
            f"there is no `{named}` of `{model_name}`",
            needed=f"a version ({known}), champion, challenger, previous or the id of a run",
            do="train a model first" if known == "none" else "name one of these",
            code="RG324",
        )
    return entry_at(registry, version)


def entry_at(registry: Registry, version: Version) -> Entry:
    """The training of a version.

    Raises
    ------
    NoModel
        ``RG324`` when its examination is gone.
    """
    return _read(registry, version.run_id, version)


def _is_there(registry: Registry, run_id: str) -> bool:
    """Whether the store, which has just answered, knows a run."""
    try:
        return bool(registry.store.params(run_id))
    except StorageError:
        return False


def _read(registry: Registry, run_id: str, version: Version | None) -> Entry:
    store = registry.store
    backtest = store.table(run_id, "backtest.json")
    if backtest is None:
        raise NoModel(f"the run {run_id[:8]} holds no examination", do="train again", code="RG324")
    content, features = store.table(run_id, RECIPE), store.table(run_id, "features.json")
    name = f"run {run_id[:8]}" if version is None else f"version {version.version}"
    return Entry(
        name,
        run_id,
        version,
        backtest,
        None if content is None else TrainingRecipe.from_dict(content),
        [] if features is None else features["features"],
        Cutoff.parse(store.params(run_id)["trained_on"]),
    )


@dataclass(frozen=True)
class Answer:
    """What a training said at some cutoffs, how that was found out, and what could not be.

    Parameters
    ----------
    said : DataFrame
        At least the columns `paired.SAID`.
    how : dict of str to str
        By cutoff.
    notes : list of str
    """

    said: pd.DataFrame
    how: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def own_answer(entry: Entry, config: Config, ledger_of: Callable[[], Ledger]) -> Answer:
    """What a training said at its own cutoffs beside what came: kept, else learnt again.

    Raises
    ------
    DataError
        ``RG325`` when neither can be had.
    """
    found = entry.kept(config)
    if found is not None:
        return Answer(found, {str(c): STORED for c in entry.cutoffs})
    if entry.recipe is None:
        raise DataError(
            f"the out-of-time predictions of {entry.name} are not kept any more, and neither is its recipe",
            do="train again",
            code="RG325",
        )
    found = entry.spoken(refit(entry.recipe, config, entry.cutoffs, ledger_of()))
    return Answer(found, {str(c): RECIPE_AGAIN for c in entry.cutoffs})


@dataclass(frozen=True)
class Asker:
    """Asks one training what it says at another's cutoffs.

    Parameters
    ----------
    config : Config
    ledger_of : callable
        Opens the present ledger; called only where something must be worked out.
    load : callable
        Reads a version's bundle, checked.
    progress : callable, optional
    """

    config: Config
    ledger_of: Callable[[], Ledger]
    load: Callable[[Version], Model]
    progress: Progress | None = None

    def ask(self, entry: Entry, other: Entry, answer: Answer) -> Answer:
        """What `entry` says at the cutoffs at which `other` gave an answer."""
        import pandas as pd

        wanted = [Cutoff.parse(text) for text in sorted(set(answer.said["cutoff"]))]
        kept = entry.kept(self.config)
        days = set() if kept is None else set(kept["cutoff"])
        parts: list[pd.DataFrame] = [] if kept is None else [kept[list(SAID)]]
        how, notes = {str(c): STORED for c in wanted if str(c) in days}, list[str]()
        lacking = [c for c in wanted if str(c) not in days]
        for way, cutoffs in self._ways(entry, other, lacking).items():
            try:
                parts.append(self._found(way, entry, answer, cutoffs))
                how |= {str(c): way for c in cutoffs}
            except RegularsError as error:
                notes.append(f"{entry.name} has no predictions at {', '.join(map(str, cutoffs))}: {error.found}")
        given = pd.concat([part[list(SAID)] for part in parts]) if parts else answer.said.iloc[:0][list(SAID)]
        return Answer(given[given["cutoff"].isin(list(how))], dict(sorted(how.items())), notes)

    def _ways(self, entry: Entry, other: Entry, cutoffs: Sequence[Cutoff]) -> dict[str, list[Cutoff]]:
        """How the predictions at some cutoffs are to be had."""
        found: dict[str, list[Cutoff]] = {}
        for cutoff in cutoffs:
            found.setdefault(way_of(entry, other, cutoff), []).append(cutoff)
        return found

    def _found(self, way: str, entry: Entry, answer: Answer, cutoffs: Sequence[Cutoff]) -> pd.DataFrame:
        import pandas as pd

        if way == ALIKE:
            return answer.said[answer.said["cutoff"].isin([str(c) for c in cutoffs])]
        if self.progress:
            self.progress(f"{entry.name} at {len(cutoffs)} cutoffs: {way}", 0.0)
        if way == BUNDLE and entry.version is not None:
            # Read right before it is asked: the user's own families of the model read last are those that count.
            model = self.load(entry.version)
            return pd.concat([said_by_bundle(self.ledger_of(), model, c, self.config) for c in cutoffs])
        if entry.recipe is None:
            raise DataError(f"the recipe of {entry.name} was not kept", code="RG325")
        return entry.spoken(refit(entry.recipe, self.config, cutoffs, self.ledger_of()))


def way_of(entry: Entry, other: Entry, cutoff: Cutoff) -> str:
    """How predictions of a training at a cutoff of another's are to be had where none are kept.

    The same settings, code and data give the same predictions, so that nothing need be learnt again.
    """
    if entry.version is not None and cutoff >= entry.trained_on:
        return BUNDLE
    mine, theirs = entry.recipe, other.recipe
    if mine is not None and theirs is not None and mine.taught == theirs.taught and not mine.versions_unlike(theirs):
        return ALIKE
    return RECIPE_AGAIN


def said_by_bundle(ledger: Ledger, model: Model, cutoff: Cutoff, config: Config) -> pd.DataFrame:
    """What a final model says as of a day on which it had seen none of the windows that then closed.

    Raises
    ------
    DataError
        ``RG326`` when the day lies before its training.
    """
    from .score import score

    if cutoff < model.trained_on:
        raise DataError(
            f"a model trained on {model.trained_on} was asked to be judged at {cutoff}, a window it has learnt from",
            needed=f"cutoffs from {model.trained_on} on",
            code="RG326",
        )
    found = score(ledger, model, cutoff, config.engine.threads)
    return found[["customer_id", "p_churn", "expected_spend"]].assign(cutoff=str(cutoff))[list(SAID)]
