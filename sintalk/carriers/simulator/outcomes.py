"""Which number does what: its last four digits script what the simulator does with a message to it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

#: Refusals of a throttled number before its message is taken.
THROTTLED_TIMES = 2
RETRY_AFTER_S = 0.5


@dataclass(frozen=True)
class Fate:
    """`answer` to the submit ("lost": taken, but left out of the answer), then the receipt and when."""

    answer: Literal["accepted", "lost", "rejected", "throttled"] = "accepted"
    receipt: Literal["delivered", "not_delivered"] | None = "delivered"
    error: str | None = None
    delay_s: tuple[float, float] = (0.1, 0.9)

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


def fate_of(phone: str) -> Fate:
    """What happens to a message to this number."""
    return FATES.get(phone[-4:], DELIVERED)
