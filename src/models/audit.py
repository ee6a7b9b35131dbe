"""Which features look like the target, say nothing, say it twice, or name the cutoff: an audit of a user's own panel.

In: panel rows with matured labels. Out: figures for each feature and what they amount to. A feature is tried alone (AUC
against silence, Gini on spend, whichever way it points) and beside the others (its share of the gain of a small
booster). A missing value counts as a value of its own, the smallest or the largest, whichever tells more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import NotEnoughData
from ..features.family import BUILT_IN, Entry
from ..features.panel import Label, Panel
from .boosted import Boosted, Setting
from .metrics import auc, gini

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

TOO_GOOD, TOO_MUCH = 0.95, 0.80
"""AUC or Gini, and share of the gain, beyond which a feature looks like the target.

The share counts only in a booster that is too good itself: on sparse purchases one honest summary of the past takes
over four fifths of the gain, too.
"""
MOSTLY, DRIFTS, ENOUGH = 0.95, 0.25, 50
"""Share missing, and population stability index, that are told; known values that the latter takes."""
MOST_ROWS = 50_000
QUICK = Setting(rounds=20).changed(
    {"max_depth": 3, "learning_rate": 0.3, "subsample": 1.0, "colsample_bytree": 1.0, "reg_lambda": 1.0}
)
"""A small booster in which nothing is left to chance, so that one feature can take what there is."""


@dataclass(frozen=True)
class Audited:
    """One feature's figures.

    Parameters
    ----------
    name, family, unit : str
    auc : float or None
        Alone against silence, at least .5; None with one outcome.
    gini : float or None
        Normalised, alone against spend, whichever way it points; None when nothing was spent.
    gain, gain_spend : float
        Share of the gain of a small booster of silence, and of spend.
    too_good : tuple of str
        Which of the two boosters (``silence``, ``spend``) is too good to be true.
    missing : float
        Share of rows.
    drift : float or None
        Population stability index of the known values between the first and the last cutoff; None with too few.
    constant, names_the_cutoff : bool
        The same value everywhere; the same for all customers of each cutoff.
    same_as : str
        An earlier feature with the same values, or nothing.
    """

    name: str
    family: str
    unit: str
    auc: float | None
    gini: float | None
    gain: float
    gain_spend: float
    too_good: tuple[str, ...]
    missing: float
    drift: float | None
    constant: bool
    names_the_cutoff: bool
    same_as: str

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it looks like the target; none when it does not."""
        alone = ((self.auc, "AUC {:.3f} alone against silence"), (self.gini, "Gini {:.3f} alone against spend"))
        beside = {"silence": self.gain, "spend": self.gain_spend}
        good = [said.format(v) for v, said in alone if v is not None and v > TOO_GOOD]
        much = [f"{v:.0%} of the gain on {of}" for of, v in beside.items() if v > TOO_MUCH and of in self.too_good]
        return (*good, *much)


