"""The page about the endpoint says what is so: its pages, statuses, settings, metrics, and the request in it."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.serving.app import PAGES
from regulars.serving.counters import Counters
from regulars.serving.here import laid
from regulars.serving.problems import TITLES
from regulars.serving.recommend import recommend
from regulars.serving.score import score
from regulars.serving.stage import Stages
from regulars.serving_section import ServeConfig

from .serving.offered import config as offers_config
from .serving.offered import day, plan
from .simulated import config_of, trained

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "endpoint.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def blocks(kind: str, text: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)


def test_every_page_is_told() -> None:
    told = set(re.findall(r"`(?:GET|POST) (/[^`]*)`", PAGE.split("\n## ")[0]))
    assert told == {*PAGES.values(), "/v1/customers/{id}"}


def test_every_status_is_told() -> None:
    # 429 is what something before the server may say; the client knows it, we do not.
    told = {int(status) for status in re.findall(r"^\| ((?:`\d+`,? ?)+)\|", section("What is refused, and how"), re.M)
            for status in re.findall(r"\d+", status)}  # fmt: skip
    assert told == set(TITLES) - {429}


def test_every_setting_is_told_with_its_default() -> None:
    (block,) = blocks("toml", section("Running it"))
    assert tomllib.loads(block)["serve"] == ServeConfig().model_dump()


def test_every_metric_is_told() -> None:
    kinds = {"counter": "_total"}
    lines = re.findall(r"^# TYPE (regulars_\w+) (\w+)$", Counters().page().decode(), re.M)
    known = {name if name.endswith("_total") else name + kinds.get(kind, "") for name, kind in lines}
    assert set(re.findall(r"`(regulars_\w+)`", section("Running it"))) == {n for n in known if "_created" not in n}


def test_the_request_is_answered_with_the_keys_that_are_told(tmp_path: Path) -> None:
    asked, told = (json.loads(block) for block in blocks("json", section("A request")))
    config: Config = config_of()
    laid(Stages(tmp_path), trained().model)
    speaker = Stages(tmp_path).stage().speaker(config)
    # The shop's own days; its customers buy what the example's buy.
    later = {**asked, "as_of": str(trained().model.trained_on)}
    found = json.loads(score(speaker, config.serve, json.dumps(later).encode(), Cutoff.parse(asked["as_of"])))
    assert list(found) == list(told)
    assert set(found["model"]) == set(told["model"])
    assert [set(row) for row in (*found["scores"], *found["not_scored"])] == [
        set(row) for row in (*told["scores"], *told["not_scored"])
    ]


def test_the_request_for_recommendations_is_answered_with_the_keys_that_are_told(tmp_path: Path) -> None:
    asked, told = (json.loads(block) for block in blocks("json", section("Recommendations")))
    laid(Stages(tmp_path), trained().model, policy=plan().policy().to_dict())
    speaker = Stages(tmp_path).stage().speaker(offers_config())
    assert speaker.offering is not None
    everybody = replace(speaker.offering.policy, holdout=0.0, prices={})
    speaker = replace(speaker, offering=replace(speaker.offering, policy=everybody))

    def answered(who: str) -> dict[str, Any]:
        customers = [{**asked["customers"][0], "customer_id": who}]
        body = json.dumps({**asked, "as_of": str(day()), "customers": customers}).encode()
        found: dict[str, Any] = json.loads(recommend(speaker, offers_config().serve, body, day()).body)
        return found

    # Somebody of another name is among the chosen.
    found = next(f for f in map(answered, "abcdefghijklmnopqrstuvwxyz") if f["recommendations"][0]["offers"])
    assert list(found) == list(told)
    for name in ("model", "policy"):
        assert list(found[name]) == list(told[name])
    (mine,), (shown,) = found["recommendations"], told["recommendations"]
    assert list(mine) == list(shown)
    assert list(mine["offers"][0]) == list(shown["offers"][0])


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", PAGE))
def test_links_lead_to_something(link: str) -> None:
    assert (ROOT / "docs" / link).resolve().exists()
