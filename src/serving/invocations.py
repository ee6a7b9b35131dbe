"""`POST /invocations`: what MLflow's own server takes, and what it gives, but strict.

In: a body as ``dataframe_split``, ``dataframe_records``, ``instances`` (records) or CSV, with `params`. Out: a row per
customer at risk with every column, as `models.answer` says it for the same frame: with what other customers told on the
day of training, as every other server of the model does. Missing: null, and an empty cell of CSV.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import ConfigError, DataError, did_you_mean
from ..models.answer import PARAMETERS, Asked, answered
from ..models.packed import params_of
from ..models.request import Column, columns_of_request
from ..models.request_beside import of_rows
from ..models.rows import Rows
from .body import parsed, refused
from .problems import SHOWN, Fault, Problem
from .score import fits

if TYPE_CHECKING:
    from ..serving_section import ServeConfig
    from .speaker import Speaker

Columns: TypeAlias = dict[str, list[Any]]
Params: TypeAlias = Mapping[str, Any]
FORMS = ("dataframe_split", "dataframe_records", "instances")
_HINTED = 64
"""No name of ours is longer; a longer one is like none of them."""
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def invocations(speaker: Speaker, config: ServeConfig, body: bytes, content_type: str) -> bytes:
    """The answer to a request, as ``{"predictions": [...]}``.

    Parameters
    ----------
    content_type : str
        ``application/json`` or ``text/csv``.

    Raises
    ------
    Problem
        The body cannot be read or is too large, or it asks for what the model cannot say.
    """
    model = speaker.model
    known = columns_of_request(model.plan.columns, model.shape)
    columns, params = _READERS[content_type](body, known, config)
    _check_params(params, speaker, config)
    # Of the kinds that can be told apart; what an id is, is judged with the rows.
    if len({cell for cell in columns["customer_id"] if isinstance(cell, str)}) > config.max_customers:
        raise Problem(413, f"send at most {config.max_customers} customers in a request", "RG381")
    try:
        lines, beside = of_rows(Rows.of(columns), model.plan.columns, model.shape, model.rules, model.begins)
    except DataError as error:
        raise refused(error) from None
    found = answered(model, lines, beside, Asked.of(params, model))
    return json.dumps({"predictions": list(_records(found))}, allow_nan=False).encode()


def _of_json(body: bytes, known: Sequence[Column], config: ServeConfig) -> tuple[Columns, Params]:
    found = parsed(body)
    asked = [form for form in FORMS if isinstance(found, dict) and form in found]
    if not isinstance(found, dict) or len(asked) != 1 or not set(found) <= {*asked, "params"}:
        forms = ", ".join(f"`{form}`" for form in FORMS)
        raise _refused("the body", [Fault(f"an object with one of {forms}, and perhaps `params`")])
    (form,), params = asked, found.get("params", {})
    if not isinstance(params, dict):
        raise _refused("the body", [Fault("an object", field="params")])
    read = _of_split if form == FORMS[0] else _of_records
    return read(found[form], form, known, config), params


def _of_split(table: object, form: str, known: Sequence[Column], config: ServeConfig) -> Columns:
    if not isinstance(table, dict) or not {"columns", "data"} <= set(table) <= {"columns", "data", "index"}:
        raise _refused("the table", [Fault("an object with `columns`, `data` and perhaps `index`", field=form)])
    names, rows, index = table["columns"], table["data"], table.get("index", table["data"])
    if not isinstance(names, list) or not isinstance(rows, list) or not isinstance(index, list):
        raise _refused("the table", [Fault("lists in `columns`, `data` and `index`", field=form)])
    if len(index) != len(rows):
        raise _refused("the table", [Fault("as many as there are rows", field="index")])
    _check_names(names, known)
    return _of_rows(names, rows, config)


def _of_rows(names: Sequence[str], rows: Sequence[Any], config: ServeConfig) -> Columns:
    """Rows of cells, each as long as the names."""
    _check_rows(rows, config)
    ragged = [i for i, row in enumerate(rows) if not isinstance(row, list) or len(row) != len(names)]
    if ragged:
        raise _refused("the rows", [Fault(f"a list of {len(names)} cells", row=i) for i in ragged])
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}


def _of_records(rows: object, form: str, known: Sequence[Column], config: ServeConfig) -> Columns:
    if not isinstance(rows, list):
        raise _refused("the records", [Fault("a list of objects", field=form)])
    _check_rows(rows, config)
    strange = [i for i, row in enumerate(rows) if not isinstance(row, dict)]
    if strange:
        raise _refused("the records", [Fault("an object", row=i) for i in strange])
    names = [c.name for c in known]
    unknown = [(i, key) for i, row in enumerate(rows) for key in row if key not in names]
    faults = [Fault(_unlike("an unknown key", key, names, n), row=i) for n, (i, key) in enumerate(unknown)]
    # Who is of another table has other columns; the customer is one everywhere.
    needed = {True: [c.name for c in known if c.required], False: ["customer_id"]}
    faults += [
        Fault("is missing", row=i, field=name)
        for i, row in enumerate(rows)
        for name in needed[row.get("table") in (None, "", "purchases")]
        if name not in row
    ]
    if faults:
        raise _refused("the records", faults)
    told = {name for row in rows for name in row}
    return {name: [row.get(name) for row in rows] for name in names if name in told}


def _of_csv(body: bytes, known: Sequence[Column], config: ServeConfig) -> tuple[Columns, Params]:
    try:
        text = body.decode("utf-8")
        if text.startswith("\ufeff") or "\0" in text:
            raise ValueError("a mark of the order of bytes, or a zero")
        # Before they are parsed: a cell may hold a line's end, but there are never fewer of these than rows.
        _check_size(text.count("\n") + text.count("\r") - text.count("\r\n") - 1, config)
        names, *rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row] or [[]]
    except (ValueError, csv.Error):
        raise Problem(400, "send CSV in UTF-8, without a byte order mark, zeros and open quotes", "RG380") from None
    _check_names(names, known)
    found = _of_rows(names, rows, config)
    kinds = {c.name: c.kind for c in known}
    return {name: [_cell(text, kinds[name]) for text in cells] for name, cells in found.items()}, {}


_READERS = {"application/json": _of_json, "text/csv": _of_csv}


def _cell(text: str, kind: str) -> object:
    """A cell of CSV; what should be a number and is none stays text, and is refused as such."""
    if text == "":
        return None
    return float(text) if kind == "double" and _NUMBER.fullmatch(text) else text


def _check_names(names: Sequence[object], known: Sequence[Column]) -> None:
    """Refuse columns that are unknown, missing, or there twice."""
    of = [c.name for c in known]
    unknown = [(at, name) for at, name in enumerate(names) if name not in of]
    faults = [
        Fault(_unlike(f"the name of column {at} is unknown", name, of, n)) for n, (at, name) in enumerate(unknown)
    ]
    faults += [Fault("is missing", field=c.name) for c in known if c.required and c.name not in names]
    faults += [Fault("a column each name once", field=name) for name in of if list(names).count(name) > 1]
    if faults:
        raise _refused("the columns", faults)


def _check_rows(rows: Sequence[Any], config: ServeConfig) -> None:
    _check_size(len(rows), config)
    if not rows:
        raise _refused("the rows", [Fault("one row at least")])


def _check_size(rows: int, config: ServeConfig) -> None:
    if rows > config.max_rows:
        raise Problem(413, f"send at most {config.max_rows} rows in a request", "RG381")


def _check_params(params: Params, speaker: Speaker, config: ServeConfig) -> None:
    """Refuse parameters that `models.answer` would: its errors repeat what was sent."""
    kinds = {name: (str if kind == "string" else bool) for name, (kind, _) in params_of(speaker.model).items()}
    unknown = [name for name in params if name not in kinds]
    faults = [Fault(_unlike("an unknown parameter", name, PARAMETERS, n)) for n, name in enumerate(unknown)]
    faults += [
        Fault("a text" if kind is str else "true or false", field=name)
        for name, kind in kinds.items()
        if name in params and not isinstance(params[name], kind)
    ]
    if not faults:
        faults = [*_wrong(params, speaker)]
    if faults:
        raise _refused("the parameters", faults)
    trained_on = speaker.model.trained_on
    fits(trained_on, Cutoff.parse(params.get("as_of") or str(trained_on)), config.reference_days)


def _wrong(params: Params, speaker: Speaker) -> Iterator[Fault]:
    if params.get("as_of"):
        try:
            Cutoff.parse(params["as_of"])
        except ConfigError:
            yield Fault("a date such as 2024-01-31", field="as_of")
    known = [str(h) for h in sorted(speaker.model.learnt.horizons)]
    if not {part.strip() for part in params.get("horizons", "").split(",") if part.strip()} <= set(known):
        yield Fault(f"days that the model has learnt, with commas between: of {', '.join(known)}", field="horizons")
    if params.get("offers"):
        yield Fault("left out or false, as this model knows no offers", field="offers")


def _records(found: Mapping[str, NDArray[Any]]) -> Iterator[dict[str, Any]]:
    """Rows as JSON has them: what is no number is null."""
    for row in zip(*(values.tolist() for values in found.values()), strict=True):
        yield {n: None if isinstance(v, float) and math.isnan(v) else v for n, v in zip(found, row, strict=True)}


def _unlike(said: str, name: object, known: Sequence[str], number: int) -> str:
    """That a name is unknown, with the nearest of those known; looked for where it is shown, as it takes long."""
    if number >= SHOWN or not isinstance(name, str) or len(name) > _HINTED:
        return said
    return f"{said}; {did_you_mean(name, known)}"


def _refused(what: str, faults: Sequence[Fault]) -> Problem:
    return Problem(422, f"{what} cannot be taken: see `errors` for what is needed where", "RG382", faults)
