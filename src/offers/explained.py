"""What pydantic finds wrong with a file, in the house's words: the place as the user wrote it, and what to do.

In: a validation error, the kind of the whole file and its content. Out: one `ConfigError` about the first problem that
names the others. Values are shown where they are settings; nothing here ever holds an id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ..errors import ConfigError, did_you_mean

Place = tuple[int | str, ...]
_LONGEST = 120


def explained(error: ValidationError, kind: type[BaseModel], where: str, content: Mapping[str, Any]) -> ConfigError:
    """The first problem: ``RG411`` an unknown key, ``RG412`` a missing one, ``RG413`` what cannot be meant."""
    problems = error.errors(include_url=False)
    first = problems[0]
    place = _place_of(first, kind)
    key = _written(place, content)
    # A list with a wrong entry is said to be too short as well: what merely holds the problem is not another one.
    further = [p for p in (_place_of(other, kind) for other in problems[1:]) if p != place[: len(p)]]
    others = list(dict.fromkeys(_written(p, content) for p in further))
    also = f" (and {len(others)} more: {', '.join(others[:3])})" if others else ""
    if first["type"] == "extra_forbidden":
        hint = did_you_mean(str(place[-1]), _keys(_kind_at(place[:-1], kind)))
        return ConfigError(f"unknown key {key} in {where}{also}", do=hint, code="RG411")
    if first["type"] == "missing":
        field = _field_of(_kind_at(place[:-1], kind), str(place[-1]))
        meaning = (field.description or "") if field is not None else ""
        return ConfigError(f"{key} is missing in {where}{also}", needed=meaning, code="RG412")
    field = _field_of(_kind_at(place[:-1], kind), str(place[-1])) if place else None
    said, needed = _said(first, field, len(first["loc"]) > len(place))
    found, mark, hint = said.partition("; did you mean ")
    found = f"{key} in {where}{found}{also}" if key else f"{where}{found}{also}"
    return ConfigError(found, needed=needed, do=f"did you mean {hint}" if mark else "", code="RG413")


def _said(problem: ErrorDetails, field: FieldInfo | None, of_several: bool) -> tuple[str, str]:
    """What is wrong with a value, to be read after its place, and what is needed; a field may take several kinds."""
    kind, bounds = problem["type"], problem.get("ctx", {})
    meaning = (field.description or "") if field is not None else ""
    if kind in ("value_error", "assertion_error"):
        return ": " + problem["msg"].removeprefix("Value error, "), ""
    if kind == "literal_error" and isinstance(problem["input"], str):
        choices = _choices(field.annotation) if field is not None else []
        near = f"; {did_you_mean(problem['input'], choices)}" if choices else ""
        return f" is {_shown(problem['input'])}{near}", "" if near else meaning
    if kind in ("string_too_short", "too_short") and bounds.get("min_length") == 1:
        return " is empty", meaning
    if kind in ("string_too_short", "string_too_long"):
        size = bounds.get("min_length", bounds.get("max_length"))
        return f" is {_shown(problem['input'])}", f"{meaning}; {_BOUNDS[kind]} {size} characters"
    bound = next((f"{words} {bounds[name]:g}" for name, words in _BOUNDS.items() if name in bounds), "")
    own = "" if of_several or kind == "string_pattern_mismatch" else _KINDS.get(kind.partition("_")[0], "")
    wanted = "; ".join(part for part in (meaning, bound or own) if part)
    return f" is {_shown(problem['input'])}", wanted


def _choices(kind: Any) -> list[str]:
    """The texts that a field takes, if it takes nothing else but may be left out."""
    told = get_args(kind)
    if len(told) == 2 and type(None) in told:
        told = next(get_args(of) for of in told if of is not type(None))
    return [choice for choice in told if isinstance(choice, str)]


_BOUNDS = {
    "gt": "above",
    "ge": "at least",
    "lt": "below",
    "le": "at most",
    "string_too_short": "at least",
    "string_too_long": "at most",
}
_KINDS = {
    "float": "a number",
    "int": "a whole number",
    "finite": "a finite number",
    "string": "a text",
    "bool": "true or false",
    "tuple": "a list",
    "model": "a table",
}


def _shown(value: Any) -> str:
    """What was written, as far as it is short."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f"`{text[:40]}`{' ...' if len(text) > 40 else ''}"


def _keys(kind: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in kind.model_fields.items()]


def _field_of(kind: type[BaseModel], step: str) -> FieldInfo | None:
    return next((f for n, f in kind.model_fields.items() if step in (n, f.alias)), None)


def _kind_at(place: Place, kind: type[BaseModel]) -> type[BaseModel]:
    """The section that a place lies in."""
    for step in place:
        field = _field_of(kind, str(step))
        inner = _section_in(field.annotation) if field is not None else None
        kind = inner if inner is not None else kind
    return kind


def _place_of(problem: ErrorDetails, kind: type[BaseModel]) -> Place:
    """Where a problem is, without what pydantic adds to it, such as the branch of a union that it tried last."""
    place: Place = problem["loc"]
    for i, step in enumerate(place):
        known = isinstance(step, int) or _field_of(_kind_at(place[:i], kind), step) is not None
        if not known and not (problem["type"] == "extra_forbidden" and i == len(place) - 1):
            return place[:i]
    return place


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """The kind of section that a key takes, be it optional or one of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _section_in(inner)) is not None), None)


def _written(place: Place, content: Any) -> str:
    """A place as the user wrote it, and whose it is: ``offers[1].value` of `spring``."""
    key, whose = "", ""
    for step in place:
        key += f"[{step}]" if isinstance(step, int) else f".{step}" if key else step
        content = _inside(content, step)
        name = content.get("id", content.get("name")) if isinstance(content, Mapping) else None
        whose = f" of `{name}`" if isinstance(step, int) and isinstance(name, str) and not whose else whose
    return f"`{key[:_LONGEST]}{'...' if len(key) > _LONGEST else ''}`{whose}" if key else ""


def _inside(content: Any, step: int | str) -> Any:
    if isinstance(content, Mapping):
        return content.get(step)
    if isinstance(content, list | tuple) and isinstance(step, int) and step < len(content):
        return content[step]
    return None
