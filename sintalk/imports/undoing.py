"""Takes an import back: removes what it created, restores what it changed, in chunks with a cursor.

What somebody changed since stays as it is, and is counted; so does what somebody removed. Opt-outs are never
touched: they belong to numbers, and no import takes one away.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text

from sintalk.contacts import service as contacts
from sintalk.db import atomic, now, release, session
from sintalk.imports.leases import UndoClaim, still_ours
from sintalk.imports.models import UNDO_FOR, ImportBatch, ImportChange, ImportUndo
from sintalk.imports.runner import Turn

CHUNK = 2_000

#: A contact is as the import left it where its last change is one of the import's own transactions.
_REMOVE = text("""
UPDATE contacts SET deleted_at = :now
 WHERE contact_list_id = :list_id AND id BETWEEN :first_id AND :last_id AND deleted_at IS NULL
   AND created_at = :written_at
   AND (updated_at = created_at OR updated_at IN
        (SELECT written_at FROM contact_import_batches WHERE import_id = :import_id))
""")
_RESTORE = text("""
UPDATE contacts c
   SET name = o.name, email = o.email, attributes = o.attributes, updated_at = o.updated_at
  FROM contact_import_changes o
 WHERE o.import_id = :import_id AND o.contact_id = ANY(:ids)
   AND c.id = o.contact_id AND c.contact_list_id = :list_id AND c.deleted_at IS NULL
   AND c.updated_at = o.written_at
""")
_PURGE = [
    text(
        """
DELETE FROM NOTES WHERE ctid = ANY (ARRAY(
    SELECT n.ctid FROM NOTES n JOIN contact_imports i ON i.id = n.import_id
     WHERE i.finished_at < :old
       AND NOT EXISTS (SELECT FROM contact_import_undos u
                        WHERE u.import_id = i.id AND u.status IN ('queued', 'running'))
     LIMIT :limit))
""".replace("NOTES", notes)
    )
    for notes in ("contact_import_changes", "contact_import_batches")
]


def amount(import_id: UUID) -> int:
    """How many contacts an undo would have to look at."""
    created = select(func.coalesce(func.sum(ImportBatch.created), 0)).where(
        ImportBatch.import_id == import_id
    )
    changed = select(func.count()).where(ImportChange.import_id == import_id)
    return int(session().scalar(created) or 0) + int(session().scalar(changed) or 0)


def work(job: UndoClaim, turn: Turn) -> bool:
    """Whether all of it is taken back; False when it gave way before."""
    while (batch := _next_batch(job)) is not None:
        _remove(job, batch)
        if turn.over():
            return False
    while ids := _next_changes(job):
        _restore(job, ids)
        if turn.over():
            return False
    return True


def purge(limit: int = 20_000) -> int:
    """Forget what was before imports that can no longer be taken back: how many notes. For the sweeper."""
    with atomic() as current:
        names = {"old": now() - UNDO_FOR, "limit": limit}
        return sum(_rows(current.execute(statement, names)) for statement in _PURGE)


def _rows(result: Any) -> int:
    return int(result.rowcount)


def _next_batch(job: UndoClaim) -> Any:
    of_it = (ImportBatch.import_id == job.import_id, ImportBatch.last_row > job.cursor)
    columns = (
        ImportBatch.last_row,
        ImportBatch.first_id,
        ImportBatch.last_id,
        ImportBatch.created,
        ImportBatch.written_at,
    )
    rows = select(*columns).where(*of_it).order_by(ImportBatch.last_row).limit(1)
    batch = session().execute(rows).one_or_none()
    release()
    return batch


def _remove(job: UndoClaim, batch: Row[Any]) -> None:
    with atomic() as current:
        still_ours(job)
        contacts.lock_list(job.tenant_id, job.contact_list_id)
        names = _names(job, first_id=batch.first_id, last_id=batch.last_id, written_at=batch.written_at)
        removed = _rows(current.execute(_REMOVE, names))
        contacts.count(job.contact_list_id, -removed)
        _count(job, batch.created, cursor=batch.last_row, removed_count=removed)
    job.cursor = batch.last_row


def _next_changes(job: UndoClaim) -> list[UUID]:
    rows = select(ImportChange.contact_id).where(ImportChange.import_id == job.import_id)
    if job.contact_cursor:
        rows = rows.where(ImportChange.contact_id > job.contact_cursor)
    ids = list(session().scalars(rows.order_by(ImportChange.contact_id).limit(CHUNK)))
    release()
    return ids


def _restore(job: UndoClaim, ids: list[UUID]) -> None:
    with atomic() as current:
        still_ours(job)
        contacts.lock_list(job.tenant_id, job.contact_list_id)
        restored = _rows(current.execute(_RESTORE, _names(job, ids=ids)))
        contacts.count(job.contact_list_id, 0)
        _count(job, len(ids), contact_cursor=ids[-1], restored_count=restored)
    job.contact_cursor = ids[-1]


def _names(job: UndoClaim, **more: UUID | datetime | list[UUID]) -> dict[str, Any]:
    return {"import_id": job.import_id, "list_id": job.contact_list_id, "now": now(), **more}


def _count(job: UndoClaim, looked_at: int, **done: Any) -> None:
    """So many contacts more were looked at; what was neither removed nor restored was kept."""
    counted = {name: value for name, value in done.items() if name.endswith("_count")}
    moved = {name: value for name, value in done.items() if name not in counted}
    more = {**counted, "kept_count": looked_at - sum(counted.values()), "processed_rows": looked_at}
    still_ours(job, **moved, **{name: getattr(ImportUndo, name) + value for name, value in more.items()})
