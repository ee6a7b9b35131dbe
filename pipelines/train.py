"""Train: ledger -> backtest -> final model.

In: a ledger and a configuration. Out: the model, how it did out of time, and what its customers looked like. Nothing
is written but fitted priors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..clock import Cutoff
from ..config import Config
from ..engines import begins_of
from ..examination.enough import Enough
from ..intake import Ledger
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
from ..models.profile import Profile
from ..models.sample import Sample
from ..models.speakers import foreseen
from ..models.splits import final
from ..models.terms import Terms
from ..models.trials import FINAL, Study, repeating, studies_of, table_of
from ..models.usual import Usual
from ..progress import Progress
from .backtest import examine, examiner_of
from .enough import Stated, enough_to_train, with_verdict
from .prepare import Prepared, modules_of, prepare, recipe_of, span_of
from .prospects import prospects_learnt


@dataclass(frozen=True)
class Trained:
    """A model, the verdict before it, its examination, the rows behind it and its features by importance.

    `looks` are rows of the day of training as numbers of bins, without a name: the measure of drift.
    """

    model: Model
    fitted: Fitted
    backtest: Backtest
    prepared: Prepared
    features: list[dict[str, object]]
    trained_cutoffs: tuple[Cutoff, ...]
    n_rows: int
    enough: Enough
    looks: pd.DataFrame
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
    said = ahead.silent[now.horizon_days], ahead.spend[now.horizon_days]
    profile = Profile.of(now, *said, train)
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
        profile=profile,
        begins=begins_of(ledger, prepared.plan.shape),
        currency=config.data.currency,
    )
    features, looks = _features(prepared, fitted), profile.rows(now.panel, *said)
    return Trained(model, fitted, examined, prepared, features, last.training, train.n_rows, enough, looks, lacking)


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
