"""What became of one message, step by step and in plain words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from sintalk.messages.inbound import meaning
from sintalk.messages.models import InboundMessage, Notification
from sintalk.messages.waiting import Wait


@dataclass(frozen=True)
class Step:
    """One line: when, what in a few words, how it is to be looked at (icon and tone of a badge); `event` is for
    programs.
    """

    at: datetime | None
    text: Any
    icon: str
    tone: str
    event: str = ""


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


#: What a queued message waits for (`messages.waiting`).
WAITS = {
    "preparing": (_l("Its campaign is being prepared."), "loader-2", "plain"),
    "paused": (_l("Its campaign is paused. It leaves once that goes on."), "player-pause", "warn"),
    "canceling": (_l("Its campaign was canceled; it is being taken back."), "ban", "plain"),
    "canary": (_l("A few people get it first. It leaves once those have it."), "hourglass", "plain"),
    "hours": (
        _l("It waits for the sending hours where this person lives, and leaves then."),
        "moon",
        "plain",
    ),
    "carrier": (
        _l("The carrier takes no messages just now. It is asked again then."),
        "alert-triangle",
        "warn",
    ),
    "time": (_l("It leaves at this time."), "calendar", "plain"),
}
#: What befell it on its way (`messages.trail`).
BEFELL = {
    "hours": (_l("The sending hours where this person lives had begun."), "moon", "plain"),
    "too_fast": (_l("The carrier was asked too fast, and took it later."), "hourglass", "plain"),
    "not_taken": (_l("The carrier could not take it just then; it was tried again."), "refresh", "warn"),
    "no_answer": (_l("The carrier gave no clear answer."), "help-circle", "violet"),
    "took_over": (_l("It did not arrive by RCS, so an SMS took over."), "arrow-right", "warn"),
    "worker_lost": (_l("Sending was cut off while it was being handed over."), "alert-triangle", "warn"),
    "looked_up": (_l("The carrier was asked, and has it."), "search", "info"),
    "never_came": (_l("The carrier was asked, and never had it. It was queued again."), "search", "info"),
}
TOO_LATE = _l("It was too late to send it. It cost nothing.")
NEVER_KNOWN = _l(
    "The carrier never said whether it had it. Its price was given back, and it is not sent again."
)


def steps(
    message: Notification, answers: Sequence[InboundMessage] = (), *, wait: Wait | None = None
) -> list[Step]:
    """The life of a message so far, oldest first, with what was answered to it, and what it waits for."""
    if message.answers_id:
        text = _l("Written in answer to a word that opts out or back in, once.")
    else:
        text = _l("Written for this person.")
    life = [Step(message.created_at, text, "pencil", "plain", "written")]
    life += [
        Step(datetime.fromisoformat(each["at"]), *BEFELL[each["what"]], each["what"])
        for each in message.trail or ()
    ]
    life += _call(message) if message.channel == "voice" else _delivery(message)
    life += [_answer(message, answer) for answer in answers]
    return [*_in_order(life), *_end(message, wait)]


def _in_order(life: list[Step]) -> list[Step]:
    """By their times; one without a time stays behind the one that it follows."""
    times: list[datetime] = []
    for step in life:
        times.append(step.at or times[-1])
    return [life[place] for place in sorted(range(len(life)), key=times.__getitem__)]


def _call(message: Notification) -> Iterator[Step]:
    if message.sent_at:
        yield Step(message.sent_at, _l("The carrier took the order to call."), "send", "info", "sent")
    if message.delivered_at:
        text = ANSWERED.get(message.answered_by or "", _l("The call was answered."))
        yield Step(message.delivered_at, text, "phone-call", "ok", "delivered")
        if message.answered_seconds is not None and message.billed_seconds is not None:
            heard = _l(
                "It lasted %(seconds)s seconds; %(billed)s are billed.",
                seconds=message.answered_seconds,
                billed=message.billed_seconds,
            )
            yield Step(None, heard, "clock", "plain", "heard")
    elif message.call_result in CALLS:
        yield Step(message.updated_at, CALLS[message.call_result], "circle-x", "warn", message.call_result)


def _answer(message: Notification, answer: InboundMessage) -> Step:
    if answer.kind == "inbound":
        return Step(answer.at, _l("Answered: “%(text)s”", text=answer.text), "message-2", "info", "answered")
    if answer.kind == "tap":
        return Step(answer.at, _l("Tapped “%(text)s”.", text=answer.text), "target-arrow", "info", "tapped")
    means = meaning(message.payload or {}, answer.text)
    if not means:
        return Step(answer.at, _l("Pressed %(key)s.", key=answer.text), "hash", "info", "pressed")
    text = _l("Pressed %(key)s: %(label)s", key=answer.text, label=means["label"])
    tone = "warn" if means.get("action") == "opt_out" else "info"
    return Step(answer.at, text, "hash", tone, "pressed")


def _delivery(message: Notification) -> Iterator[Step]:
    if message.sent_at:
        yield Step(message.sent_at, _l("The carrier took it."), "send", "info", "sent")
    if message.delivered_at:
        yield Step(message.delivered_at, _l("It arrived on the phone."), "circle-check", "ok", "delivered")
    if message.read_at:
        yield Step(message.read_at, _l("It was read."), "eye-check", "ok", "read")


def _end(message: Notification, wait: Wait | None) -> Iterator[Step]:
    """Where it stands, unless what happened says so."""
    if message.status not in ENDS or (message.channel == "voice" and message.call_result in CALLS):
        return
    if wait is not None:
        yield Step(wait.until, *WAITS[wait.why], wait.why)
        return
    text, icon, tone = ENDS[message.status]
    if message.error_code == "expired" and message.sent_at is None:
        text = TOO_LATE
    accounted = message.charged_micros + message.released_micros
    if message.status == "unknown" and 0 < message.price_micros <= accounted:
        text = NEVER_KNOWN
    ended = message.updated_at if message.status not in ("queued", "sent") else None
    yield Step(ended, text, icon, tone, message.status)
