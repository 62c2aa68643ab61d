"""Words that opt out and back in: heard once, answered once.

`hear` runs in the transaction that applies the callback: the opt-out holds from there on, and the answer is owed
(`OwedReply`). `pay` sends it in a transaction of its own, since money is locked before messages: the row goes with
the message, so no crash and no second worker answers twice. Only what changed something is answered, so that two
machines never write to each other for ever: a second SAIR is silent.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from sintalk.contacts import keywords, opt_outs
from sintalk.db import atomic, release, session
from sintalk.errors import DomainError
from sintalk.messages import sending
from sintalk.messages.models import InboundMessage, Notification, OwedReply
from sintalk.queue import enqueue, stopping

log = logging.getLogger(__name__)

#: Answers looked at by one ring; the sweeper rings for the rest.
AT_ONCE = 1_000
#: Words are written, or stand on a chip; a key's meaning is its call's.
HEARD = ("inbound", "tap")
#: The channels on which an answer can be written.
WRITTEN = ("sms", "rcs")
#: A confirmation that could not be handed over for a day says nothing any more.
TTL_S = 86_400


def hear(messages: Sequence[InboundMessage]) -> None:
    """Opt out and back in whoever wrote a word for it. In the surrounding transaction; numbers in one order."""
    heard = [message for message in messages if message.kind in HEARD]
    if not heard:
        return
    words = keywords.words_of({message.tenant_id for message in heard})
    owed = []
    for message in sorted(heard, key=lambda each: (each.tenant_id, each.phone, each.at)):
        kind = words[message.tenant_id].meaning(message.text)
        if kind and _changed(message, kind) and message.channel in WRITTEN:
            owed.append(OwedReply(inbound_id=message.id, tenant_id=message.tenant_id, kind=kind))
    if owed:
        session().add_all(owed)
        enqueue("sintalk.messages.jobs.confirm")


def _changed(message: InboundMessage, kind: str) -> bool:
    if kind == "opted_out":
        _, new = opt_outs.opt_out(message.tenant_id, phone=message.phone, source="reply", words=message.text)
        return new
    return opt_outs.take_back_number(
        message.tenant_id, message.phone, besides="voice", source="reply", words=message.text
    )


def anything_owed() -> bool:
    """Whether somebody waits for an answer."""
    return session().scalar(select(OwedReply.inbound_id).limit(1)) is not None


def pay() -> int:
    """Send the answers that are owed; how many were looked at."""
    ids = session().scalars(select(OwedReply.inbound_id).order_by(OwedReply.inbound_id).limit(AT_ONCE)).all()
    release()
    for inbound_id in ids:
        if stopping.is_set():
            break
        _pay_one(inbound_id)
    return len(ids)


def _pay_one(inbound_id: UUID) -> None:
    mine = OwedReply.inbound_id == inbound_id
    try:
        with atomic() as current:
            owed = current.scalar(select(OwedReply).where(mine).with_for_update(skip_locked=True))
            if owed is not None:
                _answer(owed)
                current.delete(owed)
    except DomainError as error:  # no money for it: the opt-out holds, and is in the history
        log.warning("the answer to %s is not sent: %s", inbound_id, error.code)
        with atomic() as current:
            current.execute(delete(OwedReply).where(mine))


def _answer(owed: OwedReply) -> None:
    message = session().get_one(InboundMessage, owed.inbound_id)
    text = keywords.words_of([owed.tenant_id])[owed.tenant_id].reply(owed.kind)
    if text is None:
        return
    subject = session().get_one(Notification, message.notification_id)
    sending.answer(
        message,
        content(message.channel, text),
        name=subject.name,
        free=subject.price_micros == 0,  # a test's
        ttl_seconds=TTL_S,
    )


def content(channel: str, text: str) -> dict[str, Any]:
    """These words as a message of the channel. SMS without accents: some carriers of Brazil refuse them."""
    if channel == "sms":
        return {"text": text, "encoding": "gsm7"}
    return {"type": "text", "text": {"body": text}, "ttl_seconds": TTL_S}
