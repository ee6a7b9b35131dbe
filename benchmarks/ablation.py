"""What each feature family is worth on later time: the model without it, and with those that are off by default.

In: configurations. Out: a Markdown table a configuration. At every rolling origin the whole model (churn and value,
settings not tuned) is learnt anew from matured cutoffs and judged on the window after; a family's worth is the loss
without it less the loss with it, paired by customer, with a 90 % interval. Run as `python -m benchmarks.ablation
CONFIG ...`; customer folds are not used, as they overstate what features are worth.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.features.family import all_families, families
from regulars.intake import build_ledger
from regulars.models import metrics
from regulars.models.churn import Churn
from regulars.models.ensemble import CHURN, VALUE, settings_for
from regulars.models.sample import Sample
from regulars.models.splits import Origin, holdout, origins
from regulars.models.value import Value
from regulars.pipelines.kept import prior_cache
from regulars.pipelines.prepare import Prepared, prepare, recipe_of, span_of

WHOLE = "the default families"
ALONE = "rfm only"


@dataclass(frozen=True)
class Variant:
    """Some families, under a name."""

    name: str
    families: frozenset[str]


def variants(prepared: Prepared) -> list[Variant]:
    """Everything that is on by default; without each of these; with each of the others; and little."""
    there = {e.family for e in prepared.plan.entries}
    usual = frozenset(f.name for f in families() if f.name in there)
    more = [f.name for f in all_families() if f.name in there - usual]
    out = [Variant(WHOLE, usual)]
    out += [Variant(f"without {name}", usual - {name}) for name in sorted(usual)]
    out += [Variant(f"with {name}", usual | {name}) for name in more]
    return [*out, Variant(ALONE, frozenset({"rfm"}))]


def only(sample: Sample, prepared: Prepared, wanted: frozenset[str]) -> Sample:
    """The sample with the features of some families."""
    rows = [i for i, e in enumerate(prepared.plan.entries) if e.family in wanted]
    names = tuple(prepared.plan.names[i] for i in rows)
    return replace(sample, panel=replace(sample.panel, names=names, values=sample.panel.values[rows]))


def judged(train: Sample, now: Sample, config: Config) -> pd.DataFrame:
    """What the model says of the origin's customers, and what came."""
    recipe = replace(recipe_of(config), trials=0, rations=None)
    churn = Churn.fit(train, now, settings_for(CHURN, train, recipe)[0])
    value = Value.fit(train, now, settings_for(VALUE, train, recipe)[0], churn)
    p_churn = churn.p_churn(now)
    return pd.DataFrame(
        {
            "customer_id": now.panel.customer_id,
            "churned": now.churned,
            "spend": now.spend,
            "loss": metrics.log_losses(now.churned, p_churn),
            "value": value.expected_spend(now, p_churn),
        }
    )


def rounds(config: Config, cutoff: str | None) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Origin, variant, judgement of each."""
    everything = tuple(f.name for f in all_families() if f.name not in {g.name for g in families()})
    ledger = build_ledger(config)
    config = config.model_copy(update={"features": config.features.model_copy(update={"on": everything})})
    span = span_of(ledger, config)
    chosen = origins(span, config.backtest.origins) if cutoff is None else (holdout(span, Cutoff.parse(cutoff)),)
    prepared = prepare(ledger, config, chosen, prior_cache(config, ledger))
    for origin in chosen:
        yield from _at(origin, prepared, config)


def _at(origin: Origin, prepared: Prepared, config: Config) -> Iterator[tuple[str, str, pd.DataFrame]]:
    train, now = prepared.rows(origin)
    for variant in variants(prepared):
        found = judged(*(only(s, prepared, variant.families) for s in (train, now)), config)
        print(f"{origin.cutoff}  {variant.name}: {found['loss'].mean():.4f}", file=sys.stderr, flush=True)
        yield str(origin.cutoff), variant.name, found


def worth(whole: pd.DataFrame, other: pd.DataFrame) -> tuple[float, float, float]:
    """Loss of the other less that of the whole, and a 90 % interval, rows of one customer taken together."""
    more = (other["loss"] - whole["loss"]).groupby(whole["customer_id"]).sum()
    mean, n = float(more.sum()) / len(whole), len(more)
    spread = 1.645 * float(np.sqrt(((more - more.mean()) ** 2).sum() * n / max(n - 1, 1))) / len(whole)
    return mean, mean - spread, mean + spread


def gini(frames: Iterable[pd.DataFrame]) -> float:
    """Mean over origins of the normalised Gini of the predicted spend."""
    return float(np.mean([metrics.gini(f["spend"].to_numpy(), f["value"].to_numpy()) or np.nan for f in frames]))


def table(found: dict[str, dict[str, pd.DataFrame]]) -> list[dict[str, Any]]:
    """A row a variant: log loss, what the family is worth, by origin as well, and the Gini."""
    out = []
    for name, by_origin in found.items():
        whole = found[WHOLE]
        both = (pd.concat(list(f.values()), ignore_index=True) for f in (whole, by_origin))
        mean, low, high = worth(*both)
        each = [round(1e4 * worth(whole[o], f)[0], 1) for o, f in by_origin.items()]
        losses = pd.concat(list(by_origin.values()))["loss"]
        out.append(
            {
                "variant": name,
                "log_loss": float(losses.mean()),
                "more_loss_e4": 1e4 * mean,
                "low_e4": 1e4 * low,
                "high_e4": 1e4 * high,
                "by_origin_e4": each,
                "gini": gini(by_origin.values()),
            }
        )
    return out


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table for the docs; differences are in units of 0.0001 of log loss, above 0 where the family helps."""
    lines = [
        "| variant | log loss | more loss, 1e-4 (90 %) | by origin, 1e-4 | Gini of value |",
        "|---|---|---|---|---|",
    ]
    for r in rows:
        between = f"{r['more_loss_e4']:+.1f} ({r['low_e4']:+.1f} to {r['high_e4']:+.1f})"
        each = ", ".join(f"{e:+.1f}" for e in r["by_origin_e4"])
        lines.append(f"| {r['variant']} | {r['log_loss']:.4f} | {between} | {each} | {r['gini']:.4f} |")
    return "\n".join(lines)


def main() -> None:
    """Judge, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("config", type=Path, nargs="+", help="regulars.toml files")
    parser.add_argument("--cutoff", help="one strict holdout at this date instead of rolling origins")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for path in options.config:
        config, found = Config.load(path), dict[str, dict[str, pd.DataFrame]]()
        for origin, name, frame in rounds(config, options.cutoff):
            found.setdefault(name, {})[origin] = frame
        figures[path.parent.name] = table(found)
        print(f"\n{path.parent.name}, {config.target.primary} days\n\n{markdown(figures[path.parent.name])}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
