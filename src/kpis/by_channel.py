"""Engagement by channel: where customers did something beside buying, period by period.

In: `Deeds` with the channel of each, `Purchases` and `Periods`. Out: a `Table`. A period that purchases or events do
not cover wholly has no rows. A deed without a channel is in no row; who uses two channels counts in both.
"""

from __future__ import annotations

import numpy as np

from ..clock import Cutoff
from .by_period import Window
from .engagement import Deeds, at_risk_on
from .periods import Periods
from .purchases import Purchases
from .table import Column, Row, Table, ratio

MOST = 12
"""So many channels are told, those with the most deeds."""


def columns(by: str) -> tuple[Column, ...]:
    """The definitions."""
    return (
        Column("period", "text", f"the {by}, in local days; only whole ones"),
        Column("channel", "text", "where it happened"),
        Column("at_risk", "count", "customers at risk at its begin: who had bought before"),
        Column("engaged", "count", "of them: with at least one event in it, there, that they began themselves"),
        Column("engagement_rate", "share", "engaged / at_risk"),
        Column("deeds", "count", "events there in it that customers began, whoever they are"),
        Column("deeds_share", "share", "deeds / such events of the period that have a channel"),
    )


def by_channel(
    deeds: Deeds, covered: tuple[Cutoff, Cutoff], purchases: Purchases, periods: Periods, window: Window
) -> Table:  # fmt: skip
    """The table: a row for each whole period and channel, channels in the order of the alphabet.

    Parameters
    ----------
    covered : (Cutoff, Cutoff)
        From the day of the first event to the day after the last.
    """
    own = deeds.own & (deeds.channel >= 0)
    often = np.bincount(deeds.channel[own], minlength=len(deeds.channels))
    order = sorted(np.flatnonzero(often).tolist(), key=lambda i: (-int(often[i]), deeds.channels[i]))[:MOST]
    at, rows = periods.at(deeds.day), list[Row]()
    for i, name in enumerate(periods.names):
        within = covered[0].day <= periods.begins(i).day and periods.ends(i).day <= covered[1].day
        at_risk = at_risk_on(purchases, periods.begins(i).day, window)
        if not (periods.complete[i] and within) or at_risk is None:
            continue
        here = own & (at == i)
        for place in sorted(order, key=lambda p: deeds.channels[p]):
            there = here & (deeds.channel == place)
            engaged = len(np.intersect1d(at_risk, deeds.customer[there]))
            rows.append(
                {
                    "period": name,
                    "channel": deeds.channels[place],
                    "at_risk": len(at_risk),
                    "engaged": engaged,
                    "engagement_rate": ratio(engaged, len(at_risk)),
                    "deeds": int(there.sum()),
                    "deeds_share": ratio(int(there.sum()), int(here.sum())),
                }
            )
    return Table("engagement_by_channel", f"a {periods.by} and a channel", columns(periods.by), tuple(rows))
