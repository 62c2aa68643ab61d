"""The simulator over HTTP, on loopback.

    POST /messages {"callback_url", "messages": [{"id", "to", "channel", "text" or "payload", "ttl"?}]}   (1..200)
      200 {"results": [{"id", "status": "accepted" | "rejected" | "throttled" | "unreachable",
                        "carrier_message_id"?, "error"?, "retry_after"?}]}
    POST /messages/query {"ids": [...]}   (1..200; 404 where SINTALK_SIMULATOR_LOOKUP=0)
      200 {"results": [{"id", "status": "accepted" | "unheard", "carrier_message_id"?}]}
    POST /phones {"phone", "do", ...}: use a phone, see `phones.py`
    GET /health
      200 {"status": "ok", "accepted": since the start, "receipts_waiting": n}

One process, because the ids it has seen are in its memory. Python's own threading HTTP server does: a request
carries 200 messages, so a few hundred a second are all it has to take.
"""

from __future__ import annotations

import json
import logging
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from sintalk.carriers.simulator.centre import Centre, Refused
from sintalk.carriers.simulator.log import LogInUse
from sintalk.config import ConfigError, Settings

log = logging.getLogger(__name__)

MAX_BODY = 8 * 1024 * 1024
IDLE_S = 75  # longer than our adapter keeps a connection, so that it is never closed under a request


class Handler(BaseHTTPRequestHandler):
    """HTTP in, `Centre` behind."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    wbufsize = -1  # headers and body in one packet,
    disable_nagle_algorithm = True  # which leaves at once
    server: Server

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, self.server.centre.health())
        else:
            self._answer(404, {"error": "not_found"})

    def do_POST(self) -> None:
        try:
            body = self._body()
            if self.path == "/phones":
                self._answer(200, self.server.centre.use_phone(body))
                return
            if self.path == "/messages/query":
                self._answer(200, self.server.centre.look_up(body))
                return
            answer = self.server.centre.take(body)
        except Refused as refused:
            self._answer(refused.status, {"error": refused.error})
            return
        time.sleep(self.server.latency_s)
        self._answer(200, answer)

    def _body(self) -> Any:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True  # what it sends is not read, and would be taken for a request
            raise Refused(413, "payload_too_large") if length.isdigit() else Refused(411, "length_required")
        raw = self.rfile.read(int(length))
        if self.path not in self.server.paths:
            raise Refused(404, "not_found")
        # A page in somebody's browser cannot send this type to us without asking first.
        if self.headers.get_content_type() != "application/json":
            raise Refused(415, "unsupported_media_type")
        try:
            return json.loads(raw)
        except ValueError:
            raise Refused(400, "malformed_json") from None

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class Server(ThreadingHTTPServer):
    """A thread a connection; those still answering do not hold up a stop."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], centre: Centre, *, latency_s: float, lookup: bool = True
    ) -> None:
        super().__init__(address, Handler)
        self.centre = centre
        self.latency_s = latency_s
        self.paths = {"/messages", "/phones"} | ({"/messages/query"} if lookup else set())


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigError where a setting is missing or the port is taken."""
    address = _address(settings)
    if not settings.secret_key:
        raise ConfigError("The simulator signs its callbacks: set SINTALK_SECRET_KEY.")
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    try:
        centre = Centre(
            settings.data / "simulator",
            secret_key=settings.secret_key,
            idempotent=settings.simulator_idempotent,
            tps=settings.simulator_tps,
        )
        server = Server(
            address,
            centre,
            latency_s=settings.simulator_latency_ms / 1000,
            lookup=settings.simulator_lookup,
        )
    except LogInUse as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(
            f"The simulator cannot listen on {settings.simulator_url}: {error.strerror}."
        ) from error
    centre.start()
    threading.Thread(target=server.serve_forever, args=(0.1,), name="http", daemon=True).start()
    log.info("simulator listening on %s", settings.simulator_url)
    stop.wait()
    server.shutdown()
    server.server_close()
    centre.stop()


def _address(settings: Settings) -> tuple[str, int]:
    parts = urlsplit(settings.simulator_url or "")
    if parts.scheme != "http" or not parts.hostname or not parts.port:
        raise ConfigError("SINTALK_SIMULATOR_URL takes an address like http://127.0.0.1:9201.")
    return parts.hostname, parts.port
