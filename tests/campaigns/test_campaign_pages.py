"""The campaign builder and the campaign's page, without scripts."""

from __future__ import annotations

import html
import re
import time
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from sintalk.campaigns import expansion, service
from sintalk.campaigns.models import Campaign
from sintalk.contacts import opt_outs
from sintalk.contacts import service as contacts
from sintalk.db import atomic, now, session
from sintalk.message_templates import service as templates
from sintalk.message_templates.schemas import TemplateIn
from tests import factories

PEOPLE = [("Ana", "+5511987654321"), ("Bento", "+5511987654322"), ("Célia", "+5511987654323")]


def page_of(answer) -> str:
    return html.unescape(answer.get_data(as_text=True))


def template_of(user, words: str = "Oi {{nome}}, tem {{oferta|pão}} hoje", name: str = "Oferta"):
    made = TemplateIn(name=name, channel="sms", sms={"text": words})
    return templates.create(user.tenant_id, made, by=user.actor())


def list_of(user, people=PEOPLE, name: str = "Clientes"):
    made = contacts.create_list(user.tenant_id, name=name)
    for person, phone in people:
        contacts.create_contact(user.tenant_id, made.id, name=person, phone=phone)
    return contacts.get_list(user.tenant_id, made.id)


@pytest.fixture
def clients(alice):
    return list_of(alice)


@pytest.fixture
def offer(alice):
    return template_of(alice)


@pytest.fixture
def draft(alice, clients, offer):
    return draft_of(alice, clients, offer)


def draft_of(user, clients, offer):
    return service.create(
        user.tenant_id,
        name="Semana",
        channel="sms",
        template_id=offer.id,
        contact_list_id=clients.id,
        by=user.actor(),
    )


def seal_of(page: str) -> str:
    return re.search(r'name="seal" value="([^"]+)"', page)[1]


def test_the_first_visit_says_what_is_needed_first(signed_in, alice):
    assert "/campaigns/new" in page_of(signed_in.get("/campaigns"))
    assert 'name="contact_list_id"' not in page_of(signed_in.get("/campaigns/new"))
    clients = list_of(alice)
    step = f"/campaigns/new/message?name=x&contact_list_id={clients.id}"
    assert "/templates/new" in page_of(signed_in.get(step))


def test_who_what_check_send(signed_in, alice, clients, offer):
    factories.money(alice.tenant_id, 10)
    step = signed_in.post("/campaigns/new", data={"name": "Semana", "contact_list_id": str(clients.id)})
    assert step.status_code == 303
    assert session().query(Campaign).count() == 0

    assert "Oi {{nome}}" in page_of(signed_in.get(step.location))
    checked = signed_in.post(step.location, data={"template_id": str(offer.id)})
    assert checked.status_code == 303

    timed = signed_in.post(checked.location, data={"when": "now"})
    assert timed.status_code == 303
    page = page_of(signed_in.get(timed.location, follow_redirects=True))
    assert "Oi Ana, tem pão hoje" in page
    assert "R$\xa00,24" in page
    assert "R$\xa09,76" in page
    assert "3 pessoas por R$\xa00,24" in page or "3 people for R$\xa00,24" in page

    campaign = session().query(Campaign).one()
    sent = signed_in.post(f"/campaigns/{campaign.id}/launch", data={"seal": seal_of(page)})
    assert sent.status_code == 303
    session().expire_all()
    assert service.get(alice.tenant_id, campaign.id).status == "launching"
    assert "data-poll" in page_of(signed_in.get(sent.location))


