"""Messages and whether they were answered: what rates by channel are counted on.

In: instants of what the company sent and of what customers did. Out: `Messages` of one basis, each with the stage of
its customer on the day of the message. A stage of today would be chosen by the answer itself: who answered has bought.
A message whose time to be answered is not over yet is not counted by whoever makes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..features.track import changes
from .moments import Moments

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

STAGES = ("prospect", "new", "active", "silent")
"""No purchase before; one so far, within the horizon; a purchase within the horizon; none within it."""
ALL = "all"


@dataclass(frozen=True, eq=False)
class Messages:
    """What was sent, each array of shape (n_messages,).

    Parameters
    ----------
    basis : str
        Where it is known from.
    by_lot : bool
        Whether chance alone decided who got which: else it is an association.
    answer : str
        What counts as an answer.
    groups : tuple of (str, str)
        Channel and type of message.
    group : ndarray of int64
        Place in `groups`.
    customer : ndarray of int64
        The customer's place.
    stage : ndarray of int64
        Place in `STAGES`.
    answered : ndarray of bool
    """

    basis: str
    by_lot: bool
    answer: str
    groups: tuple[tuple[str, str], ...]
    group: Int64
    customer: Int64
    stage: Int64
    answered: Bool

    @property
    def channels(self) -> tuple[str, ...]:
        """Their names, by the alphabet."""
        return tuple(sorted({channel for channel, _ in self.groups}))

    @property
    def channel(self) -> Int64:
        """The channel of each message, as a place in `channels`."""
        names = self.channels
        place = np.array([names.index(channel) for channel, _ in self.groups], np.int64)
        return place[self.group] if len(self.group) else np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Stages:
    """When customers bought, to say in which stage they were on any day.

    Parameters
    ----------
    purchases : Moments
        Sorted by customer, then day.
    horizon_days : int
        What counts as silence.
    starts : int
        The first day that the data cover: who bought within a horizon of it is not known to be new.
    """

    purchases: Moments
    horizon_days: int
    starts: int

    def on(self, customer: Int64, day: Int64) -> Int64:
        """The stage of customers at the beginning of days, as a place in `STAGES`.

        Examples
        --------
        Customer 0 bought on the days 100 and 200:

        >>> bought = Moments.told(np.array([0, 0]), np.array([100, 200]), np.array([-1, -1]))
        >>> stages = Stages(bought, 30, 0)
        >>> [STAGES[i] for i in stages.on(np.array([0, 0, 0, 0, 1]), np.array([100, 101, 131, 201, 201]))]
        ['prospect', 'new', 'silent', 'active', 'prospect']
        """
        none = np.full(len(customer), -1, np.int8)
        end = np.searchsorted(self.purchases.key, Moments.told(customer, day, none).key)
        begin = np.searchsorted(self.purchases.customer, customer)
        bought = end > begin
        last = np.full(len(customer), -1, np.int64)
        last[bought] = self.purchases.day[end[bought] - 1]
        silent = day - last > self.horizon_days
        new = (end - begin == 1) & (day - self.horizon_days >= self.starts)
        return np.where(~bought, 0, np.where(silent, 3, np.where(new, 1, 2)))


def answered(sent: tuple[Int64, Int64], done: tuple[Int64, Int64], within_us: int) -> Bool:
    """Which messages were answered: something was done on the same line in time, and before the next message there.

    Parameters
    ----------
    sent, done : (ndarray of int64, ndarray of int64)
        The line (one for each customer and channel) and the instant in microseconds. What is done at the very instant
        of a message comes after it, because many keep days only.
    within_us : int
        How long an answer may take.

    Examples
    --------
    Sent at 0 and at 10 on one line; something was done at 12 there, and at 1 on another line:

    >>> answered((np.array([7, 7]), np.array([0, 10])), (np.array([7, 8]), np.array([12, 1])), 5).tolist()
    [False, True]
    """
    if not len(sent[0]) or not len(done[0]):
        return np.zeros(len(sent[0]), bool)
    line = np.unique(np.concatenate([sent[0], done[0]]), return_inverse=True)[1]
    times, time = np.unique(np.concatenate([sent[1], done[1]]), return_inverse=True)
    key = line * len(times) + time
    asked, answers = key[: len(sent[0])], np.sort(key[len(sent[0]) :])
    sends = np.sort(asked)
    sends = sends[changes(sends)]
    following = np.searchsorted(sends, asked, side="right")
    until = np.append(sends, np.iinfo(np.int64).max)[following]
    place = np.searchsorted(answers, asked)
    answer = np.append(answers, np.iinfo(np.int64).max)[place]
    same = (answer < until) & (answer // len(times) == asked // len(times))
    soon = times[answer % len(times)] - sent[1] < within_us
    return np.asarray(same & soon)
