"""A receiving end on loopback that remembers what came, and does as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask

from sintalk import create_app
from sintalk.config import Settings
from sintalk.db import db, release
from sintalk.webhooks import service


@dataclass
class Got:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """`statuses` are answered one by one, then 200; `location`, `answer` and `dawdle_s` go with each."""

    server: ThreadingHTTPServer
    scheme: str = "http"
    got: list[Got] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    location: str | None = None
    answer: bytes = b"ok"
    dawdle_s: float = 0.0
    sent: int = 0
    visits: int = 0

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    @property
    def hosts(self) -> list[str]:
        return [got.headers["host"] for got in self.got]


def receiver() -> Receiver:
    """Started; stop it with `server.shutdown()`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # who called died in the middle of it
            headers = {name.lower(): value for name, value in self.headers.items()}
            here.got.append(Got(headers, body, self.path))
            time.sleep(here.dawdle_s)
            self.send_response(here.statuses.pop(0) if here.statuses else 200)
            if here.location:
                self.send_header("Location", here.location)
            self.send_header("Content-Length", str(len(here.answer)))
            self.end_headers()
            for start in range(0, len(here.answer), 16_384):
                here.sent += self.wfile.write(here.answer[start : start + 16_384])

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> Any:
            request = super().get_request()
            here.visits += 1
            return request

        def handle_error(self, *_: Any) -> None:
            """A caller who hangs up early is part of the game."""

    here = Receiver(Server(("127.0.0.1", 0), Handler))
    threading.Thread(target=here.server.serve_forever, args=(0.05,), daemon=True).start()
    return here


@pytest.fixture
def shop() -> Iterator[Receiver]:
    """The tenant's own server."""
    here = receiver()
    yield here
    here.server.shutdown()
    here.server.server_close()


@pytest.fixture
def canary() -> Iterator[Receiver]:
    """Something on the inner network that nobody must ever reach."""
    here = receiver()
    yield here
    here.server.shutdown()
    here.server.server_close()


@pytest.fixture
def own_settings(own_settings: Settings) -> Settings:
    return replace(own_settings, webhooks_allow_loopback=True)


@pytest.fixture
def strict_app(own_settings: Settings) -> Iterator[Flask]:
    """The same installation, whose operator allows no loopback."""
    app = create_app(replace(own_settings, webhooks_allow_loopback=False))
    app.testing = True
    with app.app_context():
        yield app
        release()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def listening(app: Flask, tenant: Any, actor: Any, shop: Receiver) -> Any:
    """An endpoint of Alice's company at the shop, for everything."""
    return service.create(
        tenant.id,
        url=shop.url,
        events=[
            "notification.status",
            "campaign.finished",
            "campaign.paused",
            "import.finished",
            "balance.low",
        ],
        by=actor,
    )
