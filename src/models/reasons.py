"""Reasons: what goes with a customer's chance of falling silent, in words and with the customer's own numbers.

In: a model and the rows asked for. Out: for each row the themes that raise and lower its logit, strongest first; with
the base and the season they add up to it. Where a rival speaks, the reason is what that rival looks at. Nothing about a
row depends on the other rows. What is missing is said as not known. Reasons are of the chance of silence only: the
value blend mixes chances and amounts, whose contributions do not add up on one scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..features.family import Entry
from .contributions import Contributions, of_churn, of_rival
from .naive import NaiveChurn
from .quantities import number
from .sample import Sample
from .speakers import spoken
from .themes import RHYTHM, theme_of
from .usual import Usual
from .words import Said, clause, siblings

if TYPE_CHECKING:
    from .model import Model

LEAST = 0.02
"""Logits that a theme must add or take away to be a reason: 2 % of the odds."""
MOST = 5
"""So many reasons up, and so many down."""
DULL = 0.3
"""A feature that says nothing unusual, or is not known, speaks for its theme only if it counts so much more."""
FEW_DAYS = 5
"""Shorter pauses are told to a tenth of a day."""
NOTHING = "nothing sets this customer apart from the median customer"
RIVALS = {"bg_nbd": "BG/NBD", "pareto_nbd": "Pareto/NBD"}


@dataclass(frozen=True)
class Reason:
    """A theme, what it adds to the logit of silence, what is to be said of it, and whether that is anything unusual."""

    theme: str
    amount: float
    words: str
    telling: bool = True


@dataclass(frozen=True)
class Reasons:
    """Of what the logit of one customer is made.

    Parameters
    ----------
    logit : float
        Of no purchase in the horizon.
    base, season : float
        The customer of whom nothing is said, and the shift of the level, which is the same for all.
    parts : tuple of Reason
        Themes, the strongest first.

    Examples
    --------
    >>> found = Reasons(0.6, -0.5, 0.1, (Reason("spend", 1.2, "spent 3"), Reason("points", -0.2, "has 9 points")))
    >>> found.line()
    'more risk: spent 3; less risk: has 9 points'
    """

    logit: float
    base: float
    season: float
    parts: tuple[Reason, ...]

    def raising(self, most: int = MOST) -> tuple[Reason, ...]:
        """What goes with a higher chance of silence."""
        return tuple(r for r in self.parts if r.amount >= LEAST)[:most]

    def lowering(self, most: int = MOST) -> tuple[Reason, ...]:
        """What goes with a lower one."""
        return tuple(r for r in self.parts if r.amount <= -LEAST)[:most]

    def line(self, most: int = MOST) -> str:
        """The strongest reasons of either kind on one line; what is like the median customer is left out."""
        said = [r for r in self.parts if r.telling and abs(r.amount) >= LEAST][:most]
        return "; ".join(f"{'more' if r.amount > 0 else 'less'} risk: {r.words}" for r in said) or NOTHING


def reasons_of(model: Model, sample: Sample, currency: str = "") -> list[str]:
    """One line of text per row.

    Parameters
    ----------
    sample : Sample
        The rows asked for, at the model's first horizon; a row takes some milliseconds.
    currency : str
        Before amounts; none if empty.
    """
    return [found.line() for found in explained(model, sample, currency)]


def explained(model: Model, sample: Sample, currency: str = "") -> list[Reasons]:
    """The reasons of each row, as the model that speaks of churn has them."""
    churn, rule, usual = model.learnt.churn, model.learnt.rule, model.usual
    if model.speaker == "regulars":
        return in_words(of_churn(churn, sample, usual), sample, model.plan.entries, usual, currency)
    silent = spoken(model.speaker, churn, rule, sample)
    parts = of_rival(silent, usual.of_prior(sample.horizon_days), sample.panel.names)
    return of_rhythm(parts, [_by_rival(model.speaker, rule, said) for said in rhythms(sample)])


def in_words(
    parts: Contributions, sample: Sample, entries: Sequence[Entry], usual: Usual, currency: str = ""
) -> list[Reasons]:
    """Contributions gathered by theme, each with the clause of the feature that counts most in it."""
    known = {entry.name: entry for entry in entries}
    listed = [known.get(name, Entry(name, "", "", "", "")) for name in parts.names]
    themes: dict[str, list[int]] = {RHYTHM: []}
    for i, entry in enumerate(listed):
        themes.setdefault(theme_of(entry), []).append(i)
    middle = [usual.of_feature(name) for name in parts.names]
    said, found = rhythms(sample), []
    for row in range(len(parts.base)):
        amounts = parts.features[row].tolist()
        told = _Told(listed, sample.panel.values[:, row].tolist(), middle, currency)
        reasons = [
            Reason(RHYTHM, math.fsum([float(parts.rhythm[row]), *(amounts[i] for i in themes[RHYTHM])]), said[row])
        ]
        for theme, members in themes.items():
            amount = math.fsum(amounts[i] for i in members)
            if theme != RHYTHM and amount != 0:
                sizes = {i: math.copysign(amounts[i], amounts[i] * amount) for i in members}
                said_of_it = told.theme(sizes)
                reasons.append(Reason(theme, amount, said_of_it.words, said_of_it.telling))
        found.append(_summed(parts, row, reasons))
    return found


def of_rhythm(parts: Contributions, words: Sequence[str]) -> list[Reasons]:
    """Contributions of a model that looks at the rhythm alone."""
    return [
        _summed(parts, row, [Reason(RHYTHM, float(parts.rhythm[row]), said)])
        for row, said in enumerate(words)
    ]  # fmt: skip


def _summed(parts: Contributions, row: int, reasons: list[Reason]) -> Reasons:
    base, season = float(parts.base[row]), float(parts.season[row])
    ordered = sorted((r for r in reasons if r.amount != 0), key=lambda r: (-abs(r.amount), r.theme))
    return Reasons(math.fsum([base, season, *(r.amount for r in ordered)]), base, season, tuple(ordered))


@dataclass(frozen=True)
class _Told:
    """What the features of one customer say."""

    entries: Sequence[Entry]
    values: Sequence[float]
    usual: Sequence[float]
    currency: str

    def theme(self, sizes: Mapping[int, float]) -> Said:
        """The clause of the feature that counts most in the direction of its theme, unusual numbers first."""
        most, spoken_for = 0.0, Said("", False)
        for i in sorted(sizes, key=lambda i: (-sizes[i], self.entries[i].name)):
            if sizes[i] <= most:
                break
            said = self.plainly(i, sizes)
            weighed = sizes[i] if said.telling else DULL * sizes[i]
            if weighed > most:
                most, spoken_for = weighed, said
        return spoken_for

    def plainly(self, i: int, there: Iterable[int]) -> Said:
        """A feature's clause; for a formula that of a plain sibling, the first with an unusual number."""
        place = {self.entries[j].name: j for j in there}
        others = [self._clause(place[name]) for name in siblings(self.entries[i]) if name in place]
        telling = [said for said in others if said.telling] or others[-1:]
        return telling[0] if telling else self._clause(i)

    def _clause(self, i: int) -> Said:
        return clause(self.entries[i], self.values[i], self.usual[i], self.currency)


