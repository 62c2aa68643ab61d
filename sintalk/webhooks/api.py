from __future__ import annotations

import json
from collections.abc import Sequence

from flask import g

from sintalk.web.api import blueprint, refuses
from sintalk.web.paging import paginate
from sintalk.web.schemas import PageQuery
from sintalk.webhooks import delivering, service
from sintalk.webhooks.models import WebhookDelivery, WebhookEndpoint
from sintalk.webhooks.schemas import (
    AttemptOut,
    DeliveryDetail,
    DeliveryOut,
    DeliveryPage,
    DeliveryPath,
    DeliveryQuery,
    Replayed,
    ReplayIn,
    WebhookChange,
    WebhookIn,
    WebhookMade,
    WebhookOut,
    WebhookPage,
    WebhookPath,
)

api = blueprint(
    "webhooks",
    tag="webhooks",
    description="Signed events to your own endpoints (extension): Standard Webhooks, at least once, in order "
    "per notification, tried eleven times over a day. Changes need an admin key.",
)

ADMINS_ONLY = refuses(403, "forbidden", "You are not allowed to do this.")
ONE = "/webhooks/<uuid:webhook_id>"
ONE_DELIVERY = f"{ONE}/deliveries/<uuid:delivery_id>"


@api.post("/webhooks", summary="Create a webhook endpoint", responses={"201": WebhookMade})
@refuses(409, "too_many_webhooks", "There are ten endpoints already; delete one first.")
@ADMINS_ONLY
def create_webhook(body: WebhookIn) -> tuple[WebhookMade, int]:
    """An endpoint for some events, with a secret that is shown once. 409 `too_many_webhooks` at ten."""
    return _with_secret(service.create(g.actor.tenant_id, **body.model_dump(), by=g.actor)), 201


@api.get("/webhooks", summary="List webhook endpoints", responses={"200": WebhookPage})
def list_webhooks(query: PageQuery) -> WebhookPage:
    """The tenant's endpoints, newest first, without their secrets."""
    rows = service.endpoints(g.actor.tenant_id)
    return WebhookPage.model_validate(paginate(rows, query, by=WebhookEndpoint.id))


@api.get(ONE, summary="Get a webhook endpoint", responses={"200": WebhookOut})
def get_webhook(path: WebhookPath) -> WebhookOut:
    """One endpoint by its id, without its secret."""
    return WebhookOut.model_validate(service.get(g.actor.tenant_id, path.webhook_id))


@api.patch(ONE, summary="Change a webhook endpoint", responses={"200": WebhookOut})
@ADMINS_ONLY
def change_webhook(path: WebhookPath, body: WebhookChange) -> WebhookOut:
    """Change the address, the events, the description or the mark of a low balance."""
    wishes = body.model_dump(include=body.model_fields_set)
    return WebhookOut.model_validate(service.change(g.actor.tenant_id, path.webhook_id, by=g.actor, **wishes))


@api.delete(ONE, summary="Delete a webhook endpoint", responses={"204": None})
@ADMINS_ONLY
def delete_webhook(path: WebhookPath) -> None:
    """Nothing more is sent there, at once."""
    service.delete(g.actor.tenant_id, path.webhook_id, by=g.actor)


@api.post(f"{ONE}/rotate-secret", summary="Rotate a webhook's secret", responses={"200": WebhookMade})
@ADMINS_ONLY
def rotate_webhook_secret(path: WebhookPath) -> WebhookMade:
    """A new secret, shown once. For a day the old one signs as well: `v1,<new> v1,<old>`."""
    return _with_secret(service.rotate_secret(g.actor.tenant_id, path.webhook_id, by=g.actor))


@api.post(f"{ONE}/test", summary="Send a test event", responses={"202": DeliveryOut})
@ADMINS_ONLY
def test_webhook(path: WebhookPath) -> tuple[DeliveryOut, int]:
    """A `webhook.test` event to this endpoint alone; its delivery tells what became of it."""
    sent = service.send_test(g.actor.tenant_id, path.webhook_id, by=g.actor)
    return _shown([sent])[0], 202


