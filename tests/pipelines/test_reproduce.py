"""A training done again, and two side by side: the same bytes from the same recipe, and what differs by its name."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import DataError, NoModel
from regulars.intake import build_ledger
from regulars.pipelines import reproduce as flow
from regulars.pipelines.compare import compare
from regulars.pipelines.contestants import entry_of
from regulars.pipelines.recipe import TrainingRecipe
from regulars.pipelines.refit import FOLDER, main, refit
from regulars.pipelines.reproduce import ledger_like, reproduce

from ..simulated import config_of, purchases, shop, trained, written
from ..stores import store_beside
from .gated import Shop, towards_the_truth
from .test_cli import run


@pytest.fixture(scope="module")
def made(registered_shop: Shop) -> Shop:
    """Version 1 is the shop's training, and the shop's purchases lie beside it as a file."""
    found = registered_shop.another("again")
    assert found.registered() == "1"
    file = written(found.config.folder, purchases(), '[mlflow]\nmodel_name = "again"\n')
    found.config = Config.load(file)
    return found


def recipe_of(made: Shop) -> TrainingRecipe:
    found = entry_of(made.registry, "again", "1").recipe
    assert found is not None
    # It was trained on a frame; the file that lies here holds the same.
    return replace(found, written=_here(made, unset=True), resolved=_here(made, unset=False))


def _here(made: Shop, unset: bool) -> dict[str, object]:
    content = TrainingRecipe.of(shop(), made.config)
    return dict(content.written if unset else content.resolved)


def test_the_same_recipe_and_data_give_every_byte_again(made: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "entry_of", lambda *_: replace(entry_of(*_), recipe=recipe_of(made)))
    found = reproduce(made.config, "1")
    assert (found.differing, found.examined_alike, found.versions) == ((), True, ())
    assert found.words[0].startswith("version 1 again: the same to the byte")
    assert json.loads(json.dumps(found.figures()))["same"] is True
    assert not list((made.config.folder / ".regulars").glob(".tmp-*"))
    # A model that is not the same is told by the names of its files.
    other = replace(trained(), model=replace(trained().model, high_value=1e9))
    monkeypatch.setattr(flow, "fit_model", lambda *_: other)
    unlike = reproduce(made.config, "1")
    assert (unlike.same, unlike.differing) == (False, ("model.json",))
    assert "differing: model.json" in unlike.words


def test_other_data_are_refused_with_both_fingerprints(made: Shop, tmp_path: Path) -> None:
    fewer = Config.load(written(tmp_path, purchases().iloc[:-5]))
    with pytest.raises(
        DataError, match=r"RG322: the data are not those of the training: fingerprint \w+, then \w+"
    ) as no:
        ledger_like(recipe_of(made), fewer)
    assert shop().manifest.fingerprint in str(no.value)


def test_a_ledger_that_is_kept_serves_though_the_sources_have_grown(tmp_path: Path) -> None:
    few = purchases().iloc[:300]
    config = Config.load(written(tmp_path, few))
    then = build_ledger(config)
    recipe = TrainingRecipe.of(then, config)
    written(tmp_path, purchases().iloc[:400])
    assert build_ledger(config).manifest.fingerprint != then.manifest.fingerprint
    assert ledger_like(recipe, config).folder == then.folder


def test_a_training_without_a_recipe_cannot_be_done_again(made: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "entry_of", lambda *_: replace(entry_of(*_), recipe=None))
    with pytest.raises(NoModel, match="RG324: version 1 has no recipe"):
        reproduce(made.config, "1")


def origin() -> Cutoff:
    """The one day at which the shop's training was examined."""
    return Cutoff.parse(str(trained().backtest.predictions["cutoff"].iloc[0]))


