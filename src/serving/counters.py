"""What the endpoint counts, for Prometheus.

In: requests as they begin and end, refusals, exchanged models. Out: the page that Prometheus reads, of one worker, or
of all where they lay their figures down in a folder. Labels are names of ours alone, so that they stay few.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from .speaker import Speaker

MEDIA = CONTENT_TYPE_PLAIN_0_0_4
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_DAY_SECONDS = 86_400


class Counters:
    """The figures of a worker.

    Parameters
    ----------
    folder : Path, optional
        Where several workers lay theirs down; the environment said so before Prometheus was loaded.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._registry = mine = CollectorRegistry()
        self._requests = Counter(
            "regulars_requests", "Requests answered, by what was asked and how.", ("route", "status"), registry=mine
        )
        self._seconds = Histogram(
            "regulars_request_seconds",
            "From the head of a request to its answer.",
            ("route",),
            registry=mine,
            buckets=BOUNDS,
        )
        self._bytes = Counter("regulars_body_bytes", "Bytes of the bodies that were read.", registry=mine)
        self._refusals = Counter(
            "regulars_refusals", "Requests and connections that were refused, by code.", ("code",), registry=mine
        )
        self._under_way = Gauge(
            "regulars_requests_under_way", "Requests that are not answered yet.", registry=mine,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self._waiting = Gauge(
            "regulars_requests_waiting", "Requests that wait for their turn.", registry=mine,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self._recommendations = Counter(
            "regulars_recommendations", "Customers to whom offers were recommended, or none.", ("arm", "given"),
            registry=mine,
        )  # fmt: skip
        self._version = Gauge(
            "regulars_model_version", "The version that speaks.", registry=mine, multiprocess_mode="liveall"
        )
        self._reference = Gauge(
            "regulars_reference_timestamp_seconds",
            "The day as of which other customers tell; its distance from now is their age.",
            registry=mine,
            multiprocess_mode="livemin",
        )
        self._policy = Gauge(
            "regulars_policy_timestamp_seconds",
            "The day of the wave whose policy recommends; 0 where there is none.",
            registry=mine,
            multiprocess_mode="livemin",
        )
        self._swaps = Counter("regulars_swaps", "Times that another model or Reference took over.", registry=mine)
        self._answered = cache(self._requests.labels)
        self._timed = cache(self._seconds.labels)

    def began(self) -> None:
        """A request is here."""
        self._under_way.inc()

    def ended(self, route: str, status: int, seconds: float, size: int, waiting: int) -> None:
        """It has its answer, or hung up, which is 499."""
        self._under_way.dec()
        self._answered(route, str(status)).inc()
        self._timed(route).observe(seconds)
        if size:
            self._bytes.inc(size)
        self._waiting.set(waiting)

    def refused(self, code: str) -> None:
        """Something was refused."""
        self._refusals.labels(code).inc()

    def recommended(self, arms: Mapping[tuple[str, bool], int]) -> None:
        """To so many customers of an arm something was recommended, or nothing."""
        for (arm, given), customers in arms.items():
            self._recommendations.labels(arm, "yes" if given else "no").inc(customers)

    def speaks(self, speaker: Speaker, swaps: int) -> None:
        """Who speaks from now on, and how many have taken over since it was last said."""
        if speaker.version.isdecimal():
            self._version.set(int(speaker.version))
        self._reference.set(speaker.reference_day.day * _DAY_SECONDS)
        self._policy.set(0 if speaker.offering is None else speaker.offering.as_of.day * _DAY_SECONDS)
        self._swaps.inc(swaps)

    def page(self) -> bytes:
        """All of it, as Prometheus reads it."""
        if self._folder is None:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, str(self._folder))
        return generate_latest(together)
