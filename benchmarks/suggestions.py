"""Products to suggest to a million customers: the rules judged, both lists written, in seconds and memory.

In: how many order lines; about 25 are a customer's. Out: a line of JSON: customers, rows of the lists, seconds by the
clock and of the processor, and the most memory that the process held, the making of the ledger aside (which is done by
another process). Run as `python -m benchmarks.suggestions [LINES]`.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from regulars.intake import build_ledger
from regulars.pipelines.products import suggest

from .purchases import configuration

LINES = 29_000_000
"""Of about a million customers."""


def measured(folder: Path) -> dict[str, float]:
    """The figures of a ledger that is there."""
    config = configuration(folder, folder / "purchases.parquet")
    ledger = build_ledger(config)
    before, cpu = time.perf_counter(), time.process_time()
    found = suggest(ledger, config, out=folder / "products.parquet").figures()
    return {
        "customers": float(ledger.manifest.n_customers),
        "lines": float(ledger.manifest.lines["used"]),
        "rows": float(found["rows"]),
        "seconds": time.perf_counter() - before,
        "cpu_seconds": time.process_time() - cpu,
        "memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def main() -> None:
    """Prepare in one process and measure in another: a child is told to have held what its parent held."""
    if len(sys.argv) > 1 and not sys.argv[1].isdigit():
        print(json.dumps(measured(Path(sys.argv[1]))))
        return
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    with tempfile.TemporaryDirectory(prefix="regulars-suggest-") as name:
        subprocess.run([sys.executable, "-m", "benchmarks.purchases", name, str(lines), "1"], check=True)
        subprocess.run([sys.executable, "-m", "benchmarks.suggestions", name], check=True)


if __name__ == "__main__":
    main()
