"""A personalised SMS campaign through the simulator over HTTP, from launch until its last cent is settled.

Against a bare loop over the same table (claim 200, commit, record 200, commit, no carrier), a bare
INSERT ... SELECT of the same rows, and one RQ job a message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from flask import current_app
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import func, select, update

from bench.harness import Figure, Product, say, timed, wait
from bench.people import clean_blocks, copy
from sintalk.accounts.models import User
from sintalk.campaigns import service as campaigns
from sintalk.campaigns.models import Campaign
from sintalk.carriers import registry
from sintalk.carriers.base import Attempt
from sintalk.contacts import service as contacts
from sintalk.contacts.models import ContactList
from sintalk.db import atomic, new_id, session
from sintalk.message_templates import service as templates
from sintalk.message_templates.schemas import TemplateIn
from sintalk.messages.models import Dispatch, Notification

TEXT = "Olá {{nome}}, sua fatura de R$ {{Fatura}} vence amanhã na loja de {{Cidade}}. Dúvidas? Responda."
SUB_BATCH = 200
#: So many are enough to see what one RQ job a message does.
RQ_JOBS = 400

INSERT = """
    INSERT INTO notifications (id, tenant_id, dispatch_id, chunk_no, contact_id, channel, phone, name, addressable,
                               text, encoding, segments, price_micros, status, attempts, fence, carrier,
                               created_at, updated_at)
    SELECT uuidv7(), tenant_id, %(dispatch)s, 0, id, 'sms', phone, name, true,
           'Olá ' || name || ', sua fatura vence amanhã na loja. Dúvidas? Responda esta mensagem.',
           'ucs2', 2, 160000, 'queued', 0, 0, 'simulator', now(), now()
      FROM contacts WHERE contact_list_id = %(list)s AND deleted_at IS NULL
