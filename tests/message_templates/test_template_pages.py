"""Templates in the browser, without scripts."""

from __future__ import annotations

import html

import pytest

from sintalk.db import session
from sintalk.message_templates import service
from sintalk.message_templates.models import Template
from sintalk.message_templates.schemas import TemplateIn
from tests import factories
from tests.message_templates.template_contents import carousel, sms, voice

TYPED = {"name": "Oferta", "text": "Olá {{nome}},\r\nvem!", "encoding": "gsm7"}


def page_of(answer) -> str:
    return html.unescape(answer.get_data(as_text=True))


@pytest.fixture
def template(alice):
    return service.create(alice.tenant_id, TemplateIn(**sms("Oi {{nome}}")), by=alice.actor())


def test_an_empty_list_teaches_and_offers_a_sample(signed_in):
    page = page_of(signed_in.get("/templates"))
    assert "/templates/new?sample=1" in page
    assert "20% de desconto" in page_of(signed_in.get("/templates/new?sample=1"))


def test_an_sms_is_written_and_kept(signed_in, alice):
    answer = signed_in.post("/templates", data=TYPED)
    assert answer.status_code == 303
    kept = session().query(Template).one()
    assert kept.content == {"text": "Olá {{nome}},\nvem!", "encoding": "gsm7"}
    assert kept.tenant_id == alice.tenant_id
    assert "Oferta" in page_of(signed_in.get("/templates"))


def test_a_form_with_faults_loses_nothing_and_says_what_is_wrong_beside_the_field(signed_in):
    answer = signed_in.post("/templates", data={**TYPED, "name": "", "text": "Olá {{nome"})
    page = page_of(answer)
    assert answer.status_code == 422
    assert "Olá {{nome</textarea>" in page
    assert 'id="name-error"' in page
    assert 'id="text-error"' in page
    assert 'value="gsm7" checked' in page or 'checked class="form-check-input" id="encoding-1"' in page
    assert session().query(Template).count() == 0


def test_the_phone_is_shown_without_scripts_and_nothing_is_kept(signed_in):
    page = page_of(signed_in.post("/templates", data={**TYPED, "encoding": "auto", "preview": "1"}))
    assert "Olá João da Silva,\nvem!" in page
    assert "<kbd>á</kbd> <kbd>ã</kbd>" in page
    assert session().query(Template).count() == 0


def test_an_sms_is_changed(signed_in, template):
    path = f"/templates/{template.id}"
    assert "Oi {{nome}}</textarea>" in page_of(signed_in.get(path))
    assert "Ola Joao da Silva" in page_of(
        signed_in.post(path, data={**TYPED, "text": "Olá {{nome}}", "preview": "1"})
    )
    assert service.get(template.tenant_id, template.id).content["text"] == "Oi {{nome}}"
    assert signed_in.post(path, data={**TYPED, "text": ""}).status_code == 422
    assert signed_in.post(path, data=TYPED).status_code == 303
    session().expire_all()
    assert service.get(template.tenant_id, template.id).name == "Oferta"


def test_a_template_is_copied_and_deleted(signed_in, template):
    copied = signed_in.post(f"/templates/{template.id}/duplicate")
    assert copied.status_code == 303
    assert signed_in.get(copied.location).status_code == 200
    assert signed_in.post(f"/templates/{template.id}/delete").status_code == 303
    assert signed_in.get(f"/templates/{template.id}").status_code == 404
    assert signed_in.get(copied.location).status_code == 200


@pytest.mark.parametrize("body", [carousel(3), voice(dtmf={"digits": [{"key": "9", "label": "Sair"}]})])
def test_templates_of_other_channels_are_shown(signed_in, alice, body):
    made = service.create(alice.tenant_id, TemplateIn(**body), by=alice.actor())
    page = page_of(signed_in.get(f"/templates/{made.id}", follow_redirects=True))
    for words in ("Cartão 0", "Cartão 2") if made.channel == "rcs" else ("Oi", "Sair"):
        assert words in page


def test_the_list_is_searched_by_name_and_channel(signed_in, alice, template):
    for body in (voice(), carousel()):
        service.create(alice.tenant_id, TemplateIn(**{**body, "name": "Outro"}), by=alice.actor())
    assert page_of(signed_in.get("/templates?search=outr")).count("data-label") == 2 * 3
    assert page_of(signed_in.get("/templates?channel=sms")).count("data-label") == 1 * 3
    assert page_of(signed_in.get("/templates?search=%25")).count("data-label") == 0


def test_samples_for_each_channel_can_be_added(alice):
    made = service.add_samples(alice.tenant_id, by=alice.actor())
    assert {template.channel for template in made} == {"sms", "rcs", "voice"}


def test_a_foreign_template_is_not_there(app, charlie, template):
    stranger = factories.browser(app, charlie)
    path = f"/templates/{template.id}"
    assert stranger.get(path).status_code == 404
    assert stranger.post(path, data=TYPED).status_code == 404
    assert stranger.post(f"{path}/delete").status_code == 404
    assert stranger.post(f"{path}/duplicate").status_code == 404
    assert service.get(template.tenant_id, template.id).name == "Modelo"


def test_a_viewer_reads_but_does_not_write(app, alice):
    viewer = factories.browser(app, factories.colleague(alice, "vera@example.com", role="viewer"))
    assert viewer.get("/templates").status_code == 200
    assert viewer.post("/templates", data=TYPED).status_code == 403


def test_a_null_character_does_no_harm(signed_in):
    assert signed_in.post("/templates", data={**TYPED, "name": "A\x00B", "text": "a\x00b"}).status_code == 303
    assert session().query(Template).one().content["text"] == "ab"
    assert signed_in.get("/templates?search=%00&channel=%00").status_code == 200
