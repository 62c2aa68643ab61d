"""Receipts on their way back: kept until they are due, batched by address, sent until somebody takes them."""

from __future__ import annotations

import heapq
import json
import logging
import math
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import httpx

from sintalk.carriers.simulator import wire
from sintalk.carriers.simulator.log import ReceiptJournal, timestamp

log = logging.getLogger(__name__)

#: Receipts become due in steps of this, so that those of many requests share a call.
TICK_S = 0.25
#: The first pause after a call that failed; it doubles up to the second.
PAUSES_S = (0.25, 5.0)
#: A receipt that nobody took for so long is dropped; one that is younger survives a restart.
GIVE_UP_S = 3600.0
SENDERS = 2
#: Refusals that another try may lift; any other 4xx is for good.
WORTH_ANOTHER_TRY = {408, 425, 429}


def tick_of(seconds: float) -> int:
    """The first step that is not before this moment."""
    return math.ceil(seconds / TICK_S)


@lru_cache(maxsize=1024)
def _moment(tick: int) -> str:
    return timestamp(tick * TICK_S)


class Receipt(NamedTuple):
    """What became of a message; `tick` says when, in steps since 1970, also when it is sent later."""

    id: str
    carrier_message_id: str | None
    status: str
    error: str | None
    tick: int
    call: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        told = {
            "id": self.id,
            "carrier_message_id": self.carrier_message_id,
            "status": self.status,
            "error": self.error,
            "at": _moment(self.tick),
        }
        return told if self.call is None else {**told, "call": self.call}


class Answer(NamedTuple):
    """What the person at the phone did: wrote (`inbound`), tapped a chip (`tap`), pressed a `key`."""

    kind: str
    id: str | None
    phone: str
    text: str
    data: str | None
    tick: int

    def as_json(self) -> dict[str, Any]:
        told = {name: value for name, value in self._asdict().items() if name != "tick" and value is not None}
        return {**told, "at": _moment(self.tick)}


Told = Receipt | Answer


@dataclass
class Outbox:
    """One address: its receipts that are due, and how it did lately."""

    due: deque[Told] = field(default_factory=deque)
    failures: int = 0
    rests_until: float = 0.0

    def failed(self) -> float:
        """Note a call that nobody took; answers the pause in seconds that follows it."""
        pause = min(PAUSES_S[0] * 2.0**self.failures, PAUSES_S[1])
        self.failures = min(self.failures + 1, 16)
        self.rests_until = time.monotonic() + pause
        return pause


class Receipts:
    """The queue and its senders."""

    def __init__(self, key: bytes, journal: ReceiptJournal) -> None:
        self._key = key
        self._journal = journal
        self._ticks: dict[int, list[tuple[str, Told]]] = {}
        self._next_ticks: list[int] = []
        self._outboxes: dict[str, Outbox] = {}
        self._changed = threading.Condition()
        self._stopping = False

    def start(self) -> None:
        """Start sending."""
        certificates = ssl.create_default_context()  # the system's
        for number in range(SENDERS):
            name = f"receipts-{number}"
            threading.Thread(target=self._send_on, args=(certificates,), name=name, daemon=True).start()

    def stop(self) -> None:
        """Stop sending; what is left is owed, and sent after the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def add(self, url: str, receipts: Iterable[Told]) -> None:
        """Send these to the address when they are due."""
        with self._changed:
            for receipt in receipts:
                if receipt.tick not in self._ticks:
                    self._ticks[receipt.tick] = []
                    heapq.heappush(self._next_ticks, receipt.tick)
                self._ticks[receipt.tick].append((url, receipt))
            self._changed.notify()

    def withdraw(self, receipt: Receipt) -> None:
        """Do not send this one, which is not due yet."""
        with self._changed:
            if any(told is receipt for _, told in self._ticks.get(receipt.tick, ())):
                self._ticks[receipt.tick] = [
                    each for each in self._ticks[receipt.tick] if each[1] is not receipt
                ]

    def waiting(self) -> int:
        """Receipts that are not sent yet, due or not."""
        with self._changed:
            return sum(map(len, self._ticks.values())) + sum(len(box.due) for box in self._outboxes.values())

    def _send_on(self, certificates: ssl.SSLContext) -> None:
        # No proxy: the address is our own web server's.
        with httpx.Client(timeout=10, trust_env=False, verify=certificates) as client:
            while (found := self._next_batch()) is not None:
                url, batch = found
                if batch:
                    self._deliver(client, url, batch)

    def _next_batch(self) -> tuple[str, list[Told]] | None:
        """What to send now, nothing after a wait where nothing is due; None when it is time to stop."""
        with self._changed:
            if self._stopping:
                return None
            self._collect_due()
            for url, box in self._outboxes.items():
                if box.due and box.rests_until <= time.monotonic():
                    batch = list(islice(box.due, wire.MAX_RECEIPTS))
                    for _ in batch:
                        box.due.popleft()
                    return url, batch
            busy = self._next_ticks or any(box.due for box in self._outboxes.values())
            self._changed.wait(TICK_S / 5 if busy else None)
            return "", []

    def _collect_due(self) -> None:
        now = time.time()
        while self._next_ticks and self._next_ticks[0] * TICK_S <= now:
            for url, receipt in self._ticks.pop(heapq.heappop(self._next_ticks)):
                self._outboxes.setdefault(url, Outbox()).due.append(receipt)

    def _deliver(self, client: httpx.Client, url: str, batch: list[Told]) -> None:
        told: dict[str, list[Any]] = {
            "receipts": [each.as_json() for each in batch if isinstance(each, Receipt)]
        }
        if answers := [each.as_json() for each in batch if isinstance(each, Answer)]:
            told["answers"] = answers
        body = json.dumps(told).encode()
        headers = {"Content-Type": "application/json", **wire.sign(self._key, body, int(time.time()))}
        try:
            status = client.post(url, content=body, headers=headers).status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._keep(url, batch, f"{type(error).__name__}: {error}")
            return
        if 200 <= status < 300:
            self._done(url, batch)
        elif 400 <= status < 500 and status not in WORTH_ANOTHER_TRY:
            log.warning("%d receipts refused with %d, dropped", len(batch), status)
        else:
            self._keep(url, batch, str(status))

    def _done(self, url: str, batch: list[Told]) -> None:
        try:
            self._journal.note_done([each.id for each in batch if isinstance(each, Receipt)])
        except OSError as error:
            log.warning("receipts sent but not noted, they may be sent again: %s", error)
        with self._changed:
            self._outboxes[url].failures = 0

    def _keep(self, url: str, batch: list[Told], why: str) -> None:
        oldest = tick_of(time.time() - GIVE_UP_S)
        with self._changed:
            box = self._outboxes[url]
            box.due.extendleft(receipt for receipt in reversed(batch) if receipt.tick > oldest)
            pause = box.failed()
        log.info("receipts not taken (%s), again in %.2f s", why, pause)
