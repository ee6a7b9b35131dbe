"""Caps: what may be used at most, of money or of contacts, by all customers together or by some of them.

In: a limit, what each option uses of it, and for which rows it holds. Out: the same, checked. An infinite limit holds
nobody back; a limit of 0 or below shuts every option that uses anything of it. Missing uses and limits are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Cap:
    """The sum of what is used by the customers of `rows` is at most `limit`.

    Parameters
    ----------
    name : str
        Unique among the caps of a plan; its price is kept under it.
    limit : float
        In the unit of `use`.
    use : ndarray of shape (n_options,) or (n_customers, n_options), >= 0, optional
        What one customer uses with each option; by default 1 of every option.
    rows : ndarray of bool or of row numbers, optional
        Of whom the cap holds; by default of all.
    money : bool
        Whether `use` is in shares of an option's cost: 1 is all of it, 0 nothing. A budget is
        ``Cap("budget", 1000.0, money=True)``.

    Examples
    --------
    >>> Cap("offer:voucher", 500, use=np.array([1.0, 0.0])).limit
    500
    """

    name: str
    limit: float
    use: Floats | None = None
    rows: NDArray[np.generic] | None = None
    money: bool = False

    def of_options(self, n_options: int) -> Floats:
        """What each option uses, for a cap in which customers do not differ."""
        return np.ones(n_options) if self.use is None else self.use

    @property
    def by_customer(self) -> bool:
        """Whether what an option uses differs by customer, beyond its cost."""
        return self.use is not None and self.use.ndim == 2

    def members(self) -> NDArray[np.intp] | None:
        """The numbers of the rows for which the cap holds; None for all."""
        if self.rows is None:
            return None
        return np.flatnonzero(self.rows) if self.rows.dtype == bool else np.unique(self.rows).astype(np.intp)


def check_caps(caps: Sequence[Cap], n_customers: int, n_options: int) -> None:
    """Raise `ConfigError` where a cap has no limit, uses less than nothing, or fits no table of this size."""
    names: set[str] = set()
    for cap in caps:
        if cap.name in names:
            raise _wrong(cap, "stands there twice", "caps with names of their own")
        names.add(cap.name)
        if np.isnan(cap.limit):
            raise _wrong(cap, "has no limit", "a number")
        if cap.use is not None:
            if cap.use.shape not in {(n_options,), (n_customers, n_options)}:
                raise _wrong(cap, f"has uses of shape {cap.use.shape}", f"one for each of {n_options} options")
            if not np.isfinite(cap.use).all() or (cap.use < 0).any():
                raise _wrong(cap, "has uses that are missing, endless or below 0", "numbers from 0 on")
        rows = cap.members()
        if rows is not None and rows.size and not 0 <= rows[0] <= rows[-1] < n_customers:
            raise _wrong(cap, "names rows that do not exist", f"rows from 0 to {n_customers - 1}")


def _wrong(cap: Cap, found: str, needed: str) -> ConfigError:
    return ConfigError(f"the limit `{cap.name}` {found}", needed=needed, code="RG426")
