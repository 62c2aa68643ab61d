"""Who works on a file: a lease that runs out, renewed by the work itself, and a fence that counts owners.

The same for the three kinds of work: looking at a file, importing it, taking an import back.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from sqlalchemy import and_, func, or_, update

from sintalk.contacts import service as contacts
from sintalk.db import atomic, now
from sintalk.imports import telling
from sintalk.imports.models import ContactImport, ImportCheck, ImportUndo
from sintalk.queue import enqueue

LEASE = timedelta(seconds=30)


class LostLease(Exception):
    """Another worker took over, or somebody canceled: what was about to be written is not."""


@dataclass(kw_only=True)
class Claim:
    """Work that is ours, as it stood when it became so. A row would follow a new owner's fence."""

    model: ClassVar[type[Any]]
    id: UUID
    tenant_id: UUID
    contact_list_id: UUID
    fence: int
    cursor: int

    def ended(self) -> None:
        """What belongs to the end, in its transaction."""


@dataclass(kw_only=True)
class FileClaim(Claim):
    """Of something that reads a file."""

    file_id: UUID
    purpose: str
    mapping: dict[str, Any]
    on_duplicate: str
    default_ddd: str | None
    has_header: bool | None
    channels: list[str]
    survey: dict[str, Any] | None


@dataclass(kw_only=True)
class RunClaim(FileClaim):
    """An import."""

    model = ContactImport
    warnings: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.warnings = Counter(self.warnings)

    def ended(self) -> None:
        contacts.free_list(self.tenant_id, self.contact_list_id, "import", self.id)
        telling.finished(self.tenant_id, self.id)


@dataclass(kw_only=True)
class CheckClaim(FileClaim):
    """A look at a file."""

    model = ImportCheck
    processed_rows: int
    found: dict[str, Any]


@dataclass(kw_only=True)
class UndoClaim(Claim):
    """An import that is taken back."""

    model = ImportUndo
    import_id: UUID
    contact_cursor: UUID | None

    def ended(self) -> None:
        contacts.free_list(self.tenant_id, self.contact_list_id, "undo", self.id)


C = TypeVar("C", bound=Claim)


def due_now(model: type[Any]) -> Any:
    """The rows of this table that wait for a worker, or whose worker is gone."""
    return or_(
        model.status == "queued",
        and_(model.status == "running", model.lease_until < now()),
    )


def claim(kind: type[C], work_id: UUID) -> C | None:
    """Make it ours if it waits or its worker is gone; None where there is nothing to do."""
    model, moment = kind.model, now()
    columns = [getattr(model, part.name) for part in fields(kind)]
    with atomic() as current:
        row = current.execute(
            update(model)
            .where(model.id == work_id, due_now(model))
            .values(
                status="running",
                fence=model.fence + 1,
                lease_until=moment + LEASE,
                started_at=func.coalesce(model.started_at, moment),
            )
            .returning(*columns)
            .execution_options(synchronize_session=False)
        ).one_or_none()
    return None if row is None else kind(**row._mapping)


def still_ours(claim: Claim, *, lease: timedelta = LEASE, **values: Any) -> None:
    """Change the row and renew the lease, if it is still ours; until the commit it stays so. Raises LostLease."""
    model = claim.model
    with atomic() as current:
        ours = current.execute(
            update(model)
            .where(model.id == claim.id, model.fence == claim.fence, model.status == "running")
            .values({"lease_until": now() + lease, **values})
            .returning(model.id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if ours is None:
            raise LostLease


def finish(claim: Claim, status: str, **values: Any) -> None:
    """The end, with its reason. Raises LostLease."""
    with atomic():
        still_ours(claim, status=status, finished_at=now(), **values)
        claim.ended()


def give_back(claim: Claim, pause: timedelta = timedelta(0)) -> None:
    """Let whoever comes next go on from the cursor, after this pause. Raises LostLease."""
    with atomic():
        still_ours(claim, lease=pause)
        ring()


def ring() -> None:
    """There is work."""
    enqueue("sintalk.imports.jobs.work")
