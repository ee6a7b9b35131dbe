"""Starbucks' offers from beginning to end by our own doors: catalogue, decisions, events, funnel, effects.

In: the folder `starbucks_offers` of REGULARS_DATA. **Its publisher simulated it**: nothing here says what the offers of
a coffee shop do. Out: a folder as a user would have it (regulars.toml, offers.toml, purchases, events, decisions) and
what the offers brought. Six times 17,000 customers got one of ten offers or, a quarter of them, nothing, by lot; an age
of 118 is unknown. `python -m benchmarks.starbucks FOLDER`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from regulars import schema
from regulars.clock import Cutoff, Zone
from regulars.config import Config
from regulars.offers.arms import decision_ids
from regulars.offers.catalogue import Catalogue
from regulars.offers.funnel import Steps, funnel
from regulars.offers.trial import Trial
from regulars.offers.verdict import Measured, measured
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.draft import Draft, decisions_of
from regulars.pipelines.campaign.events import log_events

if TYPE_CHECKING:
    import pandas as pd

FIRST = "2018-08-01"
"""The data count hours; this day is invented."""
SHARES = (0.25, 0.75)
"""Nothing, and one of the offers, each with the same chance."""
WINDOW_HOURS = 120
"""So long is counted what is bought: the last offers were sent 138 hours before the data end."""
MARGIN = 0.6
"""Of a cup of coffee, before what stays fixed; a guess. The effects on spend do not depend on it."""
SALT = "starbucks"
KINDS = {"offer received": "sent", "offer viewed": "opened", "offer completed": "redeemed"}
TYPES = {"bogo": "bogo", "discount": "amount", "informational": "information"}
CONFIG = """[data]
currency = "USD"
history_starts = "2018-08-01"
history_ends = "2018-08-30"

[data.purchases]
path = "purchases.parquet"
customer_id = "customer_id"
purchased_at = "at"
amount = "amount"

[target]
horizon_days = 5

[economics]
margin = 0.6
"""


@dataclass(frozen=True)
class Given:
    """What the publisher gives: events in their order, the ten offers with a name each, customers."""

    events: pd.DataFrame
    offers: pd.DataFrame
    customers: pd.DataFrame

    @classmethod
    def of(cls, folder: Path) -> Given:
        """Read the three files."""
        import pandas as pd

        events, offers, customers = (
            pd.read_parquet(folder / f"{name}.parquet") for name in ("events", "offer_catalogue", "customers")
        )
        events = events.sort_values("seq", kind="stable").reset_index(drop=True)
        named = offers.assign(name=[_name(row) for row in offers.to_dict("records")])
        return cls(events, named, customers.sort_values("customer_id").reset_index(drop=True))

    @property
    def names(self) -> Mapping[str, str]:
        """Our name of an offer by the publisher's id."""
        return dict(zip(self.offers["offer_id"], self.offers["name"], strict=True))

    @property
    def waves(self) -> list[int]:
        """The hours at which offers were sent."""
        return sorted(self.events.loc[self.events["event"] == "offer received", "hours_since_start"].unique().tolist())


def _name(offer: Mapping[Any, Any]) -> str:
    """Such as `discount-5-from-20-10d`: five off an order of 20, within ten days."""
    kind, days = str(offer["offer_type"]), f"{int(offer['duration_days'])}d"
    if kind == "informational":
        return f"news-{days}"
    return f"{kind}-{offer['reward']}-from-{offer['difficulty']}-{days}"


def catalogue_of(offers: pd.DataFrame) -> dict[str, Any]:
    """The ten offers as a catalogue; who designed them believed in something, but has not said in what."""
    channels = sorted({_channel(text) for text in offers["channels"]})
    return {
        "campaign": {"name": "coffee", "control": SHARES[0], "explore": 0.0, "window_days": 5},
        "channels": [{"name": name, "cost": 0.0} for name in channels],
        "offers": [_offer(row) for row in offers.to_dict("records")],
    }


def _channel(text: str) -> str:
    return text.replace(",", "-")


def _offer(row: Mapping[Any, Any]) -> dict[str, Any]:
    kind = TYPES[str(row["offer_type"])]
    found: dict[str, Any] = {
        "id": row["name"], "type": kind, "title": str(row["name"]).replace("-", " "),
        "valid_days": int(row["duration_days"]), "channels": [_channel(str(row["channels"]))],
        "economics": {"margin": MARGIN}, "response": {"basis": "assumed", "save": 0.0, "extra_spend": [0.0, 0.1, 0.2]},
    }  # fmt: skip
    if kind != "information":
        found |= {"value": float(row["reward"]), "minimum_spend": float(row["difficulty"])}
        # A gift of money, where the least order is what is taken off it: so the publisher has it.
        found["economics"] |= {"redemption": [0.2, 0.4, 0.6], "at_a_loss": "as the publisher designed it"}
    return found


