"""One row at a time: who becomes a contact, who is rejected and why."""

from __future__ import annotations

import pytest

from sintalk.imports.mapping import columns
from sintalk.imports.people import Person, Reader, Reject

HEADER = ["Nome", "Telefone", "E-mail", "Cidade"]


def reader(header=HEADER, **kwargs) -> Reader:
    return Reader(columns(header), len(header), **kwargs)


def test_a_row_becomes_a_person_with_attributes():
    person = reader().read(2, ["João\nda  Silva ", "(11) 99999-8888", " joao@exemplo.com.br", "São Paulo"])
    assert person == Person(
        2, "João da Silva", "joao@exemplo.com.br", "+5511999998888", {"Cidade": "São Paulo"}
    )


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["Ana", "123", "ana@exemplo.com", ""], "invalid_phone"),
        (["Ana", "99999-8888", "ana@exemplo.com", ""], "phone_missing_area_code"),
        (["Ana", "1,1E+10", "", ""], "phone_scientific_notation"),
        (["Ana", "", "", "Rio"], "missing_phone"),
        (["Ana", "", "ana-exemplo", "Rio"], "missing_phone"),
        (["Ana"], "missing_phone"),
        (["", "11999998888", "", ""], "missing_name"),
    ],
)
def test_a_row_that_reaches_nobody_is_rejected_with_its_reason(cells, reason):
    reject = reader().read(7, cells)
    assert isinstance(reject, Reject)
    assert (reject.row, reject.reason) == (7, reason)


def test_an_empty_phone_with_a_valid_address_is_a_contact_without_phone():
    person = reader().read(2, ["Ana", " ", "ana@exemplo.com", ""])
    assert person == Person(2, "Ana", "ana@exemplo.com", None, {})


def test_repairs_are_counted_and_lose_nobody():
    it = reader()
    assert isinstance(it.read(2, ["Ana", "1199998888", "sem e-mail", "Rio", "a", "mais"]), Person)
    assert isinstance(it.read(3, ["B" * 300, "11 3333-4444 / 11 98888-7777", "", ""]), Person)
    assert it.warnings == {
        "ninth_digit_added": 1,
        "invalid_email": 1,
        "extra_cells": 1,
        "several_numbers": 1,
        "name_shortened": 1,
        "fixed_line": 1,
    }


def test_the_area_code_may_stand_in_its_own_column_or_be_given():
    assert reader(["Nome", "DDD", "Fone"]).read(2, ["Ana", "21", "99999-8888"]).phone == "+5521999998888"
    assert reader(default_ddd="31").read(2, ["Ana", "99999-8888", "", ""]).phone == "+5531999998888"


def test_first_and_last_name_are_joined_and_a_file_without_names_is_taken():
    it = reader(["First name", "Last name", "Mobile"])
    assert it.read(2, ["Ana", "Souza", "11999998888"]).name == "Ana Souza"
    assert reader(["Celular"]).read(2, ["11999998888"]).name == "(11) 99999-8888"


def test_a_later_row_of_the_same_person_adds_and_wins():
    first = Person(2, "Ana", "ana@exemplo.com", "+5511999998888", {"Cidade": "Rio", "Cor": "azul"})
    first.absorb(Person(9, "Ana Souza", None, "+5511999998888", {"Cidade": "Natal"}))
    assert first == Person(
        2, "Ana Souza", "ana@exemplo.com", "+5511999998888", {"Cidade": "Natal", "Cor": "azul"}
    )
