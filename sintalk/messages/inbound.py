"""What people answer: words, chips tapped, keys pressed in a call.

`take` stores them in the transaction that applies the callback they came in, and then lets each of `ACTIONS` do
what follows from them, in the same transaction: so an answer has its effect once. What waits for a carrier, such as
an SMS in return, is not sent there but put on its way (`enqueue`, a single send).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, literal, select, text

from sintalk.contacts import opt_outs
from sintalk.db import session
from sintalk.messages import attempts, confirming
from sintalk.messages.models import InboundMessage, Notification

KINDS = ("inbound", "tap", "key")

#: The last message that went to each of these numbers by this carrier, whoever's it was: a tenant a look at an index.
LATEST = text("""
    SELECT DISTINCT ON (p.phone) p.phone, n.id
      FROM unnest(CAST(:phones AS text[])) AS p(phone) CROSS JOIN tenants t
     CROSS JOIN LATERAL (
       SELECT id FROM notifications
        WHERE tenant_id = t.id AND phone = p.phone AND carrier = :carrier AND coalesce(sent_at, sending_at) IS NOT NULL
        ORDER BY id DESC LIMIT 1) n
     ORDER BY p.phone, n.id DESC
""")
PRESSED = text("""
    UPDATE notifications n SET keys = coalesce(n.keys, '') || k.keys, updated_at = clock_timestamp()
      FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[])) AS k(id, keys) WHERE n.id = k.id
""")


def take(events: Sequence[tuple[str, dict[str, Any]]]) -> set[str]:
    """Store what people did, each with its carrier, and act on it; the ids of messages that exist."""
    if not events:
        return set()
    subjects = _subjects(events)
    known: set[str] = set()
    taken: list[Answer] = []
    for (carrier, event), message_id in zip(events, _message_ids(events), strict=True):
        subject = subjects.get(message_id)
        if subject is None:
            continue
        if event["id"]:
            known.add(event["id"])
        taken.append(Answer(_stored(carrier, event, subject), subject))
    session().flush()
    for act in ACTIONS:
        act(taken)
    return known


class Answer:
    """What somebody did, and the message that it answers (`payload` is the content that they had before them)."""

    def __init__(self, message: InboundMessage, subject: Any) -> None:
        self.message, self.payload = message, subject.payload or {}


def note_keys(answers: Sequence[Answer]) -> None:
    """Keys pressed are written on their call, in order; a key that means so takes the number off all calls."""
    pressed: dict[UUID, str] = {}
    for answer in answers:
        message = answer.message
        if message.kind != "key":
            continue
        pressed[message.notification_id] = pressed.get(message.notification_id, "") + message.text
        if meaning(answer.payload, message.text).get("action") == "opt_out":
            opt_outs.opt_out(
                message.tenant_id, phone=message.phone, channel="voice", source="key", words=message.text
            )
    if pressed:
        session().execute(PRESSED, {"ids": list(pressed), "keys": list(pressed.values())})


def meaning(payload: dict[str, Any], key: str) -> dict[str, Any]:
    """What a key of this call means, as its content says: `{"key", "label", "action"}`, or {} where it says nothing."""
    digits = (payload.get("dtmf") or {}).get("digits") or []
    return next((digit for digit in digits if digit["key"] == key), {})


def hear_words(answers: Sequence[Answer]) -> None:
    """Words that opt out and back in."""
    confirming.hear([answer.message for answer in answers])


#: What follows from answers, in this order; each gets all answers of a transaction.
ACTIONS: list[Callable[[Sequence[Answer]], None]] = [note_keys, hear_words]


def answers_to(tenant_id: UUID, notification_id: UUID) -> list[InboundMessage]:
    """What somebody answered to this message, oldest first."""
    rows = select(InboundMessage).where(
        InboundMessage.tenant_id == tenant_id, InboundMessage.notification_id == notification_id
    )
    return list(session().scalars(rows.order_by(InboundMessage.id)))


def _message_ids(events: Sequence[tuple[str, dict[str, Any]]]) -> list[UUID | None]:
    """Which message each of these is about."""
    latest: dict[tuple[str, str], UUID] = {}
    for carrier in {carrier for carrier, _ in events}:
        phones = sorted({e["phone"] for by, e in events if by == carrier and not e["id"] and e.get("phone")})
        if phones:
            found = session().execute(LATEST, {"phones": phones, "carrier": carrier})
            latest |= {(carrier, row.phone): row.id for row in found}
    return [
        attempts.read(UUID(event["id"]))[0] if event["id"] else latest.get((carrier, event.get("phone", "")))
        for carrier, event in events
    ]


def _subjects(events: Sequence[tuple[str, dict[str, Any]]]) -> dict[UUID | None, Any]:
    """The messages that these are about; those whose keys change are locked, in the order of their ids."""
    ids = sorted({id_ for id_ in _message_ids(events) if id_})
    rows = session().execute(
        select(
            Notification.id,
            Notification.tenant_id,
            Notification.phone,
            Notification.channel,
            Notification.via,
            Notification.payload,
        )
        .where(Notification.id == any_(literal(ids, ARRAY(Uuid))))
        .order_by(Notification.id)
        .with_for_update()
    )
    return {row.id: row for row in rows}


def _stored(carrier: str, event: dict[str, Any], subject: Any) -> InboundMessage:
    message = InboundMessage(
        tenant_id=subject.tenant_id,
        notification_id=subject.id,
        kind=event["kind"],
        channel=event.get("channel") or subject.via or subject.channel,
        phone=subject.phone,
        text=(event.get("text") or "").replace("\x00", ""),
        data=event.get("data"),
        carrier=carrier,
        at=datetime.fromisoformat(event["at"]),
    )
    session().add(message)
    return message