def written(folder: Path, given: Given) -> Config:
    """Purchases, catalogue and configuration in a folder, as a user would have them."""
    bought = given.events[given.events["event"] == "transaction"]
    table = bought[["customer_id"]].assign(at=_at(bought["hours_since_start"]), amount=bought["amount"].round(2))
    table.to_parquet(folder / "purchases.parquet", index=False)
    (folder / "offers.toml").write_text(_toml(catalogue_of(given.offers)), encoding="utf-8")
    (folder / "regulars.toml").write_text(CONFIG, encoding="utf-8")
    return Config.load(folder / "regulars.toml")


def _toml(content: Mapping[str, Any]) -> str:
    """A catalogue as TOML; texts, numbers, lists of them, tables."""
    import json

    def line(key: str, value: Any) -> str:
        inner = ", ".join(line(k, v) for k, v in value.items()) if isinstance(value, dict) else ""
        return f"{key} = {{ {inner} }}" if isinstance(value, dict) else f"{key} = {json.dumps(value)}"

    parts = ["[campaign]", *(line(k, v) for k, v in content["campaign"].items())]
    for name in ("channels", "offers"):
        for entry in content[name]:
            parts += ["", f"[[{name}]]", *(line(k, v) for k, v in entry.items())]
    return "\n".join(parts) + "\n"


