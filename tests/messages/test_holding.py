"""Sending hours and the frequency cap through the whole pipeline: held, never failed; left out, never too often."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from sintalk import checks
from sintalk.campaigns import jobs, pages
from sintalk.carriers import registry
from sintalk.contacts import opt_outs
from sintalk.db import atomic, db, now, release, session
from sintalk.messages import dispatcher, holding, settling, spreading, steering
from sintalk.messages import service as messages
from sintalk.messages.models import Chunk, Notification
from sintalk.policies import service as policies
from sintalk.policies.calendar import Calendar
from sintalk.policies.hours import Cap, Hours, Rules, Week
from tests import factories
from tests.campaigns.test_launch import a_template
from tests.factories import Api, money
from tests.pipeline import PRICE, counts, drafts, fill, pipeline, times_accepted, work_until

SAO_PAULO = "America/Sao_Paulo"
EIGHT_TO_EIGHT = Hours(8 * 60, 20 * 60)
#: Numbers ending in 1111 arrive. 11 is São Paulo, 92 Manaus, an hour behind, 68 Acre, two hours.


def always_on(hours: Hours = EIGHT_TO_EIGHT, **channels: Week) -> dict[str, Week]:
    return channels or {"sms": Week(hours, hours, hours, hours)}


class Clock:
    """The time of day as the hours see it; chunks that are due by it are due."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ahead = now().astimezone(ZoneInfo(SAO_PAULO)) + timedelta(days=30)
        self.day = ahead.replace(hour=0, minute=0, second=0, microsecond=0)
        self.moment = self.day
        monkeypatch.setattr(holding, "now", lambda: self.moment)

    def at(self, hour: float) -> datetime:
        """It is so late in São Paulo."""
        self.moment = (self.day + timedelta(hours=hour)).astimezone(UTC)
        with atomic() as current:
            due = update(Chunk).where(Chunk.due_at <= self.moment).values(due_at=now())
            current.execute(due)
        return self.moment


@pytest.fixture
def running(own_settings, alice, tmp_path, monkeypatch):
    with pipeline(own_settings, tmp_path) as (app, simulator):
        money(alice.tenant_id, 1_000)
        yield SimpleNamespace(
            app=app, simulator=simulator, alice=alice, tenant_id=alice.tenant_id, clock=Clock(monkeypatch)
        )


def keep_to(running, weeks=None, cap: Cap | None = None) -> Rules:
    rules = Rules(SAO_PAULO, weeks or {}, Calendar(national=False), cap)
    return policies.set_rules(running.tenant_id, rules, by=running.alice.actor())


def campaign_of(
    running, people: dict[str, int], *, channel: str = "sms", marketing: bool = True, first: int = 0, **plan
):
    """A dispatch of people in these areas, its money held."""
    rows = []
    for area, count in people.items():
        for number in range(first, first + count):
            (draft,) = drafts("1111")
            rows.append(draft._replace(phone=f"+55{area}9{number:04d}1111"))
    dispatch = messages.open_dispatch(
        running.tenant_id, campaign_id=None, channel=channel, carrier="simulator", marketing=marketing, **plan
    )
    for start in range(0, len(rows), 100):
        fill(dispatch, rows[start : start + 100])
    messages.reserve(dispatch, memo="test")
    return dispatch


def worked(dispatch) -> dict[str, int]:
    """What stands after all that is due was done."""
    dispatcher.drain()
    release()
    return counts(dispatch)


def whom(running) -> list[str]:
    """The areas that the carrier took messages for, by its own log."""
    return sorted(line["to"][3:5] for line in running.simulator.accepted())


def spread_of(running, people: dict[str, int]):
    """Two people every half minute; all of it is due already."""
    plan = messages.plan(40, spread_minutes=10, canary=False)
    assert plan["chunk_size"] == 2
    dispatch = campaign_of(running, people, **plan)
    with atomic() as current:
        current.execute(update(Chunk).values(due_at=now()))
    return dispatch


def dues(after: datetime) -> list[float]:
    """How long after this moment the open chunks are due, in seconds, in the order of their numbers."""
    found = select(Chunk.due_at).where(Chunk.status == "open").order_by(Chunk.no)
    return [round((due - after).total_seconds()) for due in session().scalars(found)]


