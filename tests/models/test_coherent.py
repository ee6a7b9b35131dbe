"""Numbers of several horizons that agree: by hand, and for whatever numbers there are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regulars.models.coherent import Chain, coherent_rising, coherent_silence
from regulars.models.on_demand import OnDemand

Float64 = NDArray[np.float64]
HORIZONS = st.lists(st.integers(1, 720), min_size=1, max_size=6, unique=True)


@st.composite
def chains(draw: st.DrawFn) -> tuple[dict[int, Float64], int]:
    """Up to six horizons of four customers, few enough numbers that ties occur, and which of them is primary."""
    days = draw(HORIZONS)
    numbers = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1), min_size=4, max_size=4)
    return {d: np.array(draw(numbers)) for d in days}, draw(st.sampled_from(days))


BOTH: list[tuple[Callable[[Chain, int], Chain], float]] = [
    (coherent_rising, 1.0),
    (coherent_silence, -1.0),
]


@pytest.mark.parametrize(("coherent", "sign"), BOTH)
@given(chains())
def test_every_customer_s_numbers_agree_and_the_primary_ones_stand(
    coherent: Callable[[Chain, int], Chain], sign: float, chain: tuple[dict[int, Float64], int]
) -> None:
    values, primary = chain
    given_before = {d: v.tobytes() for d, v in values.items()}
    found = coherent(values, primary)
    assert list(found) == list(values)
    assert found[primary].tobytes() == given_before[primary]
    ordered = np.stack([found[d] for d in sorted(found)])
    assert (sign * np.diff(ordered, axis=0) >= 0).all()
    # Nothing that came in was changed, and what agrees is left as it is, to the bit.
    assert {d: v.tobytes() for d, v in values.items()} == given_before
    again = coherent(found, primary)
    assert {d: v.tobytes() for d, v in again.items()} == {d: v.tobytes() for d, v in found.items()}


@given(chains())
def test_no_number_leaves_the_range_of_those_given_and_each_customer_stands_alone(
    chain: tuple[dict[int, Float64], int],
) -> None:
    values, primary = chain
    found = coherent_rising(values, primary)
    for i in range(4):
        alone = coherent_rising({d: v[i : i + 1] for d, v in values.items()}, primary)
        assert {d: v.tolist() for d, v in alone.items()} == {d: [v[i]] for d, v in found.items()}
        assert {v[i] for v in found.values()} <= {v[i] for v in values.values()}


def test_a_number_gives_way_to_its_neighbour_on_the_primary_s_side() -> None:
    # 60 days: 3 is more than the 2 of 90 days; then 30 days: 2.5 is more than what 60 days has become. Beyond: 1 < 2.
    orders = {30: np.array([2.5]), 60: np.array([3.0]), 90: np.array([2.0]), 180: np.array([1.0]), 365: np.array([4.0])}
    found = coherent_rising(orders, 90)
    assert {d: v.tolist() for d, v in found.items()} == {30: [2.0], 60: [2.0], 90: [2.0], 180: [2.0], 365: [4.0]}


def test_what_is_missing_stays_missing_and_binds_nobody() -> None:
    silent = {30: np.array([0.2, np.nan]), 60: np.array([np.nan, 0.1]), 90: np.array([0.5, 0.4])}
    found = coherent_silence(silent, 90)
    assert found[30].tolist()[0] == 0.5
    assert np.isnan([found[30][1], found[60][0]]).all()
    assert found[60].tolist()[1] == 0.4
    unknown = coherent_silence({30: np.array([0.2]), 90: np.array([np.nan])}, 90)
    assert unknown[30].tolist() == [0.2]
    assert np.isnan(unknown[90]).all()


@pytest.mark.parametrize("coherent", [coherent_rising, coherent_silence])
def test_only_what_lies_between_the_primary_horizon_and_the_one_asked_for_is_worked_out(
    coherent: Callable[[Chain, int], Chain],
) -> None:
    asked: list[int] = []

    def number(days: int) -> Float64:
        asked.append(days)
        return np.array([0.5])

    found = coherent(OnDemand((7, 14, 30, 60, 90, 365), number), 60)
    assert found[60].tolist() == [0.5]
    assert asked == [60]
    assert found[14].tolist() == [0.5]
    assert sorted(asked) == [14, 30, 60]
    assert found[365].tolist() == [0.5]
    assert sorted(asked) == [14, 30, 60, 90, 365]
    with pytest.raises(KeyError):
        found[8]