@dataclass(frozen=True)
class Audit:
    """The figures of all features.

    Parameters
    ----------
    features : tuple of Audited
    horizon_days : int
    cutoffs : tuple of Cutoff
    n_rows : int
    notes : tuple of str
    """

    features: tuple[Audited, ...]
    horizon_days: int
    cutoffs: tuple[Cutoff, ...]
    n_rows: int
    notes: tuple[str, ...] = ()

    @property
    def suspects(self) -> tuple[Audited, ...]:
        """The features that look like the target."""
        return tuple(f for f in self.features if f.reasons)

    @property
    def figures(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        return {
            "horizon_days": self.horizon_days,
            "cutoffs": [str(c) for c in self.cutoffs],
            "rows": self.n_rows,
            "suspects": [f.name for f in self.suspects],
            "features": [{**asdict(f), "looks_like_the_target": list(f.reasons)} for f in self.features],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        first, last = self.cutoffs[0], self.cutoffs[-1]
        head = (
            f"{len(self.features)} features of {self.n_rows:,} rows at {len(self.cutoffs)} cutoffs from {first} to "
            f"{last}, against what happened in the {self.horizon_days} days after each."
        )
        return "\n".join([head, *self._suspicions(), *self._remarks(), *self.notes, "", *self._nearest()])

    def _suspicions(self) -> list[str]:
        out = [f"LOOKS LIKE THE TARGET  `{f.name}` ({f.family}): {', '.join(f.reasons)}" for f in self.suspects]
        hint = "  Do: make sure that it is known before the cutoff (--verify tries that); if it is not, leave it out"
        return [*out, hint] if out else ["No feature looks like the target."]

    def _remarks(self) -> list[str]:
        # The user's own come first.
        features = sorted(self.features, key=lambda f: f.family in BUILT_IN)
        told = {
            "the same value everywhere": [f.name for f in features if f.constant],
            "the same for all customers of a cutoff, which names the cutoff": [
                f.name for f in features if f.names_the_cutoff
            ],
            "the same as another": [f"{f.name} = {f.same_as}" for f in features if f.same_as and not f.constant],
            f"missing in over {MOSTLY:.0%} of the rows": [
                f.name for f in features if f.missing > MOSTLY and not f.constant
            ],
            f"other at the last cutoff than at the first (PSI over {DRIFTS})": [
                f.name for f in features if (f.drift or 0) > DRIFTS
            ],
        }
        return [f"{len(names)} {said}: {_listed(names)}" for said, names in told.items() if names]

    def _nearest(self, n: int = 12) -> list[str]:
        """The features nearest to the target as a table."""
        ordered = sorted(self.features, key=lambda f: (-max(f.auc or 0, f.gini or 0), f.name))[:n]
        rows = [("nearest to the target", "family", "AUC", "Gini", "gain", "missing", "drift")]
        for f in ordered:
            shown = (_number(f.auc), _number(f.gini), f"{f.gain:.1%}", f"{f.missing:.1%}", _number(f.drift))
            rows.append((f.name, f.family, *shown))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        # Words stand on the left, numbers on the right.
        sides = ["<", "<", *[">"] * (len(widths) - 2)]
        return ["  ".join(f"{c:{s}{w}}" for c, s, w in zip(row, sides, widths, strict=True)) for row in rows]


def _listed(names: Sequence[str], most: int = 8) -> str:
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def audited(
    panel: Panel, label: Label, entries: Sequence[Entry], seed: int = 0, threads: int = 1, notes: Sequence[str] = ()
) -> Audit:
    """Audit the features of panel rows whose labels have matured.

    Parameters
    ----------
    panel : Panel
        Rows at matured cutoffs; at most `MOST_ROWS` of them, drawn by the seed, are looked at for AUC, Gini and gain.
    entries : sequence of Entry
        The catalogue's lines of the panel's features, in the same order.

    Raises
    ------
    NotEnoughData
        Without any row.
    """
    if not panel.n_rows:
        raise NotEnoughData("nobody is at risk at the training cutoffs", needed="rows to look at", code="RG044")
    names, values, days = panel.names, panel.values, panel.cutoff_day
    rows = np.arange(panel.n_rows)
    if panel.n_rows > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).permutation(panel.n_rows)[:MOST_ROWS])
    target = panel.targets[label]
    tried = target.take(rows)
    silent, spend = (tried.orders == 0).astype(np.float64), np.maximum(tried.spend, 0)
    twins = _twins(names, values)
    told_apart = [i for i, name in enumerate(names) if not twins[name]]
    few = np.ascontiguousarray(values[told_apart][:, rows])
    boosted = {
        kind: _Boost.of(kind, [names[i] for i in told_apart], few, y, threads)
        for kind, y in _targets(silent, spend).items()
    }
    too_good = tuple(of for kind, of in KINDS.items() if kind in boosted and boosted[kind].too_good)
    out = []
    for i, entry in enumerate(entries):
        mine, apart = values[i], np.asarray(values[i][rows], np.float64)
        constant = _constant(mine)
        same = not constant and len(np.unique(days)) > 1 and all(_constant(mine[days == d]) for d in np.unique(days))
        original = twins[entry.name] or entry.name
        out.append(
            Audited(
                name=entry.name,
                family=entry.family,
                unit=entry.unit,
                auc=None if constant else alone_auc(silent, apart),
                gini=None if constant else alone_gini(spend, apart),
                gain=boosted["churn"].gain.get(original, 0.0) if "churn" in boosted else 0.0,
                gain_spend=boosted["value"].gain.get(original, 0.0) if "value" in boosted else 0.0,
                too_good=too_good,
                missing=float(np.isnan(mine).mean()),
                drift=_drift(mine, days),
                constant=constant,
                names_the_cutoff=same,
                same_as=twins[entry.name],
            )
        )
    cutoffs = tuple(Cutoff(int(d)) for d in np.unique(days))
    return Audit(tuple(out), label.horizon_days, cutoffs, panel.n_rows, tuple(notes))


