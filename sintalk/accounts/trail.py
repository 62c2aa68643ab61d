"""The audit trail, read: what was done to one thing, and who the people in it are."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select

from sintalk.accounts.models import AuditEvent, User
from sintalk.db import session

#: A thing that more was done to than this shows its beginning.
MOST = 200


def of(tenant_id: UUID, subject_id: UUID) -> list[AuditEvent]:
    """What was done to this thing, oldest first."""
    rows = select(AuditEvent).where(AuditEvent.tenant_id == tenant_id, AuditEvent.subject_id == subject_id)
    return list(session().scalars(rows.order_by(AuditEvent.id).limit(MOST)))


def names(events: Iterable[AuditEvent]) -> dict[UUID, str]:
    """The people who did these, by id; those who have left too."""
    asked = {(event.tenant_id, event.actor_id) for event in events if event.actor_kind == "user"}
    ids = [user_id for _, user_id in asked]
    tenants = {tenant_id for tenant_id, _ in asked}
    rows = select(User.id, User.name).where(User.tenant_id.in_(tenants), User.id.in_(ids))
    return {row.id: row.name for row in session().execute(rows)} if asked else {}
