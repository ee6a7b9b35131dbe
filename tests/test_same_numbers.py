"""The same numbers whichever way one asks: batch, notebook, plain MLflow, endpoint, and a day that is caught up."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.features.panel import Panel
from regulars.intake import Ledger, known_before
from regulars.models.model import Model
from regulars.models.outputs import SCORES as COLUMNS
from regulars.models.versions import Registered
from regulars.pipelines.catch_up import catch_up
from regulars.pipelines.published import CSV, MOVERS, PROSPECTS, REFERENCE, ROWS, SCORES, Book, Run
from regulars.pipelines.score import publish_day, score
from regulars.pipelines.told import Telling
from regulars.serving.contract import Contract
from regulars.serving.here import laid
from regulars.serving.score import score as answer_to
from regulars.serving.stage import Stages

from .late_shop import CUSTOMERS, TRAINED_ON, config_in, crowned, ledger_of, model, requested

SOAK = os.environ.get("REGULARS_SOAK") == "1"
EVERY, LAST = (1, "2024-02-04") if SOAK else (4, "2024-01-27")
SECOND = "2024-01-23"
"""The day on which the second champion was trained; the first was on the day that was last scored in time."""

Kept = tuple[Config, list[Registered]]


def the_day(text: str) -> Cutoff:
    return Cutoff.parse(text)


def second_model() -> Model:
    """The same, as if it had been learnt later."""
    return replace(model(), trained_on=the_day(SECOND))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A store with two champions, the second trained while nobody scored."""
    config = config_in(tmp_path_factory.mktemp("late"), scores={"every_days": EVERY})
    return config, crowned(config, model(), second_model())


