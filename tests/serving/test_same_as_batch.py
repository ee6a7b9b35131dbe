"""The endpoint says what the nightly batch has published, to the bit, of every customer, alone or among others.

In: the small shop's model and its published scores; a server in a thread, asked over HTTP with the purchases as a
caller has them. Out: sentences; nothing is rounded before it is compared.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.intake import Ledger
from regulars.models.outputs import OUTPUTS
from regulars.models.versions import Registered
from regulars.pipelines.published import REFERENCE, Run
from regulars.pipelines.score import publish_day
from regulars.serving.endpoint import Endpoint
from regulars.serving.here import laid, standing
from regulars.serving.stage import Stages

from ..simulated import COLUMNS, config_of, purchases, trained

CUSTOMERS, MANY = 200, 10_000
TOGETHER = (1, 10, 1, 50)
"""So many customers are asked about at once, in turn."""


@dataclass(frozen=True)
class Night:
    """A published run, and the purchases that it was made from."""

    run: Run
    frame: pd.DataFrame

    @property
    def day(self) -> Cutoff:
        return self.run.as_of

    def asked(self) -> Iterator[dict[str, object]]:
        """Every customer as a caller tells of him, in no order of the ids."""
        plain = self.frame.astype(object).where(self.frame.notna(), None)
        groups = {str(name): rows.drop(columns="customer_id") for name, rows in plain.groupby("customer_id")}
        for name in sorted(groups, key=lambda text: text[::-1]):
            yield {"customer_id": name, "purchases": groups[name].to_dict("records")}


def night(folder: Path, customers: int) -> Night:
    """Scores of a shop with so many customers, some days after the model was trained."""
    model, frame = trained().model, purchases(customers)
    config = config_of().model_copy(update={"folder": folder})
    ledger = Ledger.from_frame(frame, config)
    said_by = Registered("regulars", "7", "a-run", "0" * 64, str(model.trained_on))
    run = publish_day(ledger, config, model, said_by, model.trained_on.plus(3), folder / "scores").run
    return Night(run, frame[list(COLUMNS)])


def differing(found: Night, folder: Path) -> tuple[list[str], int]:
    """The columns in which an answer differs from what was published, and how many customers were compared."""
    published = found.run.frame().set_index("customer_id")
    stages = Stages(folder)
    laid(stages, trained().model, "7", found.day, found.run.content(REFERENCE))
    outputs, compared, wrong = list(OUTPUTS), 0, set[str]()
    with standing(Endpoint(config_of(), stages.folder)) as url:
        for group in grouped(list(found.asked())):
            answer = asked(url, {"as_of": str(found.day), "outputs": outputs, "customers": group})
            scored = [one["customer_id"] for one in group if one["customer_id"] in published.index]
            assert [row["customer_id"] for row in answer["scores"]] == scored
            assert len(answer["not_scored"]) == len(group) - len(scored)  # Such as one who only got free things.
            for row in answer["scores"]:
                meant = published.loc[row["customer_id"]]
                # Who would cost least to lose has no reasons in the batch.
                wrong |= {name for name in outputs if not same(row[name], meant[name], name)}
                compared += 1
    assert compared == len(published)
    return sorted(wrong), compared


def grouped(customers: Sequence[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    """So many at once as `TOGETHER` says."""
    start, sizes = 0, cycle(TOGETHER)
    while start < len(customers):
        size = next(sizes)
        yield list(customers[start : start + size])
        start += size


def asked(url: str, request: dict[str, object]) -> Any:
    """The answer to a request that is one."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("POST", "/v1/score", json.dumps(request), {"Content-Type": "application/json"})
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, body
        return json.loads(body)
    finally:
        connection.close()


def same(found: object, published: Any, name: str) -> bool:
    """Whether a value of JSON is the value in the file: a number that is not there is null, all others are equal."""
    if name == "reasons" and published == "":
        return isinstance(found, str)
    if found is None:
        return bool(pd.isna(published))
    return bool(found == published)


def test_every_customer_gets_the_numbers_of_the_batch(tmp_path: Path) -> None:
    found = night(tmp_path, CUSTOMERS)
    assert differing(found, tmp_path / "stages") == ([], len(found.run.frame()))


@pytest.mark.soak
def test_ten_thousand_customers_get_the_numbers_of_the_batch(tmp_path: Path) -> None:
    found = night(tmp_path, MANY)
    wrong, compared = differing(found, tmp_path / "stages")
    assert wrong == []
    assert compared > 0.9 * MANY
