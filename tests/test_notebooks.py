"""Every notebook runs from top to bottom, as it is: the one that trains nothing always, all of them in soak."""

from __future__ import annotations

import warnings
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
QUICK = "03-which-offer-pays"
"""Its customers are simulated, and nothing is trained on them."""


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize(
    "path", [pytest.param(p, id=p.stem, marks=[pytest.mark.soak] * (p.stem != QUICK)) for p in NOTEBOOKS]
)
def test_notebook_runs(path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its own folder, as a reader would; a cell that raises fails the test."""
    monkeypatch.setenv("REGULARS_WHEELS", str(wheels))
    notebook = nbformat.read(path, as_version=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    shown = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    assert any("text/html" in o.get("data", {}) for o in shown)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_was_kept_with_its_answers_and_without_warnings(path: Path) -> None:
    """`make notebooks` keeps what the cells show; a warning among it would carry a path of somebody's machine."""
    notebook = nbformat.read(path, as_version=4)
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    assert outputs
    assert [o for o in outputs if o.output_type in ("stream", "error")] == []
