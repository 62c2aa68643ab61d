"""The database seen from the code: one base class, one way to commit.

`atomic()` holds the product's only `.commit()`. Verbs open it, and may be called by other verbs: the inner
one joins the outer one's transaction. What must happen after the commit, and only then, is handed to
`after_commit()`; SQLAlchemy's event of that name also fires when a SAVEPOINT is released.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask_sqlalchemy import SQLAlchemy
from psycopg.rows import namedtuple_row
from sqlalchemy import DateTime, MetaData, Uuid, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import Pool
from uuid_utils.compat import uuid7

from sintalk import arrays
from sintalk.crashpoints import crashpoint

arrays.register()

EPOCH = datetime.fromtimestamp(0, UTC)
MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """The present as an aware UTC datetime."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7: ordered by time, so that new rows land at the end of every index."""
    return uuid7()


def first_id_at(moment: datetime) -> UUID:
    """The lowest UUIDv7 of the first whole millisecond from this moment on: what is older has a lower id."""
    milliseconds = -(-round((moment - EPOCH) / MICROSECOND) // 1_000)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)


def made_at(row_id: UUID) -> datetime:
    """The time in a UUIDv7, in whole milliseconds."""
    return EPOCH + timedelta(milliseconds=row_id.int >> 80)


class Base(DeclarativeBase):
    """All tables. An object has its id from construction on, so that it can be referred to before a flush."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True), UUID: Uuid()}  # noqa: RUF012

    def __init__(self, **values: Any) -> None:
        if "id" in self.__mapper__.columns and values.get("id") is None:
            values["id"] = new_id()
        for name, value in values.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no {name!r}")
            setattr(self, name, value)


db = SQLAlchemy(metadata=Base.metadata, disable_autonaming=True, session_options={"expire_on_commit": False})


class Identified:
    """Mixin: a UUIDv7 `id` and `created_at`."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(default=now)


@event.listens_for(Pool, "checkout")
def _still_there(connection: Any, *_: Any) -> None:
    """Whether a connection of the pool is alive, without asking the server: nobody speaks to an idle one, so where
    there is something to read, the server has said goodbye (or hung up). Spares each request a round trip.
    """
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError


def session() -> Session:
    """The session of this application context, for reading; writing goes through `atomic()`."""
    return db.session()


@contextmanager
def atomic(*, alone: bool = False) -> Iterator[Session]:
    """One transaction for one verb; re-entrant: an inner block joins the outer one and commits with it.

    On an exception everything is rolled back and nothing handed to `after_commit()` is run. When the
    outermost block ends, the connection is back in the pool. `alone`: an inner block that raises takes back what it
    did, and gives free what it locked, so that the outer one can go on another way (a SAVEPOINT).
    """
    current = session()
    if current.info.get("atomic"):
        with _savepoint(current) if alone else nullcontext():
            yield current
            current.flush()  # what a verb made is whole for whoever called it: ids, defaults, constraints
        return
    current.info.update(atomic=True, after_commit=[])
    try:
        yield current
        crashpoint("before_commit")
        current.commit()
        crashpoint("after_commit")
        due = current.info["after_commit"]
    except BaseException:
        current.rollback()
        raise
    finally:
        current.info.update(atomic=False, after_commit=[])
    for run in due:
        run()


def in_atomic() -> bool:
    """Whether a verb's transaction is open around whoever asks."""
    return bool(session().info.get("atomic"))


@contextmanager
def _savepoint(current: Session) -> Iterator[None]:
    due = len(current.info["after_commit"])
    try:
        with current.begin_nested():
            yield
    except BaseException:
        del current.info["after_commit"][due:]
        raise


def straight(statement: str, values: Mapping[str, Any]) -> Any:
    """The first row of a statement, by name, or None; in the session's transaction, but straight from psycopg.

    For what is asked with every request and every sub-batch: it takes a third of the time that goes by SQLAlchemy's
    way. Values are written `%(name)s`. Raises psycopg's own errors.
    """
    with _cursor() as cursor:
        return cursor.execute(statement, values).fetchone()


def straight_all(statement: str, values: Mapping[str, Any]) -> list[Any]:
    """As `straight`: all rows; none of a statement that answers nothing."""
    with _cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def _cursor() -> Any:
    driver: Any = session().connection().connection.driver_connection
    return driver.cursor(row_factory=namedtuple_row)


def at_once(statement: str, values: Mapping[str, Any]) -> Any:
    """As `straight`, and a verb by itself: what it wrote is committed when it returns, with one round trip instead
    of three. Within `atomic()` it joins what is open there, as any verb.
    """
    if in_atomic():
        return straight(statement, values)
    connection = db.engine.raw_connection()
    driver: Any = connection.driver_connection
    try:
        driver.autocommit = True
        with driver.cursor(row_factory=namedtuple_row) as cursor:
            row = cursor.execute(statement, values).fetchone()
        driver.autocommit = False
    except BaseException:
        connection.invalidate()
        raise
    finally:
        connection.close()
    crashpoint("after_commit")
    return row


def compact(statement: str) -> str:
    """The same on one line: psycopg remembers what it made of a statement up to 4,096 characters."""
    return " ".join(statement.split())


def after_commit(run: Callable[[], None]) -> None:
    """Run this once the surrounding transaction is committed; at once where there is none."""
    current = session()
    if current.info.get("atomic"):
        current.info["after_commit"].append(run)
    else:
        run()


def release() -> None:
    """End a read-only transaction, so that no connection is held while something slow happens.

    Inside `atomic()` it does nothing: what is open there belongs to the verb.
    """
    if not in_atomic():
        session().rollback()
