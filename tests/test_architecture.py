"""The map in ARCHITECTURE terms, held against the imports that the source really makes.

In: the syntax trees of src/ and pipelines/. Out: one sentence for each rule; a failure names file and line.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FOUNDATION = {
    "errors",
    "schema",
    "clock",
    "sections",
    "tuning_section",
    "production_sections",
    "serving_section",
    "offering_section",
    "loyalty_section",
    "config",
}
BELOW_INTAKE = FOUNDATION | {"disk"}
BELOW_MODELS = BELOW_INTAKE | {"intake", "features"}
BELOW_OFFERS = BELOW_MODELS | {"models"}
BESIDE_OFFERS = {"kpis", "offers", "products", "segments"}
BELOW_OUTLETS = BELOW_OFFERS | BESIDE_OFFERS | {"examination", "loyalty", "relations", "timing"}
BELOW_PIPELINES = BELOW_OUTLETS | {"serving", "reports", "engines", "log", "progress", "simulation"}

# errors, clock, config <- disk <- intake <- features <- models <- offers <- serving, reports <- pipelines <- cli
MAY_IMPORT = {
    "errors": set[str](),
    "schema": {"errors"},
    "clock": {"errors"},
    "sections": {"errors", "clock"},
    "tuning_section": {"errors", "sections"},
    "production_sections": {"errors", "sections"},
    "serving_section": {"errors", "sections"},
    "offering_section": {"errors", "sections"},
    "loyalty_section": {"errors", "schema", "clock", "sections"},
    "config": FOUNDATION - {"config"},
    "disk": {"errors"},
    "log": {"errors", "disk"},
    "progress": {"log"},
    "intake": BELOW_INTAKE,
    "features": BELOW_INTAKE | {"intake"},
    "simulation": FOUNDATION,
    "engines": BELOW_MODELS,
    "models": BELOW_MODELS,
    "examination": BELOW_OFFERS,
    "offers": BELOW_OFFERS,
    "kpis": BELOW_OFFERS,
    "products": BELOW_OFFERS,
    "segments": BELOW_OFFERS,
    "loyalty": BELOW_OFFERS | BESIDE_OFFERS,
    "relations": BELOW_OFFERS | BESIDE_OFFERS,
    "timing": BELOW_OFFERS | BESIDE_OFFERS,
    "serving": BELOW_OUTLETS | {"log"},
    "reports": BELOW_OUTLETS,
    "pipelines": BELOW_PIPELINES,
    "cli": BELOW_PIPELINES | {"pipelines"},
    # The package's own door: the public names, loaded when first asked for.
    "__init__": BELOW_PIPELINES | {"pipelines"},
}

HEAVY = {"pandas", "numpy", "scipy", "pyarrow", "duckdb", "sklearn", "xgboost", "mlflow", "optuna", "matplotlib"}

# Who may know the standard library's dates; everyone else receives a Cutoff, a Window or microseconds.
KNOW_DATES = {
    "clock",
    "intake.sources.cells",  # tells the dates of a spreadsheet from its numbers
    "models.rows",  # reads the ISO stamps of a caller
}

# Files that are run by path, outside the package, so that they cannot import relatively.
RUN_BY_PATH = {
    "models.served",  # MLflow's models-from-code
}

LONGEST = 400


@dataclass(frozen=True)
class Import:
    """One imported module: dotted from the package's root when `ours`, from the outside world otherwise."""

    target: str
    ours: bool
    relative: bool
    line: int

    @property
    def first(self) -> str:
        return self.target.split(".")[0]


