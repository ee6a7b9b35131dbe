"""The years to come and what levers change of them: by hand, and what must hold of any of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from regulars.errors import ConfigError
from regulars.models.pareto_nbd import ParetoNbd
from regulars.relations.future import Future
from regulars.relations.levers import TOGETHER, Levers, WhatIf
from regulars.schema import SCALE

MODEL = ParetoNbd(r=1.0, alpha=30.0, s=1.0, beta=365.0)
OTHERS = (ParetoNbd(r=1.0, alpha=30.0, s=0.9, beta=365.0), ParetoNbd(r=1.0, alpha=30.0, s=1.1, beta=365.0))


def future(ages: list[float], value: list[float], years: int = 5, force: float = 0.0) -> Future:
    return Future(MODEL, np.array(ages), np.array(value), 1095, years, force)


def what_if(levers: Levers, margin: float = 0.25, level_error: float = 0.1) -> WhatIf:
    ahead = future([0.0, 100.0, 365.0, 700.0], [100.0, 50.0, 25.5, 10.25])
    return WhatIf(ahead, np.full(4, 0.5), np.array([0, 2, 0, 2]), ("a", "nobody", "b"), levers, margin, level_error,
                  OTHERS)  # fmt: skip


def rows_of(levers: Levers, margin: float = 0.25) -> dict[tuple[str, str], dict[str, float]]:
    found = what_if(levers, margin).table("margin").rows
    return {(str(r["segment"]), str(r["lever"])): {k: v for k, v in r.items() if isinstance(v, int | float)}
            for r in found}  # fmt: skip


def test_the_years_to_the_horizon_bring_the_lifetime_value() -> None:
    found = future([0.0, 365.0], [100.0, 40.0], force=0.0003).margin
    assert found[:, :3].sum(axis=1) == pytest.approx([100.0, 40.0])
    assert (np.diff(found, axis=1) < 0).all()


def test_a_point_of_retention_by_hand() -> None:
    # s = 1, beta = 365: of the new 1 / 2 stay through the first year, 2 / 3 of these through the second. With a point
    # more .51 and .67667. There in a year, leaving evenly: (r - 1) / log r.
    def there(r: float) -> float:
        return (r - 1) / math.log(r)

    first = there(0.51) / there(0.50)
    second = 0.51 / 0.50 * there(2 / 3 + 0.01) / there(2 / 3)
    assert future([0.0], [100.0], years=2).retained(1.0)[0] == pytest.approx([first, second])


def test_nobody_can_stay_more_than_surely_nor_leave_more_than_surely() -> None:
    # 100 points more: all stay, so the second year has 1 / (1 / 2) times as many at its begin, and all through.
    ahead = future([0.0], [100.0], years=2)
    second = 1 / 0.5 / ((2 / 3 - 1) / math.log(2 / 3))
    assert ahead.retained(100.0)[0, 1] == pytest.approx(second)
    assert ahead.retained(400.0).tolist() == ahead.retained(100.0).tolist()
    assert ahead.retained(-100.0)[0].tolist() == [0.0, 0.0]


def test_no_change_changes_nothing_to_the_bit() -> None:
    ahead = future([0.0, 33.0, 1000.0], [1.0, 2.0, 3.0])
    assert (ahead.retained(0.0) == 1.0).all()
    assert list(Levers().alone()) == []
    assert what_if(Levers()).table("margin").rows == ()
    years = what_if(Levers()).years("margin").rows
    assert [row["base"] for row in years] == [row["changed"] for row in years]


def test_more_retention_is_never_less_money() -> None:
    ahead = future([0.0, 33.0, 1000.0, 9e4], [1.0, 2.0, 3.0, 4.0], force=0.0003)
    totals = [(ahead.margin * ahead.retained(points)).sum(axis=1) for points in (-60, -3, -1, 0, 0.5, 1, 3, 60)]
    assert (np.diff(totals, axis=0) >= 0).all()
    # The oldest are so loyal that half a point more is all there is.
    assert (np.diff(totals, axis=0)[:6, :3] > 0).all()


def test_money_levers_scale_exactly() -> None:
    # 10 % more orders, 20 % more money each, 5 points more of a margin of 25: x 1.1, x 1.2, x 30 / 25.
    found = rows_of(Levers(frequency=10.0, order_value=20.0, margin=5.0))
    for segment in ("a", "b", "all"):
        base = found[segment, TOGETHER]["base"]
        for lever, factor in (("frequency +10 %", 1.1), ("order value +20 %", 1.2), ("margin +5 points", 1.2)):
            assert found[segment, lever]["changed"] == pytest.approx(base * factor, abs=2)
            assert found[segment, lever]["share"] == pytest.approx(factor - 1, abs=1e-6)
        assert found[segment, TOGETHER]["changed"] == pytest.approx(base * 1.1 * 1.2 * 1.2, abs=2)


def test_segments_add_up_to_all_exactly() -> None:
    found = rows_of(Levers.one())
    assert {segment for segment, _ in found} == {"a", "b", "all"}
    for lever in {lever for _, lever in found}:
        for name in ("customers", "base", "changed", "difference"):
            assert found["a", lever][name] + found["b", lever][name] == found["all", lever][name]
        assert found["all", lever]["changed"] - found["all", lever]["base"] == found["all", lever]["difference"]


def test_changes_together_are_more_than_the_sum_of_each() -> None:
    found = rows_of(Levers.one())
    alone = sum(row["difference"] for (segment, lever), row in found.items() if segment == "all" and lever != TOGETHER)
    assert found["all", TOGETHER]["difference"] > alone


def test_the_table_of_years_and_that_of_changes_hold_the_same_money() -> None:
    whole = what_if(Levers.one())
    total = rows_of(Levers.one())["all", TOGETHER]
    years = whole.years("margin").rows
    for name in ("base", "changed"):
        assert sum(int(row[name] or 0) for row in years) == pytest.approx(total[name], abs=5)
    # Four customers, each still one with chance 1 / 2; of age T a year later (beta + T) / (beta + T + 365) of them.
    stays = [365 / (365 + 365), 465 / (465 + 365), 730 / (730 + 365), 1065 / (1065 + 365)]
    assert years[0]["begin"] == pytest.approx(2.0)
    assert years[0]["end"] == pytest.approx(0.5 * sum(stays))
    assert years[0]["retention"] == pytest.approx(sum(stays) / 4)


def test_the_interval_holds_the_difference_and_grows_with_what_is_not_known() -> None:
    for levers in (Levers.one(), Levers(retention=-2.0)):
        narrow, wide = (what_if(levers, level_error=error).table("margin").rows for error in (0.05, 0.5))
        for near, far in zip(narrow, wide, strict=True):
            low, middle, high = (int(near[name] or 0) for name in ("low", "difference", "high"))
            assert low < middle < high
            assert int(far["low"] or 0) < low < high < int(far["high"] or 0)


def test_losing_a_point_has_a_negative_price() -> None:
    found = rows_of(Levers(retention=-1.0))["all", "retention -1 point"]
    assert found["difference"] < 0
    assert found["share"] < 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -100.5])
def test_a_change_that_cannot_be_is_refused(value: float) -> None:
    with pytest.raises(ConfigError, match="RG494"):
        Levers(frequency=value)


def test_money_is_in_units() -> None:
    assert rows_of(Levers(frequency=1.0))["a", "frequency +1 %"]["base"] > 100 * SCALE
