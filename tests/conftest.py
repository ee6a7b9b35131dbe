"""What every test shares: a quiet process, a store of its own, the real data sets or a reason why not.

In: REGULARS_DATA (folder of the larger data sets), REGULARS_WHEELS (folder of the data wheels; default .cache/wheels),
REGULARS_SOAK=1 (full counts). Out: fixtures. Data that are missing skip the test and say what to do.
"""

from __future__ import annotations

import io
import os
import socket
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from regulars.config import Config
from regulars.models import database

from . import stores
from .servers import PostgresServer, postgres

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[1]

# Before anything loads OpenMP, MLflow or Matplotlib; child processes inherit it.
os.environ.update(
    OMP_NUM_THREADS="1",
    OMP_WAIT_POLICY="passive",
    MPLBACKEND="Agg",
    MLFLOW_DISABLE_TELEMETRY="true",
)

# A shared machine is no reason for a test to fail, so nothing is timed.
_UNTIMED = [HealthCheck.too_slow]
settings.register_profile(
    "small", max_examples=10, deadline=None, derandomize=True, database=None, suppress_health_check=_UNTIMED
)
settings.register_profile("soak", max_examples=300, deadline=None, suppress_health_check=_UNTIMED)
settings.load_profile("soak" if os.environ.get("REGULARS_SOAK") == "1" else "small")


@pytest.fixture(scope="session", autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test writes into the MLflow store of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db")
        patch.delenv("MLFLOW_REGISTRY_URI", raising=False)
        patch.setattr(database, "filled", stores.copied)
        here = tmp_path_factory.getbasetemp()
        patch.setenv(stores.SHARED, str(here.parent if "PYTEST_XDIST_WORKER" in os.environ else here))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Only this machine can be reached; a test that needs more fails and says where it wanted to go."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: tuple[object, ...] | str | bytes) -> None:
        host = address[0] if isinstance(address, tuple) else "localhost"
        if str(host) not in {"127.0.0.1", "::1", "localhost"}:
            raise PermissionError(f"tests use no network; this one wanted {address!r}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", local_only)
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests; it starts with the first one that needs it."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def regulars_data() -> Path:
    """The folder of the data sets that may not be copied into the project."""
    named = os.environ.get("REGULARS_DATA")
    if not named:
        pytest.skip("REGULARS_DATA is not set: name the folder that holds online_retail_2.parquet")
    folder = Path(named)
    if not folder.is_dir():
        pytest.skip(f"REGULARS_DATA names `{named}`, which is not a folder")
    return folder


def _data_set(folder: Path, name: str) -> Path:
    # The licences of these sets do not let them into the project, so a machine may be without them.
    found = folder / name
    if not found.exists():
        pytest.skip(f"there is no {name} in REGULARS_DATA ({folder})")
    return found


@pytest.fixture(scope="session")
def online_retail(regulars_data: Path) -> Path:
    """Online Retail II as published: both sheets, one after the other."""
    return _data_set(regulars_data, "online_retail_2.parquet")


@pytest.fixture(scope="session")
def retail_config(online_retail: Path) -> Callable[..., Config]:
    """How Online Retail II is mapped, for a folder and a horizon: ``retail_config(folder, horizon_days=90)``."""

    def mapped(folder: Path, horizon_days: int = 90) -> Config:
        columns: dict[str, object] = {
            "path": str(online_retail),
            "order_id": "Invoice",
            "quantity": "Quantity",
            "unit_price": "Price",
            "product_id": "StockCode",
            "channel": "Country",
        }
        found = Config.of(
            customer_id="Customer ID",
            purchased_at="InvoiceDate",
            timezone="Europe/London",
            currency="GBP",
            horizon_days=horizon_days,
            purchases=columns,
        )
        return found.model_copy(update={"folder": folder})

    return mapped


@pytest.fixture(scope="session")
def hillstrom_file(regulars_data: Path) -> Path:
    """Hillstrom's experiment of 2008 as published."""
    return _data_set(regulars_data, "hillstrom.parquet")


@pytest.fixture(scope="session")
def starbucks_offers(regulars_data: Path) -> Path:
    """The folder of the simulated offers that Starbucks published."""
    return _data_set(regulars_data, "starbucks_offers")


@pytest.fixture(scope="session")
def wheels() -> Path:
    """The folder of the downloaded data wheels."""
    folder = Path(os.environ.get("REGULARS_WHEELS") or ROOT / ".cache" / "wheels")
    if not any(folder.glob("*.whl")):
        pytest.skip(f"there are no data wheels in `{folder}`: `make env` fetches them, REGULARS_WHEELS names another")
    return folder


def _wheel(wheels: Path, name: str) -> Path:
    found = [file for file in wheels.glob("*.whl") if file.name.lower().startswith(name)]
    if not found:
        # Only `make` fetches wheels; a test uses no network.
        pytest.skip(f"there is no {name} wheel in `{wheels}`: `make env` fetches it")
    return found[0]


@pytest.fixture(scope="session")
def completejourney_wheel(wheels: Path) -> Path:
    """The wheel with two years of 2,469 households at a grocer."""
    return _wheel(wheels, "completejourney")


@pytest.fixture(scope="session")
def lifetimes_wheel(wheels: Path) -> Path:
    """The wheel with CDNOW and the estimates of the literature."""
    return _wheel(wheels, "lifetimes")


def _cdnow(wheel: Path, name: str, columns: list[str], header_lines: int) -> pd.DataFrame:
    """A member of the lifetimes wheel, read without installing it; white-space separated, ids with leading zeros."""
    import pandas as pd

    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"lifetimes/datasets/{name}").decode("ascii")
    ids = {column: str for column in columns if column.endswith("_id")}
    table = pd.read_csv(io.StringIO(text), sep=r"\s+", names=columns, skiprows=header_lines, dtype=ids)
    return table.assign(date=pd.to_datetime(table["date"].astype(str), format="%Y%m%d"))


@pytest.fixture(scope="session")
def cdnow_master(lifetimes_wheel: Path) -> pd.DataFrame:
    """All of CDNOW: customer_id (text), date, quantity, amount (US dollars); a line is a day's order."""
    return _cdnow(lifetimes_wheel, "CDNOW_master.txt", ["customer_id", "date", "quantity", "amount"], header_lines=1)


@pytest.fixture(scope="session")
def cdnow_sample(lifetimes_wheel: Path) -> pd.DataFrame:
    """The 1/10 sample of the literature; customer_id is the id in the sample, master_id that in the whole."""
    return _cdnow(lifetimes_wheel, "CDNOW_sample.txt", ["master_id", "customer_id", "date", "quantity", "amount"], 0)
