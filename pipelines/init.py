"""From a source to a configuration: look, guess, ask where it is ambiguous, write, and try what was written.

In: a source, where to write, and whom to ask, if anyone. Out: a `regulars.toml` (or a section added to one) that has
been loaded and tried on the sample. A file that is there is never overwritten unasked; without a column for the
customer, the time or the money nothing is written, and the message lists the columns.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from ..clock import Zone
from ..config import Config
from ..errors import ConfigError, DataError, RegularsError
from ..examination.guess.beside import SECTIONS, check_table, guess_beside, looks_like
from ..examination.guess.columns import Column
from ..examination.guess.look import Sample, looked_at
from ..examination.guess.purchases import guess_purchases
from ..examination.guess.roles import SAID, UNSURE, Choice, Guess, Setting, masked, plain, shown, usable
from ..examination.guess.text import addition, configuration
from ..examination.guess.writings import proofs
from ..intake.beside import take_in
from ..intake.privacy import Door
from ..intake.refine import refine
from ..intake.sources.address import Address
from ..intake.sources.remote import masked as masked_url
from ..intake.tables import Delivery
from .files import replaced

_MEANING = {
    "customer_id": "who bought",
    "purchased_at": "when",
    "amount": "the money of the line (or quantity and unit_price)",
    "occurred_at": "when it happened",
    "offer_id": "which offer",
    "offered_at": "when it was sent",
    "recorded_at": "when it was said",
    "status": "whether it was granted",
}
_ZONES = {
    "GBP": "Europe/London",
    "TRY": "Europe/Istanbul",
    "IRR": "Asia/Tehran",
    "JPY": "Asia/Tokyo",
    "INR": "Asia/Kolkata",
    "CHF": "Europe/Zurich",
    "PLN": "Europe/Warsaw",
    "SEK": "Europe/Stockholm",
}


_UNPROVED = ("RG121", "RG123")
"""That nothing proves the decimal sign, or the order of day and month."""

_ASIDE = {
    "guest": "without a customer",
    "without_customer": "without a customer",
    "merged": "merged",
    "quarantined": "in quarantine",
}


@dataclass(frozen=True)
class Question:
    """Something that the data cannot tell.

    Parameters
    ----------
    text : str
    default : str
    options : tuple of str
        What can be answered; empty for a free answer.
    """

    text: str
    default: str
    options: tuple[str, ...] = ()


Ask = Callable[[Question], str]


@dataclass(frozen=True)
class Started:
    """What was written, in words and figures."""

    file: Path
    lines: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    figures: dict[str, object]


def start(
    source: str,
    out: Path,
    *,
    table: str | None = None,
    kind: str = "purchases",
    sheets: tuple[str, ...] = (),
    said: Mapping[str, str] | None = None,
    force: bool = False,
    ask: Ask | None = None,
) -> Started:
    """Write a configuration for a source, or add a section of another table to one.

    Raises
    ------
    ConfigError
        The file is there already, or is not there when a section is to be added; a role or column that there is not.
    DataError
        No column can be the customer, the time or the money; or what was written cannot read the sample.
    """
    check_table(kind)
    _check_out(out, kind, force)
    folder = out.resolve().parent
    sample = looked_at(source, folder, table, sheets)
    guess = _asked(sample, kind, dict(said or {}), ask)
    _check_complete(guess, sample, source)
    written = proofs(sample, {c.name: c for c in sample.columns}, guess.choices)
    if kind == "purchases":
        zone = _zone(guess, ask)
        text = configuration(guess, sample, _shown_source(source), zone, written)
    else:
        zone = None
        text = (
            out.read_text(encoding="utf-8").rstrip("\n")
            + "\n"
            + addition(guess, sample, _shown_source(source), written)
        )
    outcome = _written(out, text, sample, kind)
    lines = [*_mapping(guess), "", f"{out}: {outcome}", f"next: regulars check {out}"]
    notes = (*sample.notes, *_unsure(guess, zone))
    return Started(out, tuple(lines), guess.warnings, notes, _figures(guess, sample, out))


def _check_out(out: Path, kind: str, force: bool) -> None:
    if kind == "purchases" and out.exists() and not force:
        raise ConfigError(
            f"`{out}` is there already",
            needed="a file that is not",
            do=f"give --out another.toml, or --force to replace it; for a table beside the purchases, "
            f"--as {', '.join(SECTIONS)}",
            code="RG205",
        )
    if kind == "purchases" or not out.exists():
        if kind != "purchases":
            raise ConfigError(
                f"there is no `{out}` to add [data.{kind}] to",
                needed="a configuration of the purchases",
                do="run `regulars init PURCHASES` first",
                code="RG206",
            )
        return
    config = Config.load(out)
    if kind in config.data.beside() and (kind != "events" or "[[data.events]]" not in out.read_text(encoding="utf-8")):
        raise ConfigError(f"`{out}` has a [data.{kind}] already", do="edit it there, or remove it first", code="RG205")


def _guessed(sample: Sample, kind: str, said: Mapping[str, str]) -> Guess:
    return guess_purchases(sample, said) if kind == "purchases" else guess_beside(sample, kind, said)


def _asked(sample: Sample, kind: str, said: dict[str, str], ask: Ask | None) -> Guess:
    """The guess, with what is missing or unsure asked, one question at a time."""
    guess = _guessed(sample, kind, said)
    if ask is None:
        return guess
    names = tuple(sample.table.column_names)
    for role in guess.missing:
        said[role] = ask(Question(f"which column is {role} ({_MEANING.get(role, '')})?", names[0], names))
    for choice in guess.choices:
        if choice.confidence == UNSURE and choice.others:
            text = f"which column is {choice.role}? {choice.why}"
            said[choice.role] = ask(Question(text, choice.column, (choice.column, *choice.others)))
    guess = _guessed(sample, kind, said)
    return replace(guess, settings=tuple(_answered(s, ask) for s in guess.settings))


def _answered(setting: Setting, ask: Ask) -> Setting:
    if isinstance(setting.value, Mapping):
        rates = {code: ask(Question(f"what is one {code}? {setting.why}", "")) for code in setting.value}
        return replace(setting, value=rates, confidence=SAID)
    if setting.confidence != UNSURE or not isinstance(setting.value, str | bool) or not setting.others:
        return setting
    options = {str(v).lower() if isinstance(v, bool) else str(v): v for v in (setting.value, *setting.others)}
    answer = ask(Question(f"{setting.key}? {setting.why}", next(iter(options)), tuple(options)))
    return replace(setting, value=options[answer], confidence=SAID, why="you said so", others=())


def _zone(guess: Guess, ask: Ask | None) -> Setting:
    """The business time zone, which no data tell."""
    currency = next((str(s.value) for s in guess.data if s.key == "currency"), "")
    near = _ZONES.get(currency)
    if ask is not None:
        question = Question("the time zone of your business, such as Europe/Berlin?", near or "UTC")
        return Setting("timezone", _known_zone(ask, question), SAID, "you said so")
    why = 'the zone whose midnights begin your days, such as "Europe/London"; no data tell it'
    return Setting("timezone", "UTC", UNSURE, why, (near,) if near else ())


def _known_zone(ask: Ask, question: Question) -> str:
    """The answer, asked once more when there is no such zone."""
    try:
        return Zone(ask(question)).name
    except ConfigError as error:
        return Zone(ask(replace(question, text=f"{error.found}. {question.text}"))).name


def _check_complete(guess: Guess, sample: Sample, source: str) -> None:
    """Refuse to write a configuration that lacks what every table needs, and show the columns."""
    if not guess.missing:
        return
    columns = usable(sample.columns)
    role = guess.missing[0]
    like = looks_like(columns) if guess.table == "purchases" else ""
    hint = f"; if this is a table of {like}, add --as {like}" if like else ""
    raise DataError(
        f"no column of `{_shown_source(source)}` can be told to be "
        + " or ".join(f"`{r}` ({_MEANING.get(r, '')})" for r in guess.missing)
        + f"; its columns are {', '.join(f'`{plain(c.name)}` ({_told(c)})' for c in columns[:30])}",
        needed="a line of a purchase has a customer, a time and an amount"
        if guess.table == "purchases"
        else f"a line of {guess.table} has {', '.join(guess.missing)}",
        do=f'name it, as by --column "{role}=NAME"{hint}',
        code="RG204",
    )


def _told(column: Column) -> str:
    """A value of a column for a message; masked unless it is a time, a number with a fraction, or one of few words."""
    safe = bool(column.format) or column.whole < 0.9 < column.numeric or column.distinct <= 20 < column.filled
    value = shown(column)
    return value if safe else masked(value)


def _written(out: Path, text: str, sample: Sample, kind: str) -> str:
    """Write the text once it is known to be a configuration; how the sample is read with it.

    A new configuration stays when it cannot read the sample, so that it can be mended; an old one is left as it was.
    """
    tried: list[str] = []

    def write(waiting: Path) -> None:
        waiting.write_text(text, encoding="utf-8")
        config = Config.load(waiting)
        if kind != "purchases":
            tried.append(_tried(config, sample, kind))

    replaced(out, write)
    try:
        return tried[0] if tried else _tried(Config.load(out), sample, kind)
    except RegularsError as error:
        if error.code in _UNPROVED and not sample.whole:
            return "not tried: what proves how it is written stands at the end of the file, not among its first lines"
        do = f"{error.do}; the mapping so far is in {out}" if error.do else f"the mapping so far is in {out}"
        raise type(error)(error.found, needed=error.needed, do=do, offending=error.offending, code=error.code) from None


def _tried(config: Config, sample: Sample, kind: str) -> str:
    """What a real intake makes of the sample, in words."""
    door = Door.of(config)
    with tempfile.TemporaryDirectory(prefix="regulars-") as spill:
        if kind == "purchases":
            parts = sample.parts(config.data.purchases.roles())
            lines = refine(parts, [], config, Path(spill), _nowhere, _silent, None, door).manifest.lines
        else:
            section = config.data.beside()[kind][-1]
            deliveries = {kind: [Delivery(section, sample.parts(section.roles()))]}
            now = f"{np.datetime64(time.time_ns() // 1_000, 'us')}Z"
            outcomes = take_in(deliveries, config, Path(spill), [], now, {kind: _nowhere}, _silent, door)
            lines = outcomes[kind].manifest.lines
    said = f"{lines['used']:,} of {lines['read']:,} sampled lines read as {kind}"
    return ", ".join([said, *(f"{lines[key]:,} {word}" for key, word in _ASIDE.items() if lines.get(key))])


def _nowhere(block: pa.Table) -> None:
    """A sample's lines are not kept."""


