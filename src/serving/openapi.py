"""What the endpoint takes and gives, as OpenAPI 3.1: made from the model that speaks, with an example that is answered.

In: who speaks, the limits. Out: JSON bytes. Every field is what this model looks at; a number that a model cannot say
is null.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from ..models.outputs import FURTHER, OUTPUTS, SCORES
from ..models.packed import params_of
from ..models.request import columns_of_request
from .problems import MEDIA, TITLES
from .score import score

if TYPE_CHECKING:
    from ..serving_section import ServeConfig
    from .speaker import Speaker

Json: TypeAlias = dict[str, Any]
JSON = "application/json"
VERSION = "1"
"""Of the interface, as in its paths."""
_TYPES = {"number": ["number", "null"], "integer": "integer", "text": "string", "boolean": "boolean"}
_CELLS = {"string": "string", "double": "number"}
_SAID = {
    "X-Request-Id": "names this answer in the log of the server",
    "X-Model-Version": "who spoke: the version in the registry",
    "X-Reference-Date": "up to which day other customers were looked at",
}
_ANYWHERE = (408, 421, 429, 431, 503)
"""What may stop a request before anybody looks at it."""
_POSTED = (400, 409, 413, 415, 422)
_KEYS = (401, 403)


def openapi(speaker: Speaker, config: ServeConfig, keyed: bool = False) -> bytes:
    """The description of everything that is served.

    Parameters
    ----------
    keyed : bool
        Whether callers need a key.
    """
    found: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Regulars",
            "version": VERSION,
            "summary": "Who is about to leave, and what is each worth?",
            "description": f"Model {speaker.name}, version {speaker.version}, trained on {speaker.model.trained_on}.",
        },
        "x-limits": {name: getattr(config, name) for name in ("max_kilobytes", "max_customers", "max_rows")},
        "paths": {**_paths(speaker, config, keyed), **_offers(speaker, config, keyed)},
        "components": {
            "schemas": {
                "ScoreRequest": speaker.door.schema(),
                "ScoreAnswer": _answer(),
                "Row": _row(),
                "Invocation": _invocation(speaker),
                "Predictions": _predictions(),
                "Problem": _problem(),
                **_offer_schemas(speaker),
            },
            "headers": {n: {"description": meaning, "schema": {"type": "string"}} for n, meaning in _SAID.items()},
        },
    }
    if keyed:
        found["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    return json.dumps(found, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def _paths(speaker: Speaker, config: ServeConfig, keyed: bool) -> Json:
    example = speaker.example()
    # The day stands in the example, so that today is of no account.
    answered = json.loads(score(speaker, config, json.dumps(example).encode(), speaker.reference_day))
    asked = {JSON: {"schema": _ref("ScoreRequest"), "example": example}}
    answer = {JSON: {"schema": _ref("ScoreAnswer"), "example": answered}}
    sent = {JSON: {"schema": _ref("Invocation")}, "text/csv": {"schema": {"type": "string"}}}
    predicted = {JSON: {"schema": _ref("Predictions")}}
    published = {JSON: {"schema": {"type": "object", "required": ["customer_id", "as_of"]}}}
    told = {JSON: {"schema": {"type": "object"}}}
    text = {"text/plain": {"schema": {"type": "string"}}}
    scores = "Churn and value of customers, from their purchases."
    mlflow = "The same as MLflow's own server gives for the model: all outputs, one row a customer."
    one = {"name": "customer_id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "/v1/score": {"post": _operation(scores, answer, _POSTED, keyed, asked)},
        "/invocations": {"post": _operation(mlflow, predicted, _POSTED, keyed, sent)},
        "/v1/customers/{customer_id}": {
            "get": _operation("The last published score of a customer.", published, (404,), keyed),
            "parameters": [one],
        },
        "/ping": {"get": _operation("Whether the server lives.", {"*/*": {}}, (), False)},
        "/health": {"get": _operation("Whether the server is ready, and who speaks.", told, (), False)},
        "/version": {"get": _operation("Versions of the server and of the model.", told, (), keyed)},
        "/metrics": {"get": _operation("Figures for Prometheus.", text, (), keyed)},
        "/openapi.json": {"get": _operation("This description.", told, (), keyed)},
    }


def _offers(speaker: Speaker, config: ServeConfig, keyed: bool) -> Json:
    """The page for recommendations, where somebody decides on offers."""
    if speaker.offering is None:
        return {}
    from .openapi_offers import SUMMARY, examples

    example, answered = examples(speaker, speaker.offering, config)
    asked = {JSON: {"schema": _ref("RecommendationRequest"), **example}}
    answer = {JSON: {"schema": _ref("RecommendationAnswer"), **answered}}
    return {"/v1/recommendations": {"post": _operation(SUMMARY, answer, (404, *_POSTED), keyed, asked)}}


def _offer_schemas(speaker: Speaker) -> Json:
    if speaker.offering is None:
        return {}
    from .openapi_offers import schemas

    return schemas(speaker.offering)


def _operation(summary: str, content: Json, refusals: tuple[int, ...], keyed: bool, takes: Json | None = None) -> Json:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _SAID}
    refused = sorted({*refusals, *_ANYWHERE, *(_KEYS if keyed else ())})
    responses: Json = {"200": {"description": "Done", "headers": headers, "content": content}}
    problem = {MEDIA: {"schema": _ref("Problem")}}
    responses |= {str(status): {"description": TITLES[status], "content": problem} for status in refused}
    found: Json = {"summary": summary, "responses": responses, "security": [{"bearer": []}, {"header": []}] * keyed}
    if takes is not None:
        found["requestBody"] = {"required": True, "content": takes}
    return found


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Json, required: tuple[str, ...] | None = None) -> Json:
    """An object that has nothing beside its properties, all of which it must have unless some are named."""
    needed = list(properties) if required is None else list(required)
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


def _outputs() -> Json:
    return {name: {"type": _TYPES[o.kind], "description": o.meaning} for name, o in OUTPUTS.items()}


def _row() -> Json:
    """A customer's scores: those that were asked for, and those of further horizons."""
    further = {rf"^({'|'.join(FURTHER)})_[1-9][0-9]*d$": {"type": _TYPES["number"]}}
    whole = _object({"customer_id": {"type": "string"}, **_outputs()}, ("customer_id",))
    return {**whole, "patternProperties": further}


