"""The verbs about imports: start, look, cancel, take back, and the rejects as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from sintalk.contacts import service as contacts
from sintalk.db import atomic, now, release, session
from sintalk.errors import Conflict, Detail, Invalid, NotFound
from sintalk.files import service as files
from sintalk.files.models import File
from sintalk.imports import exporting, reading, reasons, sources, telling, undoing
from sintalk.imports.leases import ring
from sintalk.imports.mapping import Unmappable
from sintalk.imports.models import UNFINISHED, ContactImport, ImportReject, ImportUndo
from sintalk.imports.reading import Survey, Unreadable
from sintalk.imports.wishes import Wishes, signature
from sintalk.tenancy import owned

#: Rejects are read in portions of this many.
_PORTION = 2_000


def start(
    tenant_id: UUID,
    list_id: UUID,
    *,
    file_id: UUID,
    wishes: Wishes | None = None,
    and_then: Callable[[ContactImport], None] | None = None,
) -> ContactImport:
    """Take on the import of a confirmed table (`reading.KINDS`) into a list; `and_then` joins the transaction.

    Raises NotFound for the list; 422 for an unknown file, one that is no table, and a header that cannot be
    mapped; 409 `file_not_confirmed`, `import_in_progress`, `upload_missing`; 503 `store_unavailable`.
    """
    wishes = wishes or Wishes()
    contacts.get_list(tenant_id, list_id)
    file = files.confirmed(tenant_id, file_id, kinds=reading.KINDS)
    found, _ = head_of(file, wishes)
    try:
        sources.columns(found, wishes.mapping, wishes.purpose)
    except Unmappable as error:
        raise not_mapped(error) from None
    with atomic() as current:
        job = ContactImport(
            tenant_id=tenant_id,
            contact_list_id=list_id,
            file_id=file_id,
            status="queued",
            signature=signature(found.header),
            **wishes.as_columns(),
        )
        contacts.hold_list(tenant_id, list_id, "import", job.id)
        _refuse_second(list_id, file_id)
        current.add(job)
        current.flush()
        current.refresh(job)
        if and_then is not None:
            and_then(job)
        ring()
    return job


def head_of(file: File, wishes: Wishes, limit: int = 0) -> tuple[Survey, list[tuple[int, list[str]]]]:
    """What the beginning of a file tells, and no more than so many of its first rows with their numbers.

    Within a second or two whatever the size of a CSV. Raises 422 for what is no table, and as `files.open_now` does.
    """

    def chunks() -> Iterator[bytes]:
        opened = files.open_now(file)
        release()  # no connection waits for the store
        return opened

    try:
        return reading.head(file.kind, chunks, limit, has_header=wishes.has_header)
    except Unreadable as error:
        sentence = reasons.failure(error.code, error.row)
        raise Invalid(Detail("file_id", error.code, sentence), message=sentence) from None


def not_mapped(error: Unmappable) -> Invalid:
    """The columns cannot be told apart."""
    sentence = reasons.mapping(error.code, error.column)
    return Invalid(Detail(error.field, error.code, sentence), message=sentence)


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


def undo(tenant_id: UUID, import_id: UUID) -> ContactImport:
    """Take back what an import did: who is new by it leaves, who was changed becomes as before.

    It runs in the background; one that was stopped goes on; repeating it is harmless. Opt-outs stay.
    Raises NotFound (also for a deleted list), 409 `import_unfinished`, `import_not_undoable`, `undo_expired`.
    """
    with atomic() as current:
        job = owned(ContactImport, tenant_id, import_id, lock=True)
        standing = undo_of(job, lock=True)
        if standing is not None and standing.status in (*UNFINISHED, "completed"):
            return job
        _refuse_undo(job)
        if standing is None:
            standing = ImportUndo(
                tenant_id=tenant_id,
                contact_list_id=job.contact_list_id,
                import_id=job.id,
                total_rows=undoing.amount(job.id),
            )
            current.add(standing)
        standing.status, standing.error_code, standing.finished_at = "queued", None, None
        standing.lease_until = None
        contacts.hold_list(tenant_id, job.contact_list_id, "undo", standing.id)
        ring()
    return job


def stop_undo(tenant_id: UUID, import_id: UUID) -> ContactImport:
    """Stop taking back; what is taken back by then stays so, and `undo` goes on. Repeating it is harmless.

    Raises NotFound.
    """
    with atomic() as current:
        job = owned(ContactImport, tenant_id, import_id, lock=True)
        standing = undo_of(job, lock=True)
        if standing is not None and standing.unfinished:
            standing.status, standing.finished_at = "canceled", now()
            contacts.free_list(tenant_id, job.contact_list_id, "undo", standing.id)
            current.flush()
    return job


def undo_of(job: ContactImport, *, lock: bool = False) -> ImportUndo | None:
    """How far an import is taken back, if it is."""
    query = select(ImportUndo).where(ImportUndo.import_id == job.id)
    if lock:
        query = query.with_for_update()
    return session().scalars(query.execution_options(populate_existing=True)).one_or_none()


def undos_of(jobs: Sequence[ContactImport]) -> dict[UUID, ImportUndo]:
    """Those of these imports that are taken back, by import."""
    ids = [job.id for job in jobs]
    found = session().scalars(select(ImportUndo).where(ImportUndo.import_id.in_(ids)))
    return {undo.import_id: undo for undo in found}


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


def _refuse_undo(job: ContactImport) -> None:
    if job.unfinished:
        raise Conflict("import_unfinished", _l("This import has not ended yet. Stop it first."))
    if job.undo_until is None:
        raise Conflict("import_not_undoable", _l("There is nothing in this import that can be taken back."))
    if not job.undoable:
        raise Conflict("undo_expired", _l("An import can be taken back for 30 days."))


def _refuse_second(list_id: UUID, file_id: UUID) -> None:
    """`hold_list` has locked the list's row, so looking first is enough."""
    same = select(ContactImport.id).where(
        ContactImport.contact_list_id == list_id,
        ContactImport.file_id == file_id,
        ContactImport.status.in_(UNFINISHED),
    )
    if session().scalar(same):
        raise Conflict("import_in_progress", _l("This file is being imported into this list already."))
