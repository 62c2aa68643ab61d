"""Free ports on loopback."""

from __future__ import annotations

import contextlib
import json
import random
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from sintalk.servers.process import private_file

#: Below the range that the kernel hands out to outgoing connections (32768 and up), also with `apart` added.
FIRST, LAST = 11_000, 22_000


def probe(host: str, port: int) -> None:
    """Listen there for a moment. Raises OSError where nobody could."""
    with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as listener:
        # As servers do, past connections in TIME_WAIT.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody could listen there now."""
    try:
        probe(host, port)
    except (OSError, OverflowError):  # the latter: no such port
        return False
    return True


def pick(
    names: Sequence[str],
    remembered: Path,
    *,
    apart: int = 0,
    host: str = "127.0.0.1",
    wishes: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """A free port for each name: those of last time where they are free still, so that addresses last.

    With `apart`, port + apart is free too. `wishes` are tried where there is nothing to remember.
    """
    chosen = {**(wishes or {}), **recall(remembered)}
    for name in names:
        others = {port for other, port in chosen.items() if other != name}
        while not (port := chosen.get(name)) or port in others or not _both_free(host, port, apart):
            chosen[name] = random.randint(FIRST, LAST)  # noqa: S311 - not a secret
    private_file(remembered, json.dumps({name: chosen[name] for name in names}))
    return {name: chosen[name] for name in names}


def _both_free(host: str, port: int, apart: int) -> bool:
    return is_free(port, host) and (not apart or is_free(port + apart, host))


def recall(remembered: Path) -> dict[str, int]:
    """The ports of last time; none where they were never picked."""
    try:
        return {str(name): int(port) for name, port in json.loads(remembered.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
