"""`notification.status` for the tenant's webhooks, written in the transaction that moves the messages.

Told is what became of a message from `sent` on. People who were left out before anything was sent are in the
campaign's numbers, not in events of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, literal, select

from sintalk.db import session
from sintalk.messages.models import Dispatch, Notification
from sintalk.web.schemas import rfc3339
from sintalk.webhooks import service as webhooks

KIND = "notification.status"
UNTOLD = ("queued", "sending")
PLAIN = (
    "id",
    "channel",
    "phone",
    "status",
    "segments",
    "error_code",
    "external_id",
    "contact_id",
    "template_id",
    "carrier_message_id",
)
TIMES = ("created_at", "sent_at", "delivered_at", "read_at")


def tell(tenant_id: UUID, ids: Sequence[UUID] | Sequence[str]) -> None:
    """These messages of a tenant have a new status. Costs one look at an index where nobody listens."""
    if not ids or not webhooks.wanted(tenant_id, KIND):
        return
    rows = session().execute(
        select(*(getattr(Notification, name) for name in (*PLAIN, *TIMES)), Dispatch.campaign_id)
        .join(Dispatch, Dispatch.id == Notification.dispatch_id)
        .where(
            Notification.id == any_(literal([UUID(str(each)) for each in ids], ARRAY(Uuid))),
            Notification.status.not_in(UNTOLD),
        )
        .order_by(Notification.id)
    )
    webhooks.announce_many(tenant_id, KIND, [webhooks.News(row.id, row.status, _shown(row)) for row in rows])


def _shown(row: Any) -> dict[str, Any]:
    """The notification in the words of the API."""
    times = {name: getattr(row, name) and rfc3339(getattr(row, name)) for name in TIMES}
    return {**{name: getattr(row, name) for name in PLAIN}, "campaign_id": row.campaign_id, **times}
