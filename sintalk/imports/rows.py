"""Reads messy tables of text as a stream: bytes in, numbered rows out. Pure, and its memory does not grow.

A file is read twice. `survey()` goes through all of it once without keeping anything: it settles the
encoding, the separator and the header, counts the rows, and meets every limit before a single contact is
written. `rows()` then reads with what is known. A million rows are surveyed in about a second.

Encoding: a byte order mark decides; else the whole file is strict UTF-8 or it is cp1252, what Excel writes
in Brazil. Guessing libraries take short Portuguese texts for cp1250, which turns "João" into "Joăo".
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from sintalk.files import sniff

MAX_BYTES = 200 * 1024 * 1024
MAX_ROWS = 5_000_000
MAX_COLUMNS = 200
MAX_CELL = 100 * 1024
#: Characters between two line ends; keeps a file without line ends from filling the memory.
MAX_LINE = 8 * 1024 * 1024

SEPARATORS = ";,\t|"
_BLOCK = 256 * 1024
_SAMPLE_LINES = 200
_SEP_LINE = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
_UTF8_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}",
)

#: What a blank row is made of. ASCII only, so that the survey, which reads bytes, counts the same rows.
_BLANKS = " \t\n\v\f"

csv.field_size_limit(MAX_CELL)


class Unreadable(ValueError):
    """This is no table we take. `code` says why, `row` where (as a spreadsheet counts), if it is one place.

    Codes: `not_a_csv`, `file_empty`, `file_too_large`, `too_many_rows`, `too_many_columns`,
    `cell_too_large`, `row_too_large`.
    """

    def __init__(self, code: str, row: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.row = row


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a file is: its dialect, its header (each column with a name of its own), its number of rows."""

    encoding: str
    separator: str
    header: tuple[str, ...]
    rows: int

    @property
    def width(self) -> int:
        return len(self.header)


def survey(chunks: Iterable[bytes]) -> Survey:
    """Read a whole file, or only its head, and keep nothing of it. Raises Unreadable."""
    blocks = _Watched(_blocks(chunks))
    utf16 = blocks.first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    structure = "utf-16" if utf16 else "latin-1"
    lines = _lines(blocks, structure)
    sample = list(islice(lines, _SAMPLE_LINES))
    separator = _separator(sample)
    header: list[str] = []
    count = 0
    for number, cells in _records(_chained(sample, lines), separator):
        if not header:
            header = _header_cells(cells, number)
            continue
        count += 1
        if count > MAX_ROWS:
            raise Unreadable("too_many_rows", number)
    if not header:
        raise Unreadable("file_empty")
    encoding = "utf-16" if utf16 else blocks.encoding
    if not utf16:
        header = [cell.encode("latin-1").decode(encoding, "sintalk-cp1252") for cell in header]
    return Survey(encoding=encoding, separator=separator, header=_named(header), rows=count)


