"""SAIR, VOLTAR and their like: heard as a whole message, obeyed at once, answered once; and the history of it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from sintalk import checks
from sintalk.accounts.models import AuditEvent
from sintalk.billing.models import Price
from sintalk.contacts import keywords, opt_outs
from sintalk.contacts.models import ConsentEvent
from sintalk.db import atomic, release, session
from sintalk.messages import confirming
from sintalk.messages.models import Notification, OwedReply
from tests import factories
from tests.messages.test_channels import BASIC, KEYS, SMS, SPEECH, TEXT, sent, told, use
from tests.pipeline import pipeline, times_accepted, work_until

WORDS = keywords.Words(keywords.OUT, keywords.BACK, "out", "back")
HELLO = {"text": "Olá {{nome}}", "encoding": "auto"}


@pytest.mark.parametrize(
    "written",
    [
        "SAIR",
        "sair",
        " Sair! ",
        "S A I R",
        "“Sair”.",
        "sáir",
        "ｓａｉｒ",
        "PARE",
        "Parar…",
        "stop 🙏",
        "Cancelar\n",
    ],
)
def test_a_word_counts_however_it_is_written(written):
    assert WORDS.meaning(written) == "opted_out"


@pytest.mark.parametrize("written", ["voltar", "Start!", "INICIAR"])
def test_there_are_words_to_come_back(written):
    assert WORDS.meaning(written) == "opted_in"


@pytest.mark.parametrize(
    "written",
    ["vou sair mais tarde", "não sair", "sairei", "", "!!!", "🙏", "\u200b", "SAIR" * 30, " " * 200 + "SAIR"],
)
def test_only_a_whole_message_is_a_word(written):
    assert WORDS.meaning(written) is None


@pytest.fixture
def running(own_settings, alice, tmp_path):
    with pipeline(own_settings, tmp_path) as (app, simulator):
        yield SimpleNamespace(app=app, simulator=simulator, tenant=alice.tenant, alice=alice)


def confirmations() -> list[Notification]:
    rows = select(Notification).where(Notification.answers_id.is_not(None)).order_by(Notification.id)
    return list(session().scalars(rows.execution_options(populate_existing=True)))


def work(true: Callable[[], Any]) -> Any:
    return work_until(lambda: (confirming.pay(), true())[1])


def one(running: Any, channel: str = "sms", content: Any = HELLO) -> Notification:
    """A message that arrived."""
    _, rows = sent(running.tenant, channel, content, "1111")
    work_until(lambda: told(rows)[0][0] == "delivered")
    release()
    return rows[0]


def heard(running: Any) -> list[tuple[str, str | None, str, str | None]]:
    release()
    rows = session().scalars(opt_outs.history_of(running.tenant.id).order_by(ConsentEvent.id))
    return [(row.kind, row.channel, row.source, row.words) for row in rows]


@pytest.mark.parametrize(("channel", "content", "cost"), [("sms", HELLO, SMS), ("rcs", TEXT, BASIC)])
def test_sair_stops_all_channels_and_is_answered_once_by_the_way_it_came(running, channel, content, cost):
    phone = one(running, channel, content).phone
    use(running, phone=phone, do="write", text="Sair!")
    work(lambda: [row.status for row in confirmations()] == ["delivered"])
    for each in ("sms", "rcs", "voice"):
        assert opt_outs.is_opted_out(running.tenant.id, each, phone)
    use(running, phone=phone, do="write", text="SAIR, por favor.")
    use(running, phone=phone, do="write", text="SAIR")
    work(lambda: len(confirming_heard(phone)) == 3)
    (answer,) = confirmations()
    assert (answer.channel, answer.phone, answer.cost_micros) == (channel, phone, cost)
    assert "VOLTAR" in answer.text
    assert heard(running) == [("opted_out", None, "reply", "Sair!")]
    assert session().scalar(select(OwedReply.inbound_id)) is None
    assert set(times_accepted(running.simulator).values()) == {1}
    assert checks.run() == []


def confirming_heard(phone: str) -> list[Any]:
    rows = session().execute(text("SELECT id FROM inbound_messages WHERE phone = :phone"), {"phone": phone})
    return list(rows)


def test_whoever_opted_out_gets_nothing_but_that_answer(running):
    phone = one(running).phone
    use(running, phone=phone, do="write", text="PARE")
    work(lambda: [row.status for row in confirmations()] == ["delivered"])
    _, rows = sent(running.tenant, "sms", HELLO, "1111")
    work(lambda: told(rows) == [("suppressed", None, 0)])
    assert rows[0].error_code == "opted_out"
    assert checks.run() == []


def test_an_answer_to_a_message_that_nobody_is_sure_of_counts(running):
    """The carrier never said that it took it; the person reads it all the same."""
    phone = one(running).phone
    with atomic() as current:
        current.execute(
            text("UPDATE notifications SET sent_at = NULL, delivered_at = NULL, status = 'unknown'")
        )
    use(running, phone=phone, do="write", text="SAIR")
    work(lambda: opt_outs.is_opted_out(running.tenant.id, "sms", phone))


def test_voltar_brings_back_what_a_word_stopped_but_not_calls_that_a_key_stopped(running):
    call = one(running, "voice", SPEECH | {"dtmf": KEYS})
    use(running, phone=call.phone, do="key", id=str(call.id), text="9")
    work(lambda: opt_outs.is_opted_out(running.tenant.id, "voice", call.phone))
    one(running)
    use(running, phone=call.phone, do="write", text="voltar")  # there is nothing of a word to take back
    work(lambda: len(confirming_heard(call.phone)) == 2)
    assert confirmations() == []
    use(running, phone=call.phone, do="write", text="sair")
    work(lambda: len(confirmations()) == 1)
    use(running, phone=call.phone, do="write", text="voltar")
    work(lambda: [row.status for row in confirmations()] == ["delivered"] * 2)
    assert not opt_outs.is_opted_out(running.tenant.id, "sms", call.phone)
    assert opt_outs.is_opted_out(running.tenant.id, "voice", call.phone)
    assert heard(running) == [
        ("opted_out", "voice", "key", "9"),
        ("opted_out", None, "reply", "sair"),
        ("opted_in", None, "reply", "voltar"),
    ]


def test_a_company_has_words_and_answers_of_its_own(running):
    own = keywords.Words(["Chega"], [], None, None)
    keywords.set_words(running.tenant.id, own, by=running.alice.actor())
    phone = one(running).phone
    use(running, phone=phone, do="write", text="SAIR")
    use(running, phone=phone, do="write", text="chega!!")
    work(lambda: opt_outs.is_opted_out(running.tenant.id, "sms", phone))
    work(lambda: not confirming.anything_owed())
    assert confirmations() == []
    assert heard(running) == [("opted_out", None, "reply", "chega!!")]


def test_without_money_the_opt_out_holds_and_nothing_is_owed(running):
    phone = one(running).phone
    with atomic() as current:
        current.add(Price(tenant_id=running.tenant.id, unit="sms", micros=1_000 * factories.BRL))
    use(running, phone=phone, do="write", text="SAIR")
    work(lambda: opt_outs.is_opted_out(running.tenant.id, "sms", phone))
    work(lambda: not confirming.anything_owed())
    assert confirmations() == []


@pytest.mark.parametrize(
    "change",
    ["UPDATE consent_events SET phone = 'x'", "DELETE FROM consent_events", "TRUNCATE consent_events"],
)
def test_the_history_cannot_be_changed(app, alice, change):
    opt_outs.opt_out(alice.tenant_id, phone="+5511987654321", by=alice.actor())
    with pytest.raises(DBAPIError, match="append-only"):
        session().execute(text(change))
    session().rollback()


def test_the_history_says_by_what_and_in_whose_name(api, charlie_api, alice):
    made = api.post("/opt-outs", {"phone": "+5511987654321", "channel": "sms"}).get_json()
    assert api.delete(f"/opt-outs/{made['id']}").status_code == 204
    opt_outs.opt_out_all(alice.tenant_id, ["+5511987654321"], source="import")
    told = api.get("/opt-outs/history", phone="11 98765-4321").get_json()["data"]
    assert [(each["kind"], each["channel"], each["source"]) for each in told] == [
        ("opted_out", None, "import"),
        ("opted_in", "sms", "api"),
        ("opted_out", "sms", "api"),
    ]
    assert told[2]["actor_name"]
    assert charlie_api.get("/opt-outs/history").get_json()["total"] == 0


def test_words_are_read_and_changed_by_api(api, charlie_api, alice):
    usual = api.get("/settings/reply-words").get_json()
    assert usual["out_words"] == list(keywords.OUT) and "VOLTAR" in usual["out_reply"]
    wish = {"out_words": ["SAIR", " Chega "], "back_words": ["Quero"], "out_reply": "Tchau", "back_reply": ""}
    changed = api.put("/settings/reply-words", wish)
    assert changed.status_code == 200
    assert api.get("/settings/reply-words").get_json() == {
        "out_words": ["SAIR", "Chega"],
        "back_words": ["Quero"],
        "out_reply": "Tchau",
        "back_reply": None,
    }
    assert charlie_api.get("/settings/reply-words").get_json() == usual
    assert "reply_words.updated" in session().scalars(select(AuditEvent.action)).all()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"out_words": []}, ("out_words", "too_few")),
        ({"out_words": ["!!"]}, ("out_words[0]", "malformed")),
        ({"out_words": ["x" * 41]}, ("out_words[0]", "too_long")),
        ({"back_words": ["Sair!"]}, ("body", "ambiguous_word")),
        ({"out_reply": "Tchau {{nome}}"}, ("out_reply", "placeholder")),
        ({"out_reply": "x" * 161}, ("out_reply", "too_long")),
    ],
)
def test_words_that_cannot_work_are_refused(api, change, fault):
    answer = api.put("/settings/reply-words", {"out_words": ["SAIR"], "back_words": [], **change})
    assert answer.status_code == 422
    (found,) = answer.get_json()["details"]
    assert (found["field"], found["code"]) == fault


def test_a_member_changes_no_words(app, alice, bob):
    member = factories.Api(app, factories.key(alice, role="member"))
    wish = {"out_words": ["SAIR"], "back_words": []}
    assert member.put("/settings/reply-words", wish).status_code == 403
    assert factories.browser(app, bob).get("/settings/reply-words").status_code == 403


def test_the_page_of_words(signed_in, alice):
    page = signed_in.get("/settings/reply-words")
    assert page.status_code == 200 and "DESCADASTRAR" in page.text
    wrong = {"out_words": "SAIR\n!!!", "back_words": "", "out_reply": "a {{nome}}", "back_reply": ""}
    answer = signed_in.post("/settings/reply-words", data=wrong)
    assert answer.status_code == 422
    assert "out_words-error" in answer.text and "out_reply-error" in answer.text
    right = {"out_words": "SAIR\r\nChega\r\n", "back_words": "VOLTAR", "out_reply": "", "back_reply": "Oi"}
    assert signed_in.post("/settings/reply-words", data=right).status_code == 303
    words = keywords.words_of([alice.tenant_id])[alice.tenant_id]
    assert words == keywords.Words(["SAIR", "Chega"], ["VOLTAR"], None, "Oi")


def test_a_persons_page_tells_what_they_wished(signed_in, api, alice):
    made = api.post("/contact-lists", {"name": "x"}).get_json()
    person = {"name": "Ana", "phone": "+5511987654321"}
    contact = api.post(f"/contact-lists/{made['id']}/contacts", person).get_json()
    opt_outs.opt_out(alice.tenant_id, phone=person["phone"], source="reply", words="<b>Sair</b>")
    opt_outs.take_back_number(alice.tenant_id, person["phone"], by=alice.actor())
    page = signed_in.get(f"/contacts/{made['id']}/people/{contact['id']}").text
    assert "&lt;b&gt;Sair&lt;/b&gt;" in page
    assert "Por Alice, nesta página." in page
