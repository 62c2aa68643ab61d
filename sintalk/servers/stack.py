"""Several servers started side by side, as one thing with addresses and a stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from sintalk.config import Settings
from sintalk.servers.postgres import Postgres
from sintalk.servers.process import (
    Child,
    ServerError,
    StopAskedError,
    end_leftovers,
    last_words,
    private_folder,
    server_environment,
    spawn,
)
from sintalk.servers.seaweed import Seaweed
from sintalk.servers.valkey import Valkey

#: Seconds that a server gets to answer. Generous: a first start on a busy machine, or recovery after a crash.
PATIENCE = 60.0


class Server(Protocol):
    """What stack and supervisor need to know of a server; each lives in a module of its own."""

    name: str
    title: str
    variables: str
    stop_signal: Any
    death_signal: Any
    patience: float
    cwd: Path

    @property
    def outer(self) -> Sequence[str]: ...
    @property
    def environment(self) -> Mapping[str, str]: ...
    def prepare(self) -> None: ...
    def command(self) -> list[str]: ...
    def become_ready(self) -> None: ...
    def env(self) -> dict[str, str]: ...
    def clean_up(self) -> None: ...


@dataclass
class Stack:
    """Running servers. `env` holds the addresses of those we started, named as the settings."""

    data: Path
    servers: dict[str, Server] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    given_up: threading.Event = field(default_factory=threading.Event)

    def launch(self, name: str) -> Child:
        """Start this server's process (again), with the same address as before. Main thread only."""
        server = self.servers[name]
        self.children[name] = spawn(
            server.name,
            server.command(),
            data=self.data,
            env=server.environment or server_environment(),
            cwd=server.cwd,
            stop_signal=server.stop_signal,
            death_signal=server.death_signal,
            outer=server.outer,
        )
        return self.children[name]

    def stop(self, *, patience: float | None = None) -> None:
        """Ask all to stop; insist after each one's own patience, or this one. May be called twice."""
        for child in self.children.values():
            child.ask_to_stop()
        asked = time.monotonic()
        for name, child in self.children.items():
            limit = self.servers[name].patience if patience is None else patience
            child.stop(max(0.1, asked + limit - time.monotonic()))
        for server in self.servers.values():
            server.clean_up()
        self.children.clear()


def start_stack(
    data: Path,
    settings: Settings,
    *,
    durable: bool = True,
    only: Sequence[str] = ("postgres", "valkey", "s3"),
    tell: Callable[[str], None] = lambda line: None,
    stop: threading.Event | None = None,
) -> Stack:
    """Start the servers that the settings do not name by URL, and wait until each does its work.

    `durable=False` is for tests: nothing waits for the disk, and a crash may cost the data. The caller makes
    sure that nobody else uses `data` (`sintalk up` holds a lock on it). Call from the main
    thread; the servers die with it. Raises ServerError with one sentence; StopAskedError when
    `stop` is set meanwhile.
    """
    data = private_folder(data.absolute())
    end_leftovers(data)
    stack = Stack(data, given_up=stop or threading.Event())
    wanted = [name for name in only if not _named(name, settings)]
    try:
        stack.servers = {name: _build(name, data, settings, durable) for name in wanted}
        _side_by_side(stack, lambda name: stack.servers[name].prepare())
        for name in wanted:
            stack.launch(name)
        _side_by_side(stack, lambda name: _wait(stack, name, tell))
    except BaseException:
        stack.stop(patience=3.0)
        raise
    for server in stack.servers.values():
        stack.env.update(server.env())
    return stack


def origins(settings: Settings) -> list[str]:
    """The addresses under which a browser shows our pages, and uploads from: the public one, and loopback."""
    shown = urlsplit(settings.public_url)
    local = [f"http://{host}:{settings.port}" for host in ("127.0.0.1", "localhost")]
    return sorted({f"{shown.scheme}://{shown.netloc}", *local})


def _named(name: str, settings: Settings) -> bool:
    """Whether the person brought their own. A store at AWS itself has keys or a bucket, but no address."""
    own_store = settings.s3_endpoint_url or settings.s3_access_key_id or settings.s3_bucket != "sintalk"
    return bool({"postgres": settings.database_url, "valkey": settings.redis_url, "s3": own_store}[name])


def _build(name: str, data: Path, settings: Settings, durable: bool) -> Server:
    if name == "postgres":
        return Postgres(data, binary=settings.pg_bin, durable=durable)
    if name == "valkey":
        return Valkey(data, binary=settings.valkey_bin, durable=durable)
    return Seaweed(
        data,
        binary=settings.weed_bin,
        bucket=settings.s3_bucket,
        region=settings.s3_region,
        origins=origins(settings),
        public_url=settings.s3_public_url,
    )


def _side_by_side(stack: Stack, work: Callable[[str], None]) -> None:
    with ThreadPoolExecutor(max_workers=max(1, len(stack.servers))) as pool:
        try:
            list(pool.map(work, stack.servers))
        except BaseException:
            stack.given_up.set()  # the others stop waiting too
            raise


def _wait(stack: Stack, name: str, tell: Callable[[str], None]) -> None:
    """Until the server does its work; the sentence about why not, when it ended or takes for ever."""
    server, child = stack.servers[name], stack.children[name]
    deadline = time.monotonic() + PATIENCE
    reason: object = ""
    while child.alive() and time.monotonic() < deadline:
        if stack.given_up.is_set():
            raise StopAskedError
        try:
            server.become_ready()
        except Exception as error:  # each client has its own words for "not yet"
            reason = error
            time.sleep(0.05)
        else:
            tell(f"{server.title} is ready")
            return
    said = last_words(child.log) if not child.alive() else f"no answer in {PATIENCE:.0f} seconds: {reason}"
    raise ServerError(f"{server.title} did not start ({said}; see {child.log}); set {server.variables}.")
