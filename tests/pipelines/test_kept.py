"""What trainings leave on this machine: where it lies, what of it stays, who may read it."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from regulars.intake import Ledger
from regulars.pipelines.kept import (
    KEPT_PREDICTIONS,
    keep,
    predictions_file,
    prior_cache,
    rows_file,
    sweep_predictions,
)

from ..simulated import config_of, purchases, shop, trained


def test_caches_lie_beside_the_configuration_and_belong_to_one_ledger() -> None:
    config = config_of().model_copy(update={"folder": Path("/somewhere")})
    here, other = prior_cache(config, shop()), prior_cache(config, shop(200))
    assert here.parent == other.parent == Path("/somewhere/.regulars/priors")
    assert here != other
    assert here == prior_cache(config, Ledger.from_frame(purchases().sample(frac=1, random_state=0), config))
    assert predictions_file(config, "abc") == Path("/somewhere/.regulars/backtests/abc.parquet")
    assert rows_file(config, "abc") == Path("/somewhere/.regulars/backtests/abc.rows.parquet")


def test_what_the_newest_trainings_left_stays(tmp_path: Path) -> None:
    # Both files of a training stay or go together; the rows count for nothing.
    for i in range(KEPT_PREDICTIONS + 3):
        for name in (f"{i:02}.parquet", f"{i:02}.rows.parquet"):
            (tmp_path / name).touch()
            os.utime(tmp_path / name, (1_000_000 + i, 1_000_000 + i))
    sweep_predictions(tmp_path)
    left = range(3, KEPT_PREDICTIONS + 3)
    assert sorted(f.name for f in tmp_path.glob("*.parquet")) == sorted(
        name for i in left for name in (f"{i:02}.parquet", f"{i:02}.rows.parquet")
    )


def test_what_is_kept_of_a_training_is_for_its_owner_alone_and_names_nobody_in_its_rows(tmp_path: Path) -> None:
    config, found = config_of().model_copy(update={"folder": tmp_path}), trained()
    keep(config, "abc", found.backtest.predictions, found.looks)
    for file in (predictions_file(config, "abc"), rows_file(config, "abc")):
        assert file.stat().st_mode & 0o777 == 0o600
    pd.testing.assert_frame_equal(pd.read_parquet(rows_file(config, "abc")), found.looks)
    # Numbers of bins: whole, small, and no column of names.
    assert {str(kind) for kind in found.looks.dtypes} == {"uint8"}
    assert "customer_id" not in found.looks
