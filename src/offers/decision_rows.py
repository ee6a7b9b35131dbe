"""A plan as a table: one row for every scored customer, those who get nothing included, as it will be kept for good.

In: a plan. Out: the columns of `schema.DECISIONS`. What says the same of everybody is held once in memory, however many
rows there are. No offer is an empty text, with a gain and a cost of 0; when it is sent and until when it holds is
missing then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..schema import DECISIONS, INSTANT
from .arms import ARMS, decision_ids
from .send import send_at, valid_until

if TYPE_CHECKING:
    from .plan import Plan

_SAME = 65_536
"""So many rows of a text that never changes are held; the rest points to them."""
_BITS = 63


def decision_rows(plan: Plan) -> pa.Table:
    """The decisions of a plan, ids ascending."""
    audience, policy, n = plan.audience, plan.decided_by, plan.audience.n
    catalogue, zone = policy.catalogue, policy.zone
    options, ids = catalogue.options, audience.customer_ids
    offers, channels = [o.offer.id for o in options], [o.channel.name for o in options]
    sent = send_at(audience.as_of, zone, policy.contact, catalogue.campaign)
    until = [valid_until(sent, zone, option.offer) or None for option in options]
    columns = {
        "customer_id": pa.array(ids, pa.string()),
        "decision_id": pa.array(decision_ids(policy.campaign, audience.as_of, ids, policy.salt), pa.string()),
        "campaign": _same(policy.campaign, n),
        "as_of": _same(str(audience.as_of), n),
        "arm": _named(ARMS, plan.arm),
        "meant_offer": _named([*offers, ""], plan.meant),
        "meant_channel": _named([*channels, ""], plan.meant),
        "offer": _named([*offers, ""], plan.given),
        "channel": _named([*channels, ""], plan.given),
        "send_at": pa.array(np.full(n, sent), INSTANT, mask=plan.given < 0),
        "valid_until": _named([*until, None], plan.given),
        "propensity": pa.array(plan.propensity),
        **{name: _number(plan.ranges[i]) for i, name in enumerate(("gain_low", "gain", "gain_high"))},
        "meant_gain": pa.array(plan.meant_gain),
        "cost": pa.array(plan.cost),
        "basis": _named([*policy.responses.badges(catalogue), ""], plan.given),
        "why": _named(plan.why.phrases, plan.why.code),
        "permitted": _bits(plan.permitted.mask),
        "expected_spend": _number(audience.columns["expected_spend"]),
        "p_churn": _number(audience.columns["p_churn"]),
        "catalogue": _same(catalogue.digest, n),
        "responses": _same(policy.responses.digest, n),
        "model_version": _same(policy.model_version, n),
        "run_id": _same(policy.run_id, n),
        "items": _items(plan),
    }
    return pa.table(columns, schema=pa.schema([pa.field(c.name, c.type) for c in DECISIONS]))


def _items(plan: Plan) -> pa.Array | pa.ChunkedArray:
    """The products that go with what is given; of those who are given nothing, with what was meant."""
    if plan.items is None:
        return _same("", plan.audience.n)
    choice = np.where(plan.given >= 0, plan.given, plan.meant)
    return pa.array(plan.items.texts(plan.decided_by.catalogue, choice), pa.string())


def _named(names: Sequence[str | None], code: NDArray[np.integer]) -> pa.Array:
    """Texts by code; -1 is the last one."""
    return pa.array(names, pa.string()).take(pa.array(np.where(code < 0, len(names) - 1, code)))


def _number(values: NDArray[Any]) -> pa.Array:
    return pa.array(np.asarray(values, np.float64))


def _same(text: str, n: int) -> pa.ChunkedArray:
    """The same text n times."""
    chunk = pa.array([text] * min(n, _SAME), pa.string())
    full, rest = divmod(n, _SAME)
    return pa.chunked_array([*([chunk] * full), chunk.slice(0, rest)], pa.string())


def _bits(mask: NDArray[np.bool_]) -> pa.Array:
    """Bit i is set where option i may be given; missing with more options than there are bits."""
    n, k = mask.shape
    if k > _BITS:
        return pa.nulls(n, pa.int64())
    found = np.zeros(n, np.int64)
    for i in range(k):
        found |= mask[:, i].astype(np.int64) << i
    return pa.array(found)
