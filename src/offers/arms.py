"""Who is left alone, who gets something at random, whom the policy decides about: drawn before it looks at anybody.

In: customer ids, a salt, shares. Out: an arm per customer, what an explorer gets, the chance of what is given, and the
name of each decision. Every draw is a keyed hash of the id (BLAKE2b, RFC 7693), so it needs no memory: a customer who
comes or goes moves nobody else. Missing ids do not occur; an id is text.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError

Ids = Sequence[str] | NDArray[np.object_]

HOLDOUT, CONTROL, EXPLORE, CHOSEN = 0, 1, 2, 3
ARMS = ("holdout", "control", "explore", "chosen")
"""The names of the arms, in the order of their numbers."""

_MOST = 0.9


def draw(
    customer_ids: Ids, salt: str, campaign: str, holdout: float, control: float, explore: float
) -> NDArray[np.uint8]:
    """The arm of each customer.

    Parameters
    ----------
    customer_ids : sequence of str
    salt : str
        Of `[offers]`; another one draws anew.
    campaign : str
        Its name. The hold-out does not depend on it, control and exploration do; no draw depends on the wave.
    holdout, control, explore : float
        Shares, 0..1. Control and exploration are shares of those who are not held out, together at most 0.9.

    Returns
    -------
    ndarray of uint8
        `HOLDOUT`, `CONTROL`, `EXPLORE` or `CHOSEN`, in the order of the ids.

    Examples
    --------
    >>> [ARMS[arm] for arm in draw(["ann", "bob", "eve"], "salt", "spring", 0.0, 0.45, 0.45)]
    ['explore', 'explore', 'control']
    """
    _check_shares(holdout, control, explore)
    arm = np.full(len(customer_ids), CHOSEN, np.uint8)
    within = _uniform(_hashes(customer_ids, salt, b"arm", campaign))
    arm[within < control + explore] = EXPLORE
    arm[within < control] = CONTROL
    arm[_uniform(_hashes(customer_ids, salt, b"holdout")) < holdout] = HOLDOUT
    return arm


def explored(
    customer_ids: Ids, salt: str, campaign: str, as_of: object, permitted: NDArray[np.bool_]
) -> NDArray[np.int16]:
    """What explorers get: each permitted option, and nothing, with the same chance; another draw each wave.

    Parameters
    ----------
    customer_ids : sequence of str
        Of the explorers alone.
    as_of : Cutoff or str
        The day of the wave.
    permitted : ndarray of bool, shape (n_customers, n_options)

    Returns
    -------
    ndarray of int16
        The index of an option, -1 for nothing.

    Examples
    --------
    >>> explored(["ann", "bob", "eve"], "salt", "spring", "2024-03-01", np.array([[True, True]] * 3)).tolist()
    [1, 0, 1]
    """
    if not permitted.shape[1]:
        return np.full(len(customer_ids), -1, np.int16)
    chance = _uniform(_hashes(customer_ids, salt, b"explore", campaign, str(as_of)))
    counts = permitted.sum(axis=1)
    # The rank of the option among those permitted; the last rank is no offer.
    rank = np.minimum((chance * (counts + 1)).astype(np.int64), counts)
    hit = permitted & (np.cumsum(permitted, axis=1) == rank[:, None] + 1)
    return np.where(rank < counts, hit.argmax(axis=1), -1).astype(np.int16)


def propensity(
    given: NDArray[np.integer],
    intended: NDArray[np.integer],
    n_permitted: NDArray[np.integer],
    holdout: float,
    control: float,
    explore: float,
) -> NDArray[np.float64]:
    """The chance, before the draw, that each customer gets what is given.

    Parameters
    ----------
    given : ndarray of int, shape (n_customers,)
        An option that the customer may get, -1 for nothing.
    intended : ndarray of int, shape (n_customers,)
        What the customer would get in the arm `CHOSEN`; for those who are in it, what they get.
    n_permitted : ndarray of int, shape (n_customers,)
        Over how many options exploration is spread, no offer not counted.
    holdout, control, explore : float
        The shares, as in `draw`.

    Returns
    -------
    ndarray of float64, 0..1
        Over the permitted options and no offer they sum to 1.

    Examples
    --------
    Nobody is held out, .1 control, .2 exploration over one option and nothing; the policy means the option: it is
    given with chance .7 + .2 / 2, nothing with .1 + .2 / 2.

    >>> propensity(np.array([0, -1]), np.array([0, 0]), np.array([1, 1]), 0.0, 0.1, 0.2).round(6).tolist()
    [0.8, 0.2]
    """
    _check_shares(holdout, control, explore)
    drawn = 1.0 - holdout
    chance = drawn * explore / (np.asarray(n_permitted, np.float64) + 1.0)
    chance += drawn * (1.0 - control - explore) * (given == intended)
    chance += (holdout + drawn * control) * (np.asarray(given) < 0)
    # The parts of 1 do not add up to it to the last bit.
    return np.minimum(chance, 1.0)


def decision_ids(campaign: str, as_of: object, customer_ids: Ids, salt: str) -> list[str]:
    """The name of each decision: 32 hex digits, which tell nothing of the customer to whoever lacks the salt.

    Examples
    --------
    >>> decision_ids("spring", "2024-03-01", ["ann"], "salt")
    ['81384220579a14ffd27d8bfef2c845c0']
    """
    text = _digests(customer_ids, salt, b"name", 16, campaign, str(as_of)).hex()
    return [text[at : at + 32] for at in range(0, len(text), 32)]


def decision_id(campaign: str, as_of: object, customer_id: str, salt: str) -> str:
    """The name of one decision, as `decision_ids` gives it."""
    return decision_ids(campaign, as_of, [customer_id], salt)[0]


def _check_shares(holdout: float, control: float, explore: float) -> None:
    shares = {"holdout": holdout, "control": control, "explore": explore}
    wrong = [f"{name} = {share}" for name, share in shares.items() if not 0 <= share <= 1]
    # .6 + .3 is .8999... or .9000...1 in floats; neither is meant as an error.
    if wrong or control + explore > _MOST + 1e-9:
        raise ConfigError(
            "the shares of the arms do not fit",
            needed=f"each from 0 to 1, and `control` + `explore` at most {_MOST}",
            offending=wrong or [f"control = {control}, explore = {explore}"],
            do="lower them in `[offers]` or in the catalogue's `[campaign]`",
            code="RG425",
        )


def _hashes(ids: Ids, salt: str, purpose: bytes, *parts: str) -> NDArray[np.uint64]:
    return np.frombuffer(_digests(ids, salt, purpose, 8, *parts), ">u8").astype(np.uint64)


def _uniform(hashes: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Hashes as numbers in [0, 1): the first 53 bits, as a float holds no more and would round up to 1."""
    return (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _digests(ids: Ids, salt: str, purpose: bytes, size: int, *parts: str) -> bytes:
    """The digests of all ids, one after the other.

    The key is a hash, as a salt may be longer than BLAKE2b's 64 bytes; the purpose keeps draws apart, and a zero byte
    the parts, as no name and no day holds one.
    """
    start = blake2b(key=blake2b(salt.encode()).digest(), person=b"regulars." + purpose, digest_size=size)
    start.update(b"".join(part.encode() + b"\0" for part in parts))
    copy, found = start.copy, []
    for customer in np.asarray(ids, object).tolist():
        one = copy()
        one.update(customer.encode())
        found.append(one.digest())
    return b"".join(found)
