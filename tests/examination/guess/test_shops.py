"""What must be made of the exports of some twenty shops, and that the intake then reads what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from regulars.errors import RegularsError
from regulars.examination.guess.look import looked_at
from regulars.examination.guess.purchases import guess_purchases
from regulars.examination.guess.roles import Guess
from regulars.pipelines.init import start

from .shops import SHOPS, Shop


def _written(shop: Shop, folder: Path) -> Path:
    file = folder / ("orders.tsv" if shop.delimiter == "\t" else "orders.csv")
    file.write_bytes(shop.bytes())
    return file


def _checked_warnings(shop: Shop, warnings: tuple[str, ...]) -> None:
    for words in shop.warned:
        assert any(words in warning for warning in warnings), (words, warnings)
    if not shop.warned:
        assert warnings == ()


READABLE = [shop for shop in SHOPS if shop.readable]
"""By default every third is read from its file to the end, all of them under soak."""


@pytest.mark.parametrize(
    "shop", [pytest.param(s, id=s.name, marks=[pytest.mark.soak] * (i % 3 > 0)) for i, s in enumerate(READABLE)]
)
def test_the_export_of_a_shop_is_understood_and_read(shop: Shop, tmp_path: Path) -> None:
    out = tmp_path / "regulars.toml"
    started = start(str(_written(shop, tmp_path)), out)
    found: dict[str, Any] = dict(started.figures)
    assert {role: chosen["column"] for role, chosen in found["columns"].items()} == dict(shop.roles)
    assert {**found["settings"], **found["source"]} == {**shop.settings, "path": found["source"]["path"]}
    assert found["data"] == dict(shop.data)
    _checked_warnings(shop, started.warnings)
    assert "sampled lines read as purchases" in " ".join(started.lines)
    # No address, and so no customer, is copied into the file.
    assert "@example" not in out.read_text()


REFUSED = {"persian shop, solar years": "RG128", "several currencies": "RG163"}


@pytest.mark.parametrize("shop", [s for s in SHOPS if not s.readable], ids=lambda shop: shop.name)
def test_what_the_intake_must_refuse_is_told_beforehand(shop: Shop, tmp_path: Path) -> None:
    file = _written(shop, tmp_path)
    guess: Guess = guess_purchases(looked_at(str(file), tmp_path))
    assert {c.role: c.column for c in guess.choices} == dict(shop.roles)
    assert {s.key: s.value for s in guess.settings} == dict(shop.settings)
    _checked_warnings(shop, guess.warnings)
    with pytest.raises(RegularsError) as refused:
        start(str(file), tmp_path / "regulars.toml")
    assert refused.value.code == REFUSED[shop.name]
