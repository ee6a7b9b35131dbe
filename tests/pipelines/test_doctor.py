"""The doctor: what a bad night leaves is found, nothing changes by looking, and mending puts it right.

One folder with a champion and published scores is made once; every test spoils a copy of it.
"""

from __future__ import annotations

import json
import platform
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from regulars.cli.app import EXITS
from regulars.config import Config
from regulars.disk.lock import Holder, job
from regulars.disk.whole import private
from regulars.errors import Busy
from regulars.intake import build_ledger
from regulars.models import orphans
from regulars.models.registry import Registry, named
from regulars.pipelines import ailing_machine
from regulars.pipelines.doctor import CHECKS, Diagnosis, diagnosed
from regulars.pipelines.published import Book
from regulars.pipelines.register import register
from regulars.pipelines.score import score_to
from regulars.pipelines.serve import stood

from ..simulated import purchases, shop, trained, written
from ..test_log import run


@dataclass(frozen=True)
class Night:
    """A folder as nights leave it."""

    folder: Path
    config: Config

    @property
    def registry(self) -> Registry:
        return Registry.of(self.config)

    @property
    def book(self) -> Book:
        return Book(self.folder / "scores")

    def tree(self) -> dict[str, tuple[bytes | str, int]]:
        """Every file's bytes, or where a link leads, and when it was last written."""
        return {
            str(f.relative_to(self.folder)): (
                str(f.readlink()) if f.is_symlink() else f.read_bytes(),
                f.lstat().st_mtime_ns,
            )
            for f in sorted(self.folder.rglob("*"))
            if f.is_symlink() or f.is_file()
        }

    def found(self, mend: bool = False) -> Diagnosis:
        return diagnosed(self.config, mend)


def kinds(found: Diagnosis) -> list[str]:
    return [one.ailment.kind for one in found.found]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A champion of the shop and its scores."""
    folder = tmp_path_factory.mktemp("doctor") / "night"
    config = Config.load(written(folder, purchases()))
    ledger = build_ledger(config)
    assert ledger.manifest.fingerprint == shop().manifest.fingerprint
    registered = register(ledger, config, trained())
    registry = Registry.of(config)
    registry.crown(named(registry, "regulars", registered.version), "passed")
    score_to(ledger, config, None)
    return folder


@pytest.fixture
def night(pristine: Path, tmp_path: Path) -> Night:
    """A copy whose store knows where it lies."""
    folder = tmp_path / "night"
    shutil.copytree(pristine, folder, symlinks=True)
    for copied in (folder, *folder.rglob("*")):
        if not copied.is_symlink():
            copied.chmod(0o700 if copied.is_dir() else 0o600)
    night = Night(folder, Config.load(folder / "regulars.toml"))
    moved = orphans.moved_artifacts(night.registry.store)
    assert moved is not None
    orphans.mend_artifacts(night.registry.store, moved)
    return night


def _dead_process() -> dict[str, str]:
    """The tags of a process of this machine that is gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    here = Holder.of_this_process("")
    return {"host": here.host, "boot": here.boot, "pid": str(ended.pid), "pid.started": "1"}


def _spoil_store(night: Night) -> None:
    """A training killed while it logged, one killed before it registered, and a version nobody sealed."""
    store = night.registry.store
    client, experiment = store.client(), store.experiment()
    client.create_run(experiment, run_name="train 2024-02-26", tags=_dead_process())
    client.create_logged_model(experiment, name="model", source_run_id=night.registry.versions("regulars")[0].run_id)
    source = client.get_model_version("regulars", "1").source
    made = client.create_model_version("regulars", source, night.registry.versions("regulars")[0].run_id)
    client.set_registered_model_alias("regulars", "challenger", made.version)


def _spoil_files(night: Night) -> None:
    """What runs that were killed leave, and a link and a file that somebody touched."""
    regulars, scores = night.folder / ".regulars", night.folder / "scores"
    (regulars / "score.lock").write_text('{"host": "gone"', encoding="utf-8")
    (regulars / "ledger" / ".tmp-half").mkdir(mode=0o700)
    (regulars / "ledger" / ".tmp-half" / "purchases.parquet").write_bytes(b"PAR1")
    (scores / "runs" / ".tmp-2024-02-27-v1-0a1b2c3d-1f").mkdir(mode=0o700)
    (night.folder / ".tmp-report.html").write_text("half", encoding="utf-8")
    (scores / "2024-01-01").symlink_to("runs/2024-01-01-v1-0a1b2c3d")
    (scores / "latest").unlink()
    (scores / "latest").symlink_to("runs/2024-03-01-v1-0a1b2c3d")
    (regulars / "serve" / "here-1-0a0b0c0d" / "stages" / ".tmp-1").mkdir(mode=0o700, parents=True)
    (regulars / "serve" / "here-1-0a0b0c0d.held").write_text('{"host": "gone"', encoding="utf-8")
    (regulars / "backtests").chmod(0o755)


