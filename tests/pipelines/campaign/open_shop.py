"""A small shop as a night finds it: purchases, consent, a catalogue, and scores made by hand; nothing was trained.

In: a folder, how many customers. Out: a configuration beside which a ledger can be built and offers be planned and
assigned. Customer i is silent with chance (i % 10) / 20, spends 10 + i % 7, and may be written to but every ninth.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.pipelines.files import strict_json
from regulars.pipelines.published import CSV, FACTS, FOLDER, RUNS, SCORES, Book, Run

DAY = Cutoff.parse("2024-03-04")
CATALOGUE = """
[campaign]
name = "spring"
control = 0.2
explore = 0.2
budget = 20

[[channels]]
name = "mail"
cost = 0.1

[[offers]]
id = "tea"
type = "gift"
title = "A tea"
value = 0.5
channels = ["mail"]
group = "drinks"
cool_down_days = 14
response = { save = [0.0, 0.2, 0.4], extra_spend = [0.0, 0.1, 0.2] }

[[offers]]
id = "two"
type = "amount"
title = "Two off"
value = 2
channels = ["mail"]
response = { save = [0.0, 0.5, 0.8] }
"""
TOML = """
[data]
timezone = "Europe/Berlin"
currency = "EUR"

[data.purchases]
path = "purchases.csv"
customer_id = "customer_id"
purchased_at = "purchased_at"
amount = "amount"

[data.consent]
path = "consent.csv"
customer_id = "customer_id"
all_of_channel = "mail"
all_of_purpose = "marketing"
status = "status"
recorded_at = "recorded_at"

[target]
horizon_days = 30

[economics]
margin = 0.6

[engine]
threads = 1
"""


def who(i: int) -> str:
    """The id of a customer: long enough to be looked for in every text."""
    return f"shopper-{i:08d}"


def opened(folder: Path, n: int = 40, catalogue: str = CATALOGUE) -> Config:
    """The shop in a folder, with scores as of `DAY`."""
    folder.mkdir(parents=True, exist_ok=True)
    bought = (f"{who(i)},2024-{1 + i % 2:02d}-{1 + i % 28:02d}T10:00:00,{10 + i % 7}.50" for i in range(n))
    said = (f"{who(i)},2024-01-01,{'no' if i % 9 == 0 else 'yes'}" for i in range(n))
    for name, header, lines in (
        ("purchases.csv", "customer_id,purchased_at,amount", bought),
        ("consent.csv", "customer_id,recorded_at,status", said),
    ):
        (folder / name).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    (folder / "offers.toml").write_text(catalogue, encoding="utf-8")
    (folder / "regulars.toml").write_text(TOML, encoding="utf-8")
    published(folder, n)
    return Config.load(folder / "regulars.toml")


def published(
    folder: Path,
    n: int = 40,
    day: Cutoff = DAY,
    version: str = "1",
    spend: float = 10.0,
    more: Mapping[str, object] | None = None,
) -> Run:
    """Scores of a day, as `score` would publish them, with more columns."""
    i = np.arange(n)
    expected = spend + i % 7
    frame = pd.DataFrame(
        {
            "customer_id": [who(k) for k in range(n)],
            "as_of": str(day),
            "horizon_days": 30,
            "p_churn": i % 10 / 20,
            "expected_orders": 1.0 - i % 10 / 20,
            "expected_spend": expected,
            "spend_low": expected / 2,
            "spend_high": expected * 2,
            "segment": np.where(i % 2, "B", "A"),
            "model_version": version,
            "run_id": "by-hand",
            **(more or {}),
        }
    )
    book, name = Book(folder / FOLDER), f"{day}-v{version}-0a1b2c3d"
    with book.writing("a test"), book.filling(name) as place:
        frame.to_parquet(place / SCORES, index=False)
        frame.to_csv(place / CSV, index=False)
        facts = {
            "as_of": str(day),
            "horizon_days": 30,
            "horizons": [30],
            "currency": "EUR",
            "model": {"name": "churn", "version": version, "run_id": "by-hand", "bundle": "", "trained_on": str(day)},
            "notes": [],
            "erased": 0,
        }
        (place / FACTS).write_text(strict_json(facts), encoding="utf-8")
    run = Run(book.folder / RUNS / name)
    book.point(run)
    return run
