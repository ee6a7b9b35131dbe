"""Monitor: how fresh everything is, whether customers have drifted, what came of published scores, what to do.

In: a configuration, its ledger, registry and published scores, a day. Out: figures as JSON, alerts, a verdict; what
came of scores is kept in `.regulars`. The same of all these gives the same figures. Without published scores, or
before the first window has closed, that part says so. An alert may run a command; its failure is told, and hides
nothing.
"""

from __future__ import annotations

import math
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clock import Cutoff
from ..config import Config
from ..errors import NoModel, RegularsError, unnamed
from ..intake import Ledger
from ..models.alerts import (
    Alert,
    Freshness,
    Verdict,
    drift_alerts,
    freshness_alerts,
    outcome_alerts,
    verdict,
)
from ..models.drift import Drift, drift_of
from ..models.matured import Promise, by_month, promised
from ..models.registry import Registry
from ..models.versions import CHAMPION, Version
from ..progress import Progress
from .files import strict_json
from .kept import rows_file
from .outcomes import a_year_before, foretold, keep, kept, matured_runs, outcomes, outcomes_file, records
from .published import Book, Run
from .score import scores_folder

if TYPE_CHECKING:
    import pandas as pd

SECONDS = 60
"""So long the command of an alert may take."""
LISTED = 12
"""So many features that drifted stand in the figures."""


@dataclass(frozen=True)
class Monitored:
    """What monitoring found.

    Parameters
    ----------
    figures : dict
        JSON-safe: everything that is said.
    alerts : tuple of Alert
    verdict : Verdict
    """

    figures: dict[str, Any]
    alerts: tuple[Alert, ...]
    verdict: Verdict

    @property
    def alarmed(self) -> bool:
        """Whether there is an alert, and not only what should be watched."""
        return any(alert.severity == "alert" for alert in self.alerts)

    @property
    def lines(self) -> list[str]:
        """All that is said, in words."""
        said = [f"{alert.severity}: {alert.words}. Do: {alert.do}" for alert in self.alerts]
        return [*self.figures["words"], *said, self.verdict.words]


def monitored(
    ledger: Ledger,
    config: Config,
    today: Cutoff,
    scores: Path | None = None,
    progress: Progress | None = None,
) -> Monitored:
    """Look at everything as of a day, and keep what came of scores since the last time.

    Parameters
    ----------
    scores : Path, optional
        Where scores are published; default: `scores` beside the configuration.

    Raises
    ------
    NoModel
        There is no champion.
    """
    if progress:
        progress("joining scores to what came", 0.0)
    known = kept(outcomes_file(config))
    runs = Book(scores_folder(config, scores)).published()
    found = outcomes(ledger, config, runs, known)
    if len(found) > len(known):
        keep(outcomes_file(config), found)
    return looked(ledger, config, today, runs, found)


def monitoring_of(ledger: Ledger, config: Config, today: Cutoff) -> dict[str, object] | None:
    """The figures of monitoring as of a day, for the report; nothing is written. None without published scores."""
    runs = Book(scores_folder(config)).published()
    if not runs:
        return None
    return looked(ledger, config, today, runs, outcomes(ledger, config, runs, kept(outcomes_file(config)))).figures


def looked(ledger: Ledger, config: Config, today: Cutoff, runs: Sequence[Run], found: pd.DataFrame) -> Monitored:
    """What is to be said of published runs and of what came of those that matured; nothing is written.

    Parameters
    ----------
    found : DataFrame
        As `outcomes` gives it.
    """
    registry, name = Registry.of(config), config.mlflow.model_name
    champion = registry.at(name, CHAMPION)
    if champion is None:
        raise NoModel(f"there is no champion of `{name}` to be monitored", do="train a model first", code="RG351")
    newest = runs[-1] if runs else None
    months = by_month(found)
    last = None if months.empty else records(months)[-1]
    if last is not None:
        last["year_ago"] = a_year_before(ledger, config, last)
    promises = _promises(registry, months)
    trained = Cutoff.parse(champion.trained_on) if champion.trained_on else None
    fresh = Freshness(today, ledger.ends, None if newest is None else newest.as_of, trained)
    drift = None if newest is None else drift_of_run(newest, registry, config)
    alerts = [*freshness_alerts(fresh, config.monitor), *_changed(runs[-1:], matured_runs(ledger, config, runs, found))]
    alerts += _unjudged(champion)
    alerts += [] if drift is None else drift_alerts(drift, config.monitor)
    if last is not None:
        alerts += outcome_alerts(last, promises.get(str(last["run_id"]), {}), config.monitor)
    said = verdict(alerts)
    figures = {
        "model": {
            "name": name,
            "version": champion.version,
            "run_id": champion.run_id,
            "trained_on": champion.trained_on or None,
        },
        "freshness": fresh.figures(),
        "scores": {
            "runs": len(runs),
            "newest": None if newest is None else newest.name,
            "waiting": sum(1 for run in runs if run.name not in set(found["run"]) and foretold(run)),
            "hindsight": sum(1 for run in runs if not foretold(run)),
        },
        "drift": None if drift is None else _drift_figures(drift),
        "months": [_safe(month) for month in records(months)],
        "year_ago": None if last is None else last["year_ago"],
        "promised": {
            run_id: {figure: asdict(promise) for figure, promise in found.items()}
            for run_id, found in sorted(promises.items())
        },
        "words": [*_words(fresh, runs), *_drift_words(drift, newest), *_outcome_words(last, promises)],
        "alerts": [asdict(alert) for alert in alerts],
        "verdict": asdict(said) | {"reasons": list(said.reasons)},
    }
    return Monitored(figures, tuple(alerts), said)


