"""An environment in which nothing is but what a list of requirements brings: no Regulars, and no other library.

In: requirement lines, of libraries that are installed here. Out: a folder of links to them and to all that they need,
and the variables with which a Python sees that folder and nothing else. Nothing is downloaded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYTHON = (sys.executable, "-S", "-W", "ignore")
"""A Python that does not look at what is installed beside it."""


def environment(folder: Path, requirements: Sequence[str]) -> dict[str, str]:
    """The variables of a process that has these libraries and those they need."""
    folder.mkdir()
    # Some libraries share a folder.
    places = {
        file.parts[0]: Path(str(found.locate_file(file.parts[0])))
        for found in _needed(requirements)
        for file in found.files or ()
    }
    for name in places.keys() - {"..", "__pycache__"}:
        (folder / name).symlink_to(places[name])
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "passive",
    }


def _needed(requirements: Sequence[str]) -> Iterator[Distribution]:
    """Each library once, with the version that is asked for."""
    waiting, seen = [Requirement(line) for line in requirements], set[str]()
    while waiting:
        wanted = waiting.pop()
        found = distribution(wanted.name)
        assert wanted.specifier.contains(found.version, prereleases=True), (wanted.name, found.version)
        if canonicalize_name(wanted.name) not in seen:
            seen.add(canonicalize_name(wanted.name))
            waiting += [r for r in map(Requirement, found.requires or ()) if r.marker is None or r.marker.evaluate()]
            yield found
