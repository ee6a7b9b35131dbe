"""The audit of features on a shop's own data, with planted leaks; and both inspections of features as commands.

In: the simulated shop, its panel at matured cutoffs, features planted into it. Out: what is flagged, and what is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars.engines import panel_of, reference_of
from regulars.errors import ConfigError, NotEnoughData
from regulars.features import family as catalogue
from regulars.features.family import Entry, Plan, families, plan_for
from regulars.features.panel import Label, Panel
from regulars.models.audit import Audit, Audited, alone_auc, alone_gini, audited
from regulars.models.splits import origins
from regulars.pipelines.audit import audit
from regulars.pipelines.prepare import shape_of, span_of
from regulars.pipelines.verify import verified

from ..simulated import config_of, purchases, shop, written
from .test_cli import failed, loaded, run

LABEL = Label(30)
HONEST = """
from regulars import Feature, family
from regulars.features.family import NOT_COVERED

@family("honest")
def honest(past, reference):
    yield Feature("orders_45d", "orders", "purchases of the last 45 days", past.last(45).sum("purchase"), NOT_COVERED)
"""
PEEKS = """
from regulars import Feature, family

@family("peeks")
def peeks(past, reference):
    soon = past.history.future(past.row_customer, past.cutoff_day, 30)
    yield Feature("orders_soon", "orders", "purchases of the next 30 days", soon.orders)
"""


@pytest.fixture(autouse=True)
def _own_catalogue() -> Iterator[None]:
    """Families that a test registers are gone after it."""
    families()
    before = dict(catalogue._REGISTERED)
    yield
    catalogue._REGISTERED.clear()
    catalogue._REGISTERED.update(before)


@cache
def rows(seed: int) -> tuple[Plan, Panel]:
    """A shop's plan, and its panel at the training cutoffs of the last origin."""
    ledger, config = shop(300, 420, seed), config_of()
    (origin,) = origins(span_of(ledger, config), 1)
    plan = plan_for(shape_of(ledger, config))
    reference = reference_of(ledger, origin.training, plan)
    return plan, panel_of(ledger, plan, reference, origin.training, [LABEL])


def planted(seed: int, **features: NDArray[np.float64]) -> Audit:
    """The audit of a shop whose panel has more features."""
    plan, panel = rows(seed)
    more = [values.astype(np.float32) for values in features.values()]
    wider = replace(panel, names=(*panel.names, *features), values=np.vstack([panel.values, *more]))
    return audited(wider, LABEL, (*plan.entries, *(Entry(n, "mine", "s", "m", "n") for n in features)))


def of(found: Audit, name: str) -> Audited:
    (feature,) = [f for f in found.features if f.name == name]
    return feature


@pytest.mark.parametrize("seed", range(10))
def test_a_planted_leak_is_flagged_and_no_honest_feature_is(seed: int) -> None:
    _, panel = rows(seed)
    future, rng = panel.targets[LABEL], np.random.default_rng(seed)
    silent, noise = (future.orders == 0).astype(np.float64), rng.normal(size=panel.n_rows)
    leak = {
        # Silence and a little noise, pointing the other way; known by being missing; spend, distorted; and one that no
        # ranking shows: far from 0, on either side, for those who come back.
        0: -silent + 0.3 * noise,
        1: np.where(silent == 1, np.nan, noise),
        2: future.spend * np.exp(0.3 * noise) + noise,
        3: np.where(rng.random(panel.n_rows) < 0.5, 3.0, -3.0) * (1 - silent) + 0.5 * noise,
    }[seed % 4]
    assert [f.name for f in planted(seed, leak=leak).suspects] == ["leak"]


@pytest.mark.soak  # Ten shops.
def test_of_the_features_of_ten_shops_at_most_one_in_a_hundred_is_suspected() -> None:
    audits = [planted(seed) for seed in range(10)]
    assert sum(len(a.features) for a in audits) > 500
    assert sum(len(a.suspects) for a in audits) <= sum(len(a.features) for a in audits) / 100


def test_constants_twins_and_names_of_the_cutoff_are_told() -> None:
    _, panel = rows(0)
    gaps = np.where(np.arange(panel.n_rows) % 50, np.nan, 1.0)
    found = planted(
        0,
        three=np.full(panel.n_rows, 3.0),
        nothing=np.full(panel.n_rows, np.nan),
        day=panel.cutoff_day.astype(np.float64),
        again=panel.feature("recency_days").astype(np.float64),
        gaps=gaps,
    )
    assert of(found, "three").constant
    assert of(found, "nothing").constant
    assert of(found, "three").auc is None
    assert of(found, "day").names_the_cutoff
    assert not of(found, "day").constant
    assert of(found, "again").same_as == "recency_days"
    assert of(found, "again").gain == of(found, "recency_days").gain > 0
    assert of(found, "gaps").missing == pytest.approx(0.98, abs=0.001)
    # The cutoff's day is another at the last cutoff than at the first for everyone.
    assert (of(found, "day").drift or 0) > 1
    text = str(found)
    assert "three" in text.split("the same value everywhere")[1].splitlines()[0]
    assert "day" in text.split("names the cutoff")[1].splitlines()[0]
    assert "again = recency_days" in text
    assert "No feature looks like the target" in text


