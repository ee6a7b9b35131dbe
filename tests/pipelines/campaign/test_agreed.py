"""Whoever unsubscribes or complains is not written to again on that channel, whatever the ledger said before."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from regulars.clock import Zone
from regulars.intake import build_ledger
from regulars.offers.consent import Consent
from regulars.pipelines.campaign.agreed import agreed, withdrawn
from regulars.pipelines.campaign.assign import assign
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.events import log_events

from .decided import config_in
from .open_shop import DAY, opened, published, who

ZONE = Zone("Europe/Berlin")


def test_an_answer_to_an_offer_takes_consent_back_until_it_is_given_again(tmp_path: Path) -> None:
    config = opened(tmp_path)
    ledger, book = build_ledger(config), Decisions.of(config)
    given = assign(ledger, config).wave.table(["customer_id", "decision_id"], "given").to_pylist()
    out, angry, glad = given[:3]
    kinds = [(out, "unsubscribed", "2024-03-05"), (angry, "complained", "2024-03-05"), (glad, "opened", "2024-03-05")]
    names = ("event_id", "decision_id", "kind", "occurred_at")
    rows = [(str(i), row["decision_id"], kind, at) for i, (row, kind, at) in enumerate(kinds)]
    log_events(config, pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))))

    people = sorted(row["customer_id"] for row in (out, angry, glad))
    ids = [row["customer_id"] for row in (out, angry, glad)]
    said = withdrawn(book).to_pylist()
    assert sorted(row["customer_id"] for row in said) == sorted(ids[:2])
    assert {(row["channel"], row["purpose"], row["status"]) for row in said} == {("mail", "marketing", "withdrawn")}

    def may(table: pa.Table | None, purpose: str = "marketing") -> dict[str, bool]:
        consent = Consent.of(table, people, None, ZONE)
        return dict(zip(people, consent.given("mail", purpose).tolist(), strict=True))

    assert may(agreed(ledger, book)) == {ids[0]: False, ids[1]: False, ids[2]: True}
    # Before it was said, it was not known.
    assert set(may(agreed(ledger, book, DAY.plus(1).instant(ZONE))).values()) == {True}
    # Who says yes again, later, may be written to again.
    with (tmp_path / "consent.csv").open("a", encoding="utf-8") as file:
        file.write(f"{ids[0]},2024-03-06,yes\n")
    assert may(agreed(build_ledger(config), book)) == {ids[0]: True, ids[1]: False, ids[2]: True}
    # The next wave keeps to it.
    published(tmp_path, day=DAY.plus(30))
    table = assign(build_ledger(config), config).wave.table(["customer_id", "offer", "why"]).to_pylist()
    assert [(row["offer"], row["why"]) for row in table if row["customer_id"] == ids[1]] == [("", "no consent")]


@pytest.mark.parametrize("before", [None, 0])
def test_where_nothing_was_answered_nothing_is_taken_back(tmp_path: Path, before: int | None) -> None:
    assert withdrawn(Decisions.of(config_in(tmp_path)), before).num_rows == 0


def test_without_a_table_of_consent_there_is_none(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    (tmp_path / "purchases.csv").write_text(f"customer_id,purchased_at,amount\n{who(1)},2024-02-01,5\n")
    assert agreed(build_ledger(config), Decisions.of(config)) is None
