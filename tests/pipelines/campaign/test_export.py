"""Export: a wave becomes a list, asked for consent once more; the same again is the same, and nobody is doubled."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.disk.lock import job
from regulars.errors import ConfigError, StorageError
from regulars.intake import Ledger, build_ledger
from regulars.offers.harmless import harmless
from regulars.offers.workbook import cells_of_workbook
from regulars.pipelines.campaign.assign import assign
from regulars.pipelines.campaign.book import EXPORTS, Decisions
from regulars.pipelines.campaign.erased import erased_from_decisions
from regulars.pipelines.campaign.export import export
from regulars.pipelines.erase import erased_from
from regulars.pipelines.sought import Sought
from regulars.pipelines.written import remembered

from .open_shop import DAY, opened


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Ledger]:
    """A shop with an assigned wave."""
    config = opened(tmp_path_factory.mktemp("shop"))
    ledger = build_ledger(config)
    assign(ledger, config)
    return config, ledger


def ids_in(file: Path) -> list[str]:
    """The customers of a list."""
    with file.open(newline="", encoding="utf-8") as rows:
        return [row["customer_id"] for row in csv.DictReader(rows)]


def given(config: Config) -> list[str]:
    wave = Decisions.of(config).latest
    assert wave is not None
    return list(wave.table(["customer_id", "offer"], "given").column("customer_id").to_pylist())


def test_the_list_holds_everybody_who_is_given_something_and_nobody_else(shop: tuple[Config, Ledger]) -> None:
    config, ledger = shop
    found = export(ledger, config, "Mail")
    assert found.path.parent == config.folder / "decisions" / EXPORTS
    assert ids_in(found.path) == given(config)
    assert (found.rows, sum(found.left_out.values())) == (len(given(config)), 0)
    assert stat.S_IMODE(found.path.stat().st_mode) == 0o600
    assert f"{found.rows:,} customers on `mail`" in found.lines[0]
    # What is said names nobody.
    assert "shopper-" not in " ".join([*found.lines, *found.notes, str(found.figures())])


def test_the_same_again_is_the_same_file(shop: tuple[Config, Ledger]) -> None:
    config, ledger = shop
    first = export(ledger, config, "mail", "spring", DAY, config.folder / "a.csv")
    again = export(ledger, config, "mail", out=config.folder / "a.csv")
    assert (first.unchanged, again.unchanged) == (False, True)
    assert first.figures()["sha256"] == again.figures()["sha256"]
    assert len(first.figures()["wave_digest"]) == 64
    # Wherever it was written, `forget` finds it.
    assert "a.csv" in [one.path for one in remembered(config.folder)]


def test_a_workbook_holds_the_same_rows(shop: tuple[Config, Ledger]) -> None:
    config, ledger = shop
    lists = [export(ledger, config, "mail", out=config.folder / f"b{kind}") for kind in (".csv", ".xlsx")]
    assert [row[1] for row in cells_of_workbook(lists[1].path)][1:] == ids_in(lists[0].path)


def test_who_withdrew_or_is_to_be_left_alone_since_is_left_out_and_counted(
    shop: tuple[Config, Ledger], tmp_path: Path
) -> None:
    config = opened(tmp_path)
    assign(shop[1], config)
    first, second, *rest = given(config)
    with (tmp_path / "consent.csv").open("a", encoding="utf-8") as file:
        file.write(f"{first},2024-03-05,no\n")
    (tmp_path / "leave.txt").write_text(f"{second}\n", encoding="utf-8")
    with (tmp_path / "regulars.toml").open("a", encoding="utf-8") as file:
        file.write('\n[contact]\ndo_not_contact = "leave.txt"\n')
    config = Config.load(tmp_path / "regulars.toml")
    found = export(build_ledger(config), config, "mail")
    assert ids_in(found.path) == rest
    assert found.left_out == {"do not contact": 1, "no consent any more": 1, "open complaint": 0}
    assert "2 to whom something was given are left out since" in found.lines[1]
    # The decisions stay as they were.
    assert given(config) == [first, second, *rest]


def test_what_is_not_there_is_said_with_what_to_do(shop: tuple[Config, Ledger], tmp_path: Path) -> None:
    config, ledger = shop
    with pytest.raises(ConfigError, match=r"RG428.*no channel `mial`.*did you mean `mail`"):
        export(ledger, config, "mial")
    with pytest.raises(ConfigError, match=r"RG429.*2024-03-04"):
        export(ledger, config, "mail", as_of=Cutoff.parse("2024-03-05"))
    with pytest.raises(ConfigError, match=r"RG429.*did you mean `spring`"):
        export(ledger, config, "mail", campaign="sprung")
    with pytest.raises(ConfigError, match="RG428"):
        export(ledger, config, "mail", out=tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ConfigError, match=r"RG429.*assign"):
        export(ledger, opened(tmp_path / "new"), "mail")


def test_a_list_is_written_while_another_command_about_offers_waits_for_nothing(shop: tuple[Config, Ledger]) -> None:
    config, ledger = shop
    with job(config.folder / ".regulars", "offers", "learning"):
        assert export(ledger, config, "mail").rows


def test_a_wave_that_was_touched_gives_no_list(shop: tuple[Config, Ledger], tmp_path: Path) -> None:
    config = opened(tmp_path)
    wave = assign(shop[1], config).wave
    wave.path("plan.json").write_text("{}", encoding="utf-8")
    with pytest.raises(StorageError, match="RG431"):
        export(shop[1], config, "mail")


def test_whoever_is_forgotten_vanishes_from_lists_however_the_id_stands_in_them(
    shop: tuple[Config, Ledger], tmp_path: Path
) -> None:
    config = opened(tmp_path)
    assign(shop[1], config)
    gone, *rest = given(config)
    found = [
        export(shop[1], config, "mail", out=config.folder / "decisions" / EXPORTS / f"c{k}") for k in (".csv", ".xlsx")
    ]
    erased_from_decisions(config, Sought(frozenset({gone})), "2024-03-06")
    assert ids_in(found[0].path) == rest
    assert not found[1].path.exists()
    # A short id that a cell may not begin with stands there with an apostrophe.
    (tmp_path / "d.csv").write_text(f'"customer_id"\n"{harmless("=7")}"\n"8"\n', encoding="utf-8")
    erased = erased_from(tmp_path / "d.csv", Sought(frozenset({"=7"})), "2024-03-06")
    assert erased is not None
    assert ids_in(tmp_path / "d.csv") == ["8"]


def test_the_list_tells_the_times_of_who_has_some_of_their_own(shop: tuple[Config, Ledger]) -> None:
    config, ledger = shop
    first, second = given(config)[:2]
    people = {"customer_id": [first, second], "as_of": [str(DAY), str(DAY)]}
    days = {"weekday": ["friday", "friday"], "weekday_differs": [True, False]}
    hours = {"hour": [9, 9], "hour_differs": [None, True]}
    pq.write_table(pa.table({**people, **days, **hours}), config.folder / "timing.parquet")
    try:
        found = export(ledger, config, "mail", out=config.folder / "timed.csv")
    finally:
        (config.folder / "timing.parquet").unlink()
    with found.path.open(newline="", encoding="utf-8") as rows:
        told = {row["customer_id"]: (row["best_weekday"], row["best_hour"]) for row in csv.DictReader(rows)}
    assert (told.pop(first), told.pop(second)) == (("friday", ""), ("", "9"))
    assert set(told.values()) == {("", "")}
