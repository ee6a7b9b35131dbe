"""What a budget of contacts would have brought: customers chosen by risk x money at stake, counted with the truth.

In: probabilities of churn, the money at stake of each customer (known before the cutoff), who then did not buy. Out:
per model the gain, and how much more that is than another's, with intervals paired by customer; random choice and the
best possible one stand beside. What keeping a customer costs and brings is assumed until the user states it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError
from .metrics import Resampling
from .sample import Sample

Float64 = NDArray[np.float64]
RANDOM, BEST = "random", "best_possible"
"""Two ways of choosing that are no model: blindly, and knowing who will fall silent."""


@dataclass(frozen=True)
class Budget:
    """Whom one can afford to contact, and what a contact is taken to do.

    Parameters
    ----------
    share : float
        At most this share of the customers who have something at stake is contacted, above 0, at most 1.
    contact_cost : float
        Cost of one contact, in currency, >= 0.
    save_rate : float
        Of those contacted who would have fallen silent, the share that stays, 0..1.
    margin : float
        Share of the money at stake that is earned, 0..1.
    money : float or None
        At most so much is spent on contacts at one cutoff, in currency; needs a cost above 0.
    stated : tuple of str
        Which of these the user stated; a default that nobody stated is assumed.

    Raises
    ------
    ConfigError
        ``RG155`` when a value is outside its range, or the money could not run out.

    Examples
    --------
    >>> budget = Budget(share=0.3, contact_cost=2.0, money=5.0)
    >>> budget.contacts(10), budget.assumed  # three by share, two by money
    (2, ('save_rate', 'margin'))
    """

    share: float = 0.1
    contact_cost: float = 0.0
    save_rate: float = 0.1
    margin: float = 1.0
    money: float | None = None
    stated: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shares = 0 < self.share <= 1 and 0 <= self.save_rate <= 1 and 0 <= self.margin <= 1
        spent = self.money is None or (0 < self.money < math.inf and self.contact_cost > 0)
        if not (shares and spent and 0 <= self.contact_cost < math.inf):
            needed = "0 < share <= 1; save_rate and margin within 0..1; contact_cost >= 0, and above 0 if money is set"
            raise ConfigError(f"the budget is {asdict(self)}", needed=needed, code="RG155")

    @property
    def assumed(self) -> tuple[str, ...]:
        """The settings that nobody stated."""
        plain = (f for f in fields(self) if f.name not in ("money", "stated", *self.stated))
        return tuple(f.name for f in plain if getattr(self, f.name) == f.default)

    def contacts(self, n: int) -> int:
        """How many of n customers can be contacted."""
        # A share of a count is whole where it is meant to be: .07 x 100 is 7, not 7.000000000000001.
        by_share = math.ceil(round(self.share * n, 9))
        return by_share if self.money is None else min(by_share, math.floor(round(self.money / self.contact_cost, 9)))

    def gain(self, at_stake: Float64, churned: Float64) -> Float64:
        """What contacting each customer brings: of money that would have gone, the part that is saved; less the cost.

        With a probability instead of the truth it is what one expects.
        """
        return np.asarray(self.save_rate * self.margin * at_stake * churned - self.contact_cost)

    def figures(self, horizon_days: int) -> dict[str, object]:
        """The budget as JSON-safe values, what of it is assumed, and all that in words."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "stated"}
        return {**values, "assumed": list(self.assumed), "words": self.words(horizon_days)}

    def words(self, horizon_days: int) -> str:
        """What is counted, in one paragraph."""
        cap = "" if self.money is None else f", at most {self.money:,.2f} in all"
        free = f"costs {self.contact_cost:,.2f}{cap}" if self.contact_cost else "costs nothing"
        said = {
            "share": f"the first {100 * self.share:g} % are contacted",
            "contact_cost": f"a contact {free}",
            "save_rate": f"it keeps {100 * self.save_rate:g} % of those who would have fallen silent",
            "margin": f"{100 * self.margin:g} % of the kept money is earned",
        }
        stated, assumed = (
            ", ".join(text for name, text in said.items() if (name in self.assumed) is wanted)
            for wanted in (False, True)
        )
        rules = "; ".join(part for part in (stated, f"assumed: {assumed}" if assumed else "") if part)
        return (
            f"Customers who bought in the last {horizon_days} days, ordered by their risk times the money at stake "
            f"(what they usually spend in {horizon_days} days); {rules}."
        )


