"""What became of one message, step by step, for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from sintalk.messages.models import Notification


@dataclass(frozen=True)
class Step:
    """One line: when, what in a few words, and how it is to be looked at (icon and tone of a badge)."""

    at: datetime | None
    text: Any
    icon: str
    tone: str


#: Where a message can stand at its end, or while it waits.
ENDS = {
    "queued": (_l("It waits for its turn."), "clock", "plain"),
    "sending": (_l("It is being handed to the carrier."), "loader-2", "info"),
    "sent": (_l("The carrier has it; the phone has not answered yet."), "hourglass", "plain"),
    "not_delivered": (_l("The phone did not receive it."), "circle-x", "warn"),
    "error": (_l("The carrier refused it. It cost nothing."), "alert-circle", "bad"),
    "unknown": (
        _l("The carrier did not say whether it has it. It is not sent again, so that nobody gets it twice."),
        "help-circle",
        "violet",
    ),
    "suppressed": (_l("It was left out and cost nothing."), "user-off", "plain"),
    "canceled": (_l("It was canceled before it left. It cost nothing."), "ban", "plain"),
}


def steps(message: Notification) -> Iterator[Step]:
    """The life of a message so far, oldest first."""
    yield Step(message.created_at, _l("Written for this person."), "pencil", "plain")
    if message.sent_at:
        yield Step(message.sent_at, _l("The carrier took it."), "send", "info")
    if message.delivered_at:
        yield Step(message.delivered_at, _l("It arrived on the phone."), "circle-check", "ok")
    if message.read_at:
        yield Step(message.read_at, _l("It was read."), "eye-check", "ok")
    if message.status in ENDS:
        text, icon, tone = ENDS[message.status]
        ended = message.updated_at if message.status not in ("queued", "sent") else None
        yield Step(ended, text, icon, tone)