@api.post(f"{ONE}/pause", summary="Pause a webhook endpoint", responses={"200": WebhookOut})
@ADMINS_ONLY
def pause_webhook(path: WebhookPath) -> WebhookOut:
    """Events are written down and wait. Repeating it is harmless."""
    return WebhookOut.model_validate(service.pause(g.actor.tenant_id, path.webhook_id, by=g.actor))


@api.post(f"{ONE}/resume", summary="Resume a webhook endpoint", responses={"200": WebhookOut})
@ADMINS_ONLY
def resume_webhook(path: WebhookPath) -> WebhookOut:
    """Deliver again, what waited first; also after failures disabled the endpoint."""
    return WebhookOut.model_validate(service.resume(g.actor.tenant_id, path.webhook_id, by=g.actor))


@api.get(f"{ONE}/deliveries", summary="List a webhook's deliveries", responses={"200": DeliveryPage})
def list_webhook_deliveries(path: WebhookPath, query: DeliveryQuery) -> DeliveryPage:
    """What was or will be sent to an endpoint, newest first."""
    window = service.page_of_deliveries(g.actor.tenant_id, path.webhook_id, query, state=query.state)
    return DeliveryPage(**window.showing(_shown(window.data)))


@api.get(ONE_DELIVERY, summary="Get a delivery with its log", responses={"200": DeliveryDetail})
def get_webhook_delivery(path: DeliveryPath) -> DeliveryDetail:
    """The body as it is sent, and every attempt with its answer."""
    row = service.delivery(g.actor.tenant_id, path.webhook_id, path.delivery_id)
    event = service.events_of([row])[row.event_id]
    log = service.attempts_of(g.actor.tenant_id, [row])[row.id]
    return DeliveryDetail(
        **_shown([row])[0].model_dump(),
        body=json.loads(delivering.body_of(event.id, event.kind, event.created_at, event.payload)),
        log=[AttemptOut.model_validate(attempt) for attempt in log],
    )


@api.post(f"{ONE_DELIVERY}/replay", summary="Replay a delivery", responses={"202": DeliveryOut})
@ADMINS_ONLY
def replay_webhook_delivery(path: DeliveryPath) -> tuple[DeliveryOut, int]:
    """Send it again, under the same event id."""
    row = service.replay(g.actor.tenant_id, path.webhook_id, path.delivery_id, by=g.actor)
    return _shown([row])[0], 202


@api.post(f"{ONE}/replay", summary="Replay a range of deliveries", responses={"202": Replayed})
@ADMINS_ONLY
def replay_webhook_deliveries(path: WebhookPath, body: ReplayIn) -> tuple[Replayed, int]:
    """Send again what was first due in this time, under the same event ids."""
    count = service.replay_range(
        g.actor.tenant_id,
        path.webhook_id,
        start=body.from_,
        end=body.to,
        failed_only=body.failed_only,
        by=g.actor,
    )
    return Replayed(replayed=count), 202


def _with_secret(endpoint: WebhookEndpoint) -> WebhookMade:
    made = WebhookMade.model_validate(endpoint)
    g.replay_body = made.model_dump_json(exclude={"secret"})
    return made


def _shown(rows: Sequence[WebhookDelivery]) -> list[DeliveryOut]:
    events = service.events_of(rows)
    return [
        DeliveryOut(
            id=row.id,
            webhook_id=row.endpoint_id,
            event_id=row.event_id,
            type=events[row.event_id].kind,
            subject_id=row.subject_id,
            state=row.state,  # type: ignore[arg-type]
            attempts=row.attempts,
            next_attempt_at=row.next_attempt_at if row.state == "pending" else None,
            delivered_at=row.delivered_at,
            created_at=row.created_at,
        )
        for row in rows
    ]
