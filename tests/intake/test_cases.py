"""The table of the 48 inputs, over every kind of source in which each can exist."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import SHOWN, NotEnoughData, RegularsError
from regulars.features.history import History
from regulars.features.lines import Lines
from regulars.intake import Ledger, build_ledger
from regulars.models.splits import Span, origins
from tests.intake.cases import CASES, THREE, Case, Outcome, kept
from tests.intake.delivery import ALL, Delivered, deliver

FULL = os.environ.get("REGULARS_SOAK") == "1"


def _sources(case: Case) -> tuple[str, ...]:
    """By default one source, or two for every third case, other ones from case to case; all of them under soak."""
    if FULL:
        return tuple(case.where)
    at = CASES.index(case)
    return tuple(case.where[(at + i) % len(case.where)] for i in range(2 if at % 3 == 0 else 1))


def _delivered(case: Case, source: str, folder: Path, postgres: Callable[[], str]) -> Delivered:
    if case.raw is None:
        headers = [case.header, *[case.second or case.header] * (len(case.parts) - 1)]
        return deliver(source, folder, list(zip(headers, case.parts, strict=True)), postgres)
    (folder / "data").mkdir()
    name, content = ("a.csv", case.raw) if source == "csv" else ("a.csv.gz", gzip.compress(case.raw))
    (folder / "data" / name).write_bytes(content)
    return Delivered({"path": f"data/{name}"})


def _built(case: Case, source: str, folder: Path, postgres: Callable[[], str]) -> Ledger | RegularsError:
    folder.mkdir()
    delivered = _delivered(case, source, folder, postgres)
    mapped = {"customer_id": "id", "purchased_at": "when", "amount": "money", **case.settings, **delivered.settings}
    data = {"timezone": case.timezone, "currency": "EUR", "purchases": mapped}
    config = Config.model_validate({"data": data, "engine": {"threads": 1}}).model_copy(update={"folder": folder})
    try:
        return build_ledger(config) if delivered.frame is None else Ledger.from_frame(delivered.frame, config)
    except RegularsError as error:
        return error


PLACE = re.compile(r"[\w./]+(:\d+| row \d+)|`[^`]+`|\b\w+\.\w+|\bframe\b")
"""A line, a row, a file, a column, a sheet or table in a file, or the frame."""


def _problems_of_error(error: RegularsError, expected: Outcome) -> list[str]:
    """What is wrong with a refusal: another code, a word that is missing, or a part that every message must have."""
    said = str(error)
    found = (
        [] if re.fullmatch(expected.code.replace("*", r"\d+"), error.code) else [f"{error.code} is not {expected.code}"]
    )
    found += [f"does not say {word!r}" for word in expected.says if word not in said]
    found += [f"has no `{part}`" for part in ("found", "do") if not getattr(error, part)]
    if not PLACE.search(error.found + " ".join(map(str, error.offending))):
        found.append("names no place")
    if said.count("; ") and len(error.offending) > SHOWN and "more" not in said:
        found.append(f"shows more than {SHOWN} samples")
    return [f"{problem}: {said}" for problem in found]


def _problems_of_ledger(ledger: Ledger, expected: Outcome) -> list[str]:
    """What is wrong with a ledger."""
    manifest, table = ledger.manifest, ledger.table().to_pylist()
    bad = Counter(ledger.quarantine().column("reason").to_pylist())
    wanted = dict(expected.bad)
    if "*" in wanted:  # Whatever the reason.
        bad = Counter({"*": bad.total()})
    lines = {name: n for name, n in manifest.lines.items() if n and name not in ("read", "used", "quarantined")}
    shown = {
        "used": (
            [(r["customer_id"], r["amount"]) for r in table],
            None if expected.used is None else [(who, Decimal(m)) for who, m in expected.used],
        ),
        "times": (
            [str(r["purchased_at"])[:16] for r in table],
            None if expected.times is None else list(expected.times),
        ),
        "quarantined": (dict(bad), wanted),
        "classes": (lines, dict(expected.classes)),
    }
    found = [f"{what}: {got}, not {want}" for what, (got, want) in shown.items() if want is not None and got != want]
    notes, repairs = " | ".join(manifest.notes), " | ".join(r.what for r in manifest.repairs)
    found += [f"no note says {word!r}: {notes}" for word in expected.notes if word not in notes]
    found += [f"no repair says {word!r}: {repairs}" for word in expected.repairs if word not in repairs]
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_input_has_its_outcome_in_every_source(
    case: Case, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    problems: dict[str, list[str]] = {}
    prints: dict[str, str] = {}
    for source in _sources(case):
        result = _built(case, source, tmp_path / source, lambda: request.getfixturevalue("postgres_server").url())
        if isinstance(result, RegularsError):
            problems[source] = _problems_of_error(result, case.outcome)
        elif case.outcome.code:
            problems[source] = ["was not refused"]
        else:
            problems[source] = _problems_of_ledger(result, case.outcome)
            prints[source] = result.manifest.fingerprint
    assert {source: found for source, found in problems.items() if found} == {}
    # The same data are the same ledger, however they were delivered.
    assert len(set(prints.values())) <= 1, prints


def test_a_shop_is_the_same_ledger_to_the_byte_in_every_source(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    shop = Case(
        0, "a shop", (SHOP,), kept(), header=(*THREE, "o", "p", "n"), settings=SHOP_SETTINGS, timezone="Asia/Tehran"
    )
    built = {s: _built(shop, s, tmp_path / s, lambda: request.getfixturevalue("postgres_server").url()) for s in ALL}
    assert {s: str(result) for s, result in built.items() if isinstance(result, RegularsError)} == {}
    ledgers = {s: result for s, result in built.items() if isinstance(result, Ledger)}
    assert len({ledger.manifest.fingerprint for ledger in ledgers.values()}) == 1
    files = {s: (ledger.folder / "purchases.parquet").read_bytes() for s, ledger in ledgers.items() if ledger.folder}
    assert len(files) == 8  # All but the three kinds of frames.
    assert len(set(files.values())) == 1
    assert all(ledger.table().equals(ledgers["csv"].table()) for ledger in ledgers.values())
    assert [s for s, ledger in ledgers.items() if ledger.manifest.money != ledgers["csv"].manifest.money] == []


SHOP = tuple(
    (
        None if i % 29 == 0 else f"{i % 37:03}",
        dt.datetime(2023, 3, 1, 6) + dt.timedelta(minutes=977 * i),
        Decimal(i * 7919 % 90_000 - 4_000).scaleb(-2),
        f"o{i // 3}",
        None if i % 11 == 0 else ("Tee", "чай", "چای")[i % 3],
        i % 5 + 1,
    )
    for i in range(300)
)
SHOP_SETTINGS = {"order_id": "o", "product_id": "p", "quantity": "n"}


def _arrow_ledger(number: int, tmp_path: Path) -> Ledger:
    (case,) = (c for c in CASES if c.number == number)
    ledger = _built(case, "arrow", tmp_path / "arrow", str)
    assert isinstance(ledger, Ledger)
    return ledger


def test_too_little_to_learn_from_is_told_with_numbers(tmp_path: Path) -> None:
    """The second half of case 44: two days of history, and a horizon of 90."""
    ledger = _arrow_ledger(44, tmp_path)
    with pytest.raises(NotEnoughData) as caught:
        origins(Span(ledger.history_starts, ledger.ends, 90, 0, 30), 3)
    assert (caught.value.code, "2 days of history" in str(caught.value)) == ("RG041", True)
    assert caught.value.needed
    assert caught.value.do


def test_a_past_day_is_judged_by_what_was_known_then(tmp_path: Path) -> None:
    """The second half of case 48: of two purchases of 5 January one became known two months later."""
    ledger = _arrow_ledger(48, tmp_path)
    history = History(Lines.from_arrow(ledger.table()), ledger.rules, ledger.history_starts)
    known = {day: history.known_before(Cutoff.parse(day)).lines.n_lines for day in ("2024-02-01", "2024-04-01")}
    assert known == {"2024-02-01": 1, "2024-04-01": 2}


def test_the_table_is_complete() -> None:
    assert {case.number for case in CASES} == set(range(1, 49))
    assert len({case.name for case in CASES}) == len(CASES)
    assert sum(len(case.where) for case in CASES) >= 120
    assert sum(len(_sources(case)) for case in CASES) >= 120
    # Every source that a case leaves out has its reason, and no reason stands for nothing.
    assert [case.name for case in CASES if bool(case.why) != (set(case.where) != set(ALL))] == []
