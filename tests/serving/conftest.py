"""One endpoint for all tests that only ask it: the shop's model on a stage, its speaker, and a server in a thread."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from regulars.config import Config
from regulars.serving.app import App
from regulars.serving.endpoint import Endpoint
from regulars.serving.guard import Keys
from regulars.serving.here import laid, standing
from regulars.serving.speaker import Speaker
from regulars.serving.speaking import Speaking
from regulars.serving.stage import Stages

from ..simulated import config_of, trained

KEY = "a-key-for-the-tests-of-the-kit"


@pytest.fixture(scope="session")
def shop_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Endpoint:
    """The shop's model, laid on a stage, with small limits."""
    stages = Stages(tmp_path_factory.mktemp("stages"))
    laid(stages, trained().model, "3")
    return Endpoint(small(config_of()), stages.folder)


def small(config: Config) -> Config:
    """A configuration whose limits are soon reached."""
    limits = {"max_kilobytes": 256, "max_customers": 8, "max_rows": 60}
    return config.model_copy(update={"serve": config.serve.model_copy(update=limits)})


@pytest.fixture(scope="session")
def shop_speaker(shop_endpoint: Endpoint) -> Speaker:
    """Whoever speaks from that stage."""
    return Stages(shop_endpoint.stages).stage().speaker(shop_endpoint.config)


@pytest.fixture(scope="session")
def shop_app(shop_endpoint: Endpoint) -> App:
    """The application of a worker, asked without a socket."""
    return App(shop_endpoint, Speaking(Stages(shop_endpoint.stages), shop_endpoint.config))


@pytest.fixture(scope="session")
def shop_url(shop_endpoint: Endpoint) -> Iterator[str]:
    """Where it is served without a key, to this machine alone."""
    with standing(shop_endpoint) as url:
        yield url


@pytest.fixture(scope="session")
def keyed_url(shop_endpoint: Endpoint) -> Iterator[str]:
    """Where it is served to whoever has `KEY`."""
    endpoint = Endpoint(shop_endpoint.config, shop_endpoint.stages, Keys.of(KEY))
    with standing(endpoint) as url:
        yield url
