"""The phones at the other end: what each message leads to there, and people who use them.

    {"phone", "do": "look"}                                     how it stands
    {"phone", "do": "off"} or "on"                              a phone that is off takes nothing: messages wait for it
    {"phone", "do": "read", "id"}                               an RCS message was looked at
    {"phone", "do": "write", "text", "id"?}                     somebody writes back
    {"phone", "do": "tap", "text", "data", "id"}                a chip is tapped
    {"phone", "do": "key", "text", "id"}                        a key is pressed in a call

Each answers `{"off": bool, "waiting": messages}`. Which phones are off is forgotten with a restart.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Any

from sintalk.carriers.simulator.log import Accepted
from sintalk.carriers.simulator.outcomes import Fate, call_of, fate_of, switched_off
from sintalk.carriers.simulator.receipts import GIVE_UP_S, Answer, Receipt, Receipts, Told, tick_of

#: From the first receipt to the second.
THEN_S = 2.0
ANSWERS = {"write": "inbound", "tap": "tap", "key": "key"}
Waiting = tuple[str, Accepted, str | None, Receipt]


class Phones:
    """All phones; thread-safe."""

    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts
        self._off: set[str] = set()
        self._waiting: defaultdict[str, list[Waiting]] = defaultdict(list)
        self._lock = threading.Lock()

    def take(self, url: str, message: Accepted, reference: str | None) -> list[Told]:
        """What is to be called back about this message, and when."""
        with self._lock:
            if message.to not in self._off:
                return _told(message, reference, fate_of(message.to, message.channel))
            if message.channel == "voice":
                return _told(message, reference, switched_off("voice"))
            given_up = _given_up(message, reference)
            self._waiting[message.to].append((url, message, reference, given_up))
            return [given_up]

    def use(self, body: dict[str, Any], *, url: str | None) -> dict[str, Any]:
        """Do what the request says, `url` being where answers go. Raises KeyError, ValueError for nonsense."""
        phone, do = body["phone"], body["do"]
        if not isinstance(phone, str) or do not in ("look", "off", "on", "read", *ANSWERS):
            raise ValueError("no phone, or nothing to do")
        if do in ("off", "on"):
            self._switch(phone, on=do == "on")
        elif do != "look" and url:
            self._receipts.add(url, [_answer(body)])
        with self._lock:
            return {"off": phone in self._off, "waiting": len(self._waiting[phone])}

    def _switch(self, phone: str, *, on: bool) -> None:
        with self._lock:
            if not on:
                self._off.add(phone)
                return
            self._off.discard(phone)
            waiting, now = self._waiting.pop(phone, []), tick_of(time.time())
        for url, message, reference, given_up in waiting:
            if given_up.tick > now:
                self._receipts.withdraw(given_up)
                self._receipts.add(url, _told(message, reference, fate_of(message.to, message.channel)))


def _told(message: Accepted, reference: str | None, fate: Fate) -> list[Told]:
    if not fate.receipt:
        return []
    at = time.time() + fate.receipt_delay()
    call = call_of(fate.ring, message.content) if message.channel == "voice" else None
    error = call["result"] if call and fate.receipt == "not_delivered" else fate.error
    told: list[Told] = [Receipt(message.id, reference, fate.receipt, error, tick_of(at), call)]
    if fate.then:
        told.append(Receipt(message.id, reference, fate.then, None, tick_of(at + THEN_S)))
    if call and fate.ring.key:
        told.append(Answer("key", message.id, message.to, fate.ring.key, None, tick_of(at)))
    return told


def _given_up(message: Accepted, reference: str | None) -> Receipt:
    error = "expired" if message.channel == "rcs" else "absent_subscriber"
    at = time.time() + (message.ttl or GIVE_UP_S)
    return Receipt(message.id, reference, "not_delivered", error, tick_of(at))


def _answer(body: dict[str, Any]) -> Told:
    now, id_ = tick_of(time.time()), body.get("id")
    if body["do"] == "read":
        return Receipt(str(body["id"]), None, "read", None, now)
    text, data = body["text"], body.get("data")
    if not isinstance(text, str) or not isinstance(data, str | None) or not isinstance(id_, str | None):
        raise TypeError("no answer")
    return Answer(ANSWERS[body["do"]], id_, body["phone"], text, data, now)
