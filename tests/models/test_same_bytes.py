"""The same data, configuration and seed are the same model, to the byte: threads, order, names, zone and hash seed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from regulars.intake import Ledger
from regulars.models.boosted import Setting
from regulars.models.bundle import save
from regulars.models.ensemble import CHURN, VALUE, Ensemble, Kind, Recipe, as_members, search
from regulars.models.examples import Columns, Examples
from regulars.models.metrics import sigmoid
from regulars.pipelines.train import fit_model

from ..conftest import ROOT
from ..simulated import PLANTED, config_of, purchases, shop


def rows(n: int) -> Examples:
    """Rows enough for several threads: some features with few values, some missing, unequal weights."""
    draw = np.random.default_rng(0)
    values = draw.normal(size=(8, n)).astype(np.float32)
    values[2] = np.round(values[2] * 3)
    values[3, draw.random(n) < 0.3] = np.nan
    prior = np.where(draw.random(n) < 0.05, np.nan, draw.normal(size=n))
    target = (draw.random(n) < sigmoid(np.nan_to_num(prior) + values[0])).astype(np.float64)
    columns = Columns(tuple(f"f{i}" for i in range(8)), values, ("said",), prior[None].astype(np.float32), prior)
    return Examples(columns, target * draw.gamma(2.0, 1.0, n).round(2) if n % 2 else target, draw.random(n))


@pytest.mark.parametrize(("kind", "n"), [(CHURN, 30_000), (VALUE, 30_001)], ids=["churn", "value"])
def test_boosters_and_their_settings_are_the_same_bytes_with_one_thread_and_two(kind: Kind, n: int) -> None:
    whole, found = rows(n), []
    past, judge = whole.take(np.arange(n // 3)), whole.take(np.arange(n // 3, n))
    for threads in (1, 2):
        # The tests run with one thread unless it is told otherwise, whatever XGBoost is asked for.
        with threadpool_limits(threads):
            if (os.cpu_count() or 1) > 1:
                assert {p["num_threads"] for p in threadpool_info()} == {threads}
            settings = as_members(kind, Setting(rounds=12, threads=threads))
            ensemble = Ensemble.learnt(kind, whole, settings)
            chosen, trials = search(kind, past, judge, Recipe(trials=0, threads=threads))
            saved = [b.saved() for b in ensemble.boosters.values()]
            said = [ensemble.link_of(member, whole.columns).tobytes() for member in kind.members]
            found.append((ensemble.seed, saved, said, {m: (s.params, s.rounds) for m, s in chosen.items()}, trials))
    assert found[0] == found[1]


def digest(folder: Path) -> str:
    """One hash of all files of a bundle."""
    whole = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        whole.update(file.name.encode() + file.read_bytes())
    return whole.hexdigest()


ELSEWHERE = """
import sys
from pathlib import Path
from regulars.intake import Ledger
from regulars.models.bundle import save
from regulars.pipelines.train import fit_model
from tests.simulated import config_of, purchases

frame = purchases(200).sample(frac=1.0, random_state=1)
frame["customer_id"] = frame["customer_id"].str.replace("0shopper", "0shopper-of-ours-", regex=False)
config = config_of(engine={"threads": 2})
save(fit_model(Ledger.from_frame(frame, config), config).model, Path(sys.argv[1]))
"""


@pytest.mark.soak
def test_a_bundle_is_the_same_bytes_whatever_the_order_threads_zone_locale_hash_seed_and_length_of_names(
    tmp_path: Path,
) -> None:
    # The other names sort as the first ones do: rows are learnt from in the order of customers.
    assert PLANTED == "0shopper"
    save(fit_model(shop(200), config_of()).model, tmp_path / "here")
    changed = {
        "PYTHONHASHSEED": "12345",
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "C.UTF-8",
        "OMP_NUM_THREADS": "2",
        "PYTHONPATH": os.pathsep.join([str(ROOT / ".imports"), str(ROOT)]),
    }
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path / "there")],
        env={**os.environ, **changed},
        cwd=tmp_path,
        check=True,
        timeout=300,
    )
    assert digest(tmp_path / "here") == digest(tmp_path / "there")


@pytest.mark.soak
def test_a_bundle_learnt_from_more_than_20_000_rows_is_the_same_bytes_with_two_threads(tmp_path: Path) -> None:
    frame = purchases(2_200, days=560)
    for threads in (1, 2):
        with threadpool_limits(threads):
            config = config_of(engine={"threads": threads}, tuning={"trials": 2})
            shuffled = frame.sample(frac=1.0, random_state=threads)
            found = fit_model(Ledger.from_frame(pd.DataFrame(shuffled), config), config)
            assert found.n_rows > 20_000
            save(found.model, tmp_path / str(threads))
    assert digest(tmp_path / "1") == digest(tmp_path / "2")
