"""Who works on an import: a lease that runs out, renewed by the work itself, and a fence that counts owners."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, update

from sintalk.contacts import service as contacts
from sintalk.db import atomic, now
from sintalk.imports import telling
from sintalk.imports.models import ContactImport
from sintalk.queue import enqueue

LEASE = timedelta(seconds=30)


class LostLease(Exception):
    """Another worker took over, or somebody canceled: what was about to be written is not."""


@dataclass
class Claim:
    """An import that is ours, as it stood when it became so. A row would follow a new owner's fence."""

    id: UUID
    tenant_id: UUID
    contact_list_id: UUID
    file_id: UUID
    fence: int
    on_duplicate: str
    default_ddd: str | None
    has_header: bool | None
    mapping: dict[str, Any]
    survey: dict[str, Any] | None
    cursor: int
    warnings: Counter[str] = field(default_factory=Counter)


def claim(import_id: UUID) -> Claim | None:
    """Make it ours if it waits or its worker is gone; None where there is nothing to do."""
    moment = now()
    free = or_(
        ContactImport.status == "queued",
        and_(ContactImport.status == "running", ContactImport.lease_until < moment),
    )
    columns = [getattr(ContactImport, part.name) for part in fields(Claim)]
    with atomic() as current:
        row = current.execute(
            update(ContactImport)
            .where(ContactImport.id == import_id, free)
            .values(
                status="running",
                fence=ContactImport.fence + 1,
                lease_until=moment + LEASE,
                started_at=func.coalesce(ContactImport.started_at, moment),
            )
            .returning(*columns)
            .execution_options(synchronize_session=False)
        ).one_or_none()
    if row is None:
        return None
    return Claim(**{**row._mapping, "warnings": Counter(row.warnings)})


def still_ours(claim: Claim, *, lease: timedelta = LEASE, **values: Any) -> None:
    """Change the row and renew the lease, if it is still ours; until the commit it stays so. Raises LostLease."""
    with atomic() as current:
        ours = current.execute(
            update(ContactImport)
            .where(
                ContactImport.id == claim.id,
                ContactImport.fence == claim.fence,
                ContactImport.status == "running",
            )
            .values({"lease_until": now() + lease, **values})
            .returning(ContactImport.id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if ours is None:
            raise LostLease


def finish(claim: Claim, status: str, **values: Any) -> None:
    """The end, with its reason; the list is free again. Raises LostLease."""
    with atomic():
        still_ours(claim, status=status, finished_at=now(), **values)
        contacts.free_list(claim.tenant_id, claim.contact_list_id, "import", claim.id)
        telling.finished(claim.tenant_id, claim.id)


def give_back(claim: Claim, pause: timedelta = timedelta(0)) -> None:
    """Let another worker go on from the cursor, after this pause. Raises LostLease."""
    with atomic():
        still_ours(claim, lease=pause)
        enqueue("sintalk.imports.jobs.run", claim.id)
