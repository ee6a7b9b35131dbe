"""What is said and kept of each recommendation: the offer in words, its gain and validity, or why there is none.

In: what a policy says of some customers. Out: `Told`, one a customer: what is answered, and the row that is kept, as
`schema.DECISIONS` has it. Money is in currency, unrounded. An offer without an end has no last day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..offers.arms import ARMS, CHOSEN, EXPLORE
from ..offers.economics import EXPECTED
from ..offers.item_lists import text_of
from ..offers.policy import Recommendations
from ..offers.send import send_at, valid_until
from .offering import MOST, Offering
from .online import moment
from .permissions import Asked

if TYPE_CHECKING:
    from .speaker import Speaker


@dataclass(frozen=True)
class Told:
    """What is said of one customer.

    Parameters
    ----------
    arm : str
    given : bool
        Whether there is an offer.
    answer, kept : dict
        For the caller, and for the log of recommendations.
    """

    arm: str
    given: bool
    answer: dict[str, Any]
    kept: dict[str, Any]


def told_of(offering: Offering, asked: Asked, found: Recommendations, speaker: Speaker) -> Iterator[Told]:
    """What is said of each customer of an audience, in its order."""
    return _Telling(offering, asked, found, speaker).all()


class _Telling:
    """All recommendations of a request."""

    def __init__(self, offering: Offering, asked: Asked, found: Recommendations, speaker: Speaker) -> None:
        audience = asked.audience
        self.offering, self.audience, self.found, self.speaker = offering, audience, found, speaker
        self.shelved = asked.shelved
        policy = offering.policy
        self.options = policy.catalogue.options
        self.sent = send_at(audience.as_of, policy.zone, policy.contact, policy.catalogue.campaign)
        self.until = {o.id: valid_until(self.sent, policy.zone, o) for o in policy.catalogue.offers}
        self.send_at = f"{np.datetime64(self.sent, 'us')}Z"
        self.at = moment()

    def all(self) -> Iterator[Told]:
        """One after the other."""
        found = self.found
        cost, meant = found.cost(), found.profits.of_choice(found.meant)[1].astype(np.float64).tolist()
        ranges = np.stack([found.low, found.gain, found.high]).T.tolist()
        for row, (arm, given) in enumerate(zip(found.arm.tolist(), found.given.tolist(), strict=True)):
            answer = {
                "recommendation_id": found.decision_id[row],
                "arm": ARMS[arm],
                "propensity": float(found.propensity[row]),
                "offers": self._offers(row, arm, given, ranges[row]),
                "why": found.why[row] if self.shelved is None else self.shelved.why(row, found.why[row]),
            }
            kept = self._kept(row, given, ranges[row], meant[row], float(cost[row]))
            yield Told(ARMS[arm], given >= 0, answer, kept)

    def _offers(self, row: int, arm: int, given: int, ranges: list[float]) -> list[dict[str, Any]]:
        """The one that counts, and of the chosen what else would pay."""
        if given < 0:
            return []
        low, gain, high = ranges
        told = [(given, gain, low, high)]
        if arm == CHOSEN:
            told += [other for other in self.found.ranked(row) if other[0] != given]
        return [self._offer(row, arm, *one) for one in told[:MOST]]

    def _offer(self, row: int, arm: int, option: int, gain: float, low: float, high: float) -> dict[str, Any]:
        offer, channel = self.options[option].offer, self.options[option].channel
        cost = float(self.found.gains.cost[row, option])
        return {
            "offer": offer.id,
            "channel": channel.name,
            "type": offer.type,
            "title": offer.title,
            "text": offer.text or "",
            "terms": offer.terms or "",
            "items": self._items(row, option),
            "expected_gain": gain,
            "gain_low": low,
            "gain_high": high,
            "cost": cost,
            "basis": self.offering.badges[option],
            "reasons": self._reasons(row, arm, option, gain, cost),
            "send_at": self.send_at,
            "valid_until": self.until[offer.id] or None,
        }

    def _items(self, row: int, option: int) -> list[str]:
        """The products that go with an option; none with none."""
        if self.shelved is None or option < 0:
            return []
        return self.shelved.items.told(self.options[option].offer, row)

    def _reasons(self, row: int, arm: int, option: int, gain: float, cost: float) -> list[str]:
        """Why, in words: the draw, or what the model expects and what is believed of the offer."""
        policy = self.offering.policy
        unit = f" {policy.currency}" if policy.currency else ""
        silent, _, spend = (float(self.audience.columns[name][row]) for name in EXPECTED)
        expected = f"within {policy.horizon_days} days: silent with {silent:.0%}, spend of {spend:.2f}{unit} expected"
        basis = self.offering.badges[option]
        pays = f"expected to bring {gain + cost:.2f}{unit} and to cost {cost:.2f}{unit} ({basis})"
        drawn = ["drawn at random, so that it can be measured"] if arm == EXPLORE else []
        return [*drawn, *self._follows(row, option), expected, self._believed(option), pays]

    def _follows(self, row: int, option: int) -> list[str]:
        """What a follow-up follows, and how long ago that was."""
        trigger = self.options[option].offer.trigger
        return [] if trigger is None else [trigger.said(float(self.audience.columns[trigger.anchor.fact][row]))]

    def _believed(self, option: int) -> str:
        responses = self.offering.policy.responses
        if responses.personal is not None:
            return "what it brings this customer is told by a model that passed its gate"
        believed = responses.of(self.options[option])
        save, extra = believed.save[1], believed.extra_spend[1]
        effects = [f"keeps {save:.1%} of those who would fall silent"] if save else []
        effects += [f"moves the spend of the others by {extra:+.1%}"] if extra else []
        return ", and ".join(effects) or "nobody believes that it changes what is bought"

    def _kept(self, row: int, given: int, ranges: list[float], meant_gain: float, cost: float) -> dict[str, Any]:
        found, policy = self.found, self.offering.policy
        meant = int(found.meant[row])
        silent, _, spend = (float(self.audience.columns[name][row]) for name in EXPECTED)
        low, gain, high = ranges
        return {
            "customer_id": self.audience.customer_ids[row],
            "decision_id": found.decision_id[row],
            "campaign": policy.campaign,
            "as_of": str(policy.as_of),
            "arm": ARMS[int(found.arm[row])],
            "meant_offer": self._name(meant)[0],
            "meant_channel": self._name(meant)[1],
            "offer": self._name(given)[0],
            "channel": self._name(given)[1],
            "send_at": self.send_at if given >= 0 else None,
            "valid_until": (self.until[self._name(given)[0]] or None) if given >= 0 else None,
            "propensity": float(found.propensity[row]),
            "gain_low": low,
            "gain": gain,
            "gain_high": high,
            "meant_gain": meant_gain,
            "cost": cost,
            "basis": self.offering.badges[given] if given >= 0 else "",
            "why": found.why[row],
            "expected_spend": spend,
            "p_churn": silent,
            "catalogue": self.offering.decided_by["catalogue"],
            "responses": self.offering.decided_by["responses"],
            "model_version": self.speaker.version,
            "run_id": self.speaker.run_id,
            "items": text_of(self._items(row, given if given >= 0 else meant)),
            "at": self.at,
            "day": str(self.audience.as_of),
        }

    def _name(self, option: int) -> tuple[str, str]:
        return ("", "") if option < 0 else (self.options[option].offer.id, self.options[option].channel.name)
