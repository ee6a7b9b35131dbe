"""Look before training: the verdict is what the backtest would say, in words and as figures."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from regulars.errors import NotEnoughData
from regulars.intake import Ledger
from regulars.models.splits import origins
from regulars.pipelines.check import examined
from regulars.pipelines.files import strict_json
from regulars.pipelines.prepare import span_of

from ..simulated import ZONE, config_of, mapped, purchases, shop


def test_enough_history_is_said_with_the_first_origin() -> None:
    config = config_of(backtest={"origins": 2})
    words, figures = examined(shop(), config)
    assert words[0].startswith("400 customers and ")
    assert words[0].endswith(f"from {shop().manifest.first_day} to {shop().manifest.last_day}.")
    assert figures["enough"] is True
    assert figures["origins"] == [str(shop().ends.minus(60)), str(shop().ends.minus(30))]
    assert words[-1] == figures["verdict"]
    assert f"2 origins, the first on {shop().ends.minus(60)}" in words[-1]
    assert "overlap" not in words[-1]


def test_overlapping_windows_are_called_so() -> None:
    config = config_of(120, backtest={"origins": 3})
    assert any(o.overlapping for o in origins(span_of(shop(), config), 3))
    assert "overlap" in examined(shop(), config)[0][-1]


def test_too_little_history_is_a_verdict_and_not_an_error() -> None:
    config = config_of(180)
    with pytest.raises(NotEnoughData):
        origins(span_of(shop(), config), 1)
    words, figures = examined(shop(), config)
    assert figures["enough"] is False
    assert figures["origins"] == []
    assert "are too few to train for a horizon of 180 days" in words[-1]


def test_figures_are_json_and_account_for_every_line() -> None:
    _, figures = examined(shop(), config_of())
    manifest = json.loads(strict_json(figures))["manifest"]
    assert manifest["lines"]["read"] == manifest["lines"]["used"] == len(purchases())


def test_what_was_mended_is_told_with_its_count() -> None:
    frame = purchases(100).drop(columns="order_id")
    frame = pd.concat([frame, frame.head(3).assign(customer_id=None)])
    columns = {n: n for n in mapped() if n != "order_id"}
    ledger = Ledger.from_frame(frame, config_of(data={"timezone": ZONE, "purchases": columns}))
    words, _ = examined(ledger, config_of())
    assert ledger.manifest.lines["guest"] == 3
    mended = [w for w in words if w.startswith("mended: ")]
    assert len(mended) == len(ledger.manifest.repairs)
    assert len([w for w in words if w.startswith("note: ")]) == len(ledger.manifest.notes)


def test_every_table_beside_the_purchases_is_told_in_a_line_with_its_notes() -> None:
    frame = purchases(100)
    known = sorted(frame["customer_id"].unique())[:2]
    events = pd.DataFrame({"who": [*known, known[0], "new", None], "at": ["2023-05-05"] * 5, "what": ["visit"] * 5})
    events.loc[2, "what"] = "sent"
    section = {"customer_id": "who", "occurred_at": "at", "kind": "what", "company_initiated": ["sent", "push"]}
    people = {"customer_id": "who", "attributes": ["town"]}
    columns = {"timezone": ZONE, "purchases": mapped(), "events": section, "customers": people}
    config = config_of(data=columns)
    towns = pd.DataFrame({"who": [known[0]] * 2, "town": ["Rome"] * 2})
    words, figures = examined(Ledger.from_frame(frame, config, events=events, customers=towns), config)
    assert [w for w in words if w.startswith(("events: ", "customers: "))] == [
        "customers: 1 of 2 lines, 1 customers (0 without purchases); 1 merged.",
        "events: 4 of 5 lines, 3 customers (1 without purchases) from 2023-05-05 to 2023-05-05; "
        "sent 1 (by the company), visit 3; 1 without a customer.",
        "events: note: no event is of kind `push`, which `company_initiated` names; known names are `sent`, `visit`",
    ]
    tables = json.loads(strict_json(figures))["manifest"]["tables"]
    assert tables["events"]["lines"]["without_customer"] == 1
