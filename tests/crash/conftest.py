"""A warm process and a shop for all scenes of nightly work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .. import stores
from ..simulated import trained
from ..warm import Warm
from .scenes import Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A shop whose training has been learnt already, and a process that forks one child a command."""
    trained()
    learnt = stores.shared_file("trained")
    assert learnt is not None
    folder, warm = tmp_path_factory.mktemp("stage"), Warm("tests.crash.jobs")
    yield Stage(warm, folder / "shop", folder / "saved", learnt)
    warm.close()
