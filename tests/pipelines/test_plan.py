"""Saying what would be done: `plan` and `--dry-run` tell what the work then does, and leave every byte as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from regulars.config import Config
from regulars.intake import build_ledger
from regulars.models.registry import Registry, named
from regulars.pipelines.plan import Job, planned
from regulars.pipelines.register import register
from regulars.pipelines.score import score_to

from ..simulated import purchases, shop, trained, written
from ..test_log import run

DAY = "2024-02-26"
"""The day after the shop's last purchase."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger, a champion and a challenger, and nothing scored yet."""
    folder = tmp_path_factory.mktemp("plan")
    config = Config.load(written(folder, purchases()))
    ledger, registry = build_ledger(config), Registry.of(config)
    first = register(ledger, config, trained())
    registry.crown(named(registry, "regulars", first.version), "passed")
    client = registry.store.client()
    source, tags = client.get_model_version("regulars", "1").source, {"trained_on": DAY}
    second = client.create_model_version("regulars", source, first.run_id, tags)
    client.set_registered_model_alias("regulars", "challenger", second.version)
    return folder


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file and folder: its bytes and when it was last changed."""
    return {
        str(f.relative_to(folder)): (f.read_bytes() if f.is_file() else b"", f.lstat().st_mtime_ns)
        for f in (folder, *folder.rglob("*"))
    }


def jobs(config: Config, **how: Any) -> Mapping[str, Job]:
    return {job.name: job for job in planned(config, **how).jobs}


@pytest.mark.parametrize(
    "command",
    [["plan"], ["train", "--dry-run"], ["score", "--dry-run"], ["score", "--catch-up", "--dry-run"], ["doctor"]],
    ids=" ".join,
)
def test_what_only_says_something_leaves_every_byte_and_every_time_as_it_was(command: list[str], folder: Path) -> None:
    before = tree(folder)
    said = run(command[0], folder / "regulars.toml", *command[1:])
    assert said.code in (0, 7), said.err
    assert tree(folder) == before


def test_a_plan_tells_what_is_read_who_speaks_and_what_is_written(folder: Path) -> None:
    size = (folder / "purchases.csv").stat().st_size
    lines = run("plan", folder / "regulars.toml").out.splitlines()
    assert lines[:2] == ["reads", f"  purchases: purchases.csv, {size:,} bytes"]
    used, buyers = len(purchases()), purchases()["customer_id"].nunique()
    assert lines[2].startswith(
        f"  ledger: there already, {buyers} customers, {used:,} lines, 2023-01-02 to 2024-02-25, "
    )
    said = [line.strip() for line in lines]
    # 30 days before the end the only window closes on which to be judged; see `test_cli` for the same verdict.
    assert "is judged on 2024-01-27" in said
    store = f"sqlite:///{folder.resolve()}/mlruns/mlflow.db"
    assert f"writes a run and version 3 in {store}: it becomes the challenger" in said
    assert f"judges version 2, trained on {DAY}, against version 1" in said
    assert f"version 1, trained on {DAY}, speaks as of {DAY}" in said
    assert f"writes scores/runs/{DAY}-v1-<key>/scores.parquet" in said
    assert said[-1] == "nothing was written"


def test_what_is_said_to_be_written_is_what_the_work_then_writes(folder: Path, tmp_path: Path) -> None:
    config = Config.load(folder / "regulars.toml")
    (job,) = planned(config, ("score",), out=tmp_path / "scores").jobs
    found = score_to(build_ledger(config), config, None, tmp_path / "scores")
    made = {str(f) for f in (tmp_path / "scores").rglob("*") if f.is_symlink() or f.is_file()}
    said = {path.replace("<key>", found.run.name.rsplit("-", 1)[1]) for path in job.writes}
    assert said == made
    # Once more, it would find its own run.
    (again,) = planned(config, ("score",), out=tmp_path / "scores").jobs
    assert f"there is {found.run.name}: if nothing has changed since, nothing is written" in again.does


def test_an_earlier_day_is_told_and_leaves_the_latest_alone(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "scores" / "runs" / f"{DAY}-v1-0a1b2c3d"
    there.mkdir(parents=True)
    (there / "manifest.json").write_text("{}")
    (tmp_path / "scores" / "latest").symlink_to(f"runs/{there.name}")
    said = run("score", folder / "regulars.toml", "--as-of", "2024-01-15", "--out", tmp_path / "scores", "--dry-run")
    assert f"version 1, trained on {DAY}, speaks as of 2024-01-15" in said.out
    assert f"writes {tmp_path}/scores/2024-01-15" in said.out
    assert "scores/latest" not in said.out


def test_the_figures_are_those_of_the_words(folder: Path, tmp_path: Path) -> None:
    assert run("plan", folder / "regulars.toml", "--json", tmp_path / "plan.json").code == 0
    found = json.loads((tmp_path / "plan.json").read_text())
    assert found["reads"] == [
        {"table": "purchases", "names": ["purchases.csv"], "bytes": (folder / "purchases.csv").stat().st_size}
    ]
    assert list(found["jobs"]) == ["train", "promote", "score"]


def test_without_a_ledger_or_a_model_the_plan_says_what_is_not_known(tmp_path: Path) -> None:
    config = Config.load(written(tmp_path, purchases(5)))
    found, before = planned(config), tree(tmp_path)
    assert found.ledger == "ledger: to be built first; its days are not known before"
    said = {job.name: job for job in found.jobs}
    assert "not known" in said["train"].does[0]
    assert "version 1" in said["train"].writes[0]
    assert "becomes champion, if the gate lets it through" in said["train"].writes[0]
    assert (said["promote"].does, said["promote"].writes) == (("there is no challenger: nothing to promote",), ())
    assert said["score"].writes == ()
    assert tree(tmp_path) == before


def test_too_little_is_told_before_anything_is_learnt(tmp_path: Path) -> None:
    frame = purchases(60, 420)
    config = Config.load(written(tmp_path, frame[frame["purchased_at"] < "2023-02-01"]))
    build_ledger(config)
    (train,) = planned(config, ("train",)).jobs
    assert train.does[0].startswith("would be refused: RG")
    assert train.writes == ()


def test_sources_that_changed_are_told_from_the_present_ledger(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "regulars.toml", tmp_path)
    shutil.copy(folder / "purchases.csv", tmp_path)
    shutil.copytree(folder / ".regulars", tmp_path / ".regulars")
    with (tmp_path / "purchases.csv").open("a") as file:
        file.write("0shopper99999,2024-03-01T10:00:00,o-9,5,1,p001,milk,0\n")
    found = planned(Config.load(tmp_path / "regulars.toml"), ())
    assert found.ledger.startswith("ledger: the sources have changed since; days are told from the present one, 400 ")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ('url = "postgresql://ann:geheim@db/shop"\ntable = "sales"', "postgresql://"),
        ('path = "s3://bucket/sales/*.csv?secret=geheim"', "s3://bucket/sales/*.csv"),
    ],
)
def test_what_is_elsewhere_is_named_without_its_password_and_not_fetched(place: str, said: str, tmp_path: Path) -> None:
    toml = written(tmp_path, purchases(1))
    toml.write_text(toml.read_text().replace('path = "purchases.csv"', place))
    found = run("plan", toml)
    assert found.code == 0, found.err
    (line,) = [line for line in found.out.splitlines() if line.startswith("  purchases: ")]
    assert said in line
    assert line.endswith("not looked at")
    assert "geheim" not in found.out + found.err
    assert "whether the sources have changed is not known" in found.out or "to be built first" in found.out


def test_a_plan_of_the_shop_knows_its_days() -> None:
    # Guards the constant above.
    assert str(shop().ends) == DAY