def test_what_was_to_leave_piece_by_piece_by_night_does_so_in_the_morning(running):
    keep_to(running, always_on())
    running.clock.at(3)
    dispatch = spread_of(running, {"11": 40})
    assert worked(dispatch) == {"queued": 40}
    opening = (running.clock.day + timedelta(hours=8)).astimezone(UTC)
    assert dues(opening) == [30 * place for place in range(20)]
    running.clock.at(8)
    assert worked(dispatch)["queued"] == 38
    running.clock.at(8 + 5 / 60)
    assert worked(dispatch)["queued"] == 40 - 2 * 11
    running.clock.at(9)
    dispatcher.drain()
    work_until(lambda: counts(dispatch) == {"delivered": 40})
    assert checks.run() == []


def test_those_of_a_piece_who_live_where_it_is_earlier_follow_piece_by_piece_too(running):
    keep_to(running, always_on())
    running.clock.at(9)
    dispatch = spread_of(running, {"11": 1, "68": 1} | {"12": 38})
    assert worked(dispatch) == {"queued": 1, "sent": 39}
    with atomic() as current:  # as if it had been so in each of its pieces
        held = {(running.clock.day + timedelta(hours=10)).astimezone(UTC).isoformat(): 1}
        current.execute(update(Chunk).where(Chunk.no.in_((7, 19))).values(status="open", held=held))
    opening = (running.clock.day + timedelta(hours=10)).astimezone(UTC)
    assert dues(opening)[0] == 0
    for no, steps in ((7, 1), (19, 2)):
        chunk = session().get_one(Chunk, (dispatch.id, no))
        due = spreading.after_opening(chunk, opening, version=1, nobody=False)
        assert due == opening + timedelta(seconds=30 * steps)


def test_a_piece_that_comes_back_from_the_beginning_keeps_nobody_waiting(running):
    """A reopened piece is the next one, whatever its number, and the others follow it step by step."""
    keep_to(running, always_on())
    running.clock.at(19.5)
    dispatch = spread_of(running, {"11": 40})
    with atomic() as current:  # half of it has left
        current.execute(update(Chunk).where(Chunk.no >= 10).values(due_at=now() + timedelta(days=1)))
    assert worked(dispatch) == {"queued": 20, "sent": 20}
    with atomic() as current:
        current.execute(update(Notification).where(Notification.chunk_no == 0).values(status="queued"))
        current.execute(update(Chunk).where(Chunk.no.in_((0, 10))).values(status="open", due_at=now()))
        current.execute(update(Chunk).where(Chunk.no > 10).values(due_at=now() + timedelta(minutes=1)))
    running.clock.at(21)
    dispatcher.drain()
    opening = (running.clock.day + timedelta(hours=32)).astimezone(UTC)
    assert dues(opening) == [30 * place for place in range(11)]
    keep_to(running)
    assert holding.wake() == 11
    assert [30 * place - 5 <= due <= 30 * place for place, due in enumerate(dues(now()))] == [True] * 11


def test_a_piece_that_comes_back_by_night_moves_the_others_no_further(running):
    keep_to(running, always_on())
    running.clock.at(3)
    dispatch = spread_of(running, {"11": 40})
    with atomic() as current:
        current.execute(update(Chunk).where(Chunk.no == 0).values(status="done"))
    dispatcher.drain()
    opening = (running.clock.day + timedelta(hours=8)).astimezone(UTC)
    before = dues(opening)
    assert before == [30 * place for place in range(19)]
    with atomic() as current:
        current.execute(update(Chunk).where(Chunk.no == 0).values(status="open", due_at=now()))
    assert worked(dispatch) == {"queued": 40}
    assert dues(opening) == [0, *before]


def test_other_rules_let_it_go_on_piece_by_piece(running):
    keep_to(running, always_on())
    running.clock.at(3)
    dispatch = spread_of(running, {"11": 40})
    assert worked(dispatch) == {"queued": 40}
    keep_to(running)
    assert holding.wake() == 20
    assert [30 * place - 5 <= due <= 30 * place for place, due in enumerate(dues(now()))] == [True] * 20
    assert worked(dispatch)["queued"] == 38


