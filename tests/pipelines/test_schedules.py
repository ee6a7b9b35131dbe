"""Schedules, image and compose file: whatever they run is a command that there is, and every exit code is an answer.

They are parsed by their own rules where these are at hand, and every `regulars ...` in them by the real command line.
"""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import typer
import yaml

import regulars
from regulars.cli.app import EXITS, app
from regulars.serving.app import HEALTH, PING
from regulars.serving.supervisor import BEYOND_SECONDS
from regulars.serving_section import ServeConfig

ROOT = Path(__file__).resolve().parents[2]
SCHEDULES = ROOT / "pipelines" / "schedules"
UNITS = ("regulars", "regulars-train")
NIGHT = [("score", "--catch-up"), ("monitor",)]
MONTH = [("train",), ("promote", "--auto")]
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def parsed(line: str) -> tuple[str, ...]:
    """A command line as the real command line reads it: its name and what is asked of it beside the configuration."""
    group: Any = typer.main.get_command(app)
    words = shlex.split(line)
    assert words[0].rsplit("/", 1)[-1] == "regulars"
    with group.make_context("regulars", words[1:]) as context:
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        with command.make_context(name, rest, parent=context) as found:
            assert str(found.params["config"]).endswith(("regulars.toml", "CONFIG", "config}", "{{ config }}"))
    return (name, *(word for word in words if word.startswith("--")))


def commands_in(text: str) -> list[tuple[str, ...]]:
    """Every `regulars COMMAND ...` of a shell text, parsed."""
    return [parsed(found) for found in re.findall(r"(?<![\w/.-])regulars [a-z]+ (?:[^|;&}\n2]|2(?!>))+", text)]


def is_cron(text: str) -> bool:
    """Whether five fields are numbers in their ranges, or stars."""
    fields = text.split()
    return len(fields) == 5 and all(
        field == "*" or (field.isdigit() and least <= int(field) <= most)
        for field, (least, most) in zip(fields, RANGES, strict=True)
    )


def yaml_of(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def test_there_is_a_schedule_of_every_kind() -> None:
    assert {file.name for file in SCHEDULES.iterdir() if file.is_file()} == {
        *(f"{unit}.{kind}" for unit in UNITS for kind in ("service", "timer")),
        *("regulars.cron", "airflow_dag.py", "kubernetes.yaml", "github-actions.yml", "regulars-serve.service"),
    }


def test_the_crontab_is_one_and_its_lines_are_shell(tmp_path: Path) -> None:
    lines = [line for line in (SCHEDULES / "regulars.cron").read_text().splitlines() if line and line[0] != "#"]
    jobs = [line for line in lines if not re.match(r"[A-Z_]+=", line)]
    assert [commands_in(line.split(None, 5)[5]) for line in jobs] == [NIGHT, MONTH, [("doctor", "--mend")]]
    for line in jobs:
        assert is_cron(" ".join(line.split()[:5]))
        command = line.split(None, 5)[5]
        assert "%" not in command  # Cron takes it for the end of a line.
        assert subprocess.run(["sh", "-n", "-c", command], check=False).returncode == 0


@pytest.mark.parametrize(("code", "mailed"), [(0, ""), (75, ""), (7, "ended with 7"), (74, "ended with 74")])
def test_cron_mails_whatever_is_neither_done_nor_busy(code: int, mailed: str, tmp_path: Path) -> None:
    nightly, monthly, _ = (
        line for line in (SCHEDULES / "regulars.cron").read_text().splitlines() if line[:1].isdigit()
    )
    command = tmp_path / "regulars"
    command.write_text(f"#!/bin/sh\necho said >&2\nexit {code}\n")
    command.chmod(0o755)
    places = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(tmp_path / "log"), "CONFIG": "regulars.toml"}
    for line in (nightly, monthly):
        done = subprocess.run(
            ["sh", "-c", line.split(None, 5)[5]], env=places, capture_output=True, text=True, check=False
        )
        assert (mailed in done.stdout) if mailed else (done.stdout == "")
        assert done.stderr == ""
    # Where all is well both commands of a line run, else the first alone.
    assert (tmp_path / "log").read_text().count("said") == (4 if code == 0 else 2)


