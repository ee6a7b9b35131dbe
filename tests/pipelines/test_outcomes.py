"""What came of published scores: joined by hand, kept for good, the same whenever one looks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import StorageError
from regulars.intake import Ledger
from regulars.pipelines.outcomes import a_year_before, keep, kept, matured_runs, outcomes, outcomes_file, records
from regulars.pipelines.published import CSV, FACTS, RUNS, SCORES, Book, Run

HERE = ("a", "b", "c", "d")


def ledger_of(rows: list[tuple[str, str, float]], ends: str, starts: str = "2024-01-01", **more: Any) -> Ledger:
    """A ledger of (customer, time, amount) that covers the days from `starts` to the one before `ends`."""
    frame = pd.DataFrame(rows, columns=["customer_id", "purchased_at", "amount"])
    covered: dict[str, object] = {"history_starts": starts, "history_ends": str(Cutoff.parse(ends).minus(1))}
    if more:
        frame = frame.assign(**more)
    return Ledger.from_frame(frame, Config.of(purchases={n: n for n in more}, data=covered))


def run_of(folder: Path, day: str, ids: tuple[str, ...] = HERE, version: str = "1", **facts: object) -> Run:
    """A published run that says the same of everybody."""
    n, name = len(ids), f"{day}-v{version}-0000000a"
    scores = pd.DataFrame(
        {
            "customer_id": list(ids),
            "p_churn": np.linspace(0.9, 0.1, n),
            "expected_spend": np.linspace(1.0, 10.0, n),
            "spend_low": 0.0,
            "spend_high": 20.0,
            "recency_days": np.arange(n, 0, -1),
            "model": "regulars",
            "value_model": "regulars",
        }
    )
    model = {"version": version, "run_id": f"run{version}", "trained_on": "2024-01-01", **facts}
    book = Book(folder / "scores")
    with book.filling(name) as place:
        scores.to_parquet(place / SCORES, index=False)
        (place / CSV).write_text("")
        (place / FACTS).write_text(json.dumps({"as_of": day, "horizon_days": 10, "model": model}))
    book.point(Run(book.folder / RUNS / name))
    return Run(book.folder / RUNS / name)


def config_in(folder: Path, **target: object) -> Config:
    return Config.of(horizon_days=10, target=target).model_copy(update={"folder": folder})


BOUGHT = [
    # Before the day of the scores, 1 March, everybody bought; a at the first moment of the window, b a moment before
    # its end, c at its end, d not at all.
    *((who, "2024-02-25T12:00:00", 5.0) for who in HERE),
    ("a", "2024-03-01T00:00:00", 7.0),
    ("b", "2024-03-10T23:59:59", 9.0),
    ("c", "2024-03-11T00:00:00", 11.0),
]


def test_a_window_holds_its_first_moment_and_not_that_of_its_end(tmp_path: Path) -> None:
    run = run_of(tmp_path, "2024-03-01")
    (found,) = records(outcomes(ledger_of(BOUGHT, "2024-03-12"), config_in(tmp_path), [run], kept(tmp_path / "none")))
    assert (found["run"], found["n"], found["forgotten"]) == (run.name, 4, 0)
    assert found["closed_on"] == "2024-03-11"
    assert found["churned"] == 0.5  # c and d
    assert found["spent"] == 16.0


@pytest.mark.parametrize(("ends", "lag", "matured"), [("2024-03-10", 0, 0), ("2024-03-11", 0, 1), ("2024-03-11", 1, 0)])
def test_a_run_matures_when_its_window_and_the_lag_have_passed(
    tmp_path: Path, ends: str, lag: int, matured: int
) -> None:
    run = run_of(tmp_path, "2024-03-01")
    bought = [row for row in BOUGHT if row[1] < ends]
    config = config_in(tmp_path, label_lag_days=lag)
    assert len(outcomes(ledger_of(bought, ends), config, [run], kept(tmp_path / "none"))) == matured


def test_what_is_known_is_not_judged_again_and_a_run_may_be_removed(tmp_path: Path) -> None:
    config, ledger = config_in(tmp_path), ledger_of(BOUGHT, "2024-03-12")
    first = outcomes(ledger, config, [run_of(tmp_path, "2024-03-01")], kept(outcomes_file(config)))
    keep(outcomes_file(config), first)
    assert outcomes_file(config).stat().st_mode & 0o777 == 0o600
    again = outcomes(ledger, config, [], kept(outcomes_file(config)))
    pd.testing.assert_frame_equal(again, first, check_exact=True)
    text = outcomes_file(config).read_bytes()
    keep(outcomes_file(config), again)
    assert outcomes_file(config).read_bytes() == text


def test_a_customer_who_was_forgotten_is_left_out_and_counted(tmp_path: Path) -> None:
    run = run_of(tmp_path, "2024-03-01", ids=("a", "aa", "b", "z"))
    (found,) = records(outcomes(ledger_of(BOUGHT, "2024-03-12"), config_in(tmp_path), [run], kept(tmp_path / "none")))
    assert (found["n"], found["forgotten"], found["churned"]) == (2, 2, 0.0)


def test_scores_made_with_hindsight_are_no_forecast(tmp_path: Path) -> None:
    run = run_of(tmp_path, "2024-03-01", trained_on="2024-03-02")
    assert len(outcomes(ledger_of(BOUGHT, "2024-03-12"), config_in(tmp_path), [run], kept(tmp_path / "none"))) == 0


def test_what_became_known_after_the_window_had_closed_does_not_count(tmp_path: Path) -> None:
    # b's second purchase was told on 20 March only: by 11 March b had fallen silent, whenever one looks.
    known = [row[1] if row != BOUGHT[5] else "2024-03-20T00:00:00" for row in BOUGHT]
    run = run_of(tmp_path, "2024-03-01")
    ledger = ledger_of(BOUGHT, "2024-03-22", known_at=known)
    (found,) = records(outcomes(ledger, config_in(tmp_path), [run], kept(tmp_path / "none")))
    assert found["churned"] == 0.75
    assert found["spent"] == 7.0


def test_shards_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from regulars.engines import local

    config, runs = config_in(tmp_path), [run_of(tmp_path, "2024-03-01"), run_of(tmp_path, "2024-02-27")]
    ledger = ledger_of(BOUGHT, "2024-03-12")
    whole = outcomes(ledger, config, runs, kept(tmp_path / "none"))
    monkeypatch.setattr(local.shards_of, "__defaults__", (None, 1))
    pd.testing.assert_frame_equal(outcomes(ledger, config, runs, kept(tmp_path / "none")), whole, check_exact=True)
    assert len(whole) == 2


def test_scores_that_were_changed_are_not_judged(tmp_path: Path) -> None:
    run, config = run_of(tmp_path, "2024-03-01"), config_in(tmp_path)
    run.path(CSV).write_text("mine")
    ledger, nothing = ledger_of(BOUGHT, "2024-03-12"), kept(tmp_path / "none")
    assert len(outcomes(ledger, config, [run], nothing)) == 0
    assert matured_runs(ledger, config, [run], nothing) == [run]


def test_a_file_of_outcomes_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.parquet"
    file.write_bytes(b"nothing")
    with pytest.raises(StorageError, match=r"RG350.*remove it"):
        kept(file)


def test_the_same_days_a_year_before_are_counted_for_everybody_at_risk(tmp_path: Path) -> None:
    # Scores of 1 March 2024; 364 days before is 3 March 2023: a and b had bought by then, b bought again by 12 March.
    rows = [("a", "2023-02-01", 1.0), ("b", "2023-02-20", 1.0), ("b", "2023-03-12", 1.0), ("c", "2023-03-13", 1.0)]
    month = {"horizon_days": 10, "first": "2024-03-01", "last": "2024-03-01"}
    ledger = ledger_of(rows, "2024-03-12", starts="2023-01-01")
    # In the ten days before, b spent 1 (20 February is ten days and one earlier, so nothing): nobody did.
    assert a_year_before(ledger, config_in(tmp_path), month) == {"churned": 0.5}
    # Who is at risk only if he bought within twenty days: b.
    late = ledger_of([*rows, ("b", "2023-02-21", 4.0)], "2024-03-12", starts="2023-01-01")
    assert a_year_before(late, config_in(tmp_path, active_within_days=20), month) == {"churned": 0.0, "growth": 0.25}
    assert a_year_before(ledger_of(rows, "2024-03-12", starts="2023-02-28"), config_in(tmp_path), month) is None
