"""Waves made by hand: a few customers, two offers, known arms; no model, no ledger, no optimisation.

In: a day, a campaign, how many customers. Out: a `Draft` whose decisions anybody can count: customer i is in the arm
`ARMS[i % 4]`; everybody is meant to get tea by mail; explorers of even tens get a cup instead, others nothing.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.draft import ARMS, Draft, decisions_of
from regulars.pipelines.campaign.wave import Wave

DAY = Cutoff.parse("2024-03-04")
CATALOGUE = {"offers": [{"id": "tea", "type": "gift", "group": "drinks"}, {"id": "cup", "type": "percent"}]}
TOML = """
[data]
timezone = "Europe/Berlin"
currency = "EUR"

[data.purchases]
path = "purchases.csv"
customer_id = "customer_id"
purchased_at = "purchased_at"
amount = "amount"
"""


def config_in(folder: Path) -> Config:
    """A configuration of a shop in Berlin, beside which nothing lies yet."""
    (folder / "regulars.toml").write_text(TOML, encoding="utf-8")
    return Config.load(folder / "regulars.toml")


def who(i: int) -> str:
    """The id of a customer."""
    return f"customer-{i:08d}"


def decision_of(i: int, campaign: str = "spring", as_of: Cutoff = DAY) -> str:
    """The id of the decision about a customer."""
    return hashlib.md5(f"{campaign} {as_of} {i}".encode()).hexdigest()


def table_of(n: int, campaign: str = "spring", as_of: Cutoff = DAY) -> pa.Table:
    """Decisions about n customers."""
    i = np.arange(n)
    arm = np.array(ARMS, object)[i % 4]
    cup = (arm == "explore") & (i // 10 % 2 == 0)
    offer = np.where(arm == "chosen", "tea", np.where(cup, "cup", ""))
    gives = offer != ""
    same = {"campaign": campaign, "as_of": str(as_of), "meant_offer": "tea", "meant_channel": "mail"}
    digests = {"catalogue": "c" * 64, "responses": "r" * 64, "model_version": "1", "run_id": "run"}
    money = {name: np.where(gives, value, 0.0) for name, value in (("gain_low", 1.0), ("gain", 2.0), ("cost", 0.5))}
    sent = pa.array(np.where(gives, as_of.day * 86_400_000_000 + 10 * 3_600_000_000, 0), pa.timestamp("us", "UTC"))
    columns = {
        "customer_id": [who(k) for k in range(n)],
        "decision_id": [decision_of(k, campaign, as_of) for k in range(n)],
        **{name: [value] * n for name, value in {**same, **digests}.items()},
        "arm": arm.tolist(),
        "offer": offer.tolist(),
        "channel": np.where(gives, "mail", "").tolist(),
        "send_at": pa.array([at if g else None for at, g in zip(sent.to_pylist(), gives, strict=True)]),
        "valid_until": pa.array([str(as_of.plus(14)) if g else None for g in gives], pa.string()),
        "propensity": np.full(n, 0.25),
        **money,
        "gain_high": np.where(gives, 3.0, 0.0),
        "meant_gain": np.full(n, 2.0),
        "basis": np.where(gives, "assumed", "").tolist(),
        "why": np.where(gives, "", "control").tolist(),
        "expected_spend": np.full(n, 20.0),
        "p_churn": np.full(n, 0.3),
    }
    return decisions_of(pa.table(columns), campaign, as_of)


def draft_of(n: int = 12, campaign: str = "spring", as_of: Cutoff = DAY) -> Draft:
    """A plan for n customers."""
    policy = {"catalogue": CATALOGUE, "campaign": campaign}
    return Draft(campaign, as_of, table_of(n, campaign, as_of), policy, {"customers": n}, {"basis": "assumed"})


def assigned(book: Decisions, n: int = 12, campaign: str = "spring", as_of: Cutoff = DAY) -> Wave:
    """A wave that stands."""
    with book.writing("a test"):
        return book.assign(draft_of(n, campaign, as_of), "0a1b2c3d", {"inputs": {}})


def events_of(*rows: tuple[str, int, str, str, object]) -> pa.Table:
    """Events from (id, customer, kind, time, value)."""
    names = ("event_id", "decision_id", "kind", "occurred_at", "value")
    told = [(e, decision_of(i), kind, at, None if v is None else str(v)) for e, i, kind, at, v in rows]
    return pa.table({name: pa.array([row[k] for row in told], pa.string()) for k, name in enumerate(names)})
