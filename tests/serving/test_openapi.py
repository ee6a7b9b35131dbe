"""The description of the endpoint is whole, its example is answered, and what it says of answers is so.

Schemathesis makes requests from it, right ones and wrong ones: no answer is a 5xx or another than was described.
"""

from __future__ import annotations

import copy
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from regulars.models.outputs import OUTPUTS
from regulars.serving.endpoint import Endpoint
from regulars.serving.here import laid, standing
from regulars.serving.openapi import openapi
from regulars.serving.speaker import Speaker
from regulars.serving.stage import Stages
from regulars.serving_section import ServeConfig

from ..models.test_request_beside import full
from ..simulated import trained
from .conftest import KEY, small
from .offered import asked, config, day, deciding, plan, scores

TIMES = 50 if os.environ.get("REGULARS_SOAK") == "1" else 1
"""By so many the counts of cases grow: 200 become 10,000."""
POSTED = ("/v1/score", "/invocations")


@pytest.fixture(scope="module")
def described(shop_url: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{shop_url}/openapi.json", timeout=20).json()
    return found


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as found:
        yield found


def quiet(cases: int) -> settings:
    """So many cases, the same each time; what fails is shown as it is, because making it small takes long."""
    return settings(
        max_examples=cases * TIMES,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        derandomize=TIMES == 1,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
            HealthCheck.large_base_example,
        ],
    )


def operation(described: dict[str, Any], path: str) -> Any:
    method = "POST" if path in POSTED else "GET"
    return schemathesis.openapi.from_dict(described)[path][method]


def with_days(part: Any) -> Any:
    """A description of which all days are days that there were, without limits: patterns and long lists take long."""
    if isinstance(part, list):
        return [with_days(one) for one in part]
    if not isinstance(part, dict):
        return part
    if str(part.get("pattern", "")).startswith("^[0-9]{4}"):
        days = [f"2023-{month:02d}-{day:02d}" for month in (1, 6, 12) for day in (1, 28)]
        return {"enum": [str(trained().model.trained_on)] if part.get("format") == "date" else days}
    return {name: with_days(value) for name, value in part.items() if name != "maxItems"}


def with_money(body: dict[str, Any]) -> dict[str, Any]:
    """A request with money of two decimals, customers told apart, and a day; no larger than the limits."""
    body = {"as_of": str(trained().model.trained_on), **copy.deepcopy(body)}
    body["customers"] = body["customers"][:8]
    for at, customer in enumerate(body["customers"]):
        customer["purchases"] = customer["purchases"][:7]
        customer["customer_id"] = f"customer {at}"
        # What the model does not look at counts among the rows.
        customer |= {name: type(customer[name])() for name in ("events", "offers", "customer") if name in customer}
        for row in customer["purchases"]:
            row.update({name: round(v % 1000, 2) for name, v in row.items() if isinstance(v, float | int)})
    # Without any of what is said of a further horizon there is nothing to say of it.
    if body.get("horizons"):
        body["outputs"] = sorted({*body.get("outputs", ()), "p_churn"})
    return body


def test_what_the_schema_allows_is_answered_as_described(
    described: dict[str, Any], shop_url: str, session: requests.Session
) -> None:
    scored = Counter[bool]()

    @quiet(10)
    @given(case=operation(with_days(described), "/v1/score").as_strategy())
    def asked(case: Any) -> None:
        case.body = with_money(case.body)
        answer = case.call(base_url=shop_url, session=session)
        assert answer.status_code == 200, answer.text
        case.validate_response(answer)
        found = answer.json()
        scored.update({True: len(found["scores"]), False: len(found["not_scored"])})
        assert len(found["scores"]) + len(found["not_scored"]) == len(case.body["customers"])

    asked()
    assert scored[True]
    assert scored[False]


@pytest.mark.parametrize(
    ("path", "mode", "cases"),
    [
        ("/v1/score", GenerationMode.POSITIVE, 10),
        ("/v1/score", GenerationMode.NEGATIVE, 30),
        ("/invocations", GenerationMode.POSITIVE, 30),
        ("/invocations", GenerationMode.NEGATIVE, 110),
        ("/v1/customers/{customer_id}", GenerationMode.POSITIVE, 10),
    ],
)
def test_whatever_is_made_of_the_schema_no_answer_is_another_than_described(
    described: dict[str, Any], shop_url: str, session: requests.Session, path: str, mode: GenerationMode, cases: int
) -> None:
    @quiet(cases)
    @given(case=operation(with_days(described), path).as_strategy(generation_mode=mode))
    def asked(case: Any) -> None:
        answer = case.call(base_url=shop_url, session=session)
        assert answer.status_code < 500, answer.text
        # Days that there never were are allowed by the schema; what is too large is wrong, too.
        without = [positive_data_acceptance, *([negative_data_rejection] if answer.status_code == 413 else [])]
        case.validate_response(answer, excluded_checks=without)

    asked()