"""
CLAIM = """
    WITH next AS (SELECT id FROM notifications
                   WHERE dispatch_id = %(dispatch)s AND id > %(after)s AND status = 'queued'
                   ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
    UPDATE notifications n
       SET status = 'sending', attempts = attempts + 1, sending_at = clock_timestamp(), updated_at = clock_timestamp()
      FROM next WHERE n.id = next.id
 RETURNING n.id, n.phone, n.text
"""
RECORD = """
    UPDATE notifications n
       SET status = 'sent', carrier_message_id = 'bare-' || n.id, sent_at = clock_timestamp(),
           updated_at = clock_timestamp()
     WHERE n.id = ANY(%(ids)s)
"""


def run(product: Product, count: int) -> list[Figure]:
    """All figures of sending, over one list of this many people."""
    list_id = list_of(product, product.owner.tenant_id, count)
    bare = new_id()
    with product.connection() as connection:
        say(f"INSERT ... SELECT of {count:,} messages")
        inserting = timed(lambda: _insert(connection, product, bare, list_id))
        connection.execute("ANALYZE notifications")
        connection.commit()
        say("The bare loop over them")
        looping = timed(lambda: _loop(connection, bare))
    say(f"One RQ job a message, {RQ_JOBS} of them")
    rq_rate = RQ_JOBS / _rq(product, bare)
    say(f"A campaign to {count:,} people")
    launched, dispatch = campaign(product, list_id, count)
    _check(product, dispatch, count)
    assert launched.launched_at and dispatch.ready_at and dispatch.settled_at
    end = max(dispatch.settled_at, _last_receipt(dispatch))
    sending = count / (end - launched.launched_at).total_seconds()
    expanding = count / (dispatch.ready_at - launched.launched_at).total_seconds()
    return [
        Figure(f"campaign of {count:,}, launch to settled", sending, "bare loop", count / looping, 0.20),
        Figure("  the same", sending, "one RQ job a message", rq_rate, 20),
        Figure("  its expansion", expanding, "INSERT ... SELECT", count / inserting, 0.30),
    ]


def list_of(product: Product, tenant_id: UUID, count: int) -> UUID:
    """A list of people, put there by COPY: how they got there is another benchmark's matter."""
    kept = contacts.create_list(tenant_id, name=f"{count} people")
    with product.connection() as connection:
        copy(connection, clean_blocks(count, tenant_id, kept.id))
        connection.execute("ANALYZE contacts")
    with atomic() as current:
        current.execute(update(ContactList).where(ContactList.id == kept.id).values(contact_count=count))
    return kept.id


def _insert(connection: psycopg.Connection[Any], product: Product, dispatch_id: UUID, list_id: UUID) -> None:
    """Rows of a dispatch that stays in `filling`, where no worker looks."""
    connection.execute("SET session_replication_role = replica")  # the dispatch itself need not exist
    connection.execute(INSERT, {"dispatch": dispatch_id, "list": list_id})
    connection.commit()


def _loop(connection: psycopg.Connection[Any], dispatch_id: UUID) -> None:
    after = UUID(int=0)
    while True:
        wanted = {"dispatch": dispatch_id, "after": after, "batch": SUB_BATCH}
        rows = connection.execute(CLAIM, wanted).fetchall()
        connection.commit()
        if not rows:
            return
        after = max(row[0] for row in rows)
        connection.execute(RECORD, {"ids": [row[0] for row in rows]})
        connection.commit()


def _rq(product: Product, dispatch_id: UUID) -> float:
    """Seconds that RQ's simple worker takes for jobs that each send one message and record it."""
    redis = Redis.from_url(product.settings.redis_url or "")
    queue = Queue("bench", connection=redis, serializer=JSONSerializer)
    with product.connection() as connection:
        query = "SELECT id, phone, text FROM notifications WHERE dispatch_id = %s LIMIT %s"
        rows = connection.execute(query, (dispatch_id, RQ_JOBS)).fetchall()
    for row in rows:
        queue.enqueue("bench.dispatch.send_one", args=[str(row[0]), row[1], row[2]], result_ttl=0)
    worker = SimpleWorker([queue], connection=redis, serializer=JSONSerializer)
    return timed(lambda: worker.work(burst=True, logging_level="WARNING"))


def send_one(message_id: str, phone: str, text: str) -> None:
    """The job of the control: one message, its intent, its carrier call, its record. For `_rq` only."""
    connection = session().connection().connection.driver_connection
    assert connection is not None
    wanted = {"id": UUID(message_id)}
    connection.execute("UPDATE notifications SET status = 'sending' WHERE id = %(id)s", wanted)
    connection.commit()
    carrier = registry.get("simulator", current_app.config["SETTINGS"])
    carrier.submit([Attempt(id=new_id(), to=phone, channel="sms", text=text)])
    connection.execute("UPDATE notifications SET status = 'sent', sent_at = now() WHERE id = %(id)s", wanted)
    connection.commit()


def campaign_over(user: User, list_id: UUID) -> Campaign:
    """A launched campaign of a personalised SMS to these people."""
    by = user.actor()
    made = TemplateIn.model_validate({"name": str(new_id()), "channel": "sms", "sms": {"text": TEXT}})
    template = templates.create(by.tenant_id, made, by=by)
    campaign = campaigns.create(
        by.tenant_id, name="Bench", channel="sms", template_id=template.id, contact_list_id=list_id, by=by
    )
    return campaigns.launch(by.tenant_id, campaign.id, by=by)


def campaign(product: Product, list_id: UUID, count: int) -> tuple[Campaign, Dispatch]:
    """Send one to these people, and wait until its last cent is settled."""
    launched = campaign_over(product.owner, list_id)

    def over() -> tuple[Campaign, Dispatch] | None:
        stands, dispatch = campaigns.stats(launched.tenant_id, launched.id)
        return (stands, dispatch) if dispatch.settled_at and dispatch.delivered == count else None

    found: tuple[Campaign, Dispatch] = wait(over, what="the campaign settles", patience_s=60 + count / 200)
    return found


def _last_receipt(dispatch: Dispatch) -> datetime:
    """When the last receipt was applied: nothing else touches a message after that."""
    last = select(func.max(Notification.updated_at)).where(Notification.dispatch_id == dispatch.id)
    return session().scalars(last).one()


def _check(product: Product, dispatch: Dispatch, count: int) -> None:
    """A fast campaign that loses somebody is no figure."""
    assert (dispatch.total, dispatch.delivered) == (count, count), (dispatch.total, dispatch.delivered)
    ids = Counter(line[8:44] for line in _accepted_lines(product))
    twice = [each for each, times in ids.items() if times > 1]
    assert len(ids) == count + RQ_JOBS and not twice, (len(ids), twice[:3])


def _accepted_lines(product: Product) -> Sequence[str]:
    return product.accepted_log.read_text(encoding="utf-8").splitlines()