def rows(chunks: Iterable[bytes], found: Survey) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header as (number, cells), numbered as a spreadsheet does; blank rows are none."""
    lines = _lines(_blocks(chunks), found.encoding)
    records = _records(lines, found.separator)
    next(records, None)
    return records


def _chained(first: list[str], rest: Iterator[str]) -> Iterator[str]:
    """Gives the sampled lines again, and lets go of them, before the rest."""
    first.reverse()
    while first:
        yield first.pop()
    yield from rest


def _records(lines: Iterator[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    number = 0
    reader = csv.reader(_without_sep_line(lines), delimiter=separator)
    try:
        for number, cells in enumerate(reader, 1):
            if len(cells) > MAX_COLUMNS and "".join(cells[MAX_COLUMNS:]).strip(_BLANKS):
                raise Unreadable("too_many_columns", number)
            if "".join(cells).strip(_BLANKS):
                yield number, cells
    except csv.Error as error:
        raise Unreadable("cell_too_large", number + 1) from error


def _without_sep_line(lines: Iterator[str]) -> Iterator[str]:
    first = next(lines, None)
    if first is not None and not _SEP_LINE.fullmatch(first):
        yield first
    yield from lines


def _header_cells(cells: list[str], number: int) -> list[str]:
    while not cells[-1].strip(_BLANKS):
        cells.pop()
    if len(cells) > MAX_COLUMNS:
        raise Unreadable("too_many_columns", number)
    return cells


def _named(cells: list[str]) -> tuple[str, ...]:
    """Headers on one line, the nameless called Coluna 3, the second of the same name Telefone (2)."""
    names: list[str] = []
    taken: set[str] = set()
    for position, cell in enumerate(cells, 1):
        base = " ".join(cell.split())[:100] or f"Coluna {position}"
        name, count = base, 1
        while name.casefold() in taken:
            count += 1
            name = f"{base} ({count})"
        taken.add(name.casefold())
        names.append(name)
    return tuple(names)


def _separator(sample: list[str]) -> str:
    """What `sep=` says, else what cuts most rows as it cuts the header; the semicolon wins ties."""
    told = _SEP_LINE.fullmatch(sample[0]) if sample else None
    if told:
        return told[1]
    return max(SEPARATORS, key=lambda separator: _consistency(sample, separator))


def _consistency(sample: list[str], separator: str) -> float:
    try:
        widths = [len(cells) for cells in csv.reader(sample, delimiter=separator) if any(cells)]
    except csv.Error:
        return 0
    if not widths or widths[0] < 2:
        return 0
    return Counter(widths)[widths[0]] / len(widths)


# --- bytes -> text -> lines -------------------------------------------------------------------------------


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """A byte that its encoding does not know is read as cp1252, and the five that cp1252 lacks as latin-1."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    try:
        return wrong.decode("cp1252"), error.end
    except UnicodeDecodeError:
        return wrong.decode("latin-1"), error.end


codecs.register_error("sintalk-cp1252", _as_cp1252)


class _Watched:
    """Passes blocks through and settles the encoding on the way: strict UTF-8 or cp1252."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.first = next(blocks, b"")
        self._blocks = blocks
        self._strict: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._seen_utf8 = self.first.startswith(codecs.BOM_UTF8)
        self.encoding = "utf-8"
        kind = sniff.kind(self.first[: sniff.HEAD])
        if kind != "text":
            raise Unreadable("file_empty" if kind == "empty" else "not_a_csv")

    def __iter__(self) -> Iterator[bytes]:
        self._watch(self.first)
        yield self.first
        for block in self._blocks:
            self._watch(block)
            yield block

    def _watch(self, block: bytes) -> None:
        if self._strict is None:
            return
        try:
            text = self._strict.decode(block)
            self._seen_utf8 = self._seen_utf8 or not text.isascii()
        except UnicodeDecodeError:
            self._strict = None
            self.encoding = "utf-8" if self._seen_utf8 or _mostly_utf8(block) else "cp1252"


def _mostly_utf8(block: bytes) -> bool:
    """UTF-8 with a few broken bytes in it; cp1252 text forms next to no valid sequences by chance."""
    sequences = len(_UTF8_SEQUENCE.findall(block))
    rest = _UTF8_SEQUENCE.sub(b"", block)
    return sequences > sum(byte > 127 for byte in rest)


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks of one size, whatever the network gave, so that two readings of a file never differ."""
    pending = bytearray()
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > MAX_BYTES:
            raise Unreadable("file_too_large")
        pending += chunk
        while len(pending) >= _BLOCK:
            yield bytes(pending[:_BLOCK])
            del pending[:_BLOCK]
    if pending:
        yield bytes(pending)


def _lines(blocks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Lines ending in one newline each: \\r\\n, \\n and a lone \\r all end a line. NULs vanish."""
    errors = "replace" if encoding == "utf-16" else "sintalk-cp1252"
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(errors), translate=True)
    pending = ""
    first = True
    for block in blocks:
        if first and encoding != "utf-16":
            block = block.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901
        first = False
        *whole, pending = (pending + decoder.decode(block).replace("\0", "")).split("\n")
        if len(pending) > MAX_LINE:
            raise Unreadable("row_too_large")
        for line in whole:
            yield line + "\n"
    pending += decoder.decode(b"", final=True)
    if pending:
        yield pending
