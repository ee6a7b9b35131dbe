"""What is planted is found, and what is clean is left in peace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from regulars.errors import RegularsError
from regulars.examination.examine import Examination
from regulars.examination.finding import Severity
from regulars.intake import build_ledger
from regulars.pipelines.check import examined

from .market import market, written
from .planted import CASES, Planted

QUICK = {
    "dates that are missing", "a decimal comma in one file", "a giant line", "two weeks missing", "a month in cents",
    "a customer of customers", "fees among the products", "a file without times of day", "letters lost",
    "rows known before they happened",
}  # fmt: skip


def planted(case: Planted, n_lines: int, folder: Path) -> set[str]:
    """Everything that is said about the files with the corruption in them."""
    files = market(n_lines)
    case.plant(files, np.random.default_rng(1))
    config = written(files, folder)
    if case.rewrite is not None:
        case.rewrite(folder / "data")
    # A handful of broken lines in a small file is more than the usual hundredth.
    purchases = config.data.purchases.model_copy(update={"max_bad_share": 0.05})
    config = config.model_copy(update={"data": config.data.model_copy(update={"purchases": purchases})})
    try:
        found = examined(build_ledger(config), config)
    except RegularsError as error:
        return {f"error: {error}"}
    return said(found)


def said(found: Examination) -> set[str]:
    """Errors, reasons in quarantine, repairs and codes of findings."""
    words = {finding.code for finding in found.findings}
    words |= {f"quarantine: {aside.reason}" for aside in found.asides}
    return words | {f"repair: {repair}" for repair in found.repairs}


def names(case: Planted, words: set[str]) -> bool:
    kind, _, wanted = case.found.partition(": ")
    return case.found in words if not wanted else any(w.startswith(kind) and wanted in w for w in words)


def clean(n_lines: int, folder: Path) -> Examination:
    config = written(market(n_lines), folder)
    return examined(build_ledger(config), config)


@pytest.mark.parametrize("case", [c for c in CASES if c.name in QUICK], ids=lambda c: c.name.replace(" ", "_"))
def test_what_is_planted_in_a_small_file_is_found(case: Planted, tmp_path: Path) -> None:
    words = planted(case, 10_000, tmp_path)
    assert names(case, words), words


@pytest.mark.soak
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name.replace(" ", "_"))
def test_what_is_planted_in_100_000_lines_is_found(case: Planted, tmp_path: Path) -> None:
    words = planted(case, 100_000, tmp_path)
    assert names(case, words), words


def test_a_clean_shop_is_left_in_peace_and_named_after_nothing_planted(tmp_path: Path) -> None:
    found = clean(10_000, tmp_path)
    assert found.graver(Severity.SUSPICIOUS) == ()
    # Its returns are true; no other words are said about it, so that each of the cases above is told apart.
    assert said(found) == {"returns"}
    assert found.verdict == "fit"


@pytest.mark.soak
@pytest.mark.parametrize("seed", [5, 6])
def test_clean_shops_of_100_000_lines_are_left_in_peace(seed: int, tmp_path: Path) -> None:
    config = written(market(100_000, seed), tmp_path)
    found = examined(build_ledger(config), config)
    assert found.graver(Severity.SUSPICIOUS) == ()
    assert said(found) == {"returns"}


def test_there_are_forty_cases_and_more_and_each_has_a_name_of_its_own() -> None:
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.name for case in CASES} >= QUICK