def test_an_unanswered_step_keeps_what_was_answered(signed_in, alice, clients, offer):
    answer = signed_in.post("/campaigns/new", data={"name": "Semana", "contact_list_id": ""})
    assert answer.status_code == 422
    assert 'value="Semana"' in page_of(answer)
    assert 'id="contact_list_id-error"' in page_of(answer)
    answer = signed_in.post("/campaigns/new", data={"name": "", "contact_list_id": str(clients.id)})
    assert answer.status_code == 422
    assert re.search(r"<input[^>]*checked[^>]*" + str(clients.id), page_of(answer))
    step = f"/campaigns/new/message?name=Semana&contact_list_id={clients.id}"
    answer = signed_in.post(step, data={})
    assert answer.status_code == 422
    assert 'id="template_id-error"' in page_of(answer)
    assert signed_in.get("/campaigns/new/message?name=x").status_code == 303
    assert session().query(Campaign).count() == 0


def test_a_draft_can_be_changed_at_each_step_and_goes_on_at_the_check(signed_in, alice, draft):
    other_list, other = list_of(alice, PEOPLE[:1], "VIP"), template_of(alice, "Outra")
    path = f"/campaigns/{draft.id}"
    assert re.search(
        r"<input[^>]*checked[^>]*" + str(draft.contact_list_id), page_of(signed_in.get(f"{path}/who"))
    )
    answer = signed_in.post(f"{path}/who", data={"name": "VIP", "contact_list_id": str(other_list.id)})
    assert answer.location.endswith(f"{path}/message")
    answer = signed_in.post(answer.location, data={"template_id": str(other.id)})
    assert answer.location.endswith(f"{path}/when")
    assert signed_in.get(path).location.endswith(f"{path}/check")
    session().expire_all()
    kept = service.get(alice.tenant_id, draft.id)
    assert (kept.name, kept.contact_list_id, kept.template_id) == ("VIP", other_list.id, other.id)


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ({"sms": {"text": "Oi {{nome}}"}}, "O que algumas delas vão ler"),
        ({"voice": {"source": "tts", "tts": {"text": "Oi {{nome}}"}}}, "O que algumas delas vão ouvir"),
    ],
)
def test_a_text_is_read_and_a_call_is_heard(signed_in, alice, clients, *, content, title):
    (channel,) = content
    made = TemplateIn(name="Aviso", channel=channel, **content)
    template = templates.create(alice.tenant_id, made, by=alice.actor())
    words = {"name": "Aviso", "channel": channel, "template_id": template.id, "contact_list_id": clients.id}
    campaign = service.create(alice.tenant_id, **words, by=alice.actor())
    assert title in page_of(signed_in.get(f"/campaigns/{campaign.id}/check"))


def test_the_check_says_who_is_left_out_and_why(signed_in, alice, offer):
    people = [*PEOPLE, ("Davi", None), ("Eva", "+5511987654329")]
    clients = list_of(alice, people)
    opt_outs.opt_out(alice.tenant_id, phone="+5511987654329")
    draft = draft_of(alice, clients, template_of(alice, "Oi {{nome}}"))
    page = page_of(signed_in.get(f"/campaigns/{draft.id}/check"))
    left_out = re.findall(r"<strong[^>]*>(\d+)</strong> <span>([^<]*)", page)
    assert sorted(left_out) == [("1", "estão sem telefone"), ("1", "pediram descadastro")]


def test_without_money_there_is_no_button(signed_in, alice, draft):
    page = page_of(signed_in.get(f"/campaigns/{draft.id}/check"))
    assert 'name="seal"' not in page
    assert "R$\xa00,24" in page
    sent = signed_in.post(f"/campaigns/{draft.id}/launch", data={"seal": "x"})
    assert sent.location.endswith("/check")
    session().expire_all()
    assert service.get(alice.tenant_id, draft.id).status == "draft"


def test_an_empty_list_cannot_be_sent_to(signed_in, alice, offer):
    factories.money(alice.tenant_id, 10)
    draft = draft_of(alice, list_of(alice, []), offer)
    assert 'name="seal"' not in page_of(signed_in.get(f"/campaigns/{draft.id}/check"))