@pytest.mark.soak
def test_a_recipe_learnt_again_says_what_the_backtest_said(made: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def here(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[1:3] == ["-m", "regulars.pipelines.refit"]
        return subprocess.CompletedProcess(command, main(command[3:]), "", "")

    monkeypatch.setattr("regulars.pipelines.refit.subprocess.run", here)  # The process itself is soaked.
    left = made.config.folder / ".regulars" / f"{FOLDER}of-a-killed-one"
    left.mkdir(parents=True, exist_ok=True)
    found = refit(recipe_of(made), made.config, [origin()], build_ledger(made.config))
    pd.testing.assert_frame_equal(found, trained().backtest.predictions, check_exact=True)
    assert not list((made.config.folder / ".regulars").glob(f"{FOLDER}*"))


@pytest.mark.soak
def test_a_process_of_its_own_says_the_same(made: Shop) -> None:
    found = refit(recipe_of(made), made.config, [origin()], build_ledger(made.config))
    pd.testing.assert_frame_equal(found, trained().backtest.predictions, check_exact=True)


def test_what_goes_wrong_in_the_process_is_one_sentence(
    made: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = build_ledger(made.config)
    asked = {"recipe": recipe_of(made).to_dict(), "ledger": str(ledger.folder), "cache": str(tmp_path / "priors")}
    asked |= {"cutoffs": [str(shop().ends)], "threads": 1}  # Its window has not closed.
    (tmp_path / "request.json").write_text(json.dumps(asked), encoding="utf-8")
    assert main([str(tmp_path / "request.json"), str(tmp_path / "answer.parquet")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("RG040: the window")
    assert main([str(tmp_path / "nothing.json"), str(tmp_path / "answer.parquet")]) == 70
    assert capsys.readouterr().err == "RG070: an internal error: FileNotFoundError\n"


@pytest.mark.parametrize(
    ("code", "told", "meant"),
    [
        (4, "warning: x\nRG041: 3 days of history\n", "RG041: 3 days of history"),
        (-9, "", "its process was ended by signal 9"),
        (0, "", "it said nothing"),
    ],
)
def test_why_the_process_failed_is_told(
    made: Shop, monkeypatch: pytest.MonkeyPatch, code: int, told: str, meant: str
) -> None:
    ended = subprocess.CompletedProcess([], code, "", told)
    monkeypatch.setattr("regulars.pipelines.refit.subprocess.run", lambda *_, **__: ended)
    with pytest.raises(DataError, match=f"RG323: a recorded recipe could not be learnt again: {meant}"):
        refit(recipe_of(made), made.config, [shop().ends], build_ledger(made.config))


def test_two_trainings_side_by_side(made: Shop) -> None:
    better = made.registered(towards_the_truth(0.2))
    found = compare(made.config, shop, better, "1")
    assert found.names == (f"version {better}", "version 1")
    assert found.comparison is not None
    assert found.comparison.churn is not None
    assert found.comparison.churn.percent > 0
    table = found.table().set_index("")
    assert "smaller, with 90 % certainty" in str(table.loc["log loss", "difference"])
    assert table.loc["data: customers", "version 1"] == f"{shop().manifest.n_customers:,}"
    assert (
        json.loads(json.dumps(found.figures(), allow_nan=False))["compared"]["customers"] == found.comparison.customers
    )
    assert "log loss" in found._repr_html_()
    assert found.features() == {"gained": [], "lost": []}


def test_the_commands_say_what_happened_and_end_with_its_code(made: Shop) -> None:
    file = made.config.folder / "regulars.toml"
    nothing = run("promote", file, "9")
    assert nothing.code == 6
    assert "RG329: there is no version `9`" in nothing.err
    judged = run("promote", file, "1", "--dry-run")
    assert (judged.code, judged.out.splitlines()[0]) == (0, "version 1 of again: would be promoted")
    assert made.at("champion") is None
    worse = made.registered(towards_the_truth(-0.3))
    figures = made.config.folder / "gate.json"
    assert run("promote", file, "1").code == 0
    refused = run("promote", file, worse, "--auto", "--json", figures)
    assert refused.code == 5
    assert refused.err.startswith(f"RG327: version {worse} of `again` may not be the champion: errors in predicting")
    assert json.loads(figures.read_text(encoding="utf-8"))["state"] == "refused"
    assert run("promote", file, worse, "--force", "we know better").code == 0
    assert made.at("champion") == worse
    side = run("compare", file, "champion", "previous")
    assert side.code == 0
    assert f"version {worse}" in side.out
    assert "larger, with 90 % certainty" in side.out
    unknown = run("compare", file, "champion", "0123456789abcdef" * 2)
    assert unknown.code == 6
    assert "RG324: there is no `0123456789abcdef" in unknown.err


def test_settings_and_features_that_differ_are_named(made: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    found = compare(made.config, shop, "1", "1")
    other = replace(
        found.theirs,
        recipe=TrainingRecipe.of(shop(), config_of(seed=3)),
        features=[{"name": "recency_days", "gain_share": 0.6}, {"name": "weekend_share_90d", "gain_share": 0.4}],
    )
    unlike = replace(found, theirs=other)
    assert unlike.settings() == {"seed": [0, 3]}
    assert unlike.features()["lost"] == [{"name": "weekend_share_90d", "gain_share": 0.4}]
    assert "recency_days" not in {f["name"] for f in unlike.features()["gained"]}
    assert "seed: 0, in the other 3." in unlike.sentences()
    assert "the same to the last digit" in str(found.comparison and found.comparison.words)


MODULE = """
from regulars import Feature, family
from regulars.features.past import ratio


@family("habits")
def habits(past, reference):
    \"\"\"How large baskets are.\"\"\"
    year = past.last({days})
    yield Feature("basket_year", "money", "spend per purchase", ratio(year.sum("spend"), year.sum("purchase")), "none")
"""


@pytest.mark.soak
def test_a_training_by_the_clock_and_with_modules_is_done_again_though_the_file_has_changed(tmp_path: Path) -> None:
    (tmp_path / "habits.py").write_text(MODULE.format(days=360), encoding="utf-8")
    toml = '[features]\nmodules = ["habits.py"]\n'
    file = written(tmp_path, purchases(), toml)
    clock = file.read_text(encoding="utf-8").replace("trials = 0", "trials = 500\nseconds = 2.0")
    file.write_text(clock, encoding="utf-8")
    store_beside(file)
    assert run("train", file).code == 0
    (tmp_path / "habits.py").write_text(MODULE.format(days=90), encoding="utf-8")
    again = run("reproduce", file, "1")
    assert again.code == 0, again.out + again.err
    assert "the same to the byte" in again.out
    # And a recipe that was learnt with the file as it is now is another one: it is learnt again in its own process.
    assert run("train", file).code == 0
    side = run("compare", file, "2", "1")
    assert side.code == 0, side.err