def drift_of_run(run: Run, registry: Registry, config: Config) -> Drift | None:
    """How the customers of a run differ from those its model was trained on; None where the run does not tell."""
    profile = run.facts.get("profile")
    if not profile:
        return None
    table = _table(registry, run.run_id, "features.json")
    features = [] if table is None else table["features"]
    then, now = rows_file(config, run.run_id), "rows.parquet"
    if not then.exists() or not run.has(now):
        return drift_of(profile, features)
    return drift_of(profile, features, _frame(then), run.frame(name=now), config.seed)


def _frame(file: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    found: pd.DataFrame = pq.read_table(file).to_pandas()
    return found


def _changed(newest: Sequence[Run], unjudged: Sequence[Run]) -> list[Alert]:
    """Scores that everybody reads, or that would be judged, must be as they were published."""
    changed = sorted({run.name for run in (*newest, *unjudged) if run.differences()})
    if not changed:
        return []
    words = f"scores are not as they were published: {', '.join(f'`{name}`' for name in changed)}"
    return [Alert("scores_changed", "alert", words, "remove their folders, and score those days again")]


def _unjudged(champion: Version) -> list[Alert]:
    """A champion without the gate's word: `score` will refuse it."""
    if champion.gate is not None:
        return []
    words = f"version {champion.version} is champion without the gate's word: its alias was moved by hand"
    return [Alert("champion_unjudged", "alert", words, "run `regulars promote`, or `regulars rollback`")]


def _promises(registry: Registry, months: pd.DataFrame) -> dict[str, dict[str, Promise]]:
    """What the backtest of each training promised, by run id; a training that is gone promised nothing."""
    found: dict[str, dict[str, Promise]] = {}
    for month in records(months):
        run_id = str(month["run_id"])
        backtest = None if run_id in found else _table(registry, run_id, "backtest.json")
        if backtest is not None:
            found[run_id] = promised(backtest, str(month["speaker"]), str(month["value_speaker"]))
    return found


def _table(registry: Registry, run_id: str, file: str) -> Any:
    """What a training logged; None where that is gone."""
    try:
        return registry.store.table(run_id, file)
    except RegularsError:
        return None


def _drift_figures(drift: Drift) -> dict[str, Any]:
    found = drift.figures()
    return found | {"features": found["features"][:LISTED], "compared": len(drift.features)}


def _safe(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with plain numbers, and None for what is not defined."""
    found = {key: value.item() if hasattr(value, "item") else value for key, value in row.items()}
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in found.items()}


def _words(fresh: Freshness, runs: Sequence[Run]) -> list[str]:
    scored = "no scores were published" if fresh.scored is None else f"the newest of {len(runs)} scores {fresh.scored}"
    return [
        f"As of {fresh.today}: purchases to {fresh.data_end.minus(1)}, {scored}, the champion trained on "
        f"{fresh.trained_on or 'a day that it does not tell'}."
    ]


def _drift_words(drift: Drift | None, newest: Run | None) -> list[str]:
    if drift is None or newest is None:
        return ["Drift is not known: no published run tells what its customers look like."]
    moved = [one for one in drift.features if one.size != "none"]
    said = f"{len(moved)} of {len(drift.features)} features" if moved else f"none of {len(drift.features)} features"
    told = "; ".join(f"{one.meaning}: PSI {one.psi:.2f}" for one in drift.predictions)
    apart = "" if drift.apart is None else f"; the two days are told apart with an AUC of {drift.apart.auc:.2f}"
    return [f"Customers of {newest.as_of} against those of the training: {said} drifted; {told}{apart}."]


def _outcome_words(last: Mapping[str, Any] | None, promises: Mapping[str, Mapping[str, Promise]]) -> list[str]:
    if last is None:
        return ["No published scores have matured yet."]
    said = [f"{last['churned']:.0%} fell silent, {last['told']:.0%} were told"]
    for name, called in (("auc", "AUC"), ("gini", "Gini")):
        promise = promises.get(str(last["run_id"]), {}).get(name, Promise())
        beside = "" if promise.value is None else f" (promised {promise.value:.3f})"
        said += [f"{called} {last[name]:.3f}{beside}"] if math.isfinite(last[name]) else []
    if last["spent"] > 0:
        said.append(f"the tenth with the highest forecasts brought {last['top_share']:.0%} of the money")
    runs = f"{last['runs']} {'run' if last['runs'] == 1 else 'runs'}"
    return [f"Matured scores of {last['month']} (version {last['version']}, {runs}): {', '.join(said)}."]


def told_to(config: Config, figures: Mapping[str, Any]) -> str | None:
    """Run the command of an alert with the figures on its standard input; why it failed, None where it did not."""
    command = list(config.monitor.command)
    if not command:
        return None
    text = strict_json(dict(figures))
    try:
        done = subprocess.run(
            command, input=text, text=True, cwd=config.folder, capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        why = f"it took more than {SECONDS} s" if isinstance(error, subprocess.TimeoutExpired) else str(error)
        return unnamed(f"the command of [monitor] could not tell of the alert: {why}")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return unnamed(f"the command of [monitor] ended with {done.returncode}: {last}")
    return None
