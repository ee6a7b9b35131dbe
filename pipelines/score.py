"""Score: ledger and champion -> one row per customer as of a day, published as a run that is there whole or not at all.

In: a ledger, a model, a date. Out: frames; or a run in the folder of scores, with the same bytes each time for the same
ledger, model, settings and date, which is then not made again. Who has no row is said by the model: customers beyond
`active_within_days`, and unknown ones.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..clock import Cutoff
from ..config import Config
from ..disk.lock import job
from ..engines import usable_threads
from ..errors import ConfigError
from ..intake import Ledger
from ..models.model import Model
from ..models.worth import LifetimeValues, Total
from ..progress import Progress
from .files import strict_json
from .movers import About
from .prepare import event_notes
from .prospects import prospect_scores
from .published import FACTS, FOLDER, HORIZONS, PROSPECTS, RUNS, Book, Run
from .run_files import filled
from .self_check import checked
from .stakes import Stakes
from .told import Telling
from .written import remember

if TYPE_CHECKING:
    import pandas as pd

    from ..models.versions import Registered
    from .score_table import Delivered

FORMAT = 2
"""Of a run: another one gives another key."""


@dataclass(frozen=True)
class Scored:
    """All that is said of the customers as of a day.

    Parameters
    ----------
    about : About
        The day, the horizon, the currency, the model's version.
    scores : DataFrame
        One row per customer.
    horizons : DataFrame or None
        One row per customer and horizon; None where the model has only one.
    prospects : DataFrame or None
        One row per person who has not bought yet, with the values of the cohort; None where nothing was learnt of such.
    total : Total or None
        The lifetime values of all customers together.
    """

    about: About
    scores: pd.DataFrame
    horizons: pd.DataFrame | None = None
    prospects: pd.DataFrame | None = None
    total: Total | None = None

    def by(self, version: str, run_id: str) -> Scored:
        """The same, saying which version spoke and which run trained it."""
        about, said = replace(self.about, version=version), {"model_version": version, "run_id": run_id}
        prospects = None if self.prospects is None else self.prospects.assign(**said)
        return replace(self, about=about, scores=self.scores.assign(**said), prospects=prospects)

    @classmethod
    def of_run(cls, run: Run) -> Scored:
        """What a run has published."""
        totals = {name: np.nan if value is None else value for name, value in run.facts["totals"].items()}
        total = Total(*(totals[f"lifetime_{name}"] for name in ("value", "low", "high", "level")))
        beside = [run.frame(name=name) if run.has(name) else None for name in (HORIZONS, PROSPECTS)]
        return cls(About.of_run(run.facts), run.frame(), beside[0], beside[1], total)


@dataclass(frozen=True)
class Published:
    """A run that is published now, and whether it was before.

    Parameters
    ----------
    run : Run
    unchanged : bool
        The same run lay there already, whole: nothing was made.
    delivered : Delivered or None
        What went to the table of a database; None where none is named.
    """

    run: Run
    unchanged: bool
    delivered: Delivered | None = None

    def figures(self) -> dict[str, Any]:
        """As JSON takes it."""
        facts = self.run.facts
        told = ("customers", "as_of", "notes", "churn_by", "value_by", "concentration", "movers", "words", "totals")
        table = None if self.delivered is None else self.delivered.figures()
        where = {"run": self.run.name, "folder": str(self.run.folder), "unchanged": self.unchanged, "table": table}
        return {**{name: facts[name] for name in told}, "version": self.run.version, **where}


def score(
    ledger: Ledger,
    model: Model,
    as_of: Cutoff | str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Scores of all customers at risk, in order of their ids.

    Parameters
    ----------
    as_of : Cutoff or ISO date, optional
        The day before which everything is known; default: the day after the ledger's last.

    Raises
    ------
    ConfigError
        When the day lies before the ledger, or the ledger lacks a column the model was trained with.
    """
    import pandas as pd

    day = Cutoff.parse(as_of) if isinstance(as_of, str) else as_of or ledger.ends
    told = Telling.of(ledger, model, day).blocks(threads, progress)
    return pd.concat([block.scores for _, block in told], ignore_index=True)


def scored(
    ledger: Ledger, model: Model, config: Config, as_of: Cutoff | None = None, progress: Progress | None = None
) -> Scored:
    """What a model says of all customers at risk as of a day (default: the day after the ledger's last)."""
    import pandas as pd

    day = as_of or ledger.ends
    telling = Telling.of(ledger, model, day)
    stakes = Stakes(model, day, telling.ledger.history_starts, config.scores.reasons)
    blocks = []
    for sample, told in telling.blocks(config.engine.threads, progress):
        stakes.add(sample, told.scores)
        blocks.append(told)
    scores = pd.concat([told.scores for told in blocks], ignore_index=True)
    reasons = np.full(len(scores), "", object)
    for row, line in stakes.reasons(config.data.currency).items():
        reasons[row] = line
    scores["reasons"] = reasons
    several = len(model.learnt.horizons) > 1
    return Scored(
        About(str(day), model.horizon_days, config.data.currency),
        scores,
        pd.concat([told.horizons for told in blocks], ignore_index=True) if several else None,
        prospect_scores(ledger, model, day),
        model.lifetime.total(LifetimeValues.together([told.lives for told in blocks])),
    )


