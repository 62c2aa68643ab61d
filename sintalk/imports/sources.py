"""A file of the store as rows for a claim: read with what the survey found, the lease kept meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from itertools import chain
from time import monotonic
from typing import Any

from sintalk.db import release
from sintalk.files import service as files
from sintalk.imports import reading
from sintalk.imports.batches import Batch, ahead, batches
from sintalk.imports.leases import Claim, FileClaim, still_ours
from sintalk.imports.mapping import Columns, Unmappable
from sintalk.imports.people import Reader
from sintalk.imports.reading import Survey

RENEW_S = 5.0


def survey(job: FileClaim) -> Survey:
    """What the file is, settled once for all who work on this. Raises what `reading` and `files` raise."""
    if job.survey:
        return Survey(**job.survey)
    kind = files.get(job.tenant_id, job.file_id).kind
    found = reading.survey(kind, _bytes(job), has_header=job.has_header, pulse=_renewing(job))
    columns(found, job.mapping, job.purpose)
    still_ours(job, survey=asdict(found), total_rows=found.rows)
    return found


def portions(job: FileClaim, found: Survey) -> Iterator[Batch]:
    """The rows behind the cursor in batches, the next one made while the caller works on this one."""
    todo = _not_done(job, reading.rows(_bytes(job), found))
    return ahead(batches(todo, reader(job, found), keep_first=job.on_duplicate == "skip"))


def reader(job: Any, found: Survey) -> Reader:
    """Reads the rows as a claim, a check or an import wants it."""
    return Reader(columns(found, job.mapping, job.purpose), found.width, job.default_ddd)


def columns(found: Survey, mapping: Mapping[str, Any], purpose: str) -> Columns:
    """Which column holds what; of a file of opt-outs only the numbers are looked at. Raises Unmappable."""
    places = reading.columns(found, mapping)
    if purpose == "contacts":
        return places
    if places.phone is None:
        raise Unmappable("mapping", "cannot_be_mapped")
    return Columns(phone=places.phone, ddd=places.ddd)


def _bytes(job: FileClaim) -> Iterator[bytes]:
    """The file as it was confirmed; no transaction stays open while it is read."""
    chunks = files.open_stream(files.get(job.tenant_id, job.file_id))
    release()
    return chunks


def _not_done(job: FileClaim, rows: reading.Records) -> reading.Records:
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