def test_by_night_nobody_gets_it_and_nothing_fails(running):
    keep_to(running, always_on())
    running.clock.at(3)
    dispatch = campaign_of(running, {"11": 150, "68": 50})
    assert worked(dispatch) == {"queued": 200}
    assert running.simulator.accepted() == []
    assert not dispatcher.anything_due()
    running.clock.at(8)
    dispatcher.drain()
    running.clock.at(10)
    work_until(lambda: counts(dispatch) == {"delivered": 200})
    assert set(times_accepted(running.simulator).values()) == {1}
    told = session().scalars(select(Notification.trail)).all()
    assert [[each["what"] for each in trail] for trail in told] == [["hours"]] * 200
    assert checks.run() == []


def test_people_of_one_chunk_get_it_in_the_morning_of_each(running):
    keep_to(running, always_on())
    opens = [running.clock.at(hour) for hour in (8, 9, 10)]
    running.clock.at(0)
    dispatch = campaign_of(running, {"11": 3, "92": 2, "68": 4})
    assert worked(dispatch) == {"queued": 9}
    assert holding.waiting(dispatch) == list(zip(opens, (3, 2, 4), strict=True))
    for hour, gone in ((8, "11"), (9, "92"), (10, "68")):
        running.clock.at(hour - 0.01)
        before = whom(running)
        dispatcher.drain()
        assert whom(running) == before
        running.clock.at(hour)
        dispatcher.drain()
        release()
        assert set(whom(running)) - set(before) == {gone}
        session().refresh(dispatch)
        assert [until for until, _ in holding.waiting(dispatch)] == opens[
            opens.index(running.clock.moment) + 1 :
        ]
    work_until(lambda: counts(dispatch) == {"delivered": 9})
    assert dispatch.status == "finished" and checks.run() == []


def test_a_held_chunk_is_looked_at_once_an_opening(running, monkeypatch):
    keep_to(running, always_on())
    running.clock.at(1)
    dispatch = campaign_of(running, {"11": 100, "68": 100})  # two chunks
    passes = []
    monkeypatch.setattr(dispatcher.Worker, "run", _counted(dispatcher.Worker.run, passes))
    for _ in range(5):
        dispatcher.drain()
    assert len(passes) == 2
    running.clock.at(8)
    for _ in range(5):
        dispatcher.drain()
    assert len(passes) == 3
    assert counts(dispatch)["queued"] == 100


def _counted(run, passes: list):
    def counting(self):
        passes.append(self.no)
        run(self)

    return counting


def test_a_window_that_closes_holds_back_the_rest(running, monkeypatch):
    keep_to(running, always_on())
    carrier = registry.get("simulator", running.app.config["SETTINGS"])
    monkeypatch.setattr(carrier, "limits", replace(carrier.limits, max_batch=10))
    running.clock.at(19.9)
    dispatch = campaign_of(running, {"11": 100})
    worker = dispatcher.Worker(dispatcher.claim())
    answers = carrier.submit(worker._step(()))
    running.clock.at(20)
    assert worker._step(answers) == []
    release()
    session().refresh(dispatch)
    assert (dispatch.sent + dispatch.delivered, dispatch.queued, dispatch.sending) == (10, 90, 0)
    (chunk,) = session().scalars(select(Chunk)).all()
    morning = (running.clock.day + timedelta(hours=32)).astimezone(UTC)
    assert (chunk.status, chunk.due_at) == ("open", morning)


def test_other_campaigns_and_single_sends_do_not_wait_for_a_held_one(running):
    keep_to(running, always_on())
    running.clock.at(2)
    held = campaign_of(running, {"11": 100})
    notice = campaign_of(running, {"11": 5}, marketing=False, first=200)
    api = Api(running.app, factories.key(running.alice))
    template = a_template(api, "Seu código")
    body = {"channel": "sms", "template_id": template, "recipients": [{"phone": "+5511990001111"}]}
    single = api.post("/send", body).get_json()["data"][0]["id"]
    work_until(lambda: counts(notice) == {"delivered": 5})
    work_until(
        lambda: session().get_one(Notification, UUID(single), populate_existing=True).status == "delivered"
    )
    assert counts(held) == {"queued": 100}