def test_what_changed_since_the_check_is_checked_again(signed_in, alice, draft, clients):
    factories.money(alice.tenant_id, 10)
    seal = seal_of(page_of(signed_in.get(f"/campaigns/{draft.id}/check")))
    contacts.create_contact(alice.tenant_id, clients.id, name="Davi", phone="+5511987654329")
    sent = signed_in.post(f"/campaigns/{draft.id}/launch", data={"seal": seal})
    assert sent.location.endswith("/check")
    session().expire_all()
    assert service.get(alice.tenant_id, draft.id).status == "draft"


def test_pressing_send_twice_sends_once(signed_in, alice, draft):
    factories.money(alice.tenant_id, 10)
    seal = seal_of(page_of(signed_in.get(f"/campaigns/{draft.id}/check")))
    for _ in range(2):
        sent = signed_in.post(f"/campaigns/{draft.id}/launch", data={"seal": seal})
        assert sent.location.endswith(f"/campaigns/{draft.id}")
    session().expire_all()
    assert service.get(alice.tenant_id, draft.id).status == "launching"


def test_a_draft_whose_template_was_deleted_asks_for_another(signed_in, alice, draft, offer):
    templates.delete(alice.tenant_id, offer.id, by=alice.actor())
    answer = signed_in.get(f"/campaigns/{draft.id}/check")
    assert answer.location.endswith(f"/campaigns/{draft.id}/message")
    assert signed_in.get(answer.location).status_code == 200


def test_a_draft_is_thrown_away(signed_in, alice, draft):
    assert signed_in.post(f"/campaigns/{draft.id}/delete").status_code == 303
    assert signed_in.get(f"/campaigns/{draft.id}").status_code == 404


def test_the_list_shows_campaigns_by_status(signed_in, draft):
    assert "Semana" in page_of(signed_in.get("/campaigns"))
    assert "Semana" in page_of(signed_in.get("/campaigns?status=draft"))
    assert "Semana" not in page_of(signed_in.get("/campaigns?status=running"))
    assert signed_in.get("/campaigns?status=x&offset=-3").status_code == 200


def test_nothing_of_a_foreign_campaign_is_there(app, charlie, draft, clients, offer):
    stranger, path = factories.browser(app, charlie), f"/campaigns/{draft.id}"
    for step in ("", "/who", "/message", "/when", "/check", "/count", "/progress"):
        assert stranger.get(path + step).status_code == 404
    for verb in (
        "/who",
        "/message",
        "/when",
        "/unschedule",
        "/launch",
        "/pause",
        "/resume",
        "/cancel",
        "/delete",
    ):
        assert stranger.post(path + verb, data={}).status_code == 404
    answer = stranger.post("/campaigns/new", data={"name": "x", "contact_list_id": str(clients.id)})
    assert answer.status_code == 422
    mine = list_of(charlie)
    step = f"/campaigns/new/message?name=x&contact_list_id={mine.id}"
    assert stranger.post(step, data={"template_id": str(offer.id)}).status_code == 422
    step = f"/campaigns/new/message?name=x&contact_list_id={clients.id}"
    assert stranger.post(step, data={"template_id": str(template_of(charlie).id)}).status_code == 422


def test_the_page_polls_while_something_is_to_come_and_then_no_more(signed_in, alice, draft):
    factories.money(alice.tenant_id, 10)
    service.launch(alice.tenant_id, draft.id, by=alice.actor())
    path = f"/campaigns/{draft.id}/progress"
    assert "hx-get" in page_of(signed_in.get(path))

    expansion.expand(draft.id)
    page = page_of(signed_in.get(path))
    assert "hx-get" in page
    assert "0 de 3" in page
    assert "R$\xa00,24" in page

    with atomic() as current:
        current.execute(
            text("UPDATE campaigns SET status = 'completed', completed_at = now() - interval '1 day'")
        )
    page = page_of(signed_in.get(path))
    assert "hx-get" not in page


