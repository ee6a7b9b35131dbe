"""A policy: everything by which a wave was decided, as JSON, so that the same can be said of one customer at any time.

In: what a plan was made with, and the prices that it found. Out: the arm, what is meant and what is given of customers
who come later, by the functions of the plan itself: the same facts give the same answer to the last bit. No id is in
it. What is missing of a customer is judged by the rules of the catalogue; the scores must be there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff, Zone
from ..errors import DataError
from ..offering_section import ContactConfig
from .allocate import meant
from .arms import CHOSEN, EXPLORE, decision_ids, draw, explored, propensity
from .audience import Audience
from .caps import Cap
from .catalogue import Catalogue
from .economics import EXPECTED, Economics
from .exploration import NOTHING, Exploration, among
from .item_lists import Carried
from .limits import caps_of
from .past import Past
from .problem import TIE, Problem
from .profit import Gains, Profits
from .responses import Responses
from .why import why_nothing

if TYPE_CHECKING:
    from ..config import Config
    from .permitted import Permitted

FORMAT = 1
Options = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Policy:
    """How a wave was decided.

    Parameters
    ----------
    catalogue : Catalogue
    responses : Responses
    economics : Economics
    contact : ContactConfig
    timezone : str
    salt : str
    holdout : float
    as_of : Cutoff
        The day of the wave.
    horizon_days : int
        The window in which gains are reckoned and the wave is read out.
    currency : str
    model_version, run_id : str
        Who said what is expected.
    prices : mapping of str to float
        Of the caps, by name: what one more unit of each would bring.
    limits : mapping of str to float
        What was left of each cap once exploration was paid for.
    shut : mapping of int to str
        Options over which exploration is not spread, by index, and the cap for which.
    items : Carried
        Which offers carry products.
    """

    catalogue: Catalogue
    responses: Responses
    economics: Economics
    contact: ContactConfig
    timezone: str
    salt: str
    holdout: float
    as_of: Cutoff
    horizon_days: int
    currency: str
    model_version: str
    run_id: str
    prices: Mapping[str, float]
    limits: Mapping[str, float]
    shut: Mapping[int, str]
    items: Carried = field(default_factory=Carried)

    @classmethod
    def draft(
        cls,
        catalogue: Catalogue,
        responses: Responses,
        config: Config,
        audience: Audience,
        model: tuple[str, str],
        return_rate: float = 0.0,
    ) -> Policy:
        """Before there are prices: how a wave is to be decided. `model` is the version that spoke, and its run."""
        return cls(
            catalogue=catalogue,
            responses=responses,
            economics=Economics.of(config.economics, return_rate),
            contact=config.contact,
            timezone=config.data.timezone,
            salt=config.offers.salt,
            holdout=config.offers.holdout,
            as_of=audience.as_of,
            horizon_days=audience.horizon_days,
            currency=audience.currency,
            model_version=model[0],
            run_id=model[1],
            prices={},
            limits={},
            shut={},
        )

    @property
    def campaign(self) -> str:
        """The name of the campaign."""
        return self.catalogue.campaign.name

    @property
    def zone(self) -> Zone:
        """The business time zone."""
        return Zone(self.timezone)

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The columns of an audience that are looked at: by the reckoning, the rules, the limits."""
        personal = self.responses.personal
        further = {*self.catalogue.fields, *(() if personal is None else personal.needs)} - set(EXPECTED)
        return (*EXPECTED, *sorted(further))

    @property
    def shares(self) -> tuple[float, float, float]:
        """Hold-out, control, exploration."""
        campaign = self.catalogue.campaign
        return self.holdout, campaign.control, campaign.explore

    def arms(self, customer_ids: Sequence[str]) -> NDArray[np.uint8]:
        """The arm of each customer."""
        return draw(customer_ids, self.salt, self.campaign, *self.shares)

    def profits(self, audience: Audience) -> Profits:
        """What every option brings."""
        return Profits(audience.columns, self.catalogue, self.responses, self.economics)

    def caps(self, audience: Audience) -> tuple[Cap, ...]:
        """The caps of the wave as they hold for these customers."""
        every = caps_of(self.catalogue, audience, Past.of(None, audience.customer_ids, self.zone))
        return tuple(replace(cap, limit=self.limits[cap.name]) for cap in every if cap.name in self.limits)

    def meant(self, gains: Gains, caps: Sequence[Cap]) -> Options:
        """What each customer would be given at the prices, whatever the arm; -1 for nothing."""
        return meant(gains.base, gains.cost, caps, self.prices)

    def explored(
        self, customer_ids: Sequence[str], arm: NDArray[np.uint8], permitted: NDArray[np.bool_]
    ) -> Exploration:
        """What explorers get."""
        open_ = np.array([j not in self.shut for j in range(permitted.shape[1])], bool)
        option, rows = np.full(len(arm), NOTHING, np.int16), np.flatnonzero(arm == EXPLORE)
        ids = np.asarray(customer_ids, object)[rows]
        option[rows] = explored(ids, self.salt, self.campaign, self.as_of, permitted[rows] & open_)
        return Exploration(option, open_, self.shut)

    def chance(
        self, given: Options, intended: Options, permitted: NDArray[np.bool_], open_: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """The chance, before the draw, of what each customer gets; what is not explored comes by choice alone."""
        count = (permitted & open_).sum(axis=1)
        found = propensity(given, intended, count, *self.shares)
        unexplored = (given >= 0) & ~open_[np.maximum(given, 0)]
        holdout, _, explore = self.shares
        found -= np.where(unexplored, (1 - holdout) * explore / (count + 1.0), 0.0)
        return np.minimum(found, 1.0)  # Shares add up to a little more than 1 in floats.

    def reckoned(self, audience: Audience, permitted: Permitted, past: Past) -> tuple[Profits, Gains, Permitted]:
        """What every option brings where it may be given, limits of money for each customer included."""
        profits = self.profits(audience)
        gains = profits.gains()
        may = permitted.within_money(self.catalogue, past, audience.as_of, gains.cost)
        return profits, gains.only(may.mask), may

    def recommend(self, audience: Audience, permitted: Permitted, past: Past | None = None) -> Recommendations:
        """What the policy says of some customers now; `past` is what they were given before, if that is known."""
        known = Past.of(None, audience.customer_ids, self.zone) if past is None else past
        (profits, gains, permitted), caps = self.reckoned(audience, permitted, known), self.caps(audience)
        arm, best = self.arms(audience.customer_ids), self.meant(gains, caps)
        exploration = self.explored(audience.customer_ids, arm, permitted.mask)
        given = np.where(arm == CHOSEN, best, exploration.option).astype(np.int16)
        why = why_nothing(arm, given, permitted, gains, caps, self.prices, exploration)
        return Recommendations(
            policy=self,
            profits=profits,
            permitted=permitted,
            gains=gains,
            caps=caps,
            arm=arm,
            meant=best,
            given=given,
            propensity=self.chance(given, best, permitted.mask, exploration.open),
            ranges=profits.of_choice(given),
            why=why.said(),
            decision_id=decision_ids(self.campaign, self.as_of, audience.customer_ids, self.salt),
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "format": FORMAT,
            "campaign": self.campaign,
            "as_of": str(self.as_of),
            "horizon_days": self.horizon_days,
            "currency": self.currency,
            "timezone": self.timezone,
            "salt": self.salt,
            "shares": dict(zip(("holdout", "control", "explore"), self.shares, strict=True)),
            "model": {"version": self.model_version, "run_id": self.run_id},
            "economics": self.economics.to_dict(),
            "contact": self.contact.model_dump(mode="json"),
            "prices": dict(self.prices),
            "limits": {name: limit if np.isfinite(limit) else None for name, limit in self.limits.items()},
            "shut": {str(j): name for j, name in self.shut.items()},
            "catalogue": self.catalogue.to_dict(),
            "catalogue_digest": self.catalogue.digest,
            "responses": self.responses.to_dict(),
            "responses_digest": self.responses.digest,
            **({"items": self.items.to_dict()} if self.items.lists else {}),
        }

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> Policy:
        """From `to_dict`.

        Raises
        ------
        DataError
            ``RG423``: it was not written by that, or is not as it was written.
        """
        try:
            catalogue, responses = Catalogue.of(found["catalogue"]), Responses.of_dict(found["responses"])
            whole = (catalogue.digest, responses.digest) == (found["catalogue_digest"], found["responses_digest"])
            if found["format"] != FORMAT or not whole:
                raise ValueError("its catalogue or its responses are not those it was made with")
            return cls(
                catalogue=catalogue,
                responses=responses,
                economics=Economics.of_dict(found["economics"]),
                contact=ContactConfig.model_validate(found["contact"]),
                timezone=str(found["timezone"]),
                salt=str(found["salt"]),
                holdout=float(found["shares"]["holdout"]),
                as_of=Cutoff.parse(str(found["as_of"])),
                horizon_days=int(found["horizon_days"]),
                currency=str(found["currency"]),
                model_version=str(found["model"]["version"]),
                run_id=str(found["model"]["run_id"]),
                prices={str(name): float(price) for name, price in found["prices"].items()},
                limits={str(n): np.inf if limit is None else float(limit) for n, limit in found["limits"].items()},
                shut={int(j): str(name) for j, name in found["shut"].items()},
                items=Carried.of_dict(found.get("items")),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            do = "assign a wave anew: `regulars offers assign`"
            raise DataError(f"the policy cannot be read: {error}", do=do, code="RG423") from None


@dataclass(frozen=True, eq=False)
class Recommendations:
    """What a policy says of some customers; every array has the shape (n_customers,).

    Parameters
    ----------
    policy, profits, permitted, gains, caps
        What it rests on.
    arm : ndarray of uint8
    meant, given : ndarray of int16
        The index of an option; -1 for nothing.
    propensity : ndarray of float64
        The chance, before the draw, of what is given.
    ranges : ndarray of float32, shape (3, n_customers)
        Expected gain of what is given: low, base, high, in currency; 0 for nothing.
    why : list of str
        Why nothing is given; empty where something is.
    decision_id : list of str
    """

    policy: Policy
    profits: Profits
    permitted: Permitted
    gains: Gains
    caps: tuple[Cap, ...]
    arm: NDArray[np.uint8]
    meant: Options
    given: Options
    propensity: NDArray[np.float64]
    ranges: NDArray[np.float32]
    why: list[str]
    decision_id: list[str]

    @property
    def low(self) -> NDArray[np.float64]:
        """Expected gain of what is given if responses are low."""
        return np.asarray(self.ranges[0], np.float64)

    @property
    def gain(self) -> NDArray[np.float64]:
        """Expected gain of what is given."""
        return np.asarray(self.ranges[1], np.float64)

    @property
    def high(self) -> NDArray[np.float64]:
        """Expected gain of what is given if responses are high."""
        return np.asarray(self.ranges[2], np.float64)

    def cost(self) -> NDArray[np.float64]:
        """Expected cost of what is given; 0 for nothing."""
        return cost_of(self.gains, self.given)

    def ranked(self, row: int) -> list[tuple[int, float, float, float]]:
        """The options that pay for a customer at the prices, the best one first: index, gain, its low, its high."""
        at = np.array([row])
        problem = Problem(self.gains.base[at], self.gains.cost[at], among(self.caps, at, len(self.arm)))
        prices = np.array([self.policy.prices.get(cap.name, 0.0) for cap in self.caps])
        left, gain = problem.left(problem.tables(prices), prices, slice(0, 1))[0], problem.gains[0]
        pays = (gain > 0) & (left >= -TIE * np.abs(gain))
        order = [int(j) for j in np.argsort(-left, kind="stable") if pays[j]]
        return [(j, *self._range(row, j)) for j in order]

    def _range(self, row: int, option: int) -> tuple[float, float, float]:
        columns = {name: values[row : row + 1] for name, values in self.profits.columns.items()}
        low, base, high = replace(self.profits, columns=columns).of_choice(np.array([option]))[:, 0].tolist()
        return base, low, high


def cost_of(gains: Gains, choice: Options) -> NDArray[np.float64]:
    """Expected cost of one option for each customer, in currency; 0 for nothing."""
    rows = np.flatnonzero(choice >= 0)
    found = np.zeros(len(choice))
    found[rows] = gains.cost[rows, choice[rows]]
    return found
