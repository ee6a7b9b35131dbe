"""Compare two trainings: what they were made of, what they look at, how they did on the same customers.

In: two versions, aliases or runs. Out: `Compared`: data, settings and code that differ, features gained and lost with
their share of the gain, and figures at common cutoffs in pairs, with intervals: for people as a table, for machines as
JSON. What one of them has no predictions of is found out as the gate does it; where nothing is common, it is said.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..config import Config
from ..engines import usable_threads
from ..intake import Ledger
from ..models.paired import SIDES, Comparison, Paired
from ..progress import Progress
from .backtest import budget_of
from .contestants import Asker, Entry, entry_of, own_answer

if TYPE_CHECKING:
    import pandas as pd

FACTS = ("first_day", "last_day", "customers", "lines", "fingerprint")
"""What is told of the data of either."""
LEAST_SHARE = 0.001
"""Features of less gain are not named."""


@dataclass(frozen=True)
class Compared:
    """Two trainings side by side.

    Parameters
    ----------
    ours, theirs : Entry
    comparison : Comparison or None
        None where there is no cutoff at which both can speak.
    how : tuple of dict
        By cutoff, where the predictions of either come from.
    notes : tuple of str
    """

    ours: Entry
    theirs: Entry
    comparison: Comparison | None
    how: tuple[Mapping[str, str], Mapping[str, str]]
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, str]:
        """What the two are called."""
        return self.ours.name, self.theirs.name

    def features(self) -> dict[str, list[dict[str, Any]]]:
        """Features that only ours has, and that only theirs has, with their share of the gain."""
        shares = [{str(f["name"]): float(f["gain_share"]) for f in e.features} for e in (self.ours, self.theirs)]

        def alone(mine: Mapping[str, float], other: Mapping[str, float]) -> list[dict[str, Any]]:
            found = [(name, share) for name, share in mine.items() if name not in other and share >= LEAST_SHARE]
            return [{"name": name, "gain_share": share} for name, share in sorted(found, key=lambda f: (-f[1], f[0]))]

        return {"gained": alone(shares[0], shares[1]), "lost": alone(shares[1], shares[0])}

    def settings(self) -> dict[str, list[Any]]:
        """Settings that differ, by their place: ours and theirs."""
        mine, other = self.ours.recipe, self.theirs.recipe
        return {} if mine is None or other is None else {p: list(v) for p, v in mine.settings_unlike(other).items()}

    def versions(self) -> list[str]:
        """The package and the libraries that differ."""
        mine, other = self.ours.recipe, self.theirs.recipe
        return [] if mine is None or other is None else mine.versions_unlike(other)

    def figures(self) -> dict[str, Any]:
        """As plain values for JSON."""
        entries = dict(zip(SIDES, (self.ours, self.theirs), strict=True))
        return {
            **{side: _facts(entry) for side, entry in entries.items()},
            "settings": self.settings(),
            "versions": self.versions(),
            "features": self.features(),
            "predictions": dict(zip(SIDES, map(dict, self.how), strict=True)),
            "compared": self.comparison and self.comparison.figures(),
            "notes": list(self.notes),
        }

    def table(self) -> pd.DataFrame:
        """A row per fact and figure, as text: ours, theirs, and the difference with its 90 % interval."""
        import pandas as pd

        rows = [*self._about(), *self._compared()]
        return pd.DataFrame(rows, columns=["", *self.names, "difference"])

    def _about(self) -> list[tuple[str, str, str, str]]:
        mine, other = _facts(self.ours), _facts(self.theirs)
        rows = [("trained on", mine["trained_on"], other["trained_on"])]
        rows += [(f"grade of {kind}", mine["grades"][kind], other["grades"].get(kind, "-")) for kind in mine["grades"]]
        rows += [(f"data: {name.replace('_', ' ')}", _shown(mine[name]), _shown(other[name])) for name in FACTS]
        return [(*row, "" if row[1] == row[2] else "differs") for row in rows]

    def _compared(self) -> list[tuple[str, str, str, str]]:
        found = self.comparison
        if found is None:
            return []
        rows = []
        for title, figure, gain in (("log loss", "log_loss", found.churn), ("deviance", "deviance", found.value)):
            ours, theirs = (found.losses[figure][side] for side in SIDES)
            rows.append((title, _number(ours), _number(theirs), "" if gain is None else gain.words))
        if found.money is not None:
            ours, theirs = (found.money[side]["gain"] for side in SIDES)
            rows.append(
                ("money by contacts", f"{ours:,.2f}", f"{theirs:,.2f}", found.words[-1].rpartition("bring ")[2])
            )
        return rows

    def sentences(self) -> list[str]:
        """What the table does not hold: settings, code, features, what to keep in mind."""
        found = [f"{place}: {_shown(a)}, in the other {_shown(b)}." for place, (a, b) in self.settings().items()]
        found += [f"Code: {text}." for text in self.versions()]
        for what, features in self.features().items():
            if features:
                named = ", ".join(f"{f['name']} ({100 * f['gain_share']:.1f} %)" for f in features[:10])
                found.append(f"Features {what}: {named}{' and others' if len(features) > 10 else ''}.")
        if self.comparison is not None:
            count = f"{self.comparison.rows:,} predictions of {self.comparison.customers:,} customers"
            found.append(f"In pairs: {count} at {', '.join(self.comparison.cutoffs)}.")
        return [*found, *(f"Note: {note}." for note in self.notes)]

    def __str__(self) -> str:
        said = "\n".join(textwrap.fill(text, 120) for text in self.sentences())
        return f"{self.table().to_string(index=False)}\n\n{said}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{html.escape(text)}</p>" for text in self.sentences())
        return f"{self.table().to_html(index=False)}{said}"


def compare(
    config: Config, ledger_of: Callable[[], Ledger], ours: str, theirs: str, progress: Progress | None = None
) -> Compared:
    """Two trainings, each by the number of its version, by an alias or by its run.

    Parameters
    ----------
    ledger_of : callable
        Opens the present ledger; called only where predictions must be worked out.

    Raises
    ------
    NoModel
        When nothing answers to a name.
    """
    from ..models.registry import Registry

    registry, name = Registry.of(config), config.mlflow.model_name
    mine, other = (entry_of(registry, name, one) for one in (ours, theirs))
    answer = own_answer(mine, config, ledger_of)
    if mine.horizons[0] != other.horizons[0]:
        note = f"{mine.name} speaks of {mine.horizons[0]} days first, {other.name} of {other.horizons[0]}"
        return Compared(mine, other, None, (answer.how, {}), (f"{note}: different questions have no common figures",))
    asker = Asker(config, ledger_of, lambda v: registry.load(v, usable_threads(config.engine.threads)), progress)
    told = asker.ask(other, mine, answer)
    pairs = Paired.of(answer.said, told.said)
    if pairs.rows.empty:
        return Compared(mine, other, None, (answer.how, told.how), (*told.notes, "no customer is common to both"))
    found = Comparison.of(pairs, budget_of(config), config.seed)
    return Compared(mine, other, found, (answer.how, told.how), tuple(told.notes))


def _facts(entry: Entry) -> dict[str, Any]:
    ledger = {} if entry.recipe is None else entry.recipe.ledger
    return {
        "name": entry.name,
        "run_id": entry.run_id,
        "trained_on": str(entry.trained_on),
        "grades": entry.grades,
        "horizons": list(entry.horizons),
        **{name: ledger.get(name) for name in FACTS},
    }


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
