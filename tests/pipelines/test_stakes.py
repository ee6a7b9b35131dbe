"""Who gets reasons: the same few, found block by block, as one would choose among all at once."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from regulars.models.model import Told
from regulars.models.reasons import reasons_of
from regulars.models.sample import Sample
from regulars.pipelines.stakes import Stakes
from regulars.pipelines.told import Telling
from regulars.reports.customers import valued, worth_keeping

from ..simulated import shop, trained


@cache
def everyone() -> tuple[Sample, Told]:
    """The shop's customers in one block."""
    ((sample, told),) = Telling.of(shop(), trained().model, shop().ends).blocks(1)
    return sample, told


def found_by(size: int, most: int, scores: pd.DataFrame | None = None) -> dict[int, str]:
    """Reasons found with blocks of so many rows."""
    (sample, told), ledger = everyone(), shop()
    scores = told.scores if scores is None else scores
    stakes = Stakes(trained().model, ledger.ends, ledger.history_starts, most)
    for start in range(0, len(scores), size):
        rows = np.arange(start, min(start + size, len(scores)))
        stakes.add(sample.take(rows), scores.iloc[rows].reset_index(drop=True))
    return stakes.reasons("USD")


@pytest.mark.parametrize(("size", "most"), [(1000, 10), (61, 10), (150, 1), (150, 0), (150, 1000)])
def test_block_by_block_the_same_customers_are_chosen_as_among_all(size: int, most: int) -> None:
    sample, told = everyone()
    customers = valued(told.scores, shop().ends, shop().history_starts, trained().model.horizon_days)
    rows = np.sort(worth_keeping(customers, most).index.to_numpy())
    assert found_by(size, most) == dict(
        zip(rows.tolist(), reasons_of(trained().model, sample.take(rows), "USD"), strict=True)
    )


def test_of_equals_those_come_first_whose_ids_do() -> None:
    _, told = everyone()
    alike = told.scores.assign(p_churn=0.5, orders=1.0, spend=10.0)
    assert list(found_by(61, 5, alike)) == [0, 1, 2, 3, 4]
    # However the blocks are cut, an equal that comes later never takes the place of an earlier one.
    assert list(found_by(150, 5, alike)) == [0, 1, 2, 3, 4]
