"""What commands say to machines: JSON lines, one summary each, a journal; and that a second job is refused at once.

Commands run through the real entry point. None of them gets as far as data: what is told here is told by all.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from regulars import cli
from regulars.cli.app import EXITS, JOBS
from regulars.disk.lock import job
from regulars.log import Lines, Log, ended, journal, logged, note, product, step

HEAVY = ("pandas", "numpy", "duckdb", "mlflow", "xgboost", "pyarrow", "regulars.config")


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The error stream, which must be JSON throughout."""
        return [json.loads(line) for line in self.err.splitlines()]


def run(*arguments: object) -> Said:
    """A command through `main`."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["regulars", *map(str, arguments)])
        patch.delenv("REGULARS_LOG", raising=False)
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Said(code, out.getvalue(), err.getvalue())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration that is wrong, beside a `.regulars` folder: as far as a job can get without any data."""
    (tmp_path / ".regulars").mkdir()
    (tmp_path / "regulars.toml").write_text(
        "seed = -1\n[data.purchases]\ncustomer_id = 'a'\npurchased_at = 'b'\namount = 'c'\n"
    )
    return tmp_path


def test_as_json_every_line_is_an_object_and_the_last_one_is_the_summary(folder: Path) -> None:
    said = run("--log", "json", "check", folder / "regulars.toml")
    assert said.code == 2
    assert said.out == ""
    *_, error, summary = said.lines
    assert [summary[key] for key in ("level", "event", "command", "exit", "error")] == [
        "error", "summary", "check", 2, "RG016",
    ]  # fmt: skip
    assert (error["event"], error["code"], error["exit"]) == ("error", "RG016", 2)
    assert "`seed`" in error["text"]
    assert sum(line["event"] == "summary" for line in said.lines) == 1
    assert summary["seconds"] >= 0
    assert summary["cpu_seconds"] > 0
    assert summary["at"].endswith("Z")


