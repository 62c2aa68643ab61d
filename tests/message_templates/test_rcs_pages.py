"""The RCS editor without scripts: the form is sent, and the server does what its buttons say."""

from __future__ import annotations

import html
import re
from zoneinfo import ZoneInfo

import pytest

from sintalk.db import session
from sintalk.message_templates import rcs_typed, service
from sintalk.message_templates.models import Template
from sintalk.message_templates.schemas import TemplateIn
from tests import factories
from tests.message_templates.template_contents import carousel, chip, reply, text_message
from tests.message_templates.test_rcs_typed import pairs

TYPED = {"name": "Vitrine", "rcs.type": "text", "rcs.text.body": "Olá {{nome}}!"}
SHOPS = carousel(3)
SHOPS["rcs"]["suggestions"] = [
    chip("open_url", url="https://example.com"),
    chip("dial", phone="+551140041234"),
]


def page_of(answer) -> str:
    return html.unescape(answer.get_data(as_text=True))


def phone_of(answer) -> str:
    found = re.search(r"data-screen>(.*?)</div>\s*<div class=\"rcs-foot\"", page_of(answer), re.S)
    assert found
    return re.sub(r"<[^>]+>", " ", found[1])


@pytest.fixture
def template(alice):
    return service.create(alice.tenant_id, TemplateIn(**SHOPS), by=alice.actor())


def test_a_message_is_written_and_kept(signed_in, alice):
    assert signed_in.get("/templates/rcs/new").status_code == 200
    assert signed_in.post("/templates/rcs", data=TYPED).status_code == 303
    kept = session().query(Template).one()
    assert (kept.channel, kept.tenant_id) == ("rcs", alice.tenant_id)
    assert kept.content["text"] == {"body": "Olá {{nome}}!"}


def test_a_template_comes_back_into_its_form_and_is_kept_as_it_was(signed_in, template):
    before = dict(template.content)
    page = page_of(signed_in.get(f"/templates/{template.id}"))
    assert 'name="rcs.carousel.cards[2].title" type="text" value="Cartão 2"' in page
    sent = pairs(rcs_typed.of_content(before, ZoneInfo("America/Sao_Paulo")))
    answer = signed_in.post(f"/templates/{template.id}", data={**dict(sent), "name": "Vitrine nova"})
    assert answer.status_code == 303
    session().expire_all()
    assert service.get(template.tenant_id, template.id).content == before


def test_every_fault_stands_at_its_field_and_above_the_form_with_a_link(signed_in):
    sent = {
        "name": "",
        "rcs.type": "carousel",
        "rcs.carousel.card_width": "small",
        "rcs.carousel.cards[0].title": "a" * 201,
        "rcs.carousel.cards[1].suggestions[0].type": "open_url",
        "rcs.carousel.cards[1].suggestions[0].text": "Ver",
        "rcs.carousel.cards[1].suggestions[0].url": "http://x.br",
    }
    answer = signed_in.post("/templates/rcs", data=sent)
    page = page_of(answer)
    assert answer.status_code == 422
    for path in ("name", "rcs.carousel.cards[0].title", "rcs.carousel.cards[1].suggestions[0].url"):
        assert f'id="{path}-error"' in page, path
        assert f'href="#{path}"' in page, path
    assert 'id="rcs.carousel.cards[1]-error"' in page, "an empty card is told at the card"
    assert 'value="http://x.br"' in page, "nothing is lost"
    assert session().query(Template).count() == 0


def test_buttons_of_the_form_add_move_copy_and_remove_without_a_script(signed_in, template):
    sent = dict(pairs(rcs_typed.of_content(template.content, ZoneInfo("America/Sao_Paulo"))))

    def titles(deed: str) -> list[str]:
        answer = signed_in.post(f"/templates/{template.id}", data={**sent, "name": "x", "do": deed})
        assert answer.status_code == 200
        return re.findall(r'name="rcs.carousel.cards\[\d\].title"[^>]*value="([^"]*)"', page_of(answer))

    assert titles("add:rcs.carousel.cards") == ["Cartão 0", "Cartão 1", "Cartão 2", ""]
    assert titles("forth:rcs.carousel.cards[0]") == ["Cartão 1", "Cartão 0", "Cartão 2"]
    assert titles("copy:rcs.carousel.cards[2]") == ["Cartão 0", "Cartão 1", "Cartão 2", "Cartão 2"]
    assert titles("remove:rcs.carousel.cards[0]") == ["Cartão 1", "Cartão 2"]
    session().expire_all()
    assert len(service.get(template.tenant_id, template.id).content["carousel"]["cards"]) == 3


def test_the_phone_shows_the_message_with_a_made_up_person(signed_in, template):
    assert phone_of(signed_in.get(f"/templates/{template.id}")).split() == [
        *["Cartão", "0", "Cartão", "1", "Cartão", "2", "Sim", "Sim"]
    ]
    shown = signed_in.post("/templates/rcs", data={**TYPED, "do": "show:"})
    assert phone_of(shown).strip() == "Olá João da Silva!"
    assert session().query(Template).count() == 1


def test_the_price_is_told_with_its_reason(signed_in):
    page = page_of(signed_in.post("/templates/rcs", data={**TYPED, "do": "show:"}))
    assert re.search(r"data-billed>Básica<.*20 de 160 bytes", page, re.S)
    chipped = {**TYPED, "do": "show:", "rcs.suggestions[0].type": "reply", "rcs.suggestions[0].text": "Sim"}
    page = page_of(signed_in.post("/templates/rcs", data=chipped))
    assert re.search(r"data-billed>Avulsa<.*cobrada como avulsa", page, re.S)


def test_a_stranger_and_a_viewer_change_nothing(app, charlie, alice, template):
    stranger = factories.browser(app, charlie)
    assert stranger.get(f"/templates/{template.id}").status_code == 404
    assert stranger.post(f"/templates/{template.id}", data=TYPED).status_code == 404
    viewer = factories.browser(app, factories.colleague(alice, "vera@example.com", role="viewer"))
    assert viewer.get(f"/templates/{template.id}").status_code == 200
    assert viewer.post("/templates/rcs", data=TYPED).status_code == 403


def test_hostile_text_stays_text(signed_in, alice):
    body = text_message('<img src=x onerror="alert(1)">{{7*7}}', suggestions=[reply(text="<b>x</b>")])
    made = service.create(alice.tenant_id, TemplateIn(**body), by=alice.actor())
    page = signed_in.get(f"/templates/{made.id}").get_data(as_text=True)
    assert "<img src=x" not in page
    assert "<b>x</b>" not in page
