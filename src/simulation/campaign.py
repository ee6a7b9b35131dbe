"""Customers whose answers to offers are known: whom an offer really wins back, what it really sells, what it costs.

In: how many customers, what each option really does, a seed. Out: an `OfferWorld`: what a model says of everyone at
each wave, what everyone does once offers are given, and the true expected profit of giving any option to anyone. The
same arguments give the same bytes; chance does not depend on what is given, so that two policies can be compared
customer by customer. Nothing is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError
from .lines import ids_of

Float = NDArray[np.float64]
Int = NDArray[np.int16]
NOTHING = -1
_STREAM = 1_000
_PERSON, _WAVE, _ANSWER, _LEVEL = range(_STREAM, _STREAM + 4)


@dataclass(frozen=True)
class Effect:
    """What an option really does.

    Parameters
    ----------
    save : float
        Chance that someone who would have bought nothing buys after all.
    extra_spend : float
        By what share those spend more who would have bought anyway; below 0 they spend less.
    redemption : float
        Chance that a buyer redeems it.
    percent, amount : float
        What a redemption takes off the price: percent of one order, or money.
    beside : float
        What a redemption costs the seller beside the price, such as a gift.
    complaints : float
        Chance that a contact ends in a complaint.
    lean : float
        -1..1: how much stronger `save` and `extra_spend` are for the customers whose `club` is 1 (and weaker for the
        others); what only a personalised policy can know.

    Examples
    --------
    >>> Effect(save=0.1, extra_spend=0.05, redemption=0.3, percent=10).lean
    0.0
    """

    save: float
    extra_spend: float
    redemption: float
    percent: float = 0.0
    amount: float = 0.0
    beside: float = 0.0
    complaints: float = 0.0
    lean: float = 0.0

    def __post_init__(self) -> None:
        shares = (self.save, self.redemption, self.complaints, self.percent / 100)
        if not (all(0 <= x <= 1 for x in shares) and abs(self.lean) <= 1 and self.save * (1 + abs(self.lean)) <= 1):
            raise ConfigError(
                f"{self} cannot be",
                needed="shares from 0 to 1, percent from 0 to 100, a lean from -1 to 1 that leaves `save` at most 1",
                code="RG454",
            )


class Answers(NamedTuple):
    """What customers did in the window of a wave; arrays of shape (n_customers,).

    ``spend`` is what they paid, in currency; ``discount`` what redemptions took off the price; ``beside`` what they
    cost otherwise.
    """

    spend: Float
    discount: Float
    beside: Float
    bought: NDArray[np.bool_]
    redeemed: NDArray[np.bool_]
    complained: NDArray[np.bool_]


class _Believed(NamedTuple):
    """What a model says of everyone at a wave."""

    p_churn: Float
    active_spend: Float
    active_orders: Float


@dataclass(frozen=True, eq=False)
class OfferWorld:
    """Customers and how they answer offers.

    Parameters
    ----------
    n_customers : int
    effects : tuple of Effect
        By option, in the order of the catalogue's options.
    doubt : float
        How far customers really differ from what the model says of their spend (coefficient of variation); the model
        is right on average.
    noise : float
        Coefficient of variation of what an active customer spends in a window.
    swing : float
        Standard deviation of how much more or less everybody spends in a wave than the model says.
    tilt : float
        The same of how much more so those with a high risk do, and those with large orders: for each standard deviation
        of either, so that the model is wrong of some more than of others.
    seed : int

    Examples
    --------
    >>> world = OfferWorld(1000, (Effect(0.2, 0.1, 0.5, percent=10),), seed=1)
    >>> given = np.zeros(1000, np.int16)
    >>> nobody = world.answers(0, given - 1)
    >>> bool(world.answers(0, given).bought.sum() > nobody.bought.sum()), float(nobody.discount.sum())
    (True, 0.0)
    """

    n_customers: int
    effects: tuple[Effect, ...]
    doubt: float = 0.15
    noise: float = 0.4
    swing: float = 0.05
    tilt: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_customers < 1 or min(self.doubt, self.noise, self.swing, self.tilt) <= 0 or self.seed < 0:
            raise ConfigError(
                "these customers cannot be simulated",
                needed="1 customer or more; `doubt`, `noise`, `swing` and `tilt` above 0; a seed of 0 or more",
                code="RG454",
            )

    def _stream(self, *key: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    @cached_property
    def customer_ids(self) -> NDArray[np.object_]:
        """Everyone's id, ascending."""
        return np.asarray(ids_of(self.n_customers), object)

    @cached_property
    def _people(self) -> dict[str, Float]:
        """What stays the same of everyone: logit of silence, money and number of orders, club, what no model knows."""
        draw, n = self._stream(_PERSON), self.n_customers
        steady = draw.normal(size=n)
        return {
            "logit": -0.4 - 1.2 * steady + 0.5 * draw.normal(size=n),
            "order_value": np.exp(3.2 + 0.15 * steady + 0.5 * draw.normal(size=n)),
            "more_orders": np.exp(0.3 + 0.6 * steady + 0.3 * draw.normal(size=n)),
            "club": (draw.random(n) < 0.5).astype(np.float64),
            "hidden": draw.gamma(1 / self.doubt**2, self.doubt**2, n),
        }

    @lru_cache(maxsize=8)  # noqa: B019 - a world lives as long as its campaign
    def _believed(self, wave: int) -> _Believed:
        draw, people = self._stream(_WAVE, wave), self._people
        p = 1 / (1 + np.exp(-(people["logit"] + 0.5 * draw.normal(size=self.n_customers))))
        orders = 1 + people["more_orders"] * np.exp(0.2 * draw.normal(size=self.n_customers))
        return _Believed(np.clip(p, 0.02, 0.98), people["order_value"] * orders, orders)

    def columns(self, wave: int) -> dict[str, NDArray[Any]]:
        """What a model says of everyone at a wave, and an attribute: columns as in published scores, and ``club``.

        What it says is right on average; how much everybody spends in this wave, it does not know.
        """
        told, people = self._believed(wave), self._people
        stays = 1 - told.p_churn
        worth = told.active_spend >= np.median(told.active_spend)
        risk = told.p_churn >= 0.5
        return {
            "p_churn": told.p_churn,
            "expected_orders": stays * told.active_orders,
            "expected_spend": stays * told.active_spend,
            "lifetime_value": 0.3 * 8 * stays * told.active_spend,
            "segment": np.char.add(np.where(worth, "high value", "low value"), np.where(risk, ", at risk", ", steady")),
            "club": people["club"],
        }

    def answers(self, wave: int, given: Int) -> Answers:
        """What everyone does in the window of a wave.

        Parameters
        ----------
        given : int array of shape (n_customers,)
            The option of each, or -1 for none.
        """
        told, effect = self._believed(wave), self._of_each(given)
        draw, n = self._stream(_ANSWER, wave), self.n_customers
        awake, won, redeems, complains = (draw.random(n) for _ in range(4))
        size = draw.gamma(1 / self.noise**2, self.noise**2, n) * self._people["hidden"] * self.level(wave)
        anyway = awake >= told.p_churn
        bought = anyway | (won < effect["save"])
        usual = told.active_spend * size
        gross = np.asarray(
            np.round(np.where(bought, usual * np.where(anyway, 1 + effect["extra_spend"], 1.0), 0.0), 2), np.float64
        )
        redeemed = bought & (redeems < effect["redemption"])
        off = effect["percent"] / 100 * gross / told.active_orders + np.minimum(effect["amount"], gross)
        discount = np.asarray(np.round(np.where(redeemed, off, 0.0), 2), np.float64)
        beside = np.where(redeemed, effect["beside"], 0.0)
        paid = np.asarray(gross - discount)
        return Answers(paid, discount, beside, bought, redeemed, complains < effect["complaints"])

    def gains(
        self, wave: int, margin: float, contact_cost: Sequence[float], complaint_cost: float = 0.0
    ) -> NDArray[np.float64]:
        """The truth: expected incremental profit of each option for each customer, shape (n_customers, n_options).

        It is what `answers` gives on average for someone who knows the effects, the club and the wave's level, and of
        the customer what the model knows. `amount` is taken to be less than what a redeeming buyer spends.

        Parameters
        ----------
        margin : float
            Share of gross spend that is kept.
        contact_cost : sequence of float
            By option, in currency.
        """
        told, level = self._believed(wave), self.level(wave)
        stays, active = 1 - told.p_churn, told.active_spend * level
        out = np.empty((self.n_customers, len(self.effects)))
        for option, cost in enumerate(contact_cost):
            each = self._of_each(np.full(self.n_customers, option, np.int16))
            saved, extra = each["save"] * told.p_churn, each["extra_spend"] * stays
            gross = (saved + extra) * active
            off = each["percent"] / 100 * (stays + saved + extra) * active / told.active_orders
            per_redemption = each["amount"] + each["beside"]
            redeemed = each["redemption"] * (off + per_redemption * (stays + saved))
            out[:, option] = margin * gross - redeemed - cost - each["complaints"] * complaint_cost
        return out

    def level(self, wave: int) -> Float:
        """How much everyone spends in a wave on average, as a multiple of what the model says."""
        all_, risky, rich = self._stream(_LEVEL, wave).normal(size=3)
        traits = (self._believed(wave).p_churn, np.log(self._people["order_value"]))
        risk, order = ((trait - trait.mean()) / max(trait.std(), 1e-12) for trait in traits)
        return np.asarray(np.exp(self.swing * all_ + self.tilt * (risky * risk + rich * order)))

    def _of_each(self, given: Int) -> dict[str, Float]:
        """The effects that reach each customer; zeros where nothing is given."""
        names = ("save", "extra_spend", "redemption", "percent", "amount", "beside", "complaints", "lean")
        table = np.array([[getattr(e, name) for name in names] for e in self.effects] + [[0.0] * len(names)])
        found = dict(zip(names, table[given].T, strict=True))
        stronger = 1 + found.pop("lean") * (2 * self._people["club"] - 1)
        return {**found, "save": found["save"] * stronger, "extra_spend": found["extra_spend"] * stronger}
