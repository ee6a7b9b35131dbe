"""The model card: what a model learnt from, how good it was on later time, where it ends, what it is for.

In: a model, the figures of its backtest, facts of its ledger. Out: plain values for JSON, and the same as Markdown.
Nobody is named in it. What nobody told is left out, and said as not known where a reader would look for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from .. import __version__
from .grade import NAMES, PRODUCT
from .model import Model

SPEAKERS = {**NAMES, "regulars": "the learnt model"}
FACTS = ("first_day", "last_day", "lines", "customers", "fingerprint", "currency")
"""What is told of a ledger, in this order."""
FIGURES = {
    "churn": ("log_loss", "auc", "brier", "ece"),
    "value": ("tweedie_deviance", "gini", "top_decile_capture", "bias", "spearman"),
    "money": ("gain", "share_of_best"),
}
INTENDED = (
    "ranking customers by how likely they are to fall silent, and by what they are expected to spend",
    "deciding whom to contact, where a contact costs little and does no harm",
    "planning: sums of expected spend over many customers",
)
NOT_FOR = (
    "decisions with legal or similarly weighty effect on a person, such as credit, insurance, employment or prices",
    "telling what a contact changes: the chances are of what happens as things are, not of what an offer would do",
    "customers, shops or countries other than those of the ledger it was trained on",
    "people who have not bought yet: of them only classes are known",
)


def card_of(
    model: Model, figures: Mapping[str, Any] | None = None, facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The card of a model, as plain values for JSON.

    Parameters
    ----------
    figures : mapping, optional
        Of the backtest.
    facts : mapping, optional
        `FACTS` of the ledger; ``sensitive``: names of columns that are no features; ``fairness``: figures by group, if
        there are any; ``notes``: what one should know before one trusts the figures.
    """
    figures, facts = figures or {}, facts or {}
    pooled = figures.get("pooled") or {}
    grades: Mapping[str, Any] = figures.get("grade") or {}
    return {
        "regulars": __version__,
        "trained_on": str(model.trained_on),
        "horizons": list(model.learnt.horizons),
        "speaks": {"churn": model.speaker, "value": model.value_speaker},
        "data": {name: facts[name] for name in FACTS if facts.get(name) is not None},
        "grade": {kind: {"grade": of_it["grade"], "words": of_it["words"]} for kind, of_it in grades.items()},
        "out_of_time": {
            "days": [origin["cutoff"] for origin in figures.get("origins", ())],
            "customers": pooled.get("n"),
            **{kind: _own(pooled.get(kind), _speaker(model, kind), names) for kind, names in FIGURES.items()},
            "intervals": _some(pooled.get("intervals"), ("level", "coverage", "upper_coverage")),
        },
        "limits": _once([*figures.get("notes", ()), *facts.get("notes", ()), *_limits(model)]),
        "features": _families(model),
        "sensitive": {
            "columns": list(facts.get("sensitive", ())),
            "fairness": facts.get("fairness"),
        },
        "intended_use": list(INTENDED),
        "not_for": list(NOT_FOR),
    }


def _speaker(model: Model, kind: str) -> str:
    """Whose figures count; money needs both chances and amounts of the same model."""
    speakers = {"churn": model.speaker, "value": model.value_speaker}
    return speakers.get(kind) or (model.speaker if model.speaker == model.value_speaker else PRODUCT)


def _own(by_model: Mapping[str, Any] | None, speaker: str, names: Sequence[str]) -> dict[str, Any]:
    """The figures of whoever speaks, with their intervals."""
    own = (by_model or {}).get(speaker) or {}
    return {"by": speaker, **_some(own, names), "ci": own.get("ci")} if own else {}


def _some(found: Mapping[str, Any] | None, names: Sequence[str]) -> dict[str, Any]:
    return {name: found[name] for name in names if name in found} if found else {}


def _once(notes: Iterable[object]) -> list[str]:
    return list(dict.fromkeys(str(note) for note in notes if note))


def _limits(model: Model) -> list[str]:
    """What the model itself knows of its limits."""
    found = [f"it knows nothing of what happened before {model.history_starts}"]
    if model.active_within_days is not None:
        found.append(f"customers silent for more than {model.active_within_days} days get no score")
    if model.horizon_days not in model.trust:
        found.append("spend has no intervals: nothing teaches them yet")
    if model.modules:
        found.append(f"some features are the user's own: {', '.join(source.file for source in model.modules)}")
    return found


def _families(model: Model) -> dict[str, int]:
    """How many features each family has."""
    families = [entry.family for entry in model.plan.entries]
    return {name: len(list(group)) for name, group in groupby(families)}


def card_text(card: Mapping[str, Any]) -> str:
    """A card as Markdown.

    Examples
    --------
    >>> card_text({"trained_on": "2024-02-26", "horizons": [30]}).splitlines()[0]
    '# Model card: Regulars, trained on 2024-02-26'
    """
    horizons = " and ".join(f"{days} days" for days in card.get("horizons", ()))
    speaks = card.get("speaks") or {}
    parts = [
        f"# Model card: Regulars, trained on {card.get('trained_on')}",
        f"For each customer: the chance of no purchase within {horizons}, and what is spent in them.",
        *[f"Of {kind} speaks {SPEAKERS.get(who, who)}." for kind, who in speaks.items()],
        "## Data",
        _listed(card.get("data"), "not told"),
        "## How good it was on later time",
        _listed({kind: f"{g['grade']}. {g['words']}" for kind, g in (card.get("grade") or {}).items()}, "not examined"),
        _figures(card.get("out_of_time") or {}),
        "## Limits",
        _bullets(card.get("limits", ())),
        "## Features",
        _listed(card.get("features"), "none"),
        "## Sensitive attributes",
        _sensitive(card.get("sensitive") or {}),
        "## Intended use",
        _bullets(card.get("intended_use", ())),
        "## Not for",
        _bullets(card.get("not_for", ())),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _bullets(lines: Iterable[object]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _listed(found: Mapping[str, Any] | None, otherwise: str) -> str:
    return _bullets(f"{name.replace('_', ' ')}: {value}" for name, value in found.items()) if found else otherwise


def _figures(found: Mapping[str, Any]) -> str:
    """The figures as a table."""
    rows = [
        f"| {kind} | {name.replace('_', ' ')} | {_number(value)} | {_interval(values.get('ci'), name)} |"
        for kind, values in found.items()
        if isinstance(values, Mapping)
        for name, value in values.items()
        if name not in ("by", "ci")
    ]
    if not rows:
        return ""
    judged = f"Judged as of {', '.join(map(str, found.get('days', ())))}: {found.get('customers')} customers."
    return f"{judged}\n\n" + "\n".join(["| of | figure | value | 90 % interval |", "| --- | --- | ---: | --- |", *rows])


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _interval(ci: object, name: str) -> str:
    """The interval of one figure: those of money have a single one, of their gain."""
    found = ci.get(name) if isinstance(ci, Mapping) else ci if name == "gain" else None
    return f"{_number(found[0])} to {_number(found[1])}" if isinstance(found, Sequence) and len(found) == 2 else ""


def _sensitive(found: Mapping[str, Any]) -> str:
    columns = found.get("columns") or ()
    said = f"Declared sensitive, and never a feature: {', '.join(columns)}." if columns else "None was declared."
    fairness = found.get("fairness")
    return f"{said} {_listed(fairness, '')}" if fairness else f"{said} Fairness by group was not examined."
