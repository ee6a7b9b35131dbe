"""`regulars offers` as its users meet it: plan, assign, log events, measure, learn; exit codes, pages, nobody's id."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from regulars.offers.catalogue import Catalogue
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.written import remembered

from ..test_cli import Said, failed, run
from .open_shop import DAY, opened, who

OFFERS = ("init", "plan", "assign", "export", "log-events", "measure", "learn")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a shop with scores of a day, for which a wave was assigned by the command."""
    folder = tmp_path_factory.mktemp("shop")
    opened(folder, 60)
    said = run("offers", "assign", folder / "regulars.toml")
    assert said.code == 0, said.err
    return folder / "regulars.toml"


def events_of(config: Path, ids: list[str]) -> Path:
    """A file that says of decisions that they were sent."""
    rows = [(f"sent-{i}", decision, "sent", f"{DAY}T12:00:00") for i, decision in enumerate(ids)]
    file = config.parent / "back.csv"
    pd.DataFrame(rows, columns=["event_id", "decision_id", "kind", "occurred_at"]).to_csv(file, index=False)
    return file


def given_in(config: Path) -> list[str]:
    wave = Decisions(config.parent / "decisions").latest
    assert wave is not None
    table = wave.table(["decision_id", "offer"])
    return [d for d, o in zip(*(table.column(c).to_pylist() for c in table.column_names), strict=True) if o]


def no_id(said: Said, file: Path | None = None) -> None:
    """No customer is named in what is said, or in a page."""
    stem = who(0)[:8]
    assert stem not in said.out
    assert stem not in said.err
    if file is not None:
        assert stem not in file.read_text(encoding="utf-8")


def test_help_lists_the_commands_in_the_order_of_their_use() -> None:
    said = run("offers", "--help")
    assert said.code == 0
    listed = [line.split()[0] for line in said.out.split("Commands:")[1].splitlines() if line.strip()]
    assert tuple(listed) == OFFERS


def test_a_plan_is_a_dry_run_with_a_page_and_figures(tmp_path: Path) -> None:
    opened(tmp_path, 60)
    said = run("offers", "plan", tmp_path / "regulars.toml", "--json", tmp_path / "plan.json")
    assert said.code == 0, said.err
    for words in ("customers would get an offer", "budget", "assumed", "no consent"):
        assert words in said.out
    assert "nothing was decided" in said.out.splitlines()[-1]
    assert not (tmp_path / "decisions").exists()
    page = tmp_path / "offers-plan.html"
    assert "Who gets which offer?" in page.read_text(encoding="utf-8")
    no_id(said, page)
    no_id(said, tmp_path / "plan.json")
    figures = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert sum(figures["arms"].values()) == figures["customers"] == 60
    assert {w.path for w in remembered(tmp_path)} >= {"offers-plan.html", "plan.json"}
    journal = (tmp_path / ".regulars" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(journal[-1])["command"] == "offers plan"
    # The same again gives the same page.
    assert run("offers", "plan", tmp_path / "regulars.toml", "--html", tmp_path / "again.html").code == 0
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_assigning_again_changes_nothing_and_says_so(shop: Path) -> None:
    before = sorted((f, f.stat().st_mtime_ns) for f in (shop.parent / "decisions" / "waves").rglob("*"))
    said = run("offers", "assign", shop)
    assert said.code == 0, said.err
    assert "unchanged" in said.out
    no_id(said)
    assert sorted((f, f.stat().st_mtime_ns) for f in (shop.parent / "decisions" / "waves").rglob("*")) == before


def test_a_list_holds_those_who_are_given_something_and_the_same_again_changes_nothing(
    shop: Path, tmp_path: Path
) -> None:
    said = run("offers", "export", shop, "--channel", "mail", "--out", tmp_path / "mail.csv")
    assert said.code == 0, said.err
    no_id(said)
    rows = pd.read_csv(tmp_path / "mail.csv", dtype=str)
    assert sorted(rows["decision_id"]) == sorted(given_in(shop))
    assert set(rows["channel"]) == {"mail"}
    again = run("offers", "export", shop, "--channel", "mail", "--out", tmp_path / "mail.csv")
    assert "unchanged" in again.out
    assert failed(run("offers", "export", shop, "--channel", "main"), 2).endswith("Do: did you mean `mail`?")


def test_events_are_logged_once_however_often_they_are_told(shop: Path) -> None:
    file = events_of(shop, given_in(shop))
    n = len(given_in(shop))
    assert n > 0
    assert f"events logged: {n}" in run("offers", "log-events", shop, file).out
    again = run("offers", "log-events", shop, file)
    assert again.code == 0
    assert f"events logged: 0; {n} were known already" in again.out
    assert Decisions(shop.parent / "decisions").events().num_rows == n


def test_events_of_unknown_decisions_are_put_aside_and_end_with_7(shop: Path) -> None:
    known = given_in(shop)[0]
    said = run("offers", "log-events", shop, events_of(shop, [known, "0" * 32]))
    assert said.code == 7
    assert "note: 1 of 2 rows were refused" in said.err
    assert "Traceback" not in said.err


def test_a_file_of_which_nothing_can_be_logged_is_bad_data(shop: Path) -> None:
    assert failed(run("offers", "log-events", shop, events_of(shop, ["0" * 32])), 3).startswith("RG436")


def test_before_its_day_a_result_is_not_shown_but_when_it_will_be(shop: Path) -> None:
    said = run("offers", "measure", shop)
    assert said.code == 0, said.err
    assert str(DAY.plus(30)) in said.out
    page = shop.parent / "offers-measured.html"
    assert "Did the offers work?" in page.read_text(encoding="utf-8")
    no_id(said, page)


def test_nothing_can_be_learnt_before_a_result_is_due(shop: Path) -> None:
    assert failed(run("offers", "learn", shop), 4).startswith("RG452")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["export"], 2), (["measure", "--campaign", "sprong"], 2), (["plan", "--as-of", "x"], 2)],
)
def test_a_wrong_call_is_told_what_to_do(shop: Path, arguments: list[str], code: int) -> None:
    said = run("offers", arguments[0], shop, *arguments[1:])
    assert said.code == code
    assert "Traceback" not in said.err


def test_without_a_catalogue_one_is_told_to_write_one_and_init_does_so_once(tmp_path: Path) -> None:
    config = opened(tmp_path, 20)
    (tmp_path / "offers.toml").unlink()
    assert failed(run("offers", "plan", tmp_path / "regulars.toml"), 2).startswith("RG410: there is no catalogue")
    assert run("offers", "init", tmp_path / "regulars.toml").code == 0
    before = (tmp_path / "offers.toml").read_bytes()
    assert len(Catalogue.of_config(config).offers) > 1
    assert failed(run("offers", "init", tmp_path / "regulars.toml"), 2).startswith("RG460: there is a catalogue")
    assert (tmp_path / "offers.toml").read_bytes() == before


def test_a_budget_of_nothing_is_a_plan_with_nothing(tmp_path: Path) -> None:
    config = opened(tmp_path, 20)
    file = config.folder / "offers.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("budget = 20", "budget = 0"), encoding="utf-8")
    said = run("offers", "plan", tmp_path / "regulars.toml")
    assert said.code == 0, said.err
    assert "0 of 20 customers would get an offer" in said.out
    assert "Nobody gets an offer in this plan." in (tmp_path / "offers-plan.html").read_text(encoding="utf-8")
