"""The server: one address, some processes that answer there, and their end.

In: the endpoint. Out: nothing, once everything under way has been answered after SIGTERM or SIGINT; a `RegularsError`
where it could not begin. A process that dies is replaced; one that never comes to speak ends the server.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec

from ..errors import ConfigError, RegularsError
from .endpoint import Endpoint
from .guard import check_address
from .logs import settings

NEEDED = ("uvicorn", "httptools", "prometheus_client")
COUNTED, CREATED = "PROMETHEUS_MULTIPROC_DIR", "PROMETHEUS_DISABLE_CREATED_SERIES"


def serve(endpoint: Endpoint, ready: Callable[[str], object]) -> None:
    """Serve until the process is told to end; from its main thread.

    Parameters
    ----------
    endpoint : Endpoint
    ready : callable
        Told the address once every worker answers.

    Raises
    ------
    ConfigError
        When it may not listen there (RG385), or cannot (RG384).
    RegularsError
        When no worker could begin; its log says why.
    """
    check_installed()
    serving = endpoint.config.serve
    check_address(serving.host, endpoint.keys, endpoint.insecure)
    _lay_out(endpoint)
    from .supervisor import Supervisor, settings_of

    with closing(bound(serving.host, serving.port)) as listening:
        supervisor = Supervisor(settings_of(endpoint, settings(endpoint.log)), listening, endpoint, ready)
        supervisor.run()
    if supervisor.failed:
        raise RegularsError("no worker could begin to serve", do="see above what each said", code="RG384")


def check_installed() -> None:
    """Refuse to begin without what a server needs.

    Raises
    ------
    ConfigError
        When a package is missing.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(
            "packages for the endpoint are missing", do="pip install 'regulars[serve]'", offending=missing, code="RG384"
        )


def _lay_out(endpoint: Endpoint) -> None:
    """What workers find in their environment and beside the stages."""
    # Each worker is one core's work; idle threads of OpenMP would keep the others from theirs.
    os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive")
    os.environ.pop(COUNTED, None)
    os.environ[CREATED] = "true"
    if endpoint.counts is not None:
        shutil.rmtree(endpoint.counts, ignore_errors=True)
        endpoint.counts.mkdir(mode=0o700, parents=True)
        os.environ[COUNTED] = str(endpoint.counts)


def bound(host: str, port: int) -> socket.socket:
    """A socket at an address; it listens as soon as a worker does.

    Raises
    ------
    ConfigError
        When there is no such address here, or another program is there.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        found = socket.socket(family)
    except OSError as error:
        raise _unreachable(host, port, error) from None
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        found.close()
        raise _unreachable(host, port, error) from None
    found.set_inheritable(True)
    return found


def _unreachable(host: str, port: int, error: OSError) -> ConfigError:
    return ConfigError(
        f"cannot listen at `{host}`, port {port}: {error.strerror or error}",
        needed="an address of this machine, and a port that is free",
        do="change `serve.host` or `serve.port`; 0 takes any port that is free",
        code="RG384",
    )


def url_of(listening: socket.socket) -> str:
    """The address of a socket, as a caller types it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
