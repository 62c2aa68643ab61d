"""The verbs about looking at a file before it is imported: begin, look, change the wishes, stop, import it."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select

from sintalk.contacts import service as contacts
from sintalk.db import atomic, now, release, session
from sintalk.errors import Conflict, NotFound
from sintalk.files import service as files
from sintalk.imports import checking, reading, service, sources
from sintalk.imports.leases import ring
from sintalk.imports.mapping import Unmappable
from sintalk.imports.models import ContactImport, ImportCheck
from sintalk.imports.reading import Survey
from sintalk.imports.wishes import Wishes, signature
from sintalk.tenancy import owned

#: A look that led to nothing is kept so long.
KEPT = timedelta(days=7)


def begin(
    tenant_id: UUID, list_id: UUID, *, file_id: UUID, wishes: Wishes | None = None, by_hand: bool = False
) -> ImportCheck:
    """Look at a confirmed file: at its head at once, at all of it in the background.

    `by_hand`: somebody sits before it. Without a mapping the one of the last file like this is taken, and a
    header that nobody understands is no refusal, for columns can be chosen.
    Raises NotFound for the list, and what `service.start` refuses a file with.
    """
    contacts.get_list(tenant_id, list_id)
    file = files.confirmed(tenant_id, file_id, kinds=reading.KINDS)
    wishes = wishes or Wishes()
    found, numbered = service.head_of(file, wishes, checking.JUDGED)
    recalled = _recall(tenant_id, list_id, found, wishes) if by_hand and not wishes.mapping else None
    check = ImportCheck(tenant_id=tenant_id, contact_list_id=list_id, file_id=file.id)
    check.recalled = recalled is not None
    _look(check, recalled or wishes, found, numbered, by_hand=by_hand)
    with atomic() as current:
        current.add(check)
        current.flush()
        current.refresh(check)
        ring()
    return check


def get(tenant_id: UUID, list_id: UUID, check_id: UUID) -> ImportCheck:
    """One look at a file for this list. Raises NotFound."""
    contacts.get_list(tenant_id, list_id)
    mine = select(ImportCheck).where(
        ImportCheck.tenant_id == tenant_id,
        ImportCheck.contact_list_id == list_id,
        ImportCheck.id == check_id,
    )
    check = session().scalars(mine.execution_options(populate_existing=True)).one_or_none()
    if check is None:
        raise NotFound
    return check


def change(tenant_id: UUID, list_id: UUID, check_id: UUID, wishes: Wishes) -> ImportCheck:
    """Look again, with other wishes. Raises NotFound, 409 `import_started`, and as `begin` does."""
    check = get(tenant_id, list_id, check_id)
    file = files.confirmed(tenant_id, check.file_id, kinds=reading.KINDS)
    looked = ImportCheck(id=check.id, tenant_id=tenant_id, contact_list_id=list_id, file_id=file.id)
    _look(looked, wishes, *service.head_of(file, wishes, checking.JUDGED), by_hand=True)
    with atomic():
        check = owned(ImportCheck, tenant_id, check_id, lock=True)
        _refuse_started(check)
        for name, value in Wishes.of(looked).as_columns().items():
            setattr(check, name, value)
        check.head, check.found, check.survey = looked.head, {}, None
        check.status, check.error_code, check.error_row = looked.status, looked.error_code, None
        check.cursor = check.total_rows = check.processed_rows = 0
        check.fence += 1  # whoever still goes through the file with the old wishes has lost it
        check.lease_until = check.started_at = check.finished_at = None
        check.recalled = False
        checking.forget_keys(check.id)
        ring()
    return check


def cancel(tenant_id: UUID, list_id: UUID, check_id: UUID) -> ImportCheck:
    """Stop looking; what was found by then can still be seen. Repeating it is harmless. Raises NotFound."""
    get(tenant_id, list_id, check_id)
    with atomic():
        check = owned(ImportCheck, tenant_id, check_id, lock=True)
        if check.unfinished:
            check.status, check.finished_at = "canceled", now()
            checking.forget_keys(check.id)
    return check


def run(tenant_id: UUID, list_id: UUID, check_id: UUID) -> ContactImport:
    """Import the file as it was looked at; the look need not have come to its end.

    Raises NotFound, and as `service.start` does. Told twice it answers with the same import.
    """
    check = get(tenant_id, list_id, check_id)
    if check.import_id is not None:
        return service.get(tenant_id, list_id, check.import_id)

    def link(job: ContactImport) -> None:
        check = owned(ImportCheck, tenant_id, check_id, lock=True)
        _refuse_started(check)
        check.import_id = job.id
        if check.unfinished:
            check.status, check.finished_at = "canceled", now()
        checking.forget_keys(check.id)

    return service.start(tenant_id, list_id, file_id=check.file_id, wishes=Wishes.of(check), and_then=link)


def forget_old() -> None:
    """Looks at files that are long past. For the sweeper."""
    with atomic() as current:
        current.execute(delete(ImportCheck).where(ImportCheck.created_at < now() - KEPT))


def _look(
    check: ImportCheck,
    wishes: Wishes,
    found: Survey,
    numbered: list[tuple[int, list[str]]],
    *,
    by_hand: bool,
) -> None:
    """Fill in what the head tells. Raises Invalid where it cannot be mapped and nobody is there to help."""
    for name, value in wishes.as_columns().items():
        setattr(check, name, value)
    head = {"survey": asdict(found), "rows": checking.shown(numbered, found)}
    check.status, check.error_code = "queued", None
    try:
        head["columns"] = sources.columns(found, wishes.mapping, wishes.purpose).as_json()
        head["findings"] = checking.judge(check, numbered, found).as_json()
    except Unmappable as error:
        if not by_hand:
            raise service.not_mapped(error) from None
        check.status, check.error_code = "failed", "header_not_mapped"
    finally:
        release()
    check.head = head


def _recall(tenant_id: UUID, list_id: UUID, found: Survey, wishes: Wishes) -> Wishes | None:
    """The wishes of the last import of such a file into this list."""
    last = session().scalars(
        select(ContactImport)
        .where(
            ContactImport.tenant_id == tenant_id,
            ContactImport.contact_list_id == list_id,
            ContactImport.signature == signature(found.header),
            ContactImport.purpose == wishes.purpose,
            ContactImport.status != "failed",
        )
        .order_by(ContactImport.id.desc())
        .limit(1)
    )
    earlier = last.one_or_none()
    if earlier is None or not (earlier.mapping or earlier.default_ddd):
        return None
    return replace(Wishes.of(earlier), has_header=wishes.has_header)


def _refuse_started(check: ImportCheck) -> None:
    if check.import_id is not None:
        raise Conflict("import_started", _l("This file is being imported already."))
