"""The examination: rolling origins at which everything is learnt anew and judged on the window that follows.

In: samples (rows with labels) and origins. Out: figures per origin and pooled, with intervals paired by customer, the
out-of-time predictions behind them, how much better the product's model is than each rival, what a budget would have
brought, and the grade. Rivals that could not be fitted have figures of None, and it is said why.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import scorecard
from .boosted import Boosted
from .budget import Budget, Campaign
from .ensemble import Progress
from .grade import graded
from .horizons import NO_TRUST, horizon_cards, trust_card
from .judged import Examiner, Judged
from .metrics import Resampling
from .speakers import MODELS
from .splits import Origin
from .timing_card import timing_card
from .trials import Study

Float64 = NDArray[np.float64]
WIDTH = 120


@dataclass(frozen=True)
class Backtest:
    """Figures as a JSON-safe dictionary, the out-of-time predictions behind them, and the studies of every origin."""

    figures: dict[str, Any]
    predictions: pd.DataFrame
    studies: tuple[Study, ...] = ()

    @property
    def speaker(self) -> str:
        """Whoever speaks of churn by the grade."""
        return str(self.figures["grade"]["churn"]["champion"])

    @property
    def value_speaker(self) -> str:
        """Whoever speaks of spend by the grade."""
        return str(self.figures["grade"]["value"]["champion"])

    def table(self) -> pd.DataFrame:
        """A row per origin (and one for all) and model: the main figures.

        `level_share` is how much of the log loss is level, 0..1; `money_per_contact` what a contact brings, in
        currency.
        """
        return scorecard.table([*self.figures["origins"], self.figures["pooled"]])

    def sentences(self) -> list[str]:
        """What the table says: the grades, the level, the budget, the notes."""
        said = [str(self.figures["grade"][kind]["words"]) for kind in ("churn", "value")]
        said.append(
            "Level %: the part of the log loss that would vanish if only the share of churners at that origin had been "
            "known. Per contact: what a contact at a budget brings, in currency. "
            + str(self.figures["budget"]["words"])
        )
        return [*said, *(f"Note: {note}." for note in self.figures["notes"])]

    def __str__(self) -> str:
        lines = scorecard.shown(self.table()).to_string(index=False, na_rep="-").splitlines()
        per_part = [lines[1 + k : 1 + k + len(MODELS)] for k in range(0, len(lines) - 1, len(MODELS))]
        table = "\n\n".join("\n".join(part) for part in per_part)
        said = "\n".join(textwrap.fill(text, WIDTH) for text in self.sentences())
        return f"{lines[0]}\n{table}\n\n{said}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{html.escape(text)}</p>" for text in self.sentences())
        return f"{scorecard.shown(self.table()).to_html(index=False, na_rep='-')}{said}"


def backtest(
    examiner: Examiner,
    origins: Sequence[Origin],
    progress: Progress | None = None,
    budget: Budget | None = None,
    prior_notes: Mapping[int, Sequence[str]] | None = None,
) -> Backtest:
    """Judge every origin, then pool.

    Parameters
    ----------
    examiner : Examiner
        Hands out rows, and keeps what earlier days said.
    origins : sequence of Origin
        Ascending.
    progress : callable, optional
    budget : Budget, optional
        What a contact costs and brings.
    prior_notes : dict of int to sequence of str, optional
        What there is to say of the classical models at a cutoff, by day number.
    """
    judged = []
    for number, origin in enumerate(origins):

        def told(what: str, share: float, number: int = number) -> None:
            if progress:
                progress(f"backtest {number + 1} of {len(origins)}: {what}", share)

        judged.append(examiner.judge(origin, told))
        told("done", 1.0)
    return summed_up(judged, examiner.recipe.seed, budget or Budget(), prior_notes or {})


def summed_up(
    judged: Sequence[Judged], seed: int, budget: Budget, prior_notes: Mapping[int, Sequence[str]]
) -> Backtest:
    """The figures of all origins together, and of each."""
    parts, campaigns, horizon_days = [], [], judged[0].horizon_days
    for j in judged:
        drawn = _resampling(j.predictions, seed)
        campaigns.append(_campaign(j.predictions, drawn, budget))
        card = _part(j.predictions, np.full(len(j.predictions), j.floor), drawn, campaigns[-1], [j])
        parts.append(
            {
                "cutoff": str(j.origin.cutoff),
                "trained_rows": j.trained_rows,
                "trained_cutoffs": [str(c) for c in j.origin.training],
                "trained_horizons": [j.origin.trained_days],
                "overlapping": j.origin.overlapping,
                "level": j.level,
                "value_level": j.value_level,
                "priors": prior_words(j.origin, prior_notes),
                **card,
            }
        )
    predictions = pd.concat([j.predictions for j in judged], ignore_index=True)
    floor = np.concatenate([np.full(len(j.predictions), j.floor) for j in judged])
    together = Campaign.together(campaigns)
    pooled = _part(predictions, floor, _resampling(predictions, seed), together, judged)
    for kind, figure, lacking in scorecard.LEVELS:
        pooled[kind] |= scorecard.pooled_level([p[kind] for p in parts], [p["n"] for p in parts], pooled[kind], figure)
        if any(card[figure] is None for name, card in pooled[kind].items() if name not in pooled["undefined"]):
            pooled["undefined"].setdefault(figure, lacking)
    losses, costs = scorecard.log_losses(predictions), scorecard.deviances(predictions, floor)
    customer = predictions["customer_id"].to_numpy(object)
    figures = {
        "horizon_days": horizon_days,
        "origins": parts,
        "pooled": {"trained_horizons": sorted({j.origin.trained_days for j in judged}), **pooled},
        "gain": {
            "churn": scorecard.gains(losses, customer, seed, "log_loss_gain_percent"),
            "value": scorecard.gains(costs, customer, seed, "deviance_gain_percent"),
        },
        "grade": {
            "churn": graded(losses, customer, seed, "churn").to_dict(),
            "value": graded(costs, customer, seed, "spend").to_dict(),
        },
        "budget": budget.figures(horizon_days),
        "notes": _notes([j.origin for j in judged], horizon_days),
    }
    return Backtest(figures, predictions, tuple(study for j in judged for study in j.studies))


def _resampling(frame: pd.DataFrame, seed: int) -> Resampling:
    return Resampling(frame["customer_id"].to_numpy(object), seed)


def _campaign(frame: pd.DataFrame, drawn: Resampling, budget: Budget) -> Campaign:
    """What the budget would have brought at one origin, by every model that has a prediction of every row."""
    found = {name: scorecard.column(frame, f"p_churn_{name}") for name in MODELS}
    known = {name: p for name, p in found.items() if not np.isnan(p).any()}
    return Campaign.run(
        known, scorecard.column(frame, "at_stake"), scorecard.column(frame, "churned"), drawn.index, budget
    )


def _part(
    frame: pd.DataFrame, floor: Float64, drawn: Resampling, campaign: Campaign, judged: Sequence[Judged]
) -> dict[str, Any]:
    """The figures of some rows: how many, how many churned, churn, value, money, and why some are None."""
    horizon_days = judged[0].horizon_days
    cards = {"churn": scorecard.churn_card(frame, drawn), "value": scorecard.value_card(frame, floor, drawn)}
    money = campaign.figures(MODELS, drawn)
    why = scorecard.undefined(frame, cards, floor, horizon_days) | campaign.undefined(horizon_days)
    trust = trust_card(frame, judged, horizon_days)
    return {
        "n": len(frame),
        "base_rate": float(frame["churned"].mean()),
        **cards,
        "money": money,
        "intervals": trust,
        "timing": timing_card(frame),
        "horizons": horizon_cards(frame, floor, judged),
        "undefined": why | ({} if trust else {"intervals": NO_TRUST}),
    }


def prior_words(origin: Origin, notes: Mapping[int, Sequence[str]]) -> list[str]:
    """What there is to say of the classical models that an origin rests on: those of its training cutoffs and its own.

    Examples
    --------
    >>> from regulars.clock import Cutoff
    >>> days = tuple(Cutoff.parse(f"2024-0{m}-01") for m in (1, 2, 3))
    >>> prior_words(Origin(days[2], days[1:2], 28), {c.day: [f"BG/NBD at {c}: a weak prior"] for c in days})
    ['BG/NBD at 2024-02-01: a weak prior', 'BG/NBD at 2024-03-01: a weak prior']
    """
    return [note for cutoff in (*origin.training, origin.cutoff) for note in notes.get(cutoff.day, ())]


def _notes(origins: Sequence[Origin], horizon_days: int) -> list[str]:
    """What one should know of the origins before one reads the figures."""
    notes = []
    if any(o.overlapping for o in origins):
        notes.append(
            f"the history is too short for disjoint windows, so those of the {len(origins)} origins overlap: they say "
            "less than as many disjoint ones"
        )
    shorter = sorted({o.trained_days for o in origins if o.trained_days != horizon_days})
    if shorter:
        notes.append(
            f"windows of {horizon_days} days had not closed often enough to learn from: at some origins models were "
            f"trained at {', '.join(map(str, shorter))} days and carried to {horizon_days} by the classical models"
        )
    return notes


def importance(boosters: Sequence[Boosted]) -> dict[str, float]:
    """Each feature's share of the gain, averaged over boosters, largest first."""
    shares: dict[str, float] = {}
    for booster in boosters:
        gains = booster.gain()
        total = sum(gains.values())
        for name, gain in gains.items():
            shares[name] = shares.get(name, 0.0) + gain / total / len(boosters)
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))
