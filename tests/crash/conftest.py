"""A warm process and a shop for all scenes of nightly work, and another shop that decides about offers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from regulars.intake import build_ledger
from regulars.pipelines.campaign.assign import assign

from .. import stores
from ..pipelines.campaign.open_shop import opened
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


@pytest.fixture(scope="session")
def offering(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop before its first wave (`new`), and one with a wave and a file of events (`decided`)."""
    folder = tmp_path_factory.mktemp("offering")
    config = opened(folder / "new")
    ledger = build_ledger(config)
    shutil.copytree(folder / "new", folder / "decided", symlinks=True)
    decided = config.model_copy(update={"folder": folder / "decided"})
    given = assign(ledger, decided).wave.table(["decision_id"], "given").column("decision_id").to_pylist()
    lines = [f"e{i},{d},sent,2024-03-05T10:00:00" for i, d in enumerate(given)]
    bad = [f"x,{given[0]},eaten,2024-03-05T10:00:00", f"y,{'0' * 32},sent,2024-03-05T10:00:00"]
    text = "\n".join(["event_id,decision_id,kind,occurred_at", *lines, *bad]) + "\n"
    (folder / "decided" / "events.csv").write_text(text, encoding="utf-8")
    return folder
