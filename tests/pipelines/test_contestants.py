"""Who is asked what, and how: no final bundle of a day before its training, no recipe where predictions are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import DataError, NoModel
from regulars.intake import Ledger
from regulars.models.versions import Version
from regulars.pipelines import contestants
from regulars.pipelines.contestants import (
    ALIKE,
    BUNDLE,
    RECIPE_AGAIN,
    STORED,
    Answer,
    Asker,
    Entry,
    said_by_bundle,
)
from regulars.pipelines.kept import predictions_file
from regulars.pipelines.recipe import TrainingRecipe
from regulars.pipelines.score import score

from ..simulated import config_of, shop, trained

START = Cutoff.parse("2023-06-01")


@cache
def recipe(seed: int) -> TrainingRecipe:
    return TrainingRecipe.of(shop(), config_of(seed=seed))


def entry(name: str, trained_on: Cutoff, seed: int = 0, version: bool = True) -> Entry:
    tags = {"trained_on": str(trained_on)}
    return Entry(
        name,
        f"{name:0>32}",
        Version("regulars", "1", name, tags) if version else None,
        {**trained().backtest.figures, "horizon_days": 30},
        recipe(seed),
        [],
        trained_on,
    )


def rows(cutoffs: Sequence[Cutoff]) -> pd.DataFrame:
    told = [{"cutoff": str(c), "customer_id": "a", "p_churn": 0.5, "expected_spend": 1.0} for c in cutoffs]
    return pd.DataFrame(told, columns=["cutoff", "customer_id", "p_churn", "expected_spend"])


class Asked:
    """Stands for what is slow, and keeps who was asked what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bundle, self.recipe = list[Cutoff](), list[Cutoff]()
        monkeypatch.setattr(contestants, "said_by_bundle", self._bundle)
        monkeypatch.setattr(contestants, "refit", self._refit)
        monkeypatch.setattr(Entry, "spoken", lambda _, frame: frame)

    def _bundle(self, _: Ledger, __: object, cutoff: Cutoff, ___: Config) -> pd.DataFrame:
        self.bundle.append(cutoff)
        return rows([cutoff])

    def _refit(self, _: TrainingRecipe, __: Config, cutoffs: Sequence[Cutoff], ___: Ledger) -> pd.DataFrame:
        self.recipe += cutoffs
        return rows(cutoffs)


def ask(config: Config, champion: Entry, challenger: Entry, cutoffs: Sequence[Cutoff]) -> Answer:
    def load(_: Version) -> Any:
        return None

    return Asker(config, shop, load).ask(champion, challenger, Answer(rows(cutoffs)))


@given(
    st.integers(0, 400),
    st.lists(st.integers(0, 400), min_size=1, max_size=4, unique=True),
    st.sets(st.integers(0, 400), max_size=2),
    st.booleans(),
    st.booleans(),
)
def test_a_final_bundle_is_never_asked_of_a_day_before_its_training(
    tmp_path_factory: pytest.TempPathFactory,
    trained_on: int,
    days: list[int],
    kept: set[int],
    same: bool,
    version: bool,
) -> None:
    config = config_of().model_copy(update={"folder": tmp_path_factory.mktemp("asked")})
    champion = entry("c", START.plus(trained_on), version=version)
    challenger = entry("d", START.plus(500), seed=0 if same else 1)
    cutoffs = [START.plus(day) for day in days]
    with pytest.MonkeyPatch.context() as patch:
        asked = Asked(patch)
        if kept:
            file = predictions_file(config, champion.run_id)
            file.parent.mkdir(parents=True)
            rows([START.plus(day) for day in kept]).to_parquet(file)
        found = ask(config, champion, challenger, cutoffs)
    assert all(cutoff >= champion.trained_on for cutoff in asked.bundle)
    assert not (same and asked.recipe)
    # Every cutoff is answered once, by the first way that may.
    assert sorted(found.said["cutoff"]) == sorted(map(str, cutoffs))
    for cutoff in cutoffs:
        late = version and cutoff >= champion.trained_on
        way = BUNDLE if late else ALIKE if same else RECIPE_AGAIN
        assert found.how[str(cutoff)] == (STORED if cutoff.day - START.day in kept else way)


def test_a_bundle_that_is_asked_all_the_same_refuses() -> None:
    model = trained().model
    with pytest.raises(DataError, match=r"RG326: a model trained on .* was asked to be judged at"):
        said_by_bundle(shop(), model, model.trained_on.minus(1), config_of())


def test_a_bundle_says_what_it_scores() -> None:
    model = trained().model
    day = model.trained_on
    found, meant = said_by_bundle(shop(), model, day, config_of()), score(shop(), model, day, 1)
    assert found["p_churn"].tolist() == meant["p_churn"].tolist()
    assert found["expected_spend"].tolist() == meant["expected_spend"].tolist()
    assert set(found["cutoff"]) == {str(day)}


def test_a_recipe_without_versions_of_its_own_day_is_learnt_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(monkeypatch)
    config = config_of().model_copy(update={"folder": tmp_path})
    champion = entry("c", START)
    older = replace(champion, recipe=replace(recipe(0), regulars="0.0.9"), version=None)
    found = ask(config, older, entry("d", START.plus(100)), [START])
    assert (found.how, asked.recipe) == ({str(START): RECIPE_AGAIN}, [START])


def test_what_cannot_be_had_is_said_and_the_rest_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Asked(monkeypatch)
    config = config_of().model_copy(update={"folder": tmp_path})
    champion = replace(entry("c", START.plus(50)), recipe=None)
    found = ask(config, champion, entry("d", START.plus(200)), [START, START.plus(60)])
    assert found.how == {str(START.plus(60)): BUNDLE}
    assert found.notes == [f"c has no predictions at {START}: the recipe of c was not kept"]
    assert found.said["cutoff"].tolist() == [str(START.plus(60))]


def test_a_name_that_nothing_answers_to_says_what_there_is() -> None:
    class Empty:
        def at(self, *_: str) -> None:
            return None

        def versions(self, _: str) -> tuple[Version, ...]:
            return (Version("regulars", "1", "a" * 32, {}),)

    empty: Any = Empty()
    for named in ("9", "challenger", "winner"):
        with pytest.raises(NoModel, match=rf"RG324: there is no `{named}` of `regulars`.*a version \(1\)"):
            contestants.entry_of(empty, "regulars", named)
