"""The client: typed answers of our endpoint; patient with a busy server, and plain about every other answer.

In: the shop's endpoint in a thread; a pretender that is busy, refuses, redirects, or is another program.
"""

from __future__ import annotations

import json
import math
import socket
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import regulars
from regulars.errors import ConfigError
from regulars.models.request import lines_of
from regulars.offers.arms import ARMS
from regulars.pipelines.campaign.recommended import recommended
from regulars.serving.answers import RequestRefused, Score
from regulars.serving.client import Client
from regulars.serving.endpoint import Endpoint
from regulars.serving.here import laid, standing
from regulars.serving.problems import MEDIA, Fault, Problem
from regulars.serving.stage import Stages

from ..simulated import purchases, trained
from .conftest import KEY
from .offered import asked as facts_of
from .offered import config, plan, scores
from .pretender import Said, server

OK = {"Content-Type": "application/json"}
EMPTY = {
    "as_of": "2024-02-26",
    "reference": "2024-02-26",
    "model": {"name": "regulars", "version": "3", "run_id": "r", "trained_on": "2024-02-26"},
    "scores": [],
    "not_scored": [],
    "ignored_rows": 0,
}


def histories(n: int) -> list[dict[str, Any]]:
    """Customers of the shop as a caller tells of them."""
    frame = purchases().astype(object).where(lambda f: f.notna(), None)
    some = frame.groupby("customer_id").head(6).groupby("customer_id", sort=False)
    told = [(name, rows.drop(columns="customer_id").to_dict("records")) for name, rows in some]
    return [{"customer_id": name, "purchases": rows} for name, rows in told[:n]]


def test_recommendations_are_those_of_the_policy_and_where_there_is_none_that_is_said(
    shop_url: str, tmp_path: Path
) -> None:
    stages, asked = Stages(tmp_path), facts_of(scores()["customer_id"].tolist()[:3])
    laid(stages, trained().model, policy=plan().policy().to_dict(), online=tmp_path / "online")
    with standing(Endpoint(config(), stages.folder)) as url, Client(url) as client:
        found = client.recommendations(asked["customers"], as_of=asked["as_of"], outputs=["segment"], dry_run=True)
        assert not (tmp_path / "online").exists()
        again = client.recommendations(asked["customers"], as_of=date.fromisoformat(asked["as_of"]))
        assert len(recommended(tmp_path / "online")) == 3
        assert client.health()["policy"] == {"campaign": "spring", "as_of": asked["as_of"]}
    assert (found.policy.campaign, found.policy.as_of) == ("spring", asked["as_of"])
    assert [one.customer_id for one in found.recommendations] == [c["customer_id"] for c in asked["customers"]]
    assert [replace(one, scores=None) for one in found.recommendations] == list(again.recommendations)
    assert all(set(one.scores or ()) == {"segment"} for one in found.recommendations)
    first = found.recommendations[0]
    assert (first.arm in ARMS, len(first.recommendation_id), bool(first.offers) is not bool(first.why)) == (
        True,
        32,
        True,
    )
    with Client(shop_url) as client, pytest.raises(RequestRefused, match="no wave was assigned") as refused:
        client.recommendations(asked["customers"])
    assert (refused.value.status, refused.value.code) == (404, "RG456")


def answering(*said: Said) -> tuple[list[bytes], Any]:
    """Who says one thing after the other, the last again and again; and the bodies that came."""
    bodies, left = list[bytes](), list(said)

    def say(path: str, body: bytes) -> Said:
        bodies.append(body)
        return left.pop(0) if len(left) > 1 else left[0]

    return bodies, say


def test_scores_are_those_of_the_model(shop_url: str) -> None:
    model, asked = trained().model, histories(4)
    with Client(shop_url) as client:
        found = client.score(asked, as_of=str(model.trained_on), outputs=["p_churn", "spend_low", "segment"])
    rows = [{"customer_id": one["customer_id"], **row} for one in asked for row in one["purchases"]]
    lines = lines_of(pd.DataFrame(rows), model.plan.columns, model.rules)
    meant = model.scores_of(lines, model.trained_on).set_index("customer_id")
    assert [score.customer_id for score in found.scores] == [one["customer_id"] for one in asked]
    for score in found.scores:
        row = meant.loc[score.customer_id]
        assert (score.p_churn, score.number("spend_low")) == (row["p_churn"], row["spend_low"])
        assert dict(score.values) == {name: row[name] for name in ("p_churn", "spend_low", "segment")}
    assert (found.as_of, found.model.version) == (str(model.trained_on), "3")
    assert (found.reference, found.model.trained_on) == (str(model.trained_on), str(model.trained_on))


def test_the_package_offers_it(shop_url: str) -> None:
    with regulars.Client(shop_url) as client:
        assert client.ping()
        assert client.health()["model_version"] == "3"
        assert client.version()["regulars"] == regulars.__version__
        assert client.customer("nobody/..") is None


def test_an_id_stands_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with Client("http://127.0.0.1:9", retries=1) as client, pytest.raises(RequestRefused) as refused:
        client.customer("0shopper00001")
    assert "0shopper00001" not in caplog.text + str(refused.value)


def test_what_is_no_text_is_no_id() -> None:
    with pytest.raises(ConfigError, match="no text"):
        Client("http://127.0.0.1:9").customer("\ud800")


def test_who_is_not_scored_is_told_apart(shop_url: str) -> None:
    model, (one,) = trained().model, histories(1)
    one["purchases"] = [{**row, "purchased_at": f"{model.trained_on}T10:00"} for row in one["purchases"]]
    with Client(shop_url) as client:
        found = client.score([one], as_of=str(model.trained_on))
    assert (found.scores, found.ignored_rows) == ((), len(one["purchases"]))
    assert found.not_scored[0].why == f"no purchase before {model.trained_on}"


