"""What a served bundle carries: a signature to the letter, pinned libraries, and code that needs nothing beside it.

A process of its own has only the copied code and the libraries; Regulars as it is installed here, and every library
that no bundle asks for, are out of its reach.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from regulars.features.shape import Shape
from regulars.models.answer import answer
from regulars.models.bundle import save
from regulars.models.outputs import SCORES
from regulars.models.packed import requirements, served_files, signature_of, staged
from regulars.models.request import columns_of_request
from regulars.models.seal import LIBRARIES

from ..simulated import purchases, trained

ALONE = """
import importlib.util, json, sys, types
from pathlib import Path
code, bundle, history = sys.argv[1:]


class Blocked:
    def find_spec(self, name, path=None, target=None):
        away = {"duckdb", "sklearn", "optuna", "pydantic", "joblib", "sqlalchemy", "matplotlib"}
        if name.split(".")[0] in away or (name.startswith("regulars") and not Path(code, *name.split(".")).is_dir()
                                          and not Path(code, *name.split(".")).with_suffix(".py").is_file()):
            raise ImportError(f"out of reach: {name}", name=name)


sys.meta_path.insert(0, Blocked())
sys.path.insert(0, code)
# In place of MLflow, which takes long to load: what the file that it runs asks of it.
kept = []
for name in ("mlflow", "mlflow.models", "mlflow.pyfunc", "mlflow.pyfunc.model"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["mlflow.models"].set_model = kept.append
sys.modules["mlflow.pyfunc.model"].PythonModel = object
spec = importlib.util.spec_from_file_location("served", Path(code, "regulars", "models", "served.py"))
spec.loader.exec_module(importlib.util.module_from_spec(spec))
(model,) = kept
model.load_context(types.SimpleNamespace(artifacts={"bundle": bundle}))
import pandas as pd
frame = pd.read_json(history, dtype=False, convert_dates=False)
found = model.predict(None, frame, {"horizons": "30", "reasons": True, "as_of": "2024-03-01"})
where = sorted({str(m.__file__) for n, m in sys.modules.items() if n.split(".")[0] == "regulars"})
said = {name: [v.hex() if isinstance(v, float) else v for v in found[name]] for name in found}
print(json.dumps({"where": where, "said": said}))
"""


def history() -> pd.DataFrame:
    """The purchases of some customers."""
    return purchases().head(120)


@pytest.mark.soak  # An environment without Regulars shows more, by default: test_tracking.
def test_the_copied_code_answers_alone_with_the_same_bits(tmp_path: Path) -> None:
    code, bundle = tmp_path / "code", tmp_path / "bundle"
    staged(code / "regulars")
    save(trained().model, bundle)
    history().to_json(tmp_path / "history.json", orient="records")
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", ALONE, str(code), str(bundle), str(tmp_path / "history.json")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert all(Path(place).is_relative_to(code) for place in found["where"])
    meant = answer(trained().model, history(), {"horizons": "30", "reasons": True, "as_of": "2024-03-01"})
    assert list(found["said"]) == list(meant)
    for name in meant:
        assert found["said"][name] == [v.hex() if isinstance(v, float) else v for v in meant[name].tolist()], name


def test_what_is_copied_is_what_answers_and_not_what_trains_reads_or_writes(tmp_path: Path) -> None:
    staged(tmp_path / "regulars")
    parts = {file.relative_to(tmp_path / "regulars").as_posix() for file in tmp_path.rglob("*") if file.is_file()}
    assert {"__init__.py", "models/served.py", "models/answer.py", "models/bundle.py", "features/rfm.py"} <= parts
    assert {part.split("/")[0] for part in parts if "/" in part} == {"features", "models"}
    assert not parts & {"models/tracking.py", "models/registry.py", "models/backtest.py", "models/estimator.py"}
    assert len(parts) == len(served_files())


def test_a_bundle_asks_for_pinned_libraries_and_no_others() -> None:
    found = dict(line.split("==") for line in requirements())
    assert set(found) <= set(LIBRARIES)
    # One of the two builds of XGBoost.
    assert {"mlflow", "numpy", "pandas", "pyarrow", "scipy", "threadpoolctl"} <= set(found)
    assert {"xgboost", "xgboost-cpu"} & set(found)


def test_the_signature_says_every_column_and_every_number_is_a_double() -> None:
    signature = {key: json.loads(text) for key, text in signature_of(trained().model).items()}
    assert {c["type"] for c in signature["inputs"]} == {"string", "double"}
    assert [c["name"] for c in signature["inputs"] if c["required"]] == [
        *("customer_id", "purchased_at", "amount", "quantity", "discount", "product_id", "category"),
    ]
    assert [c["name"] for c in signature["outputs"]] == list(SCORES)
    assert [p["name"] for p in signature["params"]] == ["as_of", "horizons", "reasons", "offers"]


@pytest.mark.parametrize(
    ("shape", "more"),
    [
        (Shape(), []),
        (Shape(kinds=("visit",)), ["table", "occurred_at", "kind", "channel", "value", "initiated_by"]),
        (Shape(offers=True), ["table", "offer_id", "offered_at", "redeemed_at"]),
        (
            Shape(attributes=("town", "category"), numbers=("age",)),
            ["table", "joined_at", "referred_by", "town", "customers.category", "age"],
        ),
    ],
)
def test_a_model_of_several_tables_asks_for_their_columns_and_requires_none(shape: Shape, more: list[str]) -> None:
    columns = columns_of_request((), shape)
    assert [c.name for c in columns] == ["customer_id", "purchased_at", "amount", "order_id", "known_at", *more]
    assert [c.name for c in columns if c.required] == ["customer_id", "purchased_at", "amount"]
    assert {c.name for c in columns if c.kind == "double"} == {"amount", *({"value", "age"} & set(more))}
