"""What a simulation gives: purchases to learn from, and the truth to be judged by.

In: everything that was drawn. Out: `Simulated`: frames of pandas, made when first asked for. Times inside are days
since the first midnight; whoever leaves after all that was simulated has no `left_at`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..clock import Cutoff
from ..config import Config
from ..errors import ConfigError
from .lines import ids_of, lines_of, stamps
from .orders import Orders
from .processes import Buyers, Float, Int
from .season import Season

if TYPE_CHECKING:
    import pandas as pd

YEAR_DAYS = 365.0
BLOCK = 256
RETURNED = 0.75
"""What is returned of a returned order on average: half of them whole, half of them in part, evenly from 0 to all."""


@dataclass(frozen=True, eq=False)
class Look:
    """What one sees of a world: the days, and how orders become lines."""

    first: Cutoff
    days: int
    future_days: int
    decimals: int
    mean_lines: float
    free_rate: float
    law: str
    seed: int
    return_rate: float = 0.0
    return_delay_days: float = 1.0


class Past(NamedTuple):
    """Customers who bought before a time: their repeat purchases, when the last was, the mean value of the repeats."""

    which: Int
    frequency: Int
    last: Float
    value: Float


@dataclass(frozen=True, eq=False, repr=False)
class Simulated:
    """A simulated world; made by `simulate`.

    Parameters
    ----------
    look : Look
    buyers : Buyers
        Everyone's own rates.
    joined, means : arrays of shape (n_customers,)
        The day of the first purchase, the mean value of one.
    season : Season
    orders, guests : Orders
        All that is ever bought, the future included.

    Examples
    --------
    >>> from regulars import simulate
    >>> world = simulate(100, days=200, seed=3)
    >>> world.ends
    Cutoff(day=19193)
    >>> world.customers.columns.tolist()
    ['customer_id', 'first_purchase', 'rate', 'leaving', 'left_at', 'alive', 'mean_value', 'orders']
    """

    look: Look
    buyers: Buyers
    joined: Float
    means: Float
    season: Season
    orders: Orders = field(repr=False)
    guests: Orders = field(repr=False)

    @property
    def starts(self) -> Cutoff:
        """The first day."""
        return self.look.first

    @property
    def ends(self) -> Cutoff:
        """The day after the last that is observed."""
        return self.look.first.plus(self.look.days)

    def config(self, horizon_days: int = 90, **sections: dict[str, object] | int) -> Config:
        """The configuration that reads `purchases`; further sections as in `Config.of`."""
        data = sections.pop("data", {})
        said = data if isinstance(data, dict) else {}
        covered: dict[str, object] = {"history_starts": str(self.starts), "history_ends": str(self.ends.minus(1))}
        made: Callable[..., Config] = Config.of
        return made(
            horizon_days=horizon_days,
            currency="EUR",
            purchases={"order_id": "order_id"},
            data={**covered, **said},
            **sections,
        )

    @cached_property
    def purchases(self) -> pd.DataFrame:
        """The lines observed, in order of time: customer_id, purchased_at, order_id, amount; guests have no id."""
        look = self.look
        return lines_of(
            self.orders,
            self.guests,
            float(look.days),
            look.first.day,
            len(self.joined),
            look.decimals,
            look.mean_lines,
            look.free_rate,
            look.seed,
        )

    @cached_property
    def customers(self) -> pd.DataFrame:
        """The truth about each customer, shape (n_customers, 8).

        ``first_purchase``; ``rate``, purchases a day while alive (with a season: on average); ``leaving``, the death
        rate a day or the chance of leaving after a purchase; ``left_at``, missing for whoever has not left in all that
        was simulated; ``alive`` at the end of what is observed; ``mean_value`` of a purchase; ``orders`` observed.
        """
        import pandas as pd

        left = self._left
        known = left < self.look.days + self.look.future_days
        count = np.bincount(self.orders.customer[self.orders.at < self.look.days], minlength=len(self.joined))
        frame = {
            "customer_id": ids_of(len(self.joined)),
            "first_purchase": stamps(self.look.first.day, self.joined),
            "rate": self.buyers.rate / self.buyers.steps,
            "leaving": self.buyers.leaving,
            "left_at": np.where(known, stamps(self.look.first.day, np.where(known, left, 0.0)), np.datetime64("NaT")),
            "alive": left > self.look.days,
            "mean_value": self.means,
            "orders": count,
        }
        return pd.DataFrame(frame)

    @cached_property
    def _left(self) -> Float:
        """When each customer leaves, in days; infinite when that is not within what was simulated."""
        end = self.joined + self.buyers.lifetime
        final = np.flatnonzero(self.orders.number == self.buyers.last[self.orders.customer])
        end[self.orders.customer[final]] = self.orders.at[final]
        return np.where(end < self.look.days + self.look.future_days, end, np.inf)

    def truth(self, cutoff: str | Cutoff, horizon_days: int) -> pd.DataFrame:
        """What becomes of everyone who bought before a cutoff, in the days that follow it.

        Returns
        -------
        pandas.DataFrame
            A row per customer with a purchase before the cutoff.

            - ``frequency, recency, T, value, n_valued``: what his purchases tell, as in `Summary`, times exact in days.
            - ``alive`` at the cutoff: really. ``p_alive``: for someone who knows his rates and his purchases.
            - ``silent``: whether he really buys nothing. ``p_silent``: its probability for someone who knows his rates
              and his purchases, but not whether he is alive: no prediction can do better on average.
            - ``orders, spend``: what he really buys; spend is signed, returns count on their day.

        Raises
        ------
        ConfigError
            ``RG197`` when the window is not within what was simulated.
        """
        import pandas as pd

        now, until = self._within(cutoff, horizon_days)
        past = self._past(now)
        which, repeats, since = past.which, past.frequency, past.last
        alive, silent = self.buyers.silence(which, repeats, since, np.full(len(which), now), self.season)
        later = self.buyers.silence(which, repeats, since, np.full(len(which), until), self.season)[1]
        bought, spent = self._window(now, until)
        frame = {
            "customer_id": ids_of(len(self.joined))[which],
            "frequency": repeats,
            "recency": past.last - self.joined[which],
            "T": now - self.joined[which],
            "value": past.value,
            "n_valued": repeats,
            "alive": self._left[which] > now,
            "p_alive": alive / silent,
            "silent": bought[which] == 0,
            "p_silent": later / silent,
            "orders": bought[which],
            "spend": spent[which],
        }
        return pd.DataFrame(frame)

    def _within(self, cutoff: str | Cutoff, horizon_days: int) -> tuple[float, float]:
        """A window's edges, in days since the world began."""
        here = cutoff if isinstance(cutoff, Cutoff) else Cutoff.parse(cutoff)
        now = float(here.day - self.starts.day)
        until, end = now + horizon_days, self.look.days + self.look.future_days
        if not (horizon_days > 0 and now > 0 and until <= end):
            raise ConfigError(
                f"the window of {horizon_days} days from {here} was not simulated",
                needed=f"one after {self.starts} and until {self.starts.plus(end)}",
                do="simulate more days, or more future_days",
                code="RG197",
            )
        return now, until

    def value_truth(
        self, cutoff: str | Cutoff, days: int, margin: float = 1.0, discount_rate: float = 0.0
    ) -> pd.DataFrame:
        """What everyone who bought before a cutoff is worth in the days that follow it: margin x net spend, discounted.

        Money of a time t days after the cutoff counts (1 + discount_rate)^(-t / 365) times.

        Returns
        -------
        pandas.DataFrame
            A row per customer with a purchase before the cutoff.

            - ``expected``: for someone who knows his rates, his mean value, his purchases and what came back of them,
              but not whether he is alive: no prediction can do better on average. Exact up to discounting whole days
              at their middle and the rounding of money; what comes back in the days, of earlier orders too, is
              subtracted.
            - ``realised``: what he really brings.

        Raises
        ------
        ConfigError
            ``RG197`` when the window is not within what was simulated; ``RG196`` for a margin or rate that cannot be.

        Examples
        --------
        >>> from regulars import simulate
        >>> truth = simulate(500, seed=2).value_truth("2023-12-01", days=180, margin=0.4, discount_rate=0.1)
        >>> bool(abs(truth["realised"].sum() / truth["expected"].sum() - 1) < 0.2)
        True
        """
        import pandas as pd

        if not (0 <= margin <= 1 and 0 <= discount_rate < np.inf):
            given = f"margin {margin} and discount_rate {discount_rate}"
            raise ConfigError(given, needed="a margin of 0 to 1, a rate of 0 or more", code="RG196")
        now, until = self._within(cutoff, days)
        force, past = float(np.log1p(discount_rate)) / YEAR_DAYS, self._past(now)
        expected = self._expected(past, now, until, force) - self._coming_back(now, until, force)[past.which]
        orders, unit, n = self.orders, 10.0**self.look.decimals, len(self.joined)
        realised = np.zeros(n)
        for sign, at, money in ((1.0, orders.at, orders.money), (-1.0, orders.returned_at, orders.returned)):
            seen = (at >= now) & (at < until)
            worth = money[seen] / unit * np.exp(-force * (at[seen] - now))
            realised += sign * np.bincount(orders.customer[seen], worth, n)
        frame = {
            "customer_id": ids_of(n)[past.which],
            "expected": margin * expected,
            "realised": margin * realised[past.which],
        }
        return pd.DataFrame(frame)

    def _expected(self, past: Past, now: float, until: float, force: float) -> Float:
        """Expected discounted spend of new purchases, less what of it comes back within the window."""
        edges = np.arange(now, until + 1.0)
        middle = 0.5 * (edges[:-1] + edges[1:])
        back = _share_back(self.look, until - middle, force) * RETURNED * self.look.return_rate
        worth = np.exp(-force * (middle - now)) * (1.0 - back)
        out, alike = np.empty(len(past.which)), np.argsort(self.buyers.rate[past.which], kind="stable")
        for start in range(0, len(out), BLOCK):
            rows = alike[start : start + BLOCK]
            which, repeats, last = past.which[rows], past.frequency[rows], past.last[rows]
            alive, silent = self.buyers.silence(which, repeats, last, np.full(len(which), now), self.season)
            bought = self.buyers.bought(which, repeats, last, edges, self.season)
            out[rows] = alive / silent * (bought @ worth)
        return out * self.means[past.which]

    def _coming_back(self, now: float, until: float, force: float) -> Float:
        """What is expected to come back, discounted, of purchases before a time of which nothing had come back then."""
        orders, look = self.orders, self.look
        open_ = np.flatnonzero((orders.at < now) & (orders.returned_at >= now))
        still = look.return_rate * np.exp(-(now - orders.at[open_]) / look.return_delay_days)
        chance = still / (1.0 - look.return_rate + still) if look.return_rate else still
        worth = RETURNED * chance * orders.money[open_] / 10.0**look.decimals
        total = np.bincount(orders.customer[open_], worth, len(self.joined))
        return np.asarray(total * _share_back(look, np.array([until - now]), force))

    def _past(self, now: float) -> Past:
        """What the purchases before a time tell."""
        before = self.orders.take(self.orders.at < now)
        n = len(self.joined)
        count = np.bincount(before.customer, minlength=n)
        last = before.at[np.cumsum(count)[count > 0] - 1]
        repeat = before.number > 0
        total = np.bincount(before.customer[repeat], before.money[repeat] / 10.0**self.look.decimals, n)
        which, frequency = np.flatnonzero(count), count[count > 0] - 1
        value = np.where(frequency > 0, total[which] / np.maximum(frequency, 1), np.nan)
        return Past(which, frequency, last, np.asarray(value))

    def _window(self, now: float, until: float) -> tuple[Int, Float]:
        """Purchases and signed spend of every customer between two times."""
        orders, n = self.orders, len(self.joined)
        bought = (orders.at >= now) & (orders.at < until)
        back = (orders.returned_at >= now) & (orders.returned_at < until)
        count = np.bincount(orders.customer[bought], minlength=n)
        spent = np.bincount(orders.customer[bought], orders.money[bought], n)
        spent = spent - np.bincount(orders.customer[back], orders.returned[back], n)
        return count, spent / 10.0**self.look.decimals

    def _rows(self) -> list[tuple[str, str]]:
        observed = self.orders.at < self.look.days
        alive = int((self._left > self.look.days).sum())
        money = float(self.orders.money[observed].sum()) / 10**self.look.decimals
        return [
            ("process", self.look.law),
            ("observed", f"{self.starts} to {self.ends.minus(1)}, {self.look.days:,} days"),
            ("customers", f"{len(self.joined):,}, of whom {alive:,} are still alive at the end"),
            ("purchases", f"{int(observed.sum()):,} worth {money:,.{self.look.decimals}f}"),
            ("beyond", f"{self.look.future_days:,} days, {int((~observed).sum()):,} purchases"),
            ("seed", str(self.look.seed)),
        ]

    def __repr__(self) -> str:
        return "Simulated\n" + "\n".join(f"  {name:<10} {said}" for name, said in self._rows())

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(f"<tr><th>{name}</th><td>{escape(said)}</td></tr>" for name, said in self._rows())
        return f"<table>{rows}</table>"


def _share_back(look: Look, left: Float, force: float) -> Float:
    """Of what comes back after exponential delays, the part that does so within some days, discounted to the first."""
    speed = 1.0 / look.return_delay_days
    return np.asarray(-speed / (speed + force) * np.expm1(-(speed + force) * left))
