"""The audience of a day: published scores beside what was known of each customer before that day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import ConfigError
from regulars.intake import Ledger
from regulars.offers.catalogue import Catalogue
from regulars.offers.responses import Responses
from regulars.pipelines.campaign.audience import Gathered, gathered, scores_of
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.files import strict_json
from regulars.pipelines.published import CSV, FACTS, FOLDER, HORIZONS, RUNS, SCORES, Book, Run

from .open_shop import DAY, published, who

EVENTS = pd.DataFrame(
    {
        "who": [who(0), who(0), who(1), who(2), who(3)],
        "at": ["2024-02-20", "2024-02-28", "2024-02-28", "2024-03-04", "2024-01-05"],
        "kind": ["newsletter", "newsletter", "complaint", "complaint", "newsletter"],
        "by": ["company", "company", "customer", "customer", "company"],
        "where": ["mail", "mail", "", "", "mail"],
    }
)
PEOPLE = pd.DataFrame(
    {
        "who": [who(1), who(0), who(9)],
        "town": ["Ulm", "Bonn", "Kiel"],
        "age": ["31", "44", "20"],
        "gender": ["f", "m", "f"],
    }
)
CONSENT = pd.DataFrame(
    {
        "who": [who(i) for i in (0, 1, 2, 2)],
        "said": ["2024-01-01", "2024-01-01", "2024-01-01", "2024-03-04"],
        "status": ["granted", "granted", "granted", "withdrawn"],
    }
)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A shop with scores of four customers and all tables."""
    folder = tmp_path_factory.mktemp("shop")
    published(folder, 4)
    data = {
        "customers": {"customer_id": "who", "attributes": ["town"], "numbers": ["age"], "sensitive": ["gender"]},
        "events": {
            "customer_id": "who",
            "occurred_at": "at",
            "kind": "kind",
            "initiated_by": "by",
            "channel": "where",
        },
        "consent": {
            "customer_id": "who",
            "recorded_at": "said",
            "all_of_channel": "all",
            "all_of_purpose": "marketing",
            "status": "status",
        },
    }
    for section in data.values():
        section["path"] = "nowhere.csv"
    return Config.of(data=data).model_copy(update={"folder": folder})


@pytest.fixture(scope="module")
def ledger(config: Config) -> Ledger:
    """Its tables."""
    bought = pd.DataFrame({"customer_id": [who(i) for i in range(4)], "purchased_at": "2024-02-01", "amount": "10"})
    return Ledger.from_frame(bought, config, events=EVENTS, customers=PEOPLE, consent=CONSENT)


def catalogue_of(rule: dict[str, Any] | None = None, **campaign: Any) -> Catalogue:
    """One offer by mail, for whom a rule says."""
    ten = {"id": "ten", "type": "percent", "value": 10, "title": "10 % off", "channels": ["mail"], "eligible": rule}
    told = {"name": "spring", **campaign}
    return Catalogue.of({"campaign": told, "channels": [{"name": "mail"}], "offers": [ten]})


def gather(ledger: Ledger, config: Config, catalogue: Catalogue) -> Gathered:
    """As a plan does."""
    return gathered(ledger, config, catalogue, Responses.assumed(catalogue), scores_of(config), Decisions.of(config))


def comparing(field: str, op: str, value: Any = None) -> dict[str, Any]:
    """A rule."""
    return {"field": field, "op": op, **({} if value is None else {"value": value})}


def test_one_row_a_scored_customer_and_only_the_columns_that_somebody_looks_at(ledger: Ledger, config: Config) -> None:
    found = gather(ledger, config, catalogue_of())
    assert found.audience.customer_ids == [who(i) for i in range(4)]
    names = {"p_churn", "expected_orders", "expected_spend", "spend_low", "spend_high", "segment"}
    assert set(found.audience.columns) == names
    assert found.audience.columns["expected_spend"].tolist() == [10.0, 11.0, 12.0, 13.0]
    assert (found.audience.as_of, found.audience.horizon_days, found.run.version) == (DAY, 30, "1")


def test_what_is_declared_of_customers_stands_in_their_row_and_is_missing_of_others(
    ledger: Ledger, config: Config
) -> None:
    rule = {"all": [comparing("town", "==", "Ulm"), comparing("age", ">", 30)]}
    found = gather(ledger, config, catalogue_of(rule))
    assert found.audience.columns["town"].tolist() == ["Bonn", "Ulm", None, None]
    np.testing.assert_array_equal(found.audience.columns["age"], [44, 31, np.nan, np.nan])
    # Only the second lives in Ulm; of the last two nothing is known, which is never a yes.
    assert (found.permitted.counts()[0]["not eligible"]) == 2


