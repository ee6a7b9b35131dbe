"""The seal: forty ways to tamper with a registered model, each refused before anything of it is imported or run.

The folder is written here as MLflow writes it, with other bytes where models would be: nothing may look into them.
`test_tracking.py` shows that what MLflow really writes is taken.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from regulars.errors import NoModel
from regulars.models.seal import bundle_digest, check_model_folder, seal_of, verified

LIBRARIES = ("mlflow==3.17.2", "numpy==2.4.6", "xgboost-cpu==3.2.0")
FLAVOR: dict[str, Any] = {
    "artifacts": {"bundle": {"path": "artifacts/bundle", "uri": "/tmp/regulars-1/bundle"}},
    "cloudpickle_version": "3.1.2",
    "code": "code",
    "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
    "loader_module": "mlflow.pyfunc.loaders.code_model",
    "model_code_path": "/somewhere/src/models/served.py",
    "python_version": "3.11.7",
    "streamable": False,
}
CANARY = "canary"


def manifest_of(bundle: Path) -> None:
    """A manifest that fits the files as they are."""
    hashes = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(bundle.iterdir()) if p.is_file()}
    hashes.pop("manifest.json", None)
    (bundle / "manifest.json").write_text(json.dumps({"format": 5, "sha256": hashes}))


def written(folder: Path) -> Path:
    """The folder of an MLflow model of ours."""
    bundle, code = folder / "artifacts" / "bundle", folder / "code" / "regulars"
    for one in (bundle, code / "models", code / "features"):
        one.mkdir(parents=True)
    for name in ("model.json", "card.json", "card.md", "churn_30_plain.ubj", "churn_30_rich.ubj"):
        (bundle / name).write_text(f"{{what {name} holds}}")
    manifest_of(bundle)
    for name in ("__init__.py", "errors.py", "models/bundle.py", "features/rfm.py"):
        (code / name).write_text(f"NAME = {name!r}\n")
    (folder / "served.py").write_text("import regulars\n")
    about = {"flavors": {"python_function": FLAVOR}, "mlflow_version": "3.17.2", "run_id": "0" * 32, "signature": {}}
    (folder / "MLmodel").write_text(yaml.safe_dump(about))
    (folder / "requirements.txt").write_text("\n".join(LIBRARIES))
    dependencies = ["python=3.11.7", "pip<=26.3", {"pip": list(LIBRARIES)}]
    conda = {"channels": ["conda-forge"], "dependencies": dependencies, "name": "mlflow-env"}
    (folder / "conda.yaml").write_text(yaml.safe_dump(conda))
    built = ["pip==26.3", "setuptools==84.2.1", "wheel==0.48.0"]
    virtual = {"python": "3.11.7", "build_dependencies": built, "dependencies": ["-r requirements.txt"]}
    (folder / "python_env.yaml").write_text(yaml.safe_dump(virtual))
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("sealed") / "model")


@pytest.fixture
def copied(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to be tampered with; code that runs in it would leave a canary in the folder in which one stands."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(whole, tmp_path / "model"))


def about(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Another MLmodel."""
    file = folder / "MLmodel"
    content = yaml.safe_load(file.read_text())
    change(content)
    file.write_text(yaml.safe_dump(content))


def flavor(**changed: object) -> Callable[[Path], None]:
    """Settings of the flavour changed; None takes one away."""

    def change(content: dict[str, Any]) -> None:
        settings = content["flavors"]["python_function"]
        settings.update(changed)
        for name in [n for n, value in settings.items() if value is None]:
            del settings[name]

    return lambda folder: about(folder, change)


