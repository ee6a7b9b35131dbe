"""Plan: who would get what as of a day, at what cost, for what gain, and why others get nothing. A dry run.

In: a ledger, a configuration with its catalogue, a day (default: that of the newest scores). Out: a `Plan`; by
`plan_offers` also an MLflow run with its figures, in which nobody's id is. The same of all these gives the same plan.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...clock import Cutoff
from ...config import Config
from ...intake import Ledger
from ...models.tracking import Store
from ...offers.catalogue import Catalogue
from ...offers.plan import Plan, planned
from ...offers.policy import Policy
from ...progress import Progress
from .audience import gathered, scores_of
from .book import Decisions
from .learn import responses_in_force
from .realised import return_rate

CATALOGUE, FIGURES, BELIEVED = "catalogue.json", "plan.json", "responses.json"


def planned_day(
    ledger: Ledger, config: Config, as_of: Cutoff | None, book: Decisions, progress: Progress | None = None
) -> Plan:
    """The plan of a day, which nothing is written about.

    Parameters
    ----------
    as_of : Cutoff or None
        A day with published scores; None: the newest.
    book : Decisions
        What was given before.

    Raises
    ------
    ConfigError
        The catalogue cannot be meant so; ``RG420``: there are no scores of the day, or not of the campaign's window.
    """
    if progress:
        progress("reading scores and what is known of customers", 0.0)
    catalogue, run = Catalogue.of_config(config), scores_of(config, as_of)
    responses = responses_in_force(config, catalogue)
    found = gathered(ledger, config, catalogue, responses, run, book)
    if progress:
        progress("choosing offers", 0.5)
    model = (run.version, run.run_id)
    back = return_rate(ledger, found.audience.customer_ids, run.as_of) if config.economics.return_cost else 0.0
    draft = Policy.draft(catalogue, responses, config, found.audience, model, back)
    if found.items is not None:
        draft = replace(draft, items=found.items.carried)
    return planned(found.audience, found.permitted, found.past, draft, found.notes, found.groups, found.items)


def plan_offers(ledger: Ledger, config: Config, as_of: Cutoff | None = None, progress: Progress | None = None) -> Plan:
    """The plan of a day, kept as an MLflow run: what was asked, what was found, the catalogue; no ids.

    Raises
    ------
    ConfigError
        As `planned_day`.
    StorageError
        When MLflow's store cannot be written.
    """
    plan = planned_day(ledger, config, as_of, Decisions.of(config), progress)
    figures, policy = plan.figures(), plan.policy()
    store = Store.of(config)
    with store.run(f"offers {policy.campaign} {policy.as_of}") as run_id:
        tables = {FIGURES: figures, CATALOGUE: policy.catalogue.to_dict(), BELIEVED: policy.responses.to_dict()}
        store.log_figures(run_id, _params(plan), _tags(plan), _metrics(figures), tables)
    return plan


def _params(plan: Plan) -> dict[str, object]:
    policy, campaign = plan.policy(), plan.policy().catalogue.campaign
    return {
        "campaign": policy.campaign,
        "as_of": policy.as_of,
        "window_days": policy.horizon_days,
        "budget": campaign.budget,
        "holdout": policy.holdout,
        "control": campaign.control,
        "explore": campaign.explore,
        "margin": policy.economics.margin,
        "contact_cost": policy.economics.contact_cost,
        "complaint_cost": policy.economics.complaint_cost,
        "return_cost": policy.economics.return_cost,
        "return_rate": policy.economics.return_rate,
        "options": len(policy.catalogue.options),
        "limits": len(policy.catalogue.limits),
    }


def _tags(plan: Plan) -> dict[str, str]:
    policy = plan.policy()
    return {
        "flow": "offers plan",
        "catalogue": policy.catalogue.digest,
        "responses": policy.responses.digest,
        "model.version": policy.model_version,
        "model.run_id": policy.run_id,
    }


def _metrics(figures: Mapping[str, Any]) -> dict[str, float]:
    """The figures that are one number each; those that are not known are left out."""
    low, gain, high = figures["gain"]
    told = {
        "customers": figures["customers"],
        "given": figures["given"],
        "meant": figures["meant"],
        "permitted": figures["permitted"],
        "cost": figures["cost"],
        "gain_low": low,
        "gain": gain,
        "gain_high": high,
        "gap": figures["gap"],
        "explored_cost": figures["explored"]["cost"],
        "detectable": figures["detectable"]["difference"],
        **{f"arm_{arm}": count for arm, count in figures["arms"].items()},
    }
    if figures["budget"]:
        told |= {"budget_used": figures["budget"]["used"], "budget_price": figures["budget"]["price"]}
    return {name: float(value) for name, value in told.items() if value is not None and math.isfinite(value)}
