"""/invocations says what `models.answer` says of the same rows in each of MLflow's forms; what is not strict has none.

In: purchases of the small shop as records, as a table, as CSV. Out: the numbers of `answer` to the bit, or a refusal
with row and field.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from regulars.models.answer import answer
from regulars.serving import invocations as invocations_module
from regulars.serving.invocations import invocations
from regulars.serving.problems import SHOWN, Problem
from regulars.serving.speaker import Speaker
from regulars.serving_section import ServeConfig

from ..models.test_request_beside import as_request, frames, full
from ..models.test_served import stored
from ..simulated import purchases, trained

JSON, CSV = "application/json", "text/csv"
LIMITS = ServeConfig(max_customers=50, max_rows=500)
FIRST = {"customer_id": "a", "purchased_at": "2024-01-05", "amount": 9.5, "quantity": 1, "discount": 0}
ROW = {**FIRST, "product_id": "p", "category": None}
"""All that the shop's model looks at."""


def history() -> pd.DataFrame:
    return purchases().head(120)


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    found: Any = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return list(found)


def split_of(frame: pd.DataFrame) -> dict[str, Any]:
    rows = records_of(frame)
    return {"columns": list(frame), "data": [list(row.values()) for row in rows], "index": list(range(len(rows)))}


def said(speaker: Speaker, body: object, kind: str = JSON) -> list[dict[str, Any]]:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = json.loads(invocations(speaker, LIMITS, sent, kind))
    assert list(found) == ["predictions"]
    return list(found["predictions"])


def meant(frame: pd.DataFrame, **params: object) -> list[dict[str, Any]]:
    return records_of(answer(trained().model, frame, params))


def refusal(speaker: Speaker, body: object, kind: str = JSON, limits: ServeConfig = LIMITS) -> Problem:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(Problem) as refused:
        invocations(speaker, limits, sent, kind)
    return refused.value


def places(problem: Problem) -> list[tuple[int | None, str]]:
    return [(fault.row, fault.field) for fault in problem.faults]


def test_every_form_gives_the_numbers_of_the_same_frame(shop_speaker: Speaker) -> None:
    frame = history()
    expected = meant(frame)
    assert len(expected) > 5
    assert said(shop_speaker, {"dataframe_records": records_of(frame)}) == expected
    assert said(shop_speaker, {"instances": records_of(frame)}) == expected
    assert said(shop_speaker, {"dataframe_split": split_of(frame)}) == expected
    # Money of the shop has two decimals, which CSV keeps.
    assert said(shop_speaker, frame.to_csv(index=False).encode(), CSV) == expected
    assert said(shop_speaker, frame.to_csv(index=False, lineterminator="\r\n").encode(), CSV) == expected


