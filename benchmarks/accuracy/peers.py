"""Other libraries on the same rows, each in an environment of its own that is made when it is first asked for.

In: the folders that `ours` left for them. Out: their predictions as Parquet files in these folders, what that cost, and
what went wrong in words: a peer that cannot be installed, fails or takes too long is missing from the table, and said.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..run import ROOT, Cost, say

ENVIRONMENTS = ROOT / ".cache" / "peers"
INSTALL_SECONDS = 900


@dataclass(frozen=True)
class Peer:
    """A library: what its environment needs, and the columns that its script gives.

    Parameters
    ----------
    requirements : tuple of str
        What pip is asked for.
    models : tuple of str
        Columns of the files that ``with_<name>.py`` writes.
    """

    name: str
    requirements: tuple[str, ...]
    models: tuple[str, ...]

    @property
    def environment(self) -> Path:
        """Its folder, named after the content it stands for."""
        mark = zlib.crc32(" ".join((*self.requirements, sys.version)).encode())
        return ENVIRONMENTS / f"{self.name}-{mark:08x}"

    @property
    def script(self) -> Path:
        """What its own Python runs."""
        return Path(__file__).with_name(f"with_{self.name}.py")


PEERS = {
    peer.name: peer
    for peer in (
        # Archived in 2020: it knows neither NumPy 2 nor pandas 2.2.
        Peer(
            "lifetimes",
            ("lifetimes==0.11.3", "numpy<2", "pandas<2.2", "scipy<1.12", "pyarrow<19"),
            ("lifetimes_bg", "lifetimes_pareto"),
        ),
        Peer("pymc", ("pymc-marketing>=0.10", "pyarrow"), ("pymc_bg", "pymc_pareto")),
        Peer("lightgbm", ("lightgbm>=4", "scikit-learn", "optuna", "pandas", "pyarrow"), ("lightgbm",)),
    )
}


def python_of(peer: Peer) -> tuple[Path | None, str]:
    """The Python of a peer's environment, made if need be; or None and why not."""
    python = peer.environment / "bin" / "python"
    ready = peer.environment / ".ready"
    if ready.exists():
        return python, ""
    say(f"making an environment for {peer.name}")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *peer.requirements]
    for command in ([sys.executable, "-m", "venv", "--clear", str(peer.environment)], pip):
        failed = _failure(command, INSTALL_SECONDS)
        if failed:
            return None, f"{peer.name} could not be installed: {failed}"
    ready.touch()
    return python, ""


def _failure(command: Sequence[str], seconds: float) -> str:
    """Runs a command; why it failed, or nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds, env=_quiet())
    except subprocess.TimeoutExpired:
        return f"stopped after {seconds:.0f} s"
    except OSError as error:
        return str(error)
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return ""


def _quiet() -> dict[str, str]:
    """One thread each, and nothing of this project on the path."""
    ours = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | ours


def asked(peer: Peer, python: Path, folders: Sequence[Path], seconds: int) -> tuple[Cost, str]:
    """Lets a peer predict what it can in so many CPU seconds: its costs, and what it said when it did not do it all."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        command = [str(python), str(peer.script), *map(str, folders)]
        process = subprocess.Popen(command, stderr=said, env=_quiet())
        # Not by the clock: on a busy machine that would be another table.
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (seconds, seconds))
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        words = _words(peer, process.returncode, said.read().strip().splitlines(), seconds)
    return {"wall_s": time.perf_counter() - began, "cpu_s": used.ru_utime + used.ru_stime}, words


def _words(peer: Peer, code: int, lines: Sequence[str], seconds: int) -> str:
    """What a peer could not do, and why; nothing where it did it all."""
    if code in (-signal.SIGKILL, -signal.SIGXCPU):
        return f"{peer.name}: stopped after {seconds} s of CPU"
    if code:
        return f"{peer.name}: {lines[-1] if lines else 'failed'}"
    return "; ".join(dict.fromkeys(line for line in lines if line.startswith(peer.name)))
