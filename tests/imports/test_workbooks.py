"""Excel workbooks: read as a spreadsheet shows them, in little memory, and never trusted."""

from __future__ import annotations

import datetime
import io
import random
import struct
import tracemalloc
import zipfile

import pytest
import python_calamine
from hypothesis import given, settings
from hypothesis import strategies as st

from sintalk.imports import reading, tables, xlsx
from sintalk.imports.reading import Unreadable
from tests.imports.workbooks import by_hand, workbook, zipped

MOMENT = datetime.datetime(2026, 1, 2, 9, 30)  # noqa: DTZ001 - a spreadsheet has no zones


def read(data: bytes, step: int = 10_000, has_header: bool | None = None):
    chunks = [data[i : i + step] for i in range(0, len(data), step)]
    found = reading.survey("xlsx", chunks, has_header=has_header)
    table = list(reading.rows(chunks, found))
    assert len(table) == found.rows
    return found, table


def refused(data: bytes) -> str:
    with pytest.raises(Unreadable) as error:
        read(data)
    return error.value.code


def test_cells_read_as_a_spreadsheet_shows_them():
    rows = [
        ["Nome", "Celular", "Nascimento", "Fatura", "CEP", "Desconto", "Cliente"],
        ["João\nda Silva", 11999998888, datetime.date(1990, 12, 25), 1234.5, 1310100, 0.155, True],
        ["Ana", 5.511988887777e12, MOMENT, 7, 99999999, 1, False],
        ["Bia", "(11) 97777-6666", None, 0.1 + 0.2, None, None, None],
    ]
    found, table = read(workbook(rows, formats={3: "R$ #,##0.00", 4: "00000000", 5: "0.0%"}))
    assert (found.kind, found.sheet, found.header) == ("xlsx", "Sheet1", tuple(rows[0]))
    assert table == [
        (2, ["João\nda Silva", "11999998888", "25/12/1990", "1234,50", "01310100", "15,5%", "VERDADEIRO"]),
        (3, ["Ana", "5511988887777", "02/01/2026 09:30", "7,00", "99999999", "100,0%", "FALSO"]),
        (4, ["Bia", "(11) 97777-6666", "", "0,30"]),
    ]


def test_the_first_visible_sheet_with_something_in_it_is_read_and_named():
    out = io.BytesIO()
    import xlsxwriter

    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        hidden = book.add_worksheet("Antigos")
        hidden.write_row(0, 0, ["Nome", "Celular"])
        hidden.hide()
        book.add_worksheet("Vazia").activate()
        people = book.add_worksheet("Clientes")
        people.write_row(1, 1, ["Nome", "Celular"])
        people.merge_range(2, 1, 2, 2, "11999998888")
        people.set_row(2, None, None, {"hidden": True})
    found, table = read(out.getvalue())
    assert (found.sheet, found.rows) == ("Clientes", 1)
    assert found.header == ("Coluna 1", "Nome", "Celular")
    assert table == [(3, ["", "11999998888"])]


def test_a_workbook_without_a_header_and_with_blank_rows_is_understood():
    found, table = read(workbook([[], ["Ana Lima", 11999998888], ["", " "], ["Bia Sá", 11988887777]]))
    assert found.guessed == {"name": "Coluna 1", "phone": "Coluna 2"}
    assert [number for number, _ in table] == [2, 4]


def test_texts_of_every_kind_are_joined_and_their_readings_left_out():
    sheet = (
        '<row r="2"><c r="A2" t="inlineStr"><is><r><t>An</t></r><r><t>a</t></r></is></c><c t="s"><v>0</v></c>'
        '<c r="D2" t="str"><f>A1&amp;B1</f><v>soma</v></c><c t="e"><v>#N/A</v></c></row><row><c><v>7</v></c></row>'
    )
    texts = "<sst><si><r><t>a_x000D_b</t></r><rPh sb='0'><t>no</t></rPh><r><t> c _xD800_</t></r></si></sst>"
    _, table = read(by_hand(sheet, texts=texts), has_header=False)
    assert table == [(2, ["Ana", "a\rb c _xD800_", "", "soma", "#N/A"]), (3, ["7"])]


def test_prefixed_names_are_read_too():
    sheet = '<x:worksheet xmlns:x="m"><x:sheetData><x:row><x:c><x:v>5</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    assert read(by_hand(sheet.encode()), has_header=False)[1] == [(1, ["5"])]


CELL = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12).filter(
        lambda text: text != "\ufffe" and "_x" not in text and "\ufffe" not in text and "\uffff" not in text
    ),
    st.integers(-(10**14), 10**14),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(
    table=st.lists(st.lists(CELL, min_size=1, max_size=5), min_size=1, max_size=8), step=st.integers(50, 9999)
)
def test_any_table_reads_back_as_written_and_as_calamine_reads_it(table, step):
    data = workbook(table)
    shown = [[_shown(cell) for cell in row] for row in table]
    expected = [row for row in map(_trimmed, shown) if "".join(row).strip(tables.BLANKS)]
    if not expected:
        assert refused(data) == "file_empty"
        return
    _, rows = read(data, step, has_header=False)
    assert [_trimmed(cells) for _, cells in rows] == expected
    other = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    theirs = [_trimmed([_shown(cell) for cell in row]) for row in other]
    assert [row for row in theirs if "".join(row).strip(tables.BLANKS)] == expected


