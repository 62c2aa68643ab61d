"""RCS and calls, their money, and what people answer: through the whole pipeline and a real simulator."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from sintalk import checks
from sintalk.billing.models import DEFAULT_PRICES as PRICES
from sintalk.carriers.base import Outcome, SubmitResult
from sintalk.carriers.simulator.adapter import SimulatorCarrier
from sintalk.contacts import opt_outs
from sintalk.db import atomic, now, session
from sintalk.message_templates.content import prepare
from sintalk.messages import dispatcher, receipts, settling, steering
from sintalk.messages.charging import FINAL_AFTER
from sintalk.messages.composing import compose
from sintalk.messages.models import Dispatch, InboundMessage, Notification
from tests.factories import money
from tests.pipeline import counts, pipeline, ready_dispatch, times_accepted, work_until

SMS, BASIC = PRICES["sms"], PRICES["rcs_basic"]
TEXT = {"type": "text", "text": {"body": "Olá {{nome}}"}, "ttl_seconds": 86_400}
FALLBACK = {"fallback": {"sms": {"text": "Oi {{nome}}, por SMS", "encoding": "auto"}}}
KEYS = {"digits": [{"key": "9", "label": "Sair", "action": "opt_out"}], "timeout_s": 5, "repeat": 0}
#: 480 characters: about 40 s as the hold reckons it, 35 s as the simulator reads it.
SPEECH = {"source": "tts", "tts": {"text": "Olá, tudo bem? " * 32, "rate": 1.0}, "amd": "detect"}


def drafts(channel: str, content: dict[str, Any], *endings: str) -> list[Any]:
    """What the expansion makes of the content for people whose numbers end so."""
    prepared = prepare(channel, content)
    return [
        compose(
            channel,
            prepared,
            PRICES,
            SimpleNamespace(
                id=None, name="Ana", email=None, attributes={}, phone=f"+55119{place:04d}{ending}"
            ),
            (),
        )
        for place, ending in enumerate(endings)
    ]


def sent(
    tenant: Any, channel: str, content: dict[str, Any], *endings: str
) -> tuple[Dispatch, list[Notification]]:
    """A dispatch of these, on its way; its messages in the order of the endings."""
    money(tenant.id, 100)
    dispatch = ready_dispatch(tenant.id, drafts(channel, content, *endings), channel=channel)
    rows = session().scalars(
        select(Notification).where(Notification.dispatch_id == dispatch.id).order_by(Notification.phone)
    )
    return dispatch, list(rows)


def settled(dispatch: Dispatch) -> bool:
    session().refresh(dispatch)
    return dispatch.settled_at is not None


def told(rows: list[Notification]) -> list[tuple[str, str | None, int]]:
    """Status, second way and cost of each."""
    for row in rows:
        session().refresh(row)
    return [(row.status, row.via, row.cost_micros) for row in rows]


@pytest.fixture
def running(own_settings, tenant, tmp_path):
    with pipeline(own_settings, tmp_path) as (_, simulator):
        yield SimpleNamespace(simulator=simulator, tenant=tenant)


def test_rcs_is_paid_once_delivered_and_goes_back_where_it_is_not(running):
    dispatch, rows = sent(running.tenant, "rcs", TEXT, "1111", "0002", "0003", "0010", "0012")
    assert dispatch.price_micros == 5 * BASIC
    work_until(lambda: settled(dispatch))
    assert told(rows) == [
        ("delivered", None, BASIC),
        ("not_delivered", None, 0),
        ("error", None, 0),
        ("not_delivered", None, 0),
        ("not_delivered", None, 0),
    ]
    assert (dispatch.cost_micros, dispatch.released_micros) == (BASIC, 4 * BASIC)
    assert checks.run() == []


def test_a_message_that_was_read_costs_no_more_than_one_delivered(running):
    dispatch, rows = sent(running.tenant, "rcs", TEXT, "0011")
    work_until(lambda: told(rows) == [("read", None, BASIC)])
    assert rows[0].delivered_at < rows[0].read_at
    work_until(lambda: settled(dispatch))
    assert checks.run() == []


def test_where_rcs_does_not_arrive_an_sms_takes_over_and_only_what_arrived_is_paid(running):
    """Unreachable and refused at once; not delivered and expired by receipt, when the dispatch is long finished."""
    dispatch, rows = sent(running.tenant, "rcs", TEXT | FALLBACK, "1111", "0010", "0003", "0002", "0012")
    assert dispatch.price_micros == 5 * (BASIC + SMS)
    done = {"delivered": 3, "not_delivered": 1, "error": 1}
    work_until(lambda: settled(dispatch) and counts(dispatch) == done)
    arrived = {row.phone[-4:]: (row.status, row.via, row.cost_micros) for row in _fresh(rows)}
    assert arrived["1111"] == ("delivered", None, BASIC)
    assert arrived["0012"] == ("delivered", "sms", SMS)
    assert arrived["0010"] == ("delivered", "sms", SMS)
    assert arrived["0003"] == ("error", "sms", 0)
    assert arrived["0002"] == ("not_delivered", "sms", SMS)  # an SMS costs what was accepted
    log = running.simulator.accepted()
    assert {line["text"] for line in log if line["channel"] == "sms"} == {"Oi Ana, por SMS"}
    assert set(times_accepted(running.simulator).values()) == {1}
    assert checks.run() == []


def test_what_could_not_be_revoked_may_cost_both(running):
    dispatch, rows = sent(running.tenant, "rcs", TEXT | FALLBACK, "0013")
    work_until(lambda: settled(dispatch))
    assert told(rows) == [("delivered", "sms", BASIC + SMS)]
    assert dispatch.released_micros == 0
    assert checks.run() == []


def test_a_call_costs_its_billed_seconds_and_the_rest_of_its_hold_goes_back(running):
    dispatch, rows = sent(running.tenant, "voice", SPEECH, "1111", "0022", "0023", "0020", "0021", "0003")
    assert [row.price_micros for row in rows] == [42 * PRICES["voice_minute"] // 60] * 6
    work_until(lambda: settled(dispatch))
    whole = 36 * PRICES["voice_minute"] // 60
    assert told(rows) == [
        ("delivered", None, whole),
        ("delivered", None, whole),
        ("delivered", None, 0),
        ("not_delivered", None, 0),
        ("not_delivered", None, 0),
        ("error", None, 0),
    ]
    assert [row.answered_by for row in rows[:3]] == ["human", "machine", "human"]
    assert [row.billed_seconds for row in rows[:3]] == [36, 36, 0]
    assert [row.call_result for row in rows[3:]] == ["busy", "no_answer", None]
    assert (dispatch.cost_micros, dispatch.reserved_micros) == (2 * whole, 0)
    assert checks.run() == []


def test_a_call_that_lasts_longer_than_was_held_for_costs_what_was_held(running):
    dispatch, rows = sent(running.tenant, "voice", {**SPEECH, "tts": {"text": "1" * 10, "rate": 1.0}}, "1111")
    with atomic() as current:
        current.get_one(Notification, rows[0].id).payload = SPEECH
    work_until(lambda: settled(dispatch))
    assert told(rows) == [("delivered", None, 30 * PRICES["voice_minute"] // 60)]
    assert rows[0].billed_seconds == 36
    assert checks.run() == []


def test_the_key_that_means_so_takes_the_number_off_all_calls(running):
    dispatch, rows = sent(running.tenant, "voice", SPEECH | {"dtmf": KEYS}, "0024")
    work_until(lambda: _fresh(rows)[0].keys)
    assert rows[0].keys == "9"
    assert opt_outs.is_opted_out(running.tenant.id, "voice", rows[0].phone)
    assert not opt_outs.is_opted_out(running.tenant.id, "sms", rows[0].phone)
    work_until(lambda: settled(dispatch))
    assert checks.run() == []


def test_what_people_write_and_tap_belongs_to_the_message_they_answer(running):
    dispatch, rows = sent(running.tenant, "rcs", TEXT, "1111")
    work_until(lambda: settled(dispatch))
    message = rows[0]
    use(running, phone=message.phone, do="tap", id=str(message.id), text="Quero ver", data="ver")
    use(running, phone=message.phone, do="write", text="SAIR")
    found = work_until(lambda: len(said := session().scalars(select(InboundMessage)).all()) == 2 and said)
    assert {(each.kind, each.text, each.data) for each in found} == {
        ("tap", "Quero ver", "ver"),
        ("inbound", "SAIR", None),
    }
    assert {(each.tenant_id, each.notification_id, each.channel) for each in found} == {
        (running.tenant.id, message.id, "rcs")
    }


def test_a_phone_that_is_off_gets_its_message_when_it_is_on_again(running):
    money(running.tenant.id, 100)
    phone = drafts("rcs", TEXT, "1111")[0].phone
    assert use(running, phone=phone, do="off") == {"off": True, "waiting": 0}
    _, rows = sent(running.tenant, "rcs", TEXT, "1111")
    work_until(lambda: use(running, phone=phone, do="look")["waiting"] == 1)
    work_until(lambda: told(rows) == [("sent", None, 0)])
    assert use(running, phone=phone, do="on") == {"off": False, "waiting": 0}
    work_until(lambda: told(rows) == [("delivered", None, BASIC)])


def test_rcs_to_a_phone_that_stays_off_runs_out_of_time_and_the_sms_waits_for_it(running):
    phone = drafts("rcs", TEXT, "1111")[0].phone
    use(running, phone=phone, do="off")
    _, rows = sent(running.tenant, "rcs", {**TEXT, **FALLBACK, "ttl_seconds": 1}, "1111")
    work_until(lambda: told(rows) == [("sent", "sms", SMS)])
    use(running, phone=phone, do="on")
    work_until(lambda: told(rows) == [("delivered", "sms", SMS)])
    assert checks.run() == []


def test_after_72_hours_without_a_word_what_is_held_goes_back(running, monkeypatch):
    dispatch, rows = sent(running.tenant, "rcs", {**TEXT, "ttl_seconds": 60}, "0005")
    work_until(lambda: counts(dispatch) == {"sent": 1})
    assert settling.give_up_waiting() == 0
    later = now() + FINAL_AFTER
    monkeypatch.setattr(settling, "now", lambda: later)
    assert settling.give_up_waiting() == 0  # its own time has to be over too
    later += timedelta(minutes=2)
    assert settling.give_up_waiting() == 1
    work_until(lambda: settled(dispatch))
    assert (dispatch.cost_micros, dispatch.released_micros) == (0, BASIC)
    assert told(rows) == [("sent", None, 0)]
    assert checks.run() == []


def use(running: Any, **what: Any) -> Any:
    """Do something with a phone of the simulator."""
    url = running.simulator.settings.simulator_url
    return httpx.post(f"{url}/phones", json=what, trust_env=False).raise_for_status().json()


def _fresh(rows: list[Notification]) -> list[Notification]:
    for row in rows:
        session().refresh(row)
    return rows


def test_a_canceled_sms_after_an_unclear_rcs_message_did_not_leave(running, monkeypatch):
    """What was unclear was the RCS message, and a receipt has told since; the SMS was never begun."""
    dispatch, _ = sent(running.tenant, "rcs", TEXT | FALLBACK, "1111")

    def submit(_, batch):
        return [SubmitResult(attempt_id=each.id, outcome=Outcome.UNKNOWN) for each in batch]

    monkeypatch.setattr(SimulatorCarrier, "submit", submit)
    dispatcher.drain()
    [row] = session().scalars(select(Notification)).all()
    assert (row.status, row.unclear) == ("queued", True)
    event = {"id": str(row.id), "kind": "receipt", "status": "not_delivered", "error": None, "ref": None}
    with atomic():
        receipts._apply([{**event, "at": now().isoformat()}])
    assert steering.cancel(dispatch)
    steering.take_back()
    assert counts(dispatch) == {"not_delivered": 1}
    assert checks.run() == []
