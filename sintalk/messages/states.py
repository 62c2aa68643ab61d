"""What can become of a message, in one place.

    queued -> sending -> sent -> delivered -> read
                 |         `--> not_delivered (a late receipt may still say delivered)
                 |--> error        a definite no, before acceptance
                 |--> unknown      the carrier may or may not have it; a receipt or a look-up settles it
                 `--> queued       the carrier said it took nothing
    unknown -> queued where it is certain that the carrier never got it (`asking`)
    sent -> queued    once, where an RCS message is not to arrive any more and an SMS takes over
    queued -> suppressed | canceled

Statuses move forward only, by rank.
"""

from __future__ import annotations

from sintalk.carriers.base import Outcome

STATUSES = (
    "queued",
    "sending",
    "sent",
    "delivered",
    "read",
    "not_delivered",
    "error",
    "unknown",
    "suppressed",
    "canceled",
)

#: A receipt moves a message only to a higher rank. `unknown` stands below `sent`: any receipt settles it.
RANK = {"queued": 0, "sending": 1, "unknown": 2, "sent": 3, "not_delivered": 4, "delivered": 5, "read": 6}

#: What these say is final: no receipt changes it.
CLOSED = {"error", "suppressed", "canceled"}

#: The money set aside for a message goes back in one of these, whatever its channel (more in `charging`).
REFUSED = ("error", "suppressed", "canceled")

#: A status that work is still to come for.
UNFINISHED = ("queued", "sending")

#: Off the usual way: what a person looks for among millions, so an index holds these (see models.Notification).
MARKED = ("read", "not_delivered", "error", "unknown", "suppressed", "canceled")

#: How often a carrier that knows our ids is asked in all before no clear answer means `unknown`. The pauses
#: grow (`dispatcher`): a minute and a half, longer than most of what befalls a carrier.
ATTEMPTS_AT_UNKNOWN = 8


def after_receipt(status: str, told: str) -> str | None:
    """The status after a receipt that tells `told`, or None where it changes nothing."""
    if told == "error":
        # Refused after all: before we knew of an acceptance it cost nothing, after it it was paid for.
        told = "error" if status in ("queued", "sending", "unknown") else "not_delivered"
        if told == "error":
            return told
    if status in CLOSED or told not in RANK or RANK[told] <= RANK[status]:
        return None
    return told


def after_submit(outcome: Outcome, *, idempotent: bool) -> str:
    """The status after a carrier's answer. It is asked only ATTEMPTS_AT_UNKNOWN times in all where it stays unclear:
    the rows count their attempts, so `results.write` keeps that bound where it writes.
    """
    if outcome is Outcome.ACCEPTED:
        return "sent"
    if outcome is Outcome.PERMANENT:
        return "error"
    if outcome is Outcome.UNREACHABLE:
        return "not_delivered"
    if outcome is Outcome.UNKNOWN:
        return "queued" if idempotent else "unknown"
    return "queued"  # throttled, retryable, config: it took nothing
