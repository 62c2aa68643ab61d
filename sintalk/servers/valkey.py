"""Valkey, which holds the queues: on loopback, with a password, writing its log to disk every second."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from redis import Redis

from sintalk.servers import binaries, ports
from sintalk.servers.process import private_file, private_folder


class Valkey:
    """One server under DATA/valkey. Its address and password stay the same from start to start."""

    name = "valkey"
    title = "Valkey"
    variables = "REDIS_URL to use your own, or SINTALK_VALKEY_BIN for another binary"
    stop_signal = signal.SIGTERM
    death_signal = signal.SIGTERM
    patience = 5.0
    environment: Mapping[str, str] = {}
    outer: Sequence[str] = ()

    def __init__(self, data: Path, *, binary: str | None = None, durable: bool = True) -> None:
        self.bin = binaries.find_valkey(binary)
        self.durable = durable
        self.cwd = data / "valkey"
        self.port = 0
        self.password = ""

    def prepare(self) -> None:
        private_folder(self.cwd)
        self.port = ports.pick(["valkey"], self.cwd / "ports.json")["valkey"]
        kept = self.cwd / "password"
        if not kept.exists():
            private_file(kept, secrets.token_urlsafe(32))
        self.password = kept.read_text().strip()
        private_file(self.cwd / "valkey.conf", self._configuration())

    def command(self) -> list[str]:
        return [str(self.bin), str(self.cwd / "valkey.conf")]

    def become_ready(self) -> None:
        """Raises redis.RedisError while it is too early."""
        with Redis.from_url(self.env()["REDIS_URL"], socket_connect_timeout=1, socket_timeout=2) as client:
            client.ping()

    def env(self) -> dict[str, str]:
        return {"REDIS_URL": f"redis://:{self.password}@127.0.0.1:{self.port}/0"}

    def clean_up(self) -> None:
        """Nothing outside of its folder."""

    def _configuration(self) -> str:
        return "\n".join(
            [
                "bind 127.0.0.1",
                f"port {self.port}",
                f"requirepass {self.password}",
                f'dir "{self.cwd}"',
                'save ""',
                f"appendonly {'yes' if self.durable else 'no'}",
                "appendfsync everysec",
                "maxmemory-policy noeviction",  # a queue that forgets is not a queue
                "",
            ]
        )
