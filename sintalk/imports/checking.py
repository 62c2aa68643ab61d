"""Looks at a file before it is imported: at its first rows at once, then at all of it in the background.

Nothing is written to the list. The background pass goes batch by batch with a cursor, as an import does.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, exists, select

from sintalk.db import atomic, release, session
from sintalk.imports import sources
from sintalk.imports.batches import Batch, batch_of
from sintalk.imports.comparing import Against, compare
from sintalk.imports.findings import Findings
from sintalk.imports.leases import CheckClaim, still_ours
from sintalk.imports.models import ImportCheck, ImportKey
from sintalk.imports.reading import Survey
from sintalk.imports.runner import Turn

#: Rows of a file that are shown as they are.
SHOWN = 5
#: Rows of the head that are judged at once.
JUDGED = 2_000


def shown(numbered: list[tuple[int, list[str]]], found: Survey) -> list[list[str]]:
    """The very first as they stand in the file, all of one width."""
    return [(cells + [""] * found.width)[: found.width] for _, cells in numbered[:SHOWN]]


def judge(check: ImportCheck, numbered: list[tuple[int, list[str]]], found: Survey) -> Findings:
    """What these rows tell; nothing is kept of it. Raises Unmappable."""
    reader, seen = sources.reader(check, found), Findings()
    if numbered:
        batch = batch_of(numbered, reader, keep_first=check.on_duplicate == "skip")
        seen.meet(batch)
        compare(seen, batch, _against(check.id, check))
        release()
    return seen


def work(job: CheckClaim, turn: Turn) -> bool:
    """Whether it came to the end of the file; False when it gave way before."""
    found = sources.survey(job)
    _begin_anew_if_forgotten(job)
    for done, batch in enumerate(sources.portions(job, found)):
        if done and turn.over():
            return False
        _note(job, batch)
    with atomic():
        still_ours(job)
        forget_keys(job.id)
    return True


def forget_keys(check_id: UUID) -> None:
    """Whom a check met is of no use after it."""
    with atomic() as current:
        current.execute(delete(ImportKey).where(ImportKey.check_id == check_id))


def _note(job: CheckClaim, batch: Batch) -> None:
    """One batch and the cursor, or nothing of it."""
    with atomic():
        still_ours(job)
        seen = Findings.from_json(job.found)
        seen.meet(batch)
        compare(seen, batch, _against(job.id, job))
        still_ours(
            job,
            cursor=batch.last,
            processed_rows=ImportCheck.processed_rows + batch.rows,
            found=seen.as_json(),
        )
    job.found, job.cursor = seen.as_json(), batch.last


def _begin_anew_if_forgotten(job: CheckClaim) -> None:
    """A crash of the database empties the table of those met; without it the rest would be counted wrongly."""
    seen = Findings.from_json(job.found)
    if seen.rows == seen.rejected or session().scalar(select(exists().where(ImportKey.check_id == job.id))):
        return
    with atomic():
        still_ours(job, cursor=0, processed_rows=0, found={})
    job.cursor, job.found = 0, {}


def _against(check_id: UUID, wish: ImportCheck | CheckClaim) -> Against:
    return Against(
        check_id=check_id,
        tenant_id=wish.tenant_id,
        list_id=wish.contact_list_id,
        on_duplicate=wish.on_duplicate,
        purpose=wish.purpose,
        channels=list(wish.channels),
    )
