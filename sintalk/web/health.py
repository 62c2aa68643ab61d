"""Is it alive, is it ready? For load balancers, for `sintalk up`, and for whoever is woken at night.

    GET /health/live   200 {"status": "ok"}: this process answers
    GET /health/ready  200 or 503 {"status": "ok" | "unavailable",
                        "parts": {"database", "queue", "store", "workers": "ok" or what is wrong},
                        "workers": {queue: how many were seen lately},
                        "carriers": {carrier that is left alone for now: why}}

No key is needed, so nothing but these words is said: errors go to the log.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLongError
from functools import cache
from typing import Any

import psycopg
from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from redis import Redis
from sqlalchemy import text

from sintalk.config import Settings
from sintalk.db import session
from sintalk.heartbeats import seen_lately
from sintalk.queue import queue_names

log = logging.getLogger(__name__)
bp = Blueprint("health", __name__, url_prefix="/health")

#: Seconds that each part gets to answer.
PATIENCE = 2
#: An answer holds for this long (seconds): whoever asks without a key does not make us open connections.
KEPT_FOR = 1.0

#: The table of a slice, read here and never written: the core knows no slice.
PAUSED = text("SELECT carrier, reason FROM carrier_states")

_lock = threading.Lock()


@bp.get("/live")
def live() -> ResponseReturnValue:
    """This process answers, whatever else may be down."""
    return {"status": "ok"}


@bp.get("/ready")
def ready() -> ResponseReturnValue:
    """All that a campaign needs answers."""
    report = _recent_report()
    return report, 200 if report["status"] == "ok" else 503


# Open to everybody; the guard reads this mark. (web knows nothing of auth, whose `@public` sets the same.)
live.public = ready.public = True  # type: ignore[attr-defined]


def report(settings: Settings) -> dict[str, Any]:
    """Ask all parts at once, each for PATIENCE seconds at most. Needs an app context."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def workers() -> dict[str, int]:
        with app.app_context():
            return seen_lately()

    def carriers() -> dict[str, str]:
        with app.app_context():
            return {row.carrier: row.reason for row in session().execute(PAUSED)}

    asked: dict[str, Callable[[], Any]] = {
        "database": lambda: _ask_database(settings),
        "queue": lambda: _ask_queue(settings),
        "store": lambda: _ask_store(settings),
        "workers": workers,
        "carriers": carriers,
    }
    pool = ThreadPoolExecutor(max_workers=len(asked), thread_name_prefix="health")
    deadline = time.monotonic() + PATIENCE + 0.5
    futures = {name: pool.submit(ask) for name, ask in asked.items()}
    answers = {name: _answer(name, future, deadline) for name, future in futures.items()}
    pool.shutdown(wait=False)
    parts = {name: said for name, (said, _) in answers.items() if name != "carriers"}
    seen = answers["workers"][1] or {}
    missing = [queue for queue in queue_names() if not seen.get(queue)]
    if parts["workers"] == "ok" and missing:
        parts["workers"] = f"none seen lately for {', '.join(missing)}"
    well = all(said == "ok" for said in parts.values())
    return {
        "status": "ok" if well else "unavailable",
        "parts": parts,
        "workers": seen,
        "carriers": answers["carriers"][1] or {},  # messages wait for them: no reason to take a server away
    }


def _recent_report() -> dict[str, Any]:
    """The report of a moment ago, or a new one, made by one request at a time."""
    with _lock:
        made, kept = current_app.extensions.get("health", (0.0, {}))
        if not kept or time.monotonic() - made > KEPT_FOR:
            kept = report(current_app.config["SETTINGS"])
            current_app.extensions["health"] = (time.monotonic(), kept)
        return dict(kept)


def _answer(name: str, future: Future[Any], deadline: float) -> tuple[str, Any]:
    try:
        return "ok", future.result(max(0.0, deadline - time.monotonic()))
    except TookTooLongError:
        return "no answer in time", None
    except Exception as error:
        log.warning("not ready: %s: %s", name, error)
        return "no answer", None


def _ask_database(settings: Settings) -> None:
    """By a connection of its own: a pool that is used up is no reason to be taken out of service."""
    url = settings.sqlalchemy_url().replace("+psycopg", "", 1)
    with psycopg.connect(url, connect_timeout=PATIENCE) as connection:
        connection.execute("SELECT 1")


def _ask_queue(settings: Settings) -> None:
    url = settings.redis_url or "redis://127.0.0.1:6379/0"
    with Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE) as client:
        client.ping()


def _ask_store(settings: Settings) -> None:
    _store(
        settings.s3_endpoint_url, settings.s3_region, settings.s3_access_key_id, settings.s3_secret_access_key
    )(Bucket=settings.s3_bucket)


@cache
def _store(endpoint: str | None, region: str, key_id: str | None, secret: str | None) -> Callable[..., Any]:
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(
            connect_timeout=PATIENCE,
            read_timeout=PATIENCE,
            retries={"max_attempts": 0},
            s3={"addressing_style": "path"} if endpoint else {},
        ),
    )
    return client.head_bucket
