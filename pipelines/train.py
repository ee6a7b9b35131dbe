"""Train: ledger -> backtest -> final model -> MLflow run, registered version, champion.

In: a ledger and a configuration. Out: the model, how it did out of time, and where it is registered. Nothing is
registered unless all before it went well; the champion is moved last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..clock import Cutoff
from ..config import Config
from ..examination.enough import Enough
from ..intake import Ledger
from ..intake.growth import priors_of, sweep_priors
from ..intake.pointer import ledgers_of
from ..models.backtest import Backtest, importance
from ..models.concentration import concentration
from ..models.horizons import NO_TRUST
from ..models.judged import Past
from ..models.learnt import Fitted, fit
from ..models.lifetime import Lifetime
from ..models.margins import measured_margin
from ..models.model import Model
from ..models.persistence import Evidence
from ..models.prior import Prior
from ..models.sample import Sample
from ..models.speakers import foreseen
from ..models.splits import final
from ..models.terms import Terms
from ..models.tracking import Registered, Store
from ..models.trials import FINAL, Study, finished, repeating, studies_of, table_of
from ..models.usual import Usual
from ..progress import Progress
from ..reports.figures import calibration_picture, churn_curves, gain_picture
from ..reports.tables import calibration
from .backtest import examine, examiner_of
from .enough import Stated, enough_to_train, with_verdict
from .files import replaced, reserved
from .prepare import Prepared, modules_of, prepare, recipe_of, span_of
from .prospects import prospects_learnt

KEPT_PREDICTIONS = 20
"""Of so many trainings, the newest ones, the out-of-time predictions stay."""


@dataclass(frozen=True)
class Trained:
    """A model, the verdict before it, its examination, the rows behind it and its features by importance."""

    model: Model
    fitted: Fitted
    backtest: Backtest
    prepared: Prepared
    features: list[dict[str, object]]
    trained_cutoffs: tuple[Cutoff, ...]
    n_rows: int
    enough: Enough
    lacking: str = ""

    @property
    def notes(self) -> list[str]:
        """What one should know of the model before one trusts its figures."""
        model, found = self.model, [self.model.value.words, *self.model.lifetime.notes, self.lacking]
        if model.horizon_days not in model.trust:
            found.append(f"spend has no intervals: {NO_TRUST}")
        for h, outlook in model.learnt.outlooks.items():
            if outlook.trained_days != h:
                found.append(
                    f"no two windows of {h} days have closed: what is said of them is learnt at {outlook.trained_days} "
                    "days and carried there by the classical models"
                )
        return [note for note in found if note]

    @property
    def studies(self) -> tuple[Study, ...]:
        """Every study, in the order in which they ran: churn and value at each origin, then of the final model."""
        return (*self.backtest.studies, *studies_of(FINAL, self.fitted.trials))

    def trials(self) -> pd.DataFrame:
        """Every trial of every study, a row each."""
        return table_of(self.studies)


def fit_model(
    ledger: Ledger,
    config: Config,
    cache: Path | None = None,
    progress: Progress | None = None,
    stated: Stated | None = None,
) -> Trained:
    """Backtest, then fit on everything that has matured; nothing is written but the cache.

    First of all `stated` is called with the verdict whether the data are enough; too little ends here.

    Raises
    ------
    NotEnoughData
        When the history is too short, or one outcome too rare.
    """
    enough = enough_to_train(ledger, config, stated=stated)
    chosen, last = enough.chosen, final(span_of(ledger, config))
    recipe = recipe_of(config, len(chosen) + 1)
    prepared = prepare(ledger, config, [*chosen, last], cache, progress)
    examiner = examiner_of(prepared, config, recipe)
    examined = with_verdict(examine(prepared, chosen, config, progress, examiner), enough)
    train, now = prepared.rows(last)

    def told(what: str, share: float) -> None:
        if progress:
            progress(f"final model: {what}", share)

    fitted = fit(train, now, recipe, told, config.target.further)
    prior = prepared.priors[ledger.ends.day]
    speakers = able(examined.speaker, prior), able(examined.value_speaker, prior)
    ahead = foreseen(fitted.learnt, now, *speakers)
    past = examiner.past(last, train, fitted, told)
    lifetime = Lifetime.fit(
        now,
        ahead.spend,
        prior,
        fitted.learnt.value.net,
        Terms.of(config, measured_margin(ledger, ledger.ends)),
        evidence=evidence_of(past, now, config.target.label_lag_days),
        past_totals=[one.totals for one in past],
    )
    prospects, lacking = prospects_learnt(ledger, config, last)
    model = Model(
        trained_on=ledger.ends,
        learnt=fitted.learnt,
        trust=examiner.trust(last, train, now, fitted, speakers, told),
        lifetime=lifetime,
        speaker=speakers[0],
        value_speaker=speakers[1],
        high_value=concentration(ahead.spend[now.horizon_days]).threshold,
        usual=Usual.of(now),
        prior=prior,
        reference=prepared.reference.at(ledger.ends.day),
        history_starts=ledger.history_starts,
        rules=ledger.rules,
        shape=prepared.plan.shape,
        active_within_days=config.target.active_within_days,
        modules=modules_of(config),
        prospects=prospects,
    )
    features = _features(prepared, fitted)
    return Trained(model, fitted, examined, prepared, features, last.training, train.n_rows, enough, lacking)


def evidence_of(past: Sequence[Past], now: Sample, lag_days: int) -> Evidence:
    """What earlier days tell of how long corrections of the classical models persist."""
    h = now.horizon_days
    closed = (one for one in past if one.rows.horizon_days == h and one.cutoff.plus(2 * h + lag_days) <= now.day)
    return Evidence.together([Evidence.of(one.rows, one.said.spend["regulars", h], one.said.net) for one in closed])


def able(speaker: str, prior: Prior) -> str:
    """Whoever was chosen to speak; the rule, where that classical model could not be fitted on the last day."""
    fitted = {"bg_nbd": prior.bg, "pareto_nbd": prior.pareto}
    return "naive" if speaker in fitted and fitted[speaker] is None else speaker


def _features(prepared: Prepared, fitted: Fitted) -> list[dict[str, object]]:
    """Features by their share of the churn boosters' gain, with meaning and unit."""
    known = {e.name: e for e in prepared.plan.entries}
    rows: list[dict[str, object]] = []
    for name, share in importance(list(fitted.learnt.churn.ensemble.boosters.values())).items():
        entry = known.get(name)
        meaning = entry.meaning if entry else PRIOR_MEANING.get(name, name)
        rows.append({"name": name, "meaning": meaning, "unit": entry.unit if entry else "", "gain_share": share})
    return rows