def test_what_is_sensitive_is_kept_apart_from_all_that_decides(ledger: Ledger, config: Config) -> None:
    found = gather(ledger, config, catalogue_of())
    assert {name: values.tolist() for name, values in found.groups.items()} == {"gender": ["m", "f", None, None]}
    assert "gender" not in found.audience.columns


def test_contacts_and_complaints_count_until_the_day_before(ledger: Ledger, config: Config) -> None:
    rule = {
        "any": [
            comparing("contacts_30d", ">", 1),
            comparing("days_since_contact", "is_missing"),
            comparing("open_complaint", "==", True),
        ]
    }
    columns = gather(ledger, config, catalogue_of(rule)).audience.columns
    # The first was written to twice in February, the fourth in January, 59 days before.
    assert columns["contacts_30d"].tolist() == [2, 0, 0, 0]
    np.testing.assert_array_equal(columns["days_since_contact"], [5, np.nan, np.nan, 59])
    # The third complains on the day itself, which is not known yet.
    assert columns["open_complaint"].tolist() == [False, True, False, False]


def test_consent_is_that_of_the_day_before(ledger: Ledger, config: Config) -> None:
    # The third withdraws on the day itself; the fourth never said anything; the second waits for an answer.
    found = gather(ledger, config, catalogue_of())
    assert found.permitted.mask[:, 0].tolist() == [True, False, True, False]
    assert found.permitted.counts() == ({"open complaint": 1, "no consent": 1},)


def test_without_a_table_of_consent_nobody_may_be_written_to_and_a_note_says_so(config: Config) -> None:
    plain = Config.of().model_copy(update={"folder": config.folder})
    bought = pd.DataFrame({"customer_id": [who(0)], "purchased_at": ["2024-02-01"], "amount": ["10"]})
    found = gather(Ledger.from_frame(bought, plain), plain, catalogue_of())
    assert not found.permitted.mask.any()
    assert found.notes == ("there is no table of consent, so nobody may be written to; add [data.consent]",)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (comparing("twon", "==", "Ulm"), "RG414.*did you mean `town`"),
        (comparing("gender", "==", "f"), "RG415.*sensitive"),
        (comparing("reasons", "contains", "x"), "RG414"),
    ],
)
def test_a_rule_on_an_unknown_or_sensitive_field_is_refused(
    ledger: Ledger, config: Config, rule: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        gather(ledger, config, catalogue_of(rule))


def test_a_window_that_was_not_scored_is_refused(ledger: Ledger, config: Config) -> None:
    with pytest.raises(ConfigError, match=r"RG420.*`window_days` is 60.*one of 30"):
        gather(ledger, config, catalogue_of(window_days=60))


def test_a_further_window_takes_the_scores_of_that_window(ledger: Ledger, config: Config, tmp_path: Path) -> None:
    run = published(tmp_path, 4)
    said = {"p_churn": 0.5, "expected_orders": 2.0, "expected_spend": 40.0, "spend_low": 20.0, "spend_high": 80.0}
    rows = run.frame(["customer_id"]).iloc[::-1]
    further = pd.concat([rows.assign(horizon_days=30, **said), rows.assign(horizon_days=60, **said)])
    further["expected_spend"] += further["customer_id"].str[-1].astype(int)
    facts = {**run.facts, "horizons": [30, 60]}
    run = seal(tmp_path, {SCORES: run.frame(), HORIZONS: further}, facts)
    elsewhere = config.model_copy(update={"folder": tmp_path})
    found = gather(ledger, elsewhere, catalogue_of(window_days=60))
    assert found.audience.horizon_days == 60
    assert found.audience.columns["expected_spend"].tolist() == [40.0, 41.0, 42.0, 43.0]
    assert found.audience.columns["p_churn"].tolist() == [0.5] * 4
    assert found.audience.columns["segment"].tolist() == ["A", "B", "A", "B"]


def seal(folder: Path, tables: dict[str, pd.DataFrame], facts: dict[str, Any]) -> Run:
    """Another run of the day."""
    book, name = Book(folder / FOLDER), f"{DAY}-v1-1a2b3c4d"
    with book.writing("a test"), book.filling(name) as place:
        for file, frame in tables.items():
            frame.to_parquet(place / file, index=False)
        (place / CSV).write_text("", encoding="utf-8")
        (place / FACTS).write_text(strict_json(facts), encoding="utf-8")
    run = Run(book.folder / RUNS / name)
    book.point(run)
    return run


def test_a_day_without_scores_is_refused_with_the_command_that_makes_them(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"RG420.*as of 2024-01-01.*`regulars score --as-of 2024-01-01`"):
        scores_of(config, Cutoff.parse("2024-01-01"))
    with pytest.raises(ConfigError, match=r"RG420.*`regulars score` first"):
        scores_of(config.model_copy(update={"folder": tmp_path}))
