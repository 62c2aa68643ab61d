"""A simulator of one's own, and somebody to take its receipts: real processes, real sockets."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from sintalk.carriers.base import Attempt, Event, RawRequest, SubmitResult
from sintalk.carriers.simulator.adapter import SimulatorCarrier
from sintalk.config import Settings

ROOT = Path(__file__).parents[2]
SECRET = "a key that only these tests have"
WEB = httpx.Client(trust_env=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(found: Callable[[], Any], *, within_s: float = 20.0) -> Any:
    """What `found` answers once it is true; fails with its last answer."""
    give_up = time.monotonic() + within_s
    while not (result := found()):
        assert time.monotonic() < give_up, f"still {result!r} after {within_s} s"
        time.sleep(0.02)
    return result


@dataclass
class Running:
    """A simulator process over a folder; started again, it is the same carrier. `said`: where its words go."""

    folder: Path
    port: int = field(default_factory=free_port)
    env: dict[str, str] = field(default_factory=dict)
    said: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        return Settings.from_env(
            {
                "SINTALK_DATA": str(self.folder),
                "SINTALK_SECRET_KEY": SECRET,
                "SINTALK_SIMULATOR_URL": f"http://127.0.0.1:{self.port}",
                **self.env,
            }
        )

    @property
    def log_path(self) -> Path:
        return self.folder / "simulator" / "accepted.jsonl"

    def start(self) -> Running:
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SINTALK_DATA": str(self.folder),
            "SINTALK_SECRET_KEY": SECRET,
            "SINTALK_SIMULATOR_URL": f"http://127.0.0.1:{self.port}",
            **self.env,
        }
        words = [sys.executable, "-m", "sintalk.carriers.simulator"]
        with contextlib.ExitStack() as files:
            log = files.enter_context(self.said.open("ab")) if self.said else None
            self.process = subprocess.Popen(words, env=env, stdout=log, stderr=log)
        eventually(self._up)
        return self

    def _up(self) -> bool:
        assert self.process and self.process.poll() is None, "the simulator did not start"
        try:
            return self.health()["status"] == "ok"
        except httpx.HTTPError:
            return False

    def health(self) -> dict[str, Any]:
        return WEB.get(f"http://127.0.0.1:{self.port}/health").json()

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(with_signal)
        return self.process.wait(timeout=10)

    def accepted(self, only: Iterable[Attempt] | None = None) -> list[dict[str, Any]]:
        """The log, every line of which must be whole; or its lines about these attempts."""
        if not self.log_path.exists():
            return []
        lines = [json.loads(line) for line in self.log_path.read_text().splitlines()]
        ids = {str(attempt.id) for attempt in only} if only is not None else None
        return [line for line in lines if ids is None or line["id"] in ids]


class Receiver:
    """A web server that takes receipts, as ours would; `status` is what it answers."""

    def __init__(self, port: int = 0, prefix: str = "") -> None:
        self.status = 200
        self.prefix = prefix or f"/{uuid4().hex}"
        self.calls: list[list[Event]] = []
        self.requests: list[RawRequest] = []
        self.carrier: SimulatorCarrier | None = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not self.path.startswith(receiver.prefix):  # another test's, that had this port before
                    self.send_error(404)
                    return
                receiver.take(
                    RawRequest(headers=dict(self.headers), body=body, token=self.path.rpartition("/")[2])
                )
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}{self.prefix}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, request: RawRequest) -> None:
        self.requests.append(request)
        if self.status == 200:
            assert self.carrier
            self.calls.append(self.carrier.parse_callback(request))

    @property
    def events(self) -> list[Event]:
        return [event for call in list(self.calls) for event in call]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def attempts(count: int, *, ending: str | None = None) -> list[Attempt]:
    """SMS to as many numbers; `ending` is what all of them end in."""
    return [
        Attempt(
            id=uuid4(),
            to=f"+5511{90_000_000 + number:08d}1" if ending is None else f"+55119{number:04d}{ending}",
            channel="sms",
            text=f"Olá, você é o número {number}",
        )
        for number in range(count)
    ]


def outcomes(results: Iterable[SubmitResult]) -> list[str]:
    return [result.outcome.value for result in results]
