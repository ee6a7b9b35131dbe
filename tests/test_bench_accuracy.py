"""The accuracy benchmark says what it should: figures by hand, the rule, missing sets and peers, and what peers get.

In: a few rows, and a small simulated shop. Out: sentences; nothing is timed, no peer is installed.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.accuracy import figures, peers, sets, tables
from benchmarks.accuracy.ours import Found, judged, save
from benchmarks.accuracy.peers import PEERS
from benchmarks.accuracy.sets import SETS, DataSet, World
from regulars.config import Config
from regulars.models.speakers import MODELS

PLAIN = {"regulars": 0.5, "xgb_panel": 0.5, "bg_nbd": 0.5, "pareto_nbd": 0.5, "naive": 0.5}


def _rows(n: int, **p: float) -> pd.DataFrame:
    """So many customers, each with one twin that fell silent and one that did not."""
    churned = np.tile([0.0, 1.0], n // 2)
    said = {m: np.where(churned == 1, share, 1 - share) for m, share in {**PLAIN, **p}.items()}
    return pd.DataFrame({"customer_id": [f"c{i}" for i in range(n)], "churned": churned, **said})


def test_a_change_is_in_percent_of_the_better_classic_in_hindsight() -> None:
    # Every row of BG/NBD costs ln 2 = .693147; ours, which gives the truth a half more, -ln .75 = .287682.
    found = figures.row(_rows(40, regulars=0.75, pareto_nbd=0.4), MODELS)
    assert found["log_loss"]["regulars"] == pytest.approx(0.287682, abs=1e-6)
    assert found["against"]["btyd"]["model"] == "bg_nbd"
    assert found["against"]["btyd"]["percent"] == pytest.approx(100 * (0.287682 / 0.693147 - 1), abs=1e-3)
    # All rows gain alike, so that the interval has no width.
    assert found["against"]["btyd"]["ci"] == pytest.approx([found["against"]["btyd"]["percent"]] * 2)
    assert found["base_rate"] == 0.5
    assert found["auc"]["regulars"] == 1.0


def test_a_model_without_a_prediction_for_all_has_no_figures() -> None:
    frame = _rows(40).assign(lightgbm=0.5)
    frame.loc[3, "lightgbm"] = np.nan
    found = figures.row(frame, (*MODELS, "lightgbm"))
    assert found["log_loss"]["lightgbm"] is None
    assert found["log_loss"]["bg_nbd"] == pytest.approx(np.log(2))


def test_without_a_panel_model_the_classics_alone_are_the_rivals() -> None:
    # Where no window of the horizon has closed, the panel's own booster has nothing to say.
    found = figures.row(_rows(40, regulars=0.75, xgb_panel=np.nan), MODELS)
    assert found["against"]["panel"] == {"model": "xgb_panel", "percent": None, "ci": None}
    assert found["against"]["better"] == found["against"]["btyd"]
    assert figures.summary_of([{"set": "a", "origin": "2020-01-01", **found}])["panel"]["percent"] is None


def test_an_origin_at_which_we_are_shown_to_be_worse_is_named() -> None:
    # Ours costs -ln .49 = .71335 a row, 2.9 % more than ln 2, without any spread: shown to be over 1 % worse.
    bad = {"set": "a", "origin": "2020-01-01", **figures.row(_rows(40, regulars=0.49), MODELS)}
    good = {"set": "b", "origin": "2020-01-01", **figures.row(_rows(40, regulars=0.75), MODELS)}
    gone = {"set": "c", "origin": None, "refused": "too short"}
    summary = figures.summary_of([bad, good, gone])
    assert summary["shown_worse"] == ["a 2020-01-01"]
    assert summary["set_origins"] == summary["sets"] == 2
    # (+2.9146 - 58.4963) / 2
    assert summary["btyd"]["percent"] == pytest.approx(-27.7908, abs=1e-3)
    assert "a 2020-01-01" in tables.of_summary(summary)


def test_a_set_that_cannot_be_judged_is_a_row_that_says_so(tmp_path: Path) -> None:
    save(Found("00", Config.of(), refused="RG041: too short"), tmp_path / "00", exchange=True)
    data = DataSet("A shop", 273, sets.cdnow, cutoffs=("1997-10-01",))
    (found,) = figures.rows_of("shop", data, tmp_path)
    assert found["refused"] == "RG041: too short"
    assert "| A shop | 273 | 1997-10-01 | 0 | - |" in tables.of_rows([found])


def test_a_peer_that_cannot_be_installed_is_said_and_no_crash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(peers.sys, "executable", str(tmp_path / "no-python"))
    python, words = peers.python_of(PEERS["lightgbm"])
    assert python is None
    assert words.startswith("lightgbm could not be installed: ")


def test_a_peer_that_takes_too_long_is_stopped_and_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "with_slow.py").write_text("while True: pass", encoding="utf-8")
    monkeypatch.setattr(peers, "__file__", str(tmp_path / "peers.py"))
    cost, words = peers.asked(peers.Peer("slow", (), ("slow",)), Path(sys.executable), [tmp_path], 1)
    assert cost["cpu_s"] < 5
    assert words == "slow: stopped after 1 s of CPU"


def test_the_scripts_of_the_peers_import_nothing_of_this_project() -> None:
    for peer in PEERS.values():
        tree = ast.parse(peer.script.read_text(encoding="utf-8"))
        names = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        names |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert not {name for name in names if name.split(".")[0] in ("regulars", "benchmarks", "")}


def test_every_set_has_a_horizon_and_a_way_to_be_judged() -> None:
    for data in SETS.values():
        assert data.horizon_days > 0
        assert data.cutoffs or data.origins > 0


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated shop of 150 customers, judged once, with what peers would get."""
    folder = tmp_path_factory.mktemp("accuracy")
    (folder / "data").mkdir()
    write = sets.simulated(150, parameters=sets.FREQUENT)
    (world,) = DataSet("A shop", 90, write, origins=1).worlds(folder / "data")
    config = sets.searched(world.config, 0, 1)
    found = judged(World(world.name, config, world.cutoffs, world.origins))
    save(found, folder / "found" / world.name, exchange=True)
    return folder / "found"