PRIOR_MEANING = {
    "btyd_logit_silent": "log odds of silence by the classical models",
    "btyd_logit_spread": "how far the two classical models disagree",
    "btyd_log_orders": "logarithm of the purchase days that the classical models expect",
    "btyd_value": "mean purchase value by the Gamma-Gamma model",
    "btyd_log_spend": "logarithm of the spend that the classical models expect",
}


def repeated(config: Config, studies: Sequence[Study]) -> list[str]:
    """What to write to have studies again that the clock ended; nothing where it did not rule."""
    return [] if config.tuning.seconds is None else [repeating(studies)]


def prior_cache(config: Config, ledger: Ledger) -> Path:
    """Where the fitted priors of a ledger are kept, beside the configuration."""
    return priors_of(ledgers_of(config), ledger.manifest.fingerprint)


def predictions_file(config: Config, run_id: str) -> Path:
    """Where the out-of-time predictions of a training are kept: they name customers, so not in MLflow."""
    return config.folder / ".regulars" / "backtests" / f"{run_id}.parquet"


def train_and_register(
    ledger: Ledger, config: Config, progress: Progress | None = None, stated: Stated | None = None
) -> tuple[Trained, Registered]:
    """Everything from the ledger to the champion.

    Raises
    ------
    Busy
        Another training of the same folder is going on.
    """
    with reserved(config.folder / ".regulars" / "train", "training a model"):
        trained = fit_model(ledger, config, prior_cache(config, ledger), progress, stated)
        if progress:
            progress("registering the model", 0.0)
        registered = register(ledger, config, trained)
        sweep_predictions(predictions_file(config, registered.run_id).parent)
        sweep_priors(ledgers_of(config))
    return trained, registered