def test_what_test_keys_send_reaches_nobody_and_waits_for_nothing(running):
    keep_to(running, always_on())
    running.clock.at(2)
    api = Api(running.app, factories.key(running.alice, mode="test"))
    campaign_id = a_campaign(api, ["+5511987651111"])
    assert api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    jobs.expand(campaign_id)
    work_until(lambda: api.get(f"/campaigns/{campaign_id}/stats").get_json()["delivered"] == 1)


def test_an_sms_that_takes_over_keeps_to_the_hours_of_sms(running):
    whole = Hours(0, 1440)
    rules = keep_to(running, {**always_on(), "rcs": Week(whole, whole, whole, whole)})
    dispatch = SimpleNamespace(channel="rcs", marketing=True, tenant_id=running.tenant_id)
    running.clock.at(3)
    shut = holding.closed(dispatch, rules)
    assert shut.opening("sms11") and shut.opening("rcs11") is None


def test_other_rules_let_held_ones_go_at_once(running):
    keep_to(running, always_on())
    running.clock.at(3)
    dispatch = campaign_of(running, {"11": 100})
    assert worked(dispatch) == {"queued": 100}
    assert holding.wake() == 0
    keep_to(running)
    assert holding.wake() == 1
    work_until(lambda: counts(dispatch) == {"delivered": 100})
    assert holding.waiting(dispatch) == []


def test_a_held_campaign_can_be_canceled_and_its_money_comes_back(running):
    keep_to(running, always_on())
    running.clock.at(3)
    dispatch = campaign_of(running, {"11": 100})
    assert worked(dispatch) == {"queued": 100}
    messages.cancel(dispatch)
    steering.take_back()
    settling.settle_due()
    assert counts(dispatch) == {"canceled": 100}
    assert session().scalars(select(Chunk.held)).all() == [None]
    assert holding.waiting(dispatch) == [] and checks.run() == []


def test_who_opts_out_while_waiting_gets_nothing(running):
    keep_to(running, always_on())
    running.clock.at(3)
    dispatch = campaign_of(running, {"11": 2})
    worked(dispatch)
    opt_outs.opt_out(running.tenant_id, phone="+5511900001111", source="reply")
    running.clock.at(8)
    work_until(lambda: counts(dispatch) == {"delivered": 1, "suppressed": 1})


@pytest.mark.parametrize("channel", [None, "sms"])
def test_a_single_send_asks_again_for_opt_outs_when_it_leaves(running, channel):
    api = Api(running.app, factories.key(running.alice))
    body = {
        "channel": "sms",
        "template_id": a_template(api, "Oi"),
        "recipients": [{"phone": "+5511990001111"}],
    }
    message_id = UUID(api.post("/send", body).get_json()["data"][0]["id"])
    opt_outs.opt_out(running.tenant_id, phone="+5511990001111", channel=channel)
    dispatcher.drain()
    row = session().get_one(Notification, message_id, populate_existing=True)
    assert (row.status, row.error_code) == ("suppressed", "opted_out")
    assert running.simulator.accepted() == []


# --- the frequency cap ------------------------------------------------------------------------------------


def a_campaign(api: Api, phones: list[str], **wishes) -> str:
    list_id = api.post("/contact-lists", {"name": "x"}).get_json()["id"]
    for phone in phones:
        api.post(f"/contact-lists/{list_id}/contacts", {"name": "Ana", "phone": phone})
    body = {"name": "x", "channel": "sms", "template_id": a_template(api, "Oi"), "contact_list_id": list_id}
    return api.post("/campaigns", {**body, **wishes}).get_json()["id"]


def launched(api: Api, campaign_id: str) -> dict:
    """The stats once all of it has left."""
    assert api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    jobs.expand(campaign_id)

    def through() -> dict | None:
        jobs.close_finished()
        stats = api.get(f"/campaigns/{campaign_id}/stats").get_json()
        return stats if stats["status"] == "completed" and not stats["sent"] else None

    return work_until(through)


PEOPLE = [f"+55119{number:04d}1111" for number in range(4)]


