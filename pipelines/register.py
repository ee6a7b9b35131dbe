"""Register: a training -> one MLflow run, a sealed version, the challenger; the first one may be crowned at once.

In: a ledger, a configuration, what was trained. Out: where it is registered, and what the gate said where there was no
champion. Nothing is registered unless all before it went well; the champion's alias is moved last.
"""

from __future__ import annotations

from typing import Any

from ..clock import Cutoff
from ..config import Config
from ..disk.lock import job
from ..intake import Ledger
from ..intake.growth import sweep_priors
from ..intake.pointer import ledgers_of
from ..models.backtest import Backtest
from ..models.card import card_of
from ..models.registry import Registry
from ..models.trials import finished
from ..models.versions import Registered
from ..progress import Progress
from ..reports.figures import calibration_picture, churn_curves, gain_picture
from ..reports.tables import calibration
from .enough import Stated
from .kept import keep, prior_cache
from .promote import Promotion, promote
from .recipe import RECIPE, TrainingRecipe
from .train import Trained, fit_model


def train_and_register(
    ledger: Ledger, config: Config, progress: Progress | None = None, stated: Stated | None = None
) -> tuple[Trained, Registered, Promotion | None]:
    """Everything from the ledger to a registered version.

    Returns
    -------
    tuple of Trained, Registered, Promotion or None
        The last says what the gate made of the first model there is; None where a champion stays until `promote`.

    Raises
    ------
    Busy
        Another training of the same folder is going on.
    """
    with job(config.folder / ".regulars", "train", "training a model"):
        trained = fit_model(ledger, config, prior_cache(config, ledger), progress, stated)
        if progress:
            progress("registering the model", 0.0)
        registered = register(ledger, config, trained)
        sweep_priors(ledgers_of(config))
    if Registry.of(config).at(registered.name, "champion") is not None:
        return trained, registered, None
    return trained, registered, promote(config, lambda: ledger, registered.version, progress=progress)


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
    """Log the training as one run and register its bundle as the challenger."""
    registry, examined = Registry.of(config), trained.backtest
    tags, grades = _data_of(ledger), {kind: grade["grade"] for kind, grade in examined.figures["grade"].items()}
    tables: dict[str, object] = {
        "backtest.json": examined.figures,
        "features.json": {"features": trained.features},
        "trials.json": trained.trials(),
        "priors.json": {str(Cutoff(day)): prior.to_dict() for day, prior in trained.prepared.priors.items()},
        RECIPE: TrainingRecipe.of(ledger, config, finished(trained.studies)).to_dict(),
    }
    with registry.store.run(f"train {trained.model.trained_on}") as run_id:
        params = _params(ledger, config, trained, grades)
        registry.store.log(run_id, params, tags, examined.figures, tables, pictures(examined))
        keep(config, run_id, examined.predictions, trained.looks)
        log_loss = examined.figures["pooled"]["churn"]["regulars"]["log_loss"]
        noted = {**tags, "backtest.log_loss": str(log_loss), **{f"grade.{kind}": g for kind, g in grades.items()}}
        return registry.register(
            trained.model, run_id, config.mlflow.model_name, noted, card_for(ledger, config, trained)
        )


def card_for(ledger: Ledger, config: Config, trained: Trained) -> dict[str, Any]:
    """The model card that is kept in the bundle."""
    manifest, people = ledger.manifest, ledger.manifest.tables.get("customers")
    facts = {
        "first_day": str(manifest.first_day),
        "last_day": str(manifest.last_day),
        "lines": manifest.lines["used"],
        "customers": manifest.n_customers,
        "fingerprint": manifest.fingerprint,
        "currency": config.data.currency,
        "sensitive": list(people.sensitive) if people else [],
        "notes": trained.notes,
    }
    return card_of(trained.model, trained.backtest.figures, facts)


def _data_of(ledger: Ledger) -> dict[str, str]:
    manifest = ledger.manifest
    return {
        "data.fingerprint": manifest.fingerprint,
        "data.lines": str(manifest.lines["used"]),
        "data.money": str(manifest.money["used"]),
        "data.first_day": str(manifest.first_day),
        "data.last_day": str(manifest.last_day),
        "data.customers": str(manifest.n_customers),
    }


def _params(ledger: Ledger, config: Config, trained: Trained, grades: dict[str, Any]) -> dict[str, object]:
    model = trained.model
    return {
        "horizon_days": model.horizon_days,
        "trained_horizon_days": model.churn.horizon_days,
        **{f"{kind}.grade": grade for kind, grade in grades.items()},
        "churn.speaker": model.speaker,
        "value.speaker": model.value_speaker,
        "trained_on": str(model.trained_on),
        "history_starts": str(ledger.history_starts),
        "training_cutoffs": len(trained.trained_cutoffs),
        "training_rows": trained.n_rows,
        "features": len(trained.prepared.plan.names),
        "seed": config.seed,
        "active_within_days": config.target.active_within_days,
        "label_lag_days": config.target.label_lag_days,
        "tuning.trials": finished(trained.studies),
        "churn.members": ", ".join(model.churn.ensemble.boosters),
        "value.members": ", ".join(model.value.ensemble.boosters),
    }
