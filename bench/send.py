"""How many requests to POST /send are taken in.

With one recipient against a bare view that validates the same body, inserts a row and commits, under the same
gunicorn; with 1,000 recipients against a raw COPY of the same rows into the same table. The bare view sends
nothing, so no worker sends here either; then once more with the whole product under way, on the same two cores.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy import update

from bench import harness
from bench.harness import KEPT, ROOT, SECRET, Figure, Product, say, timed, wait
from bench.people import people
from sintalk.auth import service as auth
from sintalk.auth.models import ApiKey
from sintalk.db import atomic, new_id, session
from sintalk.message_templates import service as templates
from sintalk.message_templates.schemas import TemplateIn
from sintalk.messages import filling
from sintalk.messages.filling import Common, Draft
from sintalk.messages.models import Notification
from sintalk.servers.ports import is_free

TEXT = "Ola {{nome}}, seu pedido {{pedido}} saiu para entrega."
#: Clients at a time, seconds a round, rounds of each side in turn.
CLIENTS, ROUND_S, ROUNDS = 16, 5.0, 3
LARGE, LARGE_CLIENTS, LARGE_REQUESTS = 1_000, 4, 40


def run() -> list[Figure]:
    """All figures; in the whole product, what was taken in is waited for until it has left."""
    with harness.product(SINTALK_WORKERS="default=1") as product:
        ours, theirs = _against_bare(product, sent=False)
        template_id, key = _template(product), _key(product)
        address = (product.settings.host, product.settings.port)
        say("Requests of 1,000")
        large = _large(address, _request("/api/v1/send", key, template_id, LARGE))
        copying = _copy(product, template_id, LARGE * LARGE_REQUESTS)
    with harness.product() as product:
        busy, bare = _against_bare(product, sent=True)
    return [
        Figure("POST /send, 1 recipient", ours, "bare INSERT view", theirs, 0.40),
        Figure("POST /send, 1,000 recipients (rows)", large, "raw COPY", copying, 0.15),
        Figure("POST /send, 1 recipient, sent meanwhile", busy, "bare INSERT view", bare),
    ]


def _against_bare(product: Product, *, sent: bool) -> tuple[float, float]:
    """Requests a second of both, in turn, the median of each."""
    template_id, key = _template(product), _key(product)
    address = (product.settings.host, product.settings.port)
    one = _request("/api/v1/send", key, template_id, 1)
    with product.connection() as connection:
        connection.execute("CREATE TABLE bare_notifications (LIKE notifications INCLUDING ALL)")
        connection.commit()
    ours, theirs = [], []
    with _bare(product) as bare:
        control = _request("/send", key, template_id, 1)
        for _ in range(ROUNDS):
            theirs.append(_rate(bare, control))
            ours.append(_rate(address, one))
            if sent:
                wait(lambda: _unsent() == 0, what="the messages leave", patience_s=120)
    return median(ours), median(theirs)


def _template(product: Product) -> UUID:
    made = TemplateIn.model_validate({"name": "Pedido", "channel": "sms", "sms": {"text": TEXT}})
    return templates.create(product.owner.tenant_id, made, by=product.owner.actor()).id


def _key(product: Product) -> str:
    """A key that may ask as often as it likes."""
    made, plain = auth.create_key(product.owner.tenant_id, name="bench", by=product.owner.actor())
    with atomic() as current:
        current.execute(update(ApiKey).where(ApiKey.id == made.id).values(rate_limit_per_minute=10**8))
    return plain


def _request(path: str, key: str, template_id: UUID, count: int) -> bytes:
    """A whole request, ready for the socket."""
    recipients = [
        {"phone": each.phone, "name": each.name, "variables": {"pedido": each.bill}} for each in people(count)
    ]
    body = json.dumps({"channel": "sms", "template_id": str(template_id), "recipients": recipients}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Client:
    """As little as a client can be, so that the servers have the machine to themselves."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> None:
        """Send it and read the answer to its end. Raises AssertionError where it is not 202."""
        self.socket.sendall(request)
        got = self.socket.recv(65_536)
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self.socket.recv(65_536)
        assert got.startswith(b"HTTP/1.1 202"), got[:2_000]
        length = int(got[:end].lower().split(b"content-length:")[1].split(b"\r\n")[0])
        left = length - (len(got) - end - 4)
        while left > 0:
            left -= len(self.socket.recv(1 << 20))


def _rate(address: tuple[str, int], request: bytes) -> float:
    """Requests a second that CLIENTS at a time get answered."""
    done: list[int] = []
    until = time.monotonic() + ROUND_S

    def ask() -> None:
        client, count = Client(address), 0
        while time.monotonic() < until:
            client.ask(request)
            count += 1
        done.append(count)

    seconds = timed(lambda: _together([ask] * CLIENTS))
    assert len(done) == CLIENTS, "a client failed"
    say(f"  {request.split()[1].decode()}: {sum(done) / seconds:,.0f} requests a second")
    return sum(done) / seconds


def _large(address: tuple[str, int], request: bytes) -> float:
    """Rows a second, LARGE_CLIENTS requests at a time."""
    each = LARGE_REQUESTS // LARGE_CLIENTS

    def ask() -> None:
        client = Client(address)
        for _ in range(each):
            client.ask(request)

    return each * LARGE_CLIENTS * LARGE / timed(lambda: _together([ask] * LARGE_CLIENTS))


def _together(work: Sequence[Any]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _unsent() -> int:
    waiting = Notification.status.in_(("queued", "sending"))
    return session().query(Notification).filter(waiting).limit(1).count()


def _copy(product: Product, template_id: UUID, count: int) -> float:
    """Rows a second of one COPY of the same messages, durably committed."""
    common = Common(product.owner.tenant_id, new_id(), 0, template_id, "sms", "simulator", once=False)
    drafts = (
        Draft(None, each.phone, each.name, f"Ola {each.name}, seu pedido {each.bill}", "gsm7", 1, 80_000)
        for each in people(LARGE)
        for _ in range(count // LARGE)
    )
    block = filling.block(common, ((new_id(), draft) for draft in drafts))

    def copy() -> None:
        with connection.cursor() as cursor, cursor.copy(filling.COPY) as writer:
            writer.write(block)
        connection.commit()

    with product.connection() as connection:
        connection.execute("SET session_replication_role = replica")  # the dispatch itself need not exist
        return count / timed(copy)


@contextmanager
def _bare(product: Product) -> Iterator[tuple[str, int]]:
    """The control under the product's own gunicorn settings; its address."""
    port = next(port for port in range(23_100, 24_000) if is_free(port))
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    env |= {"SINTALK_DATA": str(product.settings.data), "SINTALK_SECRET_KEY": SECRET, "PORT": str(port)}
    words = ["-m", "gunicorn", "-c", "python:sintalk.servers.web", "bench.bare_send:app"]
    process = subprocess.Popen([sys.executable, *words], env={**env, "PYTHONPATH": str(ROOT)}, cwd=ROOT)
    try:
        wait(lambda: not is_free(port), what="the control listens", patience_s=30)
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait(20)