class Evil:
    """What makes the canary when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {CANARY}",)


RUNS = f"import os\nos.system('touch {CANARY}')\n"


def added(name: str, content: bytes = RUNS.encode()) -> Callable[[Path], None]:
    """A file more."""

    def add(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return add


def linked(name: str) -> Callable[[Path], None]:
    """A file or folder that lies elsewhere, with a link to it in its place."""

    def link(folder: Path) -> None:
        outside = folder.parent / "outside"
        (folder / name).rename(outside)
        (folder / name).symlink_to(outside)

    return link


def removed(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def listed(name: str) -> Callable[[Path], None]:
    """A file outside that the manifest names with its true hash."""

    def name_it(folder: Path) -> None:
        (folder.parent / "outside").write_bytes(b"{}")
        file = folder / "artifacts/bundle/manifest.json"
        manifest = json.loads(file.read_text())
        manifest["sha256"][name.format(folder.parent)] = hashlib.sha256(b"{}").hexdigest()
        file.write_text(json.dumps(manifest))

    return name_it


def zipped(folder: Path) -> None:
    with zipfile.ZipFile(folder / "code" / "regulars.zip", "w") as archive:
        archive.writestr("regulars/../../../canary.py", RUNS)


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    def replace(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return replace


def named(name: str) -> str:
    return f"artifacts/bundle/{name}"


EVEN_SEALED_ANEW: dict[str, Callable[[Path], object]] = {
    "another loader": flavor(loader_module="mlflow.sklearn"),
    "a loader of its own": flavor(loader_module="regulars.models.bundle"),
    "no loader": flavor(loader_module=None),
    "code from outside": flavor(code="../outside"),
    "code from anywhere": flavor(code="/tmp"),
    "code from a file": flavor(code="artifacts/bundle/model.json"),
    "no code": flavor(code=None),
    "a pickled model": flavor(python_model="python_model.pkl"),
    "a pickled model beside": added("python_model.pkl", pickle.dumps(Evil())),
    "a pickle in the bundle": added(named("model.pkl"), pickle.dumps(Evil())),
    "a pickle that the manifest names": lambda folder: (
        added(named("churn_30_plain.pkl"), pickle.dumps(Evil()))(folder),
        manifest_of(folder / "artifacts/bundle"),
    ),
    "another file that answers": flavor(model_code_path="/somewhere/errors.py"),
    "a model's settings": flavor(config="evil.yaml"),
    "a bundle outside": flavor(artifacts={"bundle": {"path": "../outside", "uri": ""}}),
    "a bundle anywhere": flavor(artifacts={"bundle": {"path": "/tmp", "uri": ""}}),
    "a second artifact": flavor(artifacts={**FLAVOR["artifacts"], "more": {"path": "x", "uri": "y"}}),
    "another environment": flavor(env={"conda": "evil.yaml", "virtualenv": "python_env.yaml"}),
    "truth instead of falsehood": flavor(streamable=0),
    "another flavour": lambda folder: about(folder, lambda m: m["flavors"].update(sklearn={"pickled_model": "m.pkl"})),
    "no flavour of ours": lambda folder: about(folder, lambda m: m.update(flavors={"sklearn": {}})),
    "an example of customers": lambda folder: about(folder, lambda m: m.update(saved_input_example_info={})),
    "settings that make objects": lambda folder: (folder / "MLmodel").write_text(
        f"flavors: !!python/object/apply:os.system ['touch {CANARY}']\n"
    ),
    "settings that are none": lambda folder: (folder / "MLmodel").write_text("- flavors"),
    "settings without an end": lambda folder: (folder / "MLmodel").write_text("[" * 500),
    "settings of megabytes": lambda folder: os.truncate(folder / "MLmodel", 2_000_000),
    "another library": replaced("requirements.txt", "numpy==2.4.6", "numpy-evil==2.4.6"),
    "a library from elsewhere": replaced("requirements.txt", "numpy==", "--index-url=http://localhost numpy=="),
    "another library for conda": replaced("conda.yaml", "numpy==2.4.6", "numpy-evil==2.4.6"),
    "another channel": replaced("conda.yaml", "conda-forge", "http://localhost/evil"),
    "another tool": replaced("python_env.yaml", "wheel==0.48.0", "evil==0.48.0"),
    "another list of libraries": replaced("python_env.yaml", "-r requirements.txt", "-r ../outside.txt"),
    "a compiled library": added("code/regulars/errors.cpython-311-x86_64-linux-gnu.so"),
    "an archive of code": zipped,
    "a file that Python runs at its start": added("code/evil.pth"),
    "code beside the package": added("code/sitecustomize.py"),
    "code instead of a library": added("code/numpy/__init__.py"),
    "code in the bundle": added(named("evil.py")),
    "compiled code without a source": added("code/regulars/__pycache__/evil.cpython-311.pyc"),
    "compiled code in place of a source": added("code/regulars/evil.pyc"),
    "a hidden file": added("code/regulars/.hidden.py"),
    "a name of two lines": added("code/regulars/a\nb.py"),
    "a name with a backslash": added("code/regulars/..\\..\\evil.py"),
    "a link to a file": linked("code/regulars/errors.py"),
    "a link to the settings": linked("MLmodel"),
    "a link to a booster": linked(named("churn_30_plain.ubj")),
    "a link to the bundle": linked("artifacts/bundle"),
    "a link to the code": linked("code"),
    "a pipe": lambda folder: os.mkfifo(folder / "code" / "regulars" / "pipe.py"),
    "a manifest that points upwards": listed("../../../outside"),
    "a manifest that points anywhere": listed("{}/outside"),
    "a file that no manifest names": added(named("churn_60_plain.ubj")),
    "a booster less": removed(named("churn_30_plain.ubj")),
    "no manifest": removed(named("manifest.json")),
    "no file that answers": removed("served.py"),
    "no libraries": removed("requirements.txt"),
}


@pytest.mark.parametrize("kind", EVEN_SEALED_ANEW)
def test_what_no_model_of_ours_has_is_refused_even_with_a_seal_made_for_it(copied: Path, kind: str) -> None:
    before = seal_of(copied)
    EVEN_SEALED_ANEW[kind](copied)
    with pytest.raises(NoModel) as refused:
        check_model_folder(copied, before)
    assert refused.value.exit_code == 6
    with pytest.raises(NoModel) as again:
        check_model_folder(copied, seal_of(copied))
    # Not for its seal, which fits, or cannot even be made.
    assert again.value.code in ("RG072", "RG073", "RG300", "RG301", "RG303")
    assert not (copied.parent / CANARY).exists()


def swapped(folder: Path) -> None:
    first, second = (folder / named(f"churn_30_{member}.ubj") for member in ("plain", "rich"))
    ours, theirs = first.read_bytes(), second.read_bytes()
    first.write_bytes(theirs)
    second.write_bytes(ours)
    manifest_of(folder / "artifacts/bundle")


def with_manifest(name: str) -> Callable[[Path], object]:
    """A file of the bundle changed, and the manifest made anew."""
    return lambda folder: (added(named(name), b"{other}")(folder), manifest_of(folder / "artifacts/bundle"))


UNSEALED: dict[str, Callable[[Path], object]] = {
    "code that runs more": added("served.py"),
    "code of the package that runs more": added("code/regulars/errors.py"),
    "a module more": added("code/regulars/models/evil.py"),
    "a module less": removed("code/regulars/features/rfm.py"),
    "two boosters swapped, with their manifest": swapped,
    "another booster, with its manifest": with_manifest("churn_30_rich.ubj"),
    "a booster more, with its manifest": with_manifest("churn_60_rich.ubj"),
    "another model, with its manifest": with_manifest("model.json"),
    "another card, with its manifest": with_manifest("card.md"),
    "an older library": lambda folder: (
        replaced("requirements.txt", "numpy==2.4.6", "numpy==2.0.0")(folder),
        replaced("conda.yaml", "numpy==2.4.6", "numpy==2.0.0")(folder),
    ),
    "another signature": lambda folder: about(folder, lambda m: m.update(signature={"inputs": "[]"})),
}


@pytest.mark.parametrize("kind", UNSEALED)
def test_what_could_be_a_model_of_ours_but_is_another_is_refused_by_its_seal(copied: Path, kind: str) -> None:
    before = seal_of(copied)
    UNSEALED[kind](copied)
    with pytest.raises(NoModel, match="not those that were registered"):
        check_model_folder(copied, before)
    assert not (copied.parent / CANARY).exists()


def test_the_model_as_it_was_registered_is_taken(whole: Path) -> None:
    assert check_model_folder(whole, seal_of(whole)) == whole / "artifacts" / "bundle"
    assert set(verified(whole / "artifacts" / "bundle")) == {
        *("model.json", "card.json", "card.md", "churn_30_plain.ubj", "churn_30_rich.ubj"),
    }


def test_the_seal_is_the_hash_of_all_names_and_hashes_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"2")
    (tmp_path / "a").write_bytes(b"1")
    one, two = (hashlib.sha256(content).hexdigest() for content in (b"1", b"2"))
    assert seal_of(tmp_path) == hashlib.sha256(f"{one}  a\n{two}  b/c\n".encode()).hexdigest()


def test_what_mlflow_and_python_note_later_is_no_part_of_the_model(copied: Path) -> None:
    before = seal_of(copied)
    (copied / "registered_model_meta").write_text("model_name: regulars\n")
    for cache in ("__pycache__/served.cpython-311.pyc", "code/regulars/__pycache__/errors.cpython-312.opt-1.pyc"):
        added(cache, b"")(copied)
    assert check_model_folder(copied, before)


def test_a_model_that_nobody_sealed_is_refused(whole: Path) -> None:
    with pytest.raises(NoModel, match="never sealed"):
        check_model_folder(whole, None)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match="not there"):
        check_model_folder(tmp_path / "nowhere", "")


def flips(folder: Path, count: int) -> list[tuple[Path, int]]:
    """Places of single bits: so many in every file, the first and the last byte among them."""
    draws, found = random.Random(7), []
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        last = file.stat().st_size - 1
        found += [(file, at) for at in {0, last, *(draws.randint(0, last) for _ in range(count))}]
    return found


@pytest.mark.parametrize("count", [1, pytest.param(200, marks=pytest.mark.soak)])
def test_one_bit_flipped_in_any_file_is_refused(copied: Path, count: int) -> None:
    before = seal_of(copied)
    for file, at in flips(copied, count):
        content = file.read_bytes()
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(NoModel):
            check_model_folder(copied, before)
        file.write_bytes(content)
    assert check_model_folder(copied, before)


def test_a_bundle_is_told_by_the_digest_of_its_manifest(copied: Path) -> None:
    bundle = copied / "artifacts" / "bundle"
    before = bundle_digest(bundle)
    assert before == hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest()
    with_manifest("card.md")(copied)
    assert set(verified(bundle)) >= {"card.md"}
    with pytest.raises(NoModel, match=r"manifest\.json"):
        verified(bundle, before)


def test_looking_at_a_model_loads_nothing_that_could_run_it(whole: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from regulars.models.seal import check_model_folder, seal_of; "
        "check_model_folder(Path(sys.argv[1]), seal_of(Path(sys.argv[1]))); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program, str(whole)], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "yaml" in loaded
    assert not loaded & {"mlflow", "xgboost", "pickle", "cloudpickle", "numpy", "pandas"}
