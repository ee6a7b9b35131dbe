"""Did it work: what an experiment says, or why it says nothing.

In: a `Trial`. Out: `Measured`: whether the arms are what was drawn, the effects of all arms on all outcomes, adjusted
for so many arms, and sentences. Nothing is concluded where the arms were not drawn, are not as large as they were
drawn, or differed before by more than chance allows; then the gap before is shown instead. Too few customers are no
effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import ConfigError, Refused, did_you_mean
from .balance import LEAST_CHANCE, Balance, balance
from .holm import holm
from .itt import LEAST, Effect, difference
from .ratio import SampleRatio, sample_ratio
from .trial import Trial


@dataclass(frozen=True)
class Measured:
    """What an experiment says.

    Parameters
    ----------
    counts : dict of str to int
        Customers (rows) by arm, the control first.
    ratio : SampleRatio or None
        Sizes of the arms against what was drawn; None where it is not known what was.
    balances : tuple of Balance
        Gaps before the assignment, by arm.
    effects : tuple of Effect
        By outcome, then arm; none where nothing may be concluded.
    refused : str
        Why nothing is concluded; empty where something is.
    """

    counts: dict[str, int]
    ratio: SampleRatio | None
    balances: tuple[Balance, ...]
    effects: tuple[Effect, ...]
    refused: str = ""

    def effect(self, arm: str, outcome: str) -> Effect:
        """The effect of an arm on an outcome.

        Raises
        ------
        Refused
            ``RG442``: nothing may be concluded.
        ConfigError
            ``RG443``: there is no such effect.
        """
        if self.refused:
            raise Refused(self.refused.rstrip("."), code="RG442")
        found = {(e.arm, e.outcome): e for e in self.effects}
        if (arm, outcome) not in found:
            hint = did_you_mean(f"{arm}, {outcome}", [", ".join(key) for key in found]) if found else ""
            raise ConfigError(f"there is no effect of `{arm}` on `{outcome}`", do=hint, code="RG443")
        return found[arm, outcome]

    @property
    def verdict(self) -> str:
        """The whole answer in one sentence."""
        if self.refused:
            return "No effect is concluded."
        if not next(iter(self.counts.values())):
            return "There is nobody to compare with: the control group is empty."
        if not self.effects:
            return f"There are too few customers to say anything: {LEAST} in either arm are the least."
        sure = [effect for effect in self.effects if effect.sure]
        if not sure:
            return "No effect can be told from zero."
        told = f"{len(sure)} of {len(self.effects)} effects" if len(self.effects) > 1 else "The effect"
        return f"{told} can be told from zero."

    @property
    def words(self) -> tuple[str, ...]:
        """What was found, a sentence each."""
        if self.refused:
            before = [gap.words for one in self.balances for gap in one.gaps[:2]]
            return (self.verdict, self.refused, *(f"{text}." for text in before))
        few = [arm for arm in list(self.counts)[1:] if not any(effect.arm == arm for effect in self.effects)]
        lacking = [f"{arm}: too few customers to say anything." for arm in few] if self.effects else []
        said = [*(effect.words for effect in self.effects), *lacking]
        helped = max((effect.found.less_variance for effect in self.effects), default=0.0)
        if helped > 0.01:
            said.append(f"What was known before takes up to {100 * helped:.0f} % of the noise (variance) away.")
        return (self.verdict, *said)

    def figures(self) -> dict[str, Any]:
        """As plain values for JSON; no ids."""
        return {
            "arms": dict(self.counts),
            "sample_ratio": None if self.ratio is None else self.ratio.figures(),
            "before": [one.figures() for one in self.balances],
            "effects": [effect.figures() for effect in self.effects],
            "refused": self.refused,
            "verdict": self.verdict,
            "words": list(self.words),
        }

    def _repr_html_(self) -> str:
        from html import escape

        return "".join(f"<p>{escape(text)}</p>" for text in self.words)


NOT_DRAWN = (
    "Who was treated was somebody's choice, not drawn by lot: the difference to the others stood, or may have stood, "
    "before anything was sent, and no adjustment can tell the two apart."
)


def measured(trial: Trial) -> Measured:
    """What an experiment says of every arm and outcome.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> arm, before = rng.integers(0, 2, 4000), rng.gamma(2.0, 20.0, 4000)
    >>> spend = before + 5.0 * arm + rng.normal(0, 10, 4000)
    >>> arms = ("nothing", "mail")
    >>> found = measured(Trial(arms, arm, {"spend": spend}, before[:, None], ("spend before",), "drawn by lot"))
    >>> effect = found.effect("mail", "spend")
    >>> effect.low < 5 < effect.high, effect.high - effect.low < 1.3, effect.sure
    (True, True, True)
    """
    found = checked(trial)
    return found if found.refused else replace(found, effects=effects(trial))


def checked(trial: Trial) -> Measured:
    """Whether anything may be concluded from an experiment, without its effects."""
    seen = Counter(trial.arm.tolist())
    counts = {name: seen[i] for i, name in enumerate(trial.arms)}
    ratio = None if trial.shares is None else sample_ratio(counts, trial.shares)
    balances = tuple(balance(trial, arm) for arm in range(1, len(trial.arms)))
    return Measured(counts, ratio, balances, (), _reason(trial, ratio, balances))


def effects(trial: Trial) -> tuple[Effect, ...]:
    """Effects by outcome, then arm, their chances raised for so many arms; without asking whether arms were drawn."""
    return _raised([(name, trial, arm) for arm, name in enumerate(trial.arms) if arm])


def side_by_side(trials: Mapping[str, Trial]) -> tuple[Effect, ...]:
    """Effects of trials of two arms each, such as one an offer, called by their names and raised for so many."""
    return _raised([(name, trial, 1) for name, trial in trials.items()])


def _raised(parts: Sequence[tuple[str, Trial, int]]) -> tuple[Effect, ...]:
    found: list[Effect] = []
    for outcome in dict.fromkeys(name for _, trial, _ in parts for name in trial.outcomes):
        asked = [part for part in parts if outcome in part[1].outcomes]
        known = [(part, one) for part in asked if (one := difference(part[1], part[2], outcome)) is not None]
        raised = holm([one.p for _, one in known]).tolist()
        for ((name, trial, arm), one), p in zip(known, raised, strict=True):
            treated, control = (int(np.count_nonzero(trial.arm == number)) for number in (arm, 0))
            found.append(Effect(name, outcome, trial.units.get(outcome, ""), treated, control, one, p))
    return tuple(found)


def _reason(trial: Trial, ratio: SampleRatio | None, balances: tuple[Balance, ...]) -> str:
    """Why nothing may be concluded; empty where something may."""
    if trial.randomised is None:
        return NOT_DRAWN
    if ratio is not None and not ratio.ok:
        return ratio.words
    # So many arms are looked at: one of them may be off by chance.
    uneven = [one.arm for one in balances if one.p < LEAST_CHANCE / len(balances)]
    if uneven:
        return (
            f"The arms are said to be drawn ({trial.randomised}), but {', '.join(uneven)} differed from the control "
            "before anything was sent by more than chance allows. Either they were not drawn, or customers were lost."
        )
    return ""
