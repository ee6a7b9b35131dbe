"""Catching up: which days, by whom, in which order, and what is there when it was killed (see test_same_numbers)."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from regulars.cli.app import app
from regulars.clock import Cutoff
from regulars.config import Config
from regulars.disk.lock import job
from regulars.errors import Busy, NoModel
from regulars.intake import Ledger
from regulars.models.model import Model
from regulars.models.versions import Registered
from regulars.pipelines import catch_up as module
from regulars.pipelines.catch_up import catch_up, missed_days
from regulars.pipelines.plan import planned
from regulars.pipelines.published import SCORES, Book, Run
from regulars.pipelines.score import publish_day, score_to

from ..late_shop import crowned
from ..simulated import config_of, shop, trained

TRAINED, SECOND = "2024-01-10", "2024-01-13"
"""The days on which the champions were trained."""

Kept = tuple[Config, list[Registered]]


def the_day(text: str) -> Cutoff:
    return Cutoff.parse(text)


def ledger_to(last: str) -> Ledger:
    """The shop's, as if its data covered no more than the days before one."""
    return shop().covering(the_day(last).minus(1))


def model_of(day: str) -> Model:
    """The shop's model, as if it had been learnt on a day."""
    return replace(trained().model, trained_on=the_day(day))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A store with two champions."""
    folder = tmp_path_factory.mktemp("kept")
    uri = f"sqlite:///{folder}/mlruns/mlflow.db"
    config = config_of(mlflow={"tracking_uri": uri}).model_copy(update={"folder": folder})
    return config, crowned(config, model_of(TRAINED), model_of(SECOND))


def begun(folder: Path, kept: Kept, day: str) -> Path:
    """A folder in which one day is published."""
    publish_day(shop(), kept[0], model_of(TRAINED), kept[1][0], the_day(day), folder)
    return folder


def days_of(runs: Sequence[Run]) -> list[str]:
    return [str(run.as_of) for run in runs]


def test_every_day_missed_is_made_in_order_by_who_was_champion_then(kept: Kept, tmp_path: Path) -> None:
    folder = begun(tmp_path / "scores", kept, "2024-01-11")
    done = catch_up(ledger_to("2024-01-14"), kept[0], folder)
    first, second = (one.version for one in kept[1])
    assert [(str(one.run.as_of), one.run.version) for one in done.made] == [
        ("2024-01-12", first),
        ("2024-01-13", second),
        ("2024-01-14", second),
    ]
    assert (done.skipped, done.until) == ((), "2024-01-14")
    assert days_of(Book(folder).published()) == ["2024-01-11", "2024-01-12", "2024-01-13", "2024-01-14"]
    assert done.figures()["made"] == len(done.words) == 3
    assert str(done.made[0].run.folder) in done.words[0]


def test_a_catch_up_that_was_killed_goes_on_where_it_stopped_and_the_table_misses_no_day(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = begun(tmp_path / "whole", kept, "2024-01-11")
    catch_up(ledger_to("2024-01-14"), kept[0], whole)
    folder = begun(tmp_path / "scores", kept, "2024-01-11")
    scores = kept[0].scores.model_copy(update={"url": f"sqlite:///{tmp_path}/out.db", "table": "scores"})
    config, delivered, publish = kept[0].model_copy(update={"scores": scores}), [], module.publish

    def killed(run: Run, config: Config) -> Any:
        delivered.append(str(run.as_of))
        if len(delivered) == 3:
            raise KeyboardInterrupt
        return publish(run, config)

    monkeypatch.setattr(module, "publish", killed)
    with pytest.raises(KeyboardInterrupt):
        catch_up(ledger_to("2024-01-14"), config, folder)
    # The newest day was not in the table either; the third run was published, and not yet put there.
    assert delivered == ["2024-01-11", "2024-01-12", "2024-01-13"]
    assert days_of(Book(folder).published()) == delivered
    done = catch_up(ledger_to("2024-01-14"), config, folder)
    assert [str(one.run.as_of) for one in done.made] == ["2024-01-14"]
    with closing(sqlite3.connect(tmp_path / "out.db")) as db:
        marks = db.execute("select as_of, run, rows from scores_published order by as_of").fetchall()
        rows = db.execute("select as_of, count(*) from scores group by as_of order by as_of").fetchall()
    published = Book(folder).published()
    assert [(day, run) for day, run, _ in marks] == [(str(run.as_of), run.name) for run in published]
    assert rows == [(day, n) for day, _, n in marks]
    undisturbed = Book(whole).published()
    assert [run.digest for run in published] == [run.digest for run in undisturbed]


def test_a_day_scored_by_itself_goes_to_the_table_once(kept: Kept, tmp_path: Path) -> None:
    scores = kept[0].scores.model_copy(update={"url": f"sqlite:///{tmp_path}/out.db", "table": "scores"})
    config = kept[0].model_copy(update={"scores": scores})
    done, again = (score_to(shop(), config, the_day("2024-01-14"), tmp_path / "scores") for _ in range(2))
    customers = done.run.facts["customers"]
    told = {"table": "scores", "as_of": "2024-01-14", "rows": customers, "unchanged": False}
    assert done.figures()["table"] == told
    assert (again.unchanged, again.figures()["table"]) == (True, {**told, "unchanged": True})
    frame = done.run.frame()
    with closing(sqlite3.connect(tmp_path / "out.db")) as db:
        rows = db.execute("select customer_id, p_churn, spend_low, late from scores order by customer_id").fetchall()
    expected = frame[["customer_id", "p_churn", "spend_low", "late"]].to_numpy(object).tolist()
    assert [tuple(row) for row in rows] == [(c, p, None if low != low else low, late) for c, p, low, late in expected]


def test_nothing_is_done_where_no_day_was_missed(kept: Kept, tmp_path: Path) -> None:
    folder = begun(tmp_path / "scores", kept, "2024-01-11")
    done = catch_up(ledger_to("2024-01-11"), kept[0], folder)
    assert (done.made, done.skipped) == ((), ())
    assert done.words == ["no day was missed up to 2024-01-11"]


def test_an_empty_folder_gets_the_last_day_alone(kept: Kept, tmp_path: Path) -> None:
    done = catch_up(ledger_to("2024-01-14"), kept[0], tmp_path / "scores")
    assert [str(one.run.as_of) for one in done.made] == ["2024-01-14"]


def test_days_before_the_first_champion_are_said_and_left_out(kept: Kept, tmp_path: Path) -> None:
    folder = begun(tmp_path / "scores", kept, "2024-01-08")
    done = catch_up(ledger_to("2024-01-10"), kept[0], folder)
    assert done.skipped == ("2024-01-09",)
    assert [str(one.run.as_of) for one in done.made] == ["2024-01-10"]
    assert "2024-01-09 is left out: no version that was champion had been trained by then" in done.words


def test_it_is_an_error_when_nobody_could_have_spoken_on_any_day(kept: Kept, tmp_path: Path) -> None:
    folder = begun(tmp_path / "scores", kept, "2024-01-06")
    with pytest.raises(NoModel, match=r"RG346: on none of the 3 days missed up to 2024-01-09 was there a champion"):
        catch_up(ledger_to("2024-01-09"), kept[0], folder)
    assert days_of(Book(folder).published()) == ["2024-01-06"]


def test_a_plan_tells_the_days_and_who_would_speak(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = begun(tmp_path / "scores", kept, "2024-01-09")
    monkeypatch.setattr("regulars.pipelines.plan._ledger", lambda _: (ledger_to("2024-01-11"), "ledger: there"))
    monkeypatch.setattr("regulars.pipelines.plan._reads", lambda _: [])
    (found,) = planned(kept[0], ("catch-up",), None, folder).jobs
    first = kept[1][0].version
    assert found.does == (f"2024-01-10: version {first} speaks", f"2024-01-11: version {first} speaks")
    assert found.writes == tuple(f"{folder}/runs/{day}-v{first}-<key>" for day in ("2024-01-10", "2024-01-11"))


def test_a_day_and_all_that_were_missed_are_not_asked_for_together(tmp_path: Path) -> None:
    config = tmp_path / "regulars.toml"
    config.write_text("", encoding="utf-8")
    done = CliRunner().invoke(app, ["score", str(config), "--catch-up", "--as-of", "2024-01-08"])
    assert done.exit_code == 2
    assert "--as-of does nothing beside --catch-up" in done.output


def test_who_scores_already_keeps_a_catch_up_out(kept: Kept, tmp_path: Path) -> None:
    config = kept[0].model_copy(update={"folder": tmp_path})
    entered, leave = threading.Event(), threading.Event()

    def holds() -> None:
        with job(tmp_path / ".regulars", "score", "scoring"):
            entered.set()
            leave.wait(60)

    other = threading.Thread(target=holds)
    other.start()
    try:
        assert entered.wait(60)
        with pytest.raises(Busy, match=r"RG210.*scoring, host .*, pid ") as refused:
            catch_up(shop(), config, tmp_path / "scores")
    finally:
        leave.set()
        other.join()
    assert refused.value.exit_code == 75
    assert not (tmp_path / "scores" / SCORES).parent.exists()


def test_days_missed_are_counted_from_the_newest_run_in_steps() -> None:
    class Newest:
        latest = Run(Path("2024-02-26-v1-0a1b2c3d"))

    book: Any = Newest()
    # 2024 is a leap year.
    assert [str(day) for day in missed_days(book, the_day("2024-03-01"))] == [
        "2024-02-27",
        "2024-02-28",
        "2024-02-29",
        "2024-03-01",
    ]
    assert [str(day) for day in missed_days(book, the_day("2024-03-12"), 7)] == ["2024-03-04", "2024-03-11"]
    assert missed_days(book, the_day("2024-02-26")) == missed_days(book, the_day("2024-02-01")) == ()
