"""Learn reads waves that are due, off the ledger and the events; the next plan counts with what it found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import DataError, NotEnoughData
from regulars.intake import Ledger
from regulars.offers.catalogue import Catalogue
from regulars.offers.responses import Responses
from regulars.pipelines.campaign.book import FOLDER, Decisions
from regulars.pipelines.campaign.event_store import HELD
from regulars.pipelines.campaign.learn import learn, responses_in_force
from regulars.pipelines.campaign.wave import RESPONSES

from . import measured_shop as shop

N = 400
CHOSEN = shop.arms(N) == 3
TEA, TWO = np.arange(N) % 2 == 0, np.arange(N) % 2 == 1
LEVEL = 10.0 + np.arange(N) % 7


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """What everybody buys anyway."""
    return shop.base(shop.settings(tmp_path_factory.mktemp("plain")), N)


def _spring(folder: Path, content: dict[str, Any] | None = None) -> Config:
    """A wave in the log, and the same catalogue beside the configuration, unless it is to be another."""
    config = shop.settings(folder)
    shop.assign(config, shop.draft(N, shop.DAY, shop.meant_offers(N)))
    _write(config, content or shop.catalogue())
    return config


def _write(config: Config, content: dict[str, Any]) -> None:
    """A catalogue as TOML: what `to_dict` tells, but without what is not set."""

    def line(key: str, value: Any) -> str:
        if isinstance(value, dict):
            return f"{key} = {{ {', '.join(line(k, v) for k, v in value.items() if v is not None)} }}"
        return f"{key} = {json.dumps(value)}"

    def part(head: str, section: dict[str, Any]) -> str:
        return "\n".join([head, *(line(k, v) for k, v in section.items() if v is not None)])

    parts = [part("[campaign]", content["campaign"])]
    parts += [part("[[channels]]", one) for one in content["channels"]]
    parts += [part("[[offers]]", one) for one in content["offers"]]
    (config.folder / "offers.toml").write_text("\n\n".join(parts), encoding="utf-8")


def _catalogue(config: Config) -> Catalogue:
    return Catalogue.of_config(config)


def test_what_an_offer_brings_is_read_off_the_ledger(tmp_path: Path, plain: Ledger) -> None:
    # Tea makes its customers spend a fifth more, two off nothing. With p = .3 for all, a share s saved and x more spent
    # come to the same: s x .3 / .7 + x of the level; there is no noise, so .2 and 0, nearly. No redemption
    # is logged, so two off is taken to cost nothing off the price.
    config = _spring(tmp_path)
    bought = shop.ledger(plain, {0: np.where(CHOSEN & TEA, 0.2 * LEVEL, 0.0)})
    told = learn(bought, config).found.responses.by_option
    more = [one.save.base * 3 / 7 + one.extra_spend.base for one in told.values()]
    assert more == pytest.approx([0.2, 0.0], abs=0.005)
    assert [one.basis for one in told.values()] == ["measured", "measured"]


def test_redemptions_are_added_to_what_was_paid(tmp_path: Path, plain: Ledger) -> None:
    # All who got two off redeem it: they pay two less for what they would have bought: nothing at list price.
    config = _spring(tmp_path)
    who = np.flatnonzero(CHOSEN & TWO)
    ids = Decisions.of(config).waves()[0].table(["decision_id"]).column(0).to_pylist()
    at = shop.DAY.day * 86_400_000_000 + 13 * 3_600_000_000
    rows = [(f"r{i}", ids[i], "redeemed", at, 20_000) for i in who]
    columns = {field: [row[k] for row in rows] for k, field in enumerate(HELD.names)}
    Decisions.of(config).store.add(pa.table(columns, HELD))
    found = learn(shop.ledger(plain, {0: np.where(CHOSEN & TWO, -2.0, 0.0)}), config).found
    told = list(found.responses.by_option.values())
    assert [one.save.base * 3 / 7 + one.extra_spend.base for one in told] == pytest.approx([0, 0], abs=0.005)
    # Everyone of them bought: all of about 107 buyers redeemed, and a guess of 1 that counts as 4.
    assert told[1].redemption.base > 0.98
    assert told[0].redemption.base < 0.06


def test_the_next_plan_counts_with_what_was_learnt(tmp_path: Path, plain: Ledger) -> None:
    config = _spring(tmp_path)
    assert responses_in_force(config, _catalogue(config)) == Responses.assumed(_catalogue(config))
    found = learn(shop.ledger(plain, {0: np.where(CHOSEN & TEA, 3.0, 0.0)}), config)
    assert responses_in_force(config, _catalogue(config)) == found.found.responses
    kept = (config.folder / FOLDER / RESPONSES).read_text(encoding="utf-8")
    assert "c0000" not in kept
    assert found.lines[0].startswith("2 of 2 options are measured, in 1 wave")
    assert any("scores of 2024-03-31 are gone" in note for note in found.notes)
    json.dumps(found.figures(), allow_nan=False)


def test_learning_again_from_the_same_gives_the_same_bytes(tmp_path: Path, plain: Ledger) -> None:
    config, bought = _spring(tmp_path), shop.ledger(plain)
    learn(bought, config)
    first = (config.folder / FOLDER / RESPONSES).read_bytes()
    learn(bought, config)
    assert (config.folder / FOLDER / RESPONSES).read_bytes() == first


def test_an_offer_whose_terms_have_changed_is_as_assumed_again(tmp_path: Path, plain: Ledger) -> None:
    config = _spring(tmp_path)
    learn(shop.ledger(plain), config)
    changed = shop.catalogue()
    changed["offers"][1]["value"] = 3.0
    _write(config, changed)
    told = responses_in_force(config, _catalogue(config)).by_option
    assert [one.basis for one in told.values()] == ["measured", "assumed"]


def test_an_offer_that_the_catalogue_no_longer_has_teaches_nothing(tmp_path: Path, plain: Ledger) -> None:
    only = shop.catalogue()
    only["offers"] = only["offers"][:1]
    found = learn(shop.ledger(plain), _spring(tmp_path, only)).found
    assert list(found.responses.by_option) == [option.name for option in Catalogue.of(only).options]
    assert found.treated == (int((CHOSEN & TEA).sum()),)


def test_a_wave_is_not_learnt_from_before_its_day(tmp_path: Path, plain: Ledger) -> None:
    # Assigned on March 31 for 30 days: its result is due on April 30.
    config = _spring(tmp_path)
    with pytest.raises(NotEnoughData, match=r"RG452(.|\n)*2024-04-30"):
        learn(shop.ledger(plain), config, Cutoff.parse("2024-04-29"))
    assert not (config.folder / FOLDER / RESPONSES).exists()
    assert learn(shop.ledger(plain), config, Cutoff.parse("2024-04-30")).found.waves == ("spring 2024-03-31",)


def test_without_any_wave_there_is_nothing_to_learn(tmp_path: Path, plain: Ledger) -> None:
    config = shop.settings(tmp_path)
    _write(config, shop.catalogue())
    with pytest.raises(NotEnoughData, match="nothing was ever assigned"):
        learn(plain, config)


def test_a_wave_whose_arms_are_not_as_drawn_is_left_out_with_a_note(tmp_path: Path, plain: Ledger) -> None:
    config = shop.settings(tmp_path)
    _write(config, shop.catalogue())
    lost = [bool(kept) for kept in ~((shop.arms(N) == 1) & (np.arange(N) % 3 > 0))]
    shop.assign(config, shop.draft(N, shop.DAY, shop.meant_offers(N), keep=lost))
    found = learn(shop.ledger(plain), config)
    assert found.found.waves == ()
    assert any("its arms are not as they were drawn" in note for note in found.notes)


def test_who_was_forgotten_since_is_left_out(tmp_path: Path, plain: Ledger) -> None:
    config = _spring(tmp_path)
    found = learn(shop.ledger(plain, skip=np.flatnonzero(CHOSEN & TEA)[:9].tolist()), config).found
    assert found.treated == (int((CHOSEN & TEA).sum()) - 9, int((CHOSEN & TWO).sum()))


def test_a_file_that_cannot_be_read_says_how_to_go_on(tmp_path: Path) -> None:
    config = _spring(tmp_path)
    (config.folder / FOLDER / RESPONSES).write_text('{"format": 99}', encoding="utf-8")
    with pytest.raises(DataError, match=r"RG453(.|\n)*learn anew"):
        responses_in_force(config, _catalogue(config))
