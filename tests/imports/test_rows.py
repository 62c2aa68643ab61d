"""Files as they come: any separator, any encoding, any damage."""

from __future__ import annotations

import csv
import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sintalk.imports import reading, tables
from sintalk.imports import rows as reader
from sintalk.imports.reading import Unreadable


def read(data: bytes | str, encoding: str = "utf-8", step: int = 7, has_header: bool | None = None):
    raw = data.encode(encoding) if isinstance(data, str) else data
    chunks = [raw[i : i + step] for i in range(0, len(raw), step)]
    found = reading.survey("csv", chunks, has_header=has_header)
    table = list(reading.rows(chunks, found))
    assert len(table) == found.rows
    return found, table


@pytest.mark.parametrize("separator", list(";,\t|"))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_it_reads_every_dialect_and_encoding(separator, encoding, end):
    text = end.join(
        separator.join(cells)
        for cells in [
            ["Nome", "Telefone", "Cidade"],
            ["João Conceição", "11999998888", "São Paulo"],
            ["Ânia", "1", "€"],
        ]
    )
    found, table = read(text, encoding)
    assert found.separator == separator
    assert found.header == ("Nome", "Telefone", "Cidade")
    assert table == [(2, ["João Conceição", "11999998888", "São Paulo"]), (3, ["Ânia", "1", "€"])]


def test_an_encoding_that_shows_only_late_is_still_found():
    lines = (
        ["Nome;Telefone\r\n"] + [f"Ana {i};11999998888\r\n" for i in range(30_000)] + ["João;11999998887\r\n"]
    )
    for encoding, name in (("cp1252", "cp1252"), ("utf-8", "utf-8")):
        found, table = read("".join(lines), encoding, step=65_536)
        assert found.encoding == name
        assert table[-1] == (30_002, ["João", "11999998887"])


def test_a_utf8_file_with_one_broken_byte_keeps_its_accents():
    data = "Nome;Telefone\nJoão Conceição;1\nÉrica Gonçalves;2\n".encode() + "José;3\n".encode("cp1252")
    found, table = read(data)
    assert found.encoding == "utf-8"
    assert [cells[0] for _, cells in table] == ["João Conceição", "Érica Gonçalves", "José"]


def test_bytes_that_cp1252_lacks_do_not_stop_it():
    _, table = read(b"Nome;Telefone\nJo\xe3o \x81\x8d;1\n")
    assert table == [(2, ["João \x81\x8d", "1"])]


def test_excels_sep_line_is_obeyed_and_is_no_row():
    found, table = read("sep=,\r\nNome,Telefone\r\nAna,1\r\n")
    assert (found.separator, found.header, table) == (",", ("Nome", "Telefone"), [(2, ["Ana", "1"])])


def test_quotes_hold_separators_quotes_and_line_breaks():
    _, table = read('Nome;Telefone\n"Ana ""Nina"" Souza; filha\r\nda Maria";1\nBia;2\n')
    assert table == [(2, ['Ana "Nina" Souza; filha\nda Maria', "1"]), (3, ["Bia", "2"])]


def test_blank_rows_are_no_rows_but_keep_their_numbers():
    found, table = read("\n;;\nNome;Telefone\n\nAna;1\n;;;\n   ;\nBia;2\n\n")
    assert found.header == ("Nome", "Telefone")
    assert [number for number, _ in table] == [5, 8]


def test_ragged_rows_come_as_they_are():
    found, table = read("Nome;Telefone;Cidade\nAna;1\nBia;2;Rio;a;b\nCaio;3;Natal\n")
    assert found.separator == ";"
    assert [len(cells) for _, cells in table] == [2, 5, 3]


def test_a_column_without_a_name_or_with_a_doubled_one_gets_its_own():
    found, _ = read("Nome;;Telefone;telefone;TELEFONE;;\nAna;x;1;2;3;;\n")
    assert found.header == ("Nome", "Coluna 2", "Telefone", "telefone (2)", "TELEFONE (3)")


def test_commas_inside_names_do_not_win_over_semicolons():
    found, _ = read("Nome;Telefone\nSilva, Ana;1\nSouza, Bia;2\n")
    assert found.separator == ";"


