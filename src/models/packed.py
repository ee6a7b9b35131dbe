"""What MLflow is told of a model: what it takes and gives, the code that answers, the libraries which that needs.

In: a model. Out: a signature as plain values, a folder with the part of the package that serving imports, pinned
requirements. MLflow itself is not known here. Every number is a double, as a column with a null is one; nothing is
required but what every request must say.
"""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..features.family import BUILT_IN
from .model import Model
from .outputs import OUTPUTS, SCORES
from .request import columns_of_request
from .seal import LIBRARIES

ROOT = Path(__file__).resolve().parents[1]
ANSWERING = ("models.served", *(f"features.{name}" for name in BUILT_IN))
"""What is imported by name when a bundle is served; all else follows from what these import."""
_KINDS = {"number": "double", "integer": "integer", "text": "string", "boolean": "boolean"}


def signature_of(model: Model) -> dict[str, str]:
    """What a model takes and gives, for `mlflow.models.ModelSignature.from_dict`.

    Written by hand: MLflow's own guess leaves the signature out where a column is nullable.
    """
    asked = columns_of_request(model.plan.columns, model.shape)
    inputs = [{"type": c.kind, "name": c.name, "required": c.required} for c in asked]
    outputs = [{"type": _kind(name), "name": name, "required": True} for name in SCORES]
    params = [
        {"name": name, "type": kind, "default": default, "shape": None}
        for name, (kind, default) in params_of(model).items()
    ]
    return {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs), "params": json.dumps(params)}


def _kind(name: str) -> str:
    """MLflow's name for the kind of a column of scores."""
    if name == "orders":
        return "long"
    return _KINDS[OUTPUTS[name].kind] if name in OUTPUTS else "string"


def params_of(model: Model) -> dict[str, tuple[str, str | bool]]:
    """The parameters of a request: kind and default."""
    return {
        "as_of": ("string", str(model.trained_on)),
        "horizons": ("string", ""),
        "reasons": ("boolean", False),
        "offers": ("boolean", False),
    }


def requirements() -> list[str]:
    """The libraries of a bundle, in the versions that trained it."""
    found = []
    for name in LIBRARIES:
        try:
            found.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue
    return found


def staged(folder: Path) -> None:
    """Copy the part of the package that serving imports into a new folder, under the package's own name."""
    for source in served_files():
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def served_files() -> tuple[Path, ...]:
    """The files of the package that serving imports, as the code itself says.

    Examples
    --------
    >>> names = {file.name for file in served_files()}
    >>> "bundle.py" in names, "tracking.py" in names
    (True, False)
    """
    found: set[Path] = set()
    waiting = list(ANSWERING)
    while waiting:
        parts = waiting.pop().split(".")
        for depth in range(len(parts) + 1):
            file = _file(parts[:depth])
            if file is not None and file not in found:
                found.add(file)
                waiting += _imported(file)
    return tuple(sorted(found))


def _file(parts: list[str]) -> Path | None:
    """The file of a module of the package; None for a name that is none."""
    path = ROOT.joinpath(*parts)
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file if file.is_file() else None


def _imported(file: Path) -> Iterator[str]:
    """The modules of the package that a file imports when it is loaded, dotted from the package's root."""
    here = file.relative_to(ROOT).parent.parts
    for node in _run_when_loaded(ast.parse(file.read_text(encoding="utf-8")).body):
        if not isinstance(node, ast.ImportFrom):
            continue
        named = (node.module or "").split(".") if node.module else []
        if node.level:
            named = [*here[: len(here) + 1 - node.level], *named]
        elif named[:1] == [__name__.partition(".")[0]]:
            named = named[1:]
        else:
            continue
        yield from (".".join([*named, alias.name]) for alias in node.names)


def _run_when_loaded(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _run_when_loaded(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            yield from _run_when_loaded([*node.body, *getattr(node, "orelse", [])])
        else:
            yield node
