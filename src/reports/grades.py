"""The grades, and who speaks by them: the product's own model, or the rival that did better.

In: the checked report. Out: a `Mark` for churn and one for spend, the name of whoever spoke, and that model's
predictions of the past. Without a grade it is said that there is none; an unknown name never speaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from .columns import PREDICTION_COLUMNS
from .comparison import RULE
from .inputs import PRODUCT, ReportInput, branch
from .notation import MODEL_NAMES, model_name, plain

SPOKEN = "spoken"
"""In the columns that `as_spoken` gives, the place of a model's name."""
LETTERS = ("A", "B", "C")
NO_GRADE = "–"
SUBJECTS = {"churn": "Chance of not buying", "value": "Spend"}
SPEAKERS = {"churn": "model", "value": "value_model"}
"""The columns of the scores that say who spoke."""


@dataclass(frozen=True)
class Mark:
    """A grade to be seen first: its letter, of what, the plain sentence, and what follows from it."""

    letter: str
    subject: str
    sentence: str
    follows: str

    @property
    def kind(self) -> str:
        """A word for the style sheet."""
        return self.letter.lower() if self.letter in LETTERS else "none"


def letter_of(report: ReportInput, target: str = "churn") -> str:
    """A, B or C; a dash when there is no grade."""
    found = branch(report.backtest, "grade", target).get("grade")
    return str(found) if found in LETTERS else NO_GRADE


def speaker(report: ReportInput, target: str = "churn") -> str:
    """Who spoke: as the scores say, else as the grade does, else the product's own model."""
    column = SPEAKERS[target]
    said = set(report.scores[column]) & set(MODEL_NAMES) if column in report.scores.columns else set()
    if len(said) == 1:
        return str(said.pop())
    champion = branch(report.backtest, "grade", target).get("champion")
    return str(champion) if champion in MODEL_NAMES else PRODUCT


def marks(report: ReportInput) -> list[Mark]:
    """The two grades, for the top of the page."""
    return [_mark(report, target) for target in SUBJECTS]


def _mark(report: ReportInput, target: str) -> Mark:
    letter, who = letter_of(report, target), speaker(report, target)
    grade = branch(report.backtest, "grade", target)
    about = "chance of not buying" if target == "churn" else "expected spend"
    kind = "" if who in (PRODUCT, RULE) else ", a classical model"
    follows = f"Each customer's {about} is forecast by {called(who)}{kind}."
    return Mark(letter, SUBJECTS[target], _sentence(letter, grade), follows)


def _sentence(letter: str, grade: Mapping[str, object]) -> str:
    """What a grade says, without figures."""
    classic = grade.get("btyd")
    name = f"the better classical model, {model_name(str(classic))}" if classic in MODEL_NAMES else ""
    if letter == "A":
        return f"Regulars was surely better than a simple rule and than {name}."
    if letter == "B" and name:
        return f"Regulars was surely better than a simple rule and about as good as {name}: at most 1\u00a0% worse."
    if letter == "B":
        return "Regulars was surely better than a simple rule; no classical model could be fitted to compare with."
    if letter == "C":
        return "Regulars was not shown to be as good as its simpler rivals, so it does not speak."
    return "The grade is not defined here: there was no check in the past."


def called(who: str) -> str:
    """A model's name within a sentence.

    Examples
    --------
    >>> called("naive"), called("bg_nbd")
    ('the simple rule', 'BG/NBD')
    """
    return "the simple rule" if who == RULE else model_name(who)


def instead(report: ReportInput, target: str = "churn") -> str:
    """Who spoke, where it is not the product's own model; empty where it is."""
    who = speaker(report, target)
    if who == PRODUCT:
        return ""
    figures = "chances of not buying" if target == "churn" else "spend"
    return (
        f"The {figures} here {'are' if target == 'churn' else 'is'} forecast by {called(who)}, not by Regulars' own "
        f"model, which was not shown to be as good at the checks in the past (grade {letter_of(report, target)})."
    )


def full_words(report: ReportInput, target: str) -> str:
    """The grade with its figures, as the backtest says it; empty without one."""
    return plain(branch(report.backtest, "grade", target).get("words") or "")


def as_spoken(report: ReportInput) -> pd.DataFrame:
    """Predictions of the past by those who speak now: `p_churn_spoken` and `value_spoken`, as far as there are any."""
    frame, found = report.predictions, report.predictions[list(PREDICTION_COLUMNS)]
    for target, prefix in (("churn", "p_churn_"), ("value", "value_")):
        name = prefix + speaker(report, target)
        if name in frame.columns:
            found = found.assign(**{prefix + SPOKEN: frame[name]})
    return found
