"""Our side of the simulator's socket.

What the answers mean: a connection refused is `retryable`, nothing left this machine; anything that goes
wrong once bytes may have arrived is `unknown` for the whole batch, and so is a message that the answer
leaves out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import httpx

from sintalk.carriers.base import (
    ANSWERED_BY,
    CALL_RESULTS,
    RECEIPT_STATUSES,
    Attempt,
    BadPayload,
    BadSignature,
    Call,
    CarrierInfo,
    Event,
    Found,
    Limits,
    Outcome,
    RawRequest,
    SubmitResult,
    callback_token,
    verify_token,
)
from sintalk.carriers.simulator import wire
from sintalk.carriers.ttl import ttl_of
from sintalk.config import ConfigError, Settings

NAME = "simulator"

#: A refusal of the whole request; 5xx without a word about what happened is unknown, any other status config.
STATUS_OUTCOMES = {
    400: Outcome.PERMANENT,
    413: Outcome.PERMANENT,
    422: Outcome.PERMANENT,
    429: Outcome.THROTTLED,
    503: Outcome.THROTTLED,
}
MESSAGE_OUTCOMES = {
    "accepted": Outcome.ACCEPTED,
    "rejected": Outcome.PERMANENT,
    "throttled": Outcome.THROTTLED,
    "unreachable": Outcome.UNREACHABLE,
}
#: What it says of an attempt that it is asked about.
HAS = {"accepted": True, "unheard": False}
#: Seconds that a question may take: the worker who asks has other work.
QUERY_S = 5.0
ANSWERS = ("inbound", "tap", "key")
LONGEST_CALL_S = 24 * 3600
JSON = {"Content-Type": "application/json"}
#: Failures before a byte was sent. All others may have come after.
NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
NO_ADDRESS = (httpx.UnsupportedProtocol, httpx.InvalidURL)


class SimulatorCarrier:
    """The adapter. `callback_base`: where the simulator reaches our web server, else the public URL."""

    def __init__(self, settings: Settings, *, callback_base: str | None = None) -> None:
        if not settings.simulator_url or not settings.secret_key:
            raise ConfigError("The simulator needs SINTALK_SIMULATOR_URL and SINTALK_SECRET_KEY.")
        self.info = CarrierInfo(
            name=NAME,
            channels=frozenset({"sms", "rcs", "voice"}),
            idempotency="client_id" if settings.simulator_idempotent else "none",
            echoes_reference=True,
            answers_queries=settings.simulator_lookup,
        )
        self.limits = Limits(max_batch=wire.MAX_BATCH, tps=settings.simulator_tps or None)
        self._secret_key = settings.secret_key
        self._signing_key = wire.signing_key(settings.secret_key)
        base = (callback_base or settings.public_url).rstrip("/")
        self._callback_url = f"{base}/callbacks/{NAME}/{callback_token(settings.secret_key, NAME)}"
        self._url = settings.simulator_url.rstrip("/") + "/messages"
        self._client = httpx.Client(
            timeout=httpx.Timeout(20.0, connect=2.0), trust_env=False
        )  # loopback: no proxy

    def submit(self, batch: Sequence[Attempt]) -> list[SubmitResult]:
        """Hand over up to 200 attempts in one request."""
        assert 1 <= len(batch) <= self.limits.max_batch, f"{len(batch)} attempts in one submit"
        body = {"callback_url": self._callback_url, "messages": [_message(attempt) for attempt in batch]}
        try:
            response = self._client.post(self._url, content=json.dumps(body), headers=JSON)
        except NOTHING_SENT:
            return _all(batch, Outcome.RETRYABLE, "carrier_not_reached")
        except NO_ADDRESS:
            return _all(batch, Outcome.CONFIG, "carrier_address_wrong")
        except httpx.HTTPError:
            return _all(batch, Outcome.UNKNOWN, "no_word")
        return _read_answer(batch, response)

    def query(self, attempt_ids: Sequence[UUID]) -> list[Found]:
        """Ask for up to 200 attempts in one request."""
        assert 1 <= len(attempt_ids) <= self.limits.max_batch, f"{len(attempt_ids)} attempts in one query"
        body = {"ids": [str(each) for each in attempt_ids]}
        try:
            response = self._client.post(
                f"{self._url}/query", content=json.dumps(body), headers=JSON, timeout=QUERY_S
            )
            said = {each["id"]: each for each in response.json()["results"]} if response.is_success else {}
            return [_found(each, said[str(each)]) for each in attempt_ids if str(each) in said]
        except (
            httpx.HTTPError,
            *NO_ADDRESS,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            RecursionError,
        ):
            return []

    def parse_callback(self, request: RawRequest) -> list[Event]:
        """Check the token of the address and the signature of the body, and read what is in it."""
        if not verify_token(self._secret_key, NAME, request.token):
            raise BadSignature("wrong token")
        wire.verify(
            self._signing_key,
            request.body,
            signature=request.header(wire.SIGNATURE_HEADER),
            timestamp=request.header(wire.TIMESTAMP_HEADER),
        )
        try:
            body = json.loads(request.body)
            return [_receipt(each) for each in body["receipts"]] + [
                _answer(e) for e in body.get("answers", [])
            ]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadPayload(str(error)) from error

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()


def _message(attempt: Attempt) -> dict[str, Any]:
    message: dict[str, Any] = {"id": str(attempt.id), "to": attempt.to, "channel": attempt.channel}
    if attempt.text is not None:
        message["text"] = attempt.text
    if attempt.payload is not None:
        # what follows when it does not arrive is our affair; the carrier only has to give up in time
        message["payload"] = {name: part for name, part in attempt.payload.items() if name != "fallback"}
    if ttl := _ttl(attempt):
        message["ttl"] = ttl
    return message


def _ttl(attempt: Attempt) -> int | None:
    """Seconds that it may wait for its phone: those of the content, or of the request where that is less."""
    if attempt.payload is None:
        return attempt.ttl_seconds
    wanted = ttl_of(attempt.payload)
    return min(filter(None, (wanted, attempt.ttl_seconds)), default=None)


def _all(
    batch: Sequence[Attempt], outcome: Outcome, error: str, retry_after: float | None = None
) -> list[SubmitResult]:
    return [
        SubmitResult(attempt_id=attempt.id, outcome=outcome, error_code=error, retry_after_s=retry_after)
        for attempt in batch
    ]


def _read_answer(batch: Sequence[Attempt], response: httpx.Response) -> list[SubmitResult]:
    status = response.status_code
    if status != 200:
        unclear = Outcome.UNKNOWN if status < 300 or status >= 500 else Outcome.CONFIG
        outcome = STATUS_OUTCOMES.get(status, unclear)
        wait = _retry_after(response.headers.get("Retry-After")) if outcome is Outcome.THROTTLED else None
        return _all(batch, outcome, f"carrier_status_{status}", wait)
    try:
        answers = {answer["id"]: answer for answer in response.json()["results"]}
    except (ValueError, TypeError, KeyError, RecursionError):
        return _all(batch, Outcome.UNKNOWN, "broken_answer")
    return [_result(attempt.id, answers.get(str(attempt.id))) for attempt in batch]


def _result(attempt_id: UUID, answer: dict[str, Any] | None) -> SubmitResult:
    outcome = MESSAGE_OUTCOMES.get(str(answer.get("status"))) if answer else None
    if answer and outcome is Outcome.ACCEPTED:
        return SubmitResult(attempt_id, outcome, answer.get("carrier_message_id"))
    if answer is None or outcome is None:
        return SubmitResult(attempt_id=attempt_id, outcome=Outcome.UNKNOWN, error_code="no_word")
    return SubmitResult(
        attempt_id=attempt_id,
        outcome=outcome,
        carrier_message_id=answer.get("carrier_message_id"),
        error_code=answer.get("error") or ("throttled" if outcome is Outcome.THROTTLED else None),
        retry_after_s=_seconds(answer.get("retry_after")),
    )


def _found(attempt_id: UUID, answer: dict[str, Any]) -> Found:
    """Raises KeyError for what says neither yes nor no."""
    return Found(attempt_id, HAS[answer["status"]], answer.get("carrier_message_id"))


def _seconds(value: Any) -> float | None:
    """A wait as a number of seconds; None for what is none."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _retry_after(header: str | None) -> float | None:
    """The header's two forms: seconds, or a date (RFC 9110, 10.2.3)."""
    seconds = _seconds(header)
    if seconds is not None or not header:
        return seconds
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(moment.tzinfo or UTC)).total_seconds())


