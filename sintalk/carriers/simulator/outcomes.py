"""Which number does what: its last four digits script what the simulator does with a message to it.

Some endings are for one channel; on another they are numbers like any other.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, Literal

#: Refusals of a throttled number before its message is taken.
THROTTLED_TIMES = 2
RETRY_AFTER_S = 0.5
#: The simulator's own bill for calls, 30/6 as Brazil's carriers have it; a machine reads about so fast.
LETTERS_A_SECOND = 14
#: What a file is taken to last that nobody has measured.
SOME_SECONDS = 20


@dataclass(frozen=True)
class Ring:
    """How a call goes: its result; who answers; after how many seconds they hang up (None: at the end); a key."""

    result: Literal["answered", "busy", "no_answer"] = "answered"
    answered_by: Literal["human", "machine"] | None = "human"
    hangs_up_after: int | None = None
    key: str | None = None


@dataclass(frozen=True)
class Fate:
    """`answer` to the submit ("lost": taken, but left out of the answer), then the receipts and when.

    `then` is a second receipt, two seconds after the first: `read`, or a late `delivered`.
    """

    answer: Literal["accepted", "lost", "rejected", "throttled", "unreachable"] = "accepted"
    receipt: Literal["delivered", "not_delivered"] | None = "delivered"
    error: str | None = None
    delay_s: tuple[float, float] = (0.1, 0.9)
    then: Literal["read", "delivered"] | None = None
    ring: Ring = field(default=Ring())

    def receipt_delay(self) -> float:
        """Seconds from acceptance to the receipt, different each time."""
        return random.uniform(*self.delay_s)  # noqa: S311 - a spread, not a secret


DELIVERED = Fate()
FATES = {
    "0002": Fate(receipt="not_delivered", error="absent_subscriber"),
    "0003": Fate(answer="rejected", receipt=None, error="invalid_number"),
    "0004": Fate(answer="lost", delay_s=(4.8, 5.2)),
    "0005": Fate(receipt=None),
    "0006": Fate(answer="throttled"),
}
OF_CHANNEL: dict[tuple[str, str], Fate] = {
    ("rcs", "0010"): Fate(answer="unreachable", receipt=None, error="no_rcs"),
    ("rcs", "0011"): Fate(then="read"),
    ("rcs", "0012"): Fate(receipt="not_delivered", error="expired"),
    ("rcs", "0013"): Fate(receipt="not_delivered", error="revoke_failed", then="delivered"),
    ("voice", "0002"): Fate(receipt="not_delivered", ring=Ring("no_answer", None)),
    ("voice", "0020"): Fate(receipt="not_delivered", ring=Ring("busy", None)),
    ("voice", "0021"): Fate(receipt="not_delivered", ring=Ring("no_answer", None)),
    ("voice", "0022"): Fate(ring=Ring(answered_by="machine")),
    ("voice", "0023"): Fate(ring=Ring(hangs_up_after=2)),
    ("voice", "0024"): Fate(ring=Ring(key="9", hangs_up_after=12)),
}


def fate_of(phone: str, channel: str = "sms") -> Fate:
    """What happens to a message to this number on this channel."""
    ending = phone[-4:]
    return OF_CHANNEL.get((channel, ending)) or FATES.get(ending, DELIVERED)


def switched_off(channel: str) -> Fate:
    """What happens to a call to a phone that is off; messages wait for it."""
    return OF_CHANNEL["voice", "0021"] if channel == "voice" else replace(DELIVERED, receipt=None)


def call_of(ring: Ring, content: Mapping[str, Any]) -> dict[str, Any]:
    """The call as its receipt tells it: `{"result", "answered_by", "answered_seconds", "billed_seconds"}`."""
    if ring.result != "answered":
        return {"result": ring.result}
    whole = seconds_of(content)
    seconds = whole if ring.hangs_up_after is None else min(ring.hangs_up_after, whole)
    if ring.answered_by == "machine" and content.get("amd") == "hangup":
        seconds = min(seconds, 4)
    return {
        "result": "answered",
        "answered_by": ring.answered_by if content.get("amd", "off") != "off" else None,
        "answered_seconds": seconds,
        "billed_seconds": billed(seconds),
    }


def seconds_of(content: Mapping[str, Any]) -> int:
    """How long the message of a call takes to hear."""
    speech = content.get("tts")
    if isinstance(speech, Mapping):
        return max(
            1, ceil(len(str(speech.get("text", ""))) / LETTERS_A_SECOND / float(speech.get("rate") or 1))
        )
    return max(1, ceil(content["duration_ms"] / 1000)) if content.get("duration_ms") else SOME_SECONDS


def billed(seconds: int) -> int:
    """Nothing up to 3 s, at least 30 s, then steps of 6 s."""
    return 0 if seconds <= 3 else max(30, ceil(seconds / 6) * 6)
