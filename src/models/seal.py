"""The seal of a model: the one number that all its files make, and what may be among them at all.

In: the folder of an MLflow model, or the bundle in it. Out: its seal, or the files of the bundle as bytes. A file too
many, too few or changed, a link, or settings that would run other code than ours, are refused. Nothing here imports or
runs anything that it looks at. Caches that Python writes beside the code, and the note of MLflow under which name a
model was asked for, are no part of the model.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import NoModel

BUNDLE = "artifacts/bundle"
SERVED = "served.py"
MANIFEST = "manifest.json"
NOTED_LATER = "registered_model_meta"
LIBRARIES = ("mlflow", "numpy", "pandas", "pyarrow", "scipy", "threadpoolctl", "xgboost-cpu", "xgboost")
"""All that a served bundle may ask for."""
_CODE = r"(?:code/regulars/(?:[a-z_]+/)?)"
_ALLOWED = re.compile(
    rf"MLmodel|conda\.yaml|python_env\.yaml|requirements\.txt|{re.escape(SERVED)}"
    rf"|{_CODE}[a-z_0-9]+\.py"
    rf"|{BUNDLE}/(?:(?:manifest|model|card)\.json|card\.md|[a-z]+_[0-9]+_[a-z]+\.ubj)"
)
_CACHE = re.compile(rf"({_CODE}?)__pycache__/([a-z_0-9]+)\.cpython-[0-9]+(?:\.opt-[12])?\.pyc")
_IN_BUNDLE = re.compile(r"(?:(?:model|card)\.json|card\.md|[a-z]+_[0-9]+_[a-z]+\.ubj)")
_NEEDED = ("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", SERVED, f"{BUNDLE}/{MANIFEST}")
_ABOUT = {
    *("artifact_path", "flavors", "is_signature_from_type_hint", "mlflow_version", "model_id", "model_size_bytes"),
    *("model_uuid", "prompts", "run_id", "signature", "type_hint_from_example", "utc_time_created"),
}
_FLAVOR: Mapping[str, object] = {
    "loader_module": "mlflow.pyfunc.loaders.code_model",
    "code": "code",
    "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
    "streamable": False,
}
_FLAVOR_TEXTS = {"cloudpickle_version", "python_version"}
_VERSION = r"[0-9][0-9A-Za-z.+]*"
_REQUIREMENT = re.compile(rf"(?:{'|'.join(LIBRARIES)})=={_VERSION}")
_TOOL = re.compile(rf"(?:pip|setuptools|wheel)(?:[<=]={_VERSION})?")
_LARGEST_TEXT = 1_000_000
_MAIN = "train again, or `regulars rollback` to the model before"


def seal_of(folder: Path) -> str:
    """SHA-256 over the sorted names and hashes of every file of an MLflow model folder.

    Raises
    ------
    NoModel
        When something in it is no plain file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "MLmodel").write_text("a")
    ...     before = seal_of(Path(folder))
    ...     _ = (Path(folder) / "registered_model_meta").write_text("b")
    ...     before == seal_of(Path(folder)), len(before)
    (True, 64)
    """
    found = hashlib.sha256()
    for name, path in sorted(_sealed(folder).items()):
        with path.open("rb") as file:
            found.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n".encode())
    return found.hexdigest()


def bundle_digest(folder: Path) -> str:
    """SHA-256 of the manifest of a bundle's own folder, and so of everything in it."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def check_model_folder(folder: Path, seal: str | None) -> Path:
    """Refuse the folder of an MLflow model that is not as it was sealed, before anything of it is imported or run.

    Parameters
    ----------
    seal : str or None
        What `seal_of` gave when the model was registered; None is a model that nobody sealed, and refused.

    Returns
    -------
    Path
        The bundle's own folder.

    Raises
    ------
    NoModel
        A file too many, too few or changed; a link; settings that would run other code than ours.
    """
    if not folder.is_dir():
        raise NoModel("the folder of the model is not there", do=_MAIN, code="RG300")
    files = _sealed(folder)
    odd = sorted(name for name in files if not _ALLOWED.fullmatch(name))
    if odd:
        raise _refused("files that no model of ours has", odd, "RG300")
    lacking = [name for name in _NEEDED if name not in files]
    if lacking:
        raise _refused("files are missing", lacking, "RG300")
    _check_settings(_yaml(files["MLmodel"]))
    _check_libraries(folder)
    verified(folder / BUNDLE)
    if seal is None or seal_of(folder) != seal:
        said = "the model was never sealed" if seal is None else "its files are not those that were registered"
        raise NoModel(said, needed="the seal of its version", do=_MAIN, code="RG302")
    return folder / BUNDLE


