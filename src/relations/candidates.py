"""Whom to ask to bring a friend: satisfied, active, with several purchases, nothing open, not asked of late.

In: `Dealings`, who has referred somebody so far, what a referred customer is worth. Out: candidates, those first of
whom most is expected: the share of such customers who have referred somebody x the value of a referred customer. The
share is drawn to that of all, the more the fewer customers speak for it. It is an **association**: what asking
changes, only an experiment tells. Without answers to surveys who never complained counts as not dissatisfied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from ..clock import dates
from ..kpis.table import Column, Row, Table, ratio
from ..schema import SCALE
from .dealings import NEVER, Bool, Dealings, Float64, Int64

LEAST_PURCHASES = 3
"""Several purchases."""
ASKED_DAYS = 90
"""Who was asked within so many days is left in peace."""
ACTIVE_STAGES = ("active", "due", "reactivated")
"""Of the life cycle: neither new, late nor gone."""
SATISFIED, UNASKED, BELOW = "satisfied", "no answer", "less satisfied"
_BANDS = ((3, 5), (6, 10), (11, None))
COLUMNS = (
    *("customer_id", "rank", "reason", "as_of", "expected_value", "share", "purchases", "recency_days", "margin"),
    *("answer", "referred_so_far", "margin_of_referred"),
)
"""Of the list; an empty cell is a number that is not known."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Strata of customers with several purchases, and whom of them to ask.

    Parameters
    ----------
    strata : tuple of str
    place : ndarray of int64, shape (n_customers,)
        The stratum; -1 of who has fewer purchases.
    mood : ndarray of int64, shape (n_customers,)
        0 satisfied, 1 no answer, 2 less satisfied.
    size : ndarray of int64, shape (n_strata,)
        Customers of each.
    referrers : ndarray of int64, shape (n_strata,), or None
        How many of them have referred somebody; None where nothing is known of referrals.
    share : ndarray of float64, shape (n_strata,)
        Drawn to that of all.
    to_ask : ndarray of bool, shape (n_customers,)
    worth : float or None
        What a referred customer brings, in currency.
    mean_answer : float or None
        The mean of all last answers.
    """

    strata: tuple[str, ...]
    place: Int64
    mood: Int64
    size: Int64
    referrers: Int64 | None
    share: Float64
    to_ask: Bool
    worth: float | None
    mean_answer: float | None

    @property
    def value(self) -> Float64:
        """Expected of each customer's stratum, in currency; NaN where nothing is known of what a referral is worth."""
        own = np.where(self.place >= 0, self.share[np.maximum(self.place, 0)], np.nan)
        return own * (np.nan if self.worth is None else self.worth)


def candidates_of(
    dealings: Dealings, brought: Int64 | None, stage: NDArray[np.object_], worth: float | None
) -> Candidates:
    """Whom to ask.

    Parameters
    ----------
    brought : ndarray of int64, shape (n_customers,), or None
        How many each has referred so far; None where nothing is known of referrals.
    stage : ndarray of object, shape (n_customers,)
        Of the life cycle.
    worth : float or None
        What a referred customer brings, in currency.
    """
    heard = dealings.heard
    mean = float(np.nanmean(heard.answer)) if np.isfinite(heard.answer).any() else None
    mood = _mood(heard.answer, mean)
    band = np.select([dealings.orders < low for low, _ in _BANDS], [-1, 0, 1], 2)
    place = np.where(band < 0, -1, mood * len(_BANDS) + band)
    k = 3 * len(_BANDS)
    size = np.bincount(place[place >= 0], minlength=k)
    referrers = np.bincount(place[(place >= 0) & (0 if brought is None else brought) > 0], minlength=k)
    to_ask = place >= 0
    for holds in _against(dealings, mood, stage).values():
        to_ask = to_ask & ~holds
    return Candidates(
        tuple(f"{name}, {_band(*band)} purchases" for name in (SATISFIED, UNASKED, BELOW) for band in _BANDS),
        place,
        mood,
        size,
        None if brought is None else referrers,
        np.full(k, np.nan) if brought is None else pooled(referrers, size),
        to_ask,
        worth,
        mean,
    )


def _mood(answer: Float64, mean: float | None) -> Int64:
    """0: answered as well as the mean or better; 1: gave no answer; 2: answered worse."""
    told = np.isfinite(answer)
    return np.where(~told, 1, np.where(np.nan_to_num(answer) >= (mean or 0.0), 0, 2))


def _against(dealings: Dealings, mood: Int64, stage: NDArray[np.object_]) -> dict[str, Bool]:
    """Why somebody is not asked, and whom that holds of."""
    heard = dealings.heard
    of_late = heard.asked_day >= dealings.day.day - ASKED_DAYS
    complained = (heard.answer_day == NEVER) & (heard.complaint_day != NEVER)
    return {
        "asked of late": (heard.asked_day != NEVER) & of_late,
        "not active": ~np.isin(stage, ACTIVE_STAGES),
        "with an open complaint": heard.open_complaint,
        "less satisfied than the mean": mood == 2,
        "complained once and gave no answer since": complained,
    }


def _band(low: int, high: int | None) -> str:
    return f"{low} and more" if high is None else f"{low} to {high}"


