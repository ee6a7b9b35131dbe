"""What in a catalogue cannot be meant, and what is allowed and yet worth a second look.

In: a catalogue whose parts are each right by themselves. Out: sentences; the first of `contradictions` is why the
catalogue is refused, those of `remarks` are shown with every plan. Nothing missing is guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import did_you_mean
from .eligibility import compared
from .offer import TYPES, Offer
from .rules import Rule

if TYPE_CHECKING:
    from .catalogue import Catalogue, Limit

_PER_ORDER = frozenset({"amount", "gift", "free_shipping", "bogo", "points"})
"""A fixed sum for any order, however small."""


def contradictions(catalogue: Catalogue) -> Iterator[str]:
    """Why a catalogue is refused."""
    yield from _twice("channels have the name", (c.name for c in catalogue.channels))
    yield from _twice("offers have the id", (o.id for o in catalogue.offers))
    yield from _unknown_channels(catalogue)
    for offer in catalogue.offers:
        if offer.group is not None and not offer.cool_down_days:
            yield (
                f"offer `{offer.id}`: `group` does nothing while `cool_down_days` is 0, since nobody gets two offers "
                "in a wave; give the days, or leave `group` out"
            )
        yield from _never(offer)
    for limit in catalogue.limits:
        yield from _unknown_action(catalogue, limit)
    yield from _limits_twice(catalogue.limits)
    yield from _shut(catalogue)


def _twice(what: str, names: Iterable[str]) -> Iterator[str]:
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{times} {what} `{name}`; give each its own"


def _unknown_channels(catalogue: Catalogue) -> Iterator[str]:
    known = [c.name for c in catalogue.channels]
    for offer in catalogue.offers:
        for name in offer.channels:
            if name not in known:
                yield f"offer `{offer.id}`: there is no [[channels]] entry `{name}`; {did_you_mean(name, known)}"


def _unknown_action(catalogue: Catalogue, limit: Limit) -> Iterator[str]:
    kind, _, name = limit.action.partition(":")
    known = {
        "offer": [o.id for o in catalogue.offers],
        "type": list(TYPES),
        "channel": [c.name for c in catalogue.channels],
        "group": sorted({o.group for o in catalogue.offers if o.group}),
    }
    if kind in known and name not in known[kind]:
        hint = did_you_mean(name, known[kind]) if known[kind] else "no offer has a `group`"
        yield f"the limit `{limit.action}`: there is no {kind} `{name}`; {hint}"
    elif not any(limit.covers(o) for o in catalogue.options):
        yield f"the limit `{limit.action}` does nothing: no offer of the catalogue falls under it; leave it out"


def _limits_twice(limits: tuple[Limit, ...]) -> Iterator[str]:
    for i, limit in enumerate(limits):
        for other in limits[:i]:
            if _about(limit) == _about(other):
                low, high = sorted((limit.amount, other.amount))
                yield (
                    f"two limits say how much of `{limit.action}` there may be, {low:g} and {high:g}, for the same "
                    "entity and period; keep the one you mean"
                )


def _about(limit: Limit) -> tuple[str, str, str | int, bool]:
    return limit.action, limit.entity, limit.period, limit.money is not None


def _never(offer: Offer) -> Iterator[str]:
    """A follow-up whose window and whose rule cannot both hold."""
    if offer.trigger is None or offer.eligible is None:
        return
    anchor = offer.trigger.anchor
    known: dict[str, Sequence[object]] = {name: (value,) for name, value in anchor.implies.items()}
    known[anchor.fact] = range(offer.trigger.from_days, offer.trigger.last_days + 1)
    for rule in _always(offer.eligible):
        values = known.get(str(rule.field), ())
        if values and (rule.op == "is_missing" or not any(compared(value, rule) for value in values)):
            yield (
                f"offer `{offer.id}`: nobody could ever get it, since it goes {offer.trigger.words}, and `eligible` "
                f"asks for {rule.words}; change one of them"
            )


def _always(rule: Rule) -> Iterator[Rule]:
    """The comparisons without which a rule never holds."""
    if rule.field is not None:
        yield rule
    for part in rule.every or ():
        yield from _always(part)


def _shut(catalogue: Catalogue) -> Iterator[str]:
    """An offer of which every option is limited to nothing can never be given."""
    shut = [m for m in catalogue.limits if m.amount == 0]
    for offer in catalogue.offers:
        options = [o for o in catalogue.options if o.offer.id == offer.id]
        by = [next((m for m in shut if _shuts(m, offer) and m.covers(o)), None) for o in options]
        if by and all(by):
            names = ", ".join(dict.fromkeys(f"`{m.action}`" for m in by if m is not None))
            yield (
                f"offer `{offer.id}` stands in the catalogue, and the limit {names} of 0 shuts it out; leave one of "
                "them out"
            )


def _shuts(limit: Limit, offer: Offer) -> bool:
    """A limit of no money shuts out only what costs some; a limit of no contacts shuts out all."""
    return limit.count == 0 or offer.taken != (0.0, 0.0)


def remarks(catalogue: Catalogue, margin: float) -> Iterator[str]:
    """What is allowed and yet worth a second look, given the company's margin."""
    campaign = catalogue.campaign
    if campaign.control == 0:
        yield "control is 0: there is nobody to compare with, so that nothing can be said of what the campaign brought"
    if campaign.explore == 0:
        yield "explore is 0: offers that the plan does not choose are never tried, and nothing is learnt of them"
    carried = {name for offer in catalogue.offers for name in offer.channels}
    for channel in catalogue.channels:
        if channel.name not in carried:
            yield f"no offer goes by the channel `{channel.name}`"
    for offer in catalogue.offers:
        yield from _remarks_of(offer, margin)
        if offer.valid_days is not None and (campaign.window_days or offer.valid_days) < offer.valid_days:
            yield (
                f"offer `{offer.id}` is valid for {offer.valid_days} days and the campaign is read out after "
                f"{campaign.window_days}: what is redeemed later is not counted"
            )
    yield from _idle(catalogue.limits)


def _remarks_of(offer: Offer, margin: float) -> Iterator[str]:
    name, own, least = f"offer `{offer.id}`", offer.margin(margin), offer.minimum_spend
    if offer.economics.at_a_loss is not None:
        yield f"{name} is given at a loss on purpose: {offer.economics.at_a_loss}"
    elif 0 < own <= offer.given_always:
        yield f"{name} costs {100 * offer.given_always:g} % of every order, of which {100 * own:g} % are earned"
    elif least and own < offer.given_away(least):
        yield (
            f"{name} costs {100 * offer.given_away(least):g} % of an order of {least:g}, the least it is for, of which "
            f"{100 * own:g} % are earned: only larger orders pay"
        )
    elif offer.type in _PER_ORDER and not least and offer.economics.funding < 1:
        yield f"{name} has no `minimum_spend`: on a small order it costs more than is earned"
    response = offer.response
    if max(response.save.high, response.extra_spend.high) <= 0 and not offer.is_service:
        yield f"{name} is said to bring nothing (save and extra_spend are 0): until it is measured it is never chosen"


def _idle(limits: tuple[Limit, ...]) -> Iterator[str]:
    """A limit below a stricter one on everything never bites."""
    anything = [m for m in limits if m.action == "any"]
    for limit in limits:
        for wide in anything:
            if limit.action != "any" and _about(limit)[1:] == _about(wide)[1:] and limit.amount >= wide.amount:
                yield f"the limit `{limit.action}` of {limit.amount:g} never bites: all together are {wide.amount:g}"
