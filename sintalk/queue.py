"""The doorbell. Rows are the truth: a job carries ids, may be lost or run twice, and is rung after the commit.

Every Redis key may vanish at any moment; `sintalk sweep` rings again from the rows within seconds. So
nothing here raises when Redis is away.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import cache
from typing import Any

from flask import Flask, current_app
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from sintalk.db import after_commit

log = logging.getLogger(__name__)

#: Which queue serves which job, by the longest prefix of its dotted path. One worker process serves one queue.
QUEUES = {
    "sintalk.": "default",
    "sintalk.imports.": "imports",
    "sintalk.messages.jobs.drain": "dispatch",
    "sintalk.webhooks.": "webhooks",  # strangers' servers may be slow; receipts must not wait for them
}

#: How long a process pauses between two rings of `enqueue_soon`, and how many it lets wait: one that waits will
#: find all there is, and each costs a worker some milliseconds.
PAUSE_S, ENOUGH = 0.05, 1

_soon = threading.Lock()
_coming: set[str] = set()
_rung: dict[str, float] = {}

#: Set when this process was asked to stop: long jobs look at it between two units of work.
stopping = threading.Event()


def enqueue(path: str, *args: Any) -> None:
    """Ring for `path(*args)` once the surrounding transaction is committed."""
    after_commit(lambda: _ring(path, [str(arg) for arg in args]))


def enqueue_soon(path: str) -> None:
    """Ring for `path()` once the surrounding transaction is committed, but at most every PAUSE_S from this process.

    For what is rung for hundreds of times a second and drains all there is: nobody waits longer than that.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    after_commit(lambda: _ring_soon(app, path))


def queue_of(path: str) -> str:
    """The queue that serves this job."""
    return QUEUES[max((prefix for prefix in QUEUES if path.startswith(prefix)), key=len)]


def queue_names() -> list[str]:
    """All queues, each of which needs at least one worker."""
    return sorted(set(QUEUES.values()))


@cache
def connect(url: str) -> Redis:
    """The client for this Redis, shared by the process."""
    return Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5, health_check_interval=30)


def queue(name: str) -> Queue:
    """The RQ queue of this name."""
    return Queue(name, connection=connect(current_app.config["REDIS_URL"]), serializer=JSONSerializer)


def waiting(name: str) -> int:
    """How many rings wait in this queue; 0 where Redis does not answer."""
    try:
        return queue(name).count
    except RedisError:
        return 0


def _ring_soon(app: Flask, path: str) -> None:
    with _soon:
        if path in _coming:
            return
        wait = _rung.get(path, 0.0) + PAUSE_S - time.monotonic()
        if wait > 0:
            _coming.add(path)
        else:
            _rung[path] = time.monotonic()
    if wait > 0:
        timer = threading.Timer(wait, _ring_late, (app, path))
        timer.daemon = True
        timer.start()
    else:
        _ring_unless_enough(path)


def _ring_late(app: Flask, path: str) -> None:
    with _soon:
        _coming.discard(path)
        _rung[path] = time.monotonic()
    with app.app_context():
        _ring_unless_enough(path)


def _ring_unless_enough(path: str) -> None:
    if waiting(queue_of(path)) < ENOUGH:
        _ring(path, [])


def _ring(path: str, args: list[str]) -> None:
    try:
        queue(queue_of(path)).enqueue(path, args=args, job_timeout=-1, result_ttl=0, failure_ttl=86_400)
    except RedisError as error:
        log.warning("redis is away, the sweeper will ring for %s: %s", path, error)