def test_a_campaign_that_waits_for_money_says_so_and_goes_on_after_a_top_up(signed_in, alice, draft):
    factories.money(alice.tenant_id, 0.24)
    service.launch(alice.tenant_id, draft.id, by=alice.actor())
    with atomic() as current:
        current.execute(text("UPDATE accounts SET posted = posted - 1"))
    expansion.expand(draft.id)
    path = f"/campaigns/{draft.id}"
    assert f"{path}/resume" in page_of(signed_in.get(path))
    assert signed_in.post(f"{path}/resume").status_code == 303
    session().expire_all()
    assert service.get(alice.tenant_id, draft.id).status == "paused"
    with atomic() as current:
        current.execute(text("UPDATE accounts SET posted = posted + 1"))
    assert signed_in.post(f"{path}/resume").status_code == 303
    session().expire_all()
    assert service.get(alice.tenant_id, draft.id).status == "running"


def test_the_bar_of_outcomes_knows_every_status() -> None:
    from sintalk.campaigns.pages import SHOWN
    from sintalk.messages.states import STATUSES

    assert sorted(SHOWN) == sorted(STATUSES)


def test_a_time_of_the_companys_own_clock_is_chosen_and_the_button_schedules(signed_in, alice, draft):
    path = f"/campaigns/{draft.id}"
    answer = signed_in.post(f"{path}/when", data={"when": "at", "at": ""})
    assert answer.status_code == 422 and 'id="at-error"' in page_of(answer)
    tomorrow = now().astimezone(ZoneInfo("America/Sao_Paulo")) + timedelta(days=1)
    wishes = {"when": "at", "at": tomorrow.strftime("%Y-%m-%dT%H:%M"), "max_delay_minutes": "15"}
    assert signed_in.post(f"{path}/when", data=wishes).status_code == 303
    page = page_of(signed_in.get(f"{path}/check"))
    assert "Agendar para 3 pessoas" in page and tomorrow.strftime("%H:%M") in page
    assert signed_in.post(f"{path}/launch", data={"seal": seal_of(page)}).status_code == 303
    session().expire_all()
    kept = service.get(alice.tenant_id, draft.id)
    assert (kept.status, kept.max_delay_minutes) == ("scheduled", 15)
    assert kept.scheduled_at == tomorrow.replace(second=0, microsecond=0)

    page = page_of(signed_in.get(path))
    assert f"{path}/unschedule" in page and f"{path}/when" in page and "data-poll" not in page
    assert signed_in.post(f"{path}/unschedule").status_code == 303
    session().expire_all()
    assert service.get(alice.tenant_id, draft.id).status == "draft"


def test_a_draft_whose_time_went_by_asks_for_another_time(signed_in, alice, draft):
    factories.money(alice.tenant_id, 10)
    service.update(alice.tenant_id, draft.id, scheduled_at=now() + timedelta(hours=1), by=alice.actor())
    check = f"/campaigns/{draft.id}/check"
    with atomic() as current:
        current.execute(text("UPDATE campaigns SET scheduled_at = now() + interval '1 second'"))
    session().expire_all()
    seal = seal_of(page_of(signed_in.get(check)))
    time.sleep(1.1)
    answer = signed_in.post(f"/campaigns/{draft.id}/launch", data={"seal": seal})
    assert answer.headers["Location"].endswith("/when")
    page = page_of(signed_in.get(check))
    assert "Escolha outro horário" in page and "/launch" not in page
    session().expire_all()
    assert service.get(alice.tenant_id, draft.id).status == "draft"


def test_other_ways_of_leaving_are_checked_again(signed_in, alice, draft):
    factories.money(alice.tenant_id, 10)
    seal = seal_of(page_of(signed_in.get(f"/campaigns/{draft.id}/check")))
    service.update(alice.tenant_id, draft.id, spread_minutes=60, by=alice.actor())
    answer = signed_in.post(f"/campaigns/{draft.id}/launch", data={"seal": seal})
    assert answer.headers["Location"].endswith("/check")
    session().expire_all()
    assert service.get(alice.tenant_id, draft.id).status == "draft"


