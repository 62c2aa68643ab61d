"""Behind a proxy: what it says of the visitor counts only where the proxy itself is known by its address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

from sintalk.config import ConfigError


class TrustedProxies:
    """WSGI middleware: X-Forwarded-For, -Proto and -Host are believed from these addresses only."""

    def __init__(self, app: Any, trusted: Sequence[str]) -> None:
        """`trusted`: addresses or networks (10.0.0.0/8). Raises ConfigError for what is neither."""
        self.direct = app
        self.forwarded = ProxyFix(app, x_for=1, x_proto=1, x_host=1)
        self.networks = [_network(text) for text in trusted]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        known = self._known(environ.get("REMOTE_ADDR", ""))
        return (self.forwarded if known else self.direct)(environ, start_response)

    def _known(self, address: str) -> bool:
        try:
            visitor = ip_address(address)
        except ValueError:
            return False
        return any(visitor in network for network in self.networks)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise ConfigError(
            f"SINTALK_TRUSTED_PROXIES takes addresses or networks, as in 127.0.0.1,10.0.0.0/8, not {text!r}."
        ) from None
