"""Data that are hard to learn from: each a clear message with a way out, or a stated fallback; never an internal error.

What is refused runs through the command line; what must come out all the same is judged by its figures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import OptimizeResult

from regulars.config import Config
from regulars.examination.enough import Enough
from regulars.features import family as catalogue
from regulars.intake import Ledger
from regulars.pipelines.backtest import run_backtest
from regulars.pipelines.check import examined
from regulars.pipelines.files import strict_json
from regulars.pipelines.train import Trained, fit_model

from ..simulated import FIRST, PLANTED, ZONE, config_of, rows_now, written
from .test_cli import Said, run

Rows = Iterable[tuple[str, int, float]]
COLUMNS = ("customer_id", "purchased_at", "order_id", "amount")


@pytest.fixture(autouse=True)
def _catalogue_as_it_was() -> Iterator[None]:
    """A family of the user's own stays registered in its process; here it must not outlive its test."""
    catalogue.families()
    before = dict(catalogue._REGISTERED)
    yield
    catalogue._REGISTERED.clear()
    catalogue._REGISTERED.update(before)


def frame_of(rows: Rows) -> pd.DataFrame:
    """Purchases of one line: customer, day from the first, amount."""
    lines = [(c, (FIRST + pd.Timedelta(days=day, hours=9)).isoformat(), f"{c}-{day}", a) for c, day, a in rows]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def half_leave(n: int, days: int, amount: float = 10.0) -> list[tuple[str, int, float]]:
    """Of n customers every other buys every twelve days, the others until about day 20 only."""
    return [
        (f"{PLANTED}{i:03}", day, amount * (1 + (i + day) % 5 / 10))
        for i in range(n)
        for day in range(i % 12, days if i % 2 else 20 + i % 40, 12)
    ]


def everybody(n: int, *days: int, amount: float = 10.0) -> list[tuple[str, int, float]]:
    """Each of n customers on these days."""
    return [(f"{PLANTED}{i:03}", day, amount) for i in range(n) for day in days]


ONE_DAY = everybody(60, 0)
SHOP = half_leave(100, 240)
REFUSED: dict[str, tuple[Rows, str, int, int, str]] = {
    "all churned": ([*everybody(120, 0, 5), ("z", 239, 1.0)], "", 30, 4, "and 0 were not"),
    "nobody churned": (everybody(60, *range(0, 240, 9)), "", 30, 4, "0 were silent for 30 days"),
    "every customer daily": (everybody(30, *range(200)), "", 30, 4, "none of these customers was ever silent"),
    "few of either kind": (half_leave(12, 240), "", 30, 4, "at least 50 of each, of 25 customers each"),
    "a horizon longer than the history": (SHOP, "", 300, 4, "RG041: 240 days of history"),
    "a horizon of years": (SHOP, "", 4_000, 4, "are too few to train for a horizon of 4000 days"),
    "a history of one day": (ONE_DAY, "", 30, 4, "RG041: 1 day of history"),
    "all purchases on one day of many": (
        ONE_DAY, "[data]\nhistory_starts = 2022-06-01\nhistory_ends = 2023-06-01", 30, 4, "and 0 were not",
    ),
    "one customer": (everybody(1, *range(0, 300, 7)), "", 30, 4, "of 0 customers and 1"),
    "everybody buys once": (
        [(f"c{i}", i % 240, 9.0) for i in range(200)], "", 30, 4, "none of these customers ever came back",
    ),
    "only returns": ([(c, d, -a) for c, d, a in SHOP], "", 30, 4, "look at the sign of `amount`"),
    "free orders that count": (
        [(c, d, 0.0) for c, d, _ in SHOP], "[data.purchases]\ncount_free = true", 30, 4, "are worth nothing",
    ),
    "only free orders": ([(c, d, 0.0) for c, d, _ in SHOP], "", 30, 4, "count_free = true"),
    "money beyond counting": ([*SHOP, (f"{PLANTED}001", 237, 9e13)], "", 30, 3, "RG022: money is too large"),
    "active within a day": (SHOP, "[target]\nactive_within_days = 1", 30, 4, "raise active_within_days"),
    "a lag longer than what is left": (SHOP, "[target]\nlabel_lag_days = 900", 30, 4, "set label_lag_days to"),
    "a step longer than the history": (SHOP, "[panel]\nevery_days = 900", 30, 4, "leave out every_days in [panel]"),
    "customers who came too late": (
        everybody(60, 236, 239), "[data]\nhistory_starts = 2023-01-02", 30, 4,
        "nobody is at risk at the training cutoffs",
    ),
    "an export that stops early": (
        SHOP, "[data]\nhistory_ends = 2024-01-01", 30, 4, "look whether the data are whole up to 2024-01-01",
    ),
}  # fmt: skip


