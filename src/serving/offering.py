"""How a worker decides on offers: the policy of the newest wave, what its rules look at, where its word is kept.

In: what is on stage, the model that speaks, the configuration. Out: an `Offering`, read once and never changed. A policy
that does not fit the model is a `ConfigError` (RG457); scores are given without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clock import Cutoff
from ..errors import ConfigError
from ..intake.keys import PREFIX
from ..models.outputs import FURTHER, OUTPUTS, Wanted
from .asides import AsideDoor
from .inquiry import InquiryDoor
from .online import Online

if TYPE_CHECKING:
    from ..config import Config
    from ..models.model import Model
    from ..offers.policy import Policy
    from .body import Door

_PSEUDONYM = re.compile(PREFIX + "[0-9a-f]{32}")


@dataclass(frozen=True)
class Offering:
    """Whoever decides on offers in a worker.

    Parameters
    ----------
    policy : Policy
    door : InquiryDoor
        Reads requests.
    wanted : Wanted
        What the model must say of a customer before anything is decided.
    config : Config
    online : Online or None
        Where recommendations are kept; None where they are not.
    own_name : callable
        What a customer is called in ledger and decisions.
    """

    policy: Policy
    door: InquiryDoor
    wanted: Wanted
    config: Config = field(repr=False)
    online: Online | None
    own_name: Callable[[str], str]

    @property
    def as_of(self) -> Cutoff:
        """The day of the wave."""
        return self.policy.as_of
