"""What is believed of each offer: whom it saves, how much more they spend, how many redeem it, who complains.

In: a catalogue with its assumptions, or what was measured. Out: `Responses`, one `Response` for every option, each with
a badge that says where it comes from: assumed, measured or modelled. An option that nobody has measured is assumed as
the catalogue has it. Nothing is missing; what nobody believes in is 0.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, DataError
from .ranges import Range

if TYPE_CHECKING:
    from .catalogue import Catalogue, Option

ASSUMED, MEASURED, MODELLED = "assumed", "measured", "modelled"
BASES = (ASSUMED, MEASURED, MODELLED)
"""Where a belief comes from: somebody's guess, an experiment, a model that passed its gate."""
_BADGES = {ASSUMED: ASSUMED, "experiment": MEASURED, "model": MODELLED}
"""The badge for each `basis` that a catalogue may write."""


class Personal(Protocol):
    """A model of what each option brings from each customer, once it has passed its gate."""

    @property
    def needs(self) -> Sequence[str]:
        """The columns that it reads."""
        ...

    @property
    def half_width(self) -> Sequence[float]:
        """Of each option: half the width of the 80 % interval of the mean gain, in currency."""
        ...

    def gains(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Extra gross spend within the window, of shape (n_customers, n_options), in currency."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        ...


@dataclass(frozen=True)
class Response:
    """What is believed of one option; a harmful effect is negative.

    Parameters
    ----------
    save : Range
        Share of those who would fall silent who buy after all, as active customers do.
    extra_spend : Range
        By how much the spend of those who buy anyway grows, as a share of it.
    redemption : Range
        Share of those who buy under the offer who redeem it, 0..1.
    complaints : float
        Complaints a contact, 0..1.
    basis : {"assumed", "measured", "modelled"}
    source : str
        Where it comes from, in words; empty for an assumption.
    """

    save: Range
    extra_spend: Range
    redemption: Range
    complaints: float = 0.0
    basis: str = ASSUMED
    source: str = ""

    def __post_init__(self) -> None:
        if self.basis not in BASES:
            raise ConfigError(f"there is no basis `{self.basis}`", needed=f"one of {', '.join(BASES)}", code="RG421")

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "save": list(self.save),
            "extra_spend": list(self.extra_spend),
            "redemption": list(self.redemption),
            "complaints": self.complaints,
            "basis": self.basis,
            "source": self.source,
        }

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> Response:
        """From `to_dict`."""
        save, extra, redemption = (Range.of(found[name]) for name in ("save", "extra_spend", "redemption"))
        basis, source = str(found["basis"]), str(found["source"])
        return cls(save, extra, redemption, float(found["complaints"]), basis, source)

    @classmethod
    def assumed(cls, option: Option) -> Response:
        """What the catalogue says of an option."""
        told = option.offer.response
        basis, source = _BADGES[told.basis], told.source or ""
        return cls(told.save, told.extra_spend, option.offer.redemption, told.complaints.base, basis, source)


@dataclass(frozen=True)
class Responses:
    """What is believed of every option.

    Parameters
    ----------
    by_option : mapping of str to Response
        By the option's name, `offer@channel`.
    personal : Personal or None
        What each customer answers to each option; it speaks of gains in the place of `save` and `extra_spend`.

    Examples
    --------
    >>> responses = Responses({"ten@email": Response(Range.of(0.1), Range.of(0), Range.of(0.3))})
    >>> Responses.of_dict(responses.to_dict()) == responses
    True
    """

    by_option: Mapping[str, Response]
    personal: Personal | None = field(default=None, compare=False)

    @classmethod
    def assumed(cls, catalogue: Catalogue) -> Responses:
        """What the catalogue itself says."""
        return cls({option.name: Response.assumed(option) for option in catalogue.options})

    def of(self, option: Option) -> Response:
        """Of one option; as the catalogue has it where nothing else is known."""
        return self.by_option.get(option.name) or Response.assumed(option)

    def for_options(self, catalogue: Catalogue) -> tuple[Response, ...]:
        """Of all options of a catalogue, in their order."""
        return tuple(self.of(option) for option in catalogue.options)

    def badges(self, catalogue: Catalogue) -> tuple[str, ...]:
        """The badge of each option, in their order; what too few were given stays assumed beside a personal part."""
        bases = tuple(response.basis for response in self.for_options(catalogue))
        return bases if self.personal is None else tuple(MODELLED if b == MEASURED else b for b in bases)

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        told = {name: self.by_option[name].to_dict() for name in sorted(self.by_option)}
        return {"options": told, "personal": None if self.personal is None else self.personal.to_dict()}

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> Responses:
        """From `to_dict`.

        Raises
        ------
        DataError
            ``RG421``: it was not written by that.
        """
        try:
            told = {str(name): Response.of_dict(value) for name, value in found["options"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            do = "remove the file; `regulars offers learn` writes it anew"
            raise DataError(f"the responses cannot be read: {error}", do=do, code="RG421") from None
        if found.get("personal") is None:
            return cls(told)
        # Its trees are XGBoost's, which takes long to import.
        from .personal import Personal as Trees

        return cls(told, Trees.of_dict(found["personal"]))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hex: the same beliefs have the same digest."""
        told = json.dumps(self.to_dict(), sort_keys=True, allow_nan=False, separators=(",", ":"))
        return hashlib.sha256(told.encode()).hexdigest()