def pooled(hits: Int64, size: Int64) -> Float64:
    """Shares of strata, each drawn to that of all as far as the strata are alike; how far is learnt from all of them.

    Notes
    -----
    Beta-binomial with the share of all for its mean; the number of customers for which that counts is averaged over a
    grid by its likelihood (Skellam 1948, doi:10.1111/j.2517-6161.1948.tb00014.x).

    Examples
    --------
    >>> pooled(np.array([100, 0]), np.array([1000, 2])).round(3).tolist()
    [0.1, 0.099]
    """
    if not size.sum():
        return np.full(len(size), np.nan)
    mean = float(np.clip(hits.sum() / size.sum(), 1e-9, 1 - 1e-9))
    weights = np.geomspace(1.0, 1e5, 41)[:, None]
    a, b = weights * mean, weights * (1 - mean)
    fit = (betaln(a + hits, b + size - hits) - betaln(a, b)).sum(axis=1)
    chance = np.exp(fit - fit.max())
    return np.asarray((chance / chance.sum()) @ ((a + hits) / (weights + size)))


STRATA = (
    Column("stratum", "text", f"by the last answer to a survey beside the mean of all, and purchases so far; fewer "
           f"than {LEAST_PURCHASES} are no candidates"),
    Column("customers", "count", "customers of the stratum, whether or not they are still active"),
    Column("referrers", "count", "of them: who has referred somebody so far"),
    Column("share", "share", "referrers / customers"),
    Column("pooled_share", "share", "the same drawn to that of all strata, the more the fewer customers there are"),
    Column("candidates", "count", f"of them: active, no open complaint, not asked within {ASKED_DAYS} days"),
    Column("expected_value", "amount", "pooled_share x what a referred customer brings; missing where not known"),
)  # fmt: skip


def strata_table(found: Candidates) -> Table:
    """A row for each stratum that has customers."""
    rows: list[Row] = []
    for i, name in enumerate(found.strata):
        n, share = int(found.size[i]), float(found.share[i])
        if n:
            who = None if found.referrers is None else int(found.referrers[i])
            rows.append(
                {
                    "stratum": name,
                    "customers": n,
                    "referrers": who,
                    "share": None if who is None else ratio(who, n),
                    "pooled_share": None if who is None else share,
                    "candidates": int((found.to_ask & (found.place == i)).sum()),
                    "expected_value": None if found.worth is None or who is None else share * found.worth,
                }
            )
    return Table(
        "candidates", "customers who could be asked to bring a friend, by how such customers did", STRATA, tuple(rows)
    )


def best_first(found: Candidates, margin: Int64) -> Int64:
    """The places of the candidates, most expected first; equals by what they brought themselves, then by id."""
    rows = np.flatnonzero(found.to_ask)
    share = np.nan_to_num(found.share[found.place[rows]], nan=0.0)
    return np.asarray(rows[np.lexsort([rows, -margin[rows], -share])])


def cells(
    dealings: Dealings, found: Candidates, rows: Int64, margin: Int64, brought: Int64, of_theirs: Int64 | None
) -> Iterator[list[str]]:
    """The cells of each row of the list, as they are meant.

    Parameters
    ----------
    margin, brought : ndarray of int64, shape (n_customers,)
        What each has brought, and how many each has referred.
    of_theirs : ndarray of int64 or None
        What those have brought.
    """
    recency = dealings.day.day - dealings.bought.last_day(dealings.n)
    value, heard = found.value, dealings.heard
    for rank, at in enumerate(rows.tolist(), 1):
        answer = float(heard.answer[at])
        yield [
            str(dealings.ids[at]),
            str(rank),
            _reason(dealings, found, at, int(recency[at]), int(brought[at])),
            str(dealings.day),
            f"{value[at]:.2f}" if np.isfinite(value[at]) else "",
            "" if found.referrers is None else f"{found.share[found.place[at]]:.4f}",
            str(int(dealings.orders[at])),
            str(int(recency[at])),
            f"{margin[at] / SCALE:.2f}",
            f"{answer:g}" if np.isfinite(answer) else "",
            str(int(brought[at])),
            "" if of_theirs is None else f"{of_theirs[at] / SCALE:.2f}",
        ]


def _reason(dealings: Dealings, found: Candidates, at: int, recency: int, brought: int) -> str:
    heard, stratum = dealings.heard, int(found.place[at])
    told = [f"{int(dealings.orders[at]):,} purchases, the last {recency:,} days ago"]
    if np.isfinite(heard.answer[at]):
        day = dates(heard.answer_day[at : at + 1])[0]
        told.insert(0, f"answered {heard.answer[at]:g} on {day} (the mean is {found.mean_answer:.1f})")
    else:
        told.append("never complained")
    if brought:
        told.append(f"has brought {brought:,} so far")
    if found.referrers is not None:
        n, who = int(found.size[stratum]), int(found.referrers[stratum])
        told.append(f"{who:,} of {n:,} such customers brought somebody")
    return "; ".join(told)


def left_out(dealings: Dealings, found: Candidates, stage: NDArray[np.object_]) -> dict[str, int]:
    """How many with several purchases are not asked, by the first reason."""
    left, counts = found.place >= 0, {}
    for name, holds in _against(dealings, found.mood, stage).items():
        counts[name] = int((left & holds).sum())
        left = left & ~holds
    return {name: count for name, count in counts.items() if count}
