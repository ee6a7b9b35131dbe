"""Features of CDNOW and Complete Journey are what they were: exact for counts, days and money, 1e-9 for the others."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from regulars.features.family import plan_for
from regulars.pipelines.prepare import shape_of

from .values import CUTOFFS, EXACT, FOLDER, ledger_of, summary


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.soak] * (n == "completejourney")) for n in CUTOFFS]
)
def test_features_of_real_data_are_what_they_were(
    name: str, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_WHEELS", str(wheels))
    ledger, config = ledger_of(name, tmp_path)
    golden = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    found = summary(ledger, config, CUTOFFS[name])
    units = {e.name: e.unit for e in plan_for(shape_of(ledger, config)).entries}
    assert {c: set(figures) for c, figures in found.items()} == {c: set(figures) for c, figures in golden.items()}
    wrong = []
    for cutoff, figures in golden.items():
        for key, values in figures.items():
            for name_, meant in values.items():
                feature = name_ if key.startswith("customer ") else key
                got = found[cutoff][key][name_]
                if not same(got, meant, units[feature], feature):
                    wrong.append(f"{cutoff} {key} {name_}: {got}, not {meant}")
    assert wrong == []


def same(got: float | None, meant: float | None, unit: str, feature: str) -> bool:
    """Equal, or where the feature is a quotient or a root, equal to 1e-9."""
    if got is None or meant is None:
        return got is meant
    whole = unit in EXACT or (unit == "money" and feature.startswith(("spend_", "returned_")) and feature[-1] == "d")
    if whole and float(meant).is_integer():
        return got == meant
    return math.isclose(got, meant, rel_tol=1e-9, abs_tol=1e-9)
