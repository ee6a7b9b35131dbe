"""The kit finds our endpoint faultless, with a key and without, and finds out servers that are not.

In: the shop's endpoint in a thread; a made-up server that says what a check must not let pass. Out: sentences.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import requests
from typer.testing import CliRunner

from regulars.cli.app import app
from regulars.offers.audience import Audience
from regulars.offers.past import Past
from regulars.offers.permitted import Permitted
from regulars.offers.policy import Policy, Recommendations
from regulars.serving import told as telling
from regulars.serving.answers import RequestRefused
from regulars.serving.endpoint import Endpoint
from regulars.serving.here import here, laid, standing
from regulars.serving.kit import Broken, Check, caller, checks, probed, told
from regulars.serving.kit.offers import OFFERS
from regulars.serving.stage import Stages

from ..models.test_request_beside import full
from ..simulated import trained
from .conftest import KEY, small
from .offered import config, plan
from .pretender import Said, server


def broken_of(found: tuple[Check, ...]) -> dict[str, str]:
    """What is not kept, and why."""
    broken = {}
    for check in found:
        try:
            check()
        except Broken as why:
            broken[str(check)] = str(why)
    return broken


def test_our_endpoint_keeps_everything_it_promises(keyed_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", KEY)
    found = CliRunner().invoke(app, ["probe", keyed_url, "--key-variable", "A_KEY"])
    assert found.exit_code == 0, found.output
    lines, named = found.output.splitlines(), checks(keyed_url, KEY)
    bad = sum(check.group == "bad bodies" for check in named)
    assert bad > 60
    assert {
        "  kept  /ping answers anybody",
        "  kept  without the key there is nothing but /ping and /health",
        "  kept  a wrong key is refused",
        f"  kept  bad bodies: {bad} of {bad}",
    } <= set(lines)
    assert lines[-1] == f"all {len(named)} checks are kept"
    assert KEY not in found.output


def test_an_endpoint_without_a_key_is_not_asked_for_one(shop_url: str) -> None:
    named = checks(shop_url)
    assert len(named) == len(checks(shop_url, KEY)) - 2
    assert broken_of(named[:8]) == {}


def test_an_endpoint_whose_model_looks_at_several_tables_keeps_it_too() -> None:
    with here(full().model) as url:
        named = {str(check): check for check in checks(url)}
        some = (
            "the example of the description is answered",
            "purchases from the day of the scores on are ignored, and counted",
            "rows in another order: the same numbers",
            "/invocations says the same in every form",
            "/invocations is as strict, and tells row and field",
        )
        assert broken_of(tuple(named[sentence] for sentence in some)) == {}


@pytest.fixture(scope="module")
def offers_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that decides on offers by the shop's wave, and where it keeps what it recommends."""
    folder = tmp_path_factory.mktemp("offers")
    stages = Stages(folder / "server")
    laid(stages, trained().model, policy=plan().policy().to_dict(), online=folder / "online")
    with standing(Endpoint(small(config()), stages.folder)) as url:
        yield url, folder / "online"


def offers_checks(url: str) -> tuple[Check, ...]:
    return tuple(check for check in checks(url) if str(check) in OFFERS)


def test_an_endpoint_that_decides_on_offers_keeps_it_too_and_nothing_of_the_checks(
    offers_url: tuple[str, Path],
) -> None:
    url, kept = offers_url
    assert len(offers_checks(url)) == len(OFFERS) == 6
    assert broken_of(offers_checks(url)) == {}
    assert "/v1/recommendations" in requests.get(f"{url}/openapi.json", timeout=20).json()["paths"]
    assert not kept.exists()


