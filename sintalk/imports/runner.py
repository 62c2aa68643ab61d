"""Takes an import from its file into its list: survey first, then batch by batch, each with its cursor.

May run twice, be killed anywhere and meet itself: see `leases`. Nothing is written before all of the file
was looked at, so that what is no table leaves no trace.
"""

from __future__ import annotations

from typing import Any, Protocol

from sintalk.contacts import opt_outs
from sintalk.contacts import service as contacts
from sintalk.crashpoints import crashpoint
from sintalk.db import atomic
from sintalk.imports import merging, sources
from sintalk.imports.batches import Batch
from sintalk.imports.leases import RunClaim, still_ours
from sintalk.imports.models import ContactImport


class Turn(Protocol):
    """See `turns.Turn`."""

    def over(self) -> bool: ...


def work(job: RunClaim, turn: Turn) -> bool:
    """Whether it came to the end of the file; False when it gave way before."""
    found = sources.survey(job)
    for done, batch in enumerate(sources.portions(job, found)):
        if done and turn.over():
            return False
        _write(job, batch)
    return True


def _write(job: RunClaim, batch: Batch) -> None:
    """One batch, its counts and the cursor, or nothing of it."""
    warnings = job.warnings + batch.warnings
    with atomic():
        still_ours(job)
        merging.keep_rejects(job, batch)
        more = _opt_out(job, batch) if job.purpose == "opt_outs" else _merge(job, batch)
        more |= {"processed_rows": batch.rows, "rejected_count": len(batch.rejects)}
        counts: dict[str, Any] = {name: getattr(ContactImport, name) + count for name, count in more.items()}
        still_ours(job, cursor=batch.last, warnings=dict(warnings), **counts)
        crashpoint("import_batch_written")
    job.warnings, job.cursor = warnings, batch.last


def _merge(job: RunClaim, batch: Batch) -> dict[str, int]:
    """The people into the list: how many more of what. Writers of a list take turns, batch by batch."""
    contacts.lock_list(job.tenant_id, job.contact_list_id)
    done = merging.write(job, batch)
    contacts.count(job.contact_list_id, done.created)
    known = batch.accepted - done.created
    more = {"created_count": done.created, "opted_out_count": done.opted_out}
    if job.on_duplicate == "skip":
        return more | {"skipped_count": known}
    same = len(batch.people) - done.created - done.changed
    return more | {"updated_count": known, "unchanged_count": same}


def _opt_out(job: RunClaim, batch: Batch) -> dict[str, int]:
    """The numbers want nothing more: how many of them are new, and how many stood already."""
    phones = [person.phone for person in batch.people.values() if person.phone]
    new = opt_outs.opt_out_all(job.tenant_id, phones, channels=job.channels, source="import")
    return {"created_count": new, "skipped_count": batch.accepted - new}
