"""Importing a messy file from the store, against raw COPY of the same people, already clean, into the same table."""

from __future__ import annotations

from uuid import UUID

import httpx
from sqlalchemy import func, select

from bench.harness import Bound, Figure, Product, say, timed, wait
from bench.people import clean_blocks, copy, messy_file
from sintalk.contacts import service as contacts
from sintalk.contacts.models import Contact
from sintalk.db import release, session
from sintalk.files import service as files
from sintalk.imports import preview
from sintalk.imports import service as imports
from sintalk.imports.models import ContactImport, ImportCheck


def run(product: Product, count: int) -> tuple[list[Figure], list[Bound]]:
    """The figures of importing this many rows. COPY runs before and after, and its better time counts."""
    tenant_id = product.owner.tenant_id
    clean = contacts.create_list(tenant_id, name="clean")
    before = _copy(product, clean.id, count)
    content = messy_file(count)
    say(f"Import of the same people from a file of {len(content) / 1e6:,.0f} MB")
    file_id = _uploaded(tenant_id, content)
    messy = contacts.create_list(tenant_id, name="messy")
    bounds = _preview(tenant_id, messy.id, file_id, count)
    job = _import(tenant_id, messy.id, file_id, count)
    _check(job, clean.id, messy.id, count)
    copying = min(before, _copy(product, contacts.create_list(tenant_id, name="clean again").id, count))
    assert job.finished_at is not None
    importing = count / (job.finished_at - job.created_at).total_seconds()
    bounds.append(Bound("memory of the imports worker", product.worker_peak_mb("imports"), "MB", 150))
    return [Figure(f"import of {count:,} rows", importing, "raw COPY", count / copying, 0.40)], bounds


def _copy(product: Product, list_id: UUID, count: int) -> float:
    """Seconds of the raw COPY; making the lines for it is not counted."""
    blocks = clean_blocks(count, product.owner.tenant_id, list_id)
    say(f"COPY of {count:,} clean rows")
    with product.connection() as connection:
        return timed(lambda: copy(connection, blocks))


def _uploaded(tenant_id: UUID, content: bytes) -> UUID:
    upload = files.begin(tenant_id, kind="csv", filename="b.csv", content_type="text/csv", size=len(content))
    httpx.put(upload.url, content=content, headers=upload.headers, timeout=120).raise_for_status()
    return upload.file.id


def _preview(tenant_id: UUID, list_id: UUID, file_id: UUID, count: int) -> list[Bound]:
    """How long somebody waits from the confirm to the first look, and then until all of the file was gone through."""
    checks: list[ImportCheck] = []

    def look() -> None:
        files.confirm(tenant_id, file_id)
        checks.append(preview.begin(tenant_id, list_id, file_id=file_id, by_hand=True))

    say("Preview of the same file")
    waited = timed(look)
    release()

    def ended() -> ImportCheck | None:
        check = preview.get(tenant_id, list_id, checks[0].id)
        return None if check.unfinished else check

    check: ImportCheck = wait(ended, what="the check ends", patience_s=60 + count / 1_000)
    assert check.status == "completed" and check.found["created"] == count, (check.status, check.found)
    assert check.finished_at is not None
    all_of_it = (check.finished_at - check.created_at).total_seconds()
    return [
        Bound("preview of that file, from the confirm to the first look", waited, "s", 5),
        Bound("until all of it was gone through, in the background", all_of_it, "s"),
    ]


def _import(tenant_id: UUID, list_id: UUID, file_id: UUID, count: int) -> ContactImport:
    """The import, ended. From the call that takes it on, so the wait for a worker counts."""
    started = imports.start(tenant_id, list_id, file_id=file_id)
    release()

    def ended() -> ContactImport | None:
        job = imports.get(tenant_id, list_id, started.id)
        return None if job.unfinished else job

    job: ContactImport = wait(ended, what="the import ends", patience_s=60 + count / 1_000)
    return job


def _check(job: ContactImport, clean_id: UUID, messy_id: UUID, count: int) -> None:
    """A fast import that reads people wrongly is no figure: both lists hold the same."""
    assert (job.status, job.created_count) == ("completed", count), (
        job.status,
        job.error_code,
        job.created_count,
    )
    phones = func.count(func.distinct(Contact.phone))
    look = select(func.count(), phones, func.min(Contact.name), func.max(Contact.phone))
    clean, messy = (
        session().execute(look.where(Contact.contact_list_id == each)).one() for each in (clean_id, messy_id)
    )
    release()
    assert clean == messy, (clean, messy)