LEFT = [
    *["stale-lock", "unfinished-file", "unfinished-file", "unfinished-file", "left-stage"],
    *["stale-run", "pending-model", "unfit-version"],
    *["dangling-link", "dangling-link"],
    "open-file",
]


def test_where_all_is_well_nothing_is_said_to_be_wrong_and_nothing_changes(night: Night) -> None:
    before = night.tree()
    found = night.found()
    assert kinds(found) == []
    assert found.lines[-1] == "nothing is wrong"
    assert night.tree() == before
    assert found.facts["champion"] == f"version 1 (champion), trained on {shop().ends}"
    assert (found.facts["versions"], found.facts["runs of scores"]) == (1, 1)
    assert found.facts["latest scores"] == str(shop().ends)


def test_a_folder_without_anything_is_not_ill(tmp_path: Path) -> None:
    config = Config.load(written(tmp_path, purchases(5)))
    assert [one.ailment.kind for one in diagnosed(config, mend=True).left] == []
    assert sorted(file.name for file in tmp_path.iterdir()) == ["purchases.csv", "regulars.toml"]


def test_what_a_killed_night_leaves_is_found_without_a_change_then_mended_once(night: Night) -> None:
    _spoil_store(night)
    _spoil_files(night)
    before = night.tree()
    found = night.found()
    assert kinds(found) == LEFT
    assert night.tree() == before
    # Whoever killed the holder of a lock has harmed nobody: the next run takes it over.
    assert len(found.left) == len(LEFT) - 1
    assert found.lines[-1] == f"{len(LEFT) - 1} wrong; `regulars doctor --mend` mends what it can"
    mended = night.found(mend=True)
    # Whoever mends keeps all jobs out, and takes over the lock that was left.
    assert kinds(mended) == LEFT[1:]
    assert all(one.mended for one in mended.found), mended.lines
    assert mended.lines[-1] == "all is mended"
    assert kinds(night.found(mend=True)) == []
    # Whoever was whole still is: the champion speaks, readers follow the links to the run of the only day there is.
    assert night.registry.champion("regulars")[1].version == "1"
    assert sorted(f.name for f in night.book.folder.iterdir()) == [str(shop().ends), "latest", "runs"]
    assert night.book.latest is not None
    assert night.book.latest.verified().as_of == shop().ends
    assert not list(night.folder.rglob(".tmp-*"))
    statuses = {r.info.status for r in night.registry.store.client().search_runs([night.registry.store.experiment()])}
    assert statuses == {"FINISHED", "KILLED"}


def test_a_run_that_was_changed_is_removed_and_readers_find_the_whole_one_of_another_day(night: Night) -> None:
    earlier = shop().ends.minus(7)
    score_to(build_ledger(night.config), night.config, earlier)
    (latest,) = [run for run in night.book.runs() if run.as_of == shop().ends]
    with (latest.folder / "scores.csv").open("a", encoding="utf-8") as file:
        file.write("somebody\n")
    (latest.folder / "extra.txt").write_text("", encoding="utf-8")
    found = night.found()
    assert kinds(found) == ["unwhole-run", "open-file"]
    assert found.found[0].ailment.what.endswith("is not as it was published: extra.txt, scores.csv")
    assert f"--as-of {shop().ends}" in found.found[0].ailment.do
    # Once the run is gone its two links lead nowhere: the day's goes, the other shows the day before.
    assert kinds(night.found(mend=True)) == ["unwhole-run", "dangling-link", "dangling-link"]
    assert [str(run.as_of) for run in night.book.published()] == [str(earlier)]
    assert night.book.latest is not None
    assert night.book.latest.as_of == earlier


def test_a_store_that_was_moved_is_written_anew_and_loads(night: Night) -> None:
    elsewhere = night.folder.with_name("moved")
    night.folder.rename(elsewhere)
    there = Night(elsewhere, Config.load(elsewhere / "regulars.toml"))
    assert kinds(there.found()) == ["moved-store", "no-champion"]
    assert kinds(there.found(mend=True)) == ["moved-store"]
    assert kinds(there.found()) == []
    assert there.registry.champion("regulars")[1].version == "1"


def test_a_champion_whose_files_were_changed_is_for_people_to_decide(night: Night) -> None:
    with night.registry.folder(named(night.registry, "regulars", "champion")) as model:
        (model / "code" / "more.py").write_text("print()\n", encoding="utf-8")
        (model / "code" / "more.py").chmod(0o600)
    found = night.found(mend=True)
    assert kinds(found) == ["unfit-version", "no-champion"]
    assert [one.mended for one in found.found] == [False, False]
    assert "`regulars rollback`" in found.found[0].ailment.do
    assert found.lines[-1] == "2 wrong"


def test_an_alias_moved_by_hand_is_told(night: Night) -> None:
    client = night.registry.store.client()
    client.delete_model_version_tag("regulars", "1", "gate")
    (found,) = night.found(mend=True).found
    assert found.ailment.kind == "no-champion"
    assert "by hand" in found.ailment.what