def alone_auc(outcome: Float64, values: Float64) -> float | None:
    """AUC of a feature alone, whichever way it points; missing is smallest or largest; None with one outcome.

    Examples
    --------
    >>> alone_auc(np.array([0.0, 0.0, 1.0]), np.array([3.0, 2.0, np.nan]))
    1.0
    """
    found = [auc(outcome, filled) for filled in _filled(values)]
    return max((max(a, 1 - a) for a in found if a is not None), default=None)


def alone_gini(spend: Float64, values: Float64) -> float | None:
    """Normalised Gini of a feature alone, whichever way it points; None when nothing was spent.

    Examples
    --------
    >>> alone_gini(np.array([0.0, 1.0, 3.0]), np.array([7.0, 6.0, 1.0]))
    1.0
    """
    found = [gini(spend, sign * filled) for filled in _filled(values) for sign in (1.0, -1.0)]
    return max((g for g in found if g is not None), default=None)


def _filled(values: Float64) -> list[Float64]:
    """Ranks of the values with the missing ones first, and with them last; once when none is missing."""
    missing = np.isnan(values)
    _, rank = np.unique(np.where(missing, 0.0, values), return_inverse=True)
    # Ranks from 1 on, so that there is room either side.
    ranks = rank.astype(np.float64) + 1
    if not missing.any():
        return [ranks]
    return [np.where(missing, end, ranks) for end in (0.0, len(values) + 2.0)]


def _targets(silent: Float64, spend: Float64) -> dict[str, Float64]:
    """What a booster can learn from: a target that is not the same for everyone."""
    both = {"churn": silent, "value": spend}
    return {kind: y for kind, y in both.items() if len(y) and y.min() < y.max()}


KINDS = {"churn": "silence", "value": "spend"}
"""What the boosters call their targets, and what we do."""


@dataclass(frozen=True)
class _Boost:
    """Each feature's share of the gain of a small booster, and whether that knows its own rows too well."""

    gain: dict[str, float]
    too_good: bool

    @classmethod
    def of(cls, kind: str, names: Sequence[str], values: Float32, label: Float64, threads: int) -> _Boost:
        setting = Setting(QUICK.params, QUICK.rounds, 0, threads)
        booster = Boosted.fit(kind, names, values, label, np.ones(len(label)), setting)
        gain, said = booster.gain(), booster.link(names, values)
        total = sum(gain.values())
        merit = auc(label, said) if kind == "churn" else gini(label, said)
        return cls({name: g / total for name, g in gain.items()} if total > 0 else {}, (merit or 0.0) > TOO_GOOD)


def _constant(values: Float32) -> bool:
    """Whether all are the same, or all are missing."""
    missing = np.isnan(values)
    return bool(missing.all()) or (not missing.any() and bool(values.min() == values.max()))


def _twins(names: Sequence[str], values: Float32) -> dict[str, str]:
    """For each feature the first one with exactly the same values, or nothing if that is itself."""
    seen: dict[bytes, str] = {}
    firsts = [seen.setdefault((row + np.float32(0)).tobytes(), name) for name, row in zip(names, values, strict=True)]
    return {name: first if first != name else "" for name, first in zip(names, firsts, strict=True)}


def _drift(values: Float32, days: NDArray[np.int64]) -> float | None:
    """Population stability index of the known values between the first and the last cutoff, over ten parts.

    None with one cutoff, or with fewer than `ENOUGH` known values at one of the two.
    """
    if not len(days) or days.min() == days.max():
        return None
    known = ~np.isnan(values)
    first, last = values[known & (days == days.min())], values[known & (days == days.max())]
    if min(len(first), len(last)) < ENOUGH:
        return None
    edges = np.unique(np.quantile(first, np.linspace(0.1, 0.9, 9)))

    def shares(part: Float32) -> Float64:
        counts = np.bincount(np.searchsorted(edges, part, side="left"), minlength=len(edges) + 1) + 0.5
        return np.asarray(counts / counts.sum())

    a, b = shares(first), shares(last)
    return float(((b - a) * np.log(b / a)).sum())
