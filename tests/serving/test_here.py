"""A server in a thread of this process: it answers for as long as the block lasts, and says when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from regulars import Client
from regulars.errors import NoModel, RegularsError
from regulars.serving.client import RequestRefused
from regulars.serving.endpoint import Endpoint
from regulars.serving.here import here, laid, standing
from regulars.serving.stage import Stages

from ..simulated import config_of, trained

PURCHASE = {"amount": 5, "quantity": 1, "discount": 0, "product_id": "p001", "category": "milk"}


def test_a_model_that_was_learnt_here_answers_until_the_block_ends() -> None:
    model = trained().model
    history = [{"purchased_at": str(model.trained_on.minus(days)), **PURCHASE} for days in (40, 20)]
    with here(model, config_of()) as url:
        client = Client(url, retries=0)
        answer = client.score([{"customer_id": "a", "purchases": history}], as_of=str(model.trained_on))
        assert client.ping()
    assert [(score.customer_id, score["orders"], score["recency_days"]) for score in answer.scores] == [("a", 2, 20)]
    with pytest.raises(RequestRefused, match="gave no answer"):
        client.ping()


def test_who_cannot_speak_is_no_server(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match="RG391"), standing(Endpoint(config_of(), tmp_path)):
        pytest.fail("nothing is on stage")
    stages = Stages(tmp_path)
    laid(stages, trained().model)
    (stages.stage().bundle / "model.json").write_text("{}")
    with pytest.raises(RegularsError, match="RG384"), standing(Endpoint(config_of(), tmp_path)):
        pytest.fail("the bundle is not as it was sealed")