def champion_of(config: Config) -> tuple[Model, Registered]:
    """The registered champion, with its version and the run that trained it."""
    from ..models.registry import Registry

    return Registry.of(config).champion(config.mlflow.model_name, usable_threads(config.engine.threads))


def key_of(ledger: Ledger, config: Config, registered: Registered, day: Cutoff, before: Run | None) -> str:
    """Eight hex digits that differ wherever the bytes of a run could."""
    told = {
        "format": FORMAT,
        "regulars": __version__,
        "ledger": ledger.manifest.fingerprint,
        "ends": str(ledger.ends),
        "model": [registered.name, registered.version, registered.run_id, registered.bundle],
        "day": str(day),
        "settings": [config.scores.reasons, config.scores.movers, config.data.currency],
        "before": before.digest if before else None,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:8]


def publish_day(
    ledger: Ledger,
    config: Config,
    model: Model,
    registered: Registered,
    day: Cutoff,
    folder: Path,
    progress: Progress | None = None,
) -> Published:
    """What a registered model says as of a day, as a run in a folder of scores; made only if it is not there yet.

    Raises
    ------
    StorageError
        When a file cannot be written; what was published before stays.
    Busy
        When someone else is publishing there.
    RegularsError
        ``RG333`` when the run does not pass its own check; nothing is published then.
    """
    remember(config.folder, "scores", folder)
    book = Book(folder)
    with book.writing(f"scoring as of {day}"):
        before = book.before(day)
        name = f"{day}-v{registered.version}-{key_of(ledger, config, registered, day, before)}"
        run = Run(book.folder / RUNS / name)
        unchanged = run.folder.is_dir() and not run.differences()
        if not unchanged:
            with book.filling(name) as place:
                facts = _filled(place, Telling.of(ledger, model, day), config, registered, before, progress)
                checked(place, facts["customers"])
                (place / FACTS).write_text(strict_json({"name": name, **facts}), encoding="utf-8")
        moved = book.point(run)
        if config.scores.keep_days is not None:
            # Whom the movers are told against stays: without it the same day again would be another run.
            book.drop_before(day.minus(config.scores.keep_days), but=before)
    return Published(run, unchanged and not moved)


def _filled(
    place: Path, telling: Telling, config: Config, registered: Registered, before: Run | None,
    progress: Progress | None,
) -> dict[str, Any]:  # fmt: skip
    """Every file of a run but its facts; these."""
    ledger, model, day = telling.ledger, telling.model, telling.day
    said_by = {"model_version": registered.version, "run_id": registered.run_id}
    found = filled(place, telling, config, said_by, before, progress)
    speaks = {
        "name": registered.name,
        "version": registered.version,
        "run_id": registered.run_id,
        "bundle": registered.bundle,
        "trained_on": str(model.trained_on),
    }
    notes = _notes(telling)
    if found["not_compared"]:
        notes.append(found["not_compared"])
    if found["movers"]:
        found["words"].append(found["movers"]["words"])
    return {
        "as_of": str(day),
        "horizon_days": model.horizon_days,
        "horizons": list(model.learnt.horizons),
        "currency": config.data.currency,
        "model": speaks,
        "churn_by": model.speaker,
        "value_by": model.value_speaker,
        "ledger": {"fingerprint": ledger.manifest.fingerprint, "last_day": ledger.manifest.last_day},
        "reference": str(day),
        "notes": [*notes, *event_notes(ledger, model.shape)],
        "regulars": __version__,
        "erased": 0,
        **{name: value for name, value in found.items() if name != "not_compared"},
    }


def _notes(telling: Telling) -> list[str]:
    """What to keep in mind of a day."""
    ledger, model, day, notes = telling.ledger, telling.model, telling.day, []
    if day < model.trained_on:
        notes.append(f"the model was trained on {model.trained_on} and knows what happened after {day}")
    if day > ledger.ends:
        notes.append(f"the purchases end on {ledger.manifest.last_day}: everyone looks silent since then")
    return notes


def scores_folder(config: Config, out: Path | None = None) -> Path:
    """Where runs are published: `scores` beside the configuration, unless another place is named.

    Raises
    ------
    ConfigError
        ``RG334`` when what is named looks like a file.
    """
    if out is not None and out.suffix in (".parquet", ".csv"):
        raise ConfigError(
            f"`{out.name}` is the name of a file",
            needed="a folder: every run lies in it with all its files, and `latest` leads to the newest",
            do=f"write --out {out.with_suffix('')}",
            code="RG334",
        )
    return out or config.folder / FOLDER


def score_to(
    ledger: Ledger,
    config: Config,
    as_of: Cutoff | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Published:
    """Score with the champion and publish: the run, the pointers, then the table of a database, if one is named."""
    from .score_table import publish

    with job(config.folder / ".regulars", "score", "scoring"):
        model, registered = champion_of(config)
        done = publish_day(
            ledger, config, model, registered, as_of or ledger.ends, scores_folder(config, out), progress
        )
        return replace(done, delivered=publish(done.run, config))
