from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flask import g, request

from sintalk.auth.guards import proved, proves_key
from sintalk.contacts import phones
from sintalk.messages import inbound, listing, sending, service, timeline, waiting
from sintalk.messages.models import Notification
from sintalk.messages.schemas import (
    NotificationOut,
    NotificationPage,
    NotificationPath,
    NotificationQuery,
    NotificationWithTimeline,
    SendIn,
    SendOut,
    StepOut,
)
from sintalk.web.api import blueprint, refuses
from sintalk.web.words import REASON

api = blueprint("messages", tag="notifications", description="Every message to every person")


@api.get("/notifications", summary="List notifications", responses={"200": NotificationPage})
def list_notifications(query: NotificationQuery) -> NotificationPage:
    """Delivery history, filtered by channel, status, time, campaign, phone and your own reference."""
    wanted = listing.Wanted(
        channel=query.channel,
        status=query.status,
        start=query.from_,
        end=query.to,
        campaign_id=query.campaign_id,
        phone=(phones.read(query.phone).phone or query.phone) if query.phone else None,
        external_id=query.external_id,
    )
    window = listing.page(g.actor.tenant_id, wanted, query)
    return NotificationPage(**window.showing(_shown(window.data)))


@api.get(
    "/notifications/<uuid:notification_id>",
    summary="Get a notification",
    responses={"200": NotificationWithTimeline},
)
def get_notification(path: NotificationPath) -> NotificationWithTimeline:
    """One notification, and step by step what became of it and why. An extension of the index."""
    message = service.get(g.actor.tenant_id, path.notification_id)
    answers = inbound.answers_to(g.actor.tenant_id, message.id)
    life = timeline.steps(message, answers, wait=waiting.of(message))
    told = [StepOut(at=step.at, event=step.event, text=str(step.text)) for step in life]
    if message.error_code:
        told[-1].text += f" {REASON.get(message.error_code, message.error_code)}"
    return NotificationWithTimeline(**_shown([message])[0].model_dump(), timeline=told)


@api.post("/send", summary="Send notifications", responses={"202": SendOut})
@refuses(402, "insufficient_balance", "The balance does not cover this. Top it up and try again.")
@proves_key
def send_notification(body: SendIn) -> tuple[SendOut, int]:
    """Send a template to one or more people, each with values of their own.

    Every recipient is accepted or rejected alone, with its reason, and a rejected one costs nothing; where the
    balance does not cover the accepted ones, nothing is sent to anybody. The same number may be written to more
    than once. The answer comes when everything is stored safely. What a test key sends reaches no carrier but the
    simulator, and costs nothing.
    """
    key = request.headers.get("Idempotency-Key")
    sent = sending.send(
        g.actor.tenant_id,
        channel=body.channel,
        template_id=body.template_id,
        recipients=body.recipients,
        scheduled_at=body.scheduled_at,
        ttl_seconds=body.ttl_seconds,
        key=key,
        by=g.actor,
    )
    proved()
    return SendOut.model_validate(sent), 202


def _shown(rows: Sequence[Notification]) -> list[NotificationOut]:
    campaigns: dict[UUID, UUID | None] = service.campaign_ids(rows)
    return [
        NotificationOut.model_validate(
            {
                **{
                    name: getattr(row, name) for name in NotificationOut.model_fields if name != "campaign_id"
                },
                "campaign_id": campaigns[row.dispatch_id],
            }
        )
        for row in rows
    ]
