"""What rules of offers may look at of a loyalty programme: points, tier, stamps, as of the day of a wave.

In: a ledger, a configuration with `[loyalty]`, scored customers. Out: columns of `offers.audience.LOYALTY`, in the
order of the customers. Who is no member has none of it (NaN, None), so that no rule takes them. The endpoint has no
ledger: there the caller says the same fields under `attributes`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...clock import Cutoff
from ...config import Config
from ...intake import Ledger
from ...loyalty.members import Members
from ...offers.audience import LOYALTY
from ...offers.past import rows_of
from ...schema import SCALE
from ..loyalty_read import members_of, programme_of


def loyalty_fields(ledger: Ledger, config: Config, day: Cutoff) -> tuple[str, ...]:
    """The fields of `LOYALTY` that the rules and the data of a programme give."""
    programme = programme_of(ledger, config, day)
    rules = programme.rules
    found = ["points_balance"] if programme.source else []
    found += ["points_expiring"] if programme.source and programme.expire_days is not None else []
    tiers = bool(rules.tiers) and (rules.tier_by == "spend" or bool(programme.source))
    found += ["loyalty_tier", "to_next_tier"] if tiers and programme.grace() is not None else []
    return tuple(found + (["stamps_to_full"] if rules.stamps is not None else []))


def membership(
    ledger: Ledger, config: Config, day: Cutoff, ids: Sequence[str], wanted: Collection[str]
) -> dict[str, NDArray[Any]]:
    """The wanted fields of customers as of a day; {} where none is wanted, and then nothing is read."""
    chosen = [name for name in LOYALTY if name in wanted]
    if not chosen:
        return {}
    found, _, _ = members_of(ledger, programme_of(ledger, config, day))
    member = found.member
    place = rows_of(pa.array(ids, pa.string()), found.ids[member].tolist())
    columns = _columns(found)
    return {name: _taken(columns[name][member], place) for name in chosen if name in columns}


def _columns(found: Members) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    if found.points is not None:
        columns["points_balance"] = found.points.balance / SCALE
        columns["points_expiring"] = found.points.expiring / SCALE
    if found.ladder is not None:
        columns["loyalty_tier"] = np.array(found.programme.tier_names, object)[found.ladder.place]
        lacks = found.ladder.to_next
        columns["to_next_tier"] = np.where(lacks < 0, np.nan, lacks / SCALE)
    if found.on_card is not None and found.programme.rules.stamps is not None:
        columns["stamps_to_full"] = (found.programme.rules.stamps - found.on_card).astype(np.float64)
    return columns


def _taken(values: NDArray[Any], place: NDArray[np.int64]) -> NDArray[Any]:
    """A value for each customer, missing of those who are no members."""
    missing: Any = None if values.dtype.kind == "O" else np.nan
    return np.append(values, np.array([missing], values.dtype))[place]
