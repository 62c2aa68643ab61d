"""Reads a big file as the import does and prints its most memory: `python -m tests.imports.weighing csv`."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from sintalk.imports import reading
from sintalk.imports.batches import ahead, batches
from sintalk.imports.people import Reader

_LINE = "João da Silva Conceição {i};(11) 9{n:08d};joao{i}@exemplo.com.br;São Paulo;Plano ouro {i} com observação\r\n"
_ROW = (
    '<row><c t="s"><v>{i}</v></c><c><v>119{n:08d}</v></c><c t="inlineStr"><is><t>Rua {i}</t></is></c></row>'
)


def ordinary(rows: int) -> Iterator[bytes]:
    """A CSV of so many people."""
    yield b"Nome;Celular;E-mail;Cidade;Nota\r\n"
    for start in range(0, rows, 1_000):
        lines = (_LINE.format(i=i, n=i) for i in range(start, start + 1_000))
        yield "".join(lines).encode("cp1252")


def heavy(rows: int) -> Iterator[bytes]:
    """Rows with nearly as much in them as a row may hold, of characters that take four bytes each."""
    yield ("Nome;Celular" + "".join(f";Nota {i}" for i in range(20)) + "\n").encode()
    notes = (";" + "🎉" * 25_000) * 20
    for i in range(rows):
        yield f"João {i};119{i:08d}{notes}\n".encode()


def write_workbook(path: Path, rows: int) -> None:
    """A workbook of so many people, each with a shared text of their own."""
    from tests.imports.workbooks import by_hand

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        import io

        with zipfile.ZipFile(io.BytesIO(by_hand(""))) as small:
            for name in small.namelist():
                if name not in ("xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"):
                    archive.writestr(name, small.read(name))
        with archive.open("xl/sharedStrings.xml", "w") as part:
            part.write(b"<sst>")
            for i in range(rows):
                part.write(f"<si><t>Maria da Conceicao {i}</t></si>".encode())
            part.write(b"</sst>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            part.write(b"<worksheet><sheetData>")
            for i in range(rows):
                part.write(_ROW.format(i=i, n=i).encode())
            part.write(b"</sheetData></worksheet>")


def stored(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(256 * 1024):
            yield block


def peak() -> int:
    """The most memory of this process in MiB. `ru_maxrss` would count that of the process which started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def main(what: str, path: str = "") -> None:
    """Survey and batches, the next one made while one is looked at, as the import does."""
    files = {
        "csv": lambda: ordinary(400_000),
        "heavy": lambda: heavy(40),
        "xlsx": lambda: stored(Path(path)),
    }
    kind = "xlsx" if what == "xlsx" else "csv"
    found = reading.survey(kind, files[what]())
    reader = Reader(reading.columns(found), found.width)
    count = 0
    for batch in ahead(batches(reading.rows(files[what](), found), reader, keep_first=False)):
        count += batch.rows
    print(count, peak())


if __name__ == "__main__":
    main(*sys.argv[1:])
