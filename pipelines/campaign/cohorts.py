"""Whom a campaign first meant to give something, wave by wave, and who of them was left as a control.

In: the waves of a campaign. Out: a `Cohort` for each wave: the customers of the arms `chosen` and `control` for whom
something was meant in it for the first time, with what was known of them then. Until that wave both arms were treated
alike, so they can be compared from then on; later waves see customers whom the campaign itself has changed.

Imbens & Rubin (2015), Causal Inference, chapter 3: what the assignment has touched is no covariate and no filter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...clock import Cutoff, matured
from ...config import Config
from ...offers.arms import ARMS
from ...offers.catalogue import Catalogue
from ...offers.ratio import SampleRatio, sample_ratio
from .wave import Wave

_READ = ("customer_id", "arm", "meant_offer", "meant_channel", "offer", "expected_spend", "p_churn")
Texts = NDArray[np.str_]


@dataclass(frozen=True)
class ReadOut:
    """A wave and the day of its result.

    Parameters
    ----------
    wave : Wave
    lag_days : int
        So many days after a window what happened in it is known.
    """

    wave: Wave
    lag_days: int

    @cached_property
    def policy(self) -> dict[str, Any]:
        """By which it was decided."""
        return self.wave.policy()

    @cached_property
    def catalogue(self) -> Catalogue:
        """Of its day."""
        return Catalogue.of(self.policy["catalogue"])

    @property
    def begins(self) -> Cutoff:
        """The day of the wave, on which its window begins."""
        return self.wave.as_of

    @property
    def window_days(self) -> int:
        """Days of the window."""
        return int(self.policy["horizon_days"])

    @property
    def ends(self) -> Cutoff:
        """The day on which the window has closed."""
        return self.begins.plus(self.window_days)

    @property
    def day(self) -> Cutoff:
        """The day of the result, fixed when the wave was assigned: then all that counts is known."""
        return self.ends.plus(self.lag_days)

    def due(self, on: Cutoff) -> bool:
        """Whether the result may be looked at on a day."""
        return matured(self.begins, self.window_days, self.lag_days, on)

    @property
    def shares(self) -> dict[str, float]:
        """The share of all customers that each arm was drawn with."""
        said = self.policy["shares"]
        holdout, control, explore = (float(said[name]) for name in ARMS[:3])
        drawn = 1 - holdout
        chosen = drawn * (1 - control - explore)
        return dict(zip(ARMS, (holdout, drawn * control, drawn * explore, chosen), strict=True))


def read_outs(waves: Sequence[Wave], config: Config) -> list[ReadOut]:
    """Waves by their day, each with the day of its result."""
    found = [ReadOut(wave, config.target.label_lag_days) for wave in waves]
    return sorted(found, key=lambda one: (one.begins, one.wave.number))


@dataclass(frozen=True)
class Cohort:
    """Customers for whom something was first meant in one wave; every array has the shape (n,), ids ascend.

    Parameters
    ----------
    out : ReadOut
    ids : ndarray of str
    treated : ndarray of bool
        `chosen`, whatever then reached them; the others are `control`.
    offer, channel : ndarray of str
        What was meant.
    given : ndarray of bool
        Whether they got something in that wave.
    expected_spend, p_churn : ndarray of float64
        What was expected of them then.
    share : float
        The chance of being treated, of those who are compared.
    """

    out: ReadOut
    ids: Texts
    treated: NDArray[np.bool_]
    offer: Texts
    channel: Texts
    given: NDArray[np.bool_]
    expected_spend: NDArray[np.float64]
    p_churn: NDArray[np.float64]
    share: float


@dataclass(frozen=True)
class Drawn:
    """The arms of a wave.

    Parameters
    ----------
    out : ReadOut
    arms : dict of str to int
        Customers of each.
    ratio : SampleRatio
        Of the customers who are new to the campaign with it, against what was drawn.
    moved : int
        Customers who are in another arm than in an earlier wave of the campaign: there can be none.
    """

    out: ReadOut
    arms: dict[str, int]
    ratio: SampleRatio
    moved: int

    @property
    def ok(self) -> bool:
        """Whether the arms are as they were drawn."""
        return self.ratio.ok and not self.moved


def cohorts(outs: Sequence[ReadOut]) -> tuple[list[Cohort], list[Drawn]]:
    """Who is compared from which wave on, and the arms of every wave."""
    found, drawn = [], []
    seen, arms, reached = pa.array([], pa.string()), pa.array([], pa.string()), pa.array([], pa.string())
    for out in outs:
        table = out.wave.table(list(_READ))
        ids, arm = (table.column(name).combine_chunks() for name in ("customer_id", "arm"))
        before = pc.index_in(ids, value_set=seen)
        new = before.is_null()
        moved = pc.not_equal(arms.take(before), arm) if len(arms) else pa.array([], pa.bool_())
        counts = {name: Counter(part.to_pylist()) for name, part in (("all", arm), ("new", arm.filter(new)))}
        ratio = sample_ratio({name: counts["new"][name] for name in ARMS}, out.shares)
        drawn.append(Drawn(out, {n: counts["all"][n] for n in ARMS}, ratio, int(pc.sum(moved).as_py() or 0)))
        seen, arms = pa.concat_arrays([seen, ids.filter(new)]), pa.concat_arrays([arms, arm.filter(new)])
        first = pc.and_(pc.not_equal(table.column("meant_offer"), ""), pc.invert(pc.is_in(ids, value_set=reached)))
        compared = pc.is_in(arm, value_set=pa.array(["chosen", "control"]))
        some = table.filter(pc.and_(first, compared))
        reached = pa.concat_arrays([reached, some.column("customer_id").combine_chunks()])
        found.append(_cohort(out, some))
    return found, drawn


def _cohort(out: ReadOut, table: pa.Table) -> Cohort:
    shares = out.shares
    texts = {name: np.asarray(table.column(name).to_pylist(), object).astype(str) for name in _READ[:5]}
    order = np.argsort(texts["customer_id"], kind="stable")
    texts = {name: values[order] for name, values in texts.items()}
    expected, silent = (np.asarray(table.column(name).to_numpy(), np.float64)[order] for name in _READ[5:])
    return Cohort(
        out,
        texts["customer_id"],
        texts["arm"] == "chosen",
        texts["meant_offer"],
        texts["meant_channel"],
        texts["offer"] != "",
        expected,
        silent,
        shares["chosen"] / (shares["chosen"] + shares["control"]),
    )
