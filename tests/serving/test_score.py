"""The answer to purchase histories: the batch's numbers to the bit, who has none and why, and which days it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.models.outputs import OUTPUTS, USUAL
from regulars.pipelines import score as batch
from regulars.serving.body import Door
from regulars.serving.problems import Problem
from regulars.serving.score import fits, score
from regulars.serving.speaker import Speaker
from regulars.serving_section import ServeConfig

from ..simulated import purchases, shop, trained
from .histories import encoded, request_of_frame

CONFIG = ServeConfig()


@cache
def scores() -> pd.DataFrame:
    """What the batch says of the shop, as of the end of its ledger."""
    return batch.score(shop(), trained().model, threads=1).set_index("customer_id")


@pytest.fixture(scope="module")
def speaker(shop_speaker: Speaker) -> Speaker:
    """Whoever speaks, with the limits that are usual."""
    return replace(shop_speaker, door=Door(shop_speaker.model, CONFIG))


def told(speaker: Speaker, request: object, config: ServeConfig = CONFIG, today: Cutoff | None = None) -> Any:
    return json.loads(score(speaker, config, encoded(request), today or speaker.reference_day))


def same(value: object, meant: Any) -> bool:
    """Whether JSON says the same to the bit; a missing number is null."""
    return value is None if meant != meant else value == meant and type(value) is type(plain(meant))


def plain(value: Any) -> object:
    return value.item() if hasattr(value, "item") else value


def test_every_output_is_that_of_the_batch_to_the_bit_in_the_order_of_the_request(speaker: Speaker) -> None:
    ids = scores().index[::40].tolist()[::-1]
    assert len(ids) > 3
    outputs = [name for name in OUTPUTS if name != "reasons"]
    request = request_of_frame(purchases(), speaker.door.contract, ids, outputs=outputs)
    found = told(speaker, request)
    assert [row["customer_id"] for row in found["scores"]] == ids
    for row in found["scores"]:
        assert list(row) == ["customer_id", *outputs]
        meant = scores().loc[row["customer_id"]]
        assert [name for name in outputs if not same(row[name], meant[name])] == []
    assert (found["not_scored"], found["ignored_rows"]) == ([], 0)


def test_the_usual_outputs_are_said_alone_as_among_others_and_in_the_same_bytes(speaker: Speaker) -> None:
    ids = scores().index[:3].tolist()
    contract = speaker.door.contract
    together = told(speaker, request_of_frame(purchases(), contract, ids))["scores"]
    for place, who in enumerate(ids):
        request = encoded(request_of_frame(purchases(), contract, [who]))
        alone = score(speaker, CONFIG, request, speaker.reference_day)
        assert alone == score(speaker, CONFIG, request, speaker.reference_day)
        assert json.loads(alone)["scores"] == [together[place]]
        assert list(together[place]) == ["customer_id", *USUAL]


def test_an_answer_says_who_speaks_of_which_day(speaker: Speaker) -> None:
    found = told(speaker, speaker.example())
    assert (found["as_of"], found["reference"]) == (str(speaker.reference_day),) * 2
    model = speaker.model
    assert found["model"] == {
        "name": speaker.name,
        "version": "3",
        "run_id": speaker.run_id,
        "trained_on": str(model.trained_on),
    }
    assert [row["customer_id"] for row in found["scores"]] == ["customer-1"]


def test_who_has_no_score_is_told_with_the_reason_and_rows_of_later_are_counted(speaker: Speaker) -> None:
    day = speaker.reference_day
    request = speaker.example()
    known = request["customers"][0]
    row = known["purchases"][0]

    def customer(who: str, *days_before: int, **more: object) -> dict[str, object]:
        rows = [{**row, "purchased_at": str(day.minus(days)), **more} for days in days_before]
        return {"customer_id": who, "purchases": rows}

    customers = [
        customer("nothing"),
        customer("at midnight", 0),
        customer("returned", 3, amount=-5.0),
        customer("long ago", 40),
        customer("known late", 5, known_at=str(day)),
        customer("scored", 0, 5),
    ]
    strict = replace(speaker.model, active_within_days=30)
    now = replace(speaker, model=strict, door=Door(strict, CONFIG))
    found = told(now, {**request, "customers": customers})
    assert [row["customer_id"] for row in found["scores"]] == ["scored"]
    before = f"no purchase before {day}"
    assert [(left["customer_id"], left["why"]) for left in found["not_scored"]] == [
        ("nothing", before),
        ("at midnight", before),
        ("returned", before),
        ("long ago", "silent for more than 30 days"),
        ("known late", before),
    ]
    # Two rows of the day itself, and one that became known on it.
    assert found["ignored_rows"] == 3


def test_nobody_with_a_purchase_is_an_answer_without_scores(speaker: Speaker) -> None:
    found = told(speaker, {"customers": [{"customer_id": "a", "purchases": []}]})
    assert (found["scores"], len(found["not_scored"])) == ([], 1)


def test_without_a_day_it_is_today_and_a_later_day_sees_more(speaker: Speaker) -> None:
    day = speaker.reference_day
    request = {"customers": speaker.example()["customers"]}
    found = told(speaker, request, today=day.plus(2))
    # The last purchase of the example was a day before the Reference's.
    assert (found["as_of"], found["scores"][0]["recency_days"]) == (str(day.plus(2)), 3)
    assert found["reference"] == str(day)


def test_a_day_that_the_reference_does_not_fit_is_a_409() -> None:
    day = Cutoff.parse("2024-02-26")
    fits(day, day, 0)
    fits(day, day.plus(8), 8)
    fits(day, day.plus(9_000), None)
    for as_of, allowed, why in ((day.minus(1), 8, "seen what came after"), (day.plus(9), 8, "more than 8 days before")):
        with pytest.raises(Problem, match=why) as refused:
            fits(day, as_of, allowed)
        assert (refused.value.status, refused.value.code) == (409, "RG383")


def test_a_day_that_was_left_out_may_be_refused_too(speaker: Speaker) -> None:
    request = {"customers": speaker.example()["customers"]}
    with pytest.raises(Problem, match="RG383"):
        raise_with_code(speaker, request, speaker.reference_day.plus(9))


def raise_with_code(speaker: Speaker, request: object, today: Cutoff) -> None:
    try:
        told(speaker, request, today=today)
    except Problem as problem:
        raise Problem(problem.status, problem.code, problem.code) from None


@pytest.mark.parametrize("as_of", ["2050-06-01", "2099-12-31"])
def test_the_last_days_that_there_are_can_be_asked_for_where_the_reference_may_be_old(
    speaker: Speaker, as_of: str
) -> None:
    request = {**speaker.example(), "as_of": as_of, "outputs": [n for n in OUTPUTS if n != "reasons"]}
    found = told(speaker, request, ServeConfig(reference_days=None))
    assert len(found["scores"]) + len(found["not_scored"]) == 1


def test_amounts_that_cannot_be_added_exactly_are_refused(speaker: Speaker) -> None:
    request: Any = speaker.example()
    row = {**request["customers"][0]["purchases"][0], "amount": 8e11}
    # 600 lines of 8e15 units are more than 2^62.
    request["customers"][0]["purchases"] = [row] * 600
    with pytest.raises(Problem, match="too large to be added exactly") as refused:
        told(speaker, request)
    assert (refused.value.status, refused.value.code) == (422, "RG022")


def test_no_frame_is_made_for_an_answer(speaker: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a frame was made")

    body = encoded(speaker.example())
    monkeypatch.setattr(pd.DataFrame, "__init__", refuse)
    monkeypatch.setattr(pd.Series, "__init__", refuse)
    assert b'"p_churn"' in score(speaker, CONFIG, body, speaker.reference_day)
