"""Monitoring the shop: scores that mature, a scale that breaks, a command that is told; the same figures each time."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from regulars.cli.app import app
from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import NoModel
from regulars.intake import Ledger
from regulars.models.alerts import Alert, Freshness, Severity, freshness_alerts, verdict
from regulars.models.registry import Registry
from regulars.models.versions import CHALLENGER, Version
from regulars.pipelines import monitor
from regulars.pipelines.files import strict_json
from regulars.pipelines.kept import rows_file
from regulars.pipelines.monitor import Monitored, monitored, told_to
from regulars.pipelines.outcomes import outcomes_file
from regulars.pipelines.published import CSV, Book
from regulars.pipelines.register import register
from regulars.pipelines.score import champion_of, publish_day
from regulars.production_sections import MonitorConfig

from ..simulated import PLANTED, config_of, purchases, shop, trained, written

DAYS = 40
TRAINED = shop().ends


def grown(times: float = 1.0) -> pd.DataFrame:
    """The shop's purchases and those of forty more days, which are the last forty once more, at other prices."""
    frame = purchases()
    when = pd.to_datetime(frame["purchased_at"])
    last = frame[when >= pd.Timestamp(str(TRAINED.minus(DAYS)))]
    later = (pd.to_datetime(last["purchased_at"]) + pd.Timedelta(days=DAYS)).map(pd.Timestamp.isoformat)
    more = last.assign(purchased_at=later, order_id=last["order_id"] + "+", amount=last["amount"] * times)
    return pd.concat([frame, more], ignore_index=True)


def until(day: Cutoff, times: float = 1.0) -> Ledger:
    frame = grown(times)
    return Ledger.from_frame(frame[frame["purchased_at"] < str(day)], config_of()).covering(day.minus(1))


def config_in(folder: Path, **sections: Any) -> Config:
    return config_of(**sections).model_copy(update={"folder": folder})


def published(config: Config, day: Cutoff, times: float = 1.0) -> None:
    model, registered = champion_of(config)
    publish_day(until(day, times), config, model, registered, day, config.folder / "scores")


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's model, crowned; its scores of the day of training and of a week later."""
    folder = tmp_path_factory.mktemp("nights")
    config = config_in(folder)
    register(shop(), config, trained())
    registry = Registry.of(config)
    challenger = registry.at(config.mlflow.model_name, CHALLENGER)
    assert challenger is not None
    registry.crown(challenger, "passed")
    for day in (TRAINED, TRAINED.plus(7)):
        published(config, day)
    return folder


@pytest.fixture
def folder(nights: Path, tmp_path: Path) -> Path:
    """What tests may change: the store is read where it is."""
    for name in ("scores", ".regulars"):
        shutil.copytree(nights / name, tmp_path / name, symlinks=True)
    return tmp_path


def looked(folder: Path, nights: Path, days: int = DAYS, today: int | None = None) -> Monitored:
    """Monitoring so many days after the training."""
    end = TRAINED.plus(days)
    return monitored(until(end), beside(folder, nights), end if today is None else TRAINED.plus(today))


def beside(folder: Path, nights: Path) -> Config:
    """The configuration of a copy, with the store of what was copied."""
    return config_in(folder, mlflow={"tracking_uri": config_in(nights).tracking_uri})


def rules(found: Monitored) -> list[str]:
    return [alert.rule for alert in found.alerts]


def test_before_a_window_has_closed_nothing_is_said_of_outcomes(folder: Path, nights: Path) -> None:
    found = looked(folder, nights, days=8)
    assert found.figures["months"] == []
    newest = found.figures["scores"].pop("newest")
    assert newest == Book(folder / "scores").published()[1].name
    assert found.figures["scores"] == {"runs": 2, "waiting": 2, "hindsight": 0}
    assert "No published scores have matured yet." in found.lines
    assert not outcomes_file(config_in(folder)).exists()
    assert "scores_old" not in rules(found)


def test_matured_scores_stand_beside_the_promise_and_name_nobody(folder: Path, nights: Path) -> None:
    found = looked(folder, nights)
    months = found.figures["months"]
    # The first window closes after 30 days, the second after 37: both by the fortieth.
    assert sum(month["runs"] for month in months) == 2
    assert months[0]["n"] > 300
    assert 0.5 < months[0]["auc"] <= 1
    assert found.figures["promised"][months[0]["run_id"]]["auc"]["low"] < 1
    profile = trained().model.profile
    assert profile is not None
    assert found.figures["drift"]["compared"] == len(profile.bins) - 2  # all features; the predictions stand apart
    assert found.figures["drift"]["apart"] is not None
    assert PLANTED not in strict_json(found.figures) + "".join(found.lines)
    assert PLANTED.encode() not in outcomes_file(config_in(folder)).read_bytes()
    # Once more, it is all the same, byte by byte.
    kept = outcomes_file(config_in(folder)).read_bytes()
    assert strict_json(looked(folder, nights).figures) == strict_json(found.figures)
    assert outcomes_file(config_in(folder)).read_bytes() == kept
    # Scores of the seventh day may be eight days old; nine are too many. Runs and rows may be gone by then.
    oldest = Book(folder / "scores").published()[0]
    shutil.rmtree(oldest.folder)
    (then,) = rows_file(config_in(folder), "*").parent.glob("*.rows.parquet")
    then.unlink()
    later = looked(folder, nights, today=16)
    assert later.figures["months"] == months
    assert later.figures["drift"]["apart"] is None
    assert "scores_old" not in {rule for day in (8, 15) for rule in _rules_of(later, day)}
    assert "scores_old" in rules(later)
    assert later.alarmed