def started(folder: Path, rows: Rows, toml: str, horizon_days: int) -> Path:
    """A user's folder; settings of a section that there already is go into that."""
    file = written(folder, frame_of(rows), "", horizon_days)
    section = toml.partition("\n")[0]
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace(f"{section}\n", f"{toml}\n", 1) if section and section in text else f"{text}\n{toml}\n",
        encoding="utf-8",
    )
    return file


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_learnt_from_is_refused_in_words(case: str, tmp_path: Path) -> None:
    rows, toml, horizon, code, words = REFUSED[case]
    said = run("train", started(tmp_path, rows, toml, horizon))
    assert (said.code, said.out) == (code, "")
    message = said.err.strip().splitlines()[-1]
    assert words in message
    assert "Do: " in message
    assert "Needed: " in message
    assert PLANTED not in said.err
    assert not (tmp_path / "mlruns").exists()


def test_check_and_train_and_backtest_say_the_same(tmp_path: Path) -> None:
    file = started(tmp_path, half_leave(12, 240), "", 30)
    train, backtest, check = (run(command, file) for command in ("train", "backtest", "check"))
    verdict = train.err.strip().splitlines()[-1]
    assert backtest.err.strip().splitlines()[-1] == verdict
    assert check.out.splitlines()[0] == f"NOT FIT: {verdict}"


def test_the_verdict_is_stated_before_anything_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("rows were prepared before the verdict was stated")

    monkeypatch.setattr("regulars.pipelines.backtest.prepare", never)
    said = run("backtest", started(tmp_path, SHOP, "", 30))
    assert said.code == 70
    assert "Enough for a horizon of 30 days: 1 origin" in said.err
    assert "note: 100 customers are few" in said.err


def config(horizon_days: int = 30, **sections: Any) -> Config:
    """The configuration of these frames."""
    data = {"timezone": ZONE, "purchases": dict(zip(COLUMNS, COLUMNS, strict=True)) | sections.pop("purchases", {})}
    return config_of(horizon_days, data=data | sections.pop("data", {}), **sections)


def judged(rows: Rows, settings: Config) -> dict[str, Any]:
    """The figures of a backtest, which are plain JSON."""
    found = run_backtest(Ledger.from_frame(frame_of(rows), settings), settings)
    figures: dict[str, Any] = json.loads(strict_json(found.figures))
    assert figures["enough"]["enough"] is True
    return figures


def learnt(rows: Rows, settings: Config) -> tuple[Trained, pd.DataFrame]:
    """A model and its scores, all finite; its figures are plain JSON."""
    found = fit_model(Ledger.from_frame(frame_of(rows), settings), settings)
    assert json.loads(strict_json(found.backtest.figures))["enough"] == found.enough.figures()
    scores = found.model.scores(rows_now(found).panel)
    assert len(scores) > 0
    assert np.isfinite(scores[["p_churn", "expected_orders", "expected_spend"]].to_numpy()).all()
    assert scores["p_churn"].between(0, 1).all()
    return found, scores


def test_the_verdict_is_on_the_result_and_counts_what_is_learnt_from_and_judged() -> None:
    told: list[Enough] = []
    settings = config()
    ledger = Ledger.from_frame(frame_of(half_leave(60, 180)), settings)
    found = fit_model(ledger, settings, stated=told.append)
    assert told == [found.enough]
    assert found.backtest.figures["enough"] == found.enough.figures() == examined(ledger, settings).enough.figures()
    assert (found.enough.trained_rows, found.enough.trained_cutoffs) == (found.n_rows, len(found.trained_cutoffs))
    (origin,) = found.backtest.figures["origins"]
    assert (found.enough.origins, found.enough.at_risk) == ((origin["cutoff"],), (origin["n"],))
    assert found.enough.silent[0] == round(origin["n"] * origin["base_rate"])
    # Sixty customers are enough, and it is said who speaks.
    assert any("60 customers are few" in remark for remark in found.enough.remarks)