def verified(folder: Path, digest: str | None = None) -> dict[str, bytes]:
    """The files of a bundle, each of which is what the manifest says; by name, without the manifest.

    Parameters
    ----------
    digest : str, optional
        What `bundle_digest` gave when the bundle was registered.

    Raises
    ------
    NoModel
        When the folder is no bundle, or a file is too many, too few or changed.
    """
    try:
        manifest = _plain(folder / MANIFEST).read_bytes()
        hashes = dict(json.loads(manifest)["sha256"])
        present = {p.name for p in folder.iterdir()} - {MANIFEST}
        files = {name: _plain(folder / name).read_bytes() for name in sorted(present & set(hashes))}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoModel(f"{folder.name} is not a model bundle: {error}", do=_MAIN, code="RG072") from None
    wrong = sorted(present ^ set(hashes)) + sorted(n for n in files if not _IN_BUNDLE.fullmatch(n))
    wrong += sorted(n for n, data in files.items() if hashlib.sha256(data).hexdigest() != hashes[n])
    if digest is not None and hashlib.sha256(manifest).hexdigest() != digest:
        wrong.append(MANIFEST)
    if wrong or "model.json" not in files:
        raise NoModel("the model bundle was changed", needed="its own files", offending=wrong, do=_MAIN, code="RG073")
    return files


def _refused(found: str, offending: list[str], code: str) -> NoModel:
    return NoModel(f"the model is refused: {found}", offending=offending, do=_MAIN, code=code)


def _plain(path: Path) -> Path:
    """A path, unless it is a link or no file."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise _refused("links, or what is no file", [path.name], "RG300")
    return path


def _sealed(folder: Path) -> dict[str, Path]:
    """Every file of the model by its name in the folder, but for what is no part of it."""
    found: dict[str, Path] = {}
    for root, folders, names in os.walk(folder, followlinks=False, onerror=_unreadable):
        linked = [name for name in folders if (Path(root) / name).is_symlink()]
        if linked:
            raise _refused("links, or what is no file", sorted(linked), "RG300")
        for name in names:
            path = _plain(Path(root) / name)
            found[path.relative_to(folder).as_posix()] = path
    caches = {name for name in found if (c := _CACHE.fullmatch(name)) and f"{c[1] or ''}{c[2]}.py" in found}
    return {name: path for name, path in found.items() if name not in caches and name != NOTED_LATER}


def _unreadable(error: OSError) -> None:
    raise NoModel(f"the folder of the model cannot be read: {error.strerror}", code="RG300")


def _yaml(path: Path) -> Any:
    """What a file of MLflow says: plain values only, whatever tags stand in it."""
    import yaml

    try:
        if path.stat().st_size > _LARGEST_TEXT:
            raise ValueError(path.name)
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError):
        raise _refused("its settings cannot be read", [path.name], "RG301") from None


def _check_settings(about: Any) -> None:
    """Refuse an MLmodel that says anything else than that our code answers from our bundle."""
    if not isinstance(about, dict) or not isinstance(about.get("flavors"), dict):
        raise _refused("its settings cannot be read", ["MLmodel"], "RG301")
    odd = sorted(str(key) for key in set(about) - _ABOUT)
    odd += sorted(str(name) for name in about["flavors"] if name != "python_function")
    flavor = about["flavors"].get("python_function")
    odd += ["python_function"] if not isinstance(flavor, dict) else _odd_settings(flavor)
    if odd:
        raise _refused("settings that would run other code than ours", odd, "RG301")


def _odd_settings(flavor: Mapping[str, Any]) -> list[str]:
    """The keys of the flavour that ours does not have, or that say something else there."""
    known = {*_FLAVOR, *_FLAVOR_TEXTS, "artifacts", "model_code_path"}
    odd = {str(key) for key in set(flavor) - known}
    odd |= {key for key, meant in _FLAVOR.items() if flavor.get(key) != meant or type(flavor[key]) is not type(meant)}
    odd |= {key for key in _FLAVOR_TEXTS if not re.fullmatch(_VERSION, str(flavor.get(key, "0")))}
    artifacts = flavor.get("artifacts")
    bundle = artifacts.get("bundle") if isinstance(artifacts, dict) and set(artifacts) == {"bundle"} else None
    if not isinstance(bundle, dict) or set(bundle) - {"path", "uri"} or bundle.get("path") != BUNDLE:
        odd.add("artifacts")
    # MLflow runs the file of this name that lies beside the MLmodel, wherever the path says it came from.
    if str(flavor.get("model_code_path")).rpartition("/")[2] != SERVED:
        odd.add("model_code_path")
    return sorted(odd)


def _check_libraries(folder: Path) -> None:
    """Refuse an environment in which anything else than our libraries would be installed."""
    lines = (folder / "requirements.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    conda, virtual = _yaml(folder / "conda.yaml"), _yaml(folder / "python_env.yaml")
    try:
        *tools, pip = conda["dependencies"]
        plain = all(_TOOL.fullmatch(t) or re.fullmatch(rf"python={_VERSION}", t) for t in tools)
        same = list(pip) == ["pip"] and pip["pip"] == lines and conda["channels"] == ["conda-forge"]
        built = all(_TOOL.fullmatch(t) for t in virtual["build_dependencies"])
        named = virtual["dependencies"] == ["-r requirements.txt"] and re.fullmatch(_VERSION, str(virtual["python"]))
        keys = set(conda) == {"channels", "dependencies", "name"} and set(virtual) == {
            *("python", "build_dependencies", "dependencies")
        }
    except (KeyError, TypeError, ValueError):
        keys = False
    odd = [line for line in lines if not _REQUIREMENT.fullmatch(line)]
    if odd or not (keys and plain and same and built and named):
        raise _refused("it asks for other libraries than ours", odd, "RG303")
