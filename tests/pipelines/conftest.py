"""What tests of the gate share: one store into which the shop's training was registered."""

from __future__ import annotations

import pytest

from .gated import Shop


@pytest.fixture(scope="session")
def registered_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Version 1 of `regulars`, which nobody promotes; every test has a name of its own beside it."""
    made = Shop(tmp_path_factory.mktemp("registered"))
    assert made.registered() == "1"
    return made
