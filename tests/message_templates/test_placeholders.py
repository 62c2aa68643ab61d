"""Placeholders: what is one, what is plain text, what is a fault, and how they are filled."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sintalk.message_templates import links
from sintalk.message_templates.placeholders import NAME_LIMIT, compile, contact_values, fold

VALUES = contact_values(
    name="João", phone="+5511999998888", email="j@x.br", attributes={"Cidade": "São Paulo", "Nº pedido": "42"}
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Olá {{nome}}!", "Olá João!"),
        ("{{name}} {{NOME}} {{ Nome }}", "João João João"),
        ("{{telefone}} {{phone}} {{Telefone}}", "+5511999998888 +5511999998888 +5511999998888"),
        ("{{email}} {{e-mail}} {{E_Mail}}", "j@x.br j@x.br j@x.br"),
        ("{{cidade}} {{CIDADÉ}} {{ci dade}}", "São Paulo São Paulo São Paulo"),
        ("{{nº pedido}} {{No Pedido}}", "42 42"),
        ("{{nome|cliente}}", "João"),
        ("{{apelido|cliente}}", "cliente"),
        ("{{apelido | caro cliente }}", "caro cliente"),
        ("{{apelido|}}.", "."),
        (r"{{apelido|a\}b\{c\|d\\e}}", r"a}b{c|d\e"),
        (r"use \{{nome}} para o nome", "use {{nome}} para o nome"),
        (r"C:\\{{nome}}", "C:\\João"),
        (r"C:\pasta {{nome}}", "C:\\pasta João"),
        ("100% {{nome}} %s %(x)d", "100% João %s %(x)d"),
        ("100% %% sem nada", "100% %% sem nada"),
        ("{{{nome}}}", "{João}"),
        ("{{nome}}{{nome}}", "JoãoJoão"),
        ("{nome} {% raw %} ${nome} {{7*7}} {{ } }} { {", "{nome} {% raw %} ${nome} {{7*7}} {{ } }} { {"),
        ("", ""),
    ],
)
def test_a_text_is_filled_with_the_recipients_values(text, expected):
    compiled = compile(text)
    assert compiled.render(VALUES) == (expected, [])
    assert compiled.faults == ()


def test_what_is_missing_is_named_once_as_first_written():
    text, missing = compile("{{Apelido}} {{nome}} {{APELIDO}} {{Time}} {{x|y}}").render(VALUES)
    assert missing == ["Apelido", "Time"]
    assert text == " João   y"


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0"])
def test_a_blank_value_counts_as_none(blank):
    assert compile("{{a}}").render({"a": blank}) == ("", ["a"])
    assert compile("{{a|b}}").render({"a": blank}) == ("b", [])
    assert compile("{{a|b}} {{c}}").render({"a": blank}) == ("b ", ["c"])


def test_a_value_is_never_read_as_a_placeholder():
    assert compile("{{a}}").render({"a": "{{b}} %s \\{{"}) == ("{{b}} %s \\{{", [])


@pytest.mark.parametrize(
    ("text", "code", "offset"),
    [
        ("Olá {{nome", "unclosed_placeholder", 4),
        ("Olá {{nome} tudo", "unclosed_placeholder", 4),
        ("{{nome|{{apelido}}}}", "unclosed_placeholder", 0),
        ("{{no\nme}}", "unclosed_placeholder", 0),
        ("a {{}}", "empty_placeholder", 2),
        ("{{ }}", "empty_placeholder", 0),
        ("{{|cliente}}", "empty_placeholder", 0),
        ("{{" + "n" * (NAME_LIMIT + 1) + "}}", "placeholder_too_long", 0),
    ],
)
def test_a_slip_of_the_pen_is_a_fault_and_says_where(text, code, offset):
    fault = compile(text).faults[0]
    assert (fault.code, fault.offset) == (code, offset)


def test_a_name_of_just_the_limit_is_taken():
    name = "n" * NAME_LIMIT
    assert compile("{{" + name + "}}").variables == [name]


def test_variables_are_listed_once_in_order_as_first_written():
    compiled = compile("{{Cidade}} {{nome|x}} {{CIDADE}} {{name}} {{ Valor Total }}")
    assert compiled.variables == ["Cidade", "nome", "Valor Total"]
    assert compiled.required == ["Cidade", "name", "Valor Total"]
    assert compile("{{nome|x}}").required == []


def test_the_contacts_own_fields_win_over_attributes_of_that_name():
    values = contact_values(name="Ana", phone=None, email=None, attributes={"Name": "outra", "Telefone": "1"})
    assert values == {"nome": "Ana", "telefone": "1"}


@pytest.mark.parametrize(
    ("one", "other"),
    [("Município", "MUNICIPIO"), ("E-mail", "email"), ("first_name", "First Name"), ("phone", "Telefone")],
)
def test_names_are_one_without_regard_to_case_accents_and_spaces(one, other):
    assert fold(one) == fold(other)


@given(st.text())
def test_any_text_compiles_and_text_without_double_braces_stays_as_it_is(text):
    compiled = compile(text)
    rendered, missing = compiled.render({})
    if "{{" not in text:
        assert (rendered, missing, compiled.faults) == (text, [], ())


@given(st.text(alphabet="{}|\\ a7%\n", max_size=30))
def test_hostile_braces_never_break_the_reader(text):
    compiled = compile(text)
    full, missing = compiled.render({"a": "x", "aa": "x", "7": "x"})
    assert isinstance(full, str)
    assert not set(missing) - set(compiled.variables)


@given(st.lists(st.tuples(st.text(alphabet="abc %\\{}"), st.text(min_size=1)), max_size=6))
def test_rendering_puts_each_value_between_its_neighbours(pieces):
    """Literals are escaped the documented way, so the result is known without the code under test."""
    source, expected, values = "", "", {}
    for number, (literal, value) in enumerate(pieces):
        literal = literal.replace("{", "(").replace("}", ")")  # noqa: PLW2901
        name = f"v{number}"
        slashes = len(literal) - len(literal.rstrip("\\"))
        source += literal + "\\" * slashes + "{{" + name + "|-}}"
        values[fold(name)] = value
        expected += literal + (value.strip() or "-")
    assert compile(source).render(values) == (expected, [])


SHOP = "https://loja.com.br"


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        (SHOP + "/{{a}}", "São Paulo", SHOP + "/S%C3%A3o%20Paulo"),
        (SHOP + "/?q={{a}}&x=1", "Pão & café", SHOP + "/?q=P%C3%A3o%20%26%20caf%C3%A9&x=1"),
        (SHOP + "#{{a}}", "a/b", SHOP + "#a%2Fb"),
        ("Veja www.loja.com.br/{{a}}.", "a b", "Veja www.loja.com.br/a%20b."),
        (SHOP + "/{{a}}/{{a}}", "1 2", SHOP + "/1%202/1%202"),
        ("https://{{a}}.com.br/{{a}}", "x y", "https://x y.com.br/x%20y"),
        ("{{a}}", "https://x.com.br/a b", "https://x.com.br/a b"),
        ("{{a}}/{{a}}", "x y", "x y/x y"),
        (SHOP + "/x {{a}}", "São Paulo", SHOP + "/x São Paulo"),
        (SHOP + "/x\n{{a}}", "São Paulo", SHOP + "/x\nSão Paulo"),
        ("HTTPS://LOJA.COM/{{a}}", "ã", "HTTPS://LOJA.COM/%C3%A3"),
        ("loja.com.br/{{a}}", "a b", "loja.com.br/a b"),
        (SHOP + "{{a}}", "/a b", SHOP + "/a b"),
        (SHOP + "/{{b|ofertas/são joão?x=1%20}}", "", SHOP + "/ofertas/s%C3%A3o%20jo%C3%A3o?x=1%20"),
        (SHOP + "/{{b|}}", "", SHOP + "/"),
    ],
)
def test_what_continues_a_link_is_encoded_and_nothing_else(text, value, expected):
    assert compile(text).render({"a": value} if value else {})[0] == expected


@given(st.text(min_size=1).filter(lambda text: text.strip()))
def test_any_value_in_a_link_comes_back_from_it_as_it_was(value):
    link, missing = compile("https://x.com.br/?q={{a}}&b=2").render({"a": value})
    assert missing == []
    assert parse_qs(urlsplit(link).query, keep_blank_values=True) == {"q": [value.strip()], "b": ["2"]}
    assert link.isascii() and links.is_https(link)