def _predictions() -> Json:
    said = {"customer_id": {"type": "string"}, "as_of": {"type": "string", "format": "date"}, **_outputs()}
    row = {**_object({name: said[name] for name in SCORES}), "patternProperties": _row()["patternProperties"]}
    return _object({"predictions": {"type": "array", "items": row}})


def _answer() -> Json:
    text, day = {"type": "string"}, {"type": "string", "format": "date"}
    model = _object({"name": text, "version": text, "run_id": text, "trained_on": day})
    silent = _object({"customer_id": text, "why": text})
    return _object(
        {
            "as_of": day,
            "reference": day,
            "model": model,
            "scores": {"type": "array", "items": _ref("Row")},
            "not_scored": {"type": "array", "items": silent},
            "ignored_rows": {"type": "integer", "minimum": 0, "description": "rows at or after as_of"},
        }
    )


def _invocation(speaker: Speaker) -> Json:
    """The three forms of MLflow's: a table by columns and rows, or a list of records under either of two names."""
    columns = columns_of_request(speaker.model.plan.columns, speaker.model.shape)
    # Who must have what depends on the table a row is of, where there are several.
    needed = () if any(c.name == "table" for c in columns) else tuple(c.name for c in columns if c.required)
    cell = {"type": ["string", "number", "null"]}
    names = {"type": "string", "enum": [c.name for c in columns]}
    split = _object(
        {
            "columns": {"type": "array", "items": names, "uniqueItems": True},
            "data": {"type": "array", "items": {"type": "array", "items": cell}},
            "index": {"type": "array"},
        },
        ("columns", "data"),
    )
    cells = {c.name: {"type": _CELLS[c.kind] if c.name in needed else [_CELLS[c.kind], "null"]} for c in columns}
    record = _object(cells, needed)
    params = _object({n: {"type": kind, "default": d} for n, (kind, d) in params_of(speaker.model).items()}, ())
    records = {"type": "array", "items": record}
    forms = {"dataframe_split": split, "dataframe_records": records, "instances": records}
    return {"oneOf": [_object({name: form, "params": params}, (name,)) for name, form in forms.items()]}


def _problem() -> Json:
    """RFC 9457, with the places of what was wrong."""
    number, text = {"type": "integer", "minimum": 0}, {"type": "string"}
    fault = _object({"customer": number, "table": text, "row": number, "field": text, "problem": text}, ("problem",))
    told: Json = {
        **dict.fromkeys(("type", "title", "detail", "code", "request_id"), text),
        "status": {"type": "integer", "enum": list(TITLES)},
        "errors": {"type": "array", "items": fault},
        "more": number,
    }
    return _object(told, ("type", "title", "status", "detail", "code", "request_id"))
