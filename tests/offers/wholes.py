"""A small audience and catalogue whose every sum can be worked out on paper.

In: nothing, or what a test wants otherwise. Out: five customers; three offers by e-mail; plans of larger made-up shops.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from regulars.clock import Cutoff, Zone
from regulars.config import Config
from regulars.offers.audience import Audience
from regulars.offers.catalogue import Catalogue
from regulars.offers.past import Past
from regulars.offers.permitted import Permitted
from regulars.offers.plan import Plan, planned
from regulars.offers.policy import Policy
from regulars.offers.responses import Responses

DAY = Cutoff.parse("2024-03-04")
MARGIN, COMPLAINT, CONTACT = 0.4, 20.0, 0.5

TEN: dict[str, Any] = {
    "id": "ten",
    "type": "percent",
    "value": 10,
    "title": "10 % off",
    "channels": ["email"],
    "economics": {"redemption": [0.1, 0.2, 0.3]},
    "response": {"save": [0.0, 0.1, 0.2], "extra_spend": [0.0, 0.05, 0.1], "complaints": 0.01},
}
GIFT: dict[str, Any] = {
    "id": "gift",
    "type": "gift",
    "value": 4,
    "minimum_spend": 40,
    "title": "A gift",
    "channels": ["email"],
    "economics": {"redemption": 1.0, "funding": 0.25},
    "response": {"save": [0.1, 0.2, 0.3]},
}
FIVE: dict[str, Any] = {
    "id": "five",
    "type": "amount",
    "value": 5,
    "title": "5 off",
    "channels": ["email"],
    "economics": {"redemption": 0.5},
}
FIVE_CUSTOMERS = {
    # Chance of silence, expected orders, expected spend.
    "ann": (0.5, 1.0, 50.0),
    "bob": (0.0, 2.0, 100.0),
    "cat": (0.8, 0.2, 10.0),
    "dan": (1.0, 0.0, 0.0),
    "eve": (0.2, 0.8, -5.0),
}


def catalogue_of(*offers: dict[str, Any], limits: tuple[dict[str, Any], ...] = (), **campaign: Any) -> Catalogue:
    """Offers by e-mail, of a campaign without control and exploration unless it says otherwise."""
    told = {"name": "spring", "control": 0.0, "explore": 0.0, **campaign}
    channels = [{"name": "email", "cost": CONTACT}]
    return Catalogue.of({"campaign": told, "channels": channels, "offers": list(offers), "limits": list(limits)})


def five() -> Audience:
    """The five customers."""
    said = np.array(list(FIVE_CUSTOMERS.values())).T
    names = ("p_churn", "expected_orders", "expected_spend")
    return Audience(list(FIVE_CUSTOMERS), DAY, 30, "EUR", dict(zip(names, said, strict=True)))


def shop(n: int, seed: int = 0) -> Audience:
    """A made-up shop of n customers."""
    rng = np.random.default_rng(seed)
    silent = rng.beta(1, 2, n)
    orders = (1 - silent) * (1 + rng.gamma(1, 1, n))
    spend = orders * rng.lognormal(4, 0.6, n)
    columns = {
        "p_churn": silent,
        "expected_orders": orders,
        "expected_spend": spend,
        "spend_low": 0.4 * spend,
        "spend_high": 2 * spend,
        "segment": np.array(["high value, steady", "low value, at risk"], object)[rng.integers(0, 2, n)],
        "town": np.array(["Bonn", "Ulm", None], object)[rng.integers(0, 3, n)],
    }
    return Audience([f"customer-{i:06d}" for i in range(n)], DAY, 30, "EUR", columns)


def all_may(audience: Audience, catalogue: Catalogue) -> Permitted:
    """Everybody may be given everything."""
    return Permitted.of(np.zeros((audience.n, len(catalogue.options)), np.uint8))


def nothing_before(audience: Audience) -> Past:
    """Nothing was given before."""
    return Past.of(None, audience.customer_ids, Zone("UTC"))


def draft_of(audience: Audience, catalogue: Catalogue, holdout: float = 0.0) -> Policy:
    """How it is to be decided, with the economics of this module."""
    economics: dict[str, object] = {"margin": MARGIN, "complaint_cost": COMPLAINT}
    config = Config.of(economics=economics, offers={"holdout": holdout, "salt": "s"})
    return Policy.draft(catalogue, Responses.assumed(catalogue), config, audience, ("7", "run"))


def plan_of(audience: Audience, catalogue: Catalogue, may: Permitted | None = None, holdout: float = 0.0) -> Plan:
    """A plan of it."""
    permitted = all_may(audience, catalogue) if may is None else may
    return planned(audience, permitted, nothing_before(audience), draft_of(audience, catalogue, holdout))