@dataclass(frozen=True)
class Module:
    """A source file and its dotted name below `regulars`."""

    name: str
    path: Path

    @property
    def layer(self) -> str:
        return self.name.split(".")[0]

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.path)

    def imports(self) -> tuple[Import, ...]:
        """Every import, wherever it stands."""
        return _imports(self)

    def imports_when_loaded(self) -> list[Import]:
        """Only those that run when the module is imported."""
        return [i for node in _run_at_import(self.tree.body) for i in self.read(node)]

    def read(self, node: ast.AST) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                ours = alias.name.split(".")[0] == "regulars"
                yield Import(alias.name.removeprefix("regulars."), ours, False, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            stem = node.module or ""
            ours = node.level > 0 or stem.split(".")[0] == "regulars"
            within = [*self._package(node.level), stem] if node.level else [stem.removeprefix("regulars").lstrip(".")]
            base = ".".join(part for part in within if part)
            # `from . import rfm` names the module among the names; `from .rfm import x` before them.
            # `from .. import __version__` names no module at all.
            found = [base] if base else [alias.name for alias in node.names if not alias.name.startswith("__")]
            yield from (Import(target, ours, node.level > 0, node.lineno) for target in found)

    def _package(self, level: int) -> list[str]:
        parts = [] if self.name == "__init__" else self.name.split(".")
        up = level - 1 if self.path.name == "__init__.py" else level
        return parts[: len(parts) - up]

    def at(self, line: int) -> str:
        return f"{self.path.relative_to(ROOT)}:{line}"


@cache
def _imports(module: Module) -> tuple[Import, ...]:
    return tuple(i for node in ast.walk(module.tree) for i in module.read(node))


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _run_at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _run_at_import(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            yield from _run_at_import(node.body)
            yield from _run_at_import(getattr(node, "orelse", []))
        else:
            yield node


@cache
def _modules() -> tuple[Module, ...]:
    found = []
    for folder, prefix in ((ROOT / "src", ()), (ROOT / "pipelines", ("pipelines",))):
        for path in sorted(folder.rglob("*.py")):
            inside = path.relative_to(folder)
            if folder.name == "src" and inside.parts[0] == "pipelines":
                continue  # the symlink to the other folder
            parts = [*prefix, *inside.with_suffix("").parts]
            if parts[-1] == "__init__" and len(parts) > 1:
                parts.pop()
            found.append(Module(".".join(parts), path))
    return tuple(found)


def _importers(package: str) -> set[str]:
    return {m.name for m in _modules() for i in m.imports() if not i.ours and i.first == package}


def test_every_module_belongs_to_a_layer() -> None:
    assert {m.layer for m in _modules()} <= set(MAY_IMPORT)


def test_imports_go_one_way() -> None:
    against = [
        f"{m.at(i.line)} {m.layer} imports {i.target}"
        for m in _modules()
        for i in m.imports()
        if i.ours and i.first != m.layer and i.first not in MAY_IMPORT[m.layer]
    ]
    assert against == []


def test_imports_inside_the_package_are_relative() -> None:
    absolute = [
        m.at(i.line) for m in _modules() if m.name not in RUN_BY_PATH for i in m.imports() if i.ours and not i.relative
    ]
    assert absolute == []


def test_nobody_imports_the_folder_instead_of_the_package() -> None:
    assert _importers("src") | _importers("pipelines") == set()


def test_the_boosters_are_known_to_models_only() -> None:
    importers = _importers("xgboost")
    assert importers
    assert {name.split(".")[0] for name in importers} == {"models"}


def test_the_search_of_settings_is_one_file() -> None:
    assert len(_importers("optuna")) == 1


def test_mlflow_is_known_at_three_seams_at_most() -> None:
    assert 1 <= len(_importers("mlflow")) <= 3


@pytest.mark.parametrize("name", ["errors", "schema", "clock"])
def test_the_foundation_knows_no_frames(name: str) -> None:
    (module,) = [m for m in _modules() if m.name == name]
    assert not {i.first for i in module.imports() if not i.ours} & {"pandas", "duckdb"}


def test_dates_are_known_to_the_clock_and_the_few_listed() -> None:
    knowing = {m.name for m in _modules() for i in m.imports() if not i.ours and i.first in {"datetime", "zoneinfo"}}
    assert knowing == KNOW_DATES


def test_modules_have_one_subject() -> None:
    long = {
        m.at(lines) for m in _modules() if (lines := len(m.path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert long == set()


def test_modules_are_named_by_what_they_define() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
    assert [m.name for m in _modules() if vague & set(m.name.split("."))] == []


def test_the_command_line_loads_nothing_heavy_before_it_is_needed() -> None:
    cli = [m for m in _modules() if m.layer == "cli"]
    assert "cli.app" in {m.name for m in cli}
    heavy = [
        f"{m.at(i.line)} {i.target}" for m in cli for i in m.imports_when_loaded() if not i.ours and i.first in HEAVY
    ]
    assert heavy == []


def _loaded_by(statement: str, folder: Path) -> set[str]:
    """The modules that a statement adds to a fresh interpreter started in an empty folder."""
    program = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    # Isolated (-I): neither this process's path nor the user's settings count, only what is installed.
    command = [sys.executable, "-I", "-c", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_import_regulars_does_nothing_but_name_things(tmp_path: Path) -> None:
    loaded = _loaded_by("import regulars", tmp_path)
    assert "regulars" in loaded
    assert not {name.split(".")[0] for name in loaded} & (HEAVY | {"pydantic", "typer", "rich", "jinja2"})
    # The package, its lazy door and what of the standard library that needs.
    assert len(loaded) < 25
    assert list(tmp_path.iterdir()) == []


def test_the_help_of_the_command_line_loads_nothing_heavy(tmp_path: Path) -> None:
    loaded = _loaded_by("import regulars.cli", tmp_path)
    assert "regulars.cli" in loaded
    assert not {name.split(".")[0] for name in loaded} & HEAVY
    assert list(tmp_path.iterdir()) == []
