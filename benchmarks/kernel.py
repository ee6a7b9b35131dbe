"""The reference features as Regulars computes them: from the unsorted file or the ledger, to memory or to Parquet.

In: a job. Out: a panel of float32, or a folder of Parquet parts, and the same values in float64 for the comparison.
Recency, windows and cadence are the product's own families; of the basket, which has more, the family here yields
nine under the product's names (a test compares them), so that nothing but the 80 is computed. Missing as in the
catalogue: NaN.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from regulars.clock import Cutoff
from regulars.config import EngineConfig
from regulars.engines import panel_of, usable_threads
from regulars.engines.local import mapped, reader, shards_of
from regulars.engines.streamed import SHARDS_PER_PART, table_of
from regulars.features.family import Family, Feature, Plan, families, planned
from regulars.features.history import History
from regulars.features.lines import Lines
from regulars.features.panel import Panel, panel_block
from regulars.features.past import Past, ratio
from regulars.features.reference import Reference
from regulars.features.shape import Shape
from regulars.intake import Ledger, open_ledger
from regulars.intake.canonical import canonical_blocks, canonical_purchases
from regulars.schema import Rules

from .job import NAMES, OPTIONAL, REFERENCE, Job

SORT_MEMORY, BIG_SORT_MEMORY = "400MB", "3GB"
"""What DuckDB may hold of the purchases; the rest spills, so that the panel has room."""


def basket_of_the_80(past: Past, reference: Reference) -> Iterator[Feature]:
    """Nine of the basket's features, as `regulars.features.basket` computes them; not registered in the catalogue."""
    ever, recent = past.all(), past.last(90)
    lines, orders, sold = ever.sum("purchase_line"), ever.sum("purchase"), ever.sum("sold")
    quantity, off = ever.sum("quantity"), ever.sum("discount")
    values = (
        *(lines / orders, ratio(sold, lines), ever.sum("free_line") / ever.sum("line"), recent.sum("purchase_line")),
        *(quantity / orders, ratio(sold, quantity), ratio(off, off + sold)),
        *(ever.distinct("category"), recent.distinct("category")),
    )
    for name, value in zip(REFERENCE["basket"], values, strict=True):
        yield Feature(name, "", "", value)


def plan_of_the_80() -> Plan:
    """A plan of nothing but the 80."""
    ours = families([name for name in REFERENCE if name != "basket"])
    plan = planned(Shape(columns=OPTIONAL), (*ours, Family("basket_of_the_80", basket_of_the_80)))
    # The columns are there, which the nine do not ask.
    plan = replace(plan, columns=OPTIONAL)
    if set(plan.names) != set(NAMES):
        raise SystemExit(f"the families and the list differ: {sorted(set(plan.names) ^ set(NAMES))}")
    return plan


def cutoffs_of(job: Job) -> list[Cutoff]:
    """The job's cutoffs."""
    return [Cutoff(day) for day in job.cutoffs]


def ledger_of(job: Job) -> Ledger:
    """The stored ledger."""
    return open_ledger(Path(job.ledger))


def history_maker(job: Job) -> Callable[[pa.Table], History]:
    """A shard's history under the counting rules of the ledger."""
    rules, starts = Rules("UTC"), Cutoff(job.history_starts)
    return lambda shard: History(Lines.from_arrow(shard), rules, starts)


def blocks_of(job: Job, plan: Plan, sorted_: Iterable[pa.Table]) -> Iterator[Panel]:
    """The panel, block by block, of shards sorted by customer."""
    history, cutoffs, reference = history_maker(job), cutoffs_of(job), Reference.empty()
    return mapped(lambda shard: panel_block(history(shard), plan, reference, cutoffs), sorted_, usable_threads())


def gathered(panels: list[Panel]) -> Panel:
    """Panels one after the other, each let go once it is copied."""
    n = sum(panel.n_rows for panel in panels)
    panels.reverse()
    return Panel.gathered((panels.pop() for _ in range(len(panels))), n)


def from_unsorted(job: Job) -> Panel:
    """Unsorted canonical Parquet -> sorted shards -> the panel in memory."""
    plan = plan_of_the_80()
    with canonical_purchases([Path(job.source)], plan.columns, EngineConfig(memory=SORT_MEMORY)) as source:
        most = source.n_customers * len(job.cutoffs)
        return Panel.gathered(blocks_of(job, plan, source.blocks()), most)


def to_parquet(job: Job, folder: Path) -> int:
    """Unsorted canonical Parquet -> sorted shards -> the panel in parts of Parquet; how many rows."""
    plan, cutoffs, reference, history = plan_of_the_80(), cutoffs_of(job), Reference.empty(), history_maker(job)

    def written(part: tuple[int, tuple[pa.Table, ...]]) -> int:
        number, shards = part
        panel = gathered([panel_block(history(shard), plan, reference, cutoffs) for shard in shards])
        keys = ["customer_id", "cutoff"]
        path = folder / f"part-{number:05d}.parquet"
        pq.write_table(table_of(panel), path, compression="zstd", compression_level=1, use_dictionary=keys)
        return panel.n_rows

    memory = BIG_SORT_MEMORY if Path(job.source).stat().st_size > 2**30 else SORT_MEMORY
    shards = canonical_blocks([Path(job.source)], plan.columns, EngineConfig(memory=memory))
    return sum(mapped(written, enumerate(_batched(shards, SHARDS_PER_PART)), usable_threads()))


def from_ledger(job: Job) -> Panel:
    """The stored, sorted ledger -> the panel in memory, as the product makes it."""
    return panel_of(ledger_of(job), plan_of_the_80(), Reference.empty(), cutoffs_of(job), threads=usable_threads())


def exact(job: Job) -> pa.Table:
    """The 80 in float64 from the stored ledger, one row per (customer_id, cutoff day)."""
    plan, ledger, cutoffs, tables = plan_of_the_80(), ledger_of(job), cutoffs_of(job), []
    history = reader(ledger, plan)
    for shard in shards_of(ledger, plan):
        past = Past(history(shard), cutoffs, plan.offsets, plan.shape)
        values = {f.name: f.values for chosen in plan.families for f in chosen.function(past, Reference.empty())}
        tables.append(pa.table({"customer_id": past.customer_id, "cutoff": past.cutoff_day, **values}))
    return pa.concat_tables(tables)


def panel_table(panel: Panel) -> pa.Table:
    """A panel's float32 features, with the keys as the other ways give them."""
    keys = {"customer_id": pa.array(panel.customer_id, pa.string()), "cutoff": pa.array(panel.cutoff_day)}
    return pa.table({**keys, **dict(zip(panel.names, map(pa.array, panel.values), strict=True))})


def _batched(shards: Iterable[pa.Table], n: int) -> Iterator[tuple[pa.Table, ...]]:
    coming = iter(shards)
    while batch := tuple(itertools.islice(coming, n)):
        yield batch
