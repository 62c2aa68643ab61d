"""An import as people watch it: how fast, how long still, and what became of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from sintalk.db import now, session
from sintalk.imports import reasons
from sintalk.imports.models import ContactImport, ImportReject, ImportUndo


@dataclass(frozen=True)
class Seen:
    """`rate` in rows a second, `seconds_left` and `took` in seconds, None where nothing can be said yet."""

    job: ContactImport
    undo: ImportUndo | None
    rate: float | None
    seconds_left: float | None
    took: float | None
    poll_s: int
    failure: str | None
    rejected: list[tuple[str, int]]
    warnings: list[tuple[str, int]]


def look(job: ContactImport, undo: ImportUndo | None = None) -> Seen:
    """The import with everything that is worked out from it, and how far it is taken back."""
    took = _seconds(job, job.finished_at or now())
    rate = job.processed_rows / took if took and job.processed_rows else None
    left = (job.total_rows - job.processed_rows) / rate if rate and job.unfinished else None
    return Seen(
        job=job,
        undo=undo,
        rate=rate,
        seconds_left=left,
        took=took,
        poll_s=1 if (took or 0) < 30 else 3,
        failure=reasons.failure(job.error_code, job.error_row) if job.error_code else None,
        rejected=[] if job.unfinished else _by_reason(job),
        warnings=sorted(
            ((reasons.warning(code), count) for code, count in job.warnings.items()), key=lambda w: -w[1]
        ),
    )


def _seconds(job: ContactImport, until: datetime) -> float | None:
    return max((until - job.started_at).total_seconds(), 0.001) if job.started_at else None


def _by_reason(job: ContactImport) -> list[tuple[str, int]]:
    if not job.rejected_count:
        return []
    counted = session().execute(
        select(ImportReject.reason, func.count())
        .where(ImportReject.import_id == job.id)
        .group_by(ImportReject.reason)
        .order_by(func.count().desc())
    )
    return [(reasons.reject(reason), count) for reason, count in counted]