def test_a_single_column_is_a_table_too():
    found, table = read("telefone\n11999998888\n11999998887\n")
    assert found.header == ("telefone",)
    assert len(table) == 2


def test_nuls_vanish():
    _, table = read(b"Nome;Telefone\nA\x00na Maria da Silva de Souza e Albuquerque;1\n")
    assert table == [(2, ["Ana Maria da Silva de Souza e Albuquerque", "1"])]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"\r\n\r\n", "file_empty"),
        (b"\xef\xbb\xbf", "file_empty"),
        (b";;;\n;;\n", "file_empty"),
        (b"PK\x03\x04\x14\x00\x06\x00" + b"x" * 50, "not_a_csv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 50, "not_a_csv"),
        (b"%PDF-1.7\n", "not_a_csv"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not_a_csv"),
        (b"<!DOCTYPE html><html><table><tr><td>Nome", "not_a_csv"),
        (b"\xef\xbb\xbf  <html>", "not_a_csv"),
        (b'<?xml version="1.0"?>', "not_a_csv"),
        (bytes(range(256)) * 20, "not_a_csv"),
        (("a;" * 200 + "b\n").encode(), "too_many_columns"),
        (("Nome;Telefone\n" + "x;" * 200 + "x\n").encode(), "too_many_columns"),
        (("Nome;Telefone\nAna;" + "1" * 103_000).encode(), "cell_too_large"),
        (('Nome;Telefone\n"Ana;1\n' + "Bia;22222222222\n" * 7000).encode(), "cell_too_large"),
    ],
)
def test_it_refuses_what_is_no_table_and_says_why(data, code):
    with pytest.raises(Unreadable) as refused:
        read(data, step=65_536)
    assert refused.value.code == code


def test_the_fault_of_a_row_names_the_row():
    with pytest.raises(Unreadable) as refused:
        read("Nome;Telefone\nAna;1\nBia;" + "2" * 103_000 + "\nCaio;3\n", step=65_536)
    assert refused.value.row == 3


@pytest.mark.parametrize(
    ("limit", "value", "data", "code"),
    [
        ("MAX_ROWS", 3, "a;b\n" + "1;2\n" * 4, "too_many_rows"),
        ("MAX_BYTES", 20, "a;b\n" + "1;2\n" * 5, "file_too_large"),
        ("MAX_LINE", 300_000, "a;b\n" + "1" * 700_000, "row_too_large"),
    ],
)
def test_limits_of_rows_bytes_and_lines(monkeypatch, limit, value, data, code):
    monkeypatch.setattr(reader if limit == "MAX_LINE" else tables, limit, value)
    with pytest.raises(Unreadable) as refused:
        read(data, step=65_536)
    assert refused.value.code == code


def test_memory_does_not_grow_with_the_file():
    line = "João da Silva;11999998888;São Paulo\r\n".encode("cp1252") * 2000

    def peak(times: int) -> int:
        tracemalloc.start()
        found = reading.survey("csv", (line for _ in range(times)))
        assert sum(1 for _ in reading.rows((line for _ in range(times)), found)) == times * 2000
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(2)
    assert peak(40) < 2 * peak(10)


CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cc", "Cs"]), max_size=20
)


@settings(max_examples=150, deadline=None)
@given(
    table=st.integers(2, 5).flatmap(
        lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=8)
    ),
    separator=st.sampled_from(";,\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    step=st.integers(1, 50),
)
def test_any_table_written_in_any_dialect_reads_back(table, separator, end, encoding, step):
    header = [f"h{i}" for i in range(len(table[0]))]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([header, *table])
    found, read_back = read(out.getvalue(), encoding, step)
    assert found.separator == separator
    assert found.header == tuple(header)
    assert [cells for _, cells in read_back] == [r for r in table if "".join(r).strip(" \t\n\v\f")]


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=400), step=st.integers(1, 60))
def test_no_bytes_break_it_and_both_readings_agree(data, step):
    try:
        read(data, step=step)
    except Unreadable as refused:
        assert refused.code