def test_a_delay_that_the_api_gave_it_is_kept(signed_in, alice, draft):
    in_an_hour = now() + timedelta(hours=1)
    service.update(alice.tenant_id, draft.id, scheduled_at=in_an_hour, max_delay_minutes=5, by=alice.actor())
    at = in_an_hour.astimezone(ZoneInfo("America/Sao_Paulo")).strftime("%Y-%m-%dT%H:%M")
    path = f"/campaigns/{draft.id}/when"
    answer = signed_in.post(path, data={"when": "at", "at": at, "max_delay_minutes": "5"})
    assert answer.status_code == 303
    session().expire_all()
    assert service.get(alice.tenant_id, draft.id).max_delay_minutes == 5


def test_a_schedule_that_came_too_late_says_so_and_has_one_button(signed_in, alice, draft):
    factories.money(alice.tenant_id, 10)
    wishes = {"scheduled_at": now() + timedelta(hours=1)}
    service.update(alice.tenant_id, draft.id, **wishes, by=alice.actor())
    service.launch(alice.tenant_id, draft.id, by=alice.actor())
    with atomic() as current:
        current.execute(text("UPDATE campaigns SET scheduled_at = now() - interval '2 hours'"))
    service.launch_due()
    page = page_of(signed_in.get(f"/campaigns/{draft.id}"))
    assert "Passou da hora de sair sozinha" in page and "Enviar agora" in page
    assert signed_in.post(f"/campaigns/{draft.id}/resume").status_code == 303
    session().expire_all()
    assert service.get(alice.tenant_id, draft.id).status == "launching"


def test_pausing_and_canceling_are_one_click_and_one_question_away(signed_in, alice, draft):
    factories.money(alice.tenant_id, 10)
    service.launch(alice.tenant_id, draft.id, by=alice.actor())
    expansion.expand(draft.id)
    path = f"/campaigns/{draft.id}"
    page = page_of(signed_in.get(path))
    assert f'action="{path}/pause"' in page
    assert "3 pessoas deixarão de receber" in page
    signed_in.post(f"{path}/pause")
    assert "3 pessoas ainda esperam" in page_of(signed_in.get(path))
    signed_in.post(f"{path}/cancel")
    session().expire_all()
    assert service.get(alice.tenant_id, draft.id).status == "canceled"
    assert "data-poll" in page_of(signed_in.get(path))


def test_a_list_is_not_left_out_of_itself(signed_in, clients):
    who = {"name": "Natal", "contact_list_id": str(clients.id), "exclude_list_ids": [str(clients.id)]}
    step = signed_in.post("/campaigns/new", data=who)
    assert step.status_code == 422 and "não sobra ninguém" in page_of(step)
    assert '<details class="more" open' in page_of(step)


def test_a_follow_up_is_made_from_the_campaign_before_and_lists_are_left_out(signed_in, alice, draft, offer):
    factories.money(alice.tenant_id, 10)
    service.launch(alice.tenant_id, draft.id, by=alice.actor())
    expansion.expand(draft.id)
    others = list_of(alice, PEOPLE[:1], "VIP")
    follow_up = re.search(r'href="(/campaigns/new\?[^"]*parent_campaign_id[^"]*)"', _page(signed_in, draft))
    assert str(draft.id) in page_of(signed_in.get(follow_up[1]))
    who = {
        "name": "De novo",
        "parent_campaign_id": str(draft.id),
        "follow_up_on_status": "delivered",
        "exclude_list_ids": [str(others.id)],
    }
    step = signed_in.post("/campaigns/new", data=who)
    assert step.status_code == 303
    assert signed_in.post(step.location, data={"template_id": str(offer.id)}).status_code == 303
    made = session().query(Campaign).filter_by(name="De novo").one()
    assert (made.parent_campaign_id, made.follow_up_on_status) == (draft.id, "delivered")
    assert (made.contact_list_id, made.exclude_list_ids) == (None, [others.id])
    page = page_of(signed_in.get(f"/campaigns/{made.id}/check"))
    assert "quem recebeu" in page and "VIP" in page


def _page(browser, campaign):
    return page_of(browser.get(f"/campaigns/{campaign.id}"))
