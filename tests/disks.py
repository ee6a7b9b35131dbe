"""A small disk to fill: in memory, for as long as a test takes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk_at(place: Path) -> Iterator[None]:
    """A block in which a disk of 12 MiB lies at an empty folder; only root may mount one, others skip the test."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m,mode=700", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk cannot be mounted here: that takes root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)
