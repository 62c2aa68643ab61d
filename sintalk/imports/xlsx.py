"""Reads one sheet of an Excel workbook (.xlsx) as a stream: its memory does not grow with the file. Pure.

A workbook is a zip of XML. The archive and its shared texts lie in temporary files, everything else passes
through in small blocks: expat makes events of them, and each row is let go before the next. Limits are kept
by counting what really comes, never by what headers claim: unpacked bytes against the size of the archive,
the length of every token, cell and row. A document type, and with it every entity, is refused.

python-calamine, fast as it is, keeps whole sheets in memory, so the tests have it as the second opinion only.
"""

from __future__ import annotations

import posixpath
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from typing import IO, Any
from xml.parsers import expat

from sintalk.imports import tables
from sintalk.imports.spreadsheets import Formats, SharedTexts
from sintalk.imports.tables import Records, Unreadable, checked
from sintalk.imports.xlsx_parts import Rows, Tags, Texts

#: Bytes that all parts we read may unpack to, and how many times the archive that may be.
MAX_UNPACKED = 2 * 1024**3
MAX_RATIO = 100
_SMALL = 16 * 1024 * 1024
_BLOCK = 64 * 1024
#: Bytes of one read of the archive, so of its directory; entries in it; bytes of one tag or comment.
_MAX_READ = 1024 * 1024
_MAX_ENTRIES = 1_000
_MAX_TOKEN = 1024 * 1024
_MAX_SHEETS = 1_000

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    EOFError,
    KeyError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
Pulse = Callable[[], None]


