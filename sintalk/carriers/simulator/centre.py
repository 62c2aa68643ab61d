"""What the simulator does with a request, whatever brought it: decide, write down, answer, owe receipts."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sintalk.carriers.simulator import wire
from sintalk.carriers.simulator.log import Accepted, AcceptedLog, ReceiptJournal, timestamp
from sintalk.carriers.simulator.outcomes import RETRY_AFTER_S, THROTTLED_TIMES, fate_of
from sintalk.carriers.simulator.phones import Phones
from sintalk.carriers.simulator.receipts import GIVE_UP_S, Receipts

log = logging.getLogger(__name__)

CHANNELS = {"sms", "rcs", "voice"}
ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PHONE = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
#: How much of a payload is written into the log.
SUMMARY_LENGTH = 300

Answer = dict[str, Any]


class Refused(Exception):
    """The whole request is refused: `status` and an error code. Nothing of it was taken."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status, self.error = status, error


class Centre:
    """The simulated carrier over one folder; thread-safe."""

    def __init__(self, folder: Path, *, secret_key: str, idempotent: bool, tps: int = 0) -> None:
        self._accepted = AcceptedLog(folder / "accepted.jsonl", idempotent=idempotent)
        self._journal = ReceiptJournal(folder / "receipts.jsonl")
        self._receipts = Receipts(wire.signing_key(secret_key), self._journal)
        self.phones = Phones(self._receipts)
        self._idempotent = idempotent
        self._throttled: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._count = 0
        # Two seconds' worth at once: who keeps to the rate by a clock of their own is not told to slow down.
        self._tps, self._room, self._at = tps, 2.0 * tps, time.monotonic()

    def start(self) -> None:
        """Learn back what a stop or a kill left behind, and start sending receipts, the owed ones first."""
        since = timestamp(time.time() - GIVE_UP_S)
        owed = self._accepted.recover(since=since, settled=self._journal.recover(since=since))
        if self._journal.callback_url and owed:
            log.info("%d receipts are owed from before", len(owed))
            references = {each.id: _reference(each.id) for each in owed} if self._idempotent else {}
            self._owe(self._journal.callback_url, owed, references)
        self._receipts.start()

    def stop(self) -> None:
        """Take nothing more."""
        self._receipts.stop()
        self._accepted.close()
        self._journal.close()

    def health(self) -> Answer:
        return {"status": "ok", "accepted": self._count, "receipts_waiting": self._receipts.waiting()}

    def take(self, body: Any) -> Answer:
        """Answer a request. Raises Refused for one that is wrong as a whole."""
        url, fields = _checked(body)
        at = timestamp(time.time())
        answers: list[Answer] = []
        wanted: list[Accepted] = []
        for each in fields:
            try:
                message = _read(each, at)
            except (ValueError, TypeError, KeyError, AttributeError):
                given = each.get("id") if isinstance(each, dict) else None
                answers.append({"id": given, "status": "rejected", "error": "invalid_message"})
                continue
            refusal = self._refusal(message)
            if refusal:
                answers.append(refusal)
            else:
                wanted.append(message)
        return {"results": answers + self._accept(url, wanted)}

    def look_up(self, body: Any) -> Answer:
        """Say which of these messages were taken; nothing is taken by it. Raises Refused."""
        ids = body.get("ids") if isinstance(body, dict) else None
        if not isinstance(ids, list) or not 1 <= len(ids) <= wire.MAX_BATCH:
            raise Refused(422, "bad_batch_size")
        if not all(isinstance(each, str) and ID.fullmatch(each) for each in ids):
            raise Refused(422, "malformed_request")
        return {"results": [self._told(each) for each in ids]}

    def _told(self, message_id: str) -> Answer:
        if not self._accepted.has(message_id):
            return {"id": message_id, "status": "unheard"}
        reference = {"carrier_message_id": _reference(message_id)} if self._idempotent else {}
        return {"id": message_id, "status": "accepted", **reference}

    def _refusal(self, message: Accepted) -> Answer | None:
        fate = fate_of(message.to, message.channel)
        if fate.answer in ("rejected", "unreachable"):
            return {"id": message.id, "status": fate.answer, "error": fate.error}
        if self._accepted.knows(message.id):
            return None
        if self._too_fast() or (fate.answer == "throttled" and self._throttle(message.id)):
            return {"id": message.id, "status": "throttled", "retry_after": RETRY_AFTER_S}
        return None

    def _too_fast(self) -> bool:
        if not self._tps:
            return False
        with self._lock:
            moment = time.monotonic()
            self._room = min(2.0 * self._tps, self._room + (moment - self._at) * self._tps)
            self._at = moment
            if self._room < 1:
                return True
            self._room -= 1
            return False

    def _throttle(self, message_id: str) -> bool:
        with self._lock:
            if self._throttled[message_id] >= THROTTLED_TIMES:
                del self._throttled[message_id]
                return False
            self._throttled[message_id] += 1
            return True

    def _accept(self, url: str, messages: list[Accepted]) -> list[Answer]:
        if not messages:
            return []
        try:
            self._journal.note_callback_url(url)
            new = self._accepted.append(messages)
        except OSError as error:
            log.error("nothing accepted, the log cannot be written: %s", error)
            raise Refused(503, "log_not_writable") from error
        references = {each.id: self._new_reference(each.id) for each in new}
        self._owe(url, new, references)
        with self._lock:
            self._count += len(new)
        lost = {each.id for each in new if fate_of(each.to, each.channel).answer == "lost"}
        return [
            {"id": m.id, "status": "accepted", "carrier_message_id": references.get(m.id) or _reference(m.id)}
            for m in messages
            if m.id not in lost
        ]

    def _owe(self, url: str, messages: Iterable[Accepted], references: Mapping[str, str]) -> None:
        self._receipts.add(
            url,
            [told for each in messages for told in self.phones.take(url, each, references.get(each.id))],
        )

    def use_phone(self, body: Any) -> Answer:
        """Do something with a phone (see `phones`). Raises Refused."""
        try:
            return self.phones.use(body, url=self._journal.callback_url)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Refused(422, "malformed_request") from error

    def _new_reference(self, message_id: str) -> str:
        """Made of the id, so that a repeated one is answered as before; else each acceptance has its own."""
        return _reference(message_id if self._idempotent else str(uuid4()))