def _receipt(receipt: dict[str, Any]) -> Event:
    if receipt["status"] not in RECEIPT_STATUSES:
        raise ValueError(f"unknown status {receipt['status']!r}")
    return Event(
        kind="receipt",
        message_id=UUID(receipt["id"]),
        carrier_message_id=receipt.get("carrier_message_id"),
        status=receipt["status"],
        error_code=receipt.get("error"),
        call=_call(receipt["call"]) if receipt.get("call") else None,
        at=_moment(receipt["at"]),
    )


def _call(call: dict[str, Any]) -> Call:
    result, by = call["result"], call.get("answered_by")
    if result not in CALL_RESULTS or by not in (None, *ANSWERED_BY):
        raise ValueError(f"unknown result {result!r} {by!r}")
    seconds = [call.get(name) for name in ("answered_seconds", "billed_seconds")]
    if not all(each is None or (type(each) is int and 0 <= each <= LONGEST_CALL_S) for each in seconds):
        raise ValueError(f"no seconds {seconds!r}")
    return Call(result=result, answered_by=by, answered_seconds=seconds[0], billed_seconds=seconds[1])


def _answer(answer: dict[str, Any]) -> Event:
    """What a person did: `{"kind", "id"?, "phone", "text", "data"?, "at"}`."""
    if answer["kind"] not in ANSWERS or not isinstance(answer["text"], str):
        raise ValueError(f"unknown answer {answer['kind']!r}")
    if not isinstance(answer["phone"], str) or not isinstance(answer.get("data"), str | None):
        raise ValueError("an answer of nobody")
    return Event(
        kind=answer["kind"],
        message_id=UUID(answer["id"]) if answer.get("id") else None,
        carrier_message_id=None,
        phone=answer["phone"],
        text=answer["text"],
        data=answer.get("data"),
        at=_moment(answer["at"]),
    )


@lru_cache(maxsize=256)
def _moment(written: str) -> datetime:
    at = datetime.fromisoformat(written)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at.astimezone(UTC)
