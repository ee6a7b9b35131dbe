"""The page about offers says what is so: its examples are valid, its commands exist, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from regulars.cli.app import app
from regulars.offering_section import ContactConfig
from regulars.offers.arms import ARMS
from regulars.offers.catalogue import Catalogue
from regulars.offers.offer import TYPES
from regulars.schema import RESPONSE_KINDS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "offers.md").read_text(encoding="utf-8")
EXAMPLES = [tomllib.loads(text) for text in re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)]


def test_the_example_is_a_catalogue_without_a_remark() -> None:
    (found,) = (Catalogue.of(example) for example in EXAMPLES if "campaign" in example)
    assert [option.name for option in found.options] == ["ten-percent@email"]
    assert found.warnings(0.35) == ()


def test_the_rules_of_contact_are_settings() -> None:
    (found,) = (ContactConfig.model_validate(example["contact"]) for example in EXAMPLES if "contact" in example)
    assert found.caps[1].channel == "email"


def test_the_catalogue_of_the_demo_is_one() -> None:
    found = Catalogue.load(ROOT / "pipelines" / "demo_offers.toml")
    assert {offer.response.basis for offer in found.offers} == {"assumed"}


@pytest.mark.parametrize("line", sorted(set(re.findall(r"^(regulars offers .+?)\s*#", PAGE, re.M))))
def test_every_command_of_the_page_is_one(line: str) -> None:
    group: Any = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    offers = group.get_command(None, words[0])
    command = offers.get_command(None, words[1])
    assert command is not None
    command.make_context(words[1], words[2:])


def test_every_type_kind_and_arm_is_named() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert set(TYPES) | set(RESPONSE_KINDS) | set(ARMS) <= named


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", PAGE))))
def test_links_lead_to_something(link: str) -> None:
    assert (ROOT / "docs" / link).resolve().exists()


def test_files_that_are_named_are_there() -> None:
    assert all((ROOT / name).exists() for name in re.findall(r"`(src/[\w/]+\.\w+)`", PAGE))
