"""A guess as the text of a configuration: every key with a value of its column, how sure it is, and why.

In: a `Guess` and the settings that name the source. Out: TOML. Whatever comes from the data stands in comments on one
line and in strings that are escaped; values that belong to a person are masked already.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from .look import Sample
from .roles import SAID, SURE, UNSURE, Choice, Guess, Setting, plain

_WIDTH = 118
_QUESTION = "?"


def configuration(guess: Guess, sample: Sample, source: str, zone: Setting, proofs: Mapping[str, str]) -> str:
    """The whole text of a new configuration of purchases."""
    rows = f"all {sample.table.num_rows:,} lines" if sample.whole else f"{sample.table.num_rows:,} lines of it"
    lines = [
        *_comment(f"Written by `regulars init {plain(source)}`, which looked at {rows}."),
        *_comment(
            'Each guess says how sure it is and why. "?" marks what to look at, "!" what would make figures wrong.'
        ),
        "",
        *_warned(guess, sample),
        "[data]",
        *_setting(zone),
        *(line for setting in guess.data for line in _setting(setting)),
        "",
        *section_lines(guess, sample, proofs),
        "",
        "[target]",
        *_comment("`regulars check` says which horizons the data can bear; change it here"),
        "horizon_days = 90",
    ]
    return "\n".join(lines) + "\n"


def addition(guess: Guess, sample: Sample, source: str, proofs: Mapping[str, str]) -> str:
    """The text of a section that is added to a configuration."""
    written = _comment(f"Added by `regulars init {plain(source)} --as {guess.table}`.")
    return "\n".join(["", *written, *_warned(guess, sample), *section_lines(guess, sample, proofs)]) + "\n"


def section_lines(guess: Guess, sample: Sample, proofs: Mapping[str, str]) -> list[str]:
    """The lines of a table's section."""
    head = "[[data.events]]" if guess.table == "events" else f"[data.{guess.table}]"
    lines = [head, *(f"{key} = {toml(value)}" for key, value in sample.settings.items())]
    for choice in guess.choices:
        lines += _choice(choice, proofs.get(choice.role, ""))
    for setting in guess.settings:
        lines += _setting(setting)
    used = {c.column for c in guess.choices} | {
        n for s in guess.settings if isinstance(s.value, tuple) for n in s.value
    }
    left = [n for n in sample.table.column_names if n not in used]
    told = [f"{plain(n)} ({guess.left[n]})" if n in guess.left else plain(n) for n in left]
    return lines + (_comment("not read: " + ", ".join(told)) if told else [])


def toml(value: object) -> str:
    """A value as TOML.

    Examples
    --------
    >>> toml('a "b"'), toml(True), toml(("x", "y")), toml({"USD": "0.9"})
    ('"a \\\\"b\\\\""', 'true', '["x", "y"]', '{ "USD" = "0.9" }')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml(str(k))} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return str(value)


def _choice(choice: Choice, proof: str) -> list[str]:
    said = "; ".join(filter(None, (choice.why, proof, f"such as {choice.sample}" if choice.sample else "")))
    return _line(choice.role, choice.column, choice.confidence, said, choice.others)


def _setting(setting: Setting) -> list[str]:
    lines = _line(setting.key, setting.value, setting.confidence, setting.why, setting.others)
    # A rate that nobody gave is no rate: the intake refuses until somebody does.
    unknown = isinstance(setting.value, Mapping) and not all(setting.value.values())
    return [line if line.startswith("#") else f"# {line}" for line in lines] if unknown else lines


def _line(key: str, value: object, confidence: str, why: str, others: Iterable[object]) -> list[str]:
    told = ", ".join(toml(other) for other in others)
    mark = f"{_QUESTION} " if confidence == UNSURE or (told and confidence not in (SURE, SAID)) else ""
    remark = f"{mark}{confidence}: {why}" + (f"; or {told}" if told else "")
    line = f"{key} = {toml(value)}"
    beside = f"{line:<30}  # {remark}"
    return [beside] if len(beside) <= _WIDTH else [*_comment(remark), line]


def _warned(guess: Guess, sample: Sample) -> list[str]:
    lines = [line for warning in guess.warnings for line in _comment(f"! {warning}")]
    lines += [line for note in sample.notes for line in _comment(f"note: {plain_line(note)}")]
    return [*lines, ""] if lines else []


def plain_line(text: str) -> str:
    """A text on one line, without signs that steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def _comment(text: str) -> list[str]:
    """A text as lines of a comment."""
    return ["# " + line for line in textwrap.wrap(plain_line(text), _WIDTH - 2, subsequent_indent="  ")]
