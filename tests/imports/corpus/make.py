"""Writes the corpus beside itself, the same bytes at every run: `python -m tests.imports.corpus.make`.

What must become of each file is in `expected.toml`, worked out by hand and not by the product.
"""

from __future__ import annotations

import datetime
import gzip
import io
import zipfile
from pathlib import Path

import xlsxwriter

from tests.imports.workbooks import by_hand, zipped

HERE = Path(__file__).parent

#: The three that most files hold: (11) mobile, 21 mobile, 31 landline.
THREE = [
    ("Nome", "Telefone", "Cidade"),
    ("João Conceição", "(11) 98765-4321", "São Paulo"),
    ("Ângela D'Ávila", "21987654322", "Niterói"),
    ("Zé Müller", "31 3222-3344", "Belo Horizonte"),
]


def text(rows=THREE, separator=";", end="\r\n") -> str:
    return "".join(separator.join(row) + end for row in rows)


def three(header: str, *rows: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (header, *rows)).encode()


# fmt: off
CSV: dict[str, bytes] = {
    # dialects and encodings
    "semicolon_cp1252": text().encode("cp1252"),
    "comma_utf8": text(separator=",", end="\n").encode(),
    "tab_utf8_bom": text(separator="\t").encode("utf-8-sig"),
    "pipe_utf8": text(separator="|", end="\n").encode(),
    "utf16_le_bom": b"\xff\xfe" + text(separator="\t").encode("utf-16-le"),
    "utf16_be_bom": b"\xfe\xff" + text(separator="\t").encode("utf-16-be"),
    "utf16_le_bare": text(separator=";").encode("utf-16-le"),
    "utf16_be_bare": text(separator=";").encode("utf-16-be"),
    "old_mac_line_ends": text(end="\r").encode("cp1252"),
    "no_last_line_end": text().rstrip().encode(),
    "sep_line": b"sep=,\r\n" + text(separator=",").encode("cp1252"),
    "sep_line_quoted_bom": b'\xef\xbb\xbf"sep=|"\r\n' + text(separator="|").encode(),
    "broken_utf8_byte": text().encode() + "José;11987654324;Ubá\r\n".encode("cp1252"),
    "nul_bytes": text().encode().replace(b"Jo", b"J\0o"),
    # shapes
    "quoted_newlines": three(
        "Nome;Telefone;Observação",
        '"João\r\nda Silva";11987654321;"linha 1\nlinha 2; com ponto e vírgula"',
        '"Ana ""Nina"" Souza";"21987654322";""',
    ),
    "quoted_separators": three('"Nome","Telefone"', '"Silva, João","11987654321"', '"Souza, Ana","21987654322"'),
    "ragged_rows": three(
        "Nome;Telefone;Cidade", "João;11987654321", "Ana;21987654322;Rio;sobra;mais", "Só nome", ";11987654323;"
    ),
    "blank_rows": b"\r\n;;\r\n"
    + text().encode().replace(b"Z\xc3\xa9", b" ; ;\r\n\r\n\t\r\nZ\xc3\xa9") + b";;;\r\n\r\n",
    "doubled_headers": three("Nome;Telefone;Nota;Nota;nota", "João;11987654321;a;b;c"),
    "missing_headers": three(";Celular;;", "João;11987654321;x;y", "Ana;21987654322;;z"),
    "no_header": three("João Silva;11987654321;joao@exemplo.com.br;Rio", "Ana Souza;21987654322;;Natal"),
    "no_header_single_column": b"11987654321\n(21) 98765-4322\n31 3222-3344\n123\n",
    "header_only": three("Nome;Telefone"),
    "one_column": three("whatsapp", "11987654321", "21 98765 4322"),
    "decimal_commas": three("Nome;Celular;Valor", "João;11987654321;1.234,56", "Ana;21987654322;0,99"),
    "names_with_semicolons_rows_with_commas": three("Nome;Celular", '"a;b";11987654321', "Silva, Ana, Rio;21987654322"),
    "many_columns": three(
        "Nome;Celular;" + ";".join(f"c{i}" for i in range(198)), "João;11987654321;" + ";".join(["v"] * 198)
    ),
    # mapping
    "english_headers": three(
        "First name,Last name,Mobile,Phone,E-mail,City",
        "John,Souza,11987654321,1132223344,john@example.com,Santos",
        "Mary,Lima,,1132223345,mary@example.com,Santos",
    ),
    "spanish_headers": three(
        "Nombre;Apellidos;Teléfono móvil;Correo electrónico", "José;García;+34 612 345 678;jose@example.com"
    ),
    "ddd_column": three(
        "Nome;DDD;Telefone", "João;11;98765-4321", "Ana;021;8765-4322", "Zé;;98765-4323", "Bia;20;98765-4324"
    ),
    "mobile_before_landline": three("Cliente;Telefone fixo;Celular", "João;1132223344;11987654321", "Ana;1132223344;"),
    # numbers
    "spellings": three(
        "Nome;Telefone",
        *(
            f"P{i};{spelling}"
            for i, spelling in enumerate(
                [
                    "(11) 98765-4300", "+55 (11) 98765-4301", "5511987654302", "005511987654303",
                    "+55 55 11 98765-4304", "011 98765-4305", "0 15 11 98765-4306", "0xx11 98765-4307",
                    "'11987654308", '"=""11987654309"""', "11.98765.4310", "tel:+55-11-98765-4311",
                    "55 011 98765-4312", "11987654313.0", "11 9 8765-4314", "+0055 11 98765-4315",
                ]
            )
        ),
    ),
    "old_mobiles": three(
        "Nome;Celular", "João;1187654321", "Ana;+55 21 8765-4322", "Zé;(31) 7777-1234", "Bia;1132223344",
    ),
    "several_numbers": three(
        "Nome;Telefone",
        "João;11987654321 / 11987654399",
        "Ana;21987654322 ou 3222-3344",
        "Zé;123, 31987654323",
        'Bia;"41987654324\n41987654325"',
    ),
    "other_countries": three(
        "Nome;Telefone", "Rui;+351 912 345 678", "Eva;+1 (202) 555-0143", "Ivo;00351912345679", "Leo;+999 12345678"
    ),
    "wrong_numbers": three(
        "Nome;Telefone", "A;123", "B;0800 123 4567", "C;4004-1234", "D;(20) 98765-4321", "E;98765-4321",
        "F;sem telefone", "G;11 68765-43210", "H;", "I;190",
    ),
    "default_ddd": three("Nome;Telefone", "João;98765-4321", "Ana;8765-4322", "Zé;(21) 98765-4323", "Bia;4004-1234"),
    # Excel's damage
    "scientific": three(
        "Nome;Telefone",
        "João;5,511987654321E+12",
        "Ana;1.1987654322E+10",
        "Zé;5,51199E+12",
        "Bia;1,1E+10",
    ),
    "floats_and_zeros": three(
        "Nome;DDD;Telefone", "João;11.0;987654321.0", "Ana;21,0;987654322,00", "Zé;;011987654323", "Bia;;11987654324.0"
    ),
    "error_cells": three(
        "Nome;Telefone;E-mail;Cidade",
        "João;11987654321;joao@exemplo.com;#N/D",
        "Ana;#REF!;ana@exemplo.com;Rio",
        "#VALOR!;21987654323;;Rio",
        "Bia;#N/D;#N/D;",
    ),
    "formulas": three(
        "Nome;Telefone", "=1+1;11987654321", "@SUM(A1);21987654322", "-João;31987654323", '"=HYPERLINK(""x"")";1'
    ),
    # people
    "no_names": three("Nome;Telefone", ";11987654321", " ;21987654322", "Zé;31987654323"),
    "only_addresses": three(
        "Nome;E-mail", "João;joao@exemplo.com.br", "Ana; ANA@exemplo.com.br ", "Zé;não tem", "Bia;bia@", "Eva;"
    ),
    "doubled_people": three(
        "Nome;Telefone;E-mail", "João;11987654321;", "João S.;(11) 98765-4321;joao@exemplo.com",
        "Ana;;ana@exemplo.com", "Ana S.;;ANA@exemplo.com", "Zé;1187654321;",
    ),
    "invalid_addresses": three("Nome;Telefone;E-mail", "João;11987654321;não tem", "Ana;21987654322;ana@exemplo"),
    "long_name": three("Nome;Telefone", f"{'João ' * 60};11987654321"),
    "emoji_and_direction": three(
        "Nome;Telefone", "João 🎉👨‍👩‍👧;11987654321", "\u202eAna\u200b;\u200e21987654322\u200f",
    ),
    # what is refused
    "wide": three("Nome;Celular", "João;11987654321" + ";x" * 200),
    "unclosed_quote": three("Nome;Celular", '"João;11987654321', *(["Ana;21987654322;" + "x" * 60] * 1_500)),
    "long_cell": three("Nome;Celular", "João;" + "9" * 103_000),
    "empty": b"",
    "blank": b"\r\n;;;\r\n   \r\n",
    "no_phone_column": three("Nome;CPF", "João;12345678909"),
    "page.html": b"<!DOCTYPE html><html><body><table><tr><td>Nome</td></tr></table></body></html>",
    "letter.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n",
    "photo.jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(64),
    "old_excel.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504),
    "packed.gz": gzip.compress(text().encode(), mtime=0),
    # all at once
    "everything": (
        "sep=;\r\n;;;;;;\r\n"
        "Nome;Sobrenome;DDD;Celular;Telefone fixo;E-mail;Plano;Plano\r\n"
        'João;"da\r\nSilva";11;98765-4321;;JOAO@exemplo.com.br;Ouro;x\r\n'
        ";;;;;;;;\r\n"
        "Ângela;D'Ávila;;5,521987654322E+12;;sem;Prata;#N/D\r\n"
        "Zé;;31;8765-4323 / 3222-3344;;;;;sobra\r\n"
        "Íris;;;;1132223344;iris@exemplo.com.br;;\r\n"
        "Rui;Pinto;;+351 912 345 678;;;;\r\n"
        ";;11;98765-4327;;;;\r\n"
        "Bia;;;1,1E+10;;;;\r\n"
        "Caio;;;98765-4329;;;;\r\n"
        "João;Silva Neto;;055 11 98765 4321;;;;y\r\n"
        "Eva;;;;;;;\r\n"
        ";;;;;;;;;\r\n"
    ).encode("cp1252"),
}