@pytest.fixture(scope="module")
def live(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """What was published day after day, each from the ledger of that day."""
    config, (first, second) = kept
    folder, found, day = tmp_path_factory.mktemp("live"), {}, the_day(TRAINED_ON)
    while day <= the_day(LAST):
        spoke, said = (first, model()) if day < the_day(SECOND) else (second, second_model())
        found[str(day)] = publish_day(ledger_of(str(day)), config, said, spoke, day, folder).run
        day = day.plus(EVERY)
    return found


@pytest.fixture
def _restored_path() -> Iterator[None]:
    """Loading an MLflow model puts its code in front of the path."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.mark.usefixtures("_restored_path")
def test_the_batch_the_notebook_and_plain_mlflow_say_the_same_to_the_bit(kept: Kept, live: dict[str, Run]) -> None:
    import mlflow

    mlflow.set_tracking_uri(kept[0].tracking_uri)
    mlflow.set_registry_uri(kept[0].tracking_uri)
    notebook = score(ledger_of(TRAINED_ON), model(), threads=1)
    batch = live[TRAINED_ON].frame(list(COLUMNS))
    # Of the reasons, the batch gives those who can be kept; they are asked for by `reasons` elsewhere.
    said = [name for name in COLUMNS if name != "reasons"]
    assert len(notebook) > CUSTOMERS * 0.9
    same(batch[said], notebook[said])
    served = mlflow.pyfunc.load_model(f"models:/{kept[1][0].name}/{kept[1][0].version}")
    answer = served.predict(requested(TRAINED_ON), params={"as_of": TRAINED_ON})
    same(answer[said], notebook[said])


def test_the_endpoint_says_the_same_of_customers_with_visits_offers_and_attributes(
    kept: Kept, live: dict[str, Run], tmp_path: Path
) -> None:
    day = list(live)[1]  # Not that of the training: what other customers tell has moved since.
    run, stages = live[day], Stages(tmp_path)
    laid(stages, model(), run.version, run.as_of, run.content(REFERENCE))
    speaker = stages.stage().speaker(kept[0])
    said = [name for name in COLUMNS if name not in ("customer_id", "as_of", "reasons")]
    published = run.frame(["customer_id", *said])
    customers, answered = asked_of(day, model()), []
    for at in range(0, len(customers), 50):
        body = {"as_of": day, "outputs": said, "customers": customers[at : at + 50]}
        answer = json.loads(answer_to(speaker, kept[0].serve, json.dumps(body).encode(), run.as_of))
        assert answer["ignored_rows"] == 0
        answered += answer["scores"]
    found = pd.DataFrame(answered)[published.columns]
    assert len(found) > CUSTOMERS * 0.9
    assert {"events", "offers", "customer"} <= customers[0].keys()
    numbers = [name for name in said if published[name].dtype.kind == "f"]
    # In JSON what is missing is null.
    same(found.assign(**found[numbers].astype(np.float64)).sort_values("customer_id"), published)


def asked_of(day: str, model: Model) -> list[dict[str, Any]]:
    """All that was known on a day, customer by customer, as the endpoint is asked."""
    contract, frame = Contract.of(model), requested(day)
    tables = dict(list(frame.groupby(["table", "customer_id"])))
    found = []
    for who in sorted(frame["customer_id"].unique()):
        one: dict[str, Any] = {"customer_id": who}
        for name, fields in {**contract.tables, "customers": contract.customer}.items():
            columns = [c for c in (f.column or f.name for f in fields) if c in frame]
            one[name] = records(tables[name, who][columns]) if (name, who) in tables else []
        known = one.pop("customers")
        one["customer"] = known[0] if known else {}
        found.append(one)
    return found


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as a caller has them: times as ISO text, null for what is missing."""
    return [
        {str(k): None if pd.isna(v) else v.isoformat() if isinstance(v, pd.Timestamp) else v for k, v in row.items()}
        for row in rows.astype(object).to_dict("records")
    ]


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Not one bit differs; NaN is where NaN is."""
    assert found["customer_id"].tolist() == expected["customer_id"].tolist()
    for name in expected.columns:
        ours, theirs = found[name].to_numpy(), expected[name].to_numpy()
        if ours.dtype.kind == "f":
            np.testing.assert_array_equal(ours.view(np.int64), theirs.astype(ours.dtype).view(np.int64), name)
        else:
            assert ours.tolist() == theirs.tolist(), name


def test_what_is_caught_up_equals_what_would_have_been_made_then(
    kept: Kept, live: dict[str, Run], tmp_path: Path
) -> None:
    config, (first, second) = kept
    publish_day(ledger_of(TRAINED_ON), config, model(), first, the_day(TRAINED_ON), tmp_path)
    done = catch_up(ledger_of(LAST), config, tmp_path)
    missed = [day for day in live if day != TRAINED_ON]
    assert [(str(one.run.as_of), one.run.version) for one in done.made] == [
        (day, first.version if day < SECOND else second.version) for day in missed
    ]
    for one in done.made:
        then = live[str(one.run.as_of)]
        for file in (SCORES, CSV, PROSPECTS, MOVERS, ROWS):
            assert one.run.path(file).read_bytes() == then.path(file).read_bytes(), (file, one.run.name)
        assert _but_for_the_ledger(one.run) == _but_for_the_ledger(then)
    latest = Book(tmp_path).latest
    assert latest is not None
    assert str(latest.as_of) == LAST


def _but_for_the_ledger(run: Run) -> dict[str, Any]:
    """What a run says of itself, without the ledger's fingerprint and last day, of which its name is made as well."""
    return {key: value for key, value in run.facts.items() if key not in ("ledger", "name")}


def test_a_ledger_tells_of_itself_what_it_would_have_told_then() -> None:
    # Purchases of 2022-12-20 became known 400 days later, on 2024-01-24; visits of 2023-01-04 on 2024-01-26.
    ledger, found = ledger_of("2024-02-26"), {}
    assert str(ledger.history_starts) == "2022-12-20"
    for day in (SECOND, "2024-01-25", "2024-01-27"):
        known, then = known_before(ledger, the_day(day)), ledger_of(day)
        assert known.history_starts == then.history_starts
        for table in ("events", "offers"):
            assert known.manifest.tables[table].first_day == then.manifest.tables[table].first_day
        events = known.manifest.tables["events"]
        assert events.kinds == then.manifest.tables["events"].kinds
        found[day] = str(known.history_starts), events.first_day, [kind.name for kind in events.kinds]
    assert found[SECOND][0] > "2023-01-01"
    assert found["2024-01-25"][0] == "2022-12-20"
    assert found["2024-01-25"][1] > "2023-11-01"
    # Surveys were first sent after 2024-01-25.
    assert found["2024-01-25"][2] == ["email_open", "visit"]
    assert found["2024-01-27"] == ("2022-12-20", "2023-01-04", ["email_open", "survey", "visit"])


def test_windows_are_covered_on_a_day_only_as_far_as_was_known_then() -> None:
    before, after = (_features(ledger_of("2024-02-26"), day) for day in (SECOND, "2024-01-27"))
    for day, seen in ((SECOND, before), ("2024-01-27", after)):
        then = _features(ledger_of(day), day)
        assert seen.names == then.names
        np.testing.assert_array_equal(seen.values.view(np.int32), then.values.view(np.int32))
    # Visits were first logged in time on 2023-11-28: 90 days were covered only when those of 2023-01-04 were known.
    covered = [name for name, a, b in zip(before.names, before.values, after.values, strict=True) if _opened(a, b)]
    assert "events_visit_90d" in covered


def _features(ledger: Ledger, day: str) -> Panel:
    (panel,) = Telling.of(ledger, model(), the_day(day)).panels(1)
    return panel


def _opened(before: NDArray[np.float32], after: NDArray[np.float32]) -> bool:
    return bool(np.isnan(before).all() and not np.isnan(after).any())


def test_all_that_was_known_leaves_a_ledger_as_it_is() -> None:
    ledger = ledger_of("2024-02-26")
    assert known_before(ledger, the_day("2024-12-01")).manifest == ledger.manifest
