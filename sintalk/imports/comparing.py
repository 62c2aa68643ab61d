"""The people of a batch against the list, without writing to it: who is new, who changes, who stays the same."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from sintalk.imports import merging
from sintalk.imports.batches import Batch
from sintalk.imports.findings import EXAMPLES, Findings

#: One number a person, so that a check remembers whom it has met in 16 bytes.
_KEY = "hashtextextended(coalesce(r.phone, '@' || lower(r.email)), 0)"
#: LIMIT keeps the planner from joining the whole list for a batch: each person is one look into an index.
_MET = """
CREATE TEMPORARY TABLE import_met ON COMMIT DROP AS
WITH fresh AS (
    INSERT INTO contact_import_keys (check_id, key) SELECT %(check_id)s, KEY FROM import_rows r
    ON CONFLICT DO NOTHING RETURNING key
)
SELECT r.row, r.name, r.email, r.phone, r.attributes, c.id AS contact_id, c.name AS old_name,
       c.email AS old_email, c.attributes AS old_attributes,
       c.id IS NOT NULL AND %(update)s AND (c.name, c.email, c.attributes) IS DISTINCT FROM
       (r.name, coalesce(r.email, c.email), c.attributes || r.attributes) AS changes
  FROM import_rows r JOIN fresh ON fresh.key = KEY
  LEFT JOIN LATERAL (
    (SELECT * FROM contacts p WHERE p.contact_list_id = %(list_id)s AND p.phone = r.phone
        AND p.deleted_at IS NULL AND p.phone IS NOT NULL LIMIT 1)
    UNION ALL
    (SELECT * FROM contacts e WHERE r.phone IS NULL AND e.contact_list_id = %(list_id)s
        AND lower(e.email) = lower(r.email) AND e.email IS NOT NULL AND e.phone IS NULL
        AND e.deleted_at IS NULL LIMIT 1)
  ) c ON true
""".replace("KEY", _KEY)
_COUNT = "SELECT count(*), count(contact_id), count(*) FILTER (WHERE changes) FROM import_met"
_NEWS = """
SELECT row, name, email, phone, attributes FROM import_met WHERE contact_id IS NULL ORDER BY row LIMIT %(limit)s
"""
_CHANGES = """
SELECT row, phone, name, email, attributes, old_name, old_email, old_attributes
  FROM import_met WHERE changes ORDER BY row LIMIT %(limit)s
"""
_STANDING = """
WITH fresh AS (
    INSERT INTO contact_import_keys (check_id, key) SELECT %(check_id)s, KEY FROM import_rows r
    ON CONFLICT DO NOTHING RETURNING key
)
SELECT count(*), count(*) FILTER (WHERE known.already)
  FROM import_rows r JOIN fresh ON fresh.key = KEY,
       LATERAL (SELECT NOT EXISTS (
           SELECT FROM unnest(%(channels)s::text[]) wanted (channel)
            WHERE NOT EXISTS (SELECT FROM opt_outs o WHERE o.tenant_id = %(tenant_id)s AND o.phone = r.phone
                                 AND o.channel IS NOT DISTINCT FROM wanted.channel)) AS already) known
""".replace("KEY", _KEY)


class Against(NamedTuple):
    """What the people are compared with, for which check."""

    check_id: UUID
    tenant_id: UUID
    list_id: UUID
    on_duplicate: str
    purpose: str
    channels: list[str]


def compare(found: Findings, batch: Batch, against: Against) -> None:
    """Add what this batch would do to what was found. The caller's transaction remembers who was met."""
    if not batch.people:
        return
    with merging.cursor() as at:
        merging.stage(at, batch.people.values())
        if against.purpose == "opt_outs":
            _with_opt_outs(at, found, batch, against)
        else:
            _with_list(at, found, batch, against)


def _with_opt_outs(at: Any, found: Findings, batch: Batch, against: Against) -> None:
    names: dict[str, Any] = {**against._asdict(), "channels": against.channels or [None]}
    fresh, known = at.execute(_STANDING, names).fetchone()
    found.compare(fresh, known, 0, batch.accepted)


def _with_list(at: Any, found: Findings, batch: Batch, against: Against) -> None:
    at.execute(_MET, {**against._asdict(), "update": against.on_duplicate == "update"})
    fresh, known, changes = at.execute(_COUNT).fetchone()
    found.compare(fresh, known, changes, batch.accepted)
    found.opted_out += merging.opted_out(at, against.tenant_id)
    if len(found.news) < EXAMPLES:
        found.more("news", map(_new, at.execute(_NEWS, {"limit": EXAMPLES})))
    if len(found.changes) < EXAMPLES:
        found.more("changes", map(_change, at.execute(_CHANGES, {"limit": EXAMPLES})))


def _new(row: Any) -> dict[str, Any]:
    number, name, email, phone, attributes = row
    return {"row": number, "name": name, "email": email, "phone": phone, "attributes": attributes}


def _change(row: Any) -> dict[str, Any]:
    """One person of the list: each value that changes as [field, old, new], attributes under their names."""
    number, phone, name, email, attributes, old_name, old_email, old_attributes = row
    values = [("name", old_name, name), ("email", old_email, email or old_email)]
    values += [(f"attributes.{key}", old_attributes.get(key), value) for key, value in attributes.items()]
    differing = [list(value) for value in values if value[1] != value[2]]
    return {"row": number, "name": old_name, "phone": phone, "email": old_email, "values": differing}
