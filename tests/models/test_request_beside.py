"""Requests with more than purchases: the same features to the bit as the ledger gives, and every bad row named.

The shop's customers also visit, get e-mails and offers, and are known by town and age; some have none of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.config import Config
from regulars.engines import begins_of, panel_of, reference_of
from regulars.errors import DataError
from regulars.features.family import plan_for
from regulars.features.shape import Shape
from regulars.intake import Ledger
from regulars.models.answer import answer
from regulars.models.bundle import load, save
from regulars.models.model import Model
from regulars.models.request_beside import request_of
from regulars.pipelines.prepare import shape_of
from regulars.pipelines.score import score
from regulars.schema import Rules

from ..simulated import COLUMNS, ZONE, mapped, purchases, trained

KINDS = ("visit", "email_open", "complaint", "points_earned", "email_sent")
LOGGED_FROM = "2023-06-01"
"""Events are logged since later than purchases: what lies before is not known, and not nothing."""


@cache
def frames() -> dict[str, pd.DataFrame]:
    """The shop's tables, with gaps: of every third customer there are no events, of every fourth no row of his own."""
    lines = purchases().assign(channel=lambda f: np.where(f.index % 3 == 0, "web", "store"))
    rng = np.random.default_rng(11)
    some = lines[lines["purchased_at"] >= LOGGED_FROM].sample(900, random_state=5)
    some = some[some["customer_id"].str[-1].astype(int) % 3 != 0]
    n = len(some)
    kind = np.array(KINDS)[rng.integers(0, len(KINDS), n)]
    events = pd.DataFrame(
        {
            "customer_id": some["customer_id"].to_numpy(),
            "occurred_at": some["purchased_at"].to_numpy(),
            "kind": kind,
            "channel": ["app" if draw < 0.5 else None for draw in rng.random(n)],
            "value": np.where(kind == "points_earned", np.round(rng.gamma(2, 20, n), 2), np.nan),
            "initiated_by": np.where(kind == "email_sent", "company", "customer"),
        }
    )
    offers = pd.DataFrame(
        {
            "customer_id": some["customer_id"].to_numpy()[:300],
            "offer_id": [f"o{i % 5}" for i in range(300)],
            "offered_at": some["purchased_at"].to_numpy()[:300],
            "redeemed_at": [t if i % 4 == 0 else None for i, t in enumerate(some["purchased_at"][:300])],
        }
    )
    ids = sorted(lines["customer_id"].unique())
    people = pd.DataFrame(
        {
            "customer_id": ids,
            "joined_at": [None if i % 5 == 0 else f"2022-1{i % 3}-0{1 + i % 9}T12:00" for i in range(len(ids))],
            "referred_by": [ids[0] if i % 7 == 0 else None for i in range(len(ids))],
            "town": [("York", "Bath", None)[i % 3] for i in range(len(ids))],
            "category": [("gold", "tin")[i % 2] for i in range(len(ids))],
            "age": [None if i % 6 == 0 else 20.5 + i % 50 for i in range(len(ids))],
        }
    )
    return {"purchases": lines, "events": events, "offers": offers, "customers": people[people.index % 4 != 0]}


@cache
def config() -> Config:
    given = frames()
    columns: dict[str, Any] = {name: {column: column for column in given[name]} for name in ("events", "offers")}
    people = {"customer_id": "customer_id", "joined_at": "joined_at", "referred_by": "referred_by"}
    columns["customers"] = {**people, "attributes": ["town", "category"], "numbers": ["age"]}
    data = {"timezone": ZONE, "currency": "USD", "purchases": mapped(channel="channel"), **columns}
    return Config.model_validate({"data": data, "target": {"horizon_days": 30}, "features": {"on": ["offers"]}})


@dataclass(frozen=True)
class Shop:
    """A ledger with everything, and a model that looks at all of it."""

    ledger: Ledger
    model: Model


@cache
def full() -> Shop:
    """The shop's model, told of more features than its boosters read: what it says does not change by them."""
    given = frames()
    ledger = Ledger.from_frame(given["purchases"], config(), **{n: f for n, f in given.items() if n != "purchases"})
    shape = shape_of(ledger, config())
    reference = reference_of(ledger, [ledger.ends], plan_for(shape))
    begins = begins_of(ledger, shape)
    return Shop(ledger, replace(trained().model, shape=shape, reference=reference, begins=begins))


