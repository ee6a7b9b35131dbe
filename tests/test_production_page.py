"""The page about production says what is so: exit codes, commands, alerts, what the doctor knows, files, links."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from regulars.cli.app import EXITS
from regulars.config import Config

from .pipelines.test_schedules import parsed

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def first_words(title: str) -> set[str]:
    """What stands in backquotes in the first column."""
    return {word for row in rows(title) for word in re.findall(r"`([\w-]+)`", row[0])}


def called_with(function: str, files: list[Path]) -> set[str]:
    """The first argument of every call of a function, where it is a text; a variable counts for the texts it takes."""
    found = set[str]()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == function and node.args:
                found |= {
                    n.value for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant) and isinstance(n.value, str)
                }
    return found


def test_every_exit_code_is_listed_with_its_meaning() -> None:
    assert {int(code): meaning for code, meaning, _ in rows("What a command ends with")} == EXITS


def test_every_command_on_the_page_is_one() -> None:
    commands = re.findall(r"`(regulars [a-z]+ regulars\.toml[^`]*)`", re.sub(r"\s+", " ", PAGE))
    assert len(commands) > 10
    assert {parsed(command)[0] for command in commands} >= {
        *("score", "monitor", "train", "promote", "doctor", "plan", "models", "compare", "rollback", "reproduce")
    }


def test_every_alert_is_explained() -> None:
    known = called_with("Alert", [ROOT / "src/models/alerts.py", ROOT / "pipelines/monitor.py"])
    known |= called_with("_features", [ROOT / "src/models/alerts.py"]) | {"ranking", "value_ranking"}
    assert {"data_old", "level", "drift_apart"} <= known
    assert first_words("What monitoring tells") == known


def test_every_ailment_is_listed() -> None:
    known = called_with("Ailment", sorted((ROOT / "pipelines").glob("ailing_*.py"))) | {"unreadable"}
    assert first_words("The doctor") == known


def test_every_setting_that_is_named_is_one() -> None:
    gate, monitor, scores = (type(getattr(Config.of(), name)).model_fields for name in ("gate", "monitor", "scores"))
    named = set(re.findall(r"`(\w+)`", section("The gate")))
    assert {"allow_grade_c", "max_ece", "max_bias"} <= named & set(gate)
    assert {"model_days", "command"} <= set(monitor)
    assert {"url", "table", "every_days"} <= set(scores)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", PAGE))
def test_links_lead_to_something(link: str) -> None:
    assert (ROOT / "docs" / link).resolve().exists()


def test_schedules_that_are_named_are_there() -> None:
    named = set(re.findall(r"`([\w-]+\.(?:cron|service|py|yaml|yml))`", section("A schedule")))
    there = {file.name for folder in ("", "pipelines/schedules") for file in (ROOT / folder).iterdir()}
    assert len(named) >= 6
    assert named <= there