def rhythms(sample: Sample) -> list[str]:
    """The rhythm of each row: how often, at which pace, how long ago, and how late that is for this customer."""
    rhythm, silent = sample.panel.rhythm, sample.panel.recency_days
    rows = zip(rhythm.frequency.tolist(), rhythm.recency.tolist(), silent.tolist(), strict=True)
    return [_rhythm(*row) for row in rows]


def _rhythm(frequency: float, recency: float, silent: float) -> str:
    """A clause on repeat purchase days, days from the first to the last of them, and days since.

    Examples
    --------
    >>> _rhythm(4, 68, 45)
    '28 days later than usual: bought on 5 days, every 17 days on average, last 45 days ago'
    >>> _rhythm(4, 68, 5), _rhythm(0, 0, 1)
    ('bought on 5 days, every 17 days on average, last 5 days ago', 'bought on one day only, 1 day ago')
    """
    ago = _days(silent)
    if frequency < 1:
        return f"bought on one day only, {ago} ago"
    if frequency < 2:  # One pause is no habit.
        return f"bought on 2 days, {_days(recency)} apart, last {ago} ago"
    gap = recency / frequency
    late = round(silent - gap)
    pace = _days(round(gap) if gap >= FEW_DAYS else round(gap, 1))
    paced = f"bought on {_days(frequency + 1)}, every {pace} on average, last {ago} ago"
    return f"{_days(late)} later than usual: {paced}" if late >= 1 else paced


def _days(n: float) -> str:
    text = number(n)
    return f"{text} day{'' if text == '1' else 's'}"


def _by_rival(speaker: str, rule: NaiveChurn, said: str) -> str:
    """What a rival looks at."""
    if speaker == "naive":
        return f"a simple rule speaks, which counts as gone who has not bought for {_days(rule.days)}: {said}"
    return f"{RIVALS.get(speaker, speaker)} speaks, which knows the rhythm alone: {said}"
