"""Headers as they stand in real files."""

from __future__ import annotations

import pytest

from sintalk.imports.mapping import Columns, Unmappable, columns


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Nome;Telefone;Email", {"name": "Nome", "phone": "Telefone", "email": "Email"}),
        ("NOME COMPLETO;E-mail;CELULAR", {"name": "NOME COMPLETO", "phone": "CELULAR", "email": "E-mail"}),
        ("nome;telefone;celular", {"name": "nome", "phone": "celular"}),
        ("Tel. Fixo;Tel. Celular;Cliente", {"name": "Cliente", "phone": "Tel. Celular"}),
        ("Cliente;Telefone fixo", {"name": "Cliente", "phone": "Telefone fixo"}),
        ("Nome;DDD;Telefone", {"name": "Nome", "ddd": "DDD", "phone": "Telefone"}),
        ("Número do WhatsApp;Primeiro nome;Sobrenome", {"name": "Primeiro nome", "surname": "Sobrenome"}),
        ("name,phone,email", {"name": "name", "phone": "phone", "email": "email"}),
        ("First Name,Last Name,Mobile Phone", {"name": "First Name", "surname": "Last Name"}),
        ("Nombre;Teléfono móvil;Correo electrónico", {"name": "Nombre", "email": "Correo electrónico"}),
        ("Nombre;Apellidos;Teléfono", {"name": "Nombre", "surname": "Apellidos", "phone": "Teléfono"}),
        ("destination;correlationid", {"name": None, "phone": "destination"}),
        ("Telefone do responsável;Nome do aluno", {"name": "Nome do aluno"}),
        ("Nome da mãe;Nome do paciente;Celular", {"name": "Nome do paciente"}),
        ("Telefone;Telefone (2);Nome", {"phone": "Telefone"}),
        ("e_mail;nome", {"phone": None, "email": "e_mail"}),
    ],
)
def test_it_guesses_columns_from_their_headers(header, expected):
    names = header.replace(",", ";").split(";")
    found = columns(names)
    for key, name in expected.items():
        assert getattr(found, key) == (None if name is None else names.index(name)), key


def test_every_other_column_is_an_attribute_under_its_own_header():
    assert columns(["Nome", "Celular", "Cidade", "Último pedido", "Telefone"]).attributes == {
        "Cidade": 2,
        "Último pedido": 3,
        "Telefone": 4,
    }


def test_the_person_decides_over_the_guess():
    header = ["Nome", "Celular", "Celular do cônjuge", "E-mail"]
    found = columns(
        header, {"phone": "celular do conjuge", "email": None, "attributes": {"titular": "Celular"}}
    )
    assert found == Columns(name=0, phone=2, email=None, attributes={"titular": 1})


@pytest.mark.parametrize(
    ("header", "told", "field", "code"),
    [
        (["Cor", "Tamanho"], {}, "mapping", "cannot_be_mapped"),
        (["Nome", "Telefone"], {"phone": None}, "mapping", "cannot_be_mapped"),
        (["Nome", "Telefone"], {"phone": "Fax"}, "mapping.phone", "unknown_column"),
        (["Nome", "Telefone"], {"attributes": {"a": "Fax"}}, "mapping.attributes.a", "unknown_column"),
    ],
)
def test_it_says_which_part_of_the_mapping_is_wrong(header, told, field, code):
    with pytest.raises(Unmappable) as refused:
        columns(header, told)
    assert (refused.value.field, refused.value.code) == (field, code)


def test_it_survives_being_stored():
    found = columns(["Nome", "DDD", "Fone", "Cidade"])
    assert Columns.from_json(found.as_json()) == found
