"""The closed loop on customers whose truth is known: plan -> assign -> respond -> measure -> learn, for some rounds.

In: seeds, customers, rounds. Out: what the policy really brought (by the truth, not by chance) beside an oracle that
knows every effect, under the same hold-outs, controls and explorers; how often the measured interval holds the truth;
how often the plan claimed more than the truth plus that interval. The assumptions of the catalogue are wrong in the
ways that guesses are: one offer is worth nothing, one loses money as it goes to those who would have bought anyway.
`python -m benchmarks.closed_loop`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.offers.allocate import Cap, allocate
from regulars.offers.arms import CHOSEN, CONTROL, EXPLORE
from regulars.offers.audience import Audience
from regulars.offers.catalogue import Catalogue
from regulars.offers.contest import realised
from regulars.offers.economics import Economics
from regulars.offers.learn import learnt
from regulars.offers.lesson import Lesson
from regulars.offers.past import Past
from regulars.offers.permitted import Permitted
from regulars.offers.plan import Plan, planned
from regulars.offers.policy import Policy
from regulars.offers.responses import Responses
from regulars.offers.trial import Trial
from regulars.offers.verdict import effects, measured
from regulars.simulation.campaign import Effect, OfferWorld

Float = NDArray[np.float64]
MARGIN, CONTROL_SHARE, EXPLORE_SHARE, HOLDOUT = 0.35, 0.10, 0.05, 0.05
BUDGET = 0.25
"""Of a round, in currency a customer: about half of what an unbounded oracle would spend."""
UNSEEN = 1000
"""Worlds from here on were not looked at while the method was made; those from 0 on were."""
FIRST, WINDOW = Cutoff.parse("2024-01-01"), 30
EFFECTS = (
    Effect(save=0.03, extra_spend=0.005, redemption=0.5, percent=10),
    Effect(save=0.13, extra_spend=0.0, redemption=0.25, amount=5),
    Effect(save=0.08, extra_spend=0.03, redemption=0.45, amount=4),
    Effect(save=0.0, extra_spend=0.0, redemption=0.3, beside=3),
    Effect(save=0.02, extra_spend=0.05, redemption=0.85, beside=0.6),
)
"""What the options of the catalogue really do, in its order."""


def _offer(name: str, kind: str, value: float, *believed: list[float], **more: float) -> dict[str, Any]:
    save, extra, redemption = believed
    return {
        **{"id": name, "type": kind, "value": value, "title": name, "channels": ["email"], **more},
        "economics": {"redemption": redemption},
        "response": {"save": save, "extra_spend": extra},
    }


OFFERS = (
    _offer("ten", "percent", 10, [0.01, 0.06, 0.11], [0.0, 0.04, 0.08], [0.2, 0.35, 0.5]),
    _offer("five", "amount", 5, [0.02, 0.08, 0.14], [-0.02, 0.02, 0.06], [0.2, 0.3, 0.4]),
    _offer("ship", "free_shipping", 4, [0.0, 0.06, 0.12], [0.0, 0.03, 0.06], [0.3, 0.5, 0.7]),
    _offer("gift", "gift", 3, [0.0, 0.04, 0.08], [0.0, 0.03, 0.06], [0.2, 0.3, 0.4]),
    _offer("points", "points", 30, [0.0, 0.02, 0.04], [0.0, 0.03, 0.06], [0.6, 0.8, 0.95], point_value=0.02),
)
"""What somebody believes of them: worse than the truth of some, better of others."""


def catalogue_of(round_: int, budget: float | None) -> Catalogue:
    """The catalogue of a round, which is a campaign of its own."""
    campaign = {"name": f"round-{round_}", "control": CONTROL_SHARE, "explore": EXPLORE_SHARE, "budget": budget}
    return Catalogue.of(
        {"campaign": campaign, "channels": [{"name": "email", "cost": 0.05}], "offers": [dict(o) for o in OFFERS]}
    )


@dataclass(frozen=True)
class _Comparison:
    """Profit a customer for whom something was meant: as measured, half its 95 % interval, and the truth."""

    estimate: float
    half_width: float
    truth: float
    refused: bool


@dataclass(frozen=True)
class Round:
    """One round by the truth; money in currency, of all customers."""

    profit: float
    oracle: float
    without_exploring: float
    claimed: float
    of_chosen: float
    claim: float
    measured: _Comparison


def lived(seed: int, customers: int, rounds: int, budget: float | None = BUDGET) -> list[Round]:
    """One world from its first guess to its last round."""
    world = OfferWorld(customers, EFFECTS, seed=seed)
    money = None if budget is None else budget * customers
    responses = Responses.assumed(catalogue_of(0, money))
    lessons: list[Lesson] = []
    found = []
    for round_ in range(rounds):
        catalogue = catalogue_of(round_, money)
        plan = planned_round(world, round_, catalogue, responses, f"salt {seed}")
        lesson = lesson_of(world, round_, plan)
        lessons.append(lesson)
        found.append(judged(world, round_, plan, lesson, money))
        responses = learnt(catalogue, lessons, Economics(MARGIN), seed).responses
    return found


def planned_round(world: OfferWorld, round_: int, catalogue: Catalogue, responses: Responses, salt: str) -> Plan:
    """The plan of a round: everybody has consented to everything."""
    day = FIRST.plus(WINDOW * round_)
    ids = [str(one) for one in world.customer_ids]
    columns = {name: np.asarray(values) for name, values in world.columns(round_).items()}
    columns["segment"] = columns["segment"].astype(object)
    audience = Audience(ids, day, WINDOW, "EUR", columns)
    config = Config.of(
        horizon_days=WINDOW, currency="EUR", economics={"margin": MARGIN}, offers={"salt": salt, "holdout": HOLDOUT}
    )
    free = Permitted.of(np.zeros((len(ids), len(catalogue.options)), np.uint8))
    draft = Policy.draft(catalogue, responses, config, audience, ("1", "none"))
    return planned(audience, free, Past.of(None, ids, draft.zone), draft)


def lesson_of(world: OfferWorld, round_: int, plan: Plan) -> Lesson:
    """What came of a plan."""
    came = world.answers(round_, plan.given)
    return Lesson(
        f"round {round_}",
        world.customer_ids,
        plan.given,
        plan.meant,
        plan.propensity,
        plan.audience.columns,
        came.spend + came.discount,
        came.bought,
        came.redeemed,
        came.discount + came.beside,
        came.complained,
        plan.permitted.mask,
    )


def judged(world: OfferWorld, round_: int, plan: Plan, lesson: Lesson, money: float | None) -> Round:
    """A round by the truth, beside what was claimed and measured."""
    catalogue = plan.policy().catalogue
    contact = [option.channel.contact_cost(0.0) for option in catalogue.options]
    gains, cost = (f(round_, MARGIN, contact) for f in (world.gains, costs_of(world)))
    chosen, explore = plan.arm == CHOSEN, plan.arm == EXPLORE
    of_chosen, explored = _sum(gains, plan.given, chosen), _sum(gains, plan.given, explore)
    oracle = allocate(gains[chosen], cost[chosen], _caps(money, cost, plan, chosen)).value + explored
    free = chosen | explore
    without = allocate(gains[free], cost[free], _caps(money, cost, plan, free)).value
    claimed = float(plan.ranges[1][chosen].astype(np.float64).sum())
    n = int(((plan.meant >= 0) & chosen).sum())
    claim = claimed / max(n, 1)
    return Round(of_chosen + explored, oracle, without, claimed, of_chosen, claim, _measured(gains, plan, lesson))


def _caps(money: float | None, cost: Float, plan: Plan, rows: NDArray[np.bool_]) -> list[Cap]:
    """The budget of an oracle who decides about some customers: no less than what the plan really cost of them.

    The plan keeps to its budget by what it believes of redemptions; where more redeem, the oracle has that money, too.
    """
    if money is None:
        return []
    others = _sum(cost, plan.given, ~rows)
    return [Cap("budget", max(money - others, _sum(cost, plan.given, rows)), money=True)]


def costs_of(world: OfferWorld) -> Any:
    """The true expected cost of each option, as `OfferWorld.gains` has the profit: what it earns on nothing."""

    def costs(round_: int, margin: float, contact: Sequence[float]) -> Float:
        return -world.gains(round_, 0.0, contact)

    return costs


def _sum(values: Float, choice: NDArray[np.int16], rows: NDArray[np.bool_]) -> float:
    here = np.flatnonzero(rows & (choice >= 0))
    return float(values[here, choice[here]].sum())


def _measured(gains: Float, plan: Plan, lesson: Lesson) -> _Comparison:
    rows = np.flatnonzero((plan.meant >= 0) & ((plan.arm == CHOSEN) | (plan.arm == CONTROL)))
    profit = realised(lesson, plan.policy().catalogue, Economics(MARGIN))[rows]
    told = lesson.expected
    known = np.column_stack([told.spend, told.silent * told.active, told.order])[rows]
    treated = (plan.arm[rows] == CHOSEN).astype(np.int64)
    names = ("expected spend", "at stake", "one order")
    trial = Trial(("control", "chosen"), treated, {"profit": profit}, known, names, "drawn by lot")
    (effect,) = effects(trial)
    # Those in `chosen` whom the budget did not reach are treated, too: the truth is that of what the arm is given.
    given = plan.given[rows]
    brought = np.where(given >= 0, gains[rows, np.maximum(given, 0)], 0.0)
    truth = float(brought[treated == 1].mean())
    return _Comparison(effect.estimate, (effect.high - effect.low) / 2, truth, bool(measured(trial).refused))


def figures(
    seeds: int, customers: int, rounds: int, budget: float | None = BUDGET, first: int = UNSEEN
) -> dict[str, Any]:
    """All that the loop shows, over so many seeds from a first one on."""
    begun = time.process_time()
    every = [lived(seed, customers, rounds, budget) for seed in range(first, first + seeds)]
    profit, oracle, without, of_chosen, claimed = (
        np.array([[getattr(one, name) for one in world] for world in every])
        for name in ("profit", "oracle", "without_exploring", "of_chosen", "claimed")
    )
    flat = [one for world in every for one in world]
    told = [one.measured for one in flat]
    covered = [abs(one.estimate - one.truth) <= one.half_width for one in told]
    honest = [one.claim <= one.measured.truth + one.measured.half_width for one in flat]
    modest = [one.estimate <= one.truth + one.half_width for one in told]
    by_world = profit.sum(axis=1) / oracle.sum(axis=1)
    return {
        "seeds": seeds,
        "first": first,
        "customers": customers,
        "rounds": rounds,
        "share_of_oracle": float(profit.sum() / oracle.sum()),
        "share_by_round": (profit.sum(axis=0) / oracle.sum(axis=0)).tolist(),
        "share_by_seed": {"median": float(np.median(by_world)), "lowest": float(by_world.min())},
        "share_of_oracle_that_need_not_explore": float(profit.sum() / without.sum()),
        "claimed_by_realised": (claimed.sum(axis=0) / of_chosen.sum(axis=0)).tolist(),
        "interval_holds_the_truth": float(np.mean(covered)),
        "last_interval_holds_the_truth": float(np.mean(covered[rounds - 1 :: rounds])),
        "measured_within_interval": float(np.mean(modest)),
        "refused_by_checks": float(np.mean([one.refused for one in told])),
        "claims_within_interval": float(np.mean(honest)),
        "claims_within_interval_once_learnt": float(np.mean([h for i, h in enumerate(honest) if i % rounds])),
        "cpu_seconds_a_seed": (time.process_time() - begun) / seeds,
    }


def main(given: list[str] | None = None) -> None:
    """Live through the loop and print what came."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.closed_loop", description="The closed loop.")
    parser.add_argument("--seeds", type=int, default=3, help="worlds (default 3)")
    parser.add_argument("--customers", type=int, default=100_000, help="in each (default 100,000)")
    parser.add_argument("--rounds", type=int, default=6, help="rounds (default 6)")
    parser.add_argument("--first", type=int, default=UNSEEN, help=f"the first seed (default {UNSEEN})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    options = parser.parse_args(given)
    found = figures(options.seeds, options.customers, options.rounds, first=options.first)
    text = json.dumps(found, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
