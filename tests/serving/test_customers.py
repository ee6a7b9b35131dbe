"""One customer's published scores: found wherever they lie, and gone at once when they are."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.config import Config
from regulars.intake.keys import key_of
from regulars.pipelines.erase import erased_from_run
from regulars.pipelines.published import CSV, FACTS, HORIZONS, RUNS, SCORES, Book, Run
from regulars.pipelines.sought import Sought
from regulars.serving.customers import Customers, customer, customer_id_of, names_of
from regulars.serving.problems import Problem

ODD = "a/b %25?#\u200dس"
IDS = ["001", "01", "1", ODD, "ann", "bob", "zoe"]
"""In the order of their code points, as a run has them."""


def run_of(scores: Path, day: str = "2024-01-08", key: str = "0000000a", ids: list[str] = IDS, group: int = 2) -> Run:
    """A run whose row groups hold two customers each: the chance of the n-th is n / 10, that of the last is missing."""
    book, name = Book(scores), f"{day}-v3-{key}"
    chances = [n / 10 for n in range(len(ids) - 1)] + [math.nan]
    table = pa.table(
        {"customer_id": ids, "as_of": [day] * len(ids), "p_churn": chances, "model_version": ["3"] * len(ids)}
    )
    twice = [i for i in ids for _ in range(2)]
    further = pa.table({"customer_id": twice, "as_of": [day] * len(twice), "horizon_days": [30, 90] * len(ids)})
    with book.filling(name) as place:
        pq.write_table(table, place / SCORES, row_group_size=group)
        pq.write_table(further, place / HORIZONS, row_group_size=3)
        (place / CSV).write_text("customer_id\n")
        (place / FACTS).write_text(json.dumps({"erased": 0}))
    run = Run(book.folder / RUNS / name)
    book.point(run)
    return run


def asked(customers: Customers, who: str) -> dict[str, Any]:
    speaker: Any = SimpleNamespace(customers=customers)
    return dict(json.loads(customer(speaker, who)))


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    return tmp_path / "scores"


def test_everyone_is_found_by_the_exact_id_with_day_version_and_horizons(scores: Path) -> None:
    run_of(scores)
    customers = Customers(scores)
    for n, who in enumerate(IDS):
        chance = n / 10 if n < 6 else None  # What is missing is null.
        further = [{"horizon_days": 30}, {"horizon_days": 90}]
        assert asked(customers, who) == {
            **{"customer_id": who, "as_of": "2024-01-08", "p_churn": chance, "model_version": "3"},
            "horizons": further,
        }


@pytest.mark.parametrize("who", ["", "0", "ANN", "ann ", "ann\x00", "annn", "zz", "\ud800", "../1", "x" * 100_000])
def test_whoever_has_no_row_is_a_404_without_the_id(scores: Path, who: str) -> None:
    run_of(scores)
    with pytest.raises(Problem) as refused:
        asked(Customers(scores), who)
    assert (refused.value.status, refused.value.code) == (404, "RG389")
    assert refused.value.detail == "no score of such a customer is published"


def test_without_published_scores_everyone_is_a_404(scores: Path) -> None:
    for customers in (Customers(scores), Customers(None)):
        with pytest.raises(Problem, match="404"):
            asked(customers, "ann")


def test_a_newer_run_counts_at_once(scores: Path) -> None:
    run_of(scores)
    customers = Customers(scores)
    assert asked(customers, "ann")["as_of"] == "2024-01-08"
    run_of(scores, "2024-01-09", ids=["ann", "eve"])
    assert asked(customers, "ann")["as_of"] == "2024-01-09"
    with pytest.raises(Problem):
        asked(customers, "bob")


def test_who_was_forgotten_is_gone_at_once_and_the_others_stay(scores: Path) -> None:
    run = run_of(scores)
    customers = Customers(scores)
    before = asked(customers, "bob")
    assert asked(customers, "ann")["p_churn"] == 0.4
    erased_from_run(run, Sought(frozenset({"ann"})), "2024-02-01")
    with pytest.raises(Problem):
        asked(customers, "ann")
    assert asked(customers, "bob") == before


def test_a_run_that_goes_while_it_is_open_is_no_error(scores: Path) -> None:
    first = run_of(scores)
    customers = Customers(scores)
    assert asked(customers, "ann")
    second = run_of(scores, key="0000000b")
    first.folder.rename(scores / "gone")
    assert asked(customers, "zoe")["p_churn"] is None
    second.folder.rename(scores / "gone too")
    with pytest.raises(Problem):
        asked(customers, "zoe")


def test_few_row_groups_are_kept(scores: Path) -> None:
    many = [f"{n:03d}" for n in range(40)]
    run_of(scores, ids=many)
    customers = Customers(scores)
    # Chances are n / 10; 20 row groups were read, and only the last ones are still there.
    assert [asked(customers, who)["p_churn"] for who in many[:-1]] == [n / 10 for n in range(39)]
    assert len(customers._tables[SCORES]._kept) == 4


def test_ids_behind_pseudonyms_are_found_by_either_name(tmp_path: Path, scores: Path) -> None:
    config = Config.of(privacy={"pseudonyms": True}).model_copy(update={"folder": tmp_path})
    hidden = key_of(config).pseudonyms()("ann")
    run_of(scores, ids=sorted([hidden, "q"]))
    customers = Customers(scores, names_of(config))
    # The row is told under the name that was asked for.
    assert [asked(customers, who)["customer_id"] for who in ("ann", hidden)] == ["ann", hidden]
    assert {**asked(customers, "ann"), "customer_id": ""} == {**asked(customers, hidden), "customer_id": ""}


def test_an_id_in_a_path_is_decoded_once() -> None:
    assert customer_id_of(b"a%2Fb%20%2525%3F%23%E2%80%8D%D8%B3") == ODD
    assert customer_id_of(b"100%") == "100%"
    with pytest.raises(Problem, match="404"):
        customer_id_of(b"%ff")