@pytest.mark.soak
def test_the_stock_server_says_the_same(shop_speaker: Speaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow
    from mlflow.pyfunc import scoring_server

    monkeypatch.setattr(sys, "path", [*sys.path])  # MLflow puts the model's code in front.
    frame = history()
    params = {"as_of": str(trained().model.trained_on.plus(1)), "horizons": "30", "reasons": True}
    bodies = {
        json.dumps({"dataframe_records": records_of(frame), "params": params}): JSON,
        json.dumps({"dataframe_split": split_of(frame), "params": params}): JSON,
        frame.to_csv(index=False): CSV,
    }
    with stored(tmp_path, trained()) as folder:
        stock = mlflow.pyfunc.load_model(str(folder))
        schema = stock.metadata.get_input_schema()
        for body, kind in bodies.items():
            found = scoring_server.invocations(body.encode(), kind, stock, schema)
            assert json.loads(found.response)["predictions"] == said(shop_speaker, body.encode(), kind)


def test_parameters_are_those_of_the_model(shop_speaker: Speaker) -> None:
    body = {"dataframe_records": records_of(history())}
    day = str(trained().model.trained_on.plus(2))
    asked = {"as_of": day, "horizons": "30", "reasons": True, "offers": False}
    found = said(shop_speaker, {**body, "params": asked})
    assert found == meant(history(), **asked)
    assert all(row["as_of"] == day and row["reasons"] for row in found)


def test_an_optional_key_may_be_missing_in_some_records(shop_speaker: Speaker) -> None:
    records = records_of(history())
    for row in records[::2]:
        del row["order_id"]
    frame = pd.DataFrame(records).astype(object).where(lambda f: f.notna(), None)
    assert said(shop_speaker, {"dataframe_records": records}) == meant(frame)


def test_rows_of_several_tables_are_told_apart(shop_speaker: Speaker) -> None:
    model = full().model
    frame = as_request(list(frames()["offers"]["customer_id"].unique()[:5]))
    assert {*frame["table"]} == {None, "events", "offers", "customers"}
    speaker = replace(shop_speaker, model=model)
    # Each record has the columns of its table alone.
    records = [{n: v for n, v in row.items() if v is not None} for row in records_of(frame)]
    needed = [name for name in model.plan.columns if name in frame]
    for row in records:
        if row.get("table", "purchases") == "purchases":
            row.update({name: row.get(name) for name in needed})
    assert said(speaker, {"dataframe_records": records}) == records_of(answer(model, frame, {}))


def test_ids_of_csv_are_text(shop_speaker: Speaker) -> None:
    out = io.StringIO()
    rows = csv.DictWriter(out, list(ROW))
    rows.writeheader()
    names = ("007", "1E5", "NA", "null", "9007199254740993", "a,b", 'say "a"')
    rows.writerows({**ROW, "customer_id": name} for name in names)
    assert [row["customer_id"] for row in said(shop_speaker, out.getvalue().encode(), CSV)] == sorted(names)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"amount": "10"}, (1, "amount")),
        ({"amount": True}, (1, "amount")),
        ({"amount": None}, (1, "amount")),
        ({"amount": [1]}, (1, "amount")),
        ({"amount": 1.00001}, (1, "amount")),
        ({"amount": 10**400}, (1, "amount")),
        ({"quantity": "1"}, (1, "quantity")),
        ({"discount": -1}, (1, "discount")),
        ({"customer_id": 5}, (1, "customer_id")),
        ({"customer_id": ""}, (1, "customer_id")),
        ({"customer_id": None}, (1, "customer_id")),
        ({"purchased_at": 20240105}, (1, "purchased_at")),
        ({"purchased_at": "tomorrow"}, (1, "purchased_at")),
        ({"purchased_at": None}, (1, "purchased_at")),
        ({"category": 3}, (1, "category")),
        ({"zzsecret": 1}, (1, "")),
    ],
)
def test_a_bad_cell_is_refused_with_its_row_and_field(
    shop_speaker: Speaker, change: dict[str, object], place: tuple[int, str]
) -> None:
    rows = [ROW, {**ROW, **change}]
    problem = refusal(shop_speaker, {"dataframe_records": rows})
    assert (problem.status, places(problem)) == (422, [place])
    assert "zzsecret" not in problem.body("an-id").decode()
    if place[1]:
        table = {"columns": list(ROW), "data": [list(row.values()) for row in rows]}
        assert places(refusal(shop_speaker, {"dataframe_split": table})) == [place]


def test_a_key_that_is_missing_in_the_second_record_is_refused(shop_speaker: Speaker) -> None:
    lacking = {name: value for name, value in ROW.items() if name != "amount"}
    problem = refusal(shop_speaker, {"dataframe_records": [ROW, lacking, lacking]})
    assert (problem.status, places(problem)) == (422, [(1, "amount"), (2, "amount")])


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_what_is_no_number_is_refused(shop_speaker: Speaker, value: str) -> None:
    body = json.dumps({"dataframe_records": [{**ROW, "amount": "@"}]}).replace('"@"', value).encode()
    assert refusal(shop_speaker, body).status in (400, 422)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"inputs": {}},
        {"dataframe_records": {}},
        {"dataframe_records": [1]},
        {"dataframe_records": [None]},
        {"dataframe_records": []},
        {"dataframe_records": [ROW], "instances": [ROW]},
        {"dataframe_records": [ROW], "more": 1},
        {"dataframe_records": [ROW], "params": []},
        {"dataframe_split": []},
        {"dataframe_split": {"columns": list(ROW)}},
        {"dataframe_split": {"columns": list(ROW), "data": [[1]]}},
        {"dataframe_split": {"columns": list(ROW), "data": [{}]}},
        {"dataframe_split": {"columns": list(ROW), "data": [list(ROW.values())], "index": [1, 2]}},
        {"dataframe_split": {"columns": [*ROW, "amount"], "data": [[*ROW.values(), 1]]}},
        {"dataframe_split": {"columns": [*ROW, "ammount"], "data": [[*ROW.values(), 1]]}},
        {"dataframe_split": {"columns": [*ROW, ["x"]], "data": [[*ROW.values(), 1]]}},
        {"dataframe_split": {"columns": "abc", "data": []}},
        {"dataframe_split": {"columns": list(ROW)[1:], "data": []}},
        {"dataframe_split": {"columns": list(ROW), "data": []}},
    ],
)
def test_another_form_is_refused(shop_speaker: Speaker, body: object) -> None:
    assert refusal(shop_speaker, body).status == 422


