"""Only a proxy that the operator named may say who the visitor is."""

from __future__ import annotations

import pytest

from sintalk.config import ConfigError
from sintalk.web.proxies import TrustedProxies


def seen_by(app_address: str, trusted: list[str]) -> tuple[str, str]:
    seen = {}

    def app(environ, start_response):
        seen.update(environ)
        return []

    environ = {
        "REMOTE_ADDR": app_address,
        "HTTP_X_FORWARDED_FOR": "203.0.113.9",
        "HTTP_X_FORWARDED_PROTO": "https",
        "wsgi.url_scheme": "http",
    }
    TrustedProxies(app, trusted)(environ, lambda *_: None)
    return seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]


@pytest.mark.parametrize(
    ("address", "trusted", "expected"),
    [
        ("127.0.0.1", ["127.0.0.1"], ("203.0.113.9", "https")),
        ("10.1.2.3", ["10.0.0.0/8"], ("203.0.113.9", "https")),
        ("::1", ["::1"], ("203.0.113.9", "https")),
        ("192.0.2.7", ["127.0.0.1"], ("192.0.2.7", "http")),
        ("", ["127.0.0.1"], ("", "http")),
    ],
)
def test_only_named_proxies_are_believed(address, trusted, expected):
    assert seen_by(address, trusted) == expected


def test_a_proxy_that_is_no_address_is_told_at_once():
    with pytest.raises(ConfigError, match="SINTALK_TRUSTED_PROXIES"):
        TrustedProxies(None, ["my-proxy"])
