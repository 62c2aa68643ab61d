"""Over TLS: the address is pinned, the name is what is asked for and what the certificate must carry."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sintalk.webhooks import calling, signing
from sintalk.webhooks.addresses import Target
from tests.webhooks.conftest import Receiver
from tests.webhooks.test_delivering import verified

#: Key and certificate of shop.example.com, its own authority; of no use to anybody.
PEM = Path(__file__).with_name("shop.pem")


@pytest.fixture
def names(shop: Receiver) -> list[str | None]:
    """The shop speaks TLS; the names that callers asked for in their handshake."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    shop.server.socket = context.wrap_socket(shop.server.socket, server_side=True)
    return asked


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's authorities are the shop's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    calling._certificates.cache_clear()
    yield
    calling._certificates.cache_clear()


def call(shop: Receiver, name: str = "shop.example.com", **headers: str) -> calling.Answer:
    inside = Target("https", name, shop.port, "/hook", loopback=True)
    return calling.post(inside, b'{"a":1}', headers, resolve=lambda host, port: ["127.0.0.1"])


def test_the_name_is_kept_in_handshake_and_host(shop, names, believed):
    secret = signing.new_secret()
    signed = signing.headers("evt", int(time.time()), b'{"a":1}', [secret])
    answer = call(shop, **signed)
    assert (answer.status_code, answer.error) == (200, None)
    assert names == ["shop.example.com"] and shop.hosts == [f"shop.example.com:{shop.port}"]
    assert verified(shop.got[0], secret)


def test_a_certificate_for_another_name_is_refused(shop, names, believed):
    assert call(shop, "other.example.com").error == "certificate"
    assert shop.got == []


def test_a_certificate_that_nobody_vouches_for_is_refused(shop, names: list[Any]):
    calling._certificates.cache_clear()
    assert call(shop).error == "certificate"
    assert shop.got == []