class Book:
    """An opened workbook: a scan of its first sheet with something in it, or of the one of this name."""

    encoding = ""
    separator = ""

    def __init__(self, archive: zipfile.ZipFile, size: int, texts: IO[bytes], pulse: Pulse) -> None:
        self._archive = archive
        self._size = size
        self._pulse = pulse
        self._unpacked = 0
        workbook, sheets, parts = self._contents()
        self._sheets = sheets
        self._formats = Formats(workbook.get("date1904") in ("1", "true"))
        self._styles(parts.get("styles"))
        self._texts = SharedTexts(texts, self._text_items(parts.get("sharedStrings")))
        self.sheet = ""
        self._rows_at_most: int | None = None

    def head(self, count: int) -> Book:
        """The same, of which only so many rows are read."""
        self._rows_at_most = count
        return self

    def __iter__(self) -> Records:
        with _read_faults():
            for name, part in self._sheets:
                rows = checked(self._rows(part))
                first = next(rows, None)
                if first is not None:
                    self.sheet = name
                    yield first
                    more = self._rows_at_most
                    yield from rows if more is None else islice(rows, more - 1)
                    return

    def of(self, sheet: str) -> Records:
        """The rows of this sheet that are not blank."""
        with _read_faults():
            for name, part in self._sheets:
                if name == sheet:
                    yield from checked(self._rows(part))
                    return

    def text(self, cell: str) -> str:
        return cell

    def _contents(self) -> tuple[dict[str, str], list[tuple[str, str]], dict[str, str]]:
        """The workbook's properties, (name, part) of its sheets, visible ones first, and its other parts by kind."""
        main = self._related("").get("officeDocument", ["xl/workbook.xml"])[0]
        parts = self._targets(main)
        properties: dict[str, str] = {}
        sheets: list[tuple[bool, str, str]] = []
        for tag, values in self._tags(main):
            if tag == "workbookPr":
                properties = values
            elif tag == "sheet" and len(sheets) < _MAX_SHEETS:
                kind, part = parts.get(values.get("id", ""), ("", ""))
                if kind == "worksheet":
                    sheets.append((values.get("state", "visible") != "visible", values.get("name", ""), part))
        sheets.sort(key=lambda sheet: sheet[0])
        others = {kind: part for kind, part in parts.values() if kind != "worksheet"}
        return properties, [(name, part) for _, name, part in sheets], others

    def _related(self, part: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for kind, target in self._targets(part).values():
            found.setdefault(kind, []).append(target)
        return found

    def _targets(self, part: str) -> dict[str, tuple[str, str]]:
        """What this part refers to: id -> (kind, part)."""
        folder, name = posixpath.split(part)
        found: dict[str, tuple[str, str]] = {}
        for tag, values in self._tags(posixpath.join(folder, "_rels", f"{name}.rels")):
            if tag == "Relationship" and values.get("TargetMode") != "External" and len(found) < _MAX_SHEETS:
                target = posixpath.normpath(posixpath.join("/", folder, values.get("Target", ""))).lstrip("/")
                found[values.get("Id", "")] = (values.get("Type", "").rpartition("/")[2], target)
        return found

    def _styles(self, part: str | None) -> None:
        if part is None:
            return
        inside = False
        for tag, values in self._tags(part):
            if tag == "numFmt":
                self._formats.learn(values.get("numFmtId", ""), values.get("formatCode", ""))
            elif tag in ("cellXfs", "cellStyles"):
                inside = tag == "cellXfs"
            elif tag == "xf" and inside:
                self._formats.add(values.get("numFmtId", "0"))

    def _text_items(self, part: str | None) -> Iterator[str]:
        """The shared texts, one after the other, without their formatting and without the readings of Kanji."""
        return self._parsed(part, Texts) if part else iter(())

    def _rows(self, part: str) -> Iterator[tuple[int, list[str]]]:
        for number, cells in self._parsed(part, Rows):
            yield number, self._row(number, cells)

    def _row(self, number: int, cells: list[tuple[int, str, str, str]]) -> list[str]:
        row: list[str] = []
        for column, kind, style, raw in cells:
            text = self._value(kind, style, raw)
            if len(text) > tables.MAX_CELL:
                raise Unreadable("cell_too_large", number)
            if column >= tables.MAX_COLUMNS:
                if text.strip():
                    raise Unreadable("too_many_columns", number)
                continue
            while len(row) <= column:
                row.append("")
            row[column] = text
        return row

    def _value(self, kind: str, style: str, raw: str) -> str:
        if kind == "s":
            return self._texts[int(raw)] if raw else ""
        if kind == "n":
            return self._formats.shown(raw, style)
        if kind == "b":
            return "VERDADEIRO" if raw.strip() == "1" else "FALSO"
        return SharedTexts.plain(raw)

    def _tags(self, part: str) -> Iterator[tuple[str, dict[str, str]]]:
        return self._parsed(part, Tags)

    def _parsed(self, part: str, kind: Callable[[], Any]) -> Iterator[Any]:
        """What this reader of events makes of a part, block by block."""
        maker = kind()
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = maker.start
        parser.EndElementHandler = maker.end
        parser.CharacterDataHandler = maker.characters
        parser.StartDoctypeDeclHandler = _no_doctype
        fed = 0
        with self._archive.open(self._safe(part)) as stream:
            while block := stream.read(_BLOCK):
                self._count(len(block))
                fed += len(block)
                parser.Parse(block, False)
                if fed - max(parser.CurrentByteIndex, 0) > _MAX_TOKEN:
                    raise Unreadable("not_an_xlsx")
                yield from maker.made()
        parser.Parse(b"", True)
        yield from maker.made()

    def _safe(self, part: str) -> zipfile.ZipInfo:
        info = self._archive.getinfo(part)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            raise Unreadable("not_an_xlsx")
        return info

    def _count(self, more: int) -> None:
        self._pulse()
        self._unpacked += more
        if self._unpacked > MAX_UNPACKED or self._unpacked > max(_SMALL, MAX_RATIO * self._size):
            raise Unreadable("unpacks_too_large")


@contextmanager
def opened(chunks: Iterable[bytes], pulse: Pulse = lambda: None) -> Iterator[Book]:
    """The workbook in these bytes; `pulse` is called now and then while it is read. Raises Unreadable."""
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile())
        size = 0
        for chunk in chunks:
            pulse()
            size += len(chunk)
            if size > tables.MAX_BYTES:
                raise Unreadable("file_too_large")
            file.write(chunk)
        if not size:
            raise Unreadable("file_empty")
        with _read_faults():
            archive = stack.enter_context(closing(zipfile.ZipFile(_Careful(file, size))))
            if len(archive.infolist()) > _MAX_ENTRIES:
                raise Unreadable("not_an_xlsx")
            texts = stack.enter_context(tempfile.TemporaryFile())
            book = Book(archive, size, texts, pulse)
        yield book


class _Careful:
    """A file that gives little at a time, whatever an archive's directory claims about its own size."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._size = size
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def seekable(self) -> bool:
        return True

    def read(self, length: int = -1) -> bytes:
        left = max(self._size - self._file.tell(), 0)
        length = left if length < 0 else min(length, left)
        if length > _MAX_READ:
            raise zipfile.BadZipFile
        return self._file.read(length)


def _no_doctype(*_: Any) -> None:
    raise Unreadable("not_an_xlsx")


@contextmanager
def _read_faults() -> Iterator[None]:
    """What zip and XML complain about is a file that is no workbook."""
    try:
        yield
    except Unreadable:
        raise
    except _DAMAGED as error:
        raise Unreadable("not_an_xlsx") from error