@pytest.mark.soak
def test_giant_amounts_are_learnt_like_any_others() -> None:
    giant = judged(half_leave(60, 180, 1e10), config())["pooled"]["value"]["regulars"]
    assert 0.5 < giant["bias"] < 2.0
    assert giant["gini"] > 0.5


def test_an_origin_of_one_class_has_no_auc_while_the_others_have() -> None:
    # Nobody buys from day 180 to 241: of the origins 210 and 240 of 270 days, 210 sees a silent window.
    rows = [row for row in half_leave(60, 270) if not 180 <= row[1] < 242]
    figures = judged(rows, config(backtest={"origins": 2}))
    first, second = (o["churn"]["regulars"] for o in figures["origins"])
    assert first["auc"] is None
    assert first["log_loss"] > 0
    assert second["auc"] > 0.5
    assert any("of 60 customers at risk on 2023-07-31 0 bought something" in r for r in figures["enough"]["remarks"])


@pytest.mark.soak
def test_a_history_that_starts_long_before_its_first_row_has_cutoffs_of_nobody() -> None:
    figures = judged(half_leave(60, 180), config(data={"history_starts": "2022-10-01"}))
    assert any("training cutoffs nobody is at risk yet" in remark for remark in figures["enough"]["remarks"])
    assert figures["pooled"]["churn"]["regulars"]["auc"] > 0.9


def test_a_horizon_of_which_no_two_windows_have_closed_is_carried_and_that_is_said() -> None:
    # 330 days and h = 200: by the end two windows of 120 days have closed (at 120 + 60 and 210), by day 130 two of 30.
    found, scores = learnt(half_leave(100, 330), config(200))
    assert found.enough.trained_days == 120
    assert any("the classical models carry it to 200" in remark for remark in found.enough.remarks)
    assert set(scores["horizon_days"]) == {200}


def test_a_prior_that_does_not_converge_is_a_stated_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(fun: Any, x0: Any, **_: object) -> OptimizeResult:
        return OptimizeResult(x=np.asarray(x0), fun=fun(np.asarray(x0))[0], nit=0, success=False, message="stuck")

    monkeypatch.setattr("regulars.models.optimum.minimize", stuck)
    found, _ = learnt(half_leave(60, 180), config())
    assert "converge" in " ".join(note for prior in found.prepared.priors.values() for note in prior.notes)


FAMILY = '''"""Mine."""
import numpy as np
from regulars import Feature, family


@family("hard")
def hard(past, reference):
    """A feature that is hard."""
    n = past.last(90).sum("purchase")
    yield Feature("odd", "share", "an odd one", {values}, "never")
'''


def with_family(folder: Path, values: str) -> Said:
    """A backtest with a feature of the user's own."""
    file = started(folder, half_leave(60, 180), '[features]\nmodules = ["hard.py"]', 30)
    (folder / "hard.py").write_text(FAMILY.format(values=values), encoding="utf-8")
    return run("backtest", file, "--json", folder / "found.json")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("np.where(n > 3, np.inf, n)", "`odd` is infinite for"),
        ("n * 1e300", "`odd` is beyond 3.4e+38, which no feature can hold, for"),
    ],
)
def test_features_that_are_not_finite_are_refused_by_name(values: str, words: str, tmp_path: Path) -> None:
    said = with_family(tmp_path, values)
    assert said.code == 2
    assert words in said.err
    assert "Do: " in said.err
    assert PLANTED not in said.err


@pytest.mark.soak
def test_constant_and_always_missing_features_are_no_obstacle(tmp_path: Path) -> None:
    said = with_family(
        tmp_path,
        'np.full(len(n), 3.0), "never")\n    yield Feature("none", "share", "nothing", np.full(len(n), np.nan)',
    )
    assert said.code == 0, said.err
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["pooled"]["churn"]["regulars"]["auc"] > 0.9
