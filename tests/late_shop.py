"""A shop with everything beside its purchases, of which much becomes known late: a ledger as it is, or as it was once.

In: a day. Out: the ledger that one would have had on that day, from the same rows: those of before it that were known
before it. Among the late rows are purchases and visits from before all others; a kind of event comes up later still.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.intake import Ledger
from regulars.models.model import Model
from regulars.models.registry import Registry
from regulars.models.versions import Registered
from regulars.pipelines.train import fit_model

from .simulated import FIRST, ZONE, config_of, mapped, purchases

DAYS = 420
CUSTOMERS, PROSPECTS = 10_000 if os.environ.get("REGULARS_SOAK") == "1" else 120, 150
TRAINED_ON = "2024-01-15"
STAMP = "%Y-%m-%dT%H:%M:%S"


NAME = "regulars"


@dataclass(frozen=True)
class Rows:
    """The tables as frames; times are naive, of the business zone."""

    purchases: pd.DataFrame
    events: pd.DataFrame
    offers: pd.DataFrame
    customers: pd.DataFrame


def config(**sections: object) -> Config:
    """A configuration that maps all of it."""
    data = {
        "timezone": ZONE,
        "currency": "USD",
        "purchases": mapped(known_at="known_at"),
        "events": {"customer_id": "customer_id", "occurred_at": "at", "kind": "kind", "known_at": "known_at"},
        "offers": {
            **{"customer_id": "customer_id", "offer_id": "offer", "offered_at": "at", "redeemed_at": "redeemed"},
            "known_at": "known_at",
        },
        "customers": {"customer_id": "customer_id", "joined_at": "joined", "attributes": ["town"]},
    }
    return config_of(30, data=data, **sections)


@cache
def rows() -> Rows:
    """All there ever was."""
    rng = np.random.default_rng(3)
    bought = purchases(CUSTOMERS, DAYS)
    early = bought.iloc[:4].assign(purchased_at="2022-12-20T10:00:00", order_id=[f"early{i}" for i in range(4)])
    bought = pd.concat([early, bought], ignore_index=True)
    at = pd.to_datetime(bought["purchased_at"])
    late = np.where(rng.random(len(at)) < 0.05, rng.integers(1, 60, len(at)), 0)
    # The early ones came with the books of another shop, a year after it was bought.
    late[:4] = 400
    bought = bought.assign(known_at=_text(at + pd.to_timedelta(late, "D")))
    people = sorted(bought["customer_id"].unique())
    new = [f"1prospect{i:04d}" for i in range(PROSPECTS)]
    joined = FIRST + pd.to_timedelta(rng.integers(0, DAYS, PROSPECTS), "D")
    first = at.groupby(bought["customer_id"]).min().loc[people]
    customers = pd.DataFrame(
        {
            "customer_id": [*people, *new],
            "joined": _text(pd.concat([first, pd.Series(joined)], ignore_index=True)),
            "town": rng.choice(["Ghent", "Lund", "Perth"], len(people) + len(new)),
        }
    )
    return Rows(bought, _events(rng, people), _offers(rng, people), customers)


def _events(rng: np.random.Generator, people: list[str]) -> pd.DataFrame:
    n = 12 * CUSTOMERS
    minute = rng.integers(330 * 1440, DAYS * 1440, n)
    kind = np.where(rng.random(n) < 0.3, "email_open", "visit")
    late = np.where(rng.random(n) < 0.05, rng.integers(1, 60, n), 0)
    # A log of the web site from long before, found much later; and a survey that was never made before.
    minute[:20], late[:20] = 2 * 1440, 387
    kind = np.where(minute > (DAYS - 32) * 1440, "survey", kind)
    at = pd.Series(FIRST + pd.to_timedelta(minute, "min"))
    known = at + pd.to_timedelta(late, "D")
    return pd.DataFrame({"customer_id": rng.choice(people, n), "at": _text(at), "kind": kind, "known_at": _text(known)})


def _offers(rng: np.random.Generator, people: list[str]) -> pd.DataFrame:
    n = 2 * CUSTOMERS
    at = pd.Series(FIRST + pd.to_timedelta(rng.integers(0, DAYS * 1440, n), "min"))
    back = at + pd.to_timedelta(rng.integers(1, 30, n), "D")
    redeemed = _text(back).where(pd.Series(rng.random(n) < 0.4), None)
    known = at + pd.to_timedelta(np.where(rng.random(n) < 0.05, 45, 0), "D")
    return pd.DataFrame(
        {
            **{"customer_id": rng.choice(people, n), "offer": rng.choice(["ten", "five"], n), "at": _text(at)},
            **{"redeemed": redeemed, "known_at": _text(known)},
        }
    )


def _text(times: pd.Series) -> pd.Series:
    return times.dt.strftime(STAMP)


def then(day: str) -> dict[str, pd.DataFrame]:
    """The tables as they were on a day."""
    found = rows()
    tables = {name: getattr(found, name) for name in ("purchases", "events", "offers")}
    times = {"purchases": "purchased_at"}
    known = {
        name: table[(table[times.get(name, "at")] < day) & (table["known_at"] < day)] for name, table in tables.items()
    }
    offers = known["offers"]
    known["offers"] = offers.assign(redeemed=offers["redeemed"].where(offers["redeemed"] < day, None))
    return known | {"customers": found.customers[found.customers["joined"] < day]}


@cache
def ledger_of(day: str) -> Ledger:
    """The ledger that there was on a day, whose data cover all days before it."""
    tables = then(day)
    return Ledger.from_frame(tables.pop("purchases"), config(), **tables).covering(Cutoff.parse(day).minus(1))


def requested(day: str) -> pd.DataFrame:
    """All that was known on a day in one frame, as a bundle is asked; people who had not bought are left out."""
    tables, named = then(day), {"events": {"at": "occurred_at"}, "customers": {"joined": "joined_at"}}
    named["offers"] = {"offer": "offer_id", "at": "offered_at", "redeemed": "redeemed_at"}
    buyers = set(tables["purchases"]["customer_id"])
    parts = [
        table[table["customer_id"].isin(buyers)].rename(columns=named.get(name, {})).assign(table=name)
        for name, table in tables.items()
    ]
    return pd.concat(parts, ignore_index=True)


@cache
def model() -> Model:
    """What was learnt on `TRAINED_ON`; the boosters speak, which look at every feature, whoever did best."""
    return replace(fit_model(ledger_of(TRAINED_ON), config()).model, speaker="regulars", value_speaker="regulars")


def config_in(folder: Path, **sections: object) -> Config:
    """The configuration in a folder with a model store of its own."""
    uri = f"sqlite:///{folder}/mlruns/mlflow.db"
    return config(mlflow={"tracking_uri": uri}, **sections).model_copy(update={"folder": folder})


def crowned(config: Config, *models: Model) -> list[Registered]:
    """Models registered and crowned, one after the other."""
    registry, found = Registry.of(config), []
    for one in models:
        with registry.store.run("a training") as run_id:
            found.append(registry.register(one, run_id, NAME, {}))
        version = registry.at(NAME, found[-1].version)
        assert version is not None
        registry.crown(version, "passed")
    return found
