"""Who speaks: a model, what other customers tell, the door for requests, the published scores; all of one stage.

In: a stage. Out: a `Speaker`, which never changes: an answer is by one of them, from the first byte to the last. Where
only what other customers tell has moved, the model of the speaker before is used again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..clock import Cutoff
from ..errors import RegularsError
from ..features.reference import Reference
from ..models.bundle import load
from ..models.model import Model
from .body import Door
from .customers import Customers, names_of

if TYPE_CHECKING:
    from ..config import Config
    from .offering import Offering
    from .stage import Facts, Stage


@dataclass(frozen=True)
class Speaker:
    """Whoever speaks in a worker.

    Parameters
    ----------
    model : Model
    reference : Reference
        What other customers tell; `at` gives it as of a later day.
    reference_day : Cutoff
        As of which day they do.
    name, version, run_id : str
        The registered model, its version, the training that made it.
    bundle : str
        The digest of its bundle.
    door : Door
        Reads requests to this model.
    customers : Customers
        The published scores.
    offering : Offering or None
        Decides on offers; None where no wave was assigned.
    no_offers : str
        Why it does not, where one was.
    """

    model: Model
    reference: Reference
    reference_day: Cutoff
    name: str
    version: str
    run_id: str
    bundle: str
    door: Door
    customers: Customers
    offering: Offering | None = None
    no_offers: str = ""

    def example(self) -> dict[str, object]:
        """A request that is answered with a row."""
        return self.door.example(self.reference_day)


def speaker_of(stage: Stage, config: Config, before: Speaker | None = None) -> Speaker:
    """Whoever speaks from a stage; see `Stage.speaker`."""
    facts = stage.facts()
    same = before is not None and _is_same(before, facts)
    model = before.model if before is not None and same else load(stage.bundle, 1, facts.bundle or None)
    customers = Customers(Path(facts.scores), names_of(config))
    # A door plans the features: families of the user's own are known by name, and planned now, stay this model's.
    door = before.door if before is not None and same else Door(model, config.serve)
    offering, no_offers = _offering(stage, facts, model, door, config)
    return Speaker(
        model=model,
        reference=stage.reference() or model.reference,
        reference_day=Cutoff.parse(facts.reference_day),
        name=facts.name,
        version=facts.version,
        run_id=facts.run_id,
        bundle=facts.bundle,
        door=door,
        customers=before.customers if before is not None and before.customers.scores == customers.scores else customers,
        offering=offering,
        no_offers=no_offers,
    )


def _offering(stage: Stage, facts: Facts, model: Model, door: Door, config: Config) -> tuple[Offering | None, str]:
    """Who decides on offers, or why nobody does: a policy that cannot be used keeps no model from speaking."""
    try:
        said = stage.policy()
        if said is None:
            return None, facts.no_offers
        # Not before now: a server without offers does without the solvers that come with them.
        from .offering import Offering

        return Offering.of(said, stage.left_alone(), facts, model, door, config, stage.shelf()), ""
    except RegularsError as error:
        # What is wrong with a file is of no concern to whoever may ask how the server is.
        return None, f"{error.code}: {error.found.partition(': ')[0]}"


def _is_same(before: Speaker, facts: Facts) -> bool:
    return (before.name, before.version, before.bundle) == (facts.name, facts.version, facts.bundle)
