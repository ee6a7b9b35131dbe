"""Requests at a server from some clients at once; each sends the next as soon as it has the whole answer to the last.

In: a host and port, requests as bytes ready to be sent, how many clients, for how long. Out: answers a second, and
percentiles of the milliseconds from sending to the last byte. One thread over connections that are kept alive, with
little work of its own, so that the server has the processors; an answer must say its Content-Length. What is not
answered by 200 is counted as failed; a connection that was closed is made anew. Run as `python -m benchmarks.load
PORT FILE`, with one body a line in the file.
"""

from __future__ import annotations

import argparse
import json
import math
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

HOST = "127.0.0.1"
LOST = "no answer"
"""The status of a request whose connection was closed."""
_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_PIECE = 1 << 16
_LONGEST_S = 60.0


def request(path: str, body: bytes, headers: Sequence[str] = ()) -> bytes:
    r"""A POST as it goes over the wire.

    Examples
    --------
    >>> request("/v1/score", b"{}").splitlines()[0]
    b'POST /v1/score HTTP/1.1'
    """
    head = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(head).encode() + _END + body


@dataclass
class Outcome:
    """What became of the requests.

    Parameters
    ----------
    seconds : float
        From the first to the last answer that counts.
    milliseconds : list of float
        Of every request answered with 200.
    statuses : Counter
        How many had which status; `LOST` among them.
    """

    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        """How many were not answered with 200."""
        return self.statuses.total() - self.statuses["200"]

    def percentile(self, share: float) -> float:
        """The least time that so large a share of the answers did not exceed; infinite without any.

        Examples
        --------
        >>> Outcome(1.0, [4.0, 1.0, 3.0, 2.0]).percentile(0.5)
        2.0
        """
        ordered = sorted(self.milliseconds)
        return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else math.inf

    def figures(self) -> dict[str, float]:
        """As the benchmark keeps it."""
        return {
            "answers": len(self.milliseconds),
            "failed": self.failed,
            "per_second": len(self.milliseconds) / self.seconds if self.seconds else 0.0,
            "p50_ms": self.percentile(0.5),
            "p99_ms": self.percentile(0.99),
        }


@dataclass
class _Client:
    """A connection, and the answer that is under way."""

    connection: socket.socket
    sent: float = 0.0
    found: bytearray = field(default_factory=bytearray)
    size: int = 0

    def whole(self) -> bool:
        """Whether the answer is complete."""
        if not self.size:
            end = self.found.find(_END)
            if end < 0:
                return False
            head = bytes(self.found[: end + 2]).lower()
            at = head.find(_LENGTH)
            if at < 0:
                raise SystemExit("an answer does not say its Content-Length")
            at += len(_LENGTH)
            self.size = end + len(_END) + int(head[at : head.index(b"\r\n", at)])
        return len(self.found) >= self.size


class Load:
    """Clients that keep a server busy.

    Parameters
    ----------
    port : int
        On this machine.
    requests : sequence of bytes
        Sent one after the other, again and again.
    clients : int
    answered : callable, optional
        Is given every whole answer, as bytes.
    """

    def __init__(
        self,
        port: int,
        requests: Sequence[bytes],
        clients: int = 1,
        answered: Callable[[bytes], None] | None = None,
    ) -> None:
        self._port, self._answered, self._next = port, answered, cycle(requests)
        self._selector = selectors.DefaultSelector()
        self._clients, self._over = clients, False

    def stop(self) -> None:
        """Send nothing more; for whoever is given the answers."""
        self._over = True

    def run(self, seconds: float, most: float = math.inf) -> Outcome:
        """Ask for so many seconds, or until so many were asked; what is under way at the end is waited for."""
        out, asked, self._over = Outcome(), 0, False
        for _ in range(int(min(self._clients, most))):
            self._send(self._connected())
            asked += 1
        begun = time.perf_counter()
        over = begun + seconds
        while self._selector.get_map():
            ready = self._selector.select(_LONGEST_S)
            if not ready:
                raise SystemExit(f"a server did not answer within {_LONGEST_S:.0f} s")
            for key, _ in ready:
                client: _Client = key.data
                again = self._told(client, out)
                if again is not None:
                    if time.perf_counter() < over and asked < most and not self._over:
                        self._send(again)
                        asked += 1
                    else:
                        self._dropped(again)
        out.seconds = time.perf_counter() - begun
        return out

    def _told(self, client: _Client, out: Outcome) -> _Client | None:
        """Read what has come; the client that may send again, if the answer is complete or will not be."""
        try:
            piece = client.connection.recv(_PIECE)
        except ConnectionError:
            piece = b""
        client.found += piece
        if piece and not client.whole():
            return None
        if not piece:
            out.statuses[LOST] += 1
            self._dropped(client)
            return self._connected()
        status = bytes(client.found[9:12]).decode("ascii")
        out.statuses[status] += 1
        if status == "200":
            out.milliseconds.append(1e3 * (time.perf_counter() - client.sent))
        if self._answered is not None:
            self._answered(bytes(client.found))
        return client

    def _send(self, client: _Client) -> None:
        client.found.clear()
        client.size, client.sent = 0, time.perf_counter()
        try:
            client.connection.sendall(next(self._next))
        except ConnectionError:  # What was closed meanwhile is told when it is read.
            return

    def _connected(self) -> _Client:
        connection = socket.create_connection((HOST, self._port), _LONGEST_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = _Client(connection)
        self._selector.register(connection, selectors.EVENT_READ, client)
        return client

    def _dropped(self, client: _Client) -> None:
        self._selector.unregister(client.connection)
        client.connection.close()


def main(given: Sequence[str] | None = None) -> None:
    """Ask, and print what became of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("port", type=int)
    parser.add_argument("bodies", type=Path, help="a file with one body a line")
    parser.add_argument("--path", default="/v1/score")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--warm", type=float, default=0.5, help="seconds before anything counts (default .5)")
    options = parser.parse_args(given)
    load = Load(
        options.port,
        [request(options.path, body) for body in options.bodies.read_bytes().splitlines()],
        options.clients,
    )
    load.run(options.warm)
    print(json.dumps(load.run(options.seconds).figures()), flush=True)


if __name__ == "__main__":
    main()
