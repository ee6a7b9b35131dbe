"""Naming: texts of the user's data as parts of the names of features.

In: kinds of events, channels, columns. Out: small letters, digits and single underscores, each text another; a text
without letters or digits is `unnamed`.
"""

from __future__ import annotations

from collections.abc import Sequence


def slug(text: str) -> str:
    """A text as part of a feature's name.

    Examples
    --------
    >>> slug("E-mail open")
    'e_mail_open'
    """
    kept = "".join(c if c.isalnum() else "_" for c in text.strip().lower())
    return "_".join(part for part in kept.split("_") if part) or "unnamed"


def slugs(texts: Sequence[str]) -> dict[str, str]:
    """The same for several texts; where two would be the same, the later gets a number.

    Examples
    --------
    >>> slugs(["Visit", "visit", "e-mail"])
    {'Visit': 'visit', 'visit': 'visit_2', 'e-mail': 'e_mail'}
    """
    # Plain texts go first, so that a number never takes the name of another text.
    taken = {slug(text) for text in texts}
    found: dict[str, str] = {}
    for text in texts:
        name, number = slug(text), 2
        if name in found.values():
            while f"{name}_{number}" in taken:
                number += 1
            name = f"{name}_{number}"
            taken.add(name)
        found[text] = name
    return found
