"""What is written runs: the examples in docstrings, the code in README, and no public name without a word about it."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import regulars

ROOT = Path(__file__).resolve().parents[1]


def _module_names() -> list[str]:
    inside = pkgutil.walk_packages(regulars.__path__, prefix="regulars.")
    return ["regulars", *sorted(module.name for module in inside)]


@pytest.mark.parametrize("name", _module_names())
def test_examples_in_docstrings_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # In an empty folder, so that an example that writes a file leaves nothing behind.
    monkeypatch.chdir(tmp_path)
    outcome = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert outcome.failed == 0


def test_examples_are_many() -> None:
    # Guards the test above: a walk that finds nothing would pass everything.
    finder = doctest.DocTestFinder(exclude_empty=True)
    with_examples = [test for name in _module_names() for test in finder.find(importlib.import_module(name), name)]
    assert sum(bool(test.examples) for test in with_examples) > 20


def _undocumented(path: Path) -> list[str]:
    """The module, or its public functions and classes, that have no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    missing = [f"{path.relative_to(ROOT)}:{node.lineno} {node.name}" for node in public if not ast.get_docstring(node)]
    return missing if ast.get_docstring(tree) else [f"{path.relative_to(ROOT)}:1 the module", *missing]


def test_public_names_say_what_they_are() -> None:
    files = [*sorted((ROOT / "src").rglob("*.py")), *sorted((ROOT / "pipelines").rglob("*.py"))]
    assert [name for file in files for name in _undocumented(file)] == []


@pytest.mark.parametrize("page", ["README.md", "docs/churn.md", "docs/intake.md", "docs/value.md"])
def test_code_in_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks marked ```python run are one program, in order, started in an empty folder."""
    blocks = re.findall(r"^```python run\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    assert blocks
    monkeypatch.chdir(tmp_path)
    exec(compile("\n".join(blocks), page, "exec"), {"__name__": "page"})