def sweep_predictions(folder: Path) -> None:
    """Remove the predictions of old trainings; a report on one of them then says nothing of past dates."""
    by_age = sorted(folder.glob("*.parquet"), key=lambda file: (-file.stat().st_mtime, file.name))
    for file in by_age[KEPT_PREDICTIONS:]:
        file.unlink(missing_ok=True)


def pictures(examined: Backtest) -> dict[str, str]:
    """The two pictures kept with the run, as SVG by file name: calibration and gain."""
    predictions = examined.predictions
    curves = churn_curves(predictions, "pareto_nbd")
    drawn = {
        "figures/calibration.svg": calibration_picture(calibration(predictions, "regulars")),
        "figures/gain.svg": gain_picture(
            curves, "customers contacted, riskiest first", None, "Share of churners found"
        ),
    }
    return {name: str(svg) for name, svg in drawn.items() if svg is not None}


def register(ledger: Ledger, config: Config, trained: Trained) -> Registered:
    """Log the training as one run, register its bundle, make it the champion."""
    store = Store(config.tracking_uri)
    manifest = ledger.manifest
    params: dict[str, object] = {
        "horizon_days": trained.model.horizon_days,
        "trained_horizon_days": trained.model.churn.horizon_days,
        **{f"{kind}.grade": grade["grade"] for kind, grade in trained.backtest.figures["grade"].items()},
        "churn.speaker": trained.model.speaker,
        "value.speaker": trained.model.value_speaker,
        "trained_on": str(trained.model.trained_on),
        "history_starts": str(ledger.history_starts),
        "training_cutoffs": len(trained.trained_cutoffs),
        "training_rows": trained.n_rows,
        "features": len(trained.prepared.plan.names),
        "seed": config.seed,
        "active_within_days": config.target.active_within_days,
        "label_lag_days": config.target.label_lag_days,
    }
    params["tuning.trials"] = finished(trained.studies)
    for kind, ensemble in (("churn", trained.model.churn.ensemble), ("value", trained.model.value.ensemble)):
        params[f"{kind}.members"] = ", ".join(ensemble.boosters)
    tags = {
        "data.fingerprint": manifest.fingerprint,
        "data.lines": str(manifest.lines["used"]),
        "data.money": str(manifest.money["used"]),
        "data.first_day": str(manifest.first_day),
        "data.last_day": str(manifest.last_day),
        "data.customers": str(manifest.n_customers),
    }
    tables: dict[str, object] = {
        "backtest.json": trained.backtest.figures,
        "features.json": {"features": trained.features},
        "trials.json": trained.trials(),
        "priors.json": {str(Cutoff(day)): prior.to_dict() for day, prior in trained.prepared.priors.items()},
    }
    with store.run(f"train {trained.model.trained_on}") as run_id:
        store.log(run_id, params, tags, trained.backtest.figures, tables, pictures(trained.backtest))
        kept = predictions_file(config, run_id)
        kept.parent.mkdir(parents=True, exist_ok=True)
        replaced(kept, lambda waiting: trained.backtest.predictions.to_parquet(waiting, index=False))
        pooled = trained.backtest.figures["pooled"]
        log_loss = pooled["churn"]["regulars"]["log_loss"] if isinstance(pooled, dict) else None
        return store.register(
            trained.model, run_id, config.mlflow.model_name, {**tags, "backtest.log_loss": str(log_loss)}
        )
