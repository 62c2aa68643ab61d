"""The verbs about imports: start, look, cancel, and the rejects as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, and_, or_, select

from sintalk.contacts import service as contacts
from sintalk.db import atomic, now, release, session
from sintalk.errors import Conflict, Detail, Invalid, NotFound
from sintalk.files import service as files
from sintalk.files.models import File
from sintalk.imports import exporting, reading, reasons, telling
from sintalk.imports.mapping import Unmappable
from sintalk.imports.models import UNFINISHED, ContactImport, ImportReject
from sintalk.imports.reading import Survey, Unreadable
from sintalk.queue import enqueue
from sintalk.tenancy import owned

#: Rejects are read in portions of this many.
_PORTION = 2_000


def start(
    tenant_id: UUID,
    list_id: UUID,
    *,
    file_id: UUID,
    mapping: Mapping[str, Any] | None = None,
    on_duplicate: str = "update",
    default_ddd: str | None = None,
    has_header: bool | None = None,
) -> ContactImport:
    """Take on the import of a confirmed table (`reading.KINDS`) into a list.

    Raises NotFound for the list; 422 for an unknown file, one that is no table, and a header that cannot be
    mapped; 409 `file_not_confirmed`, `import_in_progress`.
    """
    contacts.get_list(tenant_id, list_id)
    file = files.confirmed(tenant_id, file_id, kinds=reading.KINDS)
    _look_at_head(file, mapping or {}, has_header)
    with atomic() as current:
        job = ContactImport(
            tenant_id=tenant_id,
            contact_list_id=list_id,
            file_id=file_id,
            status="queued",
            mapping=dict(mapping or {}),
            on_duplicate=on_duplicate,
            default_ddd=default_ddd,
            has_header=has_header,
        )
        contacts.hold_list(tenant_id, list_id, "import", job.id)
        _refuse_second(list_id, file_id)
        current.add(job)
        current.flush()
        current.refresh(job)
        enqueue("sintalk.imports.jobs.run", job.id)
    return job


def imports_of(tenant_id: UUID, list_id: UUID) -> Select[ContactImport]:
    """The imports into a list, to be paged. Raises NotFound for the list."""
    contacts.get_list(tenant_id, list_id)
    mine = select(ContactImport).where(
        ContactImport.tenant_id == tenant_id, ContactImport.contact_list_id == list_id
    )
    return mine.execution_options(populate_existing=True)


def get(tenant_id: UUID, list_id: UUID, import_id: UUID) -> ContactImport:
    """One import into a list. Raises NotFound."""
    rows = imports_of(tenant_id, list_id).where(ContactImport.id == import_id)
    job = session().scalars(rows).one_or_none()
    if job is None:
        raise NotFound
    return job


def cancel(tenant_id: UUID, import_id: UUID) -> ContactImport:
    """Stop an import where it stands; what is in the list stays. Repeating it is harmless.

    Raises NotFound, 409 `import_finished`.
    """
    with atomic() as current:
        job = owned(ContactImport, tenant_id, import_id, lock=True)
        if job.unfinished:
            job.status, job.finished_at = "canceled", now()
            contacts.free_list(tenant_id, job.contact_list_id, "import", job.id)
            current.flush()
            telling.finished(tenant_id, job.id)
        elif job.status != "canceled":
            raise Conflict("import_finished", _l("This import has ended already."))
    return job


def due(limit: int = 20) -> list[UUID]:
    """Imports that wait for a worker, or whose worker is gone. For the sweeper."""
    waiting = or_(
        ContactImport.status == "queued",
        and_(ContactImport.status == "running", ContactImport.lease_until < now()),
    )
    return list(
        session().scalars(select(ContactImport.id).where(waiting).order_by(ContactImport.id).limit(limit))
    )


def rejects_csv(job: ContactImport) -> Iterator[bytes]:
    """The rows that were left out as a file for a spreadsheet: number, reason in words, original cells."""
    header = Survey(**job.survey).header if job.survey else ()
    return exporting.rejects(header, _rejects(job.id))


def _rejects(import_id: UUID) -> Iterator[tuple[int, str, list[str]]]:
    last = 0
    while True:
        portion = (
            session()
            .execute(
                select(ImportReject.row, ImportReject.reason, ImportReject.cells)
                .where(ImportReject.import_id == import_id, ImportReject.row > last)
                .order_by(ImportReject.row)
                .limit(_PORTION)
            )
            .all()
        )
        release()
        yield from portion
        if len(portion) < _PORTION:
            return
        last = portion[-1][0]


def _look_at_head(file: File, mapping: Mapping[str, Any], has_header: bool | None) -> None:
    """Refuse at once what the first rows tell; the rest is found out by the import itself."""
    chunks = files.open_now(file)
    release()
    try:
        reading.columns(reading.survey(file.kind, chunks, has_header=has_header, head=True), mapping)
    except Unreadable as error:
        sentence = reasons.failure(error.code, error.row)
        raise Invalid(Detail("file_id", error.code, sentence), message=sentence) from None
    except Unmappable as error:
        sentence = reasons.mapping(error.code, error.column)
        raise Invalid(Detail(error.field, error.code, sentence), message=sentence) from None


def _refuse_second(list_id: UUID, file_id: UUID) -> None:
    """`hold_list` has locked the list's row, so looking first is enough."""
    same = select(ContactImport.id).where(
        ContactImport.contact_list_id == list_id,
        ContactImport.file_id == file_id,
        ContactImport.status.in_(UNFINISHED),
    )
    if session().scalar(same):
        raise Conflict("import_in_progress", _l("This file is being imported into this list already."))