def _checked(body: Any) -> tuple[str, list[Any]]:
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
        raise Refused(400, "malformed_request")
    url, messages = body.get("callback_url"), body["messages"]
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise Refused(422, "bad_callback_url")
    if not 1 <= len(messages) <= wire.MAX_BATCH:
        raise Refused(422, "bad_batch_size")
    return url, messages


def _reference(message_id: str) -> str:
    return "sim-" + message_id.replace("-", "")


def _read(fields: Mapping[str, Any], at: str) -> Accepted:
    """A message as it will be logged. Raises ValueError, TypeError or KeyError for what is none."""
    text = fields.get("text")
    if text is None:
        text = _summary(fields["payload"])
    content, ttl = fields.get("payload") or {}, fields.get("ttl")
    if not isinstance(content, dict) or not (ttl is None or (type(ttl) is int and ttl > 0)):
        raise TypeError("no payload")
    message = Accepted(fields["id"], fields["to"], fields["channel"], text, at, content, ttl)
    known = message.channel in CHANNELS and ID.fullmatch(message.id) and PHONE.fullmatch(message.to)
    if not known or not isinstance(text, str):
        raise ValueError("no message")
    return message


def _summary(payload: Any) -> str:
    """A payload in one line, for the log."""
    if not isinstance(payload, dict):
        raise TypeError("no payload")
    return json.dumps(payload, ensure_ascii=False)[:SUMMARY_LENGTH]