def test_over_the_cap_people_are_left_out_as_the_check_said(running):
    keep_to(running, cap=Cap(2, 7))
    api = Api(running.app, factories.key(running.alice))
    for _ in range(2):
        assert launched(api, a_campaign(api, PEOPLE[:3]))["delivered"] == 3
    third = a_campaign(api, PEOPLE)
    check = api.post(f"/campaigns/{third}/preflight").get_json()
    assert (check["people"], check["left_out"]) == (1, {"frequency_cap": 3})
    stats = launched(api, third)
    assert (stats["delivered"], stats["suppressed"], stats["cost_micros"]) == (1, 3, check["price_micros"])
    told = api.get("/notifications", campaign_id=third, status="suppressed").get_json()["data"]
    assert {one["error_code"] for one in told} == {"frequency_cap"}
    notice = a_campaign(api, PEOPLE, category="transactional")
    assert launched(api, notice)["delivered"] == 4
    assert checks.run() == []


def test_single_sends_and_transactional_campaigns_neither_count_nor_are_capped(running):
    keep_to(running, cap=Cap(1, 7))
    api = Api(running.app, factories.key(running.alice))
    body = {"channel": "sms", "template_id": a_template(api, "Oi"), "recipients": [{"phone": PEOPLE[0]}]}
    for _ in range(3):
        assert api.post("/send", body).status_code == 202
    assert launched(api, a_campaign(api, PEOPLE[:1], category="transactional"))["delivered"] == 1
    assert launched(api, a_campaign(api, PEOPLE[:1]))["delivered"] == 1
    assert api.post("/send", body).get_json()["accepted"] == 1


def test_what_went_out_long_ago_or_did_not_arrive_does_not_count(running):
    keep_to(running, cap=Cap(1, 7))
    api = Api(running.app, factories.key(running.alice))
    launched(api, a_campaign(api, PEOPLE[:2]))
    with atomic() as current:
        mine = update(Notification).where(Notification.phone == PEOPLE[0])
        current.execute(mine.values(sending_at=now() - timedelta(days=7, minutes=1)))
        mine = update(Notification).where(Notification.phone == PEOPLE[1])
        current.execute(mine.values(status="not_delivered"))
    check = api.post(f"/campaigns/{a_campaign(api, PEOPLE[:2])}/preflight").get_json()
    assert (check["people"], check["left_out"]) == (2, {})


def test_two_campaigns_that_leave_together_do_not_both_reach_the_same_person(running):
    """Both were expanded while nobody had had anything."""
    keep_to(running, cap=Cap(1, 7))
    both = [campaign_of(running, {"11": 100}) for _ in range(2)]
    start = threading.Barrier(2)

    def work() -> None:
        with running.app.app_context():
            start.wait()
            dispatcher.drain()
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    work_until(lambda: all(set(counts(each)) <= {"delivered", "suppressed"} for each in both))
    total = [sum(counts(each).get(name, 0) for each in both) for name in ("delivered", "suppressed")]
    assert total == [100, 100]
    assert (
        len({line["to"] for line in running.simulator.accepted()}) == len(running.simulator.accepted()) == 100
    )
    settling.settle_due(unfinished_too=True)
    assert session().scalar(select(Notification.price_micros).limit(1)) == PRICE
    assert checks.run() == []


def test_one_companys_cap_and_hours_are_nobody_elses(running, charlie):
    keep_to(running, always_on(), Cap(1, 7))
    assert policies.rules_of(charlie.tenant_id) == Rules(SAO_PAULO)


def test_the_campaigns_page_says_who_waits_until_when(running):
    keep_to(running, always_on())
    opening = running.clock.at(8)
    running.clock.at(3)
    api = Api(running.app, factories.key(running.alice))
    campaign_id = a_campaign(api, PEOPLE)
    assert api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    jobs.expand(campaign_id)
    dispatcher.drain()
    release()
    stats = api.get(f"/campaigns/{campaign_id}/stats").get_json()
    assert stats["waiting"] == [{"until": opening.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "people": 4}]
    progress = pages.progress(running.tenant_id, UUID(campaign_id))
    assert progress.all_wait and progress.poll_after == 15
    browser = factories.browser(running.app, running.alice)
    page = browser.get(f"/campaigns/{campaign_id}").text
    assert "4 pessoas esperam até" in page and "08:00" in page
    (row,) = session().scalars(select(Notification).limit(1)).all()
    assert "onde esta pessoa mora" in browser.get(f"/messages/{row.id}").text
