"""Whose file comes next: everybody has turns of a few seconds, so nobody waits behind somebody's million rows.

Tenants take turns, whoever was served longest ago first; of one tenant's files the one that waited longest.
A turn ends early only where somebody else is waiting: begun again, a file is read from its beginning.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from sqlalchemy import Row, String, exc, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import insert

from sintalk import queue
from sintalk.db import atomic, now, release, session
from sintalk.errors import NotFound
from sintalk.files.storage import FileGone, StoreAway
from sintalk.imports import checking, runner, undoing
from sintalk.imports.leases import (
    CheckClaim,
    Claim,
    LostLease,
    RunClaim,
    UndoClaim,
    claim,
    due_now,
    finish,
    give_back,
)
from sintalk.imports.mapping import Unmappable
from sintalk.imports.models import ImportTurn
from sintalk.imports.reading import Unreadable

log = logging.getLogger(__name__)

#: COPY goes past SQLAlchemy, so the driver's own errors come through as well.
DATABASE_AWAY = (exc.OperationalError, exc.InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
STORE_PAUSE = timedelta(seconds=5)
TURN_S = 4.0


class Kind(NamedTuple):
    """A kind of work: how it is claimed, and what takes it further until it is done (True) or told to pause."""

    claim: type[Claim]
    work: Any


KINDS: dict[str, Kind] = {
    "check": Kind(CheckClaim, checking.work),
    "run": Kind(RunClaim, runner.work),
    "undo": Kind(UndoClaim, undoing.work),
}


class Turn:
    """The time that one piece of work has."""

    def __init__(self, work_id: UUID) -> None:
        self._id = work_id
        self._until = monotonic() + TURN_S

    def over(self) -> bool:
        """Whether to stop between two batches: this process is to end, or others are waiting."""
        if queue.stopping.is_set():
            return True
        if monotonic() < self._until:
            return False
        self._until = monotonic() + 1.0  # asked again in a second
        waiting = any(row.id != self._id for row in due(2))
        release()
        return waiting


def work() -> None:
    """Turn after turn, as long as something is due."""
    while not queue.stopping.is_set() and take_turn():
        pass


def take_turn() -> bool:
    """Work for a few seconds on whatever comes next; whether there was anything."""
    for row in due(8):
        job = _claimed(row)
        if job is not None:
            _further(job, KINDS[row.kind])
            return True
    release()
    return False


def due(limit: int = 20) -> list[Row[Any]]:
    """(kind, id) of what waits for a worker, or whose worker is gone; who comes next stands first."""
    parts = [
        select(
            literal(name, String).label("kind"),
            kind.claim.model.id,
            kind.claim.model.tenant_id,
            func.coalesce(kind.claim.model.lease_until, kind.claim.model.created_at).label("since"),
        ).where(due_now(kind.claim.model))
        for name, kind in KINDS.items()
    ]
    waiting = union_all(*parts).subquery()
    rows = (
        select(waiting.c.kind, waiting.c.id, waiting.c.tenant_id)
        .outerjoin(ImportTurn, ImportTurn.tenant_id == waiting.c.tenant_id)
        .order_by(ImportTurn.served_at.nulls_first(), waiting.c.since, waiting.c.id)
        .limit(limit)
    )
    return list(session().execute(rows))


def _claimed(row: Row[Any]) -> Claim | None:
    with atomic() as current:
        job = claim(KINDS[row.kind].claim, row.id)
        if job is not None:
            served = insert(ImportTurn).values(tenant_id=row.tenant_id, served_at=now())
            current.execute(
                served.on_conflict_do_update(
                    index_elements=["tenant_id"], set_={"served_at": served.excluded.served_at}
                )
            )
    return job


def _further(job: Claim, kind: Kind) -> None:
    """May meet itself, be killed anywhere and lose the database: then the lease runs out and others go on."""
    try:
        _to_its_end(job, kind)
    except LostLease:
        log.info("%s was canceled, or is another worker's now", job.id)


def _to_its_end(job: Claim, kind: Kind) -> None:
    try:
        if kind.work(job, Turn(job.id)):
            finish(job, "completed")
        else:
            give_back(job)
    except Unreadable as error:
        finish(job, "failed", error_code=error.code, error_row=error.row)
    except Unmappable:
        finish(job, "failed", error_code="header_not_mapped")
    except FileGone:
        finish(job, "failed", error_code="file_gone")
    except NotFound:
        finish(job, "failed", error_code="list_gone")
    except StoreAway:
        give_back(job, STORE_PAUSE)
    except (LostLease, *DATABASE_AWAY):
        raise  # where the database went away, the lease runs out and the sweeper rings again
    except Exception:
        log.exception("work on %s failed", job.id)
        finish(job, "failed", error_code="internal_error")