def test_every_page_answers_as_described(described: dict[str, Any], shop_url: str, session: requests.Session) -> None:
    assert set(described["paths"]) == {
        "/v1/score",
        "/invocations",
        "/v1/customers/{customer_id}",
        "/ping",
        "/health",
        "/version",
        "/metrics",
        "/openapi.json",
    }
    for path in set(described["paths"]) - {*POSTED, "/v1/customers/{customer_id}"}:
        case = operation(described, path).Case()
        answer = case.call(base_url=shop_url, session=session)
        assert answer.status_code == 200
        case.validate_response(answer)


def test_recommendations_are_described_where_somebody_decides_on_offers(
    described: dict[str, Any], tmp_path: Path, session: requests.Session
) -> None:
    assert "/v1/recommendations" not in described["paths"]
    stages = Stages(tmp_path)
    laid(stages, trained().model, policy=plan().policy().to_dict())
    with standing(Endpoint(small(config()), stages.folder)) as url:
        found = session.get(f"{url}/openapi.json", timeout=20).json()
        post = found["paths"]["/v1/recommendations"]["post"]
        example = post["requestBody"]["content"]["application/json"]["example"]
        shown = post["responses"]["200"]["content"]["application/json"]["example"]
        assert session.post(f"{url}/v1/recommendations", json=example, timeout=20).json() == shown
        page = schemathesis.openapi.from_dict(found)["/v1/recommendations"]["POST"]
        # Those who get something, nothing, and scores as well: all as described.
        for more in ({}, {"outputs": ["segment"]}):
            body = {**asked(scores()["customer_id"].tolist()[:8]), "dry_run": True, **more}
            for customer in body["customers"]:
                customer["purchases"] = customer["purchases"][:4]
            case = page.Case(body=body)
            answer = case.call(base_url=url, session=session)
            assert answer.status_code == 200, answer.text
            case.validate_response(answer)
        assert session.post(f"{url}/v1/recommendations", json={}, timeout=20).status_code == 422


def test_a_wave_that_is_read_out_is_described_without_an_answer(shop_speaker: Speaker) -> None:
    speaker = replace(deciding(shop_speaker), reference_day=day().plus(30))
    found = json.loads(openapi(speaker, ServeConfig()))["paths"]["/v1/recommendations"]["post"]
    assert "example" not in found["responses"]["200"]["content"]["application/json"]


def test_the_example_is_answered_as_the_description_shows(described: dict[str, Any], shop_url: str) -> None:
    post = described["paths"]["/v1/score"]["post"]
    example = post["requestBody"]["content"]["application/json"]["example"]
    shown = post["responses"]["200"]["content"]["application/json"]["example"]
    assert requests.post(f"{shop_url}/v1/score", json=example, timeout=20).json() == shown
    assert len(shown["scores"]) == 1


def test_every_output_is_described_with_its_meaning(described: dict[str, Any]) -> None:
    row = described["components"]["schemas"]["Row"]["properties"]
    assert set(row) == {"customer_id", *OUTPUTS}
    assert row["p_churn"] == {"type": ["number", "null"], "description": OUTPUTS["p_churn"].meaning}


def test_keys_are_described_where_they_are_needed(shop_speaker: Speaker, keyed_url: str) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    keyed = requests.get(f"{keyed_url}/openapi.json", headers=headers, timeout=20).json()
    assert keyed["paths"]["/v1/score"]["post"]["security"] == [{"bearer": []}, {"header": []}]
    assert keyed["paths"]["/ping"]["get"]["security"] == []
    assert {"401", "403"} <= set(keyed["paths"]["/metrics"]["get"]["responses"])


def test_a_model_of_several_tables_is_described_with_all_of_them(shop_speaker: Speaker) -> None:
    from regulars.serving.body import Door

    model = full().model
    speaker = replace(shop_speaker, model=model, reference=model.reference, door=Door(model, ServeConfig()))
    found = json.loads(openapi(speaker, ServeConfig()))
    schemas = found["components"]["schemas"]
    customer = schemas["ScoreRequest"]["properties"]["customers"]["items"]
    assert customer["required"] == ["customer_id", "purchases", "events", "offers", "customer"]
    shown = found["paths"]["/v1/score"]["post"]["responses"]["200"]["content"]["application/json"]["example"]
    assert len(shown["scores"]) == 1
    records = schemas["Invocation"]["oneOf"][1]["properties"]["dataframe_records"]["items"]
    assert {"table", "occurred_at", "offered_at", "customers.category", "age"} <= set(records["properties"])
