"""A plan in numbers and sentences: who, what, at what cost, for what gain, under which limits, and why not.

In: a plan. Out: a dictionary as JSON takes it, without anybody's id. Sums over offers, segments and reasons add up to
the totals. What is not known or has no end is null, and so is the group of who has none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .arms import ARMS, CHOSEN, CONTROL, EXPLORE
from .audience import SEGMENT
from .follow_up_figures import follow_up_figures
from .limits import BUDGET
from .plan_words import cap_words, remarks_of, words_of
from .power import detectable, detectable_words
from .why import PAYS_NOT

if TYPE_CHECKING:
    from .plan import Plan

Figures = dict[str, Any]


def plan_figures(plan: Plan) -> Figures:
    """Everything that is told of a plan."""
    audience, policy = plan.audience, plan.decided_by
    campaign, days = policy.catalogue.campaign, policy.horizon_days
    caps = _caps(plan)
    told: Figures = {
        "campaign": campaign.name,
        "as_of": str(audience.as_of),
        "horizon_days": days,
        "window_days": days,
        "read_out": str(audience.as_of.plus(days)),
        "currency": audience.currency,
        "customers": audience.n,
        "arms": dict(zip(ARMS, np.bincount(plan.arm, minlength=len(ARMS)).tolist(), strict=True)),
        "permitted": int(plan.permitted.mask.any(axis=1).sum()),
        "meant": int((plan.meant >= 0).sum()),
        **_sums(plan, plan.given >= 0),
        "explored": _sums(plan, (plan.given >= 0) & (plan.arm == EXPLORE)),
        "bound": plan.allocation.bound,
        "gap": plan.allocation.gap,
        "exact": plan.allocation.exact,
        "budget": caps.pop(BUDGET, None),
        "limits": list(caps.values()),
        "offers": _offers(plan),
        "segments": _segments(plan),
        "groups": _groups(plan),
        "why": [{"why": why, "customers": count} for why, count in plan.why.counts().items()],
        "detectable": _detectable(plan),
        "basis": _basis(plan),
        **_items(plan),
        **({"follow_ups": rows} if (rows := follow_up_figures(plan)) else {}),
        "catalogue": policy.catalogue.digest,
        "responses": policy.responses.digest,
        "model": {"version": policy.model_version, "run_id": policy.run_id},
    }
    return {**told, "words": words_of(told), "warnings": remarks_of(plan, told)}


def _sums(plan: Plan, rows: NDArray[np.bool_]) -> Figures:
    """How many get something, what it costs, what it is expected to bring."""
    ends = plan.ranges[:, rows].astype(np.float64)
    gain = [math.fsum(end.tolist()) for end in ends]
    return {"given": int(rows.sum()), "cost": math.fsum(plan.cost[rows].tolist()), "gain": gain}


def _caps(plan: Plan) -> dict[str, Figures]:
    """Each cap: its limit, what is used of it by choice and by draw, and what one more unit would bring."""
    allocated, drawn = plan.allocation, plan.exploration
    found = {}
    for cap in plan.caps:
        used, price = allocated.used[cap.name] + drawn.used[cap.name], allocated.prices[cap.name]
        told = {
            "name": cap.name,
            "limit": cap.limit if math.isfinite(cap.limit) else None,
            "used": used,
            "explored": drawn.used[cap.name],
            "price": price,
            "money": cap.money,
        }
        found[cap.name] = {**told, "words": cap_words(told, plan.audience.currency)}
    return found


def _offers(plan: Plan) -> list[Figures]:
    catalogue = plan.decided_by.catalogue
    badges, kept = plan.responses.badges(catalogue), plan.permitted.counts()
    found = []
    believed = plan.responses.for_options(catalogue)
    for option, badge, response, kept_out in zip(catalogue.options, badges, believed, kept, strict=True):
        j, unpaid = option.index, int(plan.unpaid[option.index])
        found.append(
            {
                "offer": option.offer.id,
                "channel": option.channel.name,
                "title": option.offer.title,
                "type": option.offer.type,
                "basis": badge,
                "response": response.to_dict(),
                "meant": int((plan.meant == j).sum()),
                **_sums(plan, plan.given == j),
                "drawn": int((plan.exploration.option == j).sum()),
                "permitted": int(plan.permitted.mask[:, j].sum()),
                "why_not": {**kept_out, **({PAYS_NOT: unpaid} if unpaid else {})},
            }
        )
    return found


def _segments(plan: Plan) -> list[Figures]:
    """By segment of the model, in alphabetical order."""
    if SEGMENT not in plan.audience.columns:
        return []
    names, code = _coded(plan.audience.columns[SEGMENT])
    return [
        {"segment": name, "customers": int((code == i).sum()), **_sums(plan, (code == i) & (plan.given >= 0))}
        for i, name in enumerate(names)
    ]


def _coded(values: NDArray[Any]) -> tuple[list[str | None], NDArray[np.intp]]:
    """The distinct texts of a column, ascending, who has none first, and which of them each customer has."""
    names, code = np.unique(np.array([v or "" for v in values.tolist()], str), return_inverse=True)
    return [name or None for name in names.tolist()], code


def _groups(plan: Plan) -> list[Figures]:
    """How offers went to the groups of each column that is declared sensitive: nothing was decided by it."""
    found = []
    given, may = plan.given >= 0, plan.permitted.mask.any(axis=1)
    for column, values in plan.groups.items():
        names, code = _coded(values)
        for i, name in enumerate(names):
            own = code == i
            told = {"customers": own, "permitted": own & may, "given": own & given}
            counts = {what: int(rows.sum()) for what, rows in told.items()}
            rate = counts["given"] / counts["customers"]
            found.append({"column": column, "group": name, **counts, "rate": rate})
    return found


def _detectable(plan: Plan) -> Figures:
    """The difference in profit per customer that the comparison of chosen and control would find four times of five."""
    told = plan.meant >= 0
    treated, control = (int((told & (plan.arm == arm)).sum()) for arm in (CHOSEN, CONTROL))
    policy = plan.decided_by
    sd = plan.audience.sd() * policy.economics.margin
    if not math.isfinite(sd):
        return {"treated": treated, "control": control, "difference": None, "expected": None, "words": ""}
    difference = detectable(treated, control, sd)
    rows = told & (plan.arm == CHOSEN)
    expected = float(plan.ranges[1, rows].mean(dtype=np.float64)) if treated else None
    return {
        "treated": treated,
        "control": control,
        "difference": difference if math.isfinite(difference) else None,
        "expected": expected,
        "words": detectable_words(difference, expected, plan.audience.currency),
    }


def _items(plan: Plan) -> Figures:
    """What is suggested most, and by what sold before which day; nothing of a plan without such offers."""
    if plan.items is None:
        return {}
    most = plan.items.most(plan.decided_by.catalogue, plan.given)
    return {"items": {"as_of": plan.items.carried.as_of or None, "most": most}}


def _basis(plan: Plan) -> Mapping[str, int]:
    """How many of what is given rest on each kind of evidence."""
    badges = np.array([*plan.responses.badges(plan.decided_by.catalogue), ""], object)
    names, counts = np.unique(badges[plan.given[plan.given >= 0]].astype(str), return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))