def test_an_endpoint_that_offers_without_consent_or_to_controls_is_found_out(
    offers_url: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = offers_url
    recommended = Policy.recommend

    def eager(self: Policy, audience: Audience, permitted: Permitted, past: Past | None = None) -> Recommendations:
        found = recommended(self, audience, Permitted.of(np.zeros_like(permitted.reason)), past)
        again = np.zeros(audience.n, np.int16)
        return replace(found, given=again, why=[""] * audience.n)

    monkeypatch.setattr(Policy, "recommend", eager)
    assert broken_of(offers_checks(url)) == {
        "without consent nobody is offered anything": "who gave no consent is offered something, or is not told why"
        " not",
        "controls and held out customers are offered nothing": "a control, or who is held out, is offered something",
    }


def test_an_endpoint_whose_offers_carry_products_that_they_should_not_is_found_out(
    offers_url: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling._Telling, "_items", lambda *_: ["tea"])
    assert broken_of(offers_checks(offers_url[0])) == {
        "products go with offers that suggest some, each once": "products go with an offer that suggests none"
    }


def test_an_endpoint_that_draws_anew_each_time_is_found_out(
    offers_url: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count()
    monkeypatch.setattr(telling, "send_at", lambda *_: next(numbers))
    broken = broken_of(offers_checks(offers_url[0]))
    assert broken == {
        "recommendations are the same twice, and for a customer alone": "the same request is answered otherwise the"
        " second time"
    }


def test_names_of_checks_are_all_different() -> None:
    names = [str(check) for check in checks("http://127.0.0.1:1", KEY)]
    assert len(names) == len(set(names))


EXAMPLE = {
    "as_of": "2024-02-01",
    "customers": [
        {"customer_id": "a", "purchases": [{"purchased_at": f"2024-01-0{d}", "amount": 1.0} for d in (5, 6)]}
    ],
}
DESCRIBED = {
    "openapi": "3.1.0",
    "x-limits": {"max_kilobytes": 64, "max_customers": 10, "max_rows": 50},
    "paths": {
        "/v1/score": {"post": {"requestBody": {"content": {"application/json": {"example": EXAMPLE}}}, "responses": {}}}
    },
}


def lax(path: str, body: bytes) -> Said:
    """A server that takes everything and answers with what it got, as stock model servers do."""
    if path == "/openapi.json":
        return 200, {"Content-Type": "application/json"}, json.dumps(DESCRIBED).encode()
    return 200, {"Content-Type": "application/json"}, b'{"echo": ' + json.dumps(body.decode("latin-1")).encode() + b"}"


def test_a_server_that_takes_everything_is_found_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REGULARS_API_KEY", raising=False)
    monkeypatch.setattr(caller, "SECONDS", 0.3)  # It waits for a body that was announced only.
    with server(lax) as url:
        names = {str(check) for check in checks(url)}
        found = CliRunner().invoke(app, ["probe", url, "--json", str(tmp_path / "found.json")])
    assert found.exit_code == 7, found.output
    assert "BROKEN  refused: amount: NaN: status 200, where one from 400 to 499 is right" in found.output
    # All that a 200 without a thought can keep.
    assert names - set(json.loads((tmp_path / "found.json").read_text())["broken"]) == {
        "/ping answers anybody",
        "/health answers anybody",
        "/version says what runs",
        "the same request twice: the same bytes",
    }


def test_a_refusal_that_repeats_what_was_sent_is_found_out() -> None:
    def say(path: str, body: bytes) -> Said:
        if path == "/openapi.json":
            return lax(path, body)
        told = dict.fromkeys(("type", "title", "detail", "code", "request_id"), "")
        problem = {**told, "status": 422, "detail": body.decode("latin-1")}
        return 422, {"Content-Type": "application/problem+json"}, json.dumps(problem).encode()

    with server(say) as url:
        (check,) = [c for c in checks(url) if str(c) == "refused: amount: NaN"]
        with pytest.raises(Broken, match="what was sent is repeated"):
            check()


def test_a_refusal_without_a_reason_is_found_out() -> None:
    def say(path: str, body: bytes) -> Said:
        return lax(path, body) if path == "/openapi.json" else (500 if b"NaN" in body else 422, {}, b"no")

    with server(say) as url:
        by_name = {str(check): check for check in checks(url)}
        with pytest.raises(Broken, match="status 500"):
            by_name["refused: amount: NaN"]()
        with pytest.raises(Broken, match="no JSON"):
            by_name["refused: amount: true"]()


def test_nobody_there_is_said_once() -> None:
    with pytest.raises(RequestRefused, match="gave no answer"):
        list(probed("http://127.0.0.1:9"))


def test_bad_bodies_are_told_as_one() -> None:
    assert told([])[-1] == "all 0 checks are kept"
