"""Regulars by Airflow 3: copy this file into the folder of DAGs, and set the variables of Airflow named below.

In: the variable `regulars_config`, the path of a regulars.toml that workers share. Out: nightly scores with their
monitoring, and monthly a new model. Days missed are made up by Regulars itself, so Airflow's catchup is off; a task is
skipped, not failed, while another run is at it (75), and where the gate refuses (5).
"""

from __future__ import annotations

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

CONFIG = "{{ var.value.regulars_config }}"
START = pendulum.datetime(2025, 1, 1, tz="UTC")
QUIET = {"OMP_WAIT_POLICY": "passive", "REGULARS_LOG": "json"}


def task(command: str, *skipped: int) -> BashOperator:
    """One command as a task of the same name, tried once more where it failed."""
    return BashOperator(
        task_id=command.split()[0],
        bash_command=f"regulars {command.split()[0]} '{CONFIG}' {' '.join(command.split()[1:])}",
        env=QUIET,
        append_env=True,
        skip_on_exit_code=list(skipped),
        retries=1,
        retry_delay=pendulum.duration(minutes=15),
    )


with DAG("regulars_nightly", schedule="30 2 * * *", start_date=START, catchup=False, max_active_runs=1):
    task("score --catch-up", 75) >> task("monitor")

with DAG("regulars_monthly", schedule="0 5 1 * *", start_date=START, catchup=False, max_active_runs=1):
    task("train", 75) >> task("promote --auto", 5, 75)
