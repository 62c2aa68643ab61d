"""Carriers by name, one instance a process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from sintalk.carriers.base import Carrier
from sintalk.carriers.simulator.adapter import SimulatorCarrier
from sintalk.config import Settings

MAKERS: dict[str, Callable[[Settings], Carrier]] = {"simulator": SimulatorCarrier}

_lock = threading.Lock()
# By process: an RQ worker forks, and a child that shared its parent's sockets would read its answers.
_made: dict[tuple[int, str], tuple[Settings, Carrier]] = {}


class UnknownCarrier(LookupError):
    """There is no adapter of this name."""


def names() -> list[str]:
    """All carriers that there is an adapter for."""
    return sorted(MAKERS)


def get(name: str, settings: Settings) -> Carrier:
    """The carrier of this name, made on first use. Raises UnknownCarrier, ConfigError."""
    if name not in MAKERS:
        raise UnknownCarrier(name)
    key = (os.getpid(), name)
    with _lock:
        if key not in _made or _made[key][0] != settings:
            _made[key] = (settings, MAKERS[name](settings))
        return _made[key][1]
