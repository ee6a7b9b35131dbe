"""What a table beside the purchases is thought to be: events, customers, offers or consent, when the user says which.

In: a `Sample` and the table. Out: a `Guess`. Names decide, contents must agree; what is needed and not found is in
`missing`. Columns of customers that have no meaning of their own become attributes and numbers, personal ones do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...errors import ConfigError, did_you_mean
from ...sections import ConsentConfig, CustomersConfig, EventsConfig, OffersConfig, TableSection
from .columns import Column
from .look import Sample
from .purchases import said_choices
from .roles import (
    LIKELY,
    SURE,
    UNSURE,
    Candidate,
    Choice,
    Guess,
    Setting,
    chosen,
    is_time,
    labels,
    numbers,
    times,
    usable,
)
from .words import is_personal, words_of
from .writings import written_settings

SECTIONS: Mapping[str, type[TableSection]] = {
    "events": EventsConfig,
    "customers": CustomersConfig,
    "offers": OffersConfig,
    "consent": ConsentConfig,
}
_NEEDED = {
    "events": ("customer_id", "occurred_at"),
    "customers": ("customer_id",),
    "offers": ("customer_id", "offer_id", "offered_at"),
    "consent": ("customer_id", "recorded_at", "status"),
}
_SENSITIVE = frozenset(
    words_of("gender sex geschlecht sexe sexo cinsiyet religion ethnicity race nationality marital disability جنسیت")
)
_MOST_ATTRIBUTES = 12


def guess_beside(sample: Sample, table: str, said: Mapping[str, str] | None = None) -> Guess:
    """What the columns of a sample of events, customers, offers or consent are.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"user_id": ["a", "b", "a"], "event": ["visit"] * 3, "event_time": ["2024-01-31 10:00"] * 3})
    >>> guess_beside(Sample({"path": "x.csv"}, table, True), "events").column("occurred_at")
    'event_time'
    """
    columns = usable(sample.columns)
    section = SECTIONS[table]
    roles = (*section.LABELS, *section.NUMBERS, *section.TIMES)
    choices = said_choices(said or {}, columns, roles)
    for role in (*section.TIMES, *section.LABELS, *section.NUMBERS):
        if any(c.role == role for c in choices):
            continue
        free = [c for c in columns if c.name not in {choice.column for choice in choices}]
        found = _candidates(free, role, table)
        if found and is_time(found[0].column) and len([c for c in free if is_time(c)]) == 1 and found[0].name < 0.95:
            choices.append(chosen(role, found, "the only column of times", LIKELY))
        elif found:
            choices.append(chosen(role, found))
    settings, warnings = _constants(table, choices, sample), _warned(table, choices, columns)
    left: dict[str, str] = {}
    if table == "customers":
        settings += _declared([c for c in columns if c.name not in {choice.column for choice in choices}], left)
    settings += written_settings(sample, {c.name: c for c in columns}, choices)
    order = {role: i for i, role in enumerate(("customer_id", *section.TIMES, *roles))}
    choices.sort(key=lambda c: order[c.role])
    missing = tuple(role for role in _NEEDED[table] if not any(c.role == role for c in choices))
    return Guess(table, tuple(choices), tuple(settings), (), tuple(warnings), left, missing)


def looks_like(columns: Sequence[Column]) -> str:
    """Which table beside the purchases columns look like; nothing where they look like none."""
    who = [c for c in labels(columns, "customer_id") if c.name >= 0.6]
    if not who:
        return ""
    moments = [c for c in columns if is_time(c)]
    if labels(columns, "offer_id") and moments:
        return "offers"
    if labels(columns, "purpose") or [c for c in labels(columns, "consent") if "status" not in words_of(c.column.name)]:
        return "consent" if moments else ""
    if who[0].column.unique:
        return "customers"
    return "events" if moments else ""


def _candidates(free: Sequence[Column], role: str, table: str) -> list[Candidate]:
    """The columns that may play a role in a table."""
    section = SECTIONS[table]
    if role in section.TIMES:
        found = [c for c in times(free, role) if c.score > 0.2]
        needed = role in _NEEDED[table]
        # An optional time needs a name of its own; a needed one may be the only time there is.
        return found if needed else [c for c in found if c.name >= 0.75]
    if role in section.NUMBERS:
        return [c for c in numbers(free, role) if c.name >= 0.6]
    named = "consent" if (table, role) == ("consent", "status") else role
    found = [c for c in labels(free, named) if not c.column.constant or role not in ("kind", "channel", "purpose")]
    if role == "kind":
        found = [c for c in found if c.column.distinct <= max(50, c.column.filled * 0.01)]
    if role == "initiated_by":
        found = [c for c in found if {v for v, _ in c.column.listed} <= {"customer", "company"} and c.column.listed]
    return found


def _constants(table: str, choices: list[Choice], sample: Sample) -> list[Setting]:
    """The one word for all lines where a table needs one and no column holds it."""
    roles = {c.role for c in choices}
    named = str(sample.settings.get("table") or sample.settings.get("path", "")).split("/")[-1].split(".")[0]
    if table == "events" and "kind" not in roles:
        word = "_".join(words_of(named)) or "event"
        return [Setting("all_of_kind", word, UNSURE, "what every line is; named after the file")]
    if table == "consent":
        words = {"channel": ("email", "whom may be written to how"), "purpose": ("marketing", "what for")}
        return [
            Setting(f"all_of_{role}", word, UNSURE, f"{why}: one word for all lines")
            for role, (word, why) in words.items()
            if role not in roles
        ]
    return []


def _declared(free: Sequence[Column], left: dict[str, str]) -> list[Setting]:
    """Further columns of customers: attributes of few values, numbers, and what must never be a feature."""
    found: dict[str, list[str]] = {"attributes": [], "numbers": [], "sensitive": []}
    taken = {*CustomersConfig.LABELS, *CustomersConfig.NUMBERS, *CustomersConfig.TIMES}
    for column in free:
        if column.name.casefold() in taken or column.constant:
            continue
        if _SENSITIVE & set(words_of(column.name)):
            found["sensitive"].append(column.name)
        elif is_personal(column.name) or column.emails > 0.1:
            left[column.name] = "personal"
        elif is_time(column):
            left[column.name] = "a time that has no role here"
        elif column.numeric >= 0.9 and column.distinct > 12 and not column.unique:
            found["numbers"].append(column.name)
        elif column.distinct <= max(50, column.filled * 0.05) and len(found["attributes"]) < _MOST_ATTRIBUTES:
            found["attributes"].append(column.name)
    why = {
        "attributes": "few different values; features",
        "numbers": "numbers; features",
        "sensitive": "never a feature; kept to judge fairness by",
    }
    return [
        Setting(key, tuple(names), LIKELY if key != "sensitive" else SURE, why[key])
        for key, names in found.items()
        if names
    ]


def _warned(table: str, choices: Sequence[Choice], columns: Sequence[Column]) -> list[str]:
    by_name = {c.name: c for c in columns}
    who = next((by_name[c.column] for c in choices if c.role == "customer_id"), None)
    if who is None:
        return []
    warnings = []
    if table == "customers" and not who.unique and who.filled:
        warnings.append(f"`{who.name}` stands on several lines; a table of customers has one line each")
    if who.emails > 0.5:
        warnings.append(
            f"customers are told apart by e-mail addresses (`{who.name}`), which must be those of the purchases"
        )
    return warnings


def check_table(name: str) -> None:
    """Refuse a table that there is not."""
    if name != "purchases" and name not in SECTIONS:
        raise ConfigError(f"`--as {name}` is no table", do=did_you_mean(name, ("purchases", *SECTIONS)), code="RG203")
