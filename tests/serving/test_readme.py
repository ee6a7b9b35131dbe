"""The calls that the README shows are answered as they stand there.

In: the README; the shop's model, as if it had been trained on the day that the README speaks of, and its published
scores. Out: what `curl` prints.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.intake import Ledger
from regulars.models.model import Model
from regulars.models.outputs import USUAL
from regulars.models.versions import Registered
from regulars.pipelines.published import REFERENCE
from regulars.pipelines.score import publish_day
from regulars.serving.endpoint import Endpoint
from regulars.serving.here import laid, standing
from regulars.serving.stage import Stages

from ..simulated import config_of, purchases, trained

README = Path(__file__).resolve().parents[2] / "README.md"
DAY, KNOWN = Cutoff.parse("2018-01-01"), "1609"
"""The day, and a household, of the demo."""


def commands() -> list[str]:
    """The calls, in order; a line that ends within quotes goes on."""
    (block,) = re.findall(r"^```\nregulars serve (?:.*?)\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
    return re.findall(r"^curl (?:'[^']*'|[^'\n])+", block, re.M)


def earlier() -> tuple[Model, pd.DataFrame]:
    """The shop's model and purchases, moved back to the day of the demo."""
    model, frame = trained().model, purchases()
    days = model.trained_on.day - DAY.day
    # What other customers told is of the day of training, and moves with it.
    known = replace(model.reference.at(model.trained_on.day), days=(DAY.day,))
    model = replace(model, trained_on=DAY, history_starts=model.history_starts.minus(days), reference=known)
    moved = pd.to_datetime(frame["purchased_at"]) - pd.Timedelta(days=days)
    renamed = frame["customer_id"].replace({frame["customer_id"].iloc[0]: KNOWN})
    return model, frame.assign(purchased_at=moved.dt.strftime("%Y-%m-%dT%H:%M:%S"), customer_id=renamed)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_calls_of_the_readme_are_answered(tmp_path: Path) -> None:
    model, frame = earlier()
    config = config_of().model_copy(update={"folder": tmp_path})
    ledger = Ledger.from_frame(frame, config)
    said_by, folder = Registered("regulars", "1", "a-run", "0" * 64, str(DAY)), tmp_path / "scores"
    run = publish_day(ledger, config, model, said_by, DAY, folder).run
    stages = Stages(tmp_path / "server")
    laid(stages, model, "1", DAY, run.content(REFERENCE), folder)
    with standing(Endpoint(config, stages.folder)) as url:
        score, customer = (json.loads(printed(command, url)) for command in commands())
    (row,) = score["scores"]
    assert (row["customer_id"], score["as_of"], score["not_scored"]) == ("a", "2018-01-01", [])
    assert {*row} == {"customer_id", *USUAL}
    assert 0 < row["p_churn"] < 1
    assert (row["last_purchase"], row["recency_days"]) == ("2017-12-20", 12)
    assert customer["p_churn"] == run.frame().set_index("customer_id")["p_churn"][KNOWN]


def printed(command: str, url: str) -> str:
    """What a call prints, at the address of the test's server."""
    at = command.replace("http://", "").replace("localhost:8000", url.removeprefix("http://"))
    assert at != command
    direct = {**os.environ, "NO_PROXY": "*", "no_proxy": "*"}
    done = subprocess.run(["bash", "-c", at], check=True, capture_output=True, text=True, timeout=60, env=direct)
    return done.stdout
