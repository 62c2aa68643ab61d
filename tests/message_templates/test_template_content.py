"""From a template's content to what one person gets."""

from __future__ import annotations

import pytest

from sintalk.message_templates.content import contact_values, prepare, variables

JOAO = contact_values(name="João", phone="+5511999998888", email=None, attributes={"Cidade": "Belém"})


def sms_of(text: str, encoding: str = "auto"):
    return prepare("sms", {"text": text, "encoding": encoding})


def test_an_sms_is_filled_measured_and_ready():
    rendered = sms_of("Ola {{nome}} de {{CIDADE}}").render(JOAO)
    assert rendered[:4] == ("Ola João de Belém", "ucs2", 1, [])
    assert rendered.fault is None


def test_gsm7_transliterates_the_values_and_the_default_too():
    rendered = sms_of("Promoção, {{nome}}! {{apelido|cartão}}", "gsm7").render(JOAO)
    assert rendered[:3] == ("Promocao, Joao! cartao", "gsm7", 1)


def test_the_template_keeps_its_letters_in_the_names_of_its_variables():
    assert sms_of("{{Endereço}}", "gsm7").variables == ["Endereço"]


def test_a_missing_value_leaves_the_person_out():
    rendered = sms_of("Oi {{apelido}} {{nome}}").render(JOAO)
    assert rendered.missing == ["apelido"]
    assert rendered.fault == "missing_variable"


def test_a_message_of_eleven_parts_is_not_sent():
    prepared = sms_of("{{texto}}")
    assert prepared.render({"texto": "a" * 1530}).fault is None
    assert prepared.render({"texto": "a" * 1531}).fault == "too_long"


@pytest.mark.parametrize("value", ["😀", "\u200b"])
def test_a_message_with_nothing_left_in_it_is_not_sent(value):
    assert sms_of("{{texto}}", "gsm7").render({"texto": value}).fault == "empty_message"


def test_the_encoding_defaults_to_auto():
    assert prepare("sms", {"text": "não"}).render({}).encoding == "ucs2"


CAROUSEL = {
    "type": "carousel",
    "carousel": {
        "card_width": "medium",
        "cards": [
            {"title": "Oi {{nome}}", "media": {"file_url": "https://x.br/{{Cidade}}.png", "height": "short"}},
            {"description": "{{Produto}}"},
        ],
    },
    "ttl_seconds": 60,
}


def test_every_string_of_an_rcs_content_may_hold_placeholders():
    assert variables(CAROUSEL) == ["nome", "Cidade", "Produto"]
    rendered = prepare("rcs", CAROUSEL).render({**JOAO, "produto": "Tênis"})
    assert rendered.text == "Oi João\nTênis"
    assert rendered.content["carousel"]["cards"][0]["media"]["file_url"] == "https://x.br/Bel%C3%A9m.png"
    assert rendered.content["ttl_seconds"] == 60
    assert (rendered.encoding, rendered.segments, rendered.fault) == ("single", 1, None)
    assert CAROUSEL["carousel"]["cards"][0]["title"] == "Oi {{nome}}"


def test_an_rcs_content_with_a_hole_is_not_sent():
    rendered = prepare("rcs", CAROUSEL).render(JOAO)
    assert (rendered.missing, rendered.fault) == (["Produto"], "missing_variable")


@pytest.mark.parametrize(
    ("content", "billed_as"),
    [
        ({"type": "text", "text": {"body": "a" * 160}}, "basic"),
        ({"type": "text", "text": {"body": "a" * 161}}, "single"),
        ({"type": "text", "text": {"body": "ã" * 80}}, "basic"),
        ({"type": "text", "text": {"body": "ã" * 80 + "a"}}, "single"),
        ({"type": "text", "text": {"body": "a"}, "suggestions": [{"type": "reply"}]}, "single"),
        ({"type": "file", "file": {"file_url": "https://x.br/a.png"}}, "single"),
    ],
)
def test_rcs_is_basic_up_to_160_bytes_of_mere_text(content, billed_as):
    assert prepare("rcs", content).render({}).encoding == billed_as


def test_voice_says_its_text():
    content = {"source": "tts", "tts": {"text": "Olá {{nome}}"}}
    assert prepare("voice", content).render(JOAO)[:2] == ("Olá João", "speech")
    assert prepare("voice", {"source": "audio", "file_id": "x"}).render(JOAO)[:2] == ("", "audio")


def chip_to(url: str):
    chip = {"type": "open_url", "text": "Abrir", "postback_data": "x", "url": url}
    return prepare("rcs", {"type": "text", "text": {"body": "Oi"}, "suggestions": [chip]})


@pytest.mark.parametrize(
    ("url", "value", "fault"),
    [
        ("{{link}}", "https://loja.com.br/pedido?n=1", None),
        ("{{link}}", "http://loja.com.br/pedido", "invalid_link"),
        ("{{link}}", "loja.com.br", "invalid_link"),
        ("{{link}}", "https://loja.com.br/meu pedido", "invalid_link"),
        ("{{link}}", "javascript:alert(1)", "invalid_link"),
        ("{{link|https://loja.com.br}}", "", None),
        ("https://{{link}}.loja.com.br/", "recife", None),
        ("https://{{link}}.loja.com.br/", "são luís", "invalid_link"),
        ("https://loja.com.br/{{link}}", "são luís", None),
        ("{{link}}", "", "missing_variable"),
    ],
)
def test_who_would_get_a_link_that_is_none_is_left_out(url, value, fault):
    assert chip_to(url).render({"link": value}).fault == fault


def test_addresses_of_media_are_held_to_the_same():
    content = {"type": "file", "file": {"file_url": "{{foto}}", "thumbnail_url": "https://x.br/{{nome}}.png"}}
    rendered = prepare("rcs", content).render({**JOAO, "foto": "https://x.br/a.pdf"})
    assert (rendered.fault, rendered.content["file"]["thumbnail_url"]) == (None, "https://x.br/Jo%C3%A3o.png")
    assert prepare("rcs", content).render({**JOAO, "foto": "a.pdf"}).fault == "invalid_link"