@pytest.mark.soak
def test_a_simulated_shop_gives_a_table(small: Path) -> None:
    (found,) = figures.rows_of("shop", DataSet("A shop", 90, sets.cdnow), small)
    assert found["refused"] is None
    assert {m for m, loss in found["log_loss"].items() if loss is not None} == set(MODELS)
    text = tables.of_rows([found])
    assert text.count("\n") == 2
    assert "LightGBM" not in text


@pytest.mark.soak
def test_peers_get_labels_of_matured_cutoffs_only_and_their_answers_are_joined(small: Path) -> None:
    job = json.loads((small / "00" / "job.json").read_text(encoding="utf-8"))
    panel = pd.read_parquet(small / "00" / "panel.parquet")
    ((origin, days),) = job["origins"].items()
    assert days
    assert max(days) + job["horizon_days"] <= int(origin)
    assert set(panel.loc[panel["cutoff"].isin(days), "churned"]) == {0, 1}
    here = panel.loc[panel["cutoff"] == int(origin), ["customer_id", "cutoff"]]
    said = small / "00" / f"lightgbm-{origin}.parquet"
    here.iloc[::-1].assign(lightgbm=0.25).to_parquet(said, index=False)
    (found,) = figures.rows_of("shop", DataSet("A shop", 90, sets.cdnow), small)
    said.unlink()
    churned = found["base_rate"]
    # -(share ln .25 + (1 - share) ln .75)
    assert found["log_loss"]["lightgbm"] == pytest.approx(-churned * np.log(0.25) - (1 - churned) * np.log(0.75))
