"""What the demo offers: its catalogue, consent and settings, on two made-up households; no wheel is needed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from regulars.config import Config
from regulars.intake import Ledger, build_ledger
from regulars.offers.catalogue import Catalogue
from regulars.pipelines.demo_data import DATA_SETS, TRAINING
from regulars.pipelines.demo_offers import OFFERED, with_offers


def demo_folder(folder: Path) -> Path:
    """A folder as `purchases_of` leaves it: household 2 was written to twice, household 1 never."""
    data = folder / "data" / OFFERED
    data.mkdir(parents=True)
    bought = pd.DataFrame(
        {
            "household_id": [1, 2],
            "transaction_timestamp": pd.to_datetime(["2017-01-05 12:00", "2017-02-05 12:00"]),
            "basket_id": [1, 2],
            "sales_value": [3.0, 4.0],
            "quantity": [1, 1],
            "product_id": [7, 8],
            "product_type": ["MILK", "BREAD"],
            "discount": [0.0, 0.0],
        }
    )
    bought.to_parquet(data / "purchases.parquet", index=False)
    sent = pd.DataFrame({"household_id": [2, 2], "campaign_id": [5, 3]})
    sent["start_date"] = pd.to_datetime(["2017-05-08", "2017-03-03"]).date
    sent.to_parquet(data / "offers.parquet", index=False)
    file = folder / "regulars.toml"
    file.write_text(DATA_SETS[OFFERED].config.lstrip() + TRAINING, encoding="utf-8")
    return file


def consent_in(ledger: Ledger) -> list[dict[str, object]]:
    return ledger.rows_of("consent").to_pylist()


def test_a_household_that_was_written_to_has_said_yes_to_mail_and_no_other(tmp_path: Path) -> None:
    file = demo_folder(tmp_path)
    with_offers(file)
    (row,) = consent_in(build_ledger(Config.load(file)))
    assert (row["customer_id"], row["channel"], row["purpose"]) == ("2", "mail", "marketing")
    assert row["status"] == "granted"
    # The first of two campaigns counts: local midnight of 3 March is 5 o'clock UTC.
    assert str(row["recorded_at"]) == "2017-03-03 05:00:00+00:00"


def test_the_catalogue_of_the_demo_goes_with_its_configuration(tmp_path: Path) -> None:
    file = demo_folder(tmp_path)
    with_offers(file)
    config = Config.load(file)
    found = Catalogue.of_config(config)
    assert {channel.name for channel in found.channels} == {"mail"}
    assert {offer.response.basis for offer in found.offers} == {"assumed"}
    assert config.economics.margin == 0.25
    assert len(config.contact.caps) == 1