def as_request(customers: list[str] | None = None) -> pd.DataFrame:
    """The tables one under the other as a caller sends them: rows in any order, null for what is missing."""
    parts = []
    for name, frame in frames().items():
        part = frame if customers is None else frame[frame["customer_id"].isin(customers)]
        part = part.rename(columns={"category": "customers.category"}) if name == "customers" else part
        parts.append(part.assign(table=None if name == "purchases" else name).astype(object))
    whole = pd.concat(parts, ignore_index=True).sample(frac=1, random_state=3)
    return whole.where(whole.notna(), None)


def test_the_world_has_every_table_and_some_customers_lack_each() -> None:
    shape, ids = full().model.shape, set(frames()["purchases"]["customer_id"])
    assert shape.beside == ("events", "offers", "customers")
    assert shape.kinds == ("complaint", "email_open", "points_earned", "visit")
    assert "channel" in shape.columns
    assert str(full().model.begins["events"]) >= LOGGED_FROM
    for name in shape.beside:
        assert 0 < len(ids - set(frames()[name]["customer_id"])) < len(ids)


def test_every_feature_of_a_request_is_that_of_the_ledger_to_the_bit() -> None:
    ledger, model = full().ledger, full().model
    plan, day = plan_for(model.shape), ledger.ends
    batch = panel_of(ledger, plan, model.reference, [day], trailing=model.days)
    lines, beside = request_of(as_request(), plan.columns, model.shape, model.rules, model.begins)
    asked = model.sample_at(lines, day, beside=beside).panel
    assert asked.customer_id.tolist() == batch.customer_id.tolist()
    assert asked.values.tobytes() == batch.values.tobytes()
    # Of every table some feature is known of somebody, and not the same of all.
    for family in ("engagement", "offers", "people"):
        rows = [k for k, entry in enumerate(plan.entries) if entry.family == family]
        assert any(np.nanstd(batch.values[k]) > 0 for k in rows), family


def test_scores_of_a_request_are_those_of_the_batch_alone_and_together() -> None:
    ledger, model = full().ledger, full().model
    batch = score(ledger, model, threads=1).set_index("customer_id")
    chosen = list(batch.index[::40])
    for customers in (chosen, *([one] for one in chosen[:4])):
        found = answer(model, as_request(customers), {}).set_index("customer_id")
        pd.testing.assert_frame_equal(found, batch.loc[customers], check_exact=True)


def test_what_a_request_needs_to_know_travels_with_the_bundle(tmp_path: Any) -> None:
    model = full().model
    save(model, tmp_path / "bundle")
    back = load(tmp_path / "bundle")
    assert (back.begins, back.shape, back.currency) == (model.begins, model.shape, "USD")
    some = list(frames()["purchases"]["customer_id"].unique()[:5])
    pd.testing.assert_frame_equal(answer(back, as_request(some), {}), answer(model, as_request(some), {}))


def test_a_table_of_which_nothing_is_said_is_refused_and_one_that_is_empty_is_not() -> None:
    model = full().model
    one = frames()["purchases"].head(5)
    with pytest.raises(DataError, match=r"RG093.*`events` or `offers` or `customers`"):
        answer(model, one, {})
    with pytest.raises(DataError, match=r"RG093.*`offers`"):
        answer(model, one.assign(occurred_at=None, town=None), {})
    bare = one.assign(occurred_at=None, offered_at=None, town=None)
    rows = one.assign(table=None)
    empty = pd.concat([rows, pd.DataFrame({"customer_id": ["x"] * 3, "table": ["events", "offers", "customers"]})])
    filled = empty.assign(
        occurred_at="2024-01-01", kind="visit", offered_at="2024-01-01", offer_id="o", joined_at=None
    ).reset_index(drop=True)
    # Rows of somebody else say nothing of these customers.
    pd.testing.assert_frame_equal(answer(model, bare, {}), answer(model, filled, {}))


def test_rows_of_tables_that_a_model_does_not_look_at_are_not_read() -> None:
    model = trained().model
    mine = frames()["purchases"].head(20)
    more = pd.DataFrame({"customer_id": ["a"], "table": ["events"], "occurred_at": ["nonsense"]})
    both = pd.concat([mine.assign(table="purchases"), more], ignore_index=True)
    pd.testing.assert_frame_equal(answer(model, both, {}), answer(model, mine, {}))


