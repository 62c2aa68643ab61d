"""Which workers are there: each process writes a row every few seconds."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, atomic, now, session
from sintalk.queue import queue_names

#: A worker not heard of for this long does not count as there.
LATELY = timedelta(seconds=30)
FORGOTTEN = timedelta(hours=1)


class WorkerHeartbeat(Base):
    """A worker process and when it was last heard of."""

    __tablename__ = "worker_heartbeats"

    name: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str]
    seen_at: Mapped[datetime]


def beat(name: str, queue: str) -> None:
    """This process is alive and serves this queue."""
    with atomic() as current:
        moment = now()
        row = upsert(WorkerHeartbeat).values(name=name, queue=queue, seen_at=moment)
        current.execute(row.on_conflict_do_update(index_elements=["name"], set_={"seen_at": moment}))
        current.execute(delete(WorkerHeartbeat).where(WorkerHeartbeat.seen_at < moment - FORGOTTEN))


def seen_lately() -> dict[str, int]:
    """Live workers by queue; a queue without any counts 0."""
    rows = session().execute(
        select(WorkerHeartbeat.queue, func.count())
        .where(WorkerHeartbeat.seen_at > now() - LATELY)
        .group_by(WorkerHeartbeat.queue)
    )
    return {**dict.fromkeys(queue_names(), 0), **{row[0]: row[1] for row in rows}}