def test_alone_a_feature_may_point_either_way_and_missing_is_a_value() -> None:
    # Of 2 x 2 pairs of a silent and another customer, values above order 3 right.
    outcome, values = np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 2.0, 3.0, 4.0])
    assert alone_auc(outcome, values) == alone_auc(outcome, -values) == 0.75
    # The missing one as the smallest orders 2 of 4, as the largest all of them.
    assert alone_auc(outcome, np.array([1.0, np.nan, 2.0, 4.0])) == 1.0
    assert alone_auc(np.ones(2), np.array([1.0, 2.0])) is None
    assert alone_gini(np.array([0.0, 1.0, 5.0]), np.array([2.0, np.nan, -1.0])) == pytest.approx(0.8)
    assert alone_gini(np.zeros(2), np.array([1.0, 2.0])) is None


def test_nobody_to_look_at_is_told() -> None:
    plan, panel = rows(0)
    with pytest.raises(NotEnoughData, match="nobody is at risk"):
        audited(panel.take(np.zeros(panel.n_rows, bool)), LABEL, plan.entries)


def test_the_audit_looks_at_matured_cutoffs_only_and_is_plain_json() -> None:
    ledger, config = shop(), config_of()
    found = audit(ledger, config)
    (origin,) = origins(span_of(ledger, config), 1)
    assert found.cutoffs == origin.training
    assert found.cutoffs[-1].plus(30) <= origin.cutoff
    figures = json.loads(json.dumps(found.figures, allow_nan=False))
    assert figures["suspects"] == []
    assert [f["name"] for f in figures["features"]] == list(plan_for(shape_of(ledger, config)).names)


def test_a_family_to_verify_must_be_there() -> None:
    with pytest.raises(ConfigError, match=r"\[features\] modules"):
        verified(shop(), config_of())
    with pytest.raises(ConfigError, match="did you mean `rfm`"):
        verified(shop(), config_of(), ["rmf"])


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A user's folder with an honest family of their own, and one that peeks."""
    config = written(tmp_path / "book", purchases(150), '[features]\nmodules = ["honest.py", "peeks.py"]\n')
    (config.parent / "honest.py").write_text(HONEST, encoding="utf-8")
    (config.parent / "peeks.py").write_text(PEEKS, encoding="utf-8")
    return config


def test_verify_says_which_family_breaks_which_rule(book: Path, tmp_path: Path) -> None:
    said = run("features", book, "--verify", "--json", tmp_path / "v.json")
    assert failed(said, 2).startswith("RG038: `peeks` breaks a rule")
    assert "OK  honest: keeps every rule" in said.out
    assert "BROKEN  peeks: `orders_soon` sees rows at or after the cutoff" in said.out
    assert "<- not before the cutoff" in said.out
    figures = loaded(tmp_path / "v.json")
    assert figures["broken"] == ["peeks"]
    assert figures["families"]["honest"] == []
    assert {f["property"] for f in figures["families"]["peeks"]} == {"no peeking"}
    said = run("features", book, "--verify", "--family", "honest")
    assert (said.code, said.out) == (0, "OK  honest: keeps every rule on 36 made-up ledgers\n")


def test_audit_flags_the_family_that_peeks(book: Path, tmp_path: Path) -> None:
    said = run("features", book, "--audit", "--json", tmp_path / "a.json")
    assert said.code == 0, said.err
    assert "LOOKS LIKE THE TARGET  `orders_soon` (peeks): AUC 1.000 alone against silence" in said.out
    figures = loaded(tmp_path / "a.json")
    assert figures["suspects"] == ["orders_soon"]
    assert "orders_45d" in {f["name"] for f in figures["features"]}


@pytest.mark.parametrize(
    "options",
    [["--verify", "--audit"], ["--family", "rfm"], ["--audit", "--cutoff", "2024-01-01"], ["--verify", "--list"]],
)
def test_one_thing_at_a_time(book: Path, options: list[str]) -> None:
    assert run("features", book, *options).code == 2


def test_a_broken_file_is_an_error_of_the_configuration_in_every_command(book: Path) -> None:
    (book.parent / "peeks.py").write_text("x = (\n", encoding="utf-8")
    for options in (["features", book, "--verify"], ["features", book, "--audit"], ["train", book]):
        assert "peeks.py, line 1" in failed(run(*options), 2)
