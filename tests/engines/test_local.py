"""The local engine: shards and threads change nothing, open windows are unknown, and mistakes come out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from regulars.clock import Cutoff
from regulars.engines import local
from regulars.engines.local import NEEDED, mapped, panel_of, reference_of, usable_threads
from regulars.errors import DataError
from regulars.features.family import Plan, plan_for
from regulars.features.panel import RHYTHM, Label, Panel
from regulars.features.reference import Reference
from regulars.features.shape import Shape
from regulars.intake import Ledger

from ..simulated import purchases, shop

LABELS = [Label(30), Label(60)]


@cache
def days() -> list[Cutoff]:
    ends = shop().ends
    return [ends.minus(200), ends.minus(100), ends.minus(60), ends.minus(59), ends]


@pytest.fixture
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """About twenty shards instead of one."""

    def sharded(ledger: Ledger, plan: Plan, blocks: Iterable[int] | None = None) -> Iterator[pa.Table]:
        return ledger.shards(250, (*NEEDED, *plan.columns), blocks, encoded=True)

    assert sum(1 for _ in sharded(shop(), plan_for(Shape()))) > 10
    monkeypatch.setattr(local, "shards_of", sharded)


def made(threads: int = 1) -> Panel:
    plan = plan_for(Shape(columns=shop().columns))
    return panel_of(shop(), plan, reference_of(shop(), days(), plan), days(), LABELS, threads)


def bits(panel: Panel) -> list[bytes]:
    return [
        str(panel.customer_id.tolist()).encode(),
        panel.cutoff_day.tobytes(),
        panel.values.tobytes(),
        *(getattr(panel.rhythm, name).tobytes() for name in RHYTHM),
        panel.totals.orders.tobytes(),
        panel.totals.spend.tobytes(),
        *(v.tobytes() for v in panel.totals.trailing.values()),
        *(a.tobytes() for f in panel.targets.values() for a in (f.orders, f.spend, f.first)),
    ]


@cache
def whole() -> Panel:
    """In one shard, by one thread."""
    return made()


@pytest.mark.usefixtures("_small_shards")
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_shards_and_threads_change_no_bit(threads: int) -> None:
    assert bits(made(threads)) == bits(whole())


def test_rows_come_by_customer_then_cutoff_in_whatever_order_the_cutoffs_were_given() -> None:
    found = whole()
    keys = list(zip(found.customer_id.tolist(), found.cutoff_day.tolist(), strict=True))
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    plan, back = plan_for(Shape(columns=shop().columns)), days()[::-1]
    again = panel_of(shop(), plan, reference_of(shop(), sorted(back), plan), back, LABELS)
    assert bits(again) == bits(found)


def test_a_window_that_runs_past_the_data_is_unknown_and_one_that_ends_with_them_is_not() -> None:
    # 60 days before the end the longer window just closes; 59 days before it does not.
    found = whole()
    for label in LABELS:
        future, left = found.targets[label], shop().ends.day - found.cutoff_day
        unknown = left < label.horizon_days
        assert (future.orders[unknown] == -1).all()
        assert (future.first[unknown] == -1).all()
        assert np.isnan(future.spend[unknown]).all()
        assert (future.orders[~unknown] >= 0).all()
        assert np.isfinite(future.spend[~unknown]).all()
    assert sorted(set((shop().ends.day - found.cutoff_day).tolist())) == [0, 59, 60, 100, 200]


@pytest.mark.usefixtures("_small_shards")
def test_the_reference_adds_up_over_shards() -> None:
    frame, found = purchases(), reference_of(shop(), days(), plan_for(Shape()))
    bought = frame[frame["amount"] > 0].groupby("order_id")["purchased_at"].min()
    assert found.counts["purchase"] == tuple(int((bought < str(c)).sum()) for c in days())


def test_progress_goes_up_to_one() -> None:
    told: list[float] = []
    plan = plan_for(Shape(columns=shop().columns))
    panel_of(shop(), plan, reference_of(shop(), days(), plan), days(), progress=lambda _, s: told.append(s))
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.usefixtures("_small_shards")
@pytest.mark.parametrize("threads", [1, 3])
def test_a_mistake_in_a_shard_comes_out_whatever_the_threads(threads: int) -> None:
    with pytest.raises(DataError, match="lacks a cutoff"):
        panel_of(shop(), plan_for(Shape(columns=shop().columns)), Reference.empty(), days(), LABELS, threads)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_few_shards_wait_in_memory_and_results_keep_their_order(threads: int) -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for k in range(40):
            taken.append(k)
            yield k

    for given, n in enumerate(mapped(lambda k: k * k, source(), threads)):
        assert n == given * given
        # Two wait per thread, one is at work in the caller's hands, one is being handed over.
        assert len(taken) <= given + 2 * threads + 2
    assert len(taken) == 40


def test_threads_are_those_asked_for_or_those_the_process_may_use() -> None:
    assert usable_threads(3) == 3
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert usable_threads() == usable
