from __future__ import annotations

import pytest

from sintalk.imports.pasting import as_csv


@pytest.mark.parametrize(
    ("pasted", "rows"),
    [
        ("11999990001", ["11999990001"]),
        (
            "(11) 99999-0001, +55 21 98888-0002;31 97777.0003",
            ["(11) 99999-0001", "+55 21 98888-0002", "31 97777.0003"],
        ),
        ("\r\n11999990001\r\r\n 11999990002 \n\n", ["11999990001", "11999990002"]),
    ],
)
def test_numbers_alone_stand_one_a_row_under_a_header(pasted, rows):
    assert as_csv(pasted).decode().splitlines() == ["Telefone", *rows]


@pytest.mark.parametrize(
    "pasted", ["Ana;11999990001\nBia;11999990002", "11\t999990001\n21\t999990002", "Nome\nAna"]
)
def test_anything_else_keeps_its_columns(pasted):
    assert as_csv(pasted).decode().splitlines() == pasted.splitlines()


def test_what_no_file_can_hold_is_left_out():
    assert as_csv("Ana\0;1\ud800") == b"Ana;1\n"