SHAPE = Shape(kinds=("visit",), offers=True, attributes=("town",), numbers=("age",), joined=True, referred=True)
GOOD: dict[str, list[Any]] = {
    "table": [None, "events", "offers", "customers"],
    "customer_id": ["a", "a", "a", "a"],
    "purchased_at": ["2024-01-05T10:00", None, None, None],
    "amount": [1.5, None, None, None],
    "occurred_at": [None, "2024-01-06T11:00", None, None],
    "kind": [None, "visit", None, None],
    "value": [None, 3.0, None, None],
    "initiated_by": [None, None, None, None],
    "offered_at": [None, None, "2024-01-07", None],
    "redeemed_at": [None, None, "2024-01-08T00:30", None],
    "joined_at": [None, None, None, "2023-12-31"],
    "town": [None, None, None, "York"],
    "age": [None, None, None, 41.25],
}


def asked(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({**GOOD, **columns}).astype(object)


def test_a_row_of_each_table_is_read_by_its_own_columns() -> None:
    lines, beside = request_of(asked(), (), SHAPE, Rules(ZONE), {})
    assert lines.customer_ids.tolist() == ["a"]
    assert beside is not None
    assert (beside.events.kind.tolist(), beside.events.value.tolist()) == ([0], [30_000])
    # Received on the 7th, redeemed on the 8th.
    assert beside.offers.kind.tolist() == [0, 1]
    assert beside.traits.numbers["age"].tolist() == [41.25]
    # 2023-12-31 is day 19,722 since 1970; nobody referred the customer.
    assert (beside.traits.joined_day, beside.traits.referred) == ([19_722.0], [0.0])


BAD: dict[str, tuple[dict[str, list[Any]], str]] = {
    "a table that there is not": ({"table": [None, "event", "offers", "customers"]}, r"did you mean `events`.*row 1"),
    "an event without a time": ({"occurred_at": [None] * 4}, "1 rows have an unreadable `occurred_at`.*row 1"),
    "an event of no kind": ({"kind": [None, " ", None, None]}, "1 rows have an unreadable `kind`.*row 1"),
    "an event by nobody": ({"initiated_by": [None, "me", None, None]}, "unreadable `initiated_by`.*row 1"),
    "a value that is infinite": ({"value": [None, np.inf, None, None]}, "unreadable `value`.*row 1"),
    "an offer without a time": ({"offered_at": [None] * 4}, "unreadable `offered_at`.*row 2"),
    "an offer redeemed before": ({"redeemed_at": [None, None, "2024-01-06", None]}, "unreadable `redeemed_at`.*row 2"),
    "a day that is none": ({"joined_at": [None, None, None, "soon"]}, "unreadable `joined_at`.*row 3"),
    "an age of five decimals": ({"age": [None, None, None, 1.00001]}, "unreadable `age`.*four decimals.*row 3"),
    "a town that is a number": ({"town": [None, None, None, 5]}, "unreadable `town`.*row 3"),
    "an event of no customer": ({"customer_id": ["a", "", "a", "a"]}, "unreadable `customer_id`.*row 1"),
    "a customer twice": ({"table": [None, "customers", "offers", "customers"]}, "RG307.*customers stand twice.*row 3"),
    "no purchases": ({"table": ["customers", "events", "offers", "events"]}, "no purchases"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_row_is_refused_by_its_place_in_the_whole_request(kind: str) -> None:
    columns, said = BAD[kind]
    with pytest.raises(DataError, match=f"(?s){said}"):
        request_of(asked(**columns), (), SHAPE, Rules(ZONE), {})


@pytest.mark.parametrize("column", ["occurred_at", "kind", "offered_at"])
def test_a_column_that_rows_of_a_table_need_is_named(column: str) -> None:
    table = "offers" if column == "offered_at" else "events"
    with pytest.raises(DataError, match=f"the {table} lack `{column}`"):
        request_of(asked().drop(columns=column), (), SHAPE, Rules(ZONE), {})


def test_what_became_known_later_than_the_day_asked_for_does_not_count() -> None:
    model, mine = trained().model, purchases()
    one = mine[mine["customer_id"] == mine["customer_id"].value_counts().index[0]]
    day = str(model.trained_on)
    late = one.tail(2).assign(order_id="late", amount=999.0, known_at=f"{day}T00:00")
    # A row that does not say was known at once; midnight of the day itself belongs to the future.
    both = pd.concat([one.assign(known_at=None), late], ignore_index=True)
    pd.testing.assert_frame_equal(answer(model, both, {}), answer(model, one, {}))
    known = both.assign(known_at=None)
    more = answer(model, known, {})["spend"].item() - answer(model, one, {})["spend"].item()
    assert round(more, 4) == 2 * 999


def test_the_columns_of_the_shop_are_all_read() -> None:
    assert set(COLUMNS) <= set(as_request())
