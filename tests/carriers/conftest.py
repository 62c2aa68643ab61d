from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sintalk.carriers.simulator.adapter import SimulatorCarrier
from tests.carriers.running import Receiver, Running


@pytest.fixture
def start_simulator(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a simulator over the test's folder, with these settings; all are gone when the test ends."""
    started: list[Running] = []

    def start(**env: str) -> Running:
        started.append(Running(tmp_path, env=env).start())
        return started[-1]

    yield start
    for each in started:
        if each.process and each.process.poll() is None:
            each.kill()


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One simulator for all tests that do not stop it."""
    running = Running(tmp_path_factory.mktemp("simulator")).start()
    yield running
    running.stop()


@pytest.fixture
def own_simulator(start_simulator: Callable[..., Running]) -> Running:
    """A simulator to be killed."""
    return start_simulator()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def connect(receiver: Receiver) -> Iterator[Callable[[Running], SimulatorCarrier]]:
    """Makes our adapter for a running simulator, with receipts to the receiver."""
    made: list[SimulatorCarrier] = []

    def connect(running: Running) -> SimulatorCarrier:
        made.append(SimulatorCarrier(running.settings, callback_base=receiver.url))
        receiver.carrier = made[-1]
        return made[-1]

    yield connect
    for each in made:
        each.close()


@pytest.fixture
def carrier(simulator: Running, connect: Callable[[Running], SimulatorCarrier]) -> SimulatorCarrier:
    return connect(simulator)


@pytest.fixture
def own_carrier(own_simulator: Running, connect: Callable[[Running], SimulatorCarrier]) -> SimulatorCarrier:
    return connect(own_simulator)