def _rules_of(found: Monitored, day: int) -> list[str]:
    """What would be too old as of another day."""
    ends, scored = TRAINED.plus(DAYS), TRAINED.plus(7)
    return [a.rule for a in freshness_alerts(Freshness(TRAINED.plus(day), ends, scored, TRAINED), MonitorConfig())]


def test_scores_that_were_changed_raise_an_alert_and_hide_nothing(folder: Path, nights: Path) -> None:
    first = Book(folder / "scores").published()[0]
    first.path(CSV).write_text("mine")
    found = looked(folder, nights)
    assert [a.words for a in found.alerts if a.rule == "scores_changed"] == [
        f"scores are not as they were published: `{first.name}`"
    ]
    assert sum(month["runs"] for month in found.figures["months"]) == 1


def test_prices_ten_times_as_high_are_told_as_drift_with_what_moved(folder: Path, nights: Path) -> None:
    config, day = beside(folder, nights), TRAINED.plus(38)
    published(config, day, times=10.0)
    found = monitored(until(day, 10.0), config, day)
    (alert,) = [a for a in found.alerts if a.rule == "drift_predictions"]
    assert alert.words.startswith("`expected_spend` (expected spend, as told) is ")
    assert found.verdict.state == "retrain"
    assert {"spend_7d", "order_value_last"} <= {
        f["name"] for f in found.figures["drift"]["features"] if f["size"] == "major"
    }


def test_a_champion_without_the_word_of_the_gate_is_an_alert(
    folder: Path, nights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = Version("regulars", "9", "a-run-that-is-gone", {}, ("champion",))
    monkeypatch.setattr(Registry, "at", lambda *_: by_hand)
    found = looked(folder, nights, days=8)
    assert "champion_unjudged" in rules(found)
    assert found.figures["freshness"]["trained_on"] is None


def test_without_a_champion_there_is_nothing_to_monitor(tmp_path: Path) -> None:
    with pytest.raises(NoModel):
        monitored(shop(), config_in(tmp_path), TRAINED)


def test_the_command_of_an_alert_gets_the_figures_and_its_failure_is_told(tmp_path: Path) -> None:
    write = "import sys, pathlib; pathlib.Path('told.json').write_text(sys.stdin.read())"
    config = config_in(tmp_path, monitor={"command": [sys.executable, "-c", write]})
    assert told_to(config, {"alerts": [1]}) is None
    assert json.loads((tmp_path / "told.json").read_text()) == {"alerts": [1]}
    fails = "import sys; print('token=secret nobody is there', file=sys.stderr); sys.exit(3)"
    said = told_to(config_in(tmp_path, monitor={"command": [sys.executable, "-c", fails]}), {})
    assert said == "the command of [monitor] ended with 3: token=*** nobody is there"
    assert "could not tell" in str(told_to(config_in(tmp_path, monitor={"command": ["/nowhere/at/all"]}), {}))
    assert told_to(config_in(tmp_path), {}) is None


@pytest.mark.parametrize(("severity", "code"), [("alert", 7), ("watch", 0)])
def test_the_command_line_ends_with_seven_on_an_alert_and_tells_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, severity: Severity, code: int
) -> None:
    alert = Alert("level", severity, "fewer fell silent than told", "doubt the sums")
    found = Monitored({"words": ["All is known."], "alerts": 1}, (alert,), verdict([alert]))
    monkeypatch.setattr(monitor, "monitored", lambda *_: found)
    write = "import sys, pathlib; pathlib.Path('told.json').write_text(sys.stdin.read())"
    toml = f"\n[monitor]\ncommand = {json.dumps([sys.executable, '-c', write])}\n"
    config = written(tmp_path, purchases(20, 60), toml)
    told = CliRunner().invoke(app, ["monitor", str(config), "--today", "2024-03-01", "--json", str(tmp_path / "m")])
    assert told.exit_code == code
    assert "level" not in told.stdout.splitlines()[0]
    assert f"{severity}: fewer fell silent than told. Do: doubt the sums" in told.stdout
    assert json.loads((tmp_path / "m").read_text()) == found.figures
    assert (tmp_path / "told.json").exists() == (severity == "alert")


def test_what_is_only_watched_is_no_alarm() -> None:
    watched, alert = Alert("level", "watch", "", ""), Alert("level", "alert", "", "")
    assert not Monitored({"words": []}, (watched,), verdict([watched])).alarmed
    assert Monitored({"words": []}, (watched, alert), verdict([watched, alert])).alarmed