def test_a_store_of_files_beside_the_database_is_told(night: Night) -> None:
    accident = night.folder / "mlruns" / "0"
    accident.mkdir(mode=0o700)
    (accident / "meta.yaml").touch(0o600)
    (found,) = night.found().left
    assert found.ailment.kind == "file-store"


def test_while_somebody_is_at_work_nothing_of_his_is_called_unfinished(night: Night) -> None:
    half = night.folder / ".regulars" / "ledger" / ".tmp-half"
    half.mkdir(mode=0o700)
    program = (
        "import sys, time; from pathlib import Path; from regulars.disk.lock import job\n"
        "with job(Path(sys.argv[1]), 'score', 'scoring'):\n    print('at it', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(night.folder / ".regulars")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "at it\n"
        found = night.found()
        assert kinds(found) == []
        (who,) = found.busy
        assert who.startswith(f"scoring, host {platform.node()}, pid {other.pid}, since 20")
        with pytest.raises(Busy, match="scoring"):
            night.found(mend=True)
        other.send_signal(signal.SIGKILL)
    assert half.is_dir()
    assert kinds(night.found()) == ["stale-lock", "unfinished-file"]
    assert kinds(night.found(mend=True)) == ["unfinished-file"]
    assert not half.exists()


def test_the_stage_of_a_server_that_runs_is_nobody_elses(night: Night) -> None:
    with stood(night.config) as stages:
        half = stages.folder / "stages" / ".tmp-1-0a0b"
        private(half)
        assert kinds(night.found()) == kinds(night.found(mend=True)) == []
        assert half.is_dir()


def test_the_machine_is_looked_at(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    builds: dict[str, str | None] = {"xgboost": "3.2.0", "xgboost-cpu": "3.2.0"}
    monkeypatch.setattr(ailing_machine, "_installed", builds.get)
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setattr(ailing_machine, "LEAST_BYTES", 10**18)
    # The clock of 1 February 2024: the files were written later, and purchases reach to 25 February.
    monkeypatch.setattr("time.time", lambda: 1_706_745_600.0)
    monkeypatch.setattr("time.time_ns", lambda: 1_706_745_600 * 10**9)
    found = night.found(mend=True)
    assert kinds(found) == ["two-xgboosts", "spinning-threads", "no-room", "wrong-clock", "future-purchases"]
    assert [one.left for one in found.found] == [True, False, True, True, False]
    assert "xgboost 3.2.0 and xgboost-cpu 3.2.0" in found.found[0].ailment.what


def test_what_cannot_be_looked_at_or_mended_is_told_and_the_others_go_on(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    _spoil_store(night)
    monkeypatch.setattr("regulars.pipelines.ailing_store.end_run", broken)
    (night.folder / ".regulars" / "ledger" / "current-0.json").unlink(missing_ok=True)
    for file in (night.folder / ".regulars" / "ledger").glob("current-*.json"):
        file.write_text("{", encoding="utf-8")
    found = night.found(mend=True)
    assert "unreadable" in kinds(found) or "damaged-ledger" in kinds(found)
    assert {"stale-run", "pending-model", "unfit-version"} <= set(kinds(found))
    (stuck,) = [one for one in found.found if one.ailment.kind == "stale-run"]
    assert not stuck.mended
    assert "Permission denied" in stuck.lines[-1]


def test_the_command_ends_with_7_while_something_is_wrong_and_writes_figures(night: Night, tmp_path: Path) -> None:
    (night.folder / "scores" / "latest").unlink()
    (night.folder / "scores" / "latest").symlink_to("runs/none")
    toml = night.folder / "regulars.toml"
    ill = run("doctor", toml, "--json", tmp_path / "ill.json")
    assert ill.code == 7
    assert "7" in {str(code) for code in EXITS}
    assert "scores/latest leads to no run" in ill.out
    mended = run("--log", "json", "doctor", toml, "--mend", "--json", tmp_path / "mended.json")
    assert mended.code == 0
    assert mended.lines[-1]["mended"] == 1
    figures = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("ill", "mended")]
    assert [(f["wrong"], f["mended"], f["found"][0]["kind"]) for f in figures] == [
        (1, 0, "dangling-link"),
        (0, 1, "dangling-link"),
    ]


def test_every_check_is_made() -> None:
    # Guards the list: what `orphans` knows of must be asked for by some check.
    asked = {name for check in CHECKS for name in check.__code__.co_names}
    wanted = {"moved_artifacts", "stale_runs", "pending_models", "unfit_versions", "dangling_aliases"}
    assert wanted <= asked
    assert wanted <= set(vars(orphans))


def test_nobody_is_kept_out_by_a_look(night: Night) -> None:
    night.found()
    with job(night.folder / ".regulars", "score", "scoring"):
        pass