@pytest.mark.parametrize(("unit", "commands", "fine"), [("regulars", NIGHT, {75}), ("regulars-train", MONTH, {5, 75})])
def test_the_units_run_the_commands_and_know_which_codes_are_no_failure(
    unit: str, commands: list[tuple[str, ...]], fine: set[int]
) -> None:
    service = configparser.RawConfigParser(strict=False)
    text = (SCHEDULES / f"{unit}.service").read_text(encoding="utf-8")
    service.read_string(text)
    assert [parsed(line) for line in re.findall(r"^ExecStart=(.*)$", text, re.M)] == commands
    assert service["Service"]["Type"] == "oneshot"  # Only such a unit may start several commands, one after the other.
    assert {int(code) for code in service["Service"]["SuccessExitStatus"].split()} == fine <= set(EXITS)
    timer = configparser.RawConfigParser()
    timer.read_string((SCHEDULES / f"{unit}.timer").read_text(encoding="utf-8"))
    assert timer["Timer"]["Persistent"] == "yes"
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_the_unit_of_the_endpoint_has_a_key_that_is_in_no_file_of_ours_and_lets_what_is_under_way_end() -> None:
    service = configparser.RawConfigParser(strict=False)
    service.read_string((SCHEDULES / "regulars-serve.service").read_text(encoding="utf-8"))
    found = service["Service"]
    assert parsed(found["ExecStart"]) == ("serve", "--workers")
    # On this machine alone, unless the configuration says otherwise; then the key counts there, too.
    assert "--host" not in found["ExecStart"]
    credential, _ = found["LoadCredential"].split(":")
    assert f"{ServeConfig().key_variable}_FILE=%d/{credential}" in found["Environment"].split()
    assert {int(code) for code in found["RestartPreventExitStatus"].split()} == {2, 6} <= set(EXITS)
    assert int(found["TimeoutStopSec"]) > ServeConfig().drain_seconds + BEYOND_SECONDS
    assert found["KillMode"] == "mixed"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for file in SCHEDULES.glob("regulars*.[st][ei][rm]*"):
        # That the program is there is the only thing that depends on the machine.
        text = file.read_text(encoding="utf-8").replace("/opt/regulars/bin/regulars", sys.executable)
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    units = sorted(str(file) for file in tmp_path.iterdir())
    assert len(units) == 5
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "regulars" in line]) == (0, [])
    for timer in SCHEDULES.glob("*.timer"):
        (when,) = re.findall(r"^OnCalendar=(.*)$", timer.read_text(), re.M)
        done = subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, check=False)
        assert done.returncode == 0


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Stands for Airflow: gives the DAGs that a file makes."""
    made: list[Any] = []

    class DAG:
        def __init__(self, dag_id: str, **how: Any) -> None:
            self.dag_id, self.how, self.tasks = dag_id, how, list[Any]()
            made.append(self)

        def __enter__(self) -> DAG:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    class BashOperator(SimpleNamespace):
        def __init__(self, **how: Any) -> None:
            super().__init__(**how, after=None)
            made[-1].tasks.append(self)

        def __rshift__(self, other: Any) -> Any:
            other.after = self
            return other

    modules: dict[str, dict[str, Any]] = {
        "pendulum": {"datetime": lambda *at, tz: (at, tz), "duration": lambda minutes: minutes},
        "airflow.sdk": {"DAG": DAG},
        "airflow.providers.standard.operators.bash": {"BashOperator": BashOperator},
    }
    for name, content in modules.items():
        for end in range(1, name.count(".") + 2):
            part = ".".join(name.split(".")[:end])
            monkeypatch.setitem(sys.modules, part, sys.modules.get(part) or ModuleType(part))
        for key, value in content.items():
            monkeypatch.setattr(sys.modules[name], key, value, raising=False)
    return made


def test_airflow_gets_two_dags_that_run_one_at_a_time_and_skip_what_is_no_failure(airflow: list[Any]) -> None:
    file = SCHEDULES / "airflow_dag.py"
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), {"__name__": "dag"})
    nightly, monthly = airflow
    found = [
        [parsed(task.bash_command.replace("{{ var.value.regulars_config }}", "regulars.toml")) for task in dag.tasks]
        for dag in airflow
    ]
    assert found == [NIGHT, MONTH]
    assert [task.task_id for dag in airflow for task in dag.tasks] == ["score", "monitor", "train", "promote"]
    assert [task.skip_on_exit_code for dag in airflow for task in dag.tasks] == [[75], [], [75], [5, 75]]
    for dag in airflow:
        assert is_cron(dag.how["schedule"])
        assert (dag.how["catchup"], dag.how["max_active_runs"]) == (False, 1)
        assert dag.tasks[1].after is dag.tasks[0]
        assert all(task.append_env for task in dag.tasks)
    assert (nightly.dag_id, monthly.dag_id) == ("regulars_nightly", "regulars_monthly")


def test_kubernetes_runs_one_after_the_other_and_repeats_only_what_may_pass() -> None:
    *jobs, _, _, volume = yaml_of(SCHEDULES / "kubernetes.yaml")
    found = []
    for job in jobs:
        assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
        spec = job["spec"]
        assert is_cron(spec["schedule"])
        assert spec["concurrencyPolicy"] == "Forbid"
        inner = spec["jobTemplate"]["spec"]
        (rule,) = inner["podFailurePolicy"]["rules"]
        # Kubernetes takes a policy for failures only where a pod is not restarted.
        assert inner["template"]["spec"]["restartPolicy"] == "Never"
        never_again = set(EXITS) - {0, 74, 75, 130, 143}
        assert (rule["action"], set(rule["onExitCodes"]["values"])) == ("FailJob", never_again)
        pod = inner["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        containers = [*pod["initContainers"], *pod["containers"]]
        volumes = {v["name"] for v in pod["volumes"]}
        assert all({m["name"] for m in c["volumeMounts"]} <= volumes for c in containers)
        assert {c["image"] for c in containers} == {f"regulars:{regulars.__version__}"}
        assert [parsed(shlex.join(["regulars", *c["args"]]))[0] for c in containers] == [c["name"] for c in containers]
        found.append([parsed(shlex.join(["regulars", *c["args"]])) for c in containers])
    assert found == [NIGHT, MONTH]
    assert volume["kind"] == "PersistentVolumeClaim"


def test_kubernetes_asks_the_endpoint_by_its_pages_and_gives_it_a_key() -> None:
    *_, deployment, service, _ = yaml_of(SCHEDULES / "kubernetes.yaml")
    assert (deployment["kind"], service["kind"]) == ("Deployment", "Service")
    pod = deployment["spec"]["template"]
    assert deployment["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"] == service["spec"]["selector"]
    (container,) = pod["spec"]["containers"]
    assert parsed(shlex.join(["regulars", *container["args"]]))[0] == "serve"
    # Others reach it there, so that it would not begin without a key.
    assert "0.0.0.0" in container["args"]
    assert [v["name"] for v in container["env"]] == [ServeConfig().key_variable]
    assert container["ports"][0]["containerPort"] == ServeConfig().port
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert probes == {"startup": HEALTH, "readiness": HEALTH, "liveness": PING}
    assert pod["spec"]["terminationGracePeriodSeconds"] > ServeConfig().drain_seconds


def test_github_actions_runs_by_schedule_on_a_runner_of_ones_own() -> None:
    (flow,) = yaml_of(SCHEDULES / "github-actions.yml")
    assert {"name", "permissions", "concurrency", "env", "jobs"} <= set(flow)
    schedule = flow[True]["schedule"]  # YAML 1.1 reads the key `on` as true.
    assert all(is_cron(entry["cron"]) for entry in schedule)
    steps = {name: [step["run"] for step in job["steps"]] for name, job in flow["jobs"].items()}
    assert [commands_in("\n".join(runs)) for runs in steps.values()] == [NIGHT, MONTH]
    for job in flow["jobs"].values():
        assert job["runs-on"][0] == "self-hosted"
        assert any(entry["cron"] in job["if"] for entry in schedule)


@pytest.mark.parametrize(
    ("step", "code", "ends"),
    [(0, 75, 0), (0, 74, 1), (1, 7, 7), (2, 75, 0), (3, 5, 0), (3, 75, 0), (3, 6, 1), (3, 0, 0)],
)
def test_github_actions_ends_as_it_should(step: int, code: int, ends: int, tmp_path: Path) -> None:
    (flow,) = yaml_of(SCHEDULES / "github-actions.yml")
    run = [inner["run"] for job in flow["jobs"].values() for inner in job["steps"]][step]
    (tmp_path / "regulars").write_text(f"#!/bin/sh\nexit {code}\n")
    (tmp_path / "regulars").chmod(0o755)
    places = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CONFIG": "regulars.toml"}
    # As GitHub runs a step: bash -e.
    done = subprocess.run(["bash", "-e", "-c", run], env=places, capture_output=True, check=False)
    assert done.returncode == ends


def test_the_image_is_built_from_what_is_there_by_hashes_and_runs_as_nobody_special() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line and not line.startswith("#")]
    words = [line.split(None, 1) for line in lines]
    assert {word for word, _ in words} <= {
        *("FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "ENTRYPOINT", "CMD")
    }
    copied = [rest.split()[:-1] for word, rest in words if word == "COPY" and "--from" not in rest]
    sources = {name for names in copied for name in names}
    assert all((ROOT / name).exists() for name in sources)
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sources == allowed
    assert all("--require-hashes" in part or "--no-index" in part for part in re.findall(r"pip install[^&|]*", text))
    users = [rest for word, rest in words if word == "USER"]
    assert users == ["10001:10001"]
    assert words[-2:] == [["ENTRYPOINT", '["regulars"]'], ["CMD", '["--help"]']]
    assert all(rest.startswith("python:3.11-slim") for word, rest in words if word == "FROM")


def test_compose_has_a_database_its_pages_and_the_job_and_no_password() -> None:
    (compose,) = yaml_of(ROOT / "compose.yaml")
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    services = compose["services"]
    assert set(services) == {"postgres", "mlflow", "regulars", "serve"}
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD:?choose one}"
    ours = ("mlflow", "regulars", "serve")
    assert {services[name]["image"] for name in ours} == {f"regulars:{regulars.__version__}"}
    # Whoever can reach MLflow's pages can read the figures: this machine alone.
    assert services["mlflow"]["ports"] == ["127.0.0.1:5000:5000"]
    assert all(services[name]["depends_on"] == {"postgres": {"condition": "service_healthy"}} for name in ours)
    # The endpoint has no key here: where the environment has none either, it refuses an address that others reach.
    assert parsed(shlex.join(["regulars", *services["serve"]["command"]])) == ("serve", "--host=0.0.0.0", "--port=8000")
    assert services["serve"]["environment"]["REGULARS_API_KEY"] == "${REGULARS_API_KEY:-}"
    assert services["serve"]["ports"] == ["127.0.0.1:8000:8000"]
    assert {mount.split(":")[0] for s in services.values() for mount in s["volumes"]} == {"postgres", "./data"}
    told = re.findall(r"docker compose run --rm (regulars .*)$", text, re.M)
    assert [parsed(line) for line in told] == [("train",), NIGHT[0]]


@pytest.mark.soak
def test_the_server_of_the_pages_is_asked_for_options_that_it_has() -> None:
    from mlflow.cli import server

    (compose,) = yaml_of(ROOT / "compose.yaml")
    known = {option for parameter in server.params for option in (*parameter.opts, *parameter.secondary_opts)}
    words = compose["services"]["mlflow"]["entrypoint"]
    assert words[:2] == ["mlflow", "server"]
    assert {word.split("=")[0] for word in words[2:]} <= known


def test_mlflows_runner_gets_the_same_commands() -> None:
    (project,) = yaml_of(ROOT / "MLproject")
    found = {name: parsed(entry["command"]) for name, entry in project["entry_points"].items()}
    assert found == {"main": MONTH[0], "score": NIGHT[0]}
    assert all(entry["parameters"] == {"config": "string"} for entry in project["entry_points"].values())
