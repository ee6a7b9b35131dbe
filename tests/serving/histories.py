"""Requests as a caller sends them: the tables of a frame as JSON, by customer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from regulars.serving.contract import Contract


def plain(value: object) -> object:
    """A cell as JSON has it."""
    return None if value is None or value != value else value


def request_of_frame(frame: pd.DataFrame, contract: Contract, ids: Sequence[str], **more: object) -> dict[str, Any]:
    """A request about some customers, from order lines with the columns of a contract."""
    names = ("purchased_at", "amount", "order_id", *(f.name for f in contract.tables["purchases"] if f.required))
    kept = [name for name in dict.fromkeys(names) if name in frame.columns]
    mine = frame[frame["customer_id"].isin(ids)]
    of = {who: mine[mine["customer_id"] == who].to_dict("records") for who in ids}
    customers = [
        {
            "customer_id": who,
            "purchases": [{name: plain(row[name]) for name in kept} for row in of[who]],
        }
        for who in ids
    ]
    return {"customers": customers, **more}


def encoded(request: object) -> bytes:
    """A request as it travels."""
    return json.dumps(request, ensure_ascii=False).encode()
