"""Movers: what has changed for whom since the scores before, one row per customer.

In: two tables of scores, the older first. Out: those whose risk, value or segment changed most, who joined and who
left, with both values; or a sentence why the two cannot be compared. Who is in one table only has nothing in the
other's columns. The order of the rows of either never matters: ties go by customer id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from ..models.metrics import Float64

COMPARED = ("p_churn", "expected_spend", "segment")
COLUMNS = (
    *("customer_id", "moved", "as_of_before", "as_of"),
    *(name for column in COMPARED for name in (f"{column}_before", column)),
)
KINDS = ("joined", "left", "risk", "value", "segment")
"""Why a customer is listed; several are joined by commas."""


@dataclass(frozen=True)
class About:
    """What a table of scores is about: two can be compared when all but the day is the same.

    Parameters
    ----------
    as_of : str
        ISO date.
    horizon_days : int
    currency : str
        As configured; perhaps empty.
    version : str
        The model's; another one is said, and no hindrance.
    """

    as_of: str
    horizon_days: int
    currency: str
    version: str = ""

    def metadata(self) -> dict[str, str]:
        """As a Parquet file carries it."""
        stated = {"as_of": self.as_of, "horizon_days": str(self.horizon_days), "currency": self.currency}
        return {**stated, "model_version": self.version}

    @classmethod
    def of_run(cls, facts: Mapping[str, Any]) -> About:
        """What a run says of itself in `run.json`."""
        return cls(facts["as_of"], facts["horizon_days"], facts["currency"], facts["model"]["version"])

    def hindrance(self, other: About) -> str | None:
        """Why the scores cannot be compared with later ones; None when they can.

        Examples
        --------
        >>> About("2024-01-01", 90, "EUR").hindrance(About("2024-02-01", 30, "EUR"))
        'the scores of 2024-01-01 look 90 days ahead and these 30, so nobody is said to have moved'
        """
        if self.horizon_days != other.horizon_days:
            ahead = f"look {self.horizon_days} days ahead and these {other.horizon_days}"
            return f"the scores of {self.as_of} {ahead}, so nobody is said to have moved"
        if self.currency != other.currency:
            named = f"are in {self.currency or 'no currency named'} and these in {other.currency or 'none named'}"
            return f"the scores of {self.as_of} {named}, so nobody is said to have moved"
        return None


@dataclass(frozen=True)
class Movers:
    """Who moved since a day.

    Parameters
    ----------
    rows : DataFrame
        Columns `COLUMNS`, those with most money moved first.
    counts : dict of str to int
        By kind: how many joined, left, changed segment; all of them, listed or not.
    since : str
        ISO date of the scores before.
    words : str
    """

    rows: pd.DataFrame
    counts: dict[str, int]
    since: str
    words: str

    def figures(self) -> dict[str, object]:
        """As JSON takes it."""
        return {"since": self.since, **self.counts, "listed": len(self.rows), "words": self.words}


def movers(before: pd.DataFrame, now: pd.DataFrame, then: About, about: About, most: int) -> Movers:
    """Who moved between two tables of scores that can be compared.

    Parameters
    ----------
    before, now : DataFrame
        `customer_id` and the columns `COMPARED`.
    then, about : About
        What each of them is about.
    most : int
        At most so many of each kind are listed.
    """
    columns = ["customer_id", *COMPARED]
    both = before[columns].merge(
        now[columns], on="customer_id", how="outer", suffixes=("_before", ""), indicator="where", sort=True
    )
    joined, left = (both["where"] == "right_only").to_numpy(), (both["where"] == "left_only").to_numpy()
    there = ~(joined | left)

    def of(name: str) -> Float64:
        return np.asarray(np.nan_to_num(both[name].to_numpy(np.float64)))

    risk = np.abs(of("p_churn") - of("p_churn_before"))
    money = np.abs(of("expected_spend") - of("expected_spend_before"))
    another = there & (both["segment"].fillna("") != both["segment_before"].fillna("")).to_numpy()
    at_stake = np.maximum(of("expected_spend"), of("expected_spend_before"))
    ranked = {
        "joined": _largest(joined, at_stake, most),
        "left": _largest(left, at_stake, most),
        "risk": _largest(there & (risk > 0), risk, most),
        "value": _largest(there & (money > 0), money, most),
        "segment": _largest(another, at_stake, most),
    }
    moved = np.full(len(both), "", object)
    for kind in KINDS:
        here = ranked[kind]
        moved[here] = [f"{so_far}, {kind}" if so_far else kind for so_far in moved[here]]
    listed = np.flatnonzero(moved != "")
    listed = listed[np.argsort(-money[listed], kind="stable")]
    rows = both.iloc[listed].assign(moved=moved[listed], as_of_before=then.as_of, as_of=about.as_of)
    counts = {"joined": int(joined.sum()), "left": int(left.sum()), "segment": int(another.sum())}
    return Movers(rows[list(COLUMNS)].reset_index(drop=True), counts, then.as_of, _words(counts, then, about))


def _largest(among: np.ndarray, by: Float64, most: int) -> np.ndarray:
    """Positions of the largest of some rows, which lie in order of customer ids."""
    found = np.flatnonzero(among)
    return found[np.argsort(-by[found], kind="stable")[:most]]


def _words(counts: dict[str, int], then: About, about: About) -> str:
    came, went, other = (f"{counts[kind]:,}" for kind in ("joined", "left", "segment"))
    said = f"since {then.as_of} {came} joined, {went} left, {other} changed segment"
    if then.version != about.version:
        said += f"; version {then.version} spoke then and {about.version} now, so part of what moved is the model"
    return said
