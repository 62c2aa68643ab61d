"""One call to an endpoint: resolved, judged, pinned, timed and capped. Knows no database.

The name is resolved and judged inside the connection itself, so there is no moment between the check and
its use; TLS and the Host header keep the name. There are no redirects, no proxies and no kept connections.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any

import httpcore
import httpx

from sintalk.webhooks.addresses import Refused, Target, permitted

log = logging.getLogger(__name__)

CONNECT_S = 3.0
TOTAL_S = 10.0
#: Read no more of an answer than this, and keep no more than that.
READ_BYTES = 64 * 1024
KEPT_BYTES = 1_000

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True)
class Answer:
    """What came of a call. `error` is None where an answer came; only 2xx is a success."""

    status_code: int | None
    start: str | None
    error: str | None
    duration_ms: int

    @property
    def success(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, v4 and v6. Raises OSError, UnicodeError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def post(target: Target, body: bytes, headers: dict[str, str], *, resolve: Resolve = resolve) -> Answer:
    """POST it, within ten seconds all in all. Never raises."""
    began = monotonic()
    status, start, error = None, None, None
    try:
        status, start = _exchange(target, body, headers, _Backend(target, resolve, began + TOTAL_S))
    except Refused as refused:
        error = refused.code
    except httpcore.TimeoutException:
        error = "timeout"
    except (httpcore.NetworkError, httpcore.ProtocolError) as broken:
        error = "certificate" if _is_certificate(broken) else "connection"
    except (OSError, UnicodeError):
        error = "name_not_found"
    except Exception:
        log.exception("calling a webhook failed")
        error = "internal_error"
    return Answer(status, start, error, round((monotonic() - began) * 1000))


def _exchange(target: Target, body: bytes, headers: dict[str, str], backend: _Backend) -> tuple[int, str]:
    wishes = {"connect": CONNECT_S, "read": TOTAL_S, "write": TOTAL_S, "pool": TOTAL_S}
    with (
        httpcore.ConnectionPool(ssl_context=_certificates(), network_backend=backend, http2=False) as pool,
        pool.stream(
            "POST", target.url, headers=list(headers.items()), content=body, extensions={"timeout": wishes}
        ) as answer,
    ):
        read = b""
        for part in answer.iter_stream():
            read += part
            if len(read) >= READ_BYTES:
                break
        return answer.status, read[:KEPT_BYTES].decode("utf-8", "replace").replace("\x00", "\ufffd")


@cache
def _certificates() -> ssl.SSLContext:
    """Whom we believe: the bundled authorities and the system's."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context


def _is_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses that were judged a moment ago, and to no name."""

    def __init__(self, target: Target, resolve: Resolve, deadline: float) -> None:
        self._target, self._resolve, self._deadline = target, resolve, deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = permitted(self._resolve(host, port), loopback=self._target.loopback)
        patience = min(monotonic() + CONNECT_S, self._deadline)
        failure: Exception = httpcore.ConnectTimeout()
        for address in addresses:
            try:
                stream = self._inner.connect_tcp(
                    address, port, _left(patience, httpcore.ConnectTimeout), None, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._deadline)
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection on which every wait ends at the deadline: an answer byte by byte holds nobody up."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._deadline, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(self._deadline, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        patience = min(_left(self._deadline, httpcore.ConnectTimeout), CONNECT_S)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, patience), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(until: float, late: type[Exception]) -> float:
    left = until - monotonic()
    if left <= 0:
        raise late("the ten seconds are over")
    return left
