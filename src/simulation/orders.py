"""When everyone buys and for how much, and what comes back: all of it, the future included.

In: buyers, when each came, a season, streams of randomness. Out: `Orders`, one row each in order of customer and time,
money in the currency's smallest unit. What was never returned has a return of 0 at infinity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, did_you_mean
from .chance import Stream
from .processes import Buyers, Float, Int
from .season import Season


@dataclass(frozen=True, eq=False)
class Orders:
    """Every purchase of every customer.

    Parameters
    ----------
    customer, number : array of shape (n_orders,)
        Whose, and the how manieth of his, from 0.
    at : array of shape (n_orders,), days since the world began, rising per customer
    money : array of shape (n_orders,), whole, in the smallest unit of the currency, >= 1
    returned : array of shape (n_orders,), whole, in the same unit
        What of it was given back.
    returned_at : array of shape (n_orders,), days since the world began
    """

    customer: Int
    number: Int
    at: Float
    money: Int
    returned: Int
    returned_at: Float

    def __len__(self) -> int:
        return len(self.customer)

    def take(self, rows: NDArray[np.bool_]) -> Orders:
        """Some of them."""
        return Orders(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def times(buyers: Buyers, joined: Float, season: Season, end: float, gaps: Stream) -> tuple[Int, Int, Float]:
    """Customer, number and time of every purchase before the end: the first when he came, then gap after gap."""
    n = len(joined)
    until = season.to_busy(np.minimum(joined + buyers.lifetime, end))
    at, active, rounds = season.to_busy(joined), np.arange(n), []
    while len(active):
        rounds.append((active, at))
        step = gaps.standard_gamma(buyers.steps, len(active)) if buyers.steps > 1 else None
        step = gaps.standard_exponential(len(active)) if step is None else step
        with np.errstate(divide="ignore", over="ignore"):  # a rate of 0: the next purchase never comes
            at = at + step / buyers.rate[active]
        stays = (at < until[active]) & (len(rounds) <= buyers.last[active])
        active, at = active[stays], at[stays]
    count = np.bincount(np.concatenate([who for who, _ in rounds]), minlength=n)
    begins = np.cumsum(count) - count
    busy = np.empty(int(count.sum()))
    for number, (who, when) in enumerate(rounds):
        busy[begins[who] + number] = when
    customer = np.repeat(np.arange(n), count)
    # There and back through busy time loses the last bits: nobody buys before he came.
    at_days = np.maximum(season.to_days(busy), joined[customer])
    at_days[begins] = joined
    return customer, np.arange(len(busy)) - begins[customer], at_days


@dataclass(frozen=True)
class Value:
    """What purchases are worth: gamma(p, nu) for a customer, nu gamma(q, gamma) over customers (Fader & Hardie 2013).

    Examples
    --------
    >>> round(Value().mean, 2)  # 6.25 x 15.44 / 2.74
    35.22
    """

    p: float = 6.25
    q: float = 3.74
    gamma: float = 15.44

    @classmethod
    def of(cls, parameters: Mapping[str, float]) -> Value:
        """The defaults, those of CDNOW, with some parameters given; `ConfigError` ``RG195``, ``RG196``."""
        for name in parameters:
            if name not in cls.__dataclass_fields__:
                known = did_you_mean(name, cls.__dataclass_fields__)
                raise ConfigError(f"`{name}` is no parameter of the value", do=known, code="RG195")
        made = cls(**{k: float(v) for k, v in parameters.items()})
        if not (np.isfinite([made.p, made.q, made.gamma]).all() and min(made.p, made.gamma) > 0 and made.q > 1):
            raise ConfigError(f"{made} cannot be", needed="finite numbers above 0, q above 1", code="RG196")
        return made

    @property
    def mean(self) -> float:
        """Mean value of a purchase over customers, in currency."""
        return self.p * self.gamma / (self.q - 1)

    def means(self, n: int, stream: Stream) -> Float:
        """Each customer's own mean value of a purchase, in currency."""
        return np.asarray(self.p * self.gamma / stream.standard_gamma(self.q, n))

    def amounts(self, mean: Float, unit: int, stream: Stream) -> Int:
        """The value of a purchase each, around these means, in the smallest unit and at least 1 of it."""
        drawn = stream.standard_gamma(self.p, len(mean)) * mean / self.p
        return np.maximum(np.rint(drawn * unit), 1.0).astype(np.int64)


def returned_of(at: Float, money: Int, rate: float, delay_days: float, stream: Stream) -> tuple[Int, Float]:
    """What of each order comes back, and when: half of them whole, half of them in part."""
    n = len(at)
    back, whole, part = stream.random(n) < rate, stream.random(n) < 0.5, stream.random(n)
    delay = stream.standard_exponential(n) * delay_days
    some = np.maximum(np.rint(part * money), 1.0).astype(np.int64)
    return np.where(back, np.where(whole, money, some), 0), np.where(back, at + delay, np.inf)
