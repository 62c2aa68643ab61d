from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flask import g

from sintalk.contacts import phones
from sintalk.messages import service
from sintalk.messages.models import Notification
from sintalk.messages.schemas import NotificationOut, NotificationPage, NotificationPath, NotificationQuery
from sintalk.web.api import blueprint
from sintalk.web.paging import paginate

api = blueprint("messages", tag="notifications", description="Every message to every person")


@api.get("/notifications", summary="List notifications", responses={"200": NotificationPage})
def list_notifications(query: NotificationQuery) -> NotificationPage:
    """Delivery history, filtered by channel, status, time, campaign, phone and your own reference."""
    wanted = service.Wanted(
        channel=query.channel,
        status=query.status,
        start=query.from_,
        end=query.to,
        campaign_id=query.campaign_id,
        phone=(phones.read(query.phone).phone or query.phone) if query.phone else None,
        external_id=query.external_id,
    )
    total = service.total(g.actor.tenant_id) if wanted == service.Wanted() else None
    window = paginate(
        service.notifications(g.actor.tenant_id, wanted), query, by=Notification.id, total=total
    )
    return NotificationPage(
        data=_shown(window.data),
        total=window.total,
        limit=window.limit,
        offset=window.offset,
        has_more=window.has_more,
        total_is_exact=window.total_is_exact,
    )


@api.get(
    "/notifications/<uuid:notification_id>", summary="Get a notification", responses={"200": NotificationOut}
)
def get_notification(path: NotificationPath) -> NotificationOut:
    """One notification. An extension of the index."""
    return _shown([service.get(g.actor.tenant_id, path.notification_id)])[0]


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
