"""What became of one message, step by step, for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from sintalk.messages.inbound import meaning
from sintalk.messages.models import InboundMessage, Notification


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
        _l(
            "The carrier did not say whether it has it. It is not sent again before that is known, "
            "so that nobody gets it twice."
        ),
        "help-circle",
        "violet",
    ),
    "suppressed": (_l("It was left out and cost nothing."), "user-off", "plain"),
    "canceled": (_l("It was canceled before it left. It cost nothing."), "ban", "plain"),
}


#: How a call ended where nobody heard it.
CALLS = {
    "busy": _l("The line was busy, at every attempt."),
    "no_answer": _l("Nobody answered, at any attempt."),
    "failed": _l("The call could not be put through."),
    "rejected": _l("The call was declined."),
    "invalid_number": _l("This number does not exist."),
    "congestion": _l("The network was too busy for the call."),
    "canceled": _l("The call was canceled."),
}
ANSWERED = {
    "human": _l("A person answered."),
    "machine": _l("A machine answered."),
    "fax": _l("A fax answered."),
}


#: Where it was not handed over yet, or not at all.
SCHEDULED = _l("It leaves at this time.")
HELD = _l("It waits for the sending hours where this person lives, and leaves then.")
TOO_LATE = _l("It was too late to send it. It cost nothing.")


def steps(
    message: Notification,
    answers: Sequence[InboundMessage] = (),
    *,
    leaves_at: datetime | None = None,
    held: bool = False,
) -> Iterator[Step]:
    """The life of a message so far, oldest first, with what was answered to it.

    `leaves_at` is when one that waits will be handed over, `held` whether it waits for sending hours.
    """
    if message.answers_id:
        text = _l("Written in answer to a word that opts out or back in, once.")
    else:
        text = _l("Written for this person.")
    yield Step(message.created_at, text, "pencil", "plain")
    waits = Step(leaves_at, HELD if held else SCHEDULED, "moon" if held else "calendar", "plain")
    if message.via == "sms":
        yield Step(None, _l("It did not arrive by RCS, so an SMS took over."), "arrow-right", "warn")
    if message.channel == "voice":
        yield from _call(message, waits)
    else:
        yield from _delivery(message, waits)
    for answer in answers:
        yield _answer(message, answer)


def _call(message: Notification, waits: Step) -> Iterator[Step]:
    if message.sent_at:
        yield Step(message.sent_at, _l("The carrier took the order to call."), "send", "info")
    if message.delivered_at:
        text = ANSWERED.get(message.answered_by or "", _l("The call was answered."))
        yield Step(message.delivered_at, text, "phone-call", "ok")
        if message.answered_seconds is not None and message.billed_seconds is not None:
            heard = _l(
                "It lasted %(seconds)s seconds; %(billed)s are billed.",
                seconds=message.answered_seconds,
                billed=message.billed_seconds,
            )
            yield Step(None, heard, "clock", "plain")
    elif message.call_result in CALLS:
        yield Step(message.updated_at, CALLS[message.call_result], "circle-x", "warn")
        return
    yield from _end(message, waits)


def _answer(message: Notification, answer: InboundMessage) -> Step:
    if answer.kind == "inbound":
        return Step(answer.at, _l("Answered: “%(text)s”", text=answer.text), "message-2", "info")
    if answer.kind == "tap":
        return Step(answer.at, _l("Tapped “%(text)s”.", text=answer.text), "target-arrow", "info")
    means = meaning(message.payload or {}, answer.text)
    if not means:
        return Step(answer.at, _l("Pressed %(key)s.", key=answer.text), "hash", "info")
    text = _l("Pressed %(key)s: %(label)s", key=answer.text, label=means["label"])
    return Step(answer.at, text, "hash", "warn" if means.get("action") == "opt_out" else "info")


def _delivery(message: Notification, waits: Step) -> Iterator[Step]:
    if message.sent_at:
        yield Step(message.sent_at, _l("The carrier took it."), "send", "info")
    if message.delivered_at:
        yield Step(message.delivered_at, _l("It arrived on the phone."), "circle-check", "ok")
    if message.read_at:
        yield Step(message.read_at, _l("It was read."), "eye-check", "ok")
    yield from _end(message, waits)


def _end(message: Notification, waits: Step) -> Iterator[Step]:
    if message.status in ENDS:
        text, icon, tone = ENDS[message.status]
        if message.status == "queued" and waits.at:
            yield waits
            return
        if message.error_code == "expired" and message.sent_at is None:
            text = TOO_LATE
        ended = message.updated_at if message.status not in ("queued", "sent") else None
        yield Step(ended, text, icon, tone)
