"""A process that dies at a named point, and what the product does by itself afterwards."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any

import psycopg
from flask import Flask, g, request_started
from sqlalchemy import text

from sintalk import crashpoints, sweeper, worker
from sintalk.db import atomic, db, now, release
from sintalk.sweeper import sweep
from tests.carriers.running import Running
from tests.conftest import TEMPLATE, database_url
from tests.pipeline import pipeline

#: Everything with a lease: who had it is dead, and its time is over.
TIME_PASSES = (
    "UPDATE chunks SET lease_until = :past WHERE lease_until IS NOT NULL",
    "UPDATE chunks SET due_at = :past WHERE due_at < clock_timestamp() + interval '1 minute' AND status = 'open'",
    "UPDATE webhook_deliveries SET next_attempt_at = :past WHERE state = 'pending'",
)


@contextmanager
def stack(
    settings: Any, admin_url: str, folder: Any, name: str, **env: str
) -> Iterator[tuple[Flask, Running]]:
    """The pipeline on a database that many tests share, an application context pushed."""
    with psycopg.connect(admin_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        own = replace(settings, database_url=database_url(admin_url, name), webhooks_allow_loopback=True)
        with pipeline(own, folder, **env) as (app, simulator), request_started.connected_to(_forget, app):
            yield app, simulator
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def dies(spec: str, act: Callable[[], Any]) -> bool:
    """Do it in a process of its own that ends at this point; False where it came to its end without coming by."""
    release()
    db.session.remove()
    pid = os.fork()
    if pid == 0:
        _in_the_child(spec, act)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, crashpoints.DEAD), f"it ended by itself with {code}: see its traceback"
    return code == crashpoints.DEAD


def restart(app: Flask) -> None:
    """One round of what a started product does: time passed, the sweeper sweeps, the workers look into the rows."""
    with atomic() as current:
        for statement in TIME_PASSES:
            current.execute(text(statement), {"past": now() - timedelta(seconds=1)})
    release()
    work(app)


def work(app: Flask) -> None:
    """A round of the sweeper and of every worker, without Redis: whatever is to be found is found in the rows."""
    sweep(app, sweeper.steps())
    for paths in worker.SELF_SERVICE.values():
        for path in paths:
            module, _, function = path.rpartition(".")
            getattr(import_module(module), function)()
    release()


def _in_the_child(spec: str, act: Callable[[], Any]) -> None:
    """Never returns. The parent's connections stay the parent's."""
    code = 1
    try:
        db.engine.dispose(close=False)
        crashpoints.arm(spec)
        act()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _forget(_app: Flask, **_: Any) -> None:
    """Requests share the context; each begins without what the one before knew."""
    for name in list(g):
        g.pop(name)
