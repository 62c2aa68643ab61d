"""The one who looks after what a crash left behind, and rings where a ring was lost: `sintalk sweep`.

Any number may run; an advisory lock lets one work at a time. Each step stands alone: one that fails is
logged and tried again at the next round.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import psycopg
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from sintalk import queue as doorbell
from sintalk.db import db
from sintalk.queue import enqueue, waiting

log = logging.getLogger(__name__)

#: Serialises sweepers.
LOCK = 5_711_002
#: No more rings than this are left waiting in a queue by the sweeper.
ENOUGH = 8


@dataclass
class Step:
    """Something to look after, every so many seconds."""

    every_s: float
    do: Callable[[], object]
    last: float = field(default=float("-inf"))


def run() -> None:
    """Sweep until SIGTERM or SIGINT."""
    from sintalk import create_core

    app = create_core()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: doorbell.stopping.set())
    todo = steps()
    while not doorbell.stopping.is_set():
        sweep(app, todo)
        doorbell.stopping.wait(0.5)


def steps() -> list[Step]:
    """All of it, most urgent first."""
    from sintalk.auth import service as auth
    from sintalk.campaigns import preflight
    from sintalk.campaigns import service as campaigns
    from sintalk.files import service as files
    from sintalk.imports import preview, undoing
    from sintalk.messages import breaker, holding, lanes, reaper, receipts, settling, spreading
    from sintalk.web import idempotency
    from sintalk.webhooks import balances, delivering

    return [
        Step(5.0, reaper.reap),
        Step(1.0, ring_dispatch),
        Step(0.5, lanes.give_back_idle),
        Step(2.0, holding.wake),
        Step(2.0, ring_receipts),
        Step(1.0, campaigns.launch_due),
        Step(1.0, ring_cancels),
        Step(5.0, ring_confirmations),
        Step(10.0, ring_questions),
        Step(2.0, campaigns.close_finished),
        Step(2.0, breaker.look),
        Step(2.0, campaigns.hold_halted),
        Step(2.0, campaigns.go_on_with_money),
        Step(2.0, spreading.judge),
        Step(1.0, ring_webhooks),
        Step(5.0, balances.look),
        Step(3.0, ring_expansions),
        Step(3.0, ring_counts),
        Step(3.0, ring_imports),
        Step(5.0, settling.settle_due),
        Step(30.0, lambda: settling.settle_due(unfinished_too=True)),
        Step(300.0, settling.give_up_waiting),
        Step(3_600.0, settling.reconcile),
        Step(300.0, files.expire),
        Step(600.0, idempotency.forget_old),
        Step(60.0, delivering.forget_old),
        Step(3_600.0, receipts.forget_applied),
        Step(3_600.0, preflight.forget_old),
        Step(3_600.0, auth.forget_sessions),
        Step(60.0, undoing.purge),
        Step(3_600.0, preview.forget_old),
    ]


def sweep(app: Flask, todo: list[Step]) -> None:
    """One round over the steps that are due."""
    for step in todo:
        if doorbell.stopping.is_set() or monotonic() - step.last < step.every_s:
            continue
        step.last = monotonic()
        try:
            with app.app_context():
                _alone(step.do)
        except (OperationalError, psycopg.OperationalError) as error:
            log.warning("the database is away (%s): will try again", getattr(error, "orig", error))
            return  # nobody else would get further
        except Exception:
            log.exception("sweeping failed, will try again")


def ring_dispatch() -> None:
    """Ring for chunks that are due."""
    from sintalk.messages import dispatcher

    if waiting("dispatch") < ENOUGH and dispatcher.anything_due():
        enqueue("sintalk.messages.jobs.drain")


def ring_receipts() -> None:
    """Ring for callbacks that were kept and not applied."""
    from sintalk.messages import receipts

    if waiting("default") < ENOUGH and receipts.anything_waiting():
        enqueue("sintalk.messages.jobs.apply_receipts")


def ring_cancels() -> None:
    """Ring for dispatches that were canceled and have something left to take back."""
    from sintalk.messages import steering

    if waiting("default") < ENOUGH and steering.canceling():
        enqueue("sintalk.messages.jobs.take_back")


def ring_questions() -> None:
    """Ring for messages that nobody is sure of, and a carrier can be asked about."""
    from sintalk.messages import asking

    if waiting("default") < ENOUGH and asking.anything_to_ask():
        enqueue("sintalk.messages.jobs.ask")


def ring_confirmations() -> None:
    """Ring for answers that are owed to those who wrote a word for it."""
    from sintalk.messages import confirming

    if waiting("default") < ENOUGH and confirming.anything_owed():
        enqueue("sintalk.messages.jobs.confirm")


def ring_webhooks() -> None:
    """Ring for deliveries that are due."""
    from sintalk.webhooks import delivering

    if waiting("webhooks") < ENOUGH and delivering.anything_due():
        enqueue("sintalk.webhooks.jobs.deliver")


def ring_expansions() -> None:
    """Ring for launched campaigns that are not expanded, or not reserved."""
    from sintalk.campaigns import service

    if waiting("default") < ENOUGH:
        for campaign_id in service.to_expand():
            enqueue("sintalk.campaigns.jobs.expand", campaign_id)


def ring_counts() -> None:
    """Ring for audiences that are being counted."""
    from sintalk.campaigns import preflight

    if waiting("default") < ENOUGH:
        for campaign_id in preflight.to_count():
            enqueue("sintalk.campaigns.jobs.count", campaign_id)


def ring_imports() -> None:
    """Ring for files that wait, or whose worker died."""
    from sintalk.imports import turns

    if waiting("imports") < ENOUGH and turns.due(1):
        enqueue("sintalk.imports.jobs.work")


def _alone(do: Callable[[], object]) -> None:
    """Run it unless another sweeper is at work. The lock belongs to a connection of its own, not to the step's."""
    with db.engine.connect() as keeper:
        if keeper.scalar(select(func.pg_try_advisory_lock(LOCK))):
            try:
                do()
            finally:
                keeper.scalar(select(func.pg_advisory_unlock(LOCK)))
