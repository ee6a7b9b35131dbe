"""What is shipped: the list of packages kept by hand, the locks, the version, the wheel, what git leaves alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from pathlib import Path

import pytest

import regulars

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ["requirements.lock", "requirements-production.lock", "requirements-data.lock"]


def _sources() -> dict[str, Path]:
    """Each source file as the wheel must call it -> where it stands."""
    files = {}
    for folder, package in (("src", "regulars"), ("pipelines", "regulars/pipelines")):
        for path in (ROOT / folder).rglob("*.py"):
            inside = path.relative_to(ROOT / folder)
            # Not the symlink to the other folder, nor the schedules, which are there to be copied.
            if (folder, inside.parts[0]) not in {("src", "pipelines"), ("pipelines", "schedules")}:
                files[f"{package}/{inside.as_posix()}"] = path
    return files


def test_the_list_of_packages_is_the_tree() -> None:
    folders = {str(Path(name).parent).replace("/", ".") for name in _sources()}
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(folders)


def test_every_package_says_what_it_is_for() -> None:
    names = set(_sources())
    assert {f"{Path(name).parent}/__init__.py" for name in names} <= names


@pytest.mark.parametrize(("link", "target"), [(".imports/regulars", "../src"), ("src/pipelines", "../pipelines")])
def test_the_symlinks_for_checkouts_stay_inside_the_project(link: str, target: str) -> None:
    assert (ROOT / link).readlink() == Path(target)
    assert (ROOT / link).is_dir()


def test_the_version_is_the_newest_of_the_changelog() -> None:
    entries = re.findall(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert entries[0] == regulars.__version__


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_no_registry(lock: str) -> None:
    said = [line for line in (ROOT / lock).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    named = r"://|file:|@ |index-url|find-links|trusted-host|^-[a-z]"
    assert [line for line in said if re.search(named, line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_one_exact_release_of_each_with_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    # A requirement starts a line; its hashes follow, each line but the last ending in a backslash.
    blocks = re.findall(
        r"^([a-z][\w.-]*)(\S*)(?: ; [^\\\n]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.M
    )
    started = re.findall(r"^[A-Za-z].*$", text, re.M)
    assert len(blocks) == len(started) > 0
    assert all(re.fullmatch(r"==[\w.+!-]+", pinned) for _, pinned, _ in blocks)
    assert max(Counter(name for name, _, _ in blocks).values()) == 1


def test_the_lock_holds_every_declared_dependency() -> None:
    locked = set(re.findall(r"^([a-z][\w.-]*)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M))
    extras = PROJECT["project"]["optional-dependencies"]
    declared = [*PROJECT["project"]["dependencies"], *extras["dev"], *extras["notebook"]]
    here = [d for d in declared if "!= 'linux'" not in d]
    assert {re.split(r"[^\w-]", d)[0] for d in here} <= locked


def test_the_image_gets_the_releases_that_were_tested_and_nothing_of_development() -> None:
    tested, shipped = (
        dict(re.findall(r"^([a-z][\w.-]*)==([\w.+!-]+)", (ROOT / lock).read_text(encoding="utf-8"), re.M))
        for lock in ("requirements.lock", "requirements-production.lock")
    )
    assert shipped.items() <= tested.items()
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *extras["postgres"], *extras["excel"], *extras["remote"]]
    assert {re.split(r"[^\w-]", d)[0] for d in wanted if "!= 'linux'" not in d} <= set(shipped)
    assert not {"pytest", "mypy", "ruff", "pyright", "hypothesis"} & set(shipped)


def test_data_wheels_are_no_dependency() -> None:
    names = (ROOT / "pyproject.toml").read_text(encoding="utf-8") + (ROOT / "requirements.lock").read_text("utf-8")
    assert not re.search(r"lifetimes|completejourney", names)


def test_the_wheel_holds_each_module_once_and_no_test(tmp_path: Path) -> None:
    # Built from a copy: a build leaves folders behind, and an old one would leak into the wheel.
    tree = tmp_path / "tree"
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("src", "pipelines", "tests"):
        shutil.copytree(ROOT / folder, tree / folder, symlinks=True, ignore=ignored)
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, tree / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "-w", tmp_path, tree], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("regulars-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(f"regulars-{regulars.__version__}.dist-info/METADATA").decode()
    assert Counter(n for n in names if n.endswith(".py")) == Counter(list(_sources()))
    kept = [p for p in (ROOT / "src").rglob("*") if p.suffix in {".html", ".css", ".toml"} or p.name == "py.typed"]
    assert {"regulars/" + p.relative_to(ROOT / "src").as_posix() for p in kept} <= set(names)
    assert "regulars/py.typed" in names
    assert f"Version: {regulars.__version__}\n" in metadata


OUTPUTS = [
    "demo/report.html",
    "demo/scores/latest",
    "mlruns/mlflow.db",
    "mlruns/artifacts/1/run/artifacts/model/MLmodel",
    "scores/runs/2024-01-01-v1-0a1b2c3d/scores.parquet",
    ".cache/wheels/some.whl",
    ".regulars/ledger.parquet",
    ".venv/bin/python",
    "regulars.egg-info/PKG-INFO",
    "src/__pycache__/clock.pyc",
]
COMMITTED = ["mlruns/README.md", ".imports/regulars", ".ci/run", "src/clock.py", "tests/golden/scores.parquet"]


@pytest.mark.skipif(
    not (ROOT / ".git").exists() or shutil.which("git") is None,
    reason="needs git and a checkout, to ask what it ignores",
)
def test_git_ignores_outputs_and_nothing_else() -> None:
    command = ["git", "check-ignore", "--no-index", "--", *OUTPUTS, *COMMITTED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == OUTPUTS
