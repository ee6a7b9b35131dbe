"""The made-up shop: its tables agree with one another, and what is planted in it is there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regulars.simulation.shop import BREAKS, REWARD, Shop, tea_shop


@pytest.fixture(scope="module")
def shop() -> Shop:
    return tea_shop(400, days=500, seed=3)


def test_the_same_seed_gives_the_same_shop(shop: Shop) -> None:
    again = tea_shop(400, days=500, seed=3)
    for name in ("purchases", "events", "customers", "consent"):
        pd.testing.assert_frame_equal(getattr(shop, name), getattr(again, name))


def test_every_table_speaks_of_customers_who_have_bought(shop: Shop) -> None:
    known = set(shop.customers["customer_id"])
    assert set(shop.purchases["customer_id"].dropna()) == known
    assert set(shop.events["customer_id"]) <= known
    assert set(shop.consent["customer_id"]) <= known
    friends = shop.customers.dropna(subset=["referred_by"])
    assert set(friends["referred_by"]) <= known
    assert (friends["referred_by"] != friends["customer_id"]).all()
    assert shop.purchases["customer_id"].isna().any()  # guests


def test_who_brought_a_friend_had_bought_before_the_friend(shop: Shop) -> None:
    first = shop.purchases.groupby("customer_id")["purchased_at"].min()
    friends = shop.customers.dropna(subset=["referred_by"])
    came, brought = (first[friends[name]].to_numpy() for name in ("customer_id", "referred_by"))
    assert (brought <= came).all()


def test_nobody_spends_points_that_were_not_earned(shop: Shop) -> None:
    points = shop.events[shop.events["kind"].isin(["points_earned", "points_spent"])]
    signed = np.where(points["kind"] == "points_spent", -1.0, 1.0) * points["value"]
    balance = signed.groupby(points["customer_id"]).cumsum()
    assert balance.min() >= 0
    assert (points.loc[points["kind"] == "points_spent", "value"] == REWARD).all()


def test_what_breaks_comes_back_and_is_complained_of(shop: Shop) -> None:
    lines = shop.purchases
    sold, back = lines[lines["amount"] > 0], lines[lines["amount"] < 0]
    share = back["product_id"].value_counts() / sold["product_id"].value_counts()
    # Planted: 15 of 100 pots come back, of everything else 1.2 of 100.
    assert share[BREAKS] > 0.08
    assert share.drop(BREAKS).mean() < 0.03
    told = shop.events[shop.events["kind"] == "complaint"]
    assert (told.loc[told["product_id"] == BREAKS, "reason"] == "broken").all()
    assert BREAKS in set(told["product_id"])
