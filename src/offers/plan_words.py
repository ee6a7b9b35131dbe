"""A plan in sentences that a marketer understands, and what is odd about it.

In: a plan and its figures. Out: sentences. Nothing is said of what is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .responses import ASSUMED
from .spoken import amount, between

if TYPE_CHECKING:
    from .plan import Plan

_MUCH = 0.5
"""From this share of a budget on, what exploration takes is said."""


def cap_words(cap: Mapping[str, Any], currency: str) -> str:
    """What is used of a cap, and what more of it would bring.

    Examples
    --------
    >>> cap_words({"limit": 100.0, "used": 99.5, "price": 2.31, "money": True}, "EUR")
    '99.50 EUR of 100.00 EUR are used; the next EUR returns 2.31 EUR beyond itself'
    """
    if cap["limit"] is None:
        return "there is no limit"
    price = amount(cap["price"], currency)
    brings = (
        f"the next {currency or '1.00'} returns {price} beyond itself" if cap["money"] else f"one more returns {price}"
    )
    if not cap["price"] > 0:
        brings = "more would bring nothing"
    if cap["limit"] <= 0:
        return f"nothing is left of it; {brings}"
    if cap["money"]:
        return f"{amount(cap['used'], currency)} of {amount(cap['limit'], currency)} are used; {brings}"
    return f"{cap['used']:,.0f} of {cap['limit']:,.0f} are used; {brings}"


def words_of(told: Mapping[str, Any]) -> list[str]:
    """The plan in a few sentences."""
    currency, (low, gain, high) = told["currency"], told["gain"]
    arms = told["arms"]
    words = [
        f"{told['given']:,} of {told['customers']:,} customers would get an offer, at an expected cost of "
        f"{amount(told['cost'], currency)}"
    ]
    if told["given"]:
        words.append(
            f"expected gain until {told['read_out']}, the cost already taken off: {amount(gain, currency)} "
            f"({between(low, high, currency)})"
        )
    words.append(
        f"drawn before anything was optimised: {arms['holdout']:,} are never reached, {arms['control']:,} are the "
        f"control group, {arms['explore']:,} get any permitted offer or none"
    )
    caps = [*([told["budget"]] if told["budget"] else []), *told["limits"]]
    words += [f"{cap['name']}: {cap['words']}" for cap in caps]
    if told["bound"] > 0 and caps:
        share = f"no other choice within these limits gains over {100 * told['gap']:.3f} % more"
        words.append("proved: no other choice within these limits gains more" if told["exact"] else share)
    words += [_of_offer(one, currency) for one in told["offers"] if one["given"]]
    words += [_of_follow_up(one) for one in told.get("follow_ups", ())]
    if told.get("items", {}).get("most"):
        most = ", ".join(f"{one['item']} ({one['customers']:,} customers)" for one in told["items"]["most"][:3])
        words.append(f"suggested most, by what sold before {told['items']['as_of']}: {most}")
    if told["why"]:
        reasons = ", ".join(f"{one['why']} {one['customers']:,}" for one in told["why"])
        words.append(f"nothing is given to {sum(one['customers'] for one in told['why']):,}: {reasons}")
    if told["detectable"]["words"]:
        words.append(told["detectable"]["words"].rstrip("."))
    return words


def _of_offer(one: Mapping[str, Any], currency: str) -> str:
    """What becomes of an offer; what explorers get is drawn whether it pays or not."""
    drawn = f" ({one['drawn']:,} of them by lot)" if one["drawn"] else ""
    low, gain, high = one["gain"]
    return (
        f"{one['offer']}@{one['channel']}: {one['given']:,} customers{drawn}, cost {amount(one['cost'], currency)}, "
        f"gain {amount(gain, currency)} ({between(low, high, currency)}), {one['basis']}"
    )


def _of_follow_up(one: Mapping[str, Any]) -> str:
    """What becomes of a follow-up.

    Examples
    --------
    >>> told = {"offer": "hi", "words": "0 to 7 days after the last purchase", "in_window": 3, "given": 1}
    >>> _of_follow_up({**told, "held_back": {"control": 2}})
    'hi, 0 to 7 days after the last purchase: 3 customers are in this window, 1 get it; not: control 2'
    """
    held = ", ".join(f"{why} {count:,}" for why, count in one["held_back"].items())
    counts = f"{one['in_window']:,} customers are in this window, {one['given']:,} get it"
    return f"{one['offer']}, {one['words']}: {counts}{f'; not: {held}' if held else ''}"


def remarks_of(plan: Plan, told: Mapping[str, Any]) -> list[str]:
    """What is odd about a plan, or easily overlooked."""
    policy = plan.decided_by
    found = [*plan.remarks, *policy.catalogue.warnings(policy.economics.margin)]
    if not told["customers"]:
        found.append("nobody is scored, so nobody can get an offer")
    budget = told["budget"]
    if budget and budget["limit"] <= 0:
        used = (
            "earlier waves have used the whole budget" if policy.catalogue.campaign.budget else "the budget is nothing"
        )
        found.append(f"{used}: only what costs nothing can be given")
    if budget and budget["limit"] > 0 and budget["explored"] > _MUCH * budget["limit"]:
        found.append(
            f"exploration takes {amount(budget['explored'], told['currency'])} of the budget of "
            f"{amount(budget['limit'], told['currency'])}; lower `explore` under [campaign], or raise the budget"
        )
    found += _unexplored(plan)
    found += [_nobody(one) for one in told["offers"] if not one["permitted"] and told["customers"]]
    found += [
        f"{one['offer']}@{one['channel']} does not pay for anybody who may get it"
        for one in told["offers"]
        if one["permitted"] and one["why_not"].get("does not pay") == one["permitted"]
    ]
    assumed = told["basis"].get(ASSUMED, 0)
    if assumed:
        found.append(
            f"what {assumed:,} of {told['given']:,} offers are expected to bring is assumed, by the catalogue; "
            "`regulars offers learn` puts what was measured in its place"
        )
    return list(dict.fromkeys(found))


def _unexplored(plan: Plan) -> list[str]:
    """The options that no explorer gets, by the cap; a cap of nothing says so by itself."""
    shut, options = plan.exploration.shut, plan.decided_by.catalogue.options
    found = []
    for cap in (cap.name for cap in plan.caps if cap.limit > 0):
        names = ", ".join(options[j].name for j in sorted(shut) if shut[j] == cap)
        if names:
            found.append(f"no explorer gets {names}: the draws together would exceed `{cap}`")
    return found


def _nobody(one: Mapping[str, Any]) -> str:
    reasons = ", ".join(f"{why} {count:,}" for why, count in one["why_not"].items())
    return f"{one['offer']}@{one['channel']}: nobody may get it ({reasons})"
