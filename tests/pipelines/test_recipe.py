"""The recipe of a training: it gives the same settings back, holds no secret, and says what a change would change."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.config import Config
from regulars.errors import ConfigError, DataError
from regulars.pipelines.prepare import modules_of
from regulars.pipelines.recipe import TrainingRecipe, concealed

from ..simulated import PLANTED, config_of, shop


def recipe(config: Config | None = None, trials: tuple[int, ...] = ()) -> TrainingRecipe:
    return TrainingRecipe.of(shop(), config or config_of(), trials)


def again(found: TrainingRecipe) -> TrainingRecipe:
    """Through the file and back."""
    return TrainingRecipe.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))


def database(url: str) -> Config:
    columns = {"customer_id": "id", "purchased_at": "at", "amount": "money", "url": url, "table": "lines"}
    return Config.model_validate({"data": {"purchases": columns}})


def test_a_recipe_comes_back_as_it_was() -> None:
    found = recipe(config_of([30, 90], tuning={"trials": 3, "space": {"max_depth": [2, 8]}}), (3, 3))
    assert again(found) == replace(found, written=again(found).written, resolved=again(found).resolved)
    assert again(found).to_dict() == json.loads(json.dumps(found.to_dict()))


def test_the_settings_come_back_and_so_does_what_was_stated() -> None:
    # A margin of 1 that was stated is another thing than one that nobody stated.
    config = config_of(economics={"margin": 1.0}, tuning={"trials": 3, "space": {"max_depth": [2, 8]}}, seed=5)
    found = again(recipe(config)).config(config_of(gate={"tolerance": 0.5}, engine={"threads": 2}))
    assert found.model_copy(update={"gate": config.gate, "engine": config.engine}) == config
    assert found.economics.model_fields_set == {"margin"}
    # What is no part of learning is as the present configuration has it.
    assert (found.gate.tolerance, found.engine.threads) == (0.5, 2)


def test_a_default_that_has_changed_since_is_stated_as_it_was() -> None:
    then = recipe()
    older: Any = json.loads(json.dumps(then.to_dict()))
    older["resolved"]["lifetime"]["horizon_days"] = 730
    found = TrainingRecipe.from_dict(older).config(config_of())
    assert found.lifetime.horizon_days == 730
    assert found.lifetime.model_fields_set == {"horizon_days"}
    assert found.economics.model_fields_set == set()


def test_passwords_are_masked_and_taken_from_the_present_configuration() -> None:
    config = database("postgresql://ann:s3cret@db/shop")
    found = again(recipe(config))
    assert "s3cret" not in json.dumps(found.to_dict())
    assert found.masked == ("data.purchases.url",)
    assert found.config(config).data.purchases.url == "postgresql://ann:s3cret@db/shop"
    # A configuration of another address has no password for this one.
    other = database("postgresql://ann:s3cret@elsewhere/shop")
    assert found.config(other).data.purchases.url == "postgresql://ann:***@db/shop"
    assert found.reading(config).data.purchases.url == "postgresql://ann:s3cret@db/shop"
    with pytest.raises(ConfigError, match=r"RG322: .*password.*data\.purchases\.url"):
        found.reading(other)


def test_a_variable_of_the_environment_stays() -> None:
    found = recipe(database("postgresql://ann:${SHOP_PW}@db/shop?sslpassword=${SSL_PW}"))
    assert found.masked == ()
    assert found.resolved["data"]["purchases"]["url"] == "postgresql://ann:${SHOP_PW}@db/shop?sslpassword=${SSL_PW}"


secrets = st.text("abcXYZ019@:/?#%&=$", min_size=6, max_size=20).map(lambda text: f"S3{text}S3")


@given(secrets, st.sampled_from(["postgresql", "mysql+pymysql", "mssql"]))
def test_no_password_stays_whatever_it_holds(secret: str, scheme: str) -> None:
    assert secret not in concealed(f"{scheme}://ann:{secret}@db/shop")


@given(
    st.text("abcXYZ019-._~", min_size=6, max_size=20), st.sampled_from(["password", "sslpassword", "api_key", "Token"])
)
def test_no_secret_parameter_stays(secret: str, name: str) -> None:
    found = concealed({"list": [f"postgresql://db/shop?user=ann&{name}=S3{secret}&x=1"]})
    assert f"S3{secret}" not in json.dumps(found)
    assert found["list"][0].endswith(f"{name}=***&x=1")


def test_no_customer_is_named() -> None:
    assert PLANTED not in json.dumps(recipe().to_dict())


def test_modules_travel_as_text_and_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    config = config_of(features={"modules": ["own/mine.py"]}).model_copy(update={"folder": tmp_path})
    (tmp_path / "own").mkdir()
    file = tmp_path / "own" / "mine.py"
    file.write_text("x = 1\n", encoding="utf-8")
    found = again(recipe(config))
    file.write_text("x = 2\n", encoding="utf-8")
    assert found.taught != recipe(config).taught
    then = found.config(config, tmp_path / "then")
    assert modules_of(then) == found.modules
    assert found.modules[0].text == "x = 1\n"
    outside = replace(found, modules=(replace(found.modules[0], file="../mine.py"),))
    (tmp_path.parent / "mine.py").write_text("x = 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"RG322: .* has changed since the training"):
        outside.config(config, tmp_path / "then")


def test_where_data_lie_and_how_they_are_examined_teach_nothing() -> None:
    plain = recipe()
    moved = config_of(budget={"share": 0.2}, backtest={"origins": 2})
    assert recipe(moved).taught == plain.taught
    assert list(recipe(moved).settings_unlike(plain)) == ["backtest.origins", "backtest.windows", "budget.share"]
    assert recipe(config_of(seed=1)).taught != plain.taught


def test_studies_that_the_clock_ended_are_repeated_by_their_number() -> None:
    assert recipe(config_of(tuning={"trials": 9, "seconds": 1.0}), (3, 2, 4, 1)).repeated_trials == [3, 2, 4, 1]
    assert recipe(config_of(tuning={"trials": 9}), (9, 9, 9, 9)).repeated_trials == 9


def test_what_is_no_recipe_is_refused() -> None:
    with pytest.raises(DataError, match="RG320"):
        TrainingRecipe.from_dict({"format": 1})
    with pytest.raises(DataError, match="RG320"):
        TrainingRecipe.from_dict({**recipe().to_dict(), "format": 2})


def test_settings_of_another_release_are_refused_by_name() -> None:
    content: Any = json.loads(json.dumps(recipe().to_dict()))
    content["written"]["target"]["horizon_weeks"] = 4
    with pytest.raises(ConfigError, match=r"RG321: .*target\.horizon_weeks"):
        TrainingRecipe.from_dict(content).config(config_of())
