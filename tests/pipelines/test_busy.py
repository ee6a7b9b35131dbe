"""The same job several times at once: one does it, the others end with 75 before anything heavy is loaded."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from regulars.config import Config
from regulars.disk.lock import job
from regulars.pipelines.published import Book

from ..late_shop import crowned
from ..simulated import purchases, trained, written
from ..stores import store_beside

SOAK = os.environ.get("REGULARS_SOAK") == "1"
HEAVY = ("duckdb", "mlflow", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "sqlalchemy", "xgboost")
CPU_SECONDS = 1.0


def started(config: Path, *words: str, told: bool = False) -> subprocess.Popen[str]:
    """`regulars score` as a process of its own; perhaps it tells what it imports."""
    options = ["-X", "importtime"] if told else []
    return subprocess.Popen(
        [sys.executable, *options, "-m", "regulars.cli", "score", str(config), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_whoever_comes_second_is_told_who_is_at_it_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    config = tmp_path / "regulars.toml"
    # Not even what stands in it is looked at.
    config.write_text("", encoding="utf-8")
    with job(tmp_path / ".regulars", "score", "scoring"):
        second, third = started(config, told=True), started(config, "--catch-up")
        said = [process.communicate(timeout=120)[1] for process in (second, third)]
    assert (second.returncode, third.returncode) == (75, 75)
    for text in said:
        message = next(line for line in text.splitlines() if line.startswith("RG210"))
        assert f"scoring, host {platform.node()}, pid {os.getpid()}, since 20" in message
    loaded = {match[1] for match in re.finditer(r"\| +([\w.]+)$", said[0], re.MULTILINE)}
    assert "typer" in loaded
    assert not loaded & set(HEAVY)
    assert not (tmp_path / "scores").exists()


@pytest.mark.soak
@pytest.mark.parametrize("n", [2, 8])
def test_of_several_who_score_at_once_one_publishes_and_the_others_end_within_a_second(tmp_path: Path, n: int) -> None:
    file = written(tmp_path, purchases())
    store_beside(file)
    crowned(Config.load(file), trained().model)
    processes = [started(file) for _ in range(n)]
    outcomes = []
    for process in processes:
        # Both pipes are short enough to wait for the end first.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        outcomes.append((process.returncode, used.ru_utime + used.ru_stime, process.communicate()[1]))
    assert sorted(code for code, _, _ in outcomes) == [0] + [75] * (n - 1)
    for code, seconds, said in outcomes:
        if code == 75:
            assert seconds <= CPU_SECONDS
            assert re.search(r"RG210.*scoring, host .*, pid \d+, since 20", said)
    (run,) = Book(tmp_path / "scores").runs()
    assert run.verified()
    # The lock is free again, and the same scores are not made twice.
    with started(file) as again:
        assert "unchanged" in again.communicate(timeout=600)[0]
    assert again.returncode == 0
    assert Book(tmp_path / "scores").runs() == (run,)
