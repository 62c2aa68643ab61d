"""The RCS editor without scripts: the form is sent, and the server does what its buttons say."""

from __future__ import annotations

import html
import io
import re
from zoneinfo import ZoneInfo

import pytest

from sintalk.db import session
from sintalk.files import service as files
from sintalk.files.models import File
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


# --- files that come in the form ---------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
SECOND = "rcs.carousel.cards[1].media"


def with_file(data: bytes, filename: str = "pão.png", path: str = SECOND, **more: str):
    """A carousel as a browser without scripts sends it, a file chosen on one of its cards."""
    fields = {"name": "Vitrine", "rcs.type": "carousel", "rcs.carousel.card_width": "medium"}
    titles = {f"rcs.carousel.cards[{at}].title": f"Cartão {at}" for at in range(3)}
    others = {f"upload:rcs.carousel.cards[{at}].media.file_url": (io.BytesIO(), "") for at in (0, 2)}
    chosen = {f"upload:{path}.file_url": (io.BytesIO(data), filename)}
    return {**fields, **titles, f"{SECOND}.file_url": "", **others, **chosen, **more}


def value_of(page: str, control: str) -> str:
    found = re.search(rf'name="{re.escape(control)}" type="text" value="([^"]*)"', page)
    assert found
    return found[1]


def test_a_file_comes_in_the_form_and_its_address_stands_in_its_card_with_everything_typed(
    app, signed_in, alice
):
    answer = signed_in.post("/templates/rcs", data=with_file(PNG, do=f"upload:{SECOND}"))
    page = page_of(answer)
    assert answer.status_code == 200
    file = session().query(File).one()
    assert (file.kind, file.content_type, file.status) == ("media", "image/png", "uploaded")
    assert file.tenant_id == alice.tenant_id
    address = value_of(page, f"{SECOND}.file_url")
    assert address.endswith("/p%C3%A3o.png")
    assert app.test_client().get(address.removeprefix("http://127.0.0.1:8000")).data == PNG
    assert [value_of(page, f"rcs.carousel.cards[{at}].title") for at in range(3)] == [
        "Cartão 0",
        "Cartão 1",
        "Cartão 2",
    ]
    assert re.search(rf'data-item="{re.escape(SECOND[:-6])}">.*?<details open>', page, re.S), (
        "its card is open"
    )
    assert session().query(Template).count() == 0


def test_a_chosen_file_is_kept_by_whatever_button_sends_the_form(signed_in):
    assert signed_in.post("/templates/rcs", data=with_file(PNG)).status_code == 303
    card = session().query(Template).one().content["carousel"]["cards"][1]
    assert "/media/" in card["media"]["file_url"]


@pytest.mark.parametrize(
    ("data", "filename", "status"),
    [
        (b"<html><script>alert(1)</script></html>", "foto.png", "rejected"),
        (b"PK\x03\x04" + bytes(300), "planilha.xlsx", None),
        (b"", "vazio.png", "rejected"),
    ],
)
def test_a_file_that_is_no_medium_is_told_at_its_field_and_nothing_typed_is_lost(
    signed_in, data, filename, status
):
    answer = signed_in.post("/templates/rcs", data=with_file(data, filename, do=f"upload:{SECOND}"))
    page = page_of(answer)
    assert answer.status_code == 422
    assert f'id="{SECOND}.file_url-error"' in page
    assert value_of(page, "rcs.carousel.cards[2].title") == "Cartão 2"
    assert value_of(page, f"{SECOND}.file_url") == ""
    assert [file.status for file in session().query(File)] == ([status] if status else [])


def test_a_file_above_the_limit_is_told_at_its_field_and_never_stored(signed_in, monkeypatch):
    monkeypatch.setitem(files.LIMITS, "media", len(PNG) - 1)
    page = page_of(signed_in.post("/templates/rcs", data=with_file(PNG, do=f"upload:{SECOND}")))
    assert f'id="{SECOND}.file_url-error"' in page
    assert session().query(File).count() == 0


def test_a_film_larger_than_other_forms_may_be_is_taken(signed_in, template):
    film = b"\0\0\0\x18ftypmp42" + bytes(9 * 1024 * 1024)
    sent = with_file(film, "festa.mp4", do=f"upload:{SECOND}")
    page = page_of(signed_in.post(f"/templates/{template.id}", data=sent))
    assert value_of(page, f"{SECOND}.file_url").endswith("/festa.mp4")
    assert session().query(File).one().size == len(film)


def test_a_file_goes_nowhere_but_to_a_mediums_address(signed_in):
    signed_in.post("/templates/rcs", data=with_file(PNG, path="rcs.carousel.cards[1].title"))
    signed_in.post("/templates/rcs", data=with_file(PNG, path="../etc"))
    assert session().query(File).count() == 0