def _at(hours: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.Timestamp(FIRST) + pd.to_timedelta(hours, unit="h")


def day_of(hour: int) -> Cutoff:
    """The day of a wave."""
    return Cutoff.parse(FIRST).plus(hour // 24)


def decided(given: Given, hour: int, catalogue: Catalogue) -> Draft:
    """What was decided at an hour: one row a customer, by lot; those who got nothing are the controls.

    Each wave is a campaign of its own, since the lot was drawn anew. Which offer a control would have got was by lot,
    too, had there been one for him: it is drawn here.
    """
    events = given.events
    sent = events[(events["event"] == "offer received") & (events["hours_since_start"] == hour)]
    got = sent.set_index("customer_id")["offer_id"].map(given.names)
    ids = given.customers["customer_id"]
    offer = ids.map(got).fillna("").to_numpy(object)
    by_offer = {o.id: o.channels[0] for o in catalogue.offers}
    name, n, day, some = f"coffee-{hour}", len(ids), day_of(hour), offer != ""
    decisions, every = decision_ids(name, day, ids.tolist(), SALT), list(by_offer)
    lot = np.array([every[int(number[:8], 16) % len(every)] for number in decisions], object)
    meant = np.where(some, offer, lot).tolist()
    spent = spend_between(given, hour - WINDOW_HOURS, hour)
    columns: dict[str, Any] = {
        "customer_id": ids.tolist(),
        "decision_id": decisions,
        "campaign": [name] * n,
        "as_of": [str(day)] * n,
        "arm": np.where(some, "chosen", "control").tolist(),
        "meant_offer": meant,
        "meant_channel": [by_offer[o] for o in meant],
        "offer": offer.tolist(),
        "channel": [by_offer.get(o, "") for o in offer],
        "send_at": [day.instant(Zone("UTC")) if s else None for s in some],
        "valid_until": [None] * n,
        "propensity": np.where(some, SHARES[1], SHARES[0]).tolist(),
        **{key: [0.0] * n for key in ("gain_low", "gain", "gain_high", "meant_gain", "cost")},
        "basis": np.where(some, "assumed", "").tolist(),
        "why": np.where(some, "", "control").tolist(),
        "expected_spend": spent.tolist(),
        "p_churn": (spent == 0).astype(float).tolist(),
        "catalogue": [catalogue.digest] * n,
        "responses": [""] * n,
        "model_version": ["none"] * n,
        "run_id": ["none"] * n,
    }
    types = {c.name: c.type for c in schema.DECISIONS}
    table = pa.table({key: pa.array(values, types[key]) for key, values in columns.items()})
    policy = {
        "campaign": name,
        "as_of": str(day),
        "horizon_days": WINDOW_HOURS // 24,
        "currency": "USD",
        "shares": {"holdout": 0.0, "control": SHARES[0], "explore": 0.0},
        "economics": {"margin": MARGIN, "contact_cost": 0.0, "complaint_cost": 0.0},
        "catalogue": catalogue.to_dict(),
    }
    return Draft(name, day, decisions_of(table, name, day), policy, {}, {})


def spend_between(given: Given, first: int, end: int) -> np.ndarray:
    """What each customer spent from an hour on, before another; 0 for who bought nothing."""
    events = given.events
    hours = events["hours_since_start"]
    bought = events[(events["event"] == "transaction") & (hours >= first) & (hours < end)]
    total = bought.groupby("customer_id")["amount"].sum()
    return given.customers["customer_id"].map(total).fillna(0.0).to_numpy(np.float64)


def events_of(given: Given, drafts: Mapping[int, Draft]) -> pd.DataFrame:
    """What came back, as `regulars offers log-events` takes it."""
    import pandas as pd

    told = given.events[given.events["event"].isin(KINDS)].assign(wave=_waves_of(given))
    ids = given.customers["customer_id"]
    decision = np.empty(len(told), object)
    for hour, draft in drafts.items():
        known = pd.Series(draft.table.column("decision_id").to_pylist(), index=ids)
        here = (told["wave"] == hour).to_numpy()
        decision[here] = told.loc[here, "customer_id"].map(known).to_numpy(object)
    return pd.DataFrame(
        {
            "event_id": told["seq"].astype(str).to_numpy(),
            "decision_id": decision,
            "kind": told["event"].map(KINDS).to_numpy(),
            "occurred_at": _at(told["hours_since_start"]).dt.strftime("%Y-%m-%dT%H:%M:%SZ").to_numpy(),
            "value": told["reward"].to_numpy(),
        }
    )


def _waves_of(given: Given) -> list[int]:
    """The hour of the sending that each event is about.

    The file names the offer, not the sending, and the same offer may be sent again while it runs: then the oldest that
    still runs and has no such event yet. The order of the file settles ties in time.
    """
    lasts = {o: int(d) * 24 for o, d in zip(given.offers["offer_id"], given.offers["duration_days"], strict=True)}
    events = given.events[given.events["event"].isin(KINDS)]
    sendings: dict[tuple[str, str], list[int]] = {}
    done: set[tuple[str, str, int, str]] = set()
    waves = []
    columns = (events[name].tolist() for name in ("customer_id", "offer_id", "hours_since_start", "event"))
    for customer, offer, hour, event in zip(*columns, strict=True):
        sent = sendings.setdefault((customer, offer), [])
        if KINDS[event] == "sent":
            sent.append(hour)
            waves.append(hour)
            continue
        running = [h for h in sent if hour <= h + lasts[offer] and (customer, offer, h, event) not in done]
        waves.append((running or sent[-1:])[0])
        done.add((customer, offer, waves[-1], event))
    return waves


def trial_of(given: Given) -> Trial:
    """All waves together: a row for each customer and wave, who got nothing being the control."""
    import pandas as pd

    names = given.names
    people = given.customers
    rows = []
    for hour in given.waves:
        events = given.events
        sent = events[(events["event"] == "offer received") & (events["hours_since_start"] == hour)]
        got = sent.set_index("customer_id")["offer_id"].map(names)
        after = spend_between(given, hour, hour + WINDOW_HOURS)
        taken = _rewards(given, hour, hour + WINDOW_HOURS)
        rows.append(
            pd.DataFrame(
                {
                    "customer": people["customer_id"],
                    "wave": hour,
                    "arm": people["customer_id"].map(got).fillna("nothing"),
                    "spend": after,
                    "bought": (after > 0).astype(float),
                    "profit": MARGIN * after - taken,
                    "spend before": spend_between(given, 0, hour),
                    "spend of late": spend_between(given, hour - WINDOW_HOURS, hour),
                    "income": people["income"],
                    "age": people["age"].where(people["age"] < 118),
                }
            )
        )  # fmt: skip
    frame = pd.concat(rows, ignore_index=True)
    each = SHARES[1] / len(names)
    return Trial.of(
        frame, "arm", "nothing", ["spend", "bought", "profit"], ["spend before", "spend of late", "income", "age"],
        randomised="by the publisher's lot, anew in each wave",
        shares={"nothing": SHARES[0], **dict.fromkeys(names.values(), each)},
        strata="wave", customer="customer",
    )  # fmt: skip


def _rewards(given: Given, first: int, end: int) -> np.ndarray:
    """What was given away for completed offers."""
    events = given.events
    hours = events["hours_since_start"]
    done = events[(events["event"] == "offer completed") & (hours >= first) & (hours < end)]
    total = done.groupby("customer_id")["reward"].sum()
    return given.customers["customer_id"].map(total).fillna(0.0).to_numpy(np.float64)


@dataclass(frozen=True)
class Found:
    """What the example shows."""

    logged: dict[str, object]
    steps: tuple[Steps, ...]
    measured: Measured


def example(given: Given, folder: Path) -> Found:
    """The whole example in a folder."""
    config = written(folder, given)
    catalogue = Catalogue.of_config(config)
    drafts = {hour: decided(given, hour, catalogue) for hour in given.waves}
    book = Decisions.of(config)
    with book.writing("recording what was decided elsewhere"):
        for draft in drafts.values():
            book.assign(draft, catalogue.digest[:8], {"catalogue": catalogue.digest})
    back = events_of(given, drafts)
    file = folder / "events.parquet"
    back.to_parquet(file, index=False)
    logged = log_events(config, file)
    decisions = pa.concat_tables([wave.table(["decision_id", "offer"]) for wave in book.waves()])
    return Found(logged.figures(), funnel(decisions, book.events()), measured(trial_of(given)))


def main() -> None:
    """Print the funnel and the effects."""
    import os

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    found = example(Given.of(Path(os.environ["REGULARS_DATA"]) / "starbucks_offers"), folder)
    print(found.logged)
    print("| offer | received | viewed | completed | completed unseen |\n|---|---|---|---|---|")
    for s in found.steps:
        print(f"| {s.offer} | {s.given:,} | {s.reached['opened']:,} | {s.reached['redeemed']:,} | {s.unseen:,} |")
    print(*found.measured.words, sep="\n")


if __name__ == "__main__":
    main()