def test_the_environment_can_ask_for_json_and_nonsense_is_a_usage_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "regulars.cli", "check", str(folder / "none.toml")]
    asked = {**os.environ, "REGULARS_LOG": "json"}
    done = subprocess.run(command, env=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["error", "summary"]
    assert run("--log", "xml", "check", "x.toml").code == 2


def test_the_traceback_stays_in_one_line_and_out_of_the_summary(folder: Path) -> None:
    error, summary = run("--log", "json", "--debug", "check", folder / "regulars.toml").lines
    assert "Traceback (most recent call last)" in error["traceback"]
    assert summary["error"] == "RG016"
    assert "traceback" not in summary


def test_the_journal_keeps_the_summary_of_every_command_for_its_owner_alone(folder: Path) -> None:
    config = folder / "regulars.toml"
    codes = [run(*words, config).code for words in (["check"], ["--log", "json", "train"], ["--log", "json", "score"])]
    assert codes == [2, 2, 2]
    assert [(line["command"], line["exit"]) for line in journal(folder)] == [("check", 2), ("train", 2), ("score", 2)]
    assert stat.S_IMODE((folder / ".regulars" / "journal.jsonl").stat().st_mode) == 0o600


def test_the_journal_is_the_summary_that_was_said(folder: Path) -> None:
    said = run("--log", "json", "check", folder / "regulars.toml")
    assert journal(folder) == (said.lines[-1],)


def test_a_torn_line_spoils_neither_the_next_nor_the_others(folder: Path) -> None:
    run("check", folder / "regulars.toml")
    with (folder / ".regulars" / "journal.jsonl").open("a") as file:
        file.write('{"event": "summ')
    run("score", folder / "regulars.toml")
    assert [line["command"] for line in journal(folder)] == ["check", "score"]


def test_where_nothing_was_ever_made_no_journal_is_made(tmp_path: Path) -> None:
    (tmp_path / "regulars.toml").write_text("")
    assert run("check", tmp_path / "regulars.toml").code == 2
    assert [file.name for file in tmp_path.iterdir()] == ["regulars.toml"]


def test_a_command_that_promises_to_write_nothing_leaves_no_line(folder: Path) -> None:
    assert run("score", folder / "regulars.toml", "--dry-run").code == 2
    assert run("plan", folder / "regulars.toml").code == 2
    assert run("doctor", folder / "regulars.toml").code == 2
    assert list((folder / ".regulars").iterdir()) == []


def _log(kind: str = "json") -> tuple[Log, io.StringIO]:
    heard = io.StringIO()
    return Log("score", kind, heard, io.StringIO()), heard


def test_what_is_printed_becomes_events_by_how_it_begins() -> None:
    log, heard = _log()
    with Lines(log, "stderr") as lines:
        print("note: a\nwarning: b\n\n  read  5", file=lines)
        print("half", end="", file=lines)
    found = [json.loads(line) for line in heard.getvalue().splitlines()]
    assert [(line["event"], line["level"], line["text"]) for line in found] == [
        ("note", "info", "a"),
        ("warning", "warning", "b"),
        ("stderr", "info", "  read  5"),
        ("stderr", "info", "half"),
    ]


def test_no_line_names_a_password_or_an_address_nor_breaks() -> None:
    log, heard = _log()
    log.write(
        "said", text="postgresql://ann:geheim@host/shop\nfor ann@example.org \u2028 token=abc1", share=float("nan")
    )
    log.figures["where"] = "postgresql://ann:geheim@host/shop"
    ended(log, 74, "RG074: no postgresql://ann:geheim@host/shop")
    text = heard.getvalue()
    assert not {word for word in ("geheim", "ann@", "abc1") if word in text}
    assert len(text.splitlines()) == 3
    assert json.loads(text.splitlines()[0])["share"] == "nan"


def test_figures_of_the_summary_are_numbers_and_short_words(tmp_path: Path) -> None:
    with logged("score", "json") as log:
        log.error = io.StringIO()
        note({"customers": 5, "version": "3", "words": "a sentence is none", "list": [1], "share": 0.5})
    assert log.figures == {"customers": 5, "version": "3", "share": 0.5}
    assert json.loads(log.summary(0, ""))["customers"] == 5


def test_steps_are_told_to_machines_and_one_persons_figures_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    with logged("explain", "json"):
        step("features")
        product("customer 0shopper00001")
    said = capsys.readouterr()
    assert [json.loads(line)["text"] for line in said.err.splitlines()] == ["features"]
    assert said.out == "customer 0shopper00001\n"


@pytest.mark.parametrize("command", [name for name in JOBS if name != "promote"])
def test_a_second_job_ends_with_75_before_anything_heavy_is_loaded(command: str, folder: Path) -> None:
    program = (
        "import sys; from regulars import cli\n"
        "try: cli.main()\n"
        f"finally: print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    name, what = JOBS[command]
    further = ["events.csv"] * (command == "offers log-events")
    with job(folder / ".regulars", name, what):
        done = subprocess.run(
            [sys.executable, "-c", program, *command.split(), str(folder / "regulars.toml"), *further],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 75
    assert f"{what}, host " in done.stderr
    assert f"pid {os.getpid()}, since 20" in done.stderr
    assert done.stdout.strip() == ""


def test_a_job_that_was_killed_or_has_ended_is_in_nobodys_way(folder: Path) -> None:
    (folder / ".regulars" / "score.lock").write_text('{"host": "gone"')
    assert run("score", folder / "regulars.toml").code == 2
    assert sorted(file.name for file in (folder / ".regulars").iterdir()) == ["journal.jsonl"]


def test_a_job_that_was_refused_before_anything_was_made_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "regulars.toml").write_text("")
    assert run("score", tmp_path / "regulars.toml", "--as-of", "yesterday").code == 2
    assert [file.name for file in tmp_path.iterdir()] == ["regulars.toml"]


@pytest.mark.parametrize(("code", "level"), [(0, "info"), (7, "warning"), (75, "warning"), (74, "error")])
def test_the_level_of_the_summary_says_whether_it_is_a_failure(code: int, level: str) -> None:
    assert json.loads(_log()[0].summary(code, ""))["level"] == level


def test_the_help_lists_every_exit_code() -> None:
    said = " ".join(run("--help").out.split())
    assert all(f"{code} {meaning}" in said for code, meaning in EXITS.items())
