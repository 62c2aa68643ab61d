"""Writes a batch into a list: one COPY, then statements over sets. The caller's transaction holds it all."""

from __future__ import annotations

import json
from typing import Any

from psycopg import sql

from sintalk.db import new_id, now, session
from sintalk.imports.batches import Batch
from sintalk.imports.leases import Claim

#: Made once: json.dumps() with a wish of its own builds an encoder for every call.
_as_json = json.JSONEncoder(ensure_ascii=False).encode

_STAGE = """
CREATE TEMPORARY TABLE import_rows (
    id uuid, name text, email text, phone text, attributes jsonb
) ON COMMIT DROP
"""
_COPY = "COPY import_rows (id, name, email, phone, attributes) FROM STDIN"
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
_COUNTED = "WITH done AS ({insert} RETURNING xmax = 0 AS made) SELECT count(*) FILTER (WHERE made) FROM done"
MERGE = {
    "update": _COUNTED.format(insert=_INSERT + _ON_PHONE + _UPDATE),
    "skip": _COUNTED.format(insert=_INSERT + _ON_PHONE + "DO NOTHING"),
}

_SAME_ADDRESS = """
    c.contact_list_id = %(list_id)s AND c.deleted_at IS NULL AND c.phone IS NULL
    AND c.email IS NOT NULL AND lower(c.email) = lower(r.email)
"""
_UPDATE_BY_ADDRESS = """
UPDATE contacts c
   SET name = r.name, attributes = c.attributes || r.attributes, updated_at = %(now)s
  FROM import_rows r
 WHERE r.phone IS NULL AND SAME_ADDRESS
   AND (c.name, c.attributes) IS DISTINCT FROM (r.name, c.attributes || r.attributes)
""".replace("SAME_ADDRESS", _SAME_ADDRESS)
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


def write(job: Claim, batch: Batch) -> tuple[int, int]:
    """Merge the batch into the list, keep its rejects; how many contacts are new, how many opted out.

    The caller holds the lock of the list's row: writers of a list take turns, batch by batch.
    """
    with _cursor() as cursor:
        _copy_rejects(cursor, job, batch)
        if not batch.people:
            return 0, 0
        cursor.execute(_STAGE)
        by_address = _copy(cursor, batch)
        names: dict[str, Any] = {"tenant_id": job.tenant_id, "list_id": job.contact_list_id, "now": now()}
        created = int(cursor.execute(MERGE[job.on_duplicate], names).fetchone()[0])
        if by_address:
            if job.on_duplicate == "update":
                cursor.execute(_UPDATE_BY_ADDRESS, names)
            created += cursor.execute(_INSERT_BY_ADDRESS, names).rowcount
        return created, int(cursor.execute(_OPTED_OUT, names).fetchone()[0])


def _cursor() -> Any:
    """A cursor of the driver, in the session's transaction: SQLAlchemy knows no COPY."""
    driver: Any = session().connection().connection.driver_connection
    return driver.cursor()


def _copy(cursor: Any, batch: Batch) -> bool:
    """Stage the people; whether some of them have no phone."""
    by_address = False
    with cursor.copy(sql.SQL(_COPY)) as copy:
        for person in batch.people.values():
            by_address = by_address or person.phone is None
            attributes = _as_json(person.attributes)
            copy.write_row((str(new_id()), person.name, person.email, person.phone, attributes))
    return by_address


def _copy_rejects(cursor: Any, job: Claim, batch: Batch) -> None:
    if not batch.rejects:
        return
    job_id, tenant_id = str(job.id), str(job.tenant_id)
    with cursor.copy(sql.SQL(_COPY_REJECTS)) as copy:
        for reject in batch.rejects:
            copy.write_row((job_id, reject.row, tenant_id, reject.reason, _as_json(reject.cells)))
