"""The section `[serve]` of `regulars.toml`: where the endpoint listens, and how much it takes on.

In: what the user wrote. Out: frozen settings with their defaults; keys are never among them, but where they come from.
"""

from __future__ import annotations

from pydantic import Field

from .sections import Section


class ServeConfig(Section):
    """The endpoint."""

    host: str = Field(default="127.0.0.1", min_length=1, description="the address it listens on")
    port: int = Field(default=8000, ge=0, le=65535, description="its port; 0 takes any that is free")
    workers: int = Field(default=1, gt=0, le=64, description="processes; each holds the model")
    key_variable: str = Field(
        default="REGULARS_API_KEY",
        pattern=r"^[A-Za-z_]\w*$",
        description="the variable of the environment that holds the key, or several with blanks between; with _FILE "
        "behind its name, the file that does",
    )
    max_kilobytes: int = Field(default=1024, gt=0, description="the largest body, in KiB")
    max_customers: int = Field(default=1000, gt=0, description="customers in a request")
    max_rows: int = Field(default=10_000, gt=0, description="rows in a request, of all its tables")
    max_waiting: int = Field(default=64, gt=0, description="requests that may wait in a worker; others get a 503")
    max_connections: int = Field(default=1000, gt=0, description="open connections in a worker")
    read_seconds: float = Field(default=10.0, gt=0, le=600, description="a request must have arrived in so many")
    drain_seconds: float = Field(
        default=10.0, gt=0, le=600, description="what is under way at the end may take so long"
    )
    poll_seconds: float = Field(
        default=2.0, gt=0, le=3600, description="how often the registry is asked for a champion"
    )
    reference_days: int | None = Field(
        default=8, ge=0, description="by so many days what other customers tell may be older than the day asked for"
    )
