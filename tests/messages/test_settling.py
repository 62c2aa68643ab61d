"""A settlement is never slept through."""

from __future__ import annotations

import threading
from uuid import UUID

from flask import Flask
from sqlalchemy import select, update

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
    session().expire_all()
    assert session().scalars(select(Settlement.captured)).one() == PRICE


def _charge(app: Flask, dispatch_id: UUID) -> None:
    with app.app_context():
        with atomic() as current:
            current.execute(update(Notification).values(charged_micros=PRICE))
            results.settle_later(dispatch_id, [0])
        db.session.remove()
