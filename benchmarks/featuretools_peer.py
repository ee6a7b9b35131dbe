"""featuretools as a peer, in an environment of its own, on the features that it can express.

In: a folder. Out: its costs and ours at one and two cutoffs; `SystemExit` when what it can express differs from ours.
The environment is made under the folder, with pip, and goes with it. Only run by hand.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .parts import prepared
from .run import ROOT, Cost, measured, module, say, watched

CUTOFFS = (1, 2)


def compared(folder: Path, lines: int) -> dict[str, dict[str, Cost]]:
    """By number of cutoffs, what each costs."""
    say("making an environment with featuretools")
    python = folder / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    wanted = ["featuretools", "pandas<3", "pyarrow", "setuptools<81"]  # featuretools 1.31 cannot use pandas 3
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    subprocess.run(pip, check=True)
    found = {}
    for n in CUTOFFS:
        job = folder / f"job-{n}"
        prepared(job, lines, n)
        exact, theirs = job / "exact.parquet", job / "featuretools.parquet"
        module("exact", job, exact)
        say(f"featuretools at {n} cutoffs")
        script = str(ROOT / "benchmarks" / "with_featuretools.py")
        peer = watched([str(python), script, str(job), str(theirs)])
        module("agreement", "--some", exact, theirs)
        found[str(n)] = {"ledger": {**measured("ledger", job), "features": 80.0}, "featuretools": peer}
    return found
