"""The quick way of receipts writes what the long one would."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from sintalk import checks
from sintalk.db import atomic, new_id, session
from sintalk.messages import arriving, attempts, receipts, tally
from sintalk.messages.models import Notification, RawReceipt
from tests.factories import money
from tests.pipeline import PRICE, counts, drafts, ready_dispatch

BEGAN = datetime(2026, 11, 2, 12, tzinfo=UTC)
STANDING = (
    "queued",
    "sending",
    "sent",
    "sent",
    "sent",
    "delivered",
    "read",
    "not_delivered",
    "unknown",
    "error",
)
TOLD = ("sent", "delivered", "delivered", "delivered", "read", "not_delivered", "error")


@pytest.mark.parametrize("seed", range(4))
def test_both_ways_end_in_the_same_rows(app, tenant, monkeypatch, seed):
    money(tenant.id, 1_000)
    quick, gone = _after(tenant.id, seed)
    assert gone > 2, "nothing went the quick way"
    monkeypatch.setattr(arriving, "arrive", lambda events: [])
    assert quick == _after(tenant.id, seed)[0]


def test_a_plain_arrival_asks_nobody(app, tenant, monkeypatch):
    money(tenant.id, 100)
    dispatch = ready_dispatch(tenant.id, drafts("1111", each=3))
    ids = list(session().scalars(select(Notification.id)))
    _stand(dispatch.id, dict.fromkeys(ids, "sent"))
    monkeypatch.setattr(receipts, "Standing", None)
    _tell([_event(each, "delivered", 0) for each in ids])
    assert counts(dispatch) == {"delivered": 3}


def _after(tenant_id: UUID, seed: int) -> tuple[list[tuple[Any, ...]], int]:
    """What stands after some receipts about some messages, all by this seed; how many went the quick way."""
    chance = random.Random(seed)
    rows = drafts("1111", "2222", each=40)
    dispatch = ready_dispatch(tenant_id, rows)
    found = (
        select(Notification.id).where(Notification.dispatch_id == dispatch.id).order_by(Notification.phone)
    )
    ids = list(session().scalars(found))
    _stand(dispatch.id, {each: chance.choice(STANDING) for each in ids})
    told = [
        _event(attempts.id_of(each, second=chance.random() < 0.1), chance.choice(TOLD), chance.randrange(900))
        for each in ids
        for _ in range(chance.choice((0, 1, 1, 1, 2)))
    ]
    gone = sum(len(each.ids) for each in arriving.arrive(told))
    session().rollback()
    _tell(told)
    assert checks.run() == []
    names = (
        "phone",
        "status",
        "error_code",
        "carrier_message_id",
        "sent_at",
        "delivered_at",
        "read_at",
        "via",
    )
    names += ("charged_micros", "released_micros", "decided", "attempts", "call_result")
    columns = [getattr(Notification, name) for name in names]
    stands = select(*columns).where(Notification.dispatch_id == dispatch.id).order_by(Notification.phone)
    return [tuple(row) for row in session().execute(stands)], gone


def _stand(dispatch_id: UUID, statuses: dict[UUID, str]) -> None:
    """Put these messages where they are to stand, charged as they would be there."""
    with atomic() as current:
        for each, status in statuses.items():
            paid = status in ("sent", "delivered", "read", "not_delivered")
            values = {
                "status": status,
                "charged_micros": PRICE if paid else 0,
                "sending_at": None if status == "queued" else BEGAN,
                "sent_at": BEGAN if paid else None,
            }
            current.execute(update(Notification).where(Notification.id == each).values(values))
        tally.move(dispatch_id, [("queued", status) for status in statuses.values() if status != "queued"])


def _event(attempt_id: UUID, status: str, second: int) -> dict[str, Any]:
    at = (BEGAN + timedelta(seconds=second)).isoformat()
    error = "absent" if status == "not_delivered" else None
    return {"id": str(attempt_id), "status": status, "error": error, "ref": f"sim-{second}", "at": at}


def _tell(events: list[dict[str, Any]]) -> None:
    with atomic() as current:
        for start in range(0, len(events), 25):
            kept = RawReceipt(carrier="simulator", hash=new_id().bytes, events=events[start : start + 25])
            current.add(kept)
    receipts.apply_waiting()
