"""A settlement is never slept through."""

from __future__ import annotations

import threading
from uuid import UUID

from flask import Flask
from sqlalchemy import select, update

from sintalk.billing.models import Hold
from sintalk.db import atomic, db, session
from sintalk.messages import results, settling
from sintalk.messages.models import Chunk, Notification, Settlement
from sintalk.messages.states import REFUSED
from tests.factories import money
from tests.pipeline import PRICE, drafts, ready_dispatch


def test_what_is_charged_while_its_chunk_is_being_settled_is_settled_too(app, tenant):
    """The settler has read the rows; a worker charges them, and says that there is something to settle, while it is
    due still; only then the settler commits that it is not."""
    money(tenant.id, 100)
    dispatch = ready_dispatch(tenant.id, drafts("1111"))
    with atomic() as current:
        current.execute(update(Settlement).values(due=True))
    worker = threading.Thread(target=_charge, args=(app, dispatch.id))
    with atomic() as current:
        due = current.scalars(
            select(Settlement).with_for_update().execution_options(populate_existing=True)
        ).one()
        chunk = current.get_one(Chunk, (dispatch.id, 0))
        ends = {"first_id": chunk.first_id, "last_id": chunk.last_id, "refused": list(REFUSED)}
        assert (
            current.execute(settling.SUMS, {"dispatch_id": dispatch.id, "no": 0, **ends}).one().captured == 0
        )
        worker.start()
        worker.join(0.5)
        due.due = False
    worker.join(10)
    session().expire_all()
    assert session().scalars(select(Settlement.due)).one()
    session().rollback()
    settling.settle_due(unfinished_too=True)
    assert ledger_says(dispatch.id) == PRICE


def test_a_settlement_that_was_slept_through_is_found(app, tenant):
    money(tenant.id, 100)
    dispatch = ready_dispatch(tenant.id, drafts("1111", "2222"))
    with atomic() as current:
        current.execute(
            update(Notification).where(Notification.phone.endswith("1111")).values(charged_micros=PRICE)
        )
    assert settling.reconcile() == 0, "it is being sent"
    with atomic() as current:
        current.execute(update(Chunk).values(status="done"))
    assert settling.reconcile() == 1
    settling.settle_due()
    assert ledger_says(dispatch.id) == PRICE
    assert settling.reconcile() == 0, "the other one is still held, and rightly so"


def ledger_says(dispatch_id: UUID) -> int:
    """What was captured for it."""
    captured = session().scalars(select(Hold.captured).where(Hold.subject_id == dispatch_id)).one()
    session().rollback()
    return captured


def _charge(app: Flask, dispatch_id: UUID) -> None:
    with app.app_context():
        with atomic() as current:
            current.execute(update(Notification).values(charged_micros=PRICE))
            results.settle_later(dispatch_id, [0])
        db.session.remove()
