"""The database or the store goes away in the middle of a check, an import and an undo, for real and for long.

The servers are processes that are stopped and started again; workers and sweeper are the product's own.
SINTALK_CHAOS_AWAY_S=60 is the long form.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from flask import Flask
from sqlalchemy import func, select

from sintalk import create_core, migrating
from sintalk.config import Settings
from sintalk.contacts import service as contacts
from sintalk.contacts.models import Contact
from sintalk.db import db, release, session
from sintalk.files import service as files
from sintalk.imports import preview, service
from sintalk.servers import start_stack
from sintalk.servers.stack import Stack
from tests import factories
from tests.imports.workers import running

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(280)]

ROWS = 24_000
#: Longer than the store is asked again before work is given back (8 s).
AWAY_S = float(os.environ.get("SINTALK_CHAOS_AWAY_S", "12"))
#: Rows of a kilobyte, so that what is on its way in the network's buffers is no whole file.
NOTE = "observação " * 90


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Servers of this test's own, which keep what they were given."""
    mine = {"SINTALK_DATA": str(tmp_path), "SINTALK_SECRET_KEY": "a secret key for tests"}
    stack = start_stack(tmp_path, Settings.from_env(mine))
    stack.env.update(mine)
    try:
        yield stack
    finally:
        stack.stop(patience=5)


@pytest.fixture
def core(stack: Stack) -> Iterator[Flask]:
    app = create_core(Settings.from_env(stack.env))
    with app.app_context():
        migrating.upgrade()
        yield app
        db.session.remove()
        db.engine.dispose()


@contextmanager
def away(stack: Stack, name: str) -> Iterator[None]:
    """This server is stopped, and comes back at its old address."""
    stack.children[name].stop()
    yield
    stack.launch(name)
    until(lambda: ready(stack.servers[name]))


def ready(server: Any) -> bool:
    try:
        server.become_ready()
    except (psycopg.Error, BotoCoreError, ClientError):
        return False
    return True


def a_file(tenant_id: UUID, start: int) -> UUID:
    """Everybody whose number is 11 9 and i, from `start` on."""
    lines = (f"João {i};119{i:08d};{NOTE}\n" for i in range(start, start + ROWS))
    data = ("Nome;Celular;Nota\n" + "".join(lines)).encode()
    upload = files.begin(tenant_id, kind="csv", filename="a.csv", content_type="text/csv", size=len(data))
    httpx.put(upload.url, content=data, headers=upload.headers, timeout=60).raise_for_status()
    files.confirm(tenant_id, upload.file.id)
    return upload.file.id


def until(true: Callable[[], Any], *, within_s: float = 90) -> Any:
    give_up = time.monotonic() + within_s
    while not (found := true()):
        release()
        assert time.monotonic() < give_up, "still not true"
        time.sleep(0.02)
    release()
    return found


@contextmanager
def standing_still(url: str, look: dict[str, Callable[[], Any]], owners: int = 1) -> Iterator[None]:
    """All of this work is in its middle, with the worker that is its nth, and waits for a row that we hold."""
    moving = dict(look)

    def one() -> str | None:
        rows = {table: get() for table, get in moving.items()}
        return next(
            (table for table, row in rows.items() if row.fence >= owners and row.processed_rows), None
        )

    with ExitStack() as held:
        while moving:
            table = until(one)
            # who loses the server does not care how it is left
            connection = held.enter_context(_closed_in_the_end(psycopg.connect(url)))
            connection.execute(f"SELECT FROM {table} WHERE id = %s FOR UPDATE", (moving.pop(table)().id,))
            release()
        for get in look.values():
            assert 0 < get().processed_rows < ROWS
        release()
        yield


@contextmanager
def _closed_in_the_end(connection: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    try:
        yield connection
    finally:
        connection.close()


def test_check_import_and_undo_go_on_from_their_cursors_when_the_servers_are_back(stack, core):
    tenant_id = factories.owner("alice@a.example", "Alice").tenant_id
    lists = [contacts.create_list(tenant_id, name=name).id for name in ("checked", "run", "undone")]
    with ExitStack() as workers:
        for command in ("sweep", *["worker imports"] * 3):
            workers.enter_context(running(core, *command.split()))
        undone = service.start(tenant_id, lists[2], file_id=a_file(tenant_id, 0))
        until(lambda: service.get(tenant_id, lists[2], undone.id).status == "completed")
        check = preview.begin(tenant_id, lists[0], file_id=a_file(tenant_id, 0))
        run = service.start(tenant_id, lists[1], file_id=a_file(tenant_id, 0))
        look = {
            "contact_import_checks": lambda: preview.get(tenant_id, lists[0], check.id),
            "contact_imports": lambda: service.get(tenant_id, lists[1], run.id),
        }
        undo = {"contact_import_undos": lambda: service.undo_of(undone)}

        with standing_still(stack.env["DATABASE_URL"], look):
            service.undo(tenant_id, undone.id)
            with standing_still(stack.env["DATABASE_URL"], undo), away(stack, "postgres"):
                time.sleep(AWAY_S)
        db.engine.dispose()

        with standing_still(stack.env["DATABASE_URL"], look, owners=2):
            store = ExitStack()
            store.enter_context(away(stack, "s3"))
        with store:  # the rows are free again, the store is not there
            time.sleep(AWAY_S)
            assert all(get().status == "running" for get in look.values())
            release()
        until(lambda: not any(get().unfinished for get in [*look.values(), *undo.values()]))

    found = look["contact_import_checks"]()
    assert (found.status, found.processed_rows) == ("completed", ROWS)
    assert {name: found.found[name] for name in ("created", "changed", "same", "doubled", "rejected")} == {
        "created": ROWS, "changed": 0, "same": 0, "doubled": 0, "rejected": 0,
    }  # fmt: skip
    done = look["contact_imports"]()
    assert (done.status, done.processed_rows, done.created_count) == ("completed", ROWS, ROWS)
    taken_back = service.undo_of(undone)
    assert (taken_back.status, taken_back.removed_count, taken_back.kept_count) == ("completed", ROWS, 0)
    living = select(func.count(), func.count(Contact.phone.distinct())).where(Contact.deleted_at.is_(None))
    for list_id, count in zip(lists, (0, ROWS, 0), strict=True):
        rows = session().execute(living.where(Contact.contact_list_id == list_id)).one()
        assert tuple(rows) == (count, count)
        assert contacts.get_list(tenant_id, list_id).contact_count == count
