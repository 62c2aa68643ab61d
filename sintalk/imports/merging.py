"""Writes a batch into a list: one COPY, then statements over sets. The caller's transaction holds it all.

What a statement changed it also keeps as it was before (`RETURNING old`, so PostgreSQL 18), for the undo.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import sql

from sintalk.db import new_id, now, session
from sintalk.imports.batches import Batch
from sintalk.imports.leases import RunClaim
from sintalk.imports.people import Person

#: Made once: json.dumps() with a wish of its own builds an encoder for every call.
_as_json = json.JSONEncoder(ensure_ascii=False).encode

_STAGE = """
CREATE TEMPORARY TABLE import_rows (
    id uuid, row integer, name text, email text, phone text, attributes jsonb
) ON COMMIT DROP
"""
_COPY = "COPY import_rows (id, row, name, email, phone, attributes) FROM STDIN"
_COPY_REJECTS = "COPY contact_import_rejects (import_id, row, tenant_id, reason, cells) FROM STDIN"

_INSERT = """
INSERT INTO contacts AS c
       (id, tenant_id, contact_list_id, name, email, phone, attributes, created_at, updated_at)
SELECT id, %(tenant_id)s, %(list_id)s, name, email, phone, attributes, %(now)s, %(now)s
  FROM import_rows WHERE phone IS NOT NULL
"""
_ON_PHONE = " ON CONFLICT (contact_list_id, phone) WHERE deleted_at IS NULL AND phone IS NOT NULL "
#: Rows that say nothing new are not written again, so that importing a file twice changes nothing.
_UPDATE = """DO UPDATE
   SET name = excluded.name, email = coalesce(excluded.email, c.email),
       attributes = c.attributes || excluded.attributes, updated_at = excluded.updated_at
 WHERE (c.name, c.email, c.attributes)
       IS DISTINCT FROM
       (excluded.name, coalesce(excluded.email, c.email), c.attributes || excluded.attributes)
"""
#: What this import itself created before needs no note: undoing removes it.
_NOTED = """
WITH done AS (
    STATEMENT RETURNING old.id, old.name, old.email, old.attributes, old.updated_at, old.created_at
), noted AS (
    INSERT INTO contact_import_changes
           (import_id, contact_id, tenant_id, written_at, name, email, attributes, updated_at)
    SELECT %(import_id)s, id, %(tenant_id)s, %(now)s, name, email, attributes, updated_at
      FROM done
     WHERE id IS NOT NULL
       AND NOT EXISTS (SELECT FROM contact_import_batches b
                        WHERE b.import_id = %(import_id)s AND b.written_at = done.created_at)
        ON CONFLICT (import_id, contact_id) DO UPDATE SET written_at = excluded.written_at
) SELECT count(*) FILTER (WHERE id IS NULL), count(id) FROM done
"""
MERGE = {
    "update": _NOTED.replace("STATEMENT", _INSERT + _ON_PHONE + _UPDATE),
    "skip": "WITH done AS (STATEMENT RETURNING 1) SELECT count(*), 0 FROM done".replace(
        "STATEMENT", _INSERT + _ON_PHONE + "DO NOTHING"
    ),
}

_SAME_ADDRESS = """
    c.contact_list_id = %(list_id)s AND c.deleted_at IS NULL AND c.phone IS NULL
    AND c.email IS NOT NULL AND lower(c.email) = lower(r.email)
"""
_UPDATE_BY_ADDRESS = _NOTED.replace(
    "STATEMENT",
    """
UPDATE contacts c
   SET name = r.name, attributes = c.attributes || r.attributes, updated_at = %(now)s
  FROM import_rows r
 WHERE r.phone IS NULL AND SAME_ADDRESS
   AND (c.name, c.attributes) IS DISTINCT FROM (r.name, c.attributes || r.attributes)
""".replace("SAME_ADDRESS", _SAME_ADDRESS),
)
_INSERT_BY_ADDRESS = """
INSERT INTO contacts (id, tenant_id, contact_list_id, name, email, attributes, created_at, updated_at)
SELECT r.id, %(tenant_id)s, %(list_id)s, r.name, r.email, r.attributes, %(now)s, %(now)s
  FROM import_rows r
 WHERE r.phone IS NULL AND NOT EXISTS (SELECT FROM contacts c WHERE SAME_ADDRESS)
""".replace("SAME_ADDRESS", _SAME_ADDRESS)
_OPTED_OUT = """
SELECT count(*) FROM import_rows r
 WHERE EXISTS (SELECT FROM opt_outs o WHERE o.tenant_id = %(tenant_id)s AND o.phone = r.phone)
"""
_NOTE_BATCH = """
INSERT INTO contact_import_batches (import_id, last_row, tenant_id, first_id, last_id, created, written_at)
VALUES (%(import_id)s, %(last_row)s, %(tenant_id)s, %(first_id)s, %(last_id)s, %(created)s, %(now)s)
"""


class Done(NamedTuple):
    """Of the people of a batch: how many are new, how many changed, how many had opted out."""

    created: int = 0
    changed: int = 0
    opted_out: int = 0


class Staged(NamedTuple):
    """The ids that the staged rows would get, and whether some of them have no phone."""

    first_id: UUID
    last_id: UUID
    by_address: bool


def write(job: RunClaim, batch: Batch) -> Done:
    """Merge the batch into the list. The caller holds the lock of the list's row."""
    if not batch.people:
        return Done()
    with cursor() as at:
        staged = stage(at, batch.people.values())
        names: dict[str, Any] = {
            "tenant_id": job.tenant_id,
            "list_id": job.contact_list_id,
            "import_id": job.id,
            "now": now(),
        }
        created, changed = at.execute(MERGE[job.on_duplicate], names).fetchone()
        if staged.by_address:
            if job.on_duplicate == "update":
                changed += at.execute(_UPDATE_BY_ADDRESS, names).fetchone()[1]
            created += at.execute(_INSERT_BY_ADDRESS, names).rowcount
        note = {"last_row": batch.last, "created": created, **staged._asdict()}
        at.execute(_NOTE_BATCH, names | note)
        return Done(created, changed, opted_out(at, job.tenant_id))


def opted_out(at: Any, tenant_id: UUID) -> int:
    """How many of the staged people opted out of something."""
    return int(at.execute(_OPTED_OUT, {"tenant_id": tenant_id}).fetchone()[0])


def cursor() -> Any:
    """A cursor of the driver, in the session's transaction: SQLAlchemy knows no COPY."""
    driver: Any = session().connection().connection.driver_connection
    return driver.cursor()


def stage(at: Any, people: Any) -> Staged:
    """The people as a table `import_rows`, for this transaction. There is at least one."""
    at.execute(_STAGE)
    by_address = False
    ids: list[UUID] = []
    with at.copy(sql.SQL(_COPY)) as copy:
        person: Person
        for person in people:
            by_address = by_address or person.phone is None
            ids.append(new_id())
            attributes = _as_json(person.attributes)
            copy.write_row((str(ids[-1]), person.row, person.name, person.email, person.phone, attributes))
    return Staged(min(ids), max(ids), by_address)


def keep_rejects(job: RunClaim, batch: Batch) -> None:
    """The rows that are left out, as they were, with their reasons."""
    if not batch.rejects:
        return
    job_id, tenant_id = str(job.id), str(job.tenant_id)
    with cursor() as at, at.copy(sql.SQL(_COPY_REJECTS)) as copy:
        for reject in batch.rejects:
            copy.write_row((job_id, reject.row, tenant_id, reject.reason, _as_json(reject.cells)))
