"""A whole spreadsheet as shops have them: 10,000 rows, semicolons, cp1252, every kind of number."""

from __future__ import annotations

import csv
import io
from collections import Counter

FIRST = ["João", "Conceição", "Antônio", "Ângela", "Íris", "Érica", "Otávio", "Übaldo"]
LAST = ["Gonçalves", "Araújo", "Magalhães", "D'Ávila", "Simões", "Frazão", "Müller"]


def rows():
    """(cells, what becomes of the row): the outcomes are worked out here, not by the product."""
    for i in range(10_000):
        name = f"{FIRST[i % 8]} {LAST[i % 7]} {i}"
        digits = f"9{10_000_000 + i}"
        kind, cells = i % 20, [name, "", f"p{i}@exemplo.com.br", "São Paulo"]
        spellings = {
            0: f"(11) {digits[:5]}-{digits[5:]}",
            1: f"+55 11 {digits}",
            2: f"0055 11 {digits}",
            3: f"55{'11'}{digits}",
            4: f"0{15}11{digits}",
            5: f"011 {digits}",
            6: f"'11{digits}",
            7: f"11{digits}.0",
            8: f"5,511{digits}E+12",
            9: f"11{digits} / 11988887777",
        }
        if kind in spellings:
            cells[1] = spellings[kind]
            yield cells, "created"
        elif kind == 10:
            fixed = i % 40 < 20
            cells[1] = f"11 3{digits[2:]}" if fixed else f"11 1{digits[2:]}"
            yield cells, "created" if fixed else "rejected"
        elif kind == 11:
            cells[1] = f"119{10_000_000 + i - 11}"
            yield cells, "updated"
        elif kind == 12:
            yield cells, "created"
        else:
            wrong = {13: "123", 14: "1,1E+10", 15: digits, 16: "0800 123 4567", 17: "sem telefone"}
            cells[1] = wrong.get(kind, "")
            if kind == 18:
                cells[2] = "não tem"
            if kind == 19:
                cells = ["", f"11{digits}", "", ""]
            yield cells, "rejected"


def test_ten_thousand_rows_of_every_kind_add_up(api, imported, list_id):
    table = list(rows())
    expected = Counter(outcome for _, outcome in table)
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(["Nome", "Celular", "E-mail", "Cidade"])
    for i, (cells, _) in enumerate(table):
        writer.writerow(cells)
        if i % 1_000 == 0:
            out.write(";;;\r\n")
    data = out.getvalue().encode("cp1252")

    done = imported(data)
    assert done["status"] == "completed"
    assert done["total_rows"] == 10_000
    assert {name: done[f"{name}_count"] for name in ("created", "updated", "skipped", "rejected")} == {
        "created": expected["created"],
        "updated": expected["updated"],
        "skipped": 0,
        "rejected": expected["rejected"],
    }
    assert api.get(f"/contact-lists/{list_id}").get_json()["contact_count"] == expected["created"]
    [angela] = api.get(f"/contact-lists/{list_id}/contacts", phone="11910000000").get_json()["data"]
    assert angela["name"] == "Ângela Simões 11"  # row 11 came later with the number of row 0
    rejects = api.get(done["rejects_url"].partition("/api/v1")[2]).get_data().decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(rejects), delimiter=";"))) == expected["rejected"] + 1

    again = imported(data)
    assert again["created_count"] == 0
    assert again["updated_count"] == expected["created"] + expected["updated"]
    assert again["rejected_count"] == expected["rejected"]
