"""One worker process, serving one queue: `sintalk worker dispatch`.

RQ's SimpleWorker runs jobs in this process: a job is a drain that works for as long as there is work, so a
process a job would only cost. A worker that is told to stop finishes its unit of work and goes; one that is
killed leaves leases that run out. While Redis is away the worker asks the rows itself, every few seconds.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from importlib import import_module
from types import FrameType
from typing import Any

from flask import Flask
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from sintalk import heartbeats
from sintalk import queue as doorbell
from sintalk.servers.process import collect_seldom

log = logging.getLogger(__name__)

BEAT_S = 5.0
#: A job's second thread composes while the first one waits for PostgreSQL: what comes back shall not wait 5 ms more.
SWITCH_S = 0.0005
#: How long a worker listens before it looks whether Redis is still there: one that hangs says nothing.
LISTENS_S = 15
#: What a worker of a queue does by itself while Redis is away: the jobs that find their work in the rows.
SELF_SERVICE = {
    "dispatch": ("sintalk.messages.jobs.drain",),
    "default": (
        "sintalk.messages.jobs.apply_receipts",
        "sintalk.messages.jobs.take_back",
        "sintalk.messages.jobs.ask",
        "sintalk.messages.jobs.confirm",
        "sintalk.campaigns.jobs.expand_waiting",
        "sintalk.campaigns.jobs.close_finished",
        "sintalk.campaigns.jobs.hold_halted",
        "sintalk.campaigns.jobs.count_waiting",
    ),
    "imports": ("sintalk.imports.jobs.work",),
    "webhooks": ("sintalk.webhooks.jobs.deliver",),
}
#: What a worker of a queue works with all the time: read before the first ring, which then is answered at once.
TOOLS = {
    "dispatch": ("sintalk.messages.dispatcher", "sintalk.messages.settling"),
    "default": ("sintalk.messages.receipts", "sintalk.messages.settling", "sintalk.campaigns.expansion"),
    "imports": ("sintalk.imports.turns",),
    "webhooks": ("sintalk.webhooks.delivering",),
}


def run(queue_name: str) -> None:
    """Serve this queue until SIGTERM or SIGINT."""
    from sintalk import create_core

    if queue_name not in doorbell.queue_names():
        raise SystemExit(f"There is no queue {queue_name!r}; there are {', '.join(doorbell.queue_names())}.")
    app = create_core()
    sys.setswitchinterval(SWITCH_S)
    for module in TOOLS.get(queue_name, ()):
        import_module(module)
    collect_seldom()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    name = f"{queue_name}-{os.uname().nodename}-{os.getpid()}"
    threading.Thread(target=_beat, args=(app, name, queue_name), daemon=True).start()
    while not doorbell.stopping.is_set():
        try:
            with app.app_context():
                worker = OurWorker(
                    [doorbell.queue(queue_name)],
                    name=f"{name}-{time.time_ns()}",
                    serializer=JSONSerializer,  # RQ's worker does not ask its queue
                    worker_ttl=LISTENS_S + 15,  # what RQ makes of it: it waits for a ring 15 s less
                )
            worker.app = app
            worker.work(logging_level="WARNING")
        except (RedisError, OSError) as error:
            log.warning("redis is away (%s): looking for work in the rows", error)
            _self_service(app, queue_name)
            doorbell.stopping.wait(2.0)


class OurWorker(SimpleWorker):
    """RQ's worker with an application context around each job, and its stop told to long jobs."""

    app: Flask

    def perform_job(self, job: Job, *args: Any, **kwargs: Any) -> bool:
        with self.app.app_context():
            return bool(super().perform_job(job, *args, **kwargs))

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """RQ's own loop waits for Redis, up to a minute at a time and without an end: ours works meanwhile."""
        try:
            super().heartbeat(timeout, pipeline)
        except RedisError as error:
            raise StopRequested from error

    def unsubscribe(self) -> None:
        """RQ asks Redis first and stops its listening thread after; without Redis that one would stay for ever."""
        if self.pubsub_thread:
            self.pubsub_thread.stop()
        super().unsubscribe()

    def _install_signal_handlers(self) -> None:
        def stop(number: int, frame: FrameType | None) -> None:
            doorbell.stopping.set()
            self.request_stop(number, frame)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)


def _stop(_number: int, _frame: FrameType | None) -> None:
    doorbell.stopping.set()


def _beat(app: Flask, name: str, queue_name: str) -> None:
    while not doorbell.stopping.is_set():
        try:
            with app.app_context():
                heartbeats.beat(name, queue_name)
        except Exception as error:
            log.warning("heartbeat of %s failed: %s", name, error)
        doorbell.stopping.wait(BEAT_S)


def _self_service(app: Flask, queue_name: str) -> None:
    for path in SELF_SERVICE.get(queue_name, ()):
        module, _, function = path.rpartition(".")
        try:
            with app.app_context():
                getattr(import_module(module), function)()
        except Exception:
            log.exception("%s failed", path)