def at_stake(spend: Float64, age_days: Float64, recency_days: Float64, horizon_days: int) -> Float64:
    """Money at stake, per customer, in currency, >= 0: what is usually spent in a horizon, as known before the cutoff.

    It is the mean over the customer's whole time, and what was spent so far in the first horizon of it: a first order
    is not taken for a habit. Who has been silent for a whole horizon is lost already by the same definition of churn;
    to win such a customer back is another campaign, with another rate of success, so nothing is at stake.

    Parameters
    ----------
    spend : ndarray
        Signed spend before the cutoff.
    age_days, recency_days : ndarray
        Days since the first and the last purchase; a purchase on the day before the cutoff is 1.

    Examples
    --------
    >>> age_days, recency_days = np.array([400.0, 10.0, 400.0]), np.array([9.0, 9.0, 101.0])
    >>> at_stake(np.full(3, 80.0), age_days, recency_days, 100).tolist()
    [20.0, 80.0, 0.0]
    """
    usual = np.maximum(spend, 0) * horizon_days / np.maximum(age_days, horizon_days)
    return np.where(recency_days <= horizon_days, usual, 0.0)


def at_stake_of(sample: Sample) -> Float64:
    """The money at stake of a sample's rows."""
    panel = sample.panel
    return at_stake(panel.totals.spend, panel.rhythm.T + 1, panel.recency_days, sample.horizon_days)


@dataclass(frozen=True)
class Choice:
    """Whom one way of choosing contacts, row by row, and what that brings.

    Parameters
    ----------
    contacted : ndarray of shape (n_rows,)
        How much of a contact, 0..1: a random choice gives everybody a part of one.
    gained : ndarray
        What these contacts brought, in currency.
    swing : ndarray
        By how much the total would change with one such customer more: the customer's gain, in place of that of
        whoever then is not contacted any more. Two choices from one list differ by such exchanges.
    """

    contacted: Float64
    gained: Float64
    swing: Float64

    @classmethod
    def first(
        cls, expected: Float64, gain: Float64, open_to: NDArray[np.bool_], customer: NDArray[np.int64], contacts: int
    ) -> Choice:
        """The most promising customers, and none who is expected to cost more than he brings."""
        order = np.lexsort([customer, -expected])[:contacts]
        chosen = order[expected[order] > 0]
        contacted = np.zeros(len(gain))
        contacted[chosen] = 1.0
        # Only where the budget ends the list does a contact displace another; its worth is that of the last one.
        last = float(expected[order[-1]]) if 0 < len(chosen) == contacts else 0.0
        return cls(contacted, contacted * gain, contacted * (gain - last) + _spread(open_to, contacts) * last)

    @classmethod
    def blind(cls, gain: Float64, open_to: NDArray[np.bool_], contacts: int) -> Choice:
        """As many customers, whoever they are."""
        contacted = _spread(open_to, contacts)
        return cls(contacted, contacted * gain, contacted * gain)

    @classmethod
    def together(cls, choices: Sequence[Choice]) -> Choice:
        """Those of several cutoffs, one after the other."""
        return cls(*(np.concatenate([getattr(c, f.name) for c in choices]) for f in fields(cls)))


def _spread(open_to: NDArray[np.bool_], contacts: int) -> Float64:
    """Contacts shared out evenly among those who are open to one."""
    return np.where(open_to, contacts / max(int(open_to.sum()), 1), 0.0)


