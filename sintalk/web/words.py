"""How statuses and reasons are said on pages: a word, an icon, a tone. Codes belong to the API.

Tones are those of `static/css/badges.css`: ok, info, warn, bad, violet, plain.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l


class Word(NamedTuple):
    """One status as people see it."""

    label: Any
    icon: str
    tone: str


NOTIFICATION = {
    "queued": Word(_l("Queued"), "clock", "plain"),
    "sending": Word(_l("Sending"), "loader-2", "info"),
    "sent": Word(_l("Sent"), "send", "info"),
    "delivered": Word(_l("Delivered"), "circle-check", "ok"),
    "read": Word(_l("Read"), "eye-check", "ok"),
    "not_delivered": Word(_l("Not delivered"), "circle-x", "warn"),
    "error": Word(_l("Refused"), "alert-circle", "bad"),
    "unknown": Word(_l("Unconfirmed"), "help-circle", "violet"),
    "suppressed": Word(_l("Left out"), "user-off", "plain"),
    "canceled": Word(_l("Canceled"), "ban", "plain"),
}

CAMPAIGN = {
    "draft": Word(_l("Draft"), "pencil", "plain"),
    "scheduled": Word(_l("Scheduled"), "calendar", "info"),
    "launching": Word(_l("Preparing"), "loader-2", "info"),
    "running": Word(_l("Sending"), "loader-2", "info"),
    "paused": Word(_l("Paused"), "player-pause", "warn"),
    "completed": Word(_l("Completed"), "circle-check", "ok"),
    "canceled": Word(_l("Canceled"), "ban", "plain"),
    "failed": Word(_l("Failed"), "alert-circle", "bad"),
}

IMPORT = {
    "queued": Word(_l("Waiting"), "clock", "plain"),
    "running": Word(_l("Importing"), "loader-2", "info"),
    "completed": Word(_l("Completed"), "circle-check", "ok"),
    "failed": Word(_l("Failed"), "alert-circle", "bad"),
    "canceled": Word(_l("Canceled"), "ban", "plain"),
}

FILE = {
    "pending": Word(_l("Waiting for the upload"), "hourglass", "plain"),
    "uploaded": Word(_l("Uploaded"), "circle-check", "ok"),
    "rejected": Word(_l("Not accepted"), "circle-x", "bad"),
}

CHANNEL = {
    "sms": Word("SMS", "message", "plain"),
    "rcs": Word("RCS", "cards", "plain"),
    "voice": Word(_l("Voice"), "phone-call", "plain"),
}

MOVEMENT = {
    "credit": Word(_l("Top-up"), "plus", "ok"),
    "hold": Word(_l("Reserved"), "hourglass", "info"),
    "capture": Word(_l("Charged"), "receipt", "plain"),
    "release": Word(_l("Returned"), "arrow-back-up", "ok"),
    "refund": Word(_l("Refunded"), "arrow-back-up", "ok"),
}

#: What a movement was for, where the product itself wrote it.
MEMO = {"Single messages": _l("Single messages")}

#: Why somebody did not get a message.
REASON = {
    "opted_out": _l("This person asked not to receive messages."),
    "excluded": _l("This person's number is in a list that the campaign leaves out."),
    "frequency_cap": _l(
        "This person had got as many messages of your campaigns lately as your limit allows."
    ),
    "contact_deleted": _l("This person was deleted from the contact list."),
    "campaign_canceled": _l("The campaign was canceled before this message left."),
    "duplicate": _l("This number is in the list more than once; it gets one message."),
    "no_phone": _l("There is no phone number."),
    "invalid_phone": _l("This is not a phone number that can be reached."),
    "phone_missing_area_code": _l("The phone number lacks its area code (DDD)."),
    "phone_scientific_notation": _l("A spreadsheet rounded this phone number; some digits are lost."),
    "not_mobile": _l("This is a landline, which does not receive messages."),
    "missing_variable": _l("The template needs a value that this person does not have."),
    "too_long": _l("With this person's data the message becomes too long."),
    "invalid_link": _l("With this person's data a link of the message leads nowhere."),
    "empty_message": _l("With this person's data nothing is left of the message."),
    "invalid_number": _l("The carrier says that this number does not exist."),
    "rejected": _l("The carrier refused it at once."),
    "undelivered": _l("The phone is switched off, out of reach or full."),
    "absent_subscriber": _l("The phone is switched off, out of reach or full."),
    "expired": _l("It could not be delivered in time."),
    "revoke_failed": _l("It could not be delivered in time, nor be taken back: it may still arrive."),
    "no_rcs": _l("This phone does not receive RCS."),
    "busy": _l("The line was busy."),
    "throttled": _l("The carrier is busy; it is tried again soon."),
    "no_answer": _l("Nobody answered."),
    "no_word": _l("The carrier gave no clear answer."),
    "worker_lost": _l("The connection broke while it was being handed over."),
    "insufficient_balance": _l("The balance did not cover it."),
}


def word(kind: dict[str, Word], value: str) -> Word:
    """The word for a status; an unknown one stands for itself."""
    return kind.get(value) or Word(value, "help-circle", "plain")


def options(kind: dict[str, Word]) -> list[tuple[str, Any]]:
    """For a filter: every status with its word."""
    return [(value, found.label) for value, found in kind.items()]
