"""Files without a header: found out by what stands in them, and always as somebody says."""

from __future__ import annotations

import pytest

from sintalk.imports import reading
from sintalk.imports.reading import columns, survey


def look(text: str, has_header: bool | None = None):
    chunks = [text.encode()]
    found = survey("csv", chunks, has_header=has_header)
    return found, list(reading.rows(chunks, found))


@pytest.mark.parametrize(
    "first",
    ["Nome;Celular", "Nome;Telefone;E-mail", "x;y", "Ana;123", "fone;11999998888", "Ana;(61) 0000-0000"],
)
def test_a_first_row_that_reaches_nobody_or_says_phone_is_a_header(first):
    found, table = look(f"{first}\nBia;11988887777\n")
    assert (found.has_header, found.rows, len(table)) == (True, 1, 1)


@pytest.mark.parametrize(
    "first", ["11999998888", "Ana;(11) 99999-8888", "Ana;ana@exemplo.com.br", "Cliente;11 9 9999 8888"]
)
def test_a_first_row_that_reaches_somebody_is_content(first):
    found, table = look(f"{first}\nBia;11988887777\n")
    assert (found.has_header, found.rows, found.header[0]) == (False, 2, "Coluna 1")
    assert table[0] == (1, first.split(";"))


def test_somebody_who_says_it_is_believed():
    assert look("11999998888\n11988887777\n", has_header=True)[0].header == ("11999998888",)
    found, table = look("Nome;Celular\nAna;11999998888\n", has_header=False)
    assert (found.header, found.rows, table[0]) == (("Coluna 1", "Coluna 2"), 2, (1, ["Nome", "Celular"]))


def test_columns_are_guessed_by_their_content():
    found, _ = look(
        "17;Rio;Ana Souza;(11) 99999-8888;ana@exemplo.com.br;11 3333-4444\n"
        "18;Natal;Bia Lima;(11) 98888-7777;;\n"
        "19;Rio;Caio D'Ávila Jr.;;caio@exemplo.com.br;11 3333-4445\n"
    )
    assert found.guessed == {"name": "Coluna 3", "phone": "Coluna 4", "email": "Coluna 5"}
    places = columns(found)
    assert (places.name, places.phone, places.email) == (2, 3, 4)
    assert list(places.attributes) == ["Coluna 1", "Coluna 2", "Coluna 6"]


def test_a_column_of_area_codes_is_known_where_the_numbers_lack_them():
    found, _ = look("Ana Souza;11;99999-8888\nBia Lima;021;98888-7777\nCaio Sá;11999998888;\n", False)
    assert "ddd" not in found.guessed
    found, _ = look("Ana Souza;11;99999-8888\nBia Lima;021;98888-7777\nCaio Sá;31;9 7777-6666\n", False)
    assert found.guessed == {"name": "Coluna 1", "ddd": "Coluna 2", "phone": "Coluna 3"}


def test_what_is_told_wins_over_the_guess():
    found, _ = look("Ana Souza;11999998888;11988887777\nBia Lima;11999998887;11988887776\n")
    assert found.guessed["phone"] == "Coluna 2"
    places = columns(found, {"phone": "Coluna 3", "name": None})
    assert (places.phone, places.name) == (2, None)
    assert columns(found, {"email": "Coluna 1"}).name is None


def test_the_head_of_a_file_is_enough_to_know_it():
    line = "Ana Souza;11999998888;São Paulo\n".encode("cp1252")
    taken = []

    def chunks():
        for _ in range(10_000):
            taken.append(1)
            yield line * 100

    found = survey("csv", chunks(), head=True)
    assert (found.guessed, found.encoding) == ({"name": "Coluna 1", "phone": "Coluna 2"}, "cp1252")
    assert len(taken) < 100
