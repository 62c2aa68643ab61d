"""What every carrier adapter is to the rest of the product: a handful of words, and no table.

An adapter turns attempts into requests and answers into outcomes, and a callback's bytes into events. The
words of one carrier's protocol stay in its folder.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Protocol, get_args
from uuid import UUID

#: What a receipt can say of a message that the carrier has taken.
ReceiptStatus = Literal["sent", "delivered", "not_delivered", "read", "error"]
RECEIPT_STATUSES: frozenset[str] = frozenset({"sent", "delivered", "not_delivered", "read", "error"})


class Outcome(StrEnum):
    """What became of one attempt; the dispatcher decides by nothing else.

    A definite yes is `ACCEPTED`. A definite no is `PERMANENT` (this message, never), `UNREACHABLE` (this
    person, not on this channel) or `CONFIG` (nobody, until the operator puts the account right). Nothing
    taken, try again: `THROTTLED` (too fast, does not count as an attempt) and `RETRYABLE` (not reached).
    `UNKNOWN` is everything else: bytes may have reached the carrier and no verdict came back.
    """

    ACCEPTED = "accepted"
    THROTTLED = "throttled"
    RETRYABLE = "retryable"
    PERMANENT = "permanent"
    UNREACHABLE = "unreachable"
    CONFIG = "config"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class CarrierInfo:
    """What the carrier is. `idempotency` "client_id": an attempt repeated under its id is taken once, so that
    an unknown one may be sent again. `echoes_reference`: its receipts name our id. `answers_queries`: it can be asked
    what it has of ours (`Carrier.query`).
    """

    name: str
    channels: frozenset[str]
    idempotency: Literal["none", "client_id"]
    echoes_reference: bool
    answers_queries: bool = False


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much the carrier takes: attempts in one `submit`, `submit`s at a time, attempts a second and as many at
    once after a pause (`burst`, a second's worth if nothing is said). None: any number.
    """

    max_batch: int
    concurrent_calls: int | None = None
    tps: float | None = None
    burst: float | None = None


class Attempt(NamedTuple):
    """One message to hand over. `id` is ours and is the carrier's reference; `to` is E.164.

    SMS has `text`; RCS and voice have the rendered `payload`. `ttl_seconds` is for how long it is worth
    delivering, to be told to a carrier that takes it.
    """

    id: UUID
    to: str
    channel: str
    text: str | None = None
    payload: dict[str, Any] | None = None
    ttl_seconds: int | None = None


class SubmitResult(NamedTuple):
    """What became of the attempt. `error_code` is snake_case; `retry_after_s` where the carrier names it."""

    attempt_id: UUID
    outcome: Outcome
    carrier_message_id: str | None = None
    error_code: str | None = None
    retry_after_s: float | None = None


#: How a call ended, and who answered it.
CallResult = Literal[
    "answered", "busy", "no_answer", "failed", "rejected", "invalid_number", "congestion", "canceled"
]
CALL_RESULTS: frozenset[str] = frozenset(get_args(CallResult))
AnsweredBy = Literal["human", "machine", "fax", "unknown"]
ANSWERED_BY: frozenset[str] = frozenset(get_args(AnsweredBy))


class Found(NamedTuple):
    """What a carrier says of an attempt that it was asked about: whether it has it, and under which id of its own."""

    attempt_id: UUID
    has: bool
    carrier_message_id: str | None = None


#: Error codes of receipts that mean something to us on RCS: the message was taken back when its time was over,
#: or it could not be taken back and may still arrive (Google: TTL_EXPIRATION_REVOKED, ..._REVOKE_FAILED).
EXPIRED = "expired"
REVOKE_FAILED = "revoke_failed"


@dataclass(frozen=True, kw_only=True)
class Call:
    """How a call went. `answered_seconds` are counted from the answer, `billed_seconds` are the carrier's bill."""

    result: CallResult
    answered_by: AnsweredBy | None = None
    answered_seconds: int | None = None
    billed_seconds: int | None = None


class Event(NamedTuple):
    """One thing a carrier calls back about. `message_id` is ours, where the carrier echoes it.

    A `receipt` has a status, a call's receipt its `call` too. Somebody's words (`inbound`) have `phone` and
    `text`, and no message where they answer none; a chip (`tap`) its words in `text` and its postback in
    `data`; a `key` pressed in a call stands in `text`.
    """

    kind: Literal["receipt", "inbound", "tap", "key"]
    message_id: UUID | None
    carrier_message_id: str | None
    at: datetime
    status: ReceiptStatus | None = None
    error_code: str | None = None
    call: Call | None = None
    phone: str | None = None
    channel: str | None = None
    text: str | None = None
    data: str | None = None


@dataclass(frozen=True, kw_only=True)
class RawRequest:
    """A callback as it came: header names in any case, the bytes, and the token of its address."""

    headers: Mapping[str, str]
    body: bytes
    token: str

    def header(self, name: str) -> str:
        """The header's value, "" where it is absent."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


class BadSignature(Exception):
    """A callback that the carrier cannot have sent, or not just now. Answer 403 and keep nothing."""


class BadPayload(Exception):
    """A callback that is signed well and says nothing we understand. Answer 400."""


class Carrier(Protocol):
    """An adapter. One instance serves all threads of a process."""

    info: CarrierInfo
    limits: Limits

    def submit(self, batch: Sequence[Attempt]) -> list[SubmitResult]:
        """Hand over at most `limits.max_batch` attempts: exactly one result for each, in any order.

        Never raises for the carrier's troubles: they are outcomes. No transaction may be open meanwhile.
        """
        ...

    def query(self, attempt_ids: Sequence[UUID]) -> list[Found]:
        """What it has of at most `limits.max_batch` attempts, where `info.answers_queries`. Sends nothing.

        Those that it said nothing of are left out: all of them, where it could not be reached. Never raises for that.
        """
        ...

    def parse_callback(self, request: RawRequest) -> list[Event]:
        """Check and read a callback; touches nothing. Raises BadSignature or BadPayload."""
        ...

    def close(self) -> None:
        """Give back connections; the adapter is not used afterwards."""
        ...


def callback_token(secret_key: str, carrier: str) -> str:
    """The last part of a carrier's callback address, which nobody can guess: 64 hex digits."""
    return hmac.new(secret_key.encode(), f"callback:{carrier}".encode(), hashlib.sha256).hexdigest()


def verify_token(secret_key: str, carrier: str, token: str) -> bool:
    """Whether the token of a callback's address is this carrier's; takes as long for a near miss."""
    return hmac.compare_digest(callback_token(secret_key, carrier).encode(), token.encode(errors="replace"))
