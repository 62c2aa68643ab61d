"""Takes an import from its file into its list: survey first, then batch by batch, each with its cursor.

May run twice, be killed anywhere and meet itself: see `leases`. Nothing is written before all of the file
was looked at, so that what is no table leaves no trace.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from itertools import chain
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import exc

from sintalk import queue
from sintalk.contacts import service as contacts
from sintalk.db import atomic, release
from sintalk.files import service as files
from sintalk.files.storage import FileGone, StoreAway
from sintalk.imports import merging, reading
from sintalk.imports.batches import Batch, ahead, batches
from sintalk.imports.leases import Claim, LostLease, claim, finish, give_back, still_ours
from sintalk.imports.mapping import Unmappable
from sintalk.imports.models import ContactImport
from sintalk.imports.people import Reader
from sintalk.imports.reading import Survey, Unreadable

log = logging.getLogger(__name__)

#: COPY goes past SQLAlchemy, so the driver's own errors come through as well.
DATABASE_AWAY = (exc.OperationalError, exc.InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
RENEW_S = 5.0
Row = tuple[int, list[str]]
STORE_PAUSE = timedelta(seconds=5)


def run(import_id: UUID) -> None:
    """Work on this import as long as there is something to do and nobody else does it."""
    job = claim(import_id)
    if job is None:
        return
    try:
        _to_its_end(job)
    except LostLease:
        log.info("import %s was canceled, or is another worker's now", job.id)


def _to_its_end(job: Claim) -> None:
    try:
        if _work(job):
            finish(job, "completed")
        else:
            give_back(job)
    except Unreadable as error:
        finish(job, "failed", error_code=error.code, error_row=error.row)
    except Unmappable:
        finish(job, "failed", error_code="header_not_mapped")
    except FileGone:
        finish(job, "failed", error_code="file_gone")
    except StoreAway:
        give_back(job, STORE_PAUSE)
    except (LostLease, *DATABASE_AWAY):
        raise  # where the database went away, the lease runs out and the sweeper rings again
    except Exception:
        log.exception("import %s failed", job.id)
        finish(job, "failed", error_code="internal_error")


def _work(job: Claim) -> bool:
    """Whether it came to the end of the file; False when this process was asked to stop before."""
    found = Survey(**job.survey) if job.survey else _survey(job)
    reader = Reader(reading.columns(found, job.mapping), found.width, job.default_ddd)
    todo = _not_done(job, reading.rows(_bytes(job), found))
    for batch in ahead(batches(todo, reader, keep_first=job.on_duplicate == "skip")):
        _write(job, batch)
        if queue.stopping.is_set():
            return False
    return True


def _survey(job: Claim) -> Survey:
    file = files.get(job.tenant_id, job.file_id)
    pulse = _renewing(job)
    found = reading.survey(file.kind, _bytes(job), has_header=job.has_header, pulse=pulse)
    reading.columns(found, job.mapping)
    still_ours(job, survey=asdict(found), total_rows=found.rows)
    return found


def _write(job: Claim, batch: Batch) -> None:
    """One batch, its counts and the cursor, or nothing of it."""
    warnings = job.warnings + batch.warnings
    with atomic():
        still_ours(job)
        contacts.lock_list(job.tenant_id, job.contact_list_id)
        created, opted_out = merging.write(job, batch)
        contacts.count(job.contact_list_id, created)
        doubled = "updated_count" if job.on_duplicate == "update" else "skipped_count"
        more = {
            "processed_rows": batch.rows,
            "created_count": created,
            doubled: batch.accepted - created,
            "rejected_count": len(batch.rejects),
            "opted_out_count": opted_out,
        }
        counts: dict[str, Any] = {name: getattr(ContactImport, name) + count for name, count in more.items()}
        still_ours(job, cursor=batch.last, warnings=dict(warnings), **counts)
    job.warnings = warnings


def _bytes(job: Claim) -> Iterator[bytes]:
    """The file as it was confirmed; no transaction stays open while it is read."""
    chunks = files.open_stream(files.get(job.tenant_id, job.file_id))
    release()
    return chunks


def _not_done(job: Claim, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows behind the cursor; the way there may be long, so the lease is kept meanwhile."""
    renew = _renewing(job)
    for row in rows:
        if row[0] > job.cursor:
            return chain([row], rows)
        renew()
    return iter(())


def _renewing(job: Claim) -> Callable[[], None]:
    """Keeps the lease, called as often as one likes."""
    renewed = monotonic()

    def renew() -> None:
        nonlocal renewed
        if monotonic() - renewed > RENEW_S:
            still_ours(job)
            renewed = monotonic()

    return renew
