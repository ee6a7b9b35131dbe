"""People who have not bought yet: values of their cohort, in a file of their own, and nowhere among the customers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from regulars.intake import Ledger
from regulars.models.model import Model
from regulars.models.splits import Origin
from regulars.models.versions import Registered
from regulars.pipelines.prospects import COLUMNS, prospect_scores, prospects_learnt
from regulars.pipelines.published import PROSPECTS, Run
from regulars.pipelines.score import publish_day, scored

from ..simulated import FIRST, ZONE, config_of, mapped, purchases, trained

CONFIG = config_of(
    data={
        "timezone": ZONE,
        "purchases": mapped(),
        "customers": {"customer_id": "customer_id", "joined_at": "joined_at"},
    }
)


@cache
def joined() -> Ledger:
    """The shop, with a table of its customers, who all joined on its first day, and of 50 people who never buy."""
    frame = purchases()
    ids = [*sorted(set(frame["customer_id"])), *(f"never{i:02d}" for i in range(50))]
    people = pd.DataFrame({"customer_id": ids, "joined_at": FIRST.isoformat()})
    return Ledger.from_frame(frame, CONFIG, customers=people)


def never() -> list[str]:
    """Whoever has not bought anything worth more than 0: one of the shop's own has a free line only."""
    frame = purchases()
    ids = {*frame["customer_id"], *(f"never{i:02d}" for i in range(50))}
    found = sorted(ids - set(frame.loc[frame["amount"] > 0, "customer_id"]))
    assert len(found) == 51
    return found


def stand() -> Origin:
    return Origin(joined().ends, trained().trained_cutoffs, 30)


@cache
def model() -> Model:
    return replace(trained().model, prospects=prospects_learnt(joined(), CONFIG, stand())[0])


def published(ledger: Ledger, folder: Path) -> Run:
    config = CONFIG.model_copy(update={"folder": folder})
    return publish_day(ledger, config, model(), Registered("regulars", "1", "run"), ledger.ends, folder / "scores").run


def test_who_has_not_bought_by_the_day_gets_what_became_of_earlier_ones() -> None:
    found = prospect_scores(joined(), model(), joined().ends)
    assert found is not None
    assert tuple(found.columns) == COLUMNS
    assert found["customer_id"].tolist() == never()
    assert set(found["basis"]) == {"prospect"}
    # All joined on the first day of 420, so that they are one class, and share its chances.
    assert set(found["joined_days_ago"]) == {420.0}
    chance, worth = found["p_purchase"].unique(), found["lifetime_value"].unique()
    assert (len(chance), len(worth)) == (1, 1)
    assert 0 < chance[0] < 0.5
    assert worth[0] > found["expected_spend"].iloc[0] > 0


def test_prospects_are_never_among_the_customers(tmp_path: Path) -> None:
    found = scored(joined(), model(), CONFIG)
    assert not found.scores["customer_id"].isin(never()).any()
    assert found.scores["basis"].isin(["purchases", "newcomer"]).all()
    kept = published(joined(), tmp_path)
    frame = kept.frame(name=PROSPECTS)
    assert (len(frame), set(frame["model_version"])) == (51, {"1"})
    assert (kept.facts["prospects"], kept.facts["customers"]) == (51, len(found.scores))
    # Without a table of customers nobody is known to be one.
    without = published(Ledger.from_frame(purchases(), config_of()), tmp_path)
    assert (without.has(PROSPECTS), without.facts["prospects"]) == (False, None)


def test_too_few_of_them_have_no_values_and_it_is_said() -> None:
    frame = purchases()
    ids = sorted(set(frame["customer_id"]))[:3]
    people = pd.DataFrame({"customer_id": [*ids, "never"], "joined_at": FIRST.isoformat()})
    found, why = prospects_learnt(Ledger.from_frame(frame, CONFIG, customers=people), CONFIG, stand())
    assert found is None
    assert why.startswith("prospects have no values: RG269")
    assert prospects_learnt(Ledger.from_frame(frame, config_of()), config_of(), stand()) == (None, "")


@pytest.mark.parametrize("age", [10.0, float("nan")])
def test_a_bundle_keeps_what_was_learnt_of_them(age: float) -> None:
    import numpy as np

    learnt = model().prospects
    assert learnt is not None
    again = type(learnt).from_dict(learnt.to_dict())
    assert [v.tolist() for v in again.of(np.array([age]), 30)] == [v.tolist() for v in learnt.of(np.array([age]), 30)]