@dataclass(frozen=True)
class Campaign:
    """What every way of choosing would have brought, by name, and the money at stake that was then lost, row by row."""

    choices: Mapping[str, Choice]
    lost: Float64

    @classmethod
    def run(
        cls,
        p_churn: Mapping[str, Float64],
        stake: Float64,
        churned: Float64,
        customer: NDArray[np.int64],
        budget: Budget,
    ) -> Campaign:
        """Choose at one cutoff by each model, blindly, and knowing the truth.

        Parameters
        ----------
        p_churn : dict of str to ndarray of shape (n_rows,)
            By model; without those that have none.
        customer : ndarray of int64
            Ranks of the customers' ids, which settle ties.
        """
        open_to, gain = stake > 0, budget.gain(stake, churned)
        contacts = budget.contacts(int(open_to.sum()))
        expected = {name: budget.gain(stake, p) for name, p in p_churn.items()} | {BEST: gain}
        choices = {name: Choice.first(e, gain, open_to, customer, contacts) for name, e in expected.items()}
        return cls(choices | {RANDOM: Choice.blind(gain, open_to, contacts)}, stake * churned)

    @classmethod
    def together(cls, campaigns: Sequence[Campaign]) -> Campaign:
        """Those of several cutoffs, with the models that all of them have."""
        names = [n for n in campaigns[0].choices if all(n in c.choices for c in campaigns)]
        choices = {n: Choice.together([c.choices[n] for c in campaigns]) for n in names}
        return cls(choices, np.concatenate([c.lost for c in campaigns]))

    @property
    def open(self) -> bool:
        """Whether there is anybody to contact, and money to do so."""
        return bool(self.choices[RANDOM].contacted.any())

    def figures(self, models: Sequence[str], drawn: Resampling) -> dict[str, dict[str, object]]:
        """The figures of every model, of random choice and of the best possible; None where there is no choice.

        `over` is by how much the first model earns more than the others, in currency. Intervals (90 %) draw customers
        anew, the same for both sides of a difference; that of a gain takes the list as it was.
        """
        found = {name: self._figures(name, drawn) for name in (*models, RANDOM, BEST)}
        others = [name for name in (*models[1:], RANDOM) if name in self.choices and self.open]
        found[models[0]]["over"] = {name: self._over(models[0], name, drawn) for name in others}
        return found

    def _figures(self, name: str, drawn: Resampling) -> dict[str, object]:
        if name not in self.choices or not self.open:
            return {**dict.fromkeys(FIGURES), "ci": None}
        mine, best = self.choices[name], float(self.choices[BEST].gained.sum())
        gained, contacted = float(mine.gained.sum()), round(float(mine.contacted.sum()), 6)
        return {
            "gain": gained,
            "per_contacted": gained / contacted if contacted else None,
            "contacted": contacted,
            "money_reached": float((mine.contacted * self.lost).sum()),
            "share_of_best": gained / best if best > 0 else None,
            "ci": _interval(gained, mine.gained, drawn),
        }

    def _over(self, ours: str, theirs: str, drawn: Resampling) -> dict[str, object]:
        mine, other = self.choices[ours], self.choices[theirs]
        more = float(mine.gained.sum() - other.gained.sum())
        return {"gain": more, "ci": _interval(more, mine.swing - other.swing, drawn)}

    def undefined(self, horizon_days: int) -> dict[str, str]:
        """Why there are no figures, or not all."""
        if not self.open:
            who = f"nobody who bought in the last {horizon_days} days"
            return {"money": f"{who} had spent anything, or no contact can be paid for"}
        found = {}
        if not self.choices[BEST].gained.sum() > 0:
            found["share_of_best"] = "not even the best choice would have paid"
        if not all(c.contacted.any() for c in self.choices.values()):
            found["per_contacted"] = "no contact is expected to pay"
        return found


FIGURES = ("gain", "per_contacted", "contacted", "money_reached", "share_of_best")


def _interval(total: float, swing: Float64, drawn: Resampling) -> list[float] | None:
    """The interval of a total, from how it moves with each row (infinitesimal jackknife: Jaeckel 1972)."""
    found = drawn.mean_interval(swing)
    half = None if found is None else 0.5 * len(swing) * (found[1] - found[0])
    return None if half is None else [total - half, total + half]
