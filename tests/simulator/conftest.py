"""Simulators for these tests, and clients that hold their keys."""

from collections.abc import Iterator

import httpx
import pytest
from simulator import Running, running

NOW = "2026-11-20T08:30:00Z"


@pytest.fixture(scope="module")
def shared() -> Iterator[Running]:
    """One quiet simulator for a module."""
    with running(simbase=12, iotportal=12, quiet=True, clock=NOW) as served:
        yield served


@pytest.fixture
def sim(shared: Running) -> Running:
    """It, as it was at the start."""
    shared.reset()
    return shared


@pytest.fixture
def simbase(sim: Running) -> Iterator[httpx.Client]:
    """A client of Simbase with the key."""
    with httpx.Client(base_url=sim.simbase, headers={"x-api-key": sim.api_key}, timeout=5, verify=False) as client:
        yield client


@pytest.fixture
def portal(sim: Running) -> Iterator[httpx.Client]:
    """A client of IoT Portal with a token."""
    with httpx.Client(base_url=sim.iotportal, timeout=5, verify=False) as client:
        given = {"clientId": sim.client_id, "secretKey": sim.secret_key}
        client.headers["Authorization"] = client.post("/Login", json=given).json()["data"]["token"]
        yield client


@pytest.fixture
def one(sim: Running) -> str:
    """The ICCID of the first Simbase SIM."""
    return sim.iccids("simbase", 1)[0]


@pytest.fixture
def other(sim: Running) -> str:
    """The ICCID of the first IoT Portal SIM."""
    return sim.iccids("iotportal", 1)[0]