def _silent(what: str) -> None:
    """A sample is read too fast to tell."""


def _mapping(guess: Guess) -> list[str]:
    """The mapping as a table for the screen."""
    rows = [("", "column", "such as", "how sure", "why")]
    rows += [(c.role, plain(c.column), c.sample, c.confidence, c.why) for c in guess.choices]
    rows += [(s.key, _short(s.value), "", s.confidence, s.why) for s in (*guess.settings, *guess.data)]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[4]]).rstrip() for row in rows
    ]


def _short(value: object) -> str:
    return plain(
        str(value).lower() if isinstance(value, bool) else ", ".join(value) if isinstance(value, tuple) else str(value)
    )


def _unsure(guess: Guess, zone: Setting | None) -> list[str]:
    """What is worth a look, in words."""
    doubtful: list[Choice | Setting] = [c for c in guess.choices if c.confidence == UNSURE]
    doubtful += [s for s in (*guess.settings, *((zone,) if zone else ())) if s.confidence == UNSURE]
    named = [c.role if isinstance(c, Choice) else c.key for c in doubtful]
    return [f'look at {", ".join(f"`{name}`" for name in named)} in the file, marked "?"'] if named else []


def _figures(guess: Guess, sample: Sample, out: Path) -> dict[str, object]:
    return {
        "file": str(out),
        "table": guess.table,
        "lines_looked_at": sample.table.num_rows,
        "columns": {c.role: {"column": c.column, "confidence": c.confidence, "why": c.why} for c in guess.choices},
        "source": {key: value for key, value in sample.settings.items() if key != "url"},
        "settings": {s.key: s.value for s in guess.settings},
        "data": {s.key: s.value for s in guess.data},
        "warnings": list(guess.warnings),
        "notes": list(sample.notes),
    }


def _shown_source(source: str) -> str:
    """A source for messages and comments, without a password."""
    if "://" not in source:
        return source
    # A variable is told by its name; what it holds, by nobody.
    return masked_url(source, source) if "${" in source else Address.of(source).masked(masked_url(source, source))
