"""The demo's made-up shop: every table that there may be, so that every part of the work has something to say.

In: a folder. Out: its tables as Parquet, a configuration that maps them all, and a catalogue of offers. It is made up,
and says so wherever it is named; nothing that is learnt from it holds for a real shop.
"""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

from ..simulation.shop import tea_shop
from .demo_data import TRAINING

NAME = "teashop"
TITLE = "A made-up tea shop: 800 days of 1,500 customers who buy, collect points, answer letters and complain"
CONFIG = """
[data]
timezone = "Europe/London"
currency = "GBP"

[data.purchases]
path = "data/teashop/purchases.parquet"
customer_id = "customer_id"
purchased_at = "purchased_at"
order_id = "order_id"
amount = "amount"
quantity = "quantity"
product_id = "product_id"
category = "category"
discount = "discount"
cost = "cost"
channel = "channel"

[data.events]
path = "data/teashop/events.parquet"
customer_id = "customer_id"
occurred_at = "occurred_at"
kind = "kind"
initiated_by = "initiated_by"
channel = "channel"
value = "value"
cost = "cost"
product_id = "product_id"
reason = "reason"

[data.customers]
path = "data/teashop/customers.parquet"
customer_id = "customer_id"
joined_at = "joined_at"
acquisition_channel = "acquisition_channel"
acquisition_cost = "acquisition_cost"
referred_by = "referred_by"
attributes = ["town"]

[data.consent]
path = "data/teashop/consent.parquet"
customer_id = "customer_id"
recorded_at = "recorded_at"
channel = "channel"
purpose = "purpose"
status = "status"

[target]
horizon_days = 90

[economics]
margin = 0.4
contact_cost = 0.02
complaint_cost = 6
return_cost = 3.5

[loyalty]
expire_days = 365
point_value = 0.05
tiers = { silver = 150, gold = 400 }
stamps = 10
stamp_reward_value = 6.5
milestone_purchases = [5, 10, 25, 50]
milestone_years = [1, 2]
"""


def shop_of(folder: Path) -> Path:
    """Write the shop's tables and its configuration into a folder; the path of the configuration."""
    data = folder / "data" / NAME
    if not data.exists():
        waiting = data.with_name(f".{NAME}.tmp")
        shutil.rmtree(waiting, ignore_errors=True)
        waiting.mkdir(parents=True)
        shop = tea_shop()
        for name in ("purchases", "events", "customers", "consent"):
            getattr(shop, name).to_parquet(waiting / f"{name}.parquet", index=False)
        waiting.replace(data)
    catalogue = resources.files(__name__.rpartition(".")[0]).joinpath("demo_shop.toml").read_text(encoding="utf-8")
    (folder / "offers.toml").write_text(catalogue, encoding="utf-8")
    config = folder / "regulars.toml"
    config.write_text(f"# {TITLE}\n{CONFIG.lstrip()}{TRAINING}", encoding="utf-8")
    return config