def test_the_nearest_name_is_said_for_an_unknown_one(shop_speaker: Speaker) -> None:
    (fault,) = refusal(shop_speaker, {"dataframe_records": [{**ROW, "ammount": 1}]}).faults
    assert fault.problem == "an unknown key; did you mean `amount`?"


def test_names_are_compared_for_the_faults_that_are_shown_only(
    shop_speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = list[str]()
    monkeypatch.setattr(invocations_module, "did_you_mean", lambda name, known: compared.append(name) or "")
    many = {f"ammount{at}": 1 for at in range(1000)}
    assert len(refusal(shop_speaker, {"dataframe_records": [ROW | many]}).faults) == 1000
    columns = {"columns": [*ROW, *many, "x" * 65], "data": []}
    assert len(refusal(shop_speaker, {"dataframe_split": columns}).faults) == 1001
    assert len(refusal(shop_speaker, {"dataframe_records": [ROW], "params": many}).faults) == 1000
    assert len(compared) == 3 * SHOWN


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"horizon": "30"}, 422),
        ({"as_of": 5}, 422),
        ({"as_of": "2024-02-30"}, 422),
        ({"as_of": "2024-01-05T10:00"}, 422),
        ({"horizons": "31"}, 422),
        ({"horizons": [30]}, 422),
        ({"horizons": "٣٠"}, 422),
        ({"reasons": "yes"}, 422),
        ({"reasons": 1}, 422),
        ({"offers": True}, 422),
        ({"as_of": "2020-01-01"}, 409),
        ({"as_of": "2031-01-01"}, 409),
    ],
)
def test_a_parameter_that_cannot_be_met_is_refused(
    shop_speaker: Speaker, params: dict[str, object], status: int
) -> None:
    problem = refusal(shop_speaker, {"dataframe_records": [ROW], "params": params})
    assert problem.status == status


def test_what_other_customers_told_may_be_as_old_as_the_server_allows(shop_speaker: Speaker) -> None:
    trained_on = shop_speaker.model.trained_on
    last, late = str(trained_on.plus(8)), str(trained_on.plus(9))
    assert said(shop_speaker, {"dataframe_records": [ROW], "params": {"as_of": last}})
    problem = refusal(shop_speaker, {"dataframe_records": [ROW], "params": {"as_of": late}})
    assert (problem.status, problem.code) == (409, "RG383")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"", 422),
        (b"customer_id,amount\n", 422),
        (b"\xff\xfe", 400),
        (b"\xef\xbb\xbfcustomer_id\n", 400),
        (b'customer_id,amount\n"a,1\n', 400),
        (b"customer_id\x00\n", 400),
        (",".join(ROW).encode() + b"\na,2024-01-05,1\n", 422),
        (",".join(ROW).encode() + b"\na,2024-01-05,nan,1,0,p,c\n", 422),
        (",".join(ROW).encode() + b"\na,2024-01-05,0x10,1,0,p,c\n", 422),
        (",".join(ROW).encode() + b"\na,2024-01-05,1_0,1,0,p,c\n", 422),
        (",".join(ROW).encode() + b"\na,2024-01-05,,1,0,p,c\n", 422),
        (",".join(ROW).encode() + b"\n" + b"\n" * 600, 413),
    ],
)
def test_csv_that_is_not_strict_is_refused(shop_speaker: Speaker, text: bytes, status: int) -> None:
    assert refusal(shop_speaker, text, CSV).status == status


def test_more_than_the_limits_is_refused(shop_speaker: Speaker) -> None:
    many = [{**ROW, "customer_id": str(at)} for at in range(51)]
    assert refusal(shop_speaker, {"dataframe_records": many}).status == 413
    rows = {"columns": list(ROW), "data": [list(ROW.values())] * 501}
    assert refusal(shop_speaker, {"dataframe_split": rows}).status == 413
    # As many as the limits allow are answered.
    assert len(said(shop_speaker, {"dataframe_records": many[:50]})) == 50
