"""The reference features in float64, against which all others are held.

In: a job's folder. Out: a Parquet file, one row per (customer_id, cutoff day). Missing values are NaN. Run as `python
-m benchmarks.exact FOLDER FILE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.parquet as pq

from .job import Job
from .kernel import exact

if __name__ == "__main__":
    pq.write_table(exact(Job.load(Path(sys.argv[1]))), sys.argv[2], compression="none", use_dictionary=["customer_id"])