def test_dates_and_numbers_are_sent_as_json_has_them() -> None:
    bodies, say = answering((200, OK, json.dumps(EMPTY).encode()))
    row = {"purchased_at": pd.Timestamp("2024-01-05 10:00"), "amount": Decimal("9.95"), "quantity": np.int64(2)}
    with server(say) as url, Client(url) as client:
        found = client.score([{"customer_id": "a", "purchases": [row]}], as_of=pd.Timestamp("2024-02-26").date())
        client.score([], outputs=["p_churn"], horizons=(30,))
    sent = json.loads(bodies[0])
    assert sent["as_of"] == "2024-02-26"
    assert sent["customers"][0]["purchases"] == [{"purchased_at": "2024-01-05T10:00:00", "amount": 9.95, "quantity": 2}]
    assert json.loads(bodies[1]) == {"customers": [], "outputs": ["p_churn"], "horizons": [30]}
    assert found.scores == ()


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {1, 2}, b"bytes"])
def test_what_json_does_not_have_is_never_sent(value: object) -> None:
    with pytest.raises(ConfigError, match=r"RG388.*JSON cannot"):
        Client("http://127.0.0.1:9").score([{"customer_id": "a", "purchases": [{"amount": value}]}])


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(status: int) -> None:
    busy = (status, {"Retry-After": "0", "Content-Type": MEDIA}, Problem(status, "busy", "RG387").body("r"))
    bodies, say = answering(busy, busy, (200, OK, json.dumps(EMPTY).encode()))
    with server(say) as url, Client(url) as client:
        assert client.score([{"customer_id": "a"}]).as_of == "2024-02-26"
    # The same request, three times.
    assert len(bodies) == 3
    assert len(set(bodies)) == 1


def test_a_server_that_stays_busy_is_left_alone_after_a_while() -> None:
    bodies, say = answering((503, {"Retry-After": "0", "Content-Type": MEDIA}, Problem(503, "busy", "RG387").body("r")))
    with server(say) as url, Client(url, retries=2) as client, pytest.raises(RequestRefused) as refused:
        client.score([])
    assert (refused.value.status, refused.value.code, len(bodies)) == (503, "RG387", 3)


def test_a_refusal_tells_what_was_wrong_where() -> None:
    faults = [Fault("a finite number", 0, "purchases", 3, "amount"), Fault("a text", 1, field="customer_id")]
    bodies, say = answering((422, {"Content-Type": MEDIA}, Problem(422, "2 things", "RG382", faults).body("r")))
    with server(say) as url, Client(url) as client, pytest.raises(RequestRefused) as refused:
        client.score([])
    assert (refused.value.status, refused.value.code, refused.value.faults) == (422, "RG382", tuple(faults))
    assert "customer 0, purchases row 3, `amount`: a finite number; customer 1, `customer_id`" in str(refused.value)
    assert len(bodies) == 1  # It would be as wrong the second time.


@pytest.mark.parametrize(
    "said",
    [
        (200, {"Content-Type": "text/html"}, b"<html>"),
        (200, OK, b"[]"),
        (200, OK, b"{}"),
        (200, OK, json.dumps({**EMPTY, "scores": [1]}).encode()),
        (200, OK, json.dumps({**EMPTY, "as_of": 5}).encode()),
        (500, {"Content-Type": "text/plain"}, b"oops"),
        (422, {"Content-Type": MEDIA}, b"no JSON"),
        (422, {"Content-Type": MEDIA}, b'{"errors": 5}'),
    ],
)
def test_the_answer_of_another_program_is_a_refusal(said: Said) -> None:
    _, say = answering(said)
    with server(say) as url, Client(url) as client, pytest.raises(RequestRefused, match="RG388"):
        client.score([])


def test_nobody_there_is_a_refusal() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with Client(url, retries=0) as client, pytest.raises(RequestRefused, match="gave no answer") as refused:
            client.ping()
    assert refused.value.status == 0


def test_a_key_is_sent_to_that_address_only(keyed_url: str) -> None:
    with Client(keyed_url, KEY) as client:
        assert client.version()
    with Client(keyed_url) as client, pytest.raises(RequestRefused) as refused:
        client.version()
    assert refused.value.status == 401
    seen: list[dict[str, str]] = []
    with (
        server(lambda path, body: (200, OK, b"{}"), seen) as other,
        server(lambda path, body: (307, {"Location": f"{other}/v1/score"}, b"")) as url,
        Client(url, KEY) as client,
        pytest.raises(RequestRefused) as moved,
    ):
        client.score([])
    # A redirect is no answer, and nothing goes where it points to.
    assert (moved.value.status, seen) == (307, [])


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:8000", "ftp://127.0.0.1", "http://ann:secret@127.0.0.1", "http://", "http://a/?b=1", "http://a#b"],
)
def test_an_address_must_be_one(url: str) -> None:
    with pytest.raises(ConfigError, match="no address") as refused:
        Client(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("key", ["", "a\r\nHost: b", "ключ", " a-key-with-a-blank-before"])
def test_a_key_that_no_header_can_hold_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="cannot be sent"):
        Client("http://127.0.0.1:9", key)


def test_the_key_is_never_shown() -> None:
    assert KEY not in repr(Client("http://127.0.0.1:9", KEY))


def test_outputs_have_the_type_they_are_asked_as() -> None:
    score = Score("a", {"p_churn": 0.5, "expected_spend": 3, "spend_low": None, "segment": "steady", "late": True})
    assert (score.p_churn, score.expected_spend, score["segment"], score["late"]) == (0.5, 3.0, "steady", True)
    assert math.isnan(score.number("spend_low"))
    with pytest.raises(TypeError, match="segment is a text"):
        score.number("segment")
