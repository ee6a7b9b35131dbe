"""Response: how often messages are answered by channel, type of message and stage, and which channel is surely best.

In: `Messages` of one basis. Out: `Response`: rates drawn together from the top down (all messages, channel, stage of a
channel, type within these), the best channel of each stage where it is distinguishable, and the customers for whom
another channel surely is better. Several messages to one customer are not as many customers: counts are made smaller by
the design effect of each channel. What was sent to nobody has no row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..kpis.table import Column, Row, Table, ratio
from .messages import ALL, STAGES, Messages
from .pooled import Rates, around, concentration, pooled

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

SURE = 0.95
"""The chance to be higher than all others from which on a channel is called the best."""
_PROMISING = 1.0
_ENDS = (0.025, 0.975)
COLUMNS = (
    Column("basis", "text", "where it is known from, and whether chance alone decided who got which (by lot)"),
    Column("channel", "text", "on which the message was sent"),
    Column("message", "text", "the type of message, or kind of event"),
    Column("stage", "text", "of the customer on the day of the message: prospect, new, active or silent"),
    Column("customers", "count", "customers with such a message whose time to be answered is over"),
    Column("sent", "count", "such messages"),
    Column("answered", "count", "of them answered in time"),
    Column("rate", "share", "answered / sent"),
    Column("estimate", "share", "the same drawn to the rows above it, as far as rows are alike"),
    Column("low", "share", "lower end of its 95 % interval"),
    Column("high", "share", "upper end of its 95 % interval"),
    Column("best", "flag", f"whether this channel is the best of its stage with a chance of at least {SURE:.0%}"),
)


@dataclass(frozen=True, eq=False)
class Response:
    """Rates of one basis.

    Parameters
    ----------
    messages : Messages
    """

    messages: Messages

    @cached_property
    def whole(self) -> Float64:
        """For how many messages one message of each channel counts, so that customers with several are not trusted."""
        m, found = self.messages, np.ones(len(self.messages.channels))
        for i in range(len(found)):
            here = m.channel == i
            _, who = np.unique(m.customer[here], return_inverse=True)
            n, y = np.bincount(who).astype(np.float64), _times(who, m.answered[here])
            p = y.sum() / max(n.sum(), 1)
            if len(n) > 1 and 0 < p < 1:
                clustered = ((y - p * n) ** 2).sum() * len(n) / (len(n) - 1)
                found[i] = 1 / max(1.0, clustered / (p * (1 - p) * n.sum()))
        return found

    @cached_property
    def by_channel(self) -> Rates:
        """The rate of each channel."""
        y, n = self._counts(self.messages.channel, len(self.messages.channels), self.whole)
        everything = Rates(np.array([y.sum() + 0.5]), np.array([(n - y).sum() + 0.5]))
        return pooled(y, n, everything, np.zeros(len(n), np.int64))

    @cached_property
    def by_stage(self) -> Rates:
        """The rate of each channel (by tens of stages) and stage."""
        k = len(STAGES)
        channels = np.repeat(np.arange(len(self.messages.channels)), k)
        y, n = self._counts(self.messages.channel * k + self.messages.stage, len(channels), self.whole[channels])
        return pooled(y, n, self.by_channel, channels)

    @cached_property
    def by_message(self) -> Rates:
        """The rate of each group of messages (by stages) and stage."""
        k, m = len(STAGES), self.messages
        channel = np.array([m.channels.index(name) for name, _ in m.groups], np.int64)
        group, stage = np.repeat(np.arange(len(m.groups)), k), np.tile(np.arange(k), len(m.groups))
        y, n = self._counts(m.group * k + m.stage, len(group), self.whole[channel[group]])
        return pooled(y, n, self.by_stage, channel[group] * k + stage)

    def _counts(self, row: Int64, n_rows: int, worth: Float64) -> tuple[Float64, Float64]:
        """Answers and messages of each row, as far as they count."""
        y, n = _times(row, self.messages.answered, n_rows), np.bincount(row, minlength=n_rows)
        return y * worth, n * worth

    @cached_property
    def best(self) -> Mapping[int, int]:
        """The channel that surely is the best, by stage; only stages where there is one."""
        k, n = len(STAGES), len(self.messages.channels)
        there = np.bincount(self.messages.channel * k + self.messages.stage, minlength=n * k).reshape(n, k) > 0
        found = {}
        for stage in range(k):
            known = np.flatnonzero(there[:, stage])
            if len(known) < 2:
                continue
            rates = self.by_stage.take(known * k + stage)
            first = int(rates.mean.argmax())
            if rates.chance_highest(first) >= SURE:
                found[stage] = int(known[first])
        return found

    def usual(self, stage: int) -> int:
        """The channel that is answered most in a stage, as far as is known: surely or not."""
        k = len(STAGES)
        rates = self.by_stage.mean[np.arange(len(self.messages.channels)) * k + stage]
        return int(rates.argmax())

    def personal(self, stage: Int64) -> Int64:
        """The channel that surely is better for a customer than the one most answered in their stage; -1 for most.

        Parameters
        ----------
        stage : ndarray of int64, shape (n_customers,)
            The stage of today; messages to customers beyond them do not count.
        """
        m, n_channels = self.messages, len(self.messages.channels)
        found, sure = np.full(len(stage), -1, np.int64), np.full(len(stage), SURE)
        usual = np.array([self.usual(s) for s in range(len(STAGES))], np.int64)[stage]
        kept = m.customer < len(stage)
        cell = m.customer[kept] * n_channels + m.channel[kept]
        n = np.bincount(cell, minlength=len(stage) * n_channels).reshape(-1, n_channels).astype(np.float64)
        y = _times(cell, m.answered[kept], len(stage) * n_channels).reshape(-1, n_channels)
        kappa = self._personal_concentration()
        for channel in range(n_channels):
            rows = np.flatnonzero((n[:, channel] > 0) & (usual != channel))
            if not len(rows):
                continue
            chance = self._chance(rows, channel, usual[rows], stage[rows], y, n, kappa)
            better = chance >= sure[rows]
            found[rows[better]], sure[rows[better]] = channel, chance[better]
        return found

    def _personal_concentration(self) -> Float64:
        """For how many messages to one customer the rate of their stages counts, by channel."""
        m, k, found = self.messages, len(STAGES), []
        expected = self.by_stage.mean[m.channel * k + m.stage]
        for channel in range(len(m.channels)):
            here = m.channel == channel
            _, who = np.unique(m.customer[here], return_inverse=True)
            n, y = np.bincount(who).astype(np.float64), _times(who, m.answered[here])
            found.append(concentration(y, n, np.bincount(who, expected[here]) / np.maximum(n, 1)))
        return np.array(found)

    def _chance(
        self, rows: Int64, channel: int, usual: Int64, stage: Int64, y: Float64, n: Float64, kappa: Float64
    ) -> Float64:
        """P(a channel is better than the usual one) of some customers; 0 where it is clearly not."""
        key = np.stack([stage, usual, y[rows, channel], n[rows, channel], y[rows, usual], n[rows, usual]])
        cases, at = np.unique(key, axis=1, return_inverse=True)
        s, d = cases[0].astype(np.int64), cases[1].astype(np.int64)
        k = len(STAGES)
        one = around(cases[2], cases[3], self.by_stage.take(channel * k + s), kappa[channel])
        other = around(cases[4], cases[5], self.by_stage.take(d * k + s), kappa[d])
        chance = np.zeros(len(s))
        apart = (one.mean - other.mean) / np.sqrt(one.variance + other.variance)
        near = np.flatnonzero(apart > _PROMISING)
        chance[near] = one.take(near).chance_above(other.take(near))
        return chance[np.asarray(at).ravel()]

    def rows(self) -> Iterator[Row]:
        """Of the table: each channel, its stages, and the types of its messages where it has several."""
        m, k = self.messages, len(STAGES)
        for i, channel in enumerate(m.channels):
            here = m.channel == i
            yield self._row(channel, ALL, ALL, here, self.by_channel, i, None)
            for s in range(k):
                yield self._row(channel, ALL, STAGES[s], here & (m.stage == s), self.by_stage, i * k + s, (s, i))
            own = [g for g, (name, _) in enumerate(m.groups) if name == channel]
            for g in own if len(own) > 1 else ():
                for s in range(k):
                    rows = (m.group == g) & (m.stage == s)
                    yield self._row(channel, m.groups[g][1], STAGES[s], rows, self.by_message, g * k + s, None)

    def _row(
        self, channel: str, message: str, stage: str, rows: Bool, rates: Rates, at: int, of: tuple[int, int] | None
    ) -> Row:
        sent, answered = int(rows.sum()), int(self.messages.answered[rows].sum())
        low, high = (float(rates.quantile(share)[at]) for share in _ENDS)
        return {
            "basis": self.basis,
            "channel": channel,
            "message": message,
            "stage": stage,
            "customers": len(np.unique(self.messages.customer[rows])),
            "sent": sent,
            "answered": answered,
            "rate": ratio(answered, sent),
            "estimate": float(rates.mean[at]),
            "low": low,
            "high": high,
            "best": None if of is None else self.best.get(of[0]) == of[1],
        }

    @property
    def basis(self) -> str:
        """In words."""
        return f"{self.messages.basis}, {'by lot' if self.messages.by_lot else 'association'}"

    def words(self) -> list[str]:
        """What can be said of channels, in sentences."""
        m = self.messages
        if len(m.channels) < 2:
            return [f"{self.basis}: only {', '.join(m.channels)} was used, so channels cannot be compared"]
        told = [f"{m.channels[channel]} is answered most by {STAGES[stage]}" for stage, channel in self.best.items()]
        if not told:
            return [f"{self.basis}: no channel is distinguishable from the others"]
        return [f"{self.basis}: {'; '.join(told)}"]


def _times(row: Int64, yes: Bool, n_rows: int = 0) -> Float64:
    """How often it is yes in each row."""
    return np.bincount(row[yes], minlength=max(n_rows, int(row.max(initial=-1)) + 1)).astype(np.float64)


def table_of(responses: list[Response]) -> Table:
    """All bases in one table; rows without a message are left out."""
    rows = tuple(row for response in responses for row in response.rows() if row["sent"])
    return Table("response_by_channel", "answers by channel, message and stage of the customer", COLUMNS, rows)