# fmt: on


def sheet(rows, *, name="Clientes", formats=None, before=()) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "dd/mm/yyyy"}) as book:
        book.set_properties({"created": datetime.datetime(2026, 1, 1)})  # noqa: DTZ001 - a workbook has no zones
        styles = {column: book.add_format({"num_format": code}) for column, code in (formats or {}).items()}
        for other in before:
            book.add_worksheet(other)
        page = book.add_worksheet(name)
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                if isinstance(cell, str):
                    page.write_string(i, j, cell)
                elif cell is not None:
                    page.write(i, j, cell, *([styles[j]] if j in styles else []))
    with zipfile.ZipFile(io.BytesIO(out.getvalue())) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()})


BIRTHDAY = datetime.date(1990, 12, 25)
FIRST_TEXT = "<row><c t='s'><v>0</v></c></row>"
LAUGHS = '<!DOCTYPE s [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)

# fmt: off
XLSX: dict[str, bytes] = {
    "workbook": sheet(THREE),
    "numbers_and_dates": sheet(
        [
            ("Nome", "Celular", "Nascimento", "Fatura", "CEP"),
            ("João", 11987654321, BIRTHDAY, 1234.5, 1310100),
            ("Ana", 5521987654322, BIRTHDAY, 10, 20040002),
            ("Zé", 3187654323, None, None, None),
            ("Bia", 987654324, None, None, None),
        ],
        formats={3: "R$ #,##0.00", 4: "00000000"},
    ),
    "second_sheet": sheet(THREE, before=("Capa", "Instruções")),
    "sheet_without_header": sheet([("João Silva", 11987654321), ("Ana Souza", "21 98765-4322"), (), ("Zé", "123")]),
    "texts_inside_cells": by_hand(
        "<row r='3'><c r='B3' t='inlineStr'><is><t>Nome</t></is></c>"
        "<c r='C3' t='inlineStr'><is><t>Celular</t></is></c></row>"
        "<row r='5'><c r='B5' t='inlineStr'><is><r><t>Jo</t></r><r><t>ão</t></r></is></c>"
        "<c><v>1.1987654321E10</v></c></row>"
        "<row r='6'><c r='C6' t='e'><v>#N/A</v></c><c r='B6' t='str'><f>A1</f><v>Ana</v></c></row>"
    ),
    "csv_called_xlsx": text().encode(),
    "document.docx": zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>"}),
    "damaged": sheet(THREE)[:-300],
    "laughs": by_hand(FIRST_TEXT, texts=f"{LAUGHS}]><sst><si><t>&i;</t></si></sst>"),
    "bomb": by_hand("<row/>" * 4_000_000),
    "empty_workbook": sheet([]),
}

# fmt: on


def main() -> None:
    for kind, files in (("csv", CSV), ("xlsx", XLSX)):
        for name, content in files.items():
            (HERE / (name if "." in name else f"{name}.{kind}")).write_bytes(content)


if __name__ == "__main__":
    main()
