"""Receipts: in any order, as often as they like, from nobody but the carrier."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from sintalk import checks
from sintalk.carriers.base import callback_token
from sintalk.db import atomic, new_id, session
from sintalk.messages import receipts
from sintalk.messages.models import Notification, RawReceipt
from sintalk.messages.states import after_receipt
from tests.factories import money
from tests.pipeline import counts, drafts, ready_dispatch


@pytest.mark.parametrize(
    ("before", "told", "after"),
    [
        ("queued", "delivered", "delivered"),
        ("sending", "sent", "sent"),
        ("unknown", "sent", "sent"),
        ("unknown", "not_delivered", "not_delivered"),
        ("sent", "delivered", "delivered"),
        ("not_delivered", "delivered", "delivered"),
        ("delivered", "read", "read"),
        ("delivered", "not_delivered", None),
        ("delivered", "sent", None),
        ("read", "delivered", None),
        ("error", "delivered", None),
        ("suppressed", "delivered", None),
        ("canceled", "delivered", None),
        ("unknown", "error", "error"),
        ("sending", "error", "error"),
        ("sent", "error", "not_delivered"),
        ("delivered", "error", None),
        ("sent", "nonsense", None),
    ],
)
def test_a_status_only_moves_forward(before, told, after):
    assert after_receipt(before, told) == after


def test_shuffled_and_tripled_receipts_end_where_the_last_word_is(app, tenant):
    money(tenant.id, 100)
    dispatch = ready_dispatch(tenant.id, drafts("1111", "2222", each=50))
    ids = [str(row) for row in session().scalars(_ids())]
    told = [
        (one, status)
        for one in ids
        for status in ("sent", "delivered", *(["read"] if one in ids[:20] else []))
    ]
    told *= 3
    random.Random(7).shuffle(told)
    for start in range(0, len(told), 100):
        _keep([_event(one, status) for one, status in told[start : start + 100]])
    receipts.apply_waiting()
    assert counts(dispatch) == {"delivered": 80, "read": 20}
    assert checks.run() == []


def test_a_receipt_for_a_message_that_we_do_not_know_is_kept_and_counted(app, tenant):
    _keep([_event(str(new_id()), "delivered")])
    receipts.apply_waiting()
    assert session().scalars(_raw()).one().unmatched == 1


def test_a_callback_with_a_wrong_token_does_not_exist(client, app):
    assert client.post("/callbacks/simulator/guess", data=b"[]").status_code == 404
    assert client.post("/callbacks/nobody/guess", data=b"[]").status_code == 404


def test_a_callback_that_is_not_signed_is_refused_and_leaves_nothing(client, app, own_settings):
    from dataclasses import replace

    app.config["SETTINGS"] = replace(own_settings, simulator_url="http://127.0.0.1:9")
    token = callback_token(app.config["SECRET_KEY"], "simulator")
    answer = client.post(f"/callbacks/simulator/{token}", data=b'{"receipts": []}')
    assert answer.status_code == 403
    assert session().scalars(_raw()).all() == []


def _ids():
    from sqlalchemy import select

    return select(Notification.id)


def _raw():
    from sqlalchemy import select

    return select(RawReceipt)


def _event(one: str, status: str) -> dict[str, object]:
    moment = datetime.now(UTC) - timedelta(seconds=random.random())
    return {"id": one, "status": status, "error": None, "ref": None, "at": moment.isoformat()}


def _keep(events: list[dict[str, object]]) -> None:
    with atomic() as current:
        current.add(RawReceipt(carrier="simulator", hash=new_id().bytes, events=events))