def _shown(cell) -> str:
    if isinstance(cell, bool):
        return "VERDADEIRO" if cell else "FALSO"
    return str(int(cell)) if isinstance(cell, float) else str(cell)


def _trimmed(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row = row[:-1]
    return row


DOCTYPE = '<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
EMPTY_ROW = "<row/>"
FIRST_TEXT = '<row><c t="s"><v>0</v></c></row>'


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"Nome;Celular\n", "not_an_xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "not_an_xlsx"),
        (workbook([["Nome"]])[:-40], "not_an_xlsx"),
        (workbook([["Nome"]])[:900], "not_an_xlsx"),
        (zipped({"word/document.xml": "<w/>"}), "not_an_xlsx"),
        (zipped({f"{i}.xml": "" for i in range(1_001)}), "not_an_xlsx"),
        (workbook([[]]), "file_empty"),
        (by_hand("<row><c><v>1</v></row>"), "not_an_xlsx"),
        (by_hand('<row><c r="?"><v>1</v></c></row>'), "not_an_xlsx"),
        (by_hand('<row><c t="s"><v>5</v></c></row>'), "not_an_xlsx"),
        (by_hand('<row r="99999999999"><c><v>5</v></c></row>'), "not_an_xlsx"),
        (by_hand(f"{DOCTYPE}<worksheet/>".encode()), "not_an_xlsx"),
        (by_hand("<row/>", texts=f"{DOCTYPE}<sst><si><t>&b;</t></si></sst>"), "file_empty"),
        (by_hand(FIRST_TEXT, texts=f"{DOCTYPE}<sst><si><t>&b;</t></si></sst>"), "not_an_xlsx"),
        (by_hand('<row><c r="GS1"><v>1</v></c></row>'), "too_many_columns"),
        (by_hand("<row>" + "<c><v>1</v></c>" * 17_000 + "</row>"), "too_many_columns"),
        (by_hand(f'<row><c t="str"><v>{"a" * 103_000}</v></c></row>'), "cell_too_large"),
        (by_hand(FIRST_TEXT, texts=f"<sst><si><t>{'a' * 103_000}</t></si></sst>"), "cell_too_large"),
        (by_hand("<row>" + f'<c t="str"><v>{"a" * 100_000}</v></c>' * 30 + "</row>"), "row_too_large"),
        (by_hand(f'<row><c r="{"A" * 3_000_000}"><v>1</v></c></row>'), "not_an_xlsx"),
        (by_hand(f"<!--{'x' * 3_000_000}--><row/>"), "not_an_xlsx"),
        (by_hand(EMPTY_ROW * 4_000_000), "unpacks_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_no_workbook_or_lies_about_itself_is_refused(data, code):
    assert refused(data) == code


def test_an_archive_whose_directory_lies_about_its_size_is_refused():
    data = bytearray(workbook([["Nome"]]))
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<I", data, end + 12, 0x7FFFFFFF)
    assert refused(bytes(data)) == "not_an_xlsx"


def test_a_member_that_claims_to_be_small_is_counted_as_it_comes():
    data = bytearray(by_hand(EMPTY_ROW * 4_000_000))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    real = struct.pack("<I", size)
    while (place := data.find(real)) >= 0:
        struct.pack_into("<I", data, place, 100)
    assert refused(bytes(data)) in ("unpacks_too_large", "not_an_xlsx")


def test_the_limit_of_unpacked_bytes_holds_for_honest_files_too(monkeypatch):
    monkeypatch.setattr(xlsx, "MAX_UNPACKED", 2_000)
    assert refused(workbook([["Nome"]] * 100)) == "unpacks_too_large"


def test_the_head_of_a_workbook_needs_little_of_it():
    texts = "".join(f"<si><t>Ana {i}</t></si>" for i in range(60_000))
    rows = "".join(
        f'<row><c t="s"><v>{i}</v></c><c><v>{11900000000 + i}</v></c></row>' for i in range(60_000)
    )
    data = by_hand(rows, texts=f"<sst>{texts}</sst>")
    beats: list[int] = []
    found = reading.survey("xlsx", [data], head=True, pulse=lambda: beats.append(1))
    assert (found.rows, found.guessed["phone"]) == (reading.HEAD_ROWS, "Coluna 2")
    few = len(beats)
    whole = reading.survey("xlsx", [data], pulse=lambda: beats.append(1))
    assert whole.rows == 60_000
    assert len(beats) - few > 5 * few


def test_memory_does_not_grow_with_the_workbook():
    order = list(range(20_000))
    random.Random(7).shuffle(order)

    def peak(count: int) -> int:
        texts = "".join(f"<si><t>Ana Maria de Souza {i}</t></si>" for i in range(count))
        rows = "".join(f'<row><c t="s"><v>{i % count}</v></c></row>' for i in order)
        data = by_hand(rows, texts=f"<sst>{texts}</sst>")
        tracemalloc.start()
        assert read(data, has_header=False)[0].rows == 20_000
        size = tracemalloc.get_traced_memory()[1] - len(data)
        tracemalloc.stop()
        return size

    assert peak(20_000) < peak(100) + 16 * 1024 * 1024
